/* SPDX-License-Identifier: MIT */
/*
 * Telnet: what arrives, whole, and cut as the first bytes say, must give the same data and the same answers; these are
 * well formed and no longer than what was asked accounts for.  What is sent comes out the same at another of us.
 */
#include "fuzz.h"

#include "engine/telnet/nvt.h"

#include <string.h>

enum { cut_count = 4, most_bytes = 4096, iac = 255, sb = 250, se = 240 };

/* Of the answers: one question of three bytes may be answered by the window's size, of six by the environment. */
enum { answer_factor = 16 };

typedef struct outcome {
    bytes data;
    bytes sent;
} outcome;

static nvt *make(unsigned how) {
    static const char *const environment[] = {"USER=\377", "A\1=\2\3", "NONE", "B=", NULL};
    nvt *n = nvt_new(&(nvt_config){.terminal_type = "dumb",
                                   .columns = how & 2 ? 0xffff : 10000,
                                   .rows = 24,
                                   .environment = how & 1 ? environment : NULL});
    fuzz_must(n != NULL, "memory");
    return n;
}

static void receive(nvt *n, const uint8_t *at, size_t length, outcome *o) {
    char *copy = malloc(length ? length : 1);
    size_t got = length;
    fuzz_must(copy != NULL, "memory");
    memcpy(copy, at, length);
    fuzz_must(nvt_receive(n, copy, &got) && got <= length, "data is no longer than what came");
    fuzz_must(bytes_append(&o->data, copy, got), "memory");
    free(copy);
}

static void look_at_answers(const bytes *sent) {
    const unsigned char *at = (const unsigned char *)bytes_front(sent);
    const unsigned char *end = at + bytes_length(sent);
    while (at < end) {
        fuzz_must(end - at >= 3 && at[0] == iac && at[1] >= sb && at[1] < iac, "an answer is an option's");
        if (at[1] != sb) {
            at += 3;
            continue;
        }
        for (at += 3; end - at >= 2 && !(at[0] == iac && at[1] == se); at += at[0] == iac ? 2 : 1)
            fuzz_must(at[0] != iac || at[1] == iac, "IAC is doubled");
        fuzz_must(end - at >= 2, "a subnegotiation ends");
        at += 2;
    }
}

static void play(const uint8_t *data, size_t size, const uint8_t *cuts, unsigned how, outcome *o) {
    nvt *n = make(how);
    size_t at = 0;
    for (size_t i = 0; at < size; i++) {
        size_t piece = cuts ? (size_t)cuts[i % cut_count] % 64 + 1 : size;
        piece = piece < size - at ? piece : size - at;
        receive(n, data + at, piece, o);
        at += piece;
    }
    fuzz_must(bytes_append(&o->sent, bytes_front(nvt_outgoing(n)), bytes_length(nvt_outgoing(n))), "memory");
    nvt_free(n);
}

static bool same(const bytes *one, const bytes *other) {
    return bytes_length(one) == bytes_length(other) &&
           (bytes_length(one) == 0 || memcmp(bytes_front(one), bytes_front(other), bytes_length(one)) == 0);
}

/* Nothing was agreed on, so that both sides know how a CR is sent. */
static void send_and_receive(const uint8_t *data, size_t size, const uint8_t *cuts) {
    nvt *from = make(0);
    nvt *to = make(0);
    outcome got = {0};
    bytes wanted = {0};
    for (size_t at = 0, i = 0; at < size; i++) {
        size_t piece = (size_t)cuts[i % cut_count] % 64 + 1;
        piece = piece < size - at ? piece : size - at;
        fuzz_must(nvt_send(from, (const char *)data + at, piece), "memory");
        size_t length = bytes_length(nvt_outgoing(from));
        receive(to, (const uint8_t *)bytes_front(nvt_outgoing(from)), length, &got);
        nvt_sent(from, length);
        at += piece;
    }
    fuzz_must(bytes_append(&wanted, data, size) && same(&wanted, &got.data), "what is sent arrives");
    fuzz_must(bytes_length(nvt_outgoing(to)) == 0, "data asks for nothing");
    bytes_free(&wanted);
    bytes_free(&got.data);
    nvt_free(from);
    nvt_free(to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < cut_count + 1 || size > most_bytes)
        return 0;
    unsigned how = data[cut_count];
    const uint8_t *wire = data + cut_count + 1;
    size_t length = size - cut_count - 1;
    outcome whole = {0}, cut = {0};
    play(wire, length, NULL, how, &whole);
    play(wire, length, data, how, &cut);
    fuzz_must(same(&whole.data, &cut.data) && same(&whole.sent, &cut.sent), "the cuts change nothing");
    fuzz_must(bytes_length(&whole.sent) <= answer_factor * (length + 1), "answers are bounded");
    look_at_answers(&whole.sent);
    send_and_receive(wire, length, data);
    bytes_free(&whole.data);
    bytes_free(&whole.sent);
    bytes_free(&cut.data);
    bytes_free(&cut.sent);
    return 0;
}
