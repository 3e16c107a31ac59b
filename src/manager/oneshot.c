/* SPDX-License-Identifier: MIT */
/* One-shots: their turn, their output and their end. */
#include "manager/oneshot.h"

#include "base/failure.h"
#include "base/options.h"

#include <stdlib.h>
#include <string.h>

/* ---- output ---- */

static void give_line(oneshot *o, hostsession_stream stream, const char *line, size_t length) {
    if (!o->stopping)
        o->options.on_line(o->options.userdata, stream, line, length);
}

static void on_output_line(void *owner, const char *line, size_t length) {
    give_line(owner, HOSTSESSION_STREAM_OUTPUT, line, length);
}

static void on_error_line(void *owner, const char *line, size_t length) {
    give_line(owner, HOSTSESSION_STREAM_ERROR, line, length);
}

void oneshot_output(void *owner, hostsession_stream stream, const char *data, size_t length) {
    oneshot *o = owner;
    if (!o->request || !o->result)
        return;
    bool kept = result_append(o->result, stream, data, length);
    /* What comes once it is stopped is kept, but nobody is called. */
    if (o->stopping)
        return;
    if (!kept) {
        hostsession_failure why;
        failure_no_memory(&why, "command");
        oneshot_stop(o, &why);
        return;
    }
    /* A factory may call from anywhere. */
    hostsession_loop *loop = o->manager->loop;
    loop_guard_enter(loop);
    logger_output(&o->log, stream, data, length);
    if (o->options.on_output && !o->stopping)
        o->options.on_output(o->options.userdata, stream, data, length);
    if (o->options.on_line && !o->stopping)
        lines_feed(&o->lines[stream], data, length);
    loop_guard_leave(loop);
}

/* ---- the end ---- */

static void give_slot(oneshot *o) {
    if (o->slot == QUOTA_KINDS)
        return;
    quota_give(&o->manager->quota, o->slot);
    o->slot = QUOTA_KINDS;
    if (o->manager->pool)
        pool_wake(o->manager->pool);
    manager_wake(o->manager);
}

void oneshot_release(oneshot *o) {
    if (o->command && o->options.secret)
        explicit_bzero(o->command, strlen(o->command));
    free(o->command);
    lines_free(&o->lines[0]);
    lines_free(&o->lines[1]);
    logger_free(&o->log);
    hostsession_result_free(o->result);
    loop_timer_destroy(&o->timer);
    free(o);
}

/* By its request: nothing of it is under way any more, but for what a factory runs. */
void oneshot_free(oneshot *o) {
    if (!o)
        return;
    o->request = NULL;
    if (o->factory_runs)
        loop_timer_destroy(&o->timer);
    else
        oneshot_release(o);
}

static hostsession_status stopped_status(const oneshot *o) {
    if (o->why.error != HOSTSESSION_ERROR_TIMED_OUT && o->why.error != HOSTSESSION_ERROR_CANCELED)
        return HOSTSESSION_STATUS_ERROR;
    if (!o->sent)
        return HOSTSESSION_STATUS_SKIPPED;
    return o->why.error == HOSTSESSION_ERROR_CANCELED ? HOSTSESSION_STATUS_INTERRUPTED : HOSTSESSION_STATUS_TIMED_OUT;
}

/* Lines without a newline. */
static void give_rest(oneshot *o) {
    loop_guard_enter(o->manager->loop);
    logger_finish(&o->log);
    for (int i = 0; i < 2 && o->options.on_line; i++)
        lines_finish(&o->lines[i]);
    loop_guard_leave(o->manager->loop);
}

/* `result` was filled; its status and failure say how it ended. */
void oneshot_finish(oneshot *o, hostsession_result *result) {
    hostsession_request *r = o->request;
    /* It may be stopped in there: all that stopping sets off is undone behind it. */
    if (!o->stopping)
        give_rest(o);
    loop_timer_stop(&o->timer);
    loop_unpost(&o->task);
    list_remove(&o->link);
    list_remove(&o->turn);
    give_slot(o);
    if (result && o->stopping) {
        result->status = stopped_status(o);
        result->exit_status = -1;
        result->failure = o->why;
    }
    if (result) {
        result->session_alive = false;
        r->oneshot.result = result;
    }
    hostsession_failure why;
    failure_no_memory(&why, "command");
    if (result)
        why = result->failure;
    request_finish(r, why.error ? &why : NULL);
}

