/* SPDX-License-Identifier: MIT */
/* The blocking forms, on a loop of the session's own and on one of the caller's. */
#include "cases.h"

#include <string.h>

static const hostsession_exit exit_seven = {true, 7, 0};

static void open_run_close(void **state) {
    (void)state;
    memory *m = memory_new(NULL);
    hostsession *session = open_memory(m, NULL);
    assert_int_equal(hostsession_get_state(session), HOSTSESSION_IDLE);
    assert_string_equal(hostsession_get_shell(session), "bash");
    assert_string_equal(hostsession_get_cwd(session), "/memory");
    assert_string_equal(hostsession_get_user(session), "peer");
    assert_int_equal(hostsession_get_failure(session)->error, HOSTSESSION_OK);
    assert_non_null(hostsession_get_loop(session));
    check_run(session, "say hello", "hello\n", 0);
    check_run(session, "status 3", "", 3);
    check_run(session, "say it's\nsay \\two\nstatus 4", "it's\n\\two\n", 4);
    hostsession_close(session);
    check_released(m);
    memory_free(m);
}

static void on_a_loop_of_the_callers(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    memory *m = memory_new(NULL);
    hostsession *session = open_memory(m, loop);
    assert_ptr_equal(hostsession_get_loop(session), loop);
    check_run(session, "say hello", "hello\n", 0);
    hostsession_close(session);
    check_released(m);
    hostsession_loop_free(loop);
    memory_free(m);
}

static void on_pipes(void **state) {
    (void)state;
    memory_options options = {.pipe = true};
    memory *m = memory_new(&options);
    hostsession *session = open_memory(m, NULL);
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, "say out\nerror err", NULL, &result), HOSTSESSION_OK);
    check_result(result, HOSTSESSION_STATUS_SUCCESS, 0, "out\n");
    assert_string_equal(hostsession_result_error_output(result), "err\n");
    assert_int_equal(hostsession_result_error_output_bytes(result), 4);
    hostsession_result_free(result);
    hostsession_close(session);
    check_released(m);
    memory_free(m);
}

/* Everything in pieces, in and out. */
static void in_small_pieces(void **state) {
    (void)state;
    for (size_t size = 1; size < 6; size++) {
        memory_options options = {.chunk_bytes = size, .write_bytes = size + 1, .open_later = true, .pipe = size == 3};
        memory *m = memory_new(&options);
        hostsession *session = open_memory(m, NULL);
        check_run(session, "say hello", "hello\n", 0);
        check_run(session, "lines 2\nstatus 9", "line 1\nline 2\n", 9);
        hostsession_close(session);
        check_released(m);
        memory_free(m);
    }
}

static void a_command_that_ends_the_shell(void **state) {
    (void)state;
    memory *m = memory_new(NULL);
    hostsession *session = open_memory(m, NULL);
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, "say bye\nexit 7", NULL, &result), HOSTSESSION_ERROR_SHELL_EXITED);
    check_result(result, HOSTSESSION_STATUS_SHELL_EXITED, 7, "bye\n");
    assert_false(hostsession_result_session_alive(result));
    hostsession_result_free(result);
    assert_int_equal(hostsession_get_state(session), HOSTSESSION_ENDED);
    assert_int_equal(hostsession_get_failure(session)->error, HOSTSESSION_ERROR_SHELL_EXITED);
    /* It stays valid, and says so. */
    assert_int_equal(hostsession_run(session, "say more", NULL, &result), HOSTSESSION_ERROR_CLOSED);
    check_result(result, HOSTSESSION_STATUS_SKIPPED, -1, "");
    assert_int_equal(hostsession_result_failure(result)->error, HOSTSESSION_ERROR_CLOSED);
    hostsession_result_free(result);
    assert_int_equal(hostsession_send(session, "x\n", 2, false), HOSTSESSION_ERROR_CLOSED);
    const char *pattern = "x";
    hostsession_match *match = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    assert_int_equal(hostsession_expect(session, &pattern, 1, NULL, &match, &why), HOSTSESSION_ERROR_CLOSED);
    assert_null(match);
    assert_true(why.message[0]);
    assert_int_equal(hostsession_type(session, "x", 1, false), HOSTSESSION_ERROR_NOT_READY);
    hostsession_cancel_current(session);
    hostsession_close(session);
    check_released(m);
    memory_free(m);
}

static void a_lost_connection(void **state) {
    (void)state;
    memory *m = memory_new(NULL);
    hostsession *session = open_memory(m, NULL);
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, "say some\ndrop", NULL, &result), HOSTSESSION_ERROR_DISCONNECTED);
    check_result(result, HOSTSESSION_STATUS_LOST, -1, "some\n");
    hostsession_result_free(result);
    hostsession_close(session);
    check_released(m);
    memory_free(m);
}

