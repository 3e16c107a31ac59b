/* SPDX-License-Identifier: MIT */
/* A shell on another host over telnet: a connection, and the protocol (engine/telnet/nvt.h) on it. */
#include "transport/transport.h"

#include "base/failure.h"
#include "engine/telnet/nvt.h"
#include "loop/loop.h"
#include "transport/dial.h"
#include "transport/terminal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    default_port = 23,
    /* On its way out; then no more is taken, and what would have to be answered is not read. */
    full_bytes = 64 * 1024,
    /* A host that is gone is noticed within two minutes. */
    keepalive_idle_s = 60,
    keepalive_interval_s = 15,
    keepalive_count = 4,
    unanswered_ms = 120 * 1000,
    /* A shell brings to the foreground what it has just started. */
    linger_us = 100 * 1000,
};

typedef struct telnet {
    char *host;
    int port;
    nvt *nvt;
    size_t write_bytes; /* 0: no limit */
    int64_t write_pause_us;

    hostsession_loop *loop;
    hostsession_channel *channel;
    dial *dial;
    hostsession_watch *watch;
    int descriptor;
    bool blocked;   /* the connection takes no more for now */
    bool pausing;   /* between two writes, for a slow line */
    bool short_for; /* the session has more to send */
    bool answered;  /* a shell has */
    bool ended;
    int broken;   /* errno */
    bool lingers; /* closed, and hung up soon */
    bool unowned; /* freed then */
    loop_timer pause;
    loop_timer linger;
    loop_hold hold; /* while it lingers */
    loop_task failed;
} telnet;

static void end(telnet *t, hostsession_error error, int why, const char *text) {
    static const hostsession_exit unknown = {false, 0, 0};
    hostsession_failure failure;
    if (t->ended)
        return;
    t->ended = true;
    hostsession_watch_set_events(t->watch, 0);
    failure_set(&failure, error, why, "connection", "%s port %d: %s", t->host, t->port, text);
    /* Before a shell has answered what was said last tells more. */
    hostsession_channel_ended(t->channel, &unknown, why || t->answered ? &failure : NULL);
}

static void on_failed(loop_task *task) {
    telnet *t = list_item(task, telnet, failed);
    if (t->broken == ENOMEM)
        end(t, HOSTSESSION_ERROR_NO_MEMORY, t->broken, "no memory");
    else
        end(t, HOSTSESSION_ERROR_DISCONNECTED, t->broken, failure_errno_text(t->broken));
}

/* Told from dispatch. */
static void fail(telnet *t, int why) {
    t->broken = why;
    loop_post(t->loop, &t->failed);
}

static void update_events(telnet *t) {
    unsigned events = 0;
    bool full = bytes_length(nvt_outgoing(t->nvt)) >= full_bytes;
    if (!full)
        events |= HOSTSESSION_WATCH_READABLE;
    if (t->blocked)
        events |= HOSTSESSION_WATCH_WRITABLE;
    hostsession_watch_set_events(t->watch, t->ended || t->broken ? 0 : events);
}

/* ---- out ---- */

/* Returns false when no more can be sent for now. */
static bool send_some(telnet *t, const bytes *out) {
    size_t length = bytes_length(out);
    if (t->write_bytes && length > t->write_bytes)
        length = t->write_bytes;
    ssize_t put = send(t->descriptor, bytes_front(out), length, MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR)
        return true;
    t->blocked = put < 0 && errno == EAGAIN;
    if (put < 0 && !t->blocked)
        fail(t, errno);
    if (put < 0)
        return false;
    nvt_sent(t->nvt, (size_t)put);
    if (t->write_bytes && t->write_pause_us) {
        t->pausing = true;
        loop_timer_set(&t->pause, loop_now_us(t->loop) + t->write_pause_us);
    }
    return !t->pausing;
}

static void flush(telnet *t) {
    const bytes *out = nvt_outgoing(t->nvt);
    bool more = !t->pausing && !t->broken;
    while (more && bytes_length(out))
        more = send_some(t, out);
    update_events(t);
}

/* What the session still has can follow. */
static void go_on(telnet *t) {
    flush(t);
    if (!t->short_for || t->broken || bytes_length(nvt_outgoing(t->nvt)))
        return;
    t->short_for = false;
    hostsession_channel_writable(t->channel);
}

static void on_pause_over(loop_timer *timer) {
    telnet *t = list_item(timer, telnet, pause);
    t->pausing = false;
    go_on(t);
}

