/* SPDX-License-Identifier: MIT */
/* Named sessions and the default one: who shares what, and what replaces what. */
#include "farm.h"

#include <stdio.h>
#include <string.h>

enum { many = 100 };

static char names[farm_most][16];

static const char *name_of(int number) {
    snprintf(names[number], sizeof names[number], "s%d", number);
    return names[number];
}

/* ---- sharing ---- */

static void one_name_is_one_shell(void **state) {
    (void)state;
    farm f;
    ending opened[many] = {0};
    farm_init(&f);
    farm_start(&f, false);
    for (int i = 0; i < many; i++)
        begin_open(f.manager, "same", &opened[i]);
    for (int i = 0; i < many; i++) {
        drive_until(f.loop, &opened[i].calls, 1);
        assert_int_equal(opened[i].error, HOSTSESSION_OK);
    }
    assert_int_equal(f.opened, 1);
    /* A handle each; one that is released takes nothing from the others. */
    for (int i = 1; i < many; i++) {
        assert_ptr_not_equal(opened[i].named, opened[0].named);
        assert_ptr_equal(hostsession_named_session(opened[i].named), hostsession_named_session(opened[0].named));
        ending_free(&opened[i]);
    }
    check_named_run(opened[0].named, "say one", "one\n", 0);
    hostsession_named *again = open_named(f.manager, "same");
    assert_int_equal(f.opened, 1);
    hostsession_named_release(again);
    ending_free(&opened[0]);
    /* It lives on without a handle. */
    assert_true(hostsession_manager_has_live_sessions(f.manager));
    farm_end(&f);
}

/* No login is over before all have begun: together they take as long as one. */
static void names_open_in_parallel(void **state) {
    (void)state;
    farm f;
    ending opened[many] = {0};
    farm_init(&f);
    f.barrier = many;
    f.limits.max_opening = many;
    farm_start(&f, false);
    for (int i = 0; i < many; i++)
        begin_open(f.manager, name_of(i), &opened[i]);
    for (int i = 0; i < many; i++) {
        drive_until(f.loop, &opened[i].calls, 1);
        assert_int_equal(opened[i].error, HOSTSESSION_OK);
        assert_string_equal(hostsession_named_name(opened[i].named), name_of(i));
    }
    assert_int_equal(f.opened, many);
    for (int i = 0; i < many; i++)
        ending_free(&opened[i]);
    farm_end(&f);
}

static void a_session_is_given_out_when_ready(void **state) {
    (void)state;
    farm f;
    ending opened[3] = {0};
    farm_init(&f);
    f.barrier = 2;
    farm_start(&f, false);
    begin_open(f.manager, "a", &opened[0]);
    begin_open(f.manager, "a", &opened[1]);
    drive_idle(f.loop);
    assert_int_equal(f.opened, 1);
    assert_int_equal(opened[0].calls + opened[1].calls, 0);
    assert_false(hostsession_manager_has_live_sessions(f.manager));
    begin_open(f.manager, "b", &opened[2]);
    for (int i = 0; i < 3; i++) {
        drive_until(f.loop, &opened[i].calls, 1);
        ending_free(&opened[i]);
    }
    farm_end(&f);
}

static void a_failed_open_is_told_to_all(void **state) {
    (void)state;
    farm f;
    ending opened[3] = {0};
    farm_init(&f);
    f.peer.refuse_open = true;
    f.change_at = 1;
    farm_start(&f, false);
    for (int i = 0; i < 3; i++)
        begin_open(f.manager, "a", &opened[i]);
    for (int i = 0; i < 3; i++) {
        drive_until(f.loop, &opened[i].calls, 1);
        assert_int_equal(opened[i].error, HOSTSESSION_ERROR_CONNECT);
        assert_non_null(strstr(opened[i].failure.message, "refused"));
    }
    assert_int_equal(f.opened, 1);
    /* The name is free for another try. */
    hostsession_named *named = open_named(f.manager, "a");
    hostsession_named_release(named);
    hostsession_manager_free(f.manager);
    drive_idle(f.loop);
    memory_free(f.peers[0]);
    f.peers[0] = f.peers[1];
    f.opened = 1;
    f.manager = NULL;
    farm_end(&f);
}

