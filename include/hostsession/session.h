/* SPDX-License-Identifier: MIT */
/**
 * @file
 * A session: one shell, local or remote, that runs commands one after another and keeps its state.
 *
 * Every operation has two forms.  The blocking one starts it and drives the session's loop until it is done.  The
 * other ends in _start: it returns at once, and `done` is called later, exactly once, from dispatch; never when
 * _start itself failed, and also after a cancel or a close.  Operations on a busy session wait their turn, in order.
 *
 * In a callback everything is allowed, starting operations and closing the session included, except what would drive
 * the loop again: the blocking forms then return HOSTSESSION_ERROR_INVALID (hostsession_close() alone is made for it).
 * No C++ exception or longjmp may leave a callback.  On a shared loop a blocking call runs the callbacks of the loop's
 * other sessions, too; should one close this session, the call returns HOSTSESSION_ERROR_CANCELED.
 *
 * A session is opening, then idle and busy in turn, then ended.  A timed-out or cancelled command is recovered from
 * inside its own operation: when `done` is called the session is idle or ended.  An ended session stays valid until
 * hostsession_close(), and never comes back.
 *
 * When a session ends, the command that ran is told first, then what waited, in order (HOSTSESSION_ERROR_CLOSED), then
 * on_ended.
 *
 * Secrets (a secret command, a secret response, a secret send) are "***" in transcripts, also where they come back in
 * what is received, however it is split (unless shorter than 3 bytes), and are wiped from memory after use.  Results
 * and on_output are exact, and so is what a program prints there.
 *
 * The process: SIGPIPE is not raised by what this library writes; SIGCHLD is not handled.  A program that ignores
 * SIGCHLD, or reaps every child, takes the exit status of local shells away.
 *
 * Thread safety: a session belongs to its loop, which is used by one thread at a time.
 */
#ifndef HOSTSESSION_SESSION_H
#define HOSTSESSION_SESSION_H

#include <hostsession/console.h>
#include <hostsession/expectation.h>
#include <hostsession/login.h>
#include <hostsession/loop.h>
#include <hostsession/result.h>
#include <hostsession/ssh.h>
#include <hostsession/telnet.h>
#include <hostsession/transport.h>

HOSTSESSION_BEGIN

/** A session. */
typedef struct hostsession hostsession;

/** Where a session stands. */
typedef enum hostsession_state {
    HOSTSESSION_OPENING = 0,
    HOSTSESSION_IDLE = 1,
    HOSTSESSION_RUNNING = 2,
    /** A command is being stopped after its deadline or a cancel. */
    HOSTSESSION_RECOVERING = 3,
    HOSTSESSION_ENDED = 4,
} hostsession_state;

/** What the shell is connected to. */
typedef enum hostsession_mode {
    /** A controlling terminal: sudo, su, ssh and Ctrl+C work; one output stream. */
    HOSTSESSION_MODE_TTY = 0,
    /** Plain pipes: standard error apart, no terminal; commands read /dev/null. */
    HOSTSESSION_MODE_PIPE = 1,
} hostsession_mode;

/** How much a log message matters. */
typedef enum hostsession_log_level {
    HOSTSESSION_LOG_WARNING = 0,
    HOSTSESSION_LOG_INFO = 1,
    HOSTSESSION_LOG_DEBUG = 2,
} hostsession_log_level;

/** Which way transcript bytes went. */
typedef enum hostsession_direction {
    HOSTSESSION_SENT = 0,
    HOSTSESSION_RECEIVED = 1,
} hostsession_direction;

/** No limit, where a size is asked for. */
#define HOSTSESSION_UNLIMITED SIZE_MAX

/** Output of a command, as it arrives.  Bytes are valid during the call only. */
typedef void (*hostsession_output_fn)(void *userdata, hostsession_stream stream, const char *bytes, size_t length);

/** One line of output without its "\n" or "\r\n"; a last line without one comes at the command's end; a line over
 *  64 KiB comes in pieces.  Valid during the call only. */
typedef hostsession_output_fn hostsession_line_fn;

/**
 * How to open a session.  Start from HOSTSESSION_OPTIONS_INIT; zero is the default everywhere.  Read during the call
 * only: strings are copied.
 */
