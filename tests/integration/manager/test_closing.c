/* SPDX-License-Identifier: MIT */
/* close_all and free, in every state and from every place: all that was pending is told once, all peers are closed. */
#include "farm.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { at_once_ms = 2000 };

/* A manager with something in every state: opening, idle, running, recovering, dead, waiting for a turn; and one-shots
 * that run and that wait. */
typedef struct crowd {
    farm f;
    ending opening[2], waiting, idle, runs, queued, recovers, expects, oneshots[2], late;
    hostsession_named *named[4];
} crowd;

static void crowd_init(crowd *c, bool own_loop) {
    memset(c, 0, sizeof *c);
    farm_init(&c->f);
    farm *f = &c->f;
    f->limits.max_oneshots = 1;
    f->limits.max_opening = 2;
    f->peer.signals = true;
    farm_start(f, own_loop);
    hostsession_loop *loop = hostsession_manager_loop(f->manager);
    for (int i = 0; i < 4; i++) {
        char name[8];
        snprintf(name, sizeof name, "n%d", i);
        c->named[i] = open_named(f->manager, name);
    }
    /* Nobody else drives a loop of the manager's own: here it is done for it. */
    begin_oneshot(f->manager, "wait here", 0, &c->oneshots[0]);
    begin_oneshot(f->manager, "wait here", 0, &c->oneshots[1]);
    while (f->opened < 5)
        hostsession_loop_run_once(loop, 1000);
    drive_until_waits(loop, f->peers[4]);
    const char *pattern = "never";
    begin_run(c->named[0], "wait here", &c->runs);
    begin_run(c->named[0], "say next", &c->queued);
    hostsession_request *request = begin_run(c->named[1], "stubborn", &c->recovers);
    assert_int_equal(hostsession_named_expect_start(c->named[2], &pattern, 1, NULL, on_expect, &c->expects, NULL, NULL),
                     HOSTSESSION_OK);
    drive_until_waits(loop, f->peers[0]);
    drive_until_waits(loop, f->peers[1]);
    hostsession_request_cancel(request);
    while (hostsession_get_state(hostsession_named_session(c->named[1])) != HOSTSESSION_RECOVERING)
        hostsession_loop_run_once(loop, 1000);
    memory_hang_up(f->peers[3], NULL);
    while (hostsession_named_alive(c->named[3]))
        hostsession_loop_run_once(loop, 1000);
    f->barrier = farm_most;
    begin_open(f->manager, "o1", &c->opening[0]);
    begin_run(hostsession_manager_default(f->manager), "say never", &c->opening[1]);
    begin_open(f->manager, "o2", &c->waiting);
    while (f->opened < 7)
        hostsession_loop_run_once(loop, 1000);
    assert_int_equal(c->runs.calls + c->recovers.calls + c->opening[0].calls + c->waiting.calls, 0);
}

static void told(const ending *e, hostsession_error error) {
    assert_int_equal(e->calls, 1);
    assert_int_equal(e->error, error);
}

static void check_told(const crowd *c) {
    const ending *all[] = {&c->opening[0], &c->opening[1], &c->waiting,     &c->runs,       &c->queued,
                           &c->recovers,   &c->expects,    &c->oneshots[0], &c->oneshots[1]};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        told(all[i], HOSTSESSION_ERROR_CANCELED);
    check_result(hostsession_results_at(c->runs.results, 0), HOSTSESSION_STATUS_INTERRUPTED, -1, NULL);
    check_result(hostsession_results_at(c->queued.results, 0), HOSTSESSION_STATUS_SKIPPED, -1, "");
    check_result(hostsession_results_at(c->recovers.results, 0), HOSTSESSION_STATUS_INTERRUPTED, -1, NULL);
    check_result(hostsession_results_at(c->opening[1].results, 0), HOSTSESSION_STATUS_SKIPPED, -1, "");
    check_result(c->oneshots[0].result, HOSTSESSION_STATUS_INTERRUPTED, -1, NULL);
    check_result(c->oneshots[1].result, HOSTSESSION_STATUS_SKIPPED, -1, "");
    for (int i = 0; i < 4; i++)
        assert_false(hostsession_named_alive(c->named[i]));
}

