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
} target;

/* Understand `text` and make its transport; nothing is started yet.
 * HOSTSESSION_ERROR_INVALID: a malformed or unsupported target. */
hostsession_error target_open(const char *text, const hostsession_options *options, target *ret,
                              hostsession_failure *failure);

#endif
