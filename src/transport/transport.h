/* SPDX-License-Identifier: MIT */
/* The built-in transports.  Each makes the data for its hostsession_transport; the session owns it and releases it
 * with `free` after close (or instead of open). */
#ifndef TRANSPORT_TRANSPORT_H
#define TRANSPORT_TRANSPORT_H

#include <hostsession/transport.h>

#include <sys/types.h>

/* A program to start.  All strings are copied by the makers below. */
typedef struct transport_program {
    /* argv[0] is looked up in PATH when it has no slash; ended by NULL. */
    const char *const *arguments;
    /* NAME=VALUE settings over the caller's environment, ended by NULL; NULL: none.  A name without "=" is unset. */
    const char *const *environment;
    /* NULL: the caller's directory. */
    const char *cwd;
    /* Its terminal echoes at first, until reset_terminal() or the program itself changes that. */
    bool echo;
} transport_program;

/* A transport with its data. */
typedef struct transport_made {
    hostsession_transport interface;
    void *data;
    void (*free)(void *data);
    /* NULL, or: whether the process is on the terminal that the transport made. */
    bool (*is_terminal_of)(void *data, pid_t pid);
} transport_made;

/* A program on a terminal of its own (setsid, controlling terminal, TERM=dumb, 10,000 columns wide, no echo, no output
 * processing, no flow control), or on pipes (setsid; its standard input is the pipe).  Nothing is started before
 * `open`. */
hostsession_error transport_make_pty(const transport_program *program, transport_made *ret,
                                     hostsession_failure *failure);
hostsession_error transport_make_pipe(const transport_program *program, transport_made *ret,
                                      hostsession_failure *failure);

#endif
