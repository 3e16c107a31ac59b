/* SPDX-License-Identifier: MIT */
/* Many sessions in one process on one thread, each running a few commands; fresh processes, because of the memory. */
#include "contenders.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* What both children print: seconds until all commands are done, seconds with the closing, bytes of memory a session.
 */
static int print_metrics(const bench_contender *self, double done, double closed, double bytes) {
    if (self->why[0] != '\0')
        puts(self->why);
    else
        printf("%.9f %.9f %.0f\n", done, closed, bytes);
    return 0;
}

static double resident_bytes(void) {
    char line[256];
    double kibibytes = 0;
    FILE *from = fopen("/proc/self/smaps_rollup", "re");
    while (from != NULL && fgets(line, sizeof(line), from) != NULL) {
        if (sscanf(line, "Rss: %lf kB", &kibibytes) == 1)
            break;
    }
    if (from != NULL)
        fclose(from);
    return kibibytes * 1024;
}

static void raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* ---- The library ----------------------------------------------------------------------------------------------- */

typedef struct crowd {
    bench_contender self;
    unsigned commands;
    unsigned unfinished;
} crowd;

/* Sessions are told apart by how many commands they have left. */
typedef struct member {
    crowd *crowd;
    hostsession *session;
    unsigned left;
} member;

static void fail_member(member *one, const char *message) {
    bench_fail(&one->crowd->self, "%s", message);
    one->crowd->unfinished = 0;
}

static void on_done(hostsession *session, hostsession_error error, hostsession_result *result, void *userdata) {
    member *one = userdata;
    bool right = error == HOSTSESSION_OK && hostsession_result_status(result) == HOSTSESSION_STATUS_SUCCESS;
    hostsession_result_free(result);
    if (one->crowd->unfinished == 0)
        return;
    if (!right) {
        fail_member(one, hostsession_error_name(error));
        return;
    }
    if (--one->left == 0)
        one->crowd->unfinished--;
    else if (hostsession_run_start(session, "true", NULL, on_done, one, NULL, NULL) != HOSTSESSION_OK)
        fail_member(one, "a command could not be started");
}

static void on_open(hostsession *session, const hostsession_failure *failure, void *userdata) {
    member *one = userdata;
    if (one->crowd->unfinished == 0)
        return;
    if (failure != NULL)
        fail_member(one, failure->message);
    else if (hostsession_run_start(session, "true", NULL, on_done, one, NULL, NULL) != HOSTSESSION_OK)
        fail_member(one, "a command could not be started");
}

static void drive_crowd(crowd *all, member *members, unsigned count, hostsession_loop *loop) {
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    options.loop = loop;
    /* On a busy machine the last of a thousand shells answers late. */
    options.connect_timeout_ms = 60000;
    all->unfinished = count;
    for (unsigned i = 0; i < count && all->unfinished > 0; i++) {
        members[i] = (member){all, NULL, all->commands};
        if (hostsession_open_start("local", &options, on_open, &members[i], &members[i].session, &why) !=
            HOSTSESSION_OK)
            fail_member(&members[i], why.message);
    }
    while (all->unfinished > 0)
        hostsession_loop_run_once(loop, -1);
}

/* numbers: sessions, commands each. */
static int run_library(const double *numbers, size_t number_count) {
    unsigned count = number_count > 0 ? (unsigned)numbers[0] : 0;
    crowd all = {.commands = number_count > 1 ? (unsigned)numbers[1] : 0};
    member *members = calloc(count + 1, sizeof(*members));
    hostsession_loop *loop = NULL;
    raise_descriptor_limit();
    if (members == NULL || hostsession_loop_new(&loop, NULL) != HOSTSESSION_OK) {
        puts("no memory");
        free(members);
        return 1;
    }
    double memory_before = resident_bytes();
    double start = bench_now();
    drive_crowd(&all, members, count, loop);
    double done = bench_now();
    double memory_after = resident_bytes();
    double closing = bench_now();
    hostsession_loop_free(loop);
    double closed = bench_now();
    free(members);
    return print_metrics(&all.self, done - start, done - start + closed - closing,
                         (memory_after - memory_before) / count);
}

