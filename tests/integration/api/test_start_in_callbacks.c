/* SPDX-License-Identifier: MIT */
/* Operations are started and cancelled inside each callback, at each of its calls; blocking calls are refused there. */
#include "scene.h"

#include <string.h>

/* Three of each kind; they wait their turn, or come to a session that has ended. */
static void start_all(scene *s) {
    s->extra_started = 3;
    start_run(s->session, "say extra", &s->extra[0]);
    start_send(s->session, "say extra\n", &s->extra[1]);
    start_expect(s->session, "extra\n", &s->extra[2]);
}

/* What is started and cancelled at once was never sent, and is done all the same. */
static void start_and_cancel(scene *s) {
    s->extra_started = 3;
    hostsession_cancel(start_run(s->session, "say never", &s->extra[0]));
    hostsession_cancel(start_send(s->session, "say never\n", &s->extra[1]));
    hostsession_cancel(start_expect(s->session, "never", &s->extra[2]));
}

static void start_cancel_and_close(scene *s) {
    start_and_cancel(s);
    scene_close(s);
}

static void cancel_current(scene *s) {
    hostsession_cancel_current(s->session);
    hostsession_cancel_current(s->session);
}

static void block(scene *s) {
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(s->session, "say never", NULL, &result), HOSTSESSION_ERROR_INVALID);
    hostsession_result_free(result);
    assert_int_equal(hostsession_send(s->session, "say never\n", 10, false), HOSTSESSION_ERROR_INVALID);
    const char *pattern = "never";
    hostsession_match *match = (hostsession_match *)(uintptr_t)1;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    assert_int_equal(hostsession_expect(s->session, &pattern, 1, NULL, &match, &why), HOSTSESSION_ERROR_INVALID);
    assert_null(match);
    assert_int_equal(why.error, HOSTSESSION_ERROR_INVALID);
    assert_true(why.message[0]);
    hostsession_loop *loop = hostsession_get_loop(s->session);
    assert_int_equal(hostsession_loop_dispatch(loop), HOSTSESSION_ERROR_INVALID);
    assert_int_equal(hostsession_loop_run_once(loop, 0), HOSTSESSION_ERROR_INVALID);
    assert_int_equal(hostsession_loop_run_once(loop, -1), HOSTSESSION_ERROR_INVALID);
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    options.loop = loop;
    hostsession *session = (hostsession *)(uintptr_t)1;
    assert_int_equal(hostsession_open("local", &options, &session, &why), HOSTSESSION_ERROR_INVALID);
    assert_null(session);
}

/* ---- every callback ---- */

static void in_every_callback(void (*act)(scene *s)) {
    for (kind when = ON_OUTPUT; when < KINDS; when++)
        scene_sweep(when, act, NULL);
}

static void start_in_every_callback(void **state) {
    (void)state;
    in_every_callback(start_all);
}

static void start_and_cancel_in_every_callback(void **state) {
    (void)state;
    in_every_callback(start_and_cancel);
}

static void start_cancel_and_close_in_every_callback(void **state) {
    (void)state;
    in_every_callback(start_cancel_and_close);
}

static void cancel_current_in_every_callback(void **state) {
    (void)state;
    in_every_callback(cancel_current);
}

static void blocking_calls_in_every_callback_are_invalid(void **state) {
    (void)state;
    in_every_callback(block);
}

static void in_every_callback_of_a_blocking_call(void (*act)(scene *s)) {
    for (kind when = ON_OUTPUT; when <= ON_ENDED; when++)
        scene_sweep_blocking(when, act, NULL);
}

static void blocking_calls_in_every_callback_of_a_blocking_call_are_invalid(void **state) {
    (void)state;
    in_every_callback_of_a_blocking_call(block);
}

/* ---- callbacks that come not from dispatch but from a call ---- */

typedef struct teller {
    hostsession *session;
    int blocked;
} teller;

static void block_when_sent(void *userdata, hostsession_direction direction, const char *bytes, size_t length) {
    teller *t = userdata;
    if (direction != HOSTSESSION_SENT || t->blocked || !t->session || !memmem(bytes, length, "say one", 7))
        return;
    t->blocked++;
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(t->session, "say two", NULL, &result), HOSTSESSION_ERROR_INVALID);
    hostsession_result_free(result);
}

static void a_blocking_call_in_a_transcript_made_by_a_call(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    memory *m = memory_new(NULL);
    teller t = {0};
    hostsession_options options = memory_session(m, loop);
    options.on_transcript = block_when_sent;
    options.userdata = &t;
    t.session = open_with(&options);
    outcome run = {0};
    start_run(t.session, "say one", &run);
    drive_until(loop, &run.calls, 1);
    assert_int_equal(t.blocked, 1);
    check_result(run.result, HOSTSESSION_STATUS_SUCCESS, 0, "one\n");
    outcome_free(&run);
    hostsession_close(t.session);
    hostsession_loop_free(loop);
    memory_free(m);
}

