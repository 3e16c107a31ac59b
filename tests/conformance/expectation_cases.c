/* SPDX-License-Identifier: MIT */
/* Prompts of commands that are answered when they appear. */
#include "conformance.h"

#include <string.h>

static const hostsession_result *run_expecting(struct context *t, const char *command,
                                               const hostsession_expectation *expectations, size_t count,
                                               int timeout_ms, hostsession_error *ret_error) {
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.expectations = expectations;
    options.expectation_count = count;
    options.timeout_ms = timeout_ms;
    return run_raw(t, command, &options, ret_error);
}

static bool check_expecting(struct context *t, struct place at, const char *command,
                            const hostsession_expectation *expectations, size_t count, const char *output, int status) {
    hostsession_error error;
    const hostsession_result *result = run_expecting(t, command, expectations, count, 0, &error);
    return check_result(t, at, command, result, error, output, strlen(output), status);
}

#define EXPECTING(t, command, expectations, output, status)                                                            \
    check_expecting((t), HERE, (command), (expectations), sizeof(expectations) / sizeof((expectations)[0]), (output),  \
                    (status))

static void one_answer(struct context *t) {
    const hostsession_expectation name[] = {{"Name: $", "Ada\n", 0, 0}};
    EXPECTING(t, "printf 'Name: '; read n; echo \"Hello $n\"; (exit 3)", name, "Name: Hello Ada\n", 3);
    EXPECTING(t, "sh -c 'printf \"Name: \"; read n; echo \"Hello $n\"'", name, "Name: Hello Ada\n", 0);
    IN_SYNC(t);
}

static void no_answer_needed(struct context *t) {
    const hostsession_expectation never[] = {{"never seen", "x\n", 0, 0}};
    EXPECTING(t, "echo nothing; (exit 4)", never, "nothing\n", 4);
    /* An answer that nobody reads may be read by the shell, as if typed too early; never as another command's. */
    const hostsession_expectation unread[] = {{"matches", "echo NOT\n", 0, 0}};
    EXPECTING(t, "echo matches", unread, "matches\n", 0);
    RUNS(t, "echo next", "next\n", 0);
    IN_SYNC(t);
    TIMES_OUT(t, "read x; echo \"$x\"", "");
    IN_SYNC(t);
}

static void several_patterns(struct context *t) {
    const hostsession_expectation both[] = {{"(?i)user: ?$", "root\n", 0, 0}, {"Password: ?$", "toor\n", 0, 0}};
    EXPECTING(t, "printf 'USER: '; read u; printf 'Password: '; read p; echo \"$u/$p\"", both,
              "USER: Password: root/toor\n", 0);
    EXPECTING(t, "printf 'Password: '; read p; printf 'User: '; read u; echo \"$u/$p\"", both,
              "Password: User: root/toor\n", 0);
    IN_SYNC(t);
}

/* The earliest match wins, then the first in order. */
static void order(struct context *t) {
    const hostsession_expectation same[] = {{"go", "first\n", 0, 0}, {"go", "second\n", 0, 0}};
    EXPECTING(t, "printf 'go? '; read x; echo $x", same, "go? first\n", 0);
    const hostsession_expectation earliest[] = {{"later", "later\n", 0, 0}, {"early", "early\n", 0, 0}};
    EXPECTING(t, "printf 'early later '; read x; read y; echo $x $y", earliest, "early later early later\n", 0);
}

/* The line behind the command, with which what was not read is thrown away, does not come back among the next's. */
static void echo_left_on(struct context *t) {
    static const hostsession_expectation never[] = {{"never", "x\n", 0, 0}};
    RUNS(t, "echo 'stty echo' >\"$HOME/on\"", "", 0);
    for (int i = 0; i < 5; i++) {
        EXPECTING(t, "sh \"$HOME/on\"", never, "", 0);
        RUNS(t, "echo hi", "hi\n", 0);
    }
}

static void repeated_answers(struct context *t) {
    const hostsession_expectation more[] = {{"more\\? $", "y\n", 0, 0}};
    EXPECTING(t, "for i in 1 2 3 4 5; do printf 'more? '; read a; done; echo \"$a\"", more,
              "more? more? more? more? more? y\n", 0);
}

