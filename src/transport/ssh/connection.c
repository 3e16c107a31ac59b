/* SPDX-License-Identifier: MIT */
/* A connection's life: from the pool's queue (pool.c) over the route, the greeting (greeting.c), the host's key
 * (host_key.c) and the login to a connection that carries lanes (lanes.c). */
#include "transport/ssh/connection_private.h"

#include "base/failure.h"

#include <libssh/server.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    /* Where ssh_config sets no ServerAliveInterval: a peer that is gone must be noticed. */
    default_alive_s = 30,
};

/* ---- ending ---- */

void connection_drop(ssh_connection *c) {
    hostsession_watch_free(c->watch);
    c->watch = NULL;
    bool elsewhere = ssh_login_free(c->login);
    c->login = NULL;
    forwards_free(c->forwards);
    c->forwards = NULL;
    if (c->event) {
        ssh_event_remove_session(c->event, c->session);
        ssh_event_free(c->event);
    }
    c->event = NULL;
    if (c->session && !elsewhere)
        ssh_free(c->session);
    c->session = NULL;
    if (c->descriptor >= 0)
        close(c->descriptor);
    c->descriptor = -1;
    route_free(c->route);
    c->route = NULL;
    free(c->stray);
    c->stray = NULL;
    c->spoken = false;
}

void connection_free(ssh_connection *c) {
    connection_set_state(c, CONNECTION_ENDED);
    connection_drop(c);
    loop_job_abandon(c->preparing);
    known_hosts_free(c->known);
    identities_free(c->ids);
    ssh_settings_free(c->settings);
    loop_timer_destroy(&c->timer);
    loop_unpost(&c->turn);
    list_remove(&c->link);
    free(c);
}

void connection_fail(ssh_connection *c, const hostsession_failure *why) {
    hostsession_failure copy = *why;
    connection_set_state(c, CONNECTION_ENDED);
    while (!list_empty(&c->lanes)) {
        ssh_lane *lane = list_item(c->lanes.next, ssh_lane, link);
        lane_detach(lane);
        lane->calls->failed(lane, &copy);
    }
    connection_free(c);
}

void connection_fail_with(ssh_connection *c, hostsession_error error, const char *stage, const char *what) {
    hostsession_failure why;
    failure_set(&why, error, 0, stage, "%s port %d: %s", ssh_settings_host(c->settings), ssh_settings_port(c->settings),
                what);
    connection_fail(c, &why);
}

void connection_give_up(ssh_connection *c) {
    hostsession_failure why;
    connection_explain(c, &why);
    connection_fail(c, &why);
}

/* ---- setting up ---- */

typedef struct preparation {
    ssh_connection *connection;
    ssh_settings *settings;
    known_hosts *known;
    identities *ids;
} preparation;

static void prepare(void *data) {
    preparation *p = data;
    p->known = known_hosts_read(p->settings);
    p->ids = identities_read(p->settings);
}

static void preparation_free(void *data) {
    preparation *p = data;
    known_hosts_free(p->known);
    identities_free(p->ids);
    ssh_settings_free(p->settings);
    free(p);
}

static void on_prepared(void *data) {
    preparation *p = data;
    ssh_connection *c = p->connection;
    c->preparing = NULL;
    c->known = p->known;
    c->ids = p->ids;
    p->known = NULL;
    p->ids = NULL;
    preparation_free(p);
    if (!c->known || !c->ids)
        connection_fail_with(c, HOSTSESSION_ERROR_LIMIT, "connect", connection_nothing_left);
    else
        greeting_start(c);
}

static void on_routed(void *owner, int descriptor, const hostsession_failure *failure) {
    ssh_connection *c = owner;
    if (failure) {
        connection_fail(c, failure);
        return;
    }
    c->descriptor = descriptor;
    greeting_start(c);
}

static bool on_ask(void *owner, const hostsession_question *question, char *answer, size_t answer_size) {
    ssh_connection *c = owner;
    for (list *at = c->lanes.next; at != &c->lanes; at = at->next) {
        ssh_lane *lane = list_item(at, ssh_lane, link);
        if (lane->calls->ask && lane->calls->ask(lane, question, answer, answer_size))
            return true;
    }
    return false;
}

