/* SPDX-License-Identifier: MIT */
/* A session's life: open, pump, end, close. */
#include "session/private.h"

#include "base/failure.h"
#include "session/options.h"
#include "session/setup.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

static const int64_t default_connect_ms = 10000;
static const int64_t default_recovery_ms = 5000;

static void run_task(loop_task *task) {
    session_pump(list_item(task, hostsession, task), true);
}

static void run_drained(loop_task *task) {
    hostsession *s = list_item(task, hostsession, drained);
    if (!s->closing) {
        s->in_engine = true;
        engine_drained(s->engine, loop_now_us(s->loop));
        s->in_engine = false;
    }
    session_pump(s, true);
}

static void on_timer(loop_timer *timer) {
    hostsession *s = list_item(timer, hostsession, timer);
    s->timer_at = INT64_MAX;
    /* After a close the engine still has the result of an operation that was finished. */
    if (!s->closing) {
        s->in_engine = true;
        engine_advance(s->engine, loop_now_us(s->loop));
        s->in_engine = false;
    }
    session_pump(s, true);
}

static void on_loop_end(loop_guest *guest) {
    hostsession_close(list_item(guest, hostsession, guest));
}

/* ---- pumping ---- */

static void send_outgoing(hostsession *s) {
    /* A transport may deliver from inside of a write, which then goes on with what that leads to. */
    while (s->transport_open && !s->writing && bytes_length(engine_outgoing(s->engine))) {
        bytes out;
        engine_take_outgoing(s->engine, &out);
        size_t length = bytes_length(&out);
        s->writing = true;
        size_t sent = s->target.transport.interface.write(s->target.transport.data, bytes_front(&out), length);
        s->writing = false;
        engine_return_outgoing(s->engine, &out, sent < length ? sent : length);
        if (sent < length)
            return;
    }
}

static void close_transport(hostsession *s) {
    if (!s->transport_open)
        return;
    const transport_made *made = &s->target.transport;
    const hostsession_transport *t = &made->interface;
    s->transport_open = false;
    if (s->busy && made->close_running) {
        made->close_running(made->data, engine_had_jobs(s->engine));
        return;
    }
    /* A hangup does not end a command that ignores it; again, since its children come first. */
    for (int i = 0; i < 3 && s->busy && t->signal; i++)
        t->signal(made->data, HOSTSESSION_SIGNAL_KILL);
    t->close(made->data);
}

/* What the shell said last is still for an expect, which then tells of the end. */
static bool expect_rest(hostsession *s, hostsession_operation *operation) {
    if (s->closing || operation->started || operation->kind != OPERATION_EXPECT || !engine_holds_text(s->engine))
        return false;
    s->in_engine = true;
    operation_start(operation);
    s->in_engine = false;
    return true;
}

static void fail_queue(hostsession *s) {
    while (!list_empty(&s->queue)) {
        hostsession_operation *operation = list_item(s->queue.next, hostsession_operation, link);
        if (expect_rest(s, operation))
            continue;
        operation_finish(operation, s->closing ? HOSTSESSION_ERROR_CANCELED : HOSTSESSION_ERROR_CLOSED,
                         engine_failure(s->engine));
    }
}

static void call_open_done(hostsession *s) {
    bool ended = engine_state(s->engine) == HOSTSESSION_ENDED;
    if (!s->open_pending || (!s->ready && !ended && !s->closing))
        return;
    s->open_pending = false;
    hostsession_failure why = *engine_failure(s->engine);
    if (s->closing && !why.error)
        failure_set(&why, HOSTSESSION_ERROR_CANCELED, 0, "session", "%s: closed before a shell answered", s->name);
    /* A failed open is told here and not by on_ended. */
    s->failed_announced |= why.error != HOSTSESSION_OK;
    if (s->open_done)
        s->open_done(s, why.error ? &why : NULL, s->open_userdata);
}

static void call_finished(hostsession *s) {
    while (!list_empty(&s->finished)) {
        hostsession_operation *operation = list_item(s->finished.next, hostsession_operation, link);
        list_remove(&operation->link);
        operation_call_done(operation);
    }
}

