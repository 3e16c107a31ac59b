/* SPDX-License-Identifier: MIT */
/* The output is the bytes that the command wrote. */
#include "conformance.h"

#include "../support/folder.h"

#include <stdlib.h>
#include <string.h>

static void simple(struct context *t) {
    RUNS(t, "echo hello", "hello\n", 0);
    RUNS(t, "true", "", 0);
    RUNS(t, "echo 'two  words'", "two  words\n", 0);
    RUNS(t, "", "", 0);
    RUNS(t, "   ", "", 0);
    RUNS(t, "\n\n", "", 0);
    IN_SYNC(t);
}

static void blank_lines(struct context *t) {
    RUNS(t, "printf '\\n\\n a \\n\\n\\n'", "\n\n a \n\n\n", 0);
    RUNS(t, "echo; echo", "\n\n", 0);
    RUNS(t, "printf '  \\t \\n'", "  \t \n", 0);
    RUNS(t, "echo after", "after\n", 0);
}

static void no_final_newline(struct context *t) {
    RUNS(t, "printf abc", "abc", 0);
    RUNS(t, "printf ' '", " ", 0);
    RUNS(t, "printf 'a\\nb'; false", "a\nb", 1);
    RUNS(t, "echo after", "after\n", 0);
}

static void carriage_returns(struct context *t) {
    RUNS(t, "printf 'a\\rb\\r\\nc\\r'", "a\rb\r\nc\r", 0);
    RUNS(t, "printf '\\r\\n\\r\\n'", "\r\n\r\n", 0);
    RUNS(t, "printf '\\r'", "\r", 0);
}

static void nul_bytes(struct context *t) {
    RUNS_BYTES(t, "printf 'a\\000b\\000'", "a\0b\0", 4, 0);
    RUNS_BYTES(t, "printf '\\000'", "\0", 1, 0);
    RUNS(t, "printf '\\377\\376\\200'", "\377\376\200", 0);
}

static void all_bytes(struct context *t) {
    unsigned char all[256];
    text command = {0};
    text_add(&command, "printf '");
    for (unsigned i = 0; i < 256; i++) {
        all[i] = (unsigned char)i;
        if (i == '%')
            text_add(&command, "%%");
        else
            text_printf(&command, "\\%03o", i);
    }
    text_add(&command, "'");
    RUNS_BYTES(t, text_data(&command), all, 256, 0);
    text_free(&command);
}

/* Each byte alone, at the very end and at the very beginning of an output, where it touches what frames it. */
static void each_byte_at_the_edges(struct context *t) {
    for (unsigned i = 0; i < 256; i += i < 33 || i > 125 ? 1 : 9) {
        char expected[4] = {(char)i, 'x', (char)i, 0};
        const char *escape = i == '%' ? "%%" : say(t, "\\%03o", i);
        if (!RUNS_BYTES(t, say(t, "printf '%sx%s'", escape, escape), expected, 3, 0))
            return;
    }
}

static void terminal_sequences(struct context *t) {
    const char *sequences = "\033[31mred\033[0m\033[6n\033[2J\033]0;title\007\b\b\f\v\016\017\033c";
    home_write(t, "sequences", sequences, strlen(sequences));
    RUNS(t, "cat \"$HOME/sequences\"", sequences, 0);
    IN_SYNC(t);
}

static void random_bytes(struct context *t) {
    enum { count = 700000 };
    unsigned char *bytes = allocate(count);
    unsigned state = 2463534242u;
    for (size_t i = 0; i < count; i++) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        bytes[i] = (unsigned char)state;
    }
    text kept = {0};
    text_append(&kept, bytes, count);
    home_write(t, "random", bytes, count);
    RUNS_BYTES(t, "cat \"$HOME/random\"", kept.data, kept.length, 0);
    RUNS_BYTES(t, "cat \"$HOME/random\"; (exit 9)", kept.data, kept.length, 9);
    text_free(&kept);
    free(bytes);
}

static void long_line(struct context *t) {
    RUNS(t, "head -c 5000 /dev/zero | tr '\\0' x", repeat(t, "x", 5000), 0);
    RUNS(t, "head -c 1000000 /dev/zero | tr '\\0' y", repeat(t, "y", 1000000), 0);
    RUNS(t, "head -c 1000000 /dev/zero | tr '\\0' z; echo", say(t, "%s\n", repeat(t, "z", 1000000)), 0);
    RUNS(t, "head -c 65536 /dev/zero | tr '\\0' '\\n'", repeat(t, "\n", 65536), 0);
}

