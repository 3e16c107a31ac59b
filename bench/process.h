/* SPDX-License-Identifier: MIT */
/* Starting and talking to programs with nothing but system calls: what the bare loops are made of. */
#ifndef BENCH_PROCESS_H
#define BENCH_PROCESS_H

#include "bench.h"

#include <stdint.h>
#include <sys/types.h>
#include <termios.h>

enum { BENCH_MAX_CHILDREN = 64 };

/* The first BENCH_MAX_CHILDREN processes that this one has started and not reaped.  Returns how many. */
size_t bench_list_children(pid_t *children);

/* How to start a program. */
typedef struct bench_program {
    /* argv; argv[0] is looked up in PATH. */
    const char *const *arguments;
    /* NULL: bench_plain_environment(). */
    char *const *environment;
    /* A terminal of its own, or pipes. */
    bool terminal;
    /* The terminal's modes; NULL: no echo, no output processing. */
    const struct termios *modes;
    /* Standard error on a pipe apart; else /dev/null (pipes), or the terminal. */
    bool error_apart;
    /* The size of the output pipes; 0: the system's default. */
    int pipe_bytes;
} bench_program;

typedef struct bench_process {
    pid_t pid;
    /* The terminal's master is both input and output. */
    int input;
    int output;
    /* -1: not apart. */
    int error;
} bench_process;

#define BENCH_PROCESS_NONE                                                                                             \
    { -1, -1, -1, -1 }

/* On failure fills `why` of the contender and leaves nothing behind. */
bool bench_process_start(bench_process *process, const bench_program *program, bench_contender *owner);
/* Hang up, kill and reap.  Does nothing for BENCH_PROCESS_NONE. */
void bench_process_stop(bench_process *process);

/* Run a program to its end, with nothing to read and its output thrown away; it must succeed. */
bool bench_program_run(const char *const *words, bench_contender *owner);

bool bench_write_all(int descriptor, const char *bytes, size_t length);
/* Wait for bytes on either stream of a process, throw them away and add their number to `received`. */
bool bench_read_more(const bench_process *process, uint64_t *received);
/* The same until `received` is at least `wanted`. */
bool bench_read_until(const bench_process *process, uint64_t *received, uint64_t wanted);
/* Read until a line "END<digits>" ends the output.  Returns the number, or -1. */
int bench_read_end(int descriptor);

/* The caller's environment without what changes prompts, and with PS1 and PS2 empty, TERM=dumb. */
char **bench_plain_environment(void);

/* The shell that every peer talks to as well: interactive bash without start-up files and line editing. */
extern const char *const bench_bash[];

#endif
