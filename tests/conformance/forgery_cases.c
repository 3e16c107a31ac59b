/* SPDX-License-Identifier: MIT */
/*
 * Output that looks like what frames it.  A marker is RS TOKEN ; kind ; number ; ... RS TOKEN LF; the transcript of an
 * earlier command has whole ones, which a command prints here: as they are, cut, and with single bytes changed.
 */
#include "conformance.h"

#include <string.h>

/* All that came back for one command without output: nothing but framing. */
static void capture(struct context *t, text *framing) {
    text_clear(&t->received);
    RUNS(t, "true", "", 0);
    text_append(framing, t->received.data, t->received.length);
    CHECK(t, framing->length > 10, "the transcript of a command has %zu bytes", framing->length);
}

static bool prints_exactly(struct context *t, const char *bytes, size_t length, const char *after, int status) {
    home_write(t, "forged", bytes, length);
    return RUNS_BYTES(t, say(t, "cat \"$HOME/forged\"%s", after), bytes, length, status);
}

static void replays(struct context *t) {
    text framing = {0};
    capture(t, &framing);
    for (int i = 0; i < 5; i++) {
        prints_exactly(t, framing.data, framing.length, "; (exit 7)", 7);
        IN_SYNC(t);
    }
    text twice = {0};
    for (int i = 0; i < 50; i++) {
        text_printf(&twice, "line %d\n", i);
        text_append(&twice, framing.data, framing.length);
    }
    prints_exactly(t, twice.data, twice.length, "", 0);
    IN_SYNC(t);
    text_free(&twice);
    text_free(&framing);
}

static void typed_text_printed(struct context *t) {
    RUNS(t, "true", "", 0);
    text typed = {0};
    text_append(&typed, t->sent.data, t->sent.length);
    prints_exactly(t, typed.data, typed.length, "", 0);
    IN_SYNC(t);
    text_append(&typed, t->received.data, t->received.length);
    prints_exactly(t, typed.data, typed.length, "; (exit 3)", 3);
    IN_SYNC(t);
    text_free(&typed);
}

static void cut_at_every_byte(struct context *t) {
    text framing = {0};
    capture(t, &framing);
    for (size_t length = 1; length <= framing.length; length++)
        if (!prints_exactly(t, framing.data, length, "; (exit 7)", 7))
            break;
    for (size_t start = 1; start < framing.length; start++)
        if (!prints_exactly(t, framing.data + start, framing.length - start, "", 0))
            break;
    IN_SYNC(t);
    text_free(&framing);
}

/* Flipping a low bit of a number could make it the right one: the numbers are far above those of the copy. */
static void every_byte_changed(struct context *t) {
    text framing = {0};
    capture(t, &framing);
    for (int i = 0; i < 30; i++)
        RUNS(t, "true", "", 0);
    for (size_t i = 0; i < framing.length; i++) {
        framing.data[i] ^= 1;
        bool right = prints_exactly(t, framing.data, framing.length, "", 0);
        framing.data[i] ^= 1;
        if (!right)
            break;
    }
    IN_SYNC(t);
    text_free(&framing);
}

/* A copy for a later number, with another token: whoever guesses the number still lacks the token. */
static void wrong_tokens(struct context *t) {
    text framing = {0};
    capture(t, &framing);
    for (size_t i = 0; i + 1 < framing.length; i++)
        if (framing.data[i] == '\036' && framing.data[i + 1] != '\n')
            framing.data[i + 1] = framing.data[i + 1] == 'x' ? 'y' : 'x';
    text many = {0};
    for (unsigned number = 0; number < 400; number++)
        text_append(&many, framing.data, framing.length);
    prints_exactly(t, many.data, many.length, "; (exit 7)", 7);
    IN_SYNC(t);
    text_free(&many);
    text_free(&framing);
}

