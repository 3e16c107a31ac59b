/* SPDX-License-Identifier: MIT */
/* Results and matches stand alone; limits keep head and tail; lines and pieces of output. */
#include "cases.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *read_and_free(void *data) {
    hostsession_result *result = data;
    bool right = strcmp(hostsession_result_output(result), "hello\n") == 0;
    hostsession_result_free(result);
    return right ? data : NULL;
}

static void results_outlive_their_session(void **state) {
    (void)state;
    memory *m = memory_new(NULL);
    hostsession *session = open_memory(m, NULL);
    hostsession_result *result = NULL;
    hostsession_result *other = NULL;
    assert_int_equal(hostsession_run(session, "say hello\nstatus 3", NULL, &result), HOSTSESSION_OK);
    assert_int_equal(hostsession_run(session, "say hello", NULL, &other), HOSTSESSION_OK);
    assert_int_equal(hostsession_send(session, "say raw\n", 8, false), HOSTSESSION_OK);
    const char *pattern = "ra(w)";
    hostsession_match *match = NULL;
    assert_int_equal(hostsession_expect(session, &pattern, 1, NULL, &match, NULL), HOSTSESSION_OK);
    hostsession_close(session);
    memory_free(m);
    check_result(result, HOSTSESSION_STATUS_FAILED, 3, "hello\n");
    assert_string_equal(hostsession_result_cwd(result), "/memory");
    assert_true(hostsession_result_session_alive(result));
    assert_int_equal(hostsession_result_head_bytes(result), 6);
    assert_int_equal(hostsession_result_dropped_bytes(result), 0);
    assert_int_equal(hostsession_result_failure(result)->error, HOSTSESSION_OK);
    hostsession_result_free(result);
    size_t length;
    assert_memory_equal(hostsession_match_group(match, 1, &length), "w", 1);
    hostsession_match_free(match);
    pthread_t thread;
    void *right = NULL;
    assert_int_equal(pthread_create(&thread, NULL, read_and_free, other), 0);
    assert_int_equal(pthread_join(thread, &right), 0);
    assert_non_null(right);
}

static char letter(size_t index) {
    return (char)('a' + index % 26);
}

static void check_limit(hostsession *session, size_t bytes, size_t limit) {
    char command[40];
    snprintf(command, sizeof command, "bytes %zu", bytes);
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.max_output_bytes = limit;
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, command, &options, &result), HOSTSESSION_OK);
    const char *output = hostsession_result_output(result);
    size_t kept = hostsession_result_output_bytes(result);
    size_t head = hostsession_result_head_bytes(result);
    uint64_t dropped = hostsession_result_dropped_bytes(result);
    assert_true(kept <= limit || limit < 2);
    assert_int_equal(kept + dropped, bytes);
    assert_int_equal(output[kept], 0);
    assert_true(head <= kept);
    if (bytes <= limit) {
        assert_int_equal(kept, bytes);
        assert_int_equal(head, kept);
    }
    for (size_t i = 0; i < head; i++)
        assert_int_equal(output[i], letter(i));
    for (size_t i = head; i < kept; i++)
        assert_int_equal(output[i], letter(bytes - kept + i));
    hostsession_result_free(result);
}

static void the_limit_keeps_head_and_tail(void **state) {
    (void)state;
    static const size_t limits[] = {1, 2, 3, 10, 99, 100, 101, 1000, HOSTSESSION_UNLIMITED};
    static const size_t sizes[] = {0, 1, 2, 3, 9, 10, 11, 99, 100, 101, 200, 1234};
    for (size_t chunk = 0; chunk < 40; chunk += 13) {
        memory *m = memory_new(&(memory_options){.chunk_bytes = chunk});
        hostsession *session = open_memory(m, NULL);
        for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
            for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++)
                check_limit(session, sizes[k], limits[i]);
        hostsession_close(session);
        memory_free(m);
    }
}

