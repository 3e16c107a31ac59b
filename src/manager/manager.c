/* SPDX-License-Identifier: MIT */
/* A manager's life, and how its sessions are opened. */
#include "manager/private.h"

#include "base/failure.h"
#include "base/options.h"
#include "session/target.h"

#include <stdlib.h>
#include <string.h>

/* ---- at work ---- */

static void run_task(loop_task *task) {
    hostsession_manager *m = list_item(task, hostsession_manager, task);
    m->users++;
    entries_open(m);
    oneshots_start(m);
    requests_flush(m);
    manager_leave(m);
}

void manager_wake(hostsession_manager *m) {
    loop_post(m->loop, &m->task);
}

hostsession_error manager_check_open(const hostsession_manager *m, hostsession_failure *failure) {
    if (m->closed)
        return failure_set(failure, HOSTSESSION_ERROR_CLOSED, 0, "manager", "%s: the manager was freed", m->target);
    return HOSTSESSION_OK;
}

hostsession_error manager_check_blocking(const hostsession_manager *m, hostsession_failure *failure) {
    if (!loop_in_callback(m->loop))
        return HOSTSESSION_OK;
    return failure_set(
        failure, HOSTSESSION_ERROR_INVALID, 0, "manager",
        "a blocking call cannot be made in a callback of the loop that it would drive; use the form that "
        "ends in _start");
}

void manager_drive(hostsession_manager *m, const bool *done) {
    m->users++;
    while (!*done)
        hostsession_loop_run_once(m->loop, -1);
    manager_settle(m);
    manager_leave(m);
}

void manager_settle(hostsession_manager *m) {
    if (!m->owes_calls || !*m->owes_calls || loop_in_callback(m->loop))
        return;
    *m->owes_calls = false;
    loop_drive_holds(m->loop);
}

/* ---- opening sessions ---- */

static void on_unsolicited(void *userdata, hostsession_stream stream, const char *data, size_t length) {
    const session_owner *owner = userdata;
    owner->given->on_unsolicited(owner->given->userdata, stream, data, length);
}

static void on_log(void *userdata, hostsession_log_level level, const char *message) {
    const session_owner *owner = userdata;
    owner->given->on_log(owner->given->userdata, level, message);
}

static void on_transcript(void *userdata, hostsession_direction direction, const char *data, size_t length) {
    const session_owner *owner = userdata;
    owner->given->on_transcript(owner->given->userdata, direction, data, length);
}

static bool on_question(void *userdata, const hostsession_question *question, char *answer, size_t answer_size) {
    const session_owner *owner = userdata;
    return owner->given->on_question(owner->given->userdata, question, answer, answer_size);
}

static void on_ended(void *userdata, hostsession *session, const hostsession_failure *why) {
    const session_owner *owner = userdata;
    if (owner->entry && owner->entry->session == session)
        entry_end(owner->entry, why);
}

hostsession_error manager_open_session(hostsession_manager *m, const char *name, session_owner *owner,
                                       hostsession_open_fn done, void *userdata, hostsession **ret_session,
                                       hostsession_failure *failure) {
    hostsession_options options = *owner->given;
    options.loop = m->loop;
    options.on_unsolicited = options.on_unsolicited ? on_unsolicited : NULL;
    options.on_log = options.on_log ? on_log : NULL;
    options.on_transcript = options.on_transcript ? on_transcript : NULL;
    options.on_question = options.on_question ? on_question : NULL;
    options.on_ended = on_ended;
    options.userdata = owner;
    *ret_session = NULL;
    return m->session_factory ? m->session_factory(m->userdata, name, &options, done, userdata, ret_session, failure)
                              : hostsession_open_start(m->target, &options, done, userdata, ret_session, failure);
}

/* ---- making one ---- */

static void on_loop_end(loop_guest *guest) {
    hostsession_manager *m = list_item(guest, hostsession_manager, guest);
    hostsession_manager_free(m);
}

static hostsession_error check_target(const hostsession_manager *m, hostsession_failure *failure) {
    target made;
    if (m->session_factory)
        return HOSTSESSION_OK;
    hostsession_error error = target_open(m->target, options_copy_read(m->session), &made, failure);
    if (!error)
        made.transport.free(made.transport.data);
    target_free(&made);
    return error;
}

static hostsession_error read_options(const hostsession_manager_options *given, hostsession_manager_options *to,
                                      hostsession_limits *limits, hostsession_failure *failure) {
    *to = (hostsession_manager_options)HOSTSESSION_MANAGER_OPTIONS_INIT;
    hostsession_error error =
        options_read(given, to, sizeof *to, "options", "HOSTSESSION_MANAGER_OPTIONS_INIT", failure);
    if (!error)
        error = quota_read_limits(to->limits, limits, failure);
    if (!error && (limits->idle_close_ms < 0 || limits->idle_close_ms > INT64_MAX / 2000))
        error = failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "options",
                            "limits->idle_close_ms is %lld; use 0 for no limit", (long long)limits->idle_close_ms);
    return error;
}

