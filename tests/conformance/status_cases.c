/* SPDX-License-Identifier: MIT */
/* Exit statuses, also as the next command sees them. */
#include "conformance.h"

#include <string.h>

static void statuses(struct context *t) {
    static const int all[] = {0, 1, 2, 3, 42, 100, 124, 126, 127, 128, 129, 130, 137, 200, 254, 255};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        RUNS(t, say(t, "(exit %d)", all[i]), "", all[i]);
        RUNS(t, say(t, "sh -c 'echo out; exit %d'", all[i]), "out\n", all[i]);
        RUNS(t, say(t, "f() { return %d; }; f", all[i]), "", all[i]);
    }
    RUNS(t, "true", "", 0);
    RUNS(t, "false", "", 1);
}

static void not_found(struct context *t) {
    RUNS(t, "hostsession-no-such-program 2>/dev/null", "", 127);
    FAILS(t, "hostsession-no-such-program");
    RUNS(t, "/etc/passwd 2>/dev/null", "", 126);
    RUNS(t, "cd /hostsession/nowhere 2>/dev/null || echo stayed", "stayed\n", 0);
    FAILS(t, "cd /hostsession/nowhere");
}

/* The shell may say something about it ("Killed"); that is its output.  ksh93 has 256 + n in $?: a status is 0 to 255
 * here, 128 + n. */
static void death_by_signal(struct context *t) {
    static const struct {
        const char *name;
        int number;
    } signals[] = {{"KILL", 9}, {"TERM", 15}, {"SEGV", 11}, {"ABRT", 6}, {"HUP", 1}, {"PIPE", 13}, {"USR1", 10}};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        RUNS_MATCHING(t, say(t, "sh -c 'kill -%s $$'", signals[i].name), ".*", 128 + signals[i].number);
        RUNS(t, say(t, "echo after-%d", signals[i].number), say(t, "after-%d\n", signals[i].number), 0);
    }
}

/* Shells act on a child that died of SIGINT or SIGQUIT as if it had been theirs. */
static void death_by_interrupt(struct context *t) {
    RUNS_MATCHING(t, "sh -c 'kill -INT $$'", ".*", 130);
    IN_SYNC(t);
    RUNS_MATCHING(t, "sh -c 'kill -QUIT $$'", ".*", 131);
    IN_SYNC(t);
}

static void negation_and_pipelines(struct context *t) {
    RUNS(t, "! true", "", 1);
    RUNS(t, "! false", "", 0);
    RUNS(t, "false | true", "", 0);
    RUNS(t, "true | false", "", 1);
    RUNS(t, "true | (exit 5)", "", 5);
    RUNS(t, "false; true", "", 0);
    RUNS(t, "false || true", "", 0);
    RUNS(t, "true && (exit 6)", "", 6);
    RUNS(t, "(exit 4)", "", 4);
    RUNS(t, "if false; then :; fi", "", 0);
    RUNS(t, "eval '(exit 8)'", "", 8);
}

/* dash 0.5.12 has no pipefail (`dash -c 'set -o pipefail'`: "Illegal option -o pipefail"). */
static void pipefail(struct context *t) {
    if (is_shell(t, DASH)) {
        FAILS_OR_EXITS(t, "set -o pipefail");
        return;
    }
    RUNS(t, "set -o pipefail", "", 0);
    RUNS(t, "(exit 3) | true", "", 3);
    RUNS(t, "true | true", "", 0);
    IN_SYNC(t);
    RUNS(t, "set +o pipefail", "", 0);
    RUNS(t, "(exit 3) | true", "", 0);
}

static void last_status_is_kept(struct context *t) {
    for (int status = 0; status < 256; status += 51) {
        RUNS(t, say(t, "(exit %d)", status), "", status);
        RUNS(t, "echo $?", say(t, "%d\n", status), 0);
        RUNS(t, "echo $?", "0\n", 0);
    }
    RUNS(t, "false", "", 1);
    RUNS(t, "s=$?; echo $s; (exit $s)", "1\n", 1);
    RUNS(t, "test $? = 1 && echo right", "right\n", 0);
    RUNS(t, "f() { return $1; }; f 77", "", 77);
    RUNS(t, "f $?", "", 77);
}

static void many_commands(struct context *t) {
    for (int i = 0; i < 300; i++) {
        const char *command = say(t, "echo number %d; gives() { return %d; }; gives", i, i % 256);
        if (!RUNS(t, command, say(t, "number %d\n", i), i % 256))
            return;
    }
}

/* The prompt that tells of it comes where standard error goes. */
static void interrupts_itself(struct context *t) {
    RUNS_MATCHING(t, "kill -INT $$; sleep 1", "\n?", 130);
    IN_SYNC(t);
    SETTLES(t, "exec 2>&1");
    RUNS_MATCHING(t, "kill -INT $$; sleep 1", "\n?", 130);
    IN_SYNC(t);
}

static const struct conformance_case status_cases_table[] = {
    {"status-interrupts-itself", interrupts_itself, 0, 0, 0},
    {"status-values", statuses, 0, 0, 0},
    {"status-not-found", not_found, 0, 0, 0},
    {"status-death-by-signal", death_by_signal, 0, 0, 0},
    {"status-death-by-interrupt", death_by_interrupt, 0, 0, 0},
    {"status-negation-and-pipelines", negation_and_pipelines, 0, 0, 0},
    {"status-pipefail", pipefail, 0, 0, 0},
    {"status-last-is-kept", last_status_is_kept, 0, 0, 0},
    {"status-many-commands", many_commands, 0, 0, 0},
};

CASE_GROUP(status_cases);
