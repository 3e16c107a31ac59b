/* SPDX-License-Identifier: MIT */
/* Several commands as one operation. */
#include "cases.h"

#include <string.h>

/* The end of a sequence, and what was told of it. */
typedef struct ending {
    int calls;
    hostsession_error error;
    hostsession_results *results;
    size_t told;
    size_t stop_after; /* SIZE_MAX: never */
    hostsession_operation *cancel_in_result;
    hostsession *close_in_result;
    hostsession_state state_in_result;
    hostsession *session;
    text lines;
} ending;

static bool on_result(void *userdata, size_t index, const hostsession_result *result) {
    ending *e = userdata;
    assert_int_equal(index, e->told);
    assert_non_null(result);
    e->told++;
    if (e->session)
        e->state_in_result = hostsession_get_state(e->session);
    if (e->cancel_in_result)
        hostsession_cancel(e->cancel_in_result);
    if (e->close_in_result)
        hostsession_close(e->close_in_result);
    e->cancel_in_result = NULL;
    e->close_in_result = NULL;
    return index < e->stop_after;
}

static void on_line(void *userdata, hostsession_stream stream, const char *line, size_t length) {
    ending *e = userdata;
    (void)stream;
    text_printf(&e->lines, "%.*s;", (int)length, line);
}

static void on_done(hostsession *session, hostsession_error error, hostsession_results *results, void *userdata) {
    (void)session;
    ending *e = userdata;
    e->calls++;
    e->error = error;
    e->results = results;
    assert_non_null(results);
}

static void ending_free(ending *e) {
    hostsession_results_free(e->results);
    text_free(&e->lines);
}

static hostsession_sequence_options told(ending *e) {
    hostsession_sequence_options options = HOSTSESSION_SEQUENCE_OPTIONS_INIT;
    e->stop_after = SIZE_MAX;
    options.on_result = on_result;
    options.on_line = on_line;
    options.userdata = e;
    return options;
}

static void check_status(const hostsession_results *results, size_t index, hostsession_status status, int exit_status) {
    check_result(hostsession_results_at(results, index), status, exit_status, NULL);
}

static void check_skipped(const hostsession_results *results, size_t index, hostsession_error error) {
    check_status(results, index, HOSTSESSION_STATUS_SKIPPED, -1);
    const hostsession_failure *why = hostsession_result_failure(hostsession_results_at(results, index));
    assert_int_equal(why->error, error);
    assert_true(why->message[0] != 0);
}

static hostsession_operation *start(hostsession *session, const hostsession_command *commands, size_t count,
                                    const hostsession_sequence_options *options, ending *e) {
    hostsession_operation *operation = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (hostsession_run_sequence_start(session, commands, count, options, on_done, e, &operation, &why) !=
        HOSTSESSION_OK)
        fail_msg("%s", why.message);
    assert_non_null(operation);
    return operation;
}

/* ---- blocking ---- */

static void goes_on_after_a_failure(void **state) {
    (void)state;
    hostsession *session = open_local(NULL);
    ending e = {0};
    hostsession_sequence_options options = told(&e);
    const hostsession_command commands[] = {{.text = "x=5; echo one"}, {.text = "(exit 3)"}, {.text = "echo $x; pwd"}};
    hostsession_results *results = NULL;
    assert_int_equal(hostsession_run_sequence(session, commands, 3, &options, &results, NULL), HOSTSESSION_OK);
    assert_int_equal(hostsession_results_count(results), 3);
    check_result(hostsession_results_at(results, 0), HOSTSESSION_STATUS_SUCCESS, 0, "one\n");
    check_result(hostsession_results_at(results, 1), HOSTSESSION_STATUS_FAILED, 3, "");
    check_status(results, 2, HOSTSESSION_STATUS_SUCCESS, 0);
    assert_int_equal(strncmp(hostsession_result_output(hostsession_results_at(results, 2)), "5\n/", 3), 0);
    assert_null(hostsession_results_at(results, 3));
    assert_ptr_equal(hostsession_results_overall(results), hostsession_results_at(results, 1));
    assert_false(hostsession_results_state_lost(results));
    assert_int_equal(e.told, 3);
    assert_int_equal(strncmp(text_data(&e.lines), "one;5;/", 7), 0);
    hostsession_results_free(results);
    ending_free(&e);
    hostsession_close(session);
}

