/* SPDX-License-Identifier: MIT */
/* The loop inside a foreign loop, here epoll; loops in threads; watches. */
#include "cases.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* ---- a foreign loop ---- */

typedef struct foreign {
    int epoll;
    hostsession_loop *loop;
    int waits;
} foreign;

static foreign foreign_new(void) {
    foreign f = {.epoll = epoll_create1(EPOLL_CLOEXEC), .loop = new_loop()};
    struct epoll_event event = {.events = EPOLLIN};
    assert_int_equal(epoll_ctl(f.epoll, EPOLL_CTL_ADD, hostsession_loop_descriptor(f.loop), &event), 0);
    return f;
}

static void foreign_free(foreign *f) {
    close(f->epoll);
    hostsession_loop_free(f->loop);
}

/* It must be told by the descriptor or by the timeout: it sleeps as long as it may. */
static void foreign_drive(foreign *f, const int *flag) {
    long long since = clock_ms();
    while (*flag == 0) {
        int64_t timeout = hostsession_loop_timeout_ms(f->loop);
        assert_true(timeout >= -1);
        struct epoll_event event;
        int ready = epoll_wait(f->epoll, &event, 1, timeout < 0 || timeout > 20000 ? 20000 : (int)timeout);
        assert_true(ready >= 0);
        f->waits++;
        assert_int_equal(hostsession_loop_dispatch(f->loop), HOSTSESSION_OK);
        if (clock_ms() - since > 19000)
            fail_msg("the foreign loop was not woken");
    }
}

static void a_life_in_a_foreign_loop(void **state) {
    (void)state;
    foreign f = foreign_new();
    memory *m = memory_new(&(memory_options){.open_later = true, .chunk_bytes = 5, .write_bytes = 20});
    hostsession_options options = memory_session(m, f.loop);
    hostsession *session = NULL;
    outcome open = {0}, run = {0}, expect = {0}, cancelled = {0};
    assert_int_equal(hostsession_open_start("peer", &options, opened, &open, &session, NULL), HOSTSESSION_OK);
    foreign_drive(&f, &open.calls);
    assert_int_equal(open.error, HOSTSESSION_OK);
    start_run(session, "say hello", &run);
    foreign_drive(&f, &run.calls);
    check_result(run.result, HOSTSESSION_STATUS_SUCCESS, 0, "hello\n");
    outcome_free(&run);
    hostsession_operation *operation = start_expect(session, "never", &cancelled);
    hostsession_cancel(operation);
    foreign_drive(&f, &cancelled.calls);
    outcome_free(&cancelled);
    start_expect(session, "noise", &expect);
    memory_say(m, HOSTSESSION_STREAM_OUTPUT, "some noise\n", 11);
    foreign_drive(&f, &expect.calls);
    outcome_free(&expect);
    hostsession_close(session);
    check_released(m);
    foreign_free(&f);
    memory_free(m);
}

