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

/* Send a signal to what runs in the foreground of the shell `pid`, and not to itself.  Without job control background
 * jobs share its group, but ignore SIGINT and SIGQUIT; what does that is taken only if it was started at least
 * `since_ms` after the shell.  `closing`: the shell is hung up behind that, or killed first if it ignores that.
 * To be freed; NULL without memory. */
char *start_signal(int64_t pid, int signal_number, int64_t since_ms, bool closing);

#endif
