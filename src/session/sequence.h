/* SPDX-License-Identifier: MIT */
/* A sequence: what is run of it, one operation that is started again for each command. */
#ifndef SESSION_SEQUENCE_H
#define SESSION_SEQUENCE_H

#include "engine/expectations.h"

#include <hostsession/sequence.h>

typedef struct sequence sequence;

typedef struct sequence_command {
    char *text;
    int64_t timeout_us; /* INT64_MAX: none */
    expectations *expectations;
    bool secret;
    hostsession_logging logging;
} sequence_command;

/* Who looks on, and is told before the caller is.  Any may be NULL. */
typedef struct sequence_watcher {
    /* A command is about to be sent. */
    void (*begins)(void *owner, const sequence_command *command);
    void (*output)(void *owner, hostsession_stream stream, const char *data, size_t length);
    /* The command that began has ended; not called once the session was closed. */
    void (*ended)(void *owner);
} sequence_watcher;

/* Copy and check all that is to be run; nothing can fail afterwards.  `default_ms` is the time of the whole and of each
 * command where the options say nothing; 0: none. */
hostsession_error sequence_new(const hostsession_command *commands, size_t count,
                               const hostsession_sequence_options *options, int64_t default_ms, sequence **ret,
                               hostsession_failure *failure);
/* Only before it is started, or by its operation. */
void sequence_free(sequence *sequence);

/* `watcher` may be NULL, and is static. */
void sequence_watch(sequence *sequence, const sequence_watcher *watcher, void *owner);

/* Start it on a session.  On failure it is still the caller's. */
hostsession_error sequence_start(sequence *sequence, hostsession *session, hostsession_sequence_fn done, void *userdata,
                                 hostsession_operation **ret_operation, hostsession_failure *failure);

/* It cannot be started: take its results, none of which was run. */
hostsession_results *sequence_refuse(sequence *sequence, const hostsession_failure *why);

/* The rest is skipped. */
void sequence_cancel(sequence *sequence);

/* ---- for its operation ---- */

/* The next command is started; false when there is none and the operation is finished. */
bool sequence_begins(hostsession_operation *operation, int64_t now_us);
void sequence_output(const sequence *sequence, hostsession_stream stream, const char *data, size_t length);
/* The command is over: queue the next and return true; or call `done`, and the operation is to be freed. */
bool sequence_goes_on(hostsession_operation *operation);

#endif
