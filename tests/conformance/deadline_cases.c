/* SPDX-License-Identifier: MIT */
/* A deadline stops the command, whatever it is; the shell is won back with its state. */
#include "conformance.h"

#include "../support/process.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static void set_state(struct context *t) {
    RUNS(t, "cd /usr/bin; kept='a value'; f() { echo kept-function; }", "", 0);
}

static void check_state(struct context *t) {
    RUNS(t, "pwd", "/usr/bin\n", 0);
    RUNS(t, "echo \"$kept\"; f", "a value\nkept-function\n", 0);
    RUNS(t, "(exit 5)", "", 5);
    RUNS(t, "echo $?", "5\n", 0);
    IN_SYNC(t);
}

/* `output` NULL: any. */
static void check_stopped(struct context *t, const char *command, const char *output) {
    set_state(t);
    TIMES_OUT(t, command, output);
    GONE(t, t->tag);
    check_state(t);
    TIMES_OUT(t, command, output);
    GONE(t, t->tag);
    check_state(t);
}

/* By hand, too: ash leaves a builtin by a jump out of its SIGINT handler.  Some time in a thousand the lock of standard
 * output stays taken then, and the next builtin waits for it for ever: the session ends, and says why. */
static bool has_hung(struct context *t, const hostsession_result *result, hostsession_error error) {
    if (!is_shell(t, ASH) || error != HOSTSESSION_ERROR_TIMED_OUT || !result ||
        hostsession_result_session_alive(result) || hostsession_result_status(result) != HOSTSESSION_STATUS_TIMED_OUT ||
        !strstr(hostsession_result_failure(result)->message, "could not be stopped within"))
        return false;
    CHECK(t, hostsession_get_state(t->session) == HOSTSESSION_ENDED && t->ended_calls == 1, "told %d times",
          t->ended_calls);
    close_session(t);
    t->ended_calls = 0;
    return open_session(t);
}

/* A loop of builtins. */
static void check_loop_stopped(struct context *t, const char *command, const char *output) {
    for (int i = 0; i < 2; i++) {
        set_state(t);
        hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
        options.timeout_ms = short_deadline_ms;
        hostsession_error error;
        const hostsession_result *result = run_raw(t, command, &options, &error);
        if (has_hung(t, result, error))
            continue;
        check_timed_out(t, HERE, command, result, error, output);
        check_state(t);
    }
}

static void sleeping(struct context *t) {
    check_stopped(t, say(t, "echo before; sleep %s; echo NOT", t->tag), "before\n");
}

static void pipeline(struct context *t) {
    check_stopped(t, say(t, "printf before; sleep %s | cat; echo NOT", t->tag), "before");
}

static void function(struct context *t) {
    RUNS(t, say(t, "long() { echo in; sleep %s; echo NOT; }", t->tag), "", 0);
    check_stopped(t, "long; echo NOT", "in\n");
}

static void subshells(struct context *t) {
    check_stopped(t, say(t, "(echo a; (sleep %s; echo NOT); echo NOT)", t->tag), "a\n");
    check_stopped(t, say(t, "echo $(sleep %s; echo NOT)", t->tag), "");
    check_stopped(t, say(t, "sh -c 'echo a; sh -c \"sleep %s\"; echo NOT'", t->tag), NULL);
}

/* A flood must not keep the deadline from firing; no more of it is kept than allowed. */
static void check_flood_stopped(struct context *t, const char *command) {
    set_state(t);
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.timeout_ms = short_deadline_ms;
    options.max_output_bytes = 20000;
    hostsession_error error;
    const hostsession_result *result = run_raw(t, command, &options, &error);
    if (has_hung(t, result, error))
        return;
    CHECK(t, error == HOSTSESSION_ERROR_TIMED_OUT && hostsession_result_session_alive(result),
          "%s: got %s, session %s: %s", command, hostsession_error_name(error),
          result && hostsession_result_session_alive(result) ? "alive" : "ended",
          result ? hostsession_result_failure(result)->message : "");
    size_t kept = result ? hostsession_result_output_bytes(result) + hostsession_result_error_output_bytes(result) : 0;
    CHECK(t, kept > 0 && kept <= 20000, "%s: kept %zu bytes", command, kept);
    GONE(t, t->tag);
    check_state(t);
}

