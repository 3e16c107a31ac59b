/* SPDX-License-Identifier: MIT */
/*
 * A case drives a fresh shell through the public API and records what is wrong; it goes on after a failure, so that
 * one run tells all of it.  Each case runs in a process of its own, with an empty HOME.
 */
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#include "matrix.h"

#include "../support/text.h"

#include <hostsession/hostsession.h>

#include <stdbool.h>
#include <stddef.h>

enum {
    /* The case opens what it needs by itself. */
    OPENS_ITSELF = 1,
    /* Something may come between commands. */
    UNSOLICITED_ALLOWED = 2,
    /* It is about the library more than about the shell: once, in bash, is enough. */
    ONCE = 4,
    /* It takes long. */
    LONG = 8,
    /* About how the library starts a shell on this machine. */
    STARTED_HERE = 16,
    /* Any shell is asked for by name. */
    CHOOSES_SHELL = 32,
    /* The session need not survive it, or the time to win it back is waited out: it is the default one. */
    MAY_END = 64,
};

struct context {
    const struct shell_row *shell;
    const struct transport_row *transport;
    hostsession_mode mode;
    unsigned flags;
    char home[300];
    char tag[64]; /* for command lines: unique on this machine */
    struct opening opening;
    hostsession *session;
    hostsession_loop *loop; /* of the session, unless it opens itself */
    text unsolicited;
    text sent;
    text received;
    text log;
    int ended_calls;
    int failures;
    struct scrap *scraps;
    unsigned sync_number;
};

struct conformance_case {
    const char *name;
    void (*run)(struct context *t);
    unsigned shells; /* 0: any */
    unsigned modes;  /* 0: any */
    unsigned flags;
};

struct conformance_group {
    const struct conformance_case *cases;
    size_t count;
};