static size_t telnet_write(void *data, const char *from, size_t length) {
    telnet *t = data;
    size_t taken = 0;
    while (taken < length && !t->broken && !t->ended && bytes_length(nvt_outgoing(t->nvt)) < full_bytes) {
        size_t piece = length - taken < full_bytes ? length - taken : full_bytes;
        if (!nvt_send(t->nvt, from + taken, piece))
            fail(t, ENOMEM);
        taken += piece;
        flush(t);
    }
    /* A broken connection takes everything: its end is told from dispatch. */
    if (t->broken || t->ended)
        return length;
    t->short_for = taken < length;
    return taken;
}

static hostsession_error telnet_command(void *data, int command) {
    telnet *t = data;
    if (t->descriptor < 0 || t->ended || t->broken)
        return HOSTSESSION_ERROR_CLOSED;
    if (!nvt_command(t->nvt, (unsigned char)command))
        return HOSTSESSION_ERROR_NO_MEMORY;
    flush(t);
    return HOSTSESSION_OK;
}

/* ---- in ---- */

/* The server's kernel may hold back the next small piece until it has heard of this one. */
static void acknowledge(const telnet *t) {
    const int on = 1;
    setsockopt(t->descriptor, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

/* Returns whether the session wants more; if not, we may be gone. */
static bool read_turn(telnet *t) {
    char *buffer = loop_read_buffer(t->loop);
    ssize_t got = recv(t->descriptor, buffer, loop_read_buffer_bytes, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (got < 0)
        end(t, HOSTSESSION_ERROR_DISCONNECTED, errno, failure_errno_text(errno));
    else if (got == 0)
        end(t, HOSTSESSION_ERROR_DISCONNECTED, 0, "the host closed the connection");
    if (got <= 0)
        return false;
    acknowledge(t);
    size_t length = (size_t)got;
    if (!nvt_receive(t->nvt, buffer, &length)) {
        fail(t, ENOMEM);
        return false;
    }
    flush(t);
    return length == 0 || hostsession_channel_received(t->channel, HOSTSESSION_STREAM_OUTPUT, buffer, length);
}

static void on_ready(void *userdata, unsigned events) {
    telnet *t = userdata;
    if ((events & HOSTSESSION_WATCH_READABLE) && !read_turn(t))
        return;
    if (events & HOSTSESSION_WATCH_WRITABLE)
        go_on(t);
}

/* ---- the end ---- */

/* The server's terminal is hung up by it. */
static void disconnect(telnet *t) {
    loop_unpost(&t->failed);
    loop_timer_destroy(&t->pause);
    loop_timer_destroy(&t->linger);
    hostsession_watch_free(t->watch);
    if (t->descriptor >= 0)
        close(t->descriptor);
    t->watch = NULL;
    t->descriptor = -1;
}

static void release(telnet *t) {
    nvt_free(t->nvt);
    free(t->host);
    free(t);
}

static void let_go(telnet *t) {
    t->lingers = false;
    loop_hold_remove(&t->hold);
    disconnect(t);
    if (t->unowned)
        release(t);
}

static void on_lingered(loop_timer *timer) {
    let_go(list_item(timer, telnet, linger));
}

static void on_abandoned(loop_hold *hold) {
    let_go(list_item(hold, telnet, hold));
}

/* ---- the interface ---- */

static void set_options(int descriptor) {
    static const struct {
        int level, name, value;
    } options[] = {
        /* The mark of a Synch stays where it is among the bytes. */
        {SOL_SOCKET, SO_OOBINLINE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, keepalive_idle_s},
        {IPPROTO_TCP, TCP_KEEPINTVL, keepalive_interval_s},
        {IPPROTO_TCP, TCP_KEEPCNT, keepalive_count},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, unanswered_ms},
    };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        setsockopt(descriptor, options[i].level, options[i].name, &options[i].value, sizeof options[i].value);
}

static void on_dialed(void *userdata, int descriptor, const hostsession_failure *failure) {
    static const hostsession_exit unknown = {false, 0, 0};
    telnet *t = userdata;
    hostsession_failure why;
    t->dial = NULL;
    t->descriptor = descriptor;
    if (!failure && hostsession_watch_new(t->loop, descriptor, HOSTSESSION_WATCH_READABLE, on_ready, t, &t->watch) !=
                        HOSTSESSION_OK) {
        failure_no_memory(&why, "connect");
        failure = &why;
    }
    if (failure) {
        t->ended = true;
        hostsession_channel_ended(t->channel, &unknown, failure);
        return;
    }
    set_options(descriptor);
    acknowledge(t);
    hostsession_channel_opened(t->channel);
}

static hostsession_error telnet_open(void *data, hostsession_loop *loop, hostsession_channel *channel,
                                     hostsession_failure *failure) {
    telnet *t = data;
    const dial_address address = {.host = t->host, .port = t->port, .family = AF_UNSPEC};
    t->loop = loop;
    t->channel = channel;
    t->failed.run = on_failed;
    if (!loop_timer_init(&t->pause, loop, on_pause_over) || !loop_timer_init(&t->linger, loop, on_lingered)) {
        disconnect(t);
        return failure_no_memory(failure, "connect");
    }
    hostsession_error error = dial_start(loop, &address, on_dialed, t, &t->dial, failure);
    if (error)
        disconnect(t);
    return error;
}

static void telnet_close(void *data) {
    telnet *t = data;
    t->ended = true;
    dial_cancel(t->dial);
    t->dial = NULL;
    disconnect(t);
}

/* A hang-up ends what is in the foreground.  What the shell is just starting is not there yet, nor among its jobs. */
static void telnet_close_running(void *data, bool jobs) {
    (void)jobs;
    telnet *t = data;
    if (t->ended || t->broken || !t->answered) {
        telnet_close(t);
        return;
    }
    loop_timer_stop(&t->pause);
    t->ended = t->lingers = true;
    update_events(t);
    t->hold.abandon = on_abandoned;
    loop_hold_add(t->loop, &t->hold);
    if (!loop_in_dispatch(t->loop))
        loop_update_now(t->loop);
    loop_timer_set(&t->linger, loop_now_us(t->loop) + linger_us);
}

/* The login is over, which may have dropped what was agreed on. */
static void telnet_shell_answered(void *data, unsigned depth, int64_t pid) {
    telnet *t = data;
    (void)pid;
    if (depth > 0)
        return;
    t->answered = true;
    if (!nvt_ask(t->nvt))
        fail(t, ENOMEM);
    flush(t);
}

static void telnet_explain(void *data, hostsession_failure *failure) {
    const telnet *t = data;
    if (t->dial)
        dial_explain(t->dial, failure);
}

static void telnet_free(void *data) {
    telnet *t = data;
    if (t && t->lingers)
        t->unowned = true;
    else if (t)
        release(t);
}

static hostsession_error take_options(telnet *t, const hostsession_telnet_options *given,
                                      hostsession_failure *failure) {
    hostsession_telnet_options options = HOSTSESSION_TELNET_OPTIONS_INIT;
    if (given)
        options = *given;
    if (options.write_pause_ms < 0 || options.write_pause_ms > INT32_MAX)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "options",
                           "options->telnet->write_pause_ms is out of range");
    t->write_bytes = options.write_bytes;
    t->write_pause_us = options.write_pause_ms * 1000;
    t->nvt = nvt_new(&(nvt_config){.terminal_type = options.terminal_type ? options.terminal_type : "dumb",
                                   .columns = terminal_columns,
                                   .rows = terminal_rows,
                                   .environment = options.environment});
    return t->nvt ? HOSTSESSION_OK : failure_no_memory(failure, "target");
}

hostsession_error transport_make_telnet(const char *host, int port, const hostsession_telnet_options *options,
                                        transport_made *ret, hostsession_failure *failure) {
    telnet *t = calloc(1, sizeof *t);
    if (!t || !(t->host = strdup(host))) {
        telnet_free(t);
        return failure_no_memory(failure, "target");
    }
    t->port = port ? port : default_port;
    t->descriptor = -1;
    hostsession_error error = take_options(t, options, failure);
    if (error) {
        telnet_free(t);
        return error;
    }
    ret->interface = (hostsession_transport){.struct_size = sizeof(hostsession_transport),
                                             .name = "telnet",
                                             .capabilities = HOSTSESSION_TRANSPORT_TTY,
                                             .open = telnet_open,
                                             .write = telnet_write,
                                             .close = telnet_close};
    ret->data = t;
    ret->free = telnet_free;
    ret->shell_pid = telnet_shell_answered;
    ret->close_running = telnet_close_running;
    ret->explain = telnet_explain;
    ret->telnet_command = telnet_command;
    return HOSTSESSION_OK;
}