static void deadlines_in_a_foreign_loop(void **state) {
    (void)state;
    foreign f = foreign_new();
    memory *m = memory_new(NULL);
    /* cppcheck-suppress legacyUninitvar */
    memory *mute = memory_new(&(memory_options){.mute = true});
    hostsession_options options = memory_session(m, f.loop);
    hostsession *session = NULL;
    hostsession *never = NULL;
    outcome open = {0}, failed = {0}, run = {0}, expect = {0}, stubborn = {0};
    options.recovery_timeout_ms = 60;
    assert_int_equal(hostsession_open_start("peer", &options, opened, &open, &session, NULL), HOSTSESSION_OK);
    foreign_drive(&f, &open.calls);
    options = memory_session(mute, f.loop);
    options.connect_timeout_ms = 30;
    assert_int_equal(hostsession_open_start("mute", &options, opened, &failed, &never, NULL), HOSTSESSION_OK);
    foreign_drive(&f, &failed.calls);
    assert_int_equal(failed.error, HOSTSESSION_ERROR_NOT_READY);
    hostsession_close(never);

    hostsession_run_options soon = HOSTSESSION_RUN_OPTIONS_INIT;
    soon.timeout_ms = 30;
    assert_int_equal(hostsession_run_start(session, "wait here", &soon, ran, &run, NULL, NULL), HOSTSESSION_OK);
    foreign_drive(&f, &run.calls);
    assert_int_equal(run.error, HOSTSESSION_ERROR_TIMED_OUT);
    outcome_free(&run);

    hostsession_expect_options later = HOSTSESSION_EXPECT_OPTIONS_INIT;
    later.timeout_ms = 30;
    const char *pattern = "never";
    assert_int_equal(hostsession_expect_start(session, &pattern, 1, &later, expected, &expect, NULL, NULL),
                     HOSTSESSION_OK);
    foreign_drive(&f, &expect.calls);
    assert_int_equal(expect.error, HOSTSESSION_ERROR_TIMED_OUT);
    outcome_free(&expect);

    /* The steps of recovery, too. */
    assert_int_equal(hostsession_run_start(session, "stubborn", &soon, ran, &stubborn, NULL, NULL), HOSTSESSION_OK);
    foreign_drive(&f, &stubborn.calls);
    assert_int_equal(stubborn.error, HOSTSESSION_ERROR_TIMED_OUT);
    assert_false(hostsession_result_session_alive(stubborn.result));
    outcome_free(&stubborn);
    /* It slept, and did not ask all the time. */
    assert_true(f.waits < 200);
    hostsession_close(session);
    foreign_free(&f);
    memory_free(m);
    memory_free(mute);
}

static void a_local_shell_in_a_foreign_loop(void **state) {
    (void)state;
    foreign f = foreign_new();
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    options.loop = f.loop;
    options.shell = "sh";
    options.connect_timeout_ms = 19000;
    hostsession *session = NULL;
    outcome open = {0}, run = {0}, last = {0};
    assert_int_equal(hostsession_open_start("local", &options, opened, &open, &session, NULL), HOSTSESSION_OK);
    foreign_drive(&f, &open.calls);
    assert_int_equal(open.error, HOSTSESSION_OK);
    start_run(session, "echo hello; (exit 3)", &run);
    foreign_drive(&f, &run.calls);
    check_result(run.result, HOSTSESSION_STATUS_FAILED, 3, "hello\n");
    outcome_free(&run);
    start_run(session, "exit 4", &last);
    foreign_drive(&f, &last.calls);
    check_result(last.result, HOSTSESSION_STATUS_SHELL_EXITED, 4, "");
    outcome_free(&last);
    hostsession_close(session);
    foreign_free(&f);
}

/* Without anything to wait for it says so. */
static void an_empty_loop_sleeps_for_ever(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    assert_int_equal(hostsession_loop_timeout_ms(loop), -1);
    assert_true(hostsession_loop_descriptor(loop) >= 0);
    assert_int_equal(hostsession_loop_dispatch(loop), HOSTSESSION_OK);
    assert_int_equal(hostsession_loop_run_once(loop, 0), HOSTSESSION_OK);
    assert_int_equal(hostsession_loop_run_once(loop, 1), HOSTSESSION_OK);
    hostsession_loop_free(loop);
}

/* ---- threads ---- */

typedef struct worker {
    pthread_t thread;
    int right;
} worker;

enum { rounds = 20, workers = 4 };

/* Assertions belong to the main thread: a worker counts. */
static void *work(void *data) {
    worker *w = data;
    hostsession_loop *loop = NULL;
    if (hostsession_loop_new(&loop, NULL) != HOSTSESSION_OK)
        return NULL;
    memory *m = memory_new(&(memory_options){.chunk_bytes = 11});
    hostsession_options options = memory_session(m, loop);
    hostsession *session = NULL;
    if (hostsession_open("peer", &options, &session, NULL) == HOSTSESSION_OK) {
        for (int i = 0; i < rounds; i++) {
            hostsession_result *result = NULL;
            if (hostsession_run(session, "say hello\nstatus 5", NULL, &result) == HOSTSESSION_OK &&
                hostsession_result_exit_status(result) == 5 &&
                strcmp(hostsession_result_output(result), "hello\n") == 0)
                w->right++;
            hostsession_result_free(result);
        }
    }
    hostsession_close(session);
    hostsession_options local = HOSTSESSION_OPTIONS_INIT;
    local.loop = loop;
    local.shell = "sh";
    local.connect_timeout_ms = 30000;
    if (hostsession_open("local", &local, &session, NULL) == HOSTSESSION_OK) {
        hostsession_result *result = NULL;
        if (hostsession_run(session, "echo $((20 + 3))", NULL, &result) == HOSTSESSION_OK &&
            strcmp(hostsession_result_output(result), "23\n") == 0)
            w->right++;
        hostsession_result_free(result);
    }
    hostsession_close(session);
    hostsession_loop_free(loop);
    memory_free(m);
    return NULL;
}

