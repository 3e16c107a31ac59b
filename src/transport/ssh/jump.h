/* SPDX-License-Identifier: MIT */
/* A connection through another host (ProxyJump): a lane on a connection to that host, which forwards to where we want
 * to go, behind a socket. */
#ifndef TRANSPORT_SSH_JUMP_H
#define TRANSPORT_SSH_JUMP_H

#include "transport/ssh/route.h"

typedef struct jump jump;

/* `owner` is the connection.  `hops` as ProxyJump has them, the nearest first.  `settings`, of the host behind them, is
 * borrowed until jump_free(). As route_start() otherwise. */
hostsession_error jump_start(ssh_pool *pool, ssh_settings *settings, const char *hops, const route_host *host,
                             void *owner, jump **ret, hostsession_failure *failure);
void jump_free(jump *jump);
/* The connection to that host; NULL: none yet. */
const struct ssh_connection *jump_through(const jump *jump);
void jump_explain(const jump *jump, hostsession_failure *failure);

#endif
