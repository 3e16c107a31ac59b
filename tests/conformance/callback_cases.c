/* SPDX-License-Identifier: MIT */
/* Streaming, queueing, and what may be done inside callbacks. */
#include "conformance.h"

#include "../support/process.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

struct stream {
    struct context *t;
    text output;
    text errors;
    text lines;
    int calls;
};

static void add_output(void *userdata, hostsession_stream stream, const char *bytes, size_t length) {
    struct stream *s = userdata;
    text_append(stream == HOSTSESSION_STREAM_ERROR ? &s->errors : &s->output, bytes, length);
    s->calls++;
}

static void add_line(void *userdata, hostsession_stream stream, const char *bytes, size_t length) {
    struct stream *s = userdata;
    if (stream != HOSTSESSION_STREAM_OUTPUT)
        return;
    text_append(&s->lines, bytes, length);
    text_add(&s->lines, "|");
}

static const hostsession_result *run_streaming(struct context *t, struct stream *s, const char *command) {
    *s = (struct stream){.t = t};
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.on_output = add_output;
    options.on_line = add_line;
    options.userdata = s;
    hostsession_error error;
    const hostsession_result *result = run_raw(t, command, &options, &error);
    CHECK(t, error == HOSTSESSION_OK, "%s: %s", command, hostsession_error_name(error));
    return result;
}

static void free_stream(struct stream *s) {
    text_free(&s->output);
    text_free(&s->errors);
    text_free(&s->lines);
}

static void check_lines(struct context *t, const char *command, const char *lines) {
    struct stream s;
    const hostsession_result *result = run_streaming(t, &s, command);
    CHECK(t, text_equals(&s.output, hostsession_result_output(result), hostsession_result_output_bytes(result)),
          "%s: the streamed output differs", command);
    CHECK(t,
          text_equals(&s.errors, hostsession_result_error_output(result),
                      hostsession_result_error_output_bytes(result)),
          "%s: the streamed errors differ", command);
    CHECK(t, strcmp(text_data(&s.lines), lines) == 0, "%s: lines %s", command, text_data(&s.lines));
    free_stream(&s);
}

static void streaming(struct context *t) {
    check_lines(t, "echo a; echo b", "a|b|");
    check_lines(t, "printf 'a\\n\\nb\\r\\nc'", "a||b|c|");
    check_lines(t, "printf '\\n'", "|");
    check_lines(t, "true", "");
    check_lines(t, "printf 'a\\rb\\n'", "a\rb|");
    check_lines(t, "for w in on e ' two'; do printf \"$w\"; sleep 0.01; done; echo", "one two|");
    struct stream s;
    const hostsession_result *result = run_streaming(t, &s, "head -c 200000 /dev/zero | tr '\\0' x; echo; echo end");
    CHECK(t, text_equals(&s.output, hostsession_result_output(result), 200005), "the long line differs");
    CHECK(t, s.lines.length > 200005 && text_contains(&s.lines, "|end|"), "%zu bytes of lines", s.lines.length);
    free_stream(&s);
    result = run_streaming(t, &s, "seq 1 100000; seq 1 1000 >&2");
    CHECK(t, text_equals(&s.output, hostsession_result_output(result), hostsession_result_output_bytes(result)),
          "the flood differs");
    free_stream(&s);
    IN_SYNC(t);
}

/* Output is streamed when it arrives, not at the end. */
static void first_output_early(void *userdata, hostsession_stream stream, const char *bytes, size_t length) {
    struct stream *s = userdata;
    add_output(userdata, stream, bytes, length);
    home_write(s->t, "seen", "", 0);
}

static void streamed_as_it_comes(struct context *t) {
    struct stream s = {.t = t};
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.on_output = first_output_early;
    options.userdata = &s;
    hostsession_error error;
    const char *command = "printf x; until [ -e \"$HOME/seen\" ]; do sleep 0.01; done; printf y";
    const hostsession_result *result = run_raw(t, command, &options, &error);
    check_result(t, HERE, command, result, error, "xy", 2, 0);
    free_stream(&s);
}

enum { queued = 50 };

struct queue {
    struct context *t;
    int finished;
    int next;
    bool in_order;
    bool right;
};

struct queue_entry {
    struct queue *queue;
    int number;
};

