/* SPDX-License-Identifier: MIT */
#include "engine/dialect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TOKEN "abcdefghijklmn"

static const dialect *of(const char *bash, const char *zsh, const char *ksh, const char *ansi) {
    const char *const fields[] = {bash, zsh, ksh, ansi, "me", "7", "hi", "/"};
    marker m = {.kind = MARKER_ANSWER, .number = 1, .field_count = 8};
    for (size_t i = 0; i < 8; i++) {
        m.fields[i].text = fields[i];
        m.fields[i].length = strlen(fields[i]);
    }
    return dialect_of_answer(&m);
}

static const dialect *shell(size_t index) {
    switch (index) {
    case 0:
        return of("5.2", "", "", "A");
    case 1:
        return of("", "5.9", "", "A");
    case 2:
        return of("", "", "Version AJM 93u+m", "A");
    case 3:
        return of("", "", "@(#)MIRBSD KSH R59", "A");
    case 4:
        return of("", "", "", "A");
    default:
        return of("", "", "", "$A");
    }
}

enum { shell_count = 6 };

static void every_shell_is_known_by_its_answer(void **state) {
    (void)state;
    static const char *const names[] = {"bash", "zsh", "ksh93", "mksh", "ash", "dash"};
    for (size_t i = 0; i < shell_count; i++)
        assert_string_equal(shell(i)->name, names[i]);
}

static char *framed(const dialect *d, const frame *f) {
    bytes b = {0};
    assert_true(dialect_frame(d, f, &b));
    assert_true(bytes_append(&b, "", 1));
    return b.data;
}

static frame plain(const char *command) {
    return (frame){.number = 17, .command = command, .length = strlen(command), .tty = true, .silent = true};
}

/* The end of the line; what quiets the shell may come before it. */
static void assert_frame(const dialect *d, const frame *f, const char *expected) {
    char *line = framed(d, f);
    size_t length = strlen(line), size = strlen(expected);
    assert_true(length >= size);
    assert_string_equal(line + length - size, expected);
    free(line);
}

static void the_frames_of_a_command(void **state) {
    (void)state;
    frame f = plain("it's");
    assert_frame(shell(0), &f, "\\builtin eval 'it'\\''s';_hs_e \"17;$?\"\n");
    f.silent = false;
    assert_frame(shell(0), &f, "_hs_b 17 0;\\builtin eval 'it'\\''s';_hs_e \"17;$?\"\n");
    f.previous_status = 3;
    assert_frame(shell(0), &f, "_hs_b 17 3&&:;\\builtin eval 'it'\\''s';_hs_e \"17;$?\"\n");
    f.silent = true;
    assert_frame(shell(0), &f, "_hs_s 3&&:;\\builtin eval 'it'\\''s';_hs_e \"17;$?\"\n");
    f.echo = true;
    assert_frame(shell(0), &f, "_hs_s 3&&:;\\builtin eval 'it'\\''s';_hs_e \"17;$?\"\n");
    f = plain("a\nb");
    assert_frame(shell(1), &f, "\\builtin \\eval $'a\\nb';_hs_e 17 \"$?\"\n");
    f.guarded = true;
    f.silent = false;
    f.end = END_GUARDED;
    assert_frame(
        shell(1), &f,
        "\\builtin \\eval $'{ _hs_g 17 \\\\0;} >/dev/null 2>&1\\na\\nb';{ _hs_e 17 \"$?\" g;} >/dev/null 2>&1\n");
    f.end = END_PLAIN;
    assert_frame(shell(2), &f, "\\command eval $'{ _hs_g 17 0;} >/dev/null 2>&1\\na\\nb';_hs_e 17 \"$?;$-\"\n");
    f.end = END_ASIDE;
    assert_frame(shell(2), &f, "\\command eval $'{ _hs_g 17 0;} >/dev/null 2>&1\\na\\nb';(_hs_e 17 \"$?;$-\")\n");
}

static void a_command_that_may_move_errors_gets_another_prompt(void **state) {
    (void)state;
    frame f = plain("exec 2>x");
    for (int moves = 0; moves < 2; moves++)
        for (int tty = 0; tty < 2; tty++) {
            f.moves_errors = moves;
            f.tty = tty;
            char *line = framed(shell(0), &f);
            assert_int_equal(strstr(line, "PS1=$_hs_j;") != NULL, moves && tty);
            free(line);
        }
}

