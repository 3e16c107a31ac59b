/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the public interface share.  Every case runs in a process of its own, with a bound: a crash, a hang
 * or a leak of one is a failure of that one.  After it no descriptor may be left open and no child may be left.
 */
#ifndef API_CASES_H
#define API_CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/memory.h"
#include "support/process.h"
#include "support/text.h"

typedef struct api_case {
    const char *name;
    void (*run)(void **state);
} api_case;

#define CASE(function)                                                                                                 \
    { #function, function }

/* For main(): all cases of a program. */
int cases_run(const char *group, const api_case *cases, size_t count);
#define CASES_MAIN(group, cases)                                                                                       \
    int main(void) {                                                                                                   \
        return cases_run(group, cases, sizeof(cases) / sizeof(cases)[0]);                                              \
    }

hostsession_loop *new_loop(void);

/* Dispatch until *flag is `wanted` or more; the test fails when that takes longer than it ever should. */
void drive_until(hostsession_loop *loop, const int *flag, int wanted);
/* Dispatch until nothing is due at once. */
void drive_idle(hostsession_loop *loop);
/* Dispatch until a command of the peer waits. */
void drive_until_waits(hostsession_loop *loop, const memory *m);
void drive_until_state(hostsession_loop *loop, const hostsession *session, hostsession_state state);

/* An open session on a peer. */
hostsession *open_memory(memory *m, hostsession_loop *loop);
hostsession *open_with(const hostsession_options *options);
/* A shell of this machine. */
hostsession *open_local(hostsession_loop *loop);

/* What became of one operation of any kind.  All zero is a fresh one. */
typedef struct outcome {
    int calls;
    hostsession *session;
    hostsession_error error;
    hostsession_failure failure;
    hostsession_result *result;
    hostsession_match *match;
    /* The order in which outcomes were called, from 1. */
    int place;
    int *counter;
} outcome;

/* The `done` of each kind, for an outcome. */
void opened(hostsession *session, const hostsession_failure *failure, void *userdata);
void ran(hostsession *session, hostsession_error error, hostsession_result *result, void *userdata);
void sent(hostsession *session, const hostsession_failure *failure, void *userdata);
void expected(hostsession *session, const hostsession_failure *failure, hostsession_match *match, void *userdata);
void outcome_free(outcome *o);

hostsession_operation *start_run(hostsession *session, const char *command, outcome *o);
hostsession_operation *start_send(hostsession *session, const char *bytes, outcome *o);
hostsession_operation *start_expect(hostsession *session, const char *pattern, outcome *o);

/* Run, blocking, and check what came. */
void check_run(hostsession *session, const char *command, const char *output, int exit_status);
void check_result(const hostsession_result *result, hostsession_status status, int exit_status, const char *output);

/* The memory was opened, closed and released once each, and nothing was called out of turn. */
void check_released(const memory *m);

#endif