typedef struct hostsession_options {
    size_t struct_size; /**< Set by the initializer. */
    /** The loop to live on, borrowed until the session is closed; NULL for one of its own. */
    hostsession_loop *loop;
    /** What the shell is connected to. */
    hostsession_mode mode;
    /** The shell to start: a name looked up in PATH, or a path.  NULL: bash if there is one, else sh; on another host
     * the login shell. */
    const char *shell;
    /** The directory to start in.  NULL: the caller's; on another host the user's home. */
    const char *cwd;
    /** Environment settings for the shell, each "NAME=VALUE", ended by NULL.  NULL: none beside the caller's own, or
     * the other host's. */
    const char *const *environment;
    /** From the call to a shell that answered.  0: 10,000 ms.  -1: no limit. */
    int64_t connect_timeout_ms;
    /** How long winning back the shell after a deadline or a cancel may take; then the session ends.  It is the shell's
     *  own work, a few forks: where hundreds of shells on one host may have to be won back at once, so that they keep
     *  its processors busy for longer, give them more.  0: 5,000 ms.  Not negative. */
    int64_t recovery_timeout_ms;
    /** Kept output per command, both streams together; what is over is dropped from the middle.  0: 64 MiB.
     *  HOSTSESSION_UNLIMITED: all. */
    size_t max_output_bytes;
    /** Leave the shell's own line editing and start-up files on when it is started. */
    bool interactive;

    /** A transport of the caller's own, copied; the target is then only a name for messages. */
    const hostsession_transport *transport;
    void *transport_data; /**< For its functions. */

    /** Bytes that arrived between commands (a background job's output).  NULL: they are dropped. */
    hostsession_output_fn on_unsolicited;
    /** What the library does and notices, one line each; not terminated by a newline.  NULL: nothing. */
    void (*on_log)(void *userdata, hostsession_log_level level, const char *message);
    /** All bytes sent and received, secrets blanked with asterisks.  NULL: nothing. */
    void (*on_transcript)(void *userdata, hostsession_direction direction, const char *bytes, size_t length);
    /** The session has ended, for the reason in @p why; from dispatch, once, after the `done` of the operation it
     *  ended in.  Not called for a hostsession_close(). */
    void (*on_ended)(void *userdata, hostsession *session, const hostsession_failure *why);
    /** For the callbacks. */
    void *userdata;
    /** Answers what a remote host asks for at login; it gets `userdata`.  NULL: nothing is answered.  A local shell
     *  asks for nothing. */
    hostsession_question_fn on_question;
    /** For a host reached over SSH.  NULL: as ssh(1) would reach it. */
    const hostsession_ssh_options *ssh;
    /** Prompts that are answered before the shell is there, while the session opens: what `exec:su - deploy` or a
     * serial console asks.  Nothing is typed meanwhile where a question seems to wait for its answer: behind a colon or
     * a question mark, or with echo off.  tty mode only. */
    const hostsession_expectation *expectations;
    size_t expectation_count; /**< How many. */
    /** What the target gives is no shell but such a console.  NULL: a shell.  tty mode only; without `shell`, and
     *  without `cwd` and `environment` on another host. */
    const hostsession_console *console;
    /** For a host reached over telnet.  NULL: the defaults. */
    const hostsession_telnet_options *telnet;
} hostsession_options;

/** The defaults. */
#define HOSTSESSION_OPTIONS_INIT                                                                                       \
    {                                                                                                                  \
        sizeof(hostsession_options), NULL, HOSTSESSION_MODE_TTY, NULL, NULL, NULL, 0, 0, 0, false, NULL, NULL, NULL,   \
            NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL                                                    \
    }

/**
 * The end of hostsession_open_start().
 *
 * @param session  Open and idle; or, when @p failure is not NULL, ended: to be closed by the caller, unless a close
 *                 brought it here.
 * @param failure  NULL for success.  Valid during the call only.
 */
typedef void (*hostsession_open_fn)(hostsession *session, const hostsession_failure *failure, void *userdata);

