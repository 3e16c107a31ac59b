/* SPDX-License-Identifier: MIT */
/* The kinds of contenders that more than one group uses. */
#ifndef BENCH_CONTENDERS_H
#define BENCH_CONTENDERS_H

#include "data.h"
#include "process.h"

#include <hostsession/hostsession.h>

/* A command run again and again in one shell. */
typedef struct bench_command {
    hostsession_mode mode;
    /* As hostsession_options has it; NULL: its default. */
    const char *shell;
    const char *text;
    /* NULL: this machine. */
    const char *target;
    const hostsession_ssh_options *ssh;
} bench_command;

/* config: bench_command.  Through the library's blocking calls. */
extern const bench_kind bench_library_command;
/* config: bench_command.  A bare loop that types what the library types for this command, byte for byte, into the
 * same program started in the same way, and waits for as many bytes as the library waits for. */
extern const bench_kind bench_replayed_command;

/* A lot of output, checked; metrics: bytes a second, and seconds. */
typedef struct bench_bulk {
    hostsession_mode mode;
    size_t max_output_bytes;
    const bench_data *data;
    /* NULL: this machine. */
    const char *target;
    const hostsession_ssh_options *ssh;
} bench_bulk;

extern const bench_kind bench_library_bulk;

/* A bare loop with a plain line. */
typedef struct bench_plain_command {
    const char *const *arguments;
    bool terminal;
    /* Typed as `TEXT; echo END$?`. */
    const char *text;
} bench_plain_command;

extern const bench_kind bench_plain_loop;
/* config: const char *const *, the arguments of a program that answers each line with the same line. */
extern const bench_kind bench_line_echo;

/* A script in the peers' folder that drives the same shell by another program's means: it prints a line "ready", then
 * for each line with a number runs the command so many times and prints how many microseconds that took. */
typedef struct bench_peer {
    const char *program;
    const char *script;
    /* The command, or NULL. */
    const char *text;
    /* What the script gets behind the command; ended by NULL.  NULL: nothing. */
    const char *const *more;
    /* What a command prints: then the metric is bytes a second. */
    size_t output_bytes;
} bench_peer;

extern const bench_kind bench_peer_script;
/* Where the scripts are; set once at the start. */
extern const char *bench_peers_directory;

/* A fresh process of this program, see bench_child. */
typedef struct bench_child_work {
    const bench_child *child;
    double numbers[4];
    size_t number_count;
} bench_child_work;

extern const bench_kind bench_child_process;

/* config: const char *const *, the arguments of a program that is run once a round and prints its metrics on one line.
 */
extern const bench_kind bench_metrics_program;

/* Opens a session, on this machine or at a target, or fills `why`. */
hostsession *bench_open(bench_contender *owner, const hostsession_options *options);
hostsession *bench_open_at(bench_contender *owner, const char *target, const hostsession_options *options);
/* A contender that has nothing to do in a start or stop. */
bool bench_start_nothing(bench_contender *self);
void bench_stop_nothing(bench_contender *self);

#endif
