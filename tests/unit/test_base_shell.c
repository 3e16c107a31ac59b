/* SPDX-License-Identifier: MIT */
#include "base/shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void names(void **state) {
    (void)state;
    assert_true(shell_is_name("PATH", 4));
    assert_true(shell_is_name("_x1", 3));
    assert_true(shell_is_name("A=b", 1));
    assert_false(shell_is_name("", 0));
    assert_false(shell_is_name("1a", 2));
    assert_false(shell_is_name("a-b", 3));
    assert_false(shell_is_name("a\xc3\xa4", 3));
}

static void word_is(const char *text, const char *expected) {
    bytes b = {0};
    assert_true(shell_append_word(&b, text));
    assert_true(bytes_append(&b, "", 1));
    assert_string_equal(bytes_front(&b), expected);
    bytes_free(&b);
}

static void words(void **state) {
    (void)state;
    word_is("plain-1.2_x/y", "plain-1.2_x/y");
    word_is("", "''");
    word_is("two words", "'two words'");
    word_is("it's", "'it'\\''s'");
    word_is("$HOME\n", "'$HOME\n'");
    word_is("~", "'~'");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
