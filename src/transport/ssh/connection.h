/* SPDX-License-Identifier: MIT */
/* A connection to a host, logged in, and the lanes on it: channels that carry a shell, a command, or another
 * connection. It lives as long as a lane is on it. */
#ifndef TRANSPORT_SSH_CONNECTION_H
#define TRANSPORT_SSH_CONNECTION_H

#include "base/bytes.h"
#include "transport/ssh/pool.h"

#include <hostsession/login.h>
#include <libssh/callbacks.h>
#include <libssh/libssh.h>

typedef struct ssh_connection ssh_connection;
typedef struct ssh_lane ssh_lane;

/* All from dispatch; in each of them the lane may be left. */
typedef struct ssh_lane_calls {
    /* The channel is open. */
    void (*opened)(ssh_lane *lane);
    /* Something happened that may concern it: bytes came or can go, a request was answered, the channel ended. */
    void (*moved)(ssh_lane *lane);
    /* The connection could not be made, or is lost: the lane has left it. */
    void (*failed)(ssh_lane *lane, const hostsession_failure *why);
    /* As hostsession_question_fn; NULL: answers nothing. */
    bool (*ask)(ssh_lane *lane, const hostsession_question *question, char *answer, size_t answer_size);
} ssh_lane_calls;

/* Embedded by its owner, zeroed. */
struct ssh_lane {
    list link;
    const ssh_lane_calls *calls;
    /* NULL: for a session; else what the host is to connect to (direct-tcpip). */
    const char *forward_host;
    int forward_port;
    /* Shares its connection with none but those of the same owner. */
    const void *alone;

    /* The rest is set by the connection. */
    ssh_connection *connection;
    ssh_channel channel; /* NULL until it is being opened */
    bool open;
    struct ssh_channel_callbacks_struct callbacks;
    bytes received[2]; /* output, error output: for the owner to take */
    bool restless;     /* `moved` at every turn: set by the owner while a request or a write is not over */
    bool hasty;        /* each byte is waited for: set by the owner while the shell is being opened */
    bool has_terminal; /* set by the owner */
    bool moved;
    bool closed;          /* by the host: nothing follows */
    int exit_status;      /* -1: not told */
    int exit_signal;      /* 0: none; -1: one that this system has no number for */
    uint32_t most_window; /* the host's, in bytes, when it has passed on all that it got */
};

/* Put a lane on a connection that `settings` describe: one that has room, or a new one.  `opened` or `failed` follow.
 */
hostsession_error ssh_lane_enter(ssh_lane *lane, ssh_pool *pool, ssh_settings *settings, hostsession_failure *failure);

/* Close its channel, and the connection with the last of them.  No effect on one that is on none. */
void ssh_lane_leave(ssh_lane *lane);

/* Send; returns how many bytes were taken.  When fewer than `length`, `moved` follows once more can be. */
size_t ssh_lane_write(ssh_lane *lane, const char *data, size_t length);

/* After libssh was called for the lane from elsewhere than its calls: what came meanwhile is to be looked at. */
void ssh_lane_touch(ssh_lane *lane);

/* Whether its connection goes through this one, or is it. */
bool ssh_lane_depends_on(const ssh_lane *lane, const ssh_connection *connection);

/* Whether the host may open channels to the user's agent. */
bool ssh_lane_forwards_agent(const ssh_lane *lane);

/* What it waits for, as a failure. */
void ssh_lane_explain(const ssh_lane *lane, hostsession_failure *failure);

#endif
