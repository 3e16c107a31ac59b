/* SPDX-License-Identifier: MIT */
/* A session's end of a transport, for the transports' tests: keeps what arrives, and finds what is left behind. */
#ifndef TEST_TRANSPORT_CHANNEL_H
#define TEST_TRANSPORT_CHANNEL_H

#include "loop/loop.h"
#include "transport/transport.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Bounds a wait that does not end by itself. */
enum { patience_us = 30 * 1000 * 1000, stream_count = 2 };

typedef hostsession_error (*make_fn)(const transport_program *program, transport_made *ret,
                                     hostsession_failure *failure);

struct hostsession_channel {
    hostsession_loop *loop;
    transport_made made;
    bool open;
    bool opened;
    bool ended;
    hostsession_exit how;
    int writable;
    /* What was received; with `count_only` only how much. */
    bool count_only;
    char *bytes[stream_count];
    size_t length[stream_count];
    /* What to do in hostsession_channel_received(). */
    bool close_at_bytes;
};

static inline void channel_close(hostsession_channel *channel) {
    if (!channel->open)
        return;
    channel->open = false;
    channel->made.interface.close(channel->made.data);
    channel->made.free(channel->made.data);
}

void hostsession_channel_opened(hostsession_channel *channel) {
    assert_false(channel->opened);
    channel->opened = true;
}

static inline void keep(hostsession_channel *channel, hostsession_stream stream, const char *bytes, size_t length) {
    size_t old = channel->length[stream];
    channel->length[stream] += length;
    if (channel->count_only)
        return;
    channel->bytes[stream] = realloc(channel->bytes[stream], old + length + 1);
    assert_non_null(channel->bytes[stream]);
    memcpy(channel->bytes[stream] + old, bytes, length);
    channel->bytes[stream][old + length] = 0;
}

static inline void channel_forget(hostsession_channel *channel) {
    channel->length[0] = 0;
    channel->bytes[0][0] = 0;
}

bool hostsession_channel_received(hostsession_channel *channel, hostsession_stream stream, const char *bytes,
                                  size_t length) {
    assert_true(channel->opened);
    assert_false(channel->ended);
    assert_true(length > 0);
    keep(channel, stream, bytes, length);
    if (channel->close_at_bytes) {
        channel_close(channel);
        return false;
    }
    return true;
}

void hostsession_channel_writable(hostsession_channel *channel) {
    channel->writable++;
}

void hostsession_channel_ended(hostsession_channel *channel, const hostsession_exit *how,
                               const hostsession_failure *failure) {
    assert_false(channel->ended);
    assert_null(failure);
    channel->ended = true;
    channel->how = *how;
}

static inline hostsession_error channel_try_open(hostsession_channel *channel, make_fn make,
                                                 const transport_program *program, hostsession_failure *failure) {
    hostsession_error error = make(program, &channel->made, failure);
    if (error != HOSTSESSION_OK)
        return error;
    error = channel->made.interface.open(channel->made.data, channel->loop, channel, failure);
    if (error != HOSTSESSION_OK)
        channel->made.free(channel->made.data);
    channel->open = error == HOSTSESSION_OK;
    return error;
}

/* `arguments` end with NULL. */
static inline void channel_open(hostsession_channel *channel, make_fn make, const char *const *arguments) {
    static const char *const environment[] = {"PS1=", "PS2=", "ENV=", "LC_ALL=C", NULL};
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    transport_program program = {arguments, environment, NULL, false};
    if (channel_try_open(channel, make, &program, &why) != HOSTSESSION_OK)
        fail_msg("%s", why.message);
    assert_true(channel->opened);
}

#define CHANNEL_OPEN(channel, make, ...) channel_open(channel, make, (const char *const[]){__VA_ARGS__, NULL})

static inline void channel_write(hostsession_channel *channel, const char *text) {
    assert_int_equal(channel->made.interface.write(channel->made.data, text, strlen(text)), strlen(text));
}

static inline bool channel_has(const hostsession_channel *channel, hostsession_stream stream, const char *text) {
    return channel->bytes[stream] && memmem(channel->bytes[stream], channel->length[stream], text, strlen(text));
}

/* Drive the loop until `condition`. */
#define CHANNEL_WAIT(channel, condition)                                                                               \
    do {                                                                                                               \
        loop_update_now((channel)->loop);                                                                              \
        int64_t until_us = loop_now_us((channel)->loop) + patience_us;                                                 \
        while (!(condition) && loop_now_us((channel)->loop) < until_us)                                                \
            hostsession_loop_run_once((channel)->loop, 1000);                                                          \
        if (!(condition))                                                                                              \
            fail_msg("waited in vain for %s; received: %s", #condition,                                                \
                     (channel)->bytes[0] ? (channel)->bytes[0] : "nothing");                                           \
    } while (0)

