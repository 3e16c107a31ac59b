/* SPDX-License-Identifier: MIT */
/* A new connection over SSH: its time, the client's share of it, and its round trips. */
#include "group_ssh.h"

#include "../tests/support/relay.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* ---- Processor time of this process ------------------------------------------------------------------------------ */

static double seconds_of(int who) {
    struct rusage usage;
    getrusage(who, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

typedef struct stopwatch {
    double now;
    double own;
    double all;
} stopwatch;

static stopwatch look(void) {
    double own = seconds_of(RUSAGE_SELF);
    return (stopwatch){bench_now(), own, own + seconds_of(RUSAGE_CHILDREN)};
}

/* Metrics: time, processor time, and without that of child processes. */
static void note(const stopwatch *before, unsigned count, double *metrics) {
    stopwatch after = look();
    metrics[0] = (after.now - before->now) / count;
    metrics[1] = (after.all - before->all) / count;
    metrics[2] = (after.own - before->own) / count;
}

/* ---- The contenders: connect, run `true`, close ------------------------------------------------------------------ */

typedef struct connecting {
    const bench_ssh_address *address;
    bool terminal;
    /* All connections live on one loop, which remembers what `ssh -G` said; else each has its own. */
    bool one_loop;
    /* The bare loop does as the library does. */
    bool acknowledges;
    bool asks; /* ssh -G */
    /* ... and runs `true` in a login shell that stays. */
    bool starts_shell;
} connecting;

static bool library_start(bench_contender *self) {
    const connecting *config = self->config;
    hostsession_loop *loop = NULL;
    if (config->one_loop && hostsession_loop_new(&loop, NULL) != HOSTSESSION_OK)
        return bench_fail(self, "no memory");
    self->state = loop;
    return true;
}

static bool library_connect(bench_contender *self) {
    const connecting *config = self->config;
    hostsession_ssh_options ssh = config->address->options;
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    ssh.own_connection = true;
    options.ssh = &ssh;
    options.loop = self->state;
    options.mode = config->terminal ? HOSTSESSION_MODE_TTY : HOSTSESSION_MODE_PIPE;
    hostsession *session = bench_open_at(self, bench_ssh_target, &options);
    hostsession_result *result = NULL;
    bool done = session != NULL && hostsession_run(session, "true", NULL, &result) == HOSTSESSION_OK;
    hostsession_result_free(result);
    hostsession_close(session);
    return done;
}

static bool library_round(bench_contender *self, unsigned count, double *metrics) {
    stopwatch before = look();
    for (unsigned i = 0; i < count; i++) {
        if (!library_connect(self))
            return false;
    }
    note(&before, count, metrics);
    return true;
}

static void library_stop(bench_contender *self) {
    if (self->state != NULL)
        hostsession_loop_free(self->state);
    self->state = NULL;
}

static bool ask_ssh(bench_contender *self, const bench_ssh_address *address) {
    const char *const words[] = {"ssh", "-GT", "-F", address->config, "--", bench_ssh_target, NULL};
    return bench_program_run(words, self);
}

static bool run_true(bench_ssh *ssh, bool terminal, bench_contender *self) {
    char bytes[256];
    if (!bench_ssh_execute(ssh, terminal, "true", self))
        return false;
    while (bench_ssh_read(ssh, bytes, sizeof(bytes)) > 0)
        continue;
    return bench_ssh_wait_status(ssh) == 0;
}

/* The line is typed ahead. */
static bool run_true_in_shell(bench_ssh *ssh, bool terminal, bench_contender *self) {
    static const char line[] = "PS1= PS2=; true; echo END$?\n";
    return bench_ssh_execute(ssh, terminal, terminal ? bench_ssh_start_tty : bench_ssh_start_pipe, self) &&
           bench_ssh_write(ssh, line, sizeof(line) - 1) && bench_ssh_read_until(ssh, "END0\n", 0);
}

static bool bare_connect(bench_contender *self) {
    const connecting *config = self->config;
    bench_ssh ssh;
    if (config->asks && !ask_ssh(self, config->address))
        return false;
    bool done = bench_ssh_open(&ssh, config->address, config->acknowledges, self) &&
                (config->starts_shell ? run_true_in_shell : run_true)(&ssh, config->terminal, self);
    bench_ssh_close(&ssh);
    return done || self->why[0] != '\0' || bench_fail(self, "true failed");
}

static bool bare_round(bench_contender *self, unsigned count, double *metrics) {
    stopwatch before = look();
    for (unsigned i = 0; i < count; i++) {
        if (!bare_connect(self))
            return false;
    }
    note(&before, count, metrics);
    return true;
}

static bool run_ssh(bench_contender *self, const bench_ssh_address *address, bool terminal) {
    const char *const words[] = {"ssh", "-F", address->config, terminal ? "-tt" : "-T", bench_ssh_target, "true", NULL};
    return bench_program_run(words, self);
}

static bool ssh_round(bench_contender *self, unsigned count, double *metrics) {
    const connecting *config = self->config;
    stopwatch before = look();
    for (unsigned i = 0; i < count; i++) {
        if (!run_ssh(self, config->address, config->terminal))
            return false;
    }
    note(&before, count, metrics);
    return true;
}

static const bench_kind library_kind = {library_start, library_round, library_stop};
static const bench_kind bare_kind = {bench_start_nothing, bare_round, bench_stop_nothing};
static const bench_kind ssh_kind = {bench_start_nothing, ssh_round, bench_stop_nothing};

/* ---- The rows ---------------------------------------------------------------------------------------------------- */

enum { ONE_LOOP, OWN_LOOP, BARE, BARE_QUICK, BARE_SHELL, BARE_ASKING, SSH };

static const bench_comparison connect_rows[] = {
    {ONE_LOOP, SSH, 0, BENCH_MILLISECONDS, BENCH_AT_MOST, 0.25, 0, "time", BARE_SHELL},
    {OWN_LOOP, SSH, 0, BENCH_MILLISECONDS, BENCH_AT_MOST, 0.25, 0, "time", BARE_ASKING},
    {ONE_LOOP, BARE, 0, BENCH_MILLISECONDS, BENCH_NO_BAR, 0, 0, "time", 0},
    {ONE_LOOP, BARE_QUICK, 0, BENCH_MILLISECONDS, BENCH_NO_BAR, 0, 0, "time", 0},
    {ONE_LOOP, BARE_SHELL, 0, BENCH_MILLISECONDS, BENCH_NO_BAR, 0, 0, "time", 0},
    {BARE_QUICK, SSH, 0, BENCH_MILLISECONDS, BENCH_NO_BAR, 0, 0, "time", 0},
    {ONE_LOOP, BARE, 1, BENCH_MILLISECONDS, BENCH_AT_MOST, 2.5, 0, "client CPU", 0},
    {OWN_LOOP, BARE, 1, BENCH_MILLISECONDS, BENCH_AT_MOST, 2.5, 0, "client CPU", BARE_ASKING},
    {SSH, BARE, 1, BENCH_MILLISECONDS, BENCH_NO_BAR, 0, 0, "client CPU", 0},
    {ONE_LOOP, BARE, 2, BENCH_MILLISECONDS, BENCH_NO_BAR, 0, 0, "without children", 0},
    {OWN_LOOP, BARE, 2, BENCH_MILLISECONDS, BENCH_NO_BAR, 0, 0, "without children", 0},
};

static void measure_connect(const bench_context *context, const bench_ssh_host *host, bool terminal) {
    const bench_ssh_address *address = bench_ssh_host_address(host);
    const connecting one_loop = {.address = address, .terminal = terminal, .one_loop = true};
    const connecting own_loop = {.address = address, .terminal = terminal};
    const connecting quick = {.address = address, .terminal = terminal, .acknowledges = true};
    const connecting shell = {.address = address, .terminal = terminal, .acknowledges = true, .starts_shell = true};
    const connecting asking = {
        .address = address, .terminal = terminal, .acknowledges = true, .starts_shell = true, .asks = true};
    bench_contender contenders[] = {
        [ONE_LOOP] = {.name = "library, one loop", .kind = &library_kind, .config = &one_loop},
        [OWN_LOOP] = {.name = "library, a loop each", .kind = &library_kind, .config = &own_loop},
        [BARE] = {.name = "bare libssh, exec true", .kind = &bare_kind, .config = &own_loop},
        [BARE_QUICK] = {.name = "bare libssh, quick ACK", .kind = &bare_kind, .config = &quick},
        [BARE_SHELL] = {.name = "bare libssh, login shell", .kind = &bare_kind, .config = &shell},
        [BARE_ASKING] = {.name = "bare libssh, after ssh -G", .kind = &bare_kind, .config = &asking},
        [SSH] = {.name = terminal ? "ssh -tt HOST true" : "ssh HOST true", .kind = &ssh_kind, .config = &own_loop},
    };
    bench_group group = {
        .title = terminal ? "ssh connection, terminal" : "ssh connection, no tty",
        .contenders = contenders,
        .contender_count = BENCH_COUNT(contenders),
        .comparisons = connect_rows,
        .comparison_count = BENCH_COUNT(connect_rows),
        .rounds = context->quick ? 5 : 9,
        .batch = context->quick ? 3 : 5,
        .placements = BENCH_UNPINNED,
    };
    bench_group_run(context, &group);
}

/* ---- Round trips ------------------------------------------------------------------------------------------------- */

enum { ONE_WAY_MS = 50 };

typedef struct turns {
    double opening;
    double command;
    double ssh;
} turns;

static bool count_ours(turns *ret, relay *line, const bench_ssh_address *address, bool terminal,
                       bench_contender *self) {
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    options.ssh = &address->options;
    options.mode = terminal ? HOSTSESSION_MODE_TTY : HOSTSESSION_MODE_PIPE;
    relay_reset_counts(line);
    hostsession *session = bench_open_at(self, bench_ssh_target, &options);
    ret->opening = relay_count(line).turns;
    hostsession_result *result = NULL;
    /* The first one may follow what is still on the way. */
    bool done = session != NULL && hostsession_run(session, "true", NULL, &result) == HOSTSESSION_OK;
    hostsession_result_free(result);
    result = NULL;
    relay_reset_counts(line);
    done = done && hostsession_run(session, "true", NULL, &result) == HOSTSESSION_OK;
    ret->command = relay_count(line).turns;
    hostsession_result_free(result);
    hostsession_close(session);
    relay_wait_living(line, 0, 2000);
    return done;
}

static bool count_turns(turns *ret, relay *line, const bench_ssh_address *address, bool terminal,
                        bench_contender *self) {
    if (!count_ours(ret, line, address, terminal, self))
        return self->why[0] != '\0' || bench_fail(self, "a command failed");
    relay_reset_counts(line);
    bool done = run_ssh(self, address, terminal);
    ret->ssh = relay_count(line).turns;
    relay_wait_living(line, 0, 2000);
    return done;
}

static void report_turns(const bench_context *context, const turns *counted, bool terminal, const char *why) {
    static const bench_comparison fewer = {0, 0, 0, BENCH_NUMBER, BENCH_AT_MOST, 1, 0, NULL, 0};
    const char *kind = terminal ? "terminal" : "no tty";
    char title[64];
    snprintf(title, sizeof(title), "ssh round trips, a command, %s", kind);
    bench_report_value(context->report, title, "library", counted->command, 1, BENCH_NUMBER, why);
    snprintf(title, sizeof(title), "ssh round trips, opening, %s", kind);
    bench_report_ratio(context->report, title, BENCH_UNPINNED, "library", counted->opening,
                       terminal ? "ssh -tt HOST true" : "ssh HOST true", counted->ssh,
                       counted->ssh > 0 ? counted->opening / counted->ssh : 0, 0, &fewer, why);
}

static void measure_turns(const bench_context *context, bench_ssh_host *host) {
    bench_contender self = {0};
    relay *line = relay_start(bench_ssh_host_address(host)->port);
    const bench_ssh_address *address = line != NULL ? bench_ssh_host_address_at(host, relay_port(line)) : NULL;
    fprintf(stderr, "bench: ssh, round trips\n");
    if (line != NULL) {
        relay_set_delay(line, RELAY_TO_SERVER, ONE_WAY_MS);
        relay_set_delay(line, RELAY_TO_CLIENT, ONE_WAY_MS);
    }
    for (int terminal = 1; terminal >= 0; terminal--) {
        turns counted = {0};
        bool done = address != NULL ? count_turns(&counted, line, address, terminal != 0, &self)
                                    : bench_fail(&self, "the relay could not be started");
        report_turns(context, &counted, terminal != 0, done ? NULL : self.why);
    }
    relay_stop(line);
}

void bench_measure_ssh_connect(const bench_context *context, bench_ssh_host *host) {
    measure_connect(context, host, true);
    measure_connect(context, host, false);
    measure_turns(context, host);
}
