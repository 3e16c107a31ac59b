/* SPDX-License-Identifier: MIT */
/* Driving programs that are no shell: send and expect, then run again. */
#include "conformance.h"

#include "../support/process.h"

#include <string.h>

static bool send_text(struct context *t, const char *bytes) {
    hostsession_error error = hostsession_send(t->session, bytes, strlen(bytes), false);
    return CHECK(t, error == HOSTSESSION_OK, "send: %s", hostsession_error_name(error));
}

/* The text up to the match contains `part`. */
static bool expect_part(struct context *t, const char *pattern, const char *part) {
    hostsession_match *match = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    hostsession_error error = hostsession_expect(t->session, &pattern, 1, NULL, &match, &why);
    bool right = CHECK(t, error == HOSTSESSION_OK && match && hostsession_match_index(match) == 0, "expect %s: %s: %s",
                       pattern, hostsession_error_name(error), why.message) &&
                 CHECK(t, strstr(hostsession_match_text(match), part) != NULL, "expect %s: \"%s\" is not in %s",
                       pattern, part, hostsession_match_text(match));
    hostsession_match_free(match);
    return right;
}

/* Once the shell's own prompt is back, commands run again.  Until it has come, run is refused. */
static void check_runs_again(struct context *t) {
    long long until = clock_ms() + run_bound_ms;
    for (;;) {
        hostsession_error error;
        const hostsession_result *result = run_raw(t, "echo again; (exit 3)", NULL, &error);
        if (error != HOSTSESSION_ERROR_NOT_READY) {
            check_result(t, HERE, "after the program", result, error, "again\n", 6, 3);
            break;
        }
        if (!CHECK(t, clock_ms() < until, "the shell was not found again"))
            return;
        hostsession_loop_run_once(hostsession_get_loop(t->session), 50);
    }
    IN_SYNC(t);
}

static void check_refused(struct context *t) {
    hostsession_error error;
    const hostsession_result *result = run_raw(t, "echo NOT", NULL, &error);
    CHECK(t,
          error == HOSTSESSION_ERROR_NOT_READY && result &&
              hostsession_result_failure(result)->error == HOSTSESSION_ERROR_NOT_READY &&
              hostsession_result_failure(result)->message[0],
          "a run while a program has the terminal: %s", hostsession_error_name(error));
    CHECK(t, !result || hostsession_result_session_alive(result), "the session ended");
}

static void python(struct context *t) {
    RUNS(t, "x=kept", "", 0);
    if (!send_text(t, "python3 -q -i\n") || !expect_part(t, ">>> $", ""))
        return;
    check_refused(t);
    send_text(t, "6 * 7\n");
    expect_part(t, "42\\r?\\n", "42");
    expect_part(t, ">>> $", "");
    send_text(t, "print('echo', 'x' * 3)\n");
    expect_part(t, "echo x{3}", "echo xxx");
    expect_part(t, ">>> $", "");
    check_refused(t);
    send_text(t, "exit()\n");
    check_runs_again(t);
    RUNS(t, "echo $x", "kept\n", 0);
}

static void a_script_that_asks(struct context *t) {
    send_text(t, "sh -c 'printf \"name? \"; read n; printf \"age? \"; read a; echo \"$n is $a\"'\n");
    expect_part(t, "name\\? $", "");
    send_text(t, "Ada\n");
    expect_part(t, "age\\? $", "");
    check_refused(t);
    send_text(t, "36\n");
    expect_part(t, "is 36\\r?\\n", "Ada is 36");
    check_runs_again(t);
}

static void an_inner_shell(struct context *t) {
    send_text(t, "PS1='inner> ' sh -i\n");
    expect_part(t, "inner> $", "");
    check_refused(t);
    send_text(t, "echo $((40 + 2))\n");
    expect_part(t, "42\\r?\\n", "42");
    send_text(t, "exit\n");
    check_runs_again(t);
}

