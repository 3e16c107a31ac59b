/* SPDX-License-Identifier: MIT */
#include "faulty.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

void faulty_init(faulty *f) {
    *f = (faulty){.cut = {FAULTY_NEVER, FAULTY_NEVER}, .corrupt = {FAULTY_NEVER, FAULTY_NEVER}};
}

static void end_line(faulty *f) {
    hostsession_exit lost = {false, 0, 0};
    f->ended = true;
    hostsession_watch_set_events(f->watch, 0);
    hostsession_watch_set_events(f->turns, 0);
    hostsession_channel_ended(f->channel, &lost, NULL);
}

/* How many of `length` bytes go through, damaged where they are to be. */
static size_t pass(faulty *f, faulty_direction way, char *bytes, size_t length) {
    uint64_t left = f->cut[way] - f->passed[way];
    length = left < length ? (size_t)left : length;
    if (f->corrupt[way] >= f->passed[way] && f->corrupt[way] - f->passed[way] < length)
        bytes[f->corrupt[way] - f->passed[way]] ^= (char)0xff;
    f->passed[way] += length;
    return length;
}

/* Hand over what is held, or its first piece. */
static void hand_over(faulty *f) {
    while (f->held_length && !f->ended) {
        size_t length = f->piece && f->piece < f->held_length ? f->piece : f->held_length;
        char piece[sizeof f->held];
        memcpy(piece, f->held, length);
        f->held_length -= length;
        memmove(f->held, f->held + length, f->held_length);
        length = pass(f, FAULTY_FROM_SHELL, piece, length);
        if (length)
            hostsession_channel_received(f->channel, HOSTSESSION_STREAM_OUTPUT, piece, length);
        if (!f->ended && f->passed[FAULTY_FROM_SHELL] >= f->cut[FAULTY_FROM_SHELL])
            end_line(f);
        if (f->late)
            break;
    }
    bool cut = f->passed[FAULTY_TO_SHELL] >= f->cut[FAULTY_TO_SHELL];
    if (!f->ended)
        hostsession_watch_set_events(f->turns, f->held_length || cut ? HOSTSESSION_WATCH_READABLE : 0);
}

/* Always readable: it comes with each turn for which it is watched. */
static void on_turn(void *userdata, unsigned events) {
    faulty *f = userdata;
    (void)events;
    if (f->passed[FAULTY_TO_SHELL] >= f->cut[FAULTY_TO_SHELL])
        end_line(f);
    else
        hand_over(f);
}

static void on_terminal(void *userdata, unsigned events) {
    faulty *f = userdata;
    if (events & HOSTSESSION_WATCH_WRITABLE) {
        hostsession_watch_set_events(f->watch, HOSTSESSION_WATCH_READABLE);
        hostsession_channel_writable(f->channel);
    }
    if (f->ended || f->held_length == sizeof f->held)
        return;
    ssize_t length = read(f->terminal, f->held + f->held_length, sizeof f->held - f->held_length);
    if (length > 0) {
        f->held_length += (size_t)length;
        hand_over(f);
    } else if (length == 0 || (errno != EAGAIN && errno != EINTR)) {
        end_line(f);
    }
}

static void faulty_close(void *data) {
    faulty *f = data;
    hostsession_watch_free(f->watch);
    hostsession_watch_free(f->turns);
    close(f->turn);
    close(f->terminal);
    kill(f->shell, SIGKILL);
    waitpid(f->shell, NULL, 0);
}

static hostsession_error faulty_open(void *data, hostsession_loop *loop, hostsession_channel *channel,
                                     hostsession_failure *failure) {
    faulty *f = data;
    f->channel = channel;
    f->turn = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    f->shell = forkpty(&f->terminal, NULL, NULL, NULL);
    if (f->shell == 0) {
        execlp("bash", "bash", "--noediting", "--norc", "--noprofile", (char *)NULL);
        _exit(127);
    }
    fcntl(f->terminal, F_SETFL, O_NONBLOCK);
    fcntl(f->terminal, F_SETFD, FD_CLOEXEC);
    if (f->shell < 0 ||
        hostsession_watch_new(loop, f->terminal, HOSTSESSION_WATCH_READABLE, on_terminal, f, &f->watch) !=
            HOSTSESSION_OK ||
        hostsession_watch_new(loop, f->turn, 0, on_turn, f, &f->turns) != HOSTSESSION_OK) {
        failure->error = HOSTSESSION_ERROR_CONNECT;
        snprintf(failure->message, sizeof failure->message, "no shell");
        return failure->error;
    }
    hostsession_channel_opened(channel);
    return HOSTSESSION_OK;
}

static size_t faulty_write(void *data, const char *bytes, size_t length) {
    faulty *f = data;
    char copy[4096];
    size_t some = length < sizeof copy ? length : sizeof copy;
    uint64_t before = f->passed[FAULTY_TO_SHELL];
    memcpy(copy, bytes, some);
    size_t through = pass(f, FAULTY_TO_SHELL, copy, some);
    ssize_t put = through ? write(f->terminal, copy, through) : 0;
    if (put < 0 && errno != EAGAIN && errno != EINTR)
        return length;
    f->passed[FAULTY_TO_SHELL] = before + (put > 0 ? (uint64_t)put : 0);
    if (f->passed[FAULTY_TO_SHELL] >= f->cut[FAULTY_TO_SHELL]) {
        /* The end is told from dispatch. */
        hostsession_watch_set_events(f->turns, HOSTSESSION_WATCH_READABLE);
        return length;
    }
    size_t taken = put > 0 ? (size_t)put : 0;
    if (taken < length)
        hostsession_watch_set_events(f->watch, HOSTSESSION_WATCH_READABLE | HOSTSESSION_WATCH_WRITABLE);
    return taken;
}

hostsession_transport faulty_transport(void) {
    hostsession_transport transport = HOSTSESSION_TRANSPORT_INIT;
    transport.name = "faulty";
    transport.capabilities = HOSTSESSION_TRANSPORT_TTY;
    transport.open = faulty_open;
    transport.write = faulty_write;
    transport.close = faulty_close;
    return transport;
}
