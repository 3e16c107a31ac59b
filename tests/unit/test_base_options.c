/* SPDX-License-Identifier: MIT */
#include "base/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef struct settings {
    size_t struct_size;
    int64_t limit_ms;
    const char *name;
} settings;

static const settings defaults = {sizeof(settings), 10, "default"};

static void what_was_given_replaces_the_defaults(void **state) {
    (void)state;
    settings given = {sizeof given, 20, "given"};
    settings read = defaults;
    assert_int_equal(options_read(&given, &read, sizeof read, "options", "INIT", NULL), HOSTSESSION_OK);
    assert_int_equal(read.limit_ms, 20);
    assert_string_equal(read.name, "given");
}

static void nothing_leaves_the_defaults(void **state) {
    (void)state;
    settings read = defaults;
    assert_int_equal(options_read(NULL, &read, sizeof read, "options", "INIT", NULL), HOSTSESSION_OK);
    assert_memory_equal(&read, &defaults, sizeof read);
}

static void an_older_program_gives_less(void **state) {
    (void)state;
    struct {
        size_t struct_size;
        int64_t limit_ms;
    } older = {sizeof older, 20};
    settings read = defaults;
    assert_int_equal(options_read(&older, &read, sizeof read, "options", "INIT", NULL), HOSTSESSION_OK);
    assert_int_equal(read.struct_size, sizeof read);
    assert_int_equal(read.limit_ms, 20);
    assert_string_equal(read.name, "default");
}

static void what_is_no_size_is_refused(void **state) {
    (void)state;
    static const size_t sizes[] = {
        0, 3, sizeof(size_t) - 1, sizeof(size_t) + 1, sizeof(settings) + sizeof(void *), SIZE_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        settings given = {sizes[i], 20, "given"};
        settings read = defaults;
        hostsession_failure why = HOSTSESSION_FAILURE_INIT;
        assert_int_equal(options_read(&given, &read, sizeof read, "options->x", "HOSTSESSION_X_INIT", &why),
                         HOSTSESSION_ERROR_INVALID);
        assert_memory_equal(&read, &defaults, sizeof read);
        assert_non_null(strstr(why.message, "options->x->struct_size is "));
        assert_non_null(strstr(why.message, "HOSTSESSION_X_INIT"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_given_replaces_the_defaults),
        cmocka_unit_test(nothing_leaves_the_defaults),
        cmocka_unit_test(an_older_program_gives_less),
        cmocka_unit_test(what_is_no_size_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