static void too_many_answers(struct context *t) {
    const hostsession_expectation more[] = {{"more\\?", "y\n", 0, 3}};
    hostsession_error error;
    const hostsession_result *result =
        run_expecting(t, say(t, "x=kept; while printf 'more?\\n'; do read a; done; : %s", t->tag), more, 1, 0, &error);
    CHECK(t,
          error == HOSTSESSION_ERROR_LIMIT && result && hostsession_result_session_alive(result) &&
              hostsession_result_failure(result)->error == HOSTSESSION_ERROR_LIMIT,
          "got %s", hostsession_error_name(error));
    CHECK(t, result && strncmp(hostsession_result_output(result), "more?\nmore?\nmore?\nmore?\n", 24) == 0, "output %s",
          result ? hostsession_result_output(result) : "");
    RUNS(t, "echo $x", "kept\n", 0);
    IN_SYNC(t);
    const hostsession_expectation enough[] = {{"more\\?", "y\n", 0, 3}};
    EXPECTING(t, "for i in 1 2 3; do echo 'more?'; read a; done", enough, "more?\nmore?\nmore?\n", 0);
}

static void a_pattern_that_runs_away(struct context *t) {
    const hostsession_expectation evil[] = {{"(a+)+$", "x\n", 0, 0}};
    hostsession_error error;
    const hostsession_result *result =
        run_expecting(t, "x=kept; head -c 3000 /dev/zero | tr '\\0' a; echo b; sleep 0.2; echo end", evil, 1, 0,
                      &error);
    CHECK(t, error == HOSTSESSION_ERROR_LIMIT || error == HOSTSESSION_OK, "got %s", hostsession_error_name(error));
    const hostsession_expectation worse[] = {{"(x+x+)+[yz]", "x\n", 0, 0}};
    result = run_expecting(t, "head -c 20000 /dev/zero | tr '\\0' x; sleep 0.2; echo; sleep 0.2; (exit 3)", worse, 1, 0,
                           &error);
    CHECK(t, error == HOSTSESSION_ERROR_LIMIT && result && hostsession_result_session_alive(result), "got %s",
          hostsession_error_name(error));
    RUNS(t, "echo $x", "kept\n", 0);
    IN_SYNC(t);
}

static void split_over_writes(struct context *t) {
    const hostsession_expectation secret[] = {{"Password for [a-z]+: $", "sesame\n", 0, 0}};
    EXPECTING(t,
              "for w in Pas swo 'rd f' or ' ' ad a ':' ' '; do printf %s \"$w\"; sleep 0.01; done; read x; echo \"$x\"",
              secret, "Password for ada: sesame\n", 0);
}

/* The pattern is in the command's own text, which is typed at a terminal: only output counts. */
static void pattern_in_the_text(struct context *t) {
    const hostsession_expectation first[] = {{"PROMPT", "wrong\n", 0, 1}};
    EXPECTING(t, "# PROMPT PROMPT PROMPT\necho 'PROM''PT' | tr M m", first, "PROmPT\n", 0);
}

/* Neither the response nor its echo is in output, transcript or log. */
static void secrets(struct context *t) {
    static const char secret[] = "correct-horse-battery";
    const hostsession_expectation password[] = {
        {"Password: $", "correct-horse-battery\n", HOSTSESSION_EXPECT_SECRET, 0}};
    EXPECTING(t, "printf 'Password: '; read p; echo; echo ${#p}", password, "Password: \n21\n", 0);
    CHECK(t, !text_contains(&t->sent, secret) && !text_contains(&t->log, secret), "the secret was recorded as sent");
    /* A program that repeats it, in pieces: the result has it, as the command wrote it; the records do not. */
    EXPECTING(t, "printf 'Password: '; read p; printf correct-; sleep 0.05; printf 'horse-battery\\n'; echo \"$p\"",
              password, "Password: correct-horse-battery\ncorrect-horse-battery\n", 0);
    CHECK(t, !text_contains(&t->sent, secret) && !text_contains(&t->log, secret), "the secret was recorded as sent");
    CHECK(t, !text_contains(&t->received, secret), "the secret was recorded as received");
}

static void secret_commands(struct context *t) {
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.secret = true;
    hostsession_error error;
    const hostsession_result *result = run_raw(t, "token=hunter2-and-more", &options, &error);
    check_result(t, HERE, "a secret one", result, error, "", 0, 0);
    result = run_raw(t, say(t, "x='%s'; echo ${#token}", repeat(t, "hunter2-and-more", 300)), &options, &error);
    check_result(t, HERE, "a secret one", result, error, "16\n", 3, 0);
    CHECK(t, !text_contains(&t->sent, "hunter2") && !text_contains(&t->log, "hunter2"), "the secret was recorded");
    RUNS(t, "echo public", "public\n", 0);
    CHECK(t, text_contains(&t->sent, "public") && text_contains(&t->received, "public"), "nothing was recorded");
}

