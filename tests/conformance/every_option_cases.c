/* SPDX-License-Identifier: MIT */
/* Every option that the shell itself lists, turned over and back. */
#include "conformance.h"

#include <string.h>

/* They have cases of their own, or the shell is meant to end: errexit, nounset (and zsh's "unset"), xtrace, verbose,
 * noexec (zsh's "exec"), onecmd, singlecommand, restricted.  The rest says how the shell was started: not an option
 * to change.  printexitvalue prints beside the output, as it is asked to. */
static const char *const left_out[] = {
    "errexit",   "nounset",    "unset",          "xtrace",           "verbose",     "noexec",      "exec",
    "onecmd",    "restricted", "singlecommand",  "privileged",       "login",       "interactive", "stdin",
    "shinstdin", "norcs",      "printexitvalue", "restricted_shell", "login_shell", NULL};

/* See option-line-editors. */
static bool is_editor(const char *name) {
    return strcmp(name, "emacs") == 0 || strcmp(name, "vi") == 0;
}

static bool is_left_out(const struct context *t, const char *name) {
    if (is_shell(t, ANY_BASH) && is_editor(name))
        return true;
    for (const char *const *one = left_out; *one; one++)
        if (strcmp(*one, name) == 0)
            return true;
    return false;
}

static bool is_word(const char *word, const char *expected) {
    return word && strcmp(word, expected) == 0;
}

/* One option; the session is opened again when it ended. */
static void turn_over(struct context *t, const char *command_on, const char *command_off, const char *name,
                      bool is_on) {
    int failures = t->failures;
    hostsession_error error;
    run_raw(t, say(t, "%s %s", is_on ? command_off : command_on, name), NULL, &error);
    IN_SYNC(t);
    if (t->failures == failures) {
        run_raw(t, say(t, "%s %s", is_on ? command_on : command_off, name), NULL, &error);
        IN_SYNC(t);
    }
    if (t->failures == failures)
        return;
    FAILED(t, "that was with option %s turned %s", name, is_on ? "off" : "on");
    close_session(t);
    open_session(t);
}

static void turn_over_all(struct context *t, const char *list, const char *command_on, const char *command_off) {
    hostsession_error error;
    const hostsession_result *result = run_raw(t, list, NULL, &error);
    char *words = (char *)say(t, "%s", hostsession_result_output(result));
    char *rest = NULL;
    int count = 0;
    const char *name = NULL;
    for (char *word = strtok_r(words, " \t\r\n", &rest); word && t->session; word = strtok_r(NULL, " \t\r\n", &rest)) {
        if (name && (is_word(word, "on") || is_word(word, "off"))) {
            count++;
            if (!is_left_out(t, name))
                turn_over(t, command_on, command_off, name, is_word(word, "on"));
        }
        name = word;
    }
    CHECK(t, count > 10, "%s listed %d options", list, count);
}

static void options(struct context *t) {
    turn_over_all(t, "set -o", "set -o", "set +o");
}

static void bash_options(struct context *t) {
    turn_over_all(t, "shopt", "shopt -s", "shopt -u");
}

static const struct conformance_case every_option_cases_table[] = {
    {"option-every-one", options, 0, 0, LONG},
    {"option-every-one-of-shopt", bash_options, ANY_BASH, 0, LONG},
};

CASE_GROUP(every_option_cases);
