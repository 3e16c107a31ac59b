/* SPDX-License-Identifier: MIT */
/* What the library types for a command, and into what: recorded from a real session, for a bare loop to repeat. */
#ifndef BENCH_RECORDING_H
#define BENCH_RECORDING_H

#include "contenders.h"

/* Bytes typed once `received_before` bytes had come since the shell was started, RECORD SEPARATORs among them: where
 * the shell is started in another way, what comes differs in all but these. */
typedef struct bench_step {
    char *bytes;
    size_t length;
    uint64_t received_before;
    uint64_t separators_before;
} bench_step;

enum { BENCH_SEPARATOR = 036 };

size_t bench_count_separators(const char *bytes, size_t length);

typedef struct bench_recording {
    /* The shell that the library started on this machine, and on what. */
    char *arguments_text;
    const char **arguments;
    char *environment_text;
    char **environment;
    struct termios modes;
    int pipe_bytes;
    /* From the start to the last command; that command is repeated from `cycle_first` on. */
    bench_step *steps;
    size_t step_count;
    size_t cycle_first;
    /* Bytes received until the end of the last recorded command has come, and from one end to the next. */
    uint64_t received_at_end;
    uint64_t received_per_cycle;
    uint64_t separators_per_cycle;
} bench_recording;

/* Open a session, run the command until its frame has settled, and say what went over the wire. */
bool bench_record(bench_recording *recording, const bench_command *command, bench_contender *owner);
void bench_recording_free(bench_recording *recording);

#endif
