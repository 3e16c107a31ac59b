/* SPDX-License-Identifier: MIT */
/* Opening what is no shell, or none that we know: a session that works, or an error by its name. */
#include "conformance.h"

#include "../support/folder.h"

#include <stdio.h>
#include <string.h>

static void check_refused(struct context *t, const char *target, hostsession_error expected, hostsession_error other) {
    hostsession *session = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    hostsession_error error = hostsession_open(target, &t->opening.options, &session, &why);
    CHECK(t, error == expected || error == other, "open \"%s\": expected %s, got %s: %s", target,
          hostsession_error_name(expected), hostsession_error_name(error), why.message);
    CHECK(t, !session, "open \"%s\": a session is there", target);
    CHECK(t, error == HOSTSESSION_OK || (why.error == error && why.message[0] && why.stage[0]),
          "open \"%s\": no message", target);
    hostsession_close(session);
}

static void wrong_targets(struct context *t) {
    t->opening.options.shell = NULL;
    static const char *const targets[] = {"",           "exec:", "exec:   ", "exec:'open", "exec:\"open", "exec:back\\",
                                          "nonsense:x", " "};
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
        check_refused(t, targets[i], HOSTSESSION_ERROR_INVALID, HOSTSESSION_ERROR_INVALID);
}

static void programs_that_cannot_start(struct context *t) {
    t->opening.options.shell = NULL;
    home_write(t, "plain-file", "text\n", 5);
    check_refused(t, "exec:/hostsession/nowhere", HOSTSESSION_ERROR_CONNECT, HOSTSESSION_ERROR_CONNECT);
    check_refused(t, "exec:hostsession-no-such-program", HOSTSESSION_ERROR_CONNECT, HOSTSESSION_ERROR_CONNECT);
    check_refused(t, say(t, "exec:%s", home_path(t, "plain-file")), HOSTSESSION_ERROR_CONNECT,
                  HOSTSESSION_ERROR_CONNECT);
    check_refused(t, "exec:/usr", HOSTSESSION_ERROR_CONNECT, HOSTSESSION_ERROR_CONNECT);
    t->opening.options.shell = "/hostsession/nowhere";
    check_refused(t, "local", HOSTSESSION_ERROR_CONNECT, HOSTSESSION_ERROR_CONNECT);
    t->opening.options.shell = "hostsession-no-such-shell";
    check_refused(t, "local", HOSTSESSION_ERROR_CONNECT, HOSTSESSION_ERROR_CONNECT);
    t->opening.options.shell = NULL;
    t->opening.options.cwd = "/hostsession/nowhere";
    check_refused(t, "local", HOSTSESSION_ERROR_CONNECT, HOSTSESSION_ERROR_INVALID);
}

static void programs_that_end_at_once(struct context *t) {
    t->opening.options.shell = NULL;
    check_refused(t, "exec:true", HOSTSESSION_ERROR_CONNECT, HOSTSESSION_ERROR_CONNECT);
    check_refused(t, "exec:false", HOSTSESSION_ERROR_CONNECT, HOSTSESSION_ERROR_CONNECT);
    check_refused(t, "exec:sh -c 'echo some words; exit 9'", HOSTSESSION_ERROR_CONNECT, HOSTSESSION_ERROR_CONNECT);
    check_refused(t, "exec:sh -c 'kill -9 $$'", HOSTSESSION_ERROR_CONNECT, HOSTSESSION_ERROR_CONNECT);
}

