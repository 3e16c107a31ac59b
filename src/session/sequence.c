/* SPDX-License-Identifier: MIT */
/* Sequences.  One operation runs them all: between two commands it is put back at the front of the queue, and the
 * session is held for it, so that nothing else comes between. */
#include "session/private.h"

#include "base/failure.h"
#include "base/options.h"
#include "session/results.h"

#include <stdlib.h>
#include <string.h>

struct sequence {
    hostsession_sequence_fn done;
    void *userdata;
    hostsession_sequence_options options;
    int64_t budget_us; /* INT64_MAX: none */
    int64_t end_us;    /* of the budget, once the first command was sent */
    bool cancelled;
    bool stopped;
    hostsession_failure failure; /* the first */
    const sequence_watcher *watcher;
    void *owner;
    hostsession_results *results;
    size_t index; /* of the command that runs, or is next */
    size_t count;
    sequence_command commands[];
};

/* ---- making one ---- */

static hostsession_error read_options(const hostsession_sequence_options *given, hostsession_sequence_options *to,
                                      hostsession_failure *failure) {
    *to = (hostsession_sequence_options)HOSTSESSION_SEQUENCE_OPTIONS_INIT;
    return options_read(given, to, sizeof *to, "options", "HOSTSESSION_SEQUENCE_OPTIONS_INIT", failure);
}

/* 0 is `by_default_us`, -1 none. */
static hostsession_error read_time(int64_t ms, int64_t by_default_us, const char *name, int64_t *ret_us,
                                   hostsession_failure *failure) {
    if (ms < -1 || ms > INT64_MAX / 2000)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "options", "%s is %lld; use -1 for no limit", name,
                           (long long)ms);
    *ret_us = ms == 0 ? by_default_us : ms == -1 ? INT64_MAX : ms * 1000;
    return HOSTSESSION_OK;
}

static hostsession_error copy_command(sequence *q, sequence_command *to, const hostsession_command *from,
                                      int64_t timeout_us, hostsession_failure *failure) {
    const hostsession_sequence_options *o = &q->options;
    if (!from->text)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "command", "the command is NULL");
    hostsession_error error =
        read_time(from->timeout_ms, timeout_us, "a command's timeout_ms", &to->timeout_us, failure);
    if (error)
        return error;
    to->secret = from->secret;
    to->logging = from->logging ? from->logging : o->logging;
    to->text = strdup(from->text);
    if (!to->text)
        return failure_no_memory(failure, "command");
    const hostsession_expectation *expected = from->expectations ? from->expectations : o->expectations;
    size_t count = from->expectations ? from->expectation_count : o->expectation_count;
    return count ? expectations_new(expected, count, &to->expectations, failure) : HOSTSESSION_OK;
}

static hostsession_error copy_commands(sequence *q, const hostsession_command *commands, int64_t default_us,
                                       hostsession_failure *failure) {
    int64_t timeout_us = INT64_MAX;
    hostsession_error error = read_time(q->options.timeout_ms, default_us, "options->timeout_ms", &timeout_us, failure);
    if (!error)
        error = read_time(q->options.budget_ms, default_us == INT64_MAX ? INT64_MAX : timeout_us, "options->budget_ms",
                          &q->budget_us, failure);
    for (size_t i = 0; i < q->count && !error; i++)
        error = copy_command(q, &q->commands[i], &commands[i], timeout_us, failure);
    q->options.expectations = NULL;
    return error;
}

hostsession_error sequence_new(const hostsession_command *commands, size_t count,
                               const hostsession_sequence_options *options, int64_t default_ms, sequence **ret,
                               hostsession_failure *failure) {
    hostsession_sequence_options read;
    hostsession_error error = read_options(options, &read, failure);
    if (error)
        return error;
    if (count && !commands)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "command", "the commands are NULL");
    sequence *q = NULL;
    if (count < (SIZE_MAX - sizeof *q) / sizeof q->commands[0])
        q = calloc(1, sizeof *q + count * sizeof q->commands[0]);
    if (!q)
        return failure_no_memory(failure, "command");
    q->options = read;
    q->count = count;
    q->failure = (hostsession_failure)HOSTSESSION_FAILURE_INIT;
    q->results = results_new(count, read.max_output_bytes);
    error = q->results ? copy_commands(q, commands, default_ms ? default_ms * 1000 : INT64_MAX, failure)
                       : failure_no_memory(failure, "command");
    if (error) {
        sequence_free(q);
        return error;
    }
    *ret = q;
    return HOSTSESSION_OK;
}

