/* SPDX-License-Identifier: MIT */
/* The event loop behind <hostsession/loop.h>: libuv, plus what sessions and transports need beside descriptors. */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include "base/list.h"

#include <hostsession/loop.h>

#include <stdbool.h>
#include <stdint.h>

/* The loop's time in microseconds, monotonic; frozen during a dispatch, so that one pass sees one time. */
int64_t loop_now_us(const hostsession_loop *loop);

/* Read the clock again: before a deadline is computed outside dispatch, or in a callback that ran long. */
void loop_update_now(hostsession_loop *loop);

/* Whether a dispatch of this loop is running, that is, whether we are in a callback. */
bool loop_in_dispatch(const hostsession_loop *loop);

/* Around callbacks that are made outside dispatch, so that they cannot drive the loop either. */
void loop_guard_enter(hostsession_loop *loop);
void loop_guard_leave(hostsession_loop *loop);
/* Whether hostsession_loop_free() has begun: what is opened from now on would outlive the loop. */
bool loop_is_ending(const hostsession_loop *loop);

/* Whether the loop cannot be driven from here. */
bool loop_in_callback(const hostsession_loop *loop);

/* A timer that its owner embeds.  loop_timer_init() once; set and stop any number of times; loop_timer_destroy() at
 * the end (it may be called in the timer's own callback; the memory may be freed at once). */
typedef struct loop_timer {
    void *handle;
    void (*expired)(struct loop_timer *timer);
} loop_timer;

bool loop_timer_init(loop_timer *timer, hostsession_loop *loop, void (*expired)(loop_timer *timer));
/* `at_us` in the loop's time; an earlier setting is replaced.  Fires at or after it, to the next millisecond. */
void loop_timer_set(loop_timer *timer, int64_t at_us);
void loop_timer_stop(loop_timer *timer);
void loop_timer_destroy(loop_timer *timer);

/* Work to do in the next dispatch, in order of posting.  The owner embeds it, zeroed, with `run` set. */
typedef struct loop_task {
    list link;
    void (*run)(struct loop_task *task);
} loop_task;

/* No effect when it is already posted. */
void loop_post(hostsession_loop *loop, loop_task *task);
/* No effect when it is not posted. */
void loop_unpost(loop_task *task);

/* Something that lives on the loop and must be ended when the loop is freed: sessions register one each. */
typedef struct loop_guest {
    list link;
    void (*end)(struct loop_guest *guest);
} loop_guest;

void loop_guest_add(hostsession_loop *loop, loop_guest *guest);
void loop_guest_remove(loop_guest *guest);

/* A read buffer that all transports of the loop share: received bytes are consumed during the call. */
enum { loop_read_buffer_bytes = 256 * 1024 };
char *loop_read_buffer(hostsession_loop *loop);

/* Something that ends on its own soon, such as a closed process that must be reaped.  hostsession_loop_free() drives
 * the loop until none is left, for at most a second; what is left then is abandoned, and must release its memory. */
typedef struct loop_hold {
    list link;
    void (*abandon)(struct loop_hold *hold);
} loop_hold;

void loop_hold_add(hostsession_loop *loop, loop_hold *hold);
void loop_hold_remove(loop_hold *hold);
/* Run what is posted, and wait for what is held, for at most a second. */
void loop_drive_holds(hostsession_loop *loop);

/* Work that blocks (a name is resolved, a key decrypted, a file read from a slow disk), in a thread of its own: a pool
 * would be used up by what hangs. */
typedef struct loop_job loop_job;

typedef struct loop_job_calls {
    /* In the thread, with all signals blocked: touches nothing but `data`. */
    void (*work)(void *data);
    /* From dispatch, unless the job was abandoned. */
    void (*done)(void *data);
    /* Instead of `done` when it was abandoned, or the loop freed: release `data`.  In either thread. */
    void (*discard)(void *data);
    /* The work ends by itself, soon: a loop that is freed waits for it, a second at most.  For what must not run while
     * the program exits: OpenSSL's own data are gone then. */
    bool brief;
} loop_job_calls;

/* NULL without memory or threads: nothing is called then. */
loop_job *loop_job_start(hostsession_loop *loop, const loop_job_calls *calls, void *data);
/* Not after `done`.  NULL is allowed. */
void loop_job_abandon(loop_job *job);

/* One object a loop for those that share something among the loop's sessions.  Embedded by its owner; `destroy` runs
 * when the loop is freed and its sessions are closed. */
typedef struct loop_local {
    list link;
    /* The address of something static. */
    const void *key;
    void (*destroy)(struct loop_local *local);
} loop_local;

void loop_local_add(hostsession_loop *loop, loop_local *local);
/* NULL when there is none. */
loop_local *loop_local_find(hostsession_loop *loop, const void *key);

#endif
