/* SPDX-License-Identifier: MIT */
/* Transcripts and logs never hold a secret, however it comes back. */
#include "cases.h"

#include <string.h>

typedef struct record {
    text sent, received, logs;
} record;

static void on_transcript(void *userdata, hostsession_direction direction, const char *bytes, size_t length) {
    record *r = userdata;
    text_append(direction == HOSTSESSION_SENT ? &r->sent : &r->received, bytes, length);
}

static void on_log(void *userdata, hostsession_log_level level, const char *message) {
    record *r = userdata;
    (void)level;
    text_add(&r->logs, message);
    text_add(&r->logs, "\n");
}

static hostsession *open_recorded(memory *m, record *r) {
    hostsession_options options = memory_session(m, NULL);
    options.on_transcript = on_transcript;
    options.on_log = on_log;
    options.userdata = r;
    return open_with(&options);
}

static void check_absent(const record *r, const char *secret) {
    if (text_contains(&r->sent, secret))
        fail_msg("what was sent holds \"%s\"", secret);
    if (text_contains(&r->received, secret))
        fail_msg("what was received holds \"%s\"", secret);
    if (text_contains(&r->logs, secret))
        fail_msg("the log holds \"%s\"", secret);
}

static void record_free(record *r) {
    text_free(&r->sent);
    text_free(&r->received);
    text_free(&r->logs);
}

static void the_transcript_is_whole(void **state) {
    (void)state;
    memory *m = memory_new(NULL);
    record r = {{0}, {0}, {0}};
    hostsession *session = open_recorded(m, &r);
    check_run(session, "say plain", "plain\n", 0);
    hostsession_close(session);
    assert_true(text_equals(&r.sent, text_data(&memory_seen(m)->typed), memory_seen(m)->typed.length));
    assert_true(text_contains(&r.received, "plain\n"));
    record_free(&r);
    memory_free(m);
}

/* The peer repeats the answer, in pieces of every size. */
static void a_response_that_comes_back(void **state) {
    (void)state;
    for (size_t size = 0; size < 12; size++) {
        memory *m = memory_new(&(memory_options){.chunk_bytes = size, .write_bytes = size});
        record r = {{0}, {0}, {0}};
        hostsession *session = open_recorded(m, &r);
        hostsession_expectation expectation = {"word: ", "hunter22\n", HOSTSESSION_EXPECT_SECRET, 0};
        hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
        options.expectations = &expectation;
        options.expectation_count = 1;
        hostsession_result *result = NULL;
        assert_int_equal(hostsession_run(session, "ask word: ", &options, &result), HOSTSESSION_OK);
        /* The output itself is exact. */
        check_result(result, HOSTSESSION_STATUS_SUCCESS, 0, "word: got hunter22\n");
        hostsession_result_free(result);
        /* Later on, too. */
        check_run(session, "say and then hunter22 again", NULL, 0);
        hostsession_close(session);
        assert_true(text_contains(&r.received, "got ***"));
        if (text_contains(&r.received, "hunter22"))
            fail_msg("pieces of %zu: what was received holds the secret", size);
        assert_false(text_contains(&r.logs, "hunter22"));
        record_free(&r);
        memory_free(m);
    }
}

static void a_secret_that_is_sent_and_typed(void **state) {
    (void)state;
    for (size_t size = 0; size < 12; size += 3) {
        memory *m = memory_new(&(memory_options){.chunk_bytes = size});
        record r = {{0}, {0}, {0}};
        hostsession *session = open_recorded(m, &r);
        assert_int_equal(hostsession_send(session, "say hunter22\n", 13, true), HOSTSESSION_OK);
        const char *pattern = "hunter22\n";
        hostsession_match *match = NULL;
        assert_int_equal(hostsession_expect(session, &pattern, 1, NULL, &match, NULL), HOSTSESSION_OK);
        hostsession_match_free(match);
        hostsession_close(session);
        assert_false(text_contains(&r.sent, "hunter22"));
        assert_true(text_contains(&r.sent, "***"));
        record_free(&r);
        memory_free(m);
    }
}

