/* SPDX-License-Identifier: MIT */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    ROUND_LIMIT_SECONDS = 120,
    GRACE_SECONDS = 10,
    DEFAULT_SITTINGS = 3,
};

static cpu_set_t all_cores;
static bench_placement current_placement = BENCH_UNPINNED;
static const char *volatile measured_name = "";
static volatile sig_atomic_t alarms;

/* The first alarm interrupts the system call that a contender waits in; one that goes on waiting ends the program. */
static void on_alarm(int signal_number) {
    (void)signal_number;
    if (++alarms == 1) {
        alarm(GRACE_SECONDS);
        return;
    }
    char text[128];
    int length = snprintf(text, sizeof(text), "bench: no answer within the time of a round from: %s\n", measured_name);
    if (write(STDERR_FILENO, text, (size_t)length) != length)
        _exit(2);
    _exit(1);
}

/* A handler, not SIG_IGN: the programs that are started would inherit that. */
static void on_broken_pipe(int signal_number) {
    (void)signal_number;
}

void bench_measure_init(void) {
    sched_getaffinity(0, sizeof(all_cores), &all_cores);
    struct sigaction action = {0};
    action.sa_handler = on_alarm;
    sigaction(SIGALRM, &action, NULL);
    action.sa_handler = on_broken_pipe;
    sigaction(SIGPIPE, &action, NULL);
}

int bench_stay_awake(void) {
    /* The kernel holds to it for as long as the file is open. */
    int file = open("/dev/cpu_dma_latency", O_WRONLY | O_CLOEXEC);
    int32_t latency_us = 0;
    return file >= 0 && write(file, &latency_us, sizeof(latency_us)) == sizeof(latency_us) ? 0 : errno;
}