void sequence_free(sequence *q) {
    if (!q)
        return;
    for (size_t i = 0; i < q->count; i++) {
        sequence_command *command = &q->commands[i];
        if (command->text && command->secret)
            explicit_bzero(command->text, strlen(command->text));
        free(command->text);
        expectations_free(command->expectations);
    }
    hostsession_results_free(q->results);
    free(q);
}

void sequence_watch(sequence *q, const sequence_watcher *watcher, void *owner) {
    q->watcher = watcher;
    q->owner = owner;
}

void sequence_cancel(sequence *q) {
    q->cancelled = true;
}

/* ---- results ---- */

static void note_failure(sequence *q, const hostsession_failure *why) {
    if (!q->failure.error)
        q->failure = *why;
}

static void tell_result(sequence *q, const hostsession *session) {
    size_t index = q->index++;
    if (q->options.on_result && !(session && session->closing) &&
        !q->options.on_result(q->options.userdata, index, q->results->items[index]))
        q->stopped = true;
}

static void skip_rest(sequence *q, const hostsession *session, const hostsession_failure *why) {
    bool alive = session && hostsession_get_state(session) != HOSTSESSION_ENDED;
    while (q->index < q->count) {
        hostsession_result *result = q->results->items[q->index];
        bool refused = why->error != HOSTSESSION_ERROR_CANCELED && why->error != HOSTSESSION_ERROR_CLOSED &&
                       why->error != HOSTSESSION_ERROR_TIMED_OUT;
        result->status = refused && !session ? HOSTSESSION_STATUS_ERROR : HOSTSESSION_STATUS_SKIPPED;
        result->failure = *why;
        result->session_alive = alive;
        result_finish(result);
        tell_result(q, session);
    }
}

hostsession_results *sequence_refuse(sequence *q, const hostsession_failure *why) {
    skip_rest(q, NULL, why);
    hostsession_results *results = q->results;
    q->results = NULL;
    sequence_free(q);
    return results;
}

/* ---- its operation ---- */

/* The operation is the next command. */
static void load(hostsession_operation *o) {
    sequence *q = o->run.sequence;
    sequence_command *command = &q->commands[q->index];
    operation_forget_command(o);
    if (q->index == q->count)
        return;
    o->run.command = command->text;
    o->run.expectations = command->expectations;
    o->run.options.secret = command->secret;
    o->run.result = q->results->items[q->index];
    command->text = NULL;
    command->expectations = NULL;
    q->results->items[q->index] = NULL;
}

static hostsession_error check_answers(const hostsession *session, const expectations *x,
                                       hostsession_failure *failure) {
    unsigned flags = 0;
    for (size_t i = 0; x && i < x->count; i++)
        flags |= x->items[i].flags;
    return x ? session_check_answers(session, flags, failure) : HOSTSESSION_OK;
}

hostsession_error sequence_start(sequence *q, hostsession *session, hostsession_sequence_fn done, void *userdata,
                                 hostsession_operation **ret_operation, hostsession_failure *failure) {
    for (size_t i = 0; i < q->count; i++) {
        hostsession_error error = check_answers(session, q->commands[i].expectations, failure);
        if (error)
            return error;
        if (q->options.max_output_bytes == 0)
            result_set_limit(q->results->items[i], session->options.max_output_bytes);
    }
    if (session->closing)
        return failure_set(failure, HOSTSESSION_ERROR_CLOSED, 0, "command", "%s: the session was closed",
                           session->name);
    hostsession_operation *o = operation_new(session, OPERATION_RUN, NULL);
    if (!o)
        return failure_no_memory(failure, "command");
    q->done = done;
    q->userdata = userdata;
    o->run.sequence = q;
    o->run.options.on_output = q->options.on_output;
    o->run.options.on_line = q->options.on_line;
    o->run.options.userdata = q->options.userdata;
    run_set_lines(o);
    load(o);
    if (ret_operation)
        *ret_operation = o;
    operation_submit(o);
    return HOSTSESSION_OK;
}

bool sequence_begins(hostsession_operation *o, int64_t now_us) {
    sequence *q = o->run.sequence;
    if (q->index == q->count) {
        operation_finish(o, HOSTSESSION_OK, NULL);
        return false;
    }
    if (q->index == 0)
        q->end_us = q->budget_us == INT64_MAX ? INT64_MAX : now_us + q->budget_us;
    sequence_command *command = &q->commands[q->index];
    int64_t left_us = q->end_us == INT64_MAX ? INT64_MAX : q->end_us - now_us;
    o->run.timeout_us = command->timeout_us < left_us ? command->timeout_us : left_us > 0 ? left_us : 1;
    o->session->held_for = o;
    if (q->watcher && q->watcher->begins) {
        /* The text is the operation's now. */
        sequence_command told = *command;
        told.text = o->run.command;
        told.expectations = o->run.expectations;
        q->watcher->begins(q->owner, &told);
    }
    return true;
}

