/* SPDX-License-Identifier: MIT */
/* Programs with a prompt of their own, entered from a shell, left, lost, and never taken for it. */
#include "cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PYTHON "env -u PYTHONSTARTUP HOME=/nonexistent python3 -q"

static hostsession *open_shell(hostsession_loop *loop) {
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    options.loop = loop;
    options.connect_timeout_ms = 30000;
    hostsession *session = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (hostsession_open("local", &options, &session, &why) != HOSTSESSION_OK)
        fail_msg("%s", why.message);
    check_run(session, "cd /usr; x=outer", "", 0);
    return session;
}

static hostsession_console python(void) {
    hostsession_console how = HOSTSESSION_CONSOLE_INIT;
    how.prompt = ">>> $";
    return how;
}

static hostsession_result *enter_with(hostsession *session, const char *command, const hostsession_console *how,
                                      int64_t timeout_ms, hostsession_error error) {
    hostsession_enter_options options = HOSTSESSION_ENTER_OPTIONS_INIT;
    options.timeout_ms = timeout_ms;
    options.console = how;
    hostsession_result *result = NULL;
    hostsession_error got = hostsession_enter(session, command, &options, &result);
    if (got != error)
        fail_msg("%s: %s: %s", command, hostsession_error_name(got), hostsession_result_failure(result)->message);
    return result;
}

static void enter(hostsession *session, const char *command, const hostsession_console *how, const char *said) {
    hostsession_result *result = enter_with(session, command, how, 30000, HOSTSESSION_OK);
    check_result(result, HOSTSESSION_STATUS_SUCCESS, -1, said);
    hostsession_result_free(result);
    assert_string_equal(hostsession_get_shell(session), "console");
}

static void says(hostsession *session, const char *command, hostsession_status status, const char *output) {
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, command, NULL, &result), HOSTSESSION_OK);
    check_result(result, status, -1, output);
    assert_true(hostsession_result_session_alive(result));
    hostsession_result_free(result);
}

static void check_outer(hostsession *session) {
    assert_int_equal(hostsession_get_depth(session), 0);
    assert_string_equal(hostsession_get_shell(session), "bash");
    check_run(session, "echo $x; pwd", "outer\n/usr\n", 0);
}

static void leave(hostsession *session, int exit_status) {
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_leave(session, 30000, &result), HOSTSESSION_OK);
    assert_int_equal(hostsession_result_exit_status(result), exit_status);
    hostsession_result_free(result);
    char shown[16];
    snprintf(shown, sizeof shown, "%d\n", exit_status);
    check_run(session, "echo $?", shown, 0);
    check_outer(session);
}

/* ---- programs ---- */

static void in_python(void **state) {
    (void)state;
    static const char *const ways[] = {PYTHON, PYTHON " -S"};
    hostsession_console how = python();
    hostsession *session = open_shell(NULL);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        enter(session, ways[i], &how, "");
        assert_int_equal(hostsession_get_depth(session), 1);
        says(session, "y = 6 * 7", HOSTSESSION_STATUS_SUCCESS, "");
        says(session, "print(y); print('>>> '); print('a\\n\\nb', end='')", HOSTSESSION_STATUS_SUCCESS,
             "42\n>>> \na\n\nb");
        says(session, "x", HOSTSESSION_STATUS_SUCCESS,
             "Traceback (most recent call last):\n  File \"<stdin>\", line 1, in <module>\n"
             "NameError: name 'x' is not defined\n");
        leave(session, 0);
    }
    hostsession_close(session);
}

static void in_sqlite(void **state) {
    (void)state;
    hostsession_console how = HOSTSESSION_CONSOLE_INIT;
    how.prompt = "sqlite> $";
    how.error = "(?:Parse error|Runtime error|Error)[ :]";
    how.leave = ".exit 5\r";
    hostsession *session = open_shell(NULL);
    hostsession_result_free(enter_with(session, "HOME=/nonexistent sqlite3 -interactive", &how, 30000, HOSTSESSION_OK));
    says(session, "create table t (a); insert into t values (1), (2);", HOSTSESSION_STATUS_SUCCESS, "");
    says(session, "select a from t;", HOSTSESSION_STATUS_SUCCESS, "1\n2\n");
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, "select b from t;", NULL, &result), HOSTSESSION_OK);
    assert_int_equal(hostsession_result_status(result), HOSTSESSION_STATUS_FAILED);
    hostsession_result_free(result);
    leave(session, 5);
    hostsession_close(session);
}

