/* SPDX-License-Identifier: MIT */
/* A transport of the caller's own: short writes, stalls, hangups, failing opens, and release exactly once. */
#include "cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const hostsession_exit exit_seven = {true, 7, 0};
static const hostsession_exit killed = {true, 137, 9};

static void short_writes(void **state) {
    (void)state;
    for (size_t size = 1; size < 200; size += 33) {
        memory *m = memory_new(&(memory_options){.write_bytes = size});
        hostsession *session = open_memory(m, NULL);
        check_run(session, "say a command that is longer than some of the pieces it is sent in",
                  "a command that is longer than some of the pieces it is sent in\n", 0);
        hostsession_close(session);
        check_released(m);
        memory_free(m);
    }
}

/* write returns 0, and later writable is called. */
static void a_write_that_takes_nothing(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    memory *m = memory_new(NULL);
    hostsession *session = open_memory(m, loop);
    outcome run = {0}, send = {0};
    memory_stall(m, true);
    start_run(session, "say one", &run);
    start_send(session, "say two\n", &send);
    drive_idle(loop);
    assert_int_equal(run.calls + send.calls, 0);
    unsigned writes = memory_seen(m)->writes;
    drive_idle(loop);
    /* It waits for writable, and does not ask again and again. */
    assert_true(memory_seen(m)->writes <= writes + 1);
    assert_null(strstr(text_data(&memory_seen(m)->typed), "say"));
    memory_stall(m, false);
    drive_until(loop, &send.calls, 1);
    check_result(run.result, HOSTSESSION_STATUS_SUCCESS, 0, "one\n");
    outcome_free(&run);
    hostsession_close(session);
    hostsession_loop_free(loop);
    memory_free(m);
}

static void a_stalled_write_while_opening(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    memory *m = memory_new(&(memory_options){.open_later = true});
    memory_stall(m, true);
    hostsession_options options = memory_session(m, loop);
    hostsession *session = NULL;
    outcome open = {0};
    assert_int_equal(hostsession_open_start("peer", &options, opened, &open, &session, NULL), HOSTSESSION_OK);
    drive_idle(loop);
    assert_int_equal(open.calls, 0);
    memory_stall(m, false);
    drive_until(loop, &open.calls, 1);
    assert_int_equal(open.error, HOSTSESSION_OK);
    hostsession_close(session);
    check_released(m);
    hostsession_loop_free(loop);
    memory_free(m);
}

/* What was not sent when a deadline comes is not sent after it. */
static void a_stalled_write_at_a_deadline(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    memory *m = memory_new(NULL);
    hostsession *session = open_memory(m, loop);
    outcome run = {0}, next = {0};
    memory_stall(m, true);
    hostsession_operation *operation = start_run(session, "say one", &run);
    drive_idle(loop);
    hostsession_cancel(operation);
    drive_idle(loop);
    memory_stall(m, false);
    start_run(session, "say two", &next);
    drive_until(loop, &next.calls, 1);
    assert_int_equal(run.error, HOSTSESSION_ERROR_CANCELED);
    assert_null(strstr(text_data(&memory_seen(m)->typed), "say one"));
    check_result(next.result, HOSTSESSION_STATUS_SUCCESS, 0, "two\n");
    outcome_free(&run);
    outcome_free(&next);
    hostsession_close(session);
    hostsession_loop_free(loop);
    memory_free(m);
}

/* ---- hangups ---- */

typedef struct end_note {
    int calls;
    hostsession_error error;
    char message[512];
} end_note;

static void note_end(void *userdata, hostsession *session, const hostsession_failure *why) {
    end_note *note = userdata;
    (void)session;
    note->calls++;
    note->error = why->error;
    snprintf(note->message, sizeof note->message, "%s", why->message);
}

