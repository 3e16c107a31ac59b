/* SPDX-License-Identifier: MIT */
/* Managers by target, and limits over all of them. */
#include "farm.h"

#include <string.h>

static hostsession_pool *new_pool(const hostsession_manager_options *options, const hostsession_limits *limits) {
    hostsession_pool *pool = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (hostsession_pool_new(options, limits, &pool, &why) != HOSTSESSION_OK)
        fail_msg("%s", why.message);
    return pool;
}

static hostsession_manager *get(hostsession_pool *pool, const char *target) {
    hostsession_manager *manager = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (hostsession_pool_get(pool, target, &manager, &why) != HOSTSESSION_OK)
        fail_msg("%s", why.message);
    return manager;
}

static void one_manager_a_target(void **state) {
    (void)state;
    hostsession_pool *pool = new_pool(NULL, NULL);
    hostsession_manager *local = get(pool, "local");
    hostsession_manager *other = get(pool, "exec:sh");
    assert_ptr_equal(get(pool, "local"), local);
    assert_ptr_not_equal(local, other);
    assert_ptr_equal(hostsession_manager_loop(local), hostsession_pool_loop(pool));
    assert_ptr_equal(hostsession_manager_loop(other), hostsession_pool_loop(pool));
    assert_false(hostsession_pool_has_live_sessions(pool));
    check_named_run(hostsession_manager_default(local), "x=1; echo $x", "1\n", 0);
    check_named_run(hostsession_manager_default(other), "echo \"[$x]\"", "[]\n", 0);
    assert_true(hostsession_pool_has_live_sessions(pool));
    hostsession_pool_close_all(pool);
    assert_false(hostsession_pool_has_live_sessions(pool));
    assert_int_equal(process_find_child(), 0);
    check_oneshot(other, "echo on", "on\n", 0);
    hostsession_manager *manager = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    assert_int_equal(hostsession_pool_get(pool, "ftp://x", &manager, &why), HOSTSESSION_ERROR_INVALID);
    assert_int_equal(hostsession_pool_get(pool, NULL, &manager, &why), HOSTSESSION_ERROR_INVALID);
    assert_null(manager);
    hostsession_pool_free(pool);
    hostsession_pool_free(NULL);
}

static void limits_over_all(void **state) {
    (void)state;
    farm f;
    ending opened[3] = {0}, oneshots[3] = {0};
    farm_init(&f);
    f.loop = new_loop();
    hostsession_limits limits = HOSTSESSION_LIMITS_INIT;
    limits.max_sessions = 3;
    limits.max_oneshots = 2;
    limits.max_opening = 2;
    hostsession_manager_options options = farm_options(&f);
    hostsession_pool *pool = new_pool(&options, &limits);
    hostsession_manager *hosts[] = {get(pool, "a"), get(pool, "b"), get(pool, "c")};
    f.barrier = 3;
    for (int i = 0; i < 3; i++)
        begin_open(hosts[i], "one", &opened[i]);
    drive_idle(f.loop);
    assert_int_equal(f.opened, 2);
    memory_hold(f.peers[0], false);
    /* The place that one host gives back is taken by another. */
    for (int i = 0; i < 3; i++)
        drive_until(f.loop, &opened[i].calls, 1);
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    assert_int_equal(hostsession_manager_open_start(hosts[0], "two", on_open, NULL, NULL, &why),
                     HOSTSESSION_ERROR_LIMIT);
    assert_non_null(strstr(why.message, "pool"));
    hostsession_named_close(opened[2].named);
    opened[2].named = NULL;
    hostsession_named_release(open_named(hosts[0], "two"));

    for (int i = 0; i < 3; i++)
        begin_oneshot(hosts[i], "wait here", 0, &oneshots[i]);
    while (f.opened < 6)
        hostsession_loop_run_once(f.loop, 1000);
    drive_until_waits(f.loop, f.peers[4]);
    drive_until_waits(f.loop, f.peers[5]);
    assert_int_equal(f.opened, 6);
    memory_finish(f.peers[4], 0);
    drive_until(f.loop, &oneshots[0].calls, 1);
    while (f.opened < 7)
        hostsession_loop_run_once(f.loop, 1000);
    memory_finish(f.peers[5], 0);
    drive_until(f.loop, &oneshots[1].calls, 1);
    drive_until_waits(f.loop, f.peers[6]);
    memory_finish(f.peers[6], 0);
    drive_until(f.loop, &oneshots[2].calls, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(oneshots[i].error, HOSTSESSION_OK);
        ending_free(&oneshots[i]);
        ending_free(&opened[i]);
    }
    hostsession_pool_free(pool);
    f.manager = NULL;
    farm_end(&f);
}

static hostsession_pool *to_free;

static void free_pool(void *unused) {
    (void)unused;
    hostsession_pool_free(to_free);
    hostsession_pool_free(to_free);
}

/* From a callback of one host while others are busy; on a loop of its own, which the blocking call frees. */
static void freed_in_a_callback(void **state) {
    (void)state;
    for (int own_loop = 0; own_loop < 2; own_loop++) {
        farm f;
        ending first = {.act = free_pool}, second = {0};
        farm_init(&f);
        f.loop = own_loop ? NULL : new_loop();
        hostsession_manager_options options = farm_options(&f);
        hostsession_pool *pool = to_free = new_pool(&options, NULL);
        hostsession_manager *a = get(pool, "a"), *b = get(pool, "b");
        begin_run(hostsession_manager_default(a), "say one", &first);
        begin_run(hostsession_manager_default(b), "wait here", &second);
        if (own_loop) {
            const hostsession_command one = {.text = "wait too"};
            hostsession_results *results = NULL;
            assert_int_equal(hostsession_named_run(hostsession_manager_default(b), &one, 1, NULL, &results, NULL),
                             HOSTSESSION_ERROR_CANCELED);
            hostsession_results_free(results);
        } else {
            drive_until(f.loop, &second.calls, 1);
        }
        assert_int_equal(first.error, HOSTSESSION_OK);
        assert_int_equal(second.error, HOSTSESSION_ERROR_CANCELED);
        ending_free(&first);
        ending_free(&second);
        f.manager = NULL;
        farm_end(&f);
    }
}

static const api_case cases[] = {CASE(one_manager_a_target), CASE(limits_over_all), CASE(freed_in_a_callback)};
CASES_MAIN("manager-pool", cases)
