/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Sessions by name: a manager for one host, with a default session, named sessions and one-shot commands.
 *
 * Handles: every successful open gives its caller a handle of its own.  Those of one name share one session.  Closing a
 * handle ends the session for all of them: what was pending on it is told HOSTSESSION_ERROR_CANCELED, the other handles
 * stay valid, are no longer alive, and what is started on them is refused with HOSTSESSION_ERROR_CLOSED.  Closed is
 * closed: a handle never comes back to life; open the name again.
 *
 * The default session is a handle, too, hostsession_manager_default(), which is the manager's.  Its session is made
 * when something is asked of it, and made anew when it has died.
 *
 * Blocking and asynchronous forms are as in session.h: the blocking ones drive the manager's loop and cannot be used in
 * its callbacks; `done` is called once, from dispatch, never when _start itself failed, also after a cancel or a close.
 * In a callback everything else is allowed, hostsession_manager_free() included.
 *
 * Thread safety: a manager and its handles belong to its loop, which is used by one thread at a time.
 */
#ifndef HOSTSESSION_MANAGER_H
#define HOSTSESSION_MANAGER_H

#include <hostsession/sequence.h>

HOSTSESSION_BEGIN

/** A host and its sessions. */
typedef struct hostsession_manager hostsession_manager;
/** A handle on a session of a manager. */
typedef struct hostsession_named hostsession_named;
/** A started operation of a manager or a handle; valid until its `done` has returned. */
typedef struct hostsession_request hostsession_request;

/** The name of the default session, for callbacks. */
#define HOSTSESSION_DEFAULT_NAME ""

/** How much a manager, or a pool, holds.  Start from HOSTSESSION_LIMITS_INIT. */
typedef struct hostsession_limits {
    size_t struct_size; /**< Set by the initializer. */
    /** Named ones and the default one.  One more is refused (HOSTSESSION_ERROR_LIMIT).  0: 1,000. */
    unsigned max_sessions;
    /** One-shots at once; more wait.  0: 64. */
    unsigned max_oneshots;
    /** Sessions being opened at once; more wait, and connect_timeout_ms counts from their turn.  0: 64. */
    unsigned max_opening;
    /** Sessions and one-shots that wait; one more is refused (HOSTSESSION_ERROR_LIMIT).  0: 10,000. */
    unsigned max_waiting;
    /** Close a session that nothing was asked of for so long.  0: never. */
    int64_t idle_close_ms;
} hostsession_limits;

/** The defaults. */
#define HOSTSESSION_LIMITS_INIT                                                                                        \
    { sizeof(hostsession_limits), 0, 0, 0, 0, 0 }

/**
 * Open a session in a manager's stead: as hostsession_open_start(), which is what it will call in the end, with a
 * target or a transport of its own.
 *
 * @param name     The session's; NULL when it is for a one-shot.
 * @param options  The manager's session options.  To be handed on; loop, on_ended and userdata as they are.
 * @param done, done_userdata  To be handed on.
 */
typedef hostsession_error (*hostsession_session_factory_fn)(void *userdata, const char *name,
                                                            const hostsession_options *options,
                                                            hostsession_open_fn done, void *done_userdata,
                                                            hostsession **ret_session, hostsession_failure *failure);

/**
 * The end of a one-shot.
 *
 * @param error   As hostsession_manager_oneshot() returns it.
 * @param result  Owned by the callee: release it with hostsession_result_free().  NULL only for
 *                HOSTSESSION_ERROR_NO_MEMORY; the getters take that, too.
 */
typedef void (*hostsession_oneshot_fn)(hostsession_error error, hostsession_result *result, void *userdata);

/** How a one-shot of a factory's is stopped: `cancel` is called at most once, at its time limit, for
 *  hostsession_request_cancel() or when the manager closes.  The request is over then; `done` is called all the same,
 *  also from inside of `cancel`. */
typedef struct hostsession_oneshot_handle {
    void (*cancel)(void *data); /**< Stop it. */
    void *data;                 /**< For cancel. */
} hostsession_oneshot_handle;

/**
 * Run a one-shot in a manager's stead: start it, and call @p done exactly once, later, from dispatch.
 *
 * @param options     on_output and userdata are the manager's: to be called with the output as it arrives.  timeout_ms
 *                    is seen to by the manager.
 * @param ret_handle  To be assigned.
 *
 * @return HOSTSESSION_OK, or an error with @p failure filled; then @p done is not called.
 */
typedef hostsession_error (*hostsession_oneshot_factory_fn)(void *userdata, const char *command,
                                                            const hostsession_run_options *options,
                                                            hostsession_oneshot_fn done, void *done_userdata,
                                                            hostsession_oneshot_handle *ret_handle,
                                                            hostsession_failure *failure);

