/* SPDX-License-Identifier: MIT */
#include "transport/ssh/jump.h"

#include "base/failure.h"
#include "transport/address.h"
#include "transport/spawn.h"
#include "transport/ssh/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { most_held_bytes = 256 * 1024 };

struct jump {
    ssh_pool *pool;
    ssh_settings *settings;
    route_host host;
    void *owner;
    ssh_question *question;
    ssh_asker asker;
    ssh_lane lane;
    int ours;
    hostsession_watch *watch;
    bytes outgoing; /* read from our end, for the lane */
    bool done;
};

/* ---- which hop ---- */

/* "a,b,c": the host is reached from c, and c through a and b. */
static hostsession_error make_question(jump *j, const char *hops, hostsession_failure *failure) {
    const char *comma = strrchr(hops, ',');
    const char *last = comma ? comma + 1 : hops;
    const char *prefix = "ssh://";
    char through[600] = "";
    const char *more[] = {through, NULL};
    hostsession_ssh_options options = HOSTSESSION_SSH_OPTIONS_INIT;
    address hop;
    if (strncmp(last, prefix, strlen(prefix)) == 0)
        last += strlen(prefix);
    hostsession_error error = address_parse(last, hops, &hop, failure);
    if (error)
        return error;
    options.config_file = ssh_settings_config_file(j->settings);
    if (comma) {
        snprintf(through, sizeof through, "ProxyJump=%.*s", (int)(comma - hops), hops);
        options.settings = more;
    }
    j->question = ssh_question_new(hop.host, hop.user, hop.port, &options);
    address_free(&hop);
    return j->question ? HOSTSESSION_OK : failure_no_memory(failure, "jump");
}

/* ---- moving bytes ---- */

static void close_ours(jump *j) {
    hostsession_watch_free(j->watch);
    j->watch = NULL;
    if (j->ours >= 0)
        close(j->ours);
    j->ours = -1;
}

static void update_watch(jump *j) {
    unsigned events = bytes_length(&j->outgoing) < most_held_bytes ? HOSTSESSION_WATCH_READABLE : 0u;
    if (bytes_length(&j->lane.received[0]))
        events |= HOSTSESSION_WATCH_WRITABLE;
    if (j->watch)
        hostsession_watch_set_events(j->watch, events);
}

/* To the lane.  False: our end is closed. */
static bool move_out(jump *j) {
    for (;;) {
        while (bytes_length(&j->outgoing)) {
            size_t sent = ssh_lane_write(&j->lane, bytes_front(&j->outgoing), bytes_length(&j->outgoing));
            if (sent == 0)
                return true;
            bytes_consume(&j->outgoing, sent);
        }
        j->lane.restless = false;
        char *to = bytes_reserve(&j->outgoing, 16384);
        ssize_t got = to ? recv(j->ours, to, 16384, 0) : -1;
        if (got < 0 && to && errno == EINTR)
            continue;
        if (got < 0 && to && errno == EAGAIN)
            return true;
        if (got <= 0)
            return false;
        j->outgoing.end += (size_t)got;
    }
}

/* From the lane. */
static bool move_in(jump *j) {
    bytes *held = &j->lane.received[0];
    while (bytes_length(held)) {
        ssize_t put = send(j->ours, bytes_front(held), bytes_length(held), MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return errno == EAGAIN;
        bytes_consume(held, (size_t)put);
    }
    return !j->lane.closed;
}

static void move(jump *j) {
    if (j->ours < 0)
        return;
    bool right = move_in(j) && move_out(j);
    if (right)
        update_watch(j);
    else
        /* The connection behind us reads an end of file. */
        close_ours(j);
}

static void on_ready(void *userdata, unsigned events) {
    (void)events;
    move(userdata);
}

/* ---- the lane's side ---- */

static void finish(jump *j, int descriptor, const hostsession_failure *failure) {
    if (j->done)
        return;
    j->done = true;
    j->host.done(j->owner, descriptor, failure);
}

static void on_opened(ssh_lane *lane) {
    jump *j = list_item(lane, jump, lane);
    int ends[2];
    hostsession_failure why;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
        spawn_no_descriptor(&why, errno, "a connection through another host");
        finish(j, -1, &why);
        return;
    }
    j->ours = ends[0];
    if (hostsession_watch_new(j->pool->loop, j->ours, HOSTSESSION_WATCH_READABLE, on_ready, j, &j->watch) !=
        HOSTSESSION_OK) {
        close(ends[1]);
        failure_no_memory(&why, "jump");
        finish(j, -1, &why);
        return;
    }
    finish(j, ends[1], NULL);
}

