/* SPDX-License-Identifier: MIT */
/* One-shots as processes of this machine, as commands in sessions of their own, and by a factory. */
#include "farm.h"

#include "support/folder.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static hostsession_manager *local(hostsession_loop *loop, hostsession_mode mode) {
    hostsession_options session = HOSTSESSION_OPTIONS_INIT;
    hostsession_manager_options options = HOSTSESSION_MANAGER_OPTIONS_INIT;
    session.mode = mode;
    options.loop = loop;
    options.session = &session;
    return new_manager("local", &options);
}

/* ---- processes ---- */

static void exact(void **state) {
    (void)state;
    hostsession_manager *manager = local(NULL, HOSTSESSION_MODE_TTY);
    check_oneshot(manager, "printf '\\n\\n a \\r\\n\\n'", "\n\n a \r\n\n", 0);
    check_oneshot(manager, "printf 'no newline'", "no newline", 0);
    check_oneshot(manager, "echo out; echo err >&2; echo out", "out\nerr\nout\n", 0);
    check_oneshot(manager, "cat; echo end", "end\n", 0);
    check_oneshot(manager, "exit 7", "", 7);
    check_oneshot(manager, "false", "", 1);
    check_oneshot(manager, "kill -9 $$", "", 128 + SIGKILL);
    check_oneshot(manager, "set -e; false; echo never", "", 1);
    check_oneshot(manager, "x='a\nb'; echo \"$x\"", "a\nb\n", 0);
    check_oneshot(manager, "cat <<E\nhere\nE", "here\n", 0);
    check_oneshot(manager, "true &", "", 0);
    check_oneshot(manager, "", "", 0);
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_manager_oneshot(manager, "printf 'a\\0b\\377'", NULL, &result), HOSTSESSION_OK);
    assert_int_equal(hostsession_result_output_bytes(result), 4);
    assert_memory_equal(hostsession_result_output(result), "a\0b\377", 4);
    assert_string_equal(hostsession_result_cwd(result), "");
    assert_false(hostsession_result_session_alive(result));
    hostsession_result_free(result);
    assert_int_equal(hostsession_manager_oneshot(manager, "echo 'open", NULL, &result), HOSTSESSION_OK);
    assert_int_equal(hostsession_result_status(result), HOSTSESSION_STATUS_FAILED);
    hostsession_result_free(result);
    hostsession_manager_free(manager);
}

static void standard_error_apart(void **state) {
    (void)state;
    hostsession_manager *manager = local(NULL, HOSTSESSION_MODE_PIPE);
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_manager_oneshot(manager, "echo out; echo err >&2; exit 2", NULL, &result),
                     HOSTSESSION_OK);
    check_result(result, HOSTSESSION_STATUS_FAILED, 2, "out\n");
    assert_string_equal(hostsession_result_error_output(result), "err\n");
    hostsession_result_free(result);
    hostsession_manager_free(manager);
}

static void each_in_a_shell_of_its_own(void **state) {
    (void)state;
    hostsession_manager *manager = local(NULL, HOSTSESSION_MODE_TTY);
    check_oneshot(manager, "cd /usr; x=1; export y=2", "", 0);
    check_oneshot(manager, "echo \"[$x$y]\"; [ \"$PWD\" != /usr ]", "[]\n", 0);
    assert_false(hostsession_manager_has_live_sessions(manager));
    hostsession_manager_free(manager);
}

