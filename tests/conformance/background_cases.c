/* SPDX-License-Identifier: MIT */
/* Background jobs: what they print between commands is kept apart, and so are the notices of their end. */
#include "conformance.h"

#include "../support/folder.h"

#include <string.h>

static void no_notices(struct context *t) {
    RUNS(t, "true & wait", "", 0);
    RUNS(t, "true &", "", 0);
    RUNS(t, "wait", "", 0);
    RUNS(t, "echo next", "next\n", 0);
    RUNS(t, "sh -c 'exit 3' & wait $!", "", 3);
    RUNS(t, "(exit 4) & p=$!; wait $p; echo $?", "4\n", 0);
    RUNS(t, "echo next", "next\n", 0);
    IN_SYNC(t);
}

/* Each program of it may have a number, and a line when it ends.  (ash loses what a builtin prints at that moment.) */
static void pipelines(struct context *t) {
    RUNS(t, "true | cat &", "", 0);
    RUNS(t, "wait; /usr/bin/printf a; true | true | cat & /usr/bin/printf 'b\\n'; wait", "ab\n", 0);
    RUNS(t, "true | (exit 3) | true & p=$!", "", 0);
    RUNS(t, "while kill -0 $p 2>/dev/null; do /bin/sleep 0.01; done; /bin/echo next", "next\n", 0);
    RUNS(t, "wait; /bin/echo next", "next\n", 0);
    IN_SYNC(t);
}

static void coprocesses(struct context *t) {
    RUNS(t, "coproc true", "", 0);
    RUNS(t, "wait; /bin/true; echo next", "next\n", 0);
    RUNS(t, "coproc for i in 1 2; do if :; then (:); fi; done; p=$!", "", 0);
    RUNS(t, "while kill -0 $p 2>/dev/null; do /bin/sleep 0.01; done; echo next", "next\n", 0);
    if (is_shell(t, BASH)) {
        RUNS(t, "coproc X { while read l; do echo \"<$l>\"; done; }", "", 0);
        RUNS(t, "echo a >&${X[1]}; eval \"exec ${X[1]}>&-\"; wait $X_PID; echo $?", "0\n", 0);
    }
    RUNS(t, "/bin/true; echo next", "next\n", 0);
    IN_SYNC(t);
}

/* bash shows their bodies. */
static void here_documents(struct context *t) {
    static const char *const jobs[] = {
        "cat <<X >/dev/null &\nif a\nX",
        "cat <<X | cat >/dev/null &\na\n\"b\nX",
        "{ cat <<'X Y'; cat <<-Z; } >/dev/null &\n(\nX Y\n\tcase\n\tZ",
        "if cat <<X; then cat <<Y && cat <<Z; fi >/dev/null &\n\"\nX\n(\nY\n\nZ",
    };
    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++) {
        RUNS(t, jobs[i], "", 0);
        RUNS(t, "p=$!; while kill -0 $p 2>/dev/null; do /bin/sleep 0.01; done; /bin/true; echo next", "next\n", 0);
        RUNS(t, say(t, "cd /usr; %s\nwait; cd /; /bin/true; echo next", jobs[i]), "next\n", 0);
    }
    RUNS(t, "cat <<X & wait; /bin/true; echo next\nif a\nX", "if a\nnext\n", 0);
    IN_SYNC(t);
}

/* bash tells of the job's end as soon as a program of the command's has ended. */
static void ends_within_a_line(struct context *t) {
    RUNS(t, "(until [ -e \"$HOME/go\" ]; do sleep 0.01; done) & p=$!", "", 0);
    RUNS(t,
         "printf start; : >\"$HOME/go\"; sh -c 'while kill -0 $1 2>/dev/null; do sleep 0.01; done' - $p; /bin/true; "
         "echo end",
         "startend\n", 0);
    RUNS(t, "printf a; true & wait; printf b", "ab", 0);
    IN_SYNC(t);
}

