/* SPDX-License-Identifier: MIT */
/* Shells inside of shells: entered, left, lost, and never taken for one another. */
#include "cases.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static hostsession *open_shell(const char *shell, hostsession_loop *loop) {
    /* The user's start-up files are none of ours. */
    static const char *const environment[] = {"HOME=/nonexistent", "ENV=", NULL};
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    options.environment = environment;
    options.shell = shell;
    options.loop = loop;
    options.connect_timeout_ms = 30000;
    hostsession *session = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (hostsession_open("local", &options, &session, &why) != HOSTSESSION_OK)
        fail_msg("%s", why.message);
    return session;
}

static hostsession_enter_options patient(void) {
    hostsession_enter_options options = HOSTSESSION_ENTER_OPTIONS_INIT;
    options.timeout_ms = 30000;
    return options;
}

static hostsession_result *enter_with(hostsession *session, const char *command, int64_t timeout_ms,
                                      hostsession_error error) {
    hostsession_enter_options options = patient();
    hostsession_result *result = NULL;
    options.timeout_ms = timeout_ms;
    hostsession_error got = hostsession_enter(session, command, &options, &result);
    if (got != error)
        fail_msg("%s: %s: %s", command, hostsession_error_name(got), hostsession_result_failure(result)->message);
    return result;
}

static void enter(hostsession *session, const char *command) {
    unsigned depth = hostsession_get_depth(session);
    hostsession_result *result = enter_with(session, command, 30000, HOSTSESSION_OK);
    assert_int_equal(hostsession_result_status(result), HOSTSESSION_STATUS_SUCCESS);
    assert_int_equal(hostsession_result_exit_status(result), -1);
    assert_true(hostsession_result_session_alive(result));
    /* Nothing of ours. */
    assert_null(strstr(hostsession_result_output(result), "_VERSION"));
    hostsession_result_free(result);
    assert_int_equal(hostsession_get_depth(session), depth + 1);
}

static void leave(hostsession *session, int exit_status) {
    unsigned depth = hostsession_get_depth(session);
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_leave(session, 30000, &result), HOSTSESSION_OK);
    assert_int_equal(hostsession_result_exit_status(result), exit_status);
    assert_int_equal(hostsession_result_status(result),
                     exit_status ? HOSTSESSION_STATUS_FAILED : HOSTSESSION_STATUS_SUCCESS);
    hostsession_result_free(result);
    assert_int_equal(hostsession_get_depth(session), depth - 1);
}

/* The command ends the inner shell. */
static void loses(hostsession *session, const char *command, int exit_status) {
    hostsession_result *result = NULL;
    unsigned depth = hostsession_get_depth(session);
    assert_int_equal(hostsession_run(session, command, NULL, &result), HOSTSESSION_ERROR_SHELL_EXITED);
    assert_int_equal(hostsession_result_status(result), HOSTSESSION_STATUS_SHELL_EXITED);
    assert_int_equal(hostsession_result_exit_status(result), exit_status);
    assert_true(hostsession_result_session_alive(result));
    assert_non_null(strstr(hostsession_result_failure(result)->message, "the inner shell"));
    hostsession_result_free(result);
    assert_int_equal(hostsession_get_depth(session), depth - 1);
}

static bool is_installed(const char *shell) {
    char look[64];
    snprintf(look, sizeof look, "command -v %s >/dev/null", shell);
    return system(look) == 0;
}

static void stop_and_go_on(hostsession *session, const char *command, const char *then, const char *output) {
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.timeout_ms = 300;
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, command, &options, &result), HOSTSESSION_ERROR_TIMED_OUT);
    assert_true(hostsession_result_session_alive(result));
    hostsession_result_free(result);
    check_run(session, then, output, 0);
}

/* ---- every shell in every other ---- */

static const char *const programs[][2] = {
    {"bash", "bash"}, {"dash", "dash"},   {"zsh", "zsh -f"},
    {"mksh", "mksh"}, {"ksh93", "ksh93"}, {"busybox", "busybox ash"},
};

