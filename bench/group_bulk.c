/* SPDX-License-Identifier: MIT */
/* How fast a lot of output comes. */
#include "contenders.h"
#include "data.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LARGE_PIPE_BYTES = 1 << 20 };

/* ---- A bare read loop, which keeps nothing, or all ------------------------------------------------------------- */

typedef struct bare_bulk {
    bool terminal;
    bool keeps;
    int pipe_bytes;
    const bench_data *data;
} bare_bulk;

static bool bare_bulk_start(bench_contender *self) {
    const bare_bulk *config = self->config;
    bench_process *process = malloc(sizeof(*process));
    self->state = process;
    if (process == NULL)
        return bench_fail(self, "no memory");
    bench_program program = {.arguments = bench_bash, .terminal = config->terminal, .pipe_bytes = config->pipe_bytes};
    return bench_process_start(process, &program, self);
}

/* All stays in fresh memory, as in a result that was asked for: it is read to where it stays. */
static bool read_and_keep(const bench_process *process, size_t length) {
    char *kept = bench_map(length);
    size_t received = 0;
    ssize_t got = 1;
    while (kept != NULL && received < length && (got = read(process->output, kept + received, length - received)) > 0)
        received += (size_t)got;
    if (kept != NULL)
        munmap(kept, length);
    return kept != NULL && received == length;
}

static bool bare_bulk_round(bench_contender *self, unsigned count, double *metrics) {
    static const char end[] = "END0\n";
    const bare_bulk *config = self->config;
    const bench_process *process = self->state;
    (void)count;
    char line[160];
    int length = snprintf(line, sizeof(line), "%s; echo END$?\n", config->data->print_command);
    const size_t wanted = config->data->length + sizeof(end) - 1;
    uint64_t received = 0;
    double before = bench_now();
    if (!bench_write_all(process->input, line, (size_t)length) ||
        !(config->keeps ? read_and_keep(process, wanted) : bench_read_until(process, &received, wanted)))
        return bench_fail(self, "the shell ended");
    metrics[0] = (double)config->data->length / (bench_now() - before);
    return true;
}

static void bare_bulk_stop(bench_contender *self) {
    if (self->state != NULL)
        bench_process_stop(self->state);
    free(self->state);
    self->state = NULL;
}

static const bench_kind bare_bulk_kind = {bare_bulk_start, bare_bulk_round, bare_bulk_stop};

/* ---- cat alone, through a pipe of the default size ------------------------------------------------------------- */

static bool cat_round(bench_contender *self, unsigned count, double *metrics) {
    const bench_data *data = self->config;
    (void)count;
    const char *const arguments[] = {"cat", data->path, NULL};
    bench_program program = {.arguments = arguments};
    bench_process process;
    uint64_t received = 0;
    double before = bench_now();
    if (!bench_process_start(&process, &program, self))
        return false;
    bool whole = bench_read_until(&process, &received, data->length);
    metrics[0] = (double)data->length / (bench_now() - before);
    bench_process_stop(&process);
    return whole || bench_fail(self, "cat ended early");
}

static const bench_kind cat_kind = {bench_start_nothing, cat_round, bench_stop_nothing};

/* ---- The rows -------------------------------------------------------------------------------------------------- */

enum { ALL, LIMITED, TENTH, BARE, BARE_KEPT, BARE_LARGE_PIPE, CAT, LIMITED_TENTH };

static const bench_comparison terminal_rows[] = {
    {ALL, BARE, 0, BENCH_MEGABYTES_PER_SECOND, BENCH_AT_LEAST, 0.9, 0, NULL, BARE_KEPT},
    {ALL, BARE_KEPT, 0, BENCH_MEGABYTES_PER_SECOND, BENCH_NO_BAR, 0, 0, NULL, 0},
    {LIMITED, BARE, 0, BENCH_MEGABYTES_PER_SECOND, BENCH_AT_LEAST, 0.9, 0, NULL, 0},
    {ALL, TENTH, 1, BENCH_MILLISECONDS, BENCH_AT_MOST, 12, 0, "time", 0},
};

/* The time of a tenth tells whether time grows with the output; where all is kept, the smaller run gets its memory
 * back from the one before while the larger has to fetch it from the system, which shows at the speed of a pipe.
 *
 * A larger pipe saves wake-ups across cores: on one core there is nothing to win over cat, and unpinned it is as the
 * scheduler places cat. */
static const bench_comparison pipe_rows[] = {
    {ALL, CAT, 0, BENCH_MEGABYTES_PER_SECOND, BENCH_AT_LEAST, 1.5, BENCH_UNPINNED | BENCH_APART, NULL, BARE_LARGE_PIPE},
    {LIMITED, CAT, 0, BENCH_MEGABYTES_PER_SECOND, BENCH_AT_LEAST, 1.5, BENCH_UNPINNED | BENCH_APART, NULL,
     BARE_LARGE_PIPE},
    {ALL, BARE, 0, BENCH_MEGABYTES_PER_SECOND, BENCH_NO_BAR, 0, 0, NULL, 0},
    {ALL, BARE_LARGE_PIPE, 0, BENCH_MEGABYTES_PER_SECOND, BENCH_NO_BAR, 0, 0, NULL, 0},
    {LIMITED, LIMITED_TENTH, 1, BENCH_MILLISECONDS, BENCH_AT_MOST, 12, 0, "time", 0},
    {ALL, TENTH, 1, BENCH_MILLISECONDS, BENCH_NO_BAR, 0, 0, "time", 0},
};

