/* SPDX-License-Identifier: MIT */
#include "engine/pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static pattern_set *make(const char *const *patterns) {
    size_t count = 0;
    while (patterns[count])
        count++;
    pattern_set *set = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    assert_int_equal(pattern_set_new(patterns, count, &set, &why), HOSTSESSION_OK);
    return set;
}

#define PATTERNS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NONE SIZE_MAX

/* The text arrives whole, and then, for a set that must find it only when it is complete, byte by byte. */
static void check(const char *const *patterns, const char *text, size_t index, size_t start, size_t end) {
    pattern_set *set = make(patterns);
    pattern_match match;
    pattern_verdict verdict = pattern_set_search(set, text, strlen(text), 0, &match);
    assert_int_equal(verdict, index == NONE ? PATTERN_NO_MATCH : PATTERN_MATCH);
    if (index != NONE) {
        assert_int_equal(match.index, index);
        assert_int_equal(match.groups[0][0], start);
        assert_int_equal(match.groups[0][1], end);
    }
    pattern_set_free(set);
}

/* However the text grew before: the same match in the end. */
static void check_grown(const char *pattern, const char *text, size_t start, size_t end) {
    size_t length = strlen(text);
    pattern_match match;
    for (size_t cut = 0; cut < length; cut++) {
        for (size_t other = cut; other < length; other++) {
            pattern_set *set = make(PATTERNS(pattern));
            assert_int_equal(pattern_set_search(set, text, cut, 0, &match), PATTERN_NO_MATCH);
            assert_int_equal(pattern_set_search(set, text, other, 0, &match), PATTERN_NO_MATCH);
            assert_int_equal(pattern_set_search(set, text, length, 0, &match), PATTERN_MATCH);
            assert_int_equal(match.groups[0][0], start);
            assert_int_equal(match.groups[0][1], end);
            pattern_set_free(set);
        }
    }
}

static void the_earliest_match_wins_then_the_first_pattern(void **state) {
    (void)state;
    check(PATTERNS("b", "a"), "xxab", 1, 2, 3);
    check(PATTERNS("ab", "abc"), "xabc", 0, 1, 3);
    check(PATTERNS("abc", "ab"), "xabc", 0, 1, 4);
    check(PATTERNS("x", "y", "z"), "zyx", 2, 0, 1);
    check(PATTERNS("q", "r"), "zyx", NONE, 0, 0);
    check(PATTERNS("a.*z|b"), "a b", 0, 2, 3);
    check(PATTERNS(".+password: |go on\\?"), "will you go on?", 0, 9, 15);
}

static void the_end_of_the_text_is_an_end(void **state) {
    (void)state;
    check(PATTERNS("\\$ $"), "a$ b$ ", 0, 4, 6);
    check(PATTERNS("\\$ \\z"), "a$ b$ ", 0, 4, 6);
    check(PATTERNS("^b$"), "a\nb\n", NONE, 0, 0);
    check(PATTERNS("(?m)^b$"), "a\nb\n", 0, 2, 3);
    check(PATTERNS("b$"), "a\nb\n", 0, 2, 3);
    check(PATTERNS("x*"), "aaa", NONE, 0, 0);
}

static void bytes_are_bytes(void **state) {
    (void)state;
    check(PATTERNS("\\xff\\xfe"), "a\xff\xfe", 0, 1, 3);
    check(PATTERNS("\xc3\xa4"), "a\xc3\xa4", 0, 1, 3);
    check(PATTERNS("(?i)PassWord:"), "your password:", 0, 5, 14);
    pattern_set *set = make(PATTERNS("a\\x00b"));
    pattern_match match;
    assert_int_equal(pattern_set_search(set, "xa\0b", 4, 0, &match), PATTERN_MATCH);
    assert_int_equal(match.groups[0][0], 1);
    pattern_set_free(set);
}

static void a_match_may_arrive_in_pieces(void **state) {
    (void)state;
    check_grown("password: $", "the password: ", 4, 14);
    check_grown("(?<=ab)c", "aababc", 5, 6);
    check_grown("\\bword", "sword word", 6, 10);
    check_grown("a[^z]*z", "bab abz", 1, 7);
    check_grown("(?s)one.*two", "one\nthree\ntwo", 0, 13);
    check_grown("aab", "aaaaab", 3, 6);
    check_grown("x(?=yz)", "xyyxyz", 3, 4);
}

static void groups_are_places_in_the_text(void **state) {
    (void)state;
    pattern_set *set = make(PATTERNS("(a)(x)?(b+)"));
    pattern_match match;
    assert_int_equal(pattern_set_search(set, "--abb--", 7, 0, &match), PATTERN_MATCH);
    assert_int_equal(match.group_count, 4);
    assert_int_equal(match.groups[1][0], 2);
    assert_int_equal(match.groups[1][1], 3);
    assert_int_equal(match.groups[2][0], SIZE_MAX);
    assert_int_equal(match.groups[3][0], 3);
    assert_int_equal(match.groups[3][1], 5);
    pattern_set_free(set);
}