static bool start_preparing(ssh_connection *c) {
    static const loop_job_calls calls = {prepare, on_prepared, preparation_free, true};
    preparation *p = calloc(1, sizeof *p);
    if (!p)
        return false;
    p->connection = c;
    p->settings = ssh_settings_share(c->settings);
    c->preparing = loop_job_start(c->pool->loop, &calls, p);
    if (!c->preparing)
        preparation_free(p);
    return c->preparing != NULL;
}

void connection_begin(ssh_connection *c) {
    static const route_host host = {on_routed, on_ask};
    hostsession_failure why;
    long limit_s = ssh_settings_number(c->settings, "connecttimeout", 0);
    connection_set_state(c, CONNECTION_ROUTING);
    if (route_has_failed(c->route, &why)) {
        connection_fail(c, &why);
        return;
    }
    route_free(c->route);
    c->route = NULL;
    if (limit_s)
        loop_timer_set(&c->timer, loop_now_us(c->pool->loop) + limit_s * INT64_C(1000000));
    if (!c->known && !c->preparing && !start_preparing(c)) {
        connection_fail_with(c, HOSTSESSION_ERROR_LIMIT, "connect", "no memory or no thread left (ulimit -u)");
        return;
    }
    if (route_start(c->pool, c->settings, &host, c, &c->route, &why) != HOSTSESSION_OK)
        connection_fail(c, &why);
}

/* ---- stepping ---- */

static void on_login_goes_on(void *owner) {
    connection_advance(owner);
}

static bool on_login_asks(void *owner, const hostsession_question *question, char *answer, size_t answer_size) {
    ssh_connection *c = owner;
    if (c->distrusted && question->kind != HOSTSESSION_QUESTION_PASSPHRASE)
        return false;
    return on_ask(c, question, answer, answer_size);
}

static void keep_alive_later(ssh_connection *c) {
    loop_timer_set(&c->timer, loop_now_us(c->pool->loop) + c->alive_us);
}

static void on_forwarded(void *owner) {
    ssh_connection *c = owner;
    loop_post(c->pool->loop, &c->turn);
}

static bool allow_forwards(ssh_connection *c) {
    char *path = forward_path(c->settings);
    if (!path)
        return true;
    c->forwards = forwards_new(c->pool->loop, c->session, path, on_forwarded, c);
    free(path);
    return c->forwards != NULL;
}

static void become_ready(ssh_connection *c) {
    ssh_login_free(c->login);
    c->login = NULL;
    known_hosts_free(c->known);
    c->known = NULL;
    c->event = ssh_event_new();
    if (!c->event || ssh_event_add_session(c->event, c->session) != SSH_OK || !allow_forwards(c)) {
        connection_fail_with(c, HOSTSESSION_ERROR_NO_MEMORY, "connect", "out of memory");
        return;
    }
    ssh_set_counters(c->session, NULL, &c->heard_count);
    connection_set_state(c, CONNECTION_READY);
    c->alive_us = ssh_settings_number(c->settings, "serveraliveinterval", 0) * INT64_C(1000000);
    if (c->alive_us == 0)
        c->alive_us = default_alive_s * INT64_C(1000000);
    keep_alive_later(c);
    connection_turn(c);
}

static void step_login(ssh_connection *c) {
    hostsession_failure why;
    switch (ssh_login_step(c->login, &why)) {
    case SSH_LOGIN_WAITS:
        lanes_watch(c);
        break;
    case SSH_LOGIN_BUSY:
        /* A thread has the session. */
        hostsession_watch_set_events(c->watch, 0);
        break;
    case SSH_LOGIN_RIGHT:
        become_ready(c);
        break;
    case SSH_LOGIN_WRONG:
        connection_fail(c, &why);
        break;
    }
}

void connection_log_in(ssh_connection *c) {
    static const ssh_login_host host = {on_login_asks, on_login_goes_on};
    c->login = ssh_login_new(c->pool->loop, c->session, c->settings, c->ids, &host, c);
    c->ids = NULL;
    if (!c->login) {
        connection_fail_with(c, HOSTSESSION_ERROR_NO_MEMORY, "auth", "out of memory");
        return;
    }
    connection_set_state(c, CONNECTION_LOGIN);
    step_login(c);
}