static void the_sessions_limit_is_the_default(void **state) {
    (void)state;
    memory *m = memory_new(NULL);
    hostsession_options options = memory_session(m, NULL);
    options.max_output_bytes = 100;
    hostsession *session = open_with(&options);
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, "bytes 260", NULL, &result), HOSTSESSION_OK);
    assert_int_equal(hostsession_result_output_bytes(result), 100);
    assert_int_equal(hostsession_result_dropped_bytes(result), 160);
    hostsession_result_free(result);
    hostsession_close(session);
    memory_free(m);
}

static void both_streams_share_the_limit(void **state) {
    (void)state;
    memory *m = memory_new(&(memory_options){.pipe = true});
    hostsession_options options = memory_session(m, NULL);
    options.max_output_bytes = 40;
    hostsession *session = open_with(&options);
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, "bytes 100\nerror 0123456789012345678901234567890123456789", NULL,
                                     &result),
                     HOSTSESSION_OK);
    size_t kept = hostsession_result_output_bytes(result) + hostsession_result_error_output_bytes(result);
    assert_true(kept <= 40);
    assert_int_equal(kept + hostsession_result_dropped_bytes(result), 141);
    hostsession_result_free(result);
    hostsession_close(session);
    memory_free(m);
}

/* What nobody expects is bounded, too. */
static void raw_text_is_bounded(void **state) {
    (void)state;
    for (int expect_first = 0; expect_first < 2; expect_first++) {
        memory *m = memory_new(&(memory_options){.chunk_bytes = 50});
        hostsession_options options = memory_session(m, NULL);
        options.max_output_bytes = 100;
        hostsession *session = open_with(&options);
        hostsession_expect_options soon = HOSTSESSION_EXPECT_OPTIONS_INIT;
        soon.timeout_ms = 20;
        const char *never = "[0-9]";
        hostsession_match *match = NULL;
        if (expect_first) {
            assert_int_equal(hostsession_expect(session, &never, 1, &soon, &match, NULL), HOSTSESSION_ERROR_TIMED_OUT);
            hostsession_match_free(match);
        }
        assert_int_equal(hostsession_send(session, "bytes 2600\n", 11, false), HOSTSESSION_OK);
        drive_idle(hostsession_get_loop(session));
        assert_int_equal(hostsession_expect(session, &never, 1, &soon, &match, NULL), HOSTSESSION_ERROR_TIMED_OUT);
        assert_true(hostsession_match_text_bytes(match) <= 100);
        assert_int_equal(hostsession_match_text(match)[hostsession_match_text_bytes(match) - 1], 'z');
        hostsession_match_free(match);
        hostsession_close(session);
        memory_free(m);
    }
}

/* ---- streaming ---- */

typedef struct stream {
    text output[2];
    text lines;
} stream;

static void on_output(void *userdata, hostsession_stream which, const char *bytes, size_t length) {
    stream *s = userdata;
    text_append(&s->output[which], bytes, length);
}

static void on_line(void *userdata, hostsession_stream which, const char *line, size_t length) {
    stream *s = userdata;
    text_printf(&s->lines, "%d<%.*s>", (int)which, (int)length, line);
}

static void output_and_lines_as_they_arrive(void **state) {
    (void)state;
    for (size_t chunk = 0; chunk < 4; chunk++)
        for (int pipe = 0; pipe < 2; pipe++) {
            memory *m = memory_new(&(memory_options){.chunk_bytes = chunk, .pipe = pipe});
            hostsession *session = open_memory(m, NULL);
            stream s = {{{0}, {0}}, {0}};
            hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
            options.on_output = on_output;
            options.on_line = on_line;
            options.userdata = &s;
            /* Shorter than what is kept: the callbacks get all. */
            options.max_output_bytes = 4;
            hostsession_result *result = NULL;
            assert_int_equal(hostsession_run(session, "lines 2\nsay \nsay end\rx\r\nbytes 3", &options, &result),
                             HOSTSESSION_OK);
            hostsession_result_free(result);
            assert_string_equal(text_data(&s.output[0]), "line 1\nline 2\n\nend\rx\r\nabc");
            assert_string_equal(text_data(&s.lines), "0<line 1>0<line 2>0<>0<end\rx>0<abc>");
            text_clear(&s.lines);
            assert_int_equal(hostsession_run(session, "error bad", &options, &result), HOSTSESSION_OK);
            hostsession_result_free(result);
            assert_string_equal(text_data(&s.lines), pipe ? "1<bad>" : "0<bad>");
            text_free(&s.output[0]);
            text_free(&s.output[1]);
            text_free(&s.lines);
            hostsession_close(session);
            memory_free(m);
        }
}