static void send_and_expect(void **state) {
    (void)state;
    memory *m = memory_new(NULL);
    hostsession *session = open_memory(m, NULL);
    assert_int_equal(hostsession_send(session, "ask name?\n", 10, false), HOSTSESSION_OK);
    const char *patterns[] = {"never", "na(m)e(x)?\\?"};
    hostsession_match *match = NULL;
    assert_int_equal(hostsession_expect(session, patterns, 2, NULL, &match, NULL), HOSTSESSION_OK);
    assert_int_equal(hostsession_match_index(match), 1);
    assert_string_equal(hostsession_match_text(match), "name?");
    assert_int_equal(hostsession_match_text_bytes(match), 5);
    size_t length = 99;
    assert_memory_equal(hostsession_match_group(match, 1, &length), "m", 1);
    assert_int_equal(length, 1);
    assert_null(hostsession_match_group(match, 2, &length));
    assert_int_equal(length, 0);
    assert_null(hostsession_match_group(match, 3, &length));
    assert_null(hostsession_match_group(match, 1000, &length));
    hostsession_match_free(match);
    /* The program has the terminal: a command is refused, and the program gets its line all the same. */
    assert_int_equal(hostsession_send(session, "Ann\n", 4, false), HOSTSESSION_OK);
    const char *got = "got .*\n";
    assert_int_equal(hostsession_expect(session, &got, 1, NULL, &match, NULL), HOSTSESSION_OK);
    assert_string_equal(hostsession_match_text(match), "got Ann\n");
    hostsession_match_free(match);
    check_run(session, "say back", "back\n", 0);
    hostsession_close(session);
    memory_free(m);
}

static void a_program_still_has_the_terminal(void **state) {
    (void)state;
    memory *m = memory_new(NULL);
    hostsession_options options = memory_session(m, NULL);
    options.recovery_timeout_ms = 20;
    hostsession *session = open_with(&options);
    assert_int_equal(hostsession_send(session, "ask name?\n", 10, false), HOSTSESSION_OK);
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, "say no", NULL, &result), HOSTSESSION_ERROR_NOT_READY);
    check_result(result, HOSTSESSION_STATUS_ERROR, -1, "");
    assert_true(hostsession_result_session_alive(result));
    hostsession_result_free(result);
    assert_null(strstr(text_data(&memory_seen(m)->typed), "say no"));
    assert_int_equal(hostsession_send(session, "Ann\n", 4, false), HOSTSESSION_OK);
    check_run(session, "say yes", "yes\n", 0);
    hostsession_close(session);
    memory_free(m);
}

static void expect_that_times_out_keeps_the_text(void **state) {
    (void)state;
    memory *m = memory_new(NULL);
    hostsession *session = open_memory(m, NULL);
    assert_int_equal(hostsession_send(session, "say abc\n", 8, false), HOSTSESSION_OK);
    hostsession_expect_options soon = HOSTSESSION_EXPECT_OPTIONS_INIT;
    soon.timeout_ms = 20;
    const char *never = "xyz";
    const char *there = "b";
    hostsession_match *match = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    assert_int_equal(hostsession_expect(session, &never, 1, &soon, &match, &why), HOSTSESSION_ERROR_TIMED_OUT);
    assert_int_equal(hostsession_match_index(match), -1);
    assert_string_equal(hostsession_match_text(match), "abc\n");
    assert_int_equal(why.error, HOSTSESSION_ERROR_TIMED_OUT);
    hostsession_match_free(match);
    assert_int_equal(hostsession_expect(session, &there, 1, NULL, &match, NULL), HOSTSESSION_OK);
    assert_string_equal(hostsession_match_text(match), "ab");
    hostsession_match_free(match);
    hostsession_close(session);
    memory_free(m);
}

static void expect_when_the_session_ends(void **state) {
    (void)state;
    for (int known = 0; known < 2; known++) {
        memory *m = memory_new(NULL);
        hostsession *session = open_memory(m, NULL);
        assert_int_equal(hostsession_send(session, "say last\n", 9, false), HOSTSESSION_OK);
        memory_hang_up(m, known ? &exit_seven : NULL);
        const char *never = "xyz";
        hostsession_match *match = NULL;
        assert_int_equal(hostsession_expect(session, &never, 1, NULL, &match, NULL),
                         known ? HOSTSESSION_ERROR_SHELL_EXITED : HOSTSESSION_ERROR_DISCONNECTED);
        assert_string_equal(hostsession_match_text(match), "last\n");
        assert_int_equal(hostsession_match_index(match), -1);
        hostsession_match_free(match);
        hostsession_close(session);
        check_released(m);
        memory_free(m);
    }
}