static void in_gdb(void **state) {
    (void)state;
    hostsession_console how = HOSTSESSION_CONSOLE_INIT;
    how.prompt = "\\(gdb\\) $";
    how.probe = "";
    hostsession *session = open_shell(NULL);
    hostsession_result_free(enter_with(session, "HOME=/nonexistent gdb -nx -q", &how, 60000, HOSTSESSION_OK));
    says(session, "print 6*7", HOSTSESSION_STATUS_SUCCESS, "$1 = 42\n");
    says(session, "print $1 + 1", HOSTSESSION_STATUS_SUCCESS, "$2 = 43\n");
    leave(session, 0);
    hostsession_close(session);
}

/* ---- ways in ---- */

static void banners_and_questions_on_the_way(void **state) {
    (void)state;
    hostsession_console how = python();
    how.setup = (const char *const[]){"z = 1", NULL};
    hostsession_expectation asked = {"PIN: $", "1234\r", HOSTSESSION_EXPECT_SECRET | HOSTSESSION_EXPECT_ECHO_OFF, 1};
    hostsession_enter_options options = HOSTSESSION_ENTER_OPTIONS_INIT;
    options.timeout_ms = 30000;
    options.console = &how;
    options.expectations = &asked;
    options.expectation_count = 1;
    hostsession *session = open_shell(NULL);
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_enter(session,
                                       "sh -c 'stty -echo; printf \"PIN: \"; read -r pin; stty echo; echo; "
                                       "echo welcome; test \"$pin\" = 1234 && exec " PYTHON "'",
                                       &options, &result),
                     HOSTSESSION_OK);
    check_result(result, HOSTSESSION_STATUS_SUCCESS, -1, "PIN: \nwelcome\n");
    hostsession_result_free(result);
    says(session, "z + 1", HOSTSESSION_STATUS_SUCCESS, "2\n");
    leave(session, 0);
    hostsession_close(session);
}

static void it_never_comes(void **state) {
    (void)state;
    hostsession_console how = python();
    hostsession *session = open_shell(NULL);
    hostsession_result *result = enter_with(session, "echo no; (exit 3)", &how, 30000, HOSTSESSION_OK);
    check_result(result, HOSTSESSION_STATUS_FAILED, 3, "no\n");
    hostsession_result_free(result);
    check_outer(session);
    result = enter_with(session, "printf '>>> '", &how, 30000, HOSTSESSION_ERROR_NOT_READY);
    check_result(result, HOSTSESSION_STATUS_ERROR, 0, ">>> ");
    hostsession_result_free(result);
    check_outer(session);
    result = enter_with(session, "echo this; sleep 1000", &how, 300, HOSTSESSION_ERROR_TIMED_OUT);
    assert_int_equal(hostsession_result_status(result), HOSTSESSION_STATUS_TIMED_OUT);
    assert_memory_equal(hostsession_result_output(result), "this\n", 5);
    assert_non_null(strstr(hostsession_result_failure(result)->message, "the last it said was \"this\\n\""));
    assert_true(hostsession_result_session_alive(result));
    hostsession_result_free(result);
    check_outer(session);
    hostsession_close(session);
}

