/* SPDX-License-Identifier: MIT */
/* A session is closed inside each callback, at each of its calls: while opening, running, recovering, sending,
 * expecting and after its end. */
#include "scene.h"

#include "support/process.h"

#include <poll.h>
#include <string.h>

static void closed(scene *s) {
    if (s->acted)
        assert_null(s->session);
}

static void sweep(kind when) {
    scene_sweep(when, scene_close, closed);
}

static void sweep_blocking(kind when) {
    scene_sweep_blocking(when, scene_close, closed);
}

#define SWEEP(name, when)                                                                                              \
    static void close_in_##name(void **state) {                                                                        \
        (void)state;                                                                                                   \
        sweep(when);                                                                                                   \
    }
#define SWEEP_BLOCKING(name, when)                                                                                     \
    static void close_in_##name##_of_a_blocking_call(void **state) {                                                   \
        (void)state;                                                                                                   \
        sweep_blocking(when);                                                                                          \
    }

SWEEP(on_output, ON_OUTPUT)
SWEEP(on_line, ON_LINE)
SWEEP(on_unsolicited, ON_UNSOLICITED)
SWEEP(on_log, ON_LOG)
SWEEP(on_transcript, ON_TRANSCRIPT)
SWEEP(on_ended, ON_ENDED)
SWEEP(open_done, OPEN_DONE)
SWEEP(run_done, RUN_DONE)
SWEEP(send_done, SEND_DONE)
SWEEP(expect_done, EXPECT_DONE)
SWEEP_BLOCKING(on_output, ON_OUTPUT)
SWEEP_BLOCKING(on_line, ON_LINE)
SWEEP_BLOCKING(on_unsolicited, ON_UNSOLICITED)
SWEEP_BLOCKING(on_log, ON_LOG)
SWEEP_BLOCKING(on_transcript, ON_TRANSCRIPT)
SWEEP_BLOCKING(on_ended, ON_ENDED)

/* ---- an end that a blocking run finds when it begins ---- */

static void close_on_ended(void *userdata, hostsession *session, const hostsession_failure *why) {
    int *calls = userdata;
    assert_int_equal(why->error, HOSTSESSION_ERROR_DISCONNECTED);
    ++*calls;
    hostsession_close(session);
}

static void close_in_on_ended_at_the_start_of_a_blocking_run(void **state) {
    (void)state;
    for (int own_loop = 0; own_loop < 2; own_loop++) {
        hostsession_loop *loop = own_loop ? NULL : new_loop();
        memory *m = memory_new(NULL);
        int calls = 0;
        hostsession_options options = memory_session(m, loop);
        options.on_ended = close_on_ended;
        options.userdata = &calls;
        hostsession *session = open_with(&options);
        memory_hang_up(m, NULL);
        /* The end is known; on_ended is owed. */
        while (hostsession_get_state(session) != HOSTSESSION_ENDED)
            hostsession_loop_dispatch(hostsession_get_loop(session));
        assert_int_equal(calls, 0);
        hostsession_result *result = NULL;
        assert_int_not_equal(hostsession_run(session, "say never", NULL, &result), HOSTSESSION_OK);
        check_result(result, hostsession_result_status(result), -1, "");
        hostsession_result_free(result);
        if (!own_loop)
            drive_idle(loop);
        assert_int_equal(calls, 1);
        check_released(m);
        hostsession_loop_free(loop);
        memory_free(m);
    }
}

/* ---- an open that fails ---- */

static void close_it(hostsession *session, const hostsession_failure *failure, void *userdata) {
    opened(session, failure, userdata);
    hostsession_close(session);
}

static void close_in_done_of_a_failed_open(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    memory *m = memory_new(&(memory_options){.mute = true});
    hostsession_options options = memory_session(m, loop);
    hostsession *session = NULL;
    outcome open = {0}, run = {0};
    assert_int_equal(hostsession_open_start("peer", &options, close_it, &open, &session, NULL), HOSTSESSION_OK);
    start_run(session, "say never", &run);
    memory_hang_up(m, NULL);
    drive_until(loop, &run.calls, 1);
    drive_idle(loop);
    assert_int_equal(open.calls, 1);
    assert_int_equal(open.error, HOSTSESSION_ERROR_CONNECT);
    check_result(run.result, HOSTSESSION_STATUS_SKIPPED, -1, "");
    outcome_free(&run);
    check_released(m);
    hostsession_loop_free(loop);
    memory_free(m);
}

/* ---- callbacks that come not from dispatch but from a call ---- */

typedef struct teller {
    hostsession *session;
    const char *part;
    bool closed;
} teller;

static void close_when_sent(void *userdata, hostsession_direction direction, const char *bytes, size_t length) {
    teller *t = userdata;
    if (direction != HOSTSESSION_SENT || t->closed || !t->session || !memmem(bytes, length, t->part, strlen(t->part)))
        return;
    t->closed = true;
    hostsession_close(t->session);
}