static void large(void **state) {
    (void)state;
    hostsession_manager *manager = local(NULL, HOSTSESSION_MODE_TTY);
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_manager_oneshot(manager, "head -c 20000000 /dev/zero", NULL, &result), HOSTSESSION_OK);
    assert_int_equal(hostsession_result_output_bytes(result), 20000000);
    hostsession_result_free(result);
    options.max_output_bytes = 100;
    assert_int_equal(hostsession_manager_oneshot(manager, "seq 1000", &options, &result), HOSTSESSION_OK);
    assert_int_equal(hostsession_result_output_bytes(result), 100);
    assert_int_equal(hostsession_result_dropped_bytes(result), 3893 - 100);
    assert_int_equal(strncmp(hostsession_result_output(result), "1\n2\n", 4), 0);
    assert_string_equal(hostsession_result_output(result) + 95, "1000\n");
    hostsession_result_free(result);
    /* A long command, and one that is too long. */
    size_t most = (size_t)120 * 1024;
    char *command = allocate(most + 100);
    memset(command, '#', most + 50);
    memcpy(command, "echo x; ", 8);
    command[most] = 0;
    check_oneshot(manager, command, "x\n", 0);
    command[most] = '#';
    command[most + 1] = 0;
    assert_int_equal(hostsession_manager_oneshot(manager, command, NULL, &result), HOSTSESSION_ERROR_LIMIT);
    check_result(result, HOSTSESSION_STATUS_ERROR, -1, "");
    hostsession_result_free(result);
    free(command);
    hostsession_manager_free(manager);
}

/* What it left running holds the pipes, and is not waited for; the file ends it. */
static void what_it_leaves_running(void **state) {
    (void)state;
    char folder[256], command[600];
    assert_true(folder_make_temporary(folder, "oneshot"));
    hostsession_manager *manager = local(NULL, HOSTSESSION_MODE_TTY);
    snprintf(command, sizeof command, "mkfifo %s/end; (cat %s/end; true) & echo started", folder, folder);
    check_oneshot(manager, command, "started\n", 0);
    /* It reads still: the pipe can be opened for writing. */
    snprintf(command, sizeof command, "echo > %s/end", folder);
    check_oneshot(manager, command, "", 0);
    hostsession_manager_free(manager);
    folder_remove(folder);
}

static void killed(int64_t timeout_ms, bool by_free, hostsession_status status, hostsession_error error) {
    hostsession_loop *loop = new_loop();
    hostsession_manager *manager = local(loop, HOSTSESSION_MODE_TTY);
    char tag[64], command[400];
    ending end = {0};
    snprintf(tag, sizeof tag, "sleep 4%09d", (int)getpid());
    /* The shell's own command line is not taken for it. */
    snprintf(command, sizeof command, "trap '' HUP INT QUIT TERM; echo begun; n=%s; (sleep $n; :) & (sleep $n; :)",
             tag + strlen("sleep "));
    hostsession_request *request = begin_oneshot(manager, command, timeout_ms, &end);
    while (!process_find(tag, NULL) && !end.calls)
        hostsession_loop_run_once(loop, 10);
    if (by_free)
        hostsession_manager_free(manager);
    else if (!timeout_ms)
        hostsession_request_cancel(request);
    drive_until(loop, &end.calls, 1);
    assert_int_equal(end.error, error);
    check_result(end.result, status, -1, timeout_ms ? NULL : "begun\n");
    assert_int_equal(hostsession_result_failure(end.result)->error, error);
    ending_free(&end);
    if (!by_free)
        hostsession_manager_free(manager);
    hostsession_loop_free(loop);
    text left = {0};
    if (!process_wait_gone(tag, 20000, &left))
        fail_msg("left: %s", text_data(&left));
    text_free(&left);
}

static void timed_out(void **state) {
    (void)state;
    killed(300, false, HOSTSESSION_STATUS_TIMED_OUT, HOSTSESSION_ERROR_TIMED_OUT);
}

static void cancelled(void **state) {
    (void)state;
    killed(0, false, HOSTSESSION_STATUS_INTERRUPTED, HOSTSESSION_ERROR_CANCELED);
}

static void freed(void **state) {
    (void)state;
    killed(0, true, HOSTSESSION_STATUS_INTERRUPTED, HOSTSESSION_ERROR_CANCELED);
}

