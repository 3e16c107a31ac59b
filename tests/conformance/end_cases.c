/* SPDX-License-Identifier: MIT */
/* Commands that end the shell: a result with the status, and an ended session. */
#include "conformance.h"

#include "../support/folder.h"
#include "../support/process.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void exit_with_a_status(struct context *t) {
    EXITS(t, "exit 3", "", 3);
}

static void exit_with_output(struct context *t) {
    EXITS(t, "echo a; printf b; exit 7; echo NOT", "a\nb", 7);
}

static void exit_without_a_status(struct context *t) {
    RUNS(t, "(exit 9)", "", 9);
    EXITS(t, "exit", "", 9);
}

static void exit_zero(struct context *t) {
    EXITS(t, "exit 0", "", 0);
}

static void exit_in_a_function(struct context *t) {
    RUNS(t, "(exit 5); f() { (exit 6); exit 4; }", "", 0);
    EXITS(t, "f; echo NOT", "", 4);
}

static void exit_with_a_background_job(struct context *t) {
    RUNS(t, say(t, "sleep %s & p=$!", t->tag), "", 0);
    SETTLES(t, "trap 'kill -9 $p' EXIT");
    hostsession_error error;
    const hostsession_result *result = run_raw(t, "exit 2", NULL, &error);
    /* Some shells warn about it first, when they control jobs. */
    if (error == HOSTSESSION_OK)
        result = run_raw(t, "exit 2", NULL, &error);
    CHECK(t, error == end_error(t) && hostsession_result_exit_status(result) == end_status(t, 2), "got %s exit %d",
          hostsession_error_name(error), result ? hostsession_result_exit_status(result) : -1);
    GONE(t, t->tag);
}

/* What is left of `whole` when some of it is lost. */
static bool is_part_of(const hostsession_result *result, const char *whole) {
    const char *output = hostsession_result_output(result);
    const char *end = output + hostsession_result_output_bytes(result);
    while (output < end && *whole)
        output += *output == *whole++;
    return output == end;
}

static void flood_and_exit(struct context *t) {
    text all = {0};
    for (int i = 1; i <= 50000; i++)
        text_printf(&all, "%d\n", i);
    if (strcmp(t->transport->name, "telnet") == 0) {
        /* telnetd throws away what it has read and not sent yet; the rest comes in order.  Nothing tells the shell's
         * last word from the command's there. */
        hostsession_error error;
        const hostsession_result *result = run_raw(t, "seq 1 50000; exit 6", NULL, &error);
        text_add(&all, "exit\n");
        CHECK(t, error == end_error(t) && is_part_of(result, text_data(&all)),
              "got %s, and other output than was printed", hostsession_error_name(error));
    } else {
        EXITS(t, "seq 1 50000; exit 6", text_data(&all), 6);
    }
    text_free(&all);
}

static void exec_a_program(struct context *t) {
    EXITS(t, "exec true", "", 0);
}

static void exec_with_a_status(struct context *t) {
    EXITS(t, "exec sh -c 'echo last; exit 7'", "last\n", 7);
}

/* By hand, on a terminal: bash stays, all others end with 127. */
static void exec_of_nothing(struct context *t) {
    if (is_shell(t, ANY_BASH) && is_tty(t)) {
        RUNS_MATCHING(t, "exec /hostsession/nowhere", ".+", 127);
        IN_SYNC(t);
        return;
    }
    FAILS_OR_EXITS(t, "exec /hostsession/nowhere");
}

/* The shell's own word of that kind is on standard error. */
static void exit_as_the_last_word(struct context *t) {
    EXITS(t, "printf 'a\nexit\n'; exit 3", "a\nexit\n", 3);
}

static void killed(struct context *t) {
    EXITS(t, "echo x; kill -9 $$", "x\n", 137);
}

static void killed_from_a_child(struct context *t) {
    EXITS(t, "sh -c 'kill -9 $PPID'; sleep 10", "", 137);
}

