/* SPDX-License-Identifier: MIT */
/* Commands that read standard input must get neither the frame nor what comes next. */
#include "conformance.h"

#include <string.h>

/* On a terminal nobody answers: the deadline ends it. */
static void readers_on_a_terminal(struct context *t) {
    static const char *const texts[] = {"cat",
                                        "read x",
                                        "head -n 1",
                                        "cat >/dev/null",
                                        "sh -c cat",
                                        "while read l; do :; done",
                                        "cat - /etc/hostname >/dev/null; cat"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        TIMES_OUT(t, texts[i], "");
        RUNS(t, "echo next", "next\n", 0);
        IN_SYNC(t);
    }
}

static void readers_on_pipes(struct context *t) {
    RUNS(t, "cat", "", 0);
    RUNS(t, "read x", "", 1);
    RUNS(t, "head -c 1; echo after", "after\n", 0);
    RUNS(t, "cat; cat; echo done", "done\n", 0);
    RUNS(t, "while read l; do echo \"$l\"; done; echo end", "end\n", 0);
    RUNS(t, "sh -c cat", "", 0);
    RUNS(t, "[ -t 0 ] || echo none", "none\n", 0);
    RUNS(t, "wc -c | tr -d ' '", "0\n", 0);
    IN_SYNC(t);
}

static void given_input(struct context *t) {
    RUNS(t, "echo piped | cat", "piped\n", 0);
    RUNS(t, "printf '1\\n2\\n' | { read a; read b; echo $b$a; }", "21\n", 0);
    RUNS(t, "read x <<EOF\nfrom a document\nEOF\necho \"$x\"", "from a document\n", 0);
    RUNS(t, "cat </dev/null", "", 0);
    RUNS(t, "cat /etc/hostname >\"$HOME/copy\"; cat <\"$HOME/copy\" | wc -l | tr -d ' '", "1\n", 0);
    IN_SYNC(t);
}

static void a_terminal_is_there(struct context *t) {
    RUNS(t, "[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo yes", "yes\n", 0);
    RUNS_MATCHING(t, "tty", "/dev/[a-z0-9/]+\n", 0);
    RUNS(t, "echo to-it >/dev/tty", "to-it\n", 0);
    RUNS(t, "sh -c 'echo inner >/dev/tty'", "inner\n", 0);
}

struct typist {
    struct context *t;
    const char *answer;
    hostsession_error error;
    int typed;
};

static void type_answer(void *userdata, hostsession_stream stream, const char *bytes, size_t length) {
    struct typist *typist = userdata;
    (void)stream;
    (void)bytes;
    (void)length;
    if (typist->typed++ == 0)
        typist->error = hostsession_type(typist->t->session, typist->answer, strlen(typist->answer), false);
}

static void check_typed(struct context *t, const char *command, const char *answer, const char *output, int status) {
    struct typist typist = {.t = t, .answer = answer};
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.on_output = type_answer;
    options.userdata = &typist;
    hostsession_error error;
    const hostsession_result *result = run_raw(t, command, &options, &error);
    check_result(t, HERE, command, result, error, output, strlen(output), status);
    CHECK(t, typist.error == HOSTSESSION_OK, "type: %s", hostsession_error_name(typist.error));
}

static void typed_input(struct context *t) {
    check_typed(t, "echo ready; read x; echo \"got:$x\"", "hello you\n", "ready\ngot:hello you\n", 0);
    check_typed(t, "echo ready; head -n 1", "line\n", "ready\nline\n", 0);
    check_typed(t, "echo ready; cat; (exit 4)", "last\n\004", "ready\nlast\n", 4);
    /* More than is read: the shell may read the rest, as if typed too early; it is never a command's output. */
    check_typed(t, "echo ready; read x; echo \"$x\"", "one\necho NOT\n", "ready\none\n", 0);
    RUNS(t, "echo next", "next\n", 0);
    IN_SYNC(t);
    CHECK(t, hostsession_type(t->session, "x", 1, false) == HOSTSESSION_ERROR_NOT_READY, "typing at no command");
    IN_SYNC(t);
}

static void typing_on_pipes(struct context *t) {
    CHECK(t, hostsession_type(t->session, "x", 1, false) == HOSTSESSION_ERROR_INVALID, "typing on pipes");
    CHECK(t, hostsession_send(t->session, "x", 1, false) == HOSTSESSION_ERROR_INVALID, "sending on pipes");
    hostsession_match *match = NULL;
    const char *pattern = "x";
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    CHECK(t, hostsession_expect(t->session, &pattern, 1, NULL, &match, &why) == HOSTSESSION_ERROR_INVALID && !match,
          "expecting on pipes");
    hostsession_expectation expectation = {"x", "y\n", 0, 0};
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.expectations = &expectation;
    options.expectation_count = 1;
    hostsession_error error;
    const hostsession_result *result = run_raw(t, "echo x", &options, &error);
    CHECK(t, error == HOSTSESSION_ERROR_INVALID && hostsession_result_status(result) == HOSTSESSION_STATUS_ERROR,
          "answering on pipes: %s", hostsession_error_name(error));
    IN_SYNC(t);
}

static const struct conformance_case input_cases_table[] = {
    {"input-readers-on-a-terminal", readers_on_a_terminal, 0, TTY, LONG},
    {"input-readers-on-pipes", readers_on_pipes, 0, PIPE, 0},
    {"input-given", given_input, 0, 0, 0},
    {"input-a-terminal-is-there", a_terminal_is_there, 0, TTY, 0},
    {"input-typed", typed_input, 0, TTY, UNSOLICITED_ALLOWED},
    {"input-typing-on-pipes", typing_on_pipes, 0, PIPE, 0},
};

CASE_GROUP(input_cases);
