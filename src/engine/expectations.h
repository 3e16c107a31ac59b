/* SPDX-License-Identifier: MIT */
/* A command's expectations: what is answered when it appears in the output. */
#ifndef ENGINE_EXPECTATIONS_H
#define ENGINE_EXPECTATIONS_H

#include "base/bytes.h"
#include "engine/pattern.h"

#include <hostsession/session.h>

typedef struct expectation {
    char *pattern; /* as it was given, for messages */
    bytes response;
    unsigned flags;
    unsigned answers_left;
} expectation;

typedef struct expectations {
    pattern_set *patterns;
    bytes window; /* output since the last answer, at most its last 64 KiB */
    size_t count;
    expectation items[];
} expectations;

/* HOSTSESSION_ERROR_INVALID for a bad pattern.  Everything is copied. */
hostsession_error expectations_new(const hostsession_expectation *list, size_t count, expectations **ret,
                                   hostsession_failure *failure);

bool expectations_feed(expectations *x, const char *data, size_t length);

/* Look for a match when no more has arrived for now; the search goes on behind it. */
pattern_verdict expectations_search(expectations *x, size_t *ret_index);

/* Wipes the responses. */
void expectations_free(expectations *x);

#endif