static void crowd_end(crowd *c) {
    ending *all[] = {&c->opening[0], &c->opening[1], &c->waiting,     &c->idle,        &c->runs, &c->queued,
                     &c->recovers,   &c->expects,    &c->oneshots[0], &c->oneshots[1], &c->late};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ending_free(all[i]);
    for (int i = 0; i < 4; i++)
        hostsession_named_release(c->named[i]);
    farm_end(&c->f);
}

/* ---- outside of callbacks ---- */

static void close_all(void **state) {
    (void)state;
    for (int own_loop = 0; own_loop < 2; own_loop++) {
        crowd c;
        crowd_init(&c, own_loop);
        long long since = clock_ms();
        hostsession_manager_close_all(c.f.manager);
        assert_true(clock_ms() - since < at_once_ms);
        check_told(&c);
        hostsession_manager_close_all(c.f.manager);
        assert_false(hostsession_manager_has_live_sessions(c.f.manager));
        /* It can be used again, with the same names. */
        c.f.barrier = 0;
        hostsession_named *again = open_named(c.f.manager, "n0");
        check_named_run(again, "say again", "again\n", 0);
        check_named_run(hostsession_manager_default(c.f.manager), "say again", "again\n", 0);
        hostsession_named_close(again);
        crowd_end(&c);
    }
}

static void free_at_once(void **state) {
    (void)state;
    for (int own_loop = 0; own_loop < 2; own_loop++) {
        crowd c;
        crowd_init(&c, own_loop);
        hostsession_manager_free(c.f.manager);
        c.f.manager = NULL;
        check_told(&c);
        /* Handles stay valid, and dead. */
        const hostsession_command one = {.text = "say"};
        hostsession_results *results = NULL;
        hostsession_failure why = HOSTSESSION_FAILURE_INIT;
        assert_string_equal(hostsession_named_name(c.named[0]), "n0");
        assert_int_equal(hostsession_named_run(c.named[0], &one, 1, NULL, &results, &why), HOSTSESSION_ERROR_CLOSED);
        hostsession_results_free(results);
        hostsession_named_close(c.named[0]);
        c.named[0] = NULL;
        crowd_end(&c);
    }
}

/* Also when there was a timer on a loop that is gone by then. */
static void handles_outlive_the_loop(void **state) {
    (void)state;
    for (int own_loop = 0; own_loop < 2; own_loop++) {
        farm f;
        farm_init(&f);
        f.limits.idle_close_ms = 1000000;
        farm_start(&f, own_loop);
        hostsession_named *released = open_named(f.manager, "a");
        hostsession_named *closed = open_named(f.manager, "b");
        hostsession_manager_free(f.manager);
        hostsession_loop_free(f.loop);
        f.manager = NULL;
        f.loop = NULL;
        assert_false(hostsession_named_alive(released));
        assert_string_equal(hostsession_named_name(released), "a");
        hostsession_named_release(released);
        hostsession_named_close(closed);
        farm_end(&f);
    }
}

static void the_loop_is_freed_first(void **state) {
    (void)state;
    crowd c;
    crowd_init(&c, false);
    hostsession_loop_free(c.f.loop);
    c.f.loop = NULL;
    c.f.manager = NULL;
    check_told(&c);
    crowd_end(&c);
}

/* ---- in callbacks ---- */

static crowd *current;
static bool frees;

static void close_in_done(void *unused) {
    (void)unused;
    crowd *c = current;
    if (frees)
        hostsession_manager_free(c->f.manager);
    else
        hostsession_manager_close_all(c->f.manager);
    /* One that is begun here is none of those that were closed. */
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    c->f.barrier = 0;
    hostsession_error error = hostsession_manager_open_start(c->f.manager, "n0", on_open, &c->late, NULL, &why);
    assert_int_equal(error, frees ? HOSTSESSION_ERROR_CLOSED : HOSTSESSION_OK);
    if (frees)
        c->f.manager = NULL;
}

