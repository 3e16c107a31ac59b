/* SPDX-License-Identifier: MIT */
#include "invocation.h"

#include "cmocka_headers.h"
#include "support/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* How long a test waits before it fails. */
enum { patience_ms = 60 * 1000, argument_limit = 64 };

const char *invocation_program;

static void make_pipe(int ends[2]) {
    if (pipe2(ends, O_CLOEXEC) != 0)
        fail_msg("pipe2: %s", strerror(errno));
}

/* The test program may have been started with signals ignored or blocked. */
static void set_default_signals(posix_spawnattr_t *attributes) {
    sigset_t defaults;
    sigset_t none;
    sigfillset(&defaults);
    sigdelset(&defaults, SIGKILL);
    sigdelset(&defaults, SIGSTOP);
    sigemptyset(&none);
    posix_spawnattr_init(attributes);
    posix_spawnattr_setsigdefault(attributes, &defaults);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
}

void invocation_start(invocation *it, const char *const *arguments) {
    const char *argv[argument_limit + 2] = {invocation_program};
    for (size_t i = 0; i < argument_limit && arguments[i]; i++)
        argv[i + 1] = arguments[i];

    int input[2];
    int output[2];
    int errors[2];
    make_pipe(input);
    make_pipe(output);
    make_pipe(errors);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, errors[1], STDERR_FILENO);
    posix_spawnattr_t attributes;
    set_default_signals(&attributes);
    *it = (invocation){.input = input[1], .output = output[0], .errors = errors[0]};
    int error = posix_spawn(&it->pid, argv[0], &actions, &attributes, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    close(input[0]);
    close(output[1]);
    close(errors[1]);
    if (error)
        fail_msg("%s: %s", argv[0], strerror(error));
}

void invocation_send(invocation *it, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t written = write(it->input, bytes, length);
        if (written < 0)
            fail_msg("writing to its standard input: %s", strerror(errno));
        bytes += written;
        length -= (size_t)written;
    }
}

/* Read what there is; the descriptor becomes -1 at the end. */
static void take(int *descriptor, text *into) {
    char bytes[64 * 1024];
    ssize_t got = read(*descriptor, bytes, sizeof bytes);
    if (got > 0) {
        text_append(into, bytes, (size_t)got);
        return;
    }
    close(*descriptor);
    *descriptor = -1;
}

/* Wait for bytes on either stream.  False when both have ended. */
static bool read_some(invocation *it) {
    if (it->output < 0 && it->errors < 0)
        return false;
    struct pollfd watched[] = {{.fd = it->output, .events = POLLIN}, {.fd = it->errors, .events = POLLIN}};
    if (poll(watched, 2, patience_ms) <= 0)
        fail_msg("no answer for %d s; so far on standard error: %s", patience_ms / 1000, text_data(&it->error_text));
    if (watched[0].revents)
        take(&it->output, &it->output_text);
    if (watched[1].revents)
        take(&it->errors, &it->error_text);
    return true;
}

static bool take_line(invocation *it, text *line) {
    text *from = &it->output_text;
    const char *data = text_data(from);
    const char *end = memchr(data, '\n', from->length);
    if (!end)
        return false;
    text rest = {0};
    text_clear(line);
    text_append(line, data, (size_t)(end - data));
    text_append(&rest, end + 1, from->length - line->length - 1);
    text_free(from);
    *from = rest;
    return true;
}

void invocation_read_line(invocation *it, text *line) {
    while (!take_line(it, line))
        if (!read_some(it))
            fail_msg("it ended without a line; standard error: %s", text_data(&it->error_text));
}

static json_t *parse(const text *line) {
    json_error_t error;
    json_t *parsed = json_loadb(text_data(line), line->length, JSON_ALLOW_NUL, &error);
    if (!parsed)
        fail_msg("not JSON (%s): %s", error.text, text_data(line));
    return parsed;
}

json_t *invocation_read_json(invocation *it) {
    text line = {0};
    invocation_read_line(it, &line);
    json_t *parsed = parse(&line);
    text_free(&line);
    return parsed;
}

json_t *invocation_take_json(invocation *it) {
    text line = {0};
    if (!take_line(it, &line))
        fail_msg("no line is left; standard error: %s", text_data(&it->error_text));
    json_t *parsed = parse(&line);
    text_free(&line);
    return parsed;
}

static void close_input(invocation *it) {
    if (it->input >= 0)
        close(it->input);
    it->input = -1;
}

int invocation_end(invocation *it) {
    close_input(it);
    while (read_some(it))
        continue;
    int status;
    if (!process_wait_end(it->pid, patience_ms))
        fail_msg("it closed its output, but did not end");
    if (waitpid(it->pid, &status, 0) != it->pid)
        fail_msg("waitpid: %s", strerror(errno));
    it->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

int invocation_run(invocation *it, const char *const *arguments) {
    invocation_start(it, arguments);
    return invocation_end(it);
}

void invocation_release(invocation *it) {
    if (it->pid > 0) {
        kill(it->pid, SIGKILL);
        waitpid(it->pid, NULL, 0);
        close_input(it);
        if (it->output >= 0)
            close(it->output);
        if (it->errors >= 0)
            close(it->errors);
    }
    text_free(&it->output_text);
    text_free(&it->error_text);
    *it = (invocation){0};
}

static const json_t *member(const json_t *line, const char *name) {
    const json_t *found = json_object_get(line, name);
    if (!found)
        fail_msg("no member \"%s\"", name);
    return found;
}

void assert_string_member(const json_t *line, const char *name, const char *expected) {
    const char *actual = json_string_value(member(line, name));
    if (!actual || strcmp(actual, expected) != 0)
        fail_msg("\"%s\" is %s, not %s", name, actual ? actual : "no string", expected);
}

void assert_number_member(const json_t *line, const char *name, long long expected) {
    const json_t *actual = member(line, name);
    if (!json_is_integer(actual) || json_integer_value(actual) != expected)
        fail_msg("\"%s\" is %lld, not %lld", name, (long long)json_integer_value(actual), expected);
}

void assert_null_member(const json_t *line, const char *name) {
    if (!json_is_null(member(line, name)))
        fail_msg("\"%s\" is not null", name);
}

void assert_boolean_member(const json_t *line, const char *name, bool expected) {
    const json_t *actual = member(line, name);
    if (!json_is_boolean(actual) || json_is_true(actual) != expected)
        fail_msg("\"%s\" is not %s", name, expected ? "true" : "false");
}

void assert_bytes(const text *actual, const char *expected, size_t length) {
    if (text_equals(actual, expected, length))
        return;
    text shown = {0};
    text_add_escaped(&shown, text_data(actual), actual->length);
    text_add(&shown, " is not ");
    text_add_escaped(&shown, expected, length);
    fail_msg("%s", text_data(&shown));
}

void assert_text(const text *actual, const char *expected) {
    assert_bytes(actual, expected, strlen(expected));
}

void assert_contains(const text *actual, const char *part) {
    if (*part && !text_contains(actual, part))
        fail_msg("\"%s\" is not in: %s", part, text_data(actual));
}
