/* SPDX-License-Identifier: MIT */
/* Handles, and what is asked of the sessions behind them. */
#include "manager/private.h"

#include "base/failure.h"
#include "engine/pattern.h"
#include "session/results.h"

#include <stdlib.h>
#include <string.h>

static const int64_t default_ms = 10000;

/* ---- handles ---- */

hostsession_named *named_new(entry *e) {
    hostsession_named *named = calloc(1, sizeof *named);
    if (!named)
        return NULL;
    named->entry = e;
    e->users++;
    return named;
}

/* The manager's own is a part of it. */
static void free_unused(hostsession_named *named) {
    if (named->users || !named->released || named->standard_of)
        return;
    entry_leave(named->entry);
    free(named);
}

void named_leave(hostsession_named *named) {
    named->users--;
    free_unused(named);
}

void hostsession_named_release(hostsession_named *named) {
    if (!named || named->released || named->standard_of)
        return;
    named->released = true;
    free_unused(named);
}

void hostsession_named_close(hostsession_named *named) {
    if (!named || named->released)
        return;
    entry *e = named->entry;
    hostsession_manager *m = e ? e->manager : NULL;
    hostsession_failure why;
    named->released = !named->standard_of;
    named->users++;
    if (m) {
        m->users++;
        failure_set(&why, HOSTSESSION_ERROR_CANCELED, 0, "session", "%s: session \"%s\" was closed", m->target,
                    e->name);
        entry_end(e, &why);
        if (!loop_in_callback(m->loop))
            requests_flush(m);
        else if (m->owes_calls)
            *m->owes_calls = true;
    }
    named_leave(named);
    if (m)
        manager_leave(m);
}

const char *hostsession_named_name(const hostsession_named *named) {
    return named->standard_of ? HOSTSESSION_DEFAULT_NAME : named->entry->name;
}

bool hostsession_named_alive(const hostsession_named *named) {
    return entry_alive(named->entry);
}

hostsession *hostsession_named_session(const hostsession_named *named) {
    return entry_alive(named->entry) ? named->entry->session : NULL;
}

/* ---- on the session ---- */

/* A request that began on its session is over. */
static void finished(hostsession_request *r, const hostsession_failure *why) {
    hostsession_manager *m = r->manager;
    m->users++;
    r->operation = NULL;
    entry_finish(r->entry);
    request_finish(r, why);
    requests_flush(m);
    manager_leave(m);
}

static void on_begins(void *owner, const sequence_command *command) {
    const hostsession_request *r = owner;
    logger *log = &r->entry->log;
    logger_command(log, command->text, strlen(command->text), command->secret, command->logging);
    const expectations *x = command->expectations;
    for (size_t i = 0; x && i < x->count; i++)
        if (x->items[i].flags & HOSTSESSION_EXPECT_SECRET)
            logger_secret(log, bytes_front(&x->items[i].response), bytes_length(&x->items[i].response));
}

static void on_output(void *owner, hostsession_stream stream, const char *data, size_t length) {
    const hostsession_request *r = owner;
    logger_output(&r->entry->log, stream, data, length);
}

static void on_ended(void *owner) {
    const hostsession_request *r = owner;
    logger_finish(&r->entry->log);
}

static void on_run_done(hostsession *session, hostsession_error error, hostsession_results *results, void *userdata) {
    (void)session;
    hostsession_request *r = userdata;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    results->state_lost = r->run.state_lost;
    r->run.results = results;
    results_find_failure(results, error, &why);
    why.error = error;
    finished(r, error ? &why : NULL);
}

static void on_send_done(hostsession *session, const hostsession_failure *failure, void *userdata) {
    (void)session;
    finished(userdata, failure);
}

static void on_expect_done(hostsession *session, const hostsession_failure *failure, hostsession_match *match,
                           void *userdata) {
    (void)session;
    hostsession_request *r = userdata;
    r->expect.match = match;
    finished(r, failure);
}

static hostsession_error start_run(hostsession_request *r, hostsession_failure *why) {
    static const sequence_watcher watcher = {on_begins, on_output, on_ended};
    hostsession_manager *m = r->manager;
    bool lost = r->named->standard_of && m->state_lost;
    sequence *q = r->run.sequence;
    sequence_watch(q, &watcher, r);
    /* Its first command may begin, and be told, before this returns. */
    r->run.sequence = NULL;
    r->run.state_lost = lost;
    hostsession_error error = sequence_start(q, r->entry->session, on_run_done, r, &r->operation, why);
    if (error)
        r->run.sequence = q;
    else if (lost)
        m->state_lost = false;
    return error;
}

