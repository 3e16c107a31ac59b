/* SPDX-License-Identifier: MIT */
/* What the rows on SSH share. */
#ifndef BENCH_GROUP_SSH_H
#define BENCH_GROUP_SSH_H

#include "bare_ssh.h"

/* What a peer's script gets behind the command; ended by NULL. */
typedef struct bench_ssh_peer {
    char port[16];
    char count[16];
    const char *arguments[7];
} bench_ssh_peer;

/* `count`: 0 for the protocol of bench_peer. */
void bench_ssh_peer_describe(bench_ssh_peer *peer, const bench_ssh_address *address, unsigned count);

void bench_measure_ssh_connect(const bench_context *context, bench_ssh_host *host);
void bench_measure_ssh_many(const bench_context *context, bench_ssh_host *host);

#endif