static void a_flood_is_timed_out(void **state) {
    (void)state;
    hostsession_manager *manager = local(NULL, HOSTSESSION_MODE_TTY);
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    hostsession_result *result = NULL;
    options.timeout_ms = 1000;
    options.max_output_bytes = 1000;
    assert_int_equal(hostsession_manager_oneshot(manager, "yes", &options, &result), HOSTSESSION_ERROR_TIMED_OUT);
    check_result(result, HOSTSESSION_STATUS_TIMED_OUT, -1, NULL);
    assert_int_equal(hostsession_result_output_bytes(result), 1000);
    hostsession_result_free(result);
    hostsession_manager_free(manager);
}

typedef struct streamed {
    text bytes;
    text lines;
    hostsession_request *cancel;
} streamed;

static void on_output(void *userdata, hostsession_stream stream, const char *bytes, size_t length) {
    streamed *s = userdata;
    text_printf(&s->bytes, "%s", stream ? "!" : "");
    text_append(&s->bytes, bytes, length);
    if (s->cancel)
        hostsession_request_cancel(s->cancel);
}

static void on_line(void *userdata, hostsession_stream stream, const char *line, size_t length) {
    streamed *s = userdata;
    (void)stream;
    text_append(&s->lines, line, length);
    text_add(&s->lines, "|");
}

static void output_as_it_arrives(void **state) {
    (void)state;
    for (int cancels = 0; cancels < 2; cancels++) {
        hostsession_loop *loop = new_loop();
        hostsession_manager *manager = local(loop, HOSTSESSION_MODE_TTY);
        hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
        streamed s = {0};
        ending end = {0};
        hostsession_request *request = NULL;
        options.on_output = on_output;
        options.on_line = on_line;
        options.userdata = &s;
        const char *command = cancels ? "echo one; exec sleep 1000" : "echo one; printf 'two\\r\\nthree'";
        assert_int_equal(hostsession_manager_oneshot_start(manager, command, &options, on_oneshot, &end, &request,
                                                           NULL),
                         HOSTSESSION_OK);
        s.cancel = cancels ? request : NULL;
        drive_until(loop, &end.calls, 1);
        check_result(end.result, cancels ? HOSTSESSION_STATUS_INTERRUPTED : HOSTSESSION_STATUS_SUCCESS,
                     cancels ? -1 : 0, cancels ? "one\n" : "one\ntwo\r\nthree");
        assert_string_equal(text_data(&s.bytes), cancels ? "one\n" : "one\ntwo\r\nthree");
        assert_string_equal(text_data(&s.lines), cancels ? "" : "one|two|three|");
        text_free(&s.bytes);
        text_free(&s.lines);
        ending_free(&end);
        hostsession_manager_free(manager);
        hostsession_loop_free(loop);
    }
}

/* What ends in the middle of a line, and is stopped by whom the rest of it is told. */
typedef struct last_words {
    hostsession_manager *manager;
    hostsession_request *request;
    bool by_log, closes;
    int told;
} last_words;

static void stop_at(last_words *w, bool in_log) {
    if (in_log != w->by_log)
        return;
    w->told++;
    if (w->closes)
        hostsession_manager_close_all(w->manager);
    else
        hostsession_request_cancel(w->request);
}

static void last_line(void *userdata, hostsession_stream stream, const char *line, size_t length) {
    (void)stream, (void)line, (void)length;
    stop_at(userdata, false);
}

static void last_logged(void *userdata, const char *name, hostsession_stream stream, const char *line, size_t length) {
    (void)name, (void)stream, (void)line, (void)length;
    stop_at(userdata, true);
}

