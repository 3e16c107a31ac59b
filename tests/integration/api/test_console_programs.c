/* SPDX-License-Identifier: MIT */
/* Real programs with a prompt of their own, by options->console: output exact, whatever looks like their prompt, and
 * won back after a deadline with their state. */
#include "cases.h"

#include <hostsession/hostsession.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { opening_bound_ms = 30000, run_bound_ms = 30000, short_deadline_ms = 300 };

/* Nobody's start-up files. */
static const char *const environment[] = {"HOME=/nonexistent", "PYTHONSTARTUP=", "PYTHON_BASIC_REPL=1",
                                          "PS1=unix$ ",        "ENV=",           NULL};

static bool is_installed(const char *program) {
    char *path = strdup(getenv("PATH"));
    bool found = false;
    char *rest = path;
    for (const char *folder; !found && (folder = strsep(&rest, ":"));) {
        char file[4096];
        snprintf(file, sizeof file, "%s/%s", folder, program);
        found = access(file, X_OK) == 0;
    }
    free(path);
    return found;
}

/* Skips the case where the program is not installed. */
static hostsession *open_console(const char *command, const hostsession_console *console) {
    char program[64];
    char target[256];
    snprintf(program, sizeof program, "%.*s", (int)strcspn(command, " "), command);
    if (!is_installed(program)) {
        print_message("no %s here\n", program);
        skip();
    }
    snprintf(target, sizeof target, "exec:%s", command);
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    options.console = console;
    options.environment = environment;
    options.connect_timeout_ms = opening_bound_ms;
    hostsession *session = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (hostsession_open(target, &options, &session, &why) != HOSTSESSION_OK)
        fail_msg("%s", why.message);
    return session;
}

static void check_told(hostsession *session, const char *command, hostsession_status status, int exit_status,
                       const char *output) {
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.timeout_ms = run_bound_ms;
    hostsession_result *result = NULL;
    hostsession_run(session, command, &options, &result);
    if (hostsession_result_status(result) != status || strcmp(hostsession_result_output(result), output) != 0)
        fail_msg("`%s`: %s \"%s\"; expected %s \"%s\"", command,
                 hostsession_status_name(hostsession_result_status(result)), hostsession_result_output(result),
                 hostsession_status_name(status), output);
    assert_int_equal(hostsession_result_exit_status(result), exit_status);
    hostsession_result_free(result);
}

static void check_says(hostsession *session, const char *command, const char *output) {
    check_told(session, command, HOSTSESSION_STATUS_SUCCESS, -1, output);
}

/* It is stopped; what it said begins and ends like this. */
static void check_stopped(hostsession *session, const char *command, const char *begins, const char *ends) {
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.timeout_ms = short_deadline_ms;
    options.max_output_bytes = 4096;
    hostsession_result *result = NULL;
    hostsession_run(session, command, &options, &result);
    const char *output = hostsession_result_output(result);
    size_t length = hostsession_result_output_bytes(result);
    if (hostsession_result_status(result) != HOSTSESSION_STATUS_TIMED_OUT ||
        !hostsession_result_session_alive(result) || strncmp(output, begins, strlen(begins)) != 0 ||
        length < strlen(ends) || strcmp(output + length - strlen(ends), ends) != 0)
        fail_msg("`%s`: %s, session %s: \"%s\"", command, hostsession_status_name(hostsession_result_status(result)),
                 hostsession_result_session_alive(result) ? "alive" : "over", output);
    assert_int_equal(hostsession_result_exit_status(result), -1);
    hostsession_result_free(result);
}

static void check_exits(hostsession *session, const char *command, int exit_status) {
    check_told(session, command, HOSTSESSION_STATUS_SHELL_EXITED, exit_status, "");
    assert_int_equal(hostsession_get_state(session), HOSTSESSION_ENDED);
    hostsession_close(session);
}

/* ---- python ---- */

static hostsession *open_python(void) {
    hostsession_console console = HOSTSESSION_CONSOLE_INIT;
    console.prompt = ">>> ";
    return open_console("python3 -q -i", &console);
}

static void python_output_is_exact(void **state) {
    (void)state;
    hostsession *session = open_python();
    assert_string_equal(hostsession_get_shell(session), "console");
    check_says(session, "x = 6", "");
    check_says(session, "print(7 * x)", "42\n");
    check_says(session, "", "");
    check_says(session, "print('\\n\\n  a\\n\\nb\\n')", "\n\n  a\n\nb\n\n");
    check_says(session, "print('no end', end='')", "no end");
    check_says(session, "print('10%\\r20%\\r\\n\\x1b[31mred\\x1b[0m\\a\\t\\u00e9')",
               "10%\r20%\r\n\033[31mred\033[0m\a\t\303\251\n");
    check_says(session, "'print(7 * x)'", "'print(7 * x)'\n");
    check_says(session, "1/0",
               "Traceback (most recent call last):\n  File \"<stdin>\", line 1, in <module>\n"
               "ZeroDivisionError: division by zero\n");
    check_says(session, "print(7 * x)", "42\n");
    check_exits(session, "raise SystemExit(4)", 4);
}