static void what_is_refused(void **state) {
    (void)state;
    hostsession_console how = HOSTSESSION_CONSOLE_INIT;
    hostsession *session = open_shell(NULL);
    hostsession_result_free(enter_with(session, PYTHON, &how, 30000, HOSTSESSION_ERROR_INVALID));
    how.prompt = "(";
    hostsession_result_free(enter_with(session, PYTHON, &how, 30000, HOSTSESSION_ERROR_INVALID));
    how = python();
    enter(session, PYTHON, &how, "");
    hostsession_result *result = enter_with(session, "bash", NULL, 30000, HOSTSESSION_ERROR_INVALID);
    assert_non_null(strstr(hostsession_result_failure(result)->message, "leave it first"));
    hostsession_result_free(result);
    assert_int_equal(hostsession_run(session, "a = 1\nb = 2", NULL, &result), HOSTSESSION_ERROR_INVALID);
    hostsession_result_free(result);
    says(session, "1 + 1", HOSTSESSION_STATUS_SUCCESS, "2\n");
    leave(session, 0);
    hostsession_close(session);
}

/* What is queued behind it runs inside; what is meant for a program that is not there runs nowhere. */
static void queued_behind_it(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    hostsession *session = open_shell(loop);
    hostsession_console how = python();
    hostsession_enter_options options = HOSTSESSION_ENTER_OPTIONS_INIT;
    options.timeout_ms = 30000;
    options.console = &how;
    outcome entered = {0};
    outcome inside = {0};
    assert_int_equal(hostsession_enter_start(session, PYTHON, &options, ran, &entered, NULL, NULL), HOSTSESSION_OK);
    assert_int_equal(hostsession_run_start(session, "2 + 3", NULL, ran, &inside, NULL, NULL), HOSTSESSION_OK);
    drive_until(loop, &inside.calls, 1);
    check_result(inside.result, HOSTSESSION_STATUS_SUCCESS, -1, "5\n");
    outcome_free(&entered);
    outcome_free(&inside);
    leave(session, 0);
    entered = inside = (outcome){0};
    assert_int_equal(hostsession_enter_start(session, "false", &options, ran, &entered, NULL, NULL), HOSTSESSION_OK);
    assert_int_equal(hostsession_run_start(session, "2 + 3", NULL, ran, &inside, NULL, NULL), HOSTSESSION_OK);
    drive_until(loop, &inside.calls, 1);
    assert_int_equal(inside.error, HOSTSESSION_ERROR_SHELL_EXITED);
    outcome_free(&entered);
    outcome_free(&inside);
    check_outer(session);
    hostsession_close(session);
    hostsession_loop_free(loop);
}

/* In a shell that was entered itself. */
static void two_deep(void **state) {
    (void)state;
    hostsession *session = open_shell(NULL);
    hostsession_console how = python();
    hostsession_result_free(enter_with(session, "dash", NULL, 30000, HOSTSESSION_OK));
    check_run(session, "x=middle", "", 0);
    enter(session, PYTHON, &how, "");
    assert_int_equal(hostsession_get_depth(session), 2);
    says(session, "'%d' % 7", HOSTSESSION_STATUS_SUCCESS, "'7'\n");
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_leave(session, 30000, &result), HOSTSESSION_OK);
    hostsession_result_free(result);
    check_run(session, "echo $x", "middle\n", 0);
    leave(session, 0);
    hostsession_close(session);
}

/* ---- deadlines and ends ---- */

static void it_is_won_back(void **state) {
    (void)state;
    hostsession_console how = python();
    hostsession_run_options soon = HOSTSESSION_RUN_OPTIONS_INIT;
    soon.timeout_ms = 300;
    hostsession *session = open_shell(NULL);
    enter(session, PYTHON, &how, "");
    says(session, "kept = 4", HOSTSESSION_STATUS_SUCCESS, "");
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, "import time; print(1); time.sleep(1000)", &soon, &result),
                     HOSTSESSION_ERROR_TIMED_OUT);
    assert_memory_equal(hostsession_result_output(result), "1\n", 2);
    assert_true(hostsession_result_session_alive(result));
    hostsession_result_free(result);
    says(session, "kept", HOSTSESSION_STATUS_SUCCESS, "4\n");
    leave(session, 0);
    hostsession_close(session);
}

