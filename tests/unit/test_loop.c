/* SPDX-License-Identifier: MIT */
#include "loop/loop.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

/* Bounds a wait that does not end by itself. */
enum { patience_ms = 20000 };

static hostsession_loop *make_loop(void) {
    hostsession_loop *loop = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    assert_int_equal(hostsession_loop_new(&loop, &why), HOSTSESSION_OK);
    return loop;
}

static void make_pipe(int ends[2]) {
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
}

static void close_pipe(int ends[2]) {
    close(ends[0]);
    close(ends[1]);
}

/* ---- Timers ---------------------------------------------------------------------------------------------------- */

typedef struct test_timer {
    loop_timer timer;
    hostsession_loop *loop;
    int64_t at_us;
    int64_t fired_us;
    int fired;
    int *order;
    int place;
} test_timer;

static void on_timer(loop_timer *timer) {
    test_timer *test = list_item(timer, test_timer, timer);
    test->fired++;
    test->fired_us = loop_now_us(test->loop);
    if (test->order)
        test->place = (*test->order)++;
}

static void init_timer(test_timer *test, hostsession_loop *loop, void (*expired)(loop_timer *timer)) {
    memset(test, 0, sizeof *test);
    test->loop = loop;
    assert_true(loop_timer_init(&test->timer, loop, expired));
}

static void set_timer_in(test_timer *test, int64_t in_us) {
    loop_update_now(test->loop);
    test->at_us = loop_now_us(test->loop) + in_us;
    loop_timer_set(&test->timer, test->at_us);
}

static void wait_fired(test_timer *test, int times) {
    for (int i = 0; i < 1000 && test->fired < times; i++)
        assert_int_equal(hostsession_loop_run_once(test->loop, patience_ms), HOSTSESSION_OK);
    assert_int_equal(test->fired, times);
}

static void timers_fire_in_order_and_never_early(void **state) {
    (void)state;
    hostsession_loop *loop = make_loop();
    int order = 0;
    test_timer timers[3];
    static const int64_t in_us[3] = {5300, 1, 2700};
    for (int i = 0; i < 3; i++) {
        init_timer(&timers[i], loop, on_timer);
        timers[i].order = &order;
    }
    loop_update_now(loop);
    for (int i = 0; i < 3; i++) {
        timers[i].at_us = loop_now_us(loop) + in_us[i];
        loop_timer_set(&timers[i].timer, timers[i].at_us);
    }
    wait_fired(&timers[0], 1);
    assert_int_equal(timers[1].place, 0);
    assert_int_equal(timers[2].place, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(timers[i].fired, 1);
        assert_true(timers[i].fired_us >= timers[i].at_us);
        loop_timer_destroy(&timers[i].timer);
    }
    hostsession_loop_free(loop);
}

static void on_timer_again(loop_timer *timer) {
    test_timer *test = list_item(timer, test_timer, timer);
    on_timer(timer);
    loop_timer_set(timer, loop_now_us(test->loop));
}

static void a_timer_that_sets_itself_to_now_leaves_the_pass(void **state) {
    (void)state;
    hostsession_loop *loop = make_loop();
    test_timer test;
    init_timer(&test, loop, on_timer_again);
    set_timer_in(&test, 0);
    wait_fired(&test, 1);
    wait_fired(&test, 2);
    loop_timer_destroy(&test.timer);
    hostsession_loop_free(loop);
}

static void on_timer_destroy(loop_timer *timer) {
    test_timer *test = list_item(timer, test_timer, timer);
    int *fired = test->order;
    loop_timer_destroy(timer);
    free(test);
    (*fired)++;
}

static void a_timer_may_be_destroyed_in_its_callback(void **state) {
    (void)state;
    hostsession_loop *loop = make_loop();
    int fired = 0;
    test_timer *test = malloc(sizeof *test);
    assert_non_null(test);
    init_timer(test, loop, on_timer_destroy);
    test->order = &fired;
    set_timer_in(test, 0);
    for (int i = 0; i < 100 && !fired; i++)
        hostsession_loop_run_once(loop, patience_ms);
    assert_int_equal(fired, 1);
    hostsession_loop_free(loop);
}