static void visit_inner(hostsession *session, const char *program) {
    check_run(session, "cd /; x=outer; (exit 3)", "", 3);
    enter(session, program);
    check_run(session, "echo \"${x-none}\"; cd /usr; x=inner", "none\n", 0);
    assert_string_equal(hostsession_get_cwd(session), "/usr");
    check_run(session, "printf 'a\\n\\nb'; pwd; (exit 4)", "a\n\nb/usr\n", 4);
    stop_and_go_on(session, "sleep 1000", "echo $x; pwd", "inner\n/usr\n");
    /* ash leaves a builtin by a jump out of its signal handler, and hangs some time in a thousand. */
    if (strcmp(program, "busybox ash") != 0)
        stop_and_go_on(session, "while :; do :; done", "echo $x", "inner\n");
    check_run(session, "(exit 6)", "", 6);
    leave(session, 6);
    assert_string_equal(hostsession_get_cwd(session), "/");
    check_run(session, "echo \"$?\"; echo $x; pwd", "6\nouter\n/\n", 0);
    stop_and_go_on(session, "sleep 1000", "echo $x", "outer\n");
}

static void every_shell_in(const char *outer) {
    if (!is_installed(outer))
        skip();
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        /* All in bash; of the others each in itself, and dash. */
        bool wanted = strcmp(outer, "bash") == 0 || strcmp(outer, programs[i][0]) == 0 || i == 1;
        if (!wanted || !is_installed(programs[i][0]))
            continue;
        hostsession *session = open_shell(outer, NULL);
        visit_inner(session, programs[i][1]);
        hostsession_close(session);
    }
}

#define EVERY_SHELL_IN(NAME)                                                                                           \
    static void every_shell_in_##NAME(void **state) {                                                                  \
        (void)state;                                                                                                   \
        every_shell_in(#NAME);                                                                                         \
    }
EVERY_SHELL_IN(bash)
EVERY_SHELL_IN(dash)
EVERY_SHELL_IN(zsh)
EVERY_SHELL_IN(mksh)
EVERY_SHELL_IN(ksh93)

/* ---- ways in ---- */

static void three_deep(void **state) {
    (void)state;
    hostsession *session = open_shell(NULL, NULL);
    enter(session, "dash");
    check_run(session, "level=1", "", 0);
    enter(session, "cd /tmp; bash --norc");
    check_run(session, "level=2", "", 0);
    enter(session, "sh");
    check_run(session, "level=3; pwd", "/tmp\n", 0);
    stop_and_go_on(session, "sleep 1000", "echo $level", "3\n");
    leave(session, 0);
    check_run(session, "echo $level", "2\n", 0);
    leave(session, 0);
    check_run(session, "echo $level; (exit 9)", "1\n", 9);
    leave(session, 9);
    hostsession_close(session);
}

static void sixteen_deep(void **state) {
    (void)state;
    hostsession *session = open_shell("sh", NULL);
    for (int i = 0; i < HOSTSESSION_MOST_LEVELS; i++)
        enter(session, "sh");
    hostsession_result_free(enter_with(session, "sh", 30000, HOSTSESSION_ERROR_LIMIT));
    check_run(session, "echo here", "here\n", 0);
    assert_int_equal(hostsession_get_depth(session), HOSTSESSION_MOST_LEVELS);
    hostsession_close(session);
}

/* A prompt on the way, and a login that throws away what was typed ahead. */
static void answers_on_the_way(void **state) {
    (void)state;
    hostsession *session = open_shell(NULL, NULL);
    hostsession_expectation asked = {"Losungswort> $", "open-up\r",
                                     HOSTSESSION_EXPECT_SECRET | HOSTSESSION_EXPECT_ECHO_OFF, 1};
    hostsession_enter_options options = patient();
    options.expectations = &asked;
    options.expectation_count = 1;
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_enter(session,
                                       "sh -c 'stty -echo; printf \"Losungswort> \"; read -r word; stty echo; "
                                       "echo; test \"$word\" = open-up && exec env ENV= PS1=\"in> \" sh -i'",
                                       &options, &result),
                     HOSTSESSION_OK);
    assert_int_equal(hostsession_result_status(result), HOSTSESSION_STATUS_SUCCESS);
    assert_string_equal(hostsession_result_output(result), "Losungswort> \nin> ");
    hostsession_result_free(result);
    check_run(session, "echo inside", "inside\n", 0);
    leave(session, 0);
    hostsession_close(session);
}

