/* SPDX-License-Identifier: MIT */
/* Strict UTF-8: no surrogates, no overlong forms, nothing above U+10FFFF.  NUL is a character.  Source: RFC 3629. */
#ifndef CLI_UTF8_H
#define CLI_UTF8_H

#include <stddef.h>

/* The length of the character that `length` (at least 1) bytes begin with, or 0 if they begin with none. */
size_t utf8_character(const char *bytes, size_t length);

/* How many of the bytes, from the first, are whole characters. */
size_t utf8_valid_bytes(const char *bytes, size_t length);

#endif
