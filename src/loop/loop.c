/* SPDX-License-Identifier: MIT */
/* One pass: posted tasks, timers, then descriptors.  A wait is a single epoll call made by libuv, which keeps time in
 * milliseconds and remembers it; the loop's own time is in microseconds, read once a pass. */
#include "loop/loop.h"

#include "base/failure.h"
#include "loop/private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    free_wait_us = 1000 * 1000,
    /* epoll, an eventfd, a pipe, and a pipe of the whole process. */
    uv_loop_descriptors = 6,
};

static int64_t read_clock_us(void) {
    return (int64_t)(uv_hrtime() / 1000);
}

void loop_update_now(hostsession_loop *loop) {
    loop->now_us = read_clock_us();
    loop->now_stale = false;
}

int64_t loop_now_us(const hostsession_loop *loop) {
    return loop->now_us;
}

bool loop_in_dispatch(const hostsession_loop *loop) {
    return loop->dispatching;
}

void loop_guard_enter(hostsession_loop *loop) {
    loop->callbacks++;
}

void loop_guard_leave(hostsession_loop *loop) {
    loop->callbacks--;
}

bool loop_in_callback(const hostsession_loop *loop) {
    return loop->dispatching || loop->callbacks > 0;
}

bool loop_is_ending(const hostsession_loop *loop) {
    return loop->ending;
}

char *loop_read_buffer(hostsession_loop *loop) {
    return loop->read_buffer;
}

void loop_enter_callback(hostsession_loop *loop) {
    loop->wait_over = true;
    if (loop->now_stale)
        loop_update_now(loop);
}

static void on_wait_limit(uv_timer_t *timer) {
    hostsession_loop *loop = list_item(timer, hostsession_loop, wait_limit);
    loop->wait_over = true;
}

/* UV_RUN_ONCE runs due timers and then waits all the same: not after a callback, which may have done what the caller
 * waits for, not with tasks posted by it, and not when the limit itself has passed already: the processor was away for
 * longer, and nothing else may ever end the wait. */
static void on_before_poll(uv_prepare_t *prepare) {
    hostsession_loop *loop = prepare->data;
    if (loop->may_wait && (loop->wait_over || !list_empty(&loop->tasks) || !list_empty(&loop->due)))
        uv_timer_start(&loop->wait_limit, on_wait_limit, 0, 0);
    loop->now_stale = true;
}

static hostsession_error new_failed(hostsession_failure *failure, int uv_error) {
    if (uv_error == UV_EMFILE || uv_error == UV_ENFILE)
        return failure_set(failure, HOSTSESSION_ERROR_LIMIT, -uv_error, "loop",
                           uv_error == UV_EMFILE
                               ? "no descriptor left for an event loop: this process has as many open as it may "
                                 "(ulimit -n); close some or raise the limit"
                               : "no descriptor left for an event loop: the system has as many open as it may "
                                 "(fs.file-max)");
    if (uv_error == UV_ENOMEM)
        return failure_no_memory(failure, "loop");
    return failure_set(failure, HOSTSESSION_ERROR_LIMIT, -uv_error, "loop", "cannot make an event loop: %s",
                       uv_strerror(uv_error));
}

/* The first uv_loop_init() of a process aborts it when no descriptor is left. */
static int probe_descriptors(void) {
    int probes[uv_loop_descriptors];
    int count = 0;
    int result = 0;
    while (count < uv_loop_descriptors && result == 0) {
        int probe = eventfd(0, EFD_CLOEXEC);
        if (probe < 0)
            result = -errno;
        else
            probes[count++] = probe;
    }
    while (count > 0)
        /* cppcheck-suppress uninitvar */
        close(probes[--count]);
    return result;
}

static int init_uv(uv_loop_t *uv) {
    int probed = probe_descriptors();
    return probed == 0 ? uv_loop_init(uv) : probed;
}

hostsession_error hostsession_loop_new(hostsession_loop **ret_loop, hostsession_failure *failure) {
    hostsession_loop *loop = calloc(1, sizeof *loop);
    char *read_buffer = malloc(loop_read_buffer_bytes);
    int made = loop && read_buffer ? init_uv(&loop->uv) : UV_ENOMEM;
    if (made != 0) {
        free(read_buffer);
        free(loop);
        return new_failed(failure, made);
    }
    loop->read_buffer = read_buffer;
    list_init(&loop->tasks);
    list_init(&loop->due);
    list_init(&loop->guests);
    list_init(&loop->holds);
    list_init(&loop->locals);
    uv_timer_init(&loop->uv, &loop->wait_limit);
    uv_prepare_init(&loop->uv, &loop->before_poll);
    loop->before_poll.data = loop;
    uv_prepare_start(&loop->before_poll, on_before_poll);
    uv_unref((uv_handle_t *)&loop->before_poll);
    loop_update_now(loop);
    *ret_loop = loop;
    return HOSTSESSION_OK;
}

int hostsession_loop_descriptor(const hostsession_loop *loop) {
    return uv_backend_fd(&loop->uv);
}