static void on_moved(ssh_lane *lane) {
    move(list_item(lane, jump, lane));
}

static void on_failed(ssh_lane *lane, const hostsession_failure *why) {
    jump *j = list_item(lane, jump, lane);
    close_ours(j);
    hostsession_failure through = *why;
    failure_set(&through, why->error, why->system_errno, why->stage, "%s, reached through another host: %s",
                ssh_settings_host(j->settings), why->message);
    finish(j, -1, &through);
}

static bool on_ask(ssh_lane *lane, const hostsession_question *question, char *answer, size_t answer_size) {
    jump *j = list_item(lane, jump, lane);
    return j->host.ask(j->owner, question, answer, answer_size);
}

const ssh_connection *jump_through(const jump *j) {
    return j->lane.connection;
}

/* A host whose ProxyJump leads back to itself would wait for itself. */
static hostsession_error enter(jump *j, ssh_settings *hop, hostsession_failure *failure) {
    hostsession_error error = ssh_lane_enter(&j->lane, j->pool, hop, failure);
    if (error || !ssh_lane_depends_on(&j->lane, j->owner))
        return error;
    ssh_lane_leave(&j->lane);
    return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "jump",
                       "%s: its ProxyJump leads through %s back to itself; mend ssh_config",
                       ssh_settings_host(j->settings), ssh_settings_host(hop));
}

static void on_answered(ssh_asker *asker, ssh_settings *hop, const hostsession_failure *failure) {
    static const ssh_lane_calls calls = {on_opened, on_moved, on_failed, on_ask};
    jump *j = list_item(asker, jump, asker);
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    hostsession_error error = HOSTSESSION_OK;
    if (failure)
        error = (why = *failure).error;
    if (!error)
        error = ssh_settings_check(hop, &why);
    if (!error) {
        j->lane.calls = &calls;
        j->lane.forward_host = ssh_settings_host(j->settings);
        j->lane.forward_port = ssh_settings_port(j->settings);
        error = enter(j, hop, &why);
    }
    ssh_settings_free(hop);
    if (error)
        finish(j, -1, &why);
}

hostsession_error jump_start(ssh_pool *pool, ssh_settings *settings, const char *hops, const route_host *host,
                             void *owner, jump **ret, hostsession_failure *failure) {
    jump *j = calloc(1, sizeof *j);
    if (!j)
        return failure_no_memory(failure, "jump");
    j->pool = pool;
    j->settings = settings;
    j->host = *host;
    j->owner = owner;
    j->ours = -1;
    j->asker.answered = on_answered;
    hostsession_error error = make_question(j, hops, failure);
    if (!error)
        error = ssh_config_ask(&pool->config, j->question, &j->asker, failure);
    if (error)
        jump_free(j);
    else
        *ret = j;
    return error;
}

void jump_free(jump *j) {
    if (!j)
        return;
    ssh_config_cancel(&j->asker);
    close_ours(j);
    ssh_lane_leave(&j->lane);
    ssh_question_free(j->question);
    bytes_free(&j->outgoing);
    free(j);
}

void jump_explain(const jump *j, hostsession_failure *failure) {
    hostsession_failure why;
    if (!j->lane.connection)
        failure_set(&why, HOSTSESSION_ERROR_CONNECT, 0, "config", "ssh -G was not over in time");
    else
        ssh_lane_explain(&j->lane, &why);
    failure_set(failure, why.error, why.system_errno, why.stage, "%s, reached through another host: %s",
                ssh_settings_host(j->settings), why.message);
}
