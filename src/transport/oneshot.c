/* SPDX-License-Identifier: MIT */
/* A program that runs once: its outputs on pipes, nothing to read. */
#include "transport/transport.h"

#include "base/failure.h"
#include "loop/loop.h"
#include "transport/child.h"
#include "transport/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

typedef struct stream {
    struct oneshot *oneshot;
    hostsession_stream number;
    int descriptor;
    hostsession_watch *watch;
} stream;

typedef struct oneshot {
    hostsession_loop *loop;
    const transport_oneshot_calls *calls;
    void *owner;
    child_process *child;
    stream streams[2];
} oneshot;

static void close_stream(stream *s) {
    hostsession_watch_free(s->watch);
    s->watch = NULL;
    if (s->descriptor >= 0)
        close(s->descriptor);
    s->descriptor = -1;
}

static void release(oneshot *o) {
    close_stream(&o->streams[0]);
    close_stream(&o->streams[1]);
    free(o);
}

/* Returns how much came; the stream is closed at its end. */
static size_t read_once(stream *s, size_t most) {
    oneshot *o = s->oneshot;
    char *buffer = loop_read_buffer(o->loop);
    ssize_t got;
    do
        got = read(s->descriptor, buffer, most < loop_read_buffer_bytes ? most : loop_read_buffer_bytes);
    while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN)
        return 0;
    if (got <= 0) {
        close_stream(s);
        return 0;
    }
    o->calls->output(o->owner, s->number, buffer, (size_t)got);
    return (size_t)got;
}

static void on_readable(void *userdata, unsigned events) {
    (void)events;
    read_once(userdata, SIZE_MAX);
}

/* What is in the pipes now, and not what is written meanwhile. */
static void drain(oneshot *o) {
    int left[2] = {0, 0};
    for (int i = 0; i < 2; i++)
        if (o->streams[i].descriptor >= 0)
            ioctl(o->streams[i].descriptor, FIONREAD, &left[i]);
    for (int i = 0; i < 2; i++)
        for (size_t more = (size_t)left[i], got = 1; more > 0 && got > 0; more -= got)
            got = read_once(&o->streams[i], more);
}

/* What it has started may hold the pipes open for ever, and write there: what it wrote itself is in them by now. */
static void on_exited(void *userdata, const hostsession_exit *how) {
    oneshot *o = userdata;
    const transport_oneshot_calls *calls = o->calls;
    void *owner = o->owner;
    const hostsession_exit copy = *how;
    drain(o);
    child_end(o->child, 0, NULL);
    release(o);
    if (copy.known) {
        calls->ended(owner, &copy, NULL);
        return;
    }
    hostsession_failure why;
    failure_set(&why, HOSTSESSION_ERROR_DISCONNECTED, 0, "command",
                "the exit status of the command was taken by another part of this program, which waits for all "
                "children or ignores SIGCHLD");
    calls->ended(owner, &copy, &why);
}

static hostsession_error open_stream(oneshot *o, stream *s, int *theirs, hostsession_failure *failure) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return spawn_no_descriptor(failure, errno, "a pipe");
    s->descriptor = ends[0];
    /* Away from 0, 1 and 2, which are overwritten in turn where it is started. */
    *theirs = fcntl(ends[1], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int why = errno;
    close(ends[1]);
    if (*theirs < 0)
        return spawn_no_descriptor(failure, why, "a pipe");
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    hostsession_error error =
        hostsession_watch_new(o->loop, s->descriptor, HOSTSESSION_WATCH_READABLE, on_readable, s, &s->watch);
    return error ? failure_no_memory(failure, "spawn") : HOSTSESSION_OK;
}

static hostsession_error open_streams(oneshot *o, bool merged, int theirs[3], hostsession_failure *failure) {
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    theirs[0] = nothing >= 0 ? fcntl(nothing, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) : -1;
    int why = errno;
    if (nothing >= 0)
        close(nothing);
    if (theirs[0] < 0)
        return spawn_no_descriptor(failure, why, "/dev/null");
    hostsession_error error = open_stream(o, &o->streams[0], &theirs[1], failure);
    if (!error && !merged)
        error = open_stream(o, &o->streams[1], &theirs[2], failure);
    return error;
}

static hostsession_error start(oneshot *o, const transport_program *program, bool merged,
                               hostsession_failure *failure) {
    int theirs[3] = {-1, -1, -1};
    pid_t pid;
    hostsession_error error = open_streams(o, merged, theirs, failure);
    if (!error && !(o->child = child_new(o->loop, on_exited, o)))
        error = failure_no_memory(failure, "spawn");
    if (!error) {
        const spawn_streams streams = {NULL, {theirs[0], theirs[1], merged ? theirs[1] : theirs[2]}};
        error = spawn(program, &streams, &pid, failure);
        if (!error)
            error = child_watch(o->child, pid, failure);
        if (error)
            child_free(o->child);
    }
    for (int i = 0; i < 3; i++)
        if (theirs[i] >= 0)
            close(theirs[i]);
    return error;
}

static void end(void *data) {
    oneshot *o = data;
    pid_t pid = child_pid(o->child);
    /* All of its session, once it can start no more. */
    const processes_choice rest = {.session = pid};
    kill(-pid, SIGKILL);
    drain(o);
    child_end(o->child, pid, &rest);
    release(o);
}

hostsession_error transport_start_oneshot(hostsession_loop *loop, const transport_program *program, bool merged,
                                          const transport_oneshot_calls *calls, void *owner, transport_oneshot *ret,
                                          hostsession_failure *failure) {
    oneshot *o = calloc(1, sizeof *o);
    if (!o)
        return failure_no_memory(failure, "spawn");
    o->loop = loop;
    o->calls = calls;
    o->owner = owner;
    for (int i = 0; i < 2; i++)
        o->streams[i] = (stream){.oneshot = o, .number = (hostsession_stream)i, .descriptor = -1};
    hostsession_error error = start(o, program, merged, failure);
    if (error)
        release(o);
    else
        *ret = (transport_oneshot){.data = o, .started = true, .end = end};
    return error;
}
