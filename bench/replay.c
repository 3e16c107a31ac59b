/* SPDX-License-Identifier: MIT */
/* A bare loop that types a recording. */
#include "recording.h"

#include <poll.h>
#include <stdlib.h>

enum { REPLAY_PATIENCE_MS = 2000 };

typedef struct replay {
    bench_recording recording;
    bench_process process;
    /* Since the shell was started. */
    uint64_t received;
    /* How many bytes will have come at the end of the last command. */
    uint64_t end;
} replay;

/* For what comes before the measured rounds: tells when a recording does not fit, instead of waiting for ever. */
static bool wait_patiently(replay *state, uint64_t wanted, bench_contender *self) {
    while (state->received < wanted) {
        struct pollfd streams[] = {{.fd = state->process.output, .events = POLLIN},
                                   {.fd = state->process.error, .events = POLLIN}};
        if (poll(streams, 2, REPLAY_PATIENCE_MS) <= 0 || !bench_read_more(&state->process, &state->received))
            return bench_fail(self, "replay: %llu bytes came where the library had got %llu",
                              (unsigned long long)state->received, (unsigned long long)wanted);
    }
    return true;
}

static bool type_recording(replay *state, bench_contender *self) {
    const bench_recording *recording = &state->recording;
    for (size_t i = 0; i < recording->step_count; i++) {
        const bench_step *step = &recording->steps[i];
        if (!wait_patiently(state, step->received_before, self))
            return false;
        if (!bench_write_all(state->process.input, step->bytes, step->length))
            return bench_fail(self, "replay: the shell ended");
    }
    state->end = recording->received_at_end;
    return wait_patiently(state, state->end, self);
}

static bool replay_start(bench_contender *self) {
    const bench_command *command = self->config;
    replay *state = calloc(1, sizeof(*state));
    self->state = state;
    if (state == NULL)
        return bench_fail(self, "no memory");
    state->process = (bench_process)BENCH_PROCESS_NONE;
    if (!bench_record(&state->recording, command, self))
        return false;
    bool terminal = command->mode == HOSTSESSION_MODE_TTY;
    bench_program program = {
        .arguments = state->recording.arguments,
        .environment = state->recording.environment,
        .terminal = terminal,
        .modes = &state->recording.modes,
        .error_apart = !terminal,
        .pipe_bytes = state->recording.pipe_bytes,
    };
    return bench_process_start(&state->process, &program, self) && type_recording(state, self);
}

static bool replay_round(bench_contender *self, unsigned count, double *metrics) {
    replay *state = self->state;
    const bench_recording *recording = &state->recording;
    uint64_t cycle_start = recording->steps[recording->cycle_first].received_before;
    double before = bench_now();
    for (unsigned i = 0; i < count; i++) {
        uint64_t last_end = state->end;
        for (size_t at = recording->cycle_first; at < recording->step_count; at++) {
            const bench_step *step = &recording->steps[at];
            uint64_t wanted = last_end + (step->received_before - cycle_start);
            if (!bench_read_until(&state->process, &state->received, wanted) ||
                !bench_write_all(state->process.input, step->bytes, step->length))
                return bench_fail(self, "replay: the shell ended");
        }
        state->end += recording->received_per_cycle;
        if (!bench_read_until(&state->process, &state->received, state->end))
            return bench_fail(self, "replay: the shell ended");
    }
    metrics[0] = (bench_now() - before) / count;
    return true;
}

static void replay_stop(bench_contender *self) {
    replay *state = self->state;
    if (state == NULL)
        return;
    bench_process_stop(&state->process);
    bench_recording_free(&state->recording);
    free(state);
    self->state = NULL;
}

const bench_kind bench_replayed_command = {replay_start, replay_round, replay_stop};
