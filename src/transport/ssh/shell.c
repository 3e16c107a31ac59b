/* SPDX-License-Identifier: MIT */
/* A shell on a remote host: a lane with a terminal, or with two plain streams. */
#include "transport/transport.h"

#include "base/failure.h"
#include "transport/ssh/connection.h"
#include "transport/ssh/errand.h"
#include "transport/ssh/oneshot.h"
#include "transport/ssh/start.h"
#include "transport/terminal.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

typedef enum shell_stage {
    STAGE_ASKING,     /* ssh -G */
    STAGE_CONNECTING, /* until the channel is open */
    STAGE_TERMINAL,   /* a terminal is requested */
    STAGE_STARTING,   /* the shell is requested */
    STAGE_RUNNING,
    STAGE_ENDED,
} shell_stage;

typedef struct shell {
    hostsession_loop *loop;
    hostsession_channel *channel;
    const transport_channel *session; /* the other side of `channel` */
    transport_remote remote;
    char *host;
    char *program;
    bool own_connection;
    ssh_question *question;
    ssh_asker asker;
    ssh_pool *pool;
    ssh_settings *settings;
    ssh_lane lane;
    shell_stage stage;
    char *command; /* that starts the shell */
    /* The host was asked for a login shell, since it does not run commands. */
    bool plain;
    bool begun; /* a command was sent: a shell has answered */
    int64_t pid;
    /* Signals on their way, for which the channel is kept open: the shell must still be there when they arrive. */
    size_t errands;
    int last_errand;
    /* Of the command that runs. */
    int interrupts;
    int kills;
    /* sshd refuses the channel's signals where it runs without privilege separation, as for root; it does not say so.
     */
    bool refuses_signals;
    /* When the shell first said something, which is after it was started, and when the command was sent. */
    int64_t heard_us;
    int64_t command_us;
    bool closed; /* by the session */
    bool unowned;
} shell;

static void end(shell *s, const hostsession_exit *how, const hostsession_failure *why) {
    if (s->stage == STAGE_ENDED)
        return;
    s->stage = STAGE_ENDED;
    s->session->ended(s->channel, how, why);
}

static void fail(shell *s, const hostsession_failure *why) {
    const hostsession_exit unknown = {false, 0, 0};
    end(s, &unknown, why);
}

/* ---- the channel ---- */

static void enter(shell *s) {
    hostsession_failure why;
    s->stage = STAGE_CONNECTING;
    s->lane.hasty = true;
    s->lane.has_terminal = s->remote.tty;
    s->lane.alone = s->own_connection ? s : NULL;
    if (ssh_lane_enter(&s->lane, s->pool, s->settings, &why) != HOSTSESSION_OK)
        fail(s, &why);
}

/* A restricted shell, a menu or a device may not run commands but give a session. */
static bool try_plain(shell *s) {
    if (s->plain || s->begun || s->remote.shell)
        return false;
    s->plain = true;
    ssh_lane_leave(&s->lane);
    enter(s);
    return true;
}

static int request_terminal(shell *s) {
    return ssh_channel_request_pty_size(s->lane.channel, "dumb", terminal_columns, terminal_rows);
}

static int request_shell(shell *s) {
    return s->plain ? ssh_channel_request_shell(s->lane.channel)
                    : ssh_channel_request_exec(s->lane.channel, s->command);
}

static void refuse(shell *s, const char *what) {
    hostsession_failure why;
    failure_set(&why, HOSTSESSION_ERROR_CONNECT, 0, "channel", "%s: the host gives no %s: %s",
                ssh_settings_host(s->settings), what, ssh_get_error(ssh_channel_get_session(s->lane.channel)));
    fail(s, &why);
}

/* The answer to the request for a shell may have come at once: asked twice, the host would refuse. */
static void shell_requested(shell *s, int result) {
    if (result == SSH_AGAIN || s->stage != STAGE_STARTING)
        return;
    s->lane.restless = false;
    s->stage = STAGE_RUNNING;
    if (result != SSH_OK && !try_plain(s))
        refuse(s, "shell");
}

static void ask_for_shell(shell *s) {
    s->stage = STAGE_STARTING;
    s->lane.restless = true;
    int result = request_shell(s);
    /* What is typed now arrives with the request: that saves a round trip. */
    s->session->opened(s->channel);
    shell_requested(s, result);
}

/* Requests go out one by one: libssh takes the next when the last is answered. */
static void step_requests(shell *s) {
    if (s->stage == STAGE_STARTING) {
        shell_requested(s, request_shell(s));
        return;
    }
    int result = request_terminal(s);
    if (result == SSH_AGAIN)
        return;
    if (result != SSH_OK)
        refuse(s, "terminal (try --mode pipe)");
    else
        ask_for_shell(s);
}

