/* SPDX-License-Identifier: MIT */
/* Programs of others, driven through a pipe so that their rounds alternate with ours. */
#include "contenders.h"

#include <stdlib.h>
#include <string.h>

#ifndef BENCH_PEERS_DIRECTORY
#define BENCH_PEERS_DIRECTORY "bench/peers"
#endif

const char *bench_peers_directory = BENCH_PEERS_DIRECTORY;

typedef struct peer {
    bench_process process;
    FILE *answers;
} peer;

static bool peer_start(bench_contender *self) {
    const bench_peer *config = self->config;
    peer *state = calloc(1, sizeof(*state));
    self->state = state;
    if (state == NULL)
        return bench_fail(self, "no memory");
    char script[4096];
    snprintf(script, sizeof(script), "%s/%s", bench_peers_directory, config->script);
    const char *arguments[16] = {config->program, script, config->text};
    for (size_t i = 0; config->more != NULL && config->more[i] != NULL && i + 4 < BENCH_COUNT(arguments); i++)
        arguments[i + 3] = config->more[i];
    bench_program program = {.arguments = arguments};
    if (!bench_process_start(&state->process, &program, self))
        return false;
    state->answers = fdopen(state->process.output, "r");
    char line[64];
    if (state->answers == NULL || fgets(line, sizeof(line), state->answers) == NULL || strcmp(line, "ready\n") != 0)
        return bench_fail(self, "%s %s does not run here; is what it needs installed?", config->program,
                          config->script);
    return true;
}

static bool peer_round(bench_contender *self, unsigned count, double *metrics) {
    const bench_peer *config = self->config;
    peer *state = self->state;
    char line[64];
    int length = snprintf(line, sizeof(line), "%u\n", count);
    if (!bench_write_all(state->process.input, line, (size_t)length) ||
        fgets(line, sizeof(line), state->answers) == NULL)
        return bench_fail(self, "the script ended");
    double seconds = strtod(line, NULL) / 1e6 / count;
    metrics[0] = config->output_bytes == 0 ? seconds : (double)config->output_bytes / seconds;
    return seconds > 0 || bench_fail(self, "the script said: %s", line);
}

static void peer_stop(bench_contender *self) {
    peer *state = self->state;
    if (state == NULL)
        return;
    if (state->answers != NULL) {
        fclose(state->answers);
        state->process.output = -1;
    }
    bench_process_stop(&state->process);
    free(state);
    self->state = NULL;
}

const bench_kind bench_peer_script = {peer_start, peer_round, peer_stop};
