/* SPDX-License-Identifier: MIT */
/* What was sent and received, line by line, in a file. */
#ifndef CLI_SESSION_LOG_H
#define CLI_SESSION_LOG_H

#include "writer.h"

#include <hostsession/hostsession.h>

#include <stdint.h>

typedef struct session_log {
    writer file;
    int64_t started_us;
} session_log;

/* Append to `path`, which is made for its owner alone.  NULL: with errno set.  `waits` has the two last arguments of
 * writer_init(). */
session_log *session_log_open(const char *path, const char *target, int wake_descriptor,
                              writer_interrupted_fn interrupted, void *userdata);

/* As hostsession_options.on_transcript has it.  What could not be written is in `file.error`. */
void session_log_write(session_log *log, hostsession_direction direction, const char *bytes, size_t length);

/* Returns the errno of the first write that failed, or 0.  NULL is allowed. */
int session_log_close(session_log *log);

#endif
