/* SPDX-License-Identifier: MIT */
/* The same command on many hosts at once, and then another one: what a fan-out costs at first, and once the shells are
 * there.  All hosts are one server on this machine; each connection logs in by itself. */
#include "contenders.h"

#include "../tests/support/folder.h"
#include "../tests/support/ssh_server.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const char config_variable[] = "HOSTSESSION_BENCH_FANOUT_CONFIG";

enum { CHILD_LIMIT_SECONDS = 110, OPEN_LIMIT_MS = 100000 };

/* ---- The library ------------------------------------------------------------------------------------------------- */

typedef struct fleet {
    hostsession_loop *loop;
    hostsession **sessions;
    unsigned count;
    unsigned waiting;
    char why[BENCH_WHY_BYTES];
} fleet;

static void on_done(hostsession *session, hostsession_error error, hostsession_result *result, void *userdata) {
    fleet *all = userdata;
    (void)session;
    if (error != HOSTSESSION_OK || hostsession_result_status(result) != HOSTSESSION_STATUS_SUCCESS)
        snprintf(all->why, sizeof(all->why), "%s", hostsession_result_failure(result)->message);
    hostsession_result_free(result);
    all->waiting--;
}

static bool run_on_all(fleet *all) {
    all->waiting = 0;
    for (unsigned i = 0; i < all->count; i++) {
        if (hostsession_run_start(all->sessions[i], "true", NULL, on_done, all, NULL, NULL) == HOSTSESSION_OK)
            all->waiting++;
    }
    while (all->waiting > 0)
        hostsession_loop_run_once(all->loop, -1);
    return all->why[0] == '\0';
}

static bool open_all(fleet *all) {
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    hostsession_ssh_options ssh = HOSTSESSION_SSH_OPTIONS_INIT;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    ssh.config_file = getenv(config_variable);
    ssh.own_connection = true;
    options.loop = all->loop;
    options.ssh = &ssh;
    options.mode = HOSTSESSION_MODE_PIPE;
    options.connect_timeout_ms = OPEN_LIMIT_MS;
    for (unsigned i = 0; i < all->count; i++) {
        char target[32];
        snprintf(target, sizeof(target), "node%u", i + 1);
        if (hostsession_open_start(target, &options, NULL, NULL, &all->sessions[i], &why) != HOSTSESSION_OK) {
            snprintf(all->why, sizeof(all->why), "%s", why.message);
            return false;
        }
    }
    return true;
}

/* numbers: hosts.  Prints the seconds of the first command, with the logins, and of the second. */
static int run_library(const double *numbers, size_t number_count) {
    struct rlimit limit;
    fleet all = {.count = number_count > 0 ? (unsigned)numbers[0] : 0};
    alarm(CHILD_LIMIT_SECONDS);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    all.sessions = calloc(all.count + 1, sizeof(hostsession *));
    if (all.sessions == NULL || hostsession_loop_new(&all.loop, NULL) != HOSTSESSION_OK)
        return 1;
    double start = bench_now();
    bool right = open_all(&all) && run_on_all(&all);
    double first = bench_now();
    right = right && run_on_all(&all);
    double second = bench_now();
    if (right)
        printf("%.9f %.9f\n", first - start, second - first);
    else
        puts(all.why);
    fflush(stdout);
    hostsession_loop_free(all.loop);
    free(all.sessions);
    return 0;
}

const bench_child bench_fanout_child = {"fanout", run_library};

/* ---- Programs that log in for each command ----------------------------------------------------------------------- */

static bool twice_round(bench_contender *self, unsigned count, double *metrics) {
    (void)count;
    for (unsigned i = 0; i < 2; i++) {
        double before = bench_now();
        if (!bench_program_run(self->config, self))
            return false;
        metrics[i] = bench_now() - before;
    }
    return true;
}

static const bench_kind twice_kind = {bench_start_nothing, twice_round, bench_stop_nothing};

/* ---- The rows ---------------------------------------------------------------------------------------------------- */

enum { LIBRARY, CLUSH, PDSH, PSSH };

