/* SPDX-License-Identifier: MIT */
/* Sending bytes as they are and waiting for patterns. */
#include "session/private.h"

#include "base/failure.h"
#include "base/options.h"

#include <stdlib.h>
#include <string.h>

struct hostsession_match {
    int index;
    char *text;
    size_t length;
    size_t group_count;
    size_t groups[pattern_max_groups][2];
};

static hostsession_error check_terminal(const hostsession *session, const char *stage, hostsession_failure *failure) {
    if (session->closing)
        return failure_set(failure, HOSTSESSION_ERROR_CLOSED, 0, stage, "%s: the session was closed", session->name);
    if (session->options.mode == HOSTSESSION_MODE_PIPE)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, stage,
                           "%s: programs in pipe mode have no terminal to type at; open the session in tty mode",
                           session->name);
    return HOSTSESSION_OK;
}

/* ---- send ---- */

hostsession_error hostsession_send_start(hostsession *session, const char *data, size_t length, bool secret,
                                         hostsession_send_fn done, void *userdata,
                                         hostsession_operation **ret_operation) {
    if (ret_operation)
        *ret_operation = NULL;
    hostsession_error error = check_terminal(session, "send", NULL);
    if (error)
        return error;
    hostsession_operation *operation = operation_new(session, OPERATION_SEND, userdata);
    if (!operation)
        return HOSTSESSION_ERROR_NO_MEMORY;
    operation->send.done = done;
    operation->send.secret = secret;
    if (!bytes_append(&operation->send.data, data, length)) {
        operation_free(operation);
        return HOSTSESSION_ERROR_NO_MEMORY;
    }
    if (ret_operation)
        *ret_operation = operation;
    operation_submit(operation);
    return HOSTSESSION_OK;
}

typedef struct send_driver {
    driver driver;
    hostsession_error error;
} send_driver;

static void on_send_done(hostsession *session, const hostsession_failure *failure, void *userdata) {
    (void)session;
    send_driver *d = userdata;
    d->error = failure ? failure->error : HOSTSESSION_OK;
    d->driver.done = true;
}

hostsession_error hostsession_send(hostsession *session, const char *data, size_t length, bool secret) {
    send_driver d = {{false, false, NULL}, HOSTSESSION_OK};
    hostsession_error error = drive_check(session, "send", NULL);
    if (!error)
        error = hostsession_send_start(session, data, length, secret, on_send_done, &d, NULL);
    if (error)
        return error;
    drive_until_done(session, &d.driver);
    return d.error;
}

hostsession_error hostsession_type(hostsession *session, const char *data, size_t length, bool secret) {
    hostsession_error error = check_terminal(session, "type", NULL);
    if (error)
        return error;
    const hostsession_operation *operation = operation_current(session);
    if (!operation || operation->kind != OPERATION_RUN || !engine_runs(session->engine))
        return HOSTSESSION_ERROR_NOT_READY;
    bool inside = session->in_engine;
    session->in_engine = true;
    loop_guard_enter(session->loop);
    bool typed = engine_type(session->engine, data, length, secret);
    loop_guard_leave(session->loop);
    session->in_engine = inside;
    session_pump(session, false);
    return typed ? HOSTSESSION_OK : HOSTSESSION_ERROR_NO_MEMORY;
}

/* ---- expect ---- */

static hostsession_match *match_new(const char *text, size_t length, const pattern_match *found) {
    hostsession_match *match = calloc(1, sizeof *match);
    char *copy = malloc(length + 1);
    if (!match || !copy) {
        free(match);
        free(copy);
        return NULL;
    }
    if (length)
        memcpy(copy, text, length);
    copy[length] = 0;
    match->text = copy;
    match->length = length;
    match->index = -1;
    if (found) {
        match->index = (int)found->index;
        match->group_count = found->group_count;
        memcpy(match->groups, found->groups, sizeof match->groups);
    }
    return match;
}

