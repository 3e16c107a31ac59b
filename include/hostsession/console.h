/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Line-oriented consoles that are no shell: network devices, boot monitors, RTOS shells, and programs with a prompt of
 * their own (python3, psql, gdb).  What ends a command there is the prompt, which is all that such a program gives.
 *
 * A command is one line, typed with Enter; one with a line ending inside is refused with HOSTSESSION_ERROR_INVALID.
 * Its output is what came between the echo of that line and the prompt, byte for byte as the console sent it (line ends
 * mostly CR LF), without what a pager asked and wiped out again.  on_output gets a line once it is complete, since the
 * last one may become the prompt.
 *
 * What looks like the prompt is proven to be it by `probe`; what was none is given back to the output.  A console that
 * prints exactly its prompt, pauses there, and then prints a line end and the prompt again cannot be told from one that
 * has answered; what it prints after that comes as unsolicited output, or is cut off before the next command's echo.
 * For the sake of that echo the terminal of an exec: target echoes (so, an interrupt shows as ^C in what it stopped).
 *
 * The status is HOSTSESSION_STATUS_FAILED when `error` appeared or the exit status is not 0, else _SUCCESS.  The exit
 * status is -1 unless `status_command` tells it.  The working directory and the user are "", the kind of shell is
 * "console".  hostsession_send(), _expect(), deadlines and cancels are as with a shell; a command after
 * hostsession_send() waits for the prompt first.
 *
 * A session is one when hostsession_options.console says so, from its beginning to its end; hostsession_enter() takes
 * one in a shell's session, and hostsession_leave() goes back to the shell.
 */
#ifndef HOSTSESSION_CONSOLE_H
#define HOSTSESSION_CONSOLE_H

#include <hostsession/expectation.h>

#include <stddef.h>
#include <stdint.h>

HOSTSESSION_BEGIN

/** How to talk to a console.  Start from HOSTSESSION_CONSOLE_INIT.  Read during the call only: strings are copied.
 *  Patterns are PCRE2 over bytes, and see lines without terminals' control sequences. */
typedef struct hostsession_console {
    size_t struct_size; /**< Set by the initializer. */
    /** The prompt, as the end of the last line (at most 1,024 bytes of it) once nothing more comes: `"[\\w.-]+[#>] ?"`
     *  It may change from command to command as long as it matches.  Needed. */
    const char *prompt;
    /** What pagers ask, as the end of the last line, and what to type: `--More--` and " ".  Neither the question nor
     *  what wipes it out (backspaces, CR, blanks, ESC [K, or the end of its line) is output.  max_answers 0: no
     *  limit; _ECHO_OFF has no meaning. */
    const hostsession_expectation *pagers;
    size_t pager_count; /**< How many. */
    /** A command has failed when this appears at the start of a line of its output, such as `% ` or `Error:`.  NULL:
     *  none. */
    const char *error;
    /** Typed after each command, and where in its output the exit status is: the first capture group, decimal.  Both
     *  or none.  It is part of the command's time; when it brings no status the exit status is -1. */
    const char *status_command;
    const char *status; /**< The pattern for it. */
    /** What Enter is.  NULL: "\r". */
    const char *enter;
    /** Typed at what looks like a prompt, as the proof that it is one: the same prompt (but for digits) must come
     *  again.  NULL: Enter.  "": nothing, for a program in which an empty line does something (gdb); then what looks
     *  like a prompt is one when nothing follows it for settle_ms. */
    const char *probe;
    /** How long it must be quiet before what is not the prompt of the command before is taken for a prompt.  0:
     *  100 ms. */
    int64_t settle_ms;
    /** Typed once the prompt has come for the first time: `terminal length 0`.  Each must bring the prompt back.  Ended
     *  by NULL; NULL: none. */
    const char *const *setup;
    /** Typed to interrupt a command.  NULL: "\003" (Ctrl+C). */
    const char *interrupt;
    /** Typed at the prompt to end the program, as it is: `"quit\r"`.  NULL: "\004" (Ctrl+D).  Only for one that was
     *  entered from a shell (enter.h). */
    const char *leave;
} hostsession_console;

/** The defaults. */
#define HOSTSESSION_CONSOLE_INIT                                                                                       \
    { sizeof(hostsession_console), NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL }

HOSTSESSION_END

#endif
