/* SPDX-License-Identifier: MIT */
/* A manager of a host that is reached over telnet: named sessions, and one-shots, each in a session of its own. */
#include "caller.h"

#include <stdio.h>
#include <string.h>

#define LOGIN                                                                                                          \
    "#!/bin/sh\nname=\nwhile [ -z \"$name\" ]; do printf 'login: '; read -r name; done\n"                              \
    "stty -echo\nprintf 'Password: '\nread -r word\nstty echo\necho\n"                                                 \
    "test \"$name:$word\" = ada:sesame || { echo Login incorrect; exit; }\n"                                           \
    "exec env -i HOME=/ PATH=\"$PATH\" TERM=\"$TERM\" LOGNAME=\"$name\" sh -i\n"

enum { oneshots = 10, at_once = 3 };

typedef struct shot {
    int calls;
    hostsession_result *result;
} shot;

static bool give_password(void *userdata, const hostsession_question *question, char *answer, size_t size) {
    (void)userdata;
    return question->attempt == 1 && snprintf(answer, size, "sesame") > 0;
}

static void on_shot(hostsession_error error, hostsession_result *result, void *userdata) {
    shot *s = userdata;
    if (error)
        fail_msg("%s", hostsession_result_failure(result)->message);
    s->calls++;
    s->result = result;
}

static hostsession_manager *manager_of(const char *target, hostsession_loop *loop) {
    hostsession_options session = HOSTSESSION_OPTIONS_INIT;
    hostsession_limits limits = HOSTSESSION_LIMITS_INIT;
    hostsession_manager_options options = HOSTSESSION_MANAGER_OPTIONS_INIT;
    hostsession_manager *manager = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    session.on_question = give_password;
    session.connect_timeout_ms = patience_ms;
    limits.max_oneshots = at_once;
    options.loop = loop;
    options.session = &session;
    options.limits = &limits;
    if (hostsession_manager_new(target, &options, &manager, &why) != HOSTSESSION_OK)
        fail_msg("%s", why.message);
    return manager;
}

static void named_sessions_keep_their_state(void **state) {
    (void)state;
    telnet_server *server = serve(LOGIN);
    hostsession_manager *manager = manager_of(address("ada", telnet_server_port(server)), NULL);
    const hostsession_command sets = {.text = "cd /usr; x=3"};
    const hostsession_command asks = {.text = "pwd; echo \"$x $LOGNAME\"; (exit 4)"};
    hostsession_results *results = NULL;
    hostsession_named *named = hostsession_manager_default(manager);
    assert_int_equal(hostsession_named_run(named, &sets, 1, NULL, &results, NULL), HOSTSESSION_OK);
    hostsession_results_free(results);
    assert_int_equal(hostsession_named_run(named, &asks, 1, NULL, &results, NULL), HOSTSESSION_OK);
    check_result(hostsession_results_at(results, 0), HOSTSESSION_STATUS_FAILED, 4, "/usr\n3 ada\n");
    hostsession_results_free(results);
    hostsession_manager_free(manager);
    telnet_server_stop(server);
}

/* None sees what another has left, a session of the manager's neither. */
static void oneshots_are_independent(void **state) {
    (void)state;
    telnet_server *server = serve(LOGIN);
    hostsession_loop *loop = new_loop();
    hostsession_manager *manager = manager_of(address("ada", telnet_server_port(server)), loop);
    shot shots[oneshots] = {0};
    for (int i = 0; i < oneshots; i++) {
        char command[80];
        snprintf(command, sizeof command, "echo \"%d [$x]\"; x=%d; cd /usr; exit %d", i, i, i % 4);
        assert_int_equal(hostsession_manager_oneshot_start(manager, command, NULL, on_shot, &shots[i], NULL, NULL),
                         HOSTSESSION_OK);
    }
    for (int i = 0; i < oneshots; i++) {
        char wanted[16];
        drive_until(loop, &shots[i].calls, 1);
        snprintf(wanted, sizeof wanted, "%d []\n", i);
        check_result(shots[i].result, i % 4 ? HOSTSESSION_STATUS_FAILED : HOSTSESSION_STATUS_SUCCESS, i % 4, wanted);
        hostsession_result_free(shots[i].result);
    }
    hostsession_manager_free(manager);
    hostsession_loop_free(loop);
    telnet_server_stop(server);
}

/* The time counts from the call: also the login's. */
static void a_oneshot_is_timed_out(void **state) {
    (void)state;
    telnet_server *server = serve(LOGIN);
    hostsession_manager *manager = manager_of(address("ada", telnet_server_port(server)), NULL);
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    hostsession_result *result = NULL;
    options.timeout_ms = 8000;
    if (hostsession_manager_oneshot(manager, "echo begun; sleep 1000", &options, &result) !=
        HOSTSESSION_ERROR_TIMED_OUT)
        fail_msg("%s", hostsession_result_failure(result)->message);
    check_result(result, HOSTSESSION_STATUS_TIMED_OUT, -1, "begun\n");
    hostsession_result_free(result);
    if (hostsession_manager_oneshot(manager, "echo again", NULL, &result))
        fail_msg("%s", hostsession_result_failure(result)->message);
    check_result(result, HOSTSESSION_STATUS_SUCCESS, 0, "again\n");
    hostsession_result_free(result);
    hostsession_manager_free(manager);
    telnet_server_stop(server);
}

int main(void) {
    static const api_case cases[] = {CASE(named_sessions_keep_their_state), CASE(oneshots_are_independent),
                                     CASE(a_oneshot_is_timed_out)};
    return caller_cases_run("telnet-manager", cases, sizeof cases / sizeof cases[0]);
}
