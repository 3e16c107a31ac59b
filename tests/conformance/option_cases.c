/* SPDX-License-Identifier: MIT */
/* Shell options and special variables that change how shells read, run and trace. */
#include "conformance.h"

#include "../support/folder.h"

#include <string.h>
#include <unistd.h>

/* By hand, in each shell on a terminal: `set -e; false` ends an interactive shell, too, with status 1. */
static void errexit_in_one_command(struct context *t) {
    EXITS(t, "set -e; false; echo NOT", "", 1);
}

static void errexit_from_before(struct context *t) {
    RUNS(t, "set -e", "", 0);
    RUNS(t, "echo on", "on\n", 0);
    RUNS(t, "if false; then :; fi; false || echo or; while false; do :; done; ! true; echo still", "or\nstill\n", 0);
    RUNS(t, "f() { false || return 0; }; f", "", 0);
    EXITS(t, "echo one; (exit 3); echo NOT", "one\n", 3);
}

static void errexit_protects(struct context *t) {
    hostsession_error error;
    const hostsession_result *result =
        run_raw(t, "set -e; cd /hostsession/nowhere; echo x >\"$HOME/made\"", NULL, &error);
    CHECK(t, error == end_error(t) && hostsession_result_exit_status(result) != 0, "got %s exit %d",
          hostsession_error_name(error), hostsession_result_exit_status(result));
    CHECK(t, access(home_path(t, "made"), F_OK) != 0, "the command after the failed one ran");
}

static void errexit_off_and_in_subshells(struct context *t) {
    RUNS(t, "(set -e; false; echo NOT)", "", 1);
    RUNS(t, "set -e", "", 0);
    RUNS(t, "set +e", "", 0);
    RUNS(t, "false", "", 1);
    RUNS(t, "false; echo yes", "yes\n", 0);
    IN_SYNC(t);
}

static void errexit_and_a_syntax_error(struct context *t) {
    RUNS(t, "set -e", "", 0);
    hostsession_error error;
    const hostsession_result *result = run_raw(t, "fi", NULL, &error);
    CHECK(t, (error == HOSTSESSION_OK || error == end_error(t)) && hostsession_result_exit_status(result) != 0,
          "got %s exit %d", hostsession_error_name(error), hostsession_result_exit_status(result));
    if (error == HOSTSESSION_OK)
        RUNS(t, "echo on", "on\n", 0);
}

static void errexit_and_a_deadline(struct context *t) {
    RUNS(t, "set -e", "", 0);
    if (SETTLES(t, say(t, "sleep %s", t->tag)) && hostsession_get_state(t->session) != HOSTSESSION_ENDED)
        RUNS(t, "echo on", "on\n", 0);
    GONE(t, t->tag);
}

/* On pipes shells are not interactive, and such a one ends at an unset variable: POSIX XCU 2.8.1. */
static void nounset(struct context *t) {
    RUNS(t, "set -u", "", 0);
    RUNS(t, "echo on; (exit 3)", "on\n", 3);
    RUNS(t, "echo $?", "3\n", 0);
    RUNS(t, "x=1; echo $x", "1\n", 0);
    IN_SYNC(t);
    hostsession_error error;
    const hostsession_result *result = run_raw(t, "echo \"$nope\"; echo NOT", NULL, &error);
    CHECK(t, hostsession_result_exit_status(result) > 0, "got exit %d", hostsession_result_exit_status(result));
    CHECK(t, !strstr(hostsession_result_output(result), "NOT"), "got %s", hostsession_result_output(result));
    if (is_tty(t) || error != HOSTSESSION_ERROR_SHELL_EXITED)
        IN_SYNC(t);
}

/* The beginning of a trace line.  bash repeats the first character for each level of eval. */
static const char *trace_prefix(struct context *t) {
    return is_shell(t, ZSH) ? "\\+[^>\n]*> " : "\\++ ";
}

/* `text` is one simple command; its trace and its output come, and nothing else. */
static void check_traced(struct context *t, const char *command, const char *trace, const char *output, int status) {
    if (is_tty(t))
        RUNS_MATCHING(t, command, say(t, "%s%s\n%s", trace_prefix(t), trace, output), status);
    else
        RUNS_MATCHING(t, command, say(t, "%s%s%s\n", output, trace_prefix(t), trace), status);
}

static void xtrace(struct context *t) {
    check_traced(t, "set -x; echo hi", "echo hi", "hi\n", 0);
    check_traced(t, "echo two", "echo two", "two\n", 0);
    check_traced(t, "false", "false", "", 1);
    RUNS_MATCHING(t, "echo $?",
                  is_tty(t) ? say(t, "%secho 1\n1\n", trace_prefix(t)) : say(t, "1\n%secho 1\n", trace_prefix(t)), 0);
    RUNS_MATCHING(t, "# comment", "", 0);
}

