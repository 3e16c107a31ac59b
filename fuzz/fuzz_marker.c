/* SPDX-License-Identifier: MIT */
/*
 * The marker scanner: whole, and cut as the first bytes say, must give the same data and markers.  In the input byte 1
 * stands for RS and the token.
 */
#include "fuzz.h"

#include "base/bytes.h"
#include "engine/marker.h"

#include <string.h>

#define TOKEN "abcdefghijklmn"

typedef struct record {
    bytes seen;
    size_t total;
} record;

static void add(record *r, const char *data, size_t length) {
    fuzz_must(bytes_append(&r->seen, data, length), "memory");
}

static void on_data(void *owner, const char *data, size_t length) {
    record *r = owner;
    fuzz_must(length > 0, "data is never empty");
    r->total += length;
    add(r, data, length);
}

static bool on_marker(void *owner, const marker *m) {
    record *r = owner;
    fuzz_must(m->raw_length > 0 && m->raw[0] == marker_rs && m->raw[m->raw_length - 1] == '\n', "a marker is a line");
    fuzz_must(m->field_count <= marker_max_fields, "fields");
    for (size_t i = 0; i < m->field_count; i++)
        fuzz_must(m->fields[i].text >= m->raw && m->fields[i].text + m->fields[i].length <= m->raw + m->raw_length,
                  "fields are inside");
    if (m->number % 5 == 4)
        return false;
    r->total += m->raw_length;
    add(r, "<", 1);
    add(r, m->raw, m->raw_length);
    add(r, ">", 1);
    return true;
}

static void scan(const bytes *input, const uint8_t *cuts, size_t cut_count, record *r) {
    scanner s = {.token = TOKEN, .on_data = on_data, .on_marker = on_marker, .owner = r};
    size_t at = 0;
    for (size_t i = 0; at < bytes_length(input); i++) {
        size_t left = bytes_length(input) - at;
        size_t piece = cut_count ? (size_t)cuts[i % cut_count] + 1 : left;
        piece = piece < left ? piece : left;
        char *copy = malloc(piece);
        fuzz_must(copy != NULL, "memory");
        memcpy(copy, bytes_front(input) + at, piece);
        fuzz_must(scanner_feed(&s, copy, piece), "memory");
        free(copy);
        at += piece;
        fuzz_must(bytes_length(&s.carry) <= 2 * marker_max_bytes, "what is kept back is bounded");
    }
    /* Most of a marker, and no more of it to come, is nobody's output. */
    if (bytes_length(&s.carry) > 1 + marker_token_length)
        r->total += bytes_length(&s.carry);
    scanner_finish(&s);
    scanner_free(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { cut_count = 4 };
    if (size < cut_count || size > 3000)
        return 0;
    bytes input = {0};
    for (size_t i = cut_count; i < size; i++)
        fuzz_must(data[i] == 1 ? bytes_append(&input, "\036" TOKEN, 1 + marker_token_length)
                               : bytes_append(&input, &data[i], 1),
                  "memory");
    record whole = {0}, cut = {0};
    scan(&input, NULL, 0, &whole);
    scan(&input, data, cut_count, &cut);
    /* What ends inside a marker is dropped from there. */
    fuzz_must(whole.total <= bytes_length(&input) && cut.total <= bytes_length(&input), "no byte comes twice");
    fuzz_must(whole.total + 2 * marker_max_bytes >= bytes_length(&input), "no byte is lost");
    if (bytes_length(&input) < marker_max_bytes)
        fuzz_must(bytes_length(&whole.seen) == bytes_length(&cut.seen) &&
                      (bytes_length(&cut.seen) == 0 ||
                       memcmp(bytes_front(&whole.seen), bytes_front(&cut.seen), bytes_length(&cut.seen)) == 0),
                  "the cuts change nothing");
    bytes_free(&whole.seen);
    bytes_free(&cut.seen);
    bytes_free(&input);
    return 0;
}
