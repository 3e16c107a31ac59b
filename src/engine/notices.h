/* SPDX-License-Identifier: MIT */
/*
 * Takes out of a command's output what an interactive shell itself says there: the number of a background job when
 * it is started ("[1] 4711") and that it ended ("[1]+  Done  sleep 1"), "Killed", "exit" when the shell ends, and the
 * newline after Ctrl+C.
 */
#ifndef ENGINE_NOTICES_H
#define ENGINE_NOTICES_H

#include "base/bytes.h"
#include "engine/hints.h"

typedef enum notices_end { NOTICES_ENDED, NOTICES_EXITED, NOTICES_INTERRUPTED } notices_end;

typedef struct notices {
    bool starts;     /* "[1] 4711" lines are the shell's */
    bool pipes;      /* "[1] 4711 4712" lines, too */
    bool jobs;       /* "[1]+  Done ..." lines are the shell's */
    bool late;       /* ... only once it was interrupted, and is back at its prompt: dash, ash */
    bool stops;      /* as bash does it: a blank line comes before the notice of a stopped job, commands have lines */
    bool complaints; /* bash's about a terminal that it does not have */
    bool killed;     /* "Killed" lines are the shell's, and such an end of the output */
    bool quit;       /* "Quit" lines, likewise */
    bool exits;      /* a last "exit" or "logout" line is the shell's */
    size_t answers;  /* to interrupts: so many newlines at the end may be the shell's; 0: none was sent */
    size_t newlines; /* that came since then, and nothing else */
    bool spoke;      /* ... but something else came */
    bool exit_word;  /* ... also behind text in the same line */
    bool in_line;    /* what comes next does not begin a line */
    bytes held;      /* the beginning of what may be a notice, behind what may be answers */
    size_t noted;    /* so much of it is in `newlines` and `spoke` */
    void (*on_data)(void *owner, const char *data, size_t length);
    void *owner;
} notices;

typedef struct notices_config {
    bool gives;     /* the shell gives those of jobs */
    bool says_exit; /* ... and says "exit" or "logout" as it ends */
    bool jobs;      /* there may be background jobs */
    bool starts;    /* a command may start one, whatever its text says */
} notices_config;

/* A command with these hints begins. */
void notices_start(notices *n, const notices_config *config, hints h);

/* An interrupt goes out: newlines that come alone from now on can be answers. */
void notices_interrupted(notices *n);

/* Calls on_data with what is the command's.  False without memory. */
bool notices_feed(notices *n, const char *data, size_t length);

/* The command ended: by itself, with its shell, or by our Ctrl+C. */
void notices_finish(notices *n, notices_end how);

/* The length of the last line that is the shell's last word, and where it starts; 0: there is none. */
size_t notices_find_exit(const char *text, size_t length, size_t *ret_start);

void notices_free(notices *n);

#endif