/* ksh93 does not trace `set +x` itself. */
static void xtrace_and_off(struct context *t) {
    check_traced(t, "set -x; echo hi", "echo hi", "hi\n", 0);
    RUNS_MATCHING(t, "set +x", say(t, "(%sset \\+x\n)?", trace_prefix(t)), 0);
    RUNS(t, "echo clean", "clean\n", 0);
    RUNS(t, "(exit 3)", "", 3);
    RUNS(t, "(set -x; :) 2>/dev/null; echo $?", "0\n", 0);
    IN_SYNC(t);
}

static void xtrace_with_another_ps4(struct context *t) {
    RUNS(t, "PS4='trace: '", "", 0);
    RUNS_MATCHING(t, "set -x", "", 0);
    RUNS_MATCHING(t, "echo two", is_tty(t) ? "t+race: echo two\ntwo\n" : "two\nt+race: echo two\n", 0);
    SETTLES(t, "PS4='$(echo sub) '");
    SETTLES(t, "set +x");
    IN_SYNC(t);
}

static void xtrace_and_a_deadline(struct context *t) {
    RUNS_MATCHING(t, "set -x", "", 0);
    TIMES_OUT(t, say(t, "sleep %s", t->tag), NULL);
    check_traced(t, "echo two", "echo two", "two\n", 0);
    GONE(t, t->tag);
}

static void xtrace_in_disguise(struct context *t) {
    /* The option is set where the text does not show it; zsh and mksh keep it to the function that sets it. */
    const char *const texts[] = {"on=x; set -$on", is_shell(t, ZSH | MKSH) ? "on=x; set -$on" : "f() { set -x; }; f",
                                 "eval 's''et -''x'", ". \"$HOME/set\"", "$(printf 's%s' et) -x"};
    home_write(t, "set", "set -x\n", 7);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        hostsession_error error;
        const hostsession_result *result = run_raw(t, texts[i], NULL, &error);
        const char *said = is_tty(t) ? hostsession_result_output(result) : hostsession_result_error_output(result);
        CHECK(t, error == HOSTSESSION_OK && !strstr(said, "_hs") && !strstr(said, "/dev/"), "%s: %s", texts[i], said);
        check_traced(t, "echo two", "echo two", "two\n", 0);
        RUNS_MATCHING(t, "off=x; set +$off", ".*", 0);
        RUNS(t, "echo clean", "clean\n", 0);
        IN_SYNC(t);
    }
}

/* Shells that show the text of an eval show the user's; the frame is never shown.  ksh93 leaves out the newline. */
static void verbose(struct context *t) {
    RUNS_MATCHING(t, "set -v; echo hi", "(set -v; echo hi\n?)?hi\n(set -v; echo hi\n?)?", 0);
    RUNS_MATCHING(t, "echo two", "(echo two\n?)?two\n(echo two\n?)?", 0);
    RUNS_MATCHING(t, "(exit 3)", "(\\(exit 3\\)\n?)?", 3);
    RUNS_MATCHING(t, "echo $?", "(echo \\$\\?\n?)?3\n(echo \\$\\?\n?)?", 0);
    RUNS_MATCHING(t, "set +v", "(set \\+v\n?)?", 0);
    RUNS(t, "echo clean", "clean\n", 0);
    /* Where the text does not tell. */
    RUNS_MATCHING(t, "off=v; set -$off; echo hi",
                  "(off=v; set -\\$off; echo hi\n?)?hi\n(off=v; set -\\$off; echo hi\n?)?", 0);
    RUNS_MATCHING(t, "set +v", "(set \\+v\n?)?", 0);
    RUNS(t, "echo clean", "clean\n", 0);
    IN_SYNC(t);
}

/* By hand: interactive bash and ksh93 ignore it, zsh refuses it; mksh runs what is typed but no eval, until END has
 * turned it off; dash and ash never run anything again. */
static void noexec(struct context *t) {
    if (SETTLES(t, "set -n") && hostsession_get_state(t->session) != HOSTSESSION_ENDED)
        SETTLES(t, "echo on");
    if (is_shell(t, MKSH) || (is_tty(t) && is_shell(t, ANY_BASH | ZSH | KSH93)))
        RUNS(t, "echo on", "on\n", 0);
}

