/* SPDX-License-Identifier: MIT */
/* Each row of the reference interface that this library was made after, class by class, in its C shape. */
#include "farm.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void session_send_and_expect(hostsession *session) {
    const char *patterns[] = {"never", "the (\\w+) is (\\d+)"};
    hostsession_match *match = NULL;
    size_t length;
    assert_int_equal(hostsession_send(session, "say the answer is 42\n", 21, false), HOSTSESSION_OK);
    assert_int_equal(hostsession_expect(session, patterns, 2, NULL, &match, NULL), HOSTSESSION_OK);
    assert_int_equal(hostsession_match_index(match), 1);
    assert_int_equal(strncmp(hostsession_match_group(match, 2, &length), "42", 2), 0);
    hostsession_match_free(match);
}

/* ShellSession: abstract over _open, _write, _read_until_pattern and close; alive; send; expect; run_cmd. */
static void shell_session_over_a_transport_of_ones_own(void **state) {
    (void)state;
    memory *m = memory_new(NULL);
    hostsession *session = open_memory(m, NULL);
    const hostsession_expectation answer = {.pattern = "name\\?", .response = "Ann\n"};
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    hostsession_result *result = NULL;
    assert_int_not_equal(hostsession_get_state(session), HOSTSESSION_ENDED);
    check_run(session, "say one", "one\n", 0);
    session_send_and_expect(session);
    options.expectations = &answer;
    options.expectation_count = 1;
    assert_int_equal(hostsession_run(session, "ask name?", &options, &result), HOSTSESSION_OK);
    assert_non_null(strstr(hostsession_result_output(result), "got Ann"));
    hostsession_result_free(result);
    /* An expect that never appears is no error; a deadline brings the shell back. */
    assert_int_equal(hostsession_run(session, "say else", &options, &result), HOSTSESSION_OK);
    hostsession_result_free(result);
    options.timeout_ms = 20;
    assert_int_equal(hostsession_run(session, "wait here", &options, &result), HOSTSESSION_ERROR_TIMED_OUT);
    check_result(result, HOSTSESSION_STATUS_TIMED_OUT, -1, "here\n");
    assert_true(hostsession_result_session_alive(result));
    hostsession_result_free(result);
    check_run(session, "say still here", "still here\n", 0);
    hostsession_close(session);
    check_released(m);
    memory_free(m);
}

/* `alive`: the session's state, and why it ended. */
static void alive(void **state) {
    (void)state;
    hostsession *session = open_local(NULL);
    assert_int_equal(hostsession_get_state(session), HOSTSESSION_IDLE);
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, "exit 3", NULL, &result), HOSTSESSION_ERROR_SHELL_EXITED);
    check_result(result, HOSTSESSION_STATUS_SHELL_EXITED, 3, "");
    hostsession_result_free(result);
    assert_int_equal(hostsession_get_state(session), HOSTSESSION_ENDED);
    assert_int_equal(hostsession_get_failure(session)->error, HOSTSESSION_ERROR_SHELL_EXITED);
    hostsession_close(session);
}

/* `send(text)`: bytes as they are, with the caller's line endings. */
static void send_bytes(void **state) {
    (void)state;
    hostsession *session = open_local(NULL);
    assert_int_equal(hostsession_send(session, "x=ab; x=${x}c\r", 14, false), HOSTSESSION_OK);
    check_run(session, "echo $x", "abc\n", 0);
    hostsession_close(session);
}

/* `expect(pattern, timeout)`: all up to and including the match, its groups, which of several it was; a timeout keeps
 * what was read; the session's end is told. */
static void expect(void **state) {
    (void)state;
    hostsession *session = open_local(NULL);
    hostsession_expect_options soon = HOSTSESSION_EXPECT_OPTIONS_INIT;
    hostsession_match *match = NULL;
    const char *never = "never";
    const char *patterns[] = {never, "n=(\\d+)"};
    size_t length = 0;
    soon.timeout_ms = 50;
    assert_int_equal(hostsession_send(session, "echo begun n=$((40 + 2))\r", 25, false), HOSTSESSION_OK);
    assert_int_equal(hostsession_expect(session, &never, 1, &soon, &match, NULL), HOSTSESSION_ERROR_TIMED_OUT);
    hostsession_match_free(match);
    assert_int_equal(hostsession_expect(session, patterns, 2, NULL, &match, NULL), HOSTSESSION_OK);
    assert_int_equal(hostsession_match_index(match), 1);
    assert_memory_equal(hostsession_match_group(match, 1, &length), "42", 2);
    assert_int_equal(length, 2);
    assert_non_null(strstr(hostsession_match_text(match), "begun n=42"));
    hostsession_match_free(match);
    assert_int_equal(hostsession_send(session, "exit 5\r", 7, false), HOSTSESSION_OK);
    assert_int_equal(hostsession_expect(session, &never, 1, NULL, &match, NULL), HOSTSESSION_ERROR_SHELL_EXITED);
    hostsession_match_free(match);
    hostsession_close(session);
}

