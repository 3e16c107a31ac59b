/* SPDX-License-Identifier: MIT */
/* Many connections over SSH, with a shell each, from one process on one thread; fresh processes, because of the memory.
 * The server takes new connections as it does by default (MaxStartups), so that they have to be opened with care. */
#include "bare_ssh.h"
#include "group_ssh.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const char config_variable[] = "HOSTSESSION_BENCH_SSH_CONFIG";

enum {
    /* The library's children end themselves, so that no shell is left. */
    CHILD_LIMIT_SECONDS = 110,
    OPEN_LIMIT_MS = 100000,
    MAX_DEPTH = 8,
};

/* ---- The server's processor time --------------------------------------------------------------------------------- */

/* Of a process with one thread; to the nanosecond, unlike its `stat`. */
static double own_seconds(int pid) {
    char path[64];
    double nanoseconds = 0;
    snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
    FILE *from = fopen(path, "re");
    if (from != NULL) {
        if (fscanf(from, "%lf", &nanoseconds) != 1)
            nanoseconds = 0;
        fclose(from);
    }
    return nanoseconds / 1e9;
}

/* What has descended from a process and ended; its name is appended to `ret_name`. */
static double ended_seconds(int pid, char *ret_name, size_t size) {
    char path[64];
    char line[1024];
    double user = 0;
    double system = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *from = fopen(path, "re");
    size_t length = from != NULL ? fread(line, 1, sizeof(line) - 1, from) : 0;
    if (from != NULL)
        fclose(from);
    line[length] = '\0';
    const char *name = strchr(line, '(');
    const char *rest = strrchr(line, ')');
    snprintf(ret_name, size, "%s", name != NULL ? name + 1 : "");
    if (rest != NULL)
        sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %lf %lf", &user, &system);
    return (user + system) / (double)sysconf(_SC_CLK_TCK);
}

static FILE *open_children(int pid) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
    return fopen(path, "re");
}

/* What lives below a process and is not sshd itself: the shells. */
static double shell_seconds(int pid, unsigned depth) {
    double seconds = 0;
    int child;
    FILE *children = depth < MAX_DEPTH ? open_children(pid) : NULL;
    while (children != NULL && fscanf(children, "%d", &child) == 1) {
        char name[32];
        ended_seconds(child, name, sizeof(name));
        if (strncmp(name, "sshd", 4) != 0)
            seconds += own_seconds(child);
        seconds += shell_seconds(child, depth + 1);
    }
    if (children != NULL)
        fclose(children);
    return seconds;
}

static bool has_children(int pid) {
    int child;
    FILE *children = open_children(pid);
    bool some = children != NULL && fscanf(children, "%d", &child) == 1;
    if (children != NULL)
        fclose(children);
    return some;
}

/* The listener's, with all that has ended below it: exact once nothing lives there. */
static double server_seconds(int listener) {
    char name[32];
    for (unsigned i = 0; i < 1000 && has_children(listener); i++)
        usleep(10000);
    return own_seconds(listener) + ended_seconds(listener, name, sizeof(name));
}

/* ---- The library ------------------------------------------------------------------------------------------------- */

typedef struct crowd {
    hostsession **sessions;
    hostsession_loop *loop;
    unsigned count;
    unsigned opened;
    unsigned unfinished;
    unsigned failed;
    char why[BENCH_WHY_BYTES];
} crowd;

static void note_failure(crowd *all, const char *message) {
    if (all->failed++ == 0)
        snprintf(all->why, sizeof(all->why), "%s", message);
}

static void on_done(hostsession *session, hostsession_error error, hostsession_result *result, void *userdata) {
    (void)session;
    crowd *all = userdata;
    if (error != HOSTSESSION_OK || hostsession_result_status(result) != HOSTSESSION_STATUS_SUCCESS)
        note_failure(all, hostsession_error_name(error));
    hostsession_result_free(result);
    all->unfinished--;
}

static void on_open(hostsession *session, const hostsession_failure *failure, void *userdata) {
    (void)session;
    crowd *all = userdata;
    if (failure != NULL)
        note_failure(all, failure->message);
    else
        all->opened++;
    all->unfinished--;
}

static void drive(crowd *all) {
    while (all->unfinished > 0)
        hostsession_loop_run_once(all->loop, -1);
}

