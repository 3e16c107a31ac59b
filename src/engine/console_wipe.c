/* SPDX-License-Identifier: MIT */
/* What a pager prints to wipe out its question, told from the output behind it by where the cursor is. */
#include "engine/console_parts.h"

#include <stdlib.h>
#include <string.h>

/* The question's cells on the screen. */
typedef struct cells {
    bool blank[console_line_bytes];
    size_t width;
    size_t left; /* that are not blank */
    size_t cursor;
} cells;

static void put_blank(cells *c, size_t at) {
    if (at < c->width && !c->blank[at]) {
        c->blank[at] = true;
        c->left--;
    }
}

static void erase(cells *c, int kind) {
    size_t from = kind == 0 ? c->cursor : 0;
    size_t to = kind == 1 ? c->cursor + 1 : c->width;
    for (size_t i = from; i < to; i++)
        put_blank(c, i);
}

/* False: it does more than to wipe. */
static bool obey(cells *c, const char *sequence, size_t length) {
    if (sequence[1] != '[')
        return false;
    char final = sequence[length - 1];
    int number = atoi(sequence + 2);
    if (final == 'K' || final == 'J')
        erase(c, number);
    else if (final == 'G')
        c->cursor = number > 1 ? (size_t)number - 1 : 0;
    else if (final == 'D')
        c->cursor -= (size_t)(number > 1 ? number : 1) < c->cursor ? (size_t)(number > 1 ? number : 1) : c->cursor;
    else
        return final == 'm';
    return true;
}

wipe_verdict wipe_look(const prompt *question, bool alone, const char *held, size_t length, size_t *ret_end) {
    cells c = {.width = question->length, .cursor = question->length};
    bool any = false;
    size_t behind_return = SIZE_MAX;
    for (size_t i = 0; i < question->length; i++) {
        c.blank[i] = question->text[i] == ' ';
        c.left += !c.blank[i];
    }
    for (size_t i = 0; i < length; i++) {
        char byte = held[i];
        *ret_end = i;
        if (byte == '\n') {
            /* Behind a CR it is a line's end, and that of the question only when nothing else wiped it out. */
            bool ends = i > 0 && held[i - 1] == '\r';
            *ret_end = !any && alone ? i + 1 : ends ? i - 1 : i;
            return WIPE_OVER;
        }
        if (c.cursor == 0 && c.left == 0 && behind_return != i)
            return WIPE_OVER;
        if (behind_return == i) {
            c.cursor = 0;
            any = true;
            if (c.left == 0)
                return WIPE_OVER;
        }
        if (byte == '\r') {
            behind_return = i + 1;
        } else if (byte == '\b') {
            c.cursor -= c.cursor > 0;
        } else if (byte == ' ') {
            put_blank(&c, c.cursor++);
        } else if (byte == 0x1b) {
            size_t size = tail_sequence(held + i, length - i);
            if (size == 0)
                return WIPE_WAIT;
            if (!obey(&c, held + i, size))
                return WIPE_OVER;
            i += size - 1;
        } else if (byte != '\a' && byte != 0) {
            /* Written over it: blanks since the last CR are the output's. */
            if (c.left && behind_return != SIZE_MAX && behind_return < i)
                *ret_end = behind_return;
            return WIPE_OVER;
        }
        any |= byte != '\r';
    }
    return length > wipe_most_bytes ? WIPE_OVER : WIPE_WAIT;
}