static void one_that_does_not_answer_is_tried_once_more(void **state) {
    (void)state;
    for (int answers = 0; answers < 2; answers++) {
        farm f;
        ending opened = {0};
        farm_init(&f);
        f.peer.mute = true;
        f.changed.open_later = true;
        f.change_at = answers ? 1 : farm_most;
        f.session.connect_timeout_ms = 50;
        farm_start(&f, false);
        begin_open(f.manager, "a", &opened);
        drive_until(f.loop, &opened.calls, 1);
        assert_int_equal(f.opened, 2);
        assert_int_equal(opened.error, answers ? HOSTSESSION_OK : HOSTSESSION_ERROR_NOT_READY);
        ending_free(&opened);
        farm_end(&f);
    }
}

/* ---- the dead ---- */

static void a_dead_one_is_replaced(void **state) {
    (void)state;
    farm f;
    farm_init(&f);
    farm_start(&f, false);
    hostsession_named *first = open_named(f.manager, "a");
    hostsession_named *shared = open_named(f.manager, "a");
    memory_hang_up(f.peers[0], NULL);
    drive_idle(f.loop);
    assert_false(hostsession_named_alive(first));
    assert_null(hostsession_named_session(first));
    assert_false(hostsession_manager_has_live_sessions(f.manager));
    hostsession_named *second = open_named(f.manager, "a");
    assert_int_equal(f.opened, 2);
    check_named_run(second, "say two", "two\n", 0);
    /* The old handles do not come back to life, and closing them closes nothing new. */
    const hostsession_command commands[] = {{.text = "say one"}, {.text = "say two"}};
    hostsession_results *results = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    assert_int_equal(hostsession_named_run(first, commands, 2, NULL, &results, &why), HOSTSESSION_ERROR_CLOSED);
    assert_int_equal(hostsession_results_count(results), 2);
    check_result(hostsession_results_at(results, 1), HOSTSESSION_STATUS_SKIPPED, -1, "");
    assert_int_equal(why.error, HOSTSESSION_ERROR_CLOSED);
    hostsession_results_free(results);
    assert_int_equal(hostsession_named_send(first, "x", 1, false, &why), HOSTSESSION_ERROR_CLOSED);
    const char *pattern = "x";
    hostsession_match *match = NULL;
    assert_int_equal(hostsession_named_expect(first, &pattern, 1, NULL, &match, &why), HOSTSESSION_ERROR_CLOSED);
    hostsession_named_close(first);
    hostsession_named_release(shared);
    assert_true(hostsession_named_alive(second));
    hostsession_named_close(second);
    farm_end(&f);
}

static void open_again(void *data) {
    ending *again = data;
    again->data = begin_open(again->data, "a", again);
}

/* Its last `done` is still owed as it is replaced, and asks for the name, too. */
static void a_dead_one_that_owes_a_call(void **state) {
    (void)state;
    farm f;
    ending last = {0}, mine = {0}, again = {0};
    farm_init(&f);
    farm_start(&f, false);
    hostsession_named *dead = open_named(f.manager, "a");
    again.data = f.manager;
    last.act = open_again;
    last.data = &again;
    begin_run(dead, "wait here", &last);
    drive_until_waits(f.loop, f.peers[0]);
    memory_hang_up(f.peers[0], NULL);
    while (hostsession_named_alive(dead))
        hostsession_loop_run_once(f.loop, 1000);
    assert_int_equal(last.calls, 0);
    begin_open(f.manager, "a", &mine);
    assert_int_equal(last.calls, 0);
    drive_until(f.loop, &again.calls, 1);
    drive_until(f.loop, &mine.calls, 1);
    assert_int_equal(last.calls, 1);
    assert_int_equal(f.opened, 2);
    assert_ptr_equal(hostsession_named_session(mine.named), hostsession_named_session(again.named));
    ending_free(&last);
    ending_free(&mine);
    ending_free(&again);
    hostsession_named_release(dead);
    farm_end(&f);
}

static void a_command_that_ends_the_shell(void **state) {
    (void)state;
    farm f;
    ending last = {0}, queued = {0};
    farm_init(&f);
    farm_start(&f, false);
    hostsession_named *named = open_named(f.manager, "a");
    begin_run(named, "exit 3", &last);
    begin_run(named, "say never", &queued);
    drive_until(f.loop, &queued.calls, 1);
    assert_int_equal(last.error, HOSTSESSION_ERROR_SHELL_EXITED);
    check_result(hostsession_results_at(last.results, 0), HOSTSESSION_STATUS_SHELL_EXITED, 3, "");
    assert_int_equal(queued.error, HOSTSESSION_ERROR_CLOSED);
    check_result(hostsession_results_at(queued.results, 0), HOSTSESSION_STATUS_SKIPPED, -1, "");
    ending_free(&last);
    ending_free(&queued);
    hostsession_named_release(named);
    farm_end(&f);
}

