/* SPDX-License-Identifier: MIT */
#include "session_log.h"

#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void put_text(session_log *log, const char *bytes, size_t length) {
    /* Each byte becomes four at most; a piece may end within a character, whose bytes are then escaped. */
    enum { piece_bytes = 4096 };
    char escaped[4 * piece_bytes + 16];
    for (size_t piece; length > 0; bytes += piece, length -= piece) {
        piece = length < piece_bytes ? length : piece_bytes;
        escape_text(escaped, sizeof escaped, bytes, piece);
        writer_put(&log->file, escaped, strlen(escaped));
    }
}

static void put_head(session_log *log, const char *target) {
    char head[64];
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    size_t length = strftime(head, sizeof head, "# %Y-%m-%dT%H:%M:%SZ ", &utc);
    writer_put(&log->file, head, length);
    put_text(log, target, strlen(target));
    writer_put(&log->file, "\n", 1);
    writer_flush(&log->file);
}

session_log *session_log_open(const char *path, const char *target, int wake_descriptor,
                              writer_interrupted_fn interrupted, void *userdata) {
    /* A FIFO that nobody reads is refused, not waited for. */
    int descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    if (descriptor < 0)
        return NULL;
    fcntl(descriptor, F_SETFL, O_APPEND);
    session_log *log = malloc(sizeof *log);
    if (!log) {
        close(descriptor);
        errno = ENOMEM;
        return NULL;
    }
    writer_init(&log->file, descriptor, wake_descriptor, interrupted, userdata);
    log->started_us = now_us();
    put_head(log, target);
    return log;
}

void session_log_write(session_log *log, hostsession_direction direction, const char *bytes, size_t length) {
    char head[48];
    int64_t at = now_us() - log->started_us;
    int head_length = snprintf(head, sizeof head, "%4lld.%06d %c ", (long long)(at / 1000000), (int)(at % 1000000),
                               direction == HOSTSESSION_SENT ? '>' : '<');
    while (length > 0) {
        const char *newline = memchr(bytes, '\n', length);
        size_t piece = newline ? (size_t)(newline + 1 - bytes) : length;
        writer_put(&log->file, head, (size_t)head_length);
        put_text(log, bytes, piece);
        writer_put(&log->file, "\n", 1);
        bytes += piece;
        length -= piece;
    }
    writer_flush(&log->file);
}

int session_log_close(session_log *log) {
    if (!log)
        return 0;
    int error = log->file.error;
    /* Some file systems tell of a full disk only here. */
    if (close(log->file.descriptor) != 0 && !error)
        error = errno;
    free(log);
    return error;
}
