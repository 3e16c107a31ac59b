/* SPDX-License-Identifier: MIT */
/* The sessions behind handles: opened in turn, given out when ready, ended once. */
#include "manager/private.h"

#include "base/failure.h"

#include <stdlib.h>
#include <string.h>

/* ---- life ---- */

static void wait_idle(entry *e) {
    if (e->state == ENTRY_READY && e->running == 0 && e->idle.handle)
        loop_timer_set(&e->idle, loop_now_us(e->manager->loop) + e->manager->idle_close_us);
}

static void on_idle(loop_timer *timer) {
    entry *e = list_item(timer, entry, idle);
    hostsession_failure why;
    /* It is about to begin. */
    if (!list_empty(&e->waiting)) {
        wait_idle(e);
        return;
    }
    failure_set(&why, HOSTSESSION_ERROR_CLOSED, 0, "session",
                "%s: session \"%s\" was closed: nothing was asked of it for %lld ms (idle_close_ms)",
                e->manager->target, e->name, (long long)(e->manager->idle_close_us / 1000));
    entry_end(e, &why);
}

static void free_entry(entry *e) {
    loop_timer_destroy(&e->idle);
    logger_free(&e->log);
    free(e->name);
    free(e);
}

void entry_leave(entry *e) {
    if (--e->users == 0)
        free_entry(e);
}

/* A place among those that are opened, if nobody waits for one, or else among those that wait. */
static bool take_slot(hostsession_manager *m, entry *e) {
    bool nobody_waits = list_empty(&m->turns) || list_item(m->turns.previous, entry, turn)->slot == QUOTA_OPENING;
    e->slot = nobody_waits && quota_take(&m->quota, QUOTA_OPENING) ? QUOTA_OPENING : QUOTA_WAITING;
    return e->slot == QUOTA_OPENING || quota_take(&m->quota, QUOTA_WAITING);
}

static void run_task(loop_task *task);

hostsession_error entry_new(hostsession_manager *m, const char *name, entry **ret, hostsession_failure *failure) {
    entry *e = calloc(1, sizeof *e);
    if (!e || !(e->name = strdup(name)) || (m->idle_close_us && !loop_timer_init(&e->idle, m->loop, on_idle))) {
        if (e)
            free_entry(e);
        return failure_no_memory(failure, "session");
    }
    logger_init(&e->log, &m->log, e->name);
    hostsession_error error = HOSTSESSION_OK;
    if (!quota_take(&m->quota, QUOTA_SESSIONS)) {
        error = quota_refuse(&m->quota, QUOTA_SESSIONS, failure);
    } else if (!take_slot(m, e)) {
        quota_give(&m->quota, QUOTA_SESSIONS);
        error = quota_refuse(&m->quota, QUOTA_WAITING, failure);
    }
    if (error) {
        free_entry(e);
        return error;
    }
    e->users = 1;
    e->manager = m;
    e->task.run = run_task;
    e->owner = (session_owner){options_copy_read(m->session), e};
    list_init(&e->waiting);
    list_append(&m->entries, &e->link);
    list_append(&m->turns, &e->turn);
    manager_wake(m);
    *ret = e;
    return HOSTSESSION_OK;
}

bool entry_alive(const entry *e) {
    return e && e->state == ENTRY_READY && hostsession_get_state(e->session) != HOSTSESSION_ENDED;
}

entry *entry_find(hostsession_manager *m, const char *name) {
    for (list *at = m->entries.next; at != &m->entries; at = at->next) {
        entry *e = list_item(at, entry, link);
        if (strcmp(e->name, name) != 0)
            continue;
        if (e->state != ENTRY_READY || entry_alive(e))
            return e;
        /* What it still owes is called from dispatch. */
        loop_guard_enter(m->loop);
        entry_end(e, hostsession_get_failure(e->session));
        loop_guard_leave(m->loop);
        return NULL;
    }
    return NULL;
}

static void give_slot(entry *e) {
    if (e->slot == QUOTA_KINDS)
        return;
    quota_give(&e->manager->quota, e->slot);
    e->slot = QUOTA_KINDS;
    if (e->manager->pool)
        pool_wake(e->manager->pool);
    manager_wake(e->manager);
}