static void it_is_no_shell(void **state) {
    (void)state;
    hostsession *session = open_shell(NULL, NULL);
    check_run(session, "x=5", "", 0);
    hostsession_result *result = enter_with(session, "echo no; (exit 3)", 30000, HOSTSESSION_OK);
    check_result(result, HOSTSESSION_STATUS_FAILED, 3, "no\n");
    hostsession_result_free(result);
    result = enter_with(session, "echo no", 30000, HOSTSESSION_ERROR_NOT_READY);
    check_result(result, HOSTSESSION_STATUS_ERROR, 0, "no\n");
    hostsession_result_free(result);
    /* It says what a shell would, and reads what is typed ahead for the next. */
    result = enter_with(session, "printf '$ '; read -r line; (exit 4)", 30000, HOSTSESSION_OK);
    check_result(result, HOSTSESSION_STATUS_FAILED, 4, "$ ");
    hostsession_result_free(result);
    result = enter_with(session, "printf '$ '; sleep 0.2; (exit 4)", 30000, HOSTSESSION_OK);
    check_result(result, HOSTSESSION_STATUS_FAILED, 4, "$ ");
    hostsession_result_free(result);
    check_run(session, "echo $x", "5\n", 0);
    assert_int_equal(hostsession_get_depth(session), 0);
    hostsession_close(session);
}

/* There would be no shell to come back to, and what is meant for that one would reach another. */
static void it_takes_the_shells_place(void **state) {
    (void)state;
    hostsession *session = open_shell("bash", NULL);
    hostsession_result *result = enter_with(session, "exec dash -i", 30000, HOSTSESSION_ERROR_NOT_READY);
    assert_int_equal(hostsession_result_status(result), HOSTSESSION_STATUS_ERROR);
    assert_false(hostsession_result_session_alive(result));
    assert_non_null(strstr(hostsession_result_failure(result)->message, "without exec"));
    hostsession_result_free(result);
    assert_int_equal(hostsession_get_state(session), HOSTSESSION_ENDED);
    hostsession_close(session);
}

static void it_never_answers(void **state) {
    (void)state;
    static const char *const commands[] = {"sleep 1000", "cat", "printf '$ '; cat >/dev/null", "printf 'What? '; cat"};
    hostsession *session = open_shell(NULL, NULL);
    check_run(session, "x=5", "", 0);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        hostsession_result *result = enter_with(session, commands[i], 600, HOSTSESSION_ERROR_TIMED_OUT);
        assert_int_equal(hostsession_result_status(result), HOSTSESSION_STATUS_TIMED_OUT);
        assert_true(hostsession_result_session_alive(result));
        hostsession_result_free(result);
        assert_int_equal(hostsession_get_depth(session), 0);
        check_run(session, "echo $x", "5\n", 0);
    }
    hostsession_close(session);
}

static void cancelled_on_the_way(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    hostsession *session = open_shell(NULL, loop);
    outcome o = {0};
    hostsession_operation *operation = NULL;
    assert_int_equal(hostsession_enter_start(session, "sleep 1000", NULL, ran, &o, &operation, NULL), HOSTSESSION_OK);
    drive_until_state(loop, session, HOSTSESSION_RUNNING);
    hostsession_cancel(operation);
    drive_until(loop, &o.calls, 1);
    assert_int_equal(o.error, HOSTSESSION_ERROR_CANCELED);
    outcome_free(&o);
    check_run(session, "echo on", "on\n", 0);
    hostsession_close(session);
    hostsession_loop_free(loop);
}

/* ---- ways out ---- */

