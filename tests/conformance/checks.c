/* SPDX-License-Identifier: MIT */
#include "conformance.h"

#include "../support/process.h"

#include <regex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void add_command(text *message, const char *command) {
    text_add(message, "command ");
    text_add_escaped(message, command, strlen(command));
    text_add(message, ": ");
}

/* How a result differs from what was expected, all in one line. */
static void add_got(text *message, hostsession_error error, const hostsession_result *result) {
    text_printf(message, "got %s", hostsession_error_name(error));
    if (!result)
        return;
    text_printf(message, "/%s exit %d ", hostsession_status_name(hostsession_result_status(result)),
                hostsession_result_exit_status(result));
    text_add_escaped(message, hostsession_result_output(result), hostsession_result_output_bytes(result));
    if (hostsession_result_error_output_bytes(result)) {
        text_add(message, " stderr ");
        text_add_escaped(message, hostsession_result_error_output(result),
                         hostsession_result_error_output_bytes(result));
    }
    if (!hostsession_result_session_alive(result))
        text_add(message, " (session ended)");
    if (hostsession_result_failure(result)->error != HOSTSESSION_OK)
        text_printf(message, ": %s", hostsession_result_failure(result)->message);
}

static bool report(struct context *t, struct place at, const char *command, const text *expected,
                   hostsession_error error, const hostsession_result *result) {
    if (error == HOSTSESSION_ERROR_CLOSED && t->failures > 0) {
        t->failures++; /* told when it ended */
        return false;
    }
    text message = {0};
    add_command(&message, command);
    text_printf(&message, "expected %s, ", text_data(expected));
    add_got(&message, error, result);
    record_failure(t, at.file, at.line, "%s", text_data(&message));
    text_free(&message);
    return false;
}

/* What a result says in several places must agree. */
static bool is_consistent(const hostsession_result *result, hostsession_error error) {
    hostsession_status status = hostsession_result_status(result);
    int exit_status = hostsession_result_exit_status(result);
    bool alive = hostsession_result_session_alive(result);
    if (hostsession_result_output(result)[hostsession_result_output_bytes(result)] != '\0')
        return false;
    if (exit_status < -1 || exit_status > 255)
        return false;
    if (hostsession_result_dropped_bytes(result) == 0 &&
        hostsession_result_head_bytes(result) != hostsession_result_output_bytes(result))
        return false;
    switch (status) {
    case HOSTSESSION_STATUS_SUCCESS:
        return error == HOSTSESSION_OK && exit_status == 0 && alive;
    case HOSTSESSION_STATUS_FAILED:
        return error == HOSTSESSION_OK && exit_status > 0 && alive;
    case HOSTSESSION_STATUS_SHELL_EXITED:
        return error == HOSTSESSION_ERROR_SHELL_EXITED && !alive;
    case HOSTSESSION_STATUS_TIMED_OUT:
        return error == HOSTSESSION_ERROR_TIMED_OUT;
    case HOSTSESSION_STATUS_LOST:
        return error == HOSTSESSION_ERROR_DISCONNECTED && !alive;
    case HOSTSESSION_STATUS_INTERRUPTED:
    case HOSTSESSION_STATUS_SKIPPED:
    case HOSTSESSION_STATUS_ERROR:
        return error != HOSTSESSION_OK;
    }
    return false;
}

static bool is_output(const hostsession_result *result, const void *output, size_t length) {
    return hostsession_result_output_bytes(result) == length &&
           memcmp(hostsession_result_output(result), output, length) == 0;
}

/* Where two long outputs part. */
static void add_difference(text *message, const char *output, size_t length, const hostsession_result *result) {
    enum { shown_bytes = 40 };
    size_t other_length = hostsession_result_output_bytes(result);
    const char *other = hostsession_result_output(result);
    size_t at = 0;
    while (at < length && at < other_length && output[at] == other[at])
        at++;
    if (at < shown_bytes || (at == length && at == other_length))
        return;
    text_printf(message, " (%zu bytes against %zu; at %zu ", length, other_length, at);
    text_add_escaped(message, output + at, length - at < shown_bytes ? length - at : shown_bytes);
    text_add(message, " against ");
    text_add_escaped(message, other + at, other_length - at < shown_bytes ? other_length - at : shown_bytes);
    text_add(message, ")");
}

bool check_result(struct context *t, struct place at, const char *command, const hostsession_result *result,
                  hostsession_error error, const void *output, size_t length, int status) {
    if (result && error == HOSTSESSION_OK && is_consistent(result, error) && is_output(result, output, length) &&
        hostsession_result_error_output_bytes(result) == 0 && hostsession_result_exit_status(result) == status &&
        hostsession_result_dropped_bytes(result) == 0)
        return true;
    text expected = {0};
    text_printf(&expected, "exit %d ", status);
    text_add_escaped(&expected, output, length);
    add_difference(&expected, output, length, result);
    report(t, at, command, &expected, error, result);
    text_free(&expected);
    return false;
}

