/* SPDX-License-Identifier: MIT */
/* su and sudo: another user's shell inside of one's own.  With users that the test makes, so only for root. */
#include "cases.h"

#include "support/users.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static test_user deploy, admin;

static void need_users(void) {
    if (!deploy.name[0] || !admin.name[0])
        skip();
}

typedef struct heard {
    text transcript;
} heard;

static void on_transcript(void *userdata, hostsession_direction direction, const char *data, size_t length) {
    (void)direction;
    text_append(&((heard *)userdata)->transcript, data, length);
}

static hostsession *open_bash(heard *h) {
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    options.connect_timeout_ms = 30000;
    options.on_transcript = on_transcript;
    options.userdata = h;
    hostsession *session = NULL;
    assert_int_equal(hostsession_open("local", &options, &session, NULL), HOSTSESSION_OK);
    return session;
}

static hostsession_error enter(hostsession *session, const char *command, const char *password,
                               hostsession_result **ret) {
    char response[64];
    snprintf(response, sizeof response, "%s\r", password ? password : "");
    hostsession_expectation asked = {"(?i)password[^:]*: $", response,
                                     HOSTSESSION_EXPECT_SECRET | HOSTSESSION_EXPECT_ECHO_OFF, 1};
    hostsession_enter_options options = HOSTSESSION_ENTER_OPTIONS_INIT;
    options.timeout_ms = 30000;
    options.expectations = &asked;
    options.expectation_count = password ? 1 : 0;
    return hostsession_enter(session, command, &options, ret);
}

static void enters(hostsession *session, const char *user, const char *command, const char *password) {
    hostsession_result *result = NULL;
    hostsession_error error = enter(session, command, password, &result);
    if (error || hostsession_result_status(result) != HOSTSESSION_STATUS_SUCCESS)
        fail_msg("%s: %s; it said \"%s\"", command, hostsession_result_failure(result)->message,
                 hostsession_result_output(result));
    hostsession_result_free(result);
    char output[64];
    snprintf(output, sizeof output, "%s\n", user);
    check_run(session, "id -un", output, 0);
    assert_string_equal(hostsession_get_user(session), user);
}

static void stops(hostsession *session, const char *command) {
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.timeout_ms = 300;
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, command, &options, &result), HOSTSESSION_ERROR_TIMED_OUT);
    assert_true(hostsession_result_session_alive(result));
    hostsession_result_free(result);
    check_run(session, "echo \"$x\"", "kept\n", 0);
}

static void leaves(hostsession *session, const char *user) {
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_leave(session, 30000, &result), HOSTSESSION_OK);
    hostsession_result_free(result);
    assert_string_equal(hostsession_get_user(session), user);
}

static void no_secret(const heard *h, const test_user *user) {
    assert_null(memmem(h->transcript.data, h->transcript.length, user->password, strlen(user->password)));
}

/* Down as root, and up again with a password. */
static void su_down_and_up(void **state) {
    (void)state;
    need_users();
    heard h = {{0}};
    char command[128];
    hostsession *session = open_bash(&h);
    check_run(session, "x=outer; cd /", "", 0);
    snprintf(command, sizeof command, "su - %s", deploy.name);
    enters(session, deploy.name, command, NULL);
    assert_string_equal(hostsession_get_cwd(session), deploy.home);
    check_run(session, "x=kept", "", 0);
    stops(session, "sleep 1000");
    stops(session, "while :; do :; done");
    stops(session, "(trap '' INT; sleep 1000)");
    snprintf(command, sizeof command, "su %s", admin.name);
    enters(session, admin.name, command, admin.password);
    check_run(session, "x=kept", "", 0);
    stops(session, "sleep 1000");
    stops(session, "while :; do sleep 0.01; done");
    leaves(session, deploy.name);
    check_run(session, "echo $x", "kept\n", 0);
    leaves(session, "root");
    check_run(session, "echo $x; pwd", "outer\n/\n", 0);
    hostsession_close(session);
    no_secret(&h, &admin);
    text_free(&h.transcript);
}

