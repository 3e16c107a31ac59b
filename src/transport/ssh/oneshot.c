/* SPDX-License-Identifier: MIT */
/* A command in a channel of its own.  Its script goes the way of standard input, since one word of a command line holds
 * 128 KiB only, and the login shell might read it in its own way.
 *
 * The command may leave something running that holds the channel open.  Its exit status comes at once; what it wrote is
 * with us when the host has answered a question of ours and sends no more before it answers the next: sshd reads what
 * there is in each of its turns. */
#include "transport/ssh/oneshot.h"

#include "base/failure.h"
#include "transport/ssh/connection.h"
#include "transport/ssh/start.h"

#include <stdlib.h>
#include <string.h>

enum {
    /* After its end: what others write in its place is not waited for for ever. */
    most_questions = 100,
};

typedef struct oneshot {
    ssh_lane lane;
    ssh_pool *pool;
    const transport_oneshot_calls *calls;
    void *owner;
    transport_remote remote;
    char *program;
    bool merged;
    ssh_question *question;
    ssh_asker asker;
    ssh_settings *settings;
    char *command;
    bytes script; /* what is not written yet */
    bool requested;
    bool answered; /* the request was */
    bool input_ended;
    bool exited;
    unsigned questions;
    bool heard; /* since the last answer */
    bool ended; /* nobody wants to know any more: only its signal is owed */
    loop_hold hold;
} oneshot;

static void release(oneshot *o) {
    ssh_config_cancel(&o->asker);
    ssh_lane_leave(&o->lane);
    loop_hold_remove(&o->hold);
    ssh_question_free(o->question);
    ssh_settings_free(o->settings);
    free(o->command);
    free(o->program);
    bytes_wipe(&o->script);
    free(o);
}

static void finish(oneshot *o, const hostsession_exit *how, const hostsession_failure *why) {
    const transport_oneshot_calls *calls = o->calls;
    void *owner = o->owner;
    bool told = !o->ended;
    release(o);
    if (told)
        calls->ended(owner, how, why);
}

static void fail(oneshot *o, const hostsession_failure *why) {
    const hostsession_exit unknown = {false, 0, 0};
    const hostsession_failure copy = *why;
    finish(o, &unknown, &copy);
}

static void finish_exited(oneshot *o) {
    hostsession_exit how = {true, o->lane.exit_status, 0};
    if (o->lane.exit_signal > 0)
        how = (hostsession_exit){true, 128 + o->lane.exit_signal, o->lane.exit_signal};
    else if (o->lane.exit_signal < 0)
        how.exit_status = 255;
    finish(o, &how, NULL);
}

/* ---- on the channel ---- */

/* False: not answered yet, or it is over. */
static bool request(oneshot *o) {
    if (o->answered)
        return true;
    int result = ssh_channel_request_exec(o->lane.channel, o->command);
    if (!o->requested && !o->ended) {
        o->requested = true;
        o->calls->started(o->owner);
    }
    ssh_session session = ssh_channel_get_session(o->lane.channel);
    /* A connection that is lost is told in another way. */
    if (result == SSH_AGAIN || (result != SSH_OK && !ssh_is_connected(session)))
        return true;
    o->answered = true;
    o->lane.restless = false;
    if (result == SSH_OK)
        return true;
    hostsession_failure why;
    failure_set(&why, HOSTSESSION_ERROR_CONNECT, 0, "channel", "%s: the host runs no commands: %s",
                ssh_settings_host(o->settings), ssh_get_error(session));
    fail(o, &why);
    return false;
}

/* It need not wait for the answer to the request: that saves a round trip. */
static void write_script(oneshot *o) {
    size_t length = bytes_length(&o->script);
    if (length) {
        size_t sent = ssh_lane_write(&o->lane, bytes_front(&o->script), length);
        bytes_consume(&o->script, sent);
        o->lane.restless = sent < length || !o->answered;
    }
    if (bytes_length(&o->script) == 0 && !o->input_ended) {
        o->input_ended = true;
        ssh_channel_send_eof(o->lane.channel);
    }
}

static void deliver(oneshot *o, hostsession_stream stream) {
    bytes *from = &o->lane.received[stream];
    if (bytes_length(from) == 0)
        return;
    o->heard = true;
    /* While it is read more may come. */
    bytes held = *from;
    *from = (bytes){0};
    if (!o->ended)
        o->calls->output(o->owner, stream, bytes_front(&held), bytes_length(&held));
    bytes_free(&held);
}

/* Asks something that every host answers, if only with no.  Returns whether all is here. */
static bool is_drained(oneshot *o) {
    while (ssh_channel_request_env(o->lane.channel, "HOSTSESSION_ANSWER", "") != SSH_AGAIN) {
        /* The call itself has read: what came before the answer counts. */
        deliver(o, HOSTSESSION_STREAM_ERROR);
        deliver(o, HOSTSESSION_STREAM_OUTPUT);
        bool quiet = o->questions > 0 && !o->heard;
        o->heard = false;
        if (quiet || ++o->questions > most_questions)
            return true;
    }
    o->lane.restless = true;
    return false;
}