static void on_opened(ssh_lane *lane) {
    shell *s = list_item(lane, shell, lane);
    lane->restless = true;
    /* Without an answer: a host that forwards none gives a shell all the same. */
    if (ssh_lane_forwards_agent(lane))
        ssh_channel_request_auth_agent(lane->channel);
    if (s->remote.tty) {
        s->stage = STAGE_TERMINAL;
        step_requests(s);
    } else {
        ask_for_shell(s);
    }
}

/* ---- bytes ---- */

/* Returns whether the session wants more; if not, it may be closed. */
static bool deliver(shell *s, hostsession_stream stream) {
    bytes *from = &s->lane.received[stream];
    if (bytes_length(from) == 0)
        return true;
    if (s->heard_us == 0)
        s->heard_us = loop_now_us(s->loop);
    /* While it is read more may come. */
    bytes held = *from;
    *from = (bytes){0};
    bool more = s->session->received(s->channel, stream, bytes_front(&held), bytes_length(&held));
    bytes_free(&held);
    return more;
}

static void channel_ended(shell *s) {
    const ssh_lane *lane = &s->lane;
    hostsession_exit how = {true, lane->exit_status, 0};
    hostsession_failure why;
    if (lane->exit_signal > 0)
        how = (hostsession_exit){true, 128 + lane->exit_signal, lane->exit_signal};
    else if (lane->exit_signal < 0)
        how.exit_status = 255;
    else if (lane->exit_status < 0)
        how.known = false;
    if (try_plain(s))
        return;
    failure_set(&why, HOSTSESSION_ERROR_DISCONNECTED, 0, "channel",
                "%s: the host closed the session without saying why", ssh_settings_host(s->settings));
    end(s, &how, how.known ? NULL : &why);
}

static void on_moved(ssh_lane *lane) {
    shell *s = list_item(lane, shell, lane);
    if (s->stage == STAGE_TERMINAL || s->stage == STAGE_STARTING)
        step_requests(s);
    if (s->stage != STAGE_RUNNING && s->stage != STAGE_STARTING)
        return;
    if (lane->restless && s->stage == STAGE_RUNNING) {
        lane->restless = false;
        s->session->writable(s->channel);
    }
    /* Standard error first: it was written before, where that can be told at all. */
    if (!deliver(s, HOSTSESSION_STREAM_ERROR) || !deliver(s, HOSTSESSION_STREAM_OUTPUT))
        return;
    if (lane->closed && s->stage != STAGE_ENDED)
        channel_ended(s);
}

static void on_failed(ssh_lane *lane, const hostsession_failure *why) {
    fail(list_item(lane, shell, lane), why);
}

static bool on_ask(ssh_lane *lane, const hostsession_question *question, char *answer, size_t answer_size) {
    shell *s = list_item(lane, shell, lane);
    return s->remote.on_question && s->remote.on_question(s->remote.userdata, question, answer, answer_size);
}

/* ---- the interface ---- */

static void on_answered(ssh_asker *asker, ssh_settings *settings, const hostsession_failure *failure) {
    shell *s = list_item(asker, shell, asker);
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    s->settings = settings;
    if (failure)
        why = *failure;
    else
        ssh_settings_check(settings, &why);
    if (!why.error && !(s->command = start_shell(&s->remote, settings)))
        failure_no_memory(&why, "channel");
    if (why.error)
        fail(s, &why);
    else
        enter(s);
}

static hostsession_error shell_open(void *data, hostsession_loop *loop, hostsession_channel *channel,
                                    hostsession_failure *failure) {
    static const ssh_lane_calls calls = {on_opened, on_moved, on_failed, on_ask};
    shell *s = data;
    s->loop = loop;
    s->channel = channel;
    s->lane.calls = &calls;
    s->asker.answered = on_answered;
    s->pool = ssh_pool_of(loop);
    if (!s->pool)
        return failure_no_memory(failure, "connect");
    return ssh_config_ask(&s->pool->config, s->question, &s->asker, failure);
}

static size_t shell_write(void *data, const char *text, size_t length) {
    return ssh_lane_write(&((shell *)data)->lane, text, length);
}

static void shell_begin(void *data) {
    shell *s = data;
    s->begun = true;
    s->lane.hasty = false;
    s->command_us = loop_now_us(s->loop);
    s->interrupts = s->kills = 0;
}

static void shell_free(void *data);

/* Without a terminal the host hangs nothing up by itself. */
static void hang_up(shell *s) {
    if (!s->remote.tty && s->lane.open && !s->lane.closed)
        ssh_channel_request_send_signal(s->lane.channel, "HUP");
    ssh_lane_leave(&s->lane);
}

static void on_errand_ended(void *owner) {
    shell *s = owner;
    if (--s->errands > 0)
        return;
    if (s->closed)
        hang_up(s);
    if (s->unowned)
        shell_free(s);
}