/* A pattern with more groups than are kept. */
static void groups_are_limited(void **state) {
    (void)state;
    char many[100 * 3 + 2] = "";
    for (size_t i = 0; i < 100; i++)
        strcat(many, "(a)");
    strcat(many, "b");
    pattern_set *set = make(PATTERNS(many));
    char text[101];
    memset(text, 'a', 100);
    text[100] = 'b';
    pattern_match match;
    assert_int_equal(pattern_set_search(set, text, 101, 0, &match), PATTERN_MATCH);
    assert_int_equal(match.group_count, pattern_max_groups);
    assert_int_equal(match.groups[0][1], 101);
    assert_int_equal(match.groups[pattern_max_groups - 1][0], pattern_max_groups - 2);
    pattern_set_free(set);
}

static void nothing_is_found_before_skip_or_twice(void **state) {
    (void)state;
    pattern_set *set = make(PATTERNS("ab"));
    pattern_match match;
    assert_int_equal(pattern_set_search(set, "ab-ab", 5, 1, &match), PATTERN_MATCH);
    assert_int_equal(match.groups[0][0], 3);
    pattern_set_restart(set);
    assert_int_equal(pattern_set_search(set, "--a", 3, 0, &match), PATTERN_NO_MATCH);
    pattern_set_forget(set, 2);
    assert_int_equal(pattern_set_search(set, "ab", 2, 0, &match), PATTERN_MATCH);
    assert_int_equal(match.groups[0][0], 0);
    pattern_set_free(set);
}

/* What was searched is not looked at again: it may even have become something else. */
static void only_new_text_is_searched(void **state) {
    (void)state;
    pattern_set *set = make(PATTERNS("needle"));
    pattern_match match;
    static const char needle[6] = {'n', 'e', 'e', 'd', 'l', 'e'};
    char text[4096 + sizeof needle];
    memset(text, '.', sizeof text);
    for (size_t length = 64; length <= 4096; length += 64) {
        assert_int_equal(pattern_set_search(set, text, length, 0, &match), PATTERN_NO_MATCH);
        memcpy(text + length - 64, needle, sizeof needle);
    }
    memcpy(text + 4096, needle, sizeof needle);
    assert_int_equal(pattern_set_search(set, text, sizeof text, 0, &match), PATTERN_MATCH);
    assert_int_equal(match.groups[0][0], 4096);
    pattern_set_free(set);
}

static void a_runaway_is_no_no_match(void **state) {
    (void)state;
    pattern_set *set = make(PATTERNS("(a+)+$b", "c"));
    pattern_match match;
    assert_int_equal(pattern_set_search(set, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", 41, 0, &match),
                     PATTERN_RAN_AWAY);
    pattern_set_free(set);
}

/* Plain patterns over the largest window are far from the limit. */
static void the_limit_is_not_for_plain_patterns(void **state) {
    (void)state;
    enum { size = 64 * 1024 };
    static const char *const plain[] = {"password: $", "a.*b",      ".+password: ",  "(?i)\\S+'s password: ",
                                        "\\w+:\\s*$",  "(.*)\\$ $", "[^ ]+@[^ ]+: ", "(yes|no)\\? $"};
    char *text = malloc(size);
    assert_non_null(text);
    for (size_t kind = 0; kind < 3; kind++) {
        for (size_t i = 0; i < size; i++)
            text[i] = kind == 0 ? 'a' : kind == 1 ? "abcdefg \n"[i % 9] : ": a"[i % 3];
        for (size_t p = 0; p < sizeof plain / sizeof plain[0]; p++) {
            pattern_set *set = make(PATTERNS(plain[p]));
            pattern_match match;
            if (pattern_set_search(set, text, size, 0, &match) == PATTERN_RAN_AWAY)
                print_error("\"%s\" ran away in text %zu\n", plain[p], kind);
            pattern_set_restart(set);
            assert_int_not_equal(pattern_set_search(set, text, size, 0, &match), PATTERN_RAN_AWAY);
            pattern_set_free(set);
        }
    }
    free(text);
}

static void a_bad_pattern_is_named(void **state) {
    (void)state;
    static const char *const bad[] = {"a(b", "[z-a]", "(*UTF)a", "a{2,1}", "\\", "(?<n>a)(?<n>b)"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        pattern_set *set = (pattern_set *)(uintptr_t)1;
        hostsession_failure why = HOSTSESSION_FAILURE_INIT;
        assert_int_equal(pattern_set_new(PATTERNS("good", bad[i]), 2, &set, &why), HOSTSESSION_ERROR_INVALID);
        assert_null(set);
        assert_string_equal(why.stage, "pattern");
        assert_non_null(strstr(why.message, bad[i]));
        assert_non_null(strstr(why.message, "offset"));
    }
    pattern_set_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_earliest_match_wins_then_the_first_pattern),
        cmocka_unit_test(the_end_of_the_text_is_an_end),
        cmocka_unit_test(bytes_are_bytes),
        cmocka_unit_test(a_match_may_arrive_in_pieces),
        cmocka_unit_test(groups_are_places_in_the_text),
        cmocka_unit_test(groups_are_limited),
        cmocka_unit_test(nothing_is_found_before_skip_or_twice),
        cmocka_unit_test(only_new_text_is_searched),
        cmocka_unit_test(a_runaway_is_no_no_match),
        cmocka_unit_test(the_limit_is_not_for_plain_patterns),
        cmocka_unit_test(a_bad_pattern_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