static void call_ended(hostsession *s) {
    if (s->failed_announced || s->closing)
        return;
    s->failed_announced = true;
    if (s->options.on_ended)
        s->options.on_ended(s->options.userdata, s, engine_failure(s->engine));
}

static bool owes_calls(const hostsession *s) {
    bool ended = engine_state(s->engine) == HOSTSESSION_ENDED;
    return !list_empty(&s->finished) || (s->closing && !list_empty(&s->queue)) ||
           (s->open_pending && (s->ready || ended || s->closing)) || (ended && !s->failed_announced && !s->closing);
}

static void start_next(hostsession *s) {
    while (!s->closing && !list_empty(&s->queue) && engine_state(s->engine) == HOSTSESSION_IDLE) {
        hostsession_operation *operation = list_item(s->queue.next, hostsession_operation, link);
        if (operation->started || (s->held_for && s->held_for != operation))
            return;
        s->in_engine = true;
        operation_start(operation);
        s->in_engine = false;
    }
}

static void set_timer(hostsession *s) {
    int64_t at = engine_deadline(s->engine);
    /* A timer that fires too early only looks again: moving it back with every command would cost more.  One that is
     * near would, too: the system sets its clock for each wait. */
    int64_t now = loop_now_us(s->loop);
    if (at >= s->timer_at && s->timer_at != INT64_MAX && s->timer_at - now >= (at - now) / 2)
        return;
    if (at == INT64_MAX)
        return;
    s->timer_at = at;
    loop_timer_set(&s->timer, at);
}

static void settle(hostsession *s, bool may_call) {
    if (s->closing || engine_state(s->engine) == HOSTSESSION_ENDED) {
        if (!s->in_transport)
            close_transport(s);
        fail_queue(s);
    }
    hostsession_operation *current = operation_current(s);
    if (current && current->cancelled)
        operation_stop(current);
    if (may_call) {
        call_open_done(s);
        call_finished(s);
        if (engine_state(s->engine) == HOSTSESSION_ENDED && list_empty(&s->queue))
            call_ended(s);
    }
    start_next(s);
    send_outgoing(s);
}

void session_pump(hostsession *s, bool may_call) {
    if (s->pumping || s->in_engine) {
        loop_post(s->loop, &s->task);
        return;
    }
    s->pumping = true;
    loop_guard_enter(s->loop);
    do
        settle(s, may_call);
    while (may_call && owes_calls(s));
    loop_guard_leave(s->loop);
    s->pumping = false;
    if (s->closing && may_call && !s->in_transport) {
        session_free(s);
        return;
    }
    if (owes_calls(s) || s->closing || (engine_state(s->engine) == HOSTSESSION_ENDED && s->transport_open))
        loop_post(s->loop, &s->task);
    set_timer(s);
}

/* ---- opening ---- */

static bool make_token(char token[marker_token_length + 1]) {
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    unsigned char random[marker_token_length];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return false;
    for (size_t i = 0; i < marker_token_length; i++)
        token[i] = letters[random[i] % 36];
    /* It stands behind an octal escape: it must not begin with a digit. */
    token[0] = letters[10 + random[0] % 26];
    token[marker_token_length] = 0;
    return true;
}

static int64_t to_us(int64_t ms, int64_t by_default_ms) {
    if (ms < 0 || ms > INT64_MAX / 2000)
        return INT64_MAX;
    return (ms ? ms : by_default_ms) * 1000;
}

static hostsession_error make_login(hostsession *s, hostsession_failure *failure) {
    hostsession_options *o = &s->options;
    hostsession_error error = HOSTSESSION_OK;
    if (!o->expectation_count && !s->target.asks)
        return error;
    if (o->expectation_count)
        error = session_check_expectations(s, o->expectations, o->expectation_count, failure);
    if (!error && o->expectation_count)
        error = expectations_new(o->expectations, o->expectation_count, &s->expectations, failure);
    o->expectations = NULL;
    engine_login config = {.user = s->target.user,
                           .asks = s->target.asks,
                           .echoes = s->target.echoes,
                           .expectations = s->expectations};
    if (o->telnet && s->target.asks) {
        config.name_prompt = o->telnet->name_prompt;
        config.password_prompt = o->telnet->password_prompt;
    }
    return error ? error : login_new(&config, &s->login, failure);
}