static hostsession_error send_failed(const hostsession_request *r, hostsession_error error, hostsession_failure *why) {
    return failure_set(why, error, 0, "send",
                       error == HOSTSESSION_ERROR_INVALID
                           ? "%s: programs in pipe mode have no terminal to type at; use tty mode"
                           : "%s: nothing could be sent",
                       r->manager->target);
}

/* What is about to be sent.  Whatever is ended in the callback, its `done` comes later: the request is kept. */
static void tell_send(const hostsession_request *r) {
    hostsession_manager *m = r->manager;
    const bytes *data = &r->send.data;
    bool flushing = m->flushing;
    m->flushing = true;
    loop_guard_enter(m->loop);
    logger_command(&r->entry->log, bytes_front(data), bytes_length(data), r->send.secret, HOSTSESSION_LOGGING_QUIET);
    loop_guard_leave(m->loop);
    m->flushing = flushing;
}

static hostsession_error start_send(hostsession_request *r, hostsession_failure *why) {
    const bytes *data = &r->send.data;
    hostsession_error error = hostsession_send_start(r->entry->session, bytes_front(data), bytes_length(data),
                                                     r->send.secret, on_send_done, r, &r->operation);
    return error ? send_failed(r, error, why) : HOSTSESSION_OK;
}

static hostsession_error start_on_session(hostsession_request *r, hostsession_failure *why) {
    if (r->kind == REQUEST_RUN)
        return start_run(r, why);
    if (r->kind == REQUEST_SEND)
        return start_send(r, why);
    return hostsession_expect_start(r->entry->session, (const char *const *)r->expect.patterns, r->expect.count,
                                    &r->expect.options, on_expect_done, r, &r->operation, why);
}

/* The first of those that wait.  On failure it did not begin. */
static hostsession_error begin(hostsession_request *r, hostsession_failure *why) {
    entry *e = r->entry;
    if (r->kind == REQUEST_SEND) {
        /* Nothing is typed: what is refused is not told. */
        if (hostsession_type(e->session, "", 0, false) == HOSTSESSION_ERROR_INVALID)
            return send_failed(r, HOSTSESSION_ERROR_INVALID, why);
        if (entry_alive(e))
            tell_send(r);
        /* Cancelled or closed in the callback. */
        if (r->finished)
            return HOSTSESSION_OK;
    }
    list_remove(&r->link);
    entry_begin(e);
    hostsession_error error = start_on_session(r, why);
    if (error)
        entry_finish(e);
    return error;
}

void named_submit(hostsession_request *r) {
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (begin(r, &why))
        request_finish(r, &why);
}

/* ---- starting ---- */

/* The handle's session; for the default one it is made. */
static hostsession_error find_entry(hostsession_named *named, entry **ret, hostsession_failure *failure) {
    hostsession_manager *m = named->standard_of;
    entry *e = named->entry;
    *ret = e;
    if (!m && !named->released && entry_alive(e))
        return HOSTSESSION_OK;
    if (!m)
        return failure_set(failure, HOSTSESSION_ERROR_CLOSED, 0, "session", "session \"%s\" has ended: %s", e->name,
                           e->state == ENTRY_GONE ? e->why.message : hostsession_get_failure(e->session)->message);
    hostsession_error error = manager_check_open(m, failure);
    if (error)
        return error;
    *ret = entry_find(m, HOSTSESSION_DEFAULT_NAME);
    if (!*ret) {
        error = entry_new(m, HOSTSESSION_DEFAULT_NAME, ret, failure);
        if (error)
            return error;
        named->entry = *ret;
        named->entry->users++;
    }
    return HOSTSESSION_OK;
}

/* Give the request to the handle's session.  On failure it is freed. */
static hostsession_error start(hostsession_request *r, entry *e, hostsession_request **ret_request,
                               hostsession_failure *failure) {
    hostsession_error error = HOSTSESSION_OK;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    r->entry = e;
    e->users++;
    list_append(&e->waiting, &r->link);
    if (entry_can_begin(e, r))
        error = begin(r, &why);
    if (error) {
        list_remove(&r->link);
        request_free(r);
        if (failure)
            *failure = why;
    } else if (ret_request) {
        *ret_request = r;
    }
    return error;
}

hostsession_error hostsession_named_run_start(hostsession_named *named, const hostsession_command *commands,
                                              size_t count, const hostsession_sequence_options *options,
                                              hostsession_named_run_fn done, void *userdata,
                                              hostsession_request **ret_request, hostsession_failure *failure) {
    entry *e;
    sequence *q;
    if (ret_request)
        *ret_request = NULL;
    hostsession_error error = sequence_new(commands, count, options, default_ms, &q, failure);
    if (error)
        return error;
    error = find_entry(named, &e, failure);
    hostsession_request *r = error ? NULL : request_new(e->manager, REQUEST_RUN, named, userdata);
    if (!r) {
        sequence_free(q);
        return error ? error : failure_no_memory(failure, "command");
    }
    r->run.done = done;
    r->run.sequence = q;
    return start(r, e, ret_request, failure);
}

