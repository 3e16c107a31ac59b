/* SPDX-License-Identifier: MIT */
/* A program on a terminal of its own. */
#include "transport/transport.h"

#include "base/failure.h"
#include "loop/loop.h"
#include "transport/child.h"
#include "transport/foreground.h"
#include "transport/program.h"
#include "transport/spawn.h"
#include "transport/terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    /* A read of a terminal returns at most 4,095 bytes; one that returns less than this has emptied it, or the writer
     * is slower than we are: no need to ask for the EAGAIN. */
    full_read_bytes = 2048,
    /* After the program's end: what it wrote is in the kernel's buffers, which are smaller.  More comes from others. */
    drain_bytes = 1024 * 1024,
    /* For a program that has closed its terminal to end. */
    patience_us = 1000 * 1000,
};

typedef struct pty_transport {
    transport_program *program;
    hostsession_loop *loop;
    hostsession_channel *channel;
    hostsession_watch *watch;
    child_process *child;
    foreground foreground;
    int master;
    bool wants_write;
    /* Nothing more can be read. */
    bool drained;
    bool exited;
    bool ended;
    bool waits_for_exit;
    hostsession_exit how;
    size_t drain_left;
    loop_timer patience;
    loop_task go_on;
    struct termios modes;
} pty_transport;

static void update_events(pty_transport *pty) {
    unsigned events = 0;
    if (!pty->drained)
        events |= HOSTSESSION_WATCH_READABLE;
    if (pty->wants_write && !pty->drained)
        events |= HOSTSESSION_WATCH_WRITABLE;
    hostsession_watch_set_events(pty->watch, events);
}

/* Read until the terminal is empty, or the turn's share is read.  Sets `drained` when nothing is to come any more. */
static size_t fill(pty_transport *pty, char *buffer) {
    size_t most = loop_read_buffer_bytes;
    if (pty->exited && pty->drain_left < most)
        most = pty->drain_left;
    size_t filled = 0;
    while (filled < most) {
        ssize_t got = read(pty->master, buffer + filled, most - filled);
        if (got > 0) {
            filled += (size_t)got;
            if (got < full_read_bytes && !pty->exited)
                return filled;
        } else if (got == 0 || errno != EINTR) {
            /* EIO: nobody has the slave open.  After the program's end, EAGAIN is an end, too: a process that it left
             * in the background may have the slave open for ever. */
            pty->drained = got == 0 || errno != EAGAIN || pty->exited;
            break;
        }
    }
    if (pty->exited) {
        pty->drain_left -= filled;
        if (pty->drain_left == 0)
            pty->drained = true;
    }
    return filled;
}

/* Once all is read and the program is reaped. */
static void try_end(pty_transport *pty) {
    if (!pty->drained || pty->ended)
        return;
    update_events(pty);
    if (!pty->exited && pty->waits_for_exit)
        return;
    if (!pty->exited) {
        pty->waits_for_exit = true;
        loop_timer_set(&pty->patience, loop_now_us(pty->loop) + patience_us);
        return;
    }
    pty->ended = true;
    loop_timer_stop(&pty->patience);
    loop_unpost(&pty->go_on);
    hostsession_channel_ended(pty->channel, &pty->how, NULL);
}

/* Returns whether the session wants more; if not, the transport may be gone. */
static bool read_turn(pty_transport *pty) {
    if (pty->drained)
        return true;
    char *buffer = loop_read_buffer(pty->loop);
    size_t filled = fill(pty, buffer);
    /* At the end the descriptor may stay silent: go on from a task, whatever the session does meanwhile. */
    if (pty->exited || pty->drained)
        loop_post(pty->loop, &pty->go_on);
    return filled == 0 || hostsession_channel_received(pty->channel, HOSTSESSION_STREAM_OUTPUT, buffer, filled);
}