/** How to make a manager.  Start from HOSTSESSION_MANAGER_OPTIONS_INIT.  Copied, with all that it points to. */
typedef struct hostsession_manager_options {
    size_t struct_size; /**< Set by the initializer. */
    /** Borrowed until the manager is freed; NULL for one of its own, driven by the blocking forms alone. */
    hostsession_loop *loop;
    /** How sessions are opened.  Its loop and on_ended count for nothing.  A transport of one's own serves one session:
     *  with one a session_factory is needed instead.  NULL: the defaults. */
    const hostsession_options *session;
    /** NULL: the defaults. */
    const hostsession_limits *limits;
    /** Before each command and each hostsession_named_send(), once, when its turn has come; may be called inside the
     * call that starts it.  What is cancelled while it waits is not told.  @p name is the session's, NULL for a
     * one-shot; @p text is NULL for a secret one. */
    void (*log_command)(void *userdata, const char *name, const char *text);
    /** Each line of a command's output, as it arrives and as hostsession_line_fn has it; secrets are "***". */
    void (*log_output)(void *userdata, const char *name, hostsession_stream stream, const char *line, size_t length);
    /** NULL: hostsession_open_start() with the target. */
    hostsession_session_factory_fn session_factory;
    /** NULL: as hostsession_manager_oneshot() says. */
    hostsession_oneshot_factory_fn oneshot_factory;
    /** For the four above. */
    void *userdata;
} hostsession_manager_options;

/** The defaults. */
#define HOSTSESSION_MANAGER_OPTIONS_INIT                                                                               \
    { sizeof(hostsession_manager_options), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL }

/**
 * Make a manager.  Nothing is opened yet.
 *
 * @param target       As hostsession_open() has it.  With a session_factory: a name for messages.  Copied.
 * @param options      NULL for the defaults.
 * @param ret_manager  Assigned on success, else NULL; owned by the caller, released with hostsession_manager_free().
 * @param failure      NULL, or filled on failure.
 *
 * @retval HOSTSESSION_ERROR_INVALID    The target or an option is wrong.
 * @retval HOSTSESSION_ERROR_CONNECT    What SSH needs cannot be loaded.
 * @retval HOSTSESSION_ERROR_LIMIT      No descriptor is left for a loop.
 * @retval HOSTSESSION_ERROR_NO_MEMORY
 */
HOSTSESSION_API hostsession_error hostsession_manager_new(const char *target,
                                                          const hostsession_manager_options *options,
                                                          hostsession_manager **ret_manager,
                                                          hostsession_failure *failure);

/**
 * End everything, as hostsession_manager_close_all() does, and release the manager.  NULL is allowed.
 *
 * Handles that are still out stay valid and dead, to be closed or released by their holders.  In a `done` that is
 * called for this the manager may still be used: all is refused with HOSTSESSION_ERROR_CLOSED.
 */
HOSTSESSION_API void hostsession_manager_free(hostsession_manager *manager);

/** The target.  Borrowed: valid until the manager is freed. */
HOSTSESSION_API const char *hostsession_manager_target(const hostsession_manager *manager);

/** The loop.  Borrowed: valid until the manager is freed. */
HOSTSESSION_API hostsession_loop *hostsession_manager_loop(const hostsession_manager *manager);

/** Whether any session, default or named, is alive now: its shell has answered, and it has not ended. */
HOSTSESSION_API bool hostsession_manager_has_live_sessions(const hostsession_manager *manager);

/**
 * End all sessions, openings and one-shots, in whatever state they are.  The manager can be used again, also at once.
 *
 * What was pending is told HOSTSESSION_ERROR_CANCELED before this returns or, when called from a callback, from
 * dispatch soon after.  Blocks, at most 1,000 ms, with a loop of the manager's own, until all processes are gone; else
 * never: the loop does the rest.
 */
HOSTSESSION_API void hostsession_manager_close_all(hostsession_manager *manager);

/* ---- Handles --------------------------------------------------------------------------------------------------- */

/** The default session: made by the first run, send or expect, and again when it has died, which the next results tell
 *  (hostsession_results_state_lost()).  Borrowed: valid until the manager is freed.  hostsession_named_close() ends its
 *  session; hostsession_named_release() has no effect. */
HOSTSESSION_API hostsession_named *hostsession_manager_default(hostsession_manager *manager);

/**
 * The end of hostsession_manager_open_start().
 *
 * @param named    A handle, owned by the callee; NULL when @p failure is not.
 * @param failure  NULL for success.  Valid during the call only.
 */
typedef void (*hostsession_named_fn)(hostsession_manager *manager, hostsession_named *named,
                                     const hostsession_failure *failure, void *userdata);

