/* SPDX-License-Identifier: MIT */
/* The forms that end in _start: `done` once in every case, and only from dispatch. */
#include "cases.h"

#include <stdio.h>
#include <string.h>

static const hostsession_exit exit_seven = {true, 7, 0};

typedef struct place {
    hostsession_loop *loop;
    memory *m;
    hostsession *session;
    outcome open;
} place;

static void place_start(place *p, const memory_options *how) {
    *p = (place){.loop = new_loop(), .m = memory_new(how)};
    hostsession_options options = memory_session(p->m, p->loop);
    assert_int_equal(hostsession_open_start("peer", &options, opened, &p->open, &p->session, NULL), HOSTSESSION_OK);
    assert_non_null(p->session);
    assert_int_equal(p->open.calls, 0);
    assert_int_equal(hostsession_get_state(p->session), HOSTSESSION_OPENING);
}

static void place_open(place *p, const memory_options *how) {
    place_start(p, how);
    drive_until(p->loop, &p->open.calls, 1);
    assert_int_equal(p->open.error, HOSTSESSION_OK);
    assert_ptr_equal(p->open.session, p->session);
}

static void place_end(place *p) {
    hostsession_close(p->session);
    check_released(p->m);
    assert_int_equal(p->open.calls, 1);
    hostsession_loop_free(p->loop);
    memory_free(p->m);
}

static void each_kind_is_done_once(void **state) {
    (void)state;
    place p;
    place_open(&p, NULL);
    outcome run = {0}, send = {0}, expect = {0};
    start_run(p.session, "say hello", &run);
    start_send(p.session, "say raw\n", &send);
    start_expect(p.session, "raw\n", &expect);
    assert_int_equal(run.calls + send.calls + expect.calls, 0);
    drive_until(p.loop, &expect.calls, 1);
    drive_idle(p.loop);
    assert_int_equal(run.calls, 1);
    assert_int_equal(send.calls, 1);
    assert_int_equal(expect.calls, 1);
    check_result(run.result, HOSTSESSION_STATUS_SUCCESS, 0, "hello\n");
    assert_int_equal(send.error, HOSTSESSION_OK);
    assert_string_equal(hostsession_match_text(expect.match), "raw\n");
    outcome_free(&run);
    outcome_free(&expect);
    place_end(&p);
}

static void fifty_queued_runs_end_in_order(void **state) {
    (void)state;
    enum { count = 50 };
    place p;
    place_open(&p, NULL);
    int counter = 0;
    outcome run[count] = {{0}};
    for (int i = 0; i < count; i++) {
        char command[40];
        snprintf(command, sizeof command, "say %d\nstatus %d", i, i);
        run[i].counter = &counter;
        start_run(p.session, command, &run[i]);
    }
    drive_until(p.loop, &run[count - 1].calls, 1);
    for (int i = 0; i < count; i++) {
        char output[20];
        snprintf(output, sizeof output, "%d\n", i);
        assert_int_equal(run[i].calls, 1);
        assert_int_equal(run[i].place, i + 1);
        check_result(run[i].result, i ? HOSTSESSION_STATUS_FAILED : HOSTSESSION_STATUS_SUCCESS, i, output);
        outcome_free(&run[i]);
    }
    place_end(&p);
}

static void operations_queued_while_opening(void **state) {
    (void)state;
    static const memory_options hows[] = {{.open_later = true}, {.open_later = false}};
    for (size_t i = 0; i < 2; i++) {
        place p;
        place_start(&p, &hows[i]);
        int counter = 0;
        p.open.counter = &counter;
        outcome run = {.counter = &counter}, send = {.counter = &counter}, expect = {.counter = &counter};
        start_run(p.session, "say first", &run);
        start_send(p.session, "say second\n", &send);
        start_expect(p.session, "second", &expect);
        assert_int_equal(hostsession_get_state(p.session), HOSTSESSION_OPENING);
        drive_until(p.loop, &expect.calls, 1);
        assert_int_equal(p.open.place, 1);
        assert_int_equal(run.place, 2);
        assert_int_equal(send.place, 3);
        assert_int_equal(expect.place, 4);
        check_result(run.result, HOSTSESSION_STATUS_SUCCESS, 0, "first\n");
        outcome_free(&run);
        outcome_free(&expect);
        place_end(&p);
    }
}

