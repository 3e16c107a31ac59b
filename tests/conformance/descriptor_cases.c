/* SPDX-License-Identifier: MIT */
/* Redirections and closed descriptors of the shell itself. */
#include "conformance.h"

#include "../support/folder.h"

#include <string.h>

/* Everything goes to the file, but the end of each command is still seen. */
static void output_to_a_file(struct context *t) {
    RUNS(t, "exec 5>&1 >\"$HOME/file\"", "", 0);
    RUNS(t, "echo hidden; (exit 3)", "", 3);
    RUNS(t, "echo $?", "", 0);
    RUNS(t, "echo 'hidden, too'; false", "", 1);
    RUNS(t, "exec 1>&5 5>&-", "", 0);
    RUNS(t, "echo back", "back\n", 0);
    /* An interactive shell's prompts go there, too. */
    RUNS(t, "grep -a -x -e hidden -e 3 \"$HOME/file\"", "hidden\n3\n", 0);
    IN_SYNC(t);
}

/* Nothing that comes can be seen, but for the status. */
static void fails_unseen(struct context *t, const char *command) {
    hostsession_error error;
    const hostsession_result *result = run_raw(t, command, NULL, &error);
    CHECK(t, error == HOSTSESSION_OK && hostsession_result_exit_status(result) > 0, "%s: %s", command,
          hostsession_error_name(error));
}

static void errors_to_a_file(struct context *t) {
    RUNS(t, "exec 5>&2 2>\"$HOME/file\"", "", 0);
    RUNS(t, "echo seen; echo hidden >&2; (exit 3)", "seen\n", 3);
    SETTLES(t, "cd /hostsession/nowhere");
    fails_unseen(t, "echo ${hostsession_nothing?hidden, too}");
    /* With job control ksh93 hands the terminal over by standard error, and starts no program without: by hand, too. */
    if (is_shell(t, KSH93) && is_tty(t))
        RUNS(t, "/bin/sh -c 'echo NOT'", "", 126);
    else
        IN_SYNC(t);
    RUNS(t, "exec 2>&5 5>&-", "", 0);
    RUNS(t, "grep -a -c '^hidden$' \"$HOME/file\"", "1\n", 0);
    /* The prompts of the others, as by hand. */
    if (!is_shell(t, DASH | ASH | KSH93))
        RUNS(t, "grep -a -c . \"$HOME/file\"", "3\n", 0);
    IN_SYNC(t);
}

static void both_to_nowhere(struct context *t) {
    RUNS(t, "exec 5>&1 6>&2 >/dev/null 2>&1", "", 0);
    RUNS(t, "echo hidden; echo hidden >&2; (exit 3)", "", 3);
    fails_unseen(t, "fi");
    TIMES_OUT(t, say(t, "sleep %s", t->tag), "");
    RUNS(t, "exec 1>&5 2>&6 5>&- 6>&-", "", 0);
    RUNS(t, "echo back", "back\n", 0);
    IN_SYNC(t);
    GONE(t, t->tag);
}

/* Where nobody sees the prompt that tells of a line that is thrown away. */
static void lost_line_to_nowhere(struct context *t) {
    RUNS(t, "hs_f() { : ${hostsession_nothing?gone}; echo NOT; }", "", 0);
    FAILS(t, "hs_f");
    RUNS(t, "exec 5>&1 6>&2 >/dev/null 2>&1", "", 0);
    fails_unseen(t, "hs_f");
    fails_unseen(t, "sleep 0.1; hs_f");
    RUNS(t, "exec 1>&5 2>&6 5>&- 6>&-", "", 0);
    FAILS(t, "hs_f");
    /* The line that moves it is thrown away itself: zsh and mksh choose the prompt with END. */
    if (!is_shell(t, ZSH | MKSH)) {
        fails_unseen(t, "exec 6>&2 2>/dev/null; hs_f");
        RUNS(t, "exec 2>&6 6>&-", "", 0);
        RUNS(t, "hs_g() { exec 6>&2 2>/dev/null; }", "", 0);
        RUNS(t, "hs_g", "", 0);
        fails_unseen(t, "hs_f");
        RUNS(t, "set -eu; readonly PS1", "", 0);
        RUNS(t, "exec 2>&6 6>&-", "", 0);
        RUNS(t, "exec 6>&2 2>/dev/null", "", 0);
        RUNS(t, "exec 2>&6 6>&-; set +eu", "", 0);
    }
    RUNS(t, "echo back", "back\n", 0);
    IN_SYNC(t);
}

