/* SPDX-License-Identifier: MIT */
/* Wrong calls are named, and change nothing. */
#include "cases.h"

#include <stdlib.h>
#include <string.h>

/* The blocking open and the other one refuse the same. */
static void check_open(const char *target, const hostsession_options *options, const char *part) {
    hostsession_loop *loop = new_loop();
    for (int form = 0; form < 3; form++) {
        hostsession *session = (hostsession *)(uintptr_t)1;
        hostsession_failure why = HOSTSESSION_FAILURE_INIT;
        hostsession_options on_loop = *options;
        outcome open = {0};
        on_loop.loop = form == 1 ? NULL : loop;
        hostsession_error error = form == 0 ? hostsession_open_start(target, &on_loop, opened, &open, &session, &why)
                                            : hostsession_open(target, &on_loop, &session, &why);
        assert_int_equal(error, HOSTSESSION_ERROR_INVALID);
        assert_null(session);
        assert_int_equal(why.error, error);
        assert_true(why.stage[0]);
        if (!strstr(why.message, part))
            fail_msg("\"%s\" does not tell of \"%s\"", why.message, part);
        /* The reason may be left out. */
        assert_int_equal(hostsession_open(target, &on_loop, &session, NULL), HOSTSESSION_ERROR_INVALID);
        drive_idle(loop);
        assert_int_equal(open.calls, 0);
    }
    hostsession_loop_free(loop);
}

static void targets(void **state) {
    (void)state;
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    check_open(NULL, &options, "target");
    check_open("", &options, "target");
    check_open("lo kal", &options, "lo kal");
    check_open("user@host:0", &options, "port");
    check_open("exec:", &options, "program");
    check_open("exec:sh 'open", &options, "quote");
    options.shell = "sh";
    check_open("exec:sh", &options, "shell");
}

static void sizes_of_options(void **state) {
    (void)state;
    static const size_t sizes[] = {
        0, 1, sizeof(size_t) + 1, sizeof(hostsession_options) + 1, sizeof(hostsession_options) * 2, SIZE_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        hostsession_options options = HOSTSESSION_OPTIONS_INIT;
        options.struct_size = sizes[i];
        check_open("local", &options, "struct_size");
    }
}

/* A program that was built with a header whose structs are shorter. */
static void older_options(void **state) {
    (void)state;
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    options.struct_size = offsetof(hostsession_options, userdata) + sizeof options.userdata;
    hostsession *session = NULL;
    assert_int_equal(hostsession_open("local", &options, &session, NULL), HOSTSESSION_OK);
    hostsession_close(session);
}

static void older_transports(void **state) {
    (void)state;
    memory *m = memory_new(NULL);
    hostsession_transport interface = memory_transport(m);
    interface.struct_size = offsetof(hostsession_transport, terminal_changed);
    hostsession_options options = memory_session(m, NULL);
    options.transport = &interface;
    hostsession *session = NULL;
    assert_int_equal(hostsession_open("peer", &options, &session, NULL), HOSTSESSION_OK);
    check_run(session, "say fine", "fine\n", 0);
    hostsession_close(session);
    memory_free(m);
}

static void a_recovery_has_an_end(void **state) {
    (void)state;
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    options.recovery_timeout_ms = -1;
    check_open("local", &options, "recovery_timeout_ms");
}

static void modes(void **state) {
    (void)state;
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    options.mode = (hostsession_mode)7;
    check_open("local", &options, "mode");
    options.mode = (hostsession_mode)-1;
    check_open("local", &options, "mode");
}

static void a_loop_is_needed(void **state) {
    (void)state;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    hostsession *session = (hostsession *)(uintptr_t)1;
    assert_int_equal(hostsession_open_start("local", NULL, opened, NULL, &session, &why), HOSTSESSION_ERROR_INVALID);
    assert_null(session);
    assert_non_null(strstr(why.message, "loop"));
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    assert_int_equal(hostsession_open_start("local", &options, opened, NULL, &session, NULL),
                     HOSTSESSION_ERROR_INVALID);
}

static void transports_that_lack_something(void **state) {
    (void)state;
    memory *m = memory_new(NULL);
    for (int i = 0; i < 5; i++) {
        hostsession_transport interface = memory_transport(m);
        hostsession_options options = memory_session(m, NULL);
        options.transport = &interface;
        if (i == 0)
            interface.open = NULL;
        else if (i == 1)
            interface.write = NULL;
        else if (i == 2)
            interface.close = NULL;
        else if (i == 3)
            interface.capabilities = HOSTSESSION_TRANSPORT_ERROR_STREAM;
        else
            options.mode = HOSTSESSION_MODE_PIPE;
        check_open("peer", &options, i < 3 ? "transport" : "terminal");
    }
    /* Nothing was called: it is still the caller's. */
    assert_int_equal(memory_seen(m)->opens, 0);
    assert_int_equal(memory_seen(m)->releases, 0);
    memory_free(m);
}

