/* SPDX-License-Identifier: MIT */
/* Between libssh, which talks to an agent in a thread and waits for it, and the agent: what passes is bounded in time,
 * and the list of keys is cut to those that may be used, the configured ones first.  Source: draft-miller-ssh-agent. */
#ifndef TRANSPORT_SSH_AGENT_H
#define TRANSPORT_SSH_AGENT_H

#include "transport/ssh/identities.h"

#include <hostsession/loop.h>

typedef struct agent agent;

/* The socket that IdentityAgent or the environment names; NULL: none.  To be freed.  In the loop's thread only. */
char *agent_path(const ssh_settings *settings);

/* Connect to it, without blocking; -1: it does not take connections. */
int agent_connect(const char *path);

/* Connect to the agent's socket.  NULL when there is none, or no memory.
 *
 * @param ids             Borrowed.
 * @param only_these      IdentitiesOnly: leave the agent's other keys out.
 * @param ret_descriptor  libssh's end, blocking; owned by the caller. */
agent *agent_new(hostsession_loop *loop, const char *path, const identities *ids, bool only_these, int *ret_descriptor);

/* Whether libssh was told of a key. */
bool agent_offers(const agent *agent);

/* libssh's end reads an end of file from here on.  NULL is allowed. */
void agent_free(agent *agent);

#endif
