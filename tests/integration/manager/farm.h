/* SPDX-License-Identifier: MIT */
/*
 * What the tests of managers share: a host in memory, where every session gets a peer of its own (support/memory.h),
 * and what became of requests.
 */
#ifndef MANAGER_FARM_H
#define MANAGER_FARM_H

#include "integration/api/cases.h"

#include <hostsession/hostsession.h>

enum { farm_most = 1100 };

typedef struct farm {
    hostsession_loop *loop;
    hostsession_manager *manager;
    hostsession_limits limits;
    hostsession_options session;
    /* How the peers are; from peer number `change_at` on, as `changed`. */
    memory_options peer;
    memory_options changed;
    int change_at;
    /* No peer answers before so many were opened: as a host where each login takes its time. */
    int barrier;
    int opened;
    memory *peers[farm_most];
    const char *names[farm_most];
    text log;
} farm;

/* Fields may be set before farm_start().  `own_loop`: one of the manager's. */
void farm_init(farm *f);
void farm_start(farm *f, bool own_loop);
/* The manager is freed, if it was not, and all peers were closed and released once. */
void farm_end(farm *f);
/* The options that farm_start() makes its manager with: sessions of the farm, and a log. */
hostsession_manager_options farm_options(farm *f);

/* What became of a request.  All zero is a fresh one. */
typedef struct ending {
    int calls;
    hostsession_error error;
    hostsession_failure failure;
    hostsession_named *named;
    hostsession_results *results;
    hostsession_result *result;
    hostsession_match *match;
    /* Called in `done`. */
    void (*act)(void *data);
    void *data;
} ending;

void on_open(hostsession_manager *manager, hostsession_named *named, const hostsession_failure *failure,
             void *userdata);
void on_run(hostsession_named *named, hostsession_error error, hostsession_results *results, void *userdata);
void on_send(hostsession_named *named, const hostsession_failure *failure, void *userdata);
void on_expect(hostsession_named *named, const hostsession_failure *failure, hostsession_match *match, void *userdata);
void on_oneshot(hostsession_error error, hostsession_result *result, void *userdata);
/* Its handle is released. */
void ending_free(ending *e);

hostsession_request *begin_open(hostsession_manager *manager, const char *name, ending *e);
hostsession_request *begin_run(hostsession_named *named, const char *command, ending *e);
hostsession_request *begin_oneshot(hostsession_manager *manager, const char *command, int64_t timeout_ms, ending *e);

/* Blocking, and must succeed. */
hostsession_manager *new_manager(const char *target, const hostsession_manager_options *options);
hostsession_named *open_named(hostsession_manager *manager, const char *name);
void check_named_run(hostsession_named *named, const char *command, const char *output, int exit_status);
void check_oneshot(hostsession_manager *manager, const char *command, const char *output, int exit_status);

#endif
