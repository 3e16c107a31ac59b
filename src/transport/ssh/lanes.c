/* SPDX-License-Identifier: MIT */
/* The channels on a connection that is logged in.  libssh reads for all of them whenever it is called for one: what
 * arrives is collected in its callbacks, and the owners are called afterwards, outside of libssh. */
#include "transport/ssh/connection_private.h"

#include "base/failure.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* libssh reads 4 KiB at a time: so often before the owners, and other connections, have their turn. */
    full_read_bytes = 2048,
    most_turn_reads = 64,
    /* What a lane that takes no more may have in store; then the host's window closes. */
    most_held_bytes = 1024 * 1024,
    /* What sshd may have of a terminal's input and not have passed on.  Where the terminal echoes nothing, sshd answers
     * each write() to it with as long an SSH_MSG_IGNORE (OpenSSH 9.2, channel_handle_wfd()), and its window would let
     * that grow beyond the 256 KiB that libssh, and OpenSSH itself, take for a packet.  sshd opens its window again by
     * steps of three packets, 96 KiB (channel_check_window()): this must be more. */
    most_untyped_bytes = 192 * 1024,
    /* How long a host may take to end the sessions that were closed, until it is asked for others again. */
    full_us = 1000000,
};

/* ---- libssh's callbacks ---- */

static int on_data(ssh_session session, ssh_channel channel, void *data, uint32_t length, int is_error,
                   void *userdata) {
    (void)session, (void)channel;
    ssh_lane *lane = userdata;
    bytes *to = &lane->received[is_error ? 1 : 0];
    if (bytes_length(to) > most_held_bytes || !bytes_append(to, data, length))
        return 0;
    lane->moved = true;
    return (int)length;
}

static void on_eof(ssh_session session, ssh_channel channel, void *userdata) {
    (void)session, (void)channel;
    ((ssh_lane *)userdata)->moved = true;
}

static void on_close(ssh_session session, ssh_channel channel, void *userdata) {
    (void)session, (void)channel;
    ssh_lane *lane = userdata;
    lane->closed = lane->moved = true;
}

static void on_exit_status(ssh_session session, ssh_channel channel, int status, void *userdata) {
    (void)session, (void)channel;
    ssh_lane *lane = userdata;
    lane->exit_status = status & 255;
    lane->moved = true;
}

/* RFC 4254, section 6.10: names without SIG. */
static int signal_number(const char *name) {
    static const struct {
        const char *name;
        int number;
    } signals[] = {{"ABRT", SIGABRT}, {"ALRM", SIGALRM}, {"FPE", SIGFPE},   {"HUP", SIGHUP},   {"ILL", SIGILL},
                   {"INT", SIGINT},   {"KILL", SIGKILL}, {"PIPE", SIGPIPE}, {"QUIT", SIGQUIT}, {"SEGV", SIGSEGV},
                   {"TERM", SIGTERM}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2}};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        if (strcmp(signals[i].name, name) == 0)
            return signals[i].number;
    return -1;
}

static void on_exit_signal(ssh_session session, ssh_channel channel, const char *name, int core, const char *message,
                           const char *language, void *userdata) {
    (void)session, (void)channel, (void)core, (void)message, (void)language;
    ssh_lane *lane = userdata;
    lane->exit_signal = signal_number(name);
    lane->moved = true;
}

/* ---- entering and leaving ---- */

static ssh_connection *find_room(ssh_pool *pool, const ssh_settings *settings, const void *alone, size_t *most_lanes) {
    for (list *at = pool->connections.next; at != &pool->connections; at = at->next) {
        ssh_connection *c = list_item(at, ssh_connection, link);
        if (c->state == CONNECTION_ENDED || c->alone != alone ||
            strcmp(ssh_settings_all(c->settings), ssh_settings_all(settings)) != 0)
            continue;
        if (c->lane_count < c->most_lanes && c->full_until_us <= loop_now_us(pool->loop))
            return c;
        if (c->most_lanes > 0 && c->most_lanes < *most_lanes)
            *most_lanes = c->most_lanes;
    }
    return NULL;
}

