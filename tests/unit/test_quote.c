/* SPDX-License-Identifier: MIT */
#include "engine/quote.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check(quote_style style, const char *input, const char *expected) {
    bytes b = {0};
    assert_true(quote_append(&b, style, input, strlen(input), true));
    assert_true(bytes_append(&b, "", 1));
    assert_string_equal(bytes_front(&b), expected);
    bytes_free(&b);
}

static void the_exact_text(void **state) {
    (void)state;
    check(QUOTE_RAW, "", "''");
    check(QUOTE_RAW, "echo \"a\" $b `c` \\ !", "'echo \"a\" $b `c` \\ !'");
    check(QUOTE_RAW, "it's", "'it'\\''s'");
    check(QUOTE_RAW, "'", "''\\'''");
    check(QUOTE_RAW, "a\nb\tc\001", "'a\nb\tc\001'");
    check(QUOTE_ANSI, "it's \\", "'it'\\''s \\'");
    check(QUOTE_ANSI, "it's \\\n", "$'it\\'s \\\\\\n'");
    check(QUOTE_ANSI, "\t\003\033[0m\177!", "$'\\011\\003\\033[0m\\177!'");
    check(QUOTE_ANSI, "\0011", "$'\\0011'");
    check(QUOTE_ANSI, "\xff\xc3\xa4", "'\xff\xc3\xa4'");
    check(QUOTE_VARIABLES, "a\n'b'\177", "'a'\"$_hs_10\"''\\''b'\\'''\"$_hs_127\"''");
}

static void controls_are_a_set(void **state) {
    (void)state;
    assert_int_equal(quote_controls("abc \x80\xff", 6), 0);
    assert_int_equal(quote_controls("\n\t\n\177", 4), 1u << 10 | 1u << 9 | 1u);
    bytes b = {0};
    assert_true(quote_define(&b, 0));
    assert_int_equal(bytes_length(&b), 0);
    assert_true(quote_define(&b, 1u << 10 | 1u << 3 | 1u));
    assert_true(bytes_append(&b, "", 1));
    assert_string_equal(bytes_front(&b), "_hs_127=$(\\command printf '\\177');_hs_3=$(\\command printf '\\003');"
                                         "_hs_10=$(\\command printf '\\012.');_hs_10=${_hs_10%.};");
    bytes_free(&b);
}

static bool needs_none(const char *text) {
    return quote_needs_none(text, strlen(text));
}

static void plain_words_need_none(void **state) {
    (void)state;
    static const char *const plain[] = {"true",       "ls -l /tmp", "cd ..",        "make -j2 CC=gcc V=1 ",
                                        "/bin/true",  "~/bin/a b",  "cp *.c a?c ~", "echo %1 a@b:",
                                        "if_it_is x", "thenx",      "echo if done", "a=1 b= c",
                                        "a=$b",       "$a/$_b $a"};
    static const char *const others[] = {"",           " ",         " true",    "echo $",     "echo $1",   "=x;",
                                         "if",         "if true",   "time ls",  "coproc cat", "while x",   "done",
                                         "echo #",     "echo $(a)", "echo 'a'", "echo \"a",   "echo \\",   "a;b",
                                         "a&",         "a|b",       "a>b",      "a <b",       "echo ${a}", "echo `a",
                                         "echo {a,b}", "[ a",       "[[ a",     "! true",     "a\nb",      "a\tb",
                                         "f(",         "(a",        "a^b",      "echo !!",    "a\x7f",     "a\xc3\xa4",
                                         "function f", "case a in", "{ a"};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        if (!needs_none(plain[i]))
            fail_msg("quoted: %s", plain[i]);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (needs_none(others[i]))
            fail_msg("not quoted: %s", others[i]);
    assert_false(quote_needs_none("a\0b", 3));
}

/* What a shell makes of the word, for the two forms that have no variables. */
static size_t unquote(const char *at, char *to) {
    char *start = to;
    while (*at) {
        if (strncmp(at, "\\\n", 2) == 0 || strncmp(at, "\\'", 2) == 0) {
            if (at[1] == '\'')
                *to++ = '\'';
            at += 2;
            continue;
        }
        int ansi = *at == '$';
        assert_int_equal(at[ansi], '\'');
        for (at += ansi + 1; *at != '\''; at++) {
            assert_true(*at != 0);
            if (!ansi || *at != '\\') {
                *to++ = *at;
                continue;
            }
            at++;
            if (*at == 'n') {
                *to++ = '\n';
            } else if (*at >= '0' && *at <= '7') {
                *to++ = (char)strtol((char[]){at[0], at[1], at[2], 0}, NULL, 8);
                at += 2;
            } else {
                *to++ = *at;
            }
        }
        at++;
    }
    return (size_t)(to - start);
}

/* Every length around the pieces', every byte: the lines are short, and the word says the same. */
static void long_texts_are_typed_in_short_lines(void **state) {
    (void)state;
    char input[2000], output[8000];
    for (size_t length = 0; length < sizeof input; length += length < 500 ? 1 : 97) {
        for (int style = QUOTE_RAW; style <= QUOTE_ANSI; style++) {
            for (size_t i = 0; i < length; i++) {
                unsigned char byte = (unsigned char)(i * 31 + length);
                /* Raw newlines would make lines of their own. */
                input[i] = (char)(byte == 0 || (style == QUOTE_RAW && byte < 32) ? '\'' : byte);
            }
            bytes b = {0};
            assert_true(quote_append(&b, (quote_style)style, input, length, true));
            assert_true(bytes_append(&b, "", 1));
            const char *line = bytes_front(&b);
            for (const char *end; (end = strchr(line, '\n')) != NULL; line = end + 1)
                assert_true(end - line < 250);
            assert_true(strlen(line) < 250);
            assert_int_equal(unquote(bytes_front(&b), output), length);
            assert_memory_equal(output, input, length);
            bytes_free(&b);
        }
    }
}

static void a_text_for_a_pipe_is_one_piece(void **state) {
    (void)state;
    char input[1000];
    memset(input, 'x', sizeof input);
    bytes b = {0};
    assert_true(quote_append(&b, QUOTE_RAW, input, sizeof input, false));
    assert_int_equal(bytes_length(&b), sizeof input + 2);
    bytes_free(&b);
}

static void a_character_is_not_cut(void **state) {
    (void)state;
    static const char euro[3] = {'\xe2', '\x82', '\xac'};
    char input[900];
    for (size_t i = 0; i < sizeof input; i += sizeof euro)
        memcpy(input + i, euro, sizeof euro);
    for (size_t shift = 0; shift < 3; shift++) {
        bytes b = {0};
        input[0] = 'x';
        assert_true(quote_append(&b, QUOTE_RAW, input + shift, sizeof input - shift, true));
        const char *at = bytes_front(&b);
        const char *end = at + bytes_length(&b);
        while ((at = memmem(at, (size_t)(end - at), "'\\\n'", 4)) != NULL) {
            assert_true((at[4] & 0xc0) != 0x80);
            at += 4;
        }
        bytes_free(&b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exact_text),
        cmocka_unit_test(plain_words_need_none),
        cmocka_unit_test(controls_are_a_set),
        cmocka_unit_test(long_texts_are_typed_in_short_lines),
        cmocka_unit_test(a_text_for_a_pipe_is_one_piece),
        cmocka_unit_test(a_character_is_not_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
