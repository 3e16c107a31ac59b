/* SPDX-License-Identifier: MIT */
#include "cmocka_headers.h"
#include "options.h"

#include <string.h>

enum { argument_limit = 32 };

/* The parse of these arguments after "run". */
static options_answer parse(run_options *parsed, const char *const *arguments) {
    static char run[] = "run";
    static char *argv[argument_limit + 2];
    int argc = 0;
    argv[argc++] = run;
    for (; *arguments; arguments++)
        argv[argc++] = (char *)*arguments;
    argv[argc] = NULL;
    return options_parse(parsed, argc, argv);
}
#define PARSE(parsed, ...) parse(parsed, (const char *const[]){__VA_ARGS__, NULL})

static void nothing_but_a_command(void **state) {
    (void)state;
    run_options parsed;
    assert_int_equal(PARSE(&parsed, "local", "pwd", "ls"), OPTIONS_RUN);
    assert_string_equal(parsed.target, "local");
    assert_int_equal(parsed.command_count, 2);
    assert_string_equal(parsed.commands[1], "ls");
    assert_false(parsed.json || parsed.keep_going || parsed.nul_separated);
    assert_int_equal(parsed.timeout_ms, 0);
    assert_int_equal(parsed.max_output_bytes, 0);
    assert_int_equal(parsed.mode, HOSTSESSION_MODE_TTY);
    assert_null(parsed.environment[0]);
    options_release(&parsed);
}

static void all_options(void **state) {
    (void)state;
    run_options parsed;
    assert_int_equal(PARSE(&parsed, "-k", "-t", "1.5", "--budget", "20", "--connect-timeout=3", "--mode", "pipe",
                           "--shell", "dash", "--env", "A=1", "--env=B=2", "--cwd", "/", "--max-output", "1K", "--json",
                           "-vv", "local", "x"),
                     OPTIONS_RUN);
    assert_true(parsed.keep_going && parsed.json);
    assert_int_equal(parsed.timeout_ms, 1500);
    assert_int_equal(parsed.budget_ms, 20000);
    assert_int_equal(parsed.connect_timeout_ms, 3000);
    assert_int_equal(parsed.mode, HOSTSESSION_MODE_PIPE);
    assert_string_equal(parsed.shell, "dash");
    assert_string_equal(parsed.environment[0], "A=1");
    assert_string_equal(parsed.environment[1], "B=2");
    assert_null(parsed.environment[2]);
    assert_string_equal(parsed.cwd, "/");
    assert_int_equal(parsed.max_output_bytes, 1024);
    assert_int_equal(parsed.verbosity, DEBUG);
    options_release(&parsed);
}

static void commands_may_begin_with_a_dash(void **state) {
    (void)state;
    run_options parsed;
    assert_int_equal(PARSE(&parsed, "-k", "local", "-x", "--json"), OPTIONS_RUN);
    assert_int_equal(parsed.command_count, 2);
    assert_false(parsed.json);
    assert_string_equal(parsed.commands[0], "-x");
    options_release(&parsed);
    assert_int_equal(PARSE(&parsed, "--", "local", "--", "--", "x"), OPTIONS_RUN);
    assert_int_equal(parsed.command_count, 2);
    assert_string_equal(parsed.commands[0], "--");
    options_release(&parsed);
}

static void replies_belong_to_the_pattern_before(void **state) {
    (void)state;
    run_options parsed;
    assert_int_equal(PARSE(&parsed, "--expect", "a", "--reply", "1", "--expect", "b", "-k", "--reply", "", "local",
                           "x"),
                     OPTIONS_RUN);
    assert_int_equal(parsed.expectation_count, 2);
    assert_string_equal(parsed.expectations[0].pattern, "a");
    assert_string_equal(parsed.expectations[0].response, "1\r");
    assert_int_equal(parsed.expectations[0].flags, 0);
    assert_string_equal(parsed.expectations[1].pattern, "b");
    assert_string_equal(parsed.expectations[1].response, "\r");
    options_release(&parsed);
}

static void answers_have_a_limit(void **state) {
    (void)state;
    run_options parsed;
    assert_int_equal(PARSE(&parsed, "--expect", "a", "--reply", "1", "--max-answers", "3", "--expect", "b", "--reply",
                           "2", "local", "x"),
                     OPTIONS_RUN);
    assert_int_equal(parsed.expectations[0].max_answers, 3);
    assert_int_equal(parsed.expectations[1].max_answers, 0);
    options_release(&parsed);
}

static void telnet_has_its_own(void **state) {
    (void)state;
    run_options parsed;
    assert_int_equal(PARSE(&parsed, "--name-prompt", "who", "--password-prompt", "what", "--pace", "16/0.05",
                           "telnet://h", "x"),
                     OPTIONS_RUN);
    assert_string_equal(parsed.telnet.name_prompt, "who");
    assert_string_equal(parsed.telnet.password_prompt, "what");
    assert_int_equal(parsed.telnet.write_bytes, 16);
    assert_int_equal(parsed.telnet.write_pause_ms, 50);
    options_release(&parsed);
}

static void secret_replies_are_marked(void **state) {
    (void)state;
    run_options parsed;
    assert_int_equal(PARSE(&parsed, "--expect", "a", "--reply-from", "env:PATH", "local", "x"), OPTIONS_RUN);
    assert_int_equal(parsed.expectations[0].flags, HOSTSESSION_EXPECT_SECRET);
    size_t length = strlen(parsed.expectations[0].response);
    assert_int_equal(parsed.expectations[0].response[length - 1], '\r');
    options_release(&parsed);
}

static void commands_from_a_file(void **state) {
    (void)state;
    run_options parsed;
    assert_int_equal(PARSE(&parsed, "-0f", "-", "local"), OPTIONS_RUN);
    assert_string_equal(parsed.file, "-");
    assert_true(parsed.nul_separated);
    options_release(&parsed);
}

static void help_wins(void **state) {
    (void)state;
    run_options parsed;
    assert_int_equal(PARSE(&parsed, "--help"), OPTIONS_HELP);
    options_release(&parsed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_but_a_command),
        cmocka_unit_test(all_options),
        cmocka_unit_test(commands_may_begin_with_a_dash),
        cmocka_unit_test(replies_belong_to_the_pattern_before),
        cmocka_unit_test(answers_have_a_limit),
        cmocka_unit_test(telnet_has_its_own),
        cmocka_unit_test(secret_replies_are_marked),
        cmocka_unit_test(commands_from_a_file),
        cmocka_unit_test(help_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
