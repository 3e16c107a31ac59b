/* SPDX-License-Identifier: MIT */
/* Shells of this machine through the public interface: after each way to end, no process, zombie or descriptor is left
 * (cases.c looks). */
#include "cases.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void check_no_child(void) {
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void state_is_kept(void **state) {
    (void)state;
    hostsession *session = open_local(NULL);
    check_run(session, "cd /; x=5", "", 0);
    check_run(session, "pwd; echo $x; (exit 4)", "/\n5\n", 4);
    assert_string_equal(hostsession_get_cwd(session), "/");
    hostsession_close(session);
    check_no_child();
}

/* As in a container: nothing in the environment says who it is. */
static void a_user_that_no_variable_names(void **state) {
    (void)state;
    static const char *const targets[] = {"exec:env -i PATH=/usr/bin:/bin sh -i",
                                          "exec:env -i PATH=/usr/bin:/bin bash --norc"};
    const struct passwd *user = getpwuid(geteuid());
    assert_non_null(user);
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        for (int mode = HOSTSESSION_MODE_TTY; mode <= HOSTSESSION_MODE_PIPE; mode++) {
            hostsession *session = NULL;
            hostsession_options options = HOSTSESSION_OPTIONS_INIT;
            options.connect_timeout_ms = 30000;
            options.mode = (hostsession_mode)mode;
            assert_int_equal(hostsession_open(targets[i], &options, &session, NULL), HOSTSESSION_OK);
            assert_string_equal(hostsession_get_user(session), user->pw_name);
            check_run(session, "echo here", "here\n", 0);
            hostsession_close(session);
        }
    }
    check_no_child();
}

static void count_bytes(void *userdata, hostsession_stream stream, const char *bytes, size_t length) {
    (void)stream, (void)bytes;
    *(size_t *)userdata += length;
}

/* bash tells of it at its prompt: between commands, or among the next one's output. */
static void new_mail_is_not_told_of(void **state) {
    (void)state;
    char folder[] = "/tmp/hostsession-mail-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char mail[64];
    snprintf(mail, sizeof mail, "MAIL=%s/mail", folder);
    const char *environment[] = {mail, "MAILCHECK=0", NULL};
    hostsession *session = NULL;
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    options.shell = "bash";
    options.environment = environment;
    size_t told = 0;
    options.on_unsolicited = count_bytes;
    options.userdata = &told;
    assert_int_equal(hostsession_open("local", &options, &session, NULL), HOSTSESSION_OK);
    check_run(session, "echo x >$MAIL", "", 0);
    for (int i = 0; i < 3; i++) {
        check_run(session, "echo y >>$MAIL; touch -d \"$((i+=60)) seconds\" $MAIL", "", 0);
        check_run(session, "echo one", "one\n", 0);
    }
    check_run(session, "rm -r ${MAIL%/*}", "", 0);
    assert_int_equal(told, 0);
    hostsession_close(session);
}

/* script gives the shell a terminal of its own, as ssh -tt and docker exec -it do: signals are not for script. */
static void a_program_between_us_and_the_shell(void **state) {
    (void)state;
    hostsession *session = NULL;
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    options.connect_timeout_ms = 30000;
    assert_int_equal(hostsession_open("exec:script -qc 'exec bash --norc' /dev/null", &options, &session, NULL),
                     HOSTSESSION_OK);
    check_run(session, "cd /; x=5", "", 0);
    static const char *const commands[] = {"sleep 1000", "sh -c 'trap \"\" INT; sleep 1000'", "while :; do :; done"};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        hostsession_run_options how = HOSTSESSION_RUN_OPTIONS_INIT;
        hostsession_result *result = NULL;
        how.timeout_ms = 200;
        assert_int_equal(hostsession_run(session, commands[i], &how, &result), HOSTSESSION_ERROR_TIMED_OUT);
        assert_true(hostsession_result_session_alive(result));
        hostsession_result_free(result);
        check_run(session, "pwd; echo $x", "/\n5\n", 0);
    }
    hostsession_close(session);
    check_no_child();
}

static void close_on_a_shared_loop_leaves_no_child(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    hostsession *session = open_local(loop);
    check_run(session, "echo hello", "hello\n", 0);
    hostsession_close(session);
    /* "It never blocks, and the loop does the rest": when the loop is freed at the latest. */

    hostsession_loop_free(loop);
    check_no_child();
}

typedef enum way { AT_ONCE, RUNNING, AFTER_EXIT, BY_LOOP, WAYS } way;

static void close_in_every_state(void **state) {
    (void)state;
    for (int mode = HOSTSESSION_MODE_TTY; mode <= HOSTSESSION_MODE_PIPE; mode++)
        for (way how = AT_ONCE; how < WAYS; how++) {
            hostsession_loop *loop = new_loop();
            hostsession_options options = HOSTSESSION_OPTIONS_INIT;
            options.loop = loop;
            options.shell = "sh";
            options.mode = (hostsession_mode)mode;
            options.connect_timeout_ms = 30000;
            outcome open = {0}, run = {0};
            hostsession *session = NULL;
            assert_int_equal(hostsession_open_start("local", &options, opened, &open, &session, NULL), HOSTSESSION_OK);
            start_run(session, how == AFTER_EXIT ? "exit 3" : "echo begun; sleep 1000", &run);
            if (how != AT_ONCE)
                drive_until(loop, &open.calls, 1);
            if (how == AFTER_EXIT)
                drive_until(loop, &run.calls, 1);
            if (how == RUNNING || how == BY_LOOP)
                drive_until_state(loop, session, HOSTSESSION_RUNNING);
            if (how != BY_LOOP)
                hostsession_close(session);
            hostsession_loop_free(loop);
            assert_int_equal(open.calls, 1);
            assert_int_equal(run.calls, 1);
            assert_int_equal(run.error,
                             how == AFTER_EXIT ? HOSTSESSION_ERROR_SHELL_EXITED : HOSTSESSION_ERROR_CANCELED);
            outcome_free(&run);
            check_no_child();
        }
}

