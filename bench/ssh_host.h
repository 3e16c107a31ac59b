/* SPDX-License-Identifier: MIT */
/* An SSH server of the benchmark's own, and how everyone reaches it. */
#ifndef BENCH_SSH_HOST_H
#define BENCH_SSH_HOST_H

#include "bench.h"

#include <hostsession/hostsession.h>

/* The alias in the configuration: a user whose login shell is bash, with an empty home. */
extern const char bench_ssh_target[];
extern const char bench_ssh_user[];
/* What all that are compared use: ssh's own preference would be a slower key exchange. */
extern const char bench_ssh_key_exchange[];
extern const char bench_ssh_cipher[];
/* What starts the shell for the bare loops and the peers, as the library does; it says READY when the terminal is set
 * up.  What is typed then has no echo. */
extern const char bench_ssh_start_tty[];
extern const char bench_ssh_start_pipe[];

/* What a client needs. */
typedef struct bench_ssh_address {
    unsigned port;
    /* A private key. */
    const char *key;
    /* A file for ssh -F. */
    const char *config;
    hostsession_ssh_options options;
} bench_ssh_address;

typedef struct bench_ssh_host bench_ssh_host;

/* The server has its default configuration.  NULL, with the reason in `why`, where something is missing. */
bench_ssh_host *bench_ssh_host_start(bench_contender *owner);
/* Ends it, and all that was started through it.  NULL is allowed. */
void bench_ssh_host_stop(bench_ssh_host *host);
const bench_ssh_address *bench_ssh_host_address(const bench_ssh_host *host);
/* The same through another port, as of a relay; to be called once. */
const bench_ssh_address *bench_ssh_host_address_at(bench_ssh_host *host, unsigned port);
/* The process that accepts connections. */
pid_t bench_ssh_host_listener(const bench_ssh_host *host);
/* A path for a file of the benchmark's own; valid until the stop. */
const char *bench_ssh_host_socket(const bench_ssh_host *host);

#endif