/* open's done comes first, then those of what waited. */
static void operations_queued_while_an_open_fails(void **state) {
    (void)state;
    for (int how = 0; how < 2; how++) {
        place p = {.loop = new_loop(), .m = memory_new(&(memory_options){.mute = true})};
        hostsession_options options = memory_session(p.m, p.loop);
        options.connect_timeout_ms = how ? 20 : -1;
        assert_int_equal(hostsession_open_start("peer", &options, opened, &p.open, &p.session, NULL), HOSTSESSION_OK);
        int counter = 0;
        p.open.counter = &counter;
        outcome run = {.counter = &counter}, send = {.counter = &counter}, expect = {.counter = &counter};
        start_run(p.session, "say first", &run);
        start_send(p.session, "say second\n", &send);
        start_expect(p.session, "second", &expect);
        if (!how)
            memory_hang_up(p.m, &exit_seven);
        drive_until(p.loop, &expect.calls, 1);
        drive_idle(p.loop);
        assert_int_equal(p.open.error, how ? HOSTSESSION_ERROR_NOT_READY : HOSTSESSION_ERROR_CONNECT);
        assert_int_equal(p.open.place, 1);
        assert_int_equal(run.place, 2);
        assert_int_equal(send.place, 3);
        assert_int_equal(expect.place, 4);
        assert_int_equal(run.error, HOSTSESSION_ERROR_CLOSED);
        check_result(run.result, HOSTSESSION_STATUS_SKIPPED, -1, "");
        assert_true(hostsession_result_failure(run.result)->message[0]);
        assert_int_not_equal(send.error, HOSTSESSION_OK);
        assert_int_not_equal(expect.error, HOSTSESSION_OK);
        assert_null(expect.match);
        assert_int_equal(hostsession_get_state(p.session), HOSTSESSION_ENDED);
        outcome_free(&run);
        place_end(&p);
    }
}

static void a_transport_that_refuses(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    memory *m = memory_new(&(memory_options){.refuse_open = true});
    hostsession_options options = memory_session(m, loop);
    outcome open = {0};
    hostsession *session = (hostsession *)(uintptr_t)1;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    assert_int_equal(hostsession_open_start("peer", &options, opened, &open, &session, &why),
                     HOSTSESSION_ERROR_CONNECT);
    assert_null(session);
    assert_string_equal(why.message, "the memory refused");
    drive_idle(loop);
    hostsession_loop_free(loop);
    assert_int_equal(open.calls, 0);
    assert_int_equal(memory_seen(m)->closes, 0);
    memory_free(m);
}

/* ---- cancel ---- */

static void cancel_what_waits(void **state) {
    (void)state;
    place p;
    place_open(&p, NULL);
    outcome first = {0}, run = {0}, send = {0}, expect = {0}, last = {0};
    start_run(p.session, "wait here", &first);
    hostsession_operation *operations[] = {start_run(p.session, "say never", &run),
                                           start_send(p.session, "say never\n", &send),
                                           start_expect(p.session, "never", &expect)};
    start_run(p.session, "say last", &last);
    drive_until_waits(p.loop, p.m);
    for (int i = 0; i < 3; i++) {
        hostsession_cancel(operations[i]);
        hostsession_cancel(operations[i]);
    }
    assert_int_equal(run.calls + send.calls + expect.calls, 0);
    drive_until(p.loop, &expect.calls, 1);
    assert_int_equal(run.calls + send.calls + expect.calls, 3);
    assert_int_equal(run.error, HOSTSESSION_ERROR_CANCELED);
    assert_int_equal(hostsession_result_status(run.result), HOSTSESSION_STATUS_SKIPPED);
    assert_int_equal(send.error, HOSTSESSION_ERROR_CANCELED);
    assert_int_equal(expect.error, HOSTSESSION_ERROR_CANCELED);
    assert_int_equal(first.calls + last.calls, 0);
    memory_finish(p.m, 0);
    drive_until(p.loop, &last.calls, 1);
    check_result(first.result, HOSTSESSION_STATUS_SUCCESS, 0, "here\n");
    check_result(last.result, HOSTSESSION_STATUS_SUCCESS, 0, "last\n");
    assert_null(strstr(text_data(&memory_seen(p.m)->typed), "never"));
    outcome_free(&first);
    outcome_free(&run);
    outcome_free(&expect);
    outcome_free(&last);
    place_end(&p);
}

