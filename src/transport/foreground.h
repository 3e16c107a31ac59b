/* SPDX-License-Identifier: MIT */
/* What runs on a terminal of ours, and how it is stopped: the shell that commands go to, the program in its foreground,
 * and the shells inside of shells. */
#ifndef TRANSPORT_FOREGROUND_H
#define TRANSPORT_FOREGROUND_H

#include "transport/child.h"

#include <hostsession/enter.h>

/* A shell that was entered. */
typedef struct inner_shell {
    pid_t pid; /* 0: it is elsewhere */
    uint64_t started_ticks;
} inner_shell;

/* All zero but the first two, which are borrowed. */
typedef struct foreground {
    int master;
    child_process *child; /* the session's leader */
    pid_t shell;          /* on the terminal, and commands go to it; 0: the child */
    inner_shell inner[HOSTSESSION_MOST_LEVELS];
    unsigned depth;
    /* When the command began, 0: none was sent yet. */
    uint64_t command_ns;
    int interrupts;
    int spared_starts;
    int kills;
    /* processes_children_waited() at the first of them. */
    uint64_t children_waited;
    /* For how many interrupts the shell has been stopped; 0: it is not. */
    int held;
} foreground;

/* A command begins. */
void foreground_begin(foreground *f);

/* The terminal's foreground group; 0: there is none. */
pid_t foreground_group(const foreground *f);

/* Stop the command.  Returns false where the terminal's own characters must do. */
bool foreground_signal(foreground *f, hostsession_signal signal);

/* The shell was stopped so that a signal meets it in the right moment: it goes on. */
void foreground_let_go(foreground *f);

/* Commands go to the shell with this process id, `depth` levels inside of the first; an id from elsewhere says nothing
 * here. */
void foreground_note_shell(foreground *f, unsigned depth, int64_t pid);

/* Kill the shells deeper than `depth` that are still there, with what was started since.  Returns false where that is
 * not allowed. */
bool foreground_end_inner(foreground *f, unsigned depth);

/* End the child and what a command of it runs, as the session closes; `jobs`: earlier commands may have left some. */
void foreground_end(foreground *f, bool jobs);

#endif
