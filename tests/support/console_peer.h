/* SPDX-License-Identifier: MIT */
/* A console for tests of the engine, without I/O: it reads what was typed line by line, and each line it runs appends
 * to what it has to say. */
#ifndef SUPPORT_CONSOLE_PEER_H
#define SUPPORT_CONSOLE_PEER_H

#include "base/bytes.h"

#include <stdbool.h>

typedef struct console_peer {
    const char *prompt;
    bool echoes;
    bool wraps;    /* ... as an editor does that shows a line in pieces of eight */
    bool flushes;  /* a command throws away what was typed ahead */
    bool asking;   /* a question waits: the next line is its answer */
    int page_left; /* a pager waits: lines still to come */
    bool endless;  /* what runs ends only when it is interrupted */
    bytes typed;
    bytes said; /* not taken yet */
    /* Says what `line` does; the prompt follows.  May set `asking`, `page_left` and `endless`: then none does. */
    void (*run)(struct console_peer *peer, const char *line);
    void *data;
} console_peer;

/* The greeting. */
void console_peer_start(console_peer *peer);
void console_peer_type(console_peer *peer, const char *data, size_t length);
/* Run what was typed, as far as nothing is left to be said. */
void console_peer_work(console_peer *peer);
void console_peer_say(console_peer *peer, const char *text);
void console_peer_free(console_peer *peer);

#endif
