/* SPDX-License-Identifier: MIT */
/* How far a process grows while a command prints a lot. */
#include "contenders.h"
#include "data.h"

#include <string.h>

/* One line of /proc/self/status, in bytes. */
static double status_bytes(const char *name) {
    char line[256];
    double bytes = 0;
    FILE *from = fopen("/proc/self/status", "re");
    while (from != NULL && fgets(line, sizeof(line), from) != NULL) {
        double kibibytes;
        size_t length = strlen(name);
        if (strncmp(line, name, length) == 0 && sscanf(line + length, ": %lf kB", &kibibytes) == 1)
            bytes = kibibytes * 1024;
    }
    if (from != NULL)
        fclose(from);
    return bytes;
}

static bool run_quietly(hostsession *session, const char *command, const hostsession_run_options *options) {
    hostsession_result *result = NULL;
    hostsession_error error = hostsession_run(session, command, options, &result);
    hostsession_result_free(result);
    return error == HOSTSESSION_OK;
}

/* numbers: mode, bytes of output, limit (0: none), one line instead of many.  Prints the growth. */
static int run_memory_child(const double *numbers, size_t count) {
    bench_contender self = {0};
    bench_data data;
    if (count < 4 || !bench_data_make(&data, (size_t)numbers[1], numbers[3] != 0, &self)) {
        puts(self.why);
        return 1;
    }
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    options.mode = numbers[0] != 0 ? HOSTSESSION_MODE_PIPE : HOSTSESSION_MODE_TTY;
    options.max_output_bytes = numbers[2] != 0 ? (size_t)numbers[2] : HOSTSESSION_UNLIMITED;
    hostsession *session = bench_open(&self, &options);
    bool done = session != NULL && run_quietly(session, "true", NULL);
    double before = status_bytes("VmRSS");
    done = done && run_quietly(session, data.print_command, NULL);
    double after = status_bytes("VmHWM");
    hostsession_close(session);
    bench_data_free(&data);
    if (!done)
        puts(self.why[0] != '\0' ? self.why : "the command failed");
    else
        printf("%.0f 0 0\n", after - before);
    return done ? 0 : 1;
}

const bench_child bench_memory_child = {"memory", run_memory_child};

static void measure(const bench_context *context, const char *title, bool pipe, double output, double limit,
                    bool one_line) {
    bench_child_work work = {&bench_memory_child, {pipe, output, limit, one_line}, 4};
    bench_contender contender = {.name = "library", .kind = &bench_child_process, .config = &work};
    double metrics[BENCH_METRICS] = {0};
    fprintf(stderr, "bench: %s\n", title);
    bool done = contender.kind->round(&contender, 1, metrics);
    double most = limit > 0 ? limit + 1e6 : output * 1.1;
    bench_report_value(context->report, title, contender.name, metrics[0], most, BENCH_KILOBYTES,
                       done ? NULL : contender.why);
}

void bench_run_memory(const bench_context *context) {
    const double output = context->quick ? 30e6 : 100e6;
    const double limit = 1 << 20;
    measure(context, "peak growth, pipes, 1 MiB kept", true, output, limit, false);
    measure(context, "peak growth, pipes, one line, 1 MiB", true, output, limit, true);
    measure(context, "peak growth, pipes, all kept", true, output, 0, false);
    measure(context, "peak growth, terminal, 1 MiB kept", false, output, limit, false);
    measure(context, "peak growth, terminal, all kept", false, output, 0, false);
}
