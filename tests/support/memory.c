/* SPDX-License-Identifier: MIT */
/* The transport's side: bytes to and from the session.  What the peer makes of them is in memory_shell.c. */
#include "memory.h"

#include "memory_shell.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct memory {
    memory_options options;
    memory_record seen;
    memory_shell *shell;
    hostsession_channel *channel;
    hostsession_watch *watch;
    int wake;
    bool is_open;
    bool connected;
    bool held;
    bool stalled;
    bool writable_due;
    bool hang_up_in_write;
    bool ended;
    bool end_due;
    hostsession_exit how;
    char *hold_at;
    /* Not delivered yet. */
    text out[2];
};

/* ---- from the loop ---- */

static bool has_work(const memory *m) {
    if (!m->is_open || m->held || m->ended)
        return false;
    return !m->connected || (m->writable_due && !m->stalled) || m->out[0].length || m->out[1].length || m->end_due;
}

/* The descriptor is readable as long as there is work. */
static void wake(memory *m) {
    uint64_t value = 1;
    if (m->wake < 0)
        return;
    if (has_work(m))
        (void)!write(m->wake, &value, sizeof value);
    else
        (void)!read(m->wake, &value, sizeof value);
}

static void deliver(memory *m, hostsession_stream stream) {
    text *out = &m->out[stream];
    size_t length = out->length;
    if (m->options.chunk_bytes && length > m->options.chunk_bytes)
        length = m->options.chunk_bytes;
    char *bytes = allocate(length + 1);
    memcpy(bytes, out->data, length);
    text rest = {0};
    text_append(&rest, out->data + length, out->length - length);
    text_free(out);
    *out = rest;
    hostsession_channel_received(m->channel, stream, bytes, length);
    free(bytes);
}

static void end(memory *m) {
    m->end_due = false;
    m->ended = true;
    hostsession_channel_ended(m->channel, &m->how, NULL);
}

/* One thing a turn. */
static void on_ready(void *userdata, unsigned events) {
    memory *m = userdata;
    (void)events;
    if (!has_work(m)) {
        wake(m);
        return;
    }
    if (!m->connected) {
        m->connected = true;
        hostsession_channel_opened(m->channel);
    } else if (m->writable_due && !m->stalled) {
        m->writable_due = false;
        hostsession_channel_writable(m->channel);
    } else if (m->out[0].length) {
        deliver(m, HOSTSESSION_STREAM_OUTPUT);
    } else if (m->out[1].length) {
        deliver(m, HOSTSESSION_STREAM_ERROR);
    } else {
        end(m);
    }
    wake(m);
}

/* ---- from the session ---- */

static hostsession_error on_open(void *data, hostsession_loop *loop, hostsession_channel *channel,
                                 hostsession_failure *failure) {
    memory *m = data;
    m->seen.opens++;
    if (m->options.refuse_open) {
        *failure = (hostsession_failure){HOSTSESSION_ERROR_CONNECT, 0, "memory", "the memory refused"};
        return failure->error;
    }
    m->channel = channel;
    m->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (hostsession_watch_new(loop, m->wake, HOSTSESSION_WATCH_READABLE, on_ready, m, &m->watch) != HOSTSESSION_OK) {
        close(m->wake);
        m->wake = -1;
        *failure = (hostsession_failure){HOSTSESSION_ERROR_NO_MEMORY, 0, "memory", "out of memory"};
        return failure->error;
    }
    m->is_open = true;
    m->connected = !m->options.open_later;
    if (m->connected)
        hostsession_channel_opened(channel);
    wake(m);
    return HOSTSESSION_OK;
}

static size_t on_write(void *data, const char *bytes, size_t length) {
    memory *m = data;
    m->seen.writes++;
    m->seen.misused |= !m->is_open || !m->connected || length > SIZE_MAX / 2;
    if (m->hang_up_in_write) {
        m->hang_up_in_write = false;
        end(m);
    }
    if (m->ended)
        return length;
    size_t taken = m->stalled ? 0 : length;
    if (m->options.write_bytes && taken > m->options.write_bytes)
        taken = m->options.write_bytes;
    m->writable_due = taken < length;
    text_append(&m->seen.typed, bytes, taken);
    if (!m->options.mute)
        memory_shell_typed(m->shell, bytes, taken);
    if (m->options.delivers_in_write && m->out[0].length)
        deliver(m, HOSTSESSION_STREAM_OUTPUT);
    /* They are the transport's to the end of the call. */
    m->seen.misused |= taken && memcmp(m->seen.typed.data + m->seen.typed.length - taken, bytes, taken) != 0;
    wake(m);
    return taken;
}

