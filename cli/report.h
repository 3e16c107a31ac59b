/* SPDX-License-Identifier: MIT */
/* How one command ended: the line of JSON, the message, and what it means for the exit status. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "writer.h"

#include <hostsession/hostsession.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit statuses of the command that are not a command's own. */
enum {
    EXIT_FAILED = 1, /* with no exit status to tell */
    EXIT_USAGE = 2,
    EXIT_TIMED_OUT = 124,
    EXIT_SIGNAL_BASE = 128,
    EXIT_INTERRUPTED = 130,
    EXIT_BROKEN_PIPE = 141,
    EXIT_ERROR = 255,
};

/* Everything borrowed.  Start from REPORT_INIT. */
typedef struct report {
    const char *target;
    size_t index;
    /* NULL when it is not known which command it would have been. */
    const char *command;
    size_t command_bytes;
    hostsession_status status;
    /* -1: none. */
    int exit_status;
    const char *output;
    size_t output_bytes;
    /* Of `output`, what stands before dropped bytes; only looked at when there are some. */
    size_t head_bytes;
    /* NULL in tty mode. */
    const char *error_output;
    size_t error_output_bytes;
    uint64_t dropped_bytes;
    uint64_t duration_us;
    /* "" when unknown. */
    const char *cwd;
    const char *user;
    bool session_alive;
    /* NULL, or its error may be HOSTSESSION_OK: no error. */
    const hostsession_failure *failure;
} report;

#define REPORT_INIT                                                                                                    \
    { .status = HOSTSESSION_STATUS_SKIPPED, .exit_status = -1, .output = "", .cwd = "", .user = "" }

/* What a result says; the other fields are the caller's. */
void report_set_result(report *about, const hostsession_result *result);

/* Write the line and flush it. */
void report_write_json(const report *about, writer *out);

/* Tell the user how a command ended. */
void report_tell(const report *about);

/* The exit status that this command asks for; 0 when it succeeded, or ended the shell with status 0. */
int report_exit_status(const report *about);

#endif