static void cancel_a_running_command(void **state) {
    (void)state;
    for (int current = 0; current < 2; current++) {
        place p;
        place_open(&p, NULL);
        outcome run = {0}, next = {0};
        hostsession_operation *operation = start_run(p.session, "wait here", &run);
        start_run(p.session, "say next", &next);
        drive_until_waits(p.loop, p.m);
        drive_idle(p.loop);
        if (current)
            hostsession_cancel_current(p.session);
        else
            hostsession_cancel(operation);
        assert_int_equal(run.calls, 0);
        drive_until(p.loop, &next.calls, 1);
        assert_int_equal(run.calls, 1);
        assert_int_equal(run.error, HOSTSESSION_ERROR_CANCELED);
        check_result(run.result, HOSTSESSION_STATUS_INTERRUPTED, -1, "here\n");
        assert_true(hostsession_result_session_alive(run.result));
        check_result(next.result, HOSTSESSION_STATUS_SUCCESS, 0, "next\n");
        outcome_free(&run);
        outcome_free(&next);
        place_end(&p);
    }
}

/* The cancel comes after the command's end was printed, but before it is read. */
static void cancel_that_comes_too_late(void **state) {
    (void)state;
    place p;
    place_open(&p, NULL);
    outcome run = {0};
    memory_hold_at(p.m, "say done");
    hostsession_operation *operation = start_run(p.session, "say done", &run);
    drive_idle(p.loop);
    hostsession_cancel(operation);
    memory_hold(p.m, false);
    drive_until(p.loop, &run.calls, 1);
    drive_idle(p.loop);
    assert_int_equal(run.calls, 1);
    assert_int_equal(run.error, HOSTSESSION_ERROR_CANCELED);
    assert_string_equal(hostsession_result_output(run.result), "done\n");
    outcome_free(&run);
    check_run(p.session, "say in step", "in step\n", 0);
    place_end(&p);
}

static void cancel_an_expect(void **state) {
    (void)state;
    place p;
    place_open(&p, NULL);
    outcome send = {0}, never = {0}, then = {0};
    start_send(p.session, "say text\n", &send);
    hostsession_operation *operation = start_expect(p.session, "never", &never);
    start_expect(p.session, "ex", &then);
    drive_idle(p.loop);
    hostsession_cancel(operation);
    hostsession_cancel(operation);
    drive_until(p.loop, &then.calls, 1);
    assert_int_equal(never.calls, 1);
    assert_int_equal(never.error, HOSTSESSION_ERROR_CANCELED);
    assert_int_equal(then.error, HOSTSESSION_OK);
    assert_string_equal(hostsession_match_text(then.match), "tex");
    outcome_free(&never);
    outcome_free(&then);
    place_end(&p);
}

static void cancel_current_of_nothing(void **state) {
    (void)state;
    place p;
    place_open(&p, NULL);
    hostsession_cancel_current(p.session);
    drive_idle(p.loop);
    check_run(p.session, "say fine", "fine\n", 0);
    place_end(&p);
}

static void cancel_while_settling(void **state) {
    (void)state;
    place p;
    place_open(&p, NULL);
    outcome send = {0}, run = {0};
    start_send(p.session, "ask name?\n", &send);
    hostsession_operation *operation = start_run(p.session, "say never", &run);
    drive_idle(p.loop);
    hostsession_cancel(operation);
    drive_until(p.loop, &run.calls, 1);
    assert_int_equal(run.error, HOSTSESSION_ERROR_CANCELED);
    assert_int_equal(hostsession_result_status(run.result), HOSTSESSION_STATUS_SKIPPED);
    outcome_free(&run);
    place_end(&p);
}