/**
 * Start a shell and wait until it has answered.
 *
 * @param target       "local"; "[USER@]HOST[:PORT]" or "ssh://[USER@]HOST[:PORT]" for the login shell on a host, over
 * SSH (ssh.h); "telnet://[USER@]HOST[:PORT]" for the one behind a login over telnet (telnet.h); or "exec:PROGRAM
 * ARG..." for any program that gives a shell on its terminal: its words are split as a POSIX shell does (quotes and
 * backslashes; nothing is expanded) and started without one.  Copied.
 * @param options      NULL for the defaults.
 * @param ret_session  Assigned on success, else NULL.  Owned by the caller, released with hostsession_close().
 * @param failure      NULL, or filled on failure.
 *
 * @retval HOSTSESSION_ERROR_INVALID    The target or an option is wrong, or this is a callback of the loop; or
 * ssh_config has what cannot be honoured.
 * @retval HOSTSESSION_ERROR_CONNECT    The program does not exist, is not executable, or ended at once; the host was
 * not reached.
 * @retval HOSTSESSION_ERROR_RESOLVE    The host's name has no address.
 * @retval HOSTSESSION_ERROR_HOST_KEY_UNKNOWN, HOSTSESSION_ERROR_HOST_KEY_CHANGED  Nothing was sent.
 * @retval HOSTSESSION_ERROR_AUTH       The host refused the login, or asked again after max_answers of an expectation.
 * @retval HOSTSESSION_ERROR_NOT_READY  It runs, but no shell answered within connect_timeout_ms.
 * @retval HOSTSESSION_ERROR_LIMIT      No descriptor, terminal or process is left.
 * @retval HOSTSESSION_ERROR_NO_MEMORY
 *
 * On failure nothing is left running.  Blocks up to connect_timeout_ms.
 */
HOSTSESSION_API hostsession_error hostsession_open(const char *target, const hostsession_options *options,
                                                   hostsession **ret_session, hostsession_failure *failure);

/** Like hostsession_open(), returning at once.  options->loop must be set.  What is wrong with the target, the options
 *  or the limits at once is returned (and `done` is not called); all else comes to `done`.
 *
 *  @param ret_session  Assigned on success: owned by the caller from then on, opening; operations may be started on it
 *                      and wait until it is open.
 *  @retval HOSTSESSION_ERROR_CLOSED  The loop is being freed, and this is a callback in which that ends sessions. */
HOSTSESSION_API hostsession_error hostsession_open_start(const char *target, const hostsession_options *options,
                                                         hostsession_open_fn done, void *userdata,
                                                         hostsession **ret_session, hostsession_failure *failure);

/**
 * End the shell and what it left in the foreground, and release the session.  NULL is allowed.
 *
 * Pending operations are cancelled: their `done` is called with HOSTSESSION_ERROR_CANCELED before this returns, or,
 * when called from a callback, from dispatch soon after.  Until the last `done` has returned the handle may still be
 * used: what is started is refused with HOSTSESSION_ERROR_CLOSED, a second close has no effect.  Then, or at once if
 * nothing is pending, it is invalid.  No other callback is called from here on.
 *
 * The shell is hung up (SIGHUP), then killed, and reaped.  A running command is ended with everything it has started,
 * even what ignores the hang-up.  Two things are spared: processes with a session of their own (setsid), and, while a
 * program has the foreground of a local terminal, background processes that ignore SIGHUP (nohup ... &).  So are such
 * jobs of earlier commands.
 *
 * With a loop of the session's own this waits for all that, at most 1,000 ms; from a callback the blocking call that is
 * driving the session waits instead.  With a loop of the caller's it never blocks, and the loop does the rest.
 */
HOSTSESSION_API void hostsession_close(hostsession *session);

/** Where the session stands.  HOSTSESSION_IDLE means that the next command is sent at once. */
HOSTSESSION_API hostsession_state hostsession_get_state(const hostsession *session);

/** Why the session ended; HOSTSESSION_OK inside while it has not.  Valid until the session is closed. */
HOSTSESSION_API const hostsession_failure *hostsession_get_failure(const hostsession *session);

/** The shell's working directory, as last reported; "" when unknown.  Valid until the next dispatch. */
HOSTSESSION_API const char *hostsession_get_cwd(const hostsession *session);