static void sizes_of_transports(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, sizeof(hostsession_transport) + 1, SIZE_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        memory *m = memory_new(NULL);
        hostsession_transport interface = memory_transport(m);
        interface.struct_size = sizes[i];
        hostsession_options options = memory_session(m, NULL);
        options.transport = &interface;
        check_open("peer", &options, "struct_size");
        memory_free(m);
    }
}

/* ---- of a session ---- */

static void check_refused(hostsession *session, const char *command, const hostsession_run_options *options,
                          const char *part) {
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    hostsession_operation *operation = (hostsession_operation *)(uintptr_t)1;
    outcome run = {0};
    assert_int_equal(hostsession_run_start(session, command, options, ran, &run, &operation, &why),
                     HOSTSESSION_ERROR_INVALID);
    assert_null(operation);
    if (!strstr(why.message, part))
        fail_msg("\"%s\" does not tell of \"%s\"", why.message, part);
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, command, options, &result), HOSTSESSION_ERROR_INVALID);
    hostsession_result_free(result);
    assert_int_equal(run.calls, 0);
    check_run(session, "say fine", "fine\n", 0);
}

static void runs(void **state) {
    (void)state;
    memory *m = memory_new(NULL);
    hostsession *session = open_memory(m, NULL);
    check_refused(session, NULL, NULL, "NULL");
    static const size_t sizes[] = {0, 3, sizeof(hostsession_run_options) + 1, SIZE_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
        options.struct_size = sizes[i];
        check_refused(session, "say no", &options, "struct_size");
    }
    static const int64_t timeouts[] = {-1, INT64_MIN, INT64_MAX};
    for (size_t i = 0; i < sizeof timeouts / sizeof timeouts[0]; i++) {
        hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
        options.timeout_ms = timeouts[i];
        check_refused(session, "say no", &options, "timeout_ms");
    }
    hostsession_close(session);
    memory_free(m);
}

/* "Always assigned; holds the reason when nothing was sent." */
static void a_refused_run_has_a_result(void **state) {
    (void)state;
    memory *m = memory_new(NULL);
    hostsession *session = open_memory(m, NULL);
    hostsession_result *result = (hostsession_result *)(uintptr_t)1;
    assert_int_equal(hostsession_run(session, NULL, NULL, &result), HOSTSESSION_ERROR_INVALID);
    assert_int_equal(hostsession_result_status(result), HOSTSESSION_STATUS_ERROR);
    assert_int_equal(hostsession_result_failure(result)->error, HOSTSESSION_ERROR_INVALID);
    hostsession_result_free(result);
    hostsession_close(session);
    memory_free(m);
}

static void expectations(void **state) {
    (void)state;
    static const struct {
        hostsession_expectation list[2];
        const char *part;
    } rows[] = {
        {{{"good", "x", 0, 0}, {"ba(d", "x", 0, 0}}, "ba(d"},
        {{{"good", "x", 0, 0}, {NULL, "x", 0, 0}}, "expectation 1"},
        {{{"good", NULL, 0, 0}, {"good", "x", 0, 0}}, "expectation 0"},
        {{{"good", "x", HOSTSESSION_EXPECT_ECHO_OFF, 0}, {"good", "x", 0, 0}}, "echo"},
        {{{"good", "x", 0, 0}, {"a\\", "x", 0, 0}}, "a\\"},
    };
    memory *m = memory_new(NULL);
    hostsession *session = open_memory(m, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
        options.expectations = rows[i].list;
        options.expectation_count = 2;
        check_refused(session, "say no", &options, rows[i].part);
    }
    hostsession_close(session);
    memory_free(m);
}

