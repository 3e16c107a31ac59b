/* SPDX-License-Identifier: MIT */
/**
 * @file
 * What can go wrong, named by what the caller can do about it.
 *
 * A function that can fail returns a hostsession_error.  Where more can be said it also fills a hostsession_failure
 * that the caller owns: there is no "last error" kept anywhere.
 */
#ifndef HOSTSESSION_FAILURE_H
#define HOSTSESSION_FAILURE_H

#include <hostsession/version.h>

HOSTSESSION_BEGIN

/** The kinds of failure.  Values are stable; new ones are added at the end. */
typedef enum hostsession_error {
    HOSTSESSION_OK = 0,
    /** The call is wrong (an argument, a pattern, a target): mend the call. */
    HOSTSESSION_ERROR_INVALID = 1,
    /** Memory ran out.  Before anything was sent the session is as it was; later it has ended
     *  (hostsession_get_state()). */
    HOSTSESSION_ERROR_NO_MEMORY = 2,
    /** A limit was hit (descriptors, terminals, processes, a pattern's match limit): free some, or raise it. */
    HOSTSESSION_ERROR_LIMIT = 3,
    /** The host's name has no address. */
    HOSTSESSION_ERROR_RESOLVE = 4,
    /** The shell could not be started, or the host not reached. */
    HOSTSESSION_ERROR_CONNECT = 5,
    /** The host's key is not known; nothing was sent. */
    HOSTSESSION_ERROR_HOST_KEY_UNKNOWN = 6,
    /** The host's key is not the one that is known; nothing was sent. */
    HOSTSESSION_ERROR_HOST_KEY_CHANGED = 7,
    /** The host refused the login. */
    HOSTSESSION_ERROR_AUTH = 8,
    /** Started or connected, but no shell that we understand answered; or a program still has its terminal. */
    HOSTSESSION_ERROR_NOT_READY = 9,
    /** The time allowed passed. */
    HOSTSESSION_ERROR_TIMED_OUT = 10,
    /** hostsession_cancel(), or a close while it was pending. */
    HOSTSESSION_ERROR_CANCELED = 11,
    /** The connection broke: whether the command finished is unknown.  Open another session. */
    HOSTSESSION_ERROR_DISCONNECTED = 12,
    /** A shell has ended: the session's own (open another session), or one that was entered, and the session lives on.
     *  hostsession_result_session_alive() tells which. */
    HOSTSESSION_ERROR_SHELL_EXITED = 13,
    /** The session had ended, or was closed, before the call.  Open another. */
    HOSTSESSION_ERROR_CLOSED = 14,
    /** A defect of this library: please report it. */
    HOSTSESSION_ERROR_INTERNAL = 15,
} hostsession_error;

/** What went wrong, for a person and for a program.  A plain value: copy it freely, nothing to release. */
typedef struct hostsession_failure {
    hostsession_error error; /**< HOSTSESSION_OK: nothing. */
    /** errno of the system call that failed, or 0. */
    int system_errno;
    /** What was being done: "target", "spawn", "handshake", "command", "pattern", ...  Static; never NULL. */
    const char *stage;
    /** One line: what, why, and what to do.  Control characters from the other side are escaped. */
    char message[512];
} hostsession_failure;

/** An empty failure: `hostsession_failure why = HOSTSESSION_FAILURE_INIT;` */
#define HOSTSESSION_FAILURE_INIT                                                                                       \
    { HOSTSESSION_OK, 0, "", "" }

/** The error's short name, such as "not_ready", as the command's JSON has it.  Static; never NULL.  Any thread. */
HOSTSESSION_API const char *hostsession_error_name(hostsession_error error);

HOSTSESSION_END

#endif
