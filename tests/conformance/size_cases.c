/* SPDX-License-Identifier: MIT */
/* Long commands: a terminal takes 4,095 bytes a line, some line editors 1,022, and cut the rest off silently. */
#include "conformance.h"

#include <stdlib.h>
#include <string.h>

/* Text in which a lost, doubled or moved piece shows. */
static void add_numbers(text *to, size_t length) {
    size_t end = to->length + length;
    for (unsigned i = 0; to->length < end; i++)
        text_printf(to, "%u,", i);
    to->length = end;
    to->data[end] = '\0';
}

/* A command of exactly `length` bytes that prints nearly all of itself. */
static bool prints_itself(struct context *t, size_t length, const char *before, const char *after) {
    text command = {0};
    text output = {0};
    size_t inner = length - strlen(before) - strlen(after);
    text_add(&command, before);
    add_numbers(&command, inner);
    text_add(&command, after);
    add_numbers(&output, inner);
    bool right = CHECK(t, command.length == length, "%zu bytes", command.length) &&
                 RUNS_BYTES(t, text_data(&command), output.data, output.length, 0);
    text_free(&command);
    text_free(&output);
    return right;
}

static void around_line_limits(struct context *t) {
    static const size_t lengths[] = {180,  199,  200,  201,  255,  256,  257,  511,  512,  513,  1021, 1022, 1023, 1024,
                                     1025, 2047, 2048, 2049, 4000, 4094, 4095, 4096, 4097, 8191, 8192, 8193, 16384};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        if (!prints_itself(t, lengths[i], "printf %s '", "'") ||
            !prints_itself(t, lengths[i], "printf %s\\\\n ", "|tr -d '\\n'"))
            return;
    for (size_t length = 3900; length < 4200; length += 7)
        if (!prints_itself(t, length, "printf %s '", "'"))
            return;
}

/* The argument of one external program may have 128 KiB; mksh's printf is one. */
static void hundred_kilobytes(struct context *t) {
    prints_itself(t, 100000, "printf %s '", "'");
    prints_itself(t, 100001, "x='", "'; printf %s \"$x\"");
    RUNS(t, say(t, ": %s; (exit 5)", repeat(t, "word ", 20000)), "", 5);
    RUNS(t, say(t, "# %s", repeat(t, "comment ", 12500)), "", 0);
    IN_SYNC(t);
}

/* Bytes that must be written another way when they are typed: the typed text is several times as long. */
static void hundred_kilobytes_of_trouble(struct context *t) {
    const char *part = "'\\\"$`!\t\003\004\021\023\025\026\027\031\032\034\177\n\r ";
    const char *value = repeat(t, part, 900);
    text quoted = {0};
    for (const char *byte = value; *byte; byte++)
        if (*byte == '\'')
            text_add(&quoted, "'\\''");
        else
            text_append(&quoted, byte, 1);
    RUNS(t, say(t, "printf %%s '%s'", text_data(&quoted)), value, 0);
    RUNS(t, say(t, "cat <<'END OF IT'\n%s\nEND OF IT", value), say(t, "%s\n", value), 0);
    text_free(&quoted);
    IN_SYNC(t);
}

static void two_thousand_lines(struct context *t) {
    text command = {0};
    text output = {0};
    for (int i = 0; i < 2000; i++) {
        text_printf(&command, "echo line %d # of many\n", i);
        text_printf(&output, "line %d\n", i);
    }
    RUNS(t, text_data(&command), text_data(&output), 0);
    text_clear(&command);
    text_clear(&output);
    text_add(&command, "cat <<'EOF'\n");
    for (int i = 0; i < 2000; i++)
        text_printf(&output, "\tline 'number' %d\n", i);
    text_printf(&command, "%sEOF\n(exit 6)\n", text_data(&output));
    RUNS(t, text_data(&command), text_data(&output), 6);
    text_free(&command);
    text_free(&output);
}

static void only_newlines(struct context *t) {
    RUNS(t, say(t, "%secho x%s", repeat(t, "\n", 3000), repeat(t, "\n", 3000)), "x\n", 0);
    RUNS(t, say(t, "x='%s'; printf %%s \"$x\"", repeat(t, "\n", 5000)), repeat(t, "\n", 5000), 0);
    RUNS(t, repeat(t, " ", 10000), "", 0);
}

static void multibyte_at_the_cuts(struct context *t) {
    for (int shift = 0; shift < 4; shift++) {
        const char *value =
            say(t, "%s%s", repeat(t, "a", (size_t)shift), repeat(t, "\346\274\242\303\251\360\237\232\200", 400));
        RUNS(t, say(t, "printf %%s '%s'", value), value, 0);
    }
}

static const struct conformance_case size_cases_table[] = {
    {"size-around-line-limits", around_line_limits, 0, 0, 0},
    {"size-hundred-kilobytes", hundred_kilobytes, 0, 0, 0},
    {"size-hundred-kilobytes-of-trouble", hundred_kilobytes_of_trouble, 0, 0, 0},
    {"size-two-thousand-lines", two_thousand_lines, 0, 0, 0},
    {"size-only-newlines", only_newlines, 0, 0, 0},
    {"size-multibyte-at-the-cuts", multibyte_at_the_cuts, 0, 0, 0},
};

CASE_GROUP(size_cases);