static void commands_typed_at_the_shell(struct context *t) {
    send_text(t, "echo $((6 * 7)); y=typed\n");
    expect_part(t, "42\\r?\\n", "42");
    check_runs_again(t);
    RUNS(t, "echo $y", "typed\n", 0);
}

static void a_deadline_keeps_what_was_read(struct context *t) {
    send_text(t, "printf 'abc-%d' 1; read x\n");
    const char *pattern = "never seen";
    hostsession_expect_options options = HOSTSESSION_EXPECT_OPTIONS_INIT;
    options.timeout_ms = short_deadline_ms;
    hostsession_match *match = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    hostsession_error error = hostsession_expect(t->session, &pattern, 1, &options, &match, &why);
    CHECK(t,
          error == HOSTSESSION_ERROR_TIMED_OUT && match && hostsession_match_index(match) == -1 &&
              strstr(hostsession_match_text(match), "abc-1"),
          "got %s, %s", hostsession_error_name(error), match ? hostsession_match_text(match) : "no match");
    hostsession_match_free(match);
    expect_part(t, "bc-", "abc-");
    expect_part(t, "1", "1");
    check_refused(t);
    send_text(t, "x\n");
    check_runs_again(t);
}

static void check_group(struct context *t, hostsession_match *match, unsigned group, const char *expected) {
    size_t length = 99;
    const char *found = hostsession_match_group(match, group, &length);
    if (!expected)
        CHECK(t, !found && length == 0, "group %u is there", group);
    else
        CHECK(t, found && length == strlen(expected) && memcmp(found, expected, length) == 0, "group %u is %.*s", group,
              (int)length, found ? found : "");
}

static void groups_and_several_patterns(struct context *t) {
    const char *patterns[] = {"zzz", "(\\w+)=(\\d+)(;)?(\\n|\\r\\n)", "="};
    send_text(t, "printf 'some%s=%d\\n' thing 5; read x\n");
    hostsession_match *match = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    hostsession_error error = hostsession_expect(t->session, patterns, 2, NULL, &match, &why);
    if (CHECK(t, error == HOSTSESSION_OK && hostsession_match_index(match) == 1, "got %s",
              hostsession_error_name(error))) {
        check_group(t, match, 1, "something");
        check_group(t, match, 2, "5");
        check_group(t, match, 3, NULL);
        check_group(t, match, 9, NULL);
    }
    hostsession_match_free(match);
    send_text(t, "x\n");
    check_runs_again(t);
}

static void the_end_of_the_shell(struct context *t) {
    /* telnetd throws away what it has read and not sent by then. */
    send_text(t, "echo la''st; read x; exit 5\n");
    if (!drive_until_contains(t, &t->received, "last"))
        return;
    send_text(t, "x\n");
    const char *pattern = "never";
    hostsession_match *match = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    hostsession_error error = hostsession_expect(t->session, &pattern, 1, NULL, &match, &why);
    CHECK(t,
          error == end_error(t) && match && hostsession_match_index(match) == -1 &&
              strstr(hostsession_match_text(match), "last"),
          "got %s, %s", hostsession_error_name(error), match ? hostsession_match_text(match) : "no match");
    hostsession_match_free(match);
    CHECK(t, hostsession_get_state(t->session) == HOSTSESSION_ENDED && t->ended_calls == 1, "state %d, told %d times",
          (int)hostsession_get_state(t->session), t->ended_calls);
    CHECK(t, hostsession_send(t->session, "x", 1, false) == HOSTSESSION_ERROR_CLOSED, "send after the end");
    match = NULL;
    CHECK(t, hostsession_expect(t->session, &pattern, 1, NULL, &match, &why) == HOSTSESSION_ERROR_CLOSED && !match,
          "expect after the end");
}