static void it_ends_by_itself(void **state) {
    (void)state;
    hostsession *session = open_shell(NULL, NULL);
    check_run(session, "x=outer", "", 0);
    enter(session, "bash");
    loses(session, "exit 7", 7);
    check_run(session, "echo $? $x", "7 outer\n", 0);
    enter(session, "dash");
    loses(session, "exec true", 0);
    enter(session, "bash");
    loses(session, "set -e; false; echo no", 1);
    enter(session, "bash");
    loses(session, "kill -9 $$", 137);
    check_run(session, "echo $x", "outer\n", 0);
    /* The middle one of three takes the inner one with it. */
    enter(session, "bash");
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, "echo $$", NULL, &result), HOSTSESSION_OK);
    int middle = atoi(hostsession_result_output(result));
    hostsession_result_free(result);
    enter(session, "dash");
    assert_int_equal(hostsession_run(session, "echo $$", NULL, &result), HOSTSESSION_OK);
    pid_t inner = atoi(hostsession_result_output(result));
    hostsession_result_free(result);
    char command[64];
    snprintf(command, sizeof command, "kill -9 %d; exec sleep 1000", middle);
    assert_int_equal(hostsession_run(session, command, NULL, &result), HOSTSESSION_ERROR_SHELL_EXITED);
    assert_true(hostsession_result_session_alive(result));
    hostsession_result_free(result);
    /* Nobody's child and in no foreground: it would live on, as on any terminal. */
    assert_int_equal(kill(inner, SIGKILL), 0);
    assert_int_equal(hostsession_get_depth(session), 0);
    check_run(session, "echo $x", "outer\n", 0);
    hostsession_close(session);
}

/* Nothing runs, so nobody is told: the next is, and is not sent. */
static void killed_while_idle(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    hostsession *session = open_shell(NULL, loop);
    enter(session, "bash");
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, "echo $$", NULL, &result), HOSTSESSION_OK);
    pid_t inner = atoi(hostsession_result_output(result));
    hostsession_result_free(result);
    assert_int_equal(kill(inner, SIGKILL), 0);
    long long since = clock_ms();
    while (hostsession_get_depth(session) && clock_ms() - since < 20000)
        hostsession_loop_run_once(loop, 1000);
    assert_int_equal(hostsession_get_depth(session), 0);
    assert_int_equal(hostsession_run(session, "echo wrong place", NULL, &result), HOSTSESSION_ERROR_SHELL_EXITED);
    check_result(result, HOSTSESSION_STATUS_SKIPPED, -1, "");
    assert_true(hostsession_result_session_alive(result));
    hostsession_result_free(result);
    check_run(session, "echo outer", "outer\n", 0);
    hostsession_close(session);
    hostsession_loop_free(loop);
}

/* The one in the middle dies; the innermost lives on, with the terminal open.  Where it has taken the foreground before
 * it was killed, the outer shell reads an error and exits, or does not answer in time, and the session ends: nothing
 * runs in the wrong shell. */
static void left_behind_alive(void **state) {
    (void)state;
    hostsession *session = open_shell(NULL, NULL);
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, "echo $$", NULL, &result), HOSTSESSION_OK);
    char *outer = strdup(hostsession_result_output(result));
    hostsession_result_free(result);
    enter(session, "bash");
    enter(session, "bash");
    hostsession_error error = hostsession_run(session, "kill -9 $PPID; sleep 1000; echo not seen", NULL, &result);
    bool alive = hostsession_result_session_alive(result);
    if (alive || error != HOSTSESSION_ERROR_NOT_READY)
        assert_int_equal(error, HOSTSESSION_ERROR_SHELL_EXITED);
    assert_null(strstr(hostsession_result_output(result), "not seen"));
    hostsession_result_free(result);
    assert_int_equal(hostsession_get_depth(session), 0);
    for (int i = 0; i < 3 && alive; i++)
        check_run(session, "sleep 0.3; echo $$", outer, 0);
    free(outer);
    hostsession_close(session);
}

