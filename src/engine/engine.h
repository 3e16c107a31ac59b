/* SPDX-License-Identifier: MIT */
/*
 * The engine: a shell's side of a session without any I/O.  Bytes and the time go in; bytes to send, events and the
 * next deadline come out.  It runs one thing at a time; queueing is the caller's.
 *
 * Events are functions of engine_host.  They are called from inside the functions below; none of these may be called
 * from inside an event, except engine_type(), and engine_receive() to catch up.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "base/bytes.h"
#include "engine/console.h"
#include "engine/expectations.h"
#include "engine/login.h"
#include "engine/marker.h"
#include "engine/result.h"

#include <hostsession/session.h>

typedef struct engine engine;

typedef struct engine_host {
    /* The shell has answered and is taught: commands can be run. */
    void (*ready)(void *owner);
    /* The shell that commands go to from now on, so many levels inside the session's own, says that this is its process
     * id.  Returns whether it is on the transport's own terminal: whether signal(), reset_terminal() and
     * terminal_changed() are for it. */
    bool (*shell_pid)(void *owner, unsigned depth, int64_t pid);
    /* NULL, or: the shells that are deeper have ended: what they have left alive is killed if it would read what is
     * typed for this one.  Returns whether nothing of that kind is left. */
    bool (*end_inner)(void *owner, unsigned depth);
    /* An inner shell has ended, though nobody left it: what waits was meant for that one.  `told`: an operation is
     * running, and its own result will say so. */
    void (*inner_ended)(void *owner, const hostsession_failure *why, bool told);
    /* Output of the command that runs, as it arrives. */
    void (*output)(void *owner, hostsession_stream stream, const char *data, size_t length);
    /* Output between commands. */
    void (*unsolicited)(void *owner, hostsession_stream stream, const char *data, size_t length);
    /* The command ended; `result` is given away.  `error` as hostsession_run() returns it. */
    void (*command_done)(void *owner, hostsession_error error, hostsession_result *result);
    /* engine_expect() is over: a match (text up to and including it), or `failure`, with what was read so far. */
    void (*expect_done)(void *owner, const hostsession_failure *failure, const pattern_match *match, const char *text,
                        size_t length);
    /* As in hostsession_transport; a host that cannot returns false, or -1. */
    void (*begin)(void *owner);
    bool (*signal)(void *owner, hostsession_signal signal);
    /* What signal() sent may still be on its way, and meet what is run next. */
    bool (*signals_pending)(void *owner);
    bool (*reset_terminal)(void *owner);
    int (*echoes)(void *owner);
    /* NULL, or: whether the terminal holds output that was written before now and not received yet. */
    bool (*has_more)(void *owner);
    /* While opening: `user` (or "") is asked for a password in these words, the `attempt`-th time.  False: there is
     * none.
     */
    bool (*answer)(void *owner, const char *user, const char *prompt, unsigned attempt, char *answer, size_t size);
    /* The time to open is over before the connection was up: fill in what it waits for.  False: cannot tell. */
    bool (*explain)(void *owner, hostsession_failure *failure);
    bool (*terminal_changed)(void *owner);
    /* NULL, or: call engine_receive() with what was written to standard error before the output that is being received.
     */
    void (*catch_up)(void *owner);
    /* May be NULL. */
    void (*transcript)(void *owner, hostsession_direction direction, const char *data, size_t length);
    void (*log)(void *owner, hostsession_log_level level, const char *message);
    /* The session is over, for this reason: the caller ends the connection.  Once; no event follows. */
    void (*ended)(void *owner, const hostsession_failure *why);
} engine_host;

