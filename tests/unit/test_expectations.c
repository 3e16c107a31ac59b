/* SPDX-License-Identifier: MIT */
#include "engine/expectations.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static expectations *make(const hostsession_expectation *list, size_t count) {
    expectations *x = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    assert_int_equal(expectations_new(list, count, &x, &why), HOSTSESSION_OK);
    return x;
}

static void feed(expectations *x, const char *text) {
    assert_true(expectations_feed(x, text, strlen(text)));
}

static void assert_found(expectations *x, size_t index) {
    size_t found = SIZE_MAX;
    assert_int_equal(expectations_search(x, &found), PATTERN_MATCH);
    assert_int_equal(found, index);
}

static void assert_nothing(expectations *x) {
    size_t found;
    assert_int_equal(expectations_search(x, &found), PATTERN_NO_MATCH);
}

static void each_is_found_once_and_in_order(void **state) {
    (void)state;
    const hostsession_expectation list[] = {{.pattern = "one", .response = "1", .max_answers = 2},
                                            {.pattern = "two", .response = "2", .flags = HOSTSESSION_EXPECT_SECRET}};
    expectations *x = make(list, 2);
    assert_int_equal(x->count, 2);
    assert_int_equal(x->items[0].answers_left, 2);
    assert_int_equal(x->items[1].answers_left, 16);
    assert_int_equal(x->items[1].flags, HOSTSESSION_EXPECT_SECRET);
    assert_int_equal(bytes_length(&x->items[1].response), 1);
    assert_nothing(x);
    feed(x, "two one one tw");
    assert_found(x, 1);
    assert_found(x, 0);
    assert_found(x, 0);
    assert_nothing(x);
    feed(x, "o");
    assert_found(x, 1);
    assert_nothing(x);
    expectations_free(x);
    expectations_free(NULL);
}

/* Only the last 64 KiB are searched; a match that straddles the window's end is found whatever came before. */
static void the_window_slides(void **state) {
    (void)state;
    enum { window = 64 * 1024 };
    char *filler = malloc(window + 100);
    assert_non_null(filler);
    memset(filler, '.', window + 100);
    for (size_t piece = 1000; piece <= window + 100; piece += 20219) {
        expectations *x = make(&(hostsession_expectation){.pattern = "begin.*end|short", .response = ""}, 1);
        for (size_t fed = 0; fed < 3 * window; fed += piece) {
            assert_true(expectations_feed(x, filler, piece));
            assert_true(bytes_length(&x->window) <= window);
            assert_nothing(x);
        }
        feed(x, "sho");
        assert_nothing(x);
        assert_true(expectations_feed(x, "rt", 2));
        assert_found(x, 0);
        feed(x, "begin");
        assert_true(expectations_feed(x, filler, window));
        feed(x, "end");
        assert_nothing(x);
        feed(x, "begin");
        assert_true(expectations_feed(x, filler, window - 20));
        assert_nothing(x);
        feed(x, "end");
        assert_found(x, 0);
        expectations_free(x);
    }
    free(filler);
}

static void a_bad_list_is_refused(void **state) {
    (void)state;
    static const hostsession_expectation bad[][2] = {
        {{.pattern = "a", .response = "b"}, {.pattern = "(", .response = "b"}},
        {{.pattern = "a", .response = "b"}, {.pattern = NULL, .response = "b"}},
        {{.pattern = "a", .response = "b"}, {.pattern = "b", .response = NULL}},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        expectations *x = (expectations *)(uintptr_t)1;
        hostsession_failure why = HOSTSESSION_FAILURE_INIT;
        assert_int_equal(expectations_new(bad[i], 2, &x, &why), HOSTSESSION_ERROR_INVALID);
        assert_null(x);
        assert_string_not_equal(why.message, "");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_found_once_and_in_order),
        cmocka_unit_test(the_window_slides),
        cmocka_unit_test(a_bad_list_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