static void open_all(crowd *all) {
    hostsession_ssh_options ssh = HOSTSESSION_SSH_OPTIONS_INIT;
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    ssh.config_file = getenv(config_variable);
    ssh.own_connection = true;
    options.ssh = &ssh;
    options.loop = all->loop;
    options.mode = HOSTSESSION_MODE_PIPE;
    options.connect_timeout_ms = OPEN_LIMIT_MS;
    all->unfinished = all->count;
    for (unsigned i = 0; i < all->count; i++) {
        hostsession_failure why = HOSTSESSION_FAILURE_INIT;
        if (hostsession_open_start(bench_ssh_target, &options, on_open, all, &all->sessions[i], &why) !=
            HOSTSESSION_OK) {
            note_failure(all, why.message);
            all->unfinished--;
        }
    }
    drive(all);
}

static void run_on_all(crowd *all) {
    all->unfinished = 0;
    for (unsigned i = 0; i < all->count; i++) {
        if (all->sessions[i] != NULL &&
            hostsession_run_start(all->sessions[i], "true", NULL, on_done, all, NULL, NULL) == HOSTSESSION_OK)
            all->unfinished++;
    }
    drive(all);
}

static bool crowd_init(crowd *all, double count) {
    struct rlimit limit;
    *all = (crowd){.count = (unsigned)count};
    alarm(CHILD_LIMIT_SECONDS);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    all->sessions = calloc(all->count + 1, sizeof(hostsession *));
    return all->sessions != NULL && hostsession_loop_new(&all->loop, NULL) == HOSTSESSION_OK;
}

static void crowd_free(crowd *all) {
    if (all->loop != NULL)
        hostsession_loop_free(all->loop);
    all->loop = NULL;
    free(all->sessions);
}

static double proportional_bytes(void) {
    char line[256];
    double kibibytes = 0;
    FILE *from = fopen("/proc/self/smaps_rollup", "re");
    while (from != NULL && fgets(line, sizeof(line), from) != NULL) {
        if (sscanf(line, "Pss: %lf kB", &kibibytes) == 1)
            break;
    }
    if (from != NULL)
        fclose(from);
    return kibibytes * 1024;
}

/* numbers: connections, and whether some may fail.  Prints the seconds of a second command on all at once, bytes of
 * memory for each, seconds until all were open, how many were opened. */
static int run_library(const double *numbers, size_t number_count) {
    crowd all;
    if (number_count < 2 || !crowd_init(&all, numbers[0]))
        return 1;
    double memory = proportional_bytes();
    double start = bench_now();
    open_all(&all);
    double opened = bench_now();
    run_on_all(&all);
    double second = bench_now();
    run_on_all(&all);
    double done = bench_now();
    memory = proportional_bytes() - memory;
    if (all.failed > 0 && numbers[1] == 0)
        printf("failed: %u, the first: %s\n", all.failed, all.why);
    else
        printf("%.9f %.0f %.9f %u %s\n", done - second, memory / all.count, opened - start, all.opened, all.why);
    fflush(stdout);
    crowd_free(&all);
    return 0;
}

const bench_child bench_ssh_many_child = {"ssh-many", run_library};

/* numbers: connections, the listener's process.  Prints seconds until all were open, and the server's processor time
 * until they were closed again: that of sshd, and with the shells. */
static int run_server_time(const double *numbers, size_t number_count) {
    crowd all;
    if (number_count < 2 || !crowd_init(&all, numbers[0]))
        return 1;
    int listener = (int)numbers[1];
    double before = server_seconds(listener);
    double start = bench_now();
    open_all(&all);
    double opened = bench_now();
    double shells = shell_seconds(listener, 0);
    crowd_free(&all);
    double server = server_seconds(listener) - before;
    if (all.failed > 0)
        printf("failed: %u, the first: %s\n", all.failed, all.why);
    else
        printf("%.9f %.9f %.9f\n", opened - start, server - shells, server);
    return 0;
}

const bench_child bench_ssh_server_time_child = {"ssh-server-time", run_server_time};

/* ---- Bare -------------------------------------------------------------------------------------------------------- */

typedef struct bare_crowd {
    const bench_ssh_address *address;
    unsigned count;
} bare_crowd;

