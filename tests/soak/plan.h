/* SPDX-License-Identifier: MIT */
/* Commands whose results are known. */
#ifndef SOAK_PLAN_H
#define SOAK_PLAN_H

#include <hostsession/hostsession.h>

#include <stdbool.h>

typedef enum plan_kind {
    PLAN_TEXT,    /* a line, unlike any other command's */
    PLAN_LARGE,   /* many bytes */
    PLAN_STATUS,  /* another exit status than 0 */
    PLAN_STATE,   /* a variable that an earlier command set */
    PLAN_PROGRAM, /* another process prints */
    PLAN_ANSWER,  /* a question that is answered */
    PLAN_TIMEOUT,
    PLAN_CANCEL,
    PLAN_CLOSE, /* the session is closed while it runs */
    PLAN_EXIT,
    PLAN_KILL,
    PLAN_KINDS
} plan_kind;

#define PLAN_NAMES                                                                                                     \
    { "text", "large", "status", "state", "program", "answer", "timeout", "cancel", "close", "exit", "kill" }

typedef struct plan {
    plan_kind kind;
    bool pipes;
    bool remote;
    char command[300];
    hostsession_run_options options;
    hostsession_status status;
    int exit_status;
    char output[64]; /* its beginning, if `output_bytes` is more: the last character goes on */
    size_t output_bytes;
    bool ends; /* the session is to be closed */
} plan;

/* `number` makes it unlike others; `counter` is what the shell's variable is. */
void plan_make(plan *p, plan_kind kind, unsigned number, int *counter);

/* Whether the result is what it must be; else why not. */
bool plan_check(const plan *p, hostsession_error error, const hostsession_result *result, char *why, size_t why_size);

#endif