static void in_pipe_mode(void **state) {
    (void)state;
    memory *m = memory_new(&(memory_options){.pipe = true});
    hostsession *session = open_memory(m, NULL);
    static const hostsession_expectation one[] = {{"good", "x", 0, 0}};
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.expectations = one;
    options.expectation_count = 1;
    check_refused(session, "say no", &options, "pipe");
    assert_int_equal(hostsession_send(session, "x\n", 2, false), HOSTSESSION_ERROR_INVALID);
    assert_int_equal(hostsession_type(session, "x\n", 2, false), HOSTSESSION_ERROR_INVALID);
    assert_int_equal(hostsession_send_start(session, "x\n", 2, false, NULL, NULL, NULL), HOSTSESSION_ERROR_INVALID);
    const char *pattern = "x";
    hostsession_match *match = (hostsession_match *)(uintptr_t)1;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    assert_int_equal(hostsession_expect(session, &pattern, 1, NULL, &match, &why), HOSTSESSION_ERROR_INVALID);
    assert_null(match);
    assert_non_null(strstr(why.message, "pipe"));
    hostsession_close(session);
    memory_free(m);
}

static void expects(void **state) {
    (void)state;
    memory *m = memory_new(NULL);
    hostsession *session = open_memory(m, NULL);
    static const char *const bad[] = {"good", "(?<x"};
    hostsession_match *match = (hostsession_match *)(uintptr_t)1;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    assert_int_equal(hostsession_expect(session, bad, 2, NULL, &match, &why), HOSTSESSION_ERROR_INVALID);
    assert_null(match);
    assert_string_equal(why.stage, "pattern");
    assert_non_null(strstr(why.message, "(?<x"));
    static const char *const none[] = {NULL};
    assert_int_equal(hostsession_expect(session, none, 1, NULL, &match, &why), HOSTSESSION_ERROR_INVALID);
    static const size_t sizes[] = {0, 3, sizeof(hostsession_expect_options) + 1, SIZE_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        hostsession_expect_options options = HOSTSESSION_EXPECT_OPTIONS_INIT;
        options.struct_size = sizes[i];
        assert_int_equal(hostsession_expect(session, bad, 1, &options, &match, &why), HOSTSESSION_ERROR_INVALID);
        assert_non_null(strstr(why.message, "struct_size"));
    }
    hostsession_close(session);
    memory_free(m);
}

static void check_not_entered(hostsession *session, const char *command, const hostsession_enter_options *options,
                              hostsession_error error, const char *part) {
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    hostsession_operation *operation = NULL;
    outcome o = {0};
    assert_int_equal(hostsession_enter_start(session, command, options, ran, &o, &operation, &why), error);
    if (!strstr(why.message, part))
        fail_msg("\"%s\" is not in: %s", part, why.message);
    assert_null(operation);
    assert_int_equal(o.calls, 0);
}

static void inner_shells(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    hostsession_options how = HOSTSESSION_OPTIONS_INIT;
    hostsession_enter_options options = HOSTSESSION_ENTER_OPTIONS_INIT;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    hostsession_expectation broken = {.pattern = "(", .response = "x"};
    hostsession *session = open_local(loop);
    check_not_entered(session, NULL, NULL, HOSTSESSION_ERROR_INVALID, "NULL");
    options.timeout_ms = -2;
    check_not_entered(session, "sh", &options, HOSTSESSION_ERROR_INVALID, "timeout_ms is -2");
    options.timeout_ms = 0;
    options.expectations = &broken;
    options.expectation_count = 1;
    check_not_entered(session, "sh", &options, HOSTSESSION_ERROR_INVALID, "(");
    options.struct_size = 3;
    check_not_entered(session, "sh", &options, HOSTSESSION_ERROR_INVALID, "struct_size is 3");
    assert_int_equal(hostsession_leave_start(session, -2, ran, NULL, NULL, &why), HOSTSESSION_ERROR_INVALID);
    check_run(session, "echo on", "on\n", 0);
    hostsession_close(session);
    how.loop = loop;
    how.shell = "sh";
    how.mode = HOSTSESSION_MODE_PIPE;
    assert_int_equal(hostsession_open("local", &how, &session, NULL), HOSTSESSION_OK);
    check_not_entered(session, "sh", NULL, HOSTSESSION_ERROR_INVALID, "needs a terminal");
    assert_int_equal(hostsession_leave_start(session, 0, ran, NULL, NULL, &why), HOSTSESSION_ERROR_INVALID);
    hostsession_close(session);
    hostsession_loop_free(loop);
}

static void watches(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    hostsession_watch *watch = NULL;
    assert_int_equal(hostsession_watch_new(loop, -1, HOSTSESSION_WATCH_READABLE, NULL, NULL, &watch),
                     HOSTSESSION_ERROR_INVALID);
    hostsession_watch_free(NULL);
    hostsession_loop_free(loop);
}

