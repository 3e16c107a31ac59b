/* SPDX-License-Identifier: MIT */
/* How many there may be, and what happens to the next. */
#include "farm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void refused(hostsession_manager *manager, const char *name, const char *option) {
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    assert_int_equal(hostsession_manager_open_start(manager, name, on_open, NULL, NULL, &why), HOSTSESSION_ERROR_LIMIT);
    assert_string_equal(why.stage, "limit");
    assert_non_null(strstr(why.message, option));
}

static void max_sessions(void **state) {
    (void)state;
    farm f;
    ending run = {0};
    farm_init(&f);
    f.limits.max_sessions = 2;
    farm_start(&f, false);
    hostsession_named *a = open_named(f.manager, "a");
    begin_run(hostsession_manager_default(f.manager), "say", &run);
    drive_until(f.loop, &run.calls, 1);
    refused(f.manager, "b", "max_sessions");
    /* What is there is had all the same, and what is closed makes room. */
    hostsession_named *again = open_named(f.manager, "a");
    hostsession_named_close(again);
    hostsession_named_release(a);
    hostsession_named *b = open_named(f.manager, "b");
    hostsession_named_release(b);
    refused(f.manager, "c", "max_sessions");
    memory_hang_up(f.peers[0], NULL);
    memory_hang_up(f.peers[2], NULL);
    drive_idle(f.loop);
    hostsession_named_release(open_named(f.manager, "c"));
    ending_free(&run);
    farm_end(&f);
}

/* Never more than two answer at once, in order; the third waits, the fourth does not fit. */
static void max_opening_and_max_waiting(void **state) {
    (void)state;
    farm f;
    ending opened[4] = {0};
    farm_init(&f);
    f.limits.max_opening = 2;
    f.limits.max_waiting = 1;
    f.barrier = 3;
    farm_start(&f, false);
    begin_open(f.manager, "a", &opened[0]);
    begin_open(f.manager, "b", &opened[1]);
    begin_open(f.manager, "c", &opened[2]);
    refused(f.manager, "d", "max_waiting");
    /* Who asks for one that is being opened takes no place. */
    begin_open(f.manager, "c", &opened[3]);
    drive_idle(f.loop);
    assert_int_equal(f.opened, 2);
    memory_hold(f.peers[0], false);
    drive_until(f.loop, &opened[0].calls, 1);
    drive_until(f.loop, &opened[3].calls, 1);
    assert_int_equal(f.opened, 3);
    for (int i = 0; i < 4; i++) {
        drive_until(f.loop, &opened[i].calls, 1);
        assert_int_equal(opened[i].error, HOSTSESSION_OK);
        ending_free(&opened[i]);
    }
    farm_end(&f);
}

static void a_place_is_given_back(void **state) {
    (void)state;
    farm f;
    ending opened[3] = {0};
    farm_init(&f);
    f.limits.max_opening = 1;
    f.barrier = farm_most;
    farm_start(&f, false);
    hostsession_request *first = begin_open(f.manager, "a", &opened[0]);
    hostsession_request *second = begin_open(f.manager, "b", &opened[1]);
    begin_open(f.manager, "c", &opened[2]);
    drive_idle(f.loop);
    assert_int_equal(f.opened, 1);
    /* By one that waits, and by one that is being opened. */
    hostsession_request_cancel(second);
    hostsession_request_cancel(first);
    drive_until(f.loop, &opened[0].calls, 1);
    drive_until(f.loop, &opened[1].calls, 1);
    drive_idle(f.loop);
    assert_int_equal(f.opened, 2);
    memory_hold(f.peers[1], false);
    drive_until(f.loop, &opened[2].calls, 1);
    assert_int_equal(opened[2].error, HOSTSESSION_OK);
    ending_free(&opened[2]);
    farm_end(&f);
}

static void a_thousand_sessions(void **state) {
    (void)state;
    enum { most = 1000 };
    static ending opened[most], runs[most];
    static char names[most][8];
    farm f;
    farm_init(&f);
    farm_start(&f, false);
    for (int i = 0; i < most; i++) {
        snprintf(names[i], sizeof names[i], "%d", i);
        begin_open(f.manager, names[i], &opened[i]);
    }
    refused(f.manager, "more", "max_sessions");
    for (int i = 0; i < most; i++) {
        drive_until(f.loop, &opened[i].calls, 1);
        assert_int_equal(opened[i].error, HOSTSESSION_OK);
        char command[20];
        snprintf(command, sizeof command, "say %d", i);
        begin_run(opened[i].named, command, &runs[i]);
    }
    for (int i = 0; i < most; i++) {
        char output[20];
        drive_until(f.loop, &runs[i].calls, 1);
        snprintf(output, sizeof output, "%d\n", i);
        check_result(hostsession_results_at(runs[i].results, 0), HOSTSESSION_STATUS_SUCCESS, 0, output);
        ending_free(&runs[i]);
        ending_free(&opened[i]);
    }
    assert_int_equal(f.opened, most);
    farm_end(&f);
}