/* They run, and some answer whatever is typed with itself; none evaluates. */
static void programs_that_are_no_shell(struct context *t) {
    t->opening.options.shell = NULL;
    t->opening.options.connect_timeout_ms = 1500;
    const char *targets[] = {say(t, "exec:sleep %s", t->tag),
                             say(t, "exec:sh -c 'cat; : %s'", t->tag),
                             "exec:cat",
                             "exec:python3 -q -i",
                             say(t, "exec:yes %s", t->tag),
                             say(t, "exec:sh -c 'trap \"\" INT HUP TERM QUIT; while :; do sleep %s; done'", t->tag),
                             ("exec:sh -c 'while :; do printf \"login: \"; read x; printf \"Password: \"; read y; echo "
                              "Login incorrect; done'"),
                             "exec:sh -c 'while read x; do echo \"% Unknown command: $x\"; done'"};
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        /* On pipes some of them end when they cannot make sense of what they read. */
        check_refused(t, targets[i], HOSTSESSION_ERROR_NOT_READY,
                      is_tty(t) ? HOSTSESSION_ERROR_NOT_READY : HOSTSESSION_ERROR_CONNECT);
        GONE(t, t->tag);
    }
}

/* Another family of shells: a named error, or a session that works. */
static void other_families(struct context *t) {
    static const char *const shells[] = {"fish", "tcsh", "exec:fish --no-config", "exec:tcsh -f"};
    t->opening.options.connect_timeout_ms = 3000;
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++) {
        bool is_target = strncmp(shells[i], "exec:", 5) == 0;
        t->opening.options.shell = is_target ? NULL : shells[i];
        hostsession_failure why = HOSTSESSION_FAILURE_INIT;
        hostsession_error error =
            hostsession_open(is_target ? shells[i] : "local", &t->opening.options, &t->session, &why);
        CHECK(t,
              error == HOSTSESSION_OK ||
                  ((error == HOSTSESSION_ERROR_NOT_READY || error == HOSTSESSION_ERROR_CONNECT) && why.message[0]),
              "%s: got %s: %s", shells[i], hostsession_error_name(error), why.message);
        if (error == HOSTSESSION_OK)
            IN_SYNC(t);
        close_session(t);
    }
}

/* It says much and takes its time before it is a shell. */
static void slow_and_chatty(struct context *t) {
    t->opening.options.shell = NULL;
    const char *shell = t->shell->arguments ? say(t, "%s %s", t->shell->program, t->shell->arguments)
                                            : say(t, "%s -i", t->shell->program);
    const char *commands[] = {
        "printf \"Welcome\\\\n\\\\033[6n$ # > \"; sleep 0.3; echo more",
        "seq 1 20000; sleep 0.1; seq 1 20000",
        "printf \"Last login: never\\\\n\"; stty sane; stty echo; sleep 0.2; printf \"no newline\"",
    };
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        snprintf(t->opening.target, sizeof t->opening.target, "exec:sh -c '%s; exec %s'", commands[i], shell);
        if (!open_session(t))
            return;
        RUNS(t, "echo on; (exit 3)", "on\n", 3);
        IN_SYNC(t);
        close_session(t);
    }
}

/* It throws away what was typed before it was ready. */
static void flushes_what_is_typed(struct context *t) {
    t->opening.options.shell = NULL;
    snprintf(t->opening.target, sizeof t->opening.target,
             "exec:python3 -c 'import os, sys, termios, time; time.sleep(0.3); termios.tcflush(0, termios.TCIFLUSH); "
             "os.execvp(sys.argv[1], sys.argv[1:])' %s %s",
             t->shell->program, t->shell->arguments ? t->shell->arguments : "-i");
    if (!open_session(t))
        return;
    RUNS(t, "echo on; (exit 3)", "on\n", 3);
    IN_SYNC(t);
}

static void words_of_a_target(struct context *t) {
    t->opening.options.shell = NULL;
    snprintf(t->opening.target, sizeof t->opening.target,
             "exec:env ONE='a b' \"TWO=c \\\"d\\\" \\$HOME\" THREE=e\\ f 'FOUR=$HOME*' sh");
    if (!open_session(t))
        return;
    RUNS(t, "echo \"$ONE|$TWO|$THREE|$FOUR\"", "a b|c \"d\" $HOME|e f|$HOME*\n", 0);
}