/** Its user, in the same way: LOGNAME or USER as it started; `id -un` where neither is set, and in an inner shell. */
HOSTSESSION_API const char *hostsession_get_user(const hostsession *session);

/** The kind of shell: "bash", "zsh", "ksh93", "mksh", "dash", "ash" or "sh"; "console" (console.h); "" while opening.
 * Static. */
HOSTSESSION_API const char *hostsession_get_shell(const hostsession *session);

/** The loop that the session lives on.  Borrowed: one of its own is freed with the session, and driven by its blocking
 *  calls alone. */
HOSTSESSION_API hostsession_loop *hostsession_get_loop(const hostsession *session);

/* ---- Running commands ---------------------------------------------------------------------------------------- */

/** How to run a command.  Start from HOSTSESSION_RUN_OPTIONS_INIT.  Read and copied during the call only. */
typedef struct hostsession_run_options {
    size_t struct_size; /**< Set by the initializer. */
    /** From the command being sent to its end; then it is interrupted and the shell won back.  0: no limit. */
    int64_t timeout_ms;
    /** Patterns that are answered when they appear; that they don't is no error.  The earliest match wins, then the
     *  first in order.  tty mode only. */
    const hostsession_expectation *expectations;
    size_t expectation_count; /**< How many. */
    /** 0: the session's. */
    size_t max_output_bytes;
    /** The command's text is a secret: blanked in logs and transcripts. */
    bool secret;
    /** Output as it arrives.  NULL: none is told.  What is seen only behind a command's end not to be its own is told
     *  all the same, and cut from the result: bash's "exit" behind an EXIT trap, and, in ksh93 and mksh under xtrace,
     *  the trace of what tells the end. */
    hostsession_output_fn on_output;
    hostsession_line_fn on_line; /**< ... line by line. */
    /** For on_output and on_line. */
    void *userdata;
} hostsession_run_options;

/** The defaults. */
#define HOSTSESSION_RUN_OPTIONS_INIT                                                                                   \
    { sizeof(hostsession_run_options), 0, NULL, 0, 0, false, NULL, NULL, NULL }

/** A started operation; valid until its `done` has returned. */
typedef struct hostsession_operation hostsession_operation;

/**
 * The end of hostsession_run_start().
 *
 * @param error   As hostsession_run() returns it.
 * @param result  Owned by the callee from here: release it with hostsession_result_free().  Never NULL.
 */
typedef void (*hostsession_run_fn)(hostsession *session, hostsession_error error, hostsession_result *result,
                                   void *userdata);

/**
 * Run one shell command and wait until it ends.
 *
 * A command that exits non-zero is a successful call: read its status with hostsession_result_exit_status().
 *
 * @param session     Open.  Waits its turn if the session is busy.
 * @param command     Shell text, any number of lines.  Copied.
 * @param options     NULL for the defaults.
 * @param ret_result  Always assigned; owned by the caller, released with hostsession_result_free().  Holds all output
 *                    received, also after an error, and the reason when nothing was sent.  NULL only where
 *                    there was no memory for it (HOSTSESSION_ERROR_NO_MEMORY); the getters take that, too.
 *
 * @retval HOSTSESSION_OK                  The command ended; the session is idle.
 * @retval HOSTSESSION_ERROR_TIMED_OUT     timeout_ms passed.  The session is idle with its state kept, or ended if the
 *                                         shell could not be won back within recovery_timeout_ms.
 * @retval HOSTSESSION_ERROR_CANCELED      hostsession_cancel(); the session as above.
 * @retval HOSTSESSION_ERROR_LIMIT         A pattern ran away or max_answers was exceeded; the command was interrupted,
 *                                         the session as above.
 * @retval HOSTSESSION_ERROR_SHELL_EXITED  The command ended the shell: the session has ended, or, in an inner shell
 *                                         (enter.h), is back in the outer one.
 * @retval HOSTSESSION_ERROR_DISCONNECTED  The connection was lost; the session has ended.
 * @retval HOSTSESSION_ERROR_NOT_READY     A program started with hostsession_send() still has the terminal: the shell's
 *                                         prompt did not come back within recovery_timeout_ms.  Nothing was sent, the
 *                                         session is as it was.
 * @retval HOSTSESSION_ERROR_CLOSED        The session had ended before; nothing was sent.
 * @retval HOSTSESSION_ERROR_INVALID       A bad pattern or option, or this is a callback of the loop; for a console:
 *                                         several lines.
 * @retval HOSTSESSION_ERROR_NO_MEMORY     Nothing was sent, and the session is as it was; or, with a result, memory ran
 *                                         out while the command ran, and the session has ended.
 *
 * Blocks up to timeout_ms + recovery_timeout_ms, and as long as what is queued before it.
 * A command that starts another interactive shell (su, ssh HOST, bash) does not end by itself: hostsession_enter() is
 * for it (enter.h).
 * Source: POSIX XCU 2.8.2 for exit statuses; docs/design/framing.md for the framing.
 */
