/* SPDX-License-Identifier: MIT */
#include "transport/capture.h"

#include "base/failure.h"
#include "loop/loop.h"
#include "transport/child.h"
#include "transport/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct stream {
    int descriptor;
    hostsession_watch *watch;
    bytes text;
} stream;

struct capture {
    hostsession_loop *loop;
    child_process *child;
    capture_done_fn done;
    void *userdata;
    stream streams[2];
    bool exited;
    hostsession_exit how;
};

static void release(capture *c) {
    for (int i = 0; i < 2; i++) {
        stream *s = &c->streams[i];
        hostsession_watch_free(s->watch);
        if (s->descriptor >= 0)
            close(s->descriptor);
        bytes_free(&s->text);
    }
    free(c);
}

/* Read what is there; the stream is closed at its end. */
static void drain(stream *s) {
    char buffer[4096];
    while (s->descriptor >= 0) {
        ssize_t got = read(s->descriptor, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0) {
            hostsession_watch_free(s->watch);
            s->watch = NULL;
            close(s->descriptor);
            s->descriptor = -1;
            return;
        }
        if (bytes_length(&s->text) + (size_t)got < capture_max_bytes)
            bytes_append(&s->text, buffer, (size_t)got);
    }
}

/* Its own children may hold the pipes open for ever: what it wrote itself is there once it has exited. */
static void try_end(capture *c) {
    if (!c->exited)
        return;
    for (int i = 0; i < 2; i++) {
        drain(&c->streams[i]);
        if (bytes_append(&c->streams[i].text, "", 1))
            c->streams[i].text.end--;
    }
    child_end(c->child, 0, NULL);
    c->done(c->userdata, &c->how, &c->streams[0].text, &c->streams[1].text);
    release(c);
}

static void on_readable(void *userdata, unsigned events) {
    (void)events;
    drain(userdata);
}

static void on_exited(void *userdata, const hostsession_exit *how) {
    capture *c = userdata;
    c->exited = true;
    c->how = *how;
    try_end(c);
}

static hostsession_error open_streams(capture *c, int theirs[3], hostsession_failure *failure) {
    theirs[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (theirs[0] < 0)
        return spawn_no_descriptor(failure, errno, "/dev/null");
    for (int i = 0; i < 2; i++) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0)
            return spawn_no_descriptor(failure, errno, "a pipe");
        c->streams[i].descriptor = ends[0];
        theirs[i + 1] = ends[1];
        fcntl(ends[0], F_SETFL, O_NONBLOCK);
        if (hostsession_watch_new(c->loop, ends[0], HOSTSESSION_WATCH_READABLE, on_readable, &c->streams[i],
                                  &c->streams[i].watch) != HOSTSESSION_OK)
            return failure_no_memory(failure, "spawn");
    }
    return HOSTSESSION_OK;
}

static hostsession_error start(capture *c, const transport_program *program, hostsession_failure *failure) {
    spawn_streams streams = {NULL, {-1, -1, -1}};
    pid_t pid;
    hostsession_error error = open_streams(c, streams.descriptors, failure);
    if (error == HOSTSESSION_OK && !(c->child = child_new(c->loop, on_exited, c)))
        error = failure_no_memory(failure, "spawn");
    if (error == HOSTSESSION_OK) {
        error = spawn(program, &streams, &pid, failure);
        if (error == HOSTSESSION_OK)
            error = child_watch(c->child, pid, failure);
        if (error != HOSTSESSION_OK)
            child_free(c->child);
    }
    for (int i = 0; i < 3; i++)
        if (streams.descriptors[i] >= 0)
            close(streams.descriptors[i]);
    return error;
}

hostsession_error capture_start(hostsession_loop *loop, const transport_program *program, capture_done_fn done,
                                void *userdata, capture **ret, hostsession_failure *failure) {
    capture *c = calloc(1, sizeof *c);
    if (!c)
        return failure_no_memory(failure, "spawn");
    c->loop = loop;
    c->done = done;
    c->userdata = userdata;
    c->streams[0].descriptor = c->streams[1].descriptor = -1;
    hostsession_error error = start(c, program, failure);
    if (error != HOSTSESSION_OK)
        release(c);
    else
        *ret = c;
    return error;
}

void capture_cancel(capture *c) {
    if (!c)
        return;
    child_end(c->child, child_pid(c->child), NULL);
    release(c);
}
