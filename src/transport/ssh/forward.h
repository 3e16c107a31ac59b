/* SPDX-License-Identifier: MIT */
/* Agent forwarding (ForwardAgent): channels that the host opens to the user's agent, each a connection to its socket.
 * They keep no connection to the host alive.  Source: draft-miller-ssh-agent, section 4. */
#ifndef TRANSPORT_SSH_FORWARD_H
#define TRANSPORT_SSH_FORWARD_H

#include "transport/ssh/settings.h"

#include <hostsession/loop.h>
#include <libssh/libssh.h>

typedef struct forwards forwards;

/* The socket of the agent that is to be forwarded; NULL: none is.  To be freed.  In the loop's thread only. */
char *forward_path(const ssh_settings *settings);

/* Let the host open such channels on `session`, to the agent at `path` (copied).
 *
 * @param wrote  libssh was called from elsewhere than forwards_step(): what that brought is to be looked at.
 *
 * NULL without memory. */
forwards *forwards_new(hostsession_loop *loop, ssh_session session, const char *path, void (*wrote)(void *owner),
                       void *owner);

/* Pass on what libssh has received. */
void forwards_step(forwards *f);

/* Close all of them; before the session is freed.  NULL is allowed. */
void forwards_free(forwards *f);

#endif