HOSTSESSION_API hostsession_error hostsession_run(hostsession *session, const char *command,
                                                  const hostsession_run_options *options,
                                                  hostsession_result **ret_result);

/**
 * Like hostsession_run(), returning at once.
 *
 * @param ret_operation  NULL, or assigned on success, for hostsession_cancel().
 * @param failure        NULL, or filled when this fails: an invalid option or pattern, or no memory.  A session that
 *                       has ended is not a failure here: it comes to `done`.
 */
HOSTSESSION_API hostsession_error hostsession_run_start(hostsession *session, const char *command,
                                                        const hostsession_run_options *options, hostsession_run_fn done,
                                                        void *userdata, hostsession_operation **ret_operation,
                                                        hostsession_failure *failure);

/** Cancel an operation: a waiting one is not sent; a running command is interrupted and the shell won back, as at a
 *  deadline.  Its `done` is called later, from dispatch.  A second call has no effect. */
HOSTSESSION_API void hostsession_cancel(hostsession_operation *operation);

/** Cancel the operation that runs now, as hostsession_cancel() does; nothing that waits.  No effect when none runs.
 *  From a callback it stops a blocking hostsession_run(). */
HOSTSESSION_API void hostsession_cancel_current(hostsession *session);

/* ---- Driving programs that are no shell ------------------------------------------------------------------------ */

/**
 * Send bytes to the shell's terminal as they are, for a REPL or a console.  Line endings are the caller's.
 *
 * What comes back is for hostsession_expect().  A later hostsession_run() waits for the shell's own prompt, at most
 * recovery_timeout_ms, and is then refused with HOSTSESSION_ERROR_NOT_READY.  tty mode only.
 *
 * @param secret  Blanked in logs and transcripts.
 *
 * @retval HOSTSESSION_OK                  Copied: it is sent in order with all else, as fast as the transport takes it.
 * @retval HOSTSESSION_ERROR_CLOSED        The session has ended, before the call or while it waited.
 * @retval HOSTSESSION_ERROR_INVALID       Pipe mode, or a callback of the loop.
 * @retval HOSTSESSION_ERROR_NO_MEMORY     As of hostsession_run().
 */
HOSTSESSION_API hostsession_error hostsession_send(hostsession *session, const char *bytes, size_t length, bool secret);

/** @param failure  NULL for success.  Valid during the call only. */
typedef void (*hostsession_send_fn)(hostsession *session, const hostsession_failure *failure, void *userdata);

/** Like hostsession_send(), returning at once.  @p done may be NULL. */
HOSTSESSION_API hostsession_error hostsession_send_start(hostsession *session, const char *bytes, size_t length,
                                                         bool secret, hostsession_send_fn done, void *userdata,
                                                         hostsession_operation **ret_operation);

/**
 * Type into the command that runs now, from a callback or between dispatches; it does not wait its turn.
 *
 * @param secret  Blanked in logs and transcripts.
 *
 * @retval HOSTSESSION_OK               Copied, as by hostsession_send(); the command runs on.
 * @retval HOSTSESSION_ERROR_NOT_READY  No command runs; nothing was sent.
 * @retval HOSTSESSION_ERROR_CLOSED     The session has ended, or was closed.
 * @retval HOSTSESSION_ERROR_INVALID    Pipe mode.
 * @retval HOSTSESSION_ERROR_NO_MEMORY  The session has ended.
 */
HOSTSESSION_API hostsession_error hostsession_type(hostsession *session, const char *bytes, size_t length, bool secret);

