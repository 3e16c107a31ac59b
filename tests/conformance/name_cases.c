/* SPDX-License-Identifier: MIT */
/* Aliases, functions and variables of the user that have the names of what a frame is made of. */
#include "conformance.h"

#include <string.h>

static const char *const names[] = {"echo",    "printf", "print",      "eval",    "command", "builtin", "test",
                                    "[",       "true",   "false",      ":",       "exit",    "set",     "trap",
                                    "return",  "unset",  "export",     "read",    "cd",      "pwd",     "local",
                                    "typeset", "exec",   "kill",       "stty",    "shift",   "alias",   "unalias",
                                    ".",       "source", "unfunction", "emulate", "{",       "}",       "if",
                                    "case",    "sh",     "cat",        "tty",     NULL};

static bool is_in(const char *name, const char *const *list) {
    for (; *list; list++)
        if (strcmp(*list, name) == 0)
            return true;
    return false;
}

/* An alias of a reserved word changes what the user's own text means, in shells that allow it at all. */
static void aliases(struct context *t) {
    static const char *const reserved[] = {"{", "}", "if", "case", "[", ":", ".", NULL};
    for (const char *const *name = names; *name; name++) {
        if (is_in(*name, reserved))
            continue;
        RUNS(t, say(t, "\\alias %s='/bin/echo HACKED-%s'", *name, *name), "", 0);
        IN_SYNC(t);
    }
    RUNS(t, "/bin/sh -c 'exit 9'", "", 9);
    RUNS_MATCHING(t, "/bin/echo \"$?\"", "9\n", 0);
    if (is_tty(t))
        TIMES_OUT(t, say(t, "/bin/sleep %s", t->tag), "");
    IN_SYNC(t);
    RUNS(t, "\\unalias -a", "", 0);
    IN_SYNC(t);
    GONE(t, t->tag);
}

static void aliases_of_reserved_words(struct context *t) {
    static const char *const reserved[] = {"[", ":", ".", "{", "if", "case", "then", "!", NULL};
    for (const char *const *name = reserved; *name; name++) {
        SETTLES(t, say(t, "alias %s='/bin/echo HACKED'", *name));
        IN_SYNC(t);
    }
}

/* What an alias stands for may go on where the command's text ends: it must not take our frame with it. */
static void aliases_that_reach_further(struct context *t) {
    static const char defined[] = "alias over='echo one;' off='echo two #' open='echo \"three' half='if true'\n";
    home_write(t, "aliases", defined, sizeof defined - 1);
    /* Sourced, too: where the text of the command does not show it. */
    const char *const definers[] = {defined, say(t, ". '%s'", home_path(t, "aliases"))};
    for (int i = 0; i < 2; i++) {
        RUNS(t, definers[i], "", 0);
        RUNS(t, "over", "one\n", 0);
        RUNS(t, "off", "two\n", 0);
        FAILS(t, "open");
        FAILS(t, "half");
        RUNS(t, "unalias over off open half", "", 0);
        FAILS(t, "over");
        RUNS(t, "echo plain words", "plain words\n", 0);
    }
}

static void global_aliases(struct context *t) {
    RUNS(t, "alias -g eval='HACKED' printf='HACKED' 1='HACKED' echo=HACKED", "", 0);
    IN_SYNC(t);
    RUNS(t, "alias -s sh='echo HACKED'", "", 0);
    IN_SYNC(t);
}

/* A shell may refuse a name (special builtins in dash, ksh93, bash --posix). */
static void functions(struct context *t) {
    static const char *const impossible[] = {"{", "}", "if", "case", "builtin", "command", NULL};
    for (const char *const *name = names; *name; name++) {
        if (is_in(*name, impossible))
            continue;
        SETTLES(t, say(t, "%s() { /bin/echo HACKED-%s \"$@\"; return 55; }", *name, *name));
        /* POSIX lets a shell that is not interactive end at it. */
        bool ended = hostsession_get_state(t->session) == HOSTSESSION_ENDED;
        CHECK(t, !ended || !is_tty(t), "function %s ended the shell", *name);
        bool right = ended || IN_SYNC(t);
        if (!right)
            FAILED(t, "that was with a function %s", *name);
        if (!ended && right)
            continue;
        close_session(t);
        t->ended_calls = 0;
        if (!open_session(t))
            return;
    }
    RUNS(t, "/bin/sh -c 'exit 9'", "", 9);
    RUNS(t, "/bin/echo \"$?\"", "9\n", 0);
    if (is_tty(t))
        TIMES_OUT(t, say(t, "/bin/sleep %s", t->tag), "");
    IN_SYNC(t);
    GONE(t, t->tag);
}

