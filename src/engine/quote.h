/* SPDX-License-Identifier: MIT */
/* Shell text as one quoted word that can be typed at a shell. */
#ifndef ENGINE_QUOTE_H
#define ENGINE_QUOTE_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum quote_style {
    /* '...' with every byte as it is: for a shell that reads a pipe. */
    QUOTE_RAW,
    /* For a terminal, in a shell that has $'...': control characters are escaped there. */
    QUOTE_ANSI,
    /* For a terminal, in a shell without it (dash), or where it does not survive a broken line (ksh93): control
     * characters are variables, see quote_controls(). */
    QUOTE_VARIABLES,
} quote_style;

/* Whether it is one simple command of plain words (names, numbers, options, assignments, files and patterns of them,
 * `$name`) on one line: unless a word is an alias, it ends where it ends, and what is typed behind it stands for
 * itself. */
bool quote_needs_none(const char *text, size_t length);

/* The set of control characters (bit n: byte n; bit 0: DEL, since NUL cannot be in a command) in `text`. */
uint32_t quote_controls(const char *text, size_t length);

/* Append assignments, each ended by ';', that define the variables for QUOTE_VARIABLES. */
bool quote_define(bytes *to, uint32_t controls);

/* Append `text` quoted.  `continued`: break it with backslash-newline, so that no typed line is longer than about 200
 * bytes: a canonical terminal takes 4,095 bytes a line (255 by POSIX's _POSIX_MAX_CANON), some line editors 1,022. */
bool quote_append(bytes *to, quote_style style, const char *text, size_t length, bool continued);

#endif