static void on_queued(hostsession *session, hostsession_error error, hostsession_result *result, void *userdata) {
    struct queue_entry *entry = userdata;
    (void)session;
    char expected[32];
    snprintf(expected, sizeof expected, "n%d\n", entry->number);
    if (entry->queue->next++ != entry->number)
        entry->queue->in_order = false;
    if (error != HOSTSESSION_OK || strcmp(hostsession_result_output(result), expected) != 0 ||
        hostsession_result_exit_status(result) != entry->number)
        entry->queue->right = false;
    hostsession_result_free(result);
    entry->queue->finished = entry->queue->next == queued;
}

static void queueing(struct context *t) {
    struct queue queue = {.t = t, .in_order = true, .right = true};
    struct queue_entry entries[queued];
    for (int i = 0; i < queued; i++) {
        entries[i] = (struct queue_entry){&queue, i};
        hostsession_failure why = HOSTSESSION_FAILURE_INIT;
        hostsession_error error = hostsession_run_start(t->session, say(t, "echo n%d; (exit %d)", i, i), NULL,
                                                        on_queued, &entries[i], NULL, &why);
        CHECK(t, error == HOSTSESSION_OK, "start: %s", why.message);
    }
    CHECK(t, queue.next == 0, "done was called from within start");
    drive_until(t, &queue.finished);
    CHECK(t, queue.in_order && queue.right, "order %d, results %d", queue.in_order, queue.right);
    IN_SYNC(t);
}

/* A blocking run on a busy session waits its turn. */
static void blocking_behind_started(struct context *t) {
    struct queue queue = {.t = t, .in_order = true, .right = true};
    struct queue_entry entry = {&queue, 0};
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    hostsession_run_start(t->session, "sleep 0.05; echo n0", NULL, on_queued, &entry, NULL, &why);
    RUNS(t, "echo second", "second\n", 0);
    CHECK(t, queue.next == 1 && queue.right, "the first was not done before the second");
}

struct chain {
    struct context *t;
    int count;
    int finished;
    hostsession_error blocking;
};

static void on_link(hostsession *session, hostsession_error error, hostsession_result *result, void *userdata) {
    struct chain *chain = userdata;
    CHECK(chain->t, error == HOSTSESSION_OK && hostsession_result_exit_status(result) == chain->count, "link %d: %s %d",
          chain->count, hostsession_error_name(error), hostsession_result_exit_status(result));
    hostsession_result_free(result);
    hostsession_result *none = NULL;
    chain->blocking = hostsession_run(session, "echo NOT", NULL, &none);
    hostsession_result_free(none);
    if (++chain->count == 5) {
        chain->finished = 1;
        return;
    }
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    hostsession_run_start(session, say(chain->t, "(exit %d)", chain->count), NULL, on_link, chain, NULL, &why);
}

static void started_in_done(struct context *t) {
    struct chain chain = {.t = t};
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    hostsession_run_start(t->session, "true", NULL, on_link, &chain, NULL, &why);
    drive_until(t, &chain.finished);
    CHECK(t, chain.blocking == HOSTSESSION_ERROR_INVALID, "a blocking call in a callback: %s",
          hostsession_error_name(chain.blocking));
    IN_SYNC(t);
}

struct closing {
    struct context *t;
    hostsession *session;
    int done;
    int started;
    hostsession_error error;
    hostsession_status status;
    bool close_in_done;
    bool close_in_output;
};

static void on_closing(hostsession *session, hostsession_error error, hostsession_result *result, void *userdata) {
    struct closing *c = userdata;
    c->error = error;
    c->status = hostsession_result_status(result);
    hostsession_result_free(result);
    c->done++;
    if (c->close_in_done && c->done == 1)
        hostsession_close(session);
}

static void output_closing(void *userdata, hostsession_stream stream, const char *bytes, size_t length) {
    struct closing *c = userdata;
    (void)stream;
    (void)bytes;
    (void)length;
    if (c->close_in_output && !c->started++)
        hostsession_close(c->session);
}

