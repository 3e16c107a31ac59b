/* SPDX-License-Identifier: MIT */
/* What the engine tells, and what the transport tells. */
#include "session/private.h"

#include "base/failure.h"

#include <stdlib.h>
#include <string.h>

/* ---- the engine's side: nothing here calls the engine back ---- */

static void on_ready(void *owner) {
    hostsession *s = owner;
    s->ready = true;
    s->busy = false;
}

static void on_output(void *owner, hostsession_stream stream, const char *data, size_t length) {
    hostsession *s = owner;
    hostsession_operation *operation = operation_current(s);
    if (s->closing || !operation)
        return;
    hostsession_run_options *o = &operation->run.options;
    if (operation->run.sequence)
        sequence_output(operation->run.sequence, stream, data, length);
    if (o->on_output && !s->closing)
        o->on_output(o->userdata, stream, data, length);
    if (o->on_line && !s->closing)
        lines_feed(&operation->run.lines[stream], data, length);
}

static void on_unsolicited(void *owner, hostsession_stream stream, const char *data, size_t length) {
    hostsession *s = owner;
    if (s->options.on_unsolicited && !s->closing)
        s->options.on_unsolicited(s->options.userdata, stream, data, length);
}

void session_take_loss(hostsession *s, hostsession_failure *why) {
    failure_set(why, HOSTSESSION_ERROR_SHELL_EXITED, 0, "session", "%s",
                s->lost_message ? s->lost_message : "the inner shell has ended");
    free(s->lost_message);
    s->lost_message = NULL;
    s->inner_lost = false;
}

/* What waits was meant for a shell that is not there.  Returns whether there was any. */
static bool refuse_waiting(hostsession *s, const hostsession_failure *why) {
    bool any = false;
    for (list *at = s->queue.next; at != &s->queue;) {
        hostsession_operation *waiting = list_item(at, hostsession_operation, link);
        at = at->next;
        if (waiting->started)
            continue;
        any = true;
        operation_finish(waiting, why->error, why);
    }
    return any;
}

/* The command that runs is told first; when nothing runs or waits, the next that is started. */
static void on_inner_ended(void *owner, const hostsession_failure *why, bool told) {
    hostsession *s = owner;
    bool any = !operation_current(s) && refuse_waiting(s, why);
    if (any || (told && !operation_current(s)))
        return;
    free(s->lost_message);
    s->lost_message = strdup(why->message);
    s->inner_lost = true;
}

static void on_command_done(void *owner, hostsession_error error, hostsession_result *result) {
    hostsession *s = owner;
    hostsession_operation *operation = operation_current(s);
    if (!operation) {
        /* Closed from inside a callback: the operation was finished then. */
        hostsession_result_free(result);
        return;
    }
    s->busy = !result->session_alive;
    operation->run.result = result;
    if (operation->run.options.on_line && !s->closing) {
        lines_finish(&operation->run.lines[0]);
        lines_finish(&operation->run.lines[1]);
    }
    if (s->closing) {
        error = HOSTSESSION_ERROR_CANCELED;
        result->status = HOSTSESSION_STATUS_INTERRUPTED;
        result->session_alive = false;
        failure_set(&result->failure, error, 0, "session", "%s: closed while the command ran", s->name);
    }
    bool not_entered = operation->run.way == ENGINE_ENTER && result->status != HOSTSESSION_STATUS_SUCCESS;
    bool alive = result->session_alive;
    operation_finish(operation, error, &result->failure);
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (s->inner_lost)
        session_take_loss(s, &why);
    if (not_entered)
        failure_set(&why, HOSTSESSION_ERROR_SHELL_EXITED, 0, "enter",
                    "%s: nothing was sent: the inner shell that it was meant for was not entered", s->name);
    if (alive && why.error)
        refuse_waiting(s, &why);
}

static void on_transcript(void *owner, hostsession_direction direction, const char *data, size_t length) {
    hostsession *s = owner;
    if (!s->closing)
        s->options.on_transcript(s->options.userdata, direction, data, length);
}

static void on_log(void *owner, hostsession_log_level level, const char *message) {
    hostsession *s = owner;
    if (!s->closing)
        s->options.on_log(s->options.userdata, level, message);
}

/* For docker or ssh under exec:, or inside of a shell, the transport's terminal is not the shell's: the shell itself
 * must set its own, and signals would reach docker.  A transport that cannot tell has one for the first shell. */
static bool on_shell_pid(void *owner, unsigned depth, int64_t pid) {
    hostsession *s = owner;
    transport_made *t = &s->target.transport;
    bool first = depth == 0;
    bool here = t->is_terminal_of && pid > 0 && t->is_terminal_of(t->data, (pid_t)pid);
    s->has_terminal = here || (first && s->starts_here);
    s->shell_near = here || (first && !t->is_terminal_of);
    if (t->shell_pid)
        t->shell_pid(t->data, depth, s->shell_near ? pid : 0);
    return s->shell_near;
}

static bool on_end_inner(void *owner, unsigned depth) {
    hostsession *s = owner;
    transport_made *t = &s->target.transport;
    return !s->transport_open || !t->end_inner || t->end_inner(t->data, depth);
}

static void on_begin(void *owner) {
    hostsession *s = owner;
    transport_made *t = &s->target.transport;
    s->busy = true;
    if (s->transport_open && t->interface.begin)
        t->interface.begin(t->data);
}

