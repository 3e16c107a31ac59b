/* SPDX-License-Identifier: MIT */
/* Sessions inside a program that is built on libuv: one poll handle for the library's descriptor, one timer for its
 * next deadline, both looked at again before libuv sleeps. */
#include <hostsession/hostsession.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

typedef struct bridge {
    hostsession_loop *sessions;
    uv_poll_t descriptor;
    uv_timer_t deadline;
    uv_prepare_t before_sleep;
} bridge;

static void on_descriptor(uv_poll_t *handle, int status, int events) {
    bridge *b = handle->data;
    (void)status;
    (void)events;
    hostsession_loop_dispatch(b->sessions);
}

static void on_deadline(uv_timer_t *handle) {
    bridge *b = handle->data;
    hostsession_loop_dispatch(b->sessions);
}

/* The deadline may have changed with every callback and every call. */
static void on_before_sleep(uv_prepare_t *handle) {
    bridge *b = handle->data;
    int64_t timeout_ms = hostsession_loop_timeout_ms(b->sessions);
    if (timeout_ms < 0)
        uv_timer_stop(&b->deadline);
    else
        uv_timer_start(&b->deadline, on_deadline, (uint64_t)timeout_ms, 0);
}

static void bridge_init(bridge *b, uv_loop_t *uv, hostsession_loop *sessions) {
    b->sessions = sessions;
    b->descriptor.data = b->deadline.data = b->before_sleep.data = b;
    uv_poll_init(uv, &b->descriptor, hostsession_loop_descriptor(sessions));
    uv_poll_start(&b->descriptor, UV_READABLE, on_descriptor);
    uv_timer_init(uv, &b->deadline);
    uv_prepare_init(uv, &b->before_sleep);
    uv_prepare_start(&b->before_sleep, on_before_sleep);
}

/* Before the session's loop is freed: its descriptor goes with it. */
static void bridge_close(bridge *b, uv_loop_t *uv) {
    uv_close((uv_handle_t *)&b->descriptor, NULL);
    uv_close((uv_handle_t *)&b->deadline, NULL);
    uv_close((uv_handle_t *)&b->before_sleep, NULL);
    uv_run(uv, UV_RUN_DEFAULT);
}

typedef struct job {
    uv_loop_t *uv;
    int ticks;
    int failed;
} job;

static void on_line(void *userdata, hostsession_stream stream, const char *line, size_t length) {
    (void)userdata;
    (void)stream;
    printf("shell: %.*s\n", (int)length, line);
}

static void on_ran(hostsession *session, hostsession_error error, hostsession_result *result, void *userdata) {
    job *of = userdata;
    (void)session;
    printf("shell: %s\n", hostsession_status_name(hostsession_result_status(result)));
    /* The second command is stopped at its deadline. */
    if (error == HOSTSESSION_ERROR_TIMED_OUT)
        uv_stop(of->uv);
    else if (error != HOSTSESSION_OK)
        of->failed = 1;
    hostsession_result_free(result);
}

static void on_open(hostsession *session, const hostsession_failure *failure, void *userdata) {
    job *of = userdata;
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.on_line = on_line;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    hostsession_error error = failure ? failure->error : HOSTSESSION_OK;
    if (!error)
        error = hostsession_run_start(session, "echo one; echo two", &options, on_ran, of, NULL, &why);
    options.timeout_ms = 200;
    if (!error)
        error = hostsession_run_start(session, "echo three; sleep 60", &options, on_ran, of, NULL, &why);
    if (error) {
        fprintf(stderr, "%s\n", failure ? failure->message : why.message);
        of->failed = 1;
        uv_stop(of->uv);
    }
}

/* Something else that the program does meanwhile. */
static void on_tick(uv_timer_t *timer) {
    job *of = timer->data;
    of->ticks++;
}

int main(void) {
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    if (hostsession_loop_new(&options.loop, &why) != HOSTSESSION_OK) {
        fprintf(stderr, "%s\n", why.message);
        return EXIT_FAILURE;
    }
    uv_loop_t *uv = uv_default_loop();
    bridge b;
    bridge_init(&b, uv, options.loop);
    job of = {uv, 0, 0};
    uv_timer_t tick = {.data = &of};
    uv_timer_init(uv, &tick);
    uv_timer_start(&tick, on_tick, 10, 10);

    hostsession *session = NULL;
    if (hostsession_open_start("local", &options, on_open, &of, &session, &why) == HOSTSESSION_OK) {
        uv_run(uv, UV_RUN_DEFAULT);
    } else {
        fprintf(stderr, "%s\n", why.message);
        of.failed = 1;
    }
    hostsession_close(session);
    uv_close((uv_handle_t *)&tick, NULL);
    bridge_close(&b, uv);
    uv_loop_close(uv);
    hostsession_loop_free(options.loop);
    printf("the program's own timer %s\n", of.ticks ? "ran, too" : "did not run");
    return of.failed || of.ticks == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
