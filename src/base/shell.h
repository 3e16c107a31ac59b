/* SPDX-License-Identifier: MIT */
/* Pieces of shell text that every POSIX shell reads alike. */
#ifndef BASE_SHELL_H
#define BASE_SHELL_H

#include "base/bytes.h"

/* Whether it can be a variable's name.  Source: POSIX XBD 3.235. */
bool shell_is_name(const char *text, size_t length);

/* Append `text` as one word, in single quotes where it needs them.  False without memory. */
bool shell_append_word(bytes *to, const char *text);

#endif