static void close_in_a_transcript_made_by_a_call(void **state) {
    (void)state;
    static const char *const parts[] = {"say run", "say send", "typed"};
    for (size_t i = 0; i < 3; i++) {
        hostsession_loop *loop = new_loop();
        memory *m = memory_new(NULL);
        teller t = {.part = parts[i]};
        hostsession_options options = memory_session(m, loop);
        options.on_transcript = close_when_sent;
        options.userdata = &t;
        t.session = open_with(&options);
        outcome run = {0}, send = {0};
        if (i == 0) {
            start_run(t.session, "say run", &run);
        } else if (i == 1) {
            start_send(t.session, "say send\n", &send);
        } else {
            start_run(t.session, "repeat", &run);
            drive_until_waits(loop, m);
            hostsession_type(t.session, "typed\n", 6, false);
        }
        assert_true(t.closed);
        drive_idle(loop);
        assert_int_equal(run.calls + send.calls, 1);
        outcome_free(&run);
        check_released(m);
        hostsession_loop_free(loop);
        memory_free(m);
    }
}

/* ---- another session of the loop ---- */

typedef struct pair {
    hostsession *other;
    int calls;
} pair;

static void close_other(hostsession *session, hostsession_error error, hostsession_result *result, void *userdata) {
    pair *p = userdata;
    (void)session;
    (void)error;
    hostsession_result_free(result);
    p->calls++;
    hostsession *other = p->other;
    p->other = NULL;
    hostsession_close(other);
}

typedef enum other_state { OTHER_OPENING, OTHER_IDLE, OTHER_RUNNING, OTHER_ENDED, OTHER_STATES } other_state;

static void close_from_the_done_of_another_session(void **state) {
    (void)state;
    for (other_state how = OTHER_OPENING; how < OTHER_STATES; how++) {
        hostsession_loop *loop = new_loop();
        memory *m = memory_new(NULL);
        memory *other = memory_new(&(memory_options){.mute = how == OTHER_OPENING});
        hostsession *session = open_memory(m, loop);
        hostsession_options options = memory_session(other, loop);
        outcome open = {0}, run = {0};
        pair p = {0};
        assert_int_equal(hostsession_open_start("other", &options, opened, &open, &p.other, NULL), HOSTSESSION_OK);
        if (how != OTHER_OPENING)
            drive_until(loop, &open.calls, 1);
        if (how == OTHER_RUNNING) {
            start_run(p.other, "wait here", &run);
            drive_until_waits(loop, other);
        }
        if (how == OTHER_ENDED)
            memory_hang_up(other, NULL);
        assert_int_equal(hostsession_run_start(session, "say one", NULL, close_other, &p, NULL, NULL), HOSTSESSION_OK);
        drive_until(loop, &p.calls, 1);
        drive_idle(loop);
        assert_null(p.other);
        assert_int_equal(open.calls, 1);
        assert_int_equal(run.calls, how == OTHER_RUNNING);
        outcome_free(&run);
        check_released(other);
        check_run(session, "say still here", "still here\n", 0);
        hostsession_close(session);
        check_released(m);
        hostsession_loop_free(loop);
        memory_free(m);
        memory_free(other);
    }
}

static void let_go(void *userdata, hostsession_stream stream, const char *bytes, size_t length) {
    (void)stream;
    (void)bytes;
    (void)length;
    memory_hold(userdata, false);
}

/* A blocking call on one session, whose loop's other session closes it. */
static void close_of_a_session_in_a_blocking_call_by_another(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    memory *m = memory_new(NULL);
    memory *other = memory_new(NULL);
    hostsession *session = open_memory(m, loop);
    pair p = {.other = open_memory(other, loop)};
    memory_hold_at(m, "say one");
    assert_int_equal(hostsession_run_start(session, "say one", NULL, close_other, &p, NULL, NULL), HOSTSESSION_OK);
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.on_output = let_go;
    options.userdata = m;
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(p.other, "wait here", &options, &result), HOSTSESSION_ERROR_CANCELED);
    check_result(result, HOSTSESSION_STATUS_INTERRUPTED, -1, "here\n");
    hostsession_result_free(result);
    assert_null(p.other);
    drive_idle(loop);
    check_released(other);
    hostsession_close(session);
    hostsession_loop_free(loop);
    memory_free(m);
    memory_free(other);
}

/* ... before it has begun. */
static void close_of_a_session_before_a_blocking_call(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    memory *m = memory_new(NULL);
    memory *other = memory_new(NULL);
    hostsession *session = open_memory(m, loop);
    pair p = {.other = open_memory(other, loop)};
    assert_int_equal(hostsession_run_start(session, "say one", NULL, close_other, &p, NULL, NULL), HOSTSESSION_OK);
    hostsession_result *result = NULL;
    hostsession *closed = p.other;
    /* The end of the other one's command is there to be read. */
    struct pollfd ready = {.fd = hostsession_loop_descriptor(loop), .events = POLLIN};
    assert_int_equal(poll(&ready, 1, 10000), 1);
    assert_int_equal(hostsession_run(closed, "say two", NULL, &result), HOSTSESSION_ERROR_CANCELED);
    check_result(result, HOSTSESSION_STATUS_SKIPPED, -1, "");
    hostsession_result_free(result);
    assert_null(p.other);
    drive_idle(loop);
    hostsession_close(session);
    hostsession_loop_free(loop);
    memory_free(m);
    memory_free(other);
}

