/* SPDX-License-Identifier: MIT */
/**
 * @file
 * How a session reaches its shell: the interface that every transport implements, the built-in ones and yours.
 *
 * A transport moves bytes and knows nothing of commands.  The session calls the functions of hostsession_transport;
 * the transport tells the session what happened through the hostsession_channel_...() functions, from dispatch, always
 * in the loop's thread.  From inside such a function the session may call write, signal, reset_terminal and
 * echoes, but never close or release: those come later, from dispatch.
 */
#ifndef HOSTSESSION_TRANSPORT_H
#define HOSTSESSION_TRANSPORT_H

#include <hostsession/loop.h>

#include <stdbool.h>
#include <stddef.h>

HOSTSESSION_BEGIN

/** The session's end of a transport.  Borrowed from the session: valid from open until close returns. */
typedef struct hostsession_channel hostsession_channel;

/** Where received bytes come from. */
typedef enum hostsession_stream {
    HOSTSESSION_STREAM_OUTPUT = 0,
    /** Standard error, where a transport has it apart. */
    HOSTSESSION_STREAM_ERROR = 1,
} hostsession_stream;

/** What a transport can do; see hostsession_transport. */
enum {
    /** The shell has a terminal: control characters work, lines are limited, one stream. */
    HOSTSESSION_TRANSPORT_TTY = 1,
    /** Standard error arrives apart.  Without _TTY, and only then. */
    HOSTSESSION_TRANSPORT_ERROR_STREAM = 2,
};

/** What a session asks of the foreground of its shell, in the order of the recovery ladder. */
typedef enum hostsession_signal {
    HOSTSESSION_SIGNAL_INTERRUPT = 0, /**< SIGINT */
    HOSTSESSION_SIGNAL_QUIT = 1,      /**< SIGQUIT */
    HOSTSESSION_SIGNAL_KILL = 2,      /**< SIGKILL */
} hostsession_signal;

/** How a shell ended, as far as the transport can tell. */
typedef struct hostsession_exit {
    /** Whether exit_status or signal is known.  False: the connection was lost. */
    bool known;
    /** 0 to 255; 128 + signal when a signal ended it. */
    int exit_status;
    /** The signal that ended the shell, or 0. */
    int signal;
} hostsession_exit;

/**
 * A transport.  Every function gets the `transport_data` of hostsession_options.  Set struct_size with
 * HOSTSESSION_TRANSPORT_INIT; a NULL function marked optional is not called.  The struct is copied when the session is
 * opened.
 */
typedef struct hostsession_transport {
    size_t struct_size; /**< Set by the initializer. */
    /** A short word for messages: "pty", "pipe", ...  Copied. */
    const char *name;
    /** HOSTSESSION_TRANSPORT_... */
    unsigned capabilities;

    /**
     * Start to connect.  Call hostsession_channel_opened() when bytes can be sent: at once or later, from dispatch.
     *
     * @return HOSTSESSION_OK, or an error with @p failure filled; then close is not called.
     */
    hostsession_error (*open)(void *transport_data, hostsession_loop *loop, hostsession_channel *channel,
                              hostsession_failure *failure);

    /** Send as much as can be sent without waiting.  Returns how many bytes were taken; when fewer than @p length,
     *  call hostsession_channel_writable() once more can be taken.  A broken connection takes everything and reports
     *  hostsession_channel_ended(). */
    size_t (*write)(void *transport_data, const char *bytes, size_t length);

    /** Optional.  A command is about to be sent: what is started from now on is what signal() is meant for. */
    void (*begin)(void *transport_data);

    /** Optional.  Deliver a signal to what runs in the foreground, never to the shell itself unless it is what runs.
     *  Returns false when it cannot; the session then falls back on control characters. */
    bool (*signal)(void *transport_data, hostsession_signal signal);

    /** Optional.  Set the terminal's modes again as a session needs them (no echo, no output processing), after a
     *  command changed them.  Returns false when it cannot; the session then types the stty command. */
    bool (*reset_terminal)(void *transport_data);

    /** Optional, tty only.  Whether the terminal echoes at this moment: 1, 0, or -1 when it cannot be told. */
    int (*echoes)(void *transport_data);

    /** End the connection and what runs on it, wait for nothing, and release everything that open made.  Called
     *  exactly once after an open that succeeded.  No channel function may be called afterwards.  What cannot end at
     *  once (a process that must be reaped) is finished by the transport on the loop. */
    void (*close)(void *transport_data);

    /** Optional, with _ERROR_STREAM.  Deliver now, from inside this call, what was written to standard error before the
     *  bytes of standard output that are being delivered.  For a transport that can know: local pipes can, a network
     *  connection cannot.  Each command then costs one marker less. */
    void (*catch_up)(void *transport_data);

    /** Optional.  Release transport_data: the last call, exactly once for every session whose open was called, also
     * when that failed; after close, if there was one. */
    void (*release)(void *transport_data);

    /** Optional, tty only.  Whether the terminal's modes are others at this moment than reset_terminal() sets: some
     *  shells must be made to set them themselves then.  Without it they are taken to be right, but for an echo or
     *  line endings that were seen. */
    bool (*terminal_changed)(void *transport_data);
} hostsession_transport;

/** The defaults. */
#define HOSTSESSION_TRANSPORT_INIT                                                                                     \
    { sizeof(hostsession_transport), NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL }

/** The connection is up: bytes can be sent. */
HOSTSESSION_API void hostsession_channel_opened(hostsession_channel *channel);

/** @p length bytes arrived.  Read during the call only.  Returns false when the session wants no more (it has ended
 *  or was closed): stop. */
HOSTSESSION_API bool hostsession_channel_received(hostsession_channel *channel, hostsession_stream stream,
                                                  const char *bytes, size_t length);

/** Bytes can be sent again after a short write. */
HOSTSESSION_API void hostsession_channel_writable(hostsession_channel *channel);

/**
 * The connection has ended, after all bytes were delivered.  Once; nothing may follow it.
 *
 * @param how      How the shell ended; known == false for a lost connection.
 * @param failure  NULL, or why the connection could not be made or was lost.  Copied.
 */
HOSTSESSION_API void hostsession_channel_ended(hostsession_channel *channel, const hostsession_exit *how,
                                               const hostsession_failure *failure);

HOSTSESSION_END

#endif
