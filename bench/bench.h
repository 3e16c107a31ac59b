/* SPDX-License-Identifier: MIT */
/* The benchmark's harness: contenders that do the same work take turns, round by round, and their figures are compared
 * within the same run.  A group_*.c file holds the rows on one subject. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

enum {
    BENCH_METRICS = 4,
    BENCH_MAX_ROUNDS = 64,
    BENCH_WHY_BYTES = 640,
};

typedef struct bench_contender bench_contender;

/* How a kind of contender works.  A function that fails returns false with `why` filled. */
typedef struct bench_kind {
    bool (*start)(bench_contender *self);
    /* Do the work `count` times and fill the metrics, in seconds, bytes or bytes a second; times are per unit of work.
     */
    bool (*round)(bench_contender *self, unsigned count, double *metrics);
    /* Called after every start, also after a failed one. */
    void (*stop)(bench_contender *self);
} bench_kind;

struct bench_contender {
    const char *name;
    const bench_kind *kind;
    /* What the kind needs to know, and what it keeps. */
    const void *config;
    void *state;
    /* Why it could not be measured; "" when it was. */
    char why[BENCH_WHY_BYTES];
    double samples[BENCH_METRICS][BENCH_MAX_ROUNDS];
};

typedef enum bench_unit {
    BENCH_MICROSECONDS,
    BENCH_MILLISECONDS,
    BENCH_MEGABYTES_PER_SECOND,
    BENCH_KILOBYTES,
    BENCH_NUMBER,
} bench_unit;

typedef enum bench_bar {
    BENCH_NO_BAR,
    BENCH_AT_MOST,
    BENCH_AT_LEAST,
} bench_bar;

/* Which of a machine's cores a measurement used. */
typedef enum bench_placement {
    BENCH_PINNED = 1,
    BENCH_UNPINNED = 2,
    /* This process on one core, what it started on another; skipped where there is one only. */
    BENCH_APART = 4,
} bench_placement;

/* A row: the figure of one contender over that of another.  `ours` and `theirs` are indexes into the group. */
typedef struct bench_comparison {
    unsigned ours;
    unsigned theirs;
    unsigned metric;
    bench_unit unit;
    bench_bar bar;
    double bar_ratio;
    /* Where the bar holds; 0: everywhere. */
    unsigned bar_placements;
    /* Which of several metrics this is, for the row's title; NULL: there is one. */
    const char *what;
    /* A bare loop that does no less than ours has to: where that misses the bar, too, no library could meet it.  0:
     * there is none. */
    unsigned limit;
} bench_comparison;

/* Contenders that take turns. */
typedef struct bench_group {
    const char *title;
    bench_contender *contenders;
    size_t contender_count;
    const bench_comparison *comparisons;
    size_t comparison_count;
    unsigned rounds;
    /* Units of work a round. */
    unsigned batch;
    /* Which of BENCH_PINNED, BENCH_UNPINNED and BENCH_APART. */
    unsigned placements;
    /* How often all contenders are started afresh; 0: three times. */
    unsigned sittings;
} bench_group;

typedef struct bench_report bench_report;

/* What all groups share. */
typedef struct bench_context {
    bool quick;
    /* The hostsession command. */
    const char *command_path;
    bench_report *report;
} bench_context;

#define BENCH_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Measure a group and add its rows to the report. */
void bench_group_run(const bench_context *context, bench_group *group);

/* Seconds on a clock that only goes forward. */
double bench_now(void);
/* Sorts `values`. */
double bench_median(double *values, size_t count);
/* Run this process, and what it starts from now on, on one core, or on all that were allowed at the start. */
void bench_place(bench_placement placement);
/* Under BENCH_APART: move a process that this one has started to the other core. */
void bench_place_child(pid_t pid);
/* Static. */
const char *bench_placement_name(bench_placement placement);
/* Must be called before the first measurement. */
void bench_measure_init(void);
/* Keep the processor out of its idle states until the program ends: what it takes to wake one is a matter of the
 * machine, more than a short command takes, and another for each kind of wait.  Returns an errno if that cannot be. */
int bench_stay_awake(void);
/* Fills `why` with a printf-like text and returns false. */
bool bench_fail(bench_contender *self, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- The report ------------------------------------------------------------------------------------------------ */

bench_report *bench_report_new(void);
void bench_report_free(bench_report *report);
/* A fact about the machine or the programs, for the header. */
void bench_report_fact(bench_report *report, const char *name, const char *value);
/* A row that compares two figures.  `limit_ratio` is that of the comparison's limit, 0: none.  `note` explains a
 * missing figure; NULL: both are there. */
void bench_report_ratio(bench_report *report, const char *title, bench_placement placement, const char *ours,
                        double ours_value, const char *theirs, double theirs_value, double ratio, double limit_ratio,
                        const bench_comparison *comparison, const char *note);
/* A row with one figure that must not exceed `most`; 0: no bar. */
void bench_report_value(bench_report *report, const char *title, const char *ours, double value, double most,
                        bench_unit unit, const char *note);
void bench_report_print(const bench_report *report, FILE *to);
bool bench_report_write_json(const bench_report *report, const char *path);

/* ---- The groups ------------------------------------------------------------------------------------------------ */

void bench_run_commands(const bench_context *context);
void bench_run_bulk(const bench_context *context);
void bench_run_memory(const bench_context *context);
void bench_run_many_sessions(const bench_context *context);
void bench_run_startup(const bench_context *context);
void bench_run_ssh_commands(const bench_context *context);
void bench_run_ssh_bulk(const bench_context *context);
void bench_run_ssh_connect(const bench_context *context);
void bench_run_ssh_many(const bench_context *context);
void bench_run_telnet(const bench_context *context);
void bench_run_fanout(const bench_context *context);

/* Work that needs a fresh process: the benchmark starts itself as `PROGRAM --child NAME NUMBER...`.  Returns an exit
 * status; prints its metrics on one line, those at the end may be left out. */
typedef struct bench_child {
    const char *name;
    int (*run)(const double *numbers, size_t count);
} bench_child;

extern const bench_child bench_memory_child;
extern const bench_child bench_sessions_library_child;
extern const bench_child bench_sessions_bare_child;
extern const bench_child bench_ssh_many_child;
extern const bench_child bench_ssh_server_time_child;
extern const bench_child bench_fanout_child;

#endif