bool check_runs(struct context *t, struct place at, const char *command, const void *output, size_t length,
                int status) {
    hostsession_error error;
    const hostsession_result *result = run_raw(t, command, NULL, &error);
    return check_result(t, at, command, result, error, output, length, status);
}

static bool matches(const char *pattern, const hostsession_result *result) {
    text all = {0};
    text_append(&all, hostsession_result_output(result), hostsession_result_output_bytes(result));
    text_append(&all, hostsession_result_error_output(result), hostsession_result_error_output_bytes(result));
    regex_t compiled;
    if (regcomp(&compiled, pattern, REG_EXTENDED) != 0)
        abort();
    regmatch_t match;
    bool right =
        regexec(&compiled, text_data(&all), 1, &match, 0) == 0 && match.rm_so == 0 && (size_t)match.rm_eo == all.length;
    regfree(&compiled);
    text_free(&all);
    return right;
}

bool check_runs_matching(struct context *t, struct place at, const char *command, const char *pattern, int status) {
    hostsession_error error;
    const hostsession_result *result = run_raw(t, command, NULL, &error);
    if (result && error == HOSTSESSION_OK && is_consistent(result, error) && matches(pattern, result) &&
        hostsession_result_exit_status(result) == status)
        return true;
    text expected = {0};
    text_printf(&expected, "exit %d /", status);
    text_add_escaped(&expected, pattern, strlen(pattern));
    text_add(&expected, "/");
    report(t, at, command, &expected, error, result);
    text_free(&expected);
    return false;
}

hostsession_error end_error(const struct context *t) {
    return t->transport->capabilities & REACH_EXIT_STATUS ? HOSTSESSION_ERROR_SHELL_EXITED
                                                          : HOSTSESSION_ERROR_DISCONNECTED;
}

int end_status(const struct context *t, int status) {
    return t->transport->capabilities & REACH_EXIT_STATUS ? status : -1;
}

/* A run after the end is refused, and the session says why it ended. */
static bool is_over(struct context *t) {
    hostsession_error error;
    run_raw(t, "echo never", NULL, &error);
    return error == HOSTSESSION_ERROR_CLOSED && hostsession_get_state(t->session) == HOSTSESSION_ENDED &&
           hostsession_get_failure(t->session)->error != HOSTSESSION_OK &&
           hostsession_get_failure(t->session)->message[0] != '\0';
}

static bool is_known_end(struct context *t, hostsession_error error, const hostsession_result *result) {
    bool knows = t->transport->capabilities & REACH_EXIT_STATUS;
    return result && error == end_error(t) && is_consistent(result, error) &&
           hostsession_result_status(result) == (knows ? HOSTSESSION_STATUS_SHELL_EXITED : HOSTSESSION_STATUS_LOST) &&
           (hostsession_result_exit_status(result) >= 0) == knows && is_over(t) && t->ended_calls == 1;
}

/* Where the end is not known for one of the shell, what the shell says then is not known for that; and a server may
 * throw away what it has not sent by then. */
static bool is_last_output(struct context *t, const hostsession_result *result, const char *output) {
    static const char word[] = "exit\n";
    const char *said = hostsession_result_output(result);
    size_t length = hostsession_result_output_bytes(result);
    if (is_output(result, output, strlen(output)))
        return true;
    const char *found = strstr(said, word);
    size_t before = found ? (size_t)(found - said) : length;
    size_t after = found ? length - before - (sizeof word - 1) : 0;
    return !(t->transport->capabilities & REACH_EXIT_STATUS) && before + after <= strlen(output) &&
           memcmp(said, output, before) == 0 && memcmp(said + length - after, output + before, after) == 0;
}

bool check_fails(struct context *t, struct place at, const char *command, bool may_exit) {
    hostsession_error error;
    const hostsession_result *result = run_raw(t, command, NULL, &error);
    if (may_exit && is_known_end(t, error, result) && hostsession_result_exit_status(result) != 0)
        return true;
    if (result && error == HOSTSESSION_OK && is_consistent(result, error) &&
        hostsession_result_status(result) == HOSTSESSION_STATUS_FAILED)
        return check_in_sync(t, at);
    text expected = {0};
    text_add(&expected, may_exit ? "a failure, or a known end of the shell" : "a failure");
    report(t, at, command, &expected, error, result);
    text_free(&expected);
    return false;
}