static void loops_in_threads(void **state) {
    (void)state;
    worker w[workers] = {{0}};
    for (int i = 0; i < workers; i++)
        assert_int_equal(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
    for (int i = 0; i < workers; i++)
        assert_int_equal(pthread_join(w[i].thread, NULL), 0);
    for (int i = 0; i < workers; i++)
        assert_int_equal(w[i].right, rounds + 1);
}

static void *drive(void *data) {
    worker *w = data;
    hostsession *session = *(hostsession **)(void *)(w + 1);
    hostsession_result *result = NULL;
    w->right = hostsession_run(session, "say hello", NULL, &result) == HOSTSESSION_OK;
    hostsession_result_free(result);
    return NULL;
}

/* One thread at a time, but not always the same. */
static void a_session_moves_to_another_thread(void **state) {
    (void)state;
    struct {
        worker worker;
        hostsession *session;
    } both = {{0}, NULL};
    memory *m = memory_new(NULL);
    both.session = open_memory(m, NULL);
    assert_int_equal(pthread_create(&both.worker.thread, NULL, drive, &both), 0);
    assert_int_equal(pthread_join(both.worker.thread, NULL), 0);
    assert_true(both.worker.right);
    check_run(both.session, "say back", "back\n", 0);
    hostsession_close(both.session);
    memory_free(m);
}

/* ---- watches ---- */

typedef struct seen {
    hostsession_watch *watch;
    int calls;
    unsigned events;
    bool free_it;
} seen;

static void on_ready(void *userdata, unsigned events) {
    seen *s = userdata;
    s->calls++;
    s->events |= events;
    if (s->free_it) {
        hostsession_watch_free(s->watch);
        s->watch = NULL;
    }
}

static void watches_are_level_triggered(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    seen s = {0};
    assert_int_equal(hostsession_watch_new(loop, ends[0], HOSTSESSION_WATCH_READABLE, on_ready, &s, &s.watch),
                     HOSTSESSION_OK);
    drive_idle(loop);
    assert_int_equal(s.calls, 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    drive_until(loop, &s.calls, 2);
    assert_int_equal(s.events, HOSTSESSION_WATCH_READABLE);
    hostsession_watch_set_events(s.watch, 0);
    int calls = s.calls;
    drive_idle(loop);
    assert_int_equal(s.calls, calls);
    hostsession_watch_set_events(s.watch, HOSTSESSION_WATCH_READABLE);
    s.free_it = true;
    drive_until(loop, &s.calls, calls + 1);
    drive_idle(loop);
    assert_int_equal(s.calls, calls + 1);
    assert_null(s.watch);
    close(ends[0]);
    close(ends[1]);
    hostsession_loop_free(loop);
}

static void a_hangup_is_readable(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    seen s = {0};
    assert_int_equal(hostsession_watch_new(loop, ends[0], HOSTSESSION_WATCH_READABLE, on_ready, &s, &s.watch),
                     HOSTSESSION_OK);
    close(ends[1]);
    drive_until(loop, &s.calls, 1);
    assert_int_equal(s.events, HOSTSESSION_WATCH_READABLE);
    hostsession_watch_free(s.watch);
    close(ends[0]);
    hostsession_loop_free(loop);
}

static const api_case cases[] = {
    CASE(a_life_in_a_foreign_loop),
    CASE(deadlines_in_a_foreign_loop),
    CASE(a_local_shell_in_a_foreign_loop),
    CASE(an_empty_loop_sleeps_for_ever),
    CASE(loops_in_threads),
    CASE(a_session_moves_to_another_thread),
    CASE(watches_are_level_triggered),
    CASE(a_hangup_is_readable),
};

CASES_MAIN("loops", cases)
