/* SPDX-License-Identifier: MIT */
/* Commands and their output over SSH, on a server on this machine. */
#include "group_ssh.h"

#include "data.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void bench_ssh_peer_describe(bench_ssh_peer *peer, const bench_ssh_address *address, unsigned count) {
    snprintf(peer->port, sizeof(peer->port), "%u", address->port);
    snprintf(peer->count, sizeof(peer->count), "%u", count);
    const char *const arguments[] = {peer->port, bench_ssh_user, address->key, bench_ssh_start_pipe,
                                     count > 0 ? peer->count : NULL};
    memset(peer->arguments, 0, sizeof(peer->arguments));
    memcpy(peer->arguments, arguments, sizeof(arguments));
}

/* ---- A process of ssh for each command -------------------------------------------------------------------------- */

typedef struct ssh_runs {
    const bench_ssh_address *address;
    /* Where the master's socket is; NULL: a connection for each. */
    const char *socket;
    const char *text;
} ssh_runs;

enum {
    /* A process takes as long as hundreds of commands. */
    COMMANDS_A_RUN = 50,
    MASTER_PATIENCE = 500,
};

static bool run_once(bench_contender *self) {
    const ssh_runs *config = self->config;
    const char *const fresh[] = {"ssh", "-F", config->address->config, bench_ssh_target, config->text, NULL};
    const char *const shared[] = {"ssh",        "-F", config->address->config, "-S", config->socket, bench_ssh_target,
                                  config->text, NULL};
    return bench_program_run(config->socket != NULL ? shared : fresh, self);
}

static bool wait_for_master(bench_contender *self) {
    const ssh_runs *config = self->config;
    for (unsigned i = 0; i < MASTER_PATIENCE; i++) {
        if (access(config->socket, F_OK) == 0)
            return run_once(self);
        usleep(10000);
    }
    return bench_fail(self, "ssh -M did not come up");
}

static bool runs_start(bench_contender *self) {
    const ssh_runs *config = self->config;
    if (config->socket == NULL)
        return run_once(self);
    bench_process *master = malloc(sizeof(*master));
    self->state = master;
    if (master == NULL)
        return bench_fail(self, "no memory");
    const char *const arguments[] = {"ssh",          "-F", config->address->config, "-M", "-S",
                                     config->socket, "-N", bench_ssh_target,        NULL};
    bench_program program = {.arguments = arguments};
    return bench_process_start(master, &program, self) && wait_for_master(self);
}

static bool runs_round(bench_contender *self, unsigned count, double *metrics) {
    unsigned runs = count / COMMANDS_A_RUN + 1;
    double before = bench_now();
    for (unsigned i = 0; i < runs; i++) {
        if (!run_once(self))
            return false;
    }
    metrics[0] = (bench_now() - before) / runs;
    return true;
}

static void runs_stop(bench_contender *self) {
    const ssh_runs *config = self->config;
    if (self->state != NULL) {
        bench_process_stop(self->state);
        unlink(config->socket);
    }
    free(self->state);
    self->state = NULL;
}

static const bench_kind runs_kind = {runs_start, runs_round, runs_stop};

/* ---- One small command ------------------------------------------------------------------------------------------ */

enum { LIBRARY, SAME, BARE, PARAMIKO, ASYNCSSH, MASTER, FRESH };

static const bench_comparison command_rows[] = {
    {LIBRARY, SAME, 0, BENCH_MICROSECONDS, BENCH_AT_MOST, 1.2, 0, NULL, 0},
    {LIBRARY, BARE, 0, BENCH_MICROSECONDS, BENCH_AT_MOST, 1.2, 0, NULL, SAME},
    {LIBRARY, PARAMIKO, 0, BENCH_MICROSECONDS, BENCH_AT_MOST, 0.6, 0, NULL, SAME},
    {LIBRARY, ASYNCSSH, 0, BENCH_MICROSECONDS, BENCH_NO_BAR, 0, 0, NULL, 0},
    {LIBRARY, MASTER, 0, BENCH_MICROSECONDS, BENCH_AT_MOST, 1.0 / 40, 0, NULL, 0},
    {LIBRARY, FRESH, 0, BENCH_MICROSECONDS, BENCH_NO_BAR, 0, 0, NULL, 0},
};

