/* SPDX-License-Identifier: MIT */
/* What the SSH sessions of one loop share: connections, what ssh_config says, and a limit for how many connect at once
 * (sshd's MaxStartups, 10:30:100 by default, drops connections that have not logged in). */
#ifndef TRANSPORT_SSH_POOL_H
#define TRANSPORT_SSH_POOL_H

#include "loop/loop.h"
#include "transport/ssh/config.h"

enum {
    /* OpenSSH's MaxSessions.  A host that refuses earlier is remembered. */
    pool_lanes_per_connection = 10,
    /* Connections that are not logged in yet, of all hosts and of one. */
    pool_most_opening = 64,
    pool_most_opening_per_host = 8,
};

typedef struct ssh_pool {
    loop_local local;
    hostsession_loop *loop;
    ssh_config config;
    list connections;
    size_t opening;
    loop_task admit;
} ssh_pool;

/* The loop's pool, made when there is none.  NULL without memory. */
ssh_pool *ssh_pool_of(hostsession_loop *loop);

#endif
