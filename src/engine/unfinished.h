/* SPDX-License-Identifier: MIT */
/* Whether a piece of shell text is the beginning of a longer one. */
#ifndef ENGINE_UNFINISHED_H
#define ENGINE_UNFINISHED_H

#include <stdbool.h>
#include <stddef.h>

/* For text as bash prints the commands of its jobs: without comments, compound commands broken into lines.  True when
 * a quote, a group, a compound command or a here-document in it is open, and where it ends with the last line of a
 * here-document: the rest of the command, or an empty line, follows. */
bool unfinished(const char *text, size_t length);

#endif
