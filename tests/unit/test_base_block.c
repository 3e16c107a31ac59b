/* SPDX-License-Identifier: MIT */
#include "base/block.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Different in each page. */
static char byte_at(size_t at) {
    return (char)(at / 4096 + at);
}

/* From the first bytes through all the ways to keep them. */
static void what_is_there_is_kept(void **state) {
    (void)state;
    enum { most = 40 << 20 };
    char *data = NULL;
    size_t capacity = 0;
    size_t filled = 0;
    for (size_t wanted = 100; wanted < most; wanted += wanted / 2 + 1) {
        assert_true(block_grow(&data, &capacity, wanted));
        assert_true(capacity >= wanted);
        for (; filled < capacity; filled++)
            data[filled] = byte_at(filled);
        for (size_t at = 0; at < filled; at += at < 5000 ? 1 : 1021)
            assert_int_equal(data[at], byte_at(at));
    }
    char *before = data;
    assert_true(block_grow(&data, &capacity, 10));
    assert_ptr_equal(data, before);
    block_free(data, capacity);
}

static void a_large_one_may_be_the_first(void **state) {
    (void)state;
    char *data = NULL;
    size_t capacity = 0;
    assert_true(block_grow(&data, &capacity, 5 << 20));
    data[0] = 'a';
    data[(5 << 20) - 1] = 'z';
    assert_true(block_grow(&data, &capacity, 50 << 20));
    assert_int_equal(data[0], 'a');
    assert_int_equal(data[(5 << 20) - 1], 'z');
    block_free(data, capacity);
}

static void without_memory_nothing_changes(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 10, 6 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *data = NULL;
        size_t capacity = 0;
        assert_true(block_grow(&data, &capacity, sizes[i]));
        if (sizes[i])
            data[sizes[i] - 1] = 'x';
        char *data_before = data;
        size_t capacity_before = capacity;
        assert_false(block_grow(&data, &capacity, SIZE_MAX));
        assert_false(block_grow(&data, &capacity, SIZE_MAX / 2));
        assert_ptr_equal(data, data_before);
        assert_int_equal(capacity, capacity_before);
        if (sizes[i])
            assert_int_equal(data[sizes[i] - 1], 'x');
        block_free(data, capacity);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_there_is_kept),
        cmocka_unit_test(a_large_one_may_be_the_first),
        cmocka_unit_test(without_memory_nothing_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