static void flood(struct context *t) {
    check_flood_stopped(t, say(t, "yes %s", t->tag));
    check_flood_stopped(t, "while :; do echo builtin; done");
    check_flood_stopped(t, say(t, "yes %s | cat", t->tag));
    check_flood_stopped(t, say(t, "yes %s >&2; : ", t->tag));
}

static void loops(struct context *t) {
    check_loop_stopped(t, "while :; do :; done", "");
    check_loop_stopped(t, "echo a; while true; do x=1; done; echo NOT", "a\n");
    check_loop_stopped(t, "spin() { while :; do :; done; }; spin", "");
}

static void loops_with_programs(struct context *t) {
    check_stopped(t, "while :; do /bin/true; done", "");
    check_stopped(t, say(t, "while :; do sleep 0.0%s; done", t->tag), "");
    check_stopped(t, "until false; do (exit 1); done", "");
}

static void ignores_interrupt(struct context *t) {
    check_stopped(t, say(t, "sh -c 'trap \"\" INT; echo on; sleep %s; echo NOT'", t->tag), NULL);
}

/* What the shell says of that is not the command's output. */
static void killed_without_a_word(struct context *t) {
    TIMES_OUT(t, say(t, "sh -c 'trap \"\" INT QUIT; echo on; exec sleep %s'", t->tag), "on\n");
    GONE(t, t->tag);
    IN_SYNC(t);
}

static void check_stopped_or_out_of_reach(struct context *t, const char *command) {
    if (!OUT_OF_REACH(t, command))
        check_stopped(t, command, NULL);
}

static void ignores_all(struct context *t) {
    check_stopped_or_out_of_reach(
        t, say(t, "sh -c 'trap \"\" INT QUIT TSTP TERM HUP; echo on; while :; do sleep %s; done'", t->tag));
}

static void ignores_all_in_raw_mode(struct context *t) {
    check_stopped_or_out_of_reach(
        t, say(t, "sh -c 'trap \"\" INT QUIT TSTP TERM HUP; stty raw -echo; while :; do sleep %s; done'", t->tag));
}

static void catches_interrupt(struct context *t) {
    check_stopped(t, say(t, "sh -c 'trap \"echo caught\" INT QUIT; while :; do sleep %s; done'", t->tag), NULL);
}

static void python(struct context *t) {
    check_stopped(t, say(t, "python3 -q -i -c 'tag = %s'", t->tag), NULL);
    check_stopped(t, say(t, "python3 -c 'import time; time.sleep(%s)'", t->tag), NULL);
}

/* They answer an interrupt with a prompt, and a probe with its echo. */
static void programs_that_echo(struct context *t) {
    check_stopped(t, say(t, "cat - %s.none 2>/dev/null", t->tag), NULL);
    check_stopped(t, say(t, "sh -c 'trap \"\" INT; stty echo; cat; : %s'", t->tag), NULL);
    check_stopped(t, say(t, "sh -c 'trap : INT; while :; do read x; echo \"you said $x\"; done; : %s'", t->tag), NULL);
}

/* It reads all that is typed as long as it lives: nothing of ours may be, where it can be killed from elsewhere. */
static void reads_on(struct context *t) {
    TIMES_OUT(t, say(t, "sh -c 'trap \"\" INT QUIT; cat; : %s'", t->tag), "");
    IN_SYNC(t);
    GONE(t, t->tag);
}

/* It is a shell, evaluates the probe as well as ours, and ignores interrupts. */
static void inner_shells(struct context *t) {
    static const char *const shells[] = {"sh -i", "bash --norc -i", "zsh -f -i", "ksh93 -i", "mksh -i", "bash --norc"};
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++) {
        set_state(t);
        TIMES_OUT(t, shells[i], NULL);
        check_state(t);
    }
}