/**
 * Open the session @p name, or get the one that is there.
 *
 * Callers that ask for the same name at once share one attempt; different names open in parallel.  A dead session is
 * replaced.  A session is given out only once its shell has answered; one that did not answer
 * (HOSTSESSION_ERROR_NOT_READY) is tried once more.
 *
 * @param name       Any, but not empty.  Copied.
 * @param ret_named  Assigned on success, else NULL: a handle of the caller's own, ended with hostsession_named_close()
 * or hostsession_named_release().
 * @param failure    NULL, or filled on failure.
 *
 * @retval HOSTSESSION_ERROR_LIMIT     max_sessions or max_waiting is reached.
 * @retval HOSTSESSION_ERROR_CANCELED  It was closed meanwhile.
 * Others: those of hostsession_open().
 *
 * Blocks up to twice connect_timeout_ms, and while it waits for its turn (max_opening).
 */
HOSTSESSION_API hostsession_error hostsession_manager_open(hostsession_manager *manager, const char *name,
                                                           hostsession_named **ret_named, hostsession_failure *failure);

/** Like hostsession_manager_open(), returning at once.  A cancelled request leaves the attempt to the others that share
 *  it.
 *  @retval HOSTSESSION_ERROR_LIMIT, HOSTSESSION_ERROR_INVALID, HOSTSESSION_ERROR_NO_MEMORY, HOSTSESSION_ERROR_CLOSED
 *          All else comes to `done`. */
HOSTSESSION_API hostsession_error hostsession_manager_open_start(hostsession_manager *manager, const char *name,
                                                                 hostsession_named_fn done, void *userdata,
                                                                 hostsession_request **ret_request,
                                                                 hostsession_failure *failure);

/** The session's name; HOSTSESSION_DEFAULT_NAME for the default one.  Valid as long as the handle. */
HOSTSESSION_API const char *hostsession_named_name(const hostsession_named *named);

/** Whether a command can be run in it.  The default session is alive while it has a live shell. */
HOSTSESSION_API bool hostsession_named_alive(const hostsession_named *named);

/** The session, for what has no form of its own here (its directory, hostsession_type()); NULL when it is not alive.
 *  Borrowed: not to be closed, valid until the next dispatch.  What is run on it directly is not logged, and may come
 *  before a send that waits. */
HOSTSESSION_API hostsession *hostsession_named_session(const hostsession_named *named);

/** End the session for all who hold it, take it out of its manager, and release this handle.  NULL is allowed.  Pending
 *  operations are cancelled as hostsession_close() does it; until the last `done` has returned the handle may still be
 *  used: what is started is refused, a second close has no effect.  Never blocks. */
HOSTSESSION_API void hostsession_named_close(hostsession_named *named);

/** Release this handle only; the session stays in its manager, and what is pending goes on, with a handle that is valid
 *  in its `done`.  NULL is allowed. */
HOSTSESSION_API void hostsession_named_release(hostsession_named *named);

/** As hostsession_sequence_fn.  @p named is the handle that it was started on. */
typedef void (*hostsession_named_run_fn)(hostsession_named *named, hostsession_error error,
                                         hostsession_results *results, void *userdata);

/**
 * Run commands in the session, as hostsession_run_sequence() does.  timeout_ms and budget_ms are 10,000 unless said
 * otherwise.
 *
 * @param ret_results  Always assigned.  NULL when nothing was run for HOSTSESSION_ERROR_NO_MEMORY, _INVALID or _LIMIT.
 *
 * @retval HOSTSESSION_ERROR_CLOSED  The session is not alive.  Not for the default one: that is made first, and what
 *                                   hostsession_manager_open() may fail with is returned.  But commands that waited
 *                                   while its shell ended are not run in another.
 * Others, and the session after each: those of hostsession_run_sequence().
 */
HOSTSESSION_API hostsession_error hostsession_named_run(hostsession_named *named, const hostsession_command *commands,
                                                        size_t count, const hostsession_sequence_options *options,
                                                        hostsession_results **ret_results,
                                                        hostsession_failure *failure);

/** Like hostsession_named_run(), returning at once.
 *  @retval HOSTSESSION_ERROR_CLOSED  The session is not alive now.  Others as for hostsession_manager_open_start(). */
HOSTSESSION_API hostsession_error hostsession_named_run_start(hostsession_named *named,
                                                              const hostsession_command *commands, size_t count,
                                                              const hostsession_sequence_options *options,
                                                              hostsession_named_run_fn done, void *userdata,
                                                              hostsession_request **ret_request,
                                                              hostsession_failure *failure);

/** @param failure  NULL for success.  Valid during the call only. */
typedef void (*hostsession_named_send_fn)(hostsession_named *named, const hostsession_failure *failure, void *userdata);

/** Send bytes to the session's terminal, as hostsession_send() does; errors as hostsession_named_run(). */
HOSTSESSION_API hostsession_error hostsession_named_send(hostsession_named *named, const char *bytes, size_t length,
                                                         bool secret, hostsession_failure *failure);