/* ---- closing what others use ---- */

static void closing_what_others_use(void **state) {
    (void)state;
    farm f;
    ending runs = {0}, waits = {0};
    farm_init(&f);
    farm_start(&f, false);
    hostsession_named *mine = open_named(f.manager, "a");
    hostsession_named *other = open_named(f.manager, "a");
    begin_run(other, "wait here", &runs);
    begin_run(other, "say next", &waits);
    drive_until_waits(f.loop, f.peers[0]);
    drive_idle(f.loop);
    hostsession_named_close(mine);
    /* Outside of callbacks they are told at once. */
    assert_int_equal(runs.calls, 1);
    assert_int_equal(waits.calls, 1);
    assert_int_equal(runs.error, HOSTSESSION_ERROR_CANCELED);
    check_result(hostsession_results_at(runs.results, 0), HOSTSESSION_STATUS_INTERRUPTED, -1, "here\n");
    check_result(hostsession_results_at(waits.results, 0), HOSTSESSION_STATUS_SKIPPED, -1, "");
    assert_false(hostsession_named_alive(other));
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    const hostsession_command one = {.text = "say"};
    assert_int_equal(hostsession_named_run_start(other, &one, 1, NULL, on_run, &runs, NULL, &why),
                     HOSTSESSION_ERROR_CLOSED);
    assert_non_null(strstr(why.message, "closed"));
    /* Another of that name is another. */
    hostsession_named *new = open_named(f.manager, "a");
    hostsession_named_close(other);
    assert_true(hostsession_named_alive(new));
    hostsession_named_release(new);
    ending_free(&runs);
    ending_free(&waits);
    farm_end(&f);
}

static void close_handle(void *data) {
    hostsession_named_close(data);
    hostsession_named_close(data);
}

/* In a `done` of another holder's command, with one more of one's own pending. */
static void closing_in_a_callback(void **state) {
    (void)state;
    farm f;
    ending first = {0}, second = {0};
    farm_init(&f);
    farm_start(&f, false);
    hostsession_named *mine = open_named(f.manager, "a");
    hostsession_named *other = open_named(f.manager, "a");
    first.act = close_handle;
    first.data = mine;
    begin_run(other, "say one", &first);
    begin_run(mine, "wait two", &second);
    drive_until(f.loop, &second.calls, 1);
    assert_int_equal(first.error, HOSTSESSION_OK);
    assert_int_equal(second.error, HOSTSESSION_ERROR_CANCELED);
    assert_false(hostsession_named_alive(other));
    hostsession_named_close(other);
    ending_free(&first);
    ending_free(&second);
    farm_end(&f);
}

/* What is pending goes on, and its `done` gets a valid handle. */
static void releasing_with_something_pending(void **state) {
    (void)state;
    farm f;
    ending end = {0};
    farm_init(&f);
    farm_start(&f, false);
    hostsession_named *named = open_named(f.manager, "a");
    begin_run(named, "wait here", &end);
    drive_until_waits(f.loop, f.peers[0]);
    hostsession_named_release(named);
    memory_finish(f.peers[0], 5);
    drive_until(f.loop, &end.calls, 1);
    check_result(hostsession_results_at(end.results, 0), HOSTSESSION_STATUS_FAILED, 5, "here\n");
    ending_free(&end);
    farm_end(&f);
}

/* ---- the default session ---- */

static bool run_default(farm *f, const char *command, const char *output) {
    const hostsession_command one = {.text = command};
    hostsession_results *results = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (hostsession_named_run(hostsession_manager_default(f->manager), &one, 1, NULL, &results, &why))
        fail_msg("%s", why.message);
    check_result(hostsession_results_at(results, 0), HOSTSESSION_STATUS_SUCCESS, 0, output);
    bool lost = hostsession_results_state_lost(results);
    hostsession_results_free(results);
    return lost;
}

