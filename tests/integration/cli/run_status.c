/* SPDX-License-Identifier: MIT */
/* Exit statuses of `hostsession run`, and what is run after a command that did not succeed. */
#include "cmocka_headers.h"
#include "invocation.h"
#include "support/folder.h"

#include <stdio.h>

enum { case_arguments = 12 };

typedef struct status_case {
    const char *arguments[case_arguments];
    int exit_status;
    /* All that is to be on standard output. */
    const char *output;
} status_case;

static const status_case cases[] = {
    {{"local", "true"}, 0, ""},
    {{"local", "(exit 3)", "echo no"}, 3, ""},
    {{"local", "echo a", "false", "echo no"}, 1, "a\n"},
    {{"-k", "local", "(exit 3)", "echo b", "(exit 4)"}, 3, "b\n"},
    {{"local", "no-such-program-anywhere 2>/dev/null"}, 127, ""},
    {{"local", "kill -9 $$"}, 137, ""},
    {{"local", "if"}, 2, NULL},
    {{"local", "exit 3"}, 3, ""},
    {{"local", "exit 0"}, 0, ""},
    {{"local", "exit 0", "echo no"}, 255, ""},
    {{"-k", "local", "exit 5", "echo no"}, 5, ""},
    {{"-k", "local", "false", "exit 5", "echo no"}, 1, ""},
    {{"local", "set -e; false; echo no", "echo no"}, 1, ""},
    {{"local", "exec sh -c 'echo x; exit 9'"}, 9, "x\n"},
    {{"-t", "0.2", "local", "sleep 1000", "echo no"}, 124, ""},
    {{"-k", "-t", "1", "local", "x=kept", "sleep 1000", "echo $x"}, 124, "kept\n"},
    {{"--timeout", "60", "local", "echo a"}, 0, "a\n"},
    {{"--budget", "1", "local", "echo a", "sleep 1000", "echo no"}, 124, "a\n"},
    {{"-k", "--budget", "0.3", "local", "sleep 1000", "echo no"}, 124, ""},
    {{"-k", "--budget", "0.3", "-t", "60", "local", "sleep 1000", "echo no"}, 124, ""},
    {{"--budget", "60", "-t", "0.2", "local", "sleep 1000"}, 124, ""},
};

static void exit_statuses(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *arguments[case_arguments + 1] = {"run"};
        for (size_t j = 0; j < case_arguments; j++)
            arguments[j + 1] = cases[i].arguments[j];
        invocation it;
        int exit_status = invocation_run(&it, arguments);
        if (exit_status != cases[i].exit_status)
            fail_msg("case %zu (%s, %s): exit status %d, not %d; standard error: %s", i, arguments[1], arguments[2],
                     exit_status, cases[i].exit_status, text_data(&it.error_text));
        if (cases[i].output)
            assert_text(&it.output_text, cases[i].output);
        invocation_release(&it);
    }
}

/* A program that can't be started, or is no shell: status 255 and a message that names it. */
static void targets_that_give_no_shell(void **state) {
    (void)state;
    static const struct {
        const char *arguments[8];
        const char *told;
    } failures[] = {
        {{"run", "--shell", "/nonexistent/shell", "local", "true"}, "/nonexistent/shell"},
        {{"run", "--shell", "no-such-shell-anywhere", "local", "true"}, "no-such-shell-anywhere"},
        {{"run", "--shell", "/etc/passwd", "local", "true"}, "/etc/passwd"},
        {{"run", "--shell", "/", "local", "true"}, "/"},
        {{"run", "--shell", "false", "local", "true"}, "false"},
        {{"run", "exec:/nonexistent/program x", "true"}, "/nonexistent/program"},
        {{"run", "exec:true", "true"}, "true"},
        {{"run", "--connect-timeout", "0.3", "exec:sleep 1000", "true"}, "sleep"},
        {{"run", "--cwd", "/nonexistent/folder", "local", "true"}, "/nonexistent/folder"},
    };
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        invocation it;
        int exit_status = invocation_run(&it, failures[i].arguments);
        if (exit_status != 255)
            fail_msg("case %zu: exit status %d; standard error: %s", i, exit_status, text_data(&it.error_text));
        assert_contains(&it.error_text, "hostsession: ");
        assert_contains(&it.error_text, failures[i].told);
        assert_text(&it.output_text, "");
        invocation_release(&it);
    }
}