static void separators(struct context *t) {
    static const char part[] = "\036";
    RUNS(t, "printf '\\036'", part, 0);
    RUNS(t, "printf '\\036\\036\\036'; (exit 3)", "\036\036\036", 3);
    RUNS(t, "printf '\\036;E;1;0;\\036\\n'", "\036;E;1;0;\036\n", 0);
    RUNS(t, "head -c 100000 /dev/zero | tr '\\0' '\\036'", repeat(t, part, 100000), 0);
    IN_SYNC(t);
}

static void replayed_between_commands(struct context *t) {
    text framing = {0};
    capture(t, &framing);
    home_write(t, "forged", framing.data, framing.length);
    RUNS(t, "(until [ -e \"$HOME/go\" ]; do sleep 0.01; done; cat \"$HOME/forged\"; echo DONE) &", "", 0);
    home_write(t, "go", "", 0);
    drive_until_contains(t, &t->unsolicited, "DONE\n");
    IN_SYNC(t);
    RUNS(t, "wait", "", 0);
    text_free(&framing);
}

/* Text that shells and people end with, and that a framing by prompts would fall for. */
static void prompts_printed(struct context *t) {
    const char *prompts = "$ \n# \nuser@host:~$ \nPassword: \nlogin: \n[1]+  Done  sleep 1\n> ";
    prints_exactly(t, prompts, strlen(prompts), "", 0);
    RUNS(t, "printf %s \"$PS1$PS1\" >/dev/null; echo on", "on\n", 0);
    SETTLES(t, "printf '%s' \"$PS1\"");
    IN_SYNC(t);
    SETTLES(t, "printf '%s' \"$PS2\"; (exit 3)");
    IN_SYNC(t);
}

/* Lines that look like a shell's notices of its jobs, from commands that have none. */
static void notices_printed(struct context *t) {
    const char *notices = "[1] 4711\n[1]+  Done                    sleep 1\n[1] + Done sleep 1\n[2]-  Terminated  x\n";
    prints_exactly(t, notices, strlen(notices), "", 0);
    prints_exactly(t, notices, strlen(notices), " 2>&1", 0);
    prints_exactly(t, notices, strlen(notices), " && (exit 3)", 3);
    prints_exactly(t, notices, strlen(notices), "; : 'a & b; wait'", 0);
    RUNS(t, "echo '[1] 4711'", "[1] 4711\n", 0);
    RUNS(t, "printf '[1]+  Done  x'", "[1]+  Done  x", 0);
    IN_SYNC(t);
}

/* ... or had some, which are over. */
static void notices_printed_after_jobs(struct context *t) {
    const char *notices =
        "[1] 4711\n[1]+  Done                    sleep 1\n[1] + Done sleep 1\nx [2]-  Terminated  x\n";
    for (int i = 0; i < 2; i++) {
        SETTLES(t, "sleep 0.01 & wait");
        RUNS(t, "true", "", 0);
        prints_exactly(t, notices, strlen(notices), "", 0);
        prints_exactly(t, notices, strlen(notices), "; (exit 3)", 3);
    }
    IN_SYNC(t);
}

static const struct conformance_case forgery_cases_table[] = {
    {"forgery-replays", replays, 0, 0, 0},
    {"forgery-typed-text-printed", typed_text_printed, 0, 0, 0},
    {"forgery-cut-at-every-byte", cut_at_every_byte, 0, 0, LONG},
    {"forgery-every-byte-changed", every_byte_changed, 0, 0, LONG},
    {"forgery-wrong-tokens", wrong_tokens, 0, 0, 0},
    {"forgery-separators", separators, 0, 0, 0},
    {"forgery-replayed-between-commands", replayed_between_commands, 0, 0, UNSOLICITED_ALLOWED},
    {"forgery-notices-printed", notices_printed, 0, 0, 0},
    {"forgery-notices-printed-after-jobs", notices_printed_after_jobs, ANY_BASH | ZSH, 0, UNSOLICITED_ALLOWED},
    {"forgery-prompts-printed", prompts_printed, 0, 0, 0},
};

CASE_GROUP(forgery_cases);