/* bash names the directory of a job that it has left, and on a line of its own the one where it is. */
static void ends_elsewhere(struct context *t) {
    RUNS(t,
         "mkdir -p \"$HOME/it's a (dir\"; cd \"$HOME/it's a (dir\"; (until [ -e \"$HOME/go\" ]; do sleep 0.01; done) & "
         "p=$!",
         "", 0);
    RUNS(
        t,
        "cd /usr; : >\"$HOME/go\"; sh -c 'while kill -0 $1 2>/dev/null; do sleep 0.01; done' - $p; /bin/true; echo end",
        "end\n", 0);
    RUNS(t, "true & cd /; wait; /bin/true; echo end", "end\n", 0);
    IN_SYNC(t);
}

static void does_not_delay(struct context *t) {
    RUNS(t, say(t, "/bin/sleep %s & p=$!; echo started", t->tag), "started\n", 0);
    RUNS(t, "echo next", "next\n", 0);
    /* ksh93 has a sleep of its own.  A shell that has only just forked still ignores SIGTERM, as interactive ones do.
     */
    RUNS(t, say(t, "until grep -aq sleep.%s /proc/$p/cmdline; do :; done; kill -0 $p && echo lives", t->tag), "lives\n",
         0);
    RUNS(t, "kill $p", "", 0);
    GONE(t, t->tag);
    RUNS(t, "echo next", "next\n", 0);
    /* By hand, too: interactive dash and ash forget a job that has ended, and then know no such one. */
    if (is_shell(t, DASH | ASH))
        SETTLES(t, "wait $p");
    else
        RUNS_MATCHING(t, "wait $p", "(Terminated ?\n)?", 143);
    RUNS(t, "echo next", "next\n", 0);
    IN_SYNC(t);
}

static void prints_between_commands(struct context *t) {
    RUNS(t, "(until [ -e \"$HOME/go\" ]; do sleep 0.01; done; echo LATE; echo ERR >&2) &", "", 0);
    RUNS(t, "echo one", "one\n", 0);
    CHECK(t, t->unsolicited.length == 0, "it came too early");
    home_write(t, "go", "", 0);
    drive_until_contains(t, &t->unsolicited, "LATE\n");
    drive_until_contains(t, &t->unsolicited, "ERR\n");
    CHECK(t, t->unsolicited.length == 9, "unsolicited: %s", text_data(&t->unsolicited));
    RUNS(t, "echo two", "two\n", 0);
    RUNS(t, "wait", "", 0);
    IN_SYNC(t);
}

/* While a command runs nobody can tell the two apart on one stream; what matters is that it stays in sync. */
static void prints_all_the_time(struct context *t) {
    hostsession_error error;
    run_raw(t, say(t, "(while [ ! -e \"$HOME/stop\" ]; do echo %s; done) & p=$!", t->tag), NULL, &error);
    CHECK(t, error == HOSTSESSION_OK, "got %s", hostsession_error_name(error));
    for (int i = 0; i < 20; i++) {
        const hostsession_result *result = run_raw(t, say(t, "(exit %d)", i), NULL, &error);
        CHECK(t, error == HOSTSESSION_OK && hostsession_result_exit_status(result) == i, "got %s exit %d, expected %d",
              hostsession_error_name(error), hostsession_result_exit_status(result), i);
    }
    run_raw(t, ">\"$HOME/stop\"; wait $p", NULL, &error);
    IN_SYNC(t);
}

static void job_commands(struct context *t) {
    RUNS(t, "jobs", "", 0);
    FAILS(t, "fg");
    FAILS(t, "fg %7");
    SETTLES(t, "bg");
    IN_SYNC(t);
    RUNS(t, "wait", "", 0);
    RUNS(t, "true & true & true & wait", "", 0);
    RUNS(t, "echo next", "next\n", 0);
    IN_SYNC(t);
}

static void background_reads_nothing(struct context *t) {
    RUNS(t, "cat & p=$!", "", 0);
    RUNS(t, "echo next", "next\n", 0);
    IN_SYNC(t);
    SETTLES(t, "kill -9 $p; wait $p");
    IN_SYNC(t);
}