static bool on_signal(void *owner, hostsession_signal signal) {
    hostsession *s = owner;
    transport_made *t = &s->target.transport;
    return s->transport_open && s->shell_near && t->interface.signal && t->interface.signal(t->data, signal);
}

static bool on_signals_pending(void *owner) {
    hostsession *s = owner;
    transport_made *t = &s->target.transport;
    return s->transport_open && t->signals_pending && t->signals_pending(t->data);
}

static bool on_reset_terminal(void *owner) {
    hostsession *s = owner;
    transport_made *t = &s->target.transport;
    return s->transport_open && s->has_terminal && t->interface.reset_terminal && t->interface.reset_terminal(t->data);
}

static int on_echoes(void *owner) {
    hostsession *s = owner;
    transport_made *t = &s->target.transport;
    return s->transport_open && t->interface.echoes ? t->interface.echoes(t->data) : -1;
}

static bool on_has_more(void *owner) {
    hostsession *s = owner;
    transport_made *t = &s->target.transport;
    return s->transport_open && t->has_more && t->has_more(t->data);
}

static bool on_answer(void *owner, const char *user, const char *prompt, unsigned attempt, char *answer, size_t size) {
    hostsession *s = owner;
    hostsession_question question = {.struct_size = sizeof question,
                                     .kind = HOSTSESSION_QUESTION_PASSWORD,
                                     .target = s->target.host,
                                     .user = user,
                                     .subject = "",
                                     .prompt = prompt,
                                     .attempt = attempt};
    return s->options.on_question && !s->closing &&
           s->options.on_question(s->options.userdata, &question, answer, size);
}

static bool on_explain(void *owner, hostsession_failure *failure) {
    hostsession *s = owner;
    transport_made *t = &s->target.transport;
    *failure = (hostsession_failure)HOSTSESSION_FAILURE_INIT;
    if (s->transport_open && t->explain)
        t->explain(t->data, failure);
    return failure->error != HOSTSESSION_OK;
}

static bool on_terminal_changed(void *owner) {
    hostsession *s = owner;
    transport_made *t = &s->target.transport;
    return s->transport_open && s->has_terminal && t->interface.terminal_changed &&
           t->interface.terminal_changed(t->data);
}

static void on_catch_up(void *owner) {
    hostsession *s = owner;
    if (s->transport_open && !s->closing)
        s->target.transport.interface.catch_up(s->target.transport.data);
}

static void on_ended(void *owner, const hostsession_failure *why) {
    (void)why;
    hostsession *s = owner;
    loop_post(s->loop, &s->task);
}

const engine_host session_engine_host = {.ready = on_ready,
                                         .shell_pid = on_shell_pid,
                                         .end_inner = on_end_inner,
                                         .inner_ended = on_inner_ended,
                                         .output = on_output,
                                         .unsolicited = on_unsolicited,
                                         .command_done = on_command_done,
                                         .expect_done = operation_on_expect_done,
                                         .begin = on_begin,
                                         .signal = on_signal,
                                         .signals_pending = on_signals_pending,
                                         .reset_terminal = on_reset_terminal,
                                         .echoes = on_echoes,
                                         .has_more = on_has_more,
                                         .answer = on_answer,
                                         .explain = on_explain,
                                         .terminal_changed = on_terminal_changed,
                                         .catch_up = on_catch_up,
                                         .transcript = on_transcript,
                                         .log = on_log,
                                         .ended = on_ended};

/* ---- the transport's side ---- */

/* Do what has become possible.  The transport is still using itself: the pump leaves its end to the next dispatch. */
static void pump_inside(hostsession *s) {
    /* It may deliver from inside of a write that this one leads to. */
    bool inside = s->in_transport;
    s->in_transport = true;
    session_pump(s, true);
    s->in_transport = inside;
}

void hostsession_channel_opened(hostsession_channel *channel) {
    hostsession *s = channel->session;
    if (s->closing)
        return;
    bool inside_open = s->in_engine;
    s->in_engine = true;
    engine_connected(s->engine, loop_now_us(s->loop));
    s->in_engine = inside_open;
    if (!inside_open)
        pump_inside(s);
}

bool hostsession_channel_received(hostsession_channel *channel, hostsession_stream stream, const char *data,
                                  size_t length) {
    hostsession *s = channel->session;
    if (s->closing)
        return false;
    int64_t now = loop_now_us(s->loop);
    /* The engine has asked for these, to catch up. */
    if (s->in_engine) {
        engine_receive(s->engine, stream, data, length, now);
        return true;
    }
    s->in_engine = true;
    engine_receive(s->engine, stream, data, length, now);
    /* Deadlines hold in a flood, too. */
    engine_advance(s->engine, now);
    s->in_engine = false;
    if (engine_wants_drained(s->engine))
        loop_post(s->loop, &s->drained);
    pump_inside(s);
    return !s->closing && engine_state(s->engine) != HOSTSESSION_ENDED;
}

void hostsession_channel_writable(hostsession_channel *channel) {
    if (!channel->session->closing)
        pump_inside(channel->session);
}

void hostsession_channel_ended(hostsession_channel *channel, const hostsession_exit *how,
                               const hostsession_failure *failure) {
    hostsession *s = channel->session;
    if (s->closing)
        return;
    s->in_engine = true;
    engine_hangup(s->engine, how, failure, loop_now_us(s->loop));
    s->in_engine = false;
    loop_post(s->loop, &s->task);
}
