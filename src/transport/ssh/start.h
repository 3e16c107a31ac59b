/* SPDX-License-Identifier: MIT */
/* What a host is asked to run: one line that every login shell (sh, csh, fish) reads alike, so that it has neither a
 * single quote nor a newline inside; /bin/sh takes it from there. */
#ifndef TRANSPORT_SSH_START_H
#define TRANSPORT_SSH_START_H

#include "transport/ssh/settings.h"
#include "transport/transport.h"

#include <stdint.h>

/* Start the shell, on a terminal that is set up for it.  To be freed; NULL without memory. */
char *start_shell(const transport_remote *remote, const ssh_settings *settings);

/* Read a script, up to the end of the input, and run it by the shell's -c.  To be freed; NULL without memory. */
char *start_script(const transport_remote *remote, const ssh_settings *settings, bool merged);

typedef struct signal_errand {
    int64_t pid; /* of the shell */
    int number;
    int tries;          /* the how manieth of this signal for the command */
    int64_t began_us;   /* the command, after we first heard of the shell */
    int64_t elapsed_us; /* since the command was sent */
    bool closing;       /* the shell is hung up behind that, or killed first if it ignores that */
} signal_errand;

/* Send a signal to what runs in the foreground of the shell, and not to itself; SIGINT without a terminal to its whole
 * group.  Without job control background jobs share that, but ignore SIGINT and SIGQUIT: what does that is taken only
 * if it began with the command.  To be freed; NULL without memory. */
char *start_signal(const signal_errand *errand);

#endif