static void noclobber_noglob_allexport(struct context *t) {
    RUNS(t, "set -C; echo x >\"$HOME/file\"", "", 0);
    FAILS(t, "echo y >\"$HOME/file\"");
    RUNS(t, "cat \"$HOME/file\"", "x\n", 0);
    RUNS(t, "set -o noglob; set -a; made=1", "", 0);
    RUNS(t, "echo /etc/pass*; sh -c 'echo $made'", "/etc/pass*\n1\n", 0);
    IN_SYNC(t);
    RUNS(t, "set +C +a; set +o noglob", "", 0);
    IN_SYNC(t);
}

static void keyword_arguments(struct context *t) {
    RUNS(t, "set -k", "", 0);
    RUNS(t, "echo a b=1 c", "a c\n", 0);
    RUNS(t, "mkdir \"$HOME/x=y\" && cd \"$HOME/x=y\" && (exit 3)", "", 3);
    CHECK(t, strcmp(hostsession_get_cwd(t->session), home_path(t, "x=y")) == 0, "cwd %s",
          hostsession_get_cwd(t->session));
    IN_SYNC(t);
}

static void posix_mode(struct context *t) {
    RUNS(t, is_shell(t, ZSH) ? "emulate sh" : "set -o posix", "", 0);
    RUNS(t, "echo a; (exit 4)", "a\n", 4);
    FAILS(t, "echo 'open");
    FAILS(t, "fi");
    RUNS(t, "alias e='echo A'", "", 0);
    RUNS(t, "e b", "A b\n", 0);
    if (is_tty(t))
        FAILS(t, ". /hostsession/nowhere");
    IN_SYNC(t);
}

static void emulations(struct context *t) {
    static const char *const texts[] = {"emulate csh", "emulate ksh", "emulate -R sh", "emulate -R zsh"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        RUNS(t, texts[i], "", 0);
        /* In csh's way a newline in quotes is an error, the user's own. */
        if (i > 0)
            RUNS(t, "printf '%s\\n' 'a'\\''b\n\tc'", "a'b\n\tc\n", 0);
        IN_SYNC(t);
    }
    RUNS(t, "setopt rcquotes cshjunkiequotes", "", 0);
    RUNS(t, "printf '%s\\n' 'a''b'", "a'b\n", 0);
    RUNS(t, say(t, "printf %%s '%s'", repeat(t, "0123456789", 300)), repeat(t, "0123456789", 300), 0);
    IN_SYNC(t);
}

static void field_separators(struct context *t) {
    static const char *const separators[] = {"0123456789", "e;", "/", ";", "\036", "' \t\n", "abcdefABCDEF_hs.:=", ""};
    for (size_t i = 0; i < sizeof separators / sizeof separators[0]; i++) {
        RUNS(t, say(t, "IFS=\"%s\"", separators[i]), "", 0);
        /* Behind this the frame does more. */
        if (is_tty(t))
            RUNS(t, "stty echo", "", 0);
        RUNS(t, "(exit 42)", "", 42);
        RUNS(t, "echo \"$?\"", "42\n", 0);
        RUNS(t, "cd /usr/bin", "", 0);
        CHECK(t, strcmp(hostsession_get_cwd(t->session), "/usr/bin") == 0, "cwd %s", hostsession_get_cwd(t->session));
        RUNS(t, "printf '%s\\n' 'a\tb' \"1 2\"", "a\tb\n1 2\n", 0);
        IN_SYNC(t);
    }
    TIMES_OUT(t, say(t, "sleep %s", t->tag), "");
    RUNS(t, "unset IFS", "", 0);
    IN_SYNC(t);
    RUNS(t, "x='a b'; set -- \"$x\"; echo $#", "1\n", 0);
    GONE(t, t->tag);
}

static void no_path(struct context *t) {
    static const char *const texts[] = {"PATH=", "unset PATH", "PATH=/hostsession/nowhere"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        RUNS(t, texts[i], "", 0);
        RUNS(t, "echo on; (exit 3)", "on\n", 3);
        RUNS(t, "echo $?", "3\n", 0);
        RUNS(t, "echo 'control \003\011\025 characters'", "control \003\011\025 characters\n", 0);
        FAILS(t, "fi");
        RUNS(t, "cd /usr; cd bin", "", 0);
        CHECK(t, strcmp(hostsession_get_cwd(t->session), "/usr/bin") == 0, "cwd %s", hostsession_get_cwd(t->session));
        TIMES_OUT(t, say(t, "/bin/sleep %s", t->tag), "");
        IN_SYNC(t);
    }
    if (is_tty(t)) {
        SETTLES(t, "/bin/stty sane");
        RUNS(t, "echo exact", "exact\n", 0);
    }
    GONE(t, t->tag);
}