static void a_stopped_or_replaced_timer_does_not_fire(void **state) {
    (void)state;
    hostsession_loop *loop = make_loop();
    test_timer stopped, replaced, last;
    init_timer(&stopped, loop, on_timer);
    init_timer(&replaced, loop, on_timer);
    init_timer(&last, loop, on_timer);
    set_timer_in(&stopped, 1000);
    set_timer_in(&replaced, 1000);
    set_timer_in(&replaced, INT64_MAX / 4);
    set_timer_in(&last, 3000);
    loop_timer_stop(&stopped.timer);
    wait_fired(&last, 1);
    assert_int_equal(stopped.fired, 0);
    assert_int_equal(replaced.fired, 0);
    loop_timer_destroy(&stopped.timer);
    loop_timer_destroy(&replaced.timer);
    loop_timer_destroy(&last.timer);
    hostsession_loop_free(loop);
}

/* A due timer may have done what the caller waits for: the same call must not sleep after it. */
static void run_once_does_not_sleep_after_a_due_timer(void **state) {
    (void)state;
    hostsession_loop *loop = make_loop();
    int ends[2];
    make_pipe(ends);
    hostsession_watch *watch;
    test_timer test;
    init_timer(&test, loop, on_timer);
    assert_int_equal(hostsession_watch_new(loop, ends[0], HOSTSESSION_WATCH_READABLE, NULL, NULL, &watch),
                     HOSTSESSION_OK);
    for (int i = 1; i <= 50; i++) {
        set_timer_in(&test, 0);
        /* Without a limit: would hang. */
        while (test.fired < i)
            assert_int_equal(hostsession_loop_run_once(loop, -1), HOSTSESSION_OK);
    }
    loop_timer_destroy(&test.timer);
    hostsession_watch_free(watch);
    close_pipe(ends);
    hostsession_loop_free(loop);
}

static void run_once_has_a_limit_and_needs_something_to_wait_for(void **state) {
    (void)state;
    hostsession_loop *loop = make_loop();
    assert_int_equal(hostsession_loop_timeout_ms(loop), -1);
    assert_int_equal(hostsession_loop_run_once(loop, -1), HOSTSESSION_OK);
    loop_update_now(loop);
    int64_t before_us = loop_now_us(loop);
    assert_int_equal(hostsession_loop_run_once(loop, 20), HOSTSESSION_OK);
    assert_true(loop_now_us(loop) - before_us >= 18000);
    hostsession_loop_free(loop);
}

/* In libuv's place: the processor is away for longer than the wait may last, once that has begun. */
static int64_t away_us;

void uv_update_time(uv_loop_t *loop) {
    void (*next)(uv_loop_t *);
    void *found = dlsym(RTLD_NEXT, "uv_update_time");
    memcpy(&next, &found, sizeof next);
    next(loop);
    for (uint64_t until = uv_hrtime() + (uint64_t)away_us * 1000; away_us > 0 && uv_hrtime() < until;)
        continue;
}

static void run_once_has_a_limit_that_may_pass_before_the_wait(void **state) {
    (void)state;
    hostsession_loop *loop = make_loop();
    test_timer hour;
    init_timer(&hour, loop, on_timer);
    set_timer_in(&hour, 3600 * 1000000LL);
    away_us = 5000;
    assert_int_equal(hostsession_loop_run_once(loop, 1), HOSTSESSION_OK);
    away_us = 0;
    assert_int_equal(hour.fired, 0);
    loop_timer_destroy(&hour.timer);
    hostsession_loop_free(loop);
}

/* ---- Tasks ----------------------------------------------------------------------------------------------------- */

typedef struct test_task {
    loop_task task;
    hostsession_loop *loop;
    int *order;
    int place;
    int runs;
    struct test_task *other;
} test_task;

static void on_task(loop_task *task) {
    test_task *test = list_item(task, test_task, task);
    test->runs++;
    if (test->order)
        test->place = (*test->order)++;
}