static void echo_off(struct context *t) {
    const hostsession_expectation password[] = {
        {"Password: $", "sesame\n", HOSTSESSION_EXPECT_ECHO_OFF | HOSTSESSION_EXPECT_SECRET, 0}};
    if (!(t->transport->capabilities & REACH_ECHO)) {
        hostsession_error refused;
        run_expecting(t, "echo NOT", password, 1, 0, &refused);
        CHECK(t, refused == HOSTSESSION_ERROR_INVALID, "got %s", hostsession_error_name(refused));
        IN_SYNC(t);
        return;
    }
    EXPECTING(t, "stty -echo; printf 'Password: '; read p; stty echo; echo \"got $p\"", password,
              "Password: got sesame\n", 0);
    /* getpass flushes what was typed before. */
    EXPECTING(t, "python3 -c 'import getpass; print(\"got\", getpass.getpass())'", password, "Password: \ngot sesame\n",
              0);
    /* This only looks like one: echo is on. */
    hostsession_error error;
    const hostsession_result *result =
        run_expecting(t, "printf 'Password: '; read p; echo \"got $p\"", password, 1, short_deadline_ms, &error);
    CHECK(t,
          error == HOSTSESSION_ERROR_TIMED_OUT && result && hostsession_result_session_alive(result) &&
              !strstr(hostsession_result_output(result), "got"),
          "got %s: %s", hostsession_error_name(error), result ? hostsession_result_output(result) : "");
    RUNS(t, "echo exact", "exact\n", 0);
    IN_SYNC(t);
    RUNS(t, "stty -a | tr ' ;' '\\n\\n' | grep -x -e echo", "", 1);
}

static void wrong_patterns(struct context *t) {
    static const char *const patterns[] = {"(", "[a", "*", "(?<n", NULL};
    for (const char *const *pattern = patterns; *pattern; pattern++) {
        const hostsession_expectation wrong = {*pattern, "x\n", 0, 0};
        hostsession_error error;
        const hostsession_result *result = run_expecting(t, "echo NOT", &wrong, 1, 0, &error);
        CHECK(t, error == HOSTSESSION_ERROR_INVALID && hostsession_result_status(result) == HOSTSESSION_STATUS_ERROR,
              "%s: got %s", *pattern, hostsession_error_name(error));
    }
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    const hostsession_expectation wrong = {"(", "x\n", 0, 0};
    options.expectations = &wrong;
    options.expectation_count = 1;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    hostsession_operation *operation = NULL;
    CHECK(t,
          hostsession_run_start(t->session, "echo NOT", &options, NULL, NULL, &operation, &why) ==
                  HOSTSESSION_ERROR_INVALID &&
              why.message[0],
          "started with a wrong pattern");
    IN_SYNC(t);
}

static void groups_and_bytes(struct context *t) {
    const hostsession_expectation bytes[] = {{"\\xff\\x00>", "raw\n", 0, 0}};
    hostsession_error error;
    const hostsession_result *result =
        run_expecting(t, "printf '\\377\\000>'; read x; echo \"$x\"", bytes, 1, 0, &error);
    check_result(t, HERE, "bytes", result, error, "\377\0>raw\n", 7, 0);
    const hostsession_expectation lines[] = {{"(?m)^b: $", "yes\n", 0, 0}};
    EXPECTING(t, "printf 'a\\nb: '; read x; echo $x", lines, "a\nb: yes\n", 0);
}

static const struct conformance_case expectation_cases_table[] = {
    {"expect-one-answer", one_answer, 0, TTY, 0},
    {"expect-no-answer-needed", no_answer_needed, 0, TTY, UNSOLICITED_ALLOWED},
    {"expect-several-patterns", several_patterns, 0, TTY, 0},
    {"expect-order", order, 0, TTY, 0},
    {"expect-echo-left-on", echo_left_on, 0, TTY, UNSOLICITED_ALLOWED},
    {"expect-repeated-answers", repeated_answers, 0, TTY, 0},
    {"expect-too-many-answers", too_many_answers, 0, TTY, 0},
    {"expect-a-pattern-that-runs-away", a_pattern_that_runs_away, 0, TTY, UNSOLICITED_ALLOWED},
    {"expect-split-over-writes", split_over_writes, 0, TTY, 0},
    {"expect-pattern-in-the-text", pattern_in_the_text, 0, TTY, 0},
    {"expect-secrets", secrets, 0, TTY, 0},
    {"expect-secret-commands", secret_commands, 0, 0, 0},
    {"expect-echo-off", echo_off, 0, TTY, 0},
    {"expect-wrong-patterns", wrong_patterns, 0, TTY, 0},
    {"expect-groups-and-bytes", groups_and_bytes, 0, TTY, 0},
};

CASE_GROUP(expectation_cases);