static void many_lines(struct context *t) {
    text expected = {0};
    for (int i = 0; i < 100000; i++)
        text_printf(&expected, "%d\n", i);
    RUNS(t, "seq 0 99999", text_data(&expected), 0);
    text_free(&expected);
}

static void many_small_writes(struct context *t) {
    text expected = {0};
    for (int i = 0; i < 2000; i++)
        text_printf(&expected, "%d\n", i);
    RUNS(t, "i=0; while [ $i -lt 2000 ]; do echo $i; i=$((i + 1)); done", text_data(&expected), 0);
    text_free(&expected);
}

static void streams_on_a_terminal(struct context *t) {
    RUNS(t, "echo one; echo two >&2; echo three", "one\ntwo\nthree\n", 0);
    RUNS(t, "printf one >&2", "one", 0);
    RUNS(t, "[ -t 1 ] && [ -t 2 ] && echo both >/dev/tty", "both\n", 0);
}

static void check_streams(struct context *t, const char *command, const char *output, const char *errors, int status) {
    hostsession_error error;
    const hostsession_result *result = run_raw(t, command, NULL, &error);
    CHECK(t,
          error == HOSTSESSION_OK && strcmp(hostsession_result_output(result), output) == 0 &&
              strcmp(hostsession_result_error_output(result), errors) == 0 &&
              hostsession_result_exit_status(result) == status,
          "%s: got %s exit %d, output \"%s\", errors \"%s\"", command, hostsession_error_name(error),
          hostsession_result_exit_status(result), hostsession_result_output(result),
          hostsession_result_error_output(result));
}

static void streams_on_pipes(struct context *t) {
    check_streams(t, "echo one; echo two >&2; echo three", "one\nthree\n", "two\n", 0);
    check_streams(t, "printf one >&2; (exit 4)", "", "one", 4);
    check_streams(t, "printf '\\r\\n' >&2; printf '\\n'", "\n", "\r\n", 0);
    check_streams(t, "{ seq 1 3; seq 4 6 >&2; } 2>&1", "1\n2\n3\n4\n5\n6\n", "", 0);
    check_streams(t, "true", "", "", 0);
    hostsession_error error;
    const hostsession_result *result =
        run_raw(t, "head -c 300000 /dev/zero; head -c 400000 /dev/zero >&2; echo end", NULL, &error);
    CHECK(t,
          error == HOSTSESSION_OK && hostsession_result_output_bytes(result) == 300004 &&
              hostsession_result_error_output_bytes(result) == 400000,
          "two floods: %s, %zu and %zu bytes", hostsession_error_name(error), hostsession_result_output_bytes(result),
          hostsession_result_error_output_bytes(result));
}

static void utf8(struct context *t) {
    RUNS(t, "printf '%s\\n' 'd\303\251j\303\240 \346\274\242\345\255\227 \360\237\232\200'",
         "d\303\251j\303\240 \346\274\242\345\255\227 \360\237\232\200\n", 0);
    RUNS(t, "printf '\\303'; printf '\\251'", "\303\251", 0);
    RUNS(t, "printf '\\303'", "\303", 0);
    IN_SYNC(t);
}

static const struct conformance_case output_cases_table[] = {
    {"output-simple", simple, 0, 0, 0},
    {"output-blank-lines", blank_lines, 0, 0, 0},
    {"output-no-final-newline", no_final_newline, 0, 0, 0},
    {"output-carriage-returns", carriage_returns, 0, 0, 0},
    {"output-nul-and-high-bytes", nul_bytes, 0, 0, 0},
    {"output-all-bytes", all_bytes, 0, 0, 0},
    {"output-each-byte-at-the-edges", each_byte_at_the_edges, 0, 0, 0},
    {"output-terminal-sequences", terminal_sequences, 0, 0, 0},
    {"output-random-bytes", random_bytes, 0, 0, 0},
    {"output-long-lines", long_line, 0, 0, 0},
    {"output-many-lines", many_lines, 0, 0, 0},
    {"output-many-small-writes", many_small_writes, 0, 0, 0},
    {"output-streams-on-a-terminal", streams_on_a_terminal, 0, TTY, 0},
    {"output-streams-on-pipes", streams_on_pipes, 0, PIPE, 0},
    {"output-utf8", utf8, 0, 0, 0},
};

CASE_GROUP(output_cases);