static void the_default_one_is_remade(void **state) {
    (void)state;
    for (int own_loop = 0; own_loop < 2; own_loop++) {
        farm f;
        farm_init(&f);
        farm_start(&f, own_loop);
        hostsession_named *shell = hostsession_manager_default(f.manager);
        assert_false(run_default(&f, "say one", "one\n"));
        assert_false(run_default(&f, "say two", "two\n"));
        assert_int_equal(f.opened, 1);
        memory_hang_up(f.peers[0], NULL);
        assert_true(run_default(&f, "say three", "three\n"));
        assert_int_equal(f.opened, 2);
        assert_false(run_default(&f, "say four", "four\n"));
        /* By the caller's own wish nothing is lost. */
        hostsession_named_close(shell);
        assert_false(hostsession_named_alive(shell));
        assert_false(run_default(&f, "say five", "five\n"));
        hostsession_named_release(shell);
        assert_true(hostsession_named_alive(shell));
        assert_int_equal(f.opened, 3);
        farm_end(&f);
    }
}

/* All kinds are asked of it before there is one; they share it, and keep their order. */
static void the_default_one_is_made_once(void **state) {
    (void)state;
    farm f;
    ending ends[4] = {0};
    farm_init(&f);
    farm_start(&f, false);
    hostsession_named *shell = hostsession_manager_default(f.manager);
    const char *pattern = "ra(w)";
    begin_run(shell, "say one", &ends[0]);
    assert_int_equal(hostsession_named_send_start(shell, "say raw\n", 8, false, on_send, &ends[1], NULL, NULL),
                     HOSTSESSION_OK);
    assert_int_equal(hostsession_named_expect_start(shell, &pattern, 1, NULL, on_expect, &ends[2], NULL, NULL),
                     HOSTSESSION_OK);
    begin_run(shell, "say last", &ends[3]);
    drive_until(f.loop, &ends[3].calls, 1);
    assert_int_equal(f.opened, 1);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(ends[i].calls, 1);
        assert_int_equal(ends[i].error, HOSTSESSION_OK);
    }
    assert_int_equal(hostsession_match_index(ends[2].match), 0);
    check_result(hostsession_results_at(ends[3].results, 0), HOSTSESSION_STATUS_SUCCESS, 0, "last\n");
    for (int i = 0; i < 4; i++)
        ending_free(&ends[i]);
    farm_end(&f);
}

static void the_default_one_cannot_be_made(void **state) {
    (void)state;
    hostsession_options session = HOSTSESSION_OPTIONS_INIT;
    hostsession_manager_options options = HOSTSESSION_MANAGER_OPTIONS_INIT;
    session.shell = "/nowhere/shell";
    options.session = &session;
    hostsession_manager *manager = new_manager("local", &options);
    hostsession_named *shell = hostsession_manager_default(manager);
    const hostsession_command one = {.text = "true"};
    hostsession_results *results = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    assert_int_equal(hostsession_named_run(shell, &one, 1, NULL, &results, &why), HOSTSESSION_ERROR_CONNECT);
    assert_non_null(strstr(why.message, "/nowhere/shell"));
    check_result(hostsession_results_at(results, 0), HOSTSESSION_STATUS_ERROR, -1, "");
    hostsession_results_free(results);
    assert_int_equal(hostsession_named_send(shell, "x", 1, false, &why), HOSTSESSION_ERROR_CONNECT);
    hostsession_named *named = NULL;
    assert_int_equal(hostsession_manager_open(manager, "a", &named, &why), HOSTSESSION_ERROR_CONNECT);
    assert_null(named);
    hostsession_manager_free(manager);
}

/* ---- cancelling ---- */