void operation_on_expect_done(void *owner, const hostsession_failure *failure, const pattern_match *found,
                              const char *text, size_t length) {
    hostsession *session = owner;
    hostsession_operation *operation = operation_current(session);
    if (!operation || operation->kind != OPERATION_EXPECT)
        return;
    operation->expect.match = match_new(text, length, found);
    if (!operation->expect.match)
        operation_finish(operation, HOSTSESSION_ERROR_NO_MEMORY, NULL);
    else
        operation_finish(operation, failure ? failure->error : HOSTSESSION_OK, failure);
}

static hostsession_error copy_options(const hostsession_expect_options *given, hostsession_expect_options *to,
                                      hostsession_failure *failure) {
    *to = (hostsession_expect_options)HOSTSESSION_EXPECT_OPTIONS_INIT;
    hostsession_error error =
        options_read(given, to, sizeof *to, "options", "HOSTSESSION_EXPECT_OPTIONS_INIT", failure);
    if (error != HOSTSESSION_OK)
        return error;
    if (to->timeout_ms == 0)
        to->timeout_ms = 30000;
    if (to->timeout_ms > INT64_MAX / 2000)
        to->timeout_ms = -1;
    if (to->window_bytes == 0)
        to->window_bytes = (size_t)64 * 1024;
    return HOSTSESSION_OK;
}

hostsession_error hostsession_expect_start(hostsession *session, const char *const *patterns, size_t pattern_count,
                                           const hostsession_expect_options *options, hostsession_expect_fn done,
                                           void *userdata, hostsession_operation **ret_operation,
                                           hostsession_failure *failure) {
    if (ret_operation)
        *ret_operation = NULL;
    hostsession_error error = check_terminal(session, "expect", failure);
    if (error)
        return error;
    hostsession_operation *operation = operation_new(session, OPERATION_EXPECT, userdata);
    if (!operation)
        return failure_no_memory(failure, "expect");
    operation->expect.done = done;
    error = copy_options(options, &operation->expect.options, failure);
    if (!error)
        error = pattern_set_new(patterns, pattern_count, &operation->expect.patterns, failure);
    if (error) {
        operation_free(operation);
        return error;
    }
    if (ret_operation)
        *ret_operation = operation;
    operation_submit(operation);
    return HOSTSESSION_OK;
}

typedef struct expect_driver {
    driver driver;
    hostsession_failure failure;
    hostsession_match *match;
} expect_driver;

static void on_expect_done(hostsession *session, const hostsession_failure *failure, hostsession_match *match,
                           void *userdata) {
    (void)session;
    expect_driver *d = userdata;
    if (failure)
        d->failure = *failure;
    d->match = match;
    d->driver.done = true;
}

hostsession_error hostsession_expect(hostsession *session, const char *const *patterns, size_t pattern_count,
                                     const hostsession_expect_options *options, hostsession_match **ret_match,
                                     hostsession_failure *failure) {
    *ret_match = NULL;
    expect_driver d = {{false, false, NULL}, HOSTSESSION_FAILURE_INIT, NULL};
    hostsession_error error = drive_check(session, "expect", failure);
    if (!error)
        error = hostsession_expect_start(session, patterns, pattern_count, options, on_expect_done, &d, NULL, failure);
    if (error)
        return error;
    drive_until_done(session, &d.driver);
    if (d.failure.error && failure)
        *failure = d.failure;
    *ret_match = d.match;
    return d.failure.error;
}

int hostsession_match_index(const hostsession_match *match) {
    return match ? match->index : -1;
}

const char *hostsession_match_text(const hostsession_match *match) {
    return match ? match->text : "";
}

size_t hostsession_match_text_bytes(const hostsession_match *match) {
    return match ? match->length : 0;
}

const char *hostsession_match_group(const hostsession_match *match, unsigned group, size_t *ret_length) {
    *ret_length = 0;
    if (!match || group >= match->group_count || match->groups[group][0] == SIZE_MAX)
        return NULL;
    *ret_length = match->groups[group][1] - match->groups[group][0];
    return match->text + match->groups[group][0];
}

void hostsession_match_free(hostsession_match *match) {
    if (!match)
        return;
    free(match->text);
    free(match);
}
