/* SPDX-License-Identifier: MIT */
/* Work in a fresh process, so that nothing that was measured before weighs on its memory. */
#include "contenders.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What follows the metrics is a remark. */
static bool parse_metrics(const char *line, double *metrics) {
    char *end;
    size_t count = 0;
    for (size_t i = 0; i < BENCH_METRICS; i++, line = end) {
        metrics[i] = strtod(line, &end);
        if (end == line)
            break;
        count++;
    }
    if (count > 0 && line[strspn(line, " ")] != '\0')
        fprintf(stderr, "bench:%s\n", line);
    return count > 0;
}

static bool run_for_metrics(bench_contender *self, const char *const *arguments, double *metrics) {
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
        return bench_fail(self, "%s said nothing", arguments[0]);
    line[strcspn(line, "\n")] = '\0';
    return parse_metrics(line, metrics) || bench_fail(self, "%.400s", line);
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
    return run_for_metrics(self, arguments, metrics);
}

const bench_kind bench_child_process = {bench_start_nothing, child_round, bench_stop_nothing};

static bool program_round(bench_contender *self, unsigned count, double *metrics) {
    (void)count;
    return run_for_metrics(self, self->config, metrics);
}

const bench_kind bench_metrics_program = {bench_start_nothing, program_round, bench_stop_nothing};