static void stopped_at_its_last_line(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) {
        hostsession_loop *loop = new_loop();
        hostsession_manager_options options = HOSTSESSION_MANAGER_OPTIONS_INIT;
        hostsession_run_options run = HOSTSESSION_RUN_OPTIONS_INIT;
        last_words w = {.by_log = i % 2, .closes = i / 2};
        ending end = {0};
        options.loop = loop;
        options.log_output = last_logged;
        options.userdata = &w;
        run.on_line = last_line;
        run.userdata = &w;
        w.manager = new_manager("local", &options);
        assert_int_equal(hostsession_manager_oneshot_start(w.manager, "printf abc", &run, on_oneshot, &end, &w.request,
                                                           NULL),
                         HOSTSESSION_OK);
        drive_until(loop, &end.calls, 1);
        drive_idle(loop);
        assert_int_equal(end.calls, 1);
        assert_int_equal(w.told, 1);
        assert_int_equal(end.error, HOSTSESSION_ERROR_CANCELED);
        check_result(end.result, HOSTSESSION_STATUS_INTERRUPTED, -1, "abc");
        ending_free(&end);
        hostsession_manager_free(w.manager);
        hostsession_loop_free(loop);
    }
}

static void two_hundred(void **state) {
    (void)state;
    enum { many = 200 };
    static ending ends[many];
    hostsession_loop *loop = new_loop();
    hostsession_manager *manager = local(loop, HOSTSESSION_MODE_TTY);
    for (int i = 0; i < many; i++) {
        char command[60];
        snprintf(command, sizeof command, "echo %d; exit %d", i, i % 7);
        begin_oneshot(manager, command, 0, &ends[i]);
    }
    for (int i = 0; i < many; i++) {
        char output[20];
        snprintf(output, sizeof output, "%d\n", i);
        drive_until(loop, &ends[i].calls, 1);
        check_result(ends[i].result, i % 7 ? HOSTSESSION_STATUS_FAILED : HOSTSESSION_STATUS_SUCCESS, i % 7, output);
        ending_free(&ends[i]);
    }
    hostsession_manager_free(manager);
    hostsession_loop_free(loop);
}

static void never_sent(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    hostsession_options session = HOSTSESSION_OPTIONS_INIT;
    hostsession_limits limits = HOSTSESSION_LIMITS_INIT;
    hostsession_manager_options options = HOSTSESSION_MANAGER_OPTIONS_INIT;
    ending runs = {0}, waits = {0}, cancels = {0};
    limits.max_oneshots = 1;
    options.loop = loop;
    options.session = &session;
    options.limits = &limits;
    hostsession_manager *manager = new_manager("local", &options);
    hostsession_request *first = begin_oneshot(manager, "exec sleep 1000", 0, &runs);
    begin_oneshot(manager, "echo never", 30, &waits);
    hostsession_request *third = begin_oneshot(manager, "echo never", 0, &cancels);
    hostsession_request_cancel(third);
    hostsession_request_cancel(third);
    drive_until(loop, &cancels.calls, 1);
    check_result(cancels.result, HOSTSESSION_STATUS_SKIPPED, -1, "");
    assert_int_equal(cancels.error, HOSTSESSION_ERROR_CANCELED);
    drive_until(loop, &waits.calls, 1);
    check_result(waits.result, HOSTSESSION_STATUS_SKIPPED, -1, "");
    assert_int_equal(waits.error, HOSTSESSION_ERROR_TIMED_OUT);
    assert_non_null(strstr(hostsession_result_failure(waits.result)->message, "max_oneshots"));
    hostsession_request_cancel(first);
    drive_until(loop, &runs.calls, 1);
    ending_free(&runs);
    ending_free(&waits);
    ending_free(&cancels);
    hostsession_manager_free(manager);
    /* Nor can it be started. */
    session.shell = "/nowhere/shell";
    manager = new_manager("local", &options);
    begin_oneshot(manager, "true", 0, &runs);
    drive_until(loop, &runs.calls, 1);
    assert_int_equal(runs.error, HOSTSESSION_ERROR_CONNECT);
    check_result(runs.result, HOSTSESSION_STATUS_ERROR, -1, "");
    assert_non_null(strstr(hostsession_result_failure(runs.result)->message, "/nowhere/shell"));
    ending_free(&runs);
    hostsession_manager_free(manager);
    hostsession_loop_free(loop);
}

