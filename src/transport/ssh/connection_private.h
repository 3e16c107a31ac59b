/* SPDX-License-Identifier: MIT */
/* What connection.c, greeting.c, pool.c, host_key.c and lanes.c share. */
#ifndef TRANSPORT_SSH_CONNECTION_PRIVATE_H
#define TRANSPORT_SSH_CONNECTION_PRIVATE_H

#include "transport/ssh/connection.h"
#include "transport/ssh/forward.h"
#include "transport/ssh/known_hosts.h"
#include "transport/ssh/login.h"
#include "transport/ssh/route.h"

#include <inttypes.h>

typedef enum connection_state {
    CONNECTION_QUEUED,   /* too many others are opening, or a pause before another try */
    CONNECTION_ROUTING,  /* a way to the host is made */
    CONNECTION_GREETING, /* version and key exchange */
    CONNECTION_LOGIN,
    CONNECTION_READY,
    CONNECTION_ENDED,
} connection_state;

struct ssh_connection {
    list link;
    ssh_pool *pool;
    ssh_settings *settings;
    connection_state state;
    const void *alone;
    bool leads_on; /* others wait for it to connect through it */
    unsigned tries;
    bool pausing;

    loop_job *preparing;
    known_hosts *known;
    identities *ids;
    route *route;
    int descriptor;
    hostsession_watch *watch;
    ssh_session session;
    bool spoken; /* the host has said something */
    char *stray; /* what it was, if it was no SSH version: the beginning of the line */
    ssh_login *login;
    bool distrusted;
    ssh_event event;
    struct ssh_counter_struct heard_count; /* what libssh has read */
    uint64_t heard_packets;                /* ... when the owners were last called for it */
    forwards *forwards;                    /* NULL: none are allowed */

    list lanes;
    size_t lane_count;
    size_t most_lanes;
    size_t most_carried;   /* so many were open at once */
    int64_t full_until_us; /* sessions that were closed have not ended on the host */
    bool hasty;            /* a lane is */
    bool pumping;          /* its lanes are being called */
    loop_task turn;

    loop_timer timer; /* the next try; then the next sign of life */
    int64_t alive_us;
    bool heard;
    bool kept_alive;
    int64_t unanswered;
};

/* connection.c */
ssh_connection *connection_new(ssh_pool *pool, ssh_settings *settings);
void connection_begin(ssh_connection *c);
/* Go on with what it is at. */
void connection_advance(ssh_connection *c);
/* Tell its lanes, and free it. */
void connection_fail(ssh_connection *c, const hostsession_failure *why);
void connection_fail_with(ssh_connection *c, hostsession_error error, const char *stage, const char *what);
void connection_free(ssh_connection *c);
void connection_explain(const ssh_connection *c, hostsession_failure *failure);
/* ... as what it fails with. */
void connection_give_up(ssh_connection *c);
/* Everything that belongs to this try: the way, the descriptor, the session. */
void connection_drop(ssh_connection *c);
/* The descriptor is ready. */
void connection_on_ready(void *userdata, unsigned events);
/* The host's key is right. */
void connection_log_in(ssh_connection *c);
#define connection_nothing_left "no memory or no descriptor left (ulimit -n); close some sessions or raise the limit"

/* greeting.c */
/* Once there is a way and the files are read; no effect before. */
void greeting_start(ssh_connection *c);
/* The connection may be gone afterwards. */
void greeting_step(ssh_connection *c);
void greeting_explain(const ssh_connection *c, hostsession_failure *failure);
/* Whether it is that the host drops the connection again and again. */
bool greeting_explain_drops(const ssh_connection *c, hostsession_failure *failure);

/* pool.c */
/* It counts for the limits: begun, and not logged in yet. */
bool connection_is_opening(const ssh_connection *c);
void connection_set_state(ssh_connection *c, connection_state state);

/* host_key.c: once the greeting is over.  False: it failed, and is gone. */
bool connection_check_host_key(ssh_connection *c);

/* lanes.c: read, write, and call the lanes that something happened to.  It may be gone afterwards. */
void connection_turn(ssh_connection *c);
void lanes_watch(ssh_connection *c);
/* Take a lane off; the connection stays. */
void lane_detach(ssh_lane *lane);

#endif
