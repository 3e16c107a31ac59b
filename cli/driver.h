/* SPDX-License-Identifier: MIT */
/* One session and what happens around it: its loop, the user's signals, and output that goes out as it arrives. */
#ifndef CLI_DRIVER_H
#define CLI_DRIVER_H

#include "options.h"
#include "session_log.h"
#include "writer.h"

#include <hostsession/hostsession.h>

#include <stdbool.h>
#include <stdint.h>

typedef struct driver {
    const run_options *options;
    hostsession_loop *loop;
    hostsession_watch *signal_watch;
    /* NULL before it is opened, and after it had to be closed. */
    hostsession *session;
    hostsession_operation *operation;
    writer standard_output;
    writer standard_error;
    /* NULL: none is kept. */
    session_log *log;
    /* The user was told that it could not be written. */
    bool log_failed;

    /* What came of the operation that was driven last. */
    bool done;
    hostsession_result *result;
    hostsession_failure failure;
    /* The user that the shell reported last, or "". */
    char user[256];

    /* The user pressed Ctrl+C: no further command is run. */
    bool interrupted;
    /* Not 0: leave at once with this exit status. */
    int leave;
} driver;

/* Open the session and wait for its shell.  False when there is none: for a signal, see `leave`; otherwise see
 * `failure`.  Call driver_close() in either case. */
bool driver_open(driver *on, const run_options *options);

/* Run one command; 0 is no timeout.  False if it was refused, see `failure`.  Otherwise `result` is the caller's.  If
 * the run is to be left, the session is closed afterwards. */
bool driver_run(driver *on, const char *command, int64_t timeout_ms);

/* Serve the session until the descriptor is readable, or something else happened.  Returns whether it is. */
bool driver_wait_readable(driver *on, int descriptor);

/* To be called after writing to standard output: an error there ends the run. */
void driver_check_output(driver *on);

void driver_close(driver *on);

#endif
