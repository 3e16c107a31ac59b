/* SPDX-License-Identifier: MIT */
/* Blocking calls: start, then drive the loop until done. */
#include "session/private.h"

#include "base/failure.h"
#include "session/options.h"

static hostsession_error refuse(const char *stage, hostsession_failure *failure) {
    return failure_set(
        failure, HOSTSESSION_ERROR_INVALID, 0, stage,
        "a blocking call cannot be made in a callback of the loop that it would drive; use the form that "
        "ends in _start");
}

hostsession_error drive_check(const hostsession *session, const char *stage, hostsession_failure *failure) {
    return loop_in_callback(session->loop) ? refuse(stage, failure) : HOSTSESSION_OK;
}

/* After driving: the session may be gone, closed by a callback, and leave its loop to us. */
static void leave(hostsession *session, driver *d) {
    if (d->gone)
        hostsession_loop_free(d->orphan);
    else
        session->driver = NULL;
}

bool drive_pending(hostsession *session) {
    driver d = {false, false, NULL};
    hostsession_loop *loop = session->loop;
    /* It is taken back by leave(). */
    /* cppcheck-suppress autoVariables */
    session->driver = &d;
    hostsession_loop_dispatch(loop);
    while (!d.gone && session->closing && session->own_loop)
        hostsession_loop_run_once(loop, -1);
    leave(session, &d);
    return !d.gone && !session->closing;
}

void drive_until_done(hostsession *session, driver *d) {
    hostsession_loop *loop = session->loop;
    session->driver = d;
    while (!d->done || (!d->gone && session->closing && session->own_loop))
        hostsession_loop_run_once(loop, -1);
    /* Nobody else drives this loop: what ends with the session ends now. */
    if (!d->gone && session->own_loop && engine_state(session->engine) == HOSTSESSION_ENDED)
        loop_drive_holds(loop);
    leave(session, d);
}

typedef struct open_driver {
    driver driver;
    hostsession_failure failure;
} open_driver;

static void on_open_done(hostsession *session, const hostsession_failure *failure, void *userdata) {
    (void)session;
    open_driver *d = userdata;
    if (failure)
        d->failure = *failure;
    d->driver.done = true;
}

hostsession_error hostsession_open(const char *target_text, const hostsession_options *options,
                                   hostsession **ret_session, hostsession_failure *failure) {
    *ret_session = NULL;
    whole_options whole;
    hostsession_error error = options_read_whole(options, &whole, failure);
    if (error)
        return error;
    hostsession_loop **loop = &whole.options.loop;
    bool own = !*loop;
    if (own)
        error = hostsession_loop_new(loop, failure);
    else
        error = loop_in_callback(*loop) ? refuse("open", failure) : HOSTSESSION_OK;
    if (error)
        return error;

    open_driver d = {{false, false, NULL}, HOSTSESSION_FAILURE_INIT};
    hostsession *session = NULL;
    error = hostsession_open_start(target_text, &whole.options, on_open_done, &d, &session, failure);
    if (error) {
        if (own)
            hostsession_loop_free(*loop);
        return error;
    }
    session->own_loop = own;
    session->options.loop = own ? NULL : *loop;
    drive_until_done(session, &d.driver);
    if (d.failure.error) {
        if (failure)
            *failure = d.failure;
        if (!d.driver.gone)
            hostsession_close(session);
        return d.failure.error;
    }
    if (d.driver.gone)
        return failure_set(failure, HOSTSESSION_ERROR_CANCELED, 0, "open", "the session was closed by a callback");
    *ret_session = session;
    return HOSTSESSION_OK;
}