static void su_with_a_wrong_password(void **state) {
    (void)state;
    need_users();
    heard h = {{0}};
    char command[128];
    hostsession *session = open_bash(&h);
    snprintf(command, sizeof command, "su %s", deploy.name);
    enters(session, deploy.name, command, NULL);
    check_run(session, "x=kept", "", 0);
    hostsession_result *result = NULL;
    snprintf(command, sizeof command, "su %s", admin.name);
    assert_int_equal(enter(session, command, "not-it", &result), HOSTSESSION_OK);
    assert_int_equal(hostsession_result_status(result), HOSTSESSION_STATUS_FAILED);
    assert_int_equal(hostsession_result_exit_status(result), 1);
    assert_non_null(strstr(hostsession_result_output(result), "Authentication failure"));
    hostsession_result_free(result);
    assert_int_equal(hostsession_get_depth(session), 1);
    check_run(session, "echo $x", "kept\n", 0);
    /* Nobody answers: nothing is typed in place of a password. */
    hostsession_enter_options options = HOSTSESSION_ENTER_OPTIONS_INIT;
    options.timeout_ms = 1500;
    assert_int_equal(hostsession_enter(session, command, &options, &result), HOSTSESSION_ERROR_TIMED_OUT);
    assert_true(hostsession_result_session_alive(result));
    assert_null(strstr(hostsession_result_output(result), "failure"));
    hostsession_result_free(result);
    check_run(session, "echo $x", "kept\n", 0);
    hostsession_close(session);
    text_free(&h.transcript);
}

static void sudo_with_password(void **state) {
    (void)state;
    need_users();
    text why = {0};
    if (access("/usr/bin/sudo", X_OK) != 0)
        skip();
    if (!users_allow_sudo(&admin, &why))
        fail_msg("%s", text_data(&why));
    heard h = {{0}};
    char command[128];
    hostsession *session = open_bash(&h);
    snprintf(command, sizeof command, "su - %s", admin.name);
    enters(session, admin.name, command, NULL);
    enters(session, "root", "sudo -k; sudo -i", admin.password);
    check_run(session, "x=kept; cd /usr", "", 0);
    stops(session, "sleep 1000");
    stops(session, "while :; do :; done");
    check_run(session, "pwd", "/usr\n", 0);
    leaves(session, admin.name);
    snprintf(command, sizeof command, "sudo -k; sudo -u %s bash --norc", deploy.name);
    enters(session, deploy.name, command, admin.password);
    leaves(session, admin.name);
    hostsession_result *result = NULL;
    assert_int_equal(enter(session, "sudo -k; sudo -n -i", NULL, &result), HOSTSESSION_OK);
    assert_int_equal(hostsession_result_status(result), HOSTSESSION_STATUS_FAILED);
    hostsession_result_free(result);
    leaves(session, "root");
    hostsession_close(session);
    no_secret(&h, &admin);
    text_free(&h.transcript);
}

/* A terminal of sudo's own: the inner shell's is not the session's. */
static void sudo_on_its_own_terminal(void **state) {
    (void)state;
    need_users();
    if (access("/usr/bin/sudo", X_OK) != 0 || access("/usr/bin/script", X_OK) != 0)
        skip();
    heard h = {{0}};
    hostsession *session = open_bash(&h);
    enters(session, "root", "script -q /dev/null -c 'bash --norc'", NULL);
    check_run(session, "x=kept; printf 'a\\nb\\n'", "a\nb\n", 0);
    stops(session, "sleep 1000");
    stops(session, "while :; do :; done");
    stops(session, "(trap '' INT; sleep 1000)");
    leaves(session, "root");
    check_run(session, "printf 'a\\nb\\n'", "a\nb\n", 0);
    hostsession_close(session);
    text_free(&h.transcript);
}

int main(void) {
    static const api_case cases[] = {CASE(su_down_and_up), CASE(su_with_a_wrong_password), CASE(sudo_with_password),
                                     CASE(sudo_on_its_own_terminal)};
    text why = {0};
    if (!users_available(&why) || !users_make(&deploy, "/bin/bash", &why) || !users_make(&admin, "/bin/bash", &why))
        fprintf(stderr, "# su and sudo are not tested:%s\n", text_data(&why));
    text_free(&why);
    int failed = cases_run("enter users", cases, sizeof cases / sizeof cases[0]);
    users_remove_all();
    return failed;
}