const bench_child bench_sessions_library_child = {"sessions-library", run_library};

/* ---- A bare spawn-and-drive loop -------------------------------------------------------------------------------- */

typedef struct bare_member {
    bench_process process;
    unsigned left;
    char tail[8];
} bare_member;

static const char bare_line[] = "true; echo END$?\n";

/* Whether what was read, after what was read before, ends with the end of a command. */
static bool is_end(bare_member *one, const char *bytes, size_t length) {
    static const char end[] = "END0\n";
    enum { END_BYTES = sizeof(end) - 1 };
    char both[2 * END_BYTES];
    size_t kept = strlen(one->tail);
    size_t taken = length < END_BYTES ? length : END_BYTES;
    memcpy(both, one->tail, kept);
    memcpy(both + kept, bytes + length - taken, taken);
    size_t together = kept + taken;
    size_t tail = together < END_BYTES ? together : END_BYTES;
    memcpy(one->tail, both + together - tail, tail);
    one->tail[tail] = '\0';
    return strcmp(one->tail, end) == 0;
}

/* Returns false when the shell has ended. */
static bool serve_bare(bare_member *one, unsigned *unfinished) {
    char bytes[4096];
    ssize_t got = read(one->process.output, bytes, sizeof(bytes));
    if (got <= 0)
        return false;
    if (!is_end(one, bytes, (size_t)got))
        return true;
    one->tail[0] = '\0';
    if (--one->left == 0)
        --*unfinished;
    else
        return bench_write_all(one->process.input, bare_line, sizeof(bare_line) - 1);
    return true;
}

static bool start_bare(bare_member *one, unsigned commands, int poller, bench_contender *self) {
    bench_program program = {.arguments = bench_bash, .terminal = true};
    one->left = commands;
    if (!bench_process_start(&one->process, &program, self))
        return false;
    struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = one};
    return epoll_ctl(poller, EPOLL_CTL_ADD, one->process.output, &wanted) == 0 &&
           bench_write_all(one->process.input, bare_line, sizeof(bare_line) - 1);
}

static bool drive_bare(bare_member *members, unsigned count, unsigned commands, bench_contender *self) {
    int poller = epoll_create1(EPOLL_CLOEXEC);
    unsigned unfinished = count;
    bool right = poller >= 0;
    for (unsigned i = 0; i < count && right; i++)
        right = start_bare(&members[i], commands, poller, self);
    while (right && unfinished > 0) {
        struct epoll_event ready[256];
        int ready_count = epoll_wait(poller, ready, (int)BENCH_COUNT(ready), -1);
        for (int i = 0; i < ready_count && right; i++)
            right = serve_bare(ready[i].data.ptr, &unfinished);
    }
    close(poller);
    if (!right && self->why[0] == '\0')
        bench_fail(self, "a shell of the bare loop ended: %s", strerror(errno));
    return right;
}

/* Hang up all, then reap all, as long as the slowest takes. */
static void close_bare(bare_member *members, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        bench_process *process = &members[i].process;
        if (process->input >= 0)
            close(process->input);
        process->input = process->output = -1;
        if (process->pid > 0)
            kill(-process->pid, SIGKILL);
    }
    for (unsigned i = 0; i < count; i++)
        bench_process_stop(&members[i].process);
}

static int run_bare(const double *numbers, size_t number_count) {
    unsigned count = number_count > 0 ? (unsigned)numbers[0] : 0;
    unsigned commands = number_count > 1 ? (unsigned)numbers[1] : 0;
    bench_contender self = {0};
    bare_member *members = calloc(count + 1, sizeof(*members));
    if (members == NULL) {
        puts("no memory");
        return 1;
    }
    for (unsigned i = 0; i < count; i++)
        members[i].process = (bench_process)BENCH_PROCESS_NONE;
    raise_descriptor_limit();
    double memory_before = resident_bytes();
    double start = bench_now();
    drive_bare(members, count, commands, &self);
    double done = bench_now();
    double memory_after = resident_bytes();
    double closing = bench_now();
    close_bare(members, count);
    double closed = bench_now();
    free(members);
    return print_metrics(&self, done - start, done - start + closed - closing, (memory_after - memory_before) / count);
}

