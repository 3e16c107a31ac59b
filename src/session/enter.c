/* SPDX-License-Identifier: MIT */
/* Entering and leaving shells, and programs with a prompt, inside the session's own shell. */
#include "session/private.h"

#include "base/failure.h"
#include "base/options.h"

#include <hostsession/enter.h>

#include <string.h>

static const int64_t default_timeout_ms = 10000;

static hostsession_error check(const hostsession *session, int64_t timeout_ms, const char *stage,
                               hostsession_failure *failure) {
    if (session->closing)
        return failure_set(failure, HOSTSESSION_ERROR_CLOSED, 0, stage, "%s: the session was closed", session->name);
    if (session->options.mode == HOSTSESSION_MODE_PIPE)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, stage,
                           "%s: an inner shell needs a terminal; open the session in tty mode", session->name);
    if (session->console)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, stage,
                           "%s: a console that is no shell has none inside; open the session without options->console",
                           session->name);
    if (timeout_ms < -1 || timeout_ms > INT64_MAX / 2000)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, stage, "timeout_ms is %lld; use -1 for no limit",
                           (long long)timeout_ms);
    return HOSTSESSION_OK;
}

/* As run has it: 0 is no limit. */
static int64_t to_timeout(int64_t timeout_ms) {
    return timeout_ms < 0 ? 0 : timeout_ms ? timeout_ms : default_timeout_ms;
}

static hostsession_error copy_options(const hostsession *session, const hostsession_enter_options *given,
                                      hostsession_run_options *to, hostsession_console *program, bool *ret_has_program,
                                      hostsession_failure *failure) {
    hostsession_enter_options o = HOSTSESSION_ENTER_OPTIONS_INIT;
    hostsession_error error = options_read(given, &o, sizeof o, "options", "HOSTSESSION_ENTER_OPTIONS_INIT", failure);
    if (!error)
        error = check(session, o.timeout_ms, "enter", failure);
    if (!error)
        error = session_check_expectations(session, o.expectations, o.expectation_count, failure);
    *to = (hostsession_run_options)HOSTSESSION_RUN_OPTIONS_INIT;
    *ret_has_program = o.console != NULL;
    if (!error)
        error =
            options_read(o.console, program, sizeof *program, "options->console", "HOSTSESSION_CONSOLE_INIT", failure);
    to->timeout_ms = to_timeout(o.timeout_ms);
    to->expectations = o.expectations;
    to->expectation_count = o.expectation_count;
    to->secret = o.secret;
    to->max_output_bytes = o.max_output_bytes ? o.max_output_bytes : session->options.max_output_bytes;
    return error;
}

static hostsession_error start(hostsession *session, engine_way way, const char *command,
                               const hostsession_run_options *options, const hostsession_console *program,
                               hostsession_run_fn done, void *userdata, hostsession_operation **ret_operation,
                               hostsession_failure *failure) {
    hostsession_error error = HOSTSESSION_OK;
    hostsession_operation *operation = operation_new(session, OPERATION_RUN, userdata);
    if (!operation)
        return failure_no_memory(failure, "enter");
    operation->run.way = way;
    operation->run.done = done;
    operation->run.options = *options;
    if (program)
        error = console_new(program, &operation->run.console, failure);
    if (!error)
        error = run_submit(operation, command, ret_operation, failure);
    if (error)
        operation_free(operation);
    return error;
}

hostsession_error hostsession_enter_start(hostsession *session, const char *command,
                                          const hostsession_enter_options *options, hostsession_run_fn done,
                                          void *userdata, hostsession_operation **ret_operation,
                                          hostsession_failure *failure) {
    hostsession_run_options how;
    hostsession_console program = HOSTSESSION_CONSOLE_INIT;
    bool has_program = false;
    if (ret_operation)
        *ret_operation = NULL;
    hostsession_error error = copy_options(session, options, &how, &program, &has_program, failure);
    if (!error && !command)
        error = failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "enter", "the command is NULL");
    return error ? error
                 : start(session, ENGINE_ENTER, command, &how, has_program ? &program : NULL, done, userdata,
                         ret_operation, failure);
}

hostsession_error hostsession_leave_start(hostsession *session, int64_t timeout_ms, hostsession_run_fn done,
                                          void *userdata, hostsession_operation **ret_operation,
                                          hostsession_failure *failure) {
    hostsession_run_options how = HOSTSESSION_RUN_OPTIONS_INIT;
    if (ret_operation)
        *ret_operation = NULL;
    hostsession_error error = check(session, timeout_ms, "leave", failure);
    how.timeout_ms = to_timeout(timeout_ms);
    how.max_output_bytes = session->options.max_output_bytes;
    return error ? error : start(session, ENGINE_LEAVE, "", &how, NULL, done, userdata, ret_operation, failure);
}

typedef struct enter_arguments {
    const char *command;
    const hostsession_enter_options *options;
    int64_t timeout_ms;
} enter_arguments;

static hostsession_error start_enter(hostsession *session, void *arguments, hostsession_run_fn done, void *userdata,
                                     hostsession_failure *failure) {
    const enter_arguments *a = arguments;
    return hostsession_enter_start(session, a->command, a->options, done, userdata, NULL, failure);
}

static hostsession_error start_leave(hostsession *session, void *arguments, hostsession_run_fn done, void *userdata,
                                     hostsession_failure *failure) {
    const enter_arguments *a = arguments;
    return hostsession_leave_start(session, a->timeout_ms, done, userdata, NULL, failure);
}

hostsession_error hostsession_enter(hostsession *session, const char *command, const hostsession_enter_options *options,
                                    hostsession_result **ret_result) {
    return run_blocking(session, start_enter, &(enter_arguments){command, options, 0}, ret_result);
}

hostsession_error hostsession_leave(hostsession *session, int64_t timeout_ms, hostsession_result **ret_result) {
    return run_blocking(session, start_leave, &(enter_arguments){NULL, NULL, timeout_ms}, ret_result);
}

unsigned hostsession_get_depth(const hostsession *session) {
    return engine_depth(session->engine);
}
