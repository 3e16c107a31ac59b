/* SPDX-License-Identifier: MIT */
/* Connecting to a host and port over TCP: its name is resolved, and its addresses are tried, each a little after the
 * one before, until one answers.  Source: RFC 8305 (Happy Eyeballs), with one list from getaddrinfo(). */
#ifndef TRANSPORT_DIAL_H
#define TRANSPORT_DIAL_H

#include <hostsession/loop.h>

typedef struct dial dial;

/* Read during dial_start() only. */
typedef struct dial_address {
    const char *host; /* a name, or a literal address of either family */
    int port;
    int family;                 /* AF_UNSPEC, AF_INET, AF_INET6 */
    const char *bind_address;   /* the address to connect from; NULL: any */
    const char *bind_interface; /* NULL: any */
} dial_address;

/* From dispatch, once; the dial is freed by it.  `descriptor` is a connected, non-blocking socket with TCP_NODELAY,
 * owned by the callee; or -1 with `failure` (RESOLVE, CONNECT, LIMIT). */
typedef void (*dial_done_fn)(void *userdata, int descriptor, const hostsession_failure *failure);

hostsession_error dial_start(hostsession_loop *loop, const dial_address *address, dial_done_fn done, void *userdata,
                             dial **ret, hostsession_failure *failure);

/* Give up; `done` is not called.  NULL is allowed. */
void dial_cancel(dial *dial);

/* What it waits for, as a failure: for when the caller's time is over. */
void dial_explain(const dial *dial, hostsession_failure *failure);

#endif