const bench_child bench_sessions_bare_child = {"sessions-bare", run_bare};

/* ---- The rows -------------------------------------------------------------------------------------------------- */

static void measure(const bench_context *context, double sessions, unsigned placements) {
    enum { COMMANDS = 10 };
    const double most_bytes = 50e3;
    const bench_child_work library = {&bench_sessions_library_child, {sessions, COMMANDS}, 2};
    const bench_child_work bare = {&bench_sessions_bare_child, {sessions, COMMANDS}, 2};
    bench_contender contenders[] = {
        {.name = "library", .kind = &bench_child_process, .config = &library},
        {.name = "bare spawn and drive", .kind = &bench_child_process, .config = &bare},
    };
    static const bench_comparison comparisons[] = {
        {0, 1, 0, BENCH_MILLISECONDS, BENCH_AT_MOST, 1.5, 0, "all done", 0},
        {0, 1, 1, BENCH_MILLISECONDS, BENCH_AT_MOST, 1.5, 0, "and closed", 0},
    };
    char title[64];
    snprintf(title, sizeof(title), "%.0f sessions", sessions);
    bench_group group = {title,
                         contenders,
                         BENCH_COUNT(contenders),
                         comparisons,
                         BENCH_COUNT(comparisons),
                         context->quick ? 3 : 5,
                         1,
                         placements,
                         0};
    bench_group_run(context, &group);
    double memory[BENCH_MAX_ROUNDS];
    memcpy(memory, contenders[0].samples[2], group.rounds * sizeof(*memory));
    snprintf(title, sizeof(title), "%.0f sessions, memory of each", sessions);
    bench_report_value(context->report, title, "library", bench_median(memory, group.rounds), most_bytes,
                       BENCH_KILOBYTES, contenders[0].why[0] != '\0' ? contenders[0].why : NULL);
}

/* Opened, one command, closed. */
static void measure_rate(const bench_context *context) {
    enum { ROUNDS = 3 };
    const double sessions = 300;
    static const char title[] = "sessions a second";
    const bench_child_work library = {&bench_sessions_library_child, {sessions, 1}, 2};
    const bench_child_work bare = {&bench_sessions_bare_child, {sessions, 1}, 2};
    bench_contender contenders[] = {
        {.name = "library", .kind = &bench_child_process, .config = &library},
        {.name = "bare spawn and drive", .kind = &bench_child_process, .config = &bare},
    };
    bench_group group = {
        title, contenders, BENCH_COUNT(contenders), NULL, 0, ROUNDS, 1, BENCH_UNPINNED, 1,
    };
    bench_group_run(context, &group);
    double rates[2][ROUNDS];
    double ratios[ROUNDS];
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < 2; i++)
            rates[i][round] = sessions / contenders[i].samples[1][round];
        ratios[round] = rates[0][round] / rates[1][round];
    }
    static const bench_comparison comparison = {0, 1, 0, BENCH_NUMBER, BENCH_AT_LEAST, 0.66, 0, NULL, 0};
    bool failed = contenders[0].why[0] != '\0' || contenders[1].why[0] != '\0';
    bench_report_ratio(context->report, title, BENCH_UNPINNED, contenders[0].name, bench_median(rates[0], ROUNDS),
                       contenders[1].name, bench_median(rates[1], ROUNDS), bench_median(ratios, ROUNDS), 0, &comparison,
                       failed ? "a round failed" : NULL);
}

void bench_run_many_sessions(const bench_context *context) {
    measure(context, 100, BENCH_UNPINNED);
    measure(context, context->quick ? 300 : 1000, BENCH_PINNED | BENCH_UNPINNED);
    measure_rate(context);
}
