/* SPDX-License-Identifier: MIT */
#include "engine/redact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* At every pair of cuts the same comes out. */
static void check(const char *const *secrets, const char *input, const char *expected) {
    size_t length = strlen(input);
    for (size_t two = 0; two <= length; two++) {
        for (size_t one = 0; one <= two; one++) {
            redactor r = {0};
            bytes shown = {0};
            for (size_t i = 0; secrets[i]; i++)
                assert_true(redactor_add(&r, secrets[i], strlen(secrets[i])));
            assert_true(redactor_feed(&r, input, one, &shown));
            assert_true(redactor_feed(&r, input + one, two - one, &shown));
            assert_true(redactor_feed(&r, input + two, length - two, &shown));
            assert_true(redactor_flush(&r, &shown));
            assert_true(bytes_append(&shown, "", 1));
            if (strcmp(bytes_front(&shown), expected) != 0)
                print_error("cut at %zu and %zu\n", one, two);
            assert_string_equal(bytes_front(&shown), expected);
            bytes_free(&shown);
            redactor_free(&r);
        }
    }
}

#define SECRETS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void a_secret_is_blanked_over_any_cut(void **state) {
    (void)state;
    check(SECRETS("hunter2"), "it is hunter2, hunter1 hunhunter2", "it is ***, hunter1 hun***");
    check(SECRETS("hunter2"), "hunter2hunter2", "******");
    check(SECRETS("hunter2"), "hunter", "hunter");
    check(SECRETS("aab"), "aaaab aab", "aa*** ***");
    check(SECRETS("one", "two"), "one two three", "*** *** three");
}

static void line_endings_are_no_part_of_it(void **state) {
    (void)state;
    check(SECRETS("hunter2\r"), "hunter2\r\n", "***\r\n");
    check(SECRETS("hunter2\r\n"), "hunter2 x", "*** x");
}

static void what_is_short_is_not_blanked(void **state) {
    (void)state;
    check(SECRETS("y\r"), "yes y", "yes y");
    check(SECRETS("ab"), "ab", "ab");
    check(SECRETS(""), "ab", "ab");
}

/* The end of the longer one must not be shown because the shorter was there first. */
static void one_secret_begins_another(void **state) {
    (void)state;
    check(SECRETS("pass", "password1"), "a password1 b pass c", "a *** b *** c");
    check(SECRETS("password1", "pass"), "password", "***word");
}

static void a_secret_is_kept_once(void **state) {
    (void)state;
    redactor r = {0};
    for (int i = 0; i < 100; i++)
        assert_true(redactor_add(&r, "hunter2\r", 8));
    assert_int_equal(r.secret_count, 1);
    redactor_free(&r);
    assert_int_equal(r.secret_count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_is_blanked_over_any_cut),
        cmocka_unit_test(line_endings_are_no_part_of_it),
        cmocka_unit_test(what_is_short_is_not_blanked),
        cmocka_unit_test(one_secret_begins_another),
        cmocka_unit_test(a_secret_is_kept_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
