/* SPDX-License-Identifier: MIT */
#include "context.h"

#include "../support/folder.h"
#include "../support/process.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What lives until the case ends. */
struct scrap {
    struct scrap *next;
    text words;
    hostsession_result *result;
};

static struct scrap *keep(struct context *t) {
    struct scrap *scrap = allocate(sizeof *scrap);
    scrap->next = t->scraps;
    t->scraps = scrap;
    return scrap;
}

static void release(struct context *t) {
    while (t->scraps) {
        struct scrap *scrap = t->scraps;
        t->scraps = scrap->next;
        text_free(&scrap->words);
        hostsession_result_free(scrap->result);
        free(scrap);
    }
    text_free(&t->unsolicited);
    text_free(&t->sent);
    text_free(&t->received);
    text_free(&t->log);
}

const char *say(struct context *t, const char *format, ...) {
    struct scrap *scrap = keep(t);
    char piece[4096];
    va_list list;
    va_start(list, format);
    int length = vsnprintf(piece, sizeof piece, format, list);
    va_end(list);
    if (length < 0 || (size_t)length >= sizeof piece) {
        char *all = allocate((size_t)length + 1);
        va_start(list, format);
        vsnprintf(all, (size_t)length + 1, format, list);
        va_end(list);
        text_add(&scrap->words, all);
        free(all);
    } else {
        text_add(&scrap->words, piece);
    }
    return text_data(&scrap->words);
}

const char *repeat(struct context *t, const char *part, size_t count) {
    struct scrap *scrap = keep(t);
    for (size_t i = 0; i < count; i++)
        text_add(&scrap->words, part);
    return text_data(&scrap->words);
}

void record_failure(struct context *t, const char *file, int line, const char *format, ...) {
    const char *name = strrchr(file, '/');
    char message[4096];
    va_list list;
    va_start(list, format);
    vsnprintf(message, sizeof message, format, list);
    va_end(list);
    printf("# %s:%d: %s\n", name ? name + 1 : file, line, message);
    t->failures++;
}

static void collect_unsolicited(void *userdata, hostsession_stream stream, const char *bytes, size_t length) {
    struct context *t = userdata;
    (void)stream;
    text_append(&t->unsolicited, bytes, length);
}

static void collect_transcript(void *userdata, hostsession_direction direction, const char *bytes, size_t length) {
    struct context *t = userdata;
    text_append(direction == HOSTSESSION_SENT ? &t->sent : &t->received, bytes, length);
}

static void collect_log(void *userdata, hostsession_log_level level, const char *message) {
    struct context *t = userdata;
    text_printf(&t->log, "%d %s\n", (int)level, message);
}

static void count_ended(void *userdata, hostsession *session, const hostsession_failure *why) {
    struct context *t = userdata;
    CHECK(t, why && why->error != HOSTSESSION_OK, "on_ended without a reason");
    CHECK(t, hostsession_get_state(session) == HOSTSESSION_ENDED, "on_ended in state %d",
          (int)hostsession_get_state(session));
    t->ended_calls++;
}

static void prepare(struct context *t) {
    t->opening = (struct opening){.options = HOSTSESSION_OPTIONS_INIT};
    hostsession_options *options = &t->opening.options;
    options->mode = t->mode;
    t->transport->describe(t->shell, t->home, &t->opening);
    options->cwd = t->home;
    options->connect_timeout_ms = run_bound_ms;
    if ((t->transport->capabilities & REACH_SIGNALS) && !(t->flags & MAY_END))
        options->recovery_timeout_ms = recovery_bound_ms;
    options->on_unsolicited = collect_unsolicited;
    options->on_transcript = collect_transcript;
    options->on_log = collect_log;
    options->on_ended = count_ended;
    options->userdata = t;
}

bool open_session(struct context *t) {
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    hostsession_error error = hostsession_open(t->opening.target, &t->opening.options, &t->session, &why);
    CHECK(t, (error == HOSTSESSION_OK) == (t->session != NULL), "open: error %s, but a session %s",
          hostsession_error_name(error), t->session ? "assigned" : "not assigned");
    return CHECK(t, error == HOSTSESSION_OK, "open %s: %s: %s", t->opening.target, hostsession_error_name(error),
                 why.message);
}

void close_session(struct context *t) {
    hostsession_close(t->session);
    t->session = NULL;
}

const char *home_path(struct context *t, const char *name) {
    return say(t, "%s/%s", t->home, name);
}

bool home_write(struct context *t, const char *name, const void *bytes, size_t length) {
    return CHECK(t, file_write(home_path(t, name), bytes, length), "cannot write %s", name);
}

const hostsession_result *run_raw(struct context *t, const char *command, const hostsession_run_options *options,
                                  hostsession_error *ret_error) {
    hostsession_run_options bounded = HOSTSESSION_RUN_OPTIONS_INIT;
    if (options)
        bounded = *options;
    if (bounded.timeout_ms == 0)
        bounded.timeout_ms = run_bound_ms;
    struct scrap *scrap = keep(t);
    *ret_error = hostsession_run(t->session, command, &bounded, &scrap->result);
    return scrap->result;
}

static bool drive(struct context *t, bool (*done)(const void *what, const char *part), const void *what,
                  const char *part) {
    long long until = clock_ms() + run_bound_ms;
    while (!done(what, part)) {
        long long left = until - clock_ms();
        if (!CHECK(t, left > 0, "nothing came within %d ms", run_bound_ms))
            return false;
        hostsession_error error = hostsession_loop_run_once(hostsession_get_loop(t->session), left);
        if (!CHECK(t, error == HOSTSESSION_OK, "run_once: %s", hostsession_error_name(error)))
            return false;
    }
    return true;
}

static bool is_set(const void *what, const char *part) {
    (void)part;
    return *(const int *)what != 0;
}

static bool has_part(const void *what, const char *part) {
    return text_contains(what, part);
}

bool drive_until(struct context *t, const int *what) {
    return drive(t, is_set, what, NULL);
}

bool drive_until_contains(struct context *t, const text *where, const char *part) {
    return drive(t, has_part, where, part);
}

static void check_nothing_left(struct context *t, int descriptors_before) {
    int descriptors = process_count_descriptors();
    CHECK(t, descriptors == descriptors_before, "%d descriptors are open, %d were before", descriptors,
          descriptors_before);
    CHECK(t, waitpid(-1, NULL, WNOHANG) < 0, "a child process is left, living or unreaped");
    if (t->unsolicited.length && !(t->flags & UNSOLICITED_ALLOWED)) {
        text shown = {0};
        text_add_escaped(&shown, t->unsolicited.data, t->unsolicited.length);
        FAILED(t, "between commands came %s", text_data(&shown));
        text_free(&shown);
    }
}

/* libuv opens a pipe of its own with the first loop of a process, and keeps it. */
static void open_first_loop(void) {
    hostsession_loop *loop = NULL;
    if (hostsession_loop_new(&loop, NULL) == HOSTSESSION_OK)
        hostsession_loop_free(loop);
}

int context_run_case(struct context *t, const struct conformance_case *test) {
    t->flags = test->flags;
    open_first_loop();
    int descriptors = process_count_descriptors();
    prepare(t);
    if ((test->flags & OPENS_ITSELF) || open_session(t))
        test->run(t);
    close_session(t);
    check_nothing_left(t, descriptors);
    release(t);
    return t->failures;
}
