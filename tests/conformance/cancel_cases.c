/* SPDX-License-Identifier: MIT */
/* Cancelling operations that run, and ones that wait. */
#include "conformance.h"

#include <string.h>
#include <unistd.h>

struct canceled {
    struct context *t;
    hostsession_operation *operation;
    hostsession_error error;
    hostsession_status status;
    bool alive;
    text output;
    int done;
};

static void on_done(hostsession *session, hostsession_error error, hostsession_result *result, void *userdata) {
    struct canceled *c = userdata;
    (void)session;
    c->error = error;
    c->status = hostsession_result_status(result);
    c->alive = hostsession_result_session_alive(result);
    text_append(&c->output, hostsession_result_output(result), hostsession_result_output_bytes(result));
    hostsession_result_free(result);
    c->done++;
}

static void cancel_at_output(void *userdata, hostsession_stream stream, const char *bytes, size_t length) {
    struct canceled *c = userdata;
    (void)stream;
    (void)bytes;
    (void)length;
    hostsession_cancel(c->operation);
}

static bool start(struct context *t, struct canceled *c, const char *command, hostsession_output_fn on_output) {
    *c = (struct canceled){.t = t};
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.on_output = on_output;
    options.userdata = c;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    hostsession_error error = hostsession_run_start(t->session, command, &options, on_done, c, &c->operation, &why);
    return CHECK(t, error == HOSTSESSION_OK, "start: %s: %s", hostsession_error_name(error), why.message);
}

static void check_canceled(struct context *t, struct canceled *c, hostsession_status status, const char *output) {
    if (!drive_until(t, &c->done))
        return;
    CHECK(t, c->done == 1 && c->error == HOSTSESSION_ERROR_CANCELED && c->status == status && c->alive,
          "done %d times, got %s/%s, session %s", c->done, hostsession_error_name(c->error),
          hostsession_status_name(c->status), c->alive ? "alive" : "ended");
    CHECK(t, is_output_when_stopped(t, text_data(&c->output), c->output.length, output), "output %s",
          text_data(&c->output));
    text_free(&c->output);
}

static void running(struct context *t) {
    RUNS(t, "cd /usr; kept=1", "", 0);
    struct canceled c;
    for (int i = 0; i < 3; i++) {
        if (!start(t, &c, say(t, "printf started; sleep %s; echo NOT", t->tag), cancel_at_output))
            return;
        check_canceled(t, &c, HOSTSESSION_STATUS_INTERRUPTED, "started");
        GONE(t, t->tag);
        RUNS(t, "pwd; echo $kept", "/usr\n1\n", 0);
        IN_SYNC(t);
    }
}

static void from_outside_dispatch(struct context *t) {
    struct canceled c;
    if (!start(t, &c, say(t, "sleep %s", t->tag), NULL))
        return;
    hostsession_cancel(c.operation);
    hostsession_cancel(c.operation);
    CHECK(t, c.done == 0, "done was called from within cancel");
    drive_until(t, &c.done);
    CHECK(t, c.done == 1 && c.error == HOSTSESSION_ERROR_CANCELED && c.alive, "done %d times, got %s", c.done,
          hostsession_error_name(c.error));
    text_free(&c.output);
    GONE(t, t->tag);
    IN_SYNC(t);
}

static void waiting(struct context *t) {
    struct canceled first;
    struct canceled second;
    struct canceled third;
    if (!start(t, &first, "echo one", NULL) || !start(t, &second, "echo two >\"$HOME/made\"", NULL) ||
        !start(t, &third, "echo three", NULL))
        return;
    hostsession_cancel(second.operation);
    drive_until(t, &third.done);
    CHECK(t, first.done == 1 && first.error == HOSTSESSION_OK && text_equals(&first.output, "one\n", 4), "the first");
    CHECK(t,
          second.done == 1 && second.error == HOSTSESSION_ERROR_CANCELED && second.status == HOSTSESSION_STATUS_SKIPPED,
          "the second: done %d times, %s/%s", second.done, hostsession_error_name(second.error),
          hostsession_status_name(second.status));
    CHECK(t, third.done == 1 && third.error == HOSTSESSION_OK && text_equals(&third.output, "three\n", 6), "the third");
    CHECK(t, access(home_path(t, "made"), F_OK) != 0, "the cancelled command ran");
    text_free(&first.output);
    text_free(&second.output);
    text_free(&third.output);
    IN_SYNC(t);
}

static void a_flood(struct context *t) {
    struct canceled c;
    if (!start(t, &c, say(t, "yes %s", t->tag), cancel_at_output))
        return;
    drive_until(t, &c.done);
    CHECK(t, c.error == HOSTSESSION_ERROR_CANCELED && c.alive, "got %s", hostsession_error_name(c.error));
    text_free(&c.output);
    GONE(t, t->tag);
    IN_SYNC(t);
}

static void a_stubborn_program(struct context *t) {
    struct canceled c;
    if (!start(t, &c, say(t, "sh -c 'trap \"\" INT QUIT TERM; echo on; while :; do sleep %s; done'", t->tag),
               cancel_at_output))
        return;
    drive_until(t, &c.done);
    CHECK(t, c.error == HOSTSESSION_ERROR_CANCELED && c.alive, "got %s", hostsession_error_name(c.error));
    text_free(&c.output);
    GONE(t, t->tag);
    IN_SYNC(t);
}

static const struct conformance_case cancel_cases_table[] = {
    {"cancel-running", running, 0, 0, 0},
    {"cancel-from-outside-dispatch", from_outside_dispatch, 0, 0, 0},
    {"cancel-waiting", waiting, 0, 0, 0},
    {"cancel-a-flood", a_flood, 0, 0, 0},
    {"cancel-a-stubborn-program", a_stubborn_program, 0, 0, 0},
};

CASE_GROUP(cancel_cases);
