/* SPDX-License-Identifier: MIT */
/* Managers by target. */
#include "manager/private.h"

#include "base/failure.h"
#include "base/options.h"

#include <stdlib.h>
#include <string.h>

struct hostsession_pool {
    unsigned users; /* the caller, and managers */
    bool closed;    /* by the caller */
    bool own_loop;
    bool owes_calls; /* private.h */
    hostsession_manager_options options;
    hostsession_limits limits; /* of each host */
    options_copy *session;
    quota quota;
    list managers;
};

enum { default_hosts = 10 };

static hostsession_error fill(hostsession_pool *pool, const hostsession_manager_options *options,
                              const hostsession_limits *limits, hostsession_failure *failure) {
    hostsession_limits all;
    pool->options = (hostsession_manager_options)HOSTSESSION_MANAGER_OPTIONS_INIT;
    hostsession_error error = options_read(options, &pool->options, sizeof pool->options, "options",
                                           "HOSTSESSION_MANAGER_OPTIONS_INIT", failure);
    if (!error)
        error = quota_read_limits(limits, &all, failure);
    if (!error)
        error = quota_read_limits(pool->options.limits, &pool->limits, failure);
    if (!error)
        error = options_copy_new(pool->options.session, &pool->session, failure);
    if (error)
        return error;
    quota_init(&pool->quota, &all, default_hosts);
    pool->own_loop = !pool->options.loop;
    if (pool->own_loop)
        error = hostsession_loop_new(&pool->options.loop, failure);
    pool->options.session = options_copy_read(pool->session);
    pool->options.limits = &pool->limits;
    return error;
}

hostsession_error hostsession_pool_new(const hostsession_manager_options *options, const hostsession_limits *limits,
                                       hostsession_pool **ret_pool, hostsession_failure *failure) {
    *ret_pool = NULL;
    hostsession_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return failure_no_memory(failure, "pool");
    pool->users = 1;
    list_init(&pool->managers);
    hostsession_error error = fill(pool, options, limits, failure);
    if (error) {
        options_copy_free(pool->session);
        free(pool);
        return error;
    }
    *ret_pool = pool;
    return HOSTSESSION_OK;
}

hostsession_error hostsession_pool_get(hostsession_pool *pool, const char *target, hostsession_manager **ret_manager,
                                       hostsession_failure *failure) {
    *ret_manager = NULL;
    if (pool->closed)
        return failure_set(failure, HOSTSESSION_ERROR_CLOSED, 0, "pool", "the pool was freed");
    for (list *at = pool->managers.next; at != &pool->managers; at = at->next) {
        hostsession_manager *m = list_item(at, hostsession_manager, pool_link);
        if (target && strcmp(m->target, target) == 0) {
            *ret_manager = m;
            return HOSTSESSION_OK;
        }
    }
    hostsession_manager *m;
    hostsession_error error = hostsession_manager_new(target, &pool->options, &m, failure);
    if (error)
        return error;
    pool->users++;
    m->pool = pool;
    m->owes_calls = pool->own_loop ? &pool->owes_calls : NULL;
    m->quota.shared = &pool->quota;
    list_append(&pool->managers, &m->pool_link);
    *ret_manager = m;
    return HOSTSESSION_OK;
}

void pool_wake(hostsession_pool *pool) {
    for (list *at = pool->managers.next; at != &pool->managers; at = at->next) {
        hostsession_manager *m = list_item(at, hostsession_manager, pool_link);
        if (!list_empty(&m->turns) || !list_empty(&m->oneshot_turns))
            manager_wake(m);
    }
}

hostsession_loop *hostsession_pool_loop(const hostsession_pool *pool) {
    return pool->options.loop;
}

bool hostsession_pool_has_live_sessions(const hostsession_pool *pool) {
    for (const list *at = pool->managers.next; at != &pool->managers; at = at->next)
        if (hostsession_manager_has_live_sessions(list_item(at, hostsession_manager, pool_link)))
            return true;
    return false;
}

/* ---- ending ---- */

void pool_leave(hostsession_pool *pool) {
    if (--pool->users > 0)
        return;
    if (pool->own_loop)
        hostsession_loop_free(pool->options.loop);
    options_copy_free(pool->session);
    free(pool);
}

/* A manager that is held stays in the list, whatever callbacks do. */
static void for_each(hostsession_pool *pool, void (*act)(hostsession_manager *m)) {
    for (list *at = pool->managers.next; at != &pool->managers;) {
        hostsession_manager *m = list_item(at, hostsession_manager, pool_link);
        m->users++;
        act(m);
        at = at->next;
        manager_leave(m);
    }
}

void hostsession_pool_close_all(hostsession_pool *pool) {
    pool->users++;
    for_each(pool, manager_end_all);
    if (pool->own_loop && !loop_in_callback(pool->options.loop))
        loop_drive_holds(pool->options.loop);
    pool_leave(pool);
}

void hostsession_pool_free(hostsession_pool *pool) {
    if (!pool || pool->closed)
        return;
    pool->closed = true;
    for_each(pool, hostsession_manager_free);
    pool_leave(pool);
}
