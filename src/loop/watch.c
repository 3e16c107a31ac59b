/* SPDX-License-Identifier: MIT */
#include "base/failure.h"
#include "loop/loop.h"
#include "loop/private.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>

struct hostsession_watch {
    uv_poll_t uv;
    hostsession_loop *loop;
    hostsession_watch_fn ready;
    void *userdata;
    unsigned events;
};

static void on_ready(uv_poll_t *uv, int status, int uv_events);

static int uv_events_of(unsigned events) {
    return ((events & HOSTSESSION_WATCH_READABLE) ? UV_READABLE : 0) |
           ((events & HOSTSESSION_WATCH_WRITABLE) ? UV_WRITABLE : 0);
}

static int start(hostsession_watch *watch) {
    watch->loop->unregistered = true;
    return uv_poll_start(&watch->uv, uv_events_of(watch->events), on_ready);
}

/* libuv tells of a hangup only where nothing else is to be told: a terminal can be written to all the same. */
static bool is_hung_up(const hostsession_watch *watch) {
    struct pollfd look = {.events = 0};
    return uv_fileno((const uv_handle_t *)&watch->uv, &look.fd) == 0 && poll(&look, 1, 0) > 0;
}

static void on_ready(uv_poll_t *uv, int status, int uv_events) {
    hostsession_watch *watch = uv->data;
    loop_enter_callback(watch->loop);
    unsigned events = ((uv_events & UV_READABLE) ? HOSTSESSION_WATCH_READABLE : 0u) |
                      ((uv_events & UV_WRITABLE) ? HOSTSESSION_WATCH_WRITABLE : 0u);
    if (status < 0) {
        /* libuv stops a watch at POLLERR. */
        events = HOSTSESSION_WATCH_READABLE | watch->events;
        start(watch);
    }
    if (events == HOSTSESSION_WATCH_WRITABLE && (watch->events & HOSTSESSION_WATCH_READABLE) && is_hung_up(watch))
        events |= HOSTSESSION_WATCH_READABLE;
    watch->ready(watch->userdata, events);
}

static void on_closed(uv_handle_t *uv) {
    free(uv->data);
}

hostsession_error hostsession_watch_new(hostsession_loop *loop, int descriptor, unsigned events,
                                        hostsession_watch_fn ready, void *userdata, hostsession_watch **ret_watch) {
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0)
        return HOSTSESSION_ERROR_INVALID;
    hostsession_watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return HOSTSESSION_ERROR_NO_MEMORY;
    int made = uv_poll_init(&loop->uv, &watch->uv, descriptor);
    /* libuv sets O_NONBLOCK, which other processes share when the descriptor is inherited (a terminal). */
    if (!(flags & O_NONBLOCK))
        fcntl(descriptor, F_SETFL, flags);
    if (made != 0) {
        free(watch);
        return made == UV_ENOMEM || made == UV_ENOSPC ? HOSTSESSION_ERROR_NO_MEMORY : HOSTSESSION_ERROR_INVALID;
    }
    watch->uv.data = watch;
    watch->loop = loop;
    watch->ready = ready;
    watch->userdata = userdata;
    hostsession_watch_set_events(watch, events);
    *ret_watch = watch;
    return HOSTSESSION_OK;
}

void hostsession_watch_set_events(hostsession_watch *watch, unsigned events) {
    if (events == watch->events)
        return;
    watch->events = events;
    if (events)
        start(watch);
    else
        uv_poll_stop(&watch->uv);
}

void hostsession_watch_free(hostsession_watch *watch) {
    if (watch)
        uv_close((uv_handle_t *)&watch->uv, on_closed);
}