#define CHANNEL_WAIT_TEXT(channel, text) CHANNEL_WAIT(channel, channel_has(channel, HOSTSESSION_STREAM_OUTPUT, text))

/* The number after `label` in the output, once its line is complete. */
static inline int channel_number(hostsession_channel *channel, const char *label) {
    const char *found = NULL;
    CHANNEL_WAIT(channel, channel->bytes[0] && (found = strstr(channel->bytes[0], label)) != NULL &&
                              strchr(found, '\n') != NULL);
    return atoi(found + strlen(label));
}

static inline void channel_wait_ended(hostsession_channel *channel, int exit_status, int signal_number) {
    CHANNEL_WAIT(channel, channel->ended);
    assert_true(channel->how.known);
    assert_int_equal(channel->how.exit_status, exit_status);
    assert_int_equal(channel->how.signal, signal_number);
}

static inline bool channel_signal(hostsession_channel *channel, hostsession_signal signal_asked) {
    return channel->made.interface.signal(channel->made.data, signal_asked);
}

/* ---- What is left behind --------------------------------------------------------------------------------------- */

static inline int count_descriptors(void) {
    DIR *directory = opendir("/proc/self/fd");
    assert_non_null(directory);
    int count = 0;
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

/* Neither gone nor a zombie. */
static inline bool process_lives(pid_t pid) {
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    ssize_t got = read(file, text, sizeof text - 1);
    close(file);
    text[got > 0 ? got : 0] = 0;
    const char *state = strrchr(text, ')');
    return state && state[2] != 'Z' && state[2] != 'X';
}

/* Wait until a process has become the program `name`: it has set its signals then, too. */
static inline void process_wait_name(pid_t pid, const char *name) {
    char path[64], text[64] = "";
    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    for (int waited_ms = 0; waited_ms < patience_us / 1000; waited_ms++) {
        int file = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(file >= 0);
        ssize_t got = read(file, text, sizeof text - 1);
        close(file);
        text[got > 0 ? got - 1 : 0] = 0;
        if (strcmp(text, name) == 0)
            return;
        poll(NULL, 0, 1);
    }
    fail_msg("process %d is %s, not %s", (int)pid, text, name);
}

/* Wait for the end of a process that is, or soon becomes, our orphan (channel_setup), and reap it. */
static inline void process_wait_gone(pid_t pid) {
    for (int waited_ms = 0; waited_ms < patience_us / 1000; waited_ms++) {
        if (waitpid(pid, NULL, WNOHANG) == pid || kill(pid, 0) != 0)
            return;
        poll(NULL, 0, 1);
    }
    fail_msg("process %d lives on", (int)pid);
}

static inline void process_kill(pid_t pid) {
    assert_true(process_lives(pid));
    kill(pid, SIGKILL);
    process_wait_gone(pid);
}

typedef struct channel_state {
    hostsession_channel channel;
    int descriptors;
} channel_state;

static inline int channel_setup(void **state) {
    /* Orphans come to this process, so that their end can be waited for. */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    /* The first loop leaves libuv's own descriptors behind. */
    hostsession_loop *first;
    if (hostsession_loop_new(&first, NULL) != HOSTSESSION_OK)
        return -1;
    hostsession_loop_free(first);
    channel_state *made = calloc(1, sizeof *made);
    if (!made)
        return -1;
    made->descriptors = count_descriptors();
    if (hostsession_loop_new(&made->channel.loop, NULL) != HOSTSESSION_OK)
        return -1;
    *state = made;
    return 0;
}

/* Nothing may be left: no descriptor, no child. */
static inline int channel_teardown(void **state) {
    channel_state *made = *state;
    channel_close(&made->channel);
    hostsession_loop_free(made->channel.loop);
    int descriptors = count_descriptors();
    bool clean = descriptors == made->descriptors && waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD;
    if (!clean)
        print_error("left behind: %d descriptors, or a child\n", descriptors - made->descriptors);
    for (int i = 0; i < stream_count; i++)
        free(made->channel.bytes[i]);
    free(made);
    return clean ? 0 : -1;
}

#define CHANNEL_TEST(name) cmocka_unit_test_setup_teardown(name, channel_setup, channel_teardown)

#endif
