/* SPDX-License-Identifier: MIT */
/* Starting a program in a session of its own.  Always with posix_spawn(): fork() in a large process copies its page
 * tables. */
#ifndef TRANSPORT_SPAWN_H
#define TRANSPORT_SPAWN_H

#include "transport/transport.h"

#include <sys/types.h>

/* What the program's standard descriptors are. */
typedef struct spawn_streams {
    /* A terminal's path: all three, and the controlling terminal.  NULL: the descriptors below. */
    const char *terminal;
    int descriptors[3];
} spawn_streams;

/* Start `program` with setsid(), all signals unblocked and at their defaults.  `ret_pid` is a child to be reaped. */
hostsession_error spawn(const transport_program *program, const spawn_streams *streams, pid_t *ret_pid,
                        hostsession_failure *failure);

/* Whether none is left, with errno EMFILE or ENFILE: where a library fails without saying why. */
bool spawn_lacks_descriptor(void);

/* Say that no descriptor is left (EMFILE, ENFILE) for `what`, or another reason why it could not be made. */
hostsession_error spawn_no_descriptor(hostsession_failure *failure, int system_errno, const char *what);

#endif
