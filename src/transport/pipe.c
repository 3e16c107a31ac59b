/* SPDX-License-Identifier: MIT */
/* A program on three pipes, in a session of its own and without a terminal.
 *
 * We keep the reading end of its standard input open, too: a write then never meets a pipe without a reader, and with
 * it SIGPIPE, which would be the caller's.  That the program has ended is learned from the process. */
#include "transport/transport.h"

#include "base/failure.h"
#include "loop/loop.h"
#include "transport/child.h"
#include "transport/processes.h"
#include "transport/program.h"
#include "transport/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    /* A pipe grows when it is found full: a large one halves the cost of bulk output, but what all pipes of a user may
     * hold is limited (fs.pipe-user-pages-soft), and over that the user's new pipes are tiny. */
    pipe_bytes = 64 * 1024,
    grown_pipe_bytes = 1024 * 1024,
    /* For a program that has closed its output to end. */
    patience_us = 1000 * 1000,
    /* How often is looked whether a child of the shell's has become its program, and how long. */
    starting_us = 5 * 1000,
    most_starting_us = 250 * 1000,
    stream_count = 2,
    /* Interrupts that are not sent, since the shell is about to answer. */
    most_spared = 4,
};

/* One of the program's outputs. */
typedef struct pipe_output {
    struct pipe_transport *transport;
    hostsession_stream stream;
    int descriptor;
    hostsession_watch *watch;
    bool grown;
    /* Nothing more is to come. */
    bool drained;
    /* After the program's end: what was in the pipe at that moment.  More comes from others. */
    size_t drain_left;
} pipe_output;

typedef struct pipe_transport {
    transport_program *program;
    hostsession_loop *loop;
    hostsession_channel *channel;
    child_process *child;
    int input;
    int input_reader;
    hostsession_watch *input_watch;
    pipe_output outputs[stream_count];
    bool exited;
    bool ended;
    bool waits_for_exit;
    /* CLOCK_BOOTTIME of the last command's beginning: what it starts comes later. */
    uint64_t command_ns;
    bool interrupted; /* the command was */
    bool typed_since; /* something, after that */
    int spared;       /* interrupts */
    int kills;
    /* Bytes: all that were written; and of these, up to the command's end, 0 while that is not written, what the shell
     * must have read before an interrupt. */
    uint64_t written;
    uint64_t must_be_read;
    hostsession_exit how;
    loop_timer patience;
    loop_timer starting; /* a child: what is typed waits, */
    int64_t held_us;     /* since then; 0: it does not */
    loop_task go_on;
} pipe_transport;

static void update_events(const pipe_output *output) {
    hostsession_watch_set_events(output->watch, output->drained ? 0 : HOSTSESSION_WATCH_READABLE);
}

static size_t read_output(pipe_output *output, char *buffer, size_t most) {
    bool exited = output->transport->exited;
    if (exited && output->drain_left < most)
        most = output->drain_left;
    ssize_t got;
    do
        got = most > 0 ? read(output->descriptor, buffer, most) : 0;
    while (got < 0 && errno == EINTR);
    if (got <= 0) {
        output->drained = got == 0 || errno != EAGAIN || exited;
        return 0;
    }
    if (exited) {
        output->drain_left -= (size_t)got;
        output->drained = output->drain_left == 0;
    }
    if (got >= pipe_bytes && !output->grown && !exited) {
        output->grown = true;
        fcntl(output->descriptor, F_SETPIPE_SZ, grown_pipe_bytes);
    }
    return (size_t)got;
}

/* Returns whether the session wants more; if not, the transport may be gone. */
static bool read_turn(pipe_output *output) {
    pipe_transport *transport = output->transport;
    if (output->drained)
        return true;
    char *buffer = loop_read_buffer(transport->loop);
    size_t got = read_output(output, buffer, loop_read_buffer_bytes);
    if (output->drained)
        update_events(output);
    /* At the end the descriptor may stay silent: go on from a task, whatever the session does meanwhile. */
    if (transport->exited || output->drained)
        loop_post(transport->loop, &transport->go_on);
    return got == 0 || hostsession_channel_received(transport->channel, output->stream, buffer, got);
}