static void stops_on_failure(void **state) {
    (void)state;
    memory *m = memory_new(NULL);
    hostsession *session = open_memory(m, NULL);
    ending e = {0};
    hostsession_sequence_options options = told(&e);
    options.stop_on_failure = true;
    const hostsession_command commands[] = {{.text = "say one"}, {.text = "status 4"}, {.text = "say three"}};
    hostsession_results *results = NULL;
    assert_int_equal(hostsession_run_sequence(session, commands, 3, &options, &results, NULL), HOSTSESSION_OK);
    check_status(results, 0, HOSTSESSION_STATUS_SUCCESS, 0);
    check_status(results, 1, HOSTSESSION_STATUS_FAILED, 4);
    check_skipped(results, 2, HOSTSESSION_ERROR_CANCELED);
    assert_true(hostsession_result_session_alive(hostsession_results_at(results, 2)));
    assert_int_equal(e.told, 3);
    hostsession_results_free(results);
    /* It is not held any more. */
    check_run(session, "say on", "on\n", 0);
    ending_free(&e);
    hostsession_close(session);
    memory_free(m);
}

static void none_at_all(void **state) {
    (void)state;
    memory *m = memory_new(NULL);
    hostsession *session = open_memory(m, NULL);
    hostsession_results *results = NULL;
    assert_int_equal(hostsession_run_sequence(session, NULL, 0, NULL, &results, NULL), HOSTSESSION_OK);
    assert_non_null(results);
    assert_int_equal(hostsession_results_count(results), 0);
    assert_null(hostsession_results_overall(results));
    hostsession_results_free(results);
    check_run(session, "say on", "on\n", 0);
    assert_int_equal(hostsession_results_count(NULL), 0);
    assert_null(hostsession_results_at(NULL, 0));
    assert_null(hostsession_results_overall(NULL));
    assert_false(hostsession_results_state_lost(NULL));
    hostsession_results_free(NULL);
    hostsession_close(session);
    memory_free(m);
}

/* The session's own limit holds where the sequence says none; expectations and times are each command's own. */
static void each_its_own(void **state) {
    (void)state;
    memory *m = memory_new(NULL);
    hostsession_options how = memory_session(m, NULL);
    how.max_output_bytes = 10;
    hostsession *session = open_with(&how);
    const hostsession_expectation name = {.pattern = "name\\?", .response = "Ann\n"};
    const hostsession_expectation other = {.pattern = "name\\?", .response = "Bob\n"};
    const hostsession_command commands[] = {
        {.text = "ask name?"},
        {.text = "ask name?", .expectations = &other, .expectation_count = 1},
        {.text = "ask name?", .expectations = &name, .expectation_count = 0, .timeout_ms = 1},
        {.text = "bytes 100"},
    };
    hostsession_sequence_options options = HOSTSESSION_SEQUENCE_OPTIONS_INIT;
    options.expectations = &name;
    options.expectation_count = 1;
    hostsession_results *results = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    assert_int_equal(hostsession_run_sequence(session, commands, 4, &options, &results, &why),
                     HOSTSESSION_ERROR_TIMED_OUT);
    assert_int_equal(why.error, HOSTSESSION_ERROR_TIMED_OUT);
    assert_non_null(strstr(hostsession_result_output(hostsession_results_at(results, 0)), "Ann"));
    assert_non_null(strstr(hostsession_result_output(hostsession_results_at(results, 1)), "Bob"));
    check_status(results, 2, HOSTSESSION_STATUS_TIMED_OUT, -1);
    check_status(results, 3, HOSTSESSION_STATUS_SUCCESS, 0);
    assert_int_equal(hostsession_result_dropped_bytes(hostsession_results_at(results, 3)), 90);
    hostsession_results_free(results);
    hostsession_close(session);
    memory_free(m);
}

