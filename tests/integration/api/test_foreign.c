/* SPDX-License-Identifier: MIT */
/* fish, tcsh and csh: a POSIX shell is put in their place. */
#include "cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const shells[] = {"fish", "tcsh", "csh"};
enum { shell_count = sizeof shells / sizeof shells[0] };

static bool is_installed(const char *shell) {
    char look[64];
    snprintf(look, sizeof look, "command -v %s >/dev/null", shell);
    return system(look) == 0;
}

static void check_posix(hostsession *session) {
    static const char *const known[] = {"bash", "dash", "ash", "zsh", "ksh93", "mksh", "sh"};
    bool any = false;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        any |= strcmp(hostsession_get_shell(session), known[i]) == 0;
    assert_true(any);
    check_run(session, "cd /; x=5; f() { echo \"f $1\"; }", "", 0);
    check_run(session, "f $x; pwd; (exit 3)", "f 5\n/\n", 3);
    check_run(session, "echo \"[${HISTFILE-none}]\"", "[none]\n", 0);
}

static hostsession *open_target(const char *target, const char *shell, const hostsession_expectation *asked) {
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    options.shell = shell;
    options.connect_timeout_ms = 30000;
    options.expectations = asked;
    options.expectation_count = asked ? 1 : 0;
    hostsession *session = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (hostsession_open(target, &options, &session, &why) != HOSTSESSION_OK)
        fail_msg("%s", why.message);
    return session;
}

static void as_a_program(void **state) {
    (void)state;
    for (int i = 0; i < shell_count; i++) {
        if (!is_installed(shells[i]))
            continue;
        char target[64];
        snprintf(target, sizeof target, "exec:%s", shells[i]);
        hostsession *session = open_target(target, NULL, NULL);
        check_posix(session);
        hostsession_close(session);
    }
}

static void as_the_shell(void **state) {
    (void)state;
    for (int i = 0; i < shell_count; i++) {
        if (!is_installed(shells[i]))
            continue;
        hostsession *session = open_target("local", shells[i], NULL);
        check_posix(session);
        hostsession_close(session);
    }
}

/* Behind a login. */
static void behind_a_prompt(void **state) {
    (void)state;
    static const hostsession_expectation asked = {"word: $", "open-up\r", HOSTSESSION_EXPECT_SECRET, 1};
    for (int i = 0; i < shell_count; i++) {
        if (!is_installed(shells[i]))
            continue;
        char target[160];
        snprintf(target, sizeof target,
                 "exec:sh -c 'stty -echo; printf \"Password: \"; read -r w; stty echo; echo; exec %s'", shells[i]);
        hostsession *session = open_target(target, NULL, &asked);
        check_posix(session);
        hostsession_close(session);
    }
}

static void entered(void **state) {
    (void)state;
    for (int i = 0; i < shell_count; i++) {
        if (!is_installed(shells[i]))
            continue;
        hostsession *session = open_target("local", NULL, NULL);
        hostsession_enter_options options = HOSTSESSION_ENTER_OPTIONS_INIT;
        options.timeout_ms = 30000;
        hostsession_result *result = NULL;
        check_run(session, "x=outer", "", 0);
        assert_int_equal(hostsession_enter(session, shells[i], &options, &result), HOSTSESSION_OK);
        assert_int_equal(hostsession_result_status(result), HOSTSESSION_STATUS_SUCCESS);
        hostsession_result_free(result);
        check_posix(session);
        assert_int_equal(hostsession_leave(session, 30000, &result), HOSTSESSION_OK);
        hostsession_result_free(result);
        check_run(session, "echo $x", "outer\n", 0);
        hostsession_close(session);
    }
}

/* What understands none of it is refused by name, as before. */
static void no_shell_at_all(void **state) {
    (void)state;
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    options.connect_timeout_ms = 2500;
    hostsession *session = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    assert_int_equal(hostsession_open("exec:cat", &options, &session, &why), HOSTSESSION_ERROR_NOT_READY);
    assert_non_null(strstr(why.message, "no POSIX shell answered"));
}

static const api_case cases[] = {CASE(as_a_program), CASE(as_the_shell), CASE(behind_a_prompt), CASE(entered),
                                 CASE(no_shell_at_all)};
CASES_MAIN("foreign", cases)