static void python_prints_much(void **state) {
    (void)state;
    hostsession *session = open_python();
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, "print('0123456789' * 300000)", NULL, &result), HOSTSESSION_OK);
    assert_int_equal(hostsession_result_output_bytes(result), 3000001);
    for (size_t i = 0; i < 3000000; i++)
        assert_int_equal(hostsession_result_output(result)[i], '0' + i % 10);
    hostsession_result_free(result);
    check_says(session, "1 + 1", "2\n");
    hostsession_close(session);
}

static void python_prints_its_prompt(void **state) {
    (void)state;
    hostsession *session = open_python();
    check_says(session, "import time", "");
    check_says(session, "print('>>> ')", ">>> \n");
    check_says(session, "print('>>> ', end='')", ">>> ");
    check_says(session, "print('>>> >>> ', end='')", ">>> >>> ");
    check_says(session, "print('a\\n>>> ', end='')", "a\n>>> ");
    check_says(session, "print('>>> \\n>>> \\n>>> 1\\n')", ">>> \n>>> \n>>> 1\n\n");
    /* Long enough to be taken for the prompt. */
    check_says(session, "print('>>> ', end='', flush=True); time.sleep(0.3); print('more')", ">>> more\n");
    check_says(session, "print('a\\n>>> ', end='', flush=True); time.sleep(0.3); print('more')", "a\n>>> more\n");
    check_says(session, "1 + 1", "2\n");
    hostsession_close(session);
}

static void python_is_won_back(void **state) {
    (void)state;
    static const char interrupted[] = "Traceback (most recent call last):\n  File \"<stdin>\", line 1, in <module>\n"
                                      "  File \"<string>\", line 1, in <module>\nKeyboardInterrupt\n";
    static const char *const loops[] = {
        "exec('while True: pass')",
        "exec('while True: print(1)')",
        /* None of these is the prompt. */
        "exec('while True: print(\">>> \")')",
        "exec('while True: print(\">>> \", end=\"\", flush=True)')",
        "exec('while True: print(\">>> \", flush=True, end=\"\\\\r\\\\n\")')",
    };
    hostsession *session = open_python();
    check_says(session, "x = 'kept'", "");
    for (size_t i = 0; i < sizeof loops / sizeof loops[0]; i++) {
        check_stopped(session, loops[i], "", interrupted);
        check_says(session, "x", "'kept'\n");
        check_says(session, "1 + 1", "2\n");
    }
    /* A block that was not ended: nothing runs. */
    check_stopped(session, "while True: pass", "... ", "KeyboardInterrupt\n");
    check_says(session, "x", "'kept'\n");
    check_stopped(session, "(1 +", "... ", "KeyboardInterrupt\n");
    check_says(session, "x", "'kept'\n");
    hostsession_close(session);
}

static void python_asks(void **state) {
    (void)state;
    hostsession *session = open_python();
    const hostsession_expectation answer = {.pattern = "Name: $", .response = "Ada\r"};
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.timeout_ms = run_bound_ms;
    options.expectations = &answer;
    options.expectation_count = 1;
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, "input('Name: ')", &options, &result), HOSTSESSION_OK);
    /* What is typed shows. */
    assert_string_equal(hostsession_result_output(result), "Name: Ada\n'Ada'\n");
    hostsession_result_free(result);
    hostsession_close(session);
}

/* Where an empty line ends a block, none may be typed as a probe. */
static void python_blocks_line_by_line(void **state) {
    (void)state;
    hostsession_console console = HOSTSESSION_CONSOLE_INIT;
    console.prompt = "(>>>|\\.\\.\\.) ";
    console.probe = "";
    console.error = "Traceback|\\w+Error:";
    hostsession *session = open_console("python3 -q -i", &console);
    check_says(session, "def f(n):", "");
    check_says(session, "    return 2 * n", "");
    check_says(session, "", "");
    check_says(session, "f(21)", "42\n");
    check_told(session, "g", HOSTSESSION_STATUS_FAILED, -1,
               "Traceback (most recent call last):\n  File \"<stdin>\", line 1, in <module>\n"
               "NameError: name 'g' is not defined\n");
    check_says(session, "f(4)", "8\n");
    hostsession_close(session);
}

static void python_tells_a_status(void **state) {
    (void)state;
    hostsession_console console = HOSTSESSION_CONSOLE_INIT;
    static const char *const setup[] = {"import os", NULL};
    console.prompt = ">>> ";
    console.setup = setup;
    console.status_command = "print('status', os.waitstatus_to_exitcode(_))";
    console.status = "^status (\\d+)";
    hostsession *session = open_console("python3 -q -i", &console);
    check_told(session, "os.system('echo one')", HOSTSESSION_STATUS_SUCCESS, 0, "one\n0\n");
    check_told(session, "os.system('exit 3')", HOSTSESSION_STATUS_FAILED, 3, "768\n");
    hostsession_close(session);
}