void sequence_output(const sequence *q, hostsession_stream stream, const char *data, size_t length) {
    if (q->watcher && q->watcher->output)
        q->watcher->output(q->owner, stream, data, length);
}

/* Whether the rest is skipped, and why. */
static bool is_over(sequence *q, const hostsession *session, hostsession_failure *why) {
    if (q->index == q->count)
        return true;
    if (session->closing || q->cancelled) {
        failure_set(why, HOSTSESSION_ERROR_CANCELED, 0, "command", "skipped: the sequence was cancelled");
        note_failure(q, why);
        return true;
    }
    if (engine_state(session->engine) == HOSTSESSION_ENDED) {
        failure_set(why, HOSTSESSION_ERROR_CLOSED, 0, "command", "skipped: the session has ended: %s",
                    engine_failure(session->engine)->message);
        return true;
    }
    if (q->stopped) {
        failure_set(why, HOSTSESSION_ERROR_CANCELED, 0, "command", "skipped: the sequence was stopped before it");
        return true;
    }
    if (q->end_us != INT64_MAX && loop_now_us(session->loop) >= q->end_us) {
        failure_set(why, HOSTSESSION_ERROR_TIMED_OUT, 0, "command",
                    "skipped: the time for the whole sequence (budget_ms) is spent");
        note_failure(q, why);
        return true;
    }
    return false;
}

bool sequence_goes_on(hostsession_operation *o) {
    sequence *q = o->run.sequence;
    hostsession *session = o->session;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (o->failure.error)
        note_failure(q, &o->failure);
    if (q->index < q->count) {
        hostsession_result *result = o->run.result;
        q->results->items[q->index] = result;
        o->run.result = NULL;
        if (o->started && !session->closing && q->watcher && q->watcher->ended)
            q->watcher->ended(q->owner);
        q->stopped |= q->options.stop_on_failure && result->status != HOSTSESSION_STATUS_SUCCESS;
        tell_result(q, session);
    }
    if (!is_over(q, session, &why)) {
        load(o);
        o->started = o->cancelled = o->finished = false;
        list_prepend(&session->queue, &o->link);
        return true;
    }
    skip_rest(q, session, &why);
    session->held_for = NULL;
    hostsession_results *results = q->results;
    q->results = NULL;
    if (q->done)
        q->done(session, q->failure.error, results, q->userdata);
    else
        hostsession_results_free(results);
    return false;
}

/* ---- the public forms ---- */

hostsession_error hostsession_run_sequence_start(hostsession *session, const hostsession_command *commands,
                                                 size_t count, const hostsession_sequence_options *options,
                                                 hostsession_sequence_fn done, void *userdata,
                                                 hostsession_operation **ret_operation, hostsession_failure *failure) {
    sequence *q;
    if (ret_operation)
        *ret_operation = NULL;
    hostsession_error error = sequence_new(commands, count, options, 0, &q, failure);
    if (error)
        return error;
    error = sequence_start(q, session, done, userdata, ret_operation, failure);
    if (error)
        sequence_free(q);
    return error;
}

typedef struct sequence_driver {
    driver driver;
    hostsession_error error;
    hostsession_results *results;
} sequence_driver;

static void on_done(hostsession *session, hostsession_error error, hostsession_results *results, void *userdata) {
    (void)session;
    sequence_driver *d = userdata;
    d->error = error;
    d->results = results;
    d->driver.done = true;
}

hostsession_error hostsession_run_sequence(hostsession *session, const hostsession_command *commands, size_t count,
                                           const hostsession_sequence_options *options,
                                           hostsession_results **ret_results, hostsession_failure *failure) {
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    sequence_driver d = {{false, false, NULL}, HOSTSESSION_OK, NULL};
    sequence *q = NULL;
    *ret_results = NULL;
    hostsession_error error = drive_check(session, "command", &why);
    if (!error)
        error = sequence_new(commands, count, options, 0, &q, &why);
    if (!error && !session->closing && !drive_pending(session))
        error = failure_set(&why, HOSTSESSION_ERROR_CANCELED, 0, "command", "the session was closed by a callback");
    else if (!error)
        error = sequence_start(q, session, on_done, &d, NULL, &why);
    if (!error) {
        drive_until_done(session, &d.driver);
        *ret_results = d.results;
        results_find_failure(d.results, d.error, failure);
        return d.error;
    }
    if (q && (error == HOSTSESSION_ERROR_CANCELED || error == HOSTSESSION_ERROR_CLOSED))
        *ret_results = sequence_refuse(q, &why);
    else
        sequence_free(q);
    if (failure)
        *failure = why;
    return error;
}
