/* SPDX-License-Identifier: MIT */
/* What the command tells its user on standard error. */
#ifndef CLI_MESSAGE_H
#define CLI_MESSAGE_H

#include <stddef.h>

/* Print "hostsession: " and one line.  Control characters and bytes that are not UTF-8 are escaped: parts of a message
 * come from the user's arguments or from the other side.  A very long message is cut. */
void message(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Write `bytes` to `out` (always terminated) with control characters and bytes that are not UTF-8 as \n, \t, \r or
 * \xNN.  What does not fit is replaced by "...".  Returns `out`; `out_size` is at least 16. */
const char *escape_text(char *out, size_t out_size, const char *bytes, size_t length);

#endif
