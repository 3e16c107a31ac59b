/* SPDX-License-Identifier: MIT */
#include "cmocka_headers.h"
#include "support/folder.h"
#include "values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void seconds_are_decimal(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"1", 1000},           {"0.5", 500},  {".25", 250},     {"2.", 2000},
                {"0.0001", 1},         {"90", 90000}, {"1.2345", 1235}, {"1000000000", 1000000000000},
                {"1.0000000000", 1000}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t ms = -1;
        assert_true(parse_seconds(good[i].text, &ms));
        assert_int_equal(ms, good[i].ms);
    }
    static const char *const bad[] = {"",
                                      "0",
                                      "0.0",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1s",
                                      "1e3",
                                      "0x1",
                                      "inf",
                                      "nan",
                                      "1,5",
                                      "1..",
                                      ".",
                                      "1000000001",
                                      "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t ms;
        assert_false(parse_seconds(bad[i], &ms));
    }
}

static void bytes_have_units(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t bytes;
    } good[] = {{"1", 1},        {"4096", 4096},    {"64K", 65536},      {"64k", 65536},        {"64KiB", 65536},
                {"1M", 1048576}, {"2MiB", 2097152}, {"1G", 1073741824u}, {"1GiB", 1073741824u}, {"10B", 10},
                {"1KB", 1024}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        size_t bytes = 0;
        assert_true(parse_bytes(good[i].text, &bytes));
        assert_int_equal(bytes, good[i].bytes);
    }
    static const char *const bad[] = {
        "", "0", "-1", "K", "1X", "1KK", "1Ki", "1 K", "1.5M", "99999999999999999999", "18446744073709551615G"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        size_t bytes;
        assert_false(parse_bytes(bad[i], &bytes));
    }
}

static void counts_and_paces(void **state) {
    (void)state;
    unsigned count = 0;
    assert_true(parse_count("16", &count));
    assert_int_equal(count, 16);
    assert_true(parse_count("4294967295", &count));
    static const char *const bad_counts[] = {"", "0", "-1", "1.5", "1K", "4294967296", " 1"};
    for (size_t i = 0; i < sizeof bad_counts / sizeof bad_counts[0]; i++)
        assert_false(parse_count(bad_counts[i], &count));
    size_t bytes = 0;
    int64_t ms = 0;
    assert_true(parse_pace("1K/0.05", &bytes, &ms));
    assert_int_equal(bytes, 1024);
    assert_int_equal(ms, 50);
    static const char *const bad_paces[] = {"",    "16",   "/1",   "16/",
                                            "0/1", "16/0", "16/x", "00000000000000000000000000000000016/1"};
    for (size_t i = 0; i < sizeof bad_paces / sizeof bad_paces[0]; i++)
        assert_false(parse_pace(bad_paces[i], &bytes, &ms));
}

static void environment_settings_have_a_name(void **state) {
    (void)state;
    assert_true(is_environment_setting("A=b"));
    assert_true(is_environment_setting("_a9="));
    assert_true(is_environment_setting("A=b=c"));
    static const char *const bad[] = {"", "A", "=b", "9A=b", "A-B=c", "A B=c"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(is_environment_setting(bad[i]));
}

static void secret_sources_are_named(void **state) {
    (void)state;
    assert_true(is_secret_source("env:A"));
    assert_true(is_secret_source("file:/a"));
    static const char *const bad[] = {"", "env:", "file:", "ask", "A", "envy:A", "pass:x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(is_secret_source(bad[i]));
}

static void secrets_come_from_the_environment(void **state) {
    (void)state;
    char why[256] = "";
    setenv("HOSTSESSION_TEST_SECRET", "s3cret\n", 1);
    char *secret = secret_read("env:HOSTSESSION_TEST_SECRET", why, sizeof why);
    assert_string_equal(secret, "s3cret\n");
    secret_free(secret);
    unsetenv("HOSTSESSION_TEST_SECRET");
    assert_null(secret_read("env:HOSTSESSION_TEST_SECRET", why, sizeof why));
    assert_non_null(strstr(why, "HOSTSESSION_TEST_SECRET"));
}

/* Write `content` to a file and read it as a secret, which is to be `expected`, or refused for it. */
static void check_file(const char *folder, const char *content, size_t length, const char *expected,
                       const char *expected_why) {
    char source[512];
    char why[512] = "";
    snprintf(source, sizeof source, "file:%s/secret", folder);
    assert_true(file_write(source + 5, content, length));
    char *secret = secret_read(source, why, sizeof why);
    if (expected)
        assert_string_equal(secret, expected);
    else {
        assert_null(secret);
        assert_non_null(strstr(why, expected_why ? expected_why : ""));
        assert_non_null(strstr(why, source + 5));
    }
    secret_free(secret);
}

static void secrets_come_from_files(void **state) {
    (void)state;
    char folder[256];
    assert_true(folder_make_temporary(folder, "cli-values"));
    check_file(folder, "abc\n", 4, "abc", NULL);
    check_file(folder, "abc\n\n", 5, "abc\n", NULL);
    check_file(folder, "a b", 3, "a b", NULL);
    check_file(folder, "", 0, "", NULL);
    check_file(folder, "a\0b", 3, NULL, "NUL");
    char *large = calloc(1, 70000);
    assert_non_null(large);
    memset(large, 'x', 70000);
    check_file(folder, large, 70000, NULL, "too long");
    free(large);
    folder_remove(folder);

    char why[512] = "";
    assert_null(secret_read("file:/nonexistent/secret", why, sizeof why));
    assert_non_null(strstr(why, "/nonexistent/secret"));
    assert_null(secret_read("file:/", why, sizeof why));
    assert_non_null(strstr(why, "directory"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seconds_are_decimal),      cmocka_unit_test(bytes_have_units),
        cmocka_unit_test(counts_and_paces),         cmocka_unit_test(environment_settings_have_a_name),
        cmocka_unit_test(secret_sources_are_named), cmocka_unit_test(secrets_come_from_the_environment),
        cmocka_unit_test(secrets_come_from_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
