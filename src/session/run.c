/* SPDX-License-Identifier: MIT */
/* Running commands. */
#include "session/private.h"

#include "base/failure.h"
#include "base/options.h"

#include <stdlib.h>
#include <string.h>

static void on_line(hostsession_operation *operation, hostsession_stream stream, const char *line, size_t length) {
    hostsession_run_options *o = &operation->run.options;
    if (!operation->session->closing)
        o->on_line(o->userdata, stream, line, length);
}

static void on_output_line(void *owner, const char *line, size_t length) {
    on_line(owner, HOSTSESSION_STREAM_OUTPUT, line, length);
}

static void on_error_line(void *owner, const char *line, size_t length) {
    on_line(owner, HOSTSESSION_STREAM_ERROR, line, length);
}

hostsession_error session_check_answers(const hostsession *session, unsigned flags, hostsession_failure *failure) {
    const transport_made *t = &session->target.transport;
    if (session->options.mode == HOSTSESSION_MODE_PIPE)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "options",
                           "expectations need a terminal to type at: commands in pipe mode read /dev/null; open the "
                           "session in tty mode");
    if (flags & HOSTSESSION_EXPECT_ECHO_OFF && !t->interface.echoes)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "options",
                           "whether the terminal echoes cannot be told over this transport (%s); leave "
                           "HOSTSESSION_EXPECT_ECHO_OFF out",
                           t->interface.name ? t->interface.name : "unnamed");
    if (flags & HOSTSESSION_EXPECT_ECHO_OFF && session->ready && !session->has_terminal)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "options",
                           "%s: the shell has another terminal than ours (ssh -tt, docker exec -it), and whether that "
                           "echoes cannot be told; leave HOSTSESSION_EXPECT_ECHO_OFF out",
                           session->name);
    return HOSTSESSION_OK;
}

hostsession_error session_check_expectations(const hostsession *session, const hostsession_expectation *expected,
                                             size_t count, hostsession_failure *failure) {
    unsigned flags = 0;
    for (size_t i = 0; i < count; i++)
        flags |= expected[i].flags;
    return count ? session_check_answers(session, flags, failure) : HOSTSESSION_OK;
}

static hostsession_error copy_options(const hostsession *session, const hostsession_run_options *given,
                                      hostsession_run_options *to, hostsession_failure *failure) {
    *to = (hostsession_run_options)HOSTSESSION_RUN_OPTIONS_INIT;
    hostsession_error error = options_read(given, to, sizeof *to, "options", "HOSTSESSION_RUN_OPTIONS_INIT", failure);
    if (error != HOSTSESSION_OK)
        return error;
    if (to->timeout_ms < 0 || to->timeout_ms > INT64_MAX / 2000)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "options",
                           "options->timeout_ms is %lld; use 0 for no limit", (long long)to->timeout_ms);
    error = session_check_expectations(session, to->expectations, to->expectation_count, failure);
    if (error)
        return error;
    if (to->max_output_bytes == 0)
        to->max_output_bytes = session->options.max_output_bytes;
    return HOSTSESSION_OK;
}

void run_set_lines(hostsession_operation *operation) {
    for (size_t i = 0; i < 2; i++) {
        operation->run.lines[i].owner = operation;
        operation->run.lines[i].on_line = i == HOSTSESSION_STREAM_OUTPUT ? on_output_line : on_error_line;
    }
}

hostsession_error run_submit(hostsession_operation *operation, const char *command, hostsession_operation **ret,
                             hostsession_failure *failure) {
    hostsession_run_options *o = &operation->run.options;
    operation->run.command = strdup(command);
    operation->run.result = result_new(o->max_output_bytes);
    if (!operation->run.command || !operation->run.result)
        return failure_no_memory(failure, "command");
    run_set_lines(operation);
    operation->run.timeout_us = o->timeout_ms ? o->timeout_ms * 1000 : INT64_MAX;
    hostsession_error error = HOSTSESSION_OK;
    if (o->expectation_count)
        error = expectations_new(o->expectations, o->expectation_count, &operation->run.expectations, failure);
    o->expectations = NULL;
    if (!error && operation->run.way == ENGINE_ENTER)
        error = login_new(&(engine_login){.expectations = operation->run.expectations}, &operation->run.login, failure);
    if (error)
        return error;
    if (ret)
        *ret = operation;
    operation_submit(operation);
    return HOSTSESSION_OK;
}

