/* SPDX-License-Identifier: MIT */
/* Filling hostsession_failure, and making foreign bytes safe to show. */
#ifndef BASE_FAILURE_H
#define BASE_FAILURE_H

#include <hostsession/failure.h>

#include <stddef.h>

/* Fill `failure` (may be NULL) and return `error`, so that `return failure_set(...)` reads well.  `stage` is static.
 * Control characters in the message are escaped: parts of it may come from the other side. */
hostsession_error failure_set(hostsession_failure *failure, hostsession_error error, int system_errno,
                              const char *stage, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* What errno says, in English, whatever the locale.  Static; safe in any thread. */
const char *failure_errno_text(int system_errno);

/* Out of memory while doing `stage`. */
hostsession_error failure_no_memory(hostsession_failure *failure, const char *stage);

/* Write `bytes` to `out` (always terminated) with control characters and non-ASCII as \n, \t or \xNN; what does not
 * fit is replaced by "..." at the front, since the end of what a program said tells most.  Returns `out`. */
const char *failure_escape_tail(char *out, size_t out_size, const char *bytes, size_t length);

/* What a message calls a thing: `text`, its middle replaced by "..." when it is too long to leave room for the rest of
 * the message. */
void failure_shorten(char *text);

#endif