typedef struct engine_config {
    const char *name;                    /* of the target, for messages; copied */
    char token[marker_token_length + 1]; /* random, [a-z0-9] */
    bool tty;
    bool knows_user;             /* the shell's user is known without asking it */
    bool sees_foreground;        /* signal() knows what is in the foreground */
    bool signals_aside;          /* signal() has a way of its own, beside the shell's terminal */
    int64_t open_timeout_us;     /* INT64_MAX: none */
    int64_t recovery_timeout_us; /* INT64_MAX: none */
    size_t max_raw_bytes;        /* kept for engine_expect() */
    login *login;                /* what may stand before the shell; NULL: nothing; borrowed until it is ready */
    console *console;            /* it is no shell but this; NULL: a shell; borrowed */
    const char *setup;           /* NULL, or a command to be run before the session is ready; copied */
} engine_config;

typedef enum engine_way {
    ENGINE_RUN,
    ENGINE_ENTER, /* the text starts another shell, or a console, where commands go to from then on */
    ENGINE_LEAVE, /* that one's end; no text */
} engine_way;

typedef struct engine_command {
    engine_way way;
    const char *text; /* borrowed until command_done */
    size_t length;
    int64_t timeout_us;         /* INT64_MAX: none */
    expectations *expectations; /* borrowed until command_done; may be NULL */
    login *login;               /* ENGINE_ENTER: what may stand before the shell; borrowed until command_done */
    console *console;           /* ENGINE_ENTER: it is no shell but this; given away.  NULL: a shell */
    hostsession_result *result; /* given away; comes back with command_done */
    bool secret;
} engine_command;

/* The time to open counts from here.  NULL without memory. */
engine *engine_new(const engine_config *config, const engine_host *host, void *owner, int64_t now_us);
void engine_free(engine *e);

/* The connection is up. */
void engine_connected(engine *e, int64_t now_us);
/* Bytes have arrived. */
void engine_receive(engine *e, hostsession_stream stream, const char *data, size_t length, int64_t now_us);
/* No more has arrived for now: the time to look for prompts. */
void engine_drained(engine *e, int64_t now_us);
/* Whether it is waited for. */
bool engine_wants_drained(const engine *e);
/* The connection has ended; `why` may be NULL. */
void engine_hangup(engine *e, const hostsession_exit *how, const hostsession_failure *why, int64_t now_us);
/* Time has passed.  To be called at engine_deadline(), and in every turn of a flood. */
void engine_advance(engine *e, int64_t now_us);
/* When engine_advance() is wanted; INT64_MAX: never. */
int64_t engine_deadline(const engine *e);

/* What is to be sent; engine_sent() says how much of its front was.  Valid until the next call. */
const bytes *engine_outgoing(const engine *e);
void engine_sent(engine *e, size_t length);
/* The same for a transport that may call back: the bytes are its own until they are returned. */
void engine_take_outgoing(engine *e, bytes *ret);
void engine_return_outgoing(engine *e, bytes *taken, size_t sent);

/* Whether a command was sent, and has not ended: what is typed is for it. */
bool engine_runs(const engine *e);

/* Only when engine_state() is HOSTSESSION_IDLE and no engine_expect() waits. */
void engine_run(engine *e, const engine_command *command, int64_t now_us);
/* Interrupt the command that runs (no effect when none does). */
void engine_cancel(engine *e, int64_t now_us);
/* Bytes for the terminal, between commands (engine_send) or to the one that runs (engine_type).  False: no memory. */
bool engine_send(engine *e, const char *data, size_t length, bool secret);
bool engine_type(engine *e, const char *data, size_t length, bool secret);
/* Wait for a pattern in what arrives between commands.  `patterns` is borrowed until expect_done. */
void engine_expect(engine *e, pattern_set *patterns, size_t window_bytes, int64_t timeout_us, int64_t now_us);
void engine_expect_cancel(engine *e);
/* The session has ended, and what came before that has not been waited for: engine_expect() is allowed once more. */
bool engine_holds_text(const engine *e);

hostsession_state engine_state(const engine *e);
const hostsession_failure *engine_failure(const engine *e);
/* Whether there may have been background jobs in the shell before the last command. */
bool engine_had_jobs(const engine *e);
/* How many shells were entered. */
unsigned engine_depth(const engine *e);
const char *engine_cwd(const engine *e);
const char *engine_user(const engine *e);
const char *engine_shell(const engine *e);

#endif