/* Interactive shells ignore SIGTERM; all end at SIGHUP. */
static void terminated(struct context *t) {
    SETTLES(t, "kill -TERM $$");
    if (hostsession_get_state(t->session) != HOSTSESSION_ENDED)
        IN_SYNC(t);
}

static void hung_up(struct context *t) {
    /* By hand: interactive ksh93 only stops what it runs. */
    if (is_shell(t, KSH93)) {
        SETTLES(t, "kill -HUP $$; sleep 1");
        return;
    }
    hostsession_error error;
    const hostsession_result *result = run_raw(t, "kill -HUP $$; sleep 1", NULL, &error);
    CHECK(t, error == end_error(t) && result && hostsession_result_exit_status(result) != 0, "got %s exit %d",
          hostsession_error_name(error), result ? hostsession_result_exit_status(result) : -1);
}

static void killed_while_idle(struct context *t) {
    hostsession_error error;
    const hostsession_result *result = run_raw(t, "echo $$", NULL, &error);
    pid_t shell = (pid_t)strtol(hostsession_result_output(result), NULL, 10);
    if (!CHECK(t, shell > 1, "the shell's process is %d", (int)shell))
        return;
    kill(shell, SIGKILL);
    drive_until(t, &t->ended_calls);
    CHECK(t,
          hostsession_get_state(t->session) == HOSTSESSION_ENDED &&
              hostsession_get_failure(t->session)->error == end_error(t),
          "state %d, %s", (int)hostsession_get_state(t->session),
          hostsession_error_name(hostsession_get_failure(t->session)->error));
    result = run_raw(t, "echo NOT", NULL, &error);
    CHECK(t,
          error == HOSTSESSION_ERROR_CLOSED && result &&
              hostsession_result_status(result) == HOSTSESSION_STATUS_SKIPPED &&
              hostsession_result_exit_status(result) == -1 && !hostsession_result_session_alive(result),
          "a run after the end: %s/%s", hostsession_error_name(error),
          result ? hostsession_status_name(hostsession_result_status(result)) : "");
}

struct after_end {
    int done;
    hostsession_error error;
};

static void on_done(hostsession *session, hostsession_error error, hostsession_result *result, void *userdata) {
    struct after_end *a = userdata;
    (void)session;
    a->error = error;
    a->done++;
    hostsession_result_free(result);
}

/* What waits behind the command that ends the shell, and what is started afterwards. */
static void waiting_behind_the_end(struct context *t) {
    struct after_end all[3] = {0};
    static const char *const texts[] = {"exit 3", "echo NOT", "echo NOT"};
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    for (int i = 0; i < 3; i++)
        hostsession_run_start(t->session, texts[i], NULL, on_done, &all[i], NULL, &why);
    drive_until(t, &all[2].done);
    CHECK(t,
          all[0].error == end_error(t) && all[1].error == HOSTSESSION_ERROR_CLOSED &&
              all[2].error == HOSTSESSION_ERROR_CLOSED,
          "got %s, %s, %s", hostsession_error_name(all[0].error), hostsession_error_name(all[1].error),
          hostsession_error_name(all[2].error));
    struct after_end late = {0};
    hostsession_error error = hostsession_run_start(t->session, "echo NOT", NULL, on_done, &late, NULL, &why);
    CHECK(t, error == HOSTSESSION_OK && late.done == 0, "start after the end: %s", hostsession_error_name(error));
    drive_until(t, &late.done);
    CHECK(t, late.error == HOSTSESSION_ERROR_CLOSED, "got %s", hostsession_error_name(late.error));
    CHECK(t, all[0].done == 1 && all[1].done == 1 && all[2].done == 1, "done was called again");
}

