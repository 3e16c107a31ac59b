/* SPDX-License-Identifier: MIT */
/* Cuts a stream into lines as it arrives. */
#ifndef ENGINE_LINES_H
#define ENGINE_LINES_H

#include "base/bytes.h"

enum { lines_max_bytes = 64 * 1024 };

typedef struct lines {
    bytes rest; /* the beginning of a line whose end has not come */
    void (*on_line)(void *owner, const char *line, size_t length);
    void *owner;
} lines;

/* Calls on_line for each complete line, without its "\n" or "\r\n"; false without memory. */
bool lines_feed(lines *l, const char *data, size_t length);

/* The stream has ended: a last line without a newline is a line. */
void lines_finish(lines *l);

void lines_free(lines *l);

#endif
