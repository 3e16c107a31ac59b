/* SPDX-License-Identifier: MIT */
/* A one-shot's inside, shared by oneshot.c (its turn and its end) and oneshot_runs.c (what runs it). */
#ifndef MANAGER_ONESHOT_H
#define MANAGER_ONESHOT_H

#include "engine/result.h"
#include "manager/private.h"
#include "transport/transport.h"

struct oneshot {
    list link; /* in the manager */
    list turn;
    hostsession_request *request; /* NULL: nobody waits for what a factory runs */
    hostsession_manager *manager;
    bool waits;
    bool sent;
    bool stopping;
    hostsession_failure why; /* it is stopped */
    quota_kind slot;
    char *command;
    hostsession_run_options options;
    lines lines[2];
    logger log;
    hostsession_result *result;
    int64_t sent_us;
    int64_t deadline_us; /* INT64_MAX: none */
    loop_timer timer;
    bool connects; /* the timer is for that, not for the whole */
    loop_task task;
    /* What runs it: one of these. */
    transport_oneshot transport;
    hostsession *session;
    session_owner owner;
    hostsession_oneshot_handle factory;
    bool factory_runs;
};

/* ---- oneshot.c ---- */

void oneshot_output(void *owner, hostsession_stream stream, const char *data, size_t length);
/* `result`, given away, says how it ended, unless it was stopped first; NULL: there was no memory for one. */
void oneshot_finish(oneshot *o, hostsession_result *result);
/* With the output that has come. */
void oneshot_finish_exited(oneshot *o, int exit_status);
void oneshot_finish_failed(oneshot *o, const hostsession_failure *why);
void oneshot_finish_stopped(oneshot *o);
/* Tell the callers now, where we are in nobody's call but the loop's. */
void oneshot_flush(hostsession_manager *m);
void oneshot_release(oneshot *o);

/* ---- oneshot_runs.c ---- */

/* Its turn has come. */
void oneshot_run(oneshot *o);

#endif
