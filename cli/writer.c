/* SPDX-License-Identifier: MIT */
#include "writer.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

void writer_init(writer *out, int descriptor, int wake_descriptor, writer_interrupted_fn interrupted, void *userdata) {
    out->descriptor = descriptor;
    out->error = 0;
    out->wake_descriptor = wake_descriptor;
    out->interrupted = interrupted;
    out->userdata = userdata;
    out->used = 0;
}

/* For a descriptor that someone made non-blocking. */
static void wait_writable(const writer *out) {
    struct pollfd watched[] = {
        {.fd = out->descriptor, .events = POLLOUT},
        {.fd = out->wake_descriptor, .events = POLLIN},
    };
    poll(watched, 2, -1);
}

void writer_write(writer *out, const char *bytes, size_t length) {
    while (length > 0 && !out->error) {
        ssize_t written = write(out->descriptor, bytes, length);
        if (written >= 0) {
            bytes += written;
            length -= (size_t)written;
            if (length == 0)
                return;
        } else if (errno == EAGAIN)
            wait_writable(out);
        else if (errno != EINTR) {
            out->error = errno;
            return;
        }
        /* A short write, too, may be the work of a signal. */
        if (!out->interrupted(out->userdata))
            out->error = EINTR;
    }
}

void writer_flush(writer *out) {
    writer_write(out, out->buffer, out->used);
    out->used = 0;
}

void writer_put(writer *out, const char *bytes, size_t length) {
    while (length > 0) {
        size_t room = sizeof out->buffer - out->used;
        size_t piece = length < room ? length : room;
        memcpy(out->buffer + out->used, bytes, piece);
        out->used += piece;
        bytes += piece;
        length -= piece;
        if (out->used == sizeof out->buffer)
            writer_flush(out);
    }
}