static void kill_and_release(oneshot *o) {
    if (o->lane.open && !o->lane.closed)
        ssh_channel_request_send_signal(o->lane.channel, "KILL");
    release(o);
}

static void on_moved(ssh_lane *lane) {
    oneshot *o = list_item(lane, oneshot, lane);
    if (!request(o))
        return;
    if (o->ended && o->answered) {
        kill_and_release(o);
        return;
    }
    write_script(o);
    deliver(o, HOSTSESSION_STREAM_ERROR);
    deliver(o, HOSTSESSION_STREAM_OUTPUT);
    o->exited |= lane->exit_status >= 0 || lane->exit_signal != 0;
    if (lane->closed && !o->exited) {
        hostsession_failure why;
        failure_set(&why, HOSTSESSION_ERROR_DISCONNECTED, 0, "channel",
                    "%s: the host closed the channel without saying how the command ended",
                    ssh_settings_host(o->settings));
        fail(o, &why);
    } else if (o->exited && o->answered && (lane->closed || is_drained(o))) {
        finish_exited(o);
    }
}

static void on_opened(ssh_lane *lane) {
    lane->restless = true;
    on_moved(lane);
}

static void on_failed(ssh_lane *lane, const hostsession_failure *why) {
    oneshot *o = list_item(lane, oneshot, lane);
    if (o->exited)
        finish_exited(o);
    else
        fail(o, why);
}

static bool on_ask(ssh_lane *lane, const hostsession_question *question, char *answer, size_t answer_size) {
    oneshot *o = list_item(lane, oneshot, lane);
    return !o->ended && o->remote.on_question &&
           o->remote.on_question(o->remote.userdata, question, answer, answer_size);
}

/* ---- beginning and ending ---- */

static void on_answered(ssh_asker *asker, ssh_settings *settings, const hostsession_failure *failure) {
    oneshot *o = list_item(asker, oneshot, asker);
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    o->settings = settings;
    if (failure)
        why = *failure;
    else
        ssh_settings_check(settings, &why);
    if (!why.error && !(o->command = start_script(&o->remote, settings, o->merged)))
        failure_no_memory(&why, "channel");
    if (!why.error)
        ssh_lane_enter(&o->lane, o->pool, settings, &why);
    if (why.error)
        fail(o, &why);
}

static void end(void *data) {
    oneshot *o = data;
    deliver(o, HOSTSESSION_STREAM_ERROR);
    deliver(o, HOSTSESSION_STREAM_OUTPUT);
    o->ended = true;
    /* While the request is not answered no other can be made. */
    if (o->requested && !o->answered)
        loop_hold_add(o->pool->loop, &o->hold);
    else
        kill_and_release(o);
}

static void on_abandon(loop_hold *hold) {
    release(list_item(hold, oneshot, hold));
}

static void explain(void *data, hostsession_failure *failure) {
    const oneshot *o = data;
    if (o->lane.connection)
        ssh_lane_explain(&o->lane, failure);
    else
        failure_set(failure, HOSTSESSION_ERROR_CONNECT, 0, "config",
                    "ssh -G was not over in time (a Match exec in ssh_config?)");
}

static bool copy(oneshot *o, const transport_remote *remote, const char *script) {
    o->remote = *remote;
    o->question = ssh_question_new(remote->host, remote->user, remote->port, remote->ssh);
    if (remote->shell && !(o->program = strdup(remote->shell)))
        return false;
    o->remote.shell = o->program;
    o->remote.host = o->remote.user = NULL;
    o->remote.ssh = NULL;
    return o->question && bytes_append_text(&o->script, script);
}

hostsession_error ssh_oneshot_start(hostsession_loop *loop, const transport_remote *remote, const char *script,
                                    bool merged, const transport_oneshot_calls *calls, void *owner,
                                    transport_oneshot *ret, hostsession_failure *failure) {
    static const ssh_lane_calls lane_calls = {on_opened, on_moved, on_failed, on_ask};
    oneshot *o = calloc(1, sizeof *o);
    if (!o)
        return failure_no_memory(failure, "connect");
    o->calls = calls;
    o->owner = owner;
    o->merged = merged;
    o->lane.calls = &lane_calls;
    o->lane.alone = remote->ssh && remote->ssh->own_connection ? o : NULL;
    o->hold.abandon = on_abandon;
    o->asker.answered = on_answered;
    o->pool = ssh_pool_of(loop);
    hostsession_error error = HOSTSESSION_OK;
    if (!o->pool || !copy(o, remote, script))
        error = failure_no_memory(failure, "connect");
    else
        error = ssh_config_ask(&o->pool->config, o->question, &o->asker, failure);
    if (error)
        release(o);
    else
        *ret = (transport_oneshot){.data = o, .started = false, .end = end, .explain = explain};
    return error;
}