/* Once all is read and the program is reaped. */
static void try_end(pipe_transport *transport) {
    if (!transport->outputs[0].drained || !transport->outputs[1].drained || transport->ended)
        return;
    if (!transport->exited) {
        if (!transport->waits_for_exit)
            loop_timer_set(&transport->patience, loop_now_us(transport->loop) + patience_us);
        transport->waits_for_exit = true;
        return;
    }
    transport->ended = true;
    loop_timer_stop(&transport->patience);
    loop_timer_stop(&transport->starting);
    loop_unpost(&transport->go_on);
    hostsession_channel_ended(transport->channel, &transport->how, NULL);
}

static void on_go_on(loop_task *task) {
    pipe_transport *transport = list_item(task, pipe_transport, go_on);
    if (transport->ended)
        return;
    for (int i = 0; i < stream_count && transport->exited; i++)
        if (!read_turn(&transport->outputs[i]))
            return;
    try_end(transport);
}

static void on_readable(void *userdata, unsigned events) {
    (void)events;
    pipe_output *output = userdata;
    pipe_transport *transport = output->transport;
    if (read_turn(output))
        try_end(transport);
}

static void on_writable(void *userdata, unsigned events) {
    (void)events;
    pipe_transport *transport = userdata;
    hostsession_watch_set_events(transport->input_watch, 0);
    hostsession_channel_writable(transport->channel);
}

/* A shell that was killed did not wait for what it ran, and there is no terminal to hang that up. */
static void hang_up_foreground(pid_t shell) {
    processes_choice choice = {.session = shell,
                               .group = shell,
                               .sure_after_ticks = UINT64_MAX,
                               .spare_ignoring = PROCESSES_SIGNAL_BIT(SIGINT) | PROCESSES_SIGNAL_BIT(SIGQUIT)};
    processes_signal(&choice, SIGHUP);
}

static void on_exited(void *userdata, const hostsession_exit *how) {
    pipe_transport *transport = userdata;
    transport->exited = true;
    transport->how = *how;
    for (int i = 0; i < stream_count; i++) {
        int available = 0;
        ioctl(transport->outputs[i].descriptor, FIONREAD, &available);
        transport->outputs[i].drain_left = (size_t)available;
    }
    if (how->signal != 0)
        hang_up_foreground(child_pid(transport->child));
    on_go_on(&transport->go_on);
}

static void on_patience_over(loop_timer *timer) {
    child_signal(list_item(timer, pipe_transport, patience)->child, SIGKILL);
}

static void on_started(loop_timer *timer) {
    hostsession_channel_writable(list_item(timer, pipe_transport, starting)->channel);
}

static void close_descriptor(int *descriptor) {
    if (*descriptor >= 0)
        close(*descriptor);
    *descriptor = -1;
}

static void free_watch(hostsession_watch **watch) {
    hostsession_watch_free(*watch);
    *watch = NULL;
}

static void release(pipe_transport *transport) {
    loop_unpost(&transport->go_on);
    loop_timer_destroy(&transport->patience);
    loop_timer_destroy(&transport->starting);
    free_watch(&transport->input_watch);
    close_descriptor(&transport->input);
    close_descriptor(&transport->input_reader);
    for (int i = 0; i < stream_count; i++) {
        free_watch(&transport->outputs[i].watch);
        close_descriptor(&transport->outputs[i].descriptor);
    }
}

/* Away from 0, 1 and 2, which a caller may have closed: in the program they are overwritten in turn. */
static int above_standard(int descriptor) {
    if (descriptor > STDERR_FILENO)
        return descriptor;
    int moved = fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int why = errno;
    close(descriptor);
    errno = why;
    return moved;
}