hostsession_error hostsession_named_send_start(hostsession_named *named, const char *data, size_t length, bool secret,
                                               hostsession_named_send_fn done, void *userdata,
                                               hostsession_request **ret_request, hostsession_failure *failure) {
    entry *e;
    if (ret_request)
        *ret_request = NULL;
    hostsession_error error = find_entry(named, &e, failure);
    if (error)
        return error;
    hostsession_request *r = request_new(e->manager, REQUEST_SEND, named, userdata);
    if (!r)
        return failure_no_memory(failure, "send");
    if (!bytes_append(&r->send.data, data, length) || !bytes_append(&r->send.data, "", 1)) {
        request_free(r);
        return failure_no_memory(failure, "send");
    }
    r->send.data.end--;
    r->send.done = done;
    r->send.secret = secret;
    return start(r, e, ret_request, failure);
}

static bool copy_patterns(hostsession_request *r, const char *const *patterns, size_t count) {
    r->expect.patterns = calloc(count ? count : 1, sizeof *r->expect.patterns);
    for (; r->expect.patterns && r->expect.count < count; r->expect.count++) {
        r->expect.patterns[r->expect.count] = strdup(patterns[r->expect.count]);
        if (!r->expect.patterns[r->expect.count])
            return false;
    }
    return r->expect.patterns != NULL;
}

/* What is wrong is told now, also where the session is not there yet. */
static hostsession_error check_expect(const char *const *patterns, size_t count,
                                      const hostsession_expect_options *given, hostsession_expect_options *to,
                                      hostsession_failure *failure) {
    *to = (hostsession_expect_options)HOSTSESSION_EXPECT_OPTIONS_INIT;
    if (given && (given->struct_size < sizeof(size_t) + sizeof(int64_t) || given->struct_size > sizeof *to))
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "options",
                           "options->struct_size is %zu; start from HOSTSESSION_EXPECT_OPTIONS_INIT",
                           given->struct_size);
    if (given)
        memcpy(to, given, given->struct_size);
    to->struct_size = sizeof *to;
    if (to->timeout_ms == 0)
        to->timeout_ms = default_ms;
    pattern_set *set = NULL;
    hostsession_error error = pattern_set_new(patterns, count, &set, failure);
    pattern_set_free(set);
    return error;
}

hostsession_error hostsession_named_expect_start(hostsession_named *named, const char *const *patterns,
                                                 size_t pattern_count, const hostsession_expect_options *options,
                                                 hostsession_named_expect_fn done, void *userdata,
                                                 hostsession_request **ret_request, hostsession_failure *failure) {
    entry *e;
    hostsession_expect_options read;
    if (ret_request)
        *ret_request = NULL;
    hostsession_error error = check_expect(patterns, pattern_count, options, &read, failure);
    if (!error)
        error = find_entry(named, &e, failure);
    if (error)
        return error;
    hostsession_request *r = request_new(e->manager, REQUEST_EXPECT, named, userdata);
    if (!r)
        return failure_no_memory(failure, "expect");
    if (!copy_patterns(r, patterns, pattern_count)) {
        request_free(r);
        return failure_no_memory(failure, "expect");
    }
    r->expect.done = done;
    r->expect.options = read;
    return start(r, e, ret_request, failure);
}

/* ---- opening ---- */

hostsession_error hostsession_manager_open_start(hostsession_manager *m, const char *name, hostsession_named_fn done,
                                                 void *userdata, hostsession_request **ret_request,
                                                 hostsession_failure *failure) {
    if (ret_request)
        *ret_request = NULL;
    hostsession_error error = manager_check_open(m, failure);
    if (error)
        return error;
    if (!name || !*name)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "session",
                           "a session's name is empty; for the default session use hostsession_manager_default()");
    hostsession_request *r = request_new(m, REQUEST_OPEN, NULL, userdata);
    if (!r)
        return failure_no_memory(failure, "session");
    r->open.done = done;
    entry *e = entry_find(m, name);
    if (!e)
        error = entry_new(m, name, &e, failure);
    if (error) {
        request_free(r);
        return error;
    }
    r->entry = e;
    e->users++;
    if (e->state == ENTRY_READY)
        request_finish(r, NULL);
    else
        list_append(&e->waiting, &r->link);
    if (ret_request)
        *ret_request = r;
    return HOSTSESSION_OK;
}
