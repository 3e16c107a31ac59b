/* SPDX-License-Identifier: MIT */
/* A syntax error is a failed command: never a wait for more, and the next command works. */
#include "conformance.h"

#include <string.h>

static void each_fails(struct context *t, const char *const *texts) {
    for (; *texts; texts++)
        if (!FAILS(t, *texts) && hostsession_get_state(t->session) == HOSTSESSION_ENDED)
            return;
}

static void open_quotes(struct context *t) {
    static const char *const texts[] = {"echo 'abc",
                                        "echo \"abc",
                                        "echo `abc",
                                        "echo $(abc",
                                        "echo ${abc",
                                        "echo $((1+",
                                        "'",
                                        "\"",
                                        "`",
                                        "$(",
                                        "${",
                                        "x='",
                                        "echo 'a\nb\n",
                                        "echo \"a\nb\n\n",
                                        "echo $(echo 'abc)",
                                        "echo \"$(echo \"abc\")",
                                        "cat <<EOF $(",
                                        NULL};
    each_fails(t, texts);
    IN_SYNC(t);
}

static void open_blocks(struct context *t) {
    static const char *const texts[] = {"if true; then",
                                        "if true",
                                        "if",
                                        "if true; then echo x; else",
                                        "{ echo a",
                                        "(echo a",
                                        "for i in 1 2; do echo $i",
                                        "for",
                                        "while true; do",
                                        "while true; do\necho x\n",
                                        "case x in",
                                        "case x in x) echo",
                                        "f() {",
                                        "f() {\necho x\n",
                                        "f(",
                                        "f() (echo",
                                        "until true; do",
                                        NULL};
    each_fails(t, texts);
    IN_SYNC(t);
}

static void stray_words(struct context *t) {
    static const char *const texts[] = {"fi",       "done",        "}",      ")",  "esac", "then",   "do",      "else",
                                        "echo a )", "if true; fi", "echo <", "< ", "> ",   "echo >", "echo <<", NULL};
    each_fails(t, texts);
    IN_SYNC(t);
}

static void stray_operators(struct context *t) {
    static const char *const texts[] = {";;",  "&& true", "|| true",      "| cat", "&",
                                        "& &", "true |",  "true | | cat", NULL};
    each_fails(t, texts);
    static const char *const unfinished[] = {"true &&", "true ||", "; ;", NULL};
    /* zsh takes these as they are: `zsh -fc 'eval "true &&"'` is 0. */
    for (const char *const *one = unfinished; *one; one++)
        if (is_shell(t, ZSH))
            RUNS(t, *one, "", 0);
        else
            FAILS(t, *one);
    IN_SYNC(t);
}

static void shell_features(struct context *t) {
    static const char *const texts[] = {"[[ a ==", "[[ a", "((1+", "a=(1 2", NULL};
    each_fails(t, texts);
    IN_SYNC(t);
}

/* What is right before the error may run or not; what comes after it may not. */
static void after_the_error(struct context *t) {
    hostsession_error error;
    static const char *const texts[] = {"echo before\nfi\necho after-it", "echo before; }; echo after-it",
                                        "echo before\necho 'open\necho after-it"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const hostsession_result *result = run_raw(t, texts[i], NULL, &error);
        CHECK(t, error == HOSTSESSION_OK && hostsession_result_status(result) == HOSTSESSION_STATUS_FAILED,
              "%s: got %s exit %d", texts[i], hostsession_error_name(error), hostsession_result_exit_status(result));
        CHECK(t,
              strncmp(hostsession_result_output(result), "before\n", 7) != 0 ||
                  !strstr(hostsession_result_output(result) + 7, "\nafter-it"),
              "%s: got %s", texts[i], hostsession_result_output(result));
        IN_SYNC(t);
    }
}

static void many_errors(struct context *t) {
    for (int i = 0; i < 30; i++) {
        FAILS(t, "echo 'open");
        RUNS(t, "echo $?; x=kept", "0\n", 0);
        FAILS(t, "fi");
        RUNS(t, "echo $x", "kept\n", 0);
    }
}

/* The messages are the shell's, about the user's text; none shows what we type around it. */
static void messages(struct context *t) {
    static const char *const texts[] = {"fi", "echo 'abc", "(", "cd /hostsession/nowhere", "hostsession-none"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        hostsession_error error;
        const hostsession_result *result = run_raw(t, texts[i], NULL, &error);
        const char *said = is_tty(t) ? hostsession_result_output(result) : hostsession_result_error_output(result);
        CHECK(t, said[0] != '\0', "%s: no message", texts[i]);
        CHECK(t, !strstr(said, "_hs") && !strstr(said, "command eval") && !strchr(said, '\036'), "%s: got %s", texts[i],
              said);
    }
}

static const struct conformance_case syntax_cases_table[] = {
    {"syntax-open-quotes", open_quotes, 0, 0, 0},
    {"syntax-open-blocks", open_blocks, 0, 0, 0},
    {"syntax-stray-words", stray_words, 0, 0, 0},
    {"syntax-stray-operators", stray_operators, 0, 0, 0},
    {"syntax-shell-features", shell_features, ANY_BASH | ZSH | KSH93 | MKSH, 0, 0},
    {"syntax-after-the-error", after_the_error, 0, 0, 0},
    {"syntax-many-errors", many_errors, 0, 0, 0},
    {"syntax-messages", messages, 0, 0, 0},
};

CASE_GROUP(syntax_cases);