/* The command under a shell that has changed what it inherits. */
static int run_in_shell(invocation *it, const char *script) {
    const char *program = invocation_program;
    invocation_program = "/bin/sh";
    int exit_status = RUN(it, "-c", script, "sh", program);
    invocation_program = program;
    return exit_status;
}

/* The shell ends at its next read, before or behind the second command: that has not run. */
static void a_command_that_was_not_run_is_told(void **state) {
    (void)state;
    invocation it;
    assert_int_equal(RUN(&it, "run", "local", "exec <&-", "echo NOT", "echo NOT"), 255);
    assert_text(&it.output_text, "");
    assert_contains(&it.error_text, "command 2 (echo NOT) was not run: local: ");
    assert_contains(&it.error_text, "the shell exited with status 0\n");
    assert_contains(&it.error_text, "1 more command was skipped");
    invocation_release(&it);
}

static void limits_of_the_system_are_named(void **state) {
    (void)state;
    invocation it;
    for (int limit = 3; limit < 12; limit++) {
        char script[256];
        /* A leak checker, if one is built in, has no descriptor left for its own work. */
        snprintf(script, sizeof script,
                 "ulimit -n %d; ASAN_OPTIONS=detect_leaks=0 exec \"$1\" run --json local 'echo ok'", limit);
        int exit_status = run_in_shell(&it, script);
        if (exit_status == 255) {
            assert_contains(&it.error_text, "hostsession: ");
            json_t *line = invocation_take_json(&it);
            assert_string_member(line, "status", "error");
            json_decref(line);
        } else if (exit_status != 0 && exit_status != 127)
            fail_msg("with %d descriptors: exit status %d; standard error: %s", limit, exit_status,
                     text_data(&it.error_text));
        invocation_release(&it);
    }
}

static void standard_output_that_cannot_be_written(void **state) {
    (void)state;
    static const struct {
        const char *script;
        int exit_status;
        const char *told;
    } scripts[] = {
        {"\"$1\" run local 'seq 10' >/dev/full", 255, "No space left"},
        {"\"$1\" run --json local 'seq 10' >/dev/full", 255, "No space left"},
        {"\"$1\" run local 'seq 10' >&-", 255, "Bad file descriptor"},
        {"\"$1\" --version >/dev/full", 255, "No space left"},
        {"\"$1\" run local : <&- >/dev/null", 0, ""},
        {"\"$1\" run -f - local <&-", 255, "Bad file descriptor"},
        {"\"$1\" run local 'exec yes' | head -n 1; exit 0", 0, ""},
        {"{ \"$1\" run local 'yes'; echo $? >&2; } | head -n 1 >/dev/null", 0, "141\n"},
        {"\"$1\" run --mode pipe local 'echo x >&2' 2>/dev/full; echo $? >&2", 0, "255\n"},
    };
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        invocation it;
        int exit_status = run_in_shell(&it, scripts[i].script);
        if (exit_status != scripts[i].exit_status)
            fail_msg("%s: exit status %d; standard error: %s", scripts[i].script, exit_status,
                     text_data(&it.error_text));
        assert_contains(&it.error_text, scripts[i].told);
        invocation_release(&it);
    }
}

int main(int argc, char **argv) {
    (void)argc;
    invocation_program = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_statuses),
        cmocka_unit_test(targets_that_give_no_shell),
        cmocka_unit_test(a_command_that_was_not_run_is_told),
        cmocka_unit_test(limits_of_the_system_are_named),
        cmocka_unit_test(standard_output_that_cannot_be_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
