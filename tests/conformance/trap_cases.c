/* SPDX-License-Identifier: MIT */
/* Traps of the user: they print when the user's own commands run, and change nothing else. */
#include "conformance.h"

#include "../support/folder.h"
#include "../support/process.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* In an eval the shells run the trap for the eval, too: the user's trap, once more.  zsh runs it for the list that
 * follows the command, too, before any redirection of that list: by hand
 *     trap 'echo D' DEBUG; eval 'echo hi'; { :;} >/dev/null 2>&1
 * prints D behind hi. */
static void debug_trap(struct context *t) {
    const char *end = is_shell(t, ZSH) ? "D\n" : "";
    SETTLES(t, "trap 'echo D' DEBUG");
    RUNS_MATCHING(t, "echo hi", say(t, "(D\n){1,2}hi\n%s", end), 0);
    RUNS_MATCHING(t, "(exit 3)", "(D\n){0,3}", 3);
    RUNS_MATCHING(t, "echo $?", say(t, "(D\n){1,2}3\n%s", end), 0);
    RUNS_MATCHING(t, "cd /usr", "(D\n){1,2}", 0);
    SETTLES(t, "trap - DEBUG");
    RUNS(t, "echo clean", "clean\n", 0);
    IN_SYNC(t);
}

/* Nothing of ours starts a process behind a line that is thrown away. */
static void child_trap_and_lost_line(struct context *t) {
    RUNS(t, "hs_f() { : ${hostsession_nothing?gone}; echo NOT; }", "", 0);
    RUNS(t, "trap 'echo child' CHLD; set -u", "", 0);
    hostsession_error error;
    const hostsession_result *result = run_raw(t, "hs_f", NULL, &error);
    CHECK(t, error == HOSTSESSION_OK && hostsession_result_exit_status(result) > 0, "%s",
          hostsession_error_name(error));
    CHECK(t, !strstr(hostsession_result_output(result), "child"), "%s", hostsession_result_output(result));
    RUNS(t, "trap - CHLD; set +u", "", 0);
    IN_SYNC(t);
}

static void debug_trap_that_fails(struct context *t) {
    SETTLES(t, "trap 'false' DEBUG");
    RUNS(t, "echo hi", "hi\n", 0);
    IN_SYNC(t);
    SETTLES(t, "trap 'x=$(sh -c \"exit 3\")' DEBUG");
    RUNS(t, "(exit 4)", "", 4);
    IN_SYNC(t);
}

static void error_trap(struct context *t) {
    SETTLES(t, "trap 'echo E' ERR");
    RUNS(t, "false", "E\n", 1);
    RUNS(t, "echo $?", "1\n", 0);
    RUNS(t, "(exit 3) # why", "E\n", 3);
    RUNS(t, "true", "", 0);
    RUNS(t, "cat <<X\nhi\nX\nfalse", "hi\nE\n", 1);
    SETTLES(t, "trap - ERR");
    RUNS(t, "false", "", 1);
    IN_SYNC(t);
}

static void return_trap(struct context *t) {
    RUNS(t, "set -o functrace; trap 'echo R' RETURN", "", 0);
    RUNS(t, "echo hi", "hi\n", 0);
    RUNS(t, "f() { :; }; f", "R\n", 0);
    RUNS(t, "(exit 3)", "", 3);
    RUNS(t, "trap - RETURN; set +o functrace", "", 0);
    IN_SYNC(t);
}

static void exit_trap(struct context *t) {
    RUNS(t, "trap 'echo bye' EXIT", "", 0);
    RUNS(t, "echo hi", "hi\n", 0);
    RUNS(t, "(exit 3)", "", 3);
    RUNS(t, "f() { echo in; }; f", "in\n", 0);
    EXITS(t, "echo last; exit 5", "last\nbye\n", 5);
}

static void exit_trap_and_errexit(struct context *t) {
    RUNS(t, "trap 'echo bye' EXIT; set -e", "", 0);
    EXITS(t, "(exit 6); echo NOT", "bye\n", 6);
}

static void user_signals(struct context *t) {
    RUNS(t, "trap 'echo U' USR1", "", 0);
    RUNS(t, "kill -USR1 $$", "U\n", 0);
    RUNS(t, "echo hi", "hi\n", 0);
    RUNS(t, "trap - USR1; trap", "", 0);
    SETTLES(t, "trap 'c=1' CHLD");
    IN_SYNC(t);
    SETTLES(t, "trap ':' WINCH TTIN");
    IN_SYNC(t);
    if (is_tty(t) && is_shell(t, KSH93))
        return;
    SETTLES(t, "trap ':' TTOU");
    /* By hand, too: ash no longer ignores it then, and what it starts stops when it takes the terminal. */
    if (is_tty(t) && is_shell(t, ASH)) {
        RUNS(t, "/bin/echo never", "", 128 + SIGTTOU);
        SETTLES(t, "kill -9 %%; trap - TTOU");
    }
    IN_SYNC(t);
}

/* The deadline ends the session. */
static void check_cannot_stop(struct context *t, const char *command) {
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.timeout_ms = short_deadline_ms;
    hostsession_error error;
    const hostsession_result *result = run_raw(t, command, &options, &error);
    CHECK(t, error == HOSTSESSION_ERROR_TIMED_OUT && result && !hostsession_result_session_alive(result), "got %s",
          hostsession_error_name(error));
}

