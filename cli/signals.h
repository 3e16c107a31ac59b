/* SPDX-License-Identifier: MIT */
/* SIGINT, SIGTERM and SIGHUP as events on a descriptor. */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include <stdbool.h>

/* Catch them from now on; also SIGPIPE, which becomes an error of the write.  Handlers, not "ignore", since what is
 * ignored would be so in the shells that are started, too.  Returns the descriptor, or -1 with errno set. */
int signals_catch(void);

/* How often the user pressed Ctrl+C since the last call. */
unsigned signals_take_interrupts(void);

/* SIGTERM or SIGHUP once one has come, else 0. */
int signals_termination(void);

#endif
