/* SPDX-License-Identifier: MIT */
/* Whether a piece of shell text is the beginning of a longer one. */
#ifndef ENGINE_UNFINISHED_H
#define ENGINE_UNFINISHED_H

#include <stdbool.h>
#include <stddef.h>

/* For text as bash prints the commands of its jobs: without comments, compound commands broken into lines.  True when
 * a quote, a group or a compound command in it is open.  Here-documents are not known. */
bool unfinished(const char *text, size_t length);

#endif