/* A pipe whose end `ours` does not block; the other is to be the program's.  -1 and errno. */
static int make_pipe(int *ret_reader, int *ret_writer, int ours) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    *ret_reader = above_standard(ends[0]);
    int reader_errno = errno;
    *ret_writer = above_standard(ends[1]);
    if (*ret_reader < 0)
        errno = reader_errno;
    if (*ret_reader < 0 || *ret_writer < 0)
        return -1;
    return fcntl(ours == 0 ? *ret_reader : *ret_writer, F_SETFL, O_NONBLOCK);
}

static hostsession_error watch_all(pipe_transport *transport, hostsession_failure *failure) {
    hostsession_error error =
        hostsession_watch_new(transport->loop, transport->input, 0, on_writable, transport, &transport->input_watch);
    for (int i = 0; i < stream_count && error == HOSTSESSION_OK; i++) {
        pipe_output *output = &transport->outputs[i];
        error = hostsession_watch_new(transport->loop, output->descriptor, HOSTSESSION_WATCH_READABLE, on_readable,
                                      output, &output->watch);
    }
    return error == HOSTSESSION_OK ? error : failure_no_memory(failure, "spawn");
}

static hostsession_error start(pipe_transport *transport, const spawn_streams *streams, hostsession_failure *failure) {
    if (!loop_timer_init(&transport->patience, transport->loop, on_patience_over) ||
        !loop_timer_init(&transport->starting, transport->loop, on_started))
        return failure_no_memory(failure, "spawn");
    hostsession_error error = watch_all(transport, failure);
    if (error != HOSTSESSION_OK)
        return error;
    transport->child = child_new(transport->loop, on_exited, transport);
    if (!transport->child)
        return failure_no_memory(failure, "spawn");
    pid_t pid;
    error = spawn(transport->program, streams, &pid, failure);
    if (error == HOSTSESSION_OK)
        error = child_watch(transport->child, pid, failure);
    if (error != HOSTSESSION_OK)
        child_free(transport->child);
    return error;
}

static hostsession_error pipe_open(void *data, hostsession_loop *loop, hostsession_channel *channel,
                                   hostsession_failure *failure) {
    pipe_transport *transport = data;
    transport->loop = loop;
    transport->channel = channel;
    spawn_streams streams = {NULL, {-1, -1, -1}};
    hostsession_error error = HOSTSESSION_OK;
    if (make_pipe(&transport->input_reader, &transport->input, 1) != 0 ||
        make_pipe(&transport->outputs[0].descriptor, &streams.descriptors[1], 0) != 0 ||
        make_pipe(&transport->outputs[1].descriptor, &streams.descriptors[2], 0) != 0)
        error = spawn_no_descriptor(failure, errno, "a pipe");
    streams.descriptors[0] = transport->input_reader;
    if (error == HOSTSESSION_OK)
        error = start(transport, &streams, failure);
    close_descriptor(&streams.descriptors[1]);
    close_descriptor(&streams.descriptors[2]);
    if (error != HOSTSESSION_OK) {
        release(transport);
        return error;
    }
    hostsession_channel_opened(channel);
    return HOSTSESSION_OK;
}

/* A command comes after the output of the one before it: give back what that needed. */
static void shrink_outputs(pipe_transport *transport) {
    for (int i = 0; i < stream_count; i++)
        if (transport->outputs[i].grown) {
            transport->outputs[i].grown = false;
            fcntl(transport->outputs[i].descriptor, F_SETPIPE_SZ, pipe_bytes);
        }
}

static void pipe_begin(void *data) {
    pipe_transport *transport = data;
    shrink_outputs(transport);
    transport->command_ns = processes_boottime_ns();
    transport->kills = transport->spared = 0;
    transport->interrupted = transport->typed_since = false;
    transport->must_be_read = 0;
    transport->held_us = 0;
}