/* By hand: bash says that return is wrong here and goes on; zsh stops the text with 5; the others end the shell. */
static void return_at_the_top(struct context *t) {
    hostsession_error error;
    const hostsession_result *result = run_raw(t, "echo a; return 5; echo NOT", NULL, &error);
    if (is_shell(t, ANY_BASH)) {
        CHECK(t, error == HOSTSESSION_OK, "got %s", hostsession_error_name(error));
        IN_SYNC(t);
        return;
    }
    CHECK(t,
          (error == HOSTSESSION_OK || error == end_error(t)) &&
              hostsession_result_exit_status(result) == (error == HOSTSESSION_OK ? 5 : end_status(t, 5)) &&
              (error == HOSTSESSION_ERROR_DISCONNECTED || strcmp(hostsession_result_output(result), "a\n") == 0),
          "got %s exit %d, %s", hostsession_error_name(error), result ? hostsession_result_exit_status(result) : -1,
          result ? hostsession_result_output(result) : "");
    if (is_shell(t, ZSH) || error == HOSTSESSION_OK)
        IN_SYNC(t);
    if (is_shell(t, ZSH))
        RUNS(t, "return 5", "", 5);
}

/* The shell ends at its next read: whether that is before or behind the next command, that one has not run, and none of
 * it may be said to have succeeded. */
static void input_taken_away(struct context *t) {
    /* The last shows only in what END says, and on pipes in nothing. */
    const char *texts[] = {"exec <&-", "exec </dev/null", "exec 0<&-", say(t, ". '%s'", home_path(t, "away"))};
    home_write(t, "away", "exec </dev/null\n", strlen("exec </dev/null\n"));
    for (size_t i = 0; i < (is_tty(t) ? 4 : 3); i++) {
        SETTLES(t, texts[i]);
        hostsession_error error;
        const hostsession_result *result = run_raw(t, "echo ran >\"$HOME/ran\"", NULL, &error);
        bool ran = access(say(t, "%s/ran", t->home), F_OK) == 0;
        CHECK(t, ran == (error == HOSTSESSION_OK), "\"%s\": the next command %s, and is said to be %s", texts[i],
              ran ? "ran" : "did not run", error == HOSTSESSION_OK ? "right" : hostsession_error_name(error));
        CHECK(t, ran || (result && hostsession_result_exit_status(result) == -1), "\"%s\": it has a status", texts[i]);
        unlink(say(t, "%s/ran", t->home));
        close_session(t);
        t->ended_calls = 0;
        if (!open_session(t))
            return;
    }
}

static void break_and_continue_at_the_top(struct context *t) {
    SETTLES(t, "break");
    IN_SYNC(t);
    SETTLES(t, "continue 3; echo x");
    IN_SYNC(t);
    RUNS(t, "for i in 1 2 3; do [ $i = 2 ] && break; echo $i; done", "1\n", 0);
    IN_SYNC(t);
}

/* Errors that end a shell which is not interactive (POSIX XCU 2.8.1), and leave an interactive one at its prompt. */
static void errors_of_the_shell(struct context *t) {
    static const char *const texts[] = {"echo ${unset_one?a message}; echo NOT",
                                        "readonly fixed=1; fixed=2; [ $fixed = 1 ] && (exit 3)",
                                        ". /hostsession/nowhere",
                                        "echo $((1 / 0)); false",
                                        "shift 99; [ $# = 99 ]",
                                        "export 1=2; false",
                                        "set -o no-such-option",
                                        "trap x NOSUCH; false",
                                        "unset fixed; false"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (is_tty(t)) {
            FAILS(t, texts[i]);
            continue;
        }
        FAILS_OR_EXITS(t, texts[i]);
        if (hostsession_get_state(t->session) != HOSTSESSION_ENDED)
            continue;
        close_session(t);
        t->ended_calls = 0;
        if (!open_session(t))
            return;
    }
}

