/* SPDX-License-Identifier: MIT */
/* Prompts and their hooks, changed by the user or by what the user sources. */
#include "conformance.h"

#include "../support/folder.h"

#include <string.h>

static void works_on(struct context *t) {
    RUNS(t, "echo hi", "hi\n", 0);
    FAILS(t, "echo 'open");
    FAILS(t, "fi");
    TIMES_OUT(t, say(t, "sleep %s", t->tag), "");
    IN_SYNC(t);
}

static void prompts(struct context *t) {
    static const char *const texts[] = {"PS1='user> '",        "PS2='more> '",          "PS1=\"(base) $PS1\"",
                                        "PS1='$(echo sub)$ '", "PS1='\\u@\\h:\\w\\$ '", "PS1='%n@%m %# '",
                                        "PS1=; PS2=",          "PS1='two\nlines '",     "PS4=; PS3="};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        RUNS(t, texts[i], "", 0);
        works_on(t);
    }
    RUNS(t, "n=${#PS1}; PS1=; while [ ${#PS1} -lt $n ]; do PS1=\"x$PS1\"; done", "", 0);
    works_on(t);
    RUNS(t, "unset PS1 PS2 PS3 PS4", "", 0);
    works_on(t);
    GONE(t, t->tag);
}

static void prompt_hooks_of_bash(struct context *t) {
    RUNS(t, "PROMPT_COMMAND='echo HOOK'", "", 0);
    works_on(t);
    RUNS(t, "PROMPT_COMMAND=('echo HOOK' 'false'); PS0='BEFORE '", "", 0);
    works_on(t);
    /* An array whose first element is not there, or is harmless. */
    RUNS(t, "unset PROMPT_COMMAND; PROMPT_COMMAND=([1]='echo HOOK')", "", 0);
    works_on(t);
    RUNS(t, "PROMPT_COMMAND=(true 'echo HOOK')", "", 0);
    works_on(t);
    RUNS(t, "PROMPT_COMMAND='(exit 9)'", "", 0);
    RUNS(t, "(exit 5)", "", 5);
    RUNS(t, "echo $?", "5\n", 0);
    RUNS(t, "PROMPT_COMMAND='exec 2>/dev/null; PS1=back; x=1'", "", 0);
    RUNS(t, "echo hi", "hi\n", 0);
    IN_SYNC(t);
    GONE(t, t->tag);
}

static void prompt_hooks_of_zsh(struct context *t) {
    RUNS(t, "precmd() { echo HOOK; }; preexec() { echo BEFORE; }", "", 0);
    works_on(t);
    RUNS(t, "precmd_functions=(precmd); preexec_functions=(preexec); RPROMPT=right; setopt promptcr promptsp", "", 0);
    works_on(t);
    RUNS(t, "zshexit() { echo leaving; }; chpwd() { echo moved; }", "", 0);
    RUNS(t, "cd /usr", "moved\n", 0);
    EXITS(t, "exit 3", "leaving\n", 3);
    GONE(t, t->tag);
}

/* Start-up files as people have them. */
static const char startup[] = "echo WELCOME\n"
                              "alias echo='echo ALIASED' eval='echo HACKED' printf='echo HACKED'\n"
                              "PS1='\\033[32mme\\033[0m$ '; PS2='... '\n"
                              "PROMPT_COMMAND='printf hook'\n"
                              "export PROMPT_COMMAND PS1\n"
                              "set -o vi\n"
                              "readonly PS2\n"
                              "trap 'x=1' INT\n"
                              "printf 'no newline at the end'\n";

