/* SPDX-License-Identifier: MIT */
#include "engine/cutter.h"

#include "../support/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const texts[] = {"\033[6n", "\nUse it\n", "Use it\n", NULL};

static void on_data(void *owner, const char *data, size_t length) {
    text_append(owner, data, length);
}

static void on_cut(void *owner, size_t index) {
    text_printf(owner, "<%zu>", index);
}

static void check(const char *input, const char *expected) {
    size_t length = strlen(input);
    for (size_t cut = 0; cut <= length; cut++) {
        text seen = {0};
        cutter c = {.texts = texts, .on_data = on_data, .on_cut = on_cut, .owner = &seen};
        assert_true(cutter_feed(&c, input, cut));
        assert_true(cutter_feed(&c, input + cut, length - cut));
        cutter_finish(&c);
        assert_string_equal(text_data(&seen), expected);
        cutter_free(&c);
        text_free(&seen);
    }
}

static void cuts_texts(void **state) {
    (void)state;
    check("", "");
    check("\033[6n", "<0>");
    check("a\033[6nb\033[6n\033[6", "a<0>b<0>\033[6");
    check("\nUse it\nUse it\n", "<1><2>");
    check("line\n\nUse it\n", "line\n<1>");
    check("line\nUse it\n", "line\n<2>");
    check("line\nUse that\n\nUse\n", "line\nUse that\n\nUse\n");
}

/* A line is given out whole, whatever may follow it. */
static void waits_for_no_line(void **state) {
    (void)state;
    text seen = {0};
    cutter c = {.texts = texts, .on_data = on_data, .on_cut = on_cut, .owner = &seen};
    assert_true(cutter_feed(&c, "line\n", 5));
    assert_string_equal(text_data(&seen), "line\n");
    assert_true(cutter_feed(&c, "\n", 1));
    assert_string_equal(text_data(&seen), "line\n");
    cutter_finish(&c);
    assert_string_equal(text_data(&seen), "line\n\n");
    cutter_free(&c);
    text_free(&seen);
}

static void without_texts(void **state) {
    (void)state;
    text seen = {0};
    cutter c = {.on_data = on_data, .owner = &seen};
    assert_true(cutter_feed(&c, "\033[6n", 4));
    assert_string_equal(text_data(&seen), "\033[6n");
    cutter_free(&c);
    text_free(&seen);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_texts),
        cmocka_unit_test(waits_for_no_line),
        cmocka_unit_test(without_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
