/* SPDX-License-Identifier: MIT */
#include "engine/cutter.h"

#include <string.h>

/* The text that `data` begins with, or is the beginning of (*ret_whole false); NULL when there is none. */
static const char *const *find(const cutter *c, const char *data, size_t length, bool *ret_whole) {
    for (const char *const *text = c->texts; *text; text++) {
        if (**text != *data || (*data == '\n' && c->in_line))
            continue;
        size_t size = strlen(*text);
        *ret_whole = size <= length;
        if (memcmp(data, *text, *ret_whole ? size : length) == 0)
            return text;
    }
    return NULL;
}

static void emit(const cutter *c, const char *data, size_t length) {
    if (length)
        c->on_data(c->owner, data, length);
}

/* Scan what is not in `held`; what may begin a text goes there. */
static bool scan(cutter *c, const char *data, size_t length) {
    const char *end = data + length;
    const char *from = data;
    for (const char *at = data; at < end;) {
        bool whole;
        const char *const *text = find(c, at, (size_t)(end - at), &whole);
        if (!text) {
            c->in_line = *at++ != '\n';
            continue;
        }
        emit(c, from, (size_t)(at - from));
        if (!whole)
            return bytes_append(&c->held, at, (size_t)(end - at));
        c->on_cut(c->owner, (size_t)(text - c->texts));
        c->in_line = false;
        at += strlen(*text);
        from = at;
    }
    emit(c, from, (size_t)(end - from));
    return true;
}

bool cutter_feed(cutter *c, const char *data, size_t length) {
    if (!c->texts || !*c->texts) {
        emit(c, data, length);
        return true;
    }
    if (bytes_length(&c->held) == 0)
        return scan(c, data, length);
    bytes all = c->held;
    c->held = (bytes){0};
    bool right = bytes_append(&all, data, length) && scan(c, bytes_front(&all), bytes_length(&all));
    bytes_free(&all);
    return right;
}

void cutter_finish(cutter *c) {
    bytes held = c->held;
    c->held = (bytes){0};
    c->in_line = false;
    emit(c, bytes_front(&held), bytes_length(&held));
    bytes_free(&held);
}

void cutter_free(cutter *c) {
    bytes_free(&c->held);
}