static const bench_comparison long_command_rows[] = {
    {LIBRARY, SAME, 0, BENCH_MICROSECONDS, BENCH_NO_BAR, 0, 0, NULL, 0},
    {LIBRARY, BARE, 0, BENCH_MICROSECONDS, BENCH_NO_BAR, 0, 0, NULL, 0},
    {LIBRARY, PARAMIKO, 0, BENCH_MICROSECONDS, BENCH_NO_BAR, 0, 0, NULL, 0},
    {LIBRARY, ASYNCSSH, 0, BENCH_MICROSECONDS, BENCH_NO_BAR, 0, 0, NULL, 0},
};

/* On a terminal there are the bare loops only. */
static void measure_command(const bench_context *context, const bench_ssh_host *host, hostsession_mode mode,
                            const char *title, const char *text, const bench_comparison *rows, size_t row_count) {
    const bool terminal = mode == HOSTSESSION_MODE_TTY;
    const bench_ssh_address *address = bench_ssh_host_address(host);
    bench_ssh_peer peer = {0};
    bench_ssh_peer_describe(&peer, address, 0);
    const bench_command command = {mode, NULL, text, bench_ssh_target, &address->options};
    const bench_ssh_replayed same = {address, &command};
    const bench_ssh_command bare = {address, terminal, text, 0, false};
    const bench_peer paramiko = {"/usr/bin/python3", "ssh_paramiko.py", text, peer.arguments, 0};
    const bench_peer asyncssh = {"/usr/bin/python3", "ssh_asyncssh.py", text, peer.arguments, 0};
    const ssh_runs master = {address, bench_ssh_host_socket(host), text};
    const ssh_runs fresh = {address, NULL, text};
    bench_contender contenders[] = {
        [LIBRARY] = {.name = "library", .kind = &bench_library_command, .config = &command},
        [SAME] = {.name = "bare libssh, same bytes", .kind = &bench_ssh_replayed_loop, .config = &same},
        [BARE] = {.name = "bare libssh loop", .kind = &bench_ssh_plain_loop, .config = &bare},
        [PARAMIKO] = {.name = "paramiko shell", .kind = &bench_peer_script, .config = &paramiko},
        [ASYNCSSH] = {.name = "asyncssh shell", .kind = &bench_peer_script, .config = &asyncssh},
        [MASTER] = {.name = "ssh HOST, ControlMaster", .kind = &runs_kind, .config = &master},
        [FRESH] = {.name = "ssh HOST, fresh", .kind = &runs_kind, .config = &fresh},
    };
    bench_group group = {
        .title = title,
        .contenders = contenders,
        .contender_count = terminal ? BARE + 1 : row_count + 1,
        .comparisons = rows,
        .comparison_count = terminal ? 2 : row_count,
        .rounds = context->quick ? 7 : 11,
        .batch = context->quick ? 50 : 100,
        .placements = BENCH_UNPINNED,
    };
    bench_group_run(context, &group);
}

static void measure_commands(const bench_context *context, bench_ssh_host *host) {
    static char text[1025];
    memset(text, 'x', sizeof(text) - 1);
    text[0] = ':';
    text[1] = ' ';
    const size_t count = BENCH_COUNT(command_rows);
    const size_t long_count = BENCH_COUNT(long_command_rows);
    measure_command(context, host, HOSTSESSION_MODE_TTY, "ssh true, terminal", "true", command_rows, count);
    measure_command(context, host, HOSTSESSION_MODE_PIPE, "ssh true, no terminal", "true", command_rows, count);
    measure_command(context, host, HOSTSESSION_MODE_TTY, "ssh 1 kB command, terminal", text, long_command_rows,
                    long_count);
    measure_command(context, host, HOSTSESSION_MODE_PIPE, "ssh 1 kB command, no terminal", text, long_command_rows,
                    long_count);
}

/* ---- A lot of output -------------------------------------------------------------------------------------------- */

enum { BULK_ALL, BULK_BARE, BULK_KEPT, BULK_ASYNCSSH };