static void a_hangup_while_idle(void **state) {
    (void)state;
    static const hostsession_exit *const hows[] = {NULL, &exit_seven, &killed};
    for (size_t i = 0; i < 3; i++) {
        hostsession_loop *loop = new_loop();
        memory *m = memory_new(NULL);
        hostsession_options options = memory_session(m, loop);
        end_note note = {0};
        options.on_ended = note_end;
        options.userdata = &note;
        hostsession *session = open_with(&options);
        memory_hang_up(m, hows[i]);
        drive_until(loop, &note.calls, 1);
        drive_idle(loop);
        assert_int_equal(note.calls, 1);
        assert_int_equal(note.error, i ? HOSTSESSION_ERROR_SHELL_EXITED : HOSTSESSION_ERROR_DISCONNECTED);
        assert_non_null(strstr(note.message, i == 0 ? "lost" : i == 1 ? "status 7" : "signal 9"));
        assert_int_equal(hostsession_get_state(session), HOSTSESSION_ENDED);
        assert_string_equal(hostsession_get_failure(session)->message, note.message);
        /* An ended session has let its transport go. */
        assert_int_equal(memory_seen(m)->closes, 1);
        hostsession_close(session);
        check_released(m);
        hostsession_loop_free(loop);
        memory_free(m);
    }
}

static void a_hangup_while_running(void **state) {
    (void)state;
    static const hostsession_exit *const hows[] = {NULL, &exit_seven, &killed};
    for (size_t i = 0; i < 3; i++) {
        hostsession_loop *loop = new_loop();
        memory *m = memory_new(NULL);
        hostsession_options options = memory_session(m, loop);
        end_note note = {0};
        options.on_ended = note_end;
        options.userdata = &note;
        hostsession *session = open_with(&options);
        outcome run = {0}, waiting = {0};
        start_run(session, "wait here", &run);
        start_run(session, "say never", &waiting);
        drive_until_waits(loop, m);
        memory_hang_up(m, hows[i]);
        drive_until(loop, &note.calls, 1);
        assert_int_equal(run.calls, 1);
        assert_int_equal(run.error, i ? HOSTSESSION_ERROR_SHELL_EXITED : HOSTSESSION_ERROR_DISCONNECTED);
        check_result(run.result, i ? HOSTSESSION_STATUS_SHELL_EXITED : HOSTSESSION_STATUS_LOST,
                     i == 0 ? -1 : hows[i]->exit_status, "here\n");
        assert_int_equal(waiting.error, HOSTSESSION_ERROR_CLOSED);
        check_result(waiting.result, HOSTSESSION_STATUS_SKIPPED, -1, "");
        assert_int_equal(note.calls, 1);
        outcome_free(&run);
        outcome_free(&waiting);
        hostsession_close(session);
        check_released(m);
        hostsession_loop_free(loop);
        memory_free(m);
    }
}

/* A broken connection may be found in write. */
static void a_hangup_inside_a_write(void **state) {
    (void)state;
    for (int in_dispatch = 0; in_dispatch < 2; in_dispatch++) {
        hostsession_loop *loop = new_loop();
        memory *m = memory_new(NULL);
        hostsession *session = open_memory(m, loop);
        outcome first = {0}, run = {0};
        if (in_dispatch)
            start_run(session, "wait here", &first);
        else
            memory_hang_up_in_write(m);
        start_run(session, "say one", &run);
        if (in_dispatch) {
            drive_until_waits(loop, m);
            memory_hang_up_in_write(m);
            memory_finish(m, 0);
        }
        drive_until(loop, &run.calls, 1);
        assert_int_equal(run.calls, 1);
        assert_int_equal(run.error, HOSTSESSION_ERROR_DISCONNECTED);
        check_result(run.result, HOSTSESSION_STATUS_LOST, -1, "");
        outcome_free(&first);
        outcome_free(&run);
        hostsession_close(session);
        check_released(m);
        hostsession_loop_free(loop);
        memory_free(m);
    }
}

/* One that takes little at a time, and has output at hand as it does; with a command to be stopped in the middle. */
static void delivery_inside_a_write(void **state) {
    (void)state;
    const memory_options how = {.delivers_in_write = true, .write_bytes = 10, .signals = true};
    hostsession_loop *loop = new_loop();
    memory *m = memory_new(&how);
    hostsession *session = open_memory(m, loop);
    outcome stopped = {0}, after = {0};
    hostsession_operation *operation =
        start_run(session, "say a long enough command to go in pieces; wait here", &stopped);
    hostsession_loop_run_once(loop, 1000);
    memory_say(m, HOSTSESSION_STREAM_OUTPUT, "noise", 5);
    hostsession_cancel(operation);
    start_run(session, "say after", &after);
    drive_until(loop, &after.calls, 1);
    assert_int_equal(stopped.calls, 1);
    assert_int_equal(stopped.error, HOSTSESSION_ERROR_CANCELED);
    check_result(after.result, HOSTSESSION_STATUS_SUCCESS, 0, "after\n");
    assert_false(memory_seen(m)->misused);
    outcome_free(&stopped);
    outcome_free(&after);
    hostsession_close(session);
    check_released(m);
    hostsession_loop_free(loop);
    memory_free(m);
}

