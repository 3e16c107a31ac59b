/* SPDX-License-Identifier: MIT */
/*
 * Whole lives of sessions and managers in which the n-th allocation fails, for n = 1, 2, ... until none does any more;
 * and once more with all that follow failing, too.  Nothing crashes, hangs, is kept, or comes out wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/allocation.h"
#include "support/memory.h"
#include "support/process.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { most_numbers = 20000, bound_s = 30, peers_most = 16 };

static long number;
static bool ever_after;

/* Made before, since a signal handler may do little. */
static char last_words[80];

static void on_alarm(int signal_number) {
    (void)signal_number;
    (void)!write(STDERR_FILENO, last_words, strlen(last_words));
    _exit(1);
}

/* Run it with each allocation failing in turn. */
static void sweep(void (*life)(void)) {
    signal(SIGALRM, on_alarm);
    /* What is made once for the whole process. */
    allocation_fail(0, false);
    life();
    for (int way = 0; way < 2; way++) {
        bool failed = true;
        ever_after = way;
        for (number = 1; failed && number < most_numbers; number++) {
            long held = allocation_held();
            int descriptors = process_count_descriptors();
            snprintf(last_words, sizeof last_words, "# hung at allocation %ld%s\n", number, way ? " and after" : "");
            alarm(bound_s);
            allocation_fail(number, ever_after);
            life();
            failed = allocation_failed();
            allocation_fail(0, false);
            alarm(0);
            if (allocation_held() != held)
                fail_msg("allocation %ld%s: %ld blocks are kept", number, ever_after ? " and after" : "",
                         allocation_held() - held);
            assert_int_equal(process_count_descriptors(), descriptors);
        }
        assert_true(number > 20 && number < most_numbers);
    }
    signal(SIGALRM, SIG_DFL);
}

/* An error must be one of those that a lack of memory may be; or there was none to blame. */
static bool went(hostsession_error error) {
    if (error == HOSTSESSION_OK)
        return true;
    if (!allocation_failed())
        fail_msg("%s, though no allocation failed", hostsession_error_name(error));
    return false;
}

static void check_output(const hostsession_result *result, const char *output) {
    if (hostsession_result_status(result) == HOSTSESSION_STATUS_SUCCESS)
        assert_string_equal(hostsession_result_output(result), output);
    else
        assert_true(allocation_failed());
}

/* ---- a session ---- */

static void run(hostsession *session, const char *command, const char *output) {
    const hostsession_expectation answer = {.pattern = "name\\?",
                                            .response = "Ann\n",
                                            .flags = HOSTSESSION_EXPECT_SECRET};
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    hostsession_result *result = NULL;
    options.expectations = &answer;
    options.expectation_count = 1;
    if (went(hostsession_run(session, command, &options, &result)))
        check_output(result, output);
    hostsession_result_free(result);
}

static void run_sequence(hostsession *session) {
    const hostsession_command commands[] = {{.text = "say one"}, {.text = "say two", .secret = true}};
    hostsession_results *results = NULL;
    if (went(hostsession_run_sequence(session, commands, 2, NULL, &results, NULL))) {
        check_output(hostsession_results_at(results, 0), "one\n");
        check_output(hostsession_results_at(results, 1), "two\n");
    }
    hostsession_results_free(results);
}

static void send_and_expect(hostsession *session) {
    const char *pattern = "ra(w)";
    hostsession_expect_options options = HOSTSESSION_EXPECT_OPTIONS_INIT;
    hostsession_match *match = NULL;
    options.timeout_ms = 2000;
    if (went(hostsession_send(session, "say raw\n", 8, false)) &&
        went(hostsession_expect(session, &pattern, 1, &options, &match, NULL)))
        assert_int_equal(hostsession_match_index(match), 0);
    hostsession_match_free(match);
}

static void on_transcript(void *userdata, hostsession_direction direction, const char *bytes, size_t length) {
    (void)userdata, (void)direction, (void)bytes, (void)length;
}

static void live_as_session(hostsession_mode mode) {
    memory_options how = {.pipe = mode == HOSTSESSION_MODE_PIPE, .signals = true};
    memory *m = memory_new(&how);
    hostsession_options options = memory_session(m, NULL);
    hostsession *session = NULL;
    options.on_transcript = on_transcript;
    options.recovery_timeout_ms = 2000;
    if (went(hostsession_open("peer", &options, &session, NULL))) {
        if (mode == HOSTSESSION_MODE_TTY) {
            run(session, "say hello", "hello\n");
            send_and_expect(session);
        }
        run_sequence(session);
    }
    hostsession_close(session);
    memory_free(m);
}