static void failed_opens_leave_nothing(void **state) {
    (void)state;
    static const struct {
        const char *target;
        const char *shell;
        hostsession_error error;
        int64_t timeout_ms;
    } rows[] = {
        {"local", "/nonexistent/shell", HOSTSESSION_ERROR_CONNECT, 30000},
        {"local", "no-shell-of-that-name", HOSTSESSION_ERROR_CONNECT, 30000},
        {"local", "/", HOSTSESSION_ERROR_CONNECT, 30000},
        {"exec:false", NULL, HOSTSESSION_ERROR_CONNECT, 30000},
        {"exec:sh -c 'echo bye; exit 3'", NULL, HOSTSESSION_ERROR_CONNECT, 30000},
        {"exec:sleep 1000", NULL, HOSTSESSION_ERROR_NOT_READY, 50},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int own = 0; own < 2; own++) {
            hostsession_loop *loop = own ? NULL : new_loop();
            hostsession_options options = HOSTSESSION_OPTIONS_INIT;
            options.loop = loop;
            options.shell = rows[i].shell;
            options.connect_timeout_ms = rows[i].timeout_ms;
            hostsession *session = (hostsession *)(uintptr_t)1;
            hostsession_failure why = HOSTSESSION_FAILURE_INIT;
            if (hostsession_open(rows[i].target, &options, &session, &why) != rows[i].error)
                fail_msg("%s: %s: %s", rows[i].target, hostsession_error_name(why.error), why.message);
            assert_null(session);
            assert_int_equal(why.error, rows[i].error);
            hostsession_loop_free(loop);
            check_no_child();
        }
}

static void close_in_done(hostsession *session, hostsession_error error, hostsession_result *result, void *userdata) {
    ran(session, error, result, userdata);
    hostsession_close(session);
}

static void fifty_sessions_close_themselves(void **state) {
    (void)state;
    enum { count = 50 };
    hostsession_loop *loop = new_loop();
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    options.loop = loop;
    options.shell = "sh";
    options.connect_timeout_ms = 50000;
    outcome open[count] = {{0}}, run[count] = {{0}};
    for (int i = 0; i < count; i++) {
        hostsession *session = NULL;
        char command[60];
        snprintf(command, sizeof command, "x=%d; echo $x; (exit $x)", i);
        assert_int_equal(hostsession_open_start("local", &options, opened, &open[i], &session, NULL), HOSTSESSION_OK);
        assert_int_equal(hostsession_run_start(session, command, NULL, close_in_done, &run[i], NULL, NULL),
                         HOSTSESSION_OK);
    }
    for (int i = 0; i < count; i++)
        drive_until(loop, &run[i].calls, 1);
    hostsession_loop_free(loop);
    for (int i = 0; i < count; i++) {
        char output[20];
        snprintf(output, sizeof output, "%d\n", i);
        check_result(run[i].result, i ? HOSTSESSION_STATUS_FAILED : HOSTSESSION_STATUS_SUCCESS, i, output);
        outcome_free(&run[i]);
    }
    check_no_child();
}

static void send_and_expect_to_a_program(void **state) {
    (void)state;
    hostsession *session = open_local(NULL);
    assert_int_equal(hostsession_send(session, "printf 'na'; printf 'me: '; read n; echo \"hello $n.\"\n", 53, false),
                     HOSTSESSION_OK);
    const char *patterns[] = {"name: ", "hello (.*)\\.\r?\n"};
    hostsession_match *match = NULL;
    assert_int_equal(hostsession_expect(session, patterns, 2, NULL, &match, NULL), HOSTSESSION_OK);
    assert_int_equal(hostsession_match_index(match), 0);
    hostsession_match_free(match);
    assert_int_equal(hostsession_send(session, "Ann\n", 4, false), HOSTSESSION_OK);
    assert_int_equal(hostsession_expect(session, patterns, 2, NULL, &match, NULL), HOSTSESSION_OK);
    assert_int_equal(hostsession_match_index(match), 1);
    size_t length = 0;
    const char *name = hostsession_match_group(match, 1, &length);
    assert_int_equal(length, 3);
    assert_memory_equal(name, "Ann", 3);
    hostsession_match_free(match);
    check_run(session, "echo $n", "Ann\n", 0);
    hostsession_close(session);
}

static void the_callers_signals_are_left_alone(void **state) {
    (void)state;
    /* A child that the caller started itself is the caller's to reap. */
    pid_t own = fork();
    assert_true(own >= 0);
    if (own == 0)
        _exit(9);
    hostsession *session = open_local(NULL);
    check_run(session, "echo hello", "hello\n", 0);
    hostsession_close(session);
    int status = 0;
    assert_int_equal(waitpid(own, &status, 0), own);
    assert_int_equal(WEXITSTATUS(status), 9);
}

static const api_case cases[] = {
    CASE(state_is_kept),
    CASE(a_user_that_no_variable_names),
    CASE(new_mail_is_not_told_of),
    CASE(a_program_between_us_and_the_shell),
    CASE(close_on_a_shared_loop_leaves_no_child),
    CASE(close_in_every_state),
    CASE(failed_opens_leave_nothing),
    CASE(fifty_sessions_close_themselves),
    CASE(send_and_expect_to_a_program),
    CASE(the_callers_signals_are_left_alone),
};

CASES_MAIN("local", cases)