static void on_go_on(loop_task *task) {
    pty_transport *pty = list_item(task, pty_transport, go_on);
    if (pty->ended)
        return;
    if (!pty->drained && !read_turn(pty))
        return;
    try_end(pty);
}

static void on_ready(void *userdata, unsigned events) {
    pty_transport *pty = userdata;
    if ((events & HOSTSESSION_WATCH_READABLE) && !read_turn(pty))
        return;
    if (pty->drained) {
        try_end(pty);
        return;
    }
    if ((events & HOSTSESSION_WATCH_WRITABLE) && pty->wants_write) {
        pty->wants_write = false;
        update_events(pty);
        hostsession_channel_writable(pty->channel);
    }
}

static void on_exited(void *userdata, const hostsession_exit *how) {
    pty_transport *pty = userdata;
    pty->exited = true;
    pty->how = *how;
    pty->drain_left = drain_bytes;
    on_go_on(&pty->go_on);
}

static void on_patience_over(loop_timer *timer) {
    pty_transport *pty = list_item(timer, pty_transport, patience);
    child_signal(pty->child, SIGKILL);
}

static void release(pty_transport *pty) {
    loop_unpost(&pty->go_on);
    loop_timer_destroy(&pty->patience);
    hostsession_watch_free(pty->watch);
    pty->watch = NULL;
    if (pty->master >= 0)
        close(pty->master);
    pty->master = -1;
}

static hostsession_error start(pty_transport *pty, hostsession_failure *failure) {
    char path[terminal_path_bytes];
    hostsession_error error = terminal_open(&pty->master, path, &pty->modes, failure);
    if (error != HOSTSESSION_OK)
        return error;
    if (pty->program->echo) {
        struct termios modes = pty->modes;
        modes.c_lflag |= ECHO | ECHOCTL;
        tcsetattr(pty->master, TCSANOW, &modes);
    }
    if (!loop_timer_init(&pty->patience, pty->loop, on_patience_over) ||
        hostsession_watch_new(pty->loop, pty->master, HOSTSESSION_WATCH_READABLE, on_ready, pty, &pty->watch) !=
            HOSTSESSION_OK)
        return failure_no_memory(failure, "spawn");
    pty->child = child_new(pty->loop, on_exited, pty);
    if (!pty->child)
        return failure_no_memory(failure, "spawn");
    pty->foreground = (foreground){.master = pty->master, .child = pty->child};
    pid_t pid;
    error = spawn(pty->program, &(spawn_streams){.terminal = path}, &pid, failure);
    if (error == HOSTSESSION_OK)
        error = child_watch(pty->child, pid, failure);
    if (error != HOSTSESSION_OK)
        child_free(pty->child);
    return error;
}

static hostsession_error pty_open(void *data, hostsession_loop *loop, hostsession_channel *channel,
                                  hostsession_failure *failure) {
    pty_transport *pty = data;
    pty->loop = loop;
    pty->channel = channel;
    hostsession_error error = start(pty, failure);
    if (error != HOSTSESSION_OK) {
        release(pty);
        return error;
    }
    hostsession_channel_opened(channel);
    return HOSTSESSION_OK;
}

static void pty_begin(void *data) {
    foreground_begin(&((pty_transport *)data)->foreground);
}

static size_t pty_write(void *data, const char *bytes, size_t length) {
    pty_transport *pty = data;
    /* It has shown that it is back. */
    foreground_let_go(&pty->foreground);
    ssize_t put;
    do
        put = write(pty->master, bytes, length);
    while (put < 0 && errno == EINTR);
    /* A broken terminal takes everything: its end is noticed by reading. */
    if (put < 0 && errno != EAGAIN)
        return length;
    if (put < 0)
        put = 0;
    if ((size_t)put < length) {
        pty->wants_write = true;
        update_events(pty);
    }
    return (size_t)put;
}

static bool pty_signal(void *data, hostsession_signal signal) {
    pty_transport *pty = data;
    return !pty->exited && foreground_signal(&pty->foreground, signal);
}