static void a_shell_without_ansi_quotes_gets_variables(void **state) {
    (void)state;
    frame f = plain("a\tb");
    assert_frame(shell(5), &f, "\\command eval 'a'\"$_hs_9\"'b';_hs_e 17 \"$?\"\n");
    char *line = framed(shell(5), &f);
    assert_non_null(strstr(line, "_hs_9=$(\\command printf '\\011');"));
    free(line);
    f.guarded = true;
    line = framed(shell(5), &f);
    assert_non_null(strstr(line, "_hs_10=$(\\command printf '\\012.')"));
    free(line);
}

/* Typed at a terminal there is no control character but the line's end, and no line is long: whatever the command. */
static void a_typed_frame_is_plain_and_short(void **state) {
    (void)state;
    char command[3000];
    for (size_t i = 0; i < sizeof command; i++)
        command[i] = (char)(i % 255 + 1);
    for (size_t s = 0; s < shell_count; s++) {
        for (int guarded = 0; guarded < 2; guarded++) {
            frame f = plain("");
            f.command = command;
            f.length = sizeof command;
            f.guarded = guarded;
            bytes b = {0};
            assert_true(dialect_frame(shell(s), &f, &b));
            size_t line = 0;
            for (size_t i = 0; i < bytes_length(&b); i++) {
                unsigned char byte = (unsigned char)b.data[i];
                assert_true(byte == '\n' || (byte >= 0x20 && byte != 0x7f));
                line = byte == '\n' ? 0 : line + 1;
                /* The variables are set in one line, for shells whose editors are off or have no limit. */
                assert_true(line < (shell(s)->tty_quotes == QUOTE_VARIABLES ? 2000 : 1000));
            }
            assert_int_equal(line, 0);
            bytes_free(&b);
        }
    }
}

/* eval would take it for an option. */
static void a_command_may_begin_with_a_dash(void **state) {
    (void)state;
    frame f = plain("-x");
    for (size_t s = 0; s < shell_count; s++) {
        char *line = framed(shell(s), &f);
        assert_non_null(strstr(line, "eval ' -x'"));
        free(line);
    }
}

/* What is typed must never be taken for what is printed: no marker is in it, even if it is echoed. */
static bool never(void *owner, const marker *m) {
    (void)owner;
    (void)m;
    fail();
    return true;
}

static void ignore(void *owner, const char *data, size_t length) {
    (void)owner;
    (void)data;
    (void)length;
}

static void what_is_typed_holds_no_marker(void **state) {
    (void)state;
    for (size_t s = 0; s < shell_count; s++) {
        bytes b = {0};
        assert_true(dialect_question(TOKEN, 1, &b));
        for (int tty = 0; tty < 2; tty++) {
            assert_true(dialect_quiet(shell(s), TOKEN, tty, false, 2, &b));
            assert_true(dialect_teach(shell(s), TOKEN, tty, false, 3, &b));
            assert_true(dialect_teach(shell(s), TOKEN, tty, true, 3, &b));
        }
        for (int signaled = 0; signaled < 2; signaled++)
            for (end_style end = END_PLAIN; end <= END_ASIDE; end++)
                assert_true(dialect_sync(shell(s), &(sync_line){4, end, signaled, signaled, !signaled}, &b));
        assert_null(memchr(bytes_front(&b), marker_rs, bytes_length(&b)));
        /* None of them but in "${PS1@a}". */
        for (size_t i = 0; i < bytes_length(&b); i++)
            assert_true(b.data[i] != '@' || (i >= 3 && memcmp(b.data + i - 3, "PS1@a}", 6) == 0));
        scanner scan = {.token = TOKEN, .on_data = ignore, .on_marker = never};
        assert_true(scanner_feed(&scan, bytes_front(&b), bytes_length(&b)));
        scanner_free(&scan);
        size_t line = 0;
        for (size_t i = 0; i < bytes_length(&b); i++) {
            line = b.data[i] == '\n' ? 0 : line + 1;
            assert_true(line < 1000);
        }
        bytes_free(&b);
    }
}