static void measure(const bench_context *context, hostsession_mode mode, const bench_data *data,
                    const bench_data *tenth, const char *shape, unsigned placements) {
    bool terminal = mode == HOSTSESSION_MODE_TTY;
    const bench_bulk all = {mode, HOSTSESSION_UNLIMITED, data, NULL, NULL};
    const bench_bulk limited = {mode, 1 << 20, data, NULL, NULL};
    const bench_bulk smaller = {mode, HOSTSESSION_UNLIMITED, tenth, NULL, NULL};
    const bench_bulk smaller_limited = {mode, 1 << 20, tenth, NULL, NULL};
    const bare_bulk bare = {terminal, false, 0, data};
    const bare_bulk bare_kept = {terminal, true, 0, data};
    const bare_bulk bare_large_pipe = {terminal, false, LARGE_PIPE_BYTES, data};
    bench_contender contenders[] = {
        [ALL] = {.name = "library, all kept", .kind = &bench_library_bulk, .config = &all},
        [LIMITED] = {.name = "library, 1 MiB kept", .kind = &bench_library_bulk, .config = &limited},
        [LIMITED_TENTH] = {.name = "library, a tenth, 1 MiB", .kind = &bench_library_bulk, .config = &smaller_limited},
        [TENTH] = {.name = "library, a tenth of it", .kind = &bench_library_bulk, .config = &smaller},
        [BARE] = {.name = "bare read loop", .kind = &bare_bulk_kind, .config = &bare},
        [BARE_KEPT] = {.name = "bare read loop, all kept", .kind = &bare_bulk_kind, .config = &bare_kept},
        [BARE_LARGE_PIPE] = {.name = "bare read loop, 1 MiB pipe", .kind = &bare_bulk_kind, .config = &bare_large_pipe},
        [CAT] = {.name = "cat, default pipe", .kind = &cat_kind, .config = data},
    };
    char title[64];
    snprintf(title, sizeof(title), "%zu MB %s, %s", data->length / 1000000, shape, terminal ? "terminal" : "pipes");
    unsigned rounds = context->quick ? 3 : terminal ? 5 : 9;
    bench_group group = {
        .title = title,
        .contenders = contenders,
        .contender_count = terminal ? BARE_KEPT + 1 : BENCH_COUNT(contenders),
        .comparisons = terminal ? terminal_rows : pipe_rows,
        .comparison_count = terminal ? BENCH_COUNT(terminal_rows) : BENCH_COUNT(pipe_rows),
        .rounds = rounds,
        .batch = 1,
        .placements = placements,
        .sittings = terminal ? rounds : 0,
    };
    bench_group_run(context, &group);
}

/* Small amounts: how long it takes to begin counts, too. */
static void measure_small(const bench_context *context, size_t length) {
    bench_contender self = {0};
    bench_data data = {.descriptor = -1};
    bench_data tenth = {.descriptor = -1};
    if (!bench_data_make(&data, length, false, &self) || !bench_data_make(&tenth, length / 10, false, &self)) {
        bench_report_value(context->report, "of lines", "library", 0, 0, BENCH_MEGABYTES_PER_SECOND, self.why);
    } else {
        measure(context, HOSTSESSION_MODE_TTY, &data, &tenth, "of lines", BENCH_UNPINNED);
        measure(context, HOSTSESSION_MODE_PIPE, &data, &tenth, "of lines", BENCH_UNPINNED);
    }
    bench_data_free(&data);
    bench_data_free(&tenth);
}

static void measure_shape(const bench_context *context, bool one_line, const char *shape) {
    size_t length = context->quick ? 20000000 : 100000000;
    bench_contender self = {0};
    bench_data data = {.descriptor = -1};
    bench_data tenth = {.descriptor = -1};
    if (!bench_data_make(&data, length, one_line, &self) || !bench_data_make(&tenth, length / 10, one_line, &self)) {
        bench_report_value(context->report, shape, "library", 0, 0, BENCH_MEGABYTES_PER_SECOND, self.why);
    } else {
        unsigned terminal_placements = one_line ? BENCH_UNPINNED : BENCH_PINNED | BENCH_UNPINNED;
        measure(context, HOSTSESSION_MODE_TTY, &data, &tenth, shape, terminal_placements);
        measure(context, HOSTSESSION_MODE_PIPE, &data, &tenth, shape, BENCH_PINNED | BENCH_UNPINNED | BENCH_APART);
    }
    bench_data_free(&data);
    bench_data_free(&tenth);
}

void bench_run_bulk(const bench_context *context) {
    measure_small(context, 1000000);
    measure_small(context, 10000000);
    measure_shape(context, false, "of lines");
    measure_shape(context, true, "in one line");
}
