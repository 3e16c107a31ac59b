/* SPDX-License-Identifier: MIT */
/*
 * The echo of a line that was typed: as it was typed, or wrapped, or drawn anew by a line editor.  A line that comes is
 * drawn as a terminal would draw it, behind the prompt, and compared then.
 */
#include "engine/console_parts.h"

#include <stdlib.h>
#include <string.h>

/* So much is held back at most for an echo that does not come. */
enum { echo_most_bytes = 64 * 1024, shortest_rest = 8 };

bool echo_start(echo *x, const char *text, size_t length, const prompt *before, bool expected) {
    bytes_clear(&x->typed);
    x->before = *before;
    x->expected = expected;
    x->start = x->searched = x->compared = 0;
    return bytes_append(&x->typed, text, length);
}

void echo_end(echo *x) {
    bytes_wipe(&x->typed);
}

/* ---- drawing a line ---- */

typedef struct drawing {
    char *text;
    size_t size;
    size_t length;
    size_t cursor;
} drawing;

static void put(drawing *d, char c) {
    if (d->cursor >= d->size)
        return;
    while (d->length < d->cursor)
        d->text[d->length++] = ' ';
    d->text[d->cursor++] = c;
    if (d->cursor > d->length)
        d->length = d->cursor;
}

static void obey(drawing *d, const char *sequence, size_t length) {
    int given = sequence[1] == '[' ? atoi(sequence + 2) : 0;
    size_t number = given > 0 ? (size_t)given : 1;
    size_t left = d->cursor < d->length ? d->length - d->cursor : 0;
    switch (sequence[1] == '[' ? sequence[length - 1] : 0) {
    case 'C':
        d->cursor += number;
        break;
    case 'D':
        d->cursor -= number < d->cursor ? number : d->cursor;
        break;
    case 'G':
        d->cursor = number - 1;
        break;
    case 'K':
    case 'J':
        if (given == 0 && left)
            d->length = d->cursor;
        break;
    case 'P':
        number = number < left ? number : left;
        memmove(d->text + d->cursor, d->text + d->cursor + number, left - number);
        d->length -= number;
        break;
    default:
        break;
    }
}

static void draw(drawing *d, const char *line, size_t length) {
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)line[i];
        if (c == 0x1b) {
            size_t size = tail_sequence(line + i, length - i);
            if (size)
                obey(d, line + i, size);
            i += (size ? size : length - i) - 1;
        } else if (c == '\b') {
            d->cursor -= d->cursor > 0;
        } else if (c == '\r') {
            d->cursor = 0;
        } else if (c == ' ' && i + 1 < length && line[i + 1] == '\r' && d->cursor == d->length) {
            /* How line editors go to the terminal's next line. */
            i++;
        } else if (c >= ' ' || c == '\t') {
            put(d, (char)c);
        }
    }
}

static size_t without_blanks(const char *text, size_t length) {
    while (length && text[length - 1] == ' ')
        length--;
    return length;
}

static bool ends_with(const char *text, size_t length, const char *end, size_t end_length) {
    return end_length <= length && memcmp(text + length - end_length, end, end_length) == 0;
}

typedef enum likeness { LIKE_ALL, LIKE_BEGINNING, LIKE_PROMPT, LIKE_NOTHING, LIKE_UNKNOWN } likeness;

/* What is drawn against what was typed.  `beginning`: it may be wrapped. */
static likeness compare(const echo *x, const drawing *d) {
    const char *typed = bytes_front(&x->typed);
    size_t typed_length = without_blanks(typed, bytes_length(&x->typed));
    size_t length = without_blanks(d->text, d->length);
    size_t skip = 0;
    /* The one it was typed at, and late ones. */
    while (x->before.length && d->length >= skip + x->before.length &&
           memcmp(d->text + skip, x->before.text, x->before.length) == 0)
        skip += x->before.length;
    const char *shown = d->text + skip;
    size_t shown_length = without_blanks(shown, d->length - skip);
    if (shown_length == typed_length && memcmp(shown, typed, typed_length) == 0)
        return LIKE_ALL;
    if (x->expected && typed_length && ends_with(d->text, length, typed, typed_length))
        return LIKE_ALL;
    /* Scrolled sideways: its end is in sight, behind a mark. */
    if (shown_length > shortest_rest && (shown[0] == '$' || shown[0] == '<') &&
        ends_with(typed, typed_length, shown + 1, shown_length - 1))
        return LIKE_ALL;
    if (shown_length == 0)
        return LIKE_PROMPT;
    if (shown_length < typed_length && memcmp(shown, typed, shown_length) == 0)
        return LIKE_BEGINNING;
    return LIKE_NOTHING;
}

/* ---- looking ---- */

/* LIKE_UNKNOWN without memory. */
static likeness look_at_line(const echo *x, const char *line, size_t length) {
    size_t size = x->before.length + length;
    drawing d = {.text = malloc(size ? size : 1), .size = size};
    if (!d.text)
        return LIKE_UNKNOWN;
    memcpy(d.text, x->before.text, x->before.length);
    d.length = d.cursor = x->before.length;
    /* A wrapped one may come in several lines, without their ends. */
    while (length) {
        const char *newline = memchr(line, '\n', length);
        size_t part = newline ? (size_t)(newline - line) : length;
        size_t kept = part && newline && line[part - 1] == '\r' ? part - 1 : part;
        while (kept && newline && line[kept - 1] == '\r')
            kept--;
        draw(&d, line, kept);
        part += newline != NULL;
        line += part;
        length -= part;
    }
    likeness like = compare(x, &d);
    free(d.text);
    return like;
}

/* Whether what has come of a line, as it is, can still become the echo. */
static bool may_become(echo *x, const char *line, size_t length) {
    const char *typed = bytes_front(&x->typed);
    size_t typed_length = bytes_length(&x->typed);
    while (x->compared < length && x->compared < typed_length && line[x->compared] == typed[x->compared])
        x->compared++;
    if (x->compared == length)
        return true;
    unsigned char next = (unsigned char)line[x->compared];
    return next < ' ' || (next == ' ' && (x->compared + 1 == length || line[x->compared + 1] == '\r')) ||
           /* A prompt comes before it, or is drawn again. */
           (x->compared == 0 && x->before.length && (char)next == x->before.text[0]);
}

echo_verdict echo_look(echo *x, const char *held, size_t length, size_t *ret_start, size_t *ret_end) {
    for (;;) {
        const char *newline = x->searched < length ? memchr(held + x->searched, '\n', length - x->searched) : NULL;
        if (!newline)
            break;
        size_t end = (size_t)(newline + 1 - held);
        x->searched = end;
        likeness like = look_at_line(x, held + x->start, end - x->start);
        *ret_start = x->start;
        *ret_end = end;
        if (like == LIKE_UNKNOWN)
            return ECHO_NO_MEMORY;
        if (like == LIKE_ALL)
            return ECHO_FOUND;
        if (like == LIKE_NOTHING && !x->expected)
            return ECHO_NONE;
        if (like == LIKE_NOTHING || like == LIKE_PROMPT) {
            x->start = end;
            x->compared = 0;
        }
    }
    x->searched = length;
    if (length > echo_most_bytes + 4 * bytes_length(&x->typed))
        return ECHO_NONE;
    if (x->expected || x->searched != length || x->start == length)
        return ECHO_WAIT;
    return may_become(x, held + x->start, length - x->start) ? ECHO_WAIT : ECHO_NONE;
}
