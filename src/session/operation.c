/* SPDX-License-Identifier: MIT */
/* The queue of operations: what all kinds have in common. */
#include "session/private.h"

#include "base/failure.h"

#include <stdlib.h>
#include <string.h>

hostsession_operation *operation_new(hostsession *session, operation_kind kind, void *userdata) {
    hostsession_operation *operation = calloc(1, sizeof *operation);
    if (!operation)
        return NULL;
    operation->session = session;
    operation->kind = kind;
    operation->userdata = userdata;
    return operation;
}

hostsession_operation *operation_current(const hostsession *session) {
    if (list_empty(&session->queue))
        return NULL;
    hostsession_operation *first = list_item(session->queue.next, hostsession_operation, link);
    return first->started ? first : NULL;
}

void operation_submit(hostsession_operation *operation) {
    hostsession *session = operation->session;
    list_append(&session->queue, &operation->link);
    session_pump(session, false);
}

void operation_forget_command(hostsession_operation *operation) {
    if (operation->run.command && operation->run.options.secret)
        explicit_bzero(operation->run.command, strlen(operation->run.command));
    free(operation->run.command);
    operation->run.command = NULL;
    login_free(operation->run.login);
    console_free(operation->run.console);
    operation->run.login = NULL;
    operation->run.console = NULL;
    expectations_free(operation->run.expectations);
    operation->run.expectations = NULL;
}

void operation_free(hostsession_operation *operation) {
    if (operation->session->held_for == operation)
        operation->session->held_for = NULL;
    operation_forget_command(operation);
    hostsession_result_free(operation->run.result);
    lines_free(&operation->run.lines[0]);
    lines_free(&operation->run.lines[1]);
    sequence_free(operation->run.sequence);
    bytes_wipe(&operation->send.data);
    pattern_set_free(operation->expect.patterns);
    hostsession_match_free(operation->expect.match);
    free(operation);
}

/* A command that the engine will not give back: it was closed, or never sent. */
static void finish_result(hostsession_operation *operation, hostsession_error error) {
    hostsession_result *result = operation->run.result;
    if (!result || result->failure.error)
        return;
    if (operation->started)
        result->status = error == HOSTSESSION_ERROR_CANCELED ? HOSTSESSION_STATUS_INTERRUPTED : HOSTSESSION_STATUS_LOST;
    result->failure = operation->failure;
    result->session_alive =
        !operation->session->closing && hostsession_get_state(operation->session) != HOSTSESSION_ENDED;
    result_finish(result);
}

void operation_finish(hostsession_operation *operation, hostsession_error error, const hostsession_failure *why) {
    hostsession *session = operation->session;
    if (operation->finished)
        return;
    operation->finished = true;
    operation->failure = (hostsession_failure)HOSTSESSION_FAILURE_INIT;
    if (error && why && why->error == error)
        operation->failure = *why;
    else if (error == HOSTSESSION_ERROR_CANCELED)
        failure_set(&operation->failure, error, 0, "session", "%s: cancelled", session->name);
    else if (error)
        failure_set(&operation->failure, error, 0, "session", "%s: the session has ended: %s", session->name,
                    why && why->message[0] ? why->message : "it was closed");
    if (operation->kind == OPERATION_RUN && error)
        finish_result(operation, error);
    list_remove(&operation->link);
    list_append(&session->finished, &operation->link);
}

void operation_call_done(hostsession_operation *o) {
    hostsession *session = o->session;
    const hostsession_failure *why = o->failure.error ? &o->failure : NULL;
    switch (o->kind) {
    case OPERATION_RUN: {
        if (o->run.sequence) {
            if (sequence_goes_on(o))
                return;
            break;
        }
        hostsession_result *result = o->run.result;
        o->run.result = NULL;
        if (o->run.done)
            o->run.done(session, o->failure.error, result, o->userdata);
        else
            hostsession_result_free(result);
        break;
    }
    case OPERATION_SEND:
        if (o->send.done)
            o->send.done(session, why, o->userdata);
        break;
    case OPERATION_EXPECT: {
        hostsession_match *match = o->expect.match;
        o->expect.match = NULL;
        if (o->expect.done)
            o->expect.done(session, why, match, o->userdata);
        else
            hostsession_match_free(match);
        break;
    }
    }
    operation_free(o);
}

static void start_run(hostsession_operation *o, int64_t now) {
    if (o->run.sequence && !sequence_begins(o, now))
        return;
    engine_command command = {.way = o->run.way,
                              .text = o->run.command,
                              .length = strlen(o->run.command),
                              .timeout_us = o->run.timeout_us,
                              .expectations = o->run.way == ENGINE_RUN ? o->run.expectations : NULL,
                              .login = o->run.login,
                              .console = o->run.console,
                              .result = o->run.result,
                              .secret = o->run.options.secret};
    o->run.console = NULL;
    engine_run(o->session->engine, &command, now);
}

static void start_expect(hostsession_operation *o, int64_t now) {
    const hostsession_expect_options *options = &o->expect.options;
    int64_t timeout = options->timeout_ms < 0 ? INT64_MAX : options->timeout_ms * 1000;
    engine_expect(o->session->engine, o->expect.patterns, options->window_bytes, timeout, now);
}

void operation_start(hostsession_operation *o) {
    hostsession *session = o->session;
    if (!loop_in_dispatch(session->loop))
        loop_update_now(session->loop);
    int64_t now = loop_now_us(session->loop);
    if (session->inner_lost) {
        hostsession_failure why;
        session_take_loss(session, &why);
        operation_finish(o, why.error, &why);
        return;
    }
    o->started = true;
    if (o->kind == OPERATION_RUN) {
        start_run(o, now);
    } else if (o->kind == OPERATION_EXPECT) {
        start_expect(o, now);
    } else {
        bool sent =
            engine_send(session->engine, bytes_front(&o->send.data), bytes_length(&o->send.data), o->send.secret);
        operation_finish(o, sent ? HOSTSESSION_OK : HOSTSESSION_ERROR_NO_MEMORY, engine_failure(session->engine));
    }
}

void operation_stop(hostsession_operation *o) {
    hostsession *session = o->session;
    o->cancelled = false;
    session->in_engine = true;
    if (o->kind == OPERATION_RUN)
        engine_cancel(session->engine, loop_now_us(session->loop));
    else if (o->kind == OPERATION_EXPECT)
        engine_expect_cancel(session->engine);
    session->in_engine = false;
}

void hostsession_cancel(hostsession_operation *operation) {
    if (operation->run.sequence)
        sequence_cancel(operation->run.sequence);
    if (operation->finished || operation->cancelled)
        return;
    hostsession *session = operation->session;
    if (!operation->started) {
        operation_finish(operation, HOSTSESSION_ERROR_CANCELED, NULL);
    } else {
        operation->cancelled = true;
        if (!loop_in_dispatch(session->loop))
            loop_update_now(session->loop);
    }
    session_pump(session, false);
}
