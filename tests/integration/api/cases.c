/* SPDX-License-Identifier: MIT */
#include "cases.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Far more than any case takes, also under valgrind. */
enum { case_bound_s = 120, drive_bound_ms = 20000 };

/* ---- each case in a process of its own ---- */

static const api_case *current;

static void run_bounded(void **state) {
    /* libuv opens descriptors for the whole process with its first loop. */
    hostsession_loop_free(new_loop());
    int descriptors = process_count_descriptors();
    alarm(case_bound_s);
    current->run(state);
    alarm(0);
    assert_int_equal(process_count_descriptors(), descriptors);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void run_in_child(void) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* Standard output belongs to the parent's report. */
    dup2(STDERR_FILENO, STDOUT_FILENO);
    const struct CMUnitTest inner[] = {{current->name, run_bounded, NULL, NULL, NULL}};
    cmocka_set_message_output(CM_OUTPUT_STDOUT);
    if (cmocka_run_group_tests_name(current->name, inner, NULL, NULL) == 0)
        exit(0);
    /* What a failed case holds is no leak. */
    fflush(NULL);
    _exit(1);
}

static void run_apart(void **state) {
    current = *state;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        run_in_child();
    int status = -1;
    while (waitpid(child, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    if (WIFSIGNALED(status))
        fail_msg("%s: ended by signal %d%s", current->name, WTERMSIG(status),
                 WTERMSIG(status) == SIGALRM ? ": it hung" : "");
    if (WEXITSTATUS(status) != 0)
        fail_msg("%s: exit status %d, see above", current->name, WEXITSTATUS(status));
}

int cases_run(const char *group, const api_case *cases, size_t count) {
    struct CMUnitTest tests[count];
    for (size_t i = 0; i < count; i++)
        tests[i] = (struct CMUnitTest){cases[i].name, run_apart, NULL, NULL, (void *)(uintptr_t)&cases[i]};
    return cmocka_run_group_tests_name(group, tests, NULL, NULL);
}

/* ---- driving ---- */

hostsession_loop *new_loop(void) {
    hostsession_loop *loop = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (hostsession_loop_new(&loop, &why) != HOSTSESSION_OK)
        fail_msg("%s", why.message);
    return loop;
}

static void turn(hostsession_loop *loop, long long since, const char *waits_for) {
    if (clock_ms() - since > drive_bound_ms)
        fail_msg("waited too long for %s", waits_for);
    assert_int_equal(hostsession_loop_run_once(loop, 1000), HOSTSESSION_OK);
}

void drive_until(hostsession_loop *loop, const int *flag, int wanted) {
    long long since = clock_ms();
    while (*flag < wanted)
        turn(loop, since, "a callback");
}

void drive_idle(hostsession_loop *loop) {
    long long since = clock_ms();
    struct pollfd descriptor = {.fd = hostsession_loop_descriptor(loop), .events = POLLIN};
    while (hostsession_loop_timeout_ms(loop) == 0 || poll(&descriptor, 1, 0) > 0) {
        if (clock_ms() - since > drive_bound_ms)
            fail_msg("the loop is never idle");
        assert_int_equal(hostsession_loop_dispatch(loop), HOSTSESSION_OK);
    }
}

void drive_until_waits(hostsession_loop *loop, const memory *m) {
    long long since = clock_ms();
    while (!memory_waits(m))
        turn(loop, since, "a command that waits");
}

void drive_until_state(hostsession_loop *loop, const hostsession *session, hostsession_state state) {
    long long since = clock_ms();
    while (hostsession_get_state(session) != state)
        turn(loop, since, "a state");
}

/* ---- sessions ---- */

hostsession *open_with(const hostsession_options *options) {
    hostsession *session = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (hostsession_open("peer", options, &session, &why) != HOSTSESSION_OK)
        fail_msg("%s", why.message);
    assert_non_null(session);
    return session;
}

hostsession *open_memory(memory *m, hostsession_loop *loop) {
    hostsession_options options = memory_session(m, loop);
    return open_with(&options);
}

hostsession *open_local(hostsession_loop *loop) {
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    options.loop = loop;
    options.shell = "sh";
    /* Under valgrind, and beside other tests, a shell may take its time. */
    options.connect_timeout_ms = drive_bound_ms;
    hostsession *session = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (hostsession_open("local", &options, &session, &why) != HOSTSESSION_OK)
        fail_msg("%s", why.message);
    return session;
}

/* ---- outcomes ---- */

static void note(outcome *o, hostsession *session, const hostsession_failure *failure) {
    o->calls++;
    o->session = session;
    o->error = failure ? failure->error : HOSTSESSION_OK;
    if (failure)
        o->failure = *failure;
    if (o->counter)
        o->place = ++*o->counter;
}

void opened(hostsession *session, const hostsession_failure *failure, void *userdata) {
    note(userdata, session, failure);
}

void ran(hostsession *session, hostsession_error error, hostsession_result *result, void *userdata) {
    outcome *o = userdata;
    note(o, session, NULL);
    o->error = error;
    hostsession_result_free(o->result);
    o->result = result;
}

void sent(hostsession *session, const hostsession_failure *failure, void *userdata) {
    note(userdata, session, failure);
}

void expected(hostsession *session, const hostsession_failure *failure, hostsession_match *match, void *userdata) {
    outcome *o = userdata;
    note(o, session, failure);
    hostsession_match_free(o->match);
    o->match = match;
}

void outcome_free(outcome *o) {
    hostsession_result_free(o->result);
    hostsession_match_free(o->match);
    o->result = NULL;
    o->match = NULL;
}

hostsession_operation *start_run(hostsession *session, const char *command, outcome *o) {
    hostsession_operation *operation = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (hostsession_run_start(session, command, NULL, ran, o, &operation, &why) != HOSTSESSION_OK)
        fail_msg("%s", why.message);
    assert_non_null(operation);
    return operation;
}

hostsession_operation *start_send(hostsession *session, const char *bytes, outcome *o) {
    hostsession_operation *operation = NULL;
    assert_int_equal(hostsession_send_start(session, bytes, strlen(bytes), false, sent, o, &operation), HOSTSESSION_OK);
    assert_non_null(operation);
    return operation;
}

hostsession_operation *start_expect(hostsession *session, const char *pattern, outcome *o) {
    hostsession_operation *operation = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (hostsession_expect_start(session, &pattern, 1, NULL, expected, o, &operation, &why) != HOSTSESSION_OK)
        fail_msg("%s", why.message);
    assert_non_null(operation);
    return operation;
}

/* ---- checks ---- */

void check_result(const hostsession_result *result, hostsession_status status, int exit_status, const char *output) {
    assert_non_null(result);
    hostsession_status got = hostsession_result_status(result);
    if (got != status)
        fail_msg("%s, not %s: %s", hostsession_status_name(got), hostsession_status_name(status),
                 hostsession_result_failure(result)->message);
    assert_int_equal(hostsession_result_exit_status(result), exit_status);
    if (!output)
        return;
    assert_string_equal(hostsession_result_output(result), output);
    assert_int_equal(hostsession_result_output_bytes(result), strlen(output));
}

void check_run(hostsession *session, const char *command, const char *output, int exit_status) {
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, command, NULL, &result), HOSTSESSION_OK);
    check_result(result, exit_status ? HOSTSESSION_STATUS_FAILED : HOSTSESSION_STATUS_SUCCESS, exit_status, output);
    hostsession_result_free(result);
}

void check_released(const memory *m) {
    const memory_record *seen = memory_seen(m);
    assert_int_equal(seen->opens, 1);
    assert_int_equal(seen->closes, 1);
    assert_int_equal(seen->releases, 1);
    assert_false(seen->misused);
}