/* The second has more time of its own than is left. */
static void a_budget(void **state) {
    (void)state;
    memory *m = memory_new(NULL);
    hostsession *session = open_memory(m, NULL);
    hostsession_sequence_options options = HOSTSESSION_SEQUENCE_OPTIONS_INIT;
    options.budget_ms = 50;
    const hostsession_command commands[] = {{.text = "say one"},
                                            {.text = "wait two", .timeout_ms = 1000000},
                                            {.text = "say three"},
                                            {.text = "say four"}};
    hostsession_results *results = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    assert_int_equal(hostsession_run_sequence(session, commands, 4, &options, &results, &why),
                     HOSTSESSION_ERROR_TIMED_OUT);
    check_result(hostsession_results_at(results, 1), HOSTSESSION_STATUS_TIMED_OUT, -1, "two\n");
    check_skipped(results, 2, HOSTSESSION_ERROR_TIMED_OUT);
    check_skipped(results, 3, HOSTSESSION_ERROR_TIMED_OUT);
    assert_true(hostsession_result_session_alive(hostsession_results_at(results, 3)));
    hostsession_results_free(results);
    check_run(session, "say on", "on\n", 0);
    hostsession_close(session);
    memory_free(m);
}

static void the_shell_exits(void **state) {
    (void)state;
    memory *m = memory_new(NULL);
    hostsession *session = open_memory(m, NULL);
    const hostsession_command commands[] = {{.text = "say one"}, {.text = "exit 3"}, {.text = "say three"}};
    hostsession_results *results = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    assert_int_equal(hostsession_run_sequence(session, commands, 3, NULL, &results, &why),
                     HOSTSESSION_ERROR_SHELL_EXITED);
    assert_int_equal(why.error, HOSTSESSION_ERROR_SHELL_EXITED);
    check_status(results, 1, HOSTSESSION_STATUS_SHELL_EXITED, 3);
    check_skipped(results, 2, HOSTSESSION_ERROR_CLOSED);
    hostsession_results_free(results);
    /* And after the end. */
    assert_int_equal(hostsession_run_sequence(session, commands, 3, NULL, &results, &why), HOSTSESSION_ERROR_CLOSED);
    for (size_t i = 0; i < 3; i++)
        check_skipped(results, i, HOSTSESSION_ERROR_CLOSED);
    hostsession_results_free(results);
    hostsession_close(session);
    memory_free(m);
}

static void what_is_wrong(void **state) {
    (void)state;
    memory_options pipes = {.pipe = true};
    memory *m = memory_new(&pipes);
    hostsession *session = open_memory(m, NULL);
    const hostsession_expectation good = {.pattern = "x", .response = "y"};
    const hostsession_expectation bad = {.pattern = "(", .response = "y"};
    const hostsession_command wrong[] = {
        {.text = NULL},
        {.text = "say", .timeout_ms = -2},
        {.text = "say", .expectations = &bad, .expectation_count = 1},
        {.text = "say", .expectations = &good, .expectation_count = 1}, /* pipe mode */
    };
    hostsession_results *results;
    hostsession_failure why;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const hostsession_command both[] = {{.text = "say one"}, wrong[i]};
        assert_int_equal(hostsession_run_sequence(session, both, 2, NULL, &results, &why), HOSTSESSION_ERROR_INVALID);
        assert_null(results);
        assert_int_equal(why.error, HOSTSESSION_ERROR_INVALID);
    }
    assert_int_equal(hostsession_run_sequence(session, NULL, 1, NULL, &results, &why), HOSTSESSION_ERROR_INVALID);
    hostsession_sequence_options options = HOSTSESSION_SEQUENCE_OPTIONS_INIT;
    options.budget_ms = -2;
    assert_int_equal(hostsession_run_sequence(session, wrong, 0, &options, &results, &why), HOSTSESSION_ERROR_INVALID);
    options = (hostsession_sequence_options)HOSTSESSION_SEQUENCE_OPTIONS_INIT;
    options.struct_size = 3;
    assert_int_equal(hostsession_run_sequence(session, wrong, 0, &options, &results, &why), HOSTSESSION_ERROR_INVALID);
    assert_int_equal(memory_seen(m)->typed.length > 0, 1);
    assert_false(text_contains(&memory_seen(m)->typed, "say one"));
    hostsession_close(session);
    memory_free(m);
}

