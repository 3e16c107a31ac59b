/* SPDX-License-Identifier: MIT */
/* Bare loops: one write and as many reads as it takes, nothing else. */
#include "contenders.h"

#include <stdlib.h>
#include <string.h>

bool bench_start_nothing(bench_contender *self) {
    (void)self;
    return true;
}

void bench_stop_nothing(bench_contender *self) {
    (void)self;
}

static bench_process *process_of(bench_contender *self) {
    return self->state;
}

static bool start_process(bench_contender *self, const bench_program *program) {
    bench_process *process = malloc(sizeof(*process));
    self->state = process;
    if (process == NULL)
        return bench_fail(self, "no memory");
    return bench_process_start(process, program, self);
}

static void stop_process(bench_contender *self) {
    if (self->state != NULL)
        bench_process_stop(process_of(self));
    free(self->state);
    self->state = NULL;
}

/* ---- TEXT; echo END$? ------------------------------------------------------------------------------------------ */

static bool run_plain(bench_contender *self, unsigned count) {
    const bench_plain_command *command = self->config;
    const bench_process *process = process_of(self);
    char line[4096];
    int length = snprintf(line, sizeof(line), "%s; echo END$?\n", command->text);
    if (length >= (int)sizeof(line))
        return bench_fail(self, "the command is longer than a terminal's line");
    for (unsigned i = 0; i < count; i++) {
        if (!bench_write_all(process->input, line, (size_t)length) || bench_read_end(process->output) != 0)
            return bench_fail(self, "the shell did not answer `%.40s`", command->text);
    }
    return true;
}

static bool plain_start(bench_contender *self) {
    const bench_plain_command *command = self->config;
    bench_program program = {.arguments = command->arguments, .terminal = command->terminal};
    return start_process(self, &program) && run_plain(self, 1);
}

static bool plain_round(bench_contender *self, unsigned count, double *metrics) {
    double before = bench_now();
    bool done = run_plain(self, count);
    metrics[0] = (bench_now() - before) / count;
    return done;
}

const bench_kind bench_plain_loop = {plain_start, plain_round, stop_process};

/* ---- A line there, the same line back -------------------------------------------------------------------------- */

static bool echo_start(bench_contender *self) {
    bench_program program = {.arguments = self->config};
    return start_process(self, &program);
}

static bool echo_round(bench_contender *self, unsigned count, double *metrics) {
    static const char line[] = "true\n";
    const bench_process *process = process_of(self);
    uint64_t received = 0;
    uint64_t wanted = 0;
    double before = bench_now();
    for (unsigned i = 0; i < count; i++) {
        wanted += sizeof(line) - 1;
        if (!bench_write_all(process->input, line, sizeof(line) - 1) || !bench_read_until(process, &received, wanted))
            return bench_fail(self, "the loop did not answer");
    }
    metrics[0] = (bench_now() - before) / count;
    return true;
}

const bench_kind bench_line_echo = {echo_start, echo_round, stop_process};