static void wait_is_stopped(struct context *t) {
    RUNS(t, say(t, "sleep %s & p=$!", t->tag), "", 0);
    TIMES_OUT(t, "wait $p", NULL);
    IN_SYNC(t);
    SETTLES(t, "kill -9 $p; wait $p");
    GONE(t, t->tag);
    IN_SYNC(t);
}

/* Local zsh is won back by the end of its jobs; elsewhere those are out of reach. */
static void wait_for_all_is_stopped(struct context *t) {
    const char *command = say(t, "kept=1; sleep %s & wait", t->tag);
    if (is_shell(t, ZSH) && !(t->transport->capabilities & REACH_LOCAL)) {
        SETTLES(t, command);
        return;
    }
    TIMES_OUT(t, command, NULL);
    RUNS(t, "echo $kept", "1\n", 0);
    SETTLES(t, "kill -9 $!");
    GONE(t, t->tag);
    IN_SYNC(t);
}

/* A shell that is back at its prompt tells of a job that has ended while the command ran. */
static void ends_before_the_deadline(struct context *t) {
    RUNS(t, "mkfifo \"$HOME/never\"", "", 0);
    TIMES_OUT(t, "true & cat \"$HOME/never\"", "");
    TIMES_OUT(t, "true & printf x; cat \"$HOME/never\"", "x");
    TIMES_OUT(t, "true & echo x; cat \"$HOME/never\"", "x\n");
    IN_SYNC(t);
}

/* A job that ends while a command runs, and one that dies of a signal: their notices are due at the next prompt. */
static void notices_of_dead_jobs(struct context *t) {
    RUNS(t, "sh -c 'kill -9 $$' & p=$!", "", 0);
    SETTLES(t, "wait $p");
    RUNS(t, "echo one", "one\n", 0);
    RUNS(t, "sh -c 'kill -SEGV $$' &", "", 0);
    RUNS(t, "sleep 0.05; echo two", "two\n", 0);
    RUNS(t, "echo three", "three\n", 0);
    RUNS(t, "sh -c 'exit 1' &", "", 0);
    RUNS(t, "sleep 0.05; (exit 5)", "", 5);
    RUNS(t, "echo four", "four\n", 0);
    IN_SYNC(t);
}

static const struct conformance_case background_cases_table[] = {
    {"background-no-notices", no_notices, 0, 0, UNSOLICITED_ALLOWED},
    {"background-pipelines", pipelines, 0, 0, UNSOLICITED_ALLOWED},
    {"background-coprocesses", coprocesses, BASH | ZSH, 0, UNSOLICITED_ALLOWED},
    {"background-here-documents", here_documents, 0, 0, UNSOLICITED_ALLOWED},
    {"background-ends-within-a-line", ends_within_a_line, 0, 0, UNSOLICITED_ALLOWED},
    {"background-ends-elsewhere", ends_elsewhere, 0, 0, UNSOLICITED_ALLOWED},
    {"background-does-not-delay", does_not_delay, 0, 0, UNSOLICITED_ALLOWED},
    {"background-prints-between-commands", prints_between_commands, 0, 0, UNSOLICITED_ALLOWED},
    {"background-prints-all-the-time", prints_all_the_time, 0, 0, UNSOLICITED_ALLOWED},
    {"background-job-commands", job_commands, 0, 0, UNSOLICITED_ALLOWED},
    {"background-reads-nothing", background_reads_nothing, 0, 0, UNSOLICITED_ALLOWED},
    {"background-wait-is-stopped", wait_is_stopped, 0, 0, UNSOLICITED_ALLOWED},
    {"background-wait-for-all-is-stopped", wait_for_all_is_stopped, 0, 0, UNSOLICITED_ALLOWED | LONG},
    {"background-ends-before-the-deadline", ends_before_the_deadline, ~(unsigned)KSH93, 0, UNSOLICITED_ALLOWED},
    {"background-notices-of-dead-jobs", notices_of_dead_jobs, 0, 0, UNSOLICITED_ALLOWED},
};

CASE_GROUP(background_cases);