/* From the done of a command while all else is in flight. */
static void in_a_callback(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) {
        crowd c;
        bool own_loop = i % 2;
        frees = i / 2;
        crowd_init(&c, own_loop);
        current = &c;
        hostsession_named *idle = c.named[2];
        hostsession_loop *loop = hostsession_manager_loop(c.f.manager);
        if (own_loop) {
            /* The blocking call that drives the loop does the rest. */
            const hostsession_command one = {.text = "say one"};
            hostsession_results *results = NULL;
            c.runs.act = close_in_done;
            memory_finish(c.f.peers[0], 0);
            c.expects.calls = 0;
            hostsession_error error = hostsession_named_run(idle, &one, 1, NULL, &results, NULL);
            /* Before it was begun, or while it was pending. */
            assert_true(error == HOSTSESSION_ERROR_CLOSED || error == HOSTSESSION_ERROR_CANCELED);
            hostsession_results_free(results);
        } else {
            c.runs.act = close_in_done;
            memory_finish(c.f.peers[0], 0);
            drive_until(loop, &c.runs.calls, 1);
            drive_idle(loop);
        }
        told(&c.runs, HOSTSESSION_OK);
        if (!frees && own_loop)
            /* It is driven by a blocking form. */
            check_named_run(hostsession_manager_default(c.f.manager), "say on", "on\n", 0);
        if (!frees)
            drive_until(loop, &c.late.calls, 1);
        const ending *rest[] = {&c.opening[0], &c.opening[1], &c.waiting,     &c.queued,
                                &c.recovers,   &c.expects,    &c.oneshots[0], &c.oneshots[1]};
        for (size_t k = 0; k < sizeof rest / sizeof rest[0]; k++)
            told(rest[k], HOSTSESSION_ERROR_CANCELED);
        if (!frees)
            told(&c.late, HOSTSESSION_OK);
        crowd_end(&c);
    }
}

/* In every done that close_all itself brings about. */
static void again_in_what_it_brings_about(void **state) {
    (void)state;
    for (int which = 0; which < 9; which++)
        for (int i = 0; i < 2; i++) {
            crowd c;
            frees = i;
            crowd_init(&c, false);
            current = &c;
            ending *all[] = {&c.opening[0], &c.opening[1], &c.waiting,     &c.runs,       &c.queued,
                             &c.recovers,   &c.expects,    &c.oneshots[0], &c.oneshots[1]};
            all[which]->act = close_in_done;
            hostsession_manager_close_all(c.f.manager);
            check_told(&c);
            drive_idle(c.f.loop);
            if (!frees)
                drive_until(c.f.loop, &c.late.calls, 1);
            crowd_end(&c);
        }
}

/* From the log callbacks, which are told in the middle of things. */
static void log_and_close(void *userdata, const char *name, const char *command) {
    farm *f = userdata;
    if (name && command && strcmp(command, "say close") == 0)
        hostsession_manager_close_all(f->manager);
}

static void output_and_close(void *userdata, const char *name, hostsession_stream stream, const char *line,
                             size_t length) {
    farm *f = userdata;
    (void)name, (void)stream;
    if (length == 3 && memcmp(line, "out", 3) == 0)
        hostsession_manager_close_all(f->manager);
}

static void in_log_callbacks(void **state) {
    (void)state;
    const char *commands[] = {"say close", "say out\nsay more"};
    for (size_t i = 0; i < 2; i++)
        for (int own_default = 0; own_default < 2; own_default++) {
            farm f;
            ending run = {0}, oneshot = {0};
            farm_init(&f);
            f.loop = new_loop();
            hostsession_manager_options options = farm_options(&f);
            options.log_command = log_and_close;
            options.log_output = output_and_close;
            f.manager = new_manager("farm", &options);
            hostsession_named *named = open_named(f.manager, "a");
            begin_oneshot(f.manager, "wait here", 0, &oneshot);
            while (f.opened < 2)
                hostsession_loop_run_once(f.loop, 1000);
            drive_until_waits(f.loop, f.peers[1]);
            begin_run(own_default ? hostsession_manager_default(f.manager) : named, commands[i], &run);
            drive_until(f.loop, &run.calls, 1);
            drive_until(f.loop, &oneshot.calls, 1);
            assert_int_equal(run.error, HOSTSESSION_ERROR_CANCELED);
            assert_int_equal(oneshot.error, HOSTSESSION_ERROR_CANCELED);
            assert_false(hostsession_named_alive(named));
            hostsession_named_release(named);
            ending_free(&run);
            ending_free(&oneshot);
            farm_end(&f);
        }
}