void connection_advance(ssh_connection *c) {
    if (c->state == CONNECTION_GREETING)
        greeting_step(c);
    else if (c->state == CONNECTION_LOGIN)
        step_login(c);
    else if (c->state == CONNECTION_READY)
        connection_turn(c);
}

void connection_on_ready(void *userdata, unsigned events) {
    const int on = 1;
    ssh_connection *c = userdata;
    c->heard |= (events & HOSTSESSION_WATCH_READABLE) != 0;
    /* sshd writes in small pieces while a channel is opened and does not turn Nagle's algorithm off before: each waits
     * for our acknowledgement. */
    if (c->state != CONNECTION_READY || c->hasty)
        setsockopt(c->descriptor, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    connection_advance(c);
}

/* ---- keeping alive ---- */

static void keep_alive(ssh_connection *c) {
    long most = ssh_settings_number(c->settings, "serveralivecountmax", 3);
    c->unanswered = c->heard ? 0 : c->unanswered + 1;
    c->heard = false;
    if (c->unanswered > most) {
        char what[120];
        snprintf(what, sizeof what, "the host has not answered for %" PRId64 " s",
                 c->alive_us / 1000000 * c->unanswered);
        connection_fail_with(c, HOSTSESSION_ERROR_DISCONNECTED, "connection", what);
        return;
    }
    /* libssh takes the last request's answer when the next is made, and does not send that. */
    ssh_send_keepalive(c->session);
    if (c->kept_alive)
        ssh_send_keepalive(c->session);
    c->kept_alive = true;
    keep_alive_later(c);
    connection_turn(c);
}

static void on_timer(loop_timer *timer) {
    ssh_connection *c = list_item(timer, ssh_connection, timer);
    if (c->state == CONNECTION_READY) {
        keep_alive(c);
    } else if (connection_is_opening(c)) {
        /* ConnectTimeout. */
        connection_give_up(c);
    } else if (c->pausing) {
        c->pausing = false;
        loop_post(c->pool->loop, &c->pool->admit);
    }
}

static void on_turn(loop_task *task) {
    ssh_connection *c = list_item(task, ssh_connection, turn);
    if (c->state == CONNECTION_READY)
        connection_turn(c);
}

ssh_connection *connection_new(ssh_pool *pool, ssh_settings *settings) {
    ssh_connection *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->pool = pool;
    c->descriptor = -1;
    c->most_lanes = pool_lanes_per_connection;
    c->turn.run = on_turn;
    list_init(&c->lanes);
    if (!loop_timer_init(&c->timer, pool->loop, on_timer)) {
        free(c);
        return NULL;
    }
    c->settings = ssh_settings_share(settings);
    list_append(&pool->connections, &c->link);
    loop_post(pool->loop, &pool->admit);
    return c;
}

bool ssh_lane_depends_on(const ssh_lane *lane, const ssh_connection *connection) {
    const ssh_connection *at = lane->connection;
    while (at && at != connection)
        at = route_through(at->route);
    return at != NULL;
}

void connection_explain(const ssh_connection *c, hostsession_failure *failure) {
    const char *host = ssh_settings_host(c->settings);
    int port = ssh_settings_port(c->settings);
    if (c->state <= CONNECTION_GREETING && greeting_explain_drops(c, failure))
        return;
    switch (c->state) {
    case CONNECTION_QUEUED:
        failure_set(failure, HOSTSESSION_ERROR_CONNECT, 0, "connect",
                    "%s port %d: the connection waited for others that are being opened; allow more time", host, port);
        break;
    case CONNECTION_ROUTING:
        route_explain(c->route, failure);
        break;
    case CONNECTION_GREETING:
        greeting_explain(c, failure);
        break;
    case CONNECTION_LOGIN:
        failure_set(failure, HOSTSESSION_ERROR_AUTH, 0, "auth", "%s port %d: the login was not over in time", host,
                    port);
        break;
    default:
        failure_set(failure, HOSTSESSION_ERROR_NOT_READY, 0, "channel",
                    "%s port %d: logged in, but the host opened no channel in time", host, port);
    }
}