/* All are typed to at once, and waited for in turn. */
static bool run_on_bare(bench_ssh *all, unsigned count) {
    static const char line[] = "true; echo END$?\n", end[] = "END0\n";
    bool right = true;
    for (unsigned i = 0; i < count; i++)
        right = right && bench_ssh_write(&all[i], line, sizeof(line) - 1);
    for (unsigned i = 0; i < count; i++)
        right = right && bench_ssh_read_until(&all[i], end, sizeof(end) - 1);
    return right;
}

/* The metric is the time of a second command. */
static bool bare_round(bench_contender *self, unsigned batch, double *metrics) {
    const bare_crowd *config = self->config;
    bench_ssh *all = calloc(config->count, sizeof(*all));
    bool right = all != NULL;
    unsigned opened = 0;
    (void)batch;
    while (right && opened < config->count) {
        bench_ssh *one = &all[opened++];
        right = bench_ssh_open(one, config->address, false, self) && bench_ssh_start_shell(one, false, self);
    }
    if (right && !run_on_bare(all, opened))
        right = bench_fail(self, "a shell did not answer");
    double before = bench_now();
    if (right && !run_on_bare(all, opened))
        right = bench_fail(self, "a shell did not answer");
    metrics[0] = bench_now() - before;
    for (unsigned i = 0; i < opened; i++)
        bench_ssh_close(&all[i]);
    free(all);
    return right;
}

static const bench_kind bare_kind = {bench_start_nothing, bare_round, bench_stop_nothing};

/* ---- The rows ---------------------------------------------------------------------------------------------------- */

static void compare_with_peers(const bench_context *context, const bench_ssh_host *host) {
    enum { LIBRARY, ASYNCSSH, PARAMIKO, BARE };
    static const bench_comparison comparisons[] = {
        {LIBRARY, BARE, 0, BENCH_MILLISECONDS, BENCH_NO_BAR, 0, 0, "second command", 0},
        {LIBRARY, ASYNCSSH, 0, BENCH_MILLISECONDS, BENCH_AT_MOST, 1.0 / 3, 0, "second command", BARE},
        {LIBRARY, PARAMIKO, 0, BENCH_MILLISECONDS, BENCH_NO_BAR, 0, 0, "second command", 0},
        {LIBRARY, ASYNCSSH, 1, BENCH_KILOBYTES, BENCH_NO_BAR, 0, 0, "memory of each", 0},
        {LIBRARY, PARAMIKO, 1, BENCH_KILOBYTES, BENCH_NO_BAR, 0, 0, "memory of each", 0},
        {LIBRARY, ASYNCSSH, 2, BENCH_MILLISECONDS, BENCH_NO_BAR, 0, 0, "opening", 0},
    };
    const unsigned count = context->quick ? 30 : 100;
    const char *python = "/usr/bin/python3";
    char scripts[2][4096];
    bench_ssh_peer peer = {0};
    bench_ssh_peer_describe(&peer, bench_ssh_host_address(host), count);
    const char *const *more = peer.arguments;
    snprintf(scripts[0], sizeof(scripts[0]), "%s/ssh_asyncssh.py", bench_peers_directory);
    snprintf(scripts[1], sizeof(scripts[1]), "%s/ssh_paramiko.py", bench_peers_directory);
    const char *const asyncssh[] = {python, scripts[0], "true", more[0], more[1], more[2], more[3], more[4], NULL};
    const char *const paramiko[] = {python, scripts[1], "true", more[0], more[1], more[2], more[3], more[4], NULL};
    const bench_child_work library = {&bench_ssh_many_child, {count, 0}, 2};
    const bare_crowd bare = {bench_ssh_host_address(host), count};
    bench_contender contenders[] = {
        [LIBRARY] = {.name = "library", .kind = &bench_child_process, .config = &library},
        [ASYNCSSH] = {.name = "asyncssh", .kind = &bench_metrics_program, .config = asyncssh},
        [PARAMIKO] = {.name = "paramiko", .kind = &bench_metrics_program, .config = paramiko},
        [BARE] = {.name = "bare libssh loop", .kind = &bare_kind, .config = &bare},
    };
    char title[64];
    snprintf(title, sizeof(title), "%u ssh connections", count);
    bench_group group = {
        .title = title,
        .contenders = contenders,
        .contender_count = BENCH_COUNT(contenders),
        .comparisons = comparisons,
        .comparison_count = BENCH_COUNT(comparisons),
        .rounds = 3,
        .batch = 1,
        .placements = BENCH_UNPINNED,
        .sittings = 1,
    };
    bench_group_run(context, &group);
}