static void close_while(struct context *t, const char *const *texts, size_t count, bool lives_on) {
    for (size_t i = 0; i < count; i++) {
        struct after_end end = {0};
        hostsession_failure why = HOSTSESSION_FAILURE_INIT;
        text command = {0};
        text_add(&command, "echo started; ");
        const char *place = strstr(texts[i], "%s");
        text_append(&command, texts[i], (size_t)(place - texts[i]));
        text_printf(&command, "%s%s", t->tag, place + 2);
        hostsession_run_start(t->session, text_data(&command), NULL, on_done, &end, NULL, &why);
        drive_until_contains(t, &t->received, "started\n");
        close_session(t);
        CHECK(t, end.done == 1 && end.error == HOSTSESSION_ERROR_CANCELED, "%s: done %d times, %s", text_data(&command),
              end.done, hostsession_error_name(end.error));
        if (lives_on)
            end_out_of_reach(t);
        GONE(t, t->tag);
        text_free(&command);
        text_clear(&t->received);
        CHECK(t, t->ended_calls == 0, "on_ended for a close");
        if (!open_session(t))
            return;
    }
}

static void close_with_a_command_running(struct context *t) {
    static const char *const texts[] = {"sleep %s", "yes %s", "sleep %s | cat | cat",
                                        "(sleep %s; echo x) | sh -c 'trap \"\" HUP; cat'"};
    close_while(t, texts, sizeof texts / sizeof texts[0], false);
}

static void close_on_what_ignores_it(struct context *t) {
    static const char *const texts[] = {"sh -c 'trap \"\" INT QUIT TERM HUP; while :; do sleep %s; done'",
                                        "trap '' INT QUIT TERM HUP; while :; do sleep %s; done"};
    /* Where only the terminal is hung up. */
    close_while(t, texts, sizeof texts / sizeof texts[0], !(t->transport->capabilities & REACH_SIGNALS));
}

/* The shell itself, which takes note of it, and goes on with its loop. */
static void close_on_a_shell_that_traps_it(struct context *t) {
    static const char *const texts[] = {"trap : INT QUIT TERM HUP; while :; do sleep %s; done",
                                        "trap : HUP; while :; do sh -c 'trap \"\" HUP; exec sleep '%s; done"};
    close_while(t, texts, sizeof texts / sizeof texts[0], false);
}

/* A job of the user's is no reason for close to wait; it may live on, as after a logout. */
static void close_with_a_background_job(struct context *t) {
    RUNS(t, say(t, "sh -c 'trap \"\" HUP INT TERM; exec sleep %s' & echo $! >\"$HOME/pid\"", t->tag), "", 0);
    text pid = {0};
    file_read(home_path(t, "pid"), &pid);
    pid_t job = (pid_t)strtol(text_data(&pid), NULL, 10);
    text_free(&pid);
    close_session(t);
    if (!CHECK(t, job > 1, "the job's process is %d", (int)job))
        return;
    kill(job, SIGKILL);
    CHECK(t, process_wait_end(job, process_end_bound_ms), "process %d does not end", (int)job);
}

static bool start_and_wait(struct context *t, const char *command, struct after_end *end) {
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    *end = (struct after_end){0};
    hostsession_run_start(t->session, command, NULL, on_done, end, NULL, &why);
    return drive_until_contains(t, &t->received, "started\n");
}

/* What the command has started ignores a hangup, and is not in the foreground: as is for a moment all that a shell
 * starts. */
static void close_before_the_foreground(struct context *t) {
    struct after_end end;
    start_and_wait(t,
                   say(t,
                       "sh -c 'trap \"\" HUP INT QUIT TERM; echo started; exec sleep %s' & "
                       "while :; do :; done",
                       t->tag),
                   &end);
    close_session(t);
    CHECK(t, end.done == 1 && end.error == HOSTSESSION_ERROR_CANCELED, "done %d times, %s", end.done,
          hostsession_error_name(end.error));
    GONE(t, t->tag);
}