static bool is_same(const struct termios *one, const struct termios *other) {
    return one->c_iflag == other->c_iflag && one->c_oflag == other->c_oflag && one->c_cflag == other->c_cflag &&
           one->c_lflag == other->c_lflag && memcmp(one->c_cc, other->c_cc, sizeof one->c_cc) == 0;
}

static bool pty_reset_terminal(void *data) {
    pty_transport *pty = data;
    struct termios modes;
    if (!terminal_get_modes(pty->master, &modes))
        return false;
    return is_same(&modes, &pty->modes) || tcsetattr(pty->master, TCSANOW, &pty->modes) == 0;
}

static bool pty_terminal_changed(void *data) {
    pty_transport *pty = data;
    struct termios modes;
    return terminal_get_modes(pty->master, &modes) && !is_same(&modes, &pty->modes);
}

static int pty_echoes(void *data) {
    pty_transport *pty = data;
    struct termios modes;
    if (!terminal_get_modes(pty->master, &modes))
        return -1;
    /* A program that takes each key by itself may echo by itself. */
    if (!(modes.c_lflag & (ECHO | ICANON)))
        return -1;
    return (modes.c_lflag & ECHO) != 0;
}

/* poll() looks for what is still on its way between the two ends, too. */
static bool pty_has_more(void *data) {
    struct pollfd master = {.fd = ((pty_transport *)data)->master, .events = POLLIN};
    return poll(&master, 1, 0) > 0;
}

static void pty_close(void *data) {
    pty_transport *pty = data;
    /* Before the terminal is hung up, while it still knows its foreground. */
    child_end(pty->child, foreground_group(&pty->foreground), NULL);
    release(pty);
}

static void pty_close_running(void *data, bool jobs) {
    pty_transport *pty = data;
    if (pty->exited) {
        pty_close(pty);
        return;
    }
    foreground_end(&pty->foreground, jobs);
    release(pty);
}

static void pty_shell_pid(void *data, unsigned depth, int64_t pid) {
    foreground_note_shell(&((pty_transport *)data)->foreground, depth, pid);
}

static bool pty_end_inner(void *data, unsigned depth) {
    return foreground_end_inner(&((pty_transport *)data)->foreground, depth);
}

static bool pty_is_terminal_of(void *data, pid_t pid) {
    const pty_transport *pty = data;
    return getsid(pid) == child_pid(pty->child);
}

static void pty_free(void *data) {
    pty_transport *pty = data;
    free(pty->program);
    free(pty);
}

hostsession_error transport_make_pty(const transport_program *program, transport_made *ret,
                                     hostsession_failure *failure) {
    pty_transport *pty = calloc(1, sizeof *pty);
    if (!pty)
        return failure_no_memory(failure, "spawn");
    hostsession_error error = program_copy(program, &pty->program, failure);
    if (error != HOSTSESSION_OK) {
        free(pty);
        return error;
    }
    pty->master = -1;
    pty->go_on.run = on_go_on;
    ret->interface = (hostsession_transport){.struct_size = sizeof(hostsession_transport),
                                             .name = "pty",
                                             .capabilities = HOSTSESSION_TRANSPORT_TTY,
                                             .open = pty_open,
                                             .begin = pty_begin,
                                             .write = pty_write,
                                             .signal = pty_signal,
                                             .reset_terminal = pty_reset_terminal,
                                             .echoes = pty_echoes,
                                             .terminal_changed = pty_terminal_changed,
                                             .close = pty_close};
    ret->data = pty;
    ret->free = pty_free;
    ret->sees_foreground = true;
    ret->is_terminal_of = pty_is_terminal_of;
    ret->has_more = pty_has_more;
    ret->shell_pid = pty_shell_pid;
    ret->end_inner = pty_end_inner;
    ret->close_running = pty_close_running;
    return HOSTSESSION_OK;
}