/* Real processes are gone when close_all returns, those that mind no signal included. */
static void processes_are_gone(void **state) {
    (void)state;
    hostsession_manager *manager = new_manager("local", NULL);
    hostsession_named *named = open_named(manager, "a");
    ending run = {0}, oneshot = {0};
    /* A number that no other process has on its command line. */
    text tag = {0}, ran = {0}, shot = {0};
    text_printf(&tag, "47%d11", (int)getpid());
    text_printf(&ran, "trap '' HUP INT QUIT TERM; echo 4711; while :; do sleep %s; done", text_data(&tag));
    text_printf(&shot, "trap '' HUP INT QUIT TERM; while :; do sleep %s; done", text_data(&tag));
    begin_run(named, text_data(&ran), &run);
    begin_oneshot(manager, text_data(&shot), 0, &oneshot);
    hostsession_loop *loop = hostsession_manager_loop(manager);
    for (int i = 0; i < 20; i++)
        hostsession_loop_run_once(loop, 10);
    long long since = clock_ms();
    hostsession_manager_close_all(manager);
    assert_true(clock_ms() - since < at_once_ms);
    told(&run, HOSTSESSION_ERROR_CANCELED);
    told(&oneshot, HOSTSESSION_ERROR_CANCELED);
    assert_int_equal(process_find_child(), 0);
    text left = {0};
    if (!process_wait_gone(text_data(&tag), at_once_ms, &left))
        fail_msg("left: %s", text_data(&left));
    text_free(&left);
    text_free(&tag);
    text_free(&ran);
    text_free(&shot);
    hostsession_named_close(named);
    ending_free(&run);
    ending_free(&oneshot);
    hostsession_manager_free(manager);
}

static void use_default(void *data) {
    ending *new_run = data;
    begin_run(hostsession_manager_default(new_run->data), "say new", new_run);
}

/* The default session is closed with the others, and used again in what the end of another brings about. */
static void the_default_one_is_used_meanwhile(void **state) {
    (void)state;
    farm f;
    ending old = {0}, other = {0}, new_run = {0};
    farm_init(&f);
    farm_start(&f, false);
    hostsession_named *named = open_named(f.manager, "a");
    begin_run(hostsession_manager_default(f.manager), "wait here", &old);
    while (f.opened < 2)
        hostsession_loop_run_once(f.loop, 1000);
    drive_until_waits(f.loop, f.peers[1]);
    new_run.data = f.manager;
    other.act = use_default;
    other.data = &new_run;
    begin_run(named, "wait here", &other);
    drive_until_waits(f.loop, f.peers[0]);
    hostsession_manager_close_all(f.manager);
    assert_int_equal(old.calls + other.calls, 2);
    drive_until(f.loop, &new_run.calls, 1);
    assert_int_equal(new_run.error, HOSTSESSION_OK);
    assert_int_equal(f.opened, 3);
    ending_free(&old);
    ending_free(&other);
    ending_free(&new_run);
    hostsession_named_release(named);
    farm_end(&f);
}

static const api_case cases[] = {
    CASE(close_all),
    CASE(the_default_one_is_used_meanwhile),
    CASE(free_at_once),
    CASE(handles_outlive_the_loop),
    CASE(the_loop_is_freed_first),
    CASE(in_a_callback),
    CASE(again_in_what_it_brings_about),
    CASE(in_log_callbacks),
    CASE(processes_are_gone),
};
CASES_MAIN("manager-closing", cases)
