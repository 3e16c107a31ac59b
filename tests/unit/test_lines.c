/* SPDX-License-Identifier: MIT */
#include "engine/lines.h"

#include "../support/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void on_line(void *owner, const char *line, size_t length) {
    text_append(owner, "[", 1);
    text_append(owner, line, length);
    text_append(owner, "]", 1);
}

static void cut_lines(const char *input, size_t length, size_t one, size_t two, text *seen) {
    lines l = {.on_line = on_line, .owner = seen};
    text_clear(seen);
    assert_true(lines_feed(&l, input, one));
    assert_true(lines_feed(&l, input + one, two - one));
    assert_true(lines_feed(&l, input + two, length - two));
    lines_finish(&l);
    lines_free(&l);
}

static void check(const char *input, const char *expected) {
    size_t length = strlen(input);
    text seen = {0};
    for (size_t two = 0; two <= length; two++) {
        for (size_t one = 0; one <= two; one++) {
            cut_lines(input, length, one, two, &seen);
            assert_string_equal(text_data(&seen), expected);
        }
    }
    text_free(&seen);
}

static void lines_are_cut_over_any_cut(void **state) {
    (void)state;
    check("", "");
    check("\n", "[]");
    check("a\nb\n", "[a][b]");
    check("a\nb", "[a][b]");
    check("a\r\nb\r\r\n\r\n", "[a][b\r][]");
    check("a\rb\n", "[a\rb]");
    check("\n\n x\n\n", "[][][ x][]");
}

/* Only "\r\n" is an ending: a CR at the very end is the line's. */
static void a_last_carriage_return_is_kept(void **state) {
    (void)state;
    check("50%\r100%\r", "[50%\r100%\r]");
}

/* A line that is as long as a piece, or about that: the same calls however it arrives. */
static void long_lines_come_in_the_same_pieces(void **state) {
    (void)state;
    static const size_t lengths[] = {lines_max_bytes - 1, lines_max_bytes, lines_max_bytes + 1, 2 * lines_max_bytes,
                                     2 * lines_max_bytes + 5};
    char *input = malloc(3 * lines_max_bytes);
    assert_non_null(input);
    memset(input, 'x', 3 * lines_max_bytes);
    text whole = {0}, seen = {0};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        size_t length = lengths[i];
        memcpy(input + length, "\nend", 4);
        cut_lines(input, length + 4, 0, 0, &whole);
        const size_t cuts[] = {1, length / 2, lines_max_bytes - 1, lines_max_bytes - 2, length - 1, length, length + 1};
        for (size_t c = 0; c < sizeof cuts / sizeof cuts[0]; c++) {
            cut_lines(input, length + 4, 0, cuts[c], &seen);
            if (!text_equals(&seen, whole.data, whole.length))
                print_error("a line of %zu bytes, cut at %zu: %zu bytes of lines, whole %zu\n", length, cuts[c],
                            seen.length, whole.length);
            assert_true(text_equals(&seen, whole.data, whole.length));
        }
        memset(input + length, 'x', 4);
    }
    text_free(&whole);
    text_free(&seen);
    free(input);
}

static void what_is_kept_is_bounded(void **state) {
    (void)state;
    text seen = {0};
    lines l = {.on_line = on_line, .owner = &seen};
    char piece[1000];
    memset(piece, 'x', sizeof piece);
    for (int i = 0; i < 1000; i++) {
        assert_true(lines_feed(&l, piece, sizeof piece));
        assert_true(bytes_length(&l.rest) < lines_max_bytes);
    }
    lines_finish(&l);
    size_t letters = 0;
    for (size_t i = 0; i < seen.length; i++)
        letters += seen.data[i] == 'x';
    assert_int_equal(letters, 1000000);
    lines_free(&l);
    text_free(&seen);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_cut_over_any_cut),
        cmocka_unit_test(a_last_carriage_return_is_kept),
        cmocka_unit_test(long_lines_come_in_the_same_pieces),
        cmocka_unit_test(what_is_kept_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
