/* SPDX-License-Identifier: MIT */
/* The bytes' way to a host's SSH server: straight over TCP, through a ProxyCommand, or through other hosts (ProxyJump).
 */
#ifndef TRANSPORT_SSH_ROUTE_H
#define TRANSPORT_SSH_ROUTE_H

#include "transport/ssh/pool.h"

#include <hostsession/login.h>

typedef struct route route;

typedef struct route_host {
    /* From dispatch, once: `descriptor` is non-blocking and owned by the callee, or -1 with `failure`. */
    void (*done)(void *owner, int descriptor, const hostsession_failure *failure);
    /* For the hosts in between. */
    bool (*ask)(void *owner, const hostsession_question *question, char *answer, size_t answer_size);
} route_host;

/* `settings` is borrowed until route_free(). */
hostsession_error route_start(ssh_pool *pool, ssh_settings *settings, const route_host *host, void *owner, route **ret,
                              hostsession_failure *failure);

/* End it: the proxy, or the way through other hosts, lives as long as this.  NULL is allowed. */
void route_free(route *route);

/* What it waits for, as a failure. */
void route_explain(route *route, hostsession_failure *failure);

/* Whether it came to its own end, as a proxy that cannot be run does: then also why.  False for NULL. */
bool route_has_failed(route *route, hostsession_failure *failure);

/* What its ProxyCommand said last on standard error: "; it said: ...", escaped, or nothing.  NULL is allowed. */
enum { route_words_bytes = 240 };
const char *route_words(route *route, char out[route_words_bytes]);

/* The connection that it goes through; NULL: none. */
const struct ssh_connection *route_through(const route *route);

#endif
