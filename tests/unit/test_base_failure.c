/* SPDX-License-Identifier: MIT */
#include "base/failure.h"
#include "base/list.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_failure_is_filled_and_returned(void **state) {
    (void)state;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    assert_int_equal(failure_set(&why, HOSTSESSION_ERROR_LIMIT, EMFILE, "spawn", "%s: %d", "web1", 5),
                     HOSTSESSION_ERROR_LIMIT);
    assert_int_equal(why.error, HOSTSESSION_ERROR_LIMIT);
    assert_int_equal(why.system_errno, EMFILE);
    assert_string_equal(why.stage, "spawn");
    assert_string_equal(why.message, "web1: 5");
    assert_int_equal(failure_set(NULL, HOSTSESSION_ERROR_AUTH, 0, "x", "y"), HOSTSESSION_ERROR_AUTH);
    assert_int_equal(failure_no_memory(&why, "z"), HOSTSESSION_ERROR_NO_MEMORY);
}

static void control_characters_are_escaped_and_utf8_is_kept(void **state) {
    (void)state;
    hostsession_failure why;
    failure_set(&why, HOSTSESSION_ERROR_INVALID, 0, "x", "%s", "a\033[2J\r\n\t\x7f\xc3\xa4");
    assert_string_equal(why.message, "a\\x1b[2J\\r\\n\\t\\x7f\xc3\xa4");
}

/* An escape is never cut: also one that ends right at the limit. */
static void a_long_message_is_cut_at_a_whole_escape(void **state) {
    (void)state;
    enum { most = sizeof((hostsession_failure *)0)->message };
    for (size_t plain = most - 8; plain < most + 2; plain++) {
        char text[most + 8];
        memset(text, 'a', plain);
        memcpy(text + plain, "\001\001", 3);
        hostsession_failure why;
        failure_set(&why, HOSTSESSION_ERROR_INVALID, 0, "x", "%s", text);
        size_t length = strlen(why.message);
        assert_true(length < most);
        const char *escape = strchr(why.message, '\\');
        assert_true(!escape || strcmp(escape, "\\x01") == 0 || strcmp(escape, "\\x01\\x01") == 0);
    }
}

static void a_tail_is_cut_at_its_front(void **state) {
    (void)state;
    char out[64];
    assert_string_equal(failure_escape_tail(out, sizeof out, "ab\n\xff", 4), "ab\\n\\xff");
    assert_string_equal(failure_escape_tail(out, sizeof out, NULL, 0), "");
    for (size_t size = 8; size < 40; size++) {
        memset(out, 'X', sizeof out);
        failure_escape_tail(out, size, "0123456789\n\r\001abcdefghij", 23);
        assert_true(strlen(out) < size);
        assert_int_equal(out[size], 'X');
        assert_true(strncmp(out, "...", 3) == 0 || strncmp(out, "0123", 4) == 0);
        assert_string_equal(out + strlen(out) - 4, "ghij");
    }
}

static void a_long_name_loses_its_middle(void **state) {
    (void)state;
    char text[400];
    for (size_t length = 0; length < sizeof text; length++) {
        for (size_t i = 0; i < length; i++)
            text[i] = (char)('a' + i % 26);
        text[length] = 0;
        char before[sizeof text];
        memcpy(before, text, length + 1);
        failure_shorten(text);
        if (length <= 163) {
            assert_string_equal(text, before);
            continue;
        }
        assert_memory_equal(text, before, 100);
        assert_memory_equal(text + 100, "...", 3);
        assert_string_equal(text + 103, before + length - 60);
    }
}

static void every_error_has_a_name(void **state) {
    (void)state;
    for (int i = HOSTSESSION_OK; i <= HOSTSESSION_ERROR_INTERNAL; i++) {
        const char *name = hostsession_error_name((hostsession_error)i);
        assert_string_not_equal(name, "unknown");
        for (int other = 0; other < i; other++)
            assert_string_not_equal(name, hostsession_error_name((hostsession_error)other));
    }
    assert_string_equal(hostsession_error_name(HOSTSESSION_OK), "ok");
    assert_string_equal(hostsession_error_name(HOSTSESSION_ERROR_INTERNAL), "internal");
    assert_string_equal(hostsession_error_name((hostsession_error)99), "unknown");
    assert_string_equal(hostsession_error_name((hostsession_error)-1), "unknown");
}

typedef struct item {
    int value;
    list link;
} item;

static void an_errno_has_a_text(void **state) {
    (void)state;
    assert_string_equal(failure_errno_text(ENOENT), "No such file or directory");
    assert_true(strlen(failure_errno_text(99999)) > 0);
}

static void a_list_keeps_its_order(void **state) {
    (void)state;
    list head;
    item items[3] = {{0, {0}}, {1, {0}}, {2, {0}}};
    list_init(&head);
    assert_true(list_empty(&head));
    list_remove(&items[0].link);
    for (int i = 0; i < 3; i++)
        list_append(&head, &items[i].link);
    assert_int_equal(list_item(head.next, item, link)->value, 0);
    list_remove(&items[1].link);
    list_remove(&items[1].link);
    assert_int_equal(list_item(head.next->next, item, link)->value, 2);
    list_remove(&items[0].link);
    list_remove(&items[2].link);
    assert_true(list_empty(&head));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_is_filled_and_returned),
        cmocka_unit_test(control_characters_are_escaped_and_utf8_is_kept),
        cmocka_unit_test(a_long_message_is_cut_at_a_whole_escape),
        cmocka_unit_test(a_tail_is_cut_at_its_front),
        cmocka_unit_test(a_long_name_loses_its_middle),
        cmocka_unit_test(every_error_has_a_name),
        cmocka_unit_test(an_errno_has_a_text),
        cmocka_unit_test(a_list_keeps_its_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
