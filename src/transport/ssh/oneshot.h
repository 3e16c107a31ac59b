/* SPDX-License-Identifier: MIT */
/* A command on a host, in a channel of its own. */
#ifndef TRANSPORT_SSH_ONESHOT_H
#define TRANSPORT_SSH_ONESHOT_H

#include "transport/transport.h"

/* As transport_start_ssh_oneshot(). */
hostsession_error ssh_oneshot_start(hostsession_loop *loop, const transport_remote *remote, const char *script,
                                    bool merged, const transport_oneshot_calls *calls, void *owner,
                                    transport_oneshot *ret, hostsession_failure *failure);

#endif