static void attach(ssh_lane *lane, ssh_connection *c) {
    lane->connection = c;
    lane->exit_status = -1;
    lane->most_window = 0;
    list_append(&c->lanes, &lane->link);
    c->lane_count++;
    c->leads_on |= lane->forward_host != NULL;
    if (c->state == CONNECTION_READY)
        loop_post(c->pool->loop, &c->turn);
}

hostsession_error ssh_lane_enter(ssh_lane *lane, ssh_pool *pool, ssh_settings *settings, hostsession_failure *failure) {
    size_t most_lanes = pool_lanes_per_connection;
    ssh_connection *c = find_room(pool, settings, lane->alone, &most_lanes);
    if (!c) {
        c = connection_new(pool, settings);
        if (!c)
            return failure_no_memory(failure, "connect");
        c->alone = lane->alone;
        c->most_lanes = most_lanes;
    }
    attach(lane, c);
    return HOSTSESSION_OK;
}

void lane_detach(ssh_lane *lane) {
    ssh_connection *c = lane->connection;
    list_remove(&lane->link);
    lane->connection = NULL;
    c->lane_count--;
    if (lane->channel) {
        ssh_remove_channel_callbacks(lane->channel, &lane->callbacks);
        ssh_channel_free(lane->channel);
    }
    lane->channel = NULL;
    lane->open = lane->closed = lane->moved = false;
    bytes_free(&lane->received[0]);
    bytes_free(&lane->received[1]);
}

void ssh_lane_leave(ssh_lane *lane) {
    ssh_connection *c = lane->connection;
    if (!c)
        return;
    lane_detach(lane);
    if (c->pumping || c->state == CONNECTION_ENDED)
        return;
    if (list_empty(&c->lanes))
        connection_free(c);
    else if (c->state == CONNECTION_READY)
        loop_post(c->pool->loop, &c->turn);
}

/* ---- one lane ---- */

static bool make_channel(ssh_lane *lane) {
    lane->channel = ssh_channel_new(lane->connection->session);
    if (!lane->channel)
        return false;
    lane->callbacks = (struct ssh_channel_callbacks_struct){.userdata = lane,
                                                            .channel_data_function = on_data,
                                                            .channel_eof_function = on_eof,
                                                            .channel_close_function = on_close,
                                                            .channel_exit_status_function = on_exit_status,
                                                            .channel_exit_signal_function = on_exit_signal};
    ssh_callbacks_init(&lane->callbacks);
    return ssh_add_channel_callbacks(lane->channel, &lane->callbacks) == SSH_OK;
}

/* Those included that libssh knows to be open and whose owners are told next. */
static size_t open_lanes(const ssh_connection *c) {
    size_t count = 0;
    for (const list *at = c->lanes.next; at != &c->lanes; at = at->next) {
        const ssh_lane *lane = list_item(at, ssh_lane, link);
        count += lane->open || (lane->channel && ssh_channel_is_open(lane->channel));
    }
    return count;
}

static void fail_lane(ssh_lane *lane, const hostsession_failure *why) {
    lane_detach(lane);
    lane->calls->failed(lane, why);
}

/* The host opens no further channel here: with others open, or not yet closed on its side, it has reached its limit
 * (MaxSessions), and another connection is the way.  The limit is known when as many are open as ever were. */
