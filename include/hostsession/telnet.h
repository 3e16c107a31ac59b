/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Sessions over telnet (RFC 854): what can be set beside the target "telnet://[USER@]HOST[:PORT]".
 *
 * The login is a dialogue: the user's name and the password (hostsession_options.on_question) are typed at the prompts
 * that ask for them, in many languages; further prompts are hostsession_options.expectations.  A console that asks for
 * nothing, or that has a shell open already, is taken as it is.
 *
 * Telnet is not encrypted, and the host proves nothing of itself: what is typed, the password included, can be read and
 * changed on the way.
 *
 * How the shell ended is not told: a session whose shell exits is lost (HOSTSESSION_ERROR_DISCONNECTED).
 */
#ifndef HOSTSESSION_TELNET_H
#define HOSTSESSION_TELNET_H

#include <hostsession/failure.h>

#include <stddef.h>
#include <stdint.h>

HOSTSESSION_BEGIN

/** How to reach a host over telnet.  Start from HOSTSESSION_TELNET_OPTIONS_INIT; zero is the default.  Read during the
 *  call only: strings are copied. */
typedef struct hostsession_telnet_options {
    size_t struct_size; /**< Set by the initializer. */
    /** Told to a server that asks (RFC 1091).  NULL: "dumb". */
    const char *terminal_type;
    /** Told to a server that asks (RFC 1572), each "NAME=VALUE", ended by NULL; a server takes what it likes of it.
     * NULL: none.  For the shell's own environment use hostsession_options.environment. */
    const char *const *environment;
    /** What asks for the name, and for the password: PCRE2, looked for in the last line, without control sequences.
     *  NULL: the prompts known of login(1) and of devices, in many languages. */
    const char *name_prompt;
    const char *password_prompt; /**< See name_prompt. */
    /** Send at most so many bytes at once, and then nothing for write_pause_ms: for slow serial lines behind a terminal
     *  server.  0: no limit. */
    size_t write_bytes;
    int64_t write_pause_ms; /**< See write_bytes. */
} hostsession_telnet_options;

/** The defaults. */
#define HOSTSESSION_TELNET_OPTIONS_INIT                                                                                \
    { sizeof(hostsession_telnet_options), NULL, NULL, NULL, NULL, 0, 0 }

/** What telnet has besides bytes (RFC 854). */
typedef enum hostsession_telnet_command {
    HOSTSESSION_TELNET_BREAK = 243,
    HOSTSESSION_TELNET_INTERRUPT_PROCESS = 244,
    HOSTSESSION_TELNET_ABORT_OUTPUT = 245,
    HOSTSESSION_TELNET_ARE_YOU_THERE = 246,
} hostsession_telnet_command;

struct hostsession;

/**
 * Send a telnet command: a Break for a console server or a boot loader, an interrupt to what runs.
 *
 * It is put behind what is being sent, and can be used while a command runs or an expect waits, also in their
 * callbacks, as well as between them.  Nothing is waited for, and the session's state stays what it is: what comes back
 * is output of what runs, or comes between commands (hostsession_expect()).
 *
 * @param session  One over telnet, which has connected.
 *
 * @retval HOSTSESSION_OK             It will be sent.
 * @retval HOSTSESSION_ERROR_INVALID  The session is not over telnet, or the command is none of these.
 * @retval HOSTSESSION_ERROR_CLOSED   The session has ended, is being closed, or has not connected yet.
 * @retval HOSTSESSION_ERROR_NO_MEMORY
 *
 * Thread safety: per session.
 * Source: RFC 854, "Standard Representation of Control Functions".
 */
HOSTSESSION_API hostsession_error hostsession_telnet_send(struct hostsession *session,
                                                          hostsession_telnet_command command);

HOSTSESSION_END

#endif
