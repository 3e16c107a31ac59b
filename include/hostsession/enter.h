/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Entering a shell inside the session's shell (su, sudo -i, bash, ssh HOST, docker exec -it WEB sh), or a program with
 * a prompt of its own (python3, psql, gdb), and leaving it.
 *
 * Once a shell is entered, commands are framed for it and go to it, with everything that is true of a session's
 * commands: exact output, exit statuses, deadlines with recovery.  It can be done again inside, HOSTSESSION_MOST_LEVELS
 * deep. hostsession_get_cwd(), _get_user() and _get_shell() are those of the inner shell.
 *
 * A program that is no shell is entered by the pattern of its prompt (console.h).  hostsession_run() goes to it then, a
 * line at a time and without an exit status, as to a session that is such a console; nothing can be entered from inside
 * of it.  When it cannot be won back from a command within recovery_timeout_ms, it is stopped itself, within as long
 * again, and the session is in the outer shell.
 *
 * A command that is meant for one shell never runs in another.  When an inner shell ends though nobody left it (exit,
 * exec, killed, the connection of an inner ssh), the session goes on in the outer one, with its state, and says so: to
 * the command that ran (HOSTSESSION_STATUS_SHELL_EXITED, with hostsession_result_session_alive()), and to all that
 * waited then (HOSTSESSION_ERROR_SHELL_EXITED, HOSTSESSION_STATUS_SKIPPED: not sent); when neither was there, to the
 * next that is started.  In the same way what waits for a shell that could not be entered is not sent.  An inner shell
 * that lives on as its su is killed, or the shell between, would read what is meant for the outer one: on the session's
 * own terminal it is killed with all that was started in it; where that is not allowed, or it has taken the terminal
 * from the outer shell before, the session ends (HOSTSESSION_ERROR_NOT_READY).  On another host it is not seen.
 *
 * Thread safety: per session (session.h).
 */
#ifndef HOSTSESSION_ENTER_H
#define HOSTSESSION_ENTER_H

#include <hostsession/session.h>

HOSTSESSION_BEGIN

/** How many can be inside of each other. */
#define HOSTSESSION_MOST_LEVELS 16

/** How to enter a shell.  Start from HOSTSESSION_ENTER_OPTIONS_INIT.  Read and copied during the call only. */
typedef struct hostsession_enter_options {
    size_t struct_size; /**< Set by the initializer. */
    /** From the command being sent to the inner shell's answer.  0: 10,000 ms.  -1: no limit. */
    int64_t timeout_ms;
    /** Prompts that are answered on the way, a password's for example; as hostsession_options.expectations. */
    const hostsession_expectation *expectations;
    size_t expectation_count; /**< How many. */
    /** The command's text is a secret: blanked in logs, transcripts and messages. */
    bool secret;
    /** Of what is said on the way.  0: the session's. */
    size_t max_output_bytes;
    /** The command starts no shell but such a program.  NULL: a shell.  Read during the call only. */
    const hostsession_console *console;
} hostsession_enter_options;

/** The defaults. */
#define HOSTSESSION_ENTER_OPTIONS_INIT                                                                                 \
    { sizeof(hostsession_enter_options), 0, NULL, 0, false, 0, NULL }

