/* SPDX-License-Identifier: MIT */
#include "scene.h"

#include <stdio.h>
#include <string.h>

const char *const kind_names[KINDS] = {"on_output", "on_line",    "on_unsolicited", "on_log",     "on_transcript",
                                       "on_ended",  "open: done", "run: done",      "send: done", "expect: done"};

void scene_close(scene *s) {
    hostsession *session = s->session;
    s->session = NULL;
    hostsession_close(session);
}

static void called(scene *s, kind which) {
    s->calls[which]++;
    if (which != s->when || s->calls[which] != s->number || !s->session)
        return;
    s->acted = true;
    s->act(s);
}

/* ---- a callback of every kind; none comes after a close ---- */

static void on_output(void *userdata, hostsession_stream stream, const char *bytes, size_t length) {
    scene *s = userdata;
    (void)stream;
    assert_non_null(s->session);
    assert_non_null(bytes);
    assert_true(length > 0);
    called(s, ON_OUTPUT);
}

static void on_line(void *userdata, hostsession_stream stream, const char *bytes, size_t length) {
    scene *s = userdata;
    (void)stream;
    (void)bytes;
    (void)length;
    assert_non_null(s->session);
    called(s, ON_LINE);
}

static void on_unsolicited(void *userdata, hostsession_stream stream, const char *bytes, size_t length) {
    scene *s = userdata;
    (void)stream;
    (void)bytes;
    (void)length;
    assert_true(s->session || s->calls[OPEN_DONE] == 0);
    called(s, ON_UNSOLICITED);
}

static void on_log(void *userdata, hostsession_log_level level, const char *message) {
    scene *s = userdata;
    (void)level;
    assert_null(strchr(message, '\n'));
    called(s, ON_LOG);
}

static void on_transcript(void *userdata, hostsession_direction direction, const char *bytes, size_t length) {
    scene *s = userdata;
    (void)direction;
    (void)bytes;
    (void)length;
    called(s, ON_TRANSCRIPT);
}

static void on_ended(void *userdata, hostsession *session, const hostsession_failure *why) {
    scene *s = userdata;
    assert_ptr_equal(session, s->session);
    assert_int_not_equal(why->error, HOSTSESSION_OK);
    /* After the done of the operation that it ended in. */
    assert_int_equal(s->last.calls, 1);
    called(s, ON_ENDED);
    assert_int_equal(s->calls[ON_ENDED], 1);
}

static scene *current;

static void open_done(hostsession *session, const hostsession_failure *failure, void *userdata) {
    opened(session, failure, userdata);
    called(current, OPEN_DONE);
}

static void run_done(hostsession *session, hostsession_error error, hostsession_result *result, void *userdata) {
    ran(session, error, result, userdata);
    called(current, RUN_DONE);
}

static void send_done(hostsession *session, const hostsession_failure *failure, void *userdata) {
    sent(session, failure, userdata);
    called(current, SEND_DONE);
}

static void expect_done(hostsession *session, const hostsession_failure *failure, hostsession_match *match,
                        void *userdata) {
    expected(session, failure, match, userdata);
    called(current, EXPECT_DONE);
}

/* ---- the lives ---- */

static hostsession_options options_of(scene *s) {
    hostsession_options options = memory_session(s->m, s->loop);
    options.on_unsolicited = on_unsolicited;
    options.on_log = on_log;
    options.on_transcript = on_transcript;
    options.on_ended = on_ended;
    options.userdata = s;
    return options;
}

static hostsession_run_options run_options_of(scene *s) {
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.on_output = on_output;
    options.on_line = on_line;
    options.userdata = s;
    return options;
}

static void queue_run(scene *s, const char *command, outcome *o) {
    hostsession_run_options options = run_options_of(s);
    o->counter = &s->counter;
    assert_int_equal(hostsession_run_start(s->session, command, &options, run_done, o, NULL, NULL), HOSTSESSION_OK);
}

static void queue_all(scene *s) {
    const char *pattern = "ra(w)";
    queue_run(s, "lines 3\nbytes 10", &s->lines);
    queue_run(s, "wait here", &s->waits);
    s->send.counter = s->expect.counter = &s->counter;
    assert_int_equal(hostsession_send_start(s->session, "say raw\n", 8, false, send_done, &s->send, NULL),
                     HOSTSESSION_OK);
    assert_int_equal(hostsession_expect_start(s->session, &pattern, 1, NULL, expect_done, &s->expect, NULL, NULL),
                     HOSTSESSION_OK);
    queue_run(s, "say last\nexit 7", &s->last);
}

static void check_extra(scene *s) {
    for (int i = 0; i < s->extra_started; i++) {
        assert_int_equal(s->extra[i].calls, 1);
        outcome_free(&s->extra[i]);
    }
}

/* Once each, and in order. */
static void check_done(scene *s) {
    outcome *in_order[] = {&s->lines, &s->waits, &s->send, &s->expect, &s->last};
    assert_int_equal(s->open.calls, 1);
    int before = 0;
    for (size_t i = 0; i < sizeof in_order / sizeof in_order[0]; i++) {
        assert_int_equal(in_order[i]->calls, 1);
        if (in_order[i]->error != HOSTSESSION_ERROR_CANCELED)
            assert_true(in_order[i]->place > before);
        before = in_order[i]->place;
        outcome_free(in_order[i]);
    }
    check_extra(s);
}