static void tasks_run_once_in_order(void **state) {
    (void)state;
    hostsession_loop *loop = make_loop();
    int order = 0;
    test_task tasks[3] = {{.task.run = on_task}, {.task.run = on_task}, {.task.run = on_task}};
    for (int i = 0; i < 3; i++) {
        tasks[i].order = &order;
        loop_post(loop, &tasks[2 - i].task);
        loop_post(loop, &tasks[2 - i].task);
    }
    assert_int_equal(hostsession_loop_timeout_ms(loop), 0);
    hostsession_loop_run_once(loop, -1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tasks[i].runs, 1);
        assert_int_equal(tasks[i].place, 2 - i);
    }
    assert_int_equal(hostsession_loop_timeout_ms(loop), -1);
    hostsession_loop_free(loop);
}

static void on_task_unpost(loop_task *task) {
    on_task(task);
    loop_unpost(&list_item(task, test_task, task)->other->task);
}

static void a_task_can_be_unposted_by_an_earlier_one(void **state) {
    (void)state;
    hostsession_loop *loop = make_loop();
    test_task second = {.task.run = on_task};
    test_task first = {.task.run = on_task_unpost, .other = &second};
    loop_post(loop, &first.task);
    loop_post(loop, &second.task);
    hostsession_loop_dispatch(loop);
    hostsession_loop_dispatch(loop);
    assert_int_equal(first.runs, 1);
    assert_int_equal(second.runs, 0);
    hostsession_loop_free(loop);
}

static void on_task_again(loop_task *task) {
    test_task *test = list_item(task, test_task, task);
    on_task(task);
    loop_post(test->loop, task);
}

static void count_ready(void *userdata, unsigned events) {
    (void)events;
    (*(int *)userdata)++;
}

static void a_task_that_posts_itself_starves_nothing_and_keeps_the_loop_awake(void **state) {
    (void)state;
    hostsession_loop *loop = make_loop();
    int ends[2], ready = 0;
    make_pipe(ends);
    hostsession_watch *watch;
    assert_int_equal(hostsession_watch_new(loop, ends[0], HOSTSESSION_WATCH_READABLE, count_ready, &ready, &watch),
                     HOSTSESSION_OK);
    assert_int_equal(write(ends[1], "x", 1), 1);
    test_task test = {.task.run = on_task_again, .loop = loop};
    loop_post(loop, &test.task);
    for (int i = 1; i <= 5; i++) {
        hostsession_loop_run_once(loop, -1);
        assert_int_equal(test.runs, i);
        assert_int_equal(ready, i);
    }
    loop_unpost(&test.task);
    hostsession_watch_free(watch);
    close_pipe(ends);
    hostsession_loop_free(loop);
}

static void on_task_dispatch(loop_task *task) {
    test_task *test = list_item(task, test_task, task);
    on_task(task);
    assert_true(loop_in_dispatch(test->loop));
    assert_int_equal(hostsession_loop_dispatch(test->loop), HOSTSESSION_ERROR_INVALID);
    assert_int_equal(hostsession_loop_run_once(test->loop, 0), HOSTSESSION_ERROR_INVALID);
    assert_int_equal(hostsession_loop_run_once(test->loop, 10), HOSTSESSION_ERROR_INVALID);
}

static void dispatch_does_not_nest(void **state) {
    (void)state;
    hostsession_loop *loop = make_loop();
    test_task test = {.task.run = on_task_dispatch, .loop = loop};
    loop_post(loop, &test.task);
    assert_int_equal(hostsession_loop_dispatch(loop), HOSTSESSION_OK);
    assert_int_equal(test.runs, 1);
    assert_false(loop_in_dispatch(loop));
    hostsession_loop_free(loop);
}

/* ---- Watches --------------------------------------------------------------------------------------------------- */

typedef struct test_watch {
    hostsession_loop *loop;
    hostsession_watch *watch;
    unsigned events;
    int calls;
    int64_t now_us;
    struct test_watch *other;
} test_watch;

static void on_ready(void *userdata, unsigned events) {
    test_watch *test = userdata;
    test->events = events;
    test->calls++;
    test->now_us = loop_now_us(test->loop);
}

static void watch_pipe(test_watch *test, hostsession_loop *loop, int descriptor, unsigned events) {
    memset(test, 0, sizeof *test);
    test->loop = loop;
    assert_int_equal(hostsession_watch_new(loop, descriptor, events, on_ready, test, &test->watch), HOSTSESSION_OK);
}

