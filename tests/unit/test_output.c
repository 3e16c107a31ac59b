/* SPDX-License-Identifier: MIT */
#include "engine/output.h"
#include "engine/result.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { most_bytes = 400 };

/* The byte at a place; neighbours and places a power of two apart differ. */
static char byte_at(size_t place) {
    return (char)(place * 7 + place / 256);
}

static void append_up_to(output *o, size_t from, size_t to) {
    char piece[most_bytes];
    for (size_t i = from; i < to; i++)
        piece[i - from] = byte_at(i);
    assert_true(output_append(o, piece, to - from));
}

/* The first half of the limit and the last bytes that fill the rest. */
static void check(output *o, size_t limit, size_t total) {
    size_t head, kept = total < limit ? total : limit;
    size_t expected_head = total > limit ? limit / 2 : total;
    assert_int_equal(output_finish(o, &head), total - kept);
    assert_int_equal(o->length, kept);
    assert_int_equal(head, expected_head);
    for (size_t i = 0; i < kept; i++)
        assert_int_equal(o->data[i], byte_at(i < expected_head ? i : total - kept + i));
    if (kept)
        assert_int_equal(o->data[kept], 0);
    output_free(o);
}

static void append_result(hostsession_result *r, hostsession_stream stream, size_t from, size_t to) {
    char piece[most_bytes];
    for (size_t i = from; i < to; i++)
        piece[i - from] = byte_at(i);
    assert_true(result_append(r, stream, piece, to - from));
}

static void check_kept(const output *o, size_t head, size_t total) {
    for (size_t i = 0; i < o->length; i++)
        assert_int_equal(o->data[i], byte_at(i < head ? i : total - o->length + i));
}

static void a_lower_limit_keeps_head_and_tail(void **state) {
    (void)state;
    for (size_t before = 0; before < 70; before++) {
        for (size_t limit = 1; limit < 30; limit++) {
            output o;
            output_init(&o, 30);
            append_up_to(&o, 0, before);
            output_lower_limit(&o, limit);
            append_up_to(&o, before, 100);
            check(&o, limit, 100);
            output_init(&o, 30);
            append_up_to(&o, 0, before);
            output_lower_limit(&o, limit);
            check(&o, limit, before);
        }
    }
}

static void head_and_tail_are_exact_for_every_size(void **state) {
    (void)state;
    for (size_t limit = 1; limit < 40; limit++) {
        for (size_t total = 0; total < 4 * limit + 3; total++) {
            for (size_t piece = 1; piece <= total + 1; piece++) {
                output o;
                output_init(&o, limit);
                for (size_t at = 0; at < total; at += piece)
                    append_up_to(&o, at, at + piece < total ? at + piece : total);
                check(&o, limit, total);
            }
        }
    }
}

static void every_cut_around_the_limit(void **state) {
    (void)state;
    enum { limit = 100 };
    for (size_t one = 0; one <= 220; one++) {
        for (size_t two = one; two <= 220; two += 3) {
            output o;
            output_init(&o, limit);
            append_up_to(&o, 0, one);
            append_up_to(&o, one, two);
            append_up_to(&o, two, 250);
            check(&o, limit, 250);
        }
    }
}

static void no_limit_keeps_all(void **state) {
    (void)state;
    output o;
    output_init(&o, SIZE_MAX);
    for (size_t at = 0; at < 300000; at += 300)
        append_up_to(&o, at, at + 300);
    check(&o, SIZE_MAX, 300000);
}

static void nothing_is_allocated_for_nothing_and_not_more_than_the_limit(void **state) {
    (void)state;
    output o;
    output_init(&o, 1000);
    assert_null(o.data);
    check(&o, 1000, 0);
    output_init(&o, 1000);
    for (size_t at = 0; at < 5000; at += 50) {
        append_up_to(&o, at, at + 50);
        assert_true(o.capacity <= 1001);
    }
    check(&o, 1000, 5000);
}