bool check_exits(struct context *t, struct place at, const char *command, const char *output, int status) {
    hostsession_error error;
    const hostsession_result *result = run_raw(t, command, NULL, &error);
    if (is_known_end(t, error, result) && is_last_output(t, result, output) &&
        hostsession_result_exit_status(result) == end_status(t, status))
        return true;
    text expected = {0};
    text_printf(&expected, "the end of the shell, once told, then CLOSED; exit %d ", status);
    text_add_escaped(&expected, output, strlen(output));
    report(t, at, command, &expected, error, result);
    text_free(&expected);
    return false;
}

bool is_output_when_stopped(struct context *t, const char *output, size_t length, const char *expected) {
    size_t expected_length = strlen(expected);
    if (length == expected_length + 1 && output[expected_length] == '\n' && is_tty(t) &&
        is_shell(t, ANY_BASH | DASH | KSH93 | MKSH | ASH))
        length--;
    return length == expected_length && memcmp(output, expected, length) == 0;
}

bool check_times_out(struct context *t, struct place at, const char *command, const char *output) {
    hostsession_error error;
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.timeout_ms = short_deadline_ms;
    const hostsession_result *result = run_raw(t, command, &options, &error);
    return check_timed_out(t, at, command, result, error, output);
}

bool check_timed_out(struct context *t, struct place at, const char *command, const hostsession_result *result,
                     hostsession_error error, const char *output) {
    if (result && error == HOSTSESSION_ERROR_TIMED_OUT && is_consistent(result, error) &&
        hostsession_result_status(result) == HOSTSESSION_STATUS_TIMED_OUT && hostsession_result_session_alive(result) &&
        (!output ||
         is_output_when_stopped(t, hostsession_result_output(result), hostsession_result_output_bytes(result), output)))
        return true;
    text expected = {0};
    text_add(&expected, "timed out, session alive ");
    if (output)
        text_add_escaped(&expected, output, strlen(output));
    report(t, at, command, &expected, error, result);
    text_free(&expected);
    return false;
}

bool check_settles(struct context *t, struct place at, const char *command) {
    hostsession_error error;
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.timeout_ms = 2000;
    const hostsession_result *result = run_raw(t, command, &options, &error);
    text expected = {0};
    text_add(&expected, "an end by a name");
    bool right = result && error != HOSTSESSION_ERROR_INTERNAL && is_consistent(result, error);
    if (!right)
        report(t, at, command, &expected, error, result);
    text_free(&expected);
    if (!right)
        return false;
    return CHECK(t, hostsession_get_state(t->session) != HOSTSESSION_ENDED || is_over(t),
                 "command \"%s\" at line %d ended the session without a reason", command, at.line);
}

bool check_in_sync(struct context *t, struct place at) {
    unsigned number = ++t->sync_number;
    const char *output = say(t, "sync-%u\n", number);
    if (!check_runs(t, at, say(t, "/bin/sh -c 'echo sync-%u; exit 7'", number), output, strlen(output), 7))
        return false;
    return check_runs(t, at, say(t, "/bin/sh -c 'echo sync-%u'", number), output, strlen(output), 0);
}

bool check_out_of_reach(struct context *t, struct place at, const char *command) {
    if (t->transport->capabilities & REACH_SIGNALS)
        return false;
    hostsession_error error;
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.timeout_ms = short_deadline_ms;
    const hostsession_result *result = run_raw(t, command, &options, &error);
    text expected = {0};
    text_add(&expected, "the end of the session, by its name");
    if (!result || error != HOSTSESSION_ERROR_TIMED_OUT || !is_consistent(result, error) ||
        hostsession_result_session_alive(result) || hostsession_get_state(t->session) != HOSTSESSION_ENDED ||
        t->ended_calls != 1 || !strstr(hostsession_result_failure(result)->message, "could not be stopped within"))
        report(t, at, command, &expected, error, result);
    text_free(&expected);
    end_out_of_reach(t);
    close_session(t);
    t->ended_calls = 0;
    open_session(t);
    return true;
}

void end_out_of_reach(struct context *t) {
    for (pid_t pid; (pid = process_find(t->tag, NULL)) > 0; process_wait_end(pid, process_end_bound_ms)) {
        /* Its shell, which may start the next one. */
        pid_t leader = getsid(pid);
        if (leader > 1)
            kill(leader, SIGKILL);
        kill(pid, SIGKILL);
    }
}

bool check_gone(struct context *t, struct place at, const char *tag) {
    text line = {0};
    bool gone = process_wait_gone(tag, process_end_bound_ms, &line);
    if (!gone)
        record_failure(t, at.file, at.line, "a process is left: %s", text_data(&line));
    text_free(&line);
    return gone;
}