static void builtin_waits(struct context *t) {
    check_stopped(t, "read x; echo NOT", "");
    RUNS(t, "mkfifo \"$HOME/fifo\"", "", 0);
    check_stopped(t, "echo a; read x <\"$HOME/fifo\"; echo NOT", NULL);
    check_stopped(t, "cat <\"$HOME/fifo\"; echo NOT", NULL);
    check_stopped(t, "echo x >\"$HOME/fifo\"; echo NOT", NULL);
}

static void stopped_programs(struct context *t) {
    /* With job control the shell says so and goes on, 128 + SIGSTOP; without, it waits. */
    SETTLES(t, say(t, "sh -c 'kill -STOP $$; : %s'", t->tag));
    CHECK(t, hostsession_get_state(t->session) == HOSTSESSION_IDLE, "state %d", (int)hostsession_get_state(t->session));
    IN_SYNC(t);
    close_session(t);
    /* Without a terminal nothing hangs up a stopped program on another host, and SSH has no SIGCONT. */
    if (is_tty(t) || (t->transport->capabilities & REACH_LOCAL))
        GONE(t, t->tag);
}

/* The shell itself became the program: there is nothing to win back. */
static void replaced_shell(struct context *t) {
    SETTLES(t, say(t, "exec sleep %s", t->tag));
    CHECK(t, hostsession_get_state(t->session) == HOSTSESSION_ENDED, "state %d",
          (int)hostsession_get_state(t->session));
    GONE(t, t->tag);
}

static void stopped_shell(struct context *t) {
    if (SETTLES(t, "kill -STOP $$") && hostsession_get_state(t->session) != HOSTSESSION_ENDED)
        IN_SYNC(t);
}

static void very_short_deadlines(struct context *t) {
    for (int i = 0; i < 30; i++) {
        hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
        options.timeout_ms = 1 + i % 3;
        hostsession_error error;
        const char *command = say(t, "echo n%d; (exit %d)", i, i);
        const hostsession_result *result = run_raw(t, command, &options, &error);
        if (error == HOSTSESSION_OK)
            check_result(t, HERE, command, result, error, say(t, "n%d\n", i), strlen(say(t, "n%d\n", i)), i);
        else if (!CHECK(t, error == HOSTSESSION_ERROR_TIMED_OUT && hostsession_result_session_alive(result), "got %s",
                        hostsession_error_name(error)))
            return;
        if (!RUNS(t, say(t, "echo next%d", i), say(t, "next%d\n", i), 0))
            return;
    }
}

/* What a stopped command's program still had to say comes under no later command. */
static void late_output(struct context *t) {
    for (int i = 0; i < 3; i++) {
        TIMES_OUT(t, say(t, "sh -c 'trap \"echo LATE; echo LATE; exit 1\" INT QUIT; echo on; sleep %s & wait'", t->tag),
                  NULL);
        RUNS(t, "echo one", "one\n", 0);
        RUNS(t, "echo two", "two\n", 0);
        IN_SYNC(t);
    }
    SETTLES(t, say(t, "kill $(ps -eo pid=,args= | grep '[s]leep %s' | sed 's/^ *//; s/ .*//') 2>/dev/null", t->tag));
    IN_SYNC(t);
}

static void long_command_while_reading(struct context *t) {
    /* The deadline falls while the text is still being typed, or right after it; what is quoted must never be run. */
    const char *command = say(t, ": '\n%s'; sleep %s", repeat(t, "echo ran >\"$HOME/ran\"\n", 4500), t->tag);
    for (int i = 0; i < 3; i++) {
        hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
        options.timeout_ms = i == 0 ? 1 : 10 * i;
        hostsession_error error;
        const hostsession_result *result = run_raw(t, command, &options, &error);
        CHECK(t, error == HOSTSESSION_ERROR_TIMED_OUT && hostsession_result_session_alive(result), "got %s: %s",
              hostsession_error_name(error), result ? hostsession_result_failure(result)->message : "");
        GONE(t, t->tag);
        IN_SYNC(t);
        CHECK(t, access(home_path(t, "ran"), F_OK) != 0, "a part of the text was run");
    }
}

