/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Several commands, one after another, as one operation with one time budget.
 *
 * Thread safety: as session.h; results are immutable and stand alone, as a result does.
 */
#ifndef HOSTSESSION_SEQUENCE_H
#define HOSTSESSION_SEQUENCE_H

#include <hostsession/session.h>

HOSTSESSION_BEGIN

/** What the log callbacks of a manager are told of a command. */
typedef enum hostsession_logging {
    /** As the run says; the run: the command and its output. */
    HOSTSESSION_LOGGING_DEFAULT = 0,
    /** The command, not its output. */
    HOSTSESSION_LOGGING_QUIET = 1,
    /** Nothing. */
    HOSTSESSION_LOGGING_NEVER = 2,
} hostsession_logging;

/** One command of a sequence: its text, and what it has otherwise than the sequence.  `{.text = "make"}` is enough:
 *  zero is the sequence's own. */
typedef struct hostsession_command {
    const char *text; /**< As hostsession_run() has it. */
    /** From this command being sent to its end.  0: the sequence's.  -1: none. */
    int64_t timeout_ms;
    /** NULL: the sequence's.  A count of 0 with a pointer that is not NULL: none. */
    const hostsession_expectation *expectations;
    size_t expectation_count; /**< How many. */
    /** Its text is a secret: blanked in transcripts, never given to log callbacks. */
    bool secret;
    hostsession_logging logging; /**< For a manager's log callbacks. */
} hostsession_command;

/** How to run a sequence.  Start from HOSTSESSION_SEQUENCE_OPTIONS_INIT.  Read and copied during the call only. */
typedef struct hostsession_sequence_options {
    size_t struct_size; /**< Set by the initializer. */
    /** Each command's.  0: none; for a named session (manager.h) 10,000 ms.  -1: none. */
    int64_t timeout_ms;
    /** For all together, recoveries included, from the first command being sent: each gets the less of its own time and
     *  what remains; when it is spent the rest are HOSTSESSION_STATUS_SKIPPED.  0: none; for a named session,
     * timeout_ms. -1: none. */
    int64_t budget_ms;
    /** Skip the rest after a command that did not succeed.  Whatever this says they are skipped once the session has
     *  ended. */
    bool stop_on_failure;
    /** Each command's, as in hostsession_run_options. */
    const hostsession_expectation *expectations;
    size_t expectation_count; /**< How many. */
    /** Of each command's output.  0: the session's. */
    size_t max_output_bytes;
    hostsession_logging logging;     /**< For a manager's log callbacks. */
    hostsession_output_fn on_output; /**< As in hostsession_run_options. */
    hostsession_line_fn on_line;     /**< As in hostsession_run_options. */
    /** A command has ended, or was skipped; the result is borrowed.  Returning false skips the rest.  Not called once
     *  the session was closed. */
    bool (*on_result)(void *userdata, size_t index, const hostsession_result *result);
    /** For the three above. */
    void *userdata;
} hostsession_sequence_options;

/** The defaults. */
#define HOSTSESSION_SEQUENCE_OPTIONS_INIT                                                                              \
    {                                                                                                                  \
        sizeof(hostsession_sequence_options), 0, 0, false, NULL, 0, 0, HOSTSESSION_LOGGING_DEFAULT, NULL, NULL, NULL,  \
            NULL                                                                                                       \
    }

/** The results of a sequence: one for each command.  Immutable, as a result is. */
typedef struct hostsession_results hostsession_results;

/** How many: as many as commands. */
HOSTSESSION_API size_t hostsession_results_count(const hostsession_results *results);

/** One of them; NULL beyond the count.  Valid until the results are freed. */
HOSTSESSION_API const hostsession_result *hostsession_results_at(const hostsession_results *results, size_t index);

/** The first that did not succeed; when all did, the last; NULL for no commands.  Its status is the sequence's.  Valid
 *  until the results are freed. */
HOSTSESSION_API const hostsession_result *hostsession_results_overall(const hostsession_results *results);

/** Whether the session had been remade for this sequence, because the one before had died: its state (directory,
 *  environment) was lost.  Only for a manager's default session. */
HOSTSESSION_API bool hostsession_results_state_lost(const hostsession_results *results);

/** Release them.  NULL is allowed. */
HOSTSESSION_API void hostsession_results_free(hostsession_results *results);

/**
 * The end of hostsession_run_sequence_start().
 *
 * @param error    HOSTSESSION_OK when every command ended by itself, whatever its exit status, or was skipped because
 * the caller wanted it so (stop_on_failure, on_result); else the first error, which is HOSTSESSION_ERROR_TIMED_OUT when
 * the budget was spent.
 * @param results  Owned by the callee.  Never NULL.
 */
typedef void (*hostsession_sequence_fn)(hostsession *session, hostsession_error error, hostsession_results *results,
                                        void *userdata);

/**
 * Run commands one after another.  Nothing else that is started on the session comes between them.
 *
 * A command that fails, or is stopped at its time, does not stop the others unless options->stop_on_failure is set.  A
 * skipped command's failure says why it was: HOSTSESSION_ERROR_TIMED_OUT for a spent budget, _CLOSED for an ended
 * session, else _CANCELED.
 *
 * @param session      Open.  Waits its turn if the session is busy.
 * @param commands     Copied.  May be NULL for a count of 0, which succeeds and waits its turn, too.
 * @param options      NULL for the defaults.
 * @param ret_results  Always assigned, one result a command; owned by the caller, released with
 *                     hostsession_results_free().  NULL when nothing was run for HOSTSESSION_ERROR_NO_MEMORY or
 * _INVALID.
 * @param failure      NULL, or filled with the first error.
 *
 * @retval HOSTSESSION_OK  As in hostsession_sequence_fn.
 * The errors, and the session after each, are those of hostsession_run().
 *
 * Blocks up to the budget + recovery_timeout_ms, and as long as what is queued before it.
 */
HOSTSESSION_API hostsession_error hostsession_run_sequence(hostsession *session, const hostsession_command *commands,
                                                           size_t count, const hostsession_sequence_options *options,
                                                           hostsession_results **ret_results,
                                                           hostsession_failure *failure);

/**
 * Like hostsession_run_sequence(), returning at once.
 *
 * @param ret_operation  NULL, or assigned on success: hostsession_cancel() stops the command that runs and skips the
 *                       rest.
 * @param failure        NULL, or filled when this fails, as for hostsession_run_start(); nothing is run then.
 */
HOSTSESSION_API hostsession_error hostsession_run_sequence_start(hostsession *session,
                                                                 const hostsession_command *commands, size_t count,
                                                                 const hostsession_sequence_options *options,
                                                                 hostsession_sequence_fn done, void *userdata,
                                                                 hostsession_operation **ret_operation,
                                                                 hostsession_failure *failure);

HOSTSESSION_END

#endif