/* What an earlier command has left in the background lives on, however short a time before. */
static void close_spares_earlier_jobs(struct context *t) {
    struct after_end end;
    const char *job = say(t,
                          "sh -c 'trap \"\" HUP INT QUIT TERM; : >\"$HOME/ready\"; exec sleep %s' "
                          ">/dev/null 2>&1 & echo $! >\"$HOME/pid\"",
                          t->tag);
    RUNS(t, job, "", 0);
    start_and_wait(t, "until [ -f \"$HOME/ready\" ]; do :; done; echo started; while :; do :; done", &end);
    text pid = {0};
    file_read(home_path(t, "pid"), &pid);
    pid_t survivor = (pid_t)strtol(text_data(&pid), NULL, 10);
    text_free(&pid);
    close_session(t);
    if (!CHECK(t, survivor > 1, "the job's process is %d", (int)survivor))
        return;
    CHECK(t, !process_wait_end(survivor, 0), "the job has ended with the session");
    kill(survivor, SIGKILL);
    CHECK(t, process_wait_end(survivor, process_end_bound_ms), "process %d does not end", (int)survivor);
}

static void close_of_nothing(struct context *t) {
    hostsession_close(NULL);
    hostsession_result_free(NULL);
    hostsession_match_free(NULL);
    hostsession_loop_free(NULL);
    IN_SYNC(t);
}

static const struct conformance_case end_cases_table[] = {
    {"end-exit-with-a-status", exit_with_a_status, 0, 0, 0},
    {"end-exit-with-output", exit_with_output, 0, 0, 0},
    {"end-exit-without-a-status", exit_without_a_status, 0, 0, 0},
    {"end-exit-zero", exit_zero, 0, 0, 0},
    {"end-exit-in-a-function", exit_in_a_function, 0, 0, 0},
    {"end-exit-with-a-background-job", exit_with_a_background_job, 0, 0, UNSOLICITED_ALLOWED},
    {"end-flood-and-exit", flood_and_exit, 0, 0, 0},
    {"end-exec-a-program", exec_a_program, 0, 0, 0},
    {"end-exec-with-a-status", exec_with_a_status, 0, 0, 0},
    {"end-exec-of-nothing", exec_of_nothing, 0, 0, 0},
    {"end-exit-as-the-last-word", exit_as_the_last_word, 0, PIPE, 0},
    {"end-killed", killed, 0, 0, 0},
    {"end-killed-from-a-child", killed_from_a_child, 0, 0, 0},
    {"end-terminated", terminated, 0, 0, 0},
    {"end-hung-up", hung_up, 0, 0, 0},
    {"end-killed-while-idle", killed_while_idle, 0, 0, 0},
    {"end-waiting-behind-it", waiting_behind_the_end, 0, 0, 0},
    {"end-return-at-the-top", return_at_the_top, 0, 0, 0},
    {"end-input-taken-away", input_taken_away, 0, 0, UNSOLICITED_ALLOWED},
    {"end-break-and-continue-at-the-top", break_and_continue_at_the_top, 0, 0, 0},
    {"end-errors-of-the-shell", errors_of_the_shell, 0, 0, 0},
    {"end-close-with-a-command-running", close_with_a_command_running, 0, 0, LONG},
    {"end-close-on-what-ignores-it", close_on_what_ignores_it, 0, 0, LONG},
    {"end-close-on-a-shell-that-traps-it", close_on_a_shell_that_traps_it, 0, 0, LONG | STARTED_HERE},
    {"end-close-with-a-background-job", close_with_a_background_job, 0, 0, 0},
    {"end-close-before-the-foreground", close_before_the_foreground, 0, 0, STARTED_HERE},
    {"end-close-spares-earlier-jobs", close_spares_earlier_jobs, 0, 0, STARTED_HERE},
    {"end-close-of-nothing", close_of_nothing, 0, 0, 0},
};

CASE_GROUP(end_cases);
