/* SPDX-License-Identifier: MIT */
/* Wrong usage of the command, its help, and that help, manual and completion agree. */
#include "cmocka_headers.h"
#include "invocation.h"
#include "support/folder.h"

#include <stdio.h>
#include <string.h>

static const char *manual_path;
static const char *completion_path;

enum { case_arguments = 8 };

typedef struct usage_case {
    const char *arguments[case_arguments];
    /* What the message is to name. */
    const char *told;
} usage_case;

static const usage_case cases[] = {
    {{NULL}, "subcommand"},
    {{"walk"}, "'walk'"},
    {{"--walk"}, "'--walk'"},
    {{"help", "walk"}, "'walk'"},
    {{"run"}, "no target"},
    {{"run", "local"}, "no command"},
    {{"run", "--walk", "local", "x"}, "'--walk'"},
    {{"run", "--json", "-xk", "local", "x"}, "'-x'"},
    {{"run", "--json=yes", "local", "x"}, "'--json=yes'"},
    {{"run", "--keep-going=yes", "local", "x"}, "takes no value"},
    {{"run", "--co", "1"}, "no target"},
    {{"run", "--re", "1"}, "'--re'"},
    {{"run", "-t"}, "'-t'"},
    {{"run", "--budget"}, "'--budget'"},
    {{"run", "-t", "0", "local", "x"}, "--timeout '0'"},
    {{"run", "--timeout", "soon", "local", "x"}, "'soon'"},
    {{"run", "--budget", "-1", "local", "x"}, "'-1'"},
    {{"run", "--connect-timeout", "1s", "local", "x"}, "'1s'"},
    {{"run", "--mode", "raw", "local", "x"}, "'raw'"},
    {{"run", "--max-output", "lots", "local", "x"}, "'lots'"},
    {{"run", "--env", "=x", "local", "x"}, "'=x'"},
    {{"run", "--env", "PATH", "local", "x"}, "'PATH'"},
    {{"run", "--expect", "a", "local", "x"}, "--expect 'a'"},
    {{"run", "--expect", "a", "--expect", "b", "local", "x"}, "--expect 'a'"},
    {{"run", "--reply", "a", "local", "x"}, "--reply"},
    {{"run", "--expect", "a", "--reply-from", "pass", "local"}, "'pass'"},
    {{"run", "--expect", "a", "--reply-from", "env:NOT_SET_ANYWHERE", "local"}, "NOT_SET_ANYWHERE"},
    {{"run", "--expect", "a", "--reply-from", "file:/nonexistent/s", "local"}, "/nonexistent/s"},
    {{"run", "--mode=pipe", "--expect", "a", "--reply", "b", "local", "x"}, "--mode pipe"},
    {{"run", "-i", "key", "local", "x"}, "-i"},
    {{"run", "-F", "config", "exec:sh", "x"}, "-F"},
    {{"run", "-o", "A=b", "local", "x"}, "-o"},
    {{"run", "-o", "", "host", "x"}, "KEY=VALUE"},
    {{"run", "--password-from", "ask", "local", "x"}, "--password-from"},
    {{"run", "--password-from", "me", "host", "x"}, "'me'"},
    {{"run", "--shell", "sh", "exec:sh", "x"}, "--shell"},
    {{"run", "-0", "local", "x"}, "-f FILE"},
    {{"run", "-f", "-", "local", "x"}, "choose one"},
    {{"run", "-f", "/nonexistent/commands", "local"}, "/nonexistent/commands"},
    {{"run", "-f", "/", "local"}, "directory"},
    {{"run", "--session-log", "/nonexistent/log", "local", "true"}, "/nonexistent/log"},
    {{"run", "--recovery-timeout", "0", "local", "true"}, "--recovery-timeout"},
    {{"run", "--max-answers", "1", "local", "x"}, "--max-answers"},
    {{"run", "--expect", "a", "--max-answers", "1", "local", "x"}, "--max-answers"},
    {{"run", "--expect=a", "--reply=b", "--max-answers", "0", "local", "x"}, "'0'"},
    {{"run", "--pace", "16", "telnet://web1", "x"}, "'16'"},
    {{"run", "--pace", "16/1", "web1", "x"}, "--pace"},
    {{"run", "--name-prompt", "x", "local", "x"}, "--name-prompt"},
    {{"run", "--password-prompt", "(", "telnet://web1", "x"}, "invalid pattern \"(\""},
    {{"run", "--pager", "x", "local", "x"}, "--pager is for consoles"},
    {{"run", "--prompt", "x", "--mode", "pipe", "local", "x"}, "--mode pipe"},
    {{"run", "--prompt", "x", "--shell", "sh", "local", "x"}, "--shell"},
    {{"run", "--prompt", "x", "--status", "x", "local", "x"}, "--status-command"},
    {{"run", "--prompt", "(", "local", "x"}, "invalid pattern \"(\""},
    {{"run", "ssh://web1:0", "x"}, "ssh://web1:0"},
    {{"run", "telnet://web1:0", "x"}, "telnet://web1:0"},
    {{"run", "we;b1", "x"}, "we;b1"},
    {{"run", "-i", "key", "user@", "x"}, "user@"},
    {{"run", "", "x"}, "target"},
    {{"run", "exec:", "x"}, "exec:"},
    {{"run", "exec:'sh", "x"}, "'sh"},
    {{"run", "--expect", "(", "--reply", "x", "local", "x"}, "("},
    {{"run", "a\033[2Jb", "x"}, "\\x1b[2J"},
};

