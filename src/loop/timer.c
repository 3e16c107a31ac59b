/* SPDX-License-Identifier: MIT */
#include "loop/loop.h"
#include "loop/private.h"

#include <stdlib.h>

/* libuv's part lives until libuv has closed it, longer than the owner's. */
typedef struct timer_handle {
    uv_timer_t uv;
    hostsession_loop *loop;
    loop_timer *owner;
    list due;
} timer_handle;

/* Not yet: libuv runs timers first, and what a deadline waits for may have come while nobody dispatched. */
static void on_timer(uv_timer_t *uv) {
    timer_handle *handle = uv->data;
    list_append(&handle->loop->due, &handle->due);
}

void loop_run_due_timers(hostsession_loop *loop) {
    while (!list_empty(&loop->due)) {
        timer_handle *handle = list_item(loop->due.next, timer_handle, due);
        list_remove(&handle->due);
        loop_enter_callback(loop);
        handle->owner->expired(handle->owner);
    }
}

static void on_closed(uv_handle_t *uv) {
    free(uv->data);
}

bool loop_timer_init(loop_timer *timer, hostsession_loop *loop, void (*expired)(loop_timer *timer)) {
    timer_handle *handle = calloc(1, sizeof *handle);
    timer->handle = handle;
    timer->expired = expired;
    if (!handle)
        return false;
    uv_timer_init(&loop->uv, &handle->uv);
    handle->uv.data = handle;
    handle->loop = loop;
    handle->owner = timer;
    return true;
}

void loop_timer_set(loop_timer *timer, int64_t at_us) {
    timer_handle *handle = timer->handle;
    int64_t at_ms = at_us > INT64_MAX - 999 ? at_us / 1000 : (at_us + 999) / 1000;
    int64_t in_ms = at_ms - (int64_t)uv_now(&handle->loop->uv);
    /* libuv 1.44 would run a timer that sets itself to "now" for ever in one pass. */
    int64_t least_ms = handle->loop->dispatching ? 1 : 0;
    list_remove(&handle->due);
    uv_timer_start(&handle->uv, on_timer, (uint64_t)(in_ms > least_ms ? in_ms : least_ms), 0);
}

void loop_timer_stop(loop_timer *timer) {
    timer_handle *handle = timer->handle;
    list_remove(&handle->due);
    uv_timer_stop(&handle->uv);
}

void loop_timer_destroy(loop_timer *timer) {
    timer_handle *handle = timer->handle;
    if (!handle)
        return;
    timer->handle = NULL;
    list_remove(&handle->due);
    uv_close((uv_handle_t *)&handle->uv, on_closed);
}