typedef struct both_due {
    hostsession *other;
    hostsession_operation *operation;
    int calls;
} both_due;

static void close_and_cancel(hostsession *session, const hostsession_failure *failure, hostsession_match *match,
                             void *userdata) {
    both_due *due = userdata;
    (void)session;
    (void)failure;
    hostsession_match_free(match);
    hostsession_close(due->other);
    hostsession_cancel(due->operation);
}

static void count_canceled(hostsession *session, hostsession_error error, hostsession_result *result, void *userdata) {
    both_due *due = userdata;
    (void)session;
    assert_int_equal(error, HOSTSESSION_ERROR_CANCELED);
    hostsession_result_free(result);
    due->calls++;
}

/* The operation of the one that is closed would have ended in the same pass by its own deadline. */
static void close_and_cancel_as_a_deadline_passes(void **state) {
    (void)state;
    static const char *const never[] = {"never"};
    hostsession_loop *loop = new_loop();
    memory *m = memory_new(NULL);
    memory *other = memory_new(&(memory_options){.mute = false});
    hostsession *session = open_memory(m, loop);
    hostsession_options options = memory_session(other, loop);
    options.recovery_timeout_ms = 20;
    outcome open = {0};
    both_due due = {0};
    assert_int_equal(hostsession_open_start("other", &options, opened, &open, &due.other, NULL), HOSTSESSION_OK);
    drive_until(loop, &open.calls, 1);
    hostsession_expect_options soon = HOSTSESSION_EXPECT_OPTIONS_INIT;
    soon.timeout_ms = 10;
    assert_int_equal(hostsession_send_start(due.other, "x", 1, false, NULL, NULL, NULL), HOSTSESSION_OK);
    drive_idle(loop);
    assert_int_equal(hostsession_expect_start(session, never, 1, &soon, close_and_cancel, &due, NULL, NULL),
                     HOSTSESSION_OK);
    assert_int_equal(hostsession_run_start(due.other, "say two", NULL, count_canceled, &due, &due.operation, NULL),
                     HOSTSESSION_OK);
    /* The program is busy elsewhere. */
    for (long long since = clock_ms(); clock_ms() - since < 60;)
        continue;
    drive_until(loop, &due.calls, 1);
    drive_idle(loop);
    assert_int_equal(due.calls, 1);
    hostsession_close(session);
    hostsession_loop_free(loop);
    memory_free(m);
    memory_free(other);
}

typedef struct late_opening {
    hostsession_options options;
    hostsession_error error;
    int calls;
} late_opening;

static void never_opened(hostsession *session, const hostsession_failure *failure, void *userdata) {
    (void)session;
    (void)failure;
    (void)userdata;
    fail_msg("it was opened");
}

static void open_another(hostsession *session, hostsession_error error, hostsession_result *result, void *userdata) {
    late_opening *late = userdata;
    hostsession *another = NULL;
    (void)session;
    (void)error;
    hostsession_result_free(result);
    late->error = hostsession_open_start("another", &late->options, never_opened, NULL, &another, NULL);
    late->calls++;
}

/* Nothing would close it. */
static void open_while_the_loop_is_freed(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    memory *m = memory_new(NULL);
    memory *another = memory_new(NULL);
    hostsession *session = open_memory(m, loop);
    late_opening late = {.options = memory_session(another, loop)};
    assert_int_equal(hostsession_run_start(session, "wait here", NULL, open_another, &late, NULL, NULL),
                     HOSTSESSION_OK);
    hostsession_loop_free(loop);
    assert_int_equal(late.calls, 1);
    assert_int_equal(late.error, HOSTSESSION_ERROR_CLOSED);
    memory_free(m);
    memory_free(another);
}

static const api_case cases[] = {
    CASE(close_in_on_output),
    CASE(close_in_on_line),
    CASE(close_in_on_unsolicited),
    CASE(close_in_on_log),
    CASE(close_in_on_transcript),
    CASE(close_in_on_ended),
    CASE(close_in_open_done),
    CASE(close_in_run_done),
    CASE(close_in_send_done),
    CASE(close_in_expect_done),
    CASE(close_in_on_output_of_a_blocking_call),
    CASE(close_in_on_line_of_a_blocking_call),
    CASE(close_in_on_unsolicited_of_a_blocking_call),
    CASE(close_in_on_log_of_a_blocking_call),
    CASE(close_in_on_transcript_of_a_blocking_call),
    CASE(close_in_on_ended_of_a_blocking_call),
    CASE(close_in_on_ended_at_the_start_of_a_blocking_run),
    CASE(close_in_done_of_a_failed_open),
    CASE(close_in_a_transcript_made_by_a_call),
    CASE(close_from_the_done_of_another_session),
    CASE(close_of_a_session_in_a_blocking_call_by_another),
    CASE(close_of_a_session_before_a_blocking_call),
    CASE(close_and_cancel_as_a_deadline_passes),
    CASE(open_while_the_loop_is_freed),
};

CASES_MAIN("close in callbacks", cases)