static void locales(struct context *t) {
    static const char *const names[] = {"C", "C.UTF-8", "POSIX", "en_US.ISO-8859-1", "no_SUCH"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        /* bash warns about a locale that does not exist. */
        RUNS_MATCHING(t, say(t, "LC_ALL=%s", names[i]), i < 3 ? "" : ".*", 0);
        RUNS(t, "printf '%s' '\303\251\377\200x'", "\303\251\377\200x", 0);
        RUNS(t, "printf '\\303\\377\\000\\251' | od -An -tx1 | tr -d ' \\n'", "c3ff00a9", 0);
        IN_SYNC(t);
    }
    RUNS_MATCHING(t, "unset LC_ALL LANG; LC_NUMERIC=de_DE.UTF-8", ".*", 0);
    IN_SYNC(t);
}

static void job_control(struct context *t) {
    SETTLES(t, "set -m");
    RUNS_MATCHING(t, "sleep 0.01 & wait", ".*", 0);
    IN_SYNC(t);
    if (is_tty(t))
        TIMES_OUT(t, say(t, "sleep %s | cat", t->tag), NULL);
    IN_SYNC(t);
    SETTLES(t, "set +m; set -b");
    IN_SYNC(t);
    GONE(t, t->tag);
}

/* An editor that the user turns on reads what we type next. */
static void line_editors(struct context *t) {
    const char *on = is_shell(t, ZSH) ? "setopt zle; bindkey -e" : "set -o emacs";
    const char *vi = is_shell(t, ZSH) ? "bindkey -v" : "set -o vi";
    SETTLES(t, on);
    RUNS(t, "echo one", "one\n", 0);
    RUNS(t, "printf '%s' 'tab\tand\033escape\003\025'", "tab\tand\033escape\003\025", 0);
    RUNS(t, say(t, "printf %%s '%s'", repeat(t, "0123456789", 500)), repeat(t, "0123456789", 500), 0);
    SETTLES(t, vi);
    RUNS(t, "echo two", "two\n", 0);
    RUNS(t, "printf '%s' 'tab\tand\033escape\003\025'", "tab\tand\033escape\003\025", 0);
    TIMES_OUT(t, say(t, "sleep %s", t->tag), "");
    IN_SYNC(t);
    GONE(t, t->tag);
}

static void one_command_only(struct context *t) {
    SETTLES(t, "set -t");
    if (hostsession_get_state(t->session) != HOSTSESSION_ENDED)
        SETTLES(t, "echo on");
}

static const struct conformance_case option_cases_table[] = {
    {"option-errexit-in-one-command", errexit_in_one_command, 0, 0, 0},
    {"option-errexit-from-before", errexit_from_before, 0, 0, 0},
    {"option-errexit-protects", errexit_protects, 0, 0, 0},
    {"option-errexit-off-and-in-subshells", errexit_off_and_in_subshells, 0, 0, 0},
    {"option-errexit-and-a-syntax-error", errexit_and_a_syntax_error, 0, 0, 0},
    {"option-errexit-and-a-deadline", errexit_and_a_deadline, 0, 0, 0},
    {"option-nounset", nounset, 0, 0, 0},
    {"option-xtrace", xtrace, 0, 0, 0},
    {"option-xtrace-and-off", xtrace_and_off, 0, 0, 0},
    {"option-xtrace-in-disguise", xtrace_in_disguise, 0, 0, 0},
    {"option-xtrace-with-another-ps4", xtrace_with_another_ps4, 0, 0, 0},
    {"option-xtrace-and-a-deadline", xtrace_and_a_deadline, 0, 0, 0},
    {"option-verbose", verbose, 0, 0, 0},
    {"option-noexec", noexec, 0, 0, 0},
    {"option-noclobber-noglob-allexport", noclobber_noglob_allexport, 0, 0, 0},
    {"option-keyword-arguments", keyword_arguments, ANY_BASH | KSH93, 0, 0},
    {"option-posix-mode", posix_mode, ANY_BASH | ZSH | MKSH | KSH93, 0, 0},
    {"option-emulations", emulations, ZSH, 0, 0},
    {"option-field-separators", field_separators, 0, 0, 0},
    {"option-no-path", no_path, 0, 0, 0},
    {"option-locales", locales, 0, 0, 0},
    {"option-job-control", job_control, 0, 0, UNSOLICITED_ALLOWED},
    {"option-line-editors", line_editors, 0, TTY, 0},
    {"option-one-command-only", one_command_only, ANY_BASH | KSH93 | ZSH, 0, UNSOLICITED_ALLOWED},
};

CASE_GROUP(option_cases);