static hostsession_error fill(hostsession_manager *m, const char *target_text, const hostsession_manager_options *o,
                              hostsession_failure *failure) {
    m->target = strdup(target_text ? target_text : "");
    if (!m->target)
        return failure_no_memory(failure, "manager");
    hostsession_error error = options_copy_new(o->session, &m->session, failure);
    if (!error)
        error = check_target(m, failure);
    if (error)
        return error;
    m->loop = o->loop;
    m->own_loop = !o->loop;
    m->owes_calls = m->own_loop ? &m->own_owes_calls : NULL;
    return m->loop ? HOSTSESSION_OK : hostsession_loop_new(&m->loop, failure);
}

static void destroy(hostsession_manager *m) {
    loop_unpost(&m->task);
    loop_guest_remove(&m->guest);
    if (m->own_loop)
        hostsession_loop_free(m->loop);
    list_remove(&m->pool_link);
    if (m->pool)
        pool_leave(m->pool);
    options_copy_free(m->session);
    free(m->target);
    free(m);
}

hostsession_error hostsession_manager_new(const char *target_text, const hostsession_manager_options *options,
                                          hostsession_manager **ret_manager, hostsession_failure *failure) {
    *ret_manager = NULL;
    hostsession_manager_options read;
    hostsession_limits limits;
    hostsession_error error = read_options(options, &read, &limits, failure);
    if (error)
        return error;
    hostsession_manager *m = calloc(1, sizeof *m);
    if (!m)
        return failure_no_memory(failure, "manager");
    m->users = 1;
    m->log = (log_calls){read.log_command, read.log_output, read.userdata};
    m->session_factory = read.session_factory;
    m->oneshot_factory = read.oneshot_factory;
    m->userdata = read.userdata;
    m->idle_close_us = limits.idle_close_ms * 1000;
    quota_init(&m->quota, &limits, 1);
    m->task.run = run_task;
    m->guest.end = on_loop_end;
    m->standard.standard_of = m;
    list_init(&m->entries);
    list_init(&m->turns);
    list_init(&m->oneshots);
    list_init(&m->oneshot_turns);
    list_init(&m->finished);
    error = fill(m, target_text, &read, failure);
    if (error) {
        destroy(m);
        return error;
    }
    loop_guest_add(m->loop, &m->guest);
    *ret_manager = m;
    return HOSTSESSION_OK;
}

/* ---- ending ---- */

void manager_leave(hostsession_manager *m) {
    if (--m->users == 0)
        destroy(m);
}

void manager_end_all(hostsession_manager *m) {
    hostsession_failure why;
    failure_set(&why, HOSTSESSION_ERROR_CANCELED, 0, "manager", "%s: all sessions were closed", m->target);
    /* Not those that a callback opens meanwhile. */
    list doomed;
    list_init(&doomed);
    if (!list_empty(&m->entries)) {
        list_append(&m->entries, &doomed);
        list_remove(&m->entries);
        list_init(&m->entries);
    }
    /* The default one first: a callback that uses it meanwhile opens another. */
    if (m->standard.entry) {
        list_remove(&m->standard.entry->link);
        list_prepend(&doomed, &m->standard.entry->link);
    }
    while (!list_empty(&doomed))
        entry_end(list_item(doomed.next, entry, link), &why);
    oneshots_stop_all(m, &why);
    if (!loop_in_callback(m->loop))
        requests_flush(m);
    else if (m->owes_calls)
        *m->owes_calls = true;
}

void hostsession_manager_close_all(hostsession_manager *m) {
    m->users++;
    manager_end_all(m);
    if (m->own_loop && !loop_in_callback(m->loop))
        loop_drive_holds(m->loop);
    manager_leave(m);
}

void hostsession_manager_free(hostsession_manager *m) {
    if (!m || m->closed)
        return;
    m->closed = true;
    loop_guest_remove(&m->guest);
    hostsession_manager_close_all(m);
    manager_leave(m);
}

/* ---- getters ---- */

const char *hostsession_manager_target(const hostsession_manager *m) {
    return m->target;
}

hostsession_loop *hostsession_manager_loop(const hostsession_manager *m) {
    return m->loop;
}

bool hostsession_manager_has_live_sessions(const hostsession_manager *m) {
    for (const list *at = m->entries.next; at != &m->entries; at = at->next)
        if (entry_alive(list_item(at, entry, link)))
            return true;
    return false;
}

hostsession_named *hostsession_manager_default(hostsession_manager *m) {
    return &m->standard;
}
