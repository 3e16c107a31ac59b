/* SPDX-License-Identifier: MIT */
/* The inside of hostsession_result. */
#ifndef ENGINE_RESULT_H
#define ENGINE_RESULT_H

#include "engine/output.h"

#include <hostsession/result.h>
#include <hostsession/transport.h>

struct hostsession_result {
    hostsession_status status;
    int exit_status;
    hostsession_failure failure;
    output streams[2]; /* by hostsession_stream */
    size_t head_bytes;
    uint64_t dropped_bytes;
    uint64_t duration_us;
    char *cwd;
    bool session_alive;
};

/* A result for a command that was not sent yet: skipped. */
hostsession_result *result_new(size_t max_output_bytes);

/* Before anything is appended. */
void result_set_limit(hostsession_result *result, size_t max_output_bytes);

/* Keep output within the limit, which is for both streams together; false without memory. */
bool result_append(hostsession_result *result, hostsession_stream stream, const char *data, size_t length);

/* Put the output in order; once, when nothing more will be appended. */
void result_finish(hostsession_result *result);

#endif
