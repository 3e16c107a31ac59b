/* SPDX-License-Identifier: MIT */
#include "engine/result.h"

#include "base/failure.h"

#include <stdlib.h>

hostsession_result *result_new(size_t max_output_bytes) {
    hostsession_result *result = calloc(1, sizeof *result);
    if (!result)
        return NULL;
    result->status = HOSTSESSION_STATUS_SKIPPED;
    result->exit_status = -1;
    result->failure = (hostsession_failure)HOSTSESSION_FAILURE_INIT;
    result_set_limit(result, max_output_bytes);
    return result;
}

void result_set_limit(hostsession_result *result, size_t max_output_bytes) {
    output_init(&result->streams[HOSTSESSION_STREAM_OUTPUT], max_output_bytes);
    output_init(&result->streams[HOSTSESSION_STREAM_ERROR], max_output_bytes);
}

bool result_append(hostsession_result *result, hostsession_stream stream, const char *data, size_t length) {
    output *errors = &result->streams[HOSTSESSION_STREAM_ERROR];
    /* Most commands write one stream.  Once standard error comes it gets a quarter of the limit that is for both. */
    if (stream == HOSTSESSION_STREAM_ERROR && errors->total == 0 && length && errors->limit != SIZE_MAX) {
        size_t quarter = errors->limit / 4 ? errors->limit / 4 : 1;
        size_t rest = errors->limit > quarter ? errors->limit - quarter : 1;
        output_lower_limit(&result->streams[HOSTSESSION_STREAM_OUTPUT], rest);
        output_lower_limit(errors, quarter);
    }
    return output_append(&result->streams[stream], data, length);
}

void result_finish(hostsession_result *result) {
    size_t head;
    result->dropped_bytes = output_finish(&result->streams[HOSTSESSION_STREAM_OUTPUT], &result->head_bytes);
    result->dropped_bytes += output_finish(&result->streams[HOSTSESSION_STREAM_ERROR], &head);
}

/* A call that ran out of memory before there was a result: the getters take NULL for it. */
static const hostsession_failure no_result = {HOSTSESSION_ERROR_NO_MEMORY, 0, "command", "out of memory"};

hostsession_status hostsession_result_status(const hostsession_result *result) {
    return result ? result->status : HOSTSESSION_STATUS_ERROR;
}

int hostsession_result_exit_status(const hostsession_result *result) {
    return result ? result->exit_status : -1;
}

static const char *text_of(const hostsession_result *result, hostsession_stream stream) {
    const char *text = result ? result->streams[stream].data : NULL;
    return text ? text : "";
}

const char *hostsession_result_output(const hostsession_result *result) {
    return text_of(result, HOSTSESSION_STREAM_OUTPUT);
}

size_t hostsession_result_output_bytes(const hostsession_result *result) {
    return result ? result->streams[HOSTSESSION_STREAM_OUTPUT].length : 0;
}

const char *hostsession_result_error_output(const hostsession_result *result) {
    return text_of(result, HOSTSESSION_STREAM_ERROR);
}

size_t hostsession_result_error_output_bytes(const hostsession_result *result) {
    return result ? result->streams[HOSTSESSION_STREAM_ERROR].length : 0;
}

uint64_t hostsession_result_dropped_bytes(const hostsession_result *result) {
    return result ? result->dropped_bytes : 0;
}

size_t hostsession_result_head_bytes(const hostsession_result *result) {
    return result ? result->head_bytes : 0;
}

uint64_t hostsession_result_duration_us(const hostsession_result *result) {
    return result ? result->duration_us : 0;
}

const char *hostsession_result_cwd(const hostsession_result *result) {
    return result && result->cwd ? result->cwd : "";
}

bool hostsession_result_session_alive(const hostsession_result *result) {
    return result && result->session_alive;
}

const hostsession_failure *hostsession_result_failure(const hostsession_result *result) {
    return result ? &result->failure : &no_result;
}

void hostsession_result_free(hostsession_result *result) {
    if (!result)
        return;
    output_free(&result->streams[0]);
    output_free(&result->streams[1]);
    free(result->cwd);
    free(result);
}

const char *hostsession_status_name(hostsession_status status) {
    static const char *const names[] = {"success",     "failed", "timed_out", "shell_exited",
                                        "interrupted", "lost",   "skipped",   "error"};
    size_t index = (size_t)status;
    return index < sizeof names / sizeof names[0] ? names[index] : "unknown";
}