/** Like hostsession_named_send(), returning at once.  It is sent when all that was started on the session's handles
 *  before it is over, from dispatch when it is started in a callback; what is started after it comes after it. */
HOSTSESSION_API hostsession_error hostsession_named_send_start(hostsession_named *named, const char *bytes,
                                                               size_t length, bool secret,
                                                               hostsession_named_send_fn done, void *userdata,
                                                               hostsession_request **ret_request,
                                                               hostsession_failure *failure);

/** As hostsession_expect_fn. */
typedef void (*hostsession_named_expect_fn)(hostsession_named *named, const hostsession_failure *failure,
                                            hostsession_match *match, void *userdata);

/** Wait for a pattern, as hostsession_expect() does; timeout_ms is 10,000 unless said otherwise.  Errors as
 *  hostsession_expect() and hostsession_named_run(). */
HOSTSESSION_API hostsession_error hostsession_named_expect(hostsession_named *named, const char *const *patterns,
                                                           size_t pattern_count,
                                                           const hostsession_expect_options *options,
                                                           hostsession_match **ret_match, hostsession_failure *failure);
/** Like hostsession_named_expect(), returning at once. */
HOSTSESSION_API hostsession_error hostsession_named_expect_start(hostsession_named *named, const char *const *patterns,
                                                                 size_t pattern_count,
                                                                 const hostsession_expect_options *options,
                                                                 hostsession_named_expect_fn done, void *userdata,
                                                                 hostsession_request **ret_request,
                                                                 hostsession_failure *failure);

/* ---- One-shots ------------------------------------------------------------------------------------------------- */

/**
 * Run one command in a fresh shell of its own, independent of every session and every other one-shot.  Many run at once
 * (max_oneshots).
 *
 * For a local target it is a process, for SSH a channel on a connection that sessions and one-shots share, and SHELL -c
 * COMMAND in both (on another host the login shell, or sh where that knows no POSIX text).  It is over when the shell
 * has ended, whatever it left running.  For other targets, and with a session_factory alone, it is a command in a
 * session that is opened for it and closed; over telnet, where nobody tells how a shell ended, in a subshell there, so
 * that its `exit 3` has a status.  A connection lasts as long as a session or a one-shot is on it: without a
 * session, one-shots that come one after another log in each.
 *
 * Standard input is /dev/null.  Standard error is apart when the session options say pipe mode, else both are one
 * stream.  The result has no working directory, its session is not alive, and a shell that exits is just the command's
 * end: FAILED with its exit status, 128 + n for signal n.
 *
 * @param command     Shell text, up to 120 KiB for a process or a channel.  Copied.
 * @param options     NULL for the defaults.  timeout_ms bounds all: waiting for a turn, connecting, running.
 *                    Expectations are refused.
 * @param ret_result  Always assigned; owned by the caller, released with hostsession_result_free().  NULL only for
 *                    HOSTSESSION_ERROR_NO_MEMORY.
 *
 * @retval HOSTSESSION_OK                  SUCCESS or FAILED.
 * @retval HOSTSESSION_ERROR_TIMED_OUT     TIMED_OUT, with what it had written; it was killed with what it had started.
 *                                         SKIPPED when it had not been sent yet; the failure says what it waited for.
 * @retval HOSTSESSION_ERROR_CANCELED      In the same way: INTERRUPTED, or SKIPPED.
 * @retval HOSTSESSION_ERROR_DISCONNECTED  LOST: the connection broke while it ran.
 * @retval HOSTSESSION_ERROR_LIMIT         ERROR: max_waiting is reached, the command is too long, or no process or
 *                                         descriptor is left.
 * Others: those of hostsession_open(); ERROR: it was not run.
 */
HOSTSESSION_API hostsession_error hostsession_manager_oneshot(hostsession_manager *manager, const char *command,
                                                              const hostsession_run_options *options,
                                                              hostsession_result **ret_result);

/** Like hostsession_manager_oneshot(), returning at once.
 *  @retval HOSTSESSION_ERROR_LIMIT, HOSTSESSION_ERROR_INVALID, HOSTSESSION_ERROR_NO_MEMORY, HOSTSESSION_ERROR_CLOSED
 *          All else comes to `done`. */
HOSTSESSION_API hostsession_error hostsession_manager_oneshot_start(hostsession_manager *manager, const char *command,
                                                                    const hostsession_run_options *options,
                                                                    hostsession_oneshot_fn done, void *userdata,
                                                                    hostsession_request **ret_request,
                                                                    hostsession_failure *failure);

/** Cancel an operation of a manager or a handle, as hostsession_cancel() does: its `done` is called later, from
 *  dispatch.  A second call has no effect. */
HOSTSESSION_API void hostsession_request_cancel(hostsession_request *request);

HOSTSESSION_END

#endif