/* Close inside callbacks, on a loop that outlives the session. */
static void close_inside(struct context *t, bool in_done, bool in_output, const char *command) {
    hostsession_loop *loop = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (!CHECK(t, hostsession_loop_new(&loop, &why) == HOSTSESSION_OK, "loop: %s", why.message))
        return;
    t->opening.options.loop = loop;
    hostsession *session = NULL;
    hostsession_error opened = hostsession_open(t->opening.target, &t->opening.options, &session, &why);
    if (CHECK(t, opened == HOSTSESSION_OK, "open: %s", why.message)) {
        struct closing c = {.t = t, .session = session, .close_in_done = in_done, .close_in_output = in_output};
        hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
        options.on_output = output_closing;
        options.userdata = &c;
        struct closing waiting = {.t = t, .session = session};
        hostsession_run_start(session, command, &options, on_closing, &c, NULL, &why);
        hostsession_run_start(session, "echo NOT", NULL, on_closing, &waiting, NULL, &why);
        long long until = clock_ms() + run_bound_ms;
        while ((!c.done || !waiting.done) && clock_ms() < until)
            hostsession_loop_run_once(loop, 1000);
        CHECK(t, c.done == 1 && waiting.done == 1, "done %d and %d times", c.done, waiting.done);
        CHECK(t, waiting.error == HOSTSESSION_ERROR_CANCELED, "the waiting one: %s",
              hostsession_error_name(waiting.error));
        CHECK(t, c.error == (in_output ? HOSTSESSION_ERROR_CANCELED : HOSTSESSION_OK), "the running one: %s",
              hostsession_error_name(c.error));
    }
    hostsession_loop_free(loop);
    t->opening.options.loop = NULL;
    CHECK(t, t->ended_calls == 0, "on_ended for a close");
    GONE(t, t->tag);
}

static void close_in_done(struct context *t) {
    close_inside(t, true, false, "echo x");
}

static void close_in_output(struct context *t) {
    close_inside(t, false, true, say(t, "echo x; sleep %s", t->tag));
    close_inside(t, false, true, say(t, "yes %s", t->tag));
}

static void close_in_ended(void *userdata, hostsession *session, const hostsession_failure *why) {
    struct context *t = userdata;
    (void)why;
    t->ended_calls++;
    hostsession_close(session);
}

static void close_when_ended(struct context *t) {
    hostsession_loop *loop = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (!CHECK(t, hostsession_loop_new(&loop, &why) == HOSTSESSION_OK, "loop: %s", why.message))
        return;
    t->opening.options.loop = loop;
    t->opening.options.on_ended = close_in_ended;
    hostsession *session = NULL;
    if (CHECK(t, hostsession_open(t->opening.target, &t->opening.options, &session, &why) == HOSTSESSION_OK, "open: %s",
              why.message)) {
        struct closing c = {.t = t, .session = session};
        hostsession_run_start(session, "exit 3", NULL, on_closing, &c, NULL, &why);
        long long until = clock_ms() + run_bound_ms;
        while (!t->ended_calls && clock_ms() < until)
            hostsession_loop_run_once(loop, 1000);
        CHECK(t, c.done == 1 && c.error == end_error(t) && t->ended_calls == 1, "done %d times, %s, ended %d times",
              c.done, hostsession_error_name(c.error), t->ended_calls);
    }
    hostsession_loop_free(loop);
}

static void on_opened(hostsession *session, const hostsession_failure *failure, void *userdata) {
    (void)session;
    *(int *)userdata = failure ? -1 : 1;
}

/* Operations started before the shell has answered wait; the loop is driven from outside, through its descriptor. */
static void opened_in_a_foreign_loop(struct context *t) {
    hostsession_loop *loop = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (!CHECK(t, hostsession_loop_new(&loop, &why) == HOSTSESSION_OK, "loop: %s", why.message))
        return;
    t->opening.options.loop = loop;
    int opened = 0;
    struct queue queue = {.t = t, .in_order = true, .right = true};
    struct queue_entry entry = {&queue, 0};
    hostsession_error error =
        hostsession_open_start(t->opening.target, &t->opening.options, on_opened, &opened, &t->session, &why);
    if (CHECK(t, error == HOSTSESSION_OK, "open: %s", why.message)) {
        hostsession_run_start(t->session, "echo n0", NULL, on_queued, &entry, NULL, &why);
        long long until = clock_ms() + run_bound_ms;
        while (queue.next == 0 && clock_ms() < until) {
            struct pollfd wait = {.fd = hostsession_loop_descriptor(loop), .events = POLLIN};
            int64_t sleep_ms = hostsession_loop_timeout_ms(loop);
            poll(&wait, 1, sleep_ms < 0 || sleep_ms > 1000 ? 1000 : (int)sleep_ms);
            hostsession_loop_dispatch(loop);
        }
        CHECK(t, opened == 1 && queue.next == 1 && queue.right, "opened %d, done %d", opened, queue.next);
        IN_SYNC(t);
    }
    close_session(t);
    hostsession_loop_free(loop);
}

