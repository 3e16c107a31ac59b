/* SPDX-License-Identifier: MIT */
#include "engine/marker.h"

#include "../support/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TOKEN "abcdefghijklmn"
#define RS "\036" TOKEN
#define END(NUMBER) RS ";E;" NUMBER ";0;hi;1;2;3;/tmp" RS "\n"

/* Markers become <KIND NUMBER FIELD|FIELD>; data stays as it is. */
static void on_data(void *owner, const char *data, size_t length) {
    assert_true(length > 0);
    text_append(owner, data, length);
}

static bool on_marker(void *owner, const marker *m) {
    text *seen = owner;
    if (m->number == 666)
        return false;
    assert_true(m->raw[0] == marker_rs && m->raw[m->raw_length - 1] == '\n');
    text_printf(seen, "<%c%llu", (int)m->kind, (unsigned long long)m->number);
    for (size_t i = 0; i < m->field_count; i++)
        text_printf(seen, "%c%.*s", i ? '|' : ' ', (int)m->fields[i].length, m->fields[i].text);
    text_add(seen, m->crlf ? "!>" : ">");
    return true;
}

static void feed(scanner *s, const char *data, size_t length) {
    if (length == 0)
        return;
    char *copy = malloc(length);
    assert_non_null(copy);
    memcpy(copy, data, length);
    assert_true(scanner_feed(s, copy, length));
    free(copy);
}

static void scan_pieces(const char *input, size_t length, size_t one, size_t two, text *seen) {
    scanner s = {.token = TOKEN, .on_data = on_data, .on_marker = on_marker, .owner = seen};
    text_clear(seen);
    feed(&s, input, one);
    feed(&s, input + one, two - one);
    feed(&s, input + two, length - two);
    scanner_finish(&s);
    scanner_free(&s);
}

static void check(const char *input, size_t length, const char *expected, size_t expected_length) {
    text seen = {0};
    scan_pieces(input, length, 0, 0, &seen);
    assert_int_equal(seen.length, expected_length);
    assert_memory_equal(text_data(&seen), expected, expected_length);
    for (size_t two = 1; two <= length; two++) {
        for (size_t one = 0; one<two; one += length> 150 && one > 0 ? length : 1) {
            scan_pieces(input, length, one, two, &seen);
            if (!text_equals(&seen, expected, expected_length))
                print_error("cut at %zu and %zu: %s\n", one, two, text_data(&seen));
            assert_true(text_equals(&seen, expected, expected_length));
        }
    }
    scanner s = {.token = TOKEN, .on_data = on_data, .on_marker = on_marker, .owner = &seen};
    text_clear(&seen);
    for (size_t i = 0; i < length; i++)
        feed(&s, input + i, 1);
    scanner_finish(&s);
    scanner_free(&s);
    assert_true(text_equals(&seen, expected, expected_length));
    text_free(&seen);
}

#define CHECK(INPUT, EXPECTED) check(INPUT, sizeof(INPUT) - 1, EXPECTED, sizeof(EXPECTED) - 1)
#define CHECK_DATA(INPUT) CHECK(INPUT, INPUT)

static void markers_are_found_over_any_cut(void **state) {
    (void)state;
    CHECK("out" RS ";B;5" RS "\nmore" END("6") RS ";P;6;0" RS "\r\nrest", "out<B5>more<E6 0|hi|1|2|3|/tmp><P6 0!>rest");
    CHECK(RS ";A;1;5.2;;;A;me;77;hB;/home;x" RS "\n", "<A1 5.2|||A|me|77|hB|/home;x>");
    CHECK(END("1") END("2") END("3"), "<E1 0|hi|1|2|3|/tmp><E2 0|hi|1|2|3|/tmp><E3 0|hi|1|2|3|/tmp>");
    CHECK("", "");
}

static void a_directory_may_hold_anything(void **state) {
    (void)state;
    CHECK(RS ";E;7;0;hi;1;2;3;/a;b\n\036c" RS "\n", "<E7 0|hi|1|2|3|/a;b\n\036c>");
    CHECK(RS ";E;7;0;hi;1;2;3;" RS "\n", "<E7 0|hi|1|2|3|>");
    CHECK(RS ";E;7;0;hi;1;2;3;/a\036abc" RS "\n", "<E7 0|hi|1|2|3|/a\036abc>");
}