/** What hostsession_expect() found. */
typedef struct hostsession_match hostsession_match;

/** How to wait.  Start from HOSTSESSION_EXPECT_OPTIONS_INIT. */
typedef struct hostsession_expect_options {
    size_t struct_size; /**< Set by the initializer. */
    /** 0: 30,000 ms.  -1: no limit. */
    int64_t timeout_ms;
    /** A pattern that spans more than this is not found; what was read beyond max_output_bytes of the session is
     *  dropped from its front.  0: 64 KiB. */
    size_t window_bytes;
} hostsession_expect_options;

/** The defaults. */
#define HOSTSESSION_EXPECT_OPTIONS_INIT                                                                                \
    { sizeof(hostsession_expect_options), 0, 0 }

/** @param match  As ret_match of hostsession_expect(); owned by the callee.
 *  @param failure  NULL for a match.  Valid during the call only. */
typedef void (*hostsession_expect_fn)(hostsession *session, const hostsession_failure *failure,
                                      hostsession_match *match, void *userdata);

/**
 * Wait until one of @p patterns appears in what came after the last match.
 *
 * @param patterns   PCRE2, over bytes.  The earliest match wins, then the first in order.  Copied.
 * @param ret_match  Assigned for HOSTSESSION_OK, and for the errors marked *: there hostsession_match_index() is -1
 *                   and the text is what was read so far.  Otherwise NULL.  Released with hostsession_match_free().
 * @param failure    NULL, or filled on failure.
 *
 * @retval HOSTSESSION_ERROR_TIMED_OUT     * What was read is kept for the next expect.  The session goes on.
 * @retval HOSTSESSION_ERROR_SHELL_EXITED  * The shell has ended, and with it the session; told once.
 * @retval HOSTSESSION_ERROR_DISCONNECTED  * The connection was lost; the session has ended; told once.
 * @retval HOSTSESSION_ERROR_CANCELED      hostsession_cancel(); what was read is kept.  The session goes on.
 * @retval HOSTSESSION_ERROR_LIMIT         A pattern ran away; what was read is kept.  The session goes on.
 * @retval HOSTSESSION_ERROR_CLOSED        The session had ended before.
 * @retval HOSTSESSION_ERROR_INVALID       A bad pattern, pipe mode, or a callback of the loop.
 */
HOSTSESSION_API hostsession_error hostsession_expect(hostsession *session, const char *const *patterns,
                                                     size_t pattern_count, const hostsession_expect_options *options,
                                                     hostsession_match **ret_match, hostsession_failure *failure);

/** Like hostsession_expect(), returning at once. */
HOSTSESSION_API hostsession_error hostsession_expect_start(
    hostsession *session, const char *const *patterns, size_t pattern_count, const hostsession_expect_options *options,
    hostsession_expect_fn done, void *userdata, hostsession_operation **ret_operation, hostsession_failure *failure);

/** Which pattern matched, from 0; -1: none. */
HOSTSESSION_API int hostsession_match_index(const hostsession_match *match);

/** All that was read, up to and including the match.  May hold NUL; one more follows.  Valid until the match is
 *  freed. */
HOSTSESSION_API const char *hostsession_match_text(const hostsession_match *match);
/** How many bytes that is. */
HOSTSESSION_API size_t hostsession_match_text_bytes(const hostsession_match *match);

/** A capture group: 0 is the whole match.  NULL, with *ret_length 0, for a group that took no part or does not exist.
 *  Not terminated.  Valid until the match is freed. */
HOSTSESSION_API const char *hostsession_match_group(const hostsession_match *match, unsigned group, size_t *ret_length);

/** Release a match.  NULL is allowed. */
HOSTSESSION_API void hostsession_match_free(hostsession_match *match);

HOSTSESSION_END

/** Close at the end of the scope, with GCC and Clang: `HOSTSESSION_SCOPED hostsession *shell = NULL;` */
#if defined(__GNUC__)
static inline void hostsession_close_scoped(hostsession **session) {
    hostsession_close(*session);
}
/** A session that is closed where the scope of the variable ends. */
#define HOSTSESSION_SCOPED __attribute__((cleanup(hostsession_close_scoped)))
#endif

#endif