/* ---- gdb ---- */

static hostsession_console gdb_console(void) {
    hostsession_console console = HOSTSESSION_CONSOLE_INIT;
    console.prompt = "\\(gdb\\) ";
    /* An empty line runs the last command again. */
    console.probe = "";
    return console;
}

static void gdb_runs(void **state) {
    (void)state;
    hostsession_console console = gdb_console();
    console.error = "Division by zero|Undefined ";
    hostsession *session = open_console("gdb -q -nx", &console);
    check_says(session, "print 6 * 7", "$1 = 42\n");
    check_says(session, "set $kept = 5", "");
    check_says(session, "echo (gdb) \\n(gdb)\\n", "(gdb) \n(gdb)\n");
    check_told(session, "print 1 / 0", HOSTSESSION_STATUS_FAILED, -1, "Division by zero\n");
    check_told(session, "nothing", HOSTSESSION_STATUS_FAILED, -1, "Undefined command: \"nothing\".  Try \"help\".\n");
    /* A block that was not ended, and what the shell in it does. */
    check_stopped(session, "while 1", "", "Quit\n");
    check_stopped(session, "shell exec sleep 1000", "", "Quit\n");
    check_says(session, "print $kept", "$2 = 5\n");
    check_exits(session, "quit 3", 3);
}

static void gdb_pages(void **state) {
    (void)state;
    hostsession_console console = gdb_console();
    static const hostsession_expectation pager = {.pattern = "^--Type <RET> for more, .*--", .response = "\r"};
    console.pagers = &pager;
    console.pager_count = 1;
    hostsession *session = open_console("gdb -q -nx", &console);
    check_says(session, "set height 5", "");
    check_says(session, "echo 1\\n2\\n3\\n4\\n5\\n6\\n7\\n8\\n9\\n10\\n11\\n12\\n",
               "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n");
    check_says(session, "print 1", "$1 = 1\n");
    hostsession_close(session);
}

/* ---- sqlite3 ---- */

static void sqlite_runs(void **state) {
    (void)state;
    hostsession_console console = HOSTSESSION_CONSOLE_INIT;
    console.prompt = "(sqlite|   \\.\\.\\.)> ";
    console.error = "(Parse|Runtime) error|Error";
    hostsession *session = open_console("sqlite3 -batch -interactive", &console);
    check_says(session, "create table t(a text); insert into t values ('sqlite> '), ('   ...> '), (char(10));", "");
    check_says(session, "select a from t;", "sqlite> \n   ...> \n\n\n");
    check_says(session, "select 6 *", "");
    check_says(session, "7;", "42\n");
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, "selec;", NULL, &result), HOSTSESSION_OK);
    assert_int_equal(hostsession_result_status(result), HOSTSESSION_STATUS_FAILED);
    assert_non_null(strstr(hostsession_result_output(result), "syntax error"));
    hostsession_result_free(result);
    check_stopped(session, "with recursive c(x) as (select 1 union all select x + 1 from c) select count(*) from c;",
                  "", "interrupted (9)\n");
    check_says(session, "select count(*) from t;", "3\n");
    check_exits(session, ".exit 7", 7);
}

/* ---- a shell, as if it were none ---- */

static void ash_runs(void **state) {
    (void)state;
    hostsession_console console = HOSTSESSION_CONSOLE_INIT;
    console.prompt = "unix\\$ ";
    console.status_command = "echo status $?";
    console.status = "^status (\\d+)";
    hostsession *session = open_console("busybox ash", &console);
    check_told(session, "echo one; echo two", HOSTSESSION_STATUS_SUCCESS, 0, "one\ntwo\n");
    check_told(session, "printf none", HOSTSESSION_STATUS_SUCCESS, 0, "none");
    check_told(session, "kept=5; (exit 3)", HOSTSESSION_STATUS_FAILED, 3, "");
    check_told(session, "echo 'unix$ '; printf 'unix$ '", HOSTSESSION_STATUS_SUCCESS, 0, "unix$ \nunix$ ");
    check_stopped(session, "sleep 1000", "^C", "\n");
    /* Programs: ash that leaves a builtin for a signal may hang by itself, with the lock of its output taken. */
    check_stopped(session, "yes 'unix$ '", "unix$ \n", "\n");
    check_stopped(session, "yes 'unix$ ' | tr -d '\\n'", "unix$ ", "\n");
    check_told(session, "echo $kept", HOSTSESSION_STATUS_SUCCESS, 0, "5\n");
    check_exits(session, "exit 4", 4);
}

static const api_case console_cases[] = {
    CASE(python_output_is_exact),
    CASE(python_prints_much),
    CASE(python_prints_its_prompt),
    CASE(python_is_won_back),
    CASE(python_asks),
    CASE(python_blocks_line_by_line),
    CASE(python_tells_a_status),
    CASE(gdb_runs),
    CASE(gdb_pages),
    CASE(sqlite_runs),
    CASE(ash_runs),
};

CASES_MAIN("console_programs", console_cases)
