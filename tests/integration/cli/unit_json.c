/* SPDX-License-Identifier: MIT */
#include "cmocka_headers.h"
#include "json.h"
#include "message.h"
#include "report.h"
#include "support/text.h"
#include "utf8.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static bool never_interrupted(void *userdata) {
    (void)userdata;
    return true;
}

static writer out;

static void start_writing(void) {
    int file = memfd_create("json", MFD_CLOEXEC);
    assert_true(file >= 0);
    writer_init(&out, file, -1, never_interrupted, NULL);
}

/* What was written. */
static void finish_writing(text *written) {
    char bytes[4096];
    ssize_t got;
    writer_flush(&out);
    assert_int_equal(out.error, 0);
    assert_int_equal(lseek(out.descriptor, 0, SEEK_SET), 0);
    while ((got = read(out.descriptor, bytes, sizeof bytes)) > 0)
        text_append(written, bytes, (size_t)got);
    close(out.descriptor);
}

static json_t *finish_parsing(void) {
    text written = {0};
    finish_writing(&written);
    json_t *parsed = json_loadb(text_data(&written), written.length, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
    assert_non_null(parsed);
    text_free(&written);
    return parsed;
}

static void assert_string(const json_t *parsed, const char *expected, size_t length) {
    assert_int_equal(json_string_length(parsed), length);
    assert_memory_equal(json_string_value(parsed), expected, length);
}

static void every_character_comes_back(void **state) {
    (void)state;
    text all = {0};
    for (unsigned code = 0; code < 0x110000; code += code < 0x3000 ? 1 : 61) {
        char c[4];
        size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        if (code >= 0xd800 && code < 0xe000)
            continue;
        unsigned rest = code;
        for (size_t i = length - 1; i > 0; i--, rest >>= 6)
            c[i] = (char)(0x80 | (rest & 0x3f));
        static const unsigned leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
        c[0] = (char)(leads[length] | rest);
        assert_int_equal(utf8_character(c, length), length);
        if (length > 1)
            assert_int_equal(utf8_character(c, length - 1), 0);
        text_append(&all, c, length);
    }
    assert_int_equal(utf8_valid_bytes(all.data, all.length), all.length);
    start_writing();
    json_put_string(&out, all.data, all.length);
    json_t *parsed = finish_parsing();
    assert_string(parsed, all.data, all.length);
    json_decref(parsed);
    text_free(&all);
}

static void what_is_not_utf8_is_found(void **state) {
    (void)state;
    static const char *const bad[] = {"\x80",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "\xe2\x82",
                                      "\xc3(",
                                      "\xf0\x9f\x98"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char bytes[64];
        size_t length = (size_t)snprintf(bytes, sizeof bytes, "0123456789%s", bad[i]);
        assert_int_equal(utf8_valid_bytes(bytes, length), 10);
    }
    start_writing();
    json_put_text_bytes(&out, "a\xff\xc3\xbc\xe2\x82", 6);
    json_t *parsed = finish_parsing();
    assert_string(parsed, "a\xef\xbf\xbd\xc3\xbc\xef\xbf\xbd\xef\xbf\xbd", 12);
    json_decref(parsed);
}

static void base64_is_padded(void **state) {
    (void)state;
    static const char *const expected[] = {"\"\"", "\"Zg==\"", "\"Zm8=\"", "\"Zm9v\"", "\"Zm9vYg==\"", "\"Zm9vYmE=\""};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        text written = {0};
        start_writing();
        json_put_base64(&out, "fooba", i);
        finish_writing(&written);
        assert_string_equal(text_data(&written), expected[i]);
        text_free(&written);
    }
    text written = {0};
    start_writing();
    json_put_base64(&out, "\xff\xfe\x00", 3);
    finish_writing(&written);
    assert_string_equal(text_data(&written), "\"//4A\"");
    text_free(&written);
}