/* A shell that is interrupted as it starts a program forgets it: the program was not there yet, and runs on.  Before
 * the first sync is typed: what that starts, ksh93 must see end as it likes.  Background jobs ignore these signals.
 * Returns false while it is too early: what is not the program yet, or the job, takes a signal as the shell does. */
static bool interrupt_forgotten(pipe_transport *transport) {
    int64_t now = loop_now_us(transport->loop);
    if (!transport->held_us)
        transport->held_us = now;
    if (now < transport->held_us + most_starting_us && processes_has_starting_child(child_pid(transport->child))) {
        loop_timer_set(&transport->starting, now + starting_us);
        return false;
    }
    transport->typed_since = true;
    processes_choice choice = {.session = child_pid(transport->child),
                               .since_ticks = processes_ticks(transport->command_ns),
                               .sure_after_ticks = UINT64_MAX,
                               .spare_ignoring = PROCESSES_SIGNAL_BIT(SIGINT) | PROCESSES_SIGNAL_BIT(SIGQUIT)};
    processes_signal(&choice, SIGINT);
    return true;
}

static size_t pipe_write(void *data, const char *bytes, size_t length) {
    pipe_transport *transport = data;
    if (transport->interrupted && !transport->typed_since && !interrupt_forgotten(transport))
        return 0;
    ssize_t put;
    do
        put = write(transport->input, bytes, length);
    while (put < 0 && errno == EINTR);
    if (put < 0 && errno != EAGAIN)
        return length;
    if (put < 0)
        put = 0;
    transport->written += (uint64_t)put;
    if ((size_t)put < length)
        hostsession_watch_set_events(transport->input_watch, HOSTSESSION_WATCH_WRITABLE);
    else if (transport->must_be_read == 0)
        transport->must_be_read = transport->written;
    return (size_t)put;
}

/* What the running command has started, and not the background jobs of earlier ones. */
static bool signal_command(pipe_transport *transport, int number) {
    uint64_t since_ticks = processes_ticks(transport->command_ns);
    processes_choice choice = {.session = child_pid(transport->child),
                               .since_ticks = since_ticks,
                               /* A background job may have been started just before: it is spared at first. */
                               .sure_after_ticks = since_ticks - (since_ticks > 0 && transport->kills > 1),
                               .spare_ignoring = PROCESSES_SIGNAL_BIT(SIGINT) | PROCESSES_SIGNAL_BIT(SIGQUIT),
                               .children = true,
                               .at_least_newest = true};
    return processes_signal(&choice, number);
}

static uint64_t unread_bytes(const pipe_transport *transport) {
    int left = 0;
    return ioctl(transport->input_reader, FIONREAD, &left) == 0 ? (uint64_t)left : 0;
}

/* Whether the command's line is still being read: interrupted there, the shell would throw away its beginning, and run
 * the rest, which is quoted text, as commands. */
static bool is_reading(const pipe_transport *transport) {
    return transport->must_be_read == 0 || transport->written - unread_bytes(transport) < transport->must_be_read;
}

/* As a terminal does at ^C: what was typed behind the command, half a line of it perhaps, is lost with the signal. */
static void discard_input(const pipe_transport *transport) {
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere < 0)
        return;
    /* The reading end is the shell's own, and blocks; this does not. */
    while (splice(transport->input_reader, NULL, nowhere, NULL, pipe_bytes, SPLICE_F_NONBLOCK) > 0)
        continue;
    close(nowhere);
}

/* Returns whether the shell is left alone.  What was typed before the first signal is a line: while all of it lies
 * there the shell still runs the command.  Once it was read the shell is back, and its answer comes; unless it reads
 * ahead. */
static bool spares_answer(pipe_transport *transport) {
    uint64_t ahead = transport->typed_since ? 0 : transport->written - transport->must_be_read;
    uint64_t left = unread_bytes(transport);
    if (transport->interrupted && ahead > 0 && left == 0)
        return transport->spared++ < most_spared;
    if (transport->interrupted && left != ahead)
        discard_input(transport);
    return false;
}