static void a_watch_reports_what_it_waits_for(void **state) {
    (void)state;
    hostsession_loop *loop = make_loop();
    int ends[2];
    make_pipe(ends);
    test_watch reader, writer;
    watch_pipe(&reader, loop, ends[0], HOSTSESSION_WATCH_READABLE);
    watch_pipe(&writer, loop, ends[1], 0);
    hostsession_loop_dispatch(loop);
    assert_int_equal(reader.calls, 0);
    assert_int_equal(writer.calls, 0);
    hostsession_watch_set_events(writer.watch, HOSTSESSION_WATCH_WRITABLE);
    hostsession_loop_run_once(loop, patience_ms);
    assert_int_equal(writer.calls, 1);
    assert_int_equal(writer.events, HOSTSESSION_WATCH_WRITABLE);
    hostsession_watch_set_events(writer.watch, 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    hostsession_loop_run_once(loop, patience_ms);
    hostsession_loop_run_once(loop, patience_ms);
    assert_int_equal(reader.calls, 2);
    assert_int_equal(reader.events, HOSTSESSION_WATCH_READABLE);
    assert_int_equal(writer.calls, 1);
    hostsession_watch_free(reader.watch);
    hostsession_watch_free(writer.watch);
    hostsession_watch_free(NULL);
    close_pipe(ends);
    hostsession_loop_free(loop);
}

static void hangup_and_error_are_readable_as_long_as_they_last(void **state) {
    (void)state;
    hostsession_loop *loop = make_loop();
    int hung_up[2], broken[2];
    make_pipe(hung_up);
    make_pipe(broken);
    test_watch reader, writer;
    watch_pipe(&reader, loop, hung_up[0], HOSTSESSION_WATCH_READABLE);
    watch_pipe(&writer, loop, broken[1], HOSTSESSION_WATCH_WRITABLE);
    close(hung_up[1]);
    close(broken[0]);
    for (int i = 1; i <= 3; i++) {
        hostsession_loop_run_once(loop, patience_ms);
        assert_int_equal(reader.calls, i);
        assert_int_equal(writer.calls, i);
        assert_true(reader.events & HOSTSESSION_WATCH_READABLE);
        assert_true(writer.events & HOSTSESSION_WATCH_READABLE);
    }
    hostsession_watch_free(reader.watch);
    hostsession_watch_free(writer.watch);
    close(hung_up[0]);
    close(broken[1]);
    hostsession_loop_free(loop);
}

static void a_hung_up_terminal_is_readable_for_one_that_also_writes(void **state) {
    (void)state;
    hostsession_loop *loop = make_loop();
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    char path[64];
    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    assert_int_equal(ptsname_r(master, path, sizeof path), 0);
    int slave = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    test_watch both;
    watch_pipe(&both, loop, master, HOSTSESSION_WATCH_READABLE | HOSTSESSION_WATCH_WRITABLE);
    hostsession_loop_run_once(loop, patience_ms);
    assert_int_equal(both.events, HOSTSESSION_WATCH_WRITABLE);
    close(slave);
    hostsession_loop_run_once(loop, patience_ms);
    assert_int_equal(both.events, HOSTSESSION_WATCH_READABLE | HOSTSESSION_WATCH_WRITABLE);
    hostsession_watch_free(both.watch);
    close(master);
    hostsession_loop_free(loop);
}

typedef struct late_timer {
    test_timer timer;
    const test_watch *reader;
    int calls_before;
} late_timer;

static void on_late(loop_timer *timer) {
    late_timer *late = list_item(timer, late_timer, timer.timer);
    late->timer.fired++;
    late->calls_before = late->reader->calls;
}

/* A loop that nobody has dispatched for a while. */
static void descriptors_come_before_timers_that_are_late(void **state) {
    (void)state;
    for (int once = 0; once < 2; once++) {
        hostsession_loop *loop = make_loop();
        int ends[2];
        make_pipe(ends);
        test_watch reader;
        late_timer late = {.reader = &reader};
        watch_pipe(&reader, loop, ends[0], HOSTSESSION_WATCH_READABLE);
        hostsession_loop_dispatch(loop);
        init_timer(&late.timer, loop, on_late);
        set_timer_in(&late.timer, 1000);
        assert_int_equal(write(ends[1], "x", 1), 1);
        poll(NULL, 0, 5);
        if (once)
            hostsession_loop_run_once(loop, patience_ms);
        else
            hostsession_loop_dispatch(loop);
        assert_int_equal(late.timer.fired, 1);
        assert_int_equal(late.calls_before, 1);
        loop_timer_destroy(&late.timer.timer);
        hostsession_watch_free(reader.watch);
        close_pipe(ends);
        hostsession_loop_free(loop);
    }
}

static void on_ready_free_both(void *userdata, unsigned events) {
    test_watch *test = userdata;
    on_ready(userdata, events);
    hostsession_watch_free(test->watch);
    hostsession_watch_free(test->other->watch);
}

static void a_freed_watch_is_silent_at_once(void **state) {
    (void)state;
    hostsession_loop *loop = make_loop();
    int one[2], two[2];
    make_pipe(one);
    make_pipe(two);
    test_watch first = {.loop = loop}, second = {.loop = loop};
    first.other = &second;
    second.other = &first;
    assert_int_equal(write(one[1], "x", 1), 1);
    assert_int_equal(write(two[1], "x", 1), 1);
    assert_int_equal(hostsession_watch_new(loop, one[0], HOSTSESSION_WATCH_READABLE, on_ready_free_both, &first,
                                           &first.watch),
                     HOSTSESSION_OK);
    assert_int_equal(hostsession_watch_new(loop, two[0], HOSTSESSION_WATCH_READABLE, on_ready_free_both, &second,
                                           &second.watch),
                     HOSTSESSION_OK);
    for (int i = 0; i < 3; i++)
        hostsession_loop_run_once(loop, 0);
    assert_int_equal(first.calls + second.calls, 1);
    close_pipe(one);
    close_pipe(two);
    hostsession_loop_free(loop);
}

static void a_watch_needs_a_descriptor_that_can_be_polled(void **state) {
    (void)state;
    hostsession_loop *loop = make_loop();
    hostsession_watch *watch = NULL;
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_true(file >= 0);
    assert_int_equal(hostsession_watch_new(loop, file, HOSTSESSION_WATCH_READABLE, count_ready, NULL, &watch),
                     HOSTSESSION_ERROR_INVALID);
    close(file);
    assert_int_equal(hostsession_watch_new(loop, file, HOSTSESSION_WATCH_READABLE, count_ready, NULL, &watch),
                     HOSTSESSION_ERROR_INVALID);
    int ends[2];
    make_pipe(ends);
    test_watch first;
    watch_pipe(&first, loop, ends[0], HOSTSESSION_WATCH_READABLE);
    assert_int_equal(hostsession_watch_new(loop, ends[0], HOSTSESSION_WATCH_READABLE, count_ready, NULL, &watch),
                     HOSTSESSION_ERROR_INVALID);
    hostsession_watch_free(first.watch);
    close_pipe(ends);
    hostsession_loop_free(loop);
}

static void a_watch_leaves_the_descriptor_blocking(void **state) {
    (void)state;
    hostsession_loop *loop = make_loop();
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    test_watch test;
    watch_pipe(&test, loop, ends[0], HOSTSESSION_WATCH_READABLE);
    hostsession_loop_run_once(loop, 0);
    assert_int_equal(fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0);
    hostsession_watch_free(test.watch);
    close_pipe(ends);
    hostsession_loop_free(loop);
}

static void on_ready_burn(void *userdata, unsigned events) {
    test_watch *test = userdata;
    on_ready(userdata, events);
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while (now.tv_sec == start.tv_sec && now.tv_nsec - start.tv_nsec < 2000000);
    assert_int_equal(loop_now_us(test->loop), test->now_us);
    assert_int_equal(test->other->calls == 0 || test->other->now_us == test->now_us, 1);
    loop_update_now(test->loop);
    assert_true(loop_now_us(test->loop) > test->now_us);
    test->now_us = loop_now_us(test->loop);
}

static void time_stands_still_in_a_pass_and_is_read_after_the_wait(void **state) {
    (void)state;
    hostsession_loop *loop = make_loop();
    int one[2], two[2];
    make_pipe(one);
    make_pipe(two);
    test_watch first = {.loop = loop}, second = {.loop = loop};
    first.other = &second;
    second.other = &first;
    assert_int_equal(hostsession_watch_new(loop, one[0], 1, on_ready_burn, &first, &first.watch), HOSTSESSION_OK);
    assert_int_equal(hostsession_watch_new(loop, two[0], 1, on_ready_burn, &second, &second.watch), HOSTSESSION_OK);
    int64_t before_us = loop_now_us(loop);
    hostsession_loop_run_once(loop, 5);
    assert_int_equal(write(one[1], "x", 1), 1);
    assert_int_equal(write(two[1], "x", 1), 1);
    hostsession_loop_run_once(loop, patience_ms);
    assert_int_equal(first.calls, 1);
    assert_int_equal(second.calls, 1);
    assert_true(first.now_us - before_us >= 4000);
    hostsession_watch_free(first.watch);
    hostsession_watch_free(second.watch);
    close_pipe(one);
    close_pipe(two);
    hostsession_loop_free(loop);
}

/* ---- A foreign loop -------------------------------------------------------------------------------------------- */

static void poll_and_dispatch(hostsession_loop *loop) {
    int64_t timeout = hostsession_loop_timeout_ms(loop);
    struct pollfd item = {.fd = hostsession_loop_descriptor(loop), .events = POLLIN};
    poll(&item, 1, timeout < 0 || timeout > patience_ms ? patience_ms : (int)timeout);
    assert_int_equal(hostsession_loop_dispatch(loop), HOSTSESSION_OK);
}

static void a_foreign_loop_needs_only_descriptor_timeout_and_dispatch(void **state) {
    (void)state;
    hostsession_loop *loop = make_loop();
    int ends[2];
    make_pipe(ends);
    test_watch test;
    test_timer timer;
    watch_pipe(&test, loop, ends[0], HOSTSESSION_WATCH_READABLE);
    /* The watch is new to the kernel until the first dispatch. */
    assert_int_equal(hostsession_loop_timeout_ms(loop), 0);
    poll_and_dispatch(loop);
    assert_int_equal(hostsession_loop_timeout_ms(loop), -1);
    assert_int_equal(write(ends[1], "x", 1), 1);
    poll_and_dispatch(loop);
    assert_int_equal(test.calls, 1);
    hostsession_watch_free(test.watch);

    init_timer(&timer, loop, on_timer);
    set_timer_in(&timer, 3000);
    for (int i = 0; i < 1000 && !timer.fired; i++)
        poll_and_dispatch(loop);
    assert_int_equal(timer.fired, 1);
    assert_true(timer.fired_us >= timer.at_us);
    loop_timer_destroy(&timer.timer);
    close_pipe(ends);
    hostsession_loop_free(loop);
}

/* ---- The end --------------------------------------------------------------------------------------------------- */

typedef struct test_guest {
    loop_guest guest;
    test_task task;
    hostsession_loop *loop;
    int ended;
} test_guest;

static void on_guest_end(loop_guest *guest) {
    test_guest *test = list_item(guest, test_guest, guest);
    test->ended++;
    loop_guest_remove(guest);
    loop_post(test->loop, &test->task.task);
}

static void free_ends_guests_and_runs_what_they_post(void **state) {
    (void)state;
    hostsession_loop *loop = make_loop();
    test_guest guests[3];
    memset(guests, 0, sizeof guests);
    for (int i = 0; i < 3; i++) {
        guests[i].guest.end = on_guest_end;
        guests[i].loop = loop;
        guests[i].task.task.run = on_task;
        loop_guest_add(loop, &guests[i].guest);
    }
    loop_guest_remove(&guests[1].guest);
    hostsession_loop_free(loop);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(guests[i].ended, i != 1);
        assert_int_equal(guests[i].task.runs, i != 1);
    }
}

