/* SPDX-License-Identifier: MIT */
/* How long it takes to begin: the command's start, and a session from its opening to its first result. */
#include "contenders.h"

/* ---- A program that only starts and ends ------------------------------------------------------------------------ */

static bool program_start(bench_contender *self) {
    return bench_program_run(self->config, self);
}

static bool program_round(bench_contender *self, unsigned count, double *metrics) {
    double before = bench_now();
    for (unsigned i = 0; i < count; i++) {
        if (!bench_program_run(self->config, self))
            return false;
    }
    metrics[0] = (bench_now() - before) / count;
    return true;
}

static const bench_kind program_kind = {program_start, program_round, bench_stop_nothing};

static void run_version(const bench_context *context) {
    const char *const version[] = {context->command_path, "--version", NULL};
    static const char *const nothing[] = {"/bin/true", NULL};
    bench_contender contenders[] = {
        {.name = "hostsession --version", .kind = &program_kind, .config = version},
        {.name = "true", .kind = &program_kind, .config = nothing},
    };
    static const bench_comparison comparisons[] = {{0, 1, 0, BENCH_MICROSECONDS, BENCH_AT_MOST, 1.5, 0, NULL, 0}};
    bench_group group = {"command start-up",
                         contenders,
                         BENCH_COUNT(contenders),
                         comparisons,
                         BENCH_COUNT(comparisons),
                         context->quick ? 9 : 21,
                         25,
                         BENCH_PINNED | BENCH_UNPINNED,
                         0};
    bench_group_run(context, &group);
}

/* ---- A session from its opening to its first result -------------------------------------------------------------- */

/* metrics: to the first result, and with the closing. */
static bool open_round(bench_contender *self, unsigned count, double *metrics) {
    const hostsession_mode *mode = self->config;
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    options.mode = *mode;
    double used = 0;
    double before = bench_now();
    for (unsigned i = 0; i < count; i++) {
        double opened = bench_now();
        hostsession *session = bench_open(self, &options);
        hostsession_result *result = NULL;
        bool done = session != NULL && hostsession_run(session, "true", NULL, &result) == HOSTSESSION_OK;
        used += bench_now() - opened;
        hostsession_result_free(result);
        hostsession_close(session);
        if (!done)
            return false;
    }
    metrics[0] = used / count;
    metrics[1] = (bench_now() - before) / count;
    return true;
}

static bool bare_open_round(bench_contender *self, unsigned count, double *metrics) {
    const bool *terminal = self->config;
    static const char line[] = "true; echo END$?\n";
    bench_program program = {.arguments = bench_bash, .terminal = *terminal};
    double used = 0;
    double before = bench_now();
    for (unsigned i = 0; i < count; i++) {
        double opened = bench_now();
        bench_process process;
        if (!bench_process_start(&process, &program, self))
            return false;
        bool done = bench_write_all(process.input, line, sizeof(line) - 1) && bench_read_end(process.output) == 0;
        used += bench_now() - opened;
        bench_process_stop(&process);
        if (!done)
            return bench_fail(self, "the shell did not answer");
    }
    metrics[0] = used / count;
    metrics[1] = (bench_now() - before) / count;
    return true;
}

static const bench_kind open_kind = {bench_start_nothing, open_round, bench_stop_nothing};
static const bench_kind bare_open_kind = {bench_start_nothing, bare_open_round, bench_stop_nothing};

static void run_open(const bench_context *context, hostsession_mode mode, const char *title) {
    const bool terminal = mode == HOSTSESSION_MODE_TTY;
    bench_contender contenders[] = {
        {.name = "library", .kind = &open_kind, .config = &mode},
        {.name = "bare loop, plain line", .kind = &bare_open_kind, .config = &terminal},
    };
    static const bench_comparison comparisons[] = {
        {0, 1, 0, BENCH_MILLISECONDS, BENCH_NO_BAR, 0, 0, "to first result", 0},
        {0, 1, 1, BENCH_MILLISECONDS, BENCH_NO_BAR, 0, 0, "run and close", 0},
    };
    bench_group group = {title,
                         contenders,
                         BENCH_COUNT(contenders),
                         comparisons,
                         BENCH_COUNT(comparisons),
                         context->quick ? 5 : 11,
                         10,
                         BENCH_PINNED | BENCH_UNPINNED,
                         0};
    bench_group_run(context, &group);
}

void bench_run_startup(const bench_context *context) {
    run_version(context);
    run_open(context, HOSTSESSION_MODE_TTY, "open, terminal");
    run_open(context, HOSTSESSION_MODE_PIPE, "open, pipes");
}