/* Not while a command runs; from its end on. */
static void idle_close(void **state) {
    (void)state;
    farm f;
    ending run = {0};
    farm_init(&f);
    f.limits.idle_close_ms = 30;
    farm_start(&f, false);
    hostsession_named *named = open_named(f.manager, "a");
    begin_run(named, "wait here", &run);
    drive_until_waits(f.loop, f.peers[0]);
    long long since = clock_ms();
    while (clock_ms() - since < 60)
        hostsession_loop_run_once(f.loop, 10);
    assert_true(hostsession_named_alive(named));
    memory_finish(f.peers[0], 0);
    drive_until(f.loop, &run.calls, 1);
    assert_true(hostsession_named_alive(named));
    while (hostsession_named_alive(named))
        hostsession_loop_run_once(f.loop, 1000);
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    const hostsession_command one = {.text = "say"};
    assert_int_equal(hostsession_named_run_start(named, &one, 1, NULL, NULL, NULL, NULL, &why),
                     HOSTSESSION_ERROR_CLOSED);
    assert_non_null(strstr(why.message, "idle_close_ms"));
    hostsession_named_release(named);
    /* One that nobody used is closed, too. */
    hostsession_named_release(open_named(f.manager, "b"));
    while (hostsession_manager_has_live_sessions(f.manager))
        hostsession_loop_run_once(f.loop, 1000);
    ending_free(&run);
    farm_end(&f);
}

typedef struct late_send {
    hostsession_named *named;
    int64_t idle_ms;
    ending sent;
} late_send;

static void idle_and_send(void *data) {
    late_send *late = data;
    long long since = clock_ms();
    while (clock_ms() - since <= late->idle_ms)
        ;
    assert_int_equal(hostsession_named_send_start(late->named, "x", 1, false, on_send, &late->sent, NULL, NULL),
                     HOSTSESSION_OK);
}

/* What is asked in the dispatch in which the time passes, and has to wait, keeps it open. */
static void idle_close_and_a_send(void **state) {
    (void)state;
    farm f;
    late_send late = {.idle_ms = 200};
    ending again = {.act = idle_and_send, .data = &late};
    farm_init(&f);
    f.limits.idle_close_ms = late.idle_ms;
    farm_start(&f, false);
    late.named = open_named(f.manager, "a");
    begin_open(f.manager, "a", &again);
    drive_until(f.loop, &late.sent.calls, 1);
    assert_int_equal(late.sent.error, HOSTSESSION_OK);
    while (hostsession_named_alive(late.named))
        hostsession_loop_run_once(f.loop, 1000);
    hostsession_named_release(late.named);
    ending_free(&again);
    farm_end(&f);
}

/* The place of each is taken by the next; the order is kept. */
static void max_oneshots(void **state) {
    (void)state;
    enum { most = 6 };
    farm f;
    ending ends[most] = {0}, over = {0};
    farm_init(&f);
    f.limits.max_oneshots = 2;
    f.limits.max_waiting = most - 2;
    farm_start(&f, false);
    for (int i = 0; i < most; i++) {
        char command[20];
        snprintf(command, sizeof command, "wait %d", i);
        begin_oneshot(f.manager, command, 0, &ends[i]);
    }
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    assert_int_equal(hostsession_manager_oneshot_start(f.manager, "say", NULL, on_oneshot, &over, NULL, &why),
                     HOSTSESSION_ERROR_LIMIT);
    assert_non_null(strstr(why.message, "max_waiting"));
    for (int i = 0; i < most; i++) {
        while (f.opened <= i)
            hostsession_loop_run_once(f.loop, 1000);
        drive_until_waits(f.loop, f.peers[i]);
        assert_true(f.opened <= i + 2);
        memory_finish(f.peers[i], i);
        drive_until(f.loop, &ends[i].calls, 1);
        check_result(ends[i].result, i ? HOSTSESSION_STATUS_FAILED : HOSTSESSION_STATUS_SUCCESS, i, NULL);
        ending_free(&ends[i]);
    }
    assert_int_equal(f.opened, most);
    farm_end(&f);
}

/* A caller of an older header, whose struct ends earlier: what it lacks is 0, and not read. */
static void a_shorter_struct(void **state) {
    (void)state;
    const size_t sizes[] = {sizeof(size_t), offsetof(hostsession_limits, max_opening),
                            offsetof(hostsession_limits, idle_close_ms)};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        hostsession_limits full = HOSTSESSION_LIMITS_INIT;
        hostsession_limits *limits = allocate(sizes[i]);
        farm f;
        farm_init(&f);
        farm_start(&f, false);
        hostsession_manager_free(f.manager);
        full.struct_size = sizes[i];
        full.max_sessions = 1;
        memcpy(limits, &full, sizes[i]);
        hostsession_manager_options options = farm_options(&f);
        options.limits = limits;
        hostsession_pool *pool = NULL;
        hostsession_manager *of_pool = NULL;
        assert_int_equal(hostsession_pool_new(&options, limits, &pool, NULL), HOSTSESSION_OK);
        f.manager = new_manager("farm", &options);
        free(limits);
        assert_int_equal(hostsession_pool_get(pool, "farm", &of_pool, NULL), HOSTSESSION_OK);
        hostsession_named_release(open_named(f.manager, "a"));
        hostsession_named_release(open_named(of_pool, "a"));
        if (i) {
            refused(f.manager, "b", "max_sessions");
            refused(of_pool, "b", "max_sessions");
        } else {
            hostsession_named_release(open_named(f.manager, "b"));
        }
        hostsession_pool_free(pool);
        farm_end(&f);
    }
    hostsession_limits none = {0};
    hostsession_manager_options options = HOSTSESSION_MANAGER_OPTIONS_INIT;
    hostsession_manager *manager = NULL;
    options.limits = &none;
    assert_int_equal(hostsession_manager_new("local", &options, &manager, NULL), HOSTSESSION_ERROR_INVALID);
}

static const api_case cases[] = {
    CASE(max_sessions), CASE(max_opening_and_max_waiting), CASE(a_place_is_given_back), CASE(a_thousand_sessions),
    CASE(idle_close),   CASE(idle_close_and_a_send),       CASE(max_oneshots),          CASE(a_shorter_struct),
};
CASES_MAIN("manager-limits", cases)