typedef struct test_hold {
    loop_hold hold;
    test_timer timer;
    int abandoned;
} test_hold;

static void on_abandon(loop_hold *hold) {
    test_hold *test = list_item(hold, test_hold, hold);
    test->abandoned++;
    loop_timer_destroy(&test->timer.timer);
}

static void on_timer_release(loop_timer *timer) {
    test_hold *test = list_item(list_item(timer, test_timer, timer), test_hold, timer);
    on_timer(timer);
    loop_hold_remove(&test->hold);
    loop_timer_destroy(timer);
}

static void add_hold(test_hold *test, hostsession_loop *loop, int64_t in_us) {
    memset(test, 0, sizeof *test);
    init_timer(&test->timer, loop, on_timer_release);
    set_timer_in(&test->timer, in_us);
    test->hold.abandon = on_abandon;
    loop_hold_add(loop, &test->hold);
}

static void free_waits_for_holds_but_not_for_ever(void **state) {
    (void)state;
    hostsession_loop *loop = make_loop();
    test_hold released, stuck;
    add_hold(&released, loop, 20000);
    add_hold(&stuck, loop, (int64_t)3600 * 1000 * 1000);
    hostsession_loop_free(loop);
    assert_int_equal(released.timer.fired, 1);
    assert_int_equal(released.abandoned, 0);
    assert_int_equal(stuck.timer.fired, 0);
    assert_int_equal(stuck.abandoned, 1);
}