/* `run_cmd(cmd, expects, timeout)`: output, status, answers, streamed lines, a deadline with recovery. */
static void on_reference_line(void *userdata, hostsession_stream stream, const char *line, size_t length) {
    (void)stream;
    int *lines = userdata;
    *lines += length == 5 && memcmp(line, "line ", 5) == 0;
}

static void run_cmd(void **state) {
    (void)state;
    hostsession *session = open_local(NULL);
    const hostsession_expectation answers[] = {{.pattern = "name\\? $", .response = "Ann\r"},
                                               {.pattern = "never", .response = "x\r"}};
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    hostsession_result *result = NULL;
    int lines = 0;
    options.expectations = answers;
    options.expectation_count = 2;
    options.on_line = on_reference_line;
    options.userdata = &lines;
    assert_int_equal(hostsession_run(session, "printf 'line \\nline \\nname? '; read n; echo \"<$n>\"; (exit 4)",
                                     &options, &result),
                     HOSTSESSION_OK);
    check_result(result, HOSTSESSION_STATUS_FAILED, 4, "line \nline \nname? <Ann>\n");
    assert_int_equal(lines, 2);
    hostsession_result_free(result);
    options.timeout_ms = 100;
    assert_int_equal(hostsession_run(session, "echo begun; sleep 1000", &options, &result),
                     HOSTSESSION_ERROR_TIMED_OUT);
    check_result(result, HOSTSESSION_STATUS_TIMED_OUT, -1, "begun\n");
    assert_true(hostsession_result_session_alive(result));
    hostsession_result_free(result);
    check_run(session, "echo $n", "Ann\n", 0);
    hostsession_close(session);
}

/* `async with`: a handle that is closed with its scope. */
static void context_manager(void **state) {
    (void)state;
    int shell;
    {
        HOSTSESSION_SCOPED hostsession *session = open_local(NULL);
        hostsession_result *result = NULL;
        assert_int_equal(hostsession_run(session, "echo $$", NULL, &result), HOSTSESSION_OK);
        shell = atoi(hostsession_result_output(result));
        hostsession_result_free(result);
        assert_int_equal(kill(shell, 0), 0);
    }
    assert_int_equal(kill(shell, 0), -1);
}

/* LocalSession. */
static void local_session(void **state) {
    (void)state;
    hostsession *session = open_local(NULL);
    check_run(session, "cd /; x=3", "", 0);
    check_run(session, "pwd; echo $x", "/\n3\n", 0);
    hostsession_close(session);
}

/* HostSession: run of one command or of a sequence, with expects and timeouts of each command's own; send; expect;
 * alive; close takes it out of the manager. */
static void host_session(void **state) {
    (void)state;
    farm f;
    farm_init(&f);
    farm_start(&f, true);
    hostsession_named *monitor = open_named(f.manager, "monitor");
    assert_string_equal(hostsession_named_name(monitor), "monitor");
    check_named_run(monitor, "say one", "one\n", 0);
    const hostsession_expectation run_level = {.pattern = "name\\?", .response = "Ann\n"};
    const hostsession_expectation own = {.pattern = "name\\?", .response = "Bob\n"};
    const hostsession_command commands[] = {
        {.text = "ask name?"},
        {.text = "ask name?", .expectations = &own, .expectation_count = 1},
        {.text = "wait here", .timeout_ms = 20},
        {.text = "status 4"},
        {.text = "say five"},
    };
    hostsession_sequence_options options = HOSTSESSION_SEQUENCE_OPTIONS_INIT;
    options.expectations = &run_level;
    options.expectation_count = 1;
    hostsession_results *results = NULL;
    assert_int_equal(hostsession_named_run(monitor, commands, 5, &options, &results, NULL),
                     HOSTSESSION_ERROR_TIMED_OUT);
    assert_non_null(strstr(hostsession_result_output(hostsession_results_at(results, 0)), "got Ann"));
    assert_non_null(strstr(hostsession_result_output(hostsession_results_at(results, 1)), "got Bob"));
    check_result(hostsession_results_at(results, 2), HOSTSESSION_STATUS_TIMED_OUT, -1, "here\n");
    check_result(hostsession_results_at(results, 3), HOSTSESSION_STATUS_FAILED, 4, "");
    check_result(hostsession_results_at(results, 4), HOSTSESSION_STATUS_SUCCESS, 0, "five\n");
    hostsession_results_free(results);

    const char *pattern = "hel+o";
    hostsession_match *match = NULL;
    assert_int_equal(hostsession_named_send(monitor, "say hello\n", 10, false, NULL), HOSTSESSION_OK);
    assert_int_equal(hostsession_named_expect(monitor, &pattern, 1, NULL, &match, NULL), HOSTSESSION_OK);
    assert_int_equal(hostsession_match_index(match), 0);
    hostsession_match_free(match);

    assert_true(hostsession_manager_has_live_sessions(f.manager));
    hostsession_named_close(monitor);
    assert_false(hostsession_manager_has_live_sessions(f.manager));
    farm_end(&f);
}

