/* SPDX-License-Identifier: MIT */
/*
 * Telnet beside libtelnet: the same bytes must give the same data and the same answers to options.  Left out is what
 * libtelnet 0.21 gets wrong: it leaves the NUL behind a CR in the data, spills a subnegotiation that is too long for
 * it, and loses what is behind those that it reads itself and that are malformed; IAC where a subnegotiation's option
 * is due, which it takes for an option; and what it leaves to its user (what subnegotiations and timing marks are
 * answered with).
 */
#include "fuzz.h"

#include "engine/telnet/nvt.h"

#include <libtelnet.h>
#include <string.h>

/* libtelnet takes 16 kB for a subnegotiation. */
enum { most_bytes = 4096, iac = 255, sga = 3 };

/* TIMING-MARK; and what libtelnet reads itself: TTYPE, ENVIRON, NEW-ENVIRON, MSSP, COMPRESS2, ZMP. */
static const char left_out[] = {6, 24, 36, 39, 70, 86, 93};

typedef struct oracle {
    telnet_t *telnet;
    bytes data;
    bytes sent;
} oracle;

static void on_event(telnet_t *telnet, telnet_event_t *event, void *userdata) {
    oracle *o = userdata;
    (void)telnet;
    if (event->type == TELNET_EV_DATA)
        fuzz_must(bytes_append(&o->data, event->data.buffer, event->data.size), "memory");
    else if (event->type == TELNET_EV_SEND)
        fuzz_must(bytes_append(&o->sent, event->data.buffer, event->data.size), "memory");
}

static const telnet_telopt_t options[] = {{TELNET_TELOPT_BINARY, TELNET_WILL, TELNET_DO},
                                          {TELNET_TELOPT_ECHO, TELNET_WONT, TELNET_DO},
                                          {TELNET_TELOPT_SGA, TELNET_WILL, TELNET_DO},
                                          {TELNET_TELOPT_TTYPE, TELNET_WILL, TELNET_DONT},
                                          {TELNET_TELOPT_NAWS, TELNET_WILL, TELNET_DONT},
                                          {-1, 0, 0}};

/* Before the first command both ask for the same. */
static const uint8_t hello[] = {iac, 241};

static void ask_oracle(oracle *o) {
    telnet_negotiate(o->telnet, TELNET_DO, TELNET_TELOPT_SGA);
    telnet_negotiate(o->telnet, TELNET_DO, TELNET_TELOPT_BINARY);
    telnet_negotiate(o->telnet, TELNET_WILL, TELNET_TELOPT_BINARY);
}

/* Without NULs behind a CR, with or without a command in between. */
static void add_plain(bytes *to, const char *from, size_t length) {
    bool after_cr = false;
    for (size_t i = 0; i < length; i++) {
        if (after_cr && from[i] == 0)
            continue;
        after_cr = from[i] == '\r';
        fuzz_must(bytes_append(to, from + i, 1), "memory");
    }
}

/* Without subnegotiations. */
static void add_options(bytes *to, const bytes *from) {
    const unsigned char *at = (const unsigned char *)bytes_front(from);
    const unsigned char *end = at + bytes_length(from);
    for (; end - at >= 3; at += 3) {
        if (at[1] != 250) {
            fuzz_must(bytes_append(to, at, 3), "memory");
            continue;
        }
        for (at += 3; !(at[0] == iac && at[1] == 240); at += at[0] == iac ? 2 : 1)
            fuzz_must(end - at >= 2, "a subnegotiation ends");
        at -= 1;
    }
}

static void check_same(const bytes *ours, const bytes *theirs, const char *what) {
    fuzz_must(bytes_length(ours) == bytes_length(theirs) &&
                  (bytes_length(ours) == 0 || memcmp(bytes_front(ours), bytes_front(theirs), bytes_length(ours)) == 0),
              what);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t no_option[] = {iac, 250, iac};
    if (size > most_bytes || memmem(data, size, no_option, sizeof no_option))
        return 0;
    char *wire = malloc(size + 1);
    fuzz_must(wire != NULL, "memory");
    memcpy(wire, data, size);
    for (size_t i = 0; i < size; i++)
        if (memchr(left_out, wire[i], sizeof left_out))
            wire[i] = sga;
    nvt *n = nvt_new(&(nvt_config){.terminal_type = "dumb", .columns = 80, .rows = 24});
    oracle o = {.telnet = telnet_init(options, on_event, 0, &o)};
    fuzz_must(n && o.telnet, "memory");
    char first[sizeof hello];
    size_t length = sizeof hello;
    memcpy(first, hello, sizeof hello);
    fuzz_must(nvt_receive(n, first, &length) && length == 0, "a command is no data");
    ask_oracle(&o);

    telnet_recv(o.telnet, wire, size);
    length = size;
    fuzz_must(nvt_receive(n, wire, &length), "memory");

    bytes ours = {0}, theirs = {0};
    add_plain(&ours, wire, length);
    add_plain(&theirs, bytes_front(&o.data), bytes_length(&o.data));
    check_same(&ours, &theirs, "the data");
    bytes_clear(&ours);
    bytes_clear(&theirs);
    add_options(&ours, nvt_outgoing(n));
    add_options(&theirs, &o.sent);
    check_same(&ours, &theirs, "the options");
    bytes_free(&ours);
    bytes_free(&theirs);
    bytes_free(&o.data);
    bytes_free(&o.sent);
    telnet_free(o.telnet);
    nvt_free(n);
    free(wire);
    return 0;
}