/* Our own result, with what has come. */
static void finish_own(oneshot *o, hostsession_status status, int exit_status, const hostsession_failure *why) {
    hostsession_result *result = o->result;
    o->result = NULL;
    result->status = status;
    result->exit_status = exit_status;
    if (why)
        result->failure = *why;
    if (o->sent)
        result->duration_us = (uint64_t)(loop_now_us(o->manager->loop) - o->sent_us);
    result_finish(result);
    oneshot_finish(o, result);
}

void oneshot_finish_stopped(oneshot *o) {
    finish_own(o, stopped_status(o), -1, &o->why);
}

void oneshot_finish_exited(oneshot *o, int exit_status) {
    finish_own(o, exit_status == 0 ? HOSTSESSION_STATUS_SUCCESS : HOSTSESSION_STATUS_FAILED, exit_status, NULL);
}

void oneshot_finish_failed(oneshot *o, const hostsession_failure *why) {
    bool lost = why->error == HOSTSESSION_ERROR_DISCONNECTED && o->sent;
    finish_own(o, lost ? HOSTSESSION_STATUS_LOST : HOSTSESSION_STATUS_ERROR, -1, why);
}

void oneshot_flush(hostsession_manager *m) {
    if (loop_in_dispatch(m->loop))
        requests_flush(m);
}

/* ---- stopping ---- */

static void stop_now(oneshot *o) {
    hostsession_manager *m = o->manager;
    if (o->transport.data) {
        o->transport.end(o->transport.data);
        o->transport.data = NULL;
    }
    if (o->session) {
        /* Its open or its run is told, and finishes this. */
        hostsession *session = o->session;
        o->session = NULL;
        hostsession_close(session);
        return;
    }
    const hostsession_oneshot_handle factory = o->factory;
    bool cancels = o->factory_runs && factory.cancel;
    m->users++;
    oneshot_finish_stopped(o);
    /* Only now: `done` may come from inside of it, and is told nobody any more. */
    if (cancels) {
        loop_guard_enter(m->loop);
        factory.cancel(factory.data);
        loop_guard_leave(m->loop);
    }
    oneshot_flush(m);
    manager_leave(m);
}

static void on_task(loop_task *task) {
    stop_now(list_item(task, oneshot, task));
}

/* Not inside what runs it: that may be calling us. */
void oneshot_stop(oneshot *o, const hostsession_failure *why) {
    if (o->stopping)
        return;
    o->stopping = true;
    o->why = *why;
    loop_post(o->manager->loop, &o->task);
}

void oneshots_stop_all(hostsession_manager *m, const hostsession_failure *why) {
    for (list *at = m->oneshots.next; at != &m->oneshots; at = at->next)
        oneshot_stop(list_item(at, oneshot, link), why);
    if (loop_in_callback(m->loop))
        return;
    /* Those that a callback starts meanwhile are not stopped, and come last. */
    for (;;) {
        oneshot *found = NULL;
        for (list *at = m->oneshots.next; at != &m->oneshots && !found; at = at->next) {
            oneshot *o = list_item(at, oneshot, link);
            if (o->stopping && o->task.link.next)
                found = o;
        }
        if (!found)
            return;
        loop_unpost(&found->task);
        stop_now(found);
    }
}

static void on_timer(loop_timer *timer) {
    oneshot *o = list_item(timer, oneshot, timer);
    hostsession_manager *m = o->manager;
    hostsession_failure why;
    /* Its task, or the end of its session, is still to come. */
    if (o->stopping)
        return;
    failure_set(&why, HOSTSESSION_ERROR_CONNECT, 0, "connect", "%s: not connected in time", m->target);
    if (!o->sent && !o->waits && o->transport.data && o->transport.explain)
        o->transport.explain(o->transport.data, &why);
    if (!o->connects) {
        const char *state = o->sent    ? "the command ran"
                            : o->waits ? "it waited for others to end (max_oneshots)"
                                       : why.message;
        hostsession_failure late;
        failure_set(&late, HOSTSESSION_ERROR_TIMED_OUT, 0, "command", "%s: the time for the one-shot passed: %s",
                    m->target, state);
        why = late;
    }
    o->stopping = true;
    o->why = why;
    stop_now(o);
}

/* ---- starting ---- */

