/* SPDX-License-Identifier: MIT */
/* A manager's inside, shared by manager.c (its life), entry.c (the sessions behind handles), named.c (handles and what
 * is asked of them), request.c (what is under way), blocking.c, oneshot.c and pool.c.
 *
 * All begins and ends in the manager's task, from dispatch; `done` functions are also called from inside a session's.
 */
#ifndef MANAGER_PRIVATE_H
#define MANAGER_PRIVATE_H

#include "base/bytes.h"
#include "base/list.h"
#include "loop/loop.h"
#include "manager/log.h"
#include "manager/quota.h"
#include "session/options.h"
#include "session/sequence.h"

#include <hostsession/pool.h>

typedef struct entry entry;
typedef struct oneshot oneshot;

struct hostsession_named {
    entry *entry;
    unsigned users; /* requests, and blocking calls */
    bool released;
    hostsession_manager *standard_of; /* the default session's handle: its entry comes and goes */
};

struct hostsession_manager {
    unsigned users; /* the caller, and requests */
    bool closed;    /* by the caller */
    hostsession_loop *loop;
    bool own_loop;
    char *target;
    options_copy *session;
    log_calls log;
    hostsession_session_factory_fn session_factory;
    hostsession_oneshot_factory_fn oneshot_factory;
    void *userdata;
    quota quota;
    hostsession_pool *pool;
    list pool_link;
    int64_t idle_close_us;
    list entries;
    list turns; /* entries that wait for theirs to be opened */
    list oneshots;
    list oneshot_turns;
    list finished; /* requests whose done is owed */
    bool flushing;
    loop_task task;
    loop_guest guest;
    /* NULL, or whether something was ended in a callback of a loop that nobody drives but blocking calls: they tell of
     * it before they return. */
    bool *owes_calls;
    bool own_owes_calls;
    hostsession_named standard;
    bool state_lost; /* the default session has died since the last results */
};

/* Whom a session's callbacks are for: its userdata. */
typedef struct session_owner {
    const hostsession_options *given;
    entry *entry; /* NULL: a one-shot's */
} session_owner;

typedef enum entry_state { ENTRY_WAITING, ENTRY_OPENING, ENTRY_READY, ENTRY_GONE } entry_state;

/* A session that handles share. */
struct entry {
    list link; /* in the manager, until it is gone */
    list turn;
    unsigned users; /* handles, requests, the manager, an attempt to open */
    hostsession_manager *manager;
    char *name;
    entry_state state;
    quota_kind slot; /* QUOTA_KINDS: none */
    bool retried;
    hostsession *session;
    hostsession_failure why; /* once it is gone */
    list waiting;            /* requests, until it is ready, and from a send on that is not sent yet */
    loop_task task;          /* the first of them can begin */
    unsigned running;        /* requests on the session */
    logger log;
    session_owner owner;
    loop_timer idle;
};

typedef enum request_kind { REQUEST_OPEN, REQUEST_RUN, REQUEST_SEND, REQUEST_EXPECT, REQUEST_ONESHOT } request_kind;

struct hostsession_request {
    list link; /* where it waits, or among the finished */
    request_kind kind;
    hostsession_manager *manager;
    entry *entry;
    hostsession_named *named;
    hostsession_operation *operation; /* on the session */
    bool finished;
    hostsession_failure failure; /* once finished */
    void *userdata;
    struct {
        hostsession_named_fn done;
    } open;
    struct {
        hostsession_named_run_fn done;
        sequence *sequence; /* until it is on the session */
        hostsession_results *results;
        bool state_lost;
    } run;
    struct {
        hostsession_named_send_fn done;
        bytes data; /* ends with a NUL that does not count */
        bool secret;
    } send;
    struct {
        hostsession_named_expect_fn done;
        char **patterns;
        size_t count;
        hostsession_expect_options options;
        hostsession_match *match;
    } expect;
    struct {
        hostsession_oneshot_fn done;
        oneshot *oneshot;
        hostsession_result *result;
    } oneshot;
};

/* ---- manager.c ---- */

void manager_leave(hostsession_manager *m);
/* Let the task look for what can be done. */
void manager_wake(hostsession_manager *m);
/* HOSTSESSION_ERROR_INVALID in a callback, _CLOSED once the manager was freed. */
hostsession_error manager_check_blocking(const hostsession_manager *m, hostsession_failure *failure);
hostsession_error manager_check_open(const hostsession_manager *m, hostsession_failure *failure);
void manager_drive(hostsession_manager *m, const bool *done);
/* A blocking call is over. */
void manager_settle(hostsession_manager *m);
/* End all that there is now; nobody is told yet outside a session's own calls. */
void manager_end_all(hostsession_manager *m);
/* Open a session, by the factory or by the target, with `owner` behind its callbacks. */
hostsession_error manager_open_session(hostsession_manager *m, const char *name, session_owner *owner,
                                       hostsession_open_fn done, void *userdata, hostsession **ret_session,
                                       hostsession_failure *failure);

/* ---- entry.c ---- */

/* The living one of this name; a dead one is removed. */
entry *entry_find(hostsession_manager *m, const char *name);
/* A new one, which waits for its turn.  HOSTSESSION_ERROR_LIMIT. */
hostsession_error entry_new(hostsession_manager *m, const char *name, entry **ret, hostsession_failure *failure);
void entry_leave(entry *e);
bool entry_alive(const entry *e);
/* Take it out of its manager and end its session; what is pending is told `why`, or cancelled by the session. */
void entry_end(entry *e, const hostsession_failure *why);
/* Open those whose turn has come. */
void entries_open(hostsession_manager *m);
/* Whether the request, the last of those that wait, can begin at once; else it does later. */
bool entry_can_begin(entry *e, const hostsession_request *r);
/* A request begins on its session, or is over. */
void entry_begin(entry *e);
void entry_finish(entry *e);

/* ---- named.c ---- */

hostsession_named *named_new(entry *e);
void named_leave(hostsession_named *named);
/* The entry is ready: start, or finish with why not. */
void named_submit(hostsession_request *r);

/* ---- request.c ---- */

hostsession_request *request_new(hostsession_manager *m, request_kind kind, hostsession_named *named, void *userdata);
/* One that was not started. */
void request_free(hostsession_request *r);
/* Its done is owed from now on.  `why` NULL: success. */
void request_finish(hostsession_request *r, const hostsession_failure *why);
/* Call what is owed. */
void requests_flush(hostsession_manager *m);

/* ---- oneshot.c ---- */

/* Start those whose turn has come. */
void oneshots_start(hostsession_manager *m);
/* From anywhere. */
void oneshot_stop(oneshot *o, const hostsession_failure *why);
void oneshots_stop_all(hostsession_manager *m, const hostsession_failure *why);
void oneshot_free(oneshot *o);

/* ---- pool.c ---- */

/* A place is free for whoever waits. */
void pool_wake(hostsession_pool *pool);
/* By a manager that is gone. */
void pool_leave(hostsession_pool *pool);

#endif