/* More than fits is no limit, as where a session is opened. */
static void any_time_to_connect(void **state) {
    (void)state;
    const int64_t times[] = {INT64_MAX, INT64_MAX / 1000, INT64_MAX / 2000, -1, INT64_MIN};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        hostsession_options session = HOSTSESSION_OPTIONS_INIT;
        hostsession_manager_options options = HOSTSESSION_MANAGER_OPTIONS_INIT;
        session.connect_timeout_ms = times[i];
        options.session = &session;
        hostsession_manager *manager = new_manager("local", &options);
        check_oneshot(manager, "echo one", "one\n", 0);
        hostsession_manager_free(manager);
    }
}

static void what_is_wrong(void **state) {
    (void)state;
    hostsession_manager *manager = local(NULL, HOSTSESSION_MODE_TTY);
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    const hostsession_expectation answer = {.pattern = "x", .response = "y"};
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_manager_oneshot(manager, NULL, NULL, &result), HOSTSESSION_ERROR_INVALID);
    check_result(result, HOSTSESSION_STATUS_ERROR, -1, "");
    hostsession_result_free(result);
    options.timeout_ms = -1;
    assert_int_equal(hostsession_manager_oneshot(manager, "true", &options, &result), HOSTSESSION_ERROR_INVALID);
    hostsession_result_free(result);
    options.timeout_ms = 0;
    options.expectations = &answer;
    options.expectation_count = 1;
    assert_int_equal(hostsession_manager_oneshot(manager, "true", &options, &result), HOSTSESSION_ERROR_INVALID);
    hostsession_result_free(result);
    options = (hostsession_run_options)HOSTSESSION_RUN_OPTIONS_INIT;
    options.struct_size = 3;
    assert_int_equal(hostsession_manager_oneshot(manager, "true", &options, &result), HOSTSESSION_ERROR_INVALID);
    hostsession_result_free(result);
    hostsession_manager_free(manager);
}

/* ---- in a session of its own ---- */

static void in_sessions(void **state) {
    (void)state;
    farm f;
    farm_init(&f);
    farm_start(&f, true);
    check_oneshot(f.manager, "say one", "one\n", 0);
    check_oneshot(f.manager, "say bye\nexit 3", "bye\n", 3);
    check_oneshot(f.manager, "status 5", "", 5);
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_manager_oneshot(f.manager, "say half\ndrop", NULL, &result),
                     HOSTSESSION_ERROR_DISCONNECTED);
    check_result(result, HOSTSESSION_STATUS_LOST, -1, "half\n");
    hostsession_result_free(result);
    assert_int_equal(f.opened, 4);
    for (int i = 0; i < 4; i++) {
        assert_null(f.names[i]);
        assert_int_equal(memory_seen(f.peers[i])->closes, 1);
    }
    farm_end(&f);
}