/* What is queued for an inner shell never runs in the outer one. */
static void what_waits_is_not_sent(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    hostsession *session = open_shell(NULL, loop);
    outcome o[4] = {{0}};
    assert_int_equal(hostsession_enter_start(session, "false", NULL, ran, &o[0], NULL, NULL), HOSTSESSION_OK);
    start_run(session, "echo wrong", &o[1]);
    assert_int_equal(hostsession_leave_start(session, 0, ran, &o[2], NULL, NULL), HOSTSESSION_OK);
    drive_until(loop, &o[2].calls, 1);
    check_result(o[0].result, HOSTSESSION_STATUS_FAILED, 1, "");
    assert_int_equal(o[1].error, HOSTSESSION_ERROR_SHELL_EXITED);
    assert_int_equal(hostsession_result_status(o[1].result), HOSTSESSION_STATUS_SKIPPED);
    assert_int_equal(o[2].error, HOSTSESSION_ERROR_SHELL_EXITED);
    for (int i = 0; i < 3; i++)
        outcome_free(&o[i]);
    memset(o, 0, sizeof o);

    assert_int_equal(hostsession_enter_start(session, "bash", NULL, ran, &o[0], NULL, NULL), HOSTSESSION_OK);
    start_run(session, "exit 3", &o[1]);
    start_run(session, "echo wrong", &o[2]);
    drive_until(loop, &o[2].calls, 1);
    assert_int_equal(hostsession_result_status(o[0].result), HOSTSESSION_STATUS_SUCCESS);
    assert_int_equal(hostsession_result_status(o[1].result), HOSTSESSION_STATUS_SHELL_EXITED);
    assert_int_equal(hostsession_result_status(o[2].result), HOSTSESSION_STATUS_SKIPPED);
    check_run(session, "echo outer", "outer\n", 0);
    for (int i = 0; i < 3; i++)
        outcome_free(&o[i]);
    hostsession_close(session);
    hostsession_loop_free(loop);
}

/* What was sent raw, and nobody looks at, ends it. */
static void ended_by_raw_text(void **state) {
    (void)state;
    hostsession *session = open_shell(NULL, NULL);
    enter(session, "bash");
    const char *pattern = "exit";
    hostsession_match *match = NULL;
    assert_int_equal(hostsession_send(session, "exit 3\n", 7, false), HOSTSESSION_OK);
    hostsession_error error = hostsession_expect(session, &pattern, 1, NULL, &match, NULL);
    /* Either the word, or the end, comes first. */
    assert_true(error == HOSTSESSION_OK || error == HOSTSESSION_ERROR_SHELL_EXITED);
    hostsession_match_free(match);
    hostsession_result *result = NULL;
    if (!error) {
        error = hostsession_run(session, "echo wrong", NULL, &result);
        assert_int_equal(error, HOSTSESSION_ERROR_SHELL_EXITED);
        assert_null(strstr(hostsession_result_output(result), "wrong"));
        hostsession_result_free(result);
    }
    check_run(session, "echo outer", "outer\n", 0);
    hostsession_close(session);
}

static void stopped_jobs(void **state) {
    (void)state;
    hostsession *session = open_shell(NULL, NULL);
    enter(session, "bash");
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, "sleep 1000 & kill -STOP $!; until jobs -s | grep -q .; do :; done", NULL,
                                     &result),
                     HOSTSESSION_OK);
    hostsession_result_free(result);
    leave(session, 0);
    check_run(session, "echo outer", "outer\n", 0);
    hostsession_close(session);
}

/* It ignores what it is told. */
static void it_does_not_leave(void **state) {
    (void)state;
    hostsession *session = open_shell(NULL, NULL);
    check_run(session, "x=5", "", 0);
    enter(session, "bash");
    check_run(session, "trap 'sleep 1000' EXIT", "", 0);
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_leave(session, 300, &result), HOSTSESSION_ERROR_TIMED_OUT);
    assert_true(hostsession_result_session_alive(result));
    hostsession_result_free(result);
    assert_int_equal(hostsession_get_depth(session), 0);
    check_run(session, "echo $x", "5\n", 0);
    hostsession_close(session);
}

static void nothing_to_leave(void **state) {
    (void)state;
    hostsession *session = open_shell(NULL, NULL);
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_leave(session, 0, &result), HOSTSESSION_ERROR_INVALID);
    hostsession_result_free(result);
    check_run(session, "echo on", "on\n", 0);
    hostsession_close(session);
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    options.mode = HOSTSESSION_MODE_PIPE;
    assert_int_equal(hostsession_open("local", &options, &session, NULL), HOSTSESSION_OK);
    hostsession_result_free(enter_with(session, "bash", 1000, HOSTSESSION_ERROR_INVALID));
    hostsession_close(session);
}