static void both_in_one(struct context *t) {
    RUNS(t, "exec 6>&2 2>&1", "", 0);
    RUNS(t, "echo one; echo two >&2; (exit 3)", "one\ntwo\n", 3);
    IN_SYNC(t);
    RUNS(t, "exec 2>&6 6>&-", "", 0);
    IN_SYNC(t);
}

static void output_closed(struct context *t) {
    RUNS(t, "exec 5>&1 >&-", "", 0);
    SETTLES(t, "echo lost");
    SETTLES(t, "(exit 3)");
    CHECK(t, hostsession_get_state(t->session) == HOSTSESSION_IDLE, "state %d", (int)hostsession_get_state(t->session));
    RUNS(t, "exec 1>&5 5>&-", "", 0);
    IN_SYNC(t);
}

/* Its prompts were lost, and as soon as it can it says so once, between this command and the next; by hand, too.  On
 * pipes that may be before we have looked for the end of what the command itself wrote to standard error. */
static void errors_back_in_zsh(struct context *t) {
    static const char complaint[] = "zsh: write error\n";
    hostsession_error error;
    const hostsession_result *result = run_raw(t, "exec 2>&5 5>&-", NULL, &error);
    IN_SYNC(t);
    text_add(&t->unsolicited, hostsession_result_error_output(result));
    CHECK(t, error == HOSTSESSION_OK && hostsession_result_output_bytes(result) == 0, "got %s, output %s",
          hostsession_error_name(error), hostsession_result_output(result));
    CHECK(t, text_equals(&t->unsolicited, complaint, sizeof complaint - 1), "zsh said %s", text_data(&t->unsolicited));
    text_free(&t->unsolicited);
}

static void errors_closed(struct context *t) {
    RUNS(t, "exec 5>&2 2>&-", "", 0);
    RUNS(t, "echo on; (exit 3)", "on\n", 3);
    SETTLES(t, "fi");
    RUNS(t, "echo on", "on\n", 0);
    if (is_shell(t, ZSH))
        errors_back_in_zsh(t);
    else
        RUNS(t, "exec 2>&5 5>&-", "", 0);
    IN_SYNC(t);
}

static void others_closed(struct context *t) {
    for (int descriptor = 3; descriptor <= 9; descriptor++) {
        RUNS(t, say(t, "exec %d>&-", descriptor), "", 0);
        IN_SYNC(t);
    }
    RUNS(t, "exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-", "", 0);
    RUNS(t, "echo on; (exit 3)", "on\n", 3);
    FAILS(t, "fi");
    TIMES_OUT(t, say(t, "sleep %s", t->tag), "");
    IN_SYNC(t);
    GONE(t, t->tag);
}

static void others_used(struct context *t) {
    enum { last = 9 };
    for (int descriptor = 3; descriptor <= last; descriptor++)
        RUNS(t, say(t, "exec %d>\"$HOME/file-%d\"", descriptor, descriptor), "", 0);
    RUNS(t, say(t, "echo on; echo x >&%d; (exit 3)", last), "on\n", 3);
    IN_SYNC(t);
    RUNS(t, "cat \"$HOME\"/file-*", "x\n", 0);
}