static const bench_comparison bulk_rows[] = {
    {BULK_ALL, BULK_BARE, 0, BENCH_MEGABYTES_PER_SECOND, BENCH_AT_LEAST, 0.9, 0, NULL, BULK_KEPT},
    {BULK_ALL, BULK_KEPT, 0, BENCH_MEGABYTES_PER_SECOND, BENCH_NO_BAR, 0, 0, NULL, 0},
    {BULK_ALL, BULK_ASYNCSSH, 0, BENCH_MEGABYTES_PER_SECOND, BENCH_AT_LEAST, 2, 0, NULL, BULK_KEPT},
};

static void measure_bulk(const bench_context *context, const bench_ssh_host *host, hostsession_mode mode,
                         const bench_data *data) {
    const bool terminal = mode == HOSTSESSION_MODE_TTY;
    const bench_ssh_address *address = bench_ssh_host_address(host);
    bench_ssh_peer peer = {0};
    bench_ssh_peer_describe(&peer, address, 0);
    const bench_bulk all = {mode, HOSTSESSION_UNLIMITED, data, bench_ssh_target, &address->options};
    const bench_ssh_command bare = {address, terminal, data->print_command, data->length, false};
    const bench_ssh_command kept = {address, terminal, data->print_command, data->length, true};
    const bench_peer asyncssh = {"/usr/bin/python3", "ssh_asyncssh.py", data->print_command, peer.arguments,
                                 data->length};
    bench_contender contenders[] = {
        [BULK_ALL] = {.name = "library, all kept", .kind = &bench_library_bulk, .config = &all},
        [BULK_BARE] = {.name = "bare libssh loop", .kind = &bench_ssh_plain_loop, .config = &bare},
        [BULK_KEPT] = {.name = "bare libssh, all kept", .kind = &bench_ssh_plain_loop, .config = &kept},
        [BULK_ASYNCSSH] = {.name = "asyncssh shell", .kind = &bench_peer_script, .config = &asyncssh},
    };
    char title[64];
    snprintf(title, sizeof(title), "ssh %zu MB of lines, %s", data->length / 1000000,
             terminal ? "terminal" : "no terminal");
    bench_group group = {
        .title = title,
        .contenders = contenders,
        .contender_count = terminal ? BULK_KEPT + 1 : BENCH_COUNT(contenders),
        .comparisons = bulk_rows,
        .comparison_count = terminal ? 2 : BENCH_COUNT(bulk_rows),
        .rounds = context->quick            ? 3
                  : data->length > 50000000 ? 5
                                            : 9,
        .batch = 1,
        .placements = BENCH_UNPINNED,
    };
    bench_group_run(context, &group);
}

static void measure_outputs(const bench_context *context, bench_ssh_host *host) {
    static const size_t lengths[] = {1000000, 10000000, 100000000};
    for (size_t i = 0; i < (context->quick ? 2 : BENCH_COUNT(lengths)); i++) {
        bench_contender self = {0};
        bench_data data = {.descriptor = -1};
        if (!bench_data_make(&data, lengths[i], false, &self)) {
            bench_report_value(context->report, "ssh, output", "library", 0, 0, BENCH_MEGABYTES_PER_SECOND, self.why);
        } else {
            measure_bulk(context, host, HOSTSESSION_MODE_TTY, &data);
            measure_bulk(context, host, HOSTSESSION_MODE_PIPE, &data);
        }
        bench_data_free(&data);
    }
}

/* ---- With a server for each
 * ----------------------------------------------------------------------------------------------- */

static void run_on_host(const bench_context *context, void (*run)(const bench_context *context, bench_ssh_host *host)) {
    bench_contender self = {0};
    bench_ssh_host *host = bench_ssh_host_start(&self);
    if (host != NULL)
        run(context, host);
    else
        bench_report_value(context->report, "ssh", "library", 0, 0, BENCH_MICROSECONDS, self.why);
    bench_ssh_host_stop(host);
}

void bench_run_ssh_commands(const bench_context *context) {
    run_on_host(context, measure_commands);
}

void bench_run_ssh_bulk(const bench_context *context) {
    run_on_host(context, measure_outputs);
}

void bench_run_ssh_connect(const bench_context *context) {
    run_on_host(context, bench_measure_ssh_connect);
}

void bench_run_ssh_many(const bench_context *context) {
    run_on_host(context, bench_measure_ssh_many);
}
