/* SPDX-License-Identifier: MIT */
/* From a target and options to a transport. */
#ifndef SESSION_TARGET_H
#define SESSION_TARGET_H

#include "transport/transport.h"

#include <hostsession/session.h>

typedef struct target {
    transport_made transport;
    bool local;  /* the shell runs as the caller's user */
    bool echoes; /* its terminal does so at first */
    bool remote; /* its directory and environment are set by commands */
    bool asks;   /* for a name and a password, at its terminal */
    char *host;  /* that asks, else NULL */
    char *user;  /* the name it is given then; NULL: none */
} target;

/* Understand `text` and make its transport; nothing is started yet.
 * HOSTSESSION_ERROR_INVALID: a malformed or unsupported target. */
hostsession_error target_open(const char *text, const hostsession_options *options, target *ret,
                              hostsession_failure *failure);

/* The transport is released by its owner. */
void target_free(target *t);

/* Whether its one-shots are processes or channels of their own. */
bool target_has_oneshots(const char *text);

/* Whether it tells how its shell has ended. */
bool target_tells_exit(const char *text);

/* Start one; `owner` as in transport_oneshot_calls.  Its userdata counts for on_question. */
hostsession_error target_start_oneshot(const char *text, hostsession_loop *loop, const hostsession_options *options,
                                       const char *command, const transport_oneshot_calls *calls, void *owner,
                                       transport_oneshot *ret, hostsession_failure *failure);

#endif