/* ---- asynchronous ---- */

static void on_result_stops(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    memory *m = memory_new(NULL);
    hostsession *session = open_memory(m, loop);
    ending e = {0};
    hostsession_sequence_options options = told(&e);
    e.stop_after = 1;
    const hostsession_command commands[] = {{.text = "say 0"}, {.text = "say 1"}, {.text = "say 2"}, {.text = "say 3"}};
    start(session, commands, 4, &options, &e);
    drive_until(loop, &e.calls, 1);
    assert_int_equal(e.error, HOSTSESSION_OK);
    check_status(e.results, 1, HOSTSESSION_STATUS_SUCCESS, 0);
    check_skipped(e.results, 2, HOSTSESSION_ERROR_CANCELED);
    assert_int_equal(e.told, 4);
    ending_free(&e);
    hostsession_close(session);
    hostsession_loop_free(loop);
    memory_free(m);
}

typedef struct intruder {
    hostsession *session;
    outcome end;
    bool started;
} intruder;

static void intrude(void *userdata, hostsession_stream stream, const char *bytes, size_t length) {
    intruder *i = userdata;
    (void)stream, (void)bytes, (void)length;
    if (!i->started)
        start_run(i->session, "say in between", &i->end);
    i->started = true;
}

static void nothing_comes_between(void **state) {
    (void)state;
    memory_options ways[] = {{0}, {.chunk_bytes = 1}, {.write_bytes = 7}, {.open_later = true}};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        hostsession_loop *loop = new_loop();
        memory *m = memory_new(&ways[i]);
        hostsession *session = open_memory(m, loop);
        ending e = {0};
        intruder other = {.session = session};
        outcome after = {0};
        int place = 0;
        hostsession_sequence_options options = HOSTSESSION_SEQUENCE_OPTIONS_INIT;
        other.end.counter = after.counter = &place;
        options.on_output = intrude;
        options.userdata = &other;
        const hostsession_command commands[] = {{.text = "say first"}, {.text = "say second"}, {.text = "say third"}};
        start(session, commands, 3, &options, &e);
        start_run(session, "say after", &after);
        drive_until(loop, &e.calls, 1);
        assert_int_equal(after.calls + other.end.calls, 0);
        drive_until(loop, &other.end.calls, 1);
        assert_int_equal(after.place, 1);
        assert_int_equal(other.end.place, 2);
        const char *typed = text_data(&memory_seen(m)->typed);
        assert_true(strstr(typed, "third") < strstr(typed, "say after"));
        assert_true(strstr(typed, "third") < strstr(typed, "in between"));
        ending_free(&e);
        outcome_free(&after);
        outcome_free(&other.end);
        hostsession_close(session);
        hostsession_loop_free(loop);
        memory_free(m);
    }
}

