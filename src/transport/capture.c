/* SPDX-License-Identifier: MIT */
#include "transport/capture.h"

#include "base/failure.h"

#include <stdlib.h>

struct capture {
    transport_oneshot oneshot;
    capture_done_fn done;
    void *userdata;
    bytes streams[2];
};

static void release(capture *c) {
    bytes_free(&c->streams[0]);
    bytes_free(&c->streams[1]);
    free(c);
}

static void on_output(void *owner, hostsession_stream stream, const char *data, size_t length) {
    capture *c = owner;
    if (bytes_length(&c->streams[stream]) + length < capture_max_bytes)
        bytes_append(&c->streams[stream], data, length);
}

static void on_ended(void *owner, const hostsession_exit *how, const hostsession_failure *why) {
    (void)why;
    capture *c = owner;
    for (int i = 0; i < 2; i++)
        if (bytes_append(&c->streams[i], "", 1))
            c->streams[i].end--;
    c->done(c->userdata, how, &c->streams[0], &c->streams[1]);
    release(c);
}

hostsession_error capture_start(hostsession_loop *loop, const transport_program *program, capture_done_fn done,
                                void *userdata, capture **ret, hostsession_failure *failure) {
    static const transport_oneshot_calls calls = {.output = on_output, .ended = on_ended};
    capture *c = calloc(1, sizeof *c);
    if (!c)
        return failure_no_memory(failure, "spawn");
    c->done = done;
    c->userdata = userdata;
    hostsession_error error = transport_start_oneshot(loop, program, false, &calls, c, &c->oneshot, failure);
    if (error != HOSTSESSION_OK)
        release(c);
    else
        *ret = c;
    return error;
}

void capture_cancel(capture *c) {
    if (!c)
        return;
    c->oneshot.end(c->oneshot.data);
    release(c);
}