static void startup_files(struct context *t) {
    static const char *const files[] = {".bashrc", ".zshrc", ".mkshrc", ".kshrc", ".profile", ".shinit"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        home_write(t, files[i], startup, sizeof startup - 1);
    const char *environment[] = {say(t, "ENV=%s", home_path(t, ".shinit")), NULL};
    t->opening.options.environment = environment;
    t->opening.options.interactive = !t->shell->arguments;
    if (!open_session(t))
        return;
    RUNS(t, "/bin/echo one", "one\n", 0);
    RUNS(t, "\\echo \"$HOME\"", say(t, "%s\n", t->home), 0);
    FAILS(t, "fi");
    TIMES_OUT(t, say(t, "/bin/sleep %s", t->tag), NULL);
    IN_SYNC(t);
    GONE(t, t->tag);
}

/* What the shell says of our setting it back is not the command's. */
static void a_hook_that_is_read_only(struct context *t) {
    RUNS(t, "readonly PROMPT_COMMAND=true", "", 0);
    RUNS(t, "true &", "", 0);
    RUNS(t, "cd /; echo hi", "hi\n", 0);
    /* What cannot be set back must not end the shell, either. */
    RUNS(t, "set -e", "", 0);
    RUNS(t, "PS1=mine; echo ho", "ho\n", 0);
    RUNS(t, "set +e", "", 0);
    works_on(t);
    GONE(t, t->tag);
}

/* ... and some that leave a session little to stand on. */
static void startup_files_that_resist(struct context *t) {
    static const char *const files[] = {".bashrc", ".zshrc", ".mkshrc", ".kshrc", ".profile", ".shinit"};
    static const char *const contents[] = {"readonly PS1\n", "set -e\n", "exec 2>/dev/null\n"};
    const char *environment[] = {say(t, "ENV=%s", home_path(t, ".shinit")), NULL};
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
        /* On pipes standard error is a stream of the session's, and a prompt of the user's comes there at any time. */
        if (i != 1 && !is_tty(t))
            continue;
        /* ksh93 by itself ends as it starts under errexit, where TERM is dumb. */
        if (i == 1 && is_tty(t) && is_shell(t, KSH93))
            continue;
        for (size_t j = 0; j < sizeof files / sizeof files[0]; j++)
            home_write(t, files[j], contents[i], strlen(contents[i]));
        t->opening.options.environment = environment;
        t->opening.options.interactive = !t->shell->arguments;
        if (!open_session(t))
            return;
        RUNS(t, "sleep 0.05; echo A", "A\n", 0);
        RUNS(t, "sleep 0.05; echo B", "B\n", 0);
        close_session(t);
        t->ended_calls = 0;
    }
}

/* Without `interactive` they are not read. */
static void startup_files_left_alone(struct context *t) {
    static const char *const files[] = {".bashrc", ".zshrc",   ".zshenv",       ".mkshrc",
                                        ".kshrc",  ".profile", ".bash_profile", ".shinit"};
    static const char content[] = "READ=yes; echo WELCOME\n";
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        home_write(t, files[i], content, sizeof content - 1);
    if (!open_session(t))
        return;
    RUNS(t, "echo ${READ-no}", "no\n", 0);
    IN_SYNC(t);
}

static const struct conformance_case prompt_cases_table[] = {
    {"prompt-changed", prompts, 0, 0, UNSOLICITED_ALLOWED | LONG},
    {"prompt-hooks-of-bash", prompt_hooks_of_bash, ANY_BASH, 0, UNSOLICITED_ALLOWED},
    {"prompt-a-hook-that-is-read-only", a_hook_that_is_read_only, ANY_BASH, 0, UNSOLICITED_ALLOWED},
    {"prompt-hooks-of-zsh", prompt_hooks_of_zsh, ZSH, 0, UNSOLICITED_ALLOWED},
    {"prompt-startup-files", startup_files, 0, 0, OPENS_ITSELF | UNSOLICITED_ALLOWED},
    {"prompt-startup-files-that-resist", startup_files_that_resist, 0, 0, OPENS_ITSELF | UNSOLICITED_ALLOWED},
    {"prompt-startup-files-left-alone", startup_files_left_alone, ANY_SHELL & ~(unsigned)BASH_READLINE, 0,
     OPENS_ITSELF | STARTED_HERE},
};

CASE_GROUP(prompt_cases);