static void a_session_on_a_terminal(void) {
    live_as_session(HOSTSESSION_MODE_TTY);
}

static void a_session_on_pipes(void) {
    live_as_session(HOSTSESSION_MODE_PIPE);
}

/* ---- a session with a real shell, and what is entered inside of it ---- */

static void run_locally(hostsession *session, const char *command, const char *output) {
    hostsession_result *result = NULL;
    if (went(hostsession_run(session, command, NULL, &result)))
        check_output(result, output);
    hostsession_result_free(result);
}

/* `how`: what is entered is no shell but this. */
static void visit(hostsession *session, const char *command, const hostsession_console *how, const char *output) {
    hostsession_enter_options options = HOSTSESSION_ENTER_OPTIONS_INIT;
    hostsession_result *result = NULL;
    options.console = how;
    bool entered = went(hostsession_enter(session, command, &options, &result));
    hostsession_result_free(result);
    if (!entered)
        return;
    run_locally(session, "echo hello", output);
    result = NULL;
    went(hostsession_leave(session, 0, &result));
    hostsession_result_free(result);
}

static void live_locally(hostsession_mode mode) {
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    hostsession_console how = HOSTSESSION_CONSOLE_INIT;
    hostsession *session = NULL;
    options.mode = mode;
    options.shell = "sh";
    options.recovery_timeout_ms = 2000;
    how.prompt = "p> $";
    how.probe = "";
    how.settle_ms = 1;
    if (went(hostsession_open("local", &options, &session, NULL))) {
        run_locally(session, "echo hello", "hello\n");
        if (mode == HOSTSESSION_MODE_TTY) {
            visit(session, "sh", NULL, "hello\n");
            visit(session, "while printf 'p> ' && read -r line; do echo \"<$line>\"; done", &how, "<echo hello>\n");
        }
        /* Not when it could not be left. */
        if (hostsession_get_depth(session) == 0)
            run_locally(session, "echo again", "again\n");
    }
    hostsession_close(session);
}

static void a_local_session_on_a_terminal(void) {
    live_locally(HOSTSESSION_MODE_TTY);
}

static void a_local_session_on_pipes(void) {
    live_locally(HOSTSESSION_MODE_PIPE);
}

/* ---- a manager ---- */

static memory *peers[peers_most];
static int peer_count;
static const memory_options peer_options = {.open_later = true, .signals = true};

static hostsession_error open_peer(void *userdata, const char *name, const hostsession_options *options,
                                   hostsession_open_fn done, void *done_userdata, hostsession **ret_session,
                                   hostsession_failure *failure) {
    (void)userdata, (void)name;
    assert_true(peer_count < peers_most);
    memory *m = peers[peer_count++] = memory_new(&peer_options);
    const hostsession_options from = memory_session(m, options->loop);
    hostsession_options mine = *options;
    mine.transport = from.transport;
    mine.transport_data = from.transport_data;
    return hostsession_open_start("peer", &mine, done, done_userdata, ret_session, failure);
}

static void log_command(void *userdata, const char *name, const char *command) {
    (void)userdata, (void)name;
    if (command && strcmp(command, "say hidden") == 0)
        fail_msg("a secret was logged");
}

static void log_output(void *userdata, const char *name, hostsession_stream stream, const char *line, size_t length) {
    (void)userdata, (void)name, (void)stream;
    if (memmem(line, length, "say hidden", 10))
        fail_msg("a secret was logged");
}

static void run_named(hostsession_named *named) {
    const hostsession_command commands[] = {{.text = "say one"},
                                            {.text = "say hidden", .secret = true},
                                            {.text = "say say hidden"}};
    hostsession_results *results = NULL;
    if (went(hostsession_named_run(named, commands, 3, NULL, &results, NULL))) {
        check_output(hostsession_results_at(results, 0), "one\n");
        check_output(hostsession_results_at(results, 1), "hidden\n");
        check_output(hostsession_results_at(results, 2), "say hidden\n");
    }
    hostsession_results_free(results);
}