static double median_of(const double *samples, unsigned count) {
    double values[BENCH_MAX_ROUNDS];
    memcpy(values, samples, count * sizeof(*values));
    return bench_median(values, count);
}

static void compare_with_server(const bench_context *context, const bench_ssh_host *host) {
    enum { ROUNDS = 3 };
    static const bench_comparison bars[] = {
        {0, 0, 0, BENCH_MILLISECONDS, BENCH_AT_MOST, 1.15, 0, NULL, 0},
        {0, 0, 0, BENCH_MILLISECONDS, BENCH_NO_BAR, 0, 0, NULL, 0},
    };
    static const char *const names[] = {"CPU time of sshd", "CPU time of sshd and shells"};
    const unsigned count = context->quick ? 64 : 256;
    const bench_child_work work = {&bench_ssh_server_time_child, {count, bench_ssh_host_listener(host)}, 2};
    bench_contender library = {.name = "library", .kind = &bench_child_process, .config = &work};
    char title[64];
    snprintf(title, sizeof(title), "%u ssh connections, opening", count);
    bench_group group = {
        .title = title,
        .contenders = &library,
        .contender_count = 1,
        .rounds = ROUNDS,
        .batch = 1,
        .placements = BENCH_UNPINNED,
        .sittings = 1,
    };
    bench_group_run(context, &group);
    for (size_t i = 0; i < BENCH_COUNT(bars); i++) {
        double ratios[ROUNDS];
        for (unsigned round = 0; round < ROUNDS; round++) {
            double server = library.samples[i + 1][round];
            ratios[round] = server > 0 ? library.samples[0][round] / server : 0;
        }
        bench_report_ratio(context->report, title, BENCH_UNPINNED, library.name, median_of(library.samples[0], ROUNDS),
                           names[i], median_of(library.samples[i + 1], ROUNDS), bench_median(ratios, ROUNDS), 0,
                           &bars[i], library.why[0] != '\0' ? library.why : NULL);
    }
}

static void open_as_many_as_asked(const bench_context *context) {
    static const bench_comparison all = {0, 0, 0, BENCH_NUMBER, BENCH_AT_LEAST, 1, 0, NULL, 0};
    const double most_bytes = 35 * 1024;
    const double count = context->quick ? 200 : 500;
    const bench_child_work work = {&bench_ssh_many_child, {count, 1}, 2};
    bench_contender library = {.name = "library", .kind = &bench_child_process, .config = &work};
    double metrics[BENCH_METRICS] = {0};
    char title[64];
    snprintf(title, sizeof(title), "%.0f ssh connections", count);
    fprintf(stderr, "bench: %s\n", title);
    const char *note = library.kind->round(&library, 1, metrics) ? NULL : library.why;
    snprintf(title, sizeof(title), "%.0f ssh connections, opened", count);
    bench_report_ratio(context->report, title, BENCH_UNPINNED, library.name, metrics[3], "asked for", count,
                       metrics[3] / count, 0, &all, note);
    snprintf(title, sizeof(title), "%.0f ssh connections, memory of each", count);
    bench_report_value(context->report, title, library.name, metrics[1], most_bytes, BENCH_KILOBYTES, note);
    snprintf(title, sizeof(title), "%.0f ssh connections, opening", count);
    bench_report_value(context->report, title, library.name, metrics[2], 0, BENCH_MILLISECONDS, note);
    snprintf(title, sizeof(title), "%.0f ssh connections, second command", count);
    bench_report_value(context->report, title, library.name, metrics[0], 0, BENCH_MILLISECONDS, note);
}

void bench_measure_ssh_many(const bench_context *context, bench_ssh_host *host) {
    setenv(config_variable, bench_ssh_host_address(host)->config, 1);
    compare_with_peers(context, host);
    compare_with_server(context, host);
    open_as_many_as_asked(context);
    unsetenv(config_variable);
}