int64_t hostsession_loop_timeout_ms(const hostsession_loop *loop) {
    if (!list_empty(&loop->tasks) || loop->unregistered)
        return 0;
    if (!uv_loop_alive(&loop->uv))
        return -1;
    int64_t timeout = uv_backend_timeout(&loop->uv);
    if (timeout <= 0)
        return timeout;
    /* libuv counts from the time that it remembers.  Its clock may lag by a millisecond: when the timer is due by ours
     * but not by that one, sleep once instead of spinning. */
    timeout -= read_clock_us() / 1000 - (int64_t)uv_now(&loop->uv);
    if (timeout < 0)
        return 0;
    return timeout > 0 ? timeout : 1;
}

static void run_tasks(hostsession_loop *loop) {
    if (list_empty(&loop->tasks))
        return;
    /* Those that are posted from now on belong to the next pass, or they could keep this one from the descriptors. */
    list pass;
    list_init(&pass);
    list_append(&loop->tasks, &pass);
    list_remove(&loop->tasks);
    list_init(&loop->tasks);
    while (!list_empty(&pass)) {
        loop_task *task = list_item(pass.next, loop_task, link);
        list_remove(&task->link);
        task->run(task);
    }
}

static void run_pass(hostsession_loop *loop, uv_run_mode mode) {
    loop->dispatching = true;
    loop->may_wait = mode == UV_RUN_ONCE;
    loop->wait_over = false;
    loop_update_now(loop);
    run_tasks(loop);
    loop->unregistered = false;
    uv_run(&loop->uv, mode);
    loop_run_due_timers(loop);
    loop->dispatching = false;
    if (loop->now_stale)
        loop_update_now(loop);
}

hostsession_error hostsession_loop_dispatch(hostsession_loop *loop) {
    if (loop_in_callback(loop))
        return HOSTSESSION_ERROR_INVALID;
    run_pass(loop, UV_RUN_NOWAIT);
    return HOSTSESSION_OK;
}

hostsession_error hostsession_loop_run_once(hostsession_loop *loop, int64_t timeout_ms) {
    if (timeout_ms == 0 || !list_empty(&loop->tasks))
        return hostsession_loop_dispatch(loop);
    if (loop_in_callback(loop))
        return HOSTSESSION_ERROR_INVALID;
    uv_update_time(&loop->uv);
    if (timeout_ms > 0)
        uv_timer_start(&loop->wait_limit, on_wait_limit, (uint64_t)timeout_ms, 0);
    run_pass(loop, UV_RUN_ONCE);
    uv_timer_stop(&loop->wait_limit);
    return HOSTSESSION_OK;
}

void loop_post(hostsession_loop *loop, loop_task *task) {
    if (!task->link.next)
        list_append(&loop->tasks, &task->link);
}

void loop_unpost(loop_task *task) {
    list_remove(&task->link);
}

void loop_guest_add(hostsession_loop *loop, loop_guest *guest) {
    list_append(&loop->guests, &guest->link);
}

void loop_guest_remove(loop_guest *guest) {
    list_remove(&guest->link);
}

void loop_hold_add(hostsession_loop *loop, loop_hold *hold) {
    list_append(&loop->holds, &hold->link);
}

void loop_hold_remove(loop_hold *hold) {
    list_remove(&hold->link);
}

void loop_local_add(hostsession_loop *loop, loop_local *local) {
    list_append(&loop->locals, &local->link);
}

loop_local *loop_local_find(hostsession_loop *loop, const void *key) {
    for (list *at = loop->locals.next; at != &loop->locals; at = at->next)
        if (list_item(at, loop_local, link)->key == key)
            return list_item(at, loop_local, link);
    return NULL;
}

static void destroy_locals(hostsession_loop *loop) {
    while (!list_empty(&loop->locals)) {
        loop_local *local = list_item(loop->locals.next, loop_local, link);
        list_remove(&local->link);
        local->destroy(local);
    }
}

static void end_guests(hostsession_loop *loop) {
    while (!list_empty(&loop->guests)) {
        loop_guest *guest = list_item(loop->guests.next, loop_guest, link);
        list_remove(&guest->link);
        guest->end(guest);
    }
}

void loop_drive_holds(hostsession_loop *loop) {
    loop_update_now(loop);
    int64_t until_us = loop->now_us + free_wait_us;
    while ((!list_empty(&loop->holds) || !list_empty(&loop->tasks)) && loop->now_us < until_us)
        hostsession_loop_run_once(loop, (until_us - loop->now_us) / 1000 + 1);
}

static void abandon_holds(hostsession_loop *loop) {
    while (!list_empty(&loop->holds)) {
        loop_hold *hold = list_item(loop->holds.next, loop_hold, link);
        list_remove(&hold->link);
        hold->abandon(hold);
    }
}

static void free_data(uv_handle_t *handle) {
    free(handle->data);
}

static void close_handle(uv_handle_t *handle, void *unused) {
    (void)unused;
    if (!uv_is_closing(handle))
        uv_close(handle, free_data);
}

void hostsession_loop_free(hostsession_loop *loop) {
    if (!loop)
        return;
    loop->ending = true;
    end_guests(loop);
    loop_drive_holds(loop);
    abandon_holds(loop);
    destroy_locals(loop);
    loop_port_close(loop);
    uv_prepare_stop(&loop->before_poll);
    loop->before_poll.data = NULL;
    /* Watches that their owners forgot, too. */
    uv_walk(&loop->uv, close_handle, NULL);
    uv_run(&loop->uv, UV_RUN_NOWAIT);
    uv_loop_close(&loop->uv);
    free(loop->read_buffer);
    free(loop);
}
