/* SPDX-License-Identifier: MIT */
/* A session's inside, shared by session.c (its life), events.c (its engine's and its transport's side), operation.c
 * (the queue), run.c, sequence.c, interact.c, enter.c, telnet.c (the operations) and drive.c (blocking calls). */
#ifndef SESSION_PRIVATE_H
#define SESSION_PRIVATE_H

#include "base/list.h"
#include "engine/engine.h"
#include "engine/lines.h"
#include "loop/loop.h"
#include "session/sequence.h"
#include "session/target.h"

#include <hostsession/session.h>

struct hostsession_channel {
    hostsession *session;
};

typedef enum operation_kind { OPERATION_RUN, OPERATION_SEND, OPERATION_EXPECT } operation_kind;

struct hostsession_operation {
    list link; /* in the session's queue, or among the finished */
    hostsession *session;
    operation_kind kind;
    bool started;
    bool cancelled;
    bool finished;
    void *userdata;
    hostsession_failure failure; /* once finished */

    struct {
        engine_way way;
        login *login;     /* on the way to an inner shell */
        console *console; /* that one is no shell but this */
        hostsession_run_fn done;
        char *command;
        hostsession_run_options options;
        int64_t timeout_us; /* INT64_MAX: none */
        expectations *expectations;
        hostsession_result *result;
        lines lines[2];
        sequence *sequence; /* what the command belongs to; NULL: stands alone */
    } run;
    struct {
        hostsession_send_fn done;
        bytes data;
        bool secret;
    } send;
    struct {
        hostsession_expect_fn done;
        pattern_set *patterns;
        hostsession_expect_options options;
        hostsession_match *match;
    } expect;
};

/* A blocking call that drives a session's own loop. */
typedef struct driver {
    bool done;
    bool gone;                /* the session was freed */
    hostsession_loop *orphan; /* the session was closed meanwhile and left its loop to be freed */
} driver;

struct hostsession {
    hostsession_loop *loop;
    bool own_loop;
    driver *driver;
    hostsession_options options;
    char *name; /* in messages */
    char *user;
    char *transport_name;
    target target;
    bool transport_open; /* open succeeded, close was not called */
    bool busy;           /* something runs that is not over when the transport is closed */
    bool starts_here;    /* the first shell is on the transport's terminal: the target is local, or the caller's own */
    bool has_terminal;   /* the transport's terminal is the shell's own */
    bool shell_near;     /* the shell is on the transport's terminal, and signals are for it */
    bool transport_held; /* release is owed */
    hostsession_channel channel;
    expectations *expectations; /* of the login */
    login *login;
    console *console; /* NULL: a shell */
    engine *engine;
    loop_timer timer;
    int64_t timer_at;
    loop_task task;    /* what is to be done outside the engine */
    loop_task drained; /* patterns are to be searched once a read turn is over */
    loop_guest guest;
    list queue;                      /* operations in order; the first may be started */
    hostsession_operation *held_for; /* a sequence that is not over: nothing else may start */
    list finished;                   /* their done is owed */
    bool in_engine;                  /* the engine calls us: it cannot be called */
    bool in_transport;               /* the transport calls us: it cannot be closed */
    bool writing;                    /* the transport has bytes to send, and may be calling us */
    bool pumping;
    bool closing;
    bool failed_announced;
    bool open_pending; /* open's done is owed */
    bool ready;
    bool inner_lost;    /* an inner shell has ended, and nobody knows yet */
    char *lost_message; /* ... or NULL, without memory */
    hostsession_open_fn open_done;
    void *open_userdata;
};

/* events.c */
extern const engine_host session_engine_host;

/* events.c: an inner shell was lost: why what waited is not sent.  Forgets it. */
void session_take_loss(hostsession *session, hostsession_failure *why);

/* run.c */
/* The blocking form of what ends in a result; *ret_result is assigned. */
typedef hostsession_error (*run_starter)(hostsession *session, void *arguments, hostsession_run_fn done, void *userdata,
                                         hostsession_failure *failure);
hostsession_error run_blocking(hostsession *session, run_starter start, void *arguments,
                               hostsession_result **ret_result);
/* Copies `command` and the expectations, and submits; `failure` may be NULL. */
hostsession_error run_submit(hostsession_operation *operation, const char *command, hostsession_operation **ret,
                             hostsession_failure *failure);
/* run.c: whether these can be used on this session; or any, with these flags among them. */
hostsession_error session_check_expectations(const hostsession *session, const hostsession_expectation *expected,
                                             size_t count, hostsession_failure *failure);
hostsession_error session_check_answers(const hostsession *session, unsigned flags, hostsession_failure *failure);

/* session.c: do what has become possible: start the next operation, call what is owed, send, set the timer.  From
 * dispatch, or (`may_call` false) from a call of the user's, when callbacks wait for the next dispatch. */
void session_pump(hostsession *session, bool may_call);
void session_free(hostsession *session);

/* operation.c */
hostsession_operation *operation_new(hostsession *session, operation_kind kind, void *userdata);
/* Put into the queue and start it if it can be. */
void operation_submit(hostsession_operation *operation);
void operation_free(hostsession_operation *operation);
/* Wipe and release a command's text and answers. */
void operation_forget_command(hostsession_operation *operation);
/* Move to the finished; its failure says why. */
void operation_finish(hostsession_operation *operation, hostsession_error error, const hostsession_failure *why);
void operation_call_done(hostsession_operation *operation);
/* Start the first of the queue, which may finish at once. */
void operation_start(hostsession_operation *operation);
void operation_stop(hostsession_operation *operation);
/* The started one, or NULL. */
hostsession_operation *operation_current(const hostsession *session);
void operation_on_expect_done(void *owner, const hostsession_failure *failure, const pattern_match *match,
                              const char *text, size_t length);

/* run.c */
/* So that each line of its output is told. */
void run_set_lines(hostsession_operation *operation);

/* drive.c */
/* HOSTSESSION_ERROR_INVALID in a callback. */
hostsession_error drive_check(const hostsession *session, const char *stage, hostsession_failure *failure);
/* Dispatch what has come; false when the session was closed meanwhile and is gone. */
bool drive_pending(hostsession *session);
/* Drive until done.  The session may be gone then. */
void drive_until_done(hostsession *session, driver *d);

#endif