/* While it is opened: never sent; while it runs: timed out, without a recovery. */
static void in_sessions_with_a_limit(void **state) {
    (void)state;
    farm f;
    ending ends[4] = {0};
    farm_init(&f);
    f.barrier = 2;
    farm_start(&f, false);
    begin_oneshot(f.manager, "say one", 30, &ends[0]);
    drive_until(f.loop, &ends[0].calls, 1);
    check_result(ends[0].result, HOSTSESSION_STATUS_SKIPPED, -1, "");
    assert_int_equal(ends[0].error, HOSTSESSION_ERROR_TIMED_OUT);
    begin_oneshot(f.manager, "stubborn", 200, &ends[1]);
    drive_until(f.loop, &ends[1].calls, 1);
    check_result(ends[1].result, HOSTSESSION_STATUS_TIMED_OUT, -1, NULL);
    hostsession_request *running = begin_oneshot(f.manager, "wait here", 0, &ends[2]);
    while (f.opened < 3)
        hostsession_loop_run_once(f.loop, 1000);
    drive_until_waits(f.loop, f.peers[2]);
    drive_idle(f.loop);
    hostsession_request_cancel(running);
    drive_until(f.loop, &ends[2].calls, 1);
    check_result(ends[2].result, HOSTSESSION_STATUS_INTERRUPTED, -1, "here\n");
    f.peer.refuse_open = true;
    begin_oneshot(f.manager, "say four", 0, &ends[3]);
    drive_until(f.loop, &ends[3].calls, 1);
    check_result(ends[3].result, HOSTSESSION_STATUS_ERROR, -1, "");
    assert_int_equal(ends[3].error, HOSTSESSION_ERROR_CONNECT);
    for (int i = 0; i < 4; i++)
        ending_free(&ends[i]);
    hostsession_manager_free(f.manager);
    f.manager = NULL;
    drive_idle(f.loop);
    memory_free(f.peers[--f.opened]);
    farm_end(&f);
}

/* In one pass: what was cancelled first is not timed out, nor ended twice. */
static void cancelled_when_its_time_has_passed(void **state) {
    (void)state;
    farm f;
    ending end = {0};
    farm_init(&f);
    farm_start(&f, false);
    enum { limit_ms = 1000 };
    hostsession_request *request = begin_oneshot(f.manager, "wait here", limit_ms, &end);
    long long since = clock_ms();
    while (f.opened < 1)
        hostsession_loop_run_once(f.loop, 1000);
    drive_until_waits(f.loop, f.peers[0]);
    drive_idle(f.loop);
    assert_int_equal(end.calls, 0);
    /* The caller is busy elsewhere. */
    while (clock_ms() - since <= limit_ms)
        ;
    hostsession_request_cancel(request);
    drive_until(f.loop, &end.calls, 1);
    drive_idle(f.loop);
    assert_int_equal(end.calls, 1);
    assert_int_equal(end.error, HOSTSESSION_ERROR_CANCELED);
    check_result(end.result, HOSTSESSION_STATUS_INTERRUPTED, -1, "here\n");
    assert_int_equal(hostsession_result_failure(end.result)->error, HOSTSESSION_ERROR_CANCELED);
    ending_free(&end);
    farm_end(&f);
}

static void on_exec_targets(void **state) {
    (void)state;
    hostsession_manager *manager = new_manager("exec:sh", NULL);
    check_oneshot(manager, "echo one; tty >/dev/null", "one\n", 0);
    check_oneshot(manager, "exit 3", "", 3);
    hostsession_manager_free(manager);
}

/* ---- by a factory ---- */

typedef struct workshop {
    hostsession_oneshot_fn done;
    void *done_userdata;
    hostsession_run_options options;
    int started, cancelled;
    bool refuses;
    text command;
    hostsession_result *gift;
} workshop;

static void cancel_work(void *data) {
    workshop *w = data;
    w->cancelled++;
}

static hostsession_error work(void *userdata, const char *command, const hostsession_run_options *options,
                              hostsession_oneshot_fn done, void *done_userdata, hostsession_oneshot_handle *ret_handle,
                              hostsession_failure *failure) {
    workshop *w = userdata;
    w->started++;
    if (w->refuses) {
        *failure = (hostsession_failure){HOSTSESSION_ERROR_CONNECT, 0, "work", "closed on Sundays"};
        return failure->error;
    }
    text_clear(&w->command);
    text_add(&w->command, command);
    w->done = done;
    w->done_userdata = done_userdata;
    w->options = *options;
    *ret_handle = (hostsession_oneshot_handle){cancel_work, w};
    return HOSTSESSION_OK;
}