static void unsolicited_output_is_apart(void **state) {
    (void)state;
    memory *m = memory_new(NULL);
    stream s = {{{0}, {0}}, {0}};
    hostsession_options options = memory_session(m, NULL);
    options.on_unsolicited = on_output;
    options.userdata = &s;
    hostsession *session = open_with(&options);
    check_run(session, "say one", "one\n", 0);
    memory_say(m, HOSTSESSION_STREAM_OUTPUT, "noise\n", 6);
    check_run(session, "say two", "two\n", 0);
    assert_string_equal(text_data(&s.output[0]), "noise\n");
    text_free(&s.output[0]);
    hostsession_close(session);
    memory_free(m);
}

/* What a program that was sent prints is in no command's output, whatever came before it. */
static void raw_text_after_a_stopped_command_is_apart(void **state) {
    (void)state;
    for (size_t chunk = 0; chunk < 3; chunk++) {
        hostsession_loop *loop = new_loop();
        memory *m = memory_new(&(memory_options){.chunk_bytes = chunk});
        stream s = {{{0}, {0}}, {0}};
        hostsession_options options = memory_session(m, loop);
        options.on_unsolicited = on_output;
        options.userdata = &s;
        hostsession *session = open_with(&options);
        outcome stopped = {0}, send = {0}, run = {0};
        start_run(session, "wait here", &stopped);
        drive_until_waits(loop, m);
        drive_idle(loop);
        hostsession_cancel_current(session);
        start_send(session, "say raw\n", &send);
        start_run(session, "say back", &run);
        drive_until(loop, &run.calls, 1);
        check_result(stopped.result, HOSTSESSION_STATUS_INTERRUPTED, -1, "here\n");
        check_result(run.result, HOSTSESSION_STATUS_SUCCESS, 0, "back\n");
        assert_string_equal(text_data(&s.output[0]), "raw\n");
        outcome_free(&stopped);
        outcome_free(&run);
        text_free(&s.output[0]);
        hostsession_close(session);
        hostsession_loop_free(loop);
        memory_free(m);
    }
}

/* ---- expectations ---- */

static void answers_and_their_limit(void **state) {
    (void)state;
    for (size_t chunk = 0; chunk < 3; chunk++) {
        memory *m = memory_new(&(memory_options){.chunk_bytes = chunk});
        hostsession *session = open_memory(m, NULL);
        hostsession_expectation list[] = {{"never", "no\n", 0, 0}, {"name\\?", "Ann\n", 0, 2}};
        hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
        options.expectations = list;
        options.expectation_count = 2;
        hostsession_result *result = NULL;
        assert_int_equal(hostsession_run(session, "ask name?\nask name?", &options, &result), HOSTSESSION_OK);
        check_result(result, HOSTSESSION_STATUS_SUCCESS, 0, "name?got Ann\nname?got Ann\n");
        hostsession_result_free(result);
        assert_int_equal(hostsession_run(session, "ask name?\nask name?\nask name?", &options, &result),
                         HOSTSESSION_ERROR_LIMIT);
        assert_int_equal(hostsession_result_status(result), HOSTSESSION_STATUS_ERROR);
        assert_true(hostsession_result_session_alive(result));
        hostsession_result_free(result);
        check_run(session, "say on", "on\n", 0);
        hostsession_close(session);
        memory_free(m);
    }
}

static const api_case cases[] = {
    CASE(results_outlive_their_session),
    CASE(the_limit_keeps_head_and_tail),
    CASE(the_sessions_limit_is_the_default),
    CASE(both_streams_share_the_limit),
    CASE(raw_text_is_bounded),
    CASE(output_and_lines_as_they_arrive),
    CASE(unsolicited_output_is_apart),
    CASE(raw_text_after_a_stopped_command_is_apart),
    CASE(answers_and_their_limit),
};

CASES_MAIN("results", cases)