/* ---- close, wherever it stands ---- */

typedef enum moment { ENTERING, IDLE_INSIDE, RUNNING_INSIDE, RECOVERING_INSIDE, LEAVING, MOMENTS } moment;

static void close_at(moment when) {
    hostsession_loop *loop = new_loop();
    hostsession *session = open_shell(NULL, loop);
    outcome o = {0};
    hostsession_operation *operation = NULL;
    if (when == ENTERING) {
        hostsession_enter_start(session, "sleep 1000", NULL, ran, &o, NULL, NULL);
        hostsession_loop_run_once(loop, 100);
    } else {
        enter(session, "bash");
    }
    if (when == RUNNING_INSIDE || when == RECOVERING_INSIDE) {
        operation = start_run(session, "trap '' INT; echo begun; sleep 1000", &o);
        drive_until_state(loop, session, HOSTSESSION_RUNNING);
    }
    if (when == RECOVERING_INSIDE) {
        hostsession_cancel(operation);
        drive_until_state(loop, session, HOSTSESSION_RECOVERING);
    }
    if (when == LEAVING)
        hostsession_leave_start(session, 0, ran, &o, NULL, NULL);
    hostsession_close(session);
    assert_int_equal(o.calls, when != IDLE_INSIDE);
    if (o.calls)
        assert_int_equal(o.error, HOSTSESSION_ERROR_CANCELED);
    outcome_free(&o);
    hostsession_loop_free(loop);
}

static void close_in_every_state(void **state) {
    (void)state;
    for (moment when = 0; when < MOMENTS; when++)
        close_at(when);
}

/* Many at once on one loop. */
static void many_at_once(void **state) {
    (void)state;
    enum { count = 12 };
    hostsession_loop *loop = new_loop();
    hostsession *sessions[count];
    outcome entered[count] = {{0}}, ran_inside[count] = {{0}}, left[count] = {{0}};
    hostsession_enter_options options = patient();
    for (int i = 0; i < count; i++) {
        sessions[i] = open_shell("sh", loop);
        assert_int_equal(hostsession_enter_start(sessions[i], "sh", &options, ran, &entered[i], NULL, NULL),
                         HOSTSESSION_OK);
        start_run(sessions[i], "echo inside", &ran_inside[i]);
        assert_int_equal(hostsession_leave_start(sessions[i], 30000, ran, &left[i], NULL, NULL), HOSTSESSION_OK);
    }
    for (int i = 0; i < count; i++) {
        drive_until(loop, &left[i].calls, 1);
        assert_int_equal(entered[i].error, HOSTSESSION_OK);
        check_result(ran_inside[i].result, HOSTSESSION_STATUS_SUCCESS, 0, "inside\n");
        assert_int_equal(left[i].error, HOSTSESSION_OK);
        outcome_free(&entered[i]);
        outcome_free(&ran_inside[i]);
        outcome_free(&left[i]);
        hostsession_close(sessions[i]);
    }
    hostsession_loop_free(loop);
}

static const api_case cases[] = {CASE(every_shell_in_bash),  CASE(every_shell_in_dash),
                                 CASE(every_shell_in_zsh),   CASE(every_shell_in_mksh),
                                 CASE(every_shell_in_ksh93), CASE(three_deep),
                                 CASE(sixteen_deep),         CASE(answers_on_the_way),
                                 CASE(it_is_no_shell),       CASE(it_takes_the_shells_place),
                                 CASE(it_never_answers),     CASE(cancelled_on_the_way),
                                 CASE(it_ends_by_itself),    CASE(killed_while_idle),
                                 CASE(left_behind_alive),    CASE(what_waits_is_not_sent),
                                 CASE(ended_by_raw_text),    CASE(stopped_jobs),
                                 CASE(it_does_not_leave),    CASE(nothing_to_leave),
                                 CASE(close_in_every_state), CASE(many_at_once)};
CASES_MAIN("enter", cases)