static void check_secret_command(const char *command) {
    memory *m = memory_new(&(memory_options){.chunk_bytes = 5});
    record r = {{0}, {0}, {0}};
    hostsession *session = open_recorded(m, &r);
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.secret = true;
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, command, &options, &result), HOSTSESSION_OK);
    hostsession_result_free(result);
    hostsession_close(session);
    check_absent(&r, "hunter22");
    record_free(&r);
    memory_free(m);
}

static void a_secret_command(void **state) {
    (void)state;
    check_secret_command("status hunter22");
    check_secret_command("status 3\nstatus hunter22");
    check_secret_command("status 'hunter22'");
}

/* The terminal echoes what is typed: quoted, and in lines. */
static void a_secret_command_that_is_echoed(void **state) {
    (void)state;
    static const char *const commands[] = {"status hunter22", "status 'hunter22'", "status 3\nstatus hunter22",
                                           "status \\hunter22"};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        for (size_t size = 0; size < 6; size += 5) {
            memory *m = memory_new(&(memory_options){.knows_terminal = true, .chunk_bytes = size});
            record r = {{0}, {0}, {0}};
            hostsession *session = open_recorded(m, &r);
            /* The user's command turned the echo on. */
            memory_set_echo(m, true);
            hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
            options.secret = true;
            hostsession_result *result = NULL;
            assert_int_equal(hostsession_run(session, commands[i], &options, &result), HOSTSESSION_OK);
            hostsession_result_free(result);
            hostsession_close(session);
            if (text_contains(&r.received, "hunter22"))
                fail_msg("command %zu, pieces of %zu: what was received holds the secret", i, size);
            check_absent(&r, "hunter22");
            record_free(&r);
            memory_free(m);
        }
}

static void a_secret_in_a_failing_command(void **state) {
    (void)state;
    memory *m = memory_new(NULL);
    record r = {{0}, {0}, {0}};
    hostsession *session = open_recorded(m, &r);
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.secret = true;
    options.timeout_ms = 20;
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, "wait\nstatus hunter22", &options, &result), HOSTSESSION_ERROR_TIMED_OUT);
    assert_null(strstr(hostsession_result_failure(result)->message, "hunter22"));
    hostsession_result_free(result);
    hostsession_close(session);
    check_absent(&r, "hunter22");
    record_free(&r);
    memory_free(m);
}

/* What is held back, because a secret may be beginning, is shown in the end. */
static void the_beginning_of_a_secret_is_not_swallowed(void **state) {
    (void)state;
    memory *m = memory_new(NULL);
    record r = {{0}, {0}, {0}};
    hostsession *session = open_recorded(m, &r);
    assert_int_equal(hostsession_send(session, "status hunter22\n", 16, true), HOSTSESSION_OK);
    assert_int_equal(hostsession_send(session, "wait status hunt\n", 17, false), HOSTSESSION_OK);
    hostsession_loop *loop = hostsession_get_loop(session);
    drive_until_waits(loop, m);
    memory_say(m, HOSTSESSION_STREAM_OUTPUT, "status hunt", 11);
    memory_hang_up(m, NULL);
    drive_until_state(loop, session, HOSTSESSION_ENDED);
    hostsession_close(session);
    assert_true(text_contains(&r.received, "status hunt\nstatus hunt"));
    record_free(&r);
    memory_free(m);
}

static const api_case cases[] = {
    CASE(the_transcript_is_whole),
    CASE(a_response_that_comes_back),
    CASE(a_secret_that_is_sent_and_typed),
    CASE(a_secret_command),
    CASE(a_secret_command_that_is_echoed),
    CASE(a_secret_in_a_failing_command),
    CASE(the_beginning_of_a_secret_is_not_swallowed),
};

CASES_MAIN("secrets", cases)