/* Copies of the streams may have these numbers: a lock file takes one of them, as flock(1) has it. */
static void own_ones_closed(struct context *t) {
    for (int descriptor = 8; descriptor <= 9; descriptor++) {
        RUNS(t, say(t, "exec %d>\"$HOME/lock\"; echo on", descriptor), "on\n", 0);
        RUNS(t, "(exit 3)", "", 3);
        RUNS(t, say(t, "exec %d>&-; echo on", descriptor), "on\n", 0);
        IN_SYNC(t);
    }
    RUNS(t, "cat \"$HOME/lock\"", "", 0);
}

/* bash and ksh93 have them in their grammar, and keep descriptors of their own there. */
static void high_ones_closed(struct context *t) {
    for (int descriptor = 10; descriptor < 64; descriptor++)
        if (!SETTLES(t, say(t, "exec %d>&-", descriptor)) || hostsession_get_state(t->session) == HOSTSESSION_ENDED)
            return;
    IN_SYNC(t);
}

static void input_duplicated(struct context *t) {
    RUNS(t, "exec 7<&0", "", 0);
    RUNS(t, "echo on", "on\n", 0);
    IN_SYNC(t);
    RUNS(t, "exec 7<&-", "", 0);
    IN_SYNC(t);
}

/* A shell that reads its commands from standard input now reads nothing, or a file: it may end, and says so. */
static void input_from_elsewhere(struct context *t) {
    home_write(t, "commands", "echo FROM-THE-FILE\n", 19);
    static const char *const texts[] = {"exec </dev/null", "exec <\"$HOME/commands\"", "exec <&-"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        SETTLES(t, texts[i]);
        if (hostsession_get_state(t->session) != HOSTSESSION_ENDED)
            SETTLES(t, "echo on");
        if (hostsession_get_state(t->session) != HOSTSESSION_ENDED)
            IN_SYNC(t);
        close_session(t);
        t->ended_calls = 0;
        if (!open_session(t))
            return;
    }
}

static void input_elsewhere_for_a_while(struct context *t) {
    home_write(t, "lines", "one\ntwo\nthree\n", 14);
    RUNS(t, "cat <\"$HOME/lines\" | head -n 1", "one\n", 0);
    RUNS(t, "{ read a; read b; echo $b; } <\"$HOME/lines\"", "two\n", 0);
    RUNS(t, "exec 7<\"$HOME/lines\"; read a <&7; echo $a", "one\n", 0);
    RUNS(t, "read a <&7; echo $a", "two\n", 0);
    RUNS(t, "exec 7<&-", "", 0);
    IN_SYNC(t);
}

static const struct conformance_case descriptor_cases_table[] = {
    {"descriptor-output-to-a-file", output_to_a_file, 0, 0, 0},
    {"descriptor-errors-to-a-file", errors_to_a_file, 0, 0, 0},
    {"descriptor-both-to-nowhere", both_to_nowhere, 0, 0, 0},
    {"descriptor-lost-line-to-nowhere", lost_line_to_nowhere, 0, 0, 0},
    {"descriptor-both-in-one", both_in_one, 0, 0, 0},
    {"descriptor-output-closed", output_closed, 0, 0, 0},
    {"descriptor-errors-closed", errors_closed, 0, 0, 0},
    {"descriptor-others-closed", others_closed, 0, 0, 0},
    {"descriptor-own-ones-closed", own_ones_closed, 0, 0, 0},
    {"descriptor-others-used", others_used, 0, 0, 0},
    {"descriptor-high-ones-closed", high_ones_closed, ANY_BASH | KSH93, 0, UNSOLICITED_ALLOWED},
    {"descriptor-input-duplicated", input_duplicated, 0, 0, 0},
    {"descriptor-input-from-elsewhere", input_from_elsewhere, 0, 0, UNSOLICITED_ALLOWED},
    {"descriptor-input-from-elsewhere-for-a-while", input_elsewhere_for_a_while, 0, 0, 0},
};

CASE_GROUP(descriptor_cases);