static void a_hangup_while_recovering(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    memory *m = memory_new(NULL);
    hostsession *session = open_memory(m, loop);
    outcome run = {0};
    hostsession_operation *operation = start_run(session, "stubborn", &run);
    drive_until_waits(loop, m);
    hostsession_cancel(operation);
    drive_until_state(loop, session, HOSTSESSION_RECOVERING);
    memory_hang_up(m, &killed);
    drive_until(loop, &run.calls, 1);
    assert_int_equal(run.error, HOSTSESSION_ERROR_CANCELED);
    assert_int_equal(hostsession_result_status(run.result), HOSTSESSION_STATUS_INTERRUPTED);
    assert_false(hostsession_result_session_alive(run.result));
    assert_int_equal(hostsession_get_state(session), HOSTSESSION_ENDED);
    outcome_free(&run);
    hostsession_close(session);
    check_released(m);
    hostsession_loop_free(loop);
    memory_free(m);
}

/* Half a marker, then the end: the bytes are the command's output. */
static void a_hangup_inside_a_marker(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    memory *m = memory_new(NULL);
    hostsession *session = open_memory(m, loop);
    outcome run = {0};
    start_run(session, "wait here", &run);
    drive_until_waits(loop, m);
    memory_say(m, HOSTSESSION_STREAM_OUTPUT, "x\x1e", 2);
    memory_hang_up(m, NULL);
    drive_until(loop, &run.calls, 1);
    check_result(run.result, HOSTSESSION_STATUS_LOST, -1, "here\nx\x1e");
    outcome_free(&run);
    hostsession_close(session);
    hostsession_loop_free(loop);
    memory_free(m);
}

/* ---- open and release ---- */

/* "Release: exactly once for every hostsession_open_start() that succeeded and every hostsession_open() that got as far
 * as calling open." */
static void release_after_a_refused_open(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    memory *m = memory_new(&(memory_options){.refuse_open = true});
    hostsession_options options = memory_session(m, loop);
    hostsession *session = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    assert_int_equal(hostsession_open("peer", &options, &session, &why), HOSTSESSION_ERROR_CONNECT);
    assert_int_equal(memory_seen(m)->releases, 1);
    memory_free(m);
    m = memory_new(&(memory_options){.refuse_open = true});
    options = memory_session(m, loop);
    assert_int_equal(hostsession_open_start("peer", &options, NULL, NULL, &session, &why), HOSTSESSION_ERROR_CONNECT);
    drive_idle(loop);
    assert_int_equal(memory_seen(m)->releases, 1);
    memory_free(m);
    hostsession_loop_free(loop);
}

/* A transport may fill the failure whether or not the caller wants to know it. */
static void a_refused_open_without_a_failure(void **state) {
    (void)state;
    memory *m = memory_new(&(memory_options){.refuse_open = true});
    hostsession_options options = memory_session(m, NULL);
    hostsession *session = NULL;
    assert_int_equal(hostsession_open("peer", &options, &session, NULL), HOSTSESSION_ERROR_CONNECT);
    assert_null(session);
    memory_free(m);
}

