/* SPDX-License-Identifier: MIT */
/**
 * @file
 * How a command ended and what it printed.
 *
 * Thread safety: a result is immutable and stands alone; it may be read and freed in any thread, also after its
 * session is closed.
 */
#ifndef HOSTSESSION_RESULT_H
#define HOSTSESSION_RESULT_H

#include <hostsession/failure.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

HOSTSESSION_BEGIN

/** A command's end, and what it printed. */
typedef struct hostsession_result hostsession_result;

/**
 * How a command ended.  The names are the command's JSON `status`.  Beside the error that the call returns:
 *
 *     HOSTSESSION_OK                    SUCCESS or FAILED
 *     HOSTSESSION_ERROR_TIMED_OUT       TIMED_OUT
 *     HOSTSESSION_ERROR_CANCELED        INTERRUPTED; SKIPPED when it was waiting
 *     HOSTSESSION_ERROR_SHELL_EXITED    SHELL_EXITED
 *     HOSTSESSION_ERROR_DISCONNECTED    LOST
 *     HOSTSESSION_ERROR_CLOSED          SKIPPED
 *     others                            ERROR
 *
 * New values are added at the end: treat one that you do not know as ERROR.
 */
typedef enum hostsession_status {
    /** It ended with exit status 0. */
    HOSTSESSION_STATUS_SUCCESS = 0,
    /** It ended with another exit status. */
    HOSTSESSION_STATUS_FAILED = 1,
    /** Its time passed.  hostsession_result_session_alive() says whether the shell was won back. */
    HOSTSESSION_STATUS_TIMED_OUT = 2,
    /** It ended the shell (exit, exec, set -e, a signal).  The exit status is the shell's, where it is known. */
    HOSTSESSION_STATUS_SHELL_EXITED = 3,
    /** It was cancelled. */
    HOSTSESSION_STATUS_INTERRUPTED = 4,
    /** The connection broke while it ran: what became of it is unknown. */
    HOSTSESSION_STATUS_LOST = 5,
    /** It was never sent. */
    HOSTSESSION_STATUS_SKIPPED = 6,
    /** It could not be run, see hostsession_result_failure(). */
    HOSTSESSION_STATUS_ERROR = 7,
} hostsession_status;

/** The status's name: "success", "failed", "timed_out", ...  Static; never NULL. */
HOSTSESSION_API const char *hostsession_status_name(hostsession_status status);

/** How the command ended. */
HOSTSESSION_API hostsession_status hostsession_result_status(const hostsession_result *result);

/** The exit status, 0 to 255 (128 + n after signal n, as the shell has it in `$?`), of a console what its status
 * command prints, at most 999,999,999; -1 when there is none. Source: POSIX XCU 2.8.2. */
HOSTSESSION_API int hostsession_result_exit_status(const hostsession_result *result);

/** The bytes that the command wrote: to the terminal, or in pipe mode to standard output.  Exact; may hold NUL; one
 *  more NUL follows the last byte.  Valid until the result is freed; never NULL. */
HOSTSESSION_API const char *hostsession_result_output(const hostsession_result *result);
/** How many they are. */
HOSTSESSION_API size_t hostsession_result_output_bytes(const hostsession_result *result);

/** In pipe mode, the same for standard error; empty in tty mode, where there is one stream. */
HOSTSESSION_API const char *hostsession_result_error_output(const hostsession_result *result);
/** How many they are. */
HOSTSESSION_API size_t hostsession_result_error_output_bytes(const hostsession_result *result);

/** How many bytes of both streams were dropped to stay within max_output_bytes.  0: the output is whole. */
HOSTSESSION_API uint64_t hostsession_result_dropped_bytes(const hostsession_result *result);

/** When output bytes were dropped: how many of the kept ones come from the head; the rest are the tail.  Otherwise
 *  hostsession_result_output_bytes(). */
HOSTSESSION_API size_t hostsession_result_head_bytes(const hostsession_result *result);

/** From the command being sent to its end, in microseconds. */
HOSTSESSION_API uint64_t hostsession_result_duration_us(const hostsession_result *result);

/** The shell's working directory after the command; "" when it is not known.  Valid until the result is freed. */
HOSTSESSION_API const char *hostsession_result_cwd(const hostsession_result *result);

/** Whether the session could run another command when this one ended. */
HOSTSESSION_API bool hostsession_result_session_alive(const hostsession_result *result);

/** Why, whenever the status is neither success nor failed; there its error is HOSTSESSION_OK.  Valid until the result
 * is freed; never NULL. */
HOSTSESSION_API const hostsession_failure *hostsession_result_failure(const hostsession_result *result);

/** Release a result.  NULL is allowed. */
HOSTSESSION_API void hostsession_result_free(hostsession_result *result);

HOSTSESSION_END

#endif