static void free_releases_forgotten_watches(void **state) {
    (void)state;
    hostsession_loop *loop = make_loop();
    int ends[2];
    make_pipe(ends);
    test_watch test;
    watch_pipe(&test, loop, ends[0], HOSTSESSION_WATCH_READABLE);
    hostsession_loop_free(loop);
    close_pipe(ends);
    hostsession_loop_free(NULL);
}

/* In a process of its own: the first loop of a process needs the most. */
static int loop_without_descriptors(void) {
    struct rlimit limit = {3, 3};
    hostsession_loop *loop = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (hostsession_loop_new(&loop, &why) != HOSTSESSION_ERROR_LIMIT || loop)
        return 1;
    return why.system_errno == EMFILE && strstr(why.message, "ulimit -n") ? 0 : 2;
}

static void no_descriptor_left_is_named(void **state) {
    (void)state;
    /* valgrind keeps the limit to itself. */
    const char *preloaded = getenv("LD_PRELOAD");
    if (preloaded && strstr(preloaded, "valgrind"))
        skip();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(loop_without_descriptors());
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}
int main(void) {
    const struct CMUnitTest tests[] = {
        /* First, before this process has had a loop. */
        cmocka_unit_test(no_descriptor_left_is_named),
        cmocka_unit_test(timers_fire_in_order_and_never_early),
        cmocka_unit_test(a_timer_that_sets_itself_to_now_leaves_the_pass),
        cmocka_unit_test(a_timer_may_be_destroyed_in_its_callback),
        cmocka_unit_test(a_stopped_or_replaced_timer_does_not_fire),
        cmocka_unit_test(run_once_does_not_sleep_after_a_due_timer),
        cmocka_unit_test(run_once_has_a_limit_and_needs_something_to_wait_for),
        cmocka_unit_test(run_once_has_a_limit_that_may_pass_before_the_wait),
        cmocka_unit_test(tasks_run_once_in_order),
        cmocka_unit_test(a_task_can_be_unposted_by_an_earlier_one),
        cmocka_unit_test(a_task_that_posts_itself_starves_nothing_and_keeps_the_loop_awake),
        cmocka_unit_test(dispatch_does_not_nest),
        cmocka_unit_test(a_watch_reports_what_it_waits_for),
        cmocka_unit_test(hangup_and_error_are_readable_as_long_as_they_last),
        cmocka_unit_test(a_hung_up_terminal_is_readable_for_one_that_also_writes),
        cmocka_unit_test(descriptors_come_before_timers_that_are_late),
        cmocka_unit_test(a_freed_watch_is_silent_at_once),
        cmocka_unit_test(a_watch_needs_a_descriptor_that_can_be_polled),
        cmocka_unit_test(a_watch_leaves_the_descriptor_blocking),
        cmocka_unit_test(time_stands_still_in_a_pass_and_is_read_after_the_wait),
        cmocka_unit_test(a_foreign_loop_needs_only_descriptor_timeout_and_dispatch),
        cmocka_unit_test(free_ends_guests_and_runs_what_they_post),
        cmocka_unit_test(free_waits_for_holds_but_not_for_ever),
        cmocka_unit_test(free_releases_forgotten_watches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