/* SessionManager: connections or a session_factory, name, has_live_sessions, run_cmd, send, expect on the default
 * session, open_session, oneshot, close_all. */
static void session_manager(void **state) {
    (void)state;
    hostsession_manager *manager = new_manager("local", NULL);
    assert_string_equal(hostsession_manager_target(manager), "local");
    assert_false(hostsession_manager_has_live_sessions(manager));
    hostsession_named *shell = hostsession_manager_default(manager);
    assert_false(hostsession_named_alive(shell));
    assert_string_equal(hostsession_named_name(shell), HOSTSESSION_DEFAULT_NAME);
    check_named_run(shell, "cd /usr; x=7", "", 0);
    check_named_run(shell, "pwd; echo $x", "/usr\n7\n", 0);
    assert_true(hostsession_manager_has_live_sessions(manager));

    const char *pattern = "name: ";
    hostsession_match *match = NULL;
    assert_int_equal(hostsession_named_send(shell, "printf 'name''%s' ': '; read n\r", 31, false, NULL),
                     HOSTSESSION_OK);
    assert_int_equal(hostsession_named_expect(shell, &pattern, 1, NULL, &match, NULL), HOSTSESSION_OK);
    hostsession_match_free(match);
    assert_int_equal(hostsession_named_send(shell, "Ann\r", 4, false, NULL), HOSTSESSION_OK);
    check_named_run(shell, "echo $n", "Ann\n", 0);

    hostsession_named *other = open_named(manager, "other");
    check_named_run(other, "echo \"[$x]\"", "[]\n", 0);
    check_oneshot(manager, "echo \"[$x]\"; exit 5", "[]\n", 5);
    check_named_run(shell, "echo $x", "7\n", 0);

    hostsession_manager_close_all(manager);
    assert_false(hostsession_manager_has_live_sessions(manager));
    assert_false(hostsession_named_alive(other));
    hostsession_named_release(other);
    /* And again. */
    check_named_run(shell, "echo \"[$x]\"", "[]\n", 0);
    hostsession_manager_free(manager);
}

/* A sequence has one time budget; the default of a manager's run is 10 s, of its expect 10 s. */
static void defaults(void **state) {
    (void)state;
    farm f;
    farm_init(&f);
    farm_start(&f, true);
    hostsession_named *shell = hostsession_manager_default(f.manager);
    const hostsession_command commands[] = {{.text = "wait here", .timeout_ms = 1000000},
                                            {.text = "say two"},
                                            {.text = "say three"}};
    hostsession_sequence_options options = HOSTSESSION_SEQUENCE_OPTIONS_INIT;
    options.timeout_ms = 30;
    hostsession_results *results = NULL;
    /* timeout_ms is the budget, too. */
    assert_int_equal(hostsession_named_run(shell, commands, 3, &options, &results, NULL), HOSTSESSION_ERROR_TIMED_OUT);
    check_result(hostsession_results_at(results, 0), HOSTSESSION_STATUS_TIMED_OUT, -1, "here\n");
    check_result(hostsession_results_at(results, 1), HOSTSESSION_STATUS_SKIPPED, -1, "");
    check_result(hostsession_results_at(results, 2), HOSTSESSION_STATUS_SKIPPED, -1, "");
    assert_ptr_equal(hostsession_results_overall(results), hostsession_results_at(results, 0));
    hostsession_results_free(results);
    farm_end(&f);
}

static const api_case cases[] = {
    CASE(shell_session_over_a_transport_of_ones_own),
    CASE(alive),
    CASE(send_bytes),
    CASE(expect),
    CASE(run_cmd),
    CASE(context_manager),
    CASE(local_session),
    CASE(host_session),
    CASE(session_manager),
    CASE(defaults),
};
CASES_MAIN("manager-reference", cases)
