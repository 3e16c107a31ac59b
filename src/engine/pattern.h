/* SPDX-License-Identifier: MIT */
/* Several regular expressions searched at once in a growing text.  PCRE2, over bytes, with limits. */
#ifndef ENGINE_PATTERN_H
#define ENGINE_PATTERN_H

#include <hostsession/failure.h>

#include <stdbool.h>
#include <stddef.h>

typedef struct pattern_set pattern_set;

enum { pattern_max_groups = 64 };

typedef struct pattern_match {
    size_t index; /* which pattern */
    size_t group_count;
    size_t groups[pattern_max_groups][2]; /* start and end in the text; start SIZE_MAX: took no part */
} pattern_match;

typedef enum pattern_verdict {
    PATTERN_NO_MATCH,
    PATTERN_MATCH,
    PATTERN_RAN_AWAY, /* a limit was hit: that is no "no match" */
} pattern_verdict;

/* Compile.  HOSTSESSION_ERROR_INVALID names the pattern, what is wrong and where. */
hostsession_error pattern_set_new(const char *const *patterns, size_t count, pattern_set **ret,
                                  hostsession_failure *failure);

/* Search `text`, which may only have grown at its end since the last call, unless pattern_set_restart() or _forget()
 * said otherwise: what was searched is not searched again.  The earliest match wins, then the first pattern.  No match
 * begins before `skip`.  `$` and \z match at the text's end: call it when no more has arrived for now. */
pattern_verdict pattern_set_search(pattern_set *set, const char *text, size_t length, size_t skip,
                                   pattern_match *ret_match);

/* The text starts anew (after a match). */
void pattern_set_restart(pattern_set *set);

/* `dropped` bytes went from the front of the text. */
void pattern_set_forget(pattern_set *set, size_t dropped);

void pattern_set_free(pattern_set *set);

#endif
