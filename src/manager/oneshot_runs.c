/* SPDX-License-Identifier: MIT */
/* What runs a one-shot: a process or a channel, a session of its own, or a factory. */
#include "manager/oneshot.h"

#include "base/failure.h"
#include "base/shell.h"
#include "session/target.h"

#include <string.h>

enum {
    /* Linux takes 128 KiB as one argument; a directory and settings may come before it. */
    most_command_bytes = 120 * 1024,
};

/* ---- in a process or a channel ---- */

static void note_sent(oneshot *o) {
    o->sent = true;
    o->connects = false;
    o->sent_us = loop_now_us(o->manager->loop);
    loop_timer_stop(&o->timer);
    if (o->deadline_us != INT64_MAX)
        loop_timer_set(&o->timer, o->deadline_us);
}

static void announce(oneshot *o) {
    logger_command(&o->log, o->command, strlen(o->command), o->options.secret, HOSTSESSION_LOGGING_DEFAULT);
}

static void on_started(void *owner) {
    oneshot *o = owner;
    note_sent(o);
    if (!o->stopping)
        announce(o);
}

static void on_transport_ended(void *owner, const hostsession_exit *how, const hostsession_failure *why) {
    oneshot *o = owner;
    hostsession_manager *m = o->manager;
    o->transport.data = NULL;
    if (o->stopping)
        oneshot_finish_stopped(o);
    else if (why)
        oneshot_finish_failed(o, why);
    else
        oneshot_finish_exited(o, how->exit_status);
    oneshot_flush(m);
}

static hostsession_error start_transport(oneshot *o, hostsession_failure *failure) {
    static const transport_oneshot_calls calls = {on_started, oneshot_output, on_transport_ended};
    hostsession_manager *m = o->manager;
    bool local = strcmp(m->target, "local") == 0;
    if (strlen(o->command) > most_command_bytes)
        return failure_set(failure, HOSTSESSION_ERROR_LIMIT, 0, "command",
                           "%s: the command has %zu bytes, and a one-shot at most %d; run it in a session", m->target,
                           strlen(o->command), most_command_bytes);
    if (local)
        announce(o);
    hostsession_error error = target_start_oneshot(m->target, m->loop, options_copy_read(m->session), o->command,
                                                   &calls, o, &o->transport, failure);
    if (!error && o->transport.started)
        note_sent(o);
    return error;
}

/* ---- in a session of its own ---- */

static void end_session(oneshot *o) {
    hostsession *session = o->session;
    o->session = NULL;
    hostsession_close(session);
}

static void on_run_done(hostsession *session, hostsession_error error, hostsession_result *result, void *userdata) {
    (void)session, (void)error;
    oneshot *o = userdata;
    hostsession_manager *m = o->manager;
    end_session(o);
    if (result && result->status == HOSTSESSION_STATUS_SHELL_EXITED && result->exit_status >= 0) {
        result->status = result->exit_status == 0 ? HOSTSESSION_STATUS_SUCCESS : HOSTSESSION_STATUS_FAILED;
        result->failure = (hostsession_failure)HOSTSESSION_FAILURE_INIT;
    }
    oneshot_finish(o, result);
    oneshot_flush(m);
}

/* The command's text; where nobody would tell how a shell that exits has ended, for a shell inside of the session's. */
static bool write_text(const oneshot *o, bytes *to) {
    const hostsession_manager *m = o->manager;
    bool exits_alone = m->session_factory || options_copy_read(m->session)->console || target_tells_exit(m->target);
    if (exits_alone)
        return bytes_append_text(to, o->command) && bytes_append(to, "", 1);
    return bytes_append_text(to, "(\\command eval ") && shell_append_word(to, o->command) && bytes_append(to, ")", 2);
}

static void run_in_session(oneshot *o, hostsession *session, hostsession_failure *why) {
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    bytes text = {0};
    options.max_output_bytes = o->options.max_output_bytes;
    options.secret = o->options.secret;
    options.on_output = oneshot_output;
    options.userdata = o;
    note_sent(o);
    announce(o);
    if (write_text(o, &text))
        hostsession_run_start(session, bytes_front(&text), &options, on_run_done, o, NULL, why);
    else
        failure_no_memory(why, "command");
    bytes_wipe(&text);
    if (why->error)
        o->sent = false;
}

static void on_open_done(hostsession *session, const hostsession_failure *failure, void *userdata) {
    oneshot *o = userdata;
    hostsession_manager *m = o->manager;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (failure) {
        why = *failure;
    } else if (!o->stopping) {
        run_in_session(o, session, &why);
        if (!why.error)
            return;
    }
    end_session(o);
    if (o->stopping)
        oneshot_finish_stopped(o);
    else
        oneshot_finish_failed(o, &why);
    oneshot_flush(m);
}

/* ---- by a factory ---- */

static void on_factory_done(hostsession_error error, hostsession_result *result, void *userdata) {
    (void)error;
    oneshot *o = userdata;
    o->factory_runs = false;
    if (!o->request) {
        hostsession_result_free(result);
        oneshot_release(o);
        return;
    }
    hostsession_manager *m = o->manager;
    if (o->request->finished) {
        hostsession_result_free(result);
        return;
    }
    oneshot_finish(o, result);
    oneshot_flush(m);
}

static hostsession_error start_factory(oneshot *o, hostsession_failure *failure) {
    hostsession_manager *m = o->manager;
    hostsession_run_options options = o->options;
    options.on_output = oneshot_output;
    options.on_line = NULL;
    options.userdata = o;
    o->factory_runs = true;
    note_sent(o);
    announce(o);
    hostsession_error error =
        m->oneshot_factory(m->userdata, o->command, &options, on_factory_done, o, &o->factory, failure);
    if (error) {
        o->factory_runs = false;
        o->sent = false;
    }
    return error;
}

/* ---- starting ---- */

static int64_t connect_deadline(const oneshot *o) {
    int64_t limit_ms = options_copy_read(o->manager->session)->connect_timeout_ms;
    if (limit_ms < 0 || limit_ms > INT64_MAX / 2000)
        return INT64_MAX;
    return loop_now_us(o->manager->loop) + (limit_ms ? limit_ms : 10000) * 1000;
}

void oneshot_run(oneshot *o) {
    hostsession_manager *m = o->manager;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    hostsession_error error = HOSTSESSION_OK;
    o->waits = false;
    if (m->oneshot_factory) {
        error = start_factory(o, &why);
    } else if (m->session_factory || !target_has_oneshots(m->target)) {
        hostsession *session = NULL;
        error = manager_open_session(m, NULL, &o->owner, on_open_done, o, &session, &why);
        o->session = session;
    } else {
        int64_t until = connect_deadline(o);
        o->connects = until < o->deadline_us;
        if (o->connects)
            loop_timer_set(&o->timer, until);
        error = start_transport(o, &why);
    }
    if (error && !o->stopping)
        oneshot_finish_failed(o, &why);
}
