/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_content(const bytes *b, const char *text) {
    assert_int_equal(bytes_length(b), strlen(text));
    if (*text)
        assert_memory_equal(bytes_front(b), text, strlen(text));
}

static void bytes_are_appended_and_consumed(void **state) {
    (void)state;
    bytes b = {0};
    assert_int_equal(bytes_length(&b), 0);
    assert_true(bytes_append_text(&b, "hello "));
    assert_true(bytes_append(&b, NULL, 0));
    assert_true(bytes_printf(&b, "%s %d", "world", 7));
    assert_content(&b, "hello world 7");
    bytes_consume(&b, 6);
    assert_content(&b, "world 7");
    bytes_consume(&b, 7);
    assert_content(&b, "");
    assert_int_equal(b.start, 0);
    bytes_clear(&b);
    assert_non_null(b.data);
    bytes_free(&b);
    assert_null(b.data);
}

/* A queue of every small length, filled and emptied in steps, against a plain counter. */
static void a_queue_keeps_its_content_and_stays_small(void **state) {
    (void)state;
    for (size_t most = 1; most < 40; most++) {
        bytes b = {0};
        unsigned char in = 0, out = 0;
        for (int turn = 0; turn < 400; turn++) {
            while (bytes_length(&b) < most) {
                assert_true(bytes_append(&b, &in, 1));
                in++;
            }
            for (size_t i = 0; i < most / 2 + 1; i++) {
                assert_int_equal((unsigned char)*bytes_front(&b), out);
                out++;
                bytes_consume(&b, 1);
            }
        }
        assert_true(b.capacity <= 256);
        bytes_free(&b);
    }
}

static void a_reservation_is_not_content(void **state) {
    (void)state;
    bytes b = {0};
    assert_true(bytes_append_text(&b, "ab"));
    char *to = bytes_reserve(&b, 1000);
    assert_non_null(to);
    assert_content(&b, "ab");
    assert_ptr_equal(to, b.data + b.end);
    assert_true(b.capacity - b.end >= 1000);
    assert_null(bytes_reserve(&b, SIZE_MAX - 1));
    assert_content(&b, "ab");
    bytes_free(&b);
}

static void a_large_buffer_is_given_back_when_cleared(void **state) {
    (void)state;
    bytes b = {0};
    assert_non_null(bytes_reserve(&b, 100 * 1024));
    bytes_clear(&b);
    assert_null(b.data);
    assert_int_equal(b.capacity, 0);
    bytes_wipe(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_appended_and_consumed),
        cmocka_unit_test(a_queue_keeps_its_content_and_stays_small),
        cmocka_unit_test(a_reservation_is_not_content),
        cmocka_unit_test(a_large_buffer_is_given_back_when_cleared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
