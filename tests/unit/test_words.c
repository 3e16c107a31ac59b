/* SPDX-License-Identifier: MIT */
#include "session/words.h"

#include "../support/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check(const char *line, const char *expected) {
    /* A copy of its own, so that a look past its end is found. */
    char *copy = strdup(line);
    const char *why = NULL;
    size_t count = 0;
    char **words = words_split(copy, &count, &why);
    free(copy);
    assert_non_null(words);
    assert_null(why);
    text seen = {0};
    for (size_t i = 0; i < count; i++)
        text_printf(&seen, "[%s]", words[i]);
    assert_null(words[count]);
    assert_string_equal(text_data(&seen), expected);
    text_free(&seen);
    free(words);
}

static void check_wrong(const char *line, const char *expected) {
    const char *why = NULL;
    size_t count = 0;
    assert_null(words_split(line, &count, &why));
    assert_non_null(why);
    assert_non_null(strstr(why, expected));
}

static void words_are_split_at_blanks(void **state) {
    (void)state;
    check("", "");
    check("  \t\n ", "");
    check("a", "[a]");
    check("  docker exec\t-it  web\nsh ", "[docker][exec][-it][web][sh]");
    check("a b c d e f g h", "[a][b][c][d][e][f][g][h]");
}

static void quotes_keep_words_together(void **state) {
    (void)state;
    check("'a b' \"c d\"", "[a b][c d]");
    check("a'b c'd\"e f\"g", "[ab cde fg]");
    check("'' \"\"", "[][]");
    check("''a", "[a]");
    check("'a\"b' \"c'd\"", "[a\"b][c'd]");
    check("'a\\b' \"a\\b\"", "[a\\b][a\\b]");
    check("\"\\$ \\` \\\" \\\\ \\n\"", "[$ ` \" \\ \\n]");
}

static void a_backslash_quotes_one_character(void **state) {
    (void)state;
    check("a\\ b", "[a b]");
    check("\\'a\\\"", "['a\"]");
    check("\\\\", "[\\]");
    check("a\\\nb", "[ab]");
    check("\"a\\\nb\"", "[ab]");
}

/* POSIX XCU 2.2.1: backslash and newline are removed before the line is split into words. */
static void a_continued_line_is_no_word(void **state) {
    (void)state;
    check("a \\\n b", "[a][b]");
    check("\\\n", "");
}

static void nothing_is_expanded(void **state) {
    (void)state;
    check("$HOME `x` * ~ #c", "[$HOME][`x`][*][~][#c]");
}

static void what_is_left_open_is_named(void **state) {
    (void)state;
    check_wrong("a 'b", "single quote");
    check_wrong("a \"b", "double quote");
    check_wrong("a 'b\" c", "single quote");
    check_wrong("a\\", "backslash");
    check_wrong("\"a\\", "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_split_at_blanks),
        cmocka_unit_test(quotes_keep_words_together),
        cmocka_unit_test(a_backslash_quotes_one_character),
        cmocka_unit_test(a_continued_line_is_no_word),
        cmocka_unit_test(nothing_is_expanded),
        cmocka_unit_test(what_is_left_open_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