/* What is only borrowed may be gone after the call. */
static void the_interface_and_the_options_are_copied(void **state) {
    (void)state;
    memory *m = memory_new(NULL);
    hostsession_transport *interface = allocate(sizeof *interface);
    *interface = memory_transport(m);
    char *name = strdup("a name of its own");
    char *target = strdup("peer");
    interface->name = name;
    hostsession_options *options = allocate(sizeof *options);
    *options = memory_session(m, NULL);
    options->transport = interface;
    hostsession *session = NULL;
    assert_int_equal(hostsession_open(target, options, &session, NULL), HOSTSESSION_OK);
    memset(interface, 0x55, sizeof *interface);
    memset(options, 0x55, sizeof *options);
    memset(name, 'x', strlen(name));
    memset(target, 'x', strlen(target));
    free(interface);
    free(options);
    free(name);
    free(target);
    check_run(session, "say hello", "hello\n", 0);
    /* A message that has the name in it. */
    hostsession_expectation expectation = {"x", "y", HOSTSESSION_EXPECT_ECHO_OFF, 0};
    hostsession_run_options run = HOSTSESSION_RUN_OPTIONS_INIT;
    run.expectations = &expectation;
    run.expectation_count = 1;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    assert_int_equal(hostsession_run_start(session, "say no", &run, NULL, NULL, NULL, &why), HOSTSESSION_ERROR_INVALID);
    assert_non_null(strstr(why.message, "a name of its own"));
    hostsession_close(session);
    check_released(m);
    memory_free(m);
}

static void the_commands_options_are_copied(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    memory *m = memory_new(&(memory_options){.chunk_bytes = 1});
    hostsession *session = open_memory(m, loop);
    outcome run = {0}, send = {0}, expect = {0};
    char *pattern = strdup("name\\?");
    char *response = strdup("Ann\n");
    char *command = strdup("ask name?");
    hostsession_expectation *list = allocate(sizeof *list);
    *list = (hostsession_expectation){pattern, response, 0, 0};
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.expectations = list;
    options.expectation_count = 1;
    assert_int_equal(hostsession_run_start(session, command, &options, ran, &run, NULL, NULL), HOSTSESSION_OK);
    free(pattern);
    free(response);
    free(command);
    free(list);
    char *bytes = strdup("say raw\n");
    start_send(session, bytes, &send);
    free(bytes);
    char *wanted = strdup("raw");
    start_expect(session, wanted, &expect);
    free(wanted);
    drive_until(loop, &expect.calls, 1);
    check_result(run.result, HOSTSESSION_STATUS_SUCCESS, 0, "name?got Ann\n");
    assert_string_equal(hostsession_match_text(expect.match), "raw");
    outcome_free(&run);
    outcome_free(&expect);
    hostsession_close(session);
    hostsession_loop_free(loop);
    memory_free(m);
}

static void the_terminal_is_set_again_by_the_transport(void **state) {
    (void)state;
    memory *m = memory_new(&(memory_options){.knows_terminal = true, .echo = true});
    hostsession *session = open_memory(m, NULL);
    check_run(session, "say one", "one\n", 0);
    hostsession_expectation expectation = {"word: ", "secret\n", HOSTSESSION_EXPECT_ECHO_OFF, 0};
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.expectations = &expectation;
    options.expectation_count = 1;
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, "ask-secret word: ", &options, &result), HOSTSESSION_OK);
    check_result(result, HOSTSESSION_STATUS_SUCCESS, 0, "word: ");
    hostsession_result_free(result);
    check_run(session, "say two", "two\n", 0);
    assert_true(memory_seen(m)->resets > 0);
    hostsession_close(session);
    memory_free(m);
}

static void a_terminal_that_echoes(void **state) {
    (void)state;
    memory *m = memory_new(&(memory_options){.echo = true, .chunk_bytes = 7});
    hostsession *session = open_memory(m, NULL);
    check_run(session, "say one", "one\n", 0);
    check_run(session, "lines 2", "line 1\nline 2\n", 0);
    hostsession_close(session);
    check_released(m);
    memory_free(m);
}

static const api_case cases[] = {
    CASE(short_writes),
    CASE(a_write_that_takes_nothing),
    CASE(a_stalled_write_while_opening),
    CASE(a_stalled_write_at_a_deadline),
    CASE(a_hangup_while_idle),
    CASE(a_hangup_while_running),
    CASE(a_hangup_inside_a_write),
    CASE(delivery_inside_a_write),
    CASE(a_hangup_while_recovering),
    CASE(a_hangup_inside_a_marker),
    CASE(release_after_a_refused_open),
    CASE(a_refused_open_without_a_failure),
    CASE(the_interface_and_the_options_are_copied),
    CASE(the_commands_options_are_copied),
    CASE(the_terminal_is_set_again_by_the_transport),
    CASE(a_terminal_that_echoes),
};

CASES_MAIN("transport", cases)
