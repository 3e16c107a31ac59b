/* SPDX-License-Identifier: MIT */
/* A started program on the loop: noticing and reaping its end, and ending it.  By pidfd_open() (Linux 5.3) and not by
 * SIGCHLD, whose handler is the caller's. */
#ifndef TRANSPORT_CHILD_H
#define TRANSPORT_CHILD_H

#include "loop/loop.h"
#include "transport/processes.h"

#include <hostsession/transport.h>

#include <stdbool.h>
#include <sys/types.h>

typedef struct child_process child_process;

/* `how` is not known when somebody else has reaped it. */
typedef void (*child_exited_fn)(void *userdata, const hostsession_exit *how);

/* Before the program is started, so that little can fail afterwards. */
child_process *child_new(hostsession_loop *loop, child_exited_fn exited, void *userdata);
/* For one that was not started. */
void child_free(child_process *child);

/* Watch `pid`, a session leader just started.  On failure it has been killed and reaped. */
hostsession_error child_watch(child_process *child, pid_t pid, hostsession_failure *failure);

pid_t child_pid(const child_process *child);

/* No effect once it has ended. */
void child_signal(child_process *child, int signal_number);

/* End it, and the process group `group` of its session (0: none): SIGHUP now, SIGKILL after a while.  Waits for
 * nothing: `exited` is not called any more, and the child lives on the loop until it is reaped.  In the leader's own
 * group, where background jobs may be, those that ignore SIGHUP, SIGINT and SIGQUIT (nohup ... &) are spared.
 * `rest`, copied: NULL, or what of its session, beside the group, gets SIGKILL once the leader is dead and can start no
 * more. */
void child_end(child_process *child, pid_t group, const processes_choice *rest);

#endif
