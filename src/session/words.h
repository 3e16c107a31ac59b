/* SPDX-License-Identifier: MIT */
/* Splitting a command line into words as a POSIX shell does, without expanding anything. */
#ifndef SESSION_WORDS_H
#define SESSION_WORDS_H

#include <stddef.h>

/* Returns the words, ended by NULL, in one block that free() releases; NULL when a quote is left open (*ret_why says
 * which) or without memory (*ret_why NULL).  Source: POSIX XCU 2.2 (quoting). */
char **words_split(const char *line, size_t *ret_count, const char **ret_why);

#endif