double bench_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int compare_doubles(const void *left, const void *right) {
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

double bench_median(double *values, size_t count) {
    if (count == 0)
        return 0;
    qsort(values, count, sizeof(*values), compare_doubles);
    size_t middle = count / 2;
    return count % 2 != 0 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

static size_t last_core(void) {
    size_t last = CPU_SETSIZE - 1;
    while (last > 0 && !CPU_ISSET(last, &all_cores))
        last--;
    return last;
}

static size_t first_core(void) {
    size_t first = 0;
    while (first < CPU_SETSIZE - 1 && !CPU_ISSET(first, &all_cores))
        first++;
    return first;
}

static void place_on(pid_t pid, size_t core) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    sched_setaffinity(pid, sizeof(cores), &cores);
}

void bench_place(bench_placement placement) {
    current_placement = placement;
    if (placement == BENCH_UNPINNED)
        sched_setaffinity(0, sizeof(all_cores), &all_cores);
    else
        place_on(0, last_core());
}

void bench_place_child(pid_t pid) {
    if (current_placement == BENCH_APART)
        place_on(pid, first_core());
}

bool bench_fail(bench_contender *self, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(self->why, sizeof(self->why), format, arguments);
    va_end(arguments);
    return false;
}

static void start_contender(bench_contender *contender) {
    if (contender->why[0] != '\0')
        return;
    alarms = 0;
    measured_name = contender->name;
    alarm(ROUND_LIMIT_SECONDS);
    if (!contender->kind->start(contender) && contender->why[0] == '\0')
        bench_fail(contender, "could not be started");
    alarm(0);
}

static void run_round(bench_contender *contender, unsigned count, double *metrics) {
    if (contender->why[0] != '\0')
        return;
    alarms = 0;
    measured_name = contender->name;
    alarm(ROUND_LIMIT_SECONDS);
    bool done = contender->kind->round(contender, count, metrics);
    alarm(0);
    if (alarms > 0)
        bench_fail(contender, "a round took more than %d s", ROUND_LIMIT_SECONDS);
    else if (!done && contender->why[0] == '\0')
        bench_fail(contender, "a round failed");
}

/* Each begins warm: the one before may have been another program, or hundreds of processes. */
static void run_rounds(const bench_group *group, unsigned first, unsigned end) {
    for (unsigned round = first; round < end; round++) {
        for (size_t i = 0; i < group->contender_count; i++) {
            bench_contender *contender = &group->contenders[i];
            double ignored[BENCH_METRICS];
            double metrics[BENCH_METRICS] = {0};
            if (group->batch > 1)
                run_round(contender, group->batch / 10 + 1, ignored);
            run_round(contender, group->batch, metrics);
            for (size_t metric = 0; metric < BENCH_METRICS; metric++)
                contender->samples[metric][round] = metrics[metric];
        }
    }
}

static double median_of(const bench_contender *contender, unsigned metric, unsigned rounds) {
    double values[BENCH_MAX_ROUNDS];
    memcpy(values, contender->samples[metric], rounds * sizeof(*values));
    return bench_median(values, rounds);
}

/* The two figures of one round were taken one after the other, so a slow spell of the machine is in both. */
static double median_ratio(const bench_contender *ours, const bench_contender *theirs, unsigned metric,
                           unsigned rounds) {
    double ratios[BENCH_MAX_ROUNDS];
    size_t count = 0;
    for (unsigned round = 0; round < rounds; round++) {
        if (theirs->samples[metric][round] > 0)
            ratios[count++] = ours->samples[metric][round] / theirs->samples[metric][round];
    }
    return bench_median(ratios, count);
}

static void report_comparison(bench_report *report, const bench_group *group, bench_placement placement,
                              const bench_comparison *comparison) {
    const bench_contender *ours = &group->contenders[comparison->ours];
    const bench_contender *theirs = &group->contenders[comparison->theirs];
    bench_comparison here = *comparison;
    if (here.bar_placements != 0 && (here.bar_placements & placement) == 0)
        here.bar = BENCH_NO_BAR;
    char note[BENCH_WHY_BYTES + 64] = "";
    const bench_contender *failed = ours->why[0] != '\0' ? ours : theirs->why[0] != '\0' ? theirs : NULL;
    if (failed != NULL)
        snprintf(note, sizeof(note), "%s: %s", failed->name, failed->why);
    double ours_value = ours->why[0] != '\0' ? 0 : median_of(ours, here.metric, group->rounds);
    double theirs_value = theirs->why[0] != '\0' ? 0 : median_of(theirs, here.metric, group->rounds);
    double ratio = failed != NULL ? 0 : median_ratio(ours, theirs, here.metric, group->rounds);
    const bench_contender *limit = &group->contenders[here.limit];
    bool limited = here.limit != 0 && failed == NULL && limit->why[0] == '\0';
    double limit_ratio = limited ? median_ratio(limit, theirs, here.metric, group->rounds) : 0;
    char title[128];
    snprintf(title, sizeof(title), "%s%s%s", group->title, here.what != NULL ? ", " : "",
             here.what != NULL ? here.what : "");
    bench_report_ratio(report, title, placement, ours->name, ours_value, theirs->name, theirs_value, ratio, limit_ratio,
                       &here, failed != NULL ? note : NULL);
}

/* What the library started is only known as children of this process. */
static void place_children(void) {
    pid_t children[BENCH_MAX_CHILDREN];
    size_t count = bench_list_children(children);
    for (size_t i = 0; i < count; i++)
        bench_place_child(children[i]);
}

/* One terminal may be twice as fast as another, by where the kernel does its work.  So all is started afresh a few
 * times. */
static void run_sitting(const bench_group *group, unsigned first, unsigned end) {
    for (size_t i = 0; i < group->contender_count; i++)
        start_contender(&group->contenders[i]);
    place_children();
    run_rounds(group, first, end);
    for (size_t i = 0; i < group->contender_count; i++)
        group->contenders[i].kind->stop(&group->contenders[i]);
}

static void run_placement(const bench_context *context, const bench_group *group, bench_placement placement) {
    fprintf(stderr, "bench: %s, %s\n", group->title, bench_placement_name(placement));
    bench_place(placement);
    for (size_t i = 0; i < group->contender_count; i++)
        group->contenders[i].why[0] = '\0';
    unsigned sittings = group->sittings != 0 ? group->sittings : DEFAULT_SITTINGS;
    if (sittings > group->rounds)
        sittings = group->rounds;
    for (unsigned i = 0; i < sittings; i++)
        run_sitting(group, i * group->rounds / sittings, (i + 1) * group->rounds / sittings);
    bench_place(BENCH_UNPINNED);
    for (size_t i = 0; i < group->comparison_count; i++)
        report_comparison(context->report, group, placement, &group->comparisons[i]);
}

void bench_group_run(const bench_context *context, bench_group *group) {
    static const bench_placement placements[] = {BENCH_PINNED, BENCH_UNPINNED, BENCH_APART};
    if (group->rounds > BENCH_MAX_ROUNDS)
        group->rounds = BENCH_MAX_ROUNDS;
    for (size_t i = 0; i < BENCH_COUNT(placements); i++) {
        if ((group->placements & placements[i]) != 0 && (placements[i] != BENCH_APART || first_core() != last_core()))
            run_placement(context, group, placements[i]);
    }
}

const char *bench_placement_name(bench_placement placement) {
    return placement == BENCH_PINNED ? "pinned" : placement == BENCH_APART ? "apart" : "unpinned";
}
