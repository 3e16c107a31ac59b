/* SPDX-License-Identifier: MIT */
/* What was started and is not over. */
#include "manager/private.h"

#include "base/failure.h"

#include <stdlib.h>

hostsession_request *request_new(hostsession_manager *m, request_kind kind, hostsession_named *named, void *userdata) {
    hostsession_request *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->kind = kind;
    r->manager = m;
    r->named = named;
    r->userdata = userdata;
    r->failure = (hostsession_failure)HOSTSESSION_FAILURE_INIT;
    m->users++;
    if (named)
        named->users++;
    return r;
}

void request_free(hostsession_request *r) {
    hostsession_manager *m = r->manager;
    sequence_free(r->run.sequence);
    hostsession_results_free(r->run.results);
    bytes_wipe(&r->send.data);
    for (size_t i = 0; i < r->expect.count; i++)
        free(r->expect.patterns[i]);
    free(r->expect.patterns);
    hostsession_match_free(r->expect.match);
    hostsession_result_free(r->oneshot.result);
    oneshot_free(r->oneshot.oneshot);
    if (r->entry)
        entry_leave(r->entry);
    if (r->named)
        named_leave(r->named);
    free(r);
    manager_leave(m);
}

void request_finish(hostsession_request *r, const hostsession_failure *why) {
    if (r->finished)
        return;
    r->finished = true;
    if (why)
        r->failure = *why;
    list_remove(&r->link);
    list_append(&r->manager->finished, &r->link);
    manager_wake(r->manager);
}

static void call_open_done(hostsession_request *r) {
    const hostsession_failure *why = r->failure.error ? &r->failure : NULL;
    hostsession_failure no_memory;
    hostsession_named *named = NULL;
    if (!why && !(named = named_new(r->entry))) {
        failure_no_memory(&no_memory, "session");
        why = &no_memory;
    }
    if (r->open.done)
        r->open.done(r->manager, named, why, r->userdata);
    else
        hostsession_named_release(named);
}

static void call_run_done(hostsession_request *r) {
    hostsession_results *results = r->run.results;
    r->run.results = NULL;
    /* It never came to the session. */
    if (!results)
        results = sequence_refuse(r->run.sequence, &r->failure);
    r->run.sequence = NULL;
    if (r->run.done)
        r->run.done(r->named, r->failure.error, results, r->userdata);
    else
        hostsession_results_free(results);
}

static void call_done(hostsession_request *r) {
    const hostsession_failure *why = r->failure.error ? &r->failure : NULL;
    switch (r->kind) {
    case REQUEST_OPEN:
        call_open_done(r);
        break;
    case REQUEST_RUN:
        call_run_done(r);
        break;
    case REQUEST_SEND:
        if (r->send.done)
            r->send.done(r->named, why, r->userdata);
        break;
    case REQUEST_EXPECT: {
        hostsession_match *match = r->expect.match;
        r->expect.match = NULL;
        if (r->expect.done)
            r->expect.done(r->named, why, match, r->userdata);
        else
            hostsession_match_free(match);
        break;
    }
    case REQUEST_ONESHOT: {
        hostsession_result *result = r->oneshot.result;
        r->oneshot.result = NULL;
        if (r->oneshot.done)
            r->oneshot.done(r->failure.error, result, r->userdata);
        else
            hostsession_result_free(result);
        break;
    }
    }
}

void requests_flush(hostsession_manager *m) {
    if (m->flushing)
        return;
    m->flushing = true;
    m->users++;
    loop_guard_enter(m->loop);
    while (!list_empty(&m->finished)) {
        hostsession_request *r = list_item(m->finished.next, hostsession_request, link);
        list_remove(&r->link);
        call_done(r);
        request_free(r);
    }
    loop_guard_leave(m->loop);
    m->flushing = false;
    manager_leave(m);
}

void hostsession_request_cancel(hostsession_request *r) {
    hostsession_failure why;
    if (r->finished)
        return;
    failure_set(&why, HOSTSESSION_ERROR_CANCELED, 0, "request", "%s: cancelled", r->manager->target);
    if (r->kind == REQUEST_ONESHOT) {
        oneshot_stop(r->oneshot.oneshot, &why);
        return;
    }
    if (r->operation) {
        hostsession_cancel(r->operation);
        return;
    }
    entry *e = r->entry;
    request_finish(r, &why);
    /* Nobody waits for it any more.  The finished request keeps it. */
    if (e->state != ENTRY_READY && list_empty(&e->waiting))
        entry_end(e, &why);
}