static void cancel(void **state) {
    (void)state;
    farm f;
    ending opened[3] = {0}, runs = {0}, waits = {0}, sent = {0}, expected = {0};
    farm_init(&f);
    f.barrier = 2;
    farm_start(&f, false);
    /* One of two that share an attempt, then the last: the attempt ends with it. */
    hostsession_request *first = begin_open(f.manager, "a", &opened[0]);
    hostsession_request *second = begin_open(f.manager, "a", &opened[1]);
    drive_idle(f.loop);
    hostsession_request_cancel(first);
    hostsession_request_cancel(first);
    assert_int_equal(opened[0].calls, 0);
    drive_until(f.loop, &opened[0].calls, 1);
    assert_int_equal(opened[0].error, HOSTSESSION_ERROR_CANCELED);
    assert_int_equal(memory_seen(f.peers[0])->closes, 0);
    hostsession_request_cancel(second);
    drive_until(f.loop, &opened[1].calls, 1);
    drive_idle(f.loop);
    assert_int_equal(memory_seen(f.peers[0])->closes, 1);
    begin_open(f.manager, "a", &opened[2]);
    drive_until(f.loop, &opened[2].calls, 1);
    assert_int_equal(f.opened, 2);

    hostsession_named *named = opened[2].named;
    const char *pattern = "never";
    hostsession_request *expecting = NULL;
    hostsession_request *running = begin_run(named, "wait here", &runs);
    hostsession_request *waiting = begin_run(named, "say next", &waits);
    assert_int_equal(hostsession_named_send_start(named, "x", 1, false, on_send, &sent, NULL, NULL), HOSTSESSION_OK);
    assert_int_equal(hostsession_named_expect_start(named, &pattern, 1, NULL, on_expect, &expected, &expecting, NULL),
                     HOSTSESSION_OK);
    drive_until_waits(f.loop, f.peers[1]);
    hostsession_request_cancel(waiting);
    hostsession_request_cancel(running);
    hostsession_request_cancel(expecting);
    drive_until(f.loop, &runs.calls, 1);
    drive_until(f.loop, &waits.calls, 1);
    drive_until(f.loop, &sent.calls, 1);
    drive_until(f.loop, &expected.calls, 1);
    check_result(hostsession_results_at(runs.results, 0), HOSTSESSION_STATUS_INTERRUPTED, -1, "here\n");
    check_result(hostsession_results_at(waits.results, 0), HOSTSESSION_STATUS_SKIPPED, -1, "");
    assert_int_equal(expected.error, HOSTSESSION_ERROR_CANCELED);
    assert_true(hostsession_named_alive(named));
    ending_free(&runs);
    ending_free(&waits);
    ending_free(&expected);
    ending_free(&opened[2]);
    farm_end(&f);
}

/* ---- what is wrong ---- */

static void what_is_wrong(void **state) {
    (void)state;
    hostsession_manager *manager = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    hostsession_manager_options options = HOSTSESSION_MANAGER_OPTIONS_INIT;
    hostsession_options session = HOSTSESSION_OPTIONS_INIT;
    const char *targets[] = {NULL, "", "ftp://host", "host:port", "exec:", "exec:'x"};
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        assert_int_equal(hostsession_manager_new(targets[i], NULL, &manager, &why), HOSTSESSION_ERROR_INVALID);
        assert_null(manager);
    }
    options.struct_size = 3;
    assert_int_equal(hostsession_manager_new("local", &options, &manager, &why), HOSTSESSION_ERROR_INVALID);
    options = (hostsession_manager_options)HOSTSESSION_MANAGER_OPTIONS_INIT;
    options.session = &session;
    memory *m = memory_new(NULL);
    session = memory_session(m, NULL);
    assert_int_equal(hostsession_manager_new("local", &options, &manager, &why), HOSTSESSION_ERROR_INVALID);
    assert_non_null(strstr(why.message, "session_factory"));
    memory_free(m);
    options.session = NULL;
    hostsession_limits limits = HOSTSESSION_LIMITS_INIT;
    limits.idle_close_ms = -1;
    options.limits = &limits;
    assert_int_equal(hostsession_manager_new("local", &options, &manager, &why), HOSTSESSION_ERROR_INVALID);
    manager = new_manager("local", NULL);
    hostsession_named *named = NULL;
    assert_int_equal(hostsession_manager_open(manager, "", &named, &why), HOSTSESSION_ERROR_INVALID);
    assert_int_equal(hostsession_manager_open(manager, NULL, &named, &why), HOSTSESSION_ERROR_INVALID);
    hostsession_results *results = NULL;
    hostsession_named *shell = hostsession_manager_default(manager);
    assert_int_equal(hostsession_named_run(shell, NULL, 1, NULL, &results, &why), HOSTSESSION_ERROR_INVALID);
    assert_null(results);
    const char *bad = "(";
    hostsession_match *match = NULL;
    assert_int_equal(hostsession_named_expect(shell, &bad, 1, NULL, &match, &why), HOSTSESSION_ERROR_INVALID);
    assert_false(hostsession_named_alive(shell));
    hostsession_named_release(NULL);
    hostsession_named_close(NULL);
    hostsession_manager_free(manager);
    hostsession_manager_free(NULL);
}

static farm *blocked;