#define CASE_GROUP(name)                                                                                               \
    const struct conformance_group name = {name##_table, sizeof name##_table / sizeof name##_table[0]}

extern const struct conformance_group output_cases, status_cases, state_cases, text_cases, syntax_cases, size_cases,
    option_cases, every_option_cases, name_cases, trap_cases, prompt_cases, input_cases, descriptor_cases,
    terminal_cases, background_cases, deadline_cases, cancel_cases, limit_cases, expectation_cases, raw_cases,
    callback_cases, forgery_cases, end_cases, place_cases, opening_cases, harm_cases;

/* ---- In a case ------------------------------------------------------------------------------------------------- */

static inline bool is_tty(const struct context *t) {
    return t->mode == HOSTSESSION_MODE_TTY;
}

static inline bool is_shell(const struct context *t, unsigned kinds) {
    return (t->shell->kind & kinds) != 0;
}

/* Text that lives until the case ends. */
__attribute__((format(printf, 2, 3))) const char *say(struct context *t, const char *format, ...);
/* `count` times `part`. */
const char *repeat(struct context *t, const char *part, size_t count);

__attribute__((format(printf, 4, 5))) void record_failure(struct context *t, const char *file, int line,
                                                          const char *format, ...);

/* Record a failure unless `condition` holds; the value is that of the condition. */
#define CHECK(t, condition, ...) ((condition) ? true : (record_failure((t), __FILE__, __LINE__, __VA_ARGS__), false))

#define FAILED(t, ...) record_failure((t), __FILE__, __LINE__, __VA_ARGS__)

/* Where a check was made. */
struct place {
    const char *file;
    int line;
};
#define HERE ((struct place){__FILE__, __LINE__})

enum {
    /* No command of this suite takes that long: a hang, named by the command that hangs. */
    run_bound_ms = 20000,
    /* For commands that are stopped. */
    short_deadline_ms = 400,
    process_end_bound_ms = 5000,
    /* For winning back a shell: on a busy machine it takes longer than the library grants it by default. */
    recovery_bound_ms = 15000,
};

/* Open t->opening as t->session; records a failure and returns false when that fails. */
bool open_session(struct context *t);
void close_session(struct context *t);

/* Run with run_bound_ms unless the options say otherwise.  Released when the case ends; NULL only for INVALID. */
const hostsession_result *run_raw(struct context *t, const char *command, const hostsession_run_options *options,
                                  hostsession_error *ret_error);

/* The checks below return whether all was right. */
/* What a command that was stopped had printed.  On a terminal these shells themselves answer Ctrl+C with a newline, by
 * hand, too. */
bool is_output_when_stopped(struct context *t, const char *output, size_t length, const char *expected);
bool check_result(struct context *t, struct place at, const char *command, const hostsession_result *result,
                  hostsession_error error, const void *output, size_t length, int status);
bool check_runs(struct context *t, struct place at, const char *command, const void *output, size_t length, int status);
bool check_runs_matching(struct context *t, struct place at, const char *command, const char *pattern, int status);
bool check_fails(struct context *t, struct place at, const char *command, bool may_exit);
/* How the end of the shell shows: on a transport that cannot tell it, as a lost connection. */
hostsession_error end_error(const struct context *t);
int end_status(const struct context *t, int status);
bool check_exits(struct context *t, struct place at, const char *command, const char *output, int status);
bool check_times_out(struct context *t, struct place at, const char *command, const char *output);
bool check_timed_out(struct context *t, struct place at, const char *command, const hostsession_result *result,
                     hostsession_error error, const char *output);
bool check_settles(struct context *t, struct place at, const char *command);
bool check_in_sync(struct context *t, struct place at);
/* Where the transport can signal only through the shell's terminal: whether it is so, and the command, which takes no
 * notice of that, ends the session, by a name and in time; what is left of it is ended.  The session is a new one then.
 */
bool check_out_of_reach(struct context *t, struct place at, const char *command);
/* End what has the tag in its command line. */
void end_out_of_reach(struct context *t);
bool check_gone(struct context *t, struct place at, const char *tag);

/* The command ends with this output and exit status; in pipe mode nothing is on standard error. */
#define RUNS(t, command, output, status) check_runs((t), HERE, (command), (output), strlen(output), (status))
#define RUNS_BYTES(t, command, output, length, status) check_runs((t), HERE, (command), (output), (length), (status))
/* The same with an extended regular expression for all of the output; in pipe mode standard error follows it. */
#define RUNS_MATCHING(t, command, pattern, status) check_runs_matching((t), HERE, (command), (pattern), (status))
/* It ends with another status than 0, and the next commands work. */
#define FAILS(t, command) check_fails((t), HERE, (command), false)
/* Like FAILS; or it ends the shell, which says with which status. */
#define FAILS_OR_EXITS(t, command) check_fails((t), HERE, (command), true)
/* The command ends the shell. */
#define EXITS(t, command, output, status) check_exits((t), HERE, (command), (output), (status))
/* It is stopped after short_deadline_ms, the shell is won back.  `output` NULL: any. */
#define TIMES_OUT(t, command, output) check_times_out((t), HERE, (command), (output))
/* The user did something that a session need not survive: it ends or goes on, in time and by a name. */
#define SETTLES(t, command) check_settles((t), HERE, (command))
#define OUT_OF_REACH(t, command) check_out_of_reach((t), HERE, (command))
/* The next commands are answered with their own output and status. */
#define IN_SYNC(t) check_in_sync((t), HERE)
/* No process has the text in its command line (it may take a moment to end). */
#define GONE(t, tag) check_gone((t), HERE, (tag))

/* Drive the session's loop until *what is no longer 0, at most run_bound_ms. */
bool drive_until(struct context *t, const int *what);
/* The same until the text contains `part`. */
bool drive_until_contains(struct context *t, const text *where, const char *part);

/* Set or clear `flag` files in HOME, which commands wait for or make. */
const char *home_path(struct context *t, const char *name);
bool home_write(struct context *t, const char *name, const void *bytes, size_t length);

#endif