static bool suspicious(const dialect *d, const char *command) {
    return dialect_suspicious(d, hints_of(command, strlen(command)));
}

static void what_may_trace_is_suspicious(void **state) {
    (void)state;
    assert_true(suspicious(shell(0), "set -x"));
    assert_true(suspicious(shell(0), "set +x"));
    assert_true(suspicious(shell(0), "set -o xtrace"));
    assert_true(suspicious(shell(0), "setopt VERBOSE; setopt verbose"));
    assert_true(suspicious(shell(0), "trap 'echo x' DEBUG"));
    assert_false(suspicious(shell(5), "trap 'echo x' DEBUG"));
    assert_false(suspicious(shell(0), "echo hi"));
    assert_false(suspicious(shell(0), ""));
}

/* What bash's prompt is compared with has a backslash before each special character of it. */
static void the_pattern_of_bashs_prompt_matches_it(void **state) {
    (void)state;
    for (int tty = 0; tty < 2; tty++) {
        bytes typed = {0};
        assert_true(dialect_teach(shell(0), "tokentokentoke", tty, true, 3, &typed));
        assert_true(bytes_append(&typed, "", 1));
        const char *prompt = strstr(bytes_front(&typed), "_hs_p='");
        const char *pattern = strstr(bytes_front(&typed), "_hs_k='");
        assert_non_null(prompt);
        assert_non_null(pattern);
        prompt += 7;
        for (pattern += 7; *pattern != '\''; pattern++) {
            assert_int_equal(*pattern == '\\', strchr("$?{}[]\\", *prompt) != NULL);
            pattern += *pattern == '\\';
            assert_int_equal(*pattern, *prompt++);
        }
        assert_int_equal(*prompt, '\'');
        bytes_free(&typed);
    }
}

static size_t trace_start(const char *output, uint64_t number, int64_t prefix) {
    return dialect_trace_start(shell(1), output, strlen(output), number, false, prefix);
}

static void our_own_trace_is_found_at_the_end(void **state) {
    (void)state;
    assert_int_equal(trace_start("", 7, 2), 0);
    assert_int_equal(trace_start("hi\n", 7, 2), 3);
    assert_int_equal(trace_start("hi\n+ _hs_e 7 0\n", 7, 2), 3);
    assert_int_equal(trace_start("hi+ _hs_e 7 0\n", 7, 2), 2);
    assert_int_equal(trace_start("hi\n+ _hs_e 70 0\n", 7, 2), 16);
    assert_int_equal(trace_start("hi\n+ _hs_e 7 0\nx + _hs_e 7 0\n", 7, 2), 17);
    assert_int_equal(trace_start("hi\n>>> _hs_e 7 0\n", 7, -1), 3);
    assert_int_equal(trace_start("_hs_e 1000000000000 0\n", 1000000000000, 2), 0);
    char *large = malloc(20001);
    assert_non_null(large);
    memset(large, 'x', 20000);
    large[20000] = 0;
    memcpy(large, "+ _hs_e 7 0\n", 12);
    assert_int_equal(trace_start(large, 7, 2), 20000);
    assert_int_equal(dialect_trace_start(shell(0), "hi\n+ _hs_e '7;0'\n", 18, 7, false, 2), 3);
    assert_int_equal(dialect_trace_start(shell(0), "hi\n+ _hs_e '70;0'\n", 19, 7, false, 2), 19);
    free(large);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shell_is_known_by_its_answer),
        cmocka_unit_test(the_frames_of_a_command),
        cmocka_unit_test(a_command_that_may_move_errors_gets_another_prompt),
        cmocka_unit_test(a_shell_without_ansi_quotes_gets_variables),
        cmocka_unit_test(a_typed_frame_is_plain_and_short),
        cmocka_unit_test(a_command_may_begin_with_a_dash),
        cmocka_unit_test(what_is_typed_holds_no_marker),
        cmocka_unit_test(what_may_trace_is_suspicious),
        cmocka_unit_test(the_pattern_of_bashs_prompt_matches_it),
        cmocka_unit_test(our_own_trace_is_found_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