static void a_line_is_complete(void **state) {
    (void)state;
    report about = REPORT_INIT;
    about.target = "local";
    about.command = "a\nb";
    about.command_bytes = 3;
    text written = {0};
    start_writing();
    report_write_json(&about, &out);
    finish_writing(&written);
    assert_string_equal(text_data(&written),
                        "{\"target\":\"local\",\"session\":\"default\",\"index\":0,\"command\":\"a\\nb\","
                        "\"status\":\"skipped\",\"exit_code\":null,\"output\":\"\",\"output_base64\":null,"
                        "\"stderr\":null,\"truncated_bytes\":0,\"duration_ms\":0,\"cwd\":null,\"user\":null,"
                        "\"session_alive\":false,\"error\":null}\n");
    text_free(&written);
}

/* The line for an output of which 10 bytes were dropped after `head_bytes`. */
static json_t *truncated(const char *output, size_t head_bytes) {
    report about = REPORT_INIT;
    about.target = "local";
    about.command = "";
    about.output = output;
    about.output_bytes = strlen(output);
    about.head_bytes = head_bytes;
    about.dropped_bytes = 10;
    start_writing();
    report_write_json(&about, &out);
    return finish_parsing();
}

static void a_cut_through_a_character_keeps_text_text(void **state) {
    (void)state;
    static const struct {
        const char *output;
        size_t head_bytes;
        const char *expected;
        int dropped;
    } cases[] = {
        {"ab\xc3\xa4"
         "cd",
         2,
         "ab\xc3\xa4"
         "cd",
         10},
        {"ab\xe2\x82"
         "cd",
         4, "abcd", 12},
        {"ab\x82\xac"
         "cd",
         2, "abcd", 12},
        {"ab\xf0\x9f\x98"
         "\x80"
         "cd",
         5,
         "ab\xf0\x9f\x98\x80"
         "cd",
         10},
        {"ab\xf0\x9f"
         "\x80"
         "cd",
         4, "abcd", 13},
        {"ab\xff"
         "cd",
         3, NULL, 10},
        {"ab\xff"
         "cdef",
         5, NULL, 10},
        {"abcd\xff"
         "ef",
         2, NULL, 10},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *line = truncated(cases[i].output, cases[i].head_bytes);
        const json_t *output = json_object_get(line, "output");
        if (cases[i].expected)
            assert_string_equal(json_string_value(output), cases[i].expected);
        else
            assert_true(json_is_null(output));
        assert_int_equal(json_is_null(json_object_get(line, "output_base64")), cases[i].expected != NULL);
        assert_int_equal(json_integer_value(json_object_get(line, "truncated_bytes")), cases[i].dropped);
        json_decref(line);
    }
}

static void large_strings_pass_the_buffer(void **state) {
    (void)state;
    enum { length = 300 * 1000 };
    char *bytes = malloc(length);
    assert_non_null(bytes);
    for (size_t i = 0; i < length; i++)
        bytes[i] = "ab\"\n\x01"[i % 5];
    start_writing();
    json_put_string(&out, bytes, length);
    json_t *parsed = finish_parsing();
    assert_string(parsed, bytes, length);
    json_decref(parsed);
    free(bytes);
}

static void messages_are_escaped(void **state) {
    (void)state;
    char shown[64];
    static const char bytes[] = "a\x1b[2J\n\xc3\xbc\xc2\x9b\xff\0z";
    assert_string_equal(escape_text(shown, sizeof shown, bytes, sizeof bytes - 1),
                        "a\\x1b[2J\\n\xc3\xbc\\xc2\\x9b\\xff\\x00z");
    assert_string_equal(escape_text(shown, 16, "0123456789abcdefgh", 18), "0123456789ab...");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_character_comes_back),
        cmocka_unit_test(what_is_not_utf8_is_found),
        cmocka_unit_test(base64_is_padded),
        cmocka_unit_test(a_line_is_complete),
        cmocka_unit_test(a_cut_through_a_character_keeps_text_text),
        cmocka_unit_test(large_strings_pass_the_buffer),
        cmocka_unit_test(messages_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