/* The shell waits for it all the same.  (On another host it is out of reach.) */
static void a_session_of_its_own(struct context *t) {
    if (t->transport->capabilities & REACH_LOCAL)
        check_stopped(t, say(t, "setsid -w sleep %s", t->tag), "");
}

/* What Ctrl+Z has stopped is killed as the current job: where it has stopped nothing, that is the user's. */
static void spares_background_jobs(struct context *t) {
    RUNS(t, "/bin/sleep 98765 & kept=$!", "", 0);
    TIMES_OUT(t, say(t, "sh -c 'trap \"\" INT QUIT; exec sleep %s'", t->tag), NULL);
    GONE(t, t->tag);
    RUNS(t, "kill $kept", "", 0);
    IN_SYNC(t);
}

/* Ctrl+Z ends the loop, mostly, and stops no job. */
static void spares_background_jobs_of_a_loop(struct context *t) {
    RUNS(t, say(t, "/bin/sleep %s & kept=$!", t->tag), "", 0);
    SETTLES(t, "trap '' INT QUIT; while :; do :; done");
    if (hostsession_get_state(t->session) != HOSTSESSION_ENDED)
        RUNS(t, "trap - INT QUIT; kill $kept", "", 0);
    else if (process_find(t->tag, NULL) > 0)
        kill(process_find(t->tag, NULL), SIGKILL);
}

/* ksh93 forks for its own builtin, as that is stopped, and throws away what was typed. */
static void builtin_ignores_all(struct context *t) {
    TIMES_OUT(t, say(t, "trap '' INT HUP TERM QUIT; : %s; sleep 99", t->tag), "");
    IN_SYNC(t);
    RUNS(t, "jobs", "", 0);
}

static const struct conformance_case deadline_cases_table[] = {
    {"deadline-sleep", sleeping, 0, 0, 0},
    {"deadline-pipeline", pipeline, 0, 0, 0},
    {"deadline-function", function, 0, 0, 0},
    {"deadline-subshells", subshells, 0, 0, LONG},
    {"deadline-flood", flood, 0, 0, LONG},
    {"deadline-loops", loops, 0, 0, LONG},
    {"deadline-loops-with-programs", loops_with_programs, 0, 0, LONG},
    {"deadline-ignores-interrupt", ignores_interrupt, 0, 0, LONG},
    {"deadline-killed-without-a-word", killed_without_a_word, 0, 0, LONG},
    {"deadline-ignores-all", ignores_all, 0, 0, LONG},
    {"deadline-ignores-all-in-raw-mode", ignores_all_in_raw_mode, 0, TTY, LONG},
    {"deadline-catches-interrupt", catches_interrupt, 0, 0, LONG},
    {"deadline-python", python, 0, TTY, LONG},
    {"deadline-programs-that-echo", programs_that_echo, 0, TTY, LONG},
    {"deadline-reads-on", reads_on, 0, TTY, LONG},
    {"deadline-inner-shells", inner_shells, 0, TTY, LONG},
    {"deadline-builtin-waits", builtin_waits, 0, TTY, LONG},
    {"deadline-stopped-programs", stopped_programs, 0, 0, UNSOLICITED_ALLOWED | LONG},
    {"deadline-replaced-shell", replaced_shell, 0, 0, 0},
    {"deadline-stopped-shell", stopped_shell, 0, 0, 0},
    {"deadline-very-short", very_short_deadlines, 0, 0, LONG},
    {"deadline-late-output", late_output, 0, 0, UNSOLICITED_ALLOWED | LONG},
    {"deadline-a-session-of-its-own", a_session_of_its_own, 0, PIPE, LONG},
    {"deadline-spares-background-jobs", spares_background_jobs, 0, TTY, UNSOLICITED_ALLOWED | LONG},
    {"deadline-spares-background-jobs-of-a-loop", spares_background_jobs_of_a_loop, KSH93, TTY,
     UNSOLICITED_ALLOWED | LONG},
    {"deadline-builtin-ignores-all", builtin_ignores_all, KSH93, TTY, LONG},
    {"deadline-long-command", long_command_while_reading, 0, 0, LONG},
};

CASE_GROUP(deadline_cases);
