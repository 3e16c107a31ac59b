/* SPDX-License-Identifier: MIT */
/* Takes fixed texts out of a stream, over any chunking. */
#ifndef ENGINE_CUTTER_H
#define ENGINE_CUTTER_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct cutter {
    /* NULL-terminated, none the beginning of another; may be NULL.  One that begins with a newline counts only where a
     * line begins, so that no line waits for what may follow it. */
    const char *const *texts;
    bool in_line;
    bytes held; /* the beginning of what may be one */
    void (*on_data)(void *owner, const char *data, size_t length);
    void (*on_cut)(void *owner, size_t index);
    void *owner;
} cutter;

/* Calls on_data with what is none of the texts, on_cut for each that is one.  False without memory. */
bool cutter_feed(cutter *c, const char *data, size_t length);

/* What is held back is data; what comes next begins a line. */
void cutter_finish(cutter *c);

void cutter_free(cutter *c);

#endif