/* Times that are out of range, or none, do no harm. */
static void extreme_times(void **state) {
    (void)state;
    static const int64_t times[] = {-1, INT64_MIN, INT64_MAX, INT64_MAX / 1000, INT64_MAX / 2000};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        hostsession_loop *loop = new_loop();
        memory *m = memory_new(NULL);
        hostsession_options options = memory_session(m, loop);
        options.connect_timeout_ms = times[i];
        options.recovery_timeout_ms = times[i] < 0 ? 0 : times[i];
        hostsession *session = open_with(&options);
        outcome run = {0}, send = {0}, after = {0};
        start_send(session, "say raw\n", &send);
        start_run(session, "say settled", &after);
        drive_until(loop, &after.calls, 1);
        check_result(after.result, HOSTSESSION_STATUS_SUCCESS, 0, "settled\n");
        outcome_free(&after);
        start_run(session, "wait here", &run);
        drive_until_waits(loop, m);
        drive_idle(loop);
        hostsession_cancel_current(session);
        drive_until(loop, &run.calls, 1);
        assert_true(hostsession_result_session_alive(run.result));
        outcome_free(&run);
        hostsession_expect_options expect = HOSTSESSION_EXPECT_OPTIONS_INIT;
        expect.timeout_ms = times[i];
        const char *pattern = "more";
        hostsession_match *match = NULL;
        hostsession_send(session, "say more\n", 9, false);
        assert_int_equal(hostsession_expect(session, &pattern, 1, &expect, &match, NULL), HOSTSESSION_OK);
        hostsession_match_free(match);
        hostsession_close(session);
        hostsession_loop_free(loop);
        memory_free(m);
    }
}

/* "The library does nothing with NULL": destructors, results, matches. */
static void nothing(void **state) {
    (void)state;
    hostsession_close(NULL);
    hostsession_loop_free(NULL);
    hostsession_result_free(NULL);
    hostsession_match_free(NULL);
    assert_int_equal(hostsession_result_status(NULL), HOSTSESSION_STATUS_ERROR);
    assert_int_equal(hostsession_result_exit_status(NULL), -1);
    assert_string_equal(hostsession_result_output(NULL), "");
    assert_int_equal(hostsession_result_output_bytes(NULL), 0);
    assert_string_equal(hostsession_result_error_output(NULL), "");
    assert_int_equal(hostsession_result_error_output_bytes(NULL), 0);
    assert_int_equal(hostsession_result_dropped_bytes(NULL), 0);
    assert_int_equal(hostsession_result_head_bytes(NULL), 0);
    assert_int_equal(hostsession_result_duration_us(NULL), 0);
    assert_string_equal(hostsession_result_cwd(NULL), "");
    assert_false(hostsession_result_session_alive(NULL));
    assert_int_not_equal(hostsession_result_failure(NULL)->error, HOSTSESSION_OK);
    assert_int_equal(hostsession_match_index(NULL), -1);
    assert_string_equal(hostsession_match_text(NULL), "");
    assert_int_equal(hostsession_match_text_bytes(NULL), 0);
    size_t length = 1;
    assert_null(hostsession_match_group(NULL, 0, &length));
    assert_int_equal(length, 0);
}

static void names(void **state) {
    (void)state;
    for (int i = -2; i < 40; i++) {
        assert_true(hostsession_error_name((hostsession_error)i)[0]);
        assert_true(hostsession_status_name((hostsession_status)i)[0]);
    }
    assert_string_equal(hostsession_error_name(HOSTSESSION_ERROR_NOT_READY), "not_ready");
    assert_string_equal(hostsession_error_name(HOSTSESSION_ERROR_HOST_KEY_UNKNOWN), "host_key_unknown");
    assert_string_equal(hostsession_status_name(HOSTSESSION_STATUS_SHELL_EXITED), "shell_exited");
    assert_string_equal(hostsession_version(), HOSTSESSION_VERSION);
}

static const api_case cases[] = {
    CASE(targets),
    CASE(sizes_of_options),
    CASE(older_options),
    CASE(older_transports),
    CASE(a_recovery_has_an_end),
    CASE(modes),
    CASE(a_loop_is_needed),
    CASE(transports_that_lack_something),
    CASE(sizes_of_transports),
    CASE(runs),
    CASE(a_refused_run_has_a_result),
    CASE(expectations),
    CASE(in_pipe_mode),
    CASE(expects),
    CASE(inner_shells),
    CASE(watches),
    CASE(extreme_times),
    CASE(nothing),
    CASE(names),
};

CASES_MAIN("invalid", cases)