static void it_cannot_be_won_back(void **state) {
    (void)state;
    hostsession_console how = python();
    hostsession_run_options soon = HOSTSESSION_RUN_OPTIONS_INIT;
    soon.timeout_ms = 300;
    hostsession *session = open_shell(NULL);
    enter(session, PYTHON, &how, "");
    says(session, "import signal, time; _ = signal.signal(signal.SIGINT, signal.SIG_IGN)", HOSTSESSION_STATUS_SUCCESS,
         "");
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, "time.sleep(1000)", &soon, &result), HOSTSESSION_ERROR_TIMED_OUT);
    assert_true(hostsession_result_session_alive(result));
    assert_non_null(strstr(hostsession_result_failure(result)->message, "was ended"));
    hostsession_result_free(result);
    check_outer(session);
    hostsession_close(session);
}

static void loses(hostsession *session, const char *command, int exit_status, const char *output) {
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, command, NULL, &result), HOSTSESSION_ERROR_SHELL_EXITED);
    check_result(result, HOSTSESSION_STATUS_SHELL_EXITED, exit_status, output);
    assert_true(hostsession_result_session_alive(result));
    assert_non_null(strstr(hostsession_result_failure(result)->message, "the inner program"));
    hostsession_result_free(result);
    check_outer(session);
}

static void it_ends_by_itself(void **state) {
    (void)state;
    hostsession_console how = python();
    hostsession *session = open_shell(NULL);
    enter(session, PYTHON, &how, "");
    loses(session, "print('bye'); exit(7)", 7, "bye\n");
    enter(session, PYTHON, &how, "");
    /* What the shell says of it is its output, as of any command that is killed. */
    loses(session, "import os; os.kill(os.getpid(), 9)", 137, "Killed\n");
    hostsession_close(session);
}

static void it_will_not_go(void **state) {
    (void)state;
    hostsession_console how = python();
    how.leave = "'staying'\r";
    hostsession *session = open_shell(NULL);
    enter(session, PYTHON, &how, "");
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_leave(session, 1000, &result), HOSTSESSION_ERROR_TIMED_OUT);
    assert_true(hostsession_result_session_alive(result));
    hostsession_result_free(result);
    check_outer(session);
    hostsession_close(session);
}

static void typed_at_by_hand(void **state) {
    (void)state;
    hostsession_console how = python();
    hostsession *session = open_shell(NULL);
    enter(session, PYTHON, &how, "");
    const char *pattern = "\\[\\d+\\]\n>>> $";
    hostsession_match *match = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    assert_int_equal(hostsession_send(session, "[40 +\r2]\r", 9, false), HOSTSESSION_OK);
    if (hostsession_expect(session, &pattern, 1, NULL, &match, &why) != HOSTSESSION_OK)
        fail_msg("%s", why.message);
    hostsession_match_free(match);
    says(session, "5 + 5", HOSTSESSION_STATUS_SUCCESS, "10\n");
    leave(session, 0);
    hostsession_close(session);
}

static void closed_inside(void **state) {
    (void)state;
    hostsession_console how = python();
    hostsession *session = open_shell(NULL);
    enter(session, PYTHON, &how, "");
    hostsession_close(session);
}

/* Nothing is typed into the silence: it might answer a question. */
static void it_comes_late(void **state) {
    (void)state;
    hostsession_console how = python();
    hostsession *session = open_shell(NULL);
    enter(session, "sleep 2.5; " PYTHON, &how, "");
    says(session, "1 + 2", HOSTSESSION_STATUS_SUCCESS, "3\n");
    leave(session, 0);
    hostsession_close(session);
}

static const api_case cases[] = {CASE(in_python),
                                 CASE(in_sqlite),
                                 CASE(in_gdb),
                                 CASE(banners_and_questions_on_the_way),
                                 CASE(it_never_comes),
                                 CASE(it_comes_late),
                                 CASE(what_is_refused),
                                 CASE(queued_behind_it),
                                 CASE(two_deep),
                                 CASE(it_is_won_back),
                                 CASE(it_cannot_be_won_back),
                                 CASE(it_ends_by_itself),
                                 CASE(it_will_not_go),
                                 CASE(typed_at_by_hand),
                                 CASE(closed_inside)};
CASES_MAIN("programs inside of a shell", cases)