/* What the frame is made of itself: docs/design/framing.md says that this cannot be had.  It must not hang. */
static void functions_the_frame_calls(struct context *t) {
    static const char *const texts[] = {"builtin() { /bin/echo HACKED; return 55; }",
                                        "command() { /bin/echo HACKED; return 55; }"};
    for (size_t i = 0; i < 2; i++) {
        for (int k = 0; k < 3 && hostsession_get_state(t->session) != HOSTSESSION_ENDED; k++)
            SETTLES(t, k == 0 ? texts[i] : "/bin/echo on");
        close_session(t);
        t->ended_calls = 0;
        if (!open_session(t))
            return;
    }
}

/* Whoever removes all functions, all aliases and all variables removes ours, too. */
static void everything_removed(struct context *t) {
    const char *command = is_shell(t, ZSH)     ? "unfunction -m '*'"
                          : is_shell(t, KSH93) ? "unset -f $(typeset +f | sed 's/[ (].*//')"
                          : is_shell(t, MKSH)  ? "unset -f $(typeset +f)"
                                               : "unset -f $(compgen -A function)";
    SETTLES(t, command);
    if (hostsession_get_state(t->session) != HOSTSESSION_ENDED) {
        SETTLES(t, "/bin/echo one");
        if (hostsession_get_state(t->session) != HOSTSESSION_ENDED)
            IN_SYNC(t);
    }
}

static void listings(struct context *t) {
    static const char *const texts[] = {"set",
                                        "alias",
                                        "trap",
                                        "export",
                                        "env",
                                        "readonly",
                                        "umask",
                                        "ulimit -a",
                                        "typeset",
                                        "typeset -f",
                                        "functions",
                                        "declare -f",
                                        "jobs",
                                        "history",
                                        "fc -l",
                                        "set -o",
                                        "times",
                                        "hash",
                                        "cat /proc/$$/environ",
                                        "cat /proc/$$/cmdline",
                                        "export -p",
                                        "set | cat"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        hostsession_error error;
        const hostsession_result *result = run_raw(t, texts[i], NULL, &error);
        CHECK(t, error == HOSTSESSION_OK, "%s: got %s: %s", texts[i], hostsession_error_name(error),
              result ? hostsession_result_failure(result)->message : "");
        IN_SYNC(t);
    }
}

static void readonly_variables(struct context *t) {
    static const char *const variables[] = {"PS1",      "PS2",    "PS4",  "PATH", "IFS",    "PROMPT_COMMAND",
                                            "HISTFILE", "LC_ALL", "TERM", "PWD",  "OLDPWD", "status",
                                            "s",        "K",      "n",    "x"};
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        SETTLES(t, say(t, "readonly %s", variables[i]));
        IN_SYNC(t);
    }
    RUNS(t, "echo 'control \003\t\025'", "control \003\t\025\n", 0);
    SETTLES(t, "cd /usr");
    IN_SYNC(t);
    if (is_tty(t))
        TIMES_OUT(t, say(t, "sleep %s", t->tag), NULL);
    IN_SYNC(t);
    GONE(t, t->tag);
}

/* Variables that shells or programs act upon. */
static void special_variables(struct context *t) {
    static const char *const texts[] = {"POSIXLY_CORRECT=1",
                                        "TMOUT=100",
                                        "CDPATH=/usr:/etc",
                                        "GLOBIGNORE='*'",
                                        "BASH_COMPAT=31",
                                        "EXECIGNORE='*'",
                                        "FIGNORE=x",
                                        "ENV=/dev/null",
                                        "BASH_ENV=/dev/null",
                                        "LINENO=5",
                                        "RANDOM=1 SECONDS=0",
                                        "COLUMNS=10 LINES=3",
                                        "export TERM=xterm",
                                        "VISUAL=vi EDITOR=emacs",
                                        "MAILCHECK=0 MAIL=/etc/passwd",
                                        "HISTSIZE=10 HISTFILESIZE=10",
                                        "FCEDIT=false",
                                        "OPTIND=9",
                                        "PWD=/nowhere"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        SETTLES(t, texts[i]);
        RUNS(t, "printf '%s' 'a\tb'", "a\tb", 0);
        IN_SYNC(t);
    }
}

static const struct conformance_case name_cases_table[] = {
    {"name-aliases", aliases, 0, 0, 0},
    {"name-aliases-of-reserved-words", aliases_of_reserved_words, 0, 0, 0},
    {"name-aliases-that-reach-further", aliases_that_reach_further, 0, 0, 0},
    {"name-global-aliases", global_aliases, ZSH, 0, 0},
    {"name-functions", functions, 0, 0, LONG},
    {"name-functions-the-frame-calls", functions_the_frame_calls, 0, 0, UNSOLICITED_ALLOWED | MAY_END},
    {"name-everything-removed", everything_removed, ANY_BASH | ZSH | KSH93 | MKSH, 0, UNSOLICITED_ALLOWED | MAY_END},
    {"name-listings", listings, 0, 0, 0},
    {"name-readonly-variables", readonly_variables, 0, 0, LONG},
    {"name-special-variables", special_variables, 0, 0, 0},
};

CASE_GROUP(name_cases);