/**
 * Run a command that starts another interactive shell, or a program with a prompt of its own, and make that one what
 * commands go to.
 *
 * It was entered exactly when the result's status is HOSTSESSION_STATUS_SUCCESS.  There is no exit status
 * then (-1), since the command has not ended; the output is what was said on the way.  A command that ended by itself
 * instead ("su: Authentication failure") is HOSTSESSION_STATUS_FAILED with its exit status and output.  In all other
 * cases than SUCCESS the session is in the outer shell, as before, or has ended.
 *
 * @param session     Open, in tty mode.  Waits its turn if the session is busy.
 * @param command     Shell text.  Copied.  The shell must be an interactive one, on the session's terminal.  Without
 *                    `exec`, which would leave no outer shell to come back to.
 * @param options     NULL for the defaults.
 * @param ret_result  As of hostsession_run().
 *
 * @retval HOSTSESSION_OK                  Entered (SUCCESS), or the command ended with another status than 0 (FAILED).
 * @retval HOSTSESSION_ERROR_NOT_READY     The command ended with status 0: it starts nothing that could be entered.  Or
 *                                         it has taken the shell's place (`exec`), and the session has ended.  Or as
 *                                         hostsession_run().
 * @retval HOSTSESSION_ERROR_TIMED_OUT     No shell has answered, or no prompt has come, within timeout_ms; the command
 * was stopped.
 * @retval HOSTSESSION_ERROR_CANCELED      hostsession_cancel(); the command was stopped.
 * @retval HOSTSESSION_ERROR_AUTH          An expected prompt came again after max_answers; the command was stopped.
 * @retval HOSTSESSION_ERROR_LIMIT         HOSTSESSION_MOST_LEVELS are entered; nothing was sent.  Or a pattern ran
 * away.
 * @retval HOSTSESSION_ERROR_INVALID       Pipe mode, a console, a bad option or pattern, or a callback of the loop.
 * @retval HOSTSESSION_ERROR_SHELL_EXITED, HOSTSESSION_ERROR_DISCONNECTED, HOSTSESSION_ERROR_CLOSED,
 * HOSTSESSION_ERROR_NO_MEMORY  As hostsession_run().
 *
 * Blocks up to timeout_ms + recovery_timeout_ms, and as long as what is queued before it.
 */
HOSTSESSION_API hostsession_error hostsession_enter(hostsession *session, const char *command,
                                                    const hostsession_enter_options *options,
                                                    hostsession_result **ret_result);

/** Like hostsession_enter(), returning at once.  What is queued behind it runs inside. */
HOSTSESSION_API hostsession_error hostsession_enter_start(hostsession *session, const char *command,
                                                          const hostsession_enter_options *options,
                                                          hostsession_run_fn done, void *userdata,
                                                          hostsession_operation **ret_operation,
                                                          hostsession_failure *failure);

/**
 * Leave what was entered last, a shell with the exit status of its last command, and wait until the outer shell has
 * answered.
 *
 * @param timeout_ms  0: 10,000.  -1: no limit.  Then it is stopped, as a command that does not end.
 * @param ret_result  That of the command it was entered with: its exit status, and what was said on the way out.
 *
 * @retval HOSTSESSION_OK               In the outer shell.  SUCCESS or FAILED, by the exit status.
 * @retval HOSTSESSION_ERROR_TIMED_OUT, HOSTSESSION_ERROR_CANCELED  In the outer shell; or, when it could not be won
 *                                      back, the session has ended.
 * @retval HOSTSESSION_ERROR_INVALID    No shell was entered; the session is as it was.  Or pipe mode, or a callback.
 * @retval HOSTSESSION_ERROR_NOT_READY  A program that was started with hostsession_send() still has the terminal.
 * @retval HOSTSESSION_ERROR_SHELL_EXITED, HOSTSESSION_ERROR_DISCONNECTED, HOSTSESSION_ERROR_CLOSED,
 * HOSTSESSION_ERROR_NO_MEMORY  As hostsession_run().
 */
HOSTSESSION_API hostsession_error hostsession_leave(hostsession *session, int64_t timeout_ms,
                                                    hostsession_result **ret_result);

/** Like hostsession_leave(), returning at once. */
HOSTSESSION_API hostsession_error hostsession_leave_start(hostsession *session, int64_t timeout_ms,
                                                          hostsession_run_fn done, void *userdata,
                                                          hostsession_operation **ret_operation,
                                                          hostsession_failure *failure);

/** How many shells and programs are entered: 0 in the session's own. */
HOSTSESSION_API unsigned hostsession_get_depth(const hostsession *session);

HOSTSESSION_END

#endif