static void block_in_done(hostsession *session, hostsession_error error, hostsession_result *result, void *userdata) {
    teller *t = userdata;
    (void)session;
    assert_int_equal(error, HOSTSESSION_ERROR_CANCELED);
    hostsession_result_free(result);
    t->blocked++;
    assert_int_equal(hostsession_run(t->session, "say two", NULL, &result), HOSTSESSION_ERROR_INVALID);
    hostsession_result_free(result);
}

/* The done of an operation that hostsession_close() cancels is a callback, too. */
static void a_blocking_call_in_a_done_made_by_a_close(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    memory *m = memory_new(NULL);
    memory *other = memory_new(NULL);
    hostsession *session = open_memory(m, loop);
    teller t = {.session = open_memory(other, loop)};
    assert_int_equal(hostsession_run_start(session, "wait here", NULL, block_in_done, &t, NULL, NULL), HOSTSESSION_OK);
    hostsession_close(session);
    assert_int_equal(t.blocked, 1);
    hostsession_close(t.session);
    hostsession_loop_free(loop);
    memory_free(m);
    memory_free(other);
}

/* ---- typing into the command that runs ---- */

static void answer(void *userdata, hostsession_stream stream, const char *bytes, size_t length) {
    teller *t = userdata;
    (void)stream;
    if (!memmem(bytes, length, "name?", 5))
        return;
    t->blocked++;
    assert_int_equal(hostsession_type(t->session, "Ann\n", 4, false), HOSTSESSION_OK);
}

static void type_in_on_output(void **state) {
    (void)state;
    memory *m = memory_new(NULL);
    teller t = {.session = open_memory(m, NULL)};
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.on_output = answer;
    options.userdata = &t;
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_type(t.session, "early\n", 6, false), HOSTSESSION_ERROR_NOT_READY);
    assert_int_equal(hostsession_run(t.session, "ask name?", &options, &result), HOSTSESSION_OK);
    check_result(result, HOSTSESSION_STATUS_SUCCESS, 0, "name?got Ann\n");
    hostsession_result_free(result);
    assert_int_equal(t.blocked, 1);
    assert_int_equal(hostsession_type(t.session, "late\n", 5, false), HOSTSESSION_ERROR_NOT_READY);
    hostsession_close(t.session);
    memory_free(m);
}

static void stop(void *userdata, hostsession_stream stream, const char *line, size_t length) {
    teller *t = userdata;
    (void)stream;
    if (length != 4 || memcmp(line, "here", 4) != 0)
        return;
    t->blocked++;
    hostsession_cancel_current(t->session);
}

static void cancel_a_blocking_run_in_on_line(void **state) {
    (void)state;
    memory *m = memory_new(NULL);
    teller t = {.session = open_memory(m, NULL)};
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.on_line = stop;
    options.userdata = &t;
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(t.session, "wait here", &options, &result), HOSTSESSION_ERROR_CANCELED);
    check_result(result, HOSTSESSION_STATUS_INTERRUPTED, -1, "here\n");
    hostsession_result_free(result);
    check_run(t.session, "say on", "on\n", 0);
    hostsession_close(t.session);
    memory_free(m);
}

/* ---- a chain: each done starts the next ---- */

typedef struct chain {
    int left;
    int bad;
} chain;

static void next(hostsession *session, hostsession_error error, hostsession_result *result, void *userdata) {
    chain *c = userdata;
    c->bad += error != HOSTSESSION_OK || strcmp(hostsession_result_output(result), "x\n") != 0;
    hostsession_result_free(result);
    if (--c->left > 0)
        c->bad += hostsession_run_start(session, "say x", NULL, next, c, NULL, NULL) != HOSTSESSION_OK;
}

static void a_chain_of_runs(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    memory *m = memory_new(NULL);
    hostsession *session = open_memory(m, loop);
    chain c = {.left = 500};
    assert_int_equal(hostsession_run_start(session, "say x", NULL, next, &c, NULL, NULL), HOSTSESSION_OK);
    long long since = clock_ms();
    while (c.left > 0 && clock_ms() - since < 30000)
        hostsession_loop_run_once(loop, 1000);
    assert_int_equal(c.left, 0);
    assert_int_equal(c.bad, 0);
    hostsession_close(session);
    hostsession_loop_free(loop);
    memory_free(m);
}

static const api_case cases[] = {
    CASE(start_in_every_callback),
    CASE(start_and_cancel_in_every_callback),
    CASE(start_cancel_and_close_in_every_callback),
    CASE(cancel_current_in_every_callback),
    CASE(blocking_calls_in_every_callback_are_invalid),
    CASE(blocking_calls_in_every_callback_of_a_blocking_call_are_invalid),
    CASE(a_blocking_call_in_a_transcript_made_by_a_call),
    CASE(a_blocking_call_in_a_done_made_by_a_close),
    CASE(type_in_on_output),
    CASE(cancel_a_blocking_run_in_on_line),
    CASE(a_chain_of_runs),
};

CASES_MAIN("start in callbacks", cases)
