/* SPDX-License-Identifier: MIT */
/* Work in a fresh process, so that nothing that was measured before weighs on its memory. */
#include "contenders.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool parse_metrics(const char *line, double *metrics) {
    char *end;
    for (size_t i = 0; i < BENCH_METRICS; i++, line = end) {
        metrics[i] = strtod(line, &end);
        if (end == line)
            return false;
    }
    return true;
}

static bool child_round(bench_contender *self, unsigned count, double *metrics) {
    (void)count;
    const bench_child_work *work = self->config;
    char numbers[BENCH_COUNT(work->numbers)][32];
    const char *arguments[BENCH_COUNT(work->numbers) + 4] = {"/proc/self/exe", "--child", work->child->name};
    for (size_t i = 0; i < work->number_count; i++) {
        snprintf(numbers[i], sizeof(numbers[i]), "%.0f", work->numbers[i]);
        arguments[i + 3] = numbers[i];
    }
    bench_process process;
    bench_program program = {.arguments = arguments, .environment = environ};
    if (!bench_process_start(&process, &program, self))
        return false;
    char line[512];
    FILE *answer = fdopen(process.output, "r");
    bool answered = answer != NULL && fgets(line, sizeof(line), answer) != NULL;
    if (answer != NULL) {
        fclose(answer);
        process.output = -1;
    }
    bench_process_stop(&process);
    if (!answered)
        return bench_fail(self, "the child process said nothing");
    line[strcspn(line, "\n")] = '\0';
    return parse_metrics(line, metrics) || bench_fail(self, "%.400s", line);
}

const bench_kind bench_child_process = {bench_start_nothing, child_round, bench_stop_nothing};
