/* SPDX-License-Identifier: MIT */
/* ssh(1) inside a session: a shell on another host is entered and left, and lost with its connection. */
#include "visit.h"

#include <stdio.h>
#include <string.h>

static hostsession *open_local_bash(void) {
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    options.connect_timeout_ms = patience_ms;
    hostsession *session = NULL;
    assert_int_equal(hostsession_open("local", &options, &session, NULL), HOSTSESSION_OK);
    return session;
}

static const char *ssh_to(const char *user, const char *options) {
    return keep("%s ssh -F %s %s -tt test-%s", ssh_server_client_env(visit_server), ssh_server_config(visit_server),
                options, user);
}

static void enters(hostsession *session, const char *command, const char *password) {
    hostsession_expectation asked = {"assword: $", keep("%s\r", password), HOSTSESSION_EXPECT_SECRET, 1};
    hostsession_enter_options options = HOSTSESSION_ENTER_OPTIONS_INIT;
    options.expectations = &asked;
    options.expectation_count = 1;
    options.timeout_ms = patience_ms;
    hostsession_result *result = NULL;
    if (hostsession_enter(session, command, &options, &result) != HOSTSESSION_OK ||
        hostsession_result_status(result) != HOSTSESSION_STATUS_SUCCESS)
        fail_msg("%s; it said \"%s\"", hostsession_result_failure(result)->message, hostsession_result_output(result));
    hostsession_result_free(result);
}

static void stops(hostsession *session, const char *command) {
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.timeout_ms = 300;
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, command, &options, &result), HOSTSESSION_ERROR_TIMED_OUT);
    if (!hostsession_result_session_alive(result))
        fail_msg("%s", hostsession_result_failure(result)->message);
    hostsession_result_free(result);
    check_run(session, "echo $x", "kept\n", 0);
}

static const char password_only[] = "-o PreferredAuthentications=password -o PubkeyAuthentication=no";

static void in_and_out(void **state) {
    (void)state;
    static const char *const users[] = {"bash", "dash", "zsh", "mksh"};
    hostsession *session = open_local_bash();
    check_run(session, "x=outer; cd /", "", 0);
    for (size_t i = 0; i < sizeof users / sizeof users[0]; i++) {
        if (!ssh_server_shell(visit_server, users[i]))
            continue;
        enters(session, ssh_to(users[i], password_only), keep("secret-%s", users[i]));
        check_run(session, "x=kept; echo \"$SSH_CONNECTION\" | wc -w", "4\n", 0);
        check_run(session, "printf 'a\\r\\n\\nb'; (exit 4)", "a\r\n\nb", 4);
        stops(session, "sleep 1000");
        stops(session, "while :; do :; done");
        stops(session, "(trap '' INT; sleep 1000)");
        hostsession_result *result = NULL;
        check_run(session, "(exit 5)", "", 5);
        assert_int_equal(hostsession_leave(session, patience_ms, &result), HOSTSESSION_OK);
        assert_int_equal(hostsession_result_exit_status(result), 5);
        hostsession_result_free(result);
        check_run(session, "echo $x; pwd; printf 'a\\nb'", "outer\n/\na\nb", 0);
    }
    hostsession_close(session);
}

/* A password prompt of su inside a shell inside of ssh inside of the session is one more level like any other. */
static void three_deep(void **state) {
    (void)state;
    hostsession *session = open_local_bash();
    enters(session, "dash", "");
    enters(session, ssh_to("bash", password_only), "secret-bash");
    enters(session,
           "sh -c 'stty -echo; printf \"Password: \"; read -r word; stty echo; echo; test \"$word\" = s3cret && "
           "exec env ENV= sh -i'",
           "s3cret");
    check_run(session, "x=kept; echo $SSH_CONNECTION | wc -w", "4\n", 0);
    stops(session, "sleep 1000");
    for (int i = 0; i < 3; i++) {
        hostsession_result *result = NULL;
        assert_int_equal(hostsession_leave(session, patience_ms, &result), HOSTSESSION_OK);
        hostsession_result_free(result);
    }
    check_run(session, "echo \"${SSH_CONNECTION-here}\"", "here\n", 0);
    hostsession_close(session);
}

static void connection_lost(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    options.connect_timeout_ms = patience_ms;
    options.loop = loop;
    hostsession *session = NULL;
    assert_int_equal(hostsession_open("local", &options, &session, NULL), HOSTSESSION_OK);
    enters(session, ssh_to("bash", ""), "");
    waiting w;
    start_waiting(session, &w);
    assert_true(ssh_server_kill_connections(visit_server) > 0);
    drive(loop, &w.end.calls, 1);
    assert_int_equal(w.end.error, HOSTSESSION_ERROR_SHELL_EXITED);
    assert_int_equal(hostsession_result_exit_status(w.end.result), 255);
    assert_true(hostsession_result_session_alive(w.end.result));
    outcome_free(&w.end);
    assert_int_equal(hostsession_get_depth(session), 0);
    check_run(session, "echo \"${SSH_CONNECTION-here}\"", "here\n", 0);
    hostsession_close(session);
    hostsession_loop_free(loop);
}

/* Over the library's own SSH. */
static void inside_of_ssh(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    visit v;
    visit_init(&v, loop, ssh_server_config(visit_server));
    hostsession *session = visit_open(&v, "test-bash");
    check_run(session, "x=outer", "", 0);
    enters(session, "dash", "");
    check_run(session, "x=kept", "", 0);
    stops(session, "sleep 1000");
    stops(session, "while :; do :; done");
    stops(session, "(trap '' INT; sleep 1000)");
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_leave(session, patience_ms, &result), HOSTSESSION_OK);
    hostsession_result_free(result);
    check_run(session, "echo $x", "outer\n", 0);
    hostsession_close(session);
    hostsession_loop_free(loop);
    visit_free(&v);
}

/* A login shell of another kind: over the library's own SSH, and over ssh(1). */
static void foreign_login_shells(void **state) {
    (void)state;
    static const char *const users[] = {"fish", "tcsh"};
    for (size_t i = 0; i < sizeof users / sizeof users[0]; i++) {
        if (!ssh_server_shell(visit_server, users[i]))
            continue;
        hostsession_loop *loop = new_loop();
        visit v;
        visit_init(&v, loop, ssh_server_config(visit_server));
        hostsession *session = visit_open(&v, keep("test-%s", users[i]));
        check_run(session, "x=5; f() { echo \"f $1\"; }", "", 0);
        check_run(session, "f $x; (exit 3)", "f 5\n", 3);
        hostsession_close(session);
        session = visit_open(&v, keep("exec:%s", ssh_to(users[i], "")));
        check_run(session, "x=5; f() { echo \"f $1\"; }", "", 0);
        check_run(session, "f $x; (exit 3)", "f 5\n", 3);
        hostsession_close(session);
        hostsession_loop_free(loop);
        visit_free(&v);
        session = open_local_bash();
        enters(session, ssh_to(users[i], ""), "");
        check_run(session, "x=kept; f() { echo \"f $1\"; }", "", 0);
        check_run(session, "f $x; (exit 3)", "f kept\n", 3);
        stops(session, "sleep 1000");
        hostsession_close(session);
    }
}

static const api_case cases[] = {CASE(in_and_out), CASE(three_deep), CASE(connection_lost), CASE(inside_of_ssh),
                                 CASE(foreign_login_shells)};
VISIT_MAIN("ssh enter", NULL, cases)
