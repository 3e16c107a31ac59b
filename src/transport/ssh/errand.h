/* SPDX-License-Identifier: MIT */
/* A command on a host, in a channel of its own, for its effect alone. */
#ifndef TRANSPORT_SSH_ERRAND_H
#define TRANSPORT_SSH_ERRAND_H

#include "transport/ssh/pool.h"

/* `ended` is called from dispatch once it is over, whatever became of it, at the latest after a few seconds; or when
 * the loop is freed.  `command` is copied.  False without memory: `ended` is not called then. */
bool errand_start(ssh_pool *pool, ssh_settings *settings, const void *alone, const char *command,
                  void (*ended)(void *owner), void *owner);

#endif