static void refused(ssh_lane *lane) {
    ssh_connection *c = lane->connection;
    size_t others = open_lanes(c);
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if ((others > 0 || c->most_carried > 0) && !lane->forward_host) {
        if (others < c->most_carried)
            c->full_until_us = loop_now_us(c->pool->loop) + full_us;
        else
            c->most_lanes = others;
        lane_detach(lane);
        if (ssh_lane_enter(lane, c->pool, c->settings, &why) != HOSTSESSION_OK)
            lane->calls->failed(lane, &why);
        return;
    }
    if (lane->forward_host)
        failure_set(&why, HOSTSESSION_ERROR_CONNECT, 0, "jump", "%s could not connect to %s port %d: %s",
                    ssh_settings_host(c->settings), lane->forward_host, lane->forward_port, ssh_get_error(c->session));
    else
        failure_set(&why, HOSTSESSION_ERROR_CONNECT, 0, "channel",
                    "%s: the login succeeded, but no session was opened: %s", ssh_settings_host(c->settings),
                    ssh_get_error(c->session));
    fail_lane(lane, &why);
}

static int open_channel(ssh_lane *lane) {
    if (lane->forward_host)
        return ssh_channel_open_forward(lane->channel, lane->forward_host, lane->forward_port, "127.0.0.1", 0);
    return ssh_channel_open_session(lane->channel);
}

static void step_lane(ssh_lane *lane) {
    if (!lane->channel && !make_channel(lane)) {
        hostsession_failure why;
        failure_no_memory(&why, "channel");
        fail_lane(lane, &why);
        return;
    }
    if (lane->open) {
        if (!lane->moved && !lane->restless)
            return;
        lane->moved = false;
        lane->calls->moved(lane);
        return;
    }
    int result = open_channel(lane);
    if (result == SSH_AGAIN)
        return;
    if (result != SSH_OK) {
        refused(lane);
        return;
    }
    ssh_connection *c = lane->connection;
    lane->open = true;
    size_t open = open_lanes(c);
    if (open > c->most_carried)
        c->most_carried = open;
    lane->calls->opened(lane);
}

/* ---- all of them ---- */

static size_t held_bytes(const ssh_connection *c) {
    size_t held = 0;
    for (const list *at = c->lanes.next; at != &c->lanes; at = at->next) {
        const ssh_lane *lane = list_item(at, ssh_lane, link);
        held += bytes_length(&lane->received[0]) + bytes_length(&lane->received[1]);
    }
    return held;
}

/* libssh may have found a packet to be garbage, and closed its descriptor, in a call that otherwise went well. */
static bool is_alive(const ssh_connection *c) {
    return ssh_is_connected(c->session) && !(ssh_get_status(c->session) & (SSH_CLOSED | SSH_CLOSED_ERROR));
}

/* False: the connection is lost.  A call that brought less than libssh reads at once, and the end of a packet, has
 * emptied the socket: no need to ask for that. */
static bool read_turn(ssh_connection *c) {
    size_t held = held_bytes(c);
    bool full = true;
    int result = SSH_OK;
    for (int reads = 0; reads < most_turn_reads && result == SSH_OK && full; reads++) {
        result = ssh_event_dopoll(c->event, 0);
        size_t before = held;
        held = held_bytes(c);
        full = held >= before + full_read_bytes || ssh_get_status(c->session) & SSH_READ_PENDING;
    }
    return result != SSH_ERROR && is_alive(c);
}

static void call_lanes(ssh_connection *c) {
    list pass;
    list_init(&pass);
    if (list_empty(&c->lanes))
        return;
    list_append(&c->lanes, &pass);
    list_remove(&c->lanes);
    list_init(&c->lanes);
    while (!list_empty(&pass)) {
        ssh_lane *lane = list_item(pass.next, ssh_lane, link);
        list_remove(&lane->link);
        list_append(&c->lanes, &lane->link);
        step_lane(lane);
    }
}

/* Whether there is something to call them for: libssh reads whenever it is called, to write as well. */
static bool note_lanes(ssh_connection *c) {
    bool moved = c->heard_count.in_packets != c->heard_packets;
    c->hasty = false;
    for (list *at = c->lanes.next; at != &c->lanes; at = at->next) {
        const ssh_lane *lane = list_item(at, ssh_lane, link);
        c->hasty |= lane->hasty || !lane->open;
        moved |= lane->moved;
    }
    return moved;
}