/* ---- close ---- */

typedef enum moment { OPENING, RUNNING, RECOVERING, SETTLING, EXPECTING, ENDED, MOMENTS } moment;

/* Close from outside, and free the loop, with something under way and something waiting. */
static void close_at(moment when, bool free_loop) {
    place p;
    outcome run = {0}, waiting = {0}, send = {0}, expect = {0};
    if (when == OPENING)
        place_start(&p, &(memory_options){.mute = true});
    else
        place_open(&p, NULL);
    if (when == SETTLING)
        start_send(p.session, "ask name?\n", &send);
    if (when == EXPECTING)
        start_expect(p.session, "never", &expect);
    if (when == ENDED)
        memory_hang_up(p.m, NULL);
    hostsession_operation *operation = start_run(p.session, when == RECOVERING ? "stubborn" : "wait here", &run);
    start_run(p.session, "say never", &waiting);
    drive_idle(p.loop);
    if (when == RECOVERING) {
        hostsession_cancel(operation);
        drive_until_state(p.loop, p.session, HOSTSESSION_RECOVERING);
    }
    if (free_loop)
        hostsession_loop_free(p.loop);
    else
        hostsession_close(p.session);
    hostsession_error wanted = when == ENDED ? HOSTSESSION_ERROR_CLOSED : HOSTSESSION_ERROR_CANCELED;
    assert_int_equal(run.calls, 1);
    assert_int_equal(run.error, when == ENDED ? HOSTSESSION_ERROR_DISCONNECTED : HOSTSESSION_ERROR_CANCELED);
    assert_int_equal(waiting.calls, 1);
    assert_int_equal(waiting.error, wanted);
    check_result(waiting.result, HOSTSESSION_STATUS_SKIPPED, -1, "");
    assert_false(hostsession_result_session_alive(run.result));
    if (when == RUNNING)
        check_result(run.result, HOSTSESSION_STATUS_INTERRUPTED, -1, "here\n");
    if (when == OPENING) {
        assert_int_equal(p.open.error, HOSTSESSION_ERROR_CANCELED);
        check_result(run.result, HOSTSESSION_STATUS_SKIPPED, -1, "");
    }
    assert_int_equal(p.open.calls, 1);
    if (when == EXPECTING) {
        assert_int_equal(expect.calls, 1);
        assert_int_equal(expect.error, HOSTSESSION_ERROR_CANCELED);
    }
    check_released(p.m);
    if (!free_loop)
        hostsession_loop_free(p.loop);
    assert_int_equal(run.calls + waiting.calls, 2);
    outcome_free(&run);
    outcome_free(&waiting);
    outcome_free(&expect);
    memory_free(p.m);
}

static void close_from_outside(void **state) {
    (void)state;
    for (moment when = OPENING; when < MOMENTS; when++)
        close_at(when, false);
}

static void free_the_loop_with_live_sessions(void **state) {
    (void)state;
    for (moment when = OPENING; when < MOMENTS; when++)
        close_at(when, true);
}

static void a_queued_send_when_the_connection_breaks(void **state) {
    (void)state;
    place p;
    place_open(&p, NULL);
    outcome run = {0}, send = {0};
    start_run(p.session, "drop", &run);
    start_send(p.session, "say never\n", &send);
    drive_until(p.loop, &send.calls, 1);
    assert_int_equal(run.error, HOSTSESSION_ERROR_DISCONNECTED);
    /* "The session has ended, before the call or while it waited." */
    assert_int_equal(send.error, HOSTSESSION_ERROR_CLOSED);
    outcome_free(&run);
    place_end(&p);
}