static void a_deadline_and_recovery(void **state) {
    (void)state;
    memory *m = memory_new(NULL);
    hostsession *session = open_memory(m, NULL);
    hostsession_run_options soon = HOSTSESSION_RUN_OPTIONS_INIT;
    soon.timeout_ms = 20;
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, "say one\nwait two", &soon, &result), HOSTSESSION_ERROR_TIMED_OUT);
    check_result(result, HOSTSESSION_STATUS_TIMED_OUT, -1, "one\ntwo\n");
    assert_true(hostsession_result_session_alive(result));
    assert_int_equal(hostsession_result_failure(result)->error, HOSTSESSION_ERROR_TIMED_OUT);
    hostsession_result_free(result);
    check_run(session, "say back", "back\n", 0);
    hostsession_close(session);
    memory_free(m);
}

static void a_deadline_that_costs_the_session(void **state) {
    (void)state;
    memory *m = memory_new(NULL);
    hostsession_options options = memory_session(m, NULL);
    options.recovery_timeout_ms = 50;
    hostsession *session = open_with(&options);
    hostsession_run_options soon = HOSTSESSION_RUN_OPTIONS_INIT;
    soon.timeout_ms = 20;
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, "say one\nstubborn", &soon, &result), HOSTSESSION_ERROR_TIMED_OUT);
    check_result(result, HOSTSESSION_STATUS_TIMED_OUT, -1, "one\n");
    assert_false(hostsession_result_session_alive(result));
    hostsession_result_free(result);
    assert_int_equal(hostsession_get_state(session), HOSTSESSION_ENDED);
    hostsession_close(session);
    check_released(m);
    memory_free(m);
}

static void a_program_that_only_a_kill_ends(void **state) {
    (void)state;
    memory_options options = {.signals = true};
    memory *m = memory_new(&options);
    hostsession *session = open_memory(m, NULL);
    hostsession_run_options soon = HOSTSESSION_RUN_OPTIONS_INIT;
    soon.timeout_ms = 20;
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, "stubborn", &soon, &result), HOSTSESSION_ERROR_TIMED_OUT);
    assert_true(hostsession_result_session_alive(result));
    hostsession_result_free(result);
    assert_true(memory_seen(m)->signals[HOSTSESSION_SIGNAL_KILL] > 0);
    check_run(session, "say back", "back\n", 0);
    hostsession_close(session);
    memory_free(m);
}

static void an_open_that_fails(void **state) {
    (void)state;
    static const struct {
        memory_options options;
        bool hang_up;
        hostsession_error error;
        unsigned closes;
    } rows[] = {
        {{.refuse_open = true}, false, HOSTSESSION_ERROR_CONNECT, 0},
        {{.mute = true}, false, HOSTSESSION_ERROR_NOT_READY, 1},
        {{.mute = true}, true, HOSTSESSION_ERROR_CONNECT, 1},
        {{.mute = true, .open_later = true}, true, HOSTSESSION_ERROR_CONNECT, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int own = 0; own < 2; own++) {
            hostsession_loop *loop = own ? NULL : new_loop();
            memory *m = memory_new(&rows[i].options);
            hostsession_options options = memory_session(m, loop);
            options.connect_timeout_ms = rows[i].hang_up ? 0 : 20;
            if (rows[i].hang_up)
                memory_hang_up(m, NULL);
            hostsession *session = (hostsession *)(uintptr_t)1;
            hostsession_failure why = HOSTSESSION_FAILURE_INIT;
            assert_int_equal(hostsession_open("peer", &options, &session, &why), rows[i].error);
            assert_null(session);
            assert_int_equal(why.error, rows[i].error);
            assert_true(why.message[0]);
            assert_int_equal(memory_seen(m)->closes, rows[i].closes);
            assert_int_equal(memory_seen(m)->releases, 1);
            assert_false(memory_seen(m)->misused);
            hostsession_loop_free(loop);
            memory_free(m);
        }
}

static void on_a_scoped_handle(void **state) {
    (void)state;
    memory *m = memory_new(NULL);
    {
        HOSTSESSION_SCOPED hostsession *session = open_memory(m, NULL);
        check_run(session, "say hello", "hello\n", 0);
    }
    check_released(m);
    memory_free(m);
}

static const api_case cases[] = {
    CASE(open_run_close),
    CASE(on_a_loop_of_the_callers),
    CASE(on_pipes),
    CASE(in_small_pieces),
    CASE(a_command_that_ends_the_shell),
    CASE(a_lost_connection),
    CASE(send_and_expect),
    CASE(a_program_still_has_the_terminal),
    CASE(expect_that_times_out_keeps_the_text),
    CASE(expect_when_the_session_ends),
    CASE(a_deadline_and_recovery),
    CASE(a_deadline_that_costs_the_session),
    CASE(a_program_that_only_a_kill_ends),
    CASE(an_open_that_fails),
    CASE(on_a_scoped_handle),
};

CASES_MAIN("blocking", cases)