static void closed_while_opening(struct context *t) {
    hostsession_loop *loop = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (!CHECK(t, hostsession_loop_new(&loop, &why) == HOSTSESSION_OK, "loop: %s", why.message))
        return;
    t->opening.options.loop = loop;
    int opened = 0;
    hostsession *session = NULL;
    hostsession_open_start(t->opening.target, &t->opening.options, on_opened, &opened, &session, &why);
    hostsession_close(session);
    CHECK(t, opened == -1, "the end of the opening was not told");
    hostsession_open_start(t->opening.target, &t->opening.options, on_opened, &opened, &session, &why);
    hostsession_loop_run_once(loop, 10);
    hostsession_loop_free(loop);
}

/* One loop, several sessions, at once.  (A subshell for each status would take most of the time.) */
static void several_sessions(struct context *t) {
    enum { sessions = 8 };
    hostsession_loop *loop = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (!CHECK(t, hostsession_loop_new(&loop, &why) == HOSTSESSION_OK, "loop: %s", why.message))
        return;
    t->opening.options.loop = loop;
    int opened[sessions] = {0};
    hostsession *all[sessions] = {0};
    struct queue queues[sessions];
    struct queue_entry entries[sessions][queued];
    for (int s = 0; s < sessions; s++) {
        queues[s] = (struct queue){.t = t, .in_order = true, .right = true};
        hostsession_open_start(t->opening.target, &t->opening.options, on_opened, &opened[s], &all[s], &why);
        for (int i = 0; i < queued; i++) {
            entries[s][i] = (struct queue_entry){&queues[s], i};
            hostsession_run_start(all[s], say(t, "echo n%d; gives() { return %d; }; gives", i, i), NULL, on_queued,
                                  &entries[s][i], NULL, &why);
        }
    }
    long long until = clock_ms() + run_bound_ms;
    for (int s = 0; s < sessions; s++)
        while (!queues[s].finished && clock_ms() < until)
            hostsession_loop_run_once(loop, 1000);
    for (int s = 0; s < sessions; s++) {
        CHECK(t, opened[s] == 1 && queues[s].finished && queues[s].in_order && queues[s].right,
              "session %d: opened %d, done %d, order %d, results %d", s, opened[s], queues[s].next, queues[s].in_order,
              queues[s].right);
        hostsession_close(all[s]);
    }
    hostsession_loop_free(loop);
}

static void result_outlives_session(struct context *t) {
    hostsession_error error;
    const hostsession_result *result = run_raw(t, "echo kept; cd /usr", NULL, &error);
    close_session(t);
    CHECK(t,
          error == HOSTSESSION_OK && strcmp(hostsession_result_output(result), "kept\n") == 0 &&
              strcmp(hostsession_result_cwd(result), "/usr") == 0,
          "the result changed");
}

static const struct conformance_case callback_cases_table[] = {
    {"callback-streaming", streaming, 0, 0, 0},
    {"callback-streamed-as-it-comes", streamed_as_it_comes, 0, 0, 0},
    {"callback-queueing", queueing, 0, 0, 0},
    {"callback-blocking-behind-started", blocking_behind_started, 0, 0, 0},
    {"callback-started-in-done", started_in_done, 0, 0, 0},
    {"callback-close-in-done", close_in_done, 0, 0, OPENS_ITSELF},
    {"callback-close-in-output", close_in_output, 0, 0, OPENS_ITSELF},
    {"callback-close-when-ended", close_when_ended, 0, 0, OPENS_ITSELF},
    {"callback-opened-in-a-foreign-loop", opened_in_a_foreign_loop, 0, 0, OPENS_ITSELF},
    {"callback-closed-while-opening", closed_while_opening, 0, 0, OPENS_ITSELF},
    {"callback-several-sessions", several_sessions, 0, 0, OPENS_ITSELF},
    {"callback-result-outlives-session", result_outlives_session, 0, 0, 0},
};

CASE_GROUP(callback_cases);