static void after_the_end(void **state) {
    (void)state;
    place p;
    place_open(&p, NULL);
    memory_hang_up(p.m, &exit_seven);
    drive_until_state(p.loop, p.session, HOSTSESSION_ENDED);
    outcome run = {0}, send = {0}, expect = {0};
    start_run(p.session, "say never", &run);
    start_send(p.session, "say never\n", &send);
    start_expect(p.session, "never", &expect);
    assert_int_equal(run.calls + send.calls + expect.calls, 0);
    drive_until(p.loop, &expect.calls, 1);
    assert_int_equal(run.calls, 1);
    assert_int_equal(send.calls, 1);
    assert_int_equal(run.error, HOSTSESSION_ERROR_CLOSED);
    check_result(run.result, HOSTSESSION_STATUS_SKIPPED, -1, "");
    assert_int_equal(send.error, HOSTSESSION_ERROR_CLOSED);
    assert_int_equal(expect.error, HOSTSESSION_ERROR_CLOSED);
    assert_null(expect.match);
    outcome_free(&run);
    place_end(&p);
}

static void done_may_be_left_out(void **state) {
    (void)state;
    place p = {.loop = new_loop(), .m = memory_new(NULL)};
    hostsession_options options = memory_session(p.m, p.loop);
    assert_int_equal(hostsession_open_start("peer", &options, NULL, NULL, &p.session, NULL), HOSTSESSION_OK);
    assert_int_equal(hostsession_run_start(p.session, "say one", NULL, NULL, NULL, NULL, NULL), HOSTSESSION_OK);
    assert_int_equal(hostsession_send_start(p.session, "say two\n", 8, false, NULL, NULL, NULL), HOSTSESSION_OK);
    outcome expect = {0};
    start_expect(p.session, "two", &expect);
    drive_until(p.loop, &expect.calls, 1);
    outcome_free(&expect);
    hostsession_close(p.session);
    check_released(p.m);
    hostsession_loop_free(p.loop);
    memory_free(p.m);
}

static void many_sessions_on_one_loop(void **state) {
    (void)state;
    enum { count = 20 };
    hostsession_loop *loop = new_loop();
    memory *m[count];
    hostsession *sessions[count];
    outcome open[count] = {{0}};
    outcome run[count] = {{0}};
    for (int i = 0; i < count; i++) {
        m[i] = memory_new(&(memory_options){.chunk_bytes = (size_t)i % 7, .open_later = i & 1});
        hostsession_options options = memory_session(m[i], loop);
        assert_int_equal(hostsession_open_start("peer", &options, opened, &open[i], &sessions[i], NULL),
                         HOSTSESSION_OK);
        char command[20];
        snprintf(command, sizeof command, "status %d", i);
        start_run(sessions[i], command, &run[i]);
    }
    for (int i = 0; i < count; i++)
        drive_until(loop, &run[i].calls, 1);
    for (int i = 0; i < count; i++) {
        assert_int_equal(hostsession_result_exit_status(run[i].result), i);
        outcome_free(&run[i]);
        if (i & 2)
            hostsession_close(sessions[i]);
    }
    hostsession_loop_free(loop);
    for (int i = 0; i < count; i++) {
        assert_int_equal(open[i].calls, 1);
        assert_int_equal(run[i].calls, 1);
        check_released(m[i]);
        memory_free(m[i]);
    }
}

static const api_case cases[] = {
    CASE(each_kind_is_done_once),
    CASE(fifty_queued_runs_end_in_order),
    CASE(operations_queued_while_opening),
    CASE(operations_queued_while_an_open_fails),
    CASE(a_transport_that_refuses),
    CASE(cancel_what_waits),
    CASE(cancel_a_running_command),
    CASE(cancel_that_comes_too_late),
    CASE(cancel_an_expect),
    CASE(cancel_current_of_nothing),
    CASE(cancel_while_settling),
    CASE(close_from_outside),
    CASE(free_the_loop_with_live_sessions),
    CASE(a_queued_send_when_the_connection_breaks),
    CASE(after_the_end),
    CASE(done_may_be_left_out),
    CASE(many_sessions_on_one_loop),
};

CASES_MAIN("asynchronous", cases)