void entry_end(entry *e, const hostsession_failure *why) {
    if (e->state == ENTRY_GONE)
        return;
    hostsession_manager *m = e->manager;
    hostsession *session = e->session;
    e->why = *why;
    /* What waits behind others is told as those are. */
    hostsession_failure told = *why;
    if (e->state == ENTRY_READY && why->error != HOSTSESSION_ERROR_CANCELED)
        failure_set(&told, HOSTSESSION_ERROR_CLOSED, 0, "session", "session \"%s\" has ended: %s", e->name,
                    e->why.message);
    /* State counts as lost only where nobody asked for the end. */
    if (m->standard.entry == e) {
        m->standard.entry = NULL;
        m->state_lost |= e->state == ENTRY_READY && why->error != HOSTSESSION_ERROR_CANCELED;
        entry_leave(e);
    }
    e->state = ENTRY_GONE;
    e->session = NULL;
    list_remove(&e->link);
    list_remove(&e->turn);
    quota_give(&m->quota, QUOTA_SESSIONS);
    give_slot(e);
    /* Handles keep the entry, and may be out longer than the loop is there. */
    loop_timer_destroy(&e->idle);
    loop_unpost(&e->task);
    while (!list_empty(&e->waiting))
        request_finish(list_item(e->waiting.next, hostsession_request, link), &told);
    e->manager = NULL;
    hostsession_close(session);
    entry_leave(e);
}

/* ---- at work ---- */

/* A send is told to the log right before it is sent.  So the session is given it only when it sends it at once: when
 * all before it is over, and in none of the session's callbacks. */
static bool sends_now(entry *e, bool in_callback) {
    if (!e->running && in_callback)
        loop_post(e->manager->loop, &e->task);
    return !e->running && !in_callback;
}

bool entry_can_begin(entry *e, const hostsession_request *r) {
    if (e->state != ENTRY_READY || e->waiting.next != &r->link)
        return false;
    return r->kind != REQUEST_SEND || sends_now(e, loop_in_callback(e->manager->loop));
}

static void begin_waiting(entry *e, bool in_callback) {
    while (e->state == ENTRY_READY && !list_empty(&e->waiting)) {
        hostsession_request *r = list_item(e->waiting.next, hostsession_request, link);
        if (r->kind == REQUEST_SEND && !sends_now(e, in_callback))
            return;
        if (r->kind == REQUEST_OPEN)
            request_finish(r, NULL);
        else
            named_submit(r);
    }
}

static void run_task(loop_task *task) {
    entry *e = list_item(task, entry, task);
    hostsession_manager *m = e->manager;
    e->users++;
    m->users++;
    begin_waiting(e, false);
    requests_flush(m);
    entry_leave(e);
    manager_leave(m);
}

void entry_begin(entry *e) {
    e->running++;
    if (e->idle.handle)
        loop_timer_stop(&e->idle);
}

void entry_finish(entry *e) {
    e->running--;
    wait_idle(e);
    if (e->state == ENTRY_READY && !e->running && !list_empty(&e->waiting))
        loop_post(e->manager->loop, &e->task);
}

/* ---- opening ---- */

static void become_ready(entry *e) {
    e->state = ENTRY_READY;
    give_slot(e);
    wait_idle(e);
    begin_waiting(e, true);
}

static void open_session(entry *e);

static void open_failed(entry *e, const hostsession_failure *why) {
    bool again = why->error == HOSTSESSION_ERROR_NOT_READY && !e->retried;
    const hostsession_failure copy = *why;
    hostsession *session = e->session;
    e->session = NULL;
    hostsession_close(session);
    if (e->state == ENTRY_GONE)
        return;
    if (again) {
        e->retried = true;
        open_session(e);
    } else {
        entry_end(e, &copy);
    }
}

static void on_open_done(hostsession *session, const hostsession_failure *failure, void *userdata) {
    (void)session;
    entry *e = userdata;
    hostsession_manager *m = e->manager;
    /* One that is gone was closed, and has no manager. */
    if (e->state != ENTRY_GONE) {
        m->users++;
        if (failure)
            open_failed(e, failure);
        else
            become_ready(e);
        requests_flush(m);
        manager_leave(m);
    }
    entry_leave(e);
}

static void open_session(entry *e) {
    hostsession *session = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    e->state = ENTRY_OPENING;
    e->users++;
    hostsession_error error = manager_open_session(e->manager, e->name, &e->owner, on_open_done, e, &session, &why);
    /* That is for its end, which is told. */
    if (!error)
        e->users++;
    /* It may have been closed in a callback meanwhile. */
    if (e->state == ENTRY_GONE)
        hostsession_close(session);
    else if (error)
        entry_end(e, &why);
    else
        e->session = session;
    entry_leave(e);
}

void entries_open(hostsession_manager *m) {
    while (!list_empty(&m->turns)) {
        entry *e = list_item(m->turns.next, entry, turn);
        if (e->slot == QUOTA_WAITING) {
            if (!quota_take(&m->quota, QUOTA_OPENING))
                return;
            quota_give(&m->quota, QUOTA_WAITING);
            e->slot = QUOTA_OPENING;
        }
        list_remove(&e->turn);
        open_session(e);
    }
}
