/* SPDX-License-Identifier: MIT */
#include "engine/redact.h"

#include <stdlib.h>
#include <string.h>

bool redactor_add(redactor *r, const char *secret, size_t length) {
    while (length && (secret[length - 1] == '\n' || secret[length - 1] == '\r'))
        length--;
    if (length < 3)
        return true;
    for (size_t i = 0; i < r->secret_count; i++)
        if (bytes_length(&r->secrets[i]) == length && memcmp(bytes_front(&r->secrets[i]), secret, length) == 0)
            return true;
    bytes *grown = realloc(r->secrets, (r->secret_count + 1) * sizeof *grown);
    if (!grown)
        return false;
    r->secrets = grown;
    grown[r->secret_count] = (bytes){0};
    if (!bytes_append(&grown[r->secret_count], secret, length))
        return false;
    r->secret_count++;
    return true;
}

/* The secret that is at `at`: its length when it is there whole, 0 when none is.  *ret_partial: one may be beginning.
 */
static size_t secret_at(const redactor *r, const char *at, size_t left, bool *ret_partial) {
    size_t longest = 0;
    *ret_partial = false;
    for (size_t i = 0; i < r->secret_count; i++) {
        const char *secret = bytes_front(&r->secrets[i]);
        size_t length = bytes_length(&r->secrets[i]);
        size_t compare = left < length ? left : length;
        if (memcmp(at, secret, compare) != 0)
            continue;
        if (compare == length && length > longest)
            longest = length;
        if (compare < length)
            *ret_partial = true;
    }
    return longest;
}

/* `last`: what may be the beginning of a secret is none. */
static bool blank(redactor *r, bool last, bytes *to) {
    const char *at = bytes_front(&r->held);
    const char *end = at + bytes_length(&r->held);
    const char *from = at;
    while (at < end) {
        bool partial;
        size_t found = secret_at(r, at, (size_t)(end - at), &partial);
        /* A longer secret may begin like this one. */
        if (partial && !last)
            break;
        if (!found) {
            at++;
            continue;
        }
        if (!bytes_append(to, from, (size_t)(at - from)) || !bytes_append(to, "***", 3))
            return false;
        at += found;
        from = at;
    }
    if (!bytes_append(to, from, (size_t)(at - from)))
        return false;
    bytes_consume(&r->held, (size_t)(at - bytes_front(&r->held)));
    return true;
}

bool redactor_feed(redactor *r, const char *data, size_t length, bytes *to) {
    if (r->secret_count == 0)
        return bytes_append(to, data, length);
    return bytes_append(&r->held, data, length) && blank(r, false, to);
}

bool redactor_flush(redactor *r, bytes *to) {
    return bytes_length(&r->held) == 0 || blank(r, true, to);
}

bool redactor_blank(const redactor *r, const char *data, size_t length, bytes *to) {
    redactor once = {r->secrets, r->secret_count, {0}};
    bool right = redactor_feed(&once, data, length, to) && redactor_flush(&once, to);
    bytes_wipe(&once.held);
    return right;
}

void redactor_free(redactor *r) {
    for (size_t i = 0; i < r->secret_count; i++)
        bytes_wipe(&r->secrets[i]);
    free(r->secrets);
    bytes_wipe(&r->held);
    *r = (redactor){0};
}