/* Both streams, in pieces that come in turns: whatever the order, within the limit, head and tail of each. */
static void both_streams_share_the_limit(void **state) {
    (void)state;
    for (size_t limit = 2; limit < 60; limit++) {
        for (size_t piece = 1; piece < 30; piece += 4) {
            for (int first = 0; first < 2; first++) {
                hostsession_result *r = result_new(limit);
                assert_non_null(r);
                for (size_t at = 0; at < 60; at += piece)
                    for (int i = 0; i < 2; i++)
                        append_result(r, (hostsession_stream)(first ^ i), at, at + piece < 60 ? at + piece : 60);
                result_finish(r);
                size_t kept = hostsession_result_output_bytes(r) + hostsession_result_error_output_bytes(r);
                assert_int_equal(hostsession_result_dropped_bytes(r), 120 - kept);
                assert_int_equal(kept, limit);
                check_kept(&r->streams[0], hostsession_result_head_bytes(r), 60);
                check_kept(&r->streams[1], r->streams[1].limit / 2, 60);
                hostsession_result_free(r);
            }
        }
    }
}

/* Nothing is set aside for a stream that stays empty. */
static void one_stream_has_all_of_the_limit(void **state) {
    (void)state;
    for (size_t limit = 1; limit < 60; limit++) {
        hostsession_result *r = result_new(limit);
        assert_non_null(r);
        append_result(r, HOSTSESSION_STREAM_OUTPUT, 0, 100);
        append_result(r, HOSTSESSION_STREAM_ERROR, 0, 0);
        result_finish(r);
        assert_int_equal(hostsession_result_output_bytes(r), limit);
        assert_int_equal(hostsession_result_head_bytes(r), limit / 2);
        check_kept(&r->streams[0], limit / 2, 100);
        hostsession_result_free(r);
    }
}

static void an_empty_result_has_defaults(void **state) {
    (void)state;
    hostsession_result *r = result_new(100);
    assert_non_null(r);
    result_finish(r);
    assert_int_equal(hostsession_result_status(r), HOSTSESSION_STATUS_SKIPPED);
    assert_int_equal(hostsession_result_exit_status(r), -1);
    assert_string_equal(hostsession_result_output(r), "");
    assert_string_equal(hostsession_result_error_output(r), "");
    assert_string_equal(hostsession_result_cwd(r), "");
    assert_int_equal(hostsession_result_head_bytes(r), 0);
    assert_false(hostsession_result_session_alive(r));
    assert_int_equal(hostsession_result_failure(r)->error, HOSTSESSION_OK);
    hostsession_result_free(r);
    hostsession_result_free(NULL);
    assert_string_equal(hostsession_result_output(NULL), "");
    assert_int_equal(hostsession_result_failure(NULL)->error, HOSTSESSION_ERROR_NO_MEMORY);
}

static void every_status_has_a_name(void **state) {
    (void)state;
    assert_string_equal(hostsession_status_name(HOSTSESSION_STATUS_SUCCESS), "success");
    assert_string_equal(hostsession_status_name(HOSTSESSION_STATUS_TIMED_OUT), "timed_out");
    assert_string_equal(hostsession_status_name(HOSTSESSION_STATUS_ERROR), "error");
    assert_string_equal(hostsession_status_name((hostsession_status)99), "unknown");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(head_and_tail_are_exact_for_every_size),
        cmocka_unit_test(a_lower_limit_keeps_head_and_tail),
        cmocka_unit_test(every_cut_around_the_limit),
        cmocka_unit_test(no_limit_keeps_all),
        cmocka_unit_test(nothing_is_allocated_for_nothing_and_not_more_than_the_limit),
        cmocka_unit_test(both_streams_share_the_limit),
        cmocka_unit_test(one_stream_has_all_of_the_limit),
        cmocka_unit_test(an_empty_result_has_defaults),
        cmocka_unit_test(every_status_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
