/* SPDX-License-Identifier: MIT */
/* What the log callbacks are told, and what never. */
#include "farm.h"

#include <string.h>

static void run_all(hostsession_named *named, const hostsession_command *commands, size_t count,
                    const hostsession_sequence_options *options) {
    hostsession_results *results = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (hostsession_named_run(named, commands, count, options, &results, &why))
        fail_msg("%s", why.message);
    hostsession_results_free(results);
}

static void commands_and_lines(void **state) {
    (void)state;
    farm f;
    farm_init(&f);
    f.peer.pipe = true;
    farm_start(&f, true);
    f.session.mode = HOSTSESSION_MODE_PIPE;
    hostsession_manager_free(f.manager);
    hostsession_manager_options options = farm_options(&f);
    f.manager = new_manager("farm", &options);
    hostsession_named *named = open_named(f.manager, "a");
    const hostsession_command commands[] = {{.text = "lines 2\nerror oops"}, {.text = "status 3"}, {.text = "bytes 3"}};
    run_all(named, commands, 3, NULL);
    run_all(hostsession_manager_default(f.manager), &commands[2], 1, NULL);
    check_oneshot(f.manager, "say one", "one\n", 0);
    assert_string_equal(text_data(&f.log), "a> lines 2\nerror oops\na: line 1\na: line 2\na! oops\n"
                                           "a> status 3\na> bytes 3\na: abc\n"
                                           "> bytes 3\n: abc\n"
                                           "-> say one\n-: one\n");
    hostsession_named_release(named);
    farm_end(&f);
}

static void quiet_and_never(void **state) {
    (void)state;
    farm f;
    farm_init(&f);
    farm_start(&f, true);
    hostsession_named *named = open_named(f.manager, "a");
    hostsession_sequence_options options = HOSTSESSION_SEQUENCE_OPTIONS_INIT;
    const hostsession_command commands[] = {
        {.text = "say one", .logging = HOSTSESSION_LOGGING_QUIET},
        {.text = "say two", .logging = HOSTSESSION_LOGGING_NEVER},
        {.text = "say three"},
    };
    run_all(named, commands, 3, &options);
    assert_string_equal(text_data(&f.log), "a> say one\na> say three\na: three\n");
    text_clear(&f.log);
    options.logging = HOSTSESSION_LOGGING_NEVER;
    run_all(named, &commands[2], 1, &options);
    run_all(named, commands, 2, &options);
    assert_string_equal(text_data(&f.log), "a> say one\n");
    hostsession_named_release(named);
    farm_end(&f);
}

static void sends(void **state) {
    (void)state;
    farm f;
    farm_init(&f);
    farm_start(&f, true);
    hostsession_named *shell = hostsession_manager_default(f.manager);
    const char *pattern = "there";
    hostsession_match *match = NULL;
    assert_int_equal(hostsession_named_send(shell, "say there\n", 10, false, NULL), HOSTSESSION_OK);
    assert_int_equal(hostsession_named_expect(shell, &pattern, 1, NULL, &match, NULL), HOSTSESSION_OK);
    hostsession_match_free(match);
    assert_int_equal(hostsession_named_send(shell, "say hunter2\n", 12, true, NULL), HOSTSESSION_OK);
    assert_int_equal(hostsession_named_send(shell, "say x\n", 6, false, NULL), HOSTSESSION_OK);
    assert_string_equal(text_data(&f.log), "> say there\n\n> ***\n> say x\n\n");
    farm_end(&f);
}

/* A secret command, and a secret response that comes back in the output, now and later, however it is split.  Results
 * stay exact. */
static void secrets(void **state) {
    (void)state;
    for (size_t chunk = 0; chunk < 4; chunk++) {
        farm f;
        farm_init(&f);
        f.peer.chunk_bytes = chunk;
        farm_start(&f, true);
        hostsession_named *named = open_named(f.manager, "a");
        const hostsession_expectation answer = {.pattern = "word\\?",
                                                .response = "hunter2\n",
                                                .flags = HOSTSESSION_EXPECT_SECRET};
        const hostsession_command commands[] = {
            {.text = "say the-secret", .secret = true},
            {.text = "ask word?", .expectations = &answer, .expectation_count = 1},
            {.text = "say say the-secret and hunter2 hunt"},
        };
        hostsession_results *results = NULL;
        hostsession_named_run(named, commands, 3, NULL, &results, NULL);
        assert_string_equal(hostsession_result_output(hostsession_results_at(results, 0)), "the-secret\n");
        assert_non_null(strstr(hostsession_result_output(hostsession_results_at(results, 1)), "got hunter2"));
        hostsession_results_free(results);
        if (text_contains(&f.log, "\na: ***\n") != 0)
            fail_msg("a line was made of another: %s", text_data(&f.log));
        const char *after = strstr(text_data(&f.log), "a> ask");
        assert_non_null(after);
        assert_int_equal(strncmp(text_data(&f.log), "a> ***\n", 7), 0);
        /* The third command's text is the caller's own doing; its output is not. */
        const char *third = strstr(after, "a> say");
        assert_non_null(third);
        const char *output = strstr(third, "\na: ");
        assert_non_null(output);
        assert_null(strstr(output, "hunter2"));
        assert_null(strstr(output, "say the-secret"));
        assert_string_equal(output, "\na: *** and *** hunt\n");
        *strstr(f.log.data, "a> say") = 0;
        assert_null(strstr(text_data(&f.log), "hunter2"));
        assert_non_null(strstr(text_data(&f.log), "got ***"));
        hostsession_named_release(named);
        farm_end(&f);
    }
}

static void a_secret_oneshot(void **state) {
    (void)state;
    farm f;
    farm_init(&f);
    farm_start(&f, true);
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    hostsession_result *result = NULL;
    options.secret = true;
    assert_int_equal(hostsession_manager_oneshot(f.manager, "say quiet", &options, &result), HOSTSESSION_OK);
    assert_string_equal(hostsession_result_output(result), "quiet\n");
    hostsession_result_free(result);
    assert_string_equal(text_data(&f.log), "-> ***\n-: quiet\n");
    farm_end(&f);
}

/* After close_all nothing is told of what was under way. */
static void nothing_after_a_close(void **state) {
    (void)state;
    farm f;
    ending run = {0};
    farm_init(&f);
    farm_start(&f, false);
    hostsession_named *named = open_named(f.manager, "a");
    begin_run(named, "bytes 5\nwait here", &run);
    drive_until_waits(f.loop, f.peers[0]);
    drive_idle(f.loop);
    memory_say(f.peers[0], HOSTSESSION_STREAM_OUTPUT, "begun", 5);
    drive_idle(f.loop);
    assert_string_equal(text_data(&f.log), "a> bytes 5\nwait here\na: abcdehere\n");
    hostsession_manager_close_all(f.manager);
    drive_idle(f.loop);
    assert_int_equal(run.calls, 1);
    assert_string_equal(text_data(&f.log), "a> bytes 5\nwait here\na: abcdehere\n");
    hostsession_named_release(named);
    ending_free(&run);
    farm_end(&f);
}

static const api_case cases[] = {
    CASE(commands_and_lines), CASE(quiet_and_never),       CASE(sends), CASE(secrets),
    CASE(a_secret_oneshot),   CASE(nothing_after_a_close),
};
CASES_MAIN("manager-log", cases)