static hostsession_error make_console(hostsession *s, hostsession_failure *failure) {
    hostsession_options *o = &s->options;
    const char *unfit = NULL;
    if (!o->console)
        return HOSTSESSION_OK;
    if (o->mode != HOSTSESSION_MODE_TTY)
        unfit = "needs tty mode";
    else if (o->shell)
        unfit = "is no shell, and a shell was chosen";
    else if (s->target.remote && (o->cwd || (o->environment && o->environment[0])))
        unfit = "has no commands for a directory or an environment";
    if (unfit)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "options", "%s: a console %s", s->name, unfit);
    return console_new(o->console, &s->console, failure);
}

static void free_login(hostsession *s) {
    login_free(s->login);
    expectations_free(s->expectations);
    s->login = NULL;
    s->expectations = NULL;
}

static hostsession_error make_engine(hostsession *s, hostsession_failure *failure) {
    engine_config config = {.name = s->name,
                            .tty = s->options.mode == HOSTSESSION_MODE_TTY,
                            .knows_user = s->user != NULL,
                            .sees_foreground = s->target.transport.sees_foreground,
                            .signals_aside = s->target.transport.signals_aside,
                            .open_timeout_us = to_us(s->options.connect_timeout_ms, default_connect_ms),
                            .max_raw_bytes = s->options.max_output_bytes,
                            .login = s->login,
                            .console = s->console,
                            .recovery_timeout_us = to_us(s->options.recovery_timeout_ms, default_recovery_ms)};
    engine_host host = session_engine_host;
    char *setup = NULL;
    if (s->target.remote) {
        hostsession_error error = setup_command(s->options.environment, s->options.cwd, &setup, failure);
        if (error)
            return error;
    }
    config.setup = setup;
    if (!s->options.on_transcript)
        host.transcript = NULL;
    if (!s->options.on_log)
        host.log = NULL;
    if (!s->target.transport.interface.catch_up)
        host.catch_up = NULL;
    bool random = make_token(config.token);
    loop_update_now(s->loop);
    if (random)
        s->engine = engine_new(&config, &host, s, loop_now_us(s->loop));
    free(setup);
    if (!random)
        return failure_set(failure, HOSTSESSION_ERROR_INTERNAL, 0, "session", "the system has no random numbers");
    return s->engine ? HOSTSESSION_OK : failure_no_memory(failure, "session");
}

/* A local shell runs as us; $LOGNAME, which a remote one tells, need not be set. */
static char *user_name(void) {
    struct passwd entry;
    struct passwd *found = NULL;
    char buffer[4096];
    int error = getpwuid_r(geteuid(), &entry, buffer, sizeof buffer, &found);
    return error == 0 && found ? strdup(found->pw_name) : NULL;
}

static hostsession_error start(hostsession *s, const char *target_text, hostsession_failure *failure) {
    if (target_text && s->options.shell) {
        /* Which shell it was that failed. */
        bytes name = {0};
        if (bytes_printf(&name, "%s (%s)", target_text, s->options.shell))
            s->name = bytes_front(&name);
    } else {
        s->name = strdup(target_text ? target_text : "");
    }
    if (s->name)
        failure_shorten(s->name);
    if (!s->name || !loop_timer_init(&s->timer, s->loop, on_timer))
        return failure_no_memory(failure, "session");
    hostsession_error error = target_open(target_text, &s->options, &s->target, failure);
    if (error)
        return error;
    s->transport_name = strdup(s->target.transport.interface.name ? s->target.transport.interface.name : "unnamed");
    s->target.transport.interface.name = s->transport_name;
    s->transport_held = true;
    s->has_terminal = s->starts_here = s->target.local || s->options.transport;
    if (s->target.local)
        s->user = user_name();
    error = make_login(s, failure);
    if (!error)
        error = make_console(s, failure);
    if (!error)
        error = make_engine(s, failure);
    if (error)
        return error;
    transport_made *t = &s->target.transport;
    s->transport_open = true;
    s->in_engine = true;
    loop_guard_enter(s->loop);
    error = t->interface.open(t->data, s->loop, &s->channel, failure);
    loop_guard_leave(s->loop);
    s->in_engine = false;
    if (error)
        s->transport_open = false;
    return error;
}