void scene_play(scene *s, const memory_options *how) {
    current = s;
    s->loop = new_loop();
    s->m = memory_new(how);
    hostsession_options options = options_of(s);
    s->open.counter = &s->counter;
    assert_int_equal(hostsession_open_start("peer", &options, open_done, &s->open, &s->session, NULL), HOSTSESSION_OK);
    queue_all(s);
    long long since = clock_ms();
    /* The last one ends the shell, unless it was cancelled. */
    while (s->session && hostsession_get_state(s->session) != HOSTSESSION_ENDED &&
           s->last.error != HOSTSESSION_ERROR_CANCELED) {
        hostsession_loop_run_once(s->loop, 1000);
        if (clock_ms() - since > 20000)
            fail_msg("%s, call %d: it does not go on", kind_names[s->when], s->number);
        if (s->session && memory_waits(s->m) && !s->cancelled && s->lines.calls) {
            s->cancelled = true;
            hostsession_cancel_current(s->session);
        }
    }
    drive_idle(s->loop);
    if (s->session)
        scene_close(s);
    check_released(s->m);
    check_done(s);
    hostsession_loop_free(s->loop);
    memory_free(s->m);
}

static void blocking_run(scene *s, const char *command, int64_t timeout_ms) {
    if (!s->session)
        return;
    hostsession_run_options options = run_options_of(s);
    options.timeout_ms = timeout_ms;
    hostsession_result *result = NULL;
    hostsession_error error = hostsession_run(s->session, command, &options, &result);
    assert_non_null(result);
    /* Closed before the command was started, while it waited or ran, or after it ended the shell. */
    if (!s->session && error != HOSTSESSION_ERROR_CLOSED && error != HOSTSESSION_ERROR_SHELL_EXITED)
        assert_int_equal(error, HOSTSESSION_ERROR_CANCELED);
    hostsession_result_free(result);
}

static void blocking_expect(scene *s) {
    if (!s->session)
        return;
    const char *pattern = "ra(w)";
    hostsession_match *match = NULL;
    hostsession_error error = hostsession_expect(s->session, &pattern, 1, NULL, &match, NULL);
    /* Closed before or after the match. */
    if (s->session || error != HOSTSESSION_ERROR_CANCELED)
        assert_int_equal(error, HOSTSESSION_OK);
    hostsession_match_free(match);
}

void scene_play_blocking(scene *s, const memory_options *how, bool own_loop) {
    current = s;
    s->loop = own_loop ? NULL : new_loop();
    s->m = memory_new(how);
    hostsession_options options = options_of(s);
    s->last.calls = 1;
    assert_int_equal(hostsession_open("peer", &options, &s->session, NULL), HOSTSESSION_OK);
    memset(s->calls, 0, sizeof s->calls);
    blocking_run(s, "lines 3\nbytes 10", 0);
    blocking_run(s, "wait here", 1);
    if (s->session)
        hostsession_send(s->session, "say raw\n", 8, false);
    blocking_expect(s);
    blocking_run(s, "say then", 0);
    if (s->session)
        memory_say(s->m, HOSTSESSION_STREAM_OUTPUT, "noise\n", 6);
    blocking_run(s, "say last\nexit 7", 0);
    /* A loop of the session's own is not driven by anybody any more. */
    if (!own_loop)
        drive_idle(s->loop);
    if (s->session)
        scene_close(s);
    check_released(s->m);
    check_extra(s);
    hostsession_loop_free(s->loop);
    memory_free(s->m);
}

/* ---- sweeps ---- */

static const memory_options deliveries[] = {
    {.open_later = true},
    {.open_later = true, .chunk_bytes = 9, .write_bytes = 50},
    {.open_later = true, .knows_terminal = true},
};
enum { delivery_count = sizeof deliveries / sizeof deliveries[0], most_calls = 2000 };

void scene_sweep(kind when, void (*act)(scene *s), void (*check)(scene *s)) {
    for (int i = 0; i < delivery_count; i++) {
        bool acted = true;
        int number = 1;
        for (; acted && number < most_calls; number++) {
            scene s = {.when = when, .number = number, .act = act};
            scene_play(&s, &deliveries[i]);
            if (check)
                check(&s);
            acted = s.acted;
        }
        /* The kind was called at all. */
        assert_true(number > 2);
    }
}

void scene_sweep_blocking(kind when, void (*act)(scene *s), void (*check)(scene *s)) {
    for (int own_loop = 0; own_loop < 2; own_loop++)
        for (int i = 0; i < delivery_count; i++) {
            bool acted = true;
            int number = 1;
            for (; acted && number < most_calls; number++) {
                scene s = {.when = when, .number = number, .act = act};
                scene_play_blocking(&s, &deliveries[i], own_loop);
                if (check)
                    check(&s);
                acted = s.acted;
            }
            assert_true(number > 2);
        }
}