static void try_blocking(void *data) {
    (void)data;
    hostsession_named *named = NULL;
    hostsession_results *results = NULL;
    hostsession_result *result = NULL;
    hostsession_match *match = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    const hostsession_command one = {.text = "say"};
    const char *pattern = "x";
    hostsession_named *shell = hostsession_manager_default(blocked->manager);
    assert_int_equal(hostsession_manager_open(blocked->manager, "b", &named, &why), HOSTSESSION_ERROR_INVALID);
    assert_int_equal(hostsession_named_run(shell, &one, 1, NULL, &results, &why), HOSTSESSION_ERROR_INVALID);
    assert_int_equal(hostsession_named_send(shell, "x", 1, false, &why), HOSTSESSION_ERROR_INVALID);
    assert_int_equal(hostsession_named_expect(shell, &pattern, 1, NULL, &match, &why), HOSTSESSION_ERROR_INVALID);
    assert_int_equal(hostsession_manager_oneshot(blocked->manager, "say", NULL, &result), HOSTSESSION_ERROR_INVALID);
    assert_int_equal(hostsession_result_failure(result)->error, HOSTSESSION_ERROR_INVALID);
    hostsession_result_free(result);
}

static void no_blocking_in_callbacks(void **state) {
    (void)state;
    farm f;
    ending opened = {.act = try_blocking};
    farm_init(&f);
    blocked = &f;
    farm_start(&f, false);
    begin_open(f.manager, "a", &opened);
    drive_until(f.loop, &opened.calls, 1);
    assert_int_equal(f.opened, 1);
    ending_free(&opened);
    farm_end(&f);
}

static bool on_refused(void *userdata, size_t index, const hostsession_result *result) {
    int *calls = userdata;
    (void)index;
    assert_int_equal(hostsession_result_status(result), HOSTSESSION_STATUS_SKIPPED);
    try_blocking(NULL);
    ++*calls;
    return true;
}

/* Nor in those that a blocking call makes before it drives the loop. */
static void no_blocking_when_refused(void **state) {
    (void)state;
    farm f;
    int calls = 0;
    farm_init(&f);
    blocked = &f;
    farm_start(&f, true);
    hostsession_named *named = open_named(f.manager, "a");
    /* What the call itself notices. */
    memory_hang_up(f.peers[0], NULL);
    hostsession_sequence_options options = HOSTSESSION_SEQUENCE_OPTIONS_INIT;
    const hostsession_command commands[] = {{.text = "say one"}, {.text = "say two"}};
    hostsession_results *results = NULL;
    options.on_result = on_refused;
    options.userdata = &calls;
    assert_int_equal(hostsession_named_run(named, commands, 2, &options, &results, NULL), HOSTSESSION_ERROR_CLOSED);
    assert_int_equal(calls, 2);
    hostsession_results_free(results);
    hostsession_named_release(named);
    farm_end(&f);
}

/* All that the options point to may go once the manager is made. */
static void options_are_copied(void **state) {
    (void)state;
    char shell[] = "sh", cwd[] = "/usr", setting[] = "COLOUR=green";
    const char *environment[] = {setting, NULL};
    hostsession_options session = HOSTSESSION_OPTIONS_INIT;
    hostsession_manager_options options = HOSTSESSION_MANAGER_OPTIONS_INIT;
    session.shell = shell;
    session.cwd = cwd;
    session.environment = environment;
    options.session = &session;
    hostsession_manager *manager = new_manager("local", &options);
    memset(shell, 'x', 2);
    memset(cwd, 'x', 4);
    memset(setting, 'x', 12);
    environment[0] = NULL;
    memset(&session, 0xff, sizeof session);
    memset(&options, 0xff, sizeof options);
    check_named_run(hostsession_manager_default(manager), "pwd; echo $COLOUR", "/usr\ngreen\n", 0);
    check_oneshot(manager, "pwd; echo $COLOUR", "/usr\ngreen\n", 0);
    hostsession_manager_free(manager);
}

static const api_case cases[] = {
    CASE(one_name_is_one_shell),
    CASE(names_open_in_parallel),
    CASE(a_session_is_given_out_when_ready),
    CASE(a_failed_open_is_told_to_all),
    CASE(one_that_does_not_answer_is_tried_once_more),
    CASE(a_dead_one_is_replaced),
    CASE(a_dead_one_that_owes_a_call),
    CASE(a_command_that_ends_the_shell),
    CASE(closing_what_others_use),
    CASE(closing_in_a_callback),
    CASE(releasing_with_something_pending),
    CASE(the_default_one_is_remade),
    CASE(the_default_one_is_made_once),
    CASE(the_default_one_cannot_be_made),
    CASE(cancel),
    CASE(what_is_wrong),
    CASE(no_blocking_in_callbacks),
    CASE(no_blocking_when_refused),
    CASE(options_are_copied),
};
CASES_MAIN("manager-sessions", cases)