/* A result of the library's own making is given away. */
static hostsession_result *make_result(void) {
    hostsession_manager *manager = local(NULL, HOSTSESSION_MODE_TTY);
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_manager_oneshot(manager, "echo made; exit 6", NULL, &result), HOSTSESSION_OK);
    hostsession_manager_free(manager);
    return result;
}

static void by_a_factory(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    hostsession_manager_options options = HOSTSESSION_MANAGER_OPTIONS_INIT;
    workshop w = {0};
    ending end = {0};
    options.loop = loop;
    options.oneshot_factory = work;
    options.userdata = &w;
    hostsession_manager *manager = new_manager("local", &options);
    begin_oneshot(manager, "something", 0, &end);
    drive_idle(loop);
    assert_string_equal(text_data(&w.command), "something");
    w.done(HOSTSESSION_OK, make_result(), w.done_userdata);
    drive_until(loop, &end.calls, 1);
    check_result(end.result, HOSTSESSION_STATUS_FAILED, 6, "made\n");
    assert_int_equal(w.cancelled, 0);
    ending_free(&end);
    /* It is bounded, though the factory takes its time; what comes then is dropped. */
    begin_oneshot(manager, "something", 50, &end);
    drive_idle(loop);
    w.options.on_output(w.options.userdata, HOSTSESSION_STREAM_OUTPUT, "so far", 6);
    drive_until(loop, &end.calls, 1);
    assert_int_equal(w.cancelled, 1);
    check_result(end.result, HOSTSESSION_STATUS_TIMED_OUT, -1, "so far");
    ending_free(&end);
    w.options.on_output(w.options.userdata, HOSTSESSION_STREAM_OUTPUT, "more", 4);
    w.done(HOSTSESSION_OK, make_result(), w.done_userdata);
    assert_int_equal(end.calls, 0);
    w.refuses = true;
    begin_oneshot(manager, "something", 0, &end);
    drive_until(loop, &end.calls, 1);
    assert_int_equal(end.error, HOSTSESSION_ERROR_CONNECT);
    assert_string_equal(hostsession_result_failure(end.result)->message, "closed on Sundays");
    ending_free(&end);
    w.refuses = false;
    /* After the manager. */
    begin_oneshot(manager, "something", 0, &end);
    drive_idle(loop);
    hostsession_manager_free(manager);
    assert_int_equal(end.calls, 1);
    assert_int_equal(w.cancelled, 2);
    ending_free(&end);
    hostsession_loop_free(loop);
    w.done(HOSTSESSION_OK, make_result(), w.done_userdata);
    text_free(&w.command);
}

static void free_in_output(void *userdata, hostsession_stream stream, const char *bytes, size_t length) {
    hostsession_manager *manager = userdata;
    hostsession_result *result = NULL;
    (void)stream;
    assert_int_equal(hostsession_manager_oneshot(manager, "something", NULL, &result), HOSTSESSION_ERROR_INVALID);
    hostsession_result_free(result);
    hostsession_manager_free(manager);
    assert_int_equal(length, 6);
    assert_memory_equal(bytes, "so far", 6);
}

/* One whose output comes between dispatches: callbacks are callbacks there, too. */
static void by_a_factory_outside_of_dispatch(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    hostsession_manager_options options = HOSTSESSION_MANAGER_OPTIONS_INIT;
    hostsession_run_options run = HOSTSESSION_RUN_OPTIONS_INIT;
    workshop w = {0};
    ending end = {0};
    options.loop = loop;
    options.oneshot_factory = work;
    options.userdata = &w;
    hostsession_manager *manager = new_manager("local", &options);
    run.on_output = free_in_output;
    run.userdata = manager;
    assert_int_equal(hostsession_manager_oneshot_start(manager, "something", &run, on_oneshot, &end, NULL, NULL),
                     HOSTSESSION_OK);
    drive_idle(loop);
    w.options.on_output(w.options.userdata, HOSTSESSION_STREAM_OUTPUT, "so far", 6);
    drive_until(loop, &end.calls, 1);
    assert_int_equal(w.cancelled, 1);
    check_result(end.result, HOSTSESSION_STATUS_INTERRUPTED, -1, "so far");
    w.done(HOSTSESSION_OK, NULL, w.done_userdata);
    ending_free(&end);
    hostsession_loop_free(loop);
    text_free(&w.command);
}