static void default_shell(struct context *t) {
    t->opening.options.shell = NULL;
    if (!open_session(t))
        return;
    CHECK(t, strcmp(hostsession_get_shell(t->session), "bash") == 0, "it is %s", hostsession_get_shell(t->session));
    IN_SYNC(t);
    close_session(t);
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    CHECK(t, hostsession_open("local", NULL, &t->session, &why) == HOSTSESSION_OK, "without options: %s", why.message);
    IN_SYNC(t);
}

/* sh may be any of them, and readies itself under that name. */
static void by_the_name_of_sh(struct context *t) {
    t->opening.options.shell = "sh";
    if (!open_session(t))
        return;
    RUNS(t, "echo on; (exit 3)", "on\n", 3);
    IN_SYNC(t);
    close_session(t);
    static const char *const targets[] = {"exec:bash -c 'exec -a sh bash'", "exec:zsh -fc 'exec -a sh zsh -i'"};
    for (size_t i = 0; i < 2; i++) {
        t->opening.options.shell = NULL;
        snprintf(t->opening.target, sizeof t->opening.target, "%s", targets[i]);
        if (!open_session(t))
            return;
        RUNS(t, "echo on; (exit 3)", "on\n", 3);
        IN_SYNC(t);
        close_session(t);
    }
}

static void restricted(struct context *t) {
    t->opening.options.shell = NULL;
    t->opening.options.connect_timeout_ms = 3000;
    snprintf(t->opening.target, sizeof t->opening.target, "exec:bash --noprofile --norc -r");
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    hostsession_error error = hostsession_open(t->opening.target, &t->opening.options, &t->session, &why);
    if (error == HOSTSESSION_OK) {
        RUNS(t, "echo on; (exit 3)", "on\n", 3);
        RUNS_MATCHING(t, "cd /", ".*restricted.*", 1);
        RUNS(t, "set -u", "", 0);
        RUNS(t, "echo on", "on\n", 0);
        RUNS(t, "sleep 0.01 & wait", "", 0);
        RUNS(t, "echo off", "off\n", 0);
        RUNS_MATCHING(t, "set -x", ".*", 0);
        RUNS_MATCHING(t, "echo traced", "(.*\n)?traced\n(.*\n)?", 0);
        RUNS_MATCHING(t, "set +x", ".*", 0);
        RUNS(t, "echo end", "end\n", 0);
    } else
        CHECK(t, error == HOSTSESSION_ERROR_NOT_READY && why.message[0], "got %s: %s", hostsession_error_name(error),
              why.message);
}

static const struct conformance_case opening_cases_table[] = {
    {"opening-wrong-targets", wrong_targets, 0, 0, OPENS_ITSELF | ONCE},
    {"opening-programs-that-cannot-start", programs_that_cannot_start, 0, 0, OPENS_ITSELF | ONCE},
    {"opening-programs-that-end-at-once", programs_that_end_at_once, 0, 0, OPENS_ITSELF | ONCE},
    {"opening-programs-that-are-no-shell", programs_that_are_no_shell, 0, 0, OPENS_ITSELF | ONCE | LONG},
    {"opening-other-families", other_families, 0, 0, OPENS_ITSELF | ONCE},
    {"opening-slow-and-chatty", slow_and_chatty, 0, TTY, OPENS_ITSELF},
    {"opening-flushes-what-is-typed", flushes_what_is_typed, 0, TTY, OPENS_ITSELF},
    {"opening-words-of-a-target", words_of_a_target, 0, TTY, OPENS_ITSELF | ONCE},
    {"opening-default-shell", default_shell, 0, 0, OPENS_ITSELF | ONCE},
    {"opening-by-the-name-of-sh", by_the_name_of_sh, 0, TTY, OPENS_ITSELF | ONCE | CHOOSES_SHELL},
    {"opening-restricted", restricted, 0, 0, OPENS_ITSELF | ONCE},
};

CASE_GROUP(opening_cases);