hostsession_error hostsession_open_start(const char *target_text, const hostsession_options *options,
                                         hostsession_open_fn done, void *userdata, hostsession **ret_session,
                                         hostsession_failure *failure) {
    *ret_session = NULL;
    whole_options whole;
    hostsession_error error = options_read_whole(options, &whole, failure);
    if (error)
        return error;
    hostsession_loop *loop = whole.options.loop;
    if (!loop)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "options", "options->loop is not set");
    if (loop_is_ending(loop))
        return failure_set(failure, HOSTSESSION_ERROR_CLOSED, 0, "options",
                           "the loop is being freed: no session can be opened on it");
    hostsession *s = calloc(1, sizeof *s);
    if (!s)
        return failure_no_memory(failure, "session");
    s->options = whole.options;
    s->loop = loop;
    s->shell_near = true;
    s->channel.session = s;
    s->timer_at = INT64_MAX;
    s->task.run = run_task;
    s->drained.run = run_drained;
    s->guest.end = on_loop_end;
    list_init(&s->queue);
    list_init(&s->finished);
    s->open_pending = true;
    s->busy = true;
    s->open_done = done;
    s->open_userdata = userdata;
    /* A transport always has a failure to fill. */
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    error = start(s, target_text, &why);
    /* They end with this call. */
    s->options.ssh = NULL;
    s->options.telnet = NULL;
    s->options.console = NULL;
    s->options.transport = NULL;
    if (error) {
        if (failure)
            *failure = why;
        session_free(s);
        return error;
    }
    loop_guest_add(s->loop, &s->guest);
    *ret_session = s;
    session_pump(s, false);
    return HOSTSESSION_OK;
}

/* ---- ending ---- */

void session_free(hostsession *s) {
    close_transport(s);
    transport_made *t = &s->target.transport;
    if (s->transport_held && t->free)
        t->free(t->data);
    else if (s->transport_held && t->interface.release)
        t->interface.release(t->data);
    loop_timer_destroy(&s->timer);
    loop_unpost(&s->task);
    loop_unpost(&s->drained);
    loop_guest_remove(&s->guest);
    engine_free(s->engine);
    console_free(s->console);
    free_login(s);
    target_free(&s->target);
    hostsession_loop *own = s->own_loop ? s->loop : NULL;
    driver *d = s->driver;
    free(s->lost_message);
    free(s->transport_name);
    free(s->name);
    free(s->user);
    free(s);
    if (d) {
        d->gone = true;
        d->orphan = own;
    } else {
        hostsession_loop_free(own);
    }
}

void hostsession_close(hostsession *session) {
    if (!session || session->closing)
        return;
    session->closing = true;
    if (loop_in_callback(session->loop) || session->pumping || session->in_engine)
        loop_post(session->loop, &session->task);
    else
        session_pump(session, true);
}

/* ---- getters ---- */

hostsession_state hostsession_get_state(const hostsession *session) {
    if (session->closing)
        return HOSTSESSION_ENDED;
    hostsession_state state = engine_state(session->engine);
    bool waits = !list_empty(&session->queue) || session->held_for;
    return state == HOSTSESSION_IDLE && waits ? HOSTSESSION_RUNNING : state;
}

const hostsession_failure *hostsession_get_failure(const hostsession *session) {
    return engine_failure(session->engine);
}

const char *hostsession_get_cwd(const hostsession *session) {
    return engine_cwd(session->engine);
}

const char *hostsession_get_user(const hostsession *session) {
    return session->user && engine_depth(session->engine) == 0 ? session->user : engine_user(session->engine);
}

const char *hostsession_get_shell(const hostsession *session) {
    return engine_shell(session->engine);
}

hostsession_loop *hostsession_get_loop(const hostsession *session) {
    return session->loop;
}

const char *hostsession_version(void) {
    return HOSTSESSION_VERSION;
}
