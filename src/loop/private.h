/* SPDX-License-Identifier: MIT */
/* What the loop's own files share. */
#ifndef LOOP_PRIVATE_H
#define LOOP_PRIVATE_H

#include "loop/loop.h"

#include <uv.h>

struct hostsession_loop {
    uv_loop_t uv;
    uv_prepare_t before_poll;
    /* Ends the wait of hostsession_loop_run_once(). */
    uv_timer_t wait_limit;
    int64_t now_us;
    /* Time passed in the wait since now_us was read. */
    bool now_stale;
    bool dispatching;
    unsigned callbacks; /* made outside dispatch, one in another */
    bool ending;
    /* hostsession_loop_run_once() may sleep in this pass, and what ends its sleep came before it could. */
    bool may_wait;
    bool wait_over;
    /* libuv registers a watch with the kernel only when it polls: until then the loop's descriptor is silent. */
    bool unregistered;
    list tasks;
    /* Timers whose time has come: they run once the descriptors have been looked at. */
    list due;
    list guests;
    list holds;
    list locals;
    struct loop_port *port; /* NULL until the first job */
    char *read_buffer;
};

/* job.c: no job comes back any more. */
void loop_port_close(hostsession_loop *loop);

/* timer.c */
void loop_run_due_timers(hostsession_loop *loop);

/* To be called before each callback that libuv makes. */
void loop_enter_callback(hostsession_loop *loop);

#endif