/* Before it begins, while a command runs, and in on_result, where none does. */
static void cancel(void **state) {
    (void)state;
    for (int when = 0; when < 4; when++) {
        hostsession_loop *loop = new_loop();
        memory *m = memory_new(NULL);
        hostsession *session = open_memory(m, loop);
        ending e = {0};
        outcome before = {0};
        hostsession_sequence_options options = told(&e);
        const hostsession_command commands[] = {{.text = when == 2 ? "say 0" : "wait 0"}, {.text = "say 1"}};
        if (when == 0)
            start_run(session, "say before", &before);
        e.session = session;
        hostsession_operation *operation = start(session, commands, 2, &options, &e);
        if (when == 2)
            e.cancel_in_result = operation;
        if (when == 1 || when == 3)
            drive_until_waits(loop, m);
        if (when < 2)
            hostsession_cancel(operation);
        if (when == 3)
            hostsession_cancel_current(session);
        drive_until(loop, &e.calls, 1);
        if (when == 0)
            check_skipped(e.results, 0, HOSTSESSION_ERROR_CANCELED);
        else
            check_status(e.results, 0, when == 2 ? HOSTSESSION_STATUS_SUCCESS : HOSTSESSION_STATUS_INTERRUPTED,
                         when == 2 ? 0 : -1);
        check_skipped(e.results, 1, HOSTSESSION_ERROR_CANCELED);
        if (when == 2)
            assert_int_equal(e.state_in_result, HOSTSESSION_RUNNING);
        assert_int_equal(e.error, HOSTSESSION_ERROR_CANCELED);
        check_run(session, "say on", "on\n", 0);
        ending_free(&e);
        outcome_free(&before);
        hostsession_close(session);
        hostsession_loop_free(loop);
        memory_free(m);
    }
}

/* While it waits for the shell, while a command runs, in on_result, and outside of any callback. */
static void close_the_session(void **state) {
    (void)state;
    for (int when = 0; when < 3; when++) {
        hostsession_loop *loop = new_loop();
        memory *m = memory_new(NULL);
        hostsession_options how = memory_session(m, loop);
        hostsession *session = NULL;
        ending e = {0};
        outcome opening = {0};
        hostsession_sequence_options options = told(&e);
        const hostsession_command commands[] = {{.text = when == 2 ? "say 0" : "wait 0"}, {.text = "say 1"}};
        assert_int_equal(hostsession_open_start("peer", &how, opened, &opening, &session, NULL), HOSTSESSION_OK);
        start(session, commands, 2, &options, &e);
        if (when == 1)
            drive_until_waits(loop, m);
        if (when == 2)
            e.close_in_result = session;
        else
            hostsession_close(session);
        drive_until(loop, &e.calls, 1);
        /* Nothing but `done` is called after a close. */
        assert_int_equal(e.told, when == 2);
        check_status(e.results, 0,
                     when == 0   ? HOSTSESSION_STATUS_SKIPPED
                     : when == 1 ? HOSTSESSION_STATUS_INTERRUPTED
                                 : HOSTSESSION_STATUS_SUCCESS,
                     when == 2 ? 0 : -1);
        check_skipped(e.results, 1, HOSTSESSION_ERROR_CANCELED);
        ending_free(&e);
        drive_idle(loop);
        check_released(m);
        hostsession_loop_free(loop);
        memory_free(m);
    }
}

static void without_done(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    memory *m = memory_new(NULL);
    hostsession *session = open_memory(m, loop);
    const hostsession_command commands[] = {{.text = "say 0"}, {.text = "say 1", .secret = true}};
    assert_int_equal(hostsession_run_sequence_start(session, commands, 2, NULL, NULL, NULL, NULL, NULL),
                     HOSTSESSION_OK);
    check_run(session, "say on", "on\n", 0);
    hostsession_close(session);
    hostsession_loop_free(loop);
    memory_free(m);
}

static const api_case cases[] = {
    CASE(goes_on_after_a_failure),
    CASE(stops_on_failure),
    CASE(none_at_all),
    CASE(each_its_own),
    CASE(a_budget),
    CASE(the_shell_exits),
    CASE(what_is_wrong),
    CASE(on_result_stops),
    CASE(nothing_comes_between),
    CASE(cancel),
    CASE(close_the_session),
    CASE(without_done),
};
CASES_MAIN("sequence", cases)
