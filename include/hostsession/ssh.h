/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Sessions over SSH: what can be set beside the target.
 *
 * A host is reached as ssh(1) reaches it: what `ssh -G HOST` says of ~/.ssh/config and of the system's file is honoured
 * (without an ssh program, the defaults of ssh_config(5)).  What could not be honoured and would change who is reached,
 * or how safely, is refused by name: GSSAPI and FIDO keys need `exec:ssh -tt HOST`.
 *
 * Sessions of one loop to the same host and user share connections, ten sessions each (OpenSSH's MaxSessions).
 */
#ifndef HOSTSESSION_SSH_H
#define HOSTSESSION_SSH_H

#include <hostsession/version.h>

#include <stdbool.h>
#include <stddef.h>

HOSTSESSION_BEGIN

/** How to reach a host over SSH.  Start from HOSTSESSION_SSH_OPTIONS_INIT; zero is the default.  Read during the call
 *  only: strings are copied. */
typedef struct hostsession_ssh_options {
    size_t struct_size; /**< Set by the initializer. */
    /** As ssh -F: the configuration to read instead of ~/.ssh/config and the system's; "none": none.  NULL: those. */
    const char *config_file;
    /** As ssh -i, each: a private key to log in with.  Ended by NULL; NULL: none beside the configured ones. */
    const char *const *identity_files;
    /** As ssh -o, each "KEY=VALUE" of ssh_config(5).  Ended by NULL; NULL: none. */
    const char *const *settings;
    /** Share no connection with other sessions. */
    bool own_connection;
} hostsession_ssh_options;

/** The defaults. */
#define HOSTSESSION_SSH_OPTIONS_INIT                                                                                   \
    { sizeof(hostsession_ssh_options), NULL, NULL, NULL, false }

HOSTSESSION_END

#endif