static bool on_signal(void *data, hostsession_signal signal) {
    memory *m = data;
    m->seen.misused |= !m->is_open;
    m->seen.signals[signal]++;
    bool stopped = memory_shell_signal(m->shell, signal);
    wake(m);
    return stopped;
}

static bool on_reset(void *data) {
    memory *m = data;
    m->seen.misused |= !m->is_open;
    m->seen.resets++;
    memory_shell_set_echo(m->shell, false);
    return true;
}

static int on_echoes(void *data) {
    const memory *m = data;
    return memory_shell_echoes(m->shell);
}

static void on_close(void *data) {
    memory *m = data;
    m->seen.closes++;
    m->seen.misused |= !m->is_open;
    m->is_open = false;
    hostsession_watch_free(m->watch);
    m->watch = NULL;
    close(m->wake);
    m->wake = -1;
}

static void on_release(void *data) {
    memory *m = data;
    m->seen.releases++;
    m->seen.misused |= m->is_open;
}

/* ---- from the peer ---- */

static void on_printed(void *owner, hostsession_stream stream, const char *bytes, size_t length) {
    memory *m = owner;
    text_append(&m->out[stream], bytes, length);
}

static void on_shell_ended(void *owner, const hostsession_exit *how) {
    memory_hang_up(owner, how);
}

static void on_command(void *owner, const char *command) {
    memory *m = owner;
    if (m->hold_at && strstr(command, m->hold_at))
        m->held = true;
}

/* ---- from the test ---- */

memory *memory_new(const memory_options *options) {
    memory *m = allocate(sizeof *m);
    memset(m, 0, sizeof *m);
    if (options)
        m->options = *options;
    m->wake = -1;
    static const memory_shell_events events = {on_printed, on_shell_ended, on_command};
    m->shell = memory_shell_new(&events, m, m->options.pipe, m->options.echo);
    return m;
}

void memory_free(memory *m) {
    if (!m)
        return;
    memory_shell_free(m->shell);
    text_free(&m->out[0]);
    text_free(&m->out[1]);
    text_free(&m->seen.typed);
    free(m->hold_at);
    free(m);
}

hostsession_transport memory_transport(const memory *m) {
    hostsession_transport interface = HOSTSESSION_TRANSPORT_INIT;
    interface.name = "memory";
    interface.capabilities = m->options.pipe ? HOSTSESSION_TRANSPORT_ERROR_STREAM : HOSTSESSION_TRANSPORT_TTY;
    interface.open = on_open;
    interface.write = on_write;
    interface.signal = m->options.signals ? on_signal : NULL;
    interface.reset_terminal = m->options.knows_terminal ? on_reset : NULL;
    interface.echoes = m->options.knows_terminal ? on_echoes : NULL;
    interface.close = on_close;
    interface.release = on_release;
    return interface;
}

hostsession_options memory_session(memory *m, hostsession_loop *loop) {
    /* Copied when the session is opened; each thread has its own. */
    static _Thread_local hostsession_transport interface;
    interface = memory_transport(m);
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    options.loop = loop;
    options.mode = m->options.pipe ? HOSTSESSION_MODE_PIPE : HOSTSESSION_MODE_TTY;
    options.transport = &interface;
    options.transport_data = m;
    return options;
}

const memory_record *memory_seen(const memory *m) {
    return &m->seen;
}

void memory_hold(memory *m, bool hold) {
    m->held = hold;
    wake(m);
}

void memory_hold_at(memory *m, const char *part) {
    free(m->hold_at);
    m->hold_at = part ? strdup(part) : NULL;
}

void memory_stall(memory *m, bool stall) {
    m->stalled = stall;
    wake(m);
}

void memory_say(memory *m, hostsession_stream stream, const void *bytes, size_t length) {
    text_append(&m->out[stream], bytes, length);
    wake(m);
}

void memory_finish(memory *m, int status) {
    memory_shell_finish(m->shell, status);
    wake(m);
}

void memory_hang_up(memory *m, const hostsession_exit *how) {
    m->end_due = true;
    m->how = how ? *how : (hostsession_exit){false, 0, 0};
    wake(m);
}

void memory_hang_up_in_write(memory *m) {
    m->hang_up_in_write = true;
}

void memory_set_echo(memory *m, bool echo) {
    memory_shell_set_echo(m->shell, echo);
}

bool memory_waits(const memory *m) {
    return memory_shell_waits(m->shell);
}