/* ksh93 cannot take its terminal back from a program then, and prompts without end: by hand, too. */
static void terminal_output_signal(struct context *t) {
    RUNS(t, "trap ':' TTOU", "", 0);
    SETTLES(t, "/bin/true");
    check_cannot_stop(t, "echo NOT");
}

/* Its own sleep: Ctrl+Z makes a job of it, which on pipes there is not; nothing else stops it and leaves the shell. */
static void interrupt_ignored_by_a_builtin(struct context *t) {
    RUNS(t, "trap '' INT", "", 0);
    const char *command = say(t, "sleep %s", t->tag);
    if (!is_tty(t)) {
        check_cannot_stop(t, command);
        return;
    }
    TIMES_OUT(t, command, NULL);
    IN_SYNC(t);
}

/* Of programs: ksh93 has a sleep of its own. */
static void interrupt_ignored(struct context *t) {
    RUNS(t, "trap '' INT; x=kept", "", 0);
    RUNS(t, "echo hi", "hi\n", 0);
    TIMES_OUT(t, say(t, "/bin/sleep %s", t->tag), NULL);
    IN_SYNC(t);
    RUNS(t, "echo $x", "kept\n", 0);
    RUNS(t, "trap '' INT QUIT TERM HUP", "", 0);
    TIMES_OUT(t, say(t, "/bin/sleep %s", t->tag), NULL);
    IN_SYNC(t);
    RUNS(t, "echo $x", "kept\n", 0);
    GONE(t, t->tag);
}

static void interrupt_trapped(struct context *t) {
    RUNS(t, "trap 'echo caught' INT; x=kept", "", 0);
    TIMES_OUT(t, say(t, "sleep %s", t->tag), NULL);
    IN_SYNC(t);
    RUNS(t, "echo $x", "kept\n", 0);
    RUNS(t, "trap - INT", "", 0);
    TIMES_OUT(t, say(t, "sleep %s", t->tag), NULL);
    IN_SYNC(t);
    GONE(t, t->tag);
}

/* By hand: bash, zsh and mksh leave the loop; in dash, ksh93 and ash the trap runs and the loop goes on, whatever is
 * typed: the shell may have to be given up. */
static void interrupt_trapped_in_a_loop(struct context *t) {
    RUNS(t, "trap 'echo caught' INT; x=kept", "", 0);
    const char *loop = say(t, "while :; do sleep %s; done", t->tag);
    if (is_tty(t) && is_shell(t, ANY_BASH | ZSH | MKSH))
        TIMES_OUT(t, loop, NULL);
    else
        SETTLES(t, loop);
    GONE(t, t->tag);
    if (hostsession_get_state(t->session) == HOSTSESSION_ENDED)
        return;
    IN_SYNC(t);
    RUNS(t, "echo $x", "kept\n", 0);
}

/* Nothing less than SIGKILL stops a loop of the shell itself that ignores all else: the shell goes with it.  On an
 * other host the shell lives on, without anybody who could end it but this test. */
static void loop_that_ignores_all(struct context *t) {
    RUNS(t, "echo $$ >\"$HOME/pid\"", "", 0);
    SETTLES(t, "trap '' INT QUIT TERM HUP; while :; do :; done");
    if (hostsession_get_state(t->session) != HOSTSESSION_ENDED) {
        IN_SYNC(t);
        return;
    }
    text pid = {0};
    file_read(home_path(t, "pid"), &pid);
    pid_t shell = (pid_t)strtol(text_data(&pid), NULL, 10);
    text_free(&pid);
    if (!CHECK(t, shell > 1, "the shell's process is %d", (int)shell))
        return;
    if (!(t->transport->capabilities & REACH_LOCAL))
        kill(shell, SIGKILL);
    CHECK(t, process_wait_end(shell, process_end_bound_ms), "the shell does not end");
}

static const struct conformance_case trap_cases_table[] = {
    {"trap-debug", debug_trap, ANY_BASH | ZSH | KSH93, 0, UNSOLICITED_ALLOWED},
    {"trap-debug-that-fails", debug_trap_that_fails, ANY_BASH | ZSH | KSH93, 0, 0},
    {"trap-child-and-lost-line", child_trap_and_lost_line, ANY_BASH, 0, 0},
    {"trap-error", error_trap, ANY_BASH | ZSH | KSH93 | MKSH | ASH, 0, 0},
    {"trap-return", return_trap, ANY_BASH, 0, 0},
    {"trap-exit", exit_trap, 0, 0, 0},
    {"trap-exit-and-errexit", exit_trap_and_errexit, 0, 0, 0},
    {"trap-user-signals", user_signals, 0, 0, 0},
    {"trap-terminal-output-signal", terminal_output_signal, KSH93, TTY, UNSOLICITED_ALLOWED | MAY_END},
    {"trap-interrupt-ignored", interrupt_ignored, 0, 0, LONG},
    {"trap-interrupt-ignored-by-a-builtin", interrupt_ignored_by_a_builtin, KSH93, 0, 0},
    {"trap-interrupt-trapped", interrupt_trapped, 0, 0, LONG},
    {"trap-interrupt-trapped-in-a-loop", interrupt_trapped_in_a_loop, 0, 0, UNSOLICITED_ALLOWED | LONG},
    {"trap-loop-that-ignores-all", loop_that_ignores_all, 0, 0, UNSOLICITED_ALLOWED | MAY_END},
};

CASE_GROUP(trap_cases);