static const bench_comparison comparisons[] = {
    {LIBRARY, CLUSH, 0, BENCH_MILLISECONDS, BENCH_NO_BAR, 0, 0, "first command", 0},
    {LIBRARY, PDSH, 0, BENCH_MILLISECONDS, BENCH_NO_BAR, 0, 0, "first command", 0},
    {LIBRARY, PSSH, 0, BENCH_MILLISECONDS, BENCH_NO_BAR, 0, 0, "first command", 0},
    {LIBRARY, CLUSH, 1, BENCH_MILLISECONDS, BENCH_NO_BAR, 0, 0, "second command", 0},
    {LIBRARY, PDSH, 1, BENCH_MILLISECONDS, BENCH_NO_BAR, 0, 0, "second command", 0},
    {LIBRARY, PSSH, 1, BENCH_MILLISECONDS, BENCH_NO_BAR, 0, 0, "second command", 0},
};

static void measure(const bench_context *context, const char *config, unsigned hosts) {
    char nodes[32];
    char many[16];
    char option[320];
    char arguments[400];
    text names = {0};
    snprintf(nodes, sizeof(nodes), "node[1-%u]", hosts);
    snprintf(many, sizeof(many), "%u", hosts);
    snprintf(option, sizeof(option), "-F %s", config);
    snprintf(arguments, sizeof(arguments), "PDSH_SSH_ARGS=-F %s -a -x %%h", config);
    for (unsigned i = 1; i <= hosts; i++)
        text_printf(&names, "node%u ", i);
    const char *const clush[] = {"clush", "-S", "-f", many, "-o", option, "-w", nodes, "true", NULL};
    const char *const pdsh[] = {"env", arguments, "pdsh", "-R", "ssh", "-S", "-f", many, "-w", nodes, "true", NULL};
    const char *const pssh[] = {"parallel-ssh", "-p", many, "-x", option, "-H", text_data(&names), "true", NULL};
    const bench_child_work library = {&bench_fanout_child, {hosts}, 1};
    bench_contender contenders[] = {
        [LIBRARY] = {.name = "library", .kind = &bench_child_process, .config = &library},
        [CLUSH] = {.name = "clush", .kind = &twice_kind, .config = clush},
        [PDSH] = {.name = "pdsh", .kind = &twice_kind, .config = pdsh},
        [PSSH] = {.name = "parallel-ssh", .kind = &twice_kind, .config = pssh},
    };
    char title[64];
    snprintf(title, sizeof(title), "%u hosts at once", hosts);
    bench_group group = {
        .title = title,
        .contenders = contenders,
        .contender_count = BENCH_COUNT(contenders),
        .comparisons = comparisons,
        .comparison_count = BENCH_COUNT(comparisons),
        .rounds = context->quick ? 1 : 3,
        .batch = 1,
        .placements = BENCH_UNPINNED,
        .sittings = 1,
    };
    bench_group_run(context, &group);
    text_free(&names);
}

static bool write_config(const ssh_server *server, const char *path) {
    text content = {0};
    text_printf(&content,
                "Host node*\nHostName 127.0.0.1\nPort %u\nUser bash\nIdentityFile %s\nIdentitiesOnly yes\n"
                "UserKnownHostsFile %s\nStrictHostKeyChecking yes\nBatchMode yes\nKexAlgorithms curve25519-sha256\n",
                ssh_server_port(server), ssh_server_key_path(server, SERVER_KEY_ED25519),
                ssh_server_known_hosts(server));
    bool written = file_write(path, text_data(&content), content.length);
    text_free(&content);
    return written;
}

void bench_run_fanout(const bench_context *context) {
    static const unsigned hosts[] = {16, 64, 256};
    char folder[256];
    char config[300];
    text why = {0};
    ssh_server_options options = {.config = "MaxStartups 1000\n"};
    ssh_server *server = NULL;
    bool ready = folder_make_temporary(folder, "hostsession-bench");
    snprintf(config, sizeof(config), "%s/config", folder);
    if (ready)
        server = ssh_server_start(folder, &options, &why);
    if (server != NULL && write_config(server, config)) {
        setenv(config_variable, config, 1);
        for (size_t i = 0; i < (context->quick ? 1 : BENCH_COUNT(hosts)); i++)
            measure(context, config, hosts[i]);
        unsetenv(config_variable);
    } else {
        bench_report_value(context->report, "hosts at once", "library", 0, 0, BENCH_MILLISECONDS,
                           why.length > 0 ? text_data(&why) : "cannot write files");
    }
    ssh_server_stop(server);
    if (ready)
        folder_remove(folder);
    text_free(&why);
}