static void what_has_another_shape_is_data(void **state) {
    (void)state;
    CHECK_DATA("\036");
    CHECK_DATA("\036\036\036");
    CHECK_DATA(RS);
    CHECK_DATA(RS RS RS);
    CHECK_DATA(RS ";B;5" RS "x\n");
    CHECK_DATA(RS ";B;5" RS "\r\r\n");
    CHECK_DATA(RS ";B;5;" RS "\n");
    CHECK_DATA(RS ";B;" RS "\n");
    CHECK_DATA(RS ";B;-1" RS "\n");
    CHECK_DATA(RS ";B;99999999999999999999" RS "\n");
    CHECK_DATA(RS ";E;1;0;hi" RS "\n");
    CHECK_DATA(RS ";X;1" RS "\n");
    CHECK_DATA(RS ";" RS "\n");
    CHECK_DATA(RS "B;5" RS "\n");
    CHECK_DATA(RS ";P" RS "\n");
    CHECK_DATA(RS ";P;0" RS "\n");
    CHECK_DATA("\036abcdefghijklmX;B;5\036abcdefghijklmX\n");
    CHECK_DATA("x\036\0y\xff\r\n");
}

/* The stream ends inside a marker of ours. */
static void half_a_marker_is_nobodys(void **state) {
    (void)state;
    CHECK("out" RS ";", "out");
    CHECK("out" RS ";E;1;0", "out");
    CHECK("out" RS ";B;5" RS "\r", "out");
    CHECK_DATA("out" RS);
    CHECK_DATA("out\036abc");
}

static void a_marker_begins_inside_what_was_none(void **state) {
    (void)state;
    CHECK("\036abc" RS ";B;5" RS "\n", "\036abc<B5>");
    CHECK(RS RS ";B;5" RS "\n", RS "<B5>");
    CHECK("\036\036\036" END("1"), "\036\036\036<E1 0|hi|1|2|3|/tmp>");
    CHECK(RS ";B;5" RS "x" END("2"), RS ";B;5" RS "x<E2 0|hi|1|2|3|/tmp>");
}

/* Refused by the owner: data, whole, and what follows is looked at. */
static void a_refused_marker_is_data(void **state) {
    (void)state;
    CHECK("a" END("666") "b" END("2"), "a" END("666") "b<E2 0|hi|1|2|3|/tmp>");
    CHECK(END("666") END("666"), END("666") END("666"));
}

/* How long a marker may be does not depend on how it arrives. */
static void the_longest_marker(void **state) {
    (void)state;
    for (size_t extra = 0; extra < 2; extra++) {
        size_t name = marker_max_bytes - sizeof(END("5")) + 1 + 4 - 50 + extra * 4000;
        text input = {0}, whole = {0}, seen = {0};
        text_add(&input, RS ";E;5;0;hi;1;2;3;/");
        for (size_t i = 0; i < name; i++)
            text_add(&input, "d");
        text_add(&input, RS "\n");
        scan_pieces(input.data, input.length, 0, 0, &whole);
        for (size_t cut = 1; cut < input.length; cut += 61) {
            scan_pieces(input.data, input.length, 0, cut, &seen);
            assert_true(text_equals(&seen, text_data(&whole), whole.length));
        }
        text_free(&input);
        text_free(&whole);
        text_free(&seen);
    }
}

/* What never becomes a marker is not kept for ever. */
static void what_is_kept_back_is_bounded(void **state) {
    (void)state;
    text seen = {0};
    scanner s = {.token = TOKEN, .on_data = on_data, .on_marker = on_marker, .owner = &seen};
    feed(&s, RS ";E;5;", 20);
    for (int i = 0; i < 40000; i++) {
        feed(&s, "d", 1);
        assert_true(bytes_length(&s.carry) <= 2 * marker_max_bytes);
    }
    scanner_finish(&s);
    scanner_free(&s);
    assert_int_equal(seen.length, 40020);
    text_free(&seen);
}

static void fields_are_numbers_or_not(void **state) {
    (void)state;
    static const struct {
        const char *field;
        int64_t max, value;
    } cases[] = {{"0", 9, 0},   {"255", 255, 255}, {"256", 255, -1}, {"", 9, -1},
                 {"-1", 9, -1}, {"1 ", 9, -1},     {"007", 9, 7},    {"99999999999999999999999", INT64_C(1) << 40, -1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        marker m = {.field_count = 1, .fields = {{cases[i].field, strlen(cases[i].field)}}};
        assert_int_equal(marker_number(&m, 0, cases[i].max), cases[i].value);
        assert_int_equal(marker_number(&m, 1, cases[i].max), -1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(markers_are_found_over_any_cut),
        cmocka_unit_test(a_directory_may_hold_anything),
        cmocka_unit_test(what_has_another_shape_is_data),
        cmocka_unit_test(half_a_marker_is_nobodys),
        cmocka_unit_test(a_marker_begins_inside_what_was_none),
        cmocka_unit_test(a_refused_marker_is_data),
        cmocka_unit_test(the_longest_marker),
        cmocka_unit_test(what_is_kept_back_is_bounded),
        cmocka_unit_test(fields_are_numbers_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
