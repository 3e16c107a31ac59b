/* SPDX-License-Identifier: MIT */
/* Ctrl+C and other signals to `hostsession run`. */
#include "cmocka_headers.h"
#include "invocation.h"
#include "support/process.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Start a command that says its shell's process id and goes on for long; returns the id. */
static pid_t start_long_command(invocation *it, const char *const *arguments) {
    text line = {0};
    invocation_start(it, arguments);
    invocation_read_line(it, &line);
    pid_t shell = (pid_t)atol(text_data(&line));
    assert_true(shell > 1);
    text_free(&line);
    return shell;
}
#define START_LONG(it, ...) start_long_command(it, (const char *const[]){__VA_ARGS__, NULL})

static void assert_gone(pid_t shell) {
    if (!process_wait_end(shell, 10 * 1000))
        fail_msg("the shell %ld lives on", (long)shell);
}

/* Repeat it until it ends: two signals that come at once are one to the kernel. */
static void signal_until_end(const invocation *it, int signal_number) {
    do
        kill(it->pid, signal_number);
    while (!process_wait_end(it->pid, 20));
}

static void ctrl_c_interrupts_the_command(void **state) {
    (void)state;
    invocation it;
    pid_t shell = START_LONG(&it, "run", "-k", "local", "echo $$; sleep 1000", "echo no");
    kill(it.pid, SIGINT);
    assert_int_equal(invocation_end(&it), 130);
    assert_text(&it.output_text, "");
    assert_contains(&it.error_text, "command 1");
    assert_contains(&it.error_text, "1 more command was skipped");
    assert_gone(shell);
    invocation_release(&it);
}

static void ctrl_c_is_a_status(void **state) {
    (void)state;
    invocation it;
    /* With --json nothing is seen of a command while it runs: it sends the signal itself. */
    assert_int_equal(RUN(&it, "run", "--json", "local", "kill -INT $PPID; sleep 1000", "echo no"), 130);
    json_t *line = invocation_take_json(&it);
    assert_string_member(line, "status", "interrupted");
    assert_boolean_member(line, "session_alive", true);
    json_decref(line);
    line = invocation_take_json(&it);
    assert_string_member(line, "status", "skipped");
    json_decref(line);
    invocation_release(&it);
}

static void a_second_ctrl_c_quits(void **state) {
    (void)state;
    invocation it;
    pid_t shell = START_LONG(&it, "run", "local", "trap '' INT QUIT; echo $$; while :; do sleep 1000; done");
    signal_until_end(&it, SIGINT);
    assert_int_equal(invocation_end(&it), 130);
    assert_gone(shell);
    invocation_release(&it);
}

static void ctrl_c_between_commands_quits(void **state) {
    (void)state;
    invocation it;
    START(&it, "run", "--json", "-f", "-", "local");
    invocation_send(&it, "echo $$\n", 8);
    json_t *line = invocation_read_json(&it);
    pid_t shell = (pid_t)atol(json_string_value(json_object_get(line, "output")));
    json_decref(line);
    kill(it.pid, SIGINT);
    /* Its input stays open until it has ended. */
    while (read(it.output, &(char){0}, 1) > 0)
        continue;
    assert_int_equal(invocation_end(&it), 130);
    assert_gone(shell);
    invocation_release(&it);
}

static void termination_closes_the_session(void **state) {
    (void)state;
    static const struct {
        int signal_number;
        int exit_status;
    } signals[] = {{SIGTERM, 143}, {SIGHUP, 129}};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        invocation it;
        char command[64];
        char sleeper[32];
        snprintf(sleeper, sizeof sleeper, "sleep 1%d", (int)getpid());
        snprintf(command, sizeof command, "echo $$; %s", sleeper);
        pid_t shell = START_LONG(&it, "run", "local", command, "echo no");
        kill(it.pid, signals[i].signal_number);
        assert_int_equal(invocation_end(&it), signals[i].exit_status);
        assert_text(&it.output_text, "");
        assert_gone(shell);
        /* The signal may have come before the shell gave the terminal to it. */
        text left = {0};
        if (!process_wait_gone(sleeper, 10 * 1000, &left))
            fail_msg("left behind: %s", text_data(&left));
        text_free(&left);
        invocation_release(&it);
    }
}

/* The reader does not read: the command waits in a write, and must wake up. */
static void signals_reach_a_blocked_write(void **state) {
    (void)state;
    static const int numbers[] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < 2; i++) {
        invocation it;
        pid_t shell = START_LONG(&it, "run", "local", "echo $$; yes");
        signal_until_end(&it, numbers[i]);
        assert_int_equal(invocation_end(&it), 128 + numbers[i]);
        assert_gone(shell);
        invocation_release(&it);
    }
}

static void commands_can_be_interrupted_though_we_ignore_it(void **state) {
    (void)state;
    invocation it;
    const char *program = invocation_program;
    invocation_program = "/bin/sh";
    int exit_status =
        RUN(&it, "-c", "trap '' INT PIPE HUP; exec \"$1\" run --json -t 0.5 local 'sleep 1000'", "sh", program);
    invocation_program = program;
    assert_int_equal(exit_status, 124);
    json_t *line = invocation_take_json(&it);
    assert_boolean_member(line, "session_alive", true);
    json_decref(line);
    invocation_release(&it);
}

int main(int argc, char **argv) {
    (void)argc;
    invocation_program = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ctrl_c_interrupts_the_command),
        cmocka_unit_test(ctrl_c_is_a_status),
        cmocka_unit_test(a_second_ctrl_c_quits),
        cmocka_unit_test(ctrl_c_between_commands_quits),
        cmocka_unit_test(termination_closes_the_session),
        cmocka_unit_test(signals_reach_a_blocked_write),
        cmocka_unit_test(commands_can_be_interrupted_though_we_ignore_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