static bool pipe_signal(void *data, hostsession_signal signal) {
    pipe_transport *transport = data;
    if (transport->exited)
        return false;
    switch (signal) {
    case HOSTSESSION_SIGNAL_INTERRUPT:
        if (transport->kills == 0 && is_reading(transport))
            return false;
        if (spares_answer(transport))
            return true;
        transport->interrupted = true;
        /* To the whole group, as ^C on a terminal: an interactive shell survives it, and gives up its loops. */
        return kill(-child_pid(transport->child), SIGINT) == 0;
    case HOSTSESSION_SIGNAL_QUIT:
        return signal_command(transport, SIGQUIT);
    case HOSTSESSION_SIGNAL_KILL:
        transport->kills++;
        return signal_command(transport, SIGKILL);
    }
    return false;
}

/* What the shell wrote to standard error before what we have just read of its output is in the other pipe by now.  The
 * loop's buffer holds that output still. */
static void pipe_catch_up(void *data) {
    pipe_transport *transport = data;
    pipe_output *output = &transport->outputs[HOSTSESSION_STREAM_ERROR];
    char buffer[16 * 1024];
    size_t total = 0;
    size_t got = 1;
    while (got > 0 && total < grown_pipe_bytes && !output->drained) {
        got = read_output(output, buffer, sizeof buffer);
        total += got;
        if (got > 0)
            hostsession_channel_received(transport->channel, output->stream, buffer, got);
    }
    if (output->drained) {
        update_events(output);
        loop_post(transport->loop, &transport->go_on);
    }
}

static void pipe_close(void *data) {
    pipe_transport *transport = data;
    child_end(transport->child, child_pid(transport->child), NULL);
    release(transport);
}

static void pipe_close_running(void *data, bool jobs) {
    pipe_transport *transport = data;
    if (transport->exited) {
        pipe_close(transport);
        return;
    }
    processes_choice rest = processes_of_command(child_pid(transport->child), transport->command_ns, jobs,
                                                 PROCESSES_SIGNAL_BIT(SIGHUP) | PROCESSES_SIGNAL_BIT(SIGINT) |
                                                     PROCESSES_SIGNAL_BIT(SIGQUIT));
    /* It starts nothing more, and does not go on behind what is killed. */
    child_signal(transport->child, SIGSTOP);
    processes_signal(&rest, SIGKILL);
    child_end(transport->child, child_pid(transport->child), &rest);
    release(transport);
}

static void pipe_free(void *data) {
    pipe_transport *transport = data;
    free(transport->program);
    free(transport);
}

hostsession_error transport_make_pipe(const transport_program *program, transport_made *ret,
                                      hostsession_failure *failure) {
    pipe_transport *transport = calloc(1, sizeof *transport);
    if (!transport)
        return failure_no_memory(failure, "spawn");
    hostsession_error error = program_copy(program, &transport->program, failure);
    if (error != HOSTSESSION_OK) {
        free(transport);
        return error;
    }
    transport->input = transport->input_reader = -1;
    for (int i = 0; i < stream_count; i++) {
        transport->outputs[i].transport = transport;
        transport->outputs[i].stream = (hostsession_stream)i;
        transport->outputs[i].descriptor = -1;
    }
    transport->go_on.run = on_go_on;
    ret->interface = (hostsession_transport){.struct_size = sizeof(hostsession_transport),
                                             .name = "pipe",
                                             .capabilities = HOSTSESSION_TRANSPORT_ERROR_STREAM,
                                             .open = pipe_open,
                                             .begin = pipe_begin,
                                             .write = pipe_write,
                                             .signal = pipe_signal,
                                             .close = pipe_close,
                                             .catch_up = pipe_catch_up};
    ret->data = transport;
    ret->free = pipe_free;
    ret->sees_foreground = true;
    ret->close_running = pipe_close_running;
    return HOSTSESSION_OK;
}