static void run_oneshot(hostsession_manager *manager, const char *command, const char *output) {
    hostsession_result *result = NULL;
    if (went(hostsession_manager_oneshot(manager, command, NULL, &result)))
        check_output(result, output);
    hostsession_result_free(result);
}

static void use_manager(hostsession_manager *manager) {
    const char *pattern = "ra(w)";
    hostsession_expect_options options = HOSTSESSION_EXPECT_OPTIONS_INIT;
    hostsession_named *named = NULL, *again = NULL, *pending = hostsession_manager_default(manager);
    hostsession_match *match = NULL;
    options.timeout_ms = 2000;
    if (went(hostsession_manager_open(manager, "a", &named, NULL))) {
        run_named(named);
        if (went(hostsession_manager_open(manager, "a", &again, NULL)))
            hostsession_named_release(again);
    }
    if (went(hostsession_named_send(pending, "say raw\n", 8, false, NULL)) &&
        went(hostsession_named_expect(pending, &pattern, 1, &options, &match, NULL)))
        assert_int_equal(hostsession_match_index(match), 0);
    hostsession_match_free(match);
    run_oneshot(manager, "say once", "once\n");
    const hostsession_command waits = {.text = "wait here"};
    hostsession_named_run_start(pending, &waits, 1, NULL, NULL, NULL, NULL, NULL);
    hostsession_manager_oneshot_start(manager, "wait here", NULL, NULL, NULL, NULL, NULL);
    hostsession_manager_close_all(manager);
    assert_false(hostsession_manager_has_live_sessions(manager));
    hostsession_named_close(named);
}

static void a_manager(void) {
    const char *environment[] = {"A=1", NULL};
    hostsession_options session = HOSTSESSION_OPTIONS_INIT;
    hostsession_manager_options options = HOSTSESSION_MANAGER_OPTIONS_INIT;
    hostsession_limits limits = HOSTSESSION_LIMITS_INIT;
    hostsession_pool *pool = NULL;
    hostsession_manager *manager = NULL;
    session.environment = environment;
    session.recovery_timeout_ms = 2000;
    session.connect_timeout_ms = 2000;
    limits.idle_close_ms = 1000000;
    options.session = &session;
    options.limits = &limits;
    options.session_factory = open_peer;
    options.log_command = log_command;
    options.log_output = log_output;
    if (went(hostsession_pool_new(&options, NULL, &pool, NULL)) &&
        went(hostsession_pool_get(pool, "peer", &manager, NULL)))
        use_manager(manager);
    hostsession_pool_free(pool);
    while (peer_count > 0)
        memory_free(peers[--peer_count]);
}

/* ---- one-shots in processes ---- */

static void oneshots(void) {
    hostsession_options session = HOSTSESSION_OPTIONS_INIT;
    hostsession_manager_options options = HOSTSESSION_MANAGER_OPTIONS_INIT;
    hostsession_manager *manager = NULL;
    session.shell = "sh";
    options.session = &session;
    options.log_output = log_output;
    if (!went(hostsession_manager_new("local", &options, &manager, NULL)))
        return;
    run_oneshot(manager, "echo once", "once\n");
    hostsession_manager_oneshot_start(manager, "exec sleep 1000", NULL, NULL, NULL, NULL, NULL);
    hostsession_manager_close_all(manager);
    hostsession_manager_free(manager);
}

/* ---- */

static void sessions_on_terminals(void **state) {
    (void)state;
    sweep(a_session_on_a_terminal);
}

static void sessions_on_pipes(void **state) {
    (void)state;
    sweep(a_session_on_pipes);
}

static void local_sessions_on_terminals(void **state) {
    (void)state;
    sweep(a_local_session_on_a_terminal);
}

static void local_sessions_on_pipes(void **state) {
    (void)state;
    sweep(a_local_session_on_pipes);
}

static void managers(void **state) {
    (void)state;
    sweep(a_manager);
}

static void oneshots_in_processes(void **state) {
    (void)state;
    sweep(oneshots);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_on_terminals),
        cmocka_unit_test(sessions_on_pipes),
        cmocka_unit_test(local_sessions_on_terminals),
        cmocka_unit_test(local_sessions_on_pipes),
        cmocka_unit_test(managers),
        cmocka_unit_test(oneshots_in_processes),
    };
    return cmocka_run_group_tests_name("out_of_memory", tests, NULL, NULL);
}
