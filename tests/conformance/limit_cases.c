/* SPDX-License-Identifier: MIT */
/* Bounded memory: head and tail of the output are kept. */
#include "conformance.h"

#include <string.h>

static void check_limited(struct context *t, const char *command, const text *all, size_t limit, int status) {
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.max_output_bytes = limit;
    hostsession_error error;
    const hostsession_result *result = run_raw(t, command, &options, &error);
    if (!CHECK(t, error == HOSTSESSION_OK, "got %s", hostsession_error_name(error)))
        return;
    size_t kept = hostsession_result_output_bytes(result);
    size_t head = hostsession_result_head_bytes(result);
    const char *output = hostsession_result_output(result);
    CHECK(t, hostsession_result_exit_status(result) == status, "exit %d", hostsession_result_exit_status(result));
    CHECK(t, kept <= limit, "kept %zu of at most %zu", kept, limit);
    CHECK(t, kept + hostsession_result_dropped_bytes(result) == all->length, "kept %zu, dropped %llu of %zu", kept,
          (unsigned long long)hostsession_result_dropped_bytes(result), all->length);
    if (!CHECK(t, head <= kept, "head %zu of %zu", head, kept))
        return;
    CHECK(t, memcmp(output, all->data, head) == 0, "the head differs");
    CHECK(t, memcmp(output + head, all->data + all->length - (kept - head), kept - head) == 0, "the tail differs");
    CHECK(t, all->length <= limit ? kept == all->length : kept >= limit / 2, "limit %zu: kept only %zu", limit, kept);
    if (all->length > limit && limit >= 100)
        CHECK(t, head >= limit / 10 && kept - head >= limit / 10, "limit %zu: head %zu, tail %zu", limit, head,
              kept - head);
}

static void head_and_tail(struct context *t) {
    text all = {0};
    for (int i = 1; i <= 20000; i++)
        text_printf(&all, "%d\n", i);
    static const size_t limits[] = {1, 2, 3, 100, 1000, 4096, 65536, 100000};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        check_limited(t, "seq 1 20000; (exit 3)", &all, limits[i], 3);
    check_limited(t, "seq 1 20000", &all, all.length - 1, 0);
    check_limited(t, "seq 1 20000", &all, all.length, 0);
    check_limited(t, "seq 1 20000", &all, all.length + 1, 0);
    check_limited(t, "seq 1 20000", &all, HOSTSESSION_UNLIMITED, 0);
    text_free(&all);
    IN_SYNC(t);
}

/* The session's limit holds where the command has none of its own, for both streams together. */
static void of_the_session(struct context *t) {
    t->opening.options.max_output_bytes = 1000;
    if (!open_session(t))
        return;
    hostsession_error error;
    const hostsession_result *result = run_raw(t, "seq 1 5000; seq 1 5000 >&2", NULL, &error);
    size_t kept = hostsession_result_output_bytes(result) + hostsession_result_error_output_bytes(result);
    CHECK(t, error == HOSTSESSION_OK && kept <= 1000 && kept + hostsession_result_dropped_bytes(result) == 2 * 23893,
          "got %s, kept %zu, dropped %llu", hostsession_error_name(error), kept,
          (unsigned long long)hostsession_result_dropped_bytes(result));
    IN_SYNC(t);
}

static void streams_everything(void *userdata, hostsession_stream stream, const char *bytes, size_t length) {
    (void)stream;
    text_append(userdata, bytes, length);
}

/* What is dropped from the result was still streamed. */
static void streamed_all_the_same(struct context *t) {
    text streamed = {0};
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.max_output_bytes = 10;
    options.on_output = streams_everything;
    options.userdata = &streamed;
    hostsession_error error;
    run_raw(t, "seq 1 30000", &options, &error);
    text all = {0};
    for (int i = 1; i <= 30000; i++)
        text_printf(&all, "%d\n", i);
    CHECK(t, error == HOSTSESSION_OK && text_equals(&streamed, all.data, all.length), "got %s, %zu bytes of %zu",
          hostsession_error_name(error), streamed.length, all.length);
    text_free(&streamed);
    text_free(&all);
}

static const struct conformance_case limit_cases_table[] = {
    {"limit-head-and-tail", head_and_tail, 0, 0, 0},
    {"limit-of-the-session", of_the_session, 0, 0, OPENS_ITSELF},
    {"limit-streamed-all-the-same", streamed_all_the_same, 0, 0, 0},
};

CASE_GROUP(limit_cases);