static void lose(ssh_connection *c) {
    hostsession_failure why;
    char said[200];
    const char *text = ssh_get_error(c->session);
    failure_escape_tail(said, sizeof said, text, strlen(text));
    failure_set(&why, HOSTSESSION_ERROR_DISCONNECTED, 0, "connection", "%s port %d: the connection was lost: %s",
                ssh_settings_host(c->settings), ssh_settings_port(c->settings), said[0] ? said : "closed by the host");
    connection_fail(c, &why);
}

/* What libssh could not write yet.  (It also wants to be told after each write that it may write again, but the turn
 * that reads the answer tells it that, too: ssh_get_poll_flags() would ask for one more.) */
static bool has_unsent(const ssh_connection *c) {
    return ssh_get_status(c->session) & SSH_WRITE_PENDING;
}

/* Not told since its last write, libssh keeps the next one: asked here, the loop is not woken for that. */
static bool settle_writes(ssh_connection *c) {
    if (has_unsent(c) && ssh_event_dopoll(c->event, 0) == SSH_ERROR)
        return false;
    return is_alive(c);
}

void connection_turn(ssh_connection *c) {
    if (c->pumping) {
        loop_post(c->pool->loop, &c->turn);
        return;
    }
    bool alive = read_turn(c);
    c->heard_packets = c->heard_count.in_packets;
    c->pumping = true;
    if (c->forwards)
        forwards_step(c->forwards);
    call_lanes(c);
    c->pumping = false;
    if (list_empty(&c->lanes)) {
        connection_free(c);
        return;
    }
    if (!alive || !is_alive(c)) {
        lose(c);
        return;
    }
    alive = settle_writes(c);
    if (note_lanes(c) || !alive)
        loop_post(c->pool->loop, &c->turn);
    lanes_watch(c);
}

/* ---- writing ---- */

void lanes_watch(ssh_connection *c) {
    unsigned writable = has_unsent(c) ? HOSTSESSION_WATCH_WRITABLE : 0;
    hostsession_watch_set_events(c->watch, HOSTSESSION_WATCH_READABLE | writable);
}

void ssh_lane_touch(ssh_lane *lane) {
    if (lane->connection && lane->connection->state == CONNECTION_READY)
        loop_post(lane->connection->pool->loop, &lane->connection->turn);
}

/* How much may be written now; nothing, until the host's window opens: then there is a packet, and another turn. */
static size_t write_room(ssh_lane *lane) {
    if (!lane->has_terminal || ssh_get_openssh_version(lane->connection->session) == 0)
        return most_held_bytes;
    uint32_t window = ssh_channel_window_size(lane->channel);
    if (window > lane->most_window)
        lane->most_window = window;
    size_t untyped = lane->most_window - window;
    return untyped < most_untyped_bytes ? most_untyped_bytes - untyped : 0;
}

size_t ssh_lane_write(ssh_lane *lane, const char *data, size_t length) {
    ssh_connection *c = lane->connection;
    if (!c || !lane->open || lane->closed)
        return length;
    size_t room = write_room(lane);
    size_t part = length < room ? length : room;
    int sent = ssh_channel_write(lane->channel, data, (uint32_t)part);
    if (!c->pumping) {
        bool alive = settle_writes(c);
        if (note_lanes(c) || !alive)
            ssh_lane_touch(lane);
        lanes_watch(c);
    }
    if (sent < 0)
        return length;
    lane->restless |= (size_t)sent < length;
    /* Cut by ourselves: the host owes nothing that would bring the next turn. */
    if (part == most_held_bytes && (size_t)sent == part && part < length)
        ssh_lane_touch(lane);
    return (size_t)sent;
}

bool ssh_lane_forwards_agent(const ssh_lane *lane) {
    return lane->connection->forwards != NULL;
}

void ssh_lane_explain(const ssh_lane *lane, hostsession_failure *failure) {
    connection_explain(lane->connection, failure);
}
