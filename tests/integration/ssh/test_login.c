/* SPDX-License-Identifier: MIT */
/* ssh(1) as the program that gives the shell: its password prompt is answered while the session opens. */
#include "visit.h"

#include <stdio.h>
#include <string.h>

static const char *target_of(const char *user) {
    return keep("exec:%s ssh -F %s -o PreferredAuthentications=password -o PubkeyAuthentication=no -tt test-%s",
                ssh_server_client_env(visit_server), ssh_server_config(visit_server), user);
}

static hostsession_error open_ssh(const char *user, const char *password, hostsession **ret, hostsession_failure *why) {
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    hostsession_expectation expected = {"assword: $", keep("%s\r", password), HOSTSESSION_EXPECT_SECRET, 1};
    options.expectations = &expected;
    options.expectation_count = 1;
    options.connect_timeout_ms = patience_ms;
    return hostsession_open(target_of(user), &options, ret, why);
}

static void with_password(void **state) {
    (void)state;
    static const char *const users[] = {"bash", "dash", "zsh", "mksh"};
    for (size_t i = 0; i < sizeof users / sizeof users[0]; i++) {
        if (!ssh_server_shell(visit_server, users[i]))
            continue;
        hostsession *session = NULL;
        hostsession_failure why = HOSTSESSION_FAILURE_INIT;
        if (open_ssh(users[i], keep("secret-%s", users[i]), &session, &why) != HOSTSESSION_OK)
            fail_msg("%s", why.message);
        check_run(session, "echo \"$SSH_CONNECTION\" | wc -w; (exit 4)", "4\n", 4);
        check_run(session, "cd /; x=5", "", 0);
        check_run(session, "pwd; echo $x", "/\n5\n", 0);
        hostsession_close(session);
    }
}

static void with_a_wrong_password(void **state) {
    (void)state;
    hostsession *session = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    assert_int_equal(open_ssh("bash", "wrong", &session, &why), HOSTSESSION_ERROR_AUTH);
    if (!strstr(why.message, "Permissi"))
        fail_msg("%s", why.message);
}

static const api_case cases[] = {CASE(with_password), CASE(with_a_wrong_password)};
VISIT_MAIN("ssh login", NULL, cases)
