/* SPDX-License-Identifier: MIT */
/* The last line of what a console sent, as it shows on a screen, and what in it is a prompt. */
#include "engine/console_parts.h"

#include <ctype.h>
#include <string.h>

size_t tail_line_start(const char *held, size_t to) {
    const char *newline = to ? memrchr(held, '\n', to) : NULL;
    return newline ? (size_t)(newline + 1 - held) : 0;
}

/* CSI ... letter, OSC ... BEL, ESC and one more.  Source: ECMA-48 5.4. */
size_t tail_sequence(const char *text, size_t length) {
    size_t i = 2;
    if (length < 2)
        return 0;
    if (text[1] == '[')
        while (i < length && !(text[i] >= '@' && text[i] <= '~'))
            i++;
    else if (text[1] == ']')
        while (i < length && text[i] != '\a')
            i++;
    else
        return 2;
    return i < length ? i + 1 : 0;
}

void tail_read(tail *t, const char *held, size_t from, size_t to) {
    size_t begin = SIZE_MAX; /* of sequences right before the next byte */
    t->length = 0;
    t->last_return = SIZE_MAX;
    if (to - from > console_line_bytes)
        from = to - console_line_bytes;
    for (size_t i = from; i < to;) {
        unsigned char c = (unsigned char)held[i];
        if (begin == SIZE_MAX)
            begin = i;
        if (c == 0x1b) {
            size_t size = tail_sequence(held + i, to - i);
            i = size ? i + size : to;
            continue;
        }
        if (c == '\r') {
            t->last_return = i;
        } else if (c == '\b') {
            t->length -= t->length > 0;
            begin = SIZE_MAX;
        } else if (c >= ' ' || c == '\t') {
            /* Behind a CR the line begins anew; one at its very start belongs to what follows. */
            if (t->last_return != SIZE_MAX) {
                begin = t->length ? i : begin;
                t->length = 0;
            }
            t->last_return = SIZE_MAX;
            t->at[t->length] = begin;
            t->text[t->length++] = (char)c;
            begin = SIZE_MAX;
        }
        i++;
    }
}

bool tail_matches(const tail *t, pattern_set *patterns, pattern_match *match) {
    if (t->length == 0 || t->last_return != SIZE_MAX)
        return false;
    pattern_set_restart(patterns);
    return pattern_set_search(patterns, t->text, t->length, 0, match) == PATTERN_MATCH;
}

void prompt_set(prompt *p, const char *text, size_t length) {
    p->length = length < sizeof p->text ? length : sizeof p->text;
    memcpy(p->text, text, p->length);
}

/* Compares from the end; returns how much of `b` is left when all of `a` was found, SIZE_MAX when it was not. */
static size_t match_back(const char *a, size_t a_left, const char *b, size_t b_left) {
    while (a_left) {
        if (!b_left)
            return SIZE_MAX;
        if (isdigit((unsigned char)a[a_left - 1]) && isdigit((unsigned char)b[b_left - 1])) {
            while (a_left && isdigit((unsigned char)a[a_left - 1]))
                a_left--;
            while (b_left && isdigit((unsigned char)b[b_left - 1]))
                b_left--;
        } else if (a[--a_left] != b[--b_left]) {
            return SIZE_MAX;
        }
    }
    return b_left;
}

bool prompt_same(const prompt *p, const char *text, size_t length) {
    return match_back(p->text, p->length, text, length) == 0;
}

bool prompt_ends(const prompt *p, const char *line, size_t length) {
    return match_back(p->text, p->length, line, length) != SIZE_MAX;
}