static void wrong_usage_is_told(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        invocation it;
        int exit_status = invocation_run(&it, cases[i].arguments);
        if (exit_status != 2)
            fail_msg("case %zu (%s): exit status %d; standard error: %s", i, cases[i].told, exit_status,
                     text_data(&it.error_text));
        assert_text(&it.output_text, "");
        assert_memory_equal(text_data(&it.error_text), "hostsession: ", strlen("hostsession: "));
        assert_contains(&it.error_text, cases[i].told);
        assert_false(text_contains(&it.error_text, "\033"));
        invocation_release(&it);
    }
}

static void version_and_help_are_shown(void **state) {
    (void)state;
    invocation it;
    assert_int_equal(RUN(&it, "--version"), 0);
    assert_text(&it.output_text, "hostsession 0.1.0\n");
    invocation_release(&it);
    static const char *const calls[][3] = {{"--help"}, {"-h"}, {"help"}, {"help", "run"}, {"run", "--help"}};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        const char *const arguments[] = {calls[i][0], calls[i][1], NULL};
        assert_int_equal(invocation_run(&it, arguments), 0);
        assert_memory_equal(text_data(&it.output_text), "Usage: ", 7);
        assert_text(&it.error_text, "");
        invocation_release(&it);
    }
}

static void help_fits_a_terminal(void **state) {
    (void)state;
    static const char *const subcommands[] = {"help", "run"};
    for (size_t i = 0; i < 2; i++) {
        invocation it;
        assert_int_equal(RUN(&it, "help", subcommands[i]), 0);
        for (const char *line = text_data(&it.output_text); *line;) {
            size_t length = strcspn(line, "\n");
            if (length > 80)
                fail_msg("%zu columns: %.*s", length, (int)length, line);
            line += length + (line[length] == '\n');
        }
        invocation_release(&it);
    }
}

/* The manual writes "\-" for "-". */
static void read_manual(text *manual) {
    text raw = {0};
    assert_true(file_read(manual_path, &raw));
    for (const char *at = text_data(&raw); *at; at++)
        if (*at != '\\')
            text_append(manual, at, 1);
    text_free(&raw);
}

static void every_option_is_documented(void **state) {
    (void)state;
    static const char *const options[] = {
        "-f",
        "-0",
        "-k",
        "--keep-going",
        "-t",
        "--timeout",
        "--budget",
        "--mode",
        "--shell",
        "--expect",
        "--reply",
        "--reply-from",
        "--password-from",
        "-i",
        "-F",
        "-o",
        "--env",
        "--cwd",
        "--max-output",
        "--json",
        "-q",
        "-v",
        "-h",
        "--help",
        "--connect-timeout",
        "--recovery-timeout",
        "--session-log",
        "--prompt",
        "--pager",
        "--error",
        "--status-command",
        "--status",
        "--no-probe",
    };
    invocation it;
    text manual = {0};
    text completion = {0};
    assert_int_equal(RUN(&it, "help", "run"), 0);
    read_manual(&manual);
    assert_true(file_read(completion_path, &completion));
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        assert_contains(&it.output_text, options[i]);
        assert_contains(&manual, options[i]);
        assert_contains(&completion, options[i]);
    }
    text_free(&manual);
    text_free(&completion);
    invocation_release(&it);
}

int main(int argc, char **argv) {
    (void)argc;
    invocation_program = argv[1];
    manual_path = argv[2];
    completion_path = argv[3];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_usage_is_told),
        cmocka_unit_test(version_and_help_are_shown),
        cmocka_unit_test(help_fits_a_terminal),
        cmocka_unit_test(every_option_is_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