static void wrong_and_wild_patterns(struct context *t) {
    const char *wrong = "(";
    hostsession_match *match = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    CHECK(t,
          hostsession_expect(t->session, &wrong, 1, NULL, &match, &why) == HOSTSESSION_ERROR_INVALID && !match &&
              why.message[0],
          "a wrong pattern");
    const char *wild = "(x+x+)+[yz]";
    send_text(t, "head -c 5000 /dev/zero | tr '\\0' x; read l\n");
    hostsession_error error = hostsession_expect(t->session, &wild, 1, NULL, &match, &why);
    CHECK(t, error == HOSTSESSION_ERROR_LIMIT, "got %s", hostsession_error_name(error));
    hostsession_match_free(match);
    expect_part(t, "xxx", "xxx");
    send_text(t, "l\n");
    check_runs_again(t);
}

static void secret_sends(struct context *t) {
    send_text(t, "printf 'pass%s' ': '; read p; echo ${#p}\n");
    expect_part(t, "pass: $", "");
    hostsession_error error = hostsession_send(t->session, "open-sesame-now\n", 16, true);
    CHECK(t, error == HOSTSESSION_OK, "send: %s", hostsession_error_name(error));
    expect_part(t, "15", "15");
    CHECK(t,
          !text_contains(&t->sent, "sesame") && !text_contains(&t->log, "sesame") &&
              !text_contains(&t->received, "open-sesame-now"),
          "the secret was recorded");
    check_runs_again(t);
}

static void floods_and_windows(struct context *t) {
    send_text(t, "head -c 3000000 /dev/zero | tr '\\0' x; echo; printf 'en%s\\n' d-of-it\n");
    hostsession_match *match = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    const char *pattern = "end-of-it";
    hostsession_error error = hostsession_expect(t->session, &pattern, 1, NULL, &match, &why);
    CHECK(t, error == HOSTSESSION_OK && hostsession_match_text_bytes(match) >= 3000000, "got %s, %zu bytes",
          hostsession_error_name(error), match ? hostsession_match_text_bytes(match) : 0);
    hostsession_match_free(match);
    check_runs_again(t);
}

/* What was only waited for has not moved the shell. */
static void a_wait_alone(struct context *t) {
    const char *pattern = "never";
    hostsession_match *match = NULL;
    hostsession_expect_options options = HOSTSESSION_EXPECT_OPTIONS_INIT;
    options.timeout_ms = 1;
    hostsession_error error = hostsession_expect(t->session, &pattern, 1, &options, &match, NULL);
    CHECK(t, error == HOSTSESSION_ERROR_TIMED_OUT, "got %s", hostsession_error_name(error));
    hostsession_match_free(match);
    IN_SYNC(t);
}

static const struct conformance_case raw_cases_table[] = {
    {"raw-python", python, 0, TTY, UNSOLICITED_ALLOWED | MAY_END},
    {"raw-a-script-that-asks", a_script_that_asks, 0, TTY, UNSOLICITED_ALLOWED | MAY_END},
    {"raw-an-inner-shell", an_inner_shell, 0, TTY, UNSOLICITED_ALLOWED | MAY_END},
    {"raw-commands-typed-at-the-shell", commands_typed_at_the_shell, 0, TTY, UNSOLICITED_ALLOWED},
    {"raw-a-deadline-keeps-what-was-read", a_deadline_keeps_what_was_read, 0, TTY, UNSOLICITED_ALLOWED | MAY_END},
    {"raw-groups-and-several-patterns", groups_and_several_patterns, 0, TTY, UNSOLICITED_ALLOWED},
    {"raw-the-end-of-the-shell", the_end_of_the_shell, 0, TTY, UNSOLICITED_ALLOWED},
    {"raw-wrong-and-wild-patterns", wrong_and_wild_patterns, 0, TTY, UNSOLICITED_ALLOWED},
    {"raw-a-wait-alone", a_wait_alone, 0, TTY, UNSOLICITED_ALLOWED},
    {"raw-secret-sends", secret_sends, 0, TTY, UNSOLICITED_ALLOWED},
    {"raw-floods-and-windows", floods_and_windows, 0, TTY, UNSOLICITED_ALLOWED},
};

CASE_GROUP(raw_cases);