static bool send_errand(shell *s, int number, bool closing) {
    /* It is on its way: on a host that is slow more of them would make it slower. */
    if (s->errands > 0 && number == s->last_errand && !closing)
        return true;
    const signal_errand errand = {.pid = s->pid,
                                  .number = number,
                                  .tries = s->kills,
                                  .began_us = s->command_us - s->heard_us,
                                  .elapsed_us = loop_now_us(s->loop) - s->command_us,
                                  .closing = closing};
    char *command = s->pid > 0 ? start_signal(&errand) : NULL;
    bool sent = command && errand_start(s->pool, s->settings, s->lane.alone, command, on_errand_ended, s);
    free(command);
    if (sent) {
        s->errands++;
        s->last_errand = number;
    }
    return sent;
}

static bool interrupt_group(shell *s) {
    enum { patient_interrupts = 4 };
    s->refuses_signals |= ++s->interrupts > patient_interrupts;
    if (s->refuses_signals && send_errand(s, SIGINT, false))
        return true;
    ssh_lane_touch(&s->lane);
    return ssh_channel_request_send_signal(s->lane.channel, "INT") == SSH_OK;
}

/* The host signals the shell's whole group (RFC 4254, section 6.9): right for SIGINT without a terminal, as locally.
 * The others must not reach the shell: they are sent from beside it. */
static bool shell_signal(void *data, hostsession_signal signal) {
    shell *s = data;
    if (s->stage != STAGE_RUNNING || !s->lane.connection)
        return false;
    switch (signal) {
    case HOSTSESSION_SIGNAL_INTERRUPT:
        /* For a terminal that makes no signal of Ctrl+C. */
        if (s->remote.tty)
            return send_errand(s, SIGINT, false);
        return interrupt_group(s);
    case HOSTSESSION_SIGNAL_QUIT:
        return !s->remote.tty && send_errand(s, SIGQUIT, false);
    case HOSTSESSION_SIGNAL_KILL:
        s->kills++;
        return send_errand(s, SIGKILL, false);
    }
    return false;
}

static bool shell_signals_pending(void *data) {
    return ((shell *)data)->errands > 0;
}

static void shell_close(void *data) {
    shell *s = data;
    s->stage = STAGE_ENDED;
    s->closed = true;
    ssh_config_cancel(&s->asker);
    if (s->errands == 0)
        hang_up(s);
}

static void shell_close_running(void *data, bool jobs) {
    (void)jobs;
    shell *s = data;
    if (s->stage == STAGE_RUNNING && s->lane.connection)
        send_errand(s, SIGKILL, true);
    shell_close(s);
}

static void shell_note_pid(void *data, unsigned depth, int64_t pid) {
    if (depth == 0)
        ((shell *)data)->pid = pid;
}

static void shell_explain(void *data, hostsession_failure *failure) {
    const shell *s = data;
    if (s->stage == STAGE_ASKING)
        failure_set(failure, HOSTSESSION_ERROR_CONNECT, 0, "config",
                    "%s: ssh -G was not over in time (a Match exec in ssh_config?)", s->host);
    else if (s->lane.connection)
        ssh_lane_explain(&s->lane, failure);
}

static void shell_free(void *data) {
    shell *s = data;
    if (!s)
        return;
    s->unowned = true;
    if (s->errands > 0)
        return;
    ssh_question_free(s->question);
    ssh_settings_free(s->settings);
    free(s->command);
    free(s->program);
    free(s->host);
    free(s);
}

static bool copy(shell *s, const transport_remote *remote) {
    s->remote = *remote;
    s->own_connection = remote->ssh && remote->ssh->own_connection;
    s->host = strdup(remote->host);
    s->question = ssh_question_new(remote->host, remote->user, remote->port, remote->ssh);
    if (remote->shell && !(s->program = strdup(remote->shell)))
        return false;
    s->remote.shell = s->program;
    s->remote.host = s->host;
    s->remote.user = NULL;
    s->remote.ssh = NULL;
    return s->host && s->question;
}

static hostsession_error make(const transport_remote *remote, const transport_channel *channel, transport_made *ret,
                              hostsession_failure *failure) {
    shell *s = calloc(1, sizeof *s);
    if (!s || !copy(s, remote)) {
        shell_free(s);
        return failure_no_memory(failure, "target");
    }
    s->session = channel;
    ret->interface = (hostsession_transport){.struct_size = sizeof(hostsession_transport),
                                             .name = "ssh",
                                             .capabilities = remote->tty ? HOSTSESSION_TRANSPORT_TTY
                                                                         : HOSTSESSION_TRANSPORT_ERROR_STREAM,
                                             .open = shell_open,
                                             .write = shell_write,
                                             .begin = shell_begin,
                                             .signal = shell_signal,
                                             .close = shell_close};
    ret->data = s;
    ret->free = shell_free;
    ret->shell_pid = shell_note_pid;
    ret->close_running = shell_close_running;
    ret->explain = shell_explain;
    ret->signals_pending = shell_signals_pending;
    ret->signals_aside = true;
    return HOSTSESSION_OK;
}

__attribute__((visibility("default"))) extern const transport_module hostsession_ssh_module;
const transport_module hostsession_ssh_module = {HOSTSESSION_VERSION, make, ssh_oneshot_start};