/* One that calls `done` from inside of `cancel`, and tries what is not allowed in a callback. */
typedef struct hasty {
    hostsession_loop *loop;
    hostsession_oneshot_fn done;
    void *done_userdata;
    hostsession_result *result;
    int cancelled;
} hasty;

static void cancel_hastily(void *data) {
    hasty *h = data;
    h->cancelled++;
    assert_int_equal(hostsession_loop_dispatch(h->loop), HOSTSESSION_ERROR_INVALID);
    h->done(HOSTSESSION_OK, h->result, h->done_userdata);
}

static hostsession_error work_hastily(void *userdata, const char *command, const hostsession_run_options *options,
                                      hostsession_oneshot_fn done, void *done_userdata,
                                      hostsession_oneshot_handle *ret_handle, hostsession_failure *failure) {
    hasty *h = userdata;
    (void)command, (void)failure;
    h->done = done;
    h->done_userdata = done_userdata;
    options->on_output(options->userdata, HOSTSESSION_STREAM_OUTPUT, "so far", 6);
    *ret_handle = (hostsession_oneshot_handle){cancel_hastily, h};
    return HOSTSESSION_OK;
}

/* Stopped by a cancel, by its time limit, by close_all, by free. */
static void by_a_factory_that_is_done_when_cancelled(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) {
        hostsession_manager_options options = HOSTSESSION_MANAGER_OPTIONS_INIT;
        hasty h = {.loop = new_loop(), .result = make_result()};
        ending end = {0};
        options.loop = h.loop;
        options.oneshot_factory = work_hastily;
        options.userdata = &h;
        hostsession_manager *manager = new_manager("local", &options);
        hostsession_request *request = begin_oneshot(manager, "something", i == 1 ? 20 : 0, &end);
        while (!h.done)
            hostsession_loop_run_once(h.loop, 1000);
        if (i == 0)
            hostsession_request_cancel(request);
        else if (i == 2)
            hostsession_manager_close_all(manager);
        else if (i == 3)
            hostsession_manager_free(manager);
        drive_until(h.loop, &end.calls, 1);
        drive_idle(h.loop);
        assert_int_equal(end.calls, 1);
        assert_int_equal(h.cancelled, 1);
        check_result(end.result, i == 1 ? HOSTSESSION_STATUS_TIMED_OUT : HOSTSESSION_STATUS_INTERRUPTED, -1, "so far");
        assert_int_equal(hostsession_result_failure(end.result)->error, end.error);
        ending_free(&end);
        if (i < 3)
            hostsession_manager_free(manager);
        hostsession_loop_free(h.loop);
    }
}

static const api_case cases[] = {
    CASE(exact),
    CASE(standard_error_apart),
    CASE(each_in_a_shell_of_its_own),
    CASE(large),
    CASE(what_it_leaves_running),
    CASE(timed_out),
    CASE(cancelled),
    CASE(freed),
    CASE(a_flood_is_timed_out),
    CASE(output_as_it_arrives),
    CASE(stopped_at_its_last_line),
    CASE(two_hundred),
    CASE(never_sent),
    CASE(any_time_to_connect),
    CASE(what_is_wrong),
    CASE(in_sessions),
    CASE(in_sessions_with_a_limit),
    CASE(cancelled_when_its_time_has_passed),
    CASE(on_exec_targets),
    CASE(by_a_factory),
    CASE(by_a_factory_outside_of_dispatch),
    CASE(by_a_factory_that_is_done_when_cancelled),
};
CASES_MAIN("manager-oneshots", cases)