void oneshots_start(hostsession_manager *m) {
    while (!list_empty(&m->oneshot_turns)) {
        oneshot *o = list_item(m->oneshot_turns.next, oneshot, turn);
        if (o->slot == QUOTA_WAITING) {
            if (!quota_take(&m->quota, QUOTA_ONESHOTS))
                return;
            quota_give(&m->quota, QUOTA_WAITING);
            o->slot = QUOTA_ONESHOTS;
        }
        list_remove(&o->turn);
        if (!o->stopping)
            oneshot_run(o);
    }
}

static bool take_slot(hostsession_manager *m, oneshot *o) {
    bool nobody_waits =
        list_empty(&m->oneshot_turns) || list_item(m->oneshot_turns.previous, oneshot, turn)->slot == QUOTA_ONESHOTS;
    o->slot = nobody_waits && quota_take(&m->quota, QUOTA_ONESHOTS) ? QUOTA_ONESHOTS : QUOTA_WAITING;
    return o->slot == QUOTA_ONESHOTS || quota_take(&m->quota, QUOTA_WAITING);
}

static hostsession_error read_options(const hostsession_manager *m, const hostsession_run_options *given,
                                      hostsession_run_options *to, hostsession_failure *failure) {
    *to = (hostsession_run_options)HOSTSESSION_RUN_OPTIONS_INIT;
    hostsession_error error = options_read(given, to, sizeof *to, "options", "HOSTSESSION_RUN_OPTIONS_INIT", failure);
    if (error != HOSTSESSION_OK)
        return error;
    if (to->timeout_ms < 0 || to->timeout_ms > INT64_MAX / 2000)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "options",
                           "options->timeout_ms is %lld; use 0 for no limit", (long long)to->timeout_ms);
    if (to->expectation_count)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "options",
                           "a one-shot reads /dev/null and cannot be answered: run the command in a session");
    if (to->max_output_bytes == 0)
        to->max_output_bytes = options_copy_read(m->session)->max_output_bytes;
    return HOSTSESSION_OK;
}

static hostsession_error fill(oneshot *o, const char *command, hostsession_failure *failure) {
    hostsession_manager *m = o->manager;
    o->command = strdup(command);
    o->result = result_new(o->options.max_output_bytes);
    if (!o->command || !o->result || !loop_timer_init(&o->timer, m->loop, on_timer))
        return failure_no_memory(failure, "command");
    logger_init(&o->log, &m->log, NULL);
    for (int i = 0; i < 2; i++) {
        o->lines[i].owner = o;
        o->lines[i].on_line = i ? on_error_line : on_output_line;
    }
    if (!take_slot(m, o))
        return quota_refuse(&m->quota, QUOTA_WAITING, failure);
    if (!loop_in_dispatch(m->loop))
        loop_update_now(m->loop);
    o->deadline_us = o->options.timeout_ms ? loop_now_us(m->loop) + o->options.timeout_ms * 1000 : INT64_MAX;
    if (o->deadline_us != INT64_MAX)
        loop_timer_set(&o->timer, o->deadline_us);
    return HOSTSESSION_OK;
}

hostsession_error hostsession_manager_oneshot_start(hostsession_manager *m, const char *command,
                                                    const hostsession_run_options *options, hostsession_oneshot_fn done,
                                                    void *userdata, hostsession_request **ret_request,
                                                    hostsession_failure *failure) {
    hostsession_run_options read;
    if (ret_request)
        *ret_request = NULL;
    hostsession_error error = manager_check_open(m, failure);
    if (!error && !command)
        error = failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "command", "the command is NULL");
    if (!error)
        error = read_options(m, options, &read, failure);
    if (error)
        return error;
    hostsession_request *r = request_new(m, REQUEST_ONESHOT, NULL, userdata);
    oneshot *o = r ? calloc(1, sizeof *o) : NULL;
    if (!o) {
        if (r)
            request_free(r);
        return failure_no_memory(failure, "command");
    }
    r->oneshot.done = done;
    r->oneshot.oneshot = o;
    *o = (oneshot){.request = r,
                   .manager = m,
                   .waits = true,
                   .slot = QUOTA_KINDS,
                   .options = read,
                   .task.run = on_task,
                   .owner = {options_copy_read(m->session), NULL}};
    error = fill(o, command, failure);
    if (error) {
        request_free(r);
        return error;
    }
    list_append(&m->oneshots, &o->link);
    list_append(&m->oneshot_turns, &o->turn);
    manager_wake(m);
    if (ret_request)
        *ret_request = r;
    return HOSTSESSION_OK;
}