hostsession_error hostsession_run_start(hostsession *session, const char *command,
                                        const hostsession_run_options *options, hostsession_run_fn done, void *userdata,
                                        hostsession_operation **ret_operation, hostsession_failure *failure) {
    if (ret_operation)
        *ret_operation = NULL;
    if (session->closing)
        return failure_set(failure, HOSTSESSION_ERROR_CLOSED, 0, "command", "%s: the session was closed",
                           session->name);
    if (!command)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "command", "the command is NULL");
    hostsession_operation *operation = operation_new(session, OPERATION_RUN, userdata);
    if (!operation)
        return failure_no_memory(failure, "command");
    operation->run.done = done;
    hostsession_error error = copy_options(session, options, &operation->run.options, failure);
    if (!error && session->console)
        error = console_check(command, failure);
    if (!error)
        error = run_submit(operation, command, ret_operation, failure);
    if (error)
        operation_free(operation);
    return error;
}

typedef struct run_driver {
    driver driver;
    hostsession_error error;
    hostsession_result *result;
} run_driver;

static void on_run_done(hostsession *session, hostsession_error error, hostsession_result *result, void *userdata) {
    (void)session;
    run_driver *d = userdata;
    d->error = error;
    d->result = result;
    d->driver.done = true;
}

/* A result for a call that was refused, so that the reason is not lost. */
static hostsession_result *refused(const hostsession_failure *why) {
    hostsession_result *result = why->error == HOSTSESSION_ERROR_NO_MEMORY ? NULL : result_new(0);
    if (result) {
        bool skipped = why->error == HOSTSESSION_ERROR_CLOSED || why->error == HOSTSESSION_ERROR_CANCELED;
        result->status = skipped ? HOSTSESSION_STATUS_SKIPPED : HOSTSESSION_STATUS_ERROR;
        result->failure = *why;
    }
    return result;
}

hostsession_error run_blocking(hostsession *session, run_starter start, void *arguments,
                               hostsession_result **ret_result) {
    hostsession_failure why;
    run_driver d = {{false, false, NULL}, HOSTSESSION_OK, NULL};
    hostsession_error error = drive_check(session, "command", &why);
    /* What came since the last call belongs to no command. */
    if (!error && !session->closing && !drive_pending(session))
        error = failure_set(&why, HOSTSESSION_ERROR_CANCELED, 0, "command", "the session was closed by a callback");
    if (!error)
        error = start(session, arguments, on_run_done, &d, &why);
    if (error) {
        *ret_result = refused(&why);
        return error;
    }
    drive_until_done(session, &d.driver);
    *ret_result = d.result;
    return d.error;
}

typedef struct run_arguments {
    const char *command;
    const hostsession_run_options *options;
} run_arguments;

static hostsession_error start_run(hostsession *session, void *arguments, hostsession_run_fn done, void *userdata,
                                   hostsession_failure *failure) {
    const run_arguments *a = arguments;
    return hostsession_run_start(session, a->command, a->options, done, userdata, NULL, failure);
}

hostsession_error hostsession_run(hostsession *session, const char *command, const hostsession_run_options *options,
                                  hostsession_result **ret_result) {
    return run_blocking(session, start_run, &(run_arguments){command, options}, ret_result);
}

void hostsession_cancel_current(hostsession *session) {
    hostsession_operation *operation = session->held_for ? session->held_for : operation_current(session);
    if (operation)
        hostsession_cancel(operation);
}
