/* SPDX-License-Identifier: MIT */
/* Commands and their output over telnet, on a telnetd on this machine, beside a bare loop that acknowledges quickly. */
#include "contenders.h"
#include "data.h"

#include "../tests/support/folder.h"
#include "../tests/support/telnet_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BYTES = 256 * 1024, MEDIAN = 0, SLOWEST_OF_100 = 1, IAC = 255, SB = 250, SE = 240 };

/* One command again and again, or one that prints much. */
typedef struct telnet_work {
    unsigned port;
    const char *text;
    /* What it prints; 0: nothing. */
    size_t output_bytes;
} telnet_work;

/* ---- The median, and the 99th percentile, of the times of a round ------------------------------------------------ */

typedef bool run_once_fn(bench_contender *self, const telnet_work *work);

static bool time_round(bench_contender *self, unsigned count, double *metrics, run_once_fn *run_once) {
    const telnet_work *work = self->config;
    double *times = calloc(count, sizeof(*times));
    bool right = times != NULL;
    for (unsigned i = 0; right && i < count; i++) {
        double before = bench_now();
        right = run_once(self, work);
        times[i] = bench_now() - before;
    }
    if (right) {
        metrics[MEDIAN] = bench_median(times, count);
        metrics[SLOWEST_OF_100] = times[count * 99 / 100];
        if (work->output_bytes > 0)
            metrics[MEDIAN] = (double)work->output_bytes / metrics[MEDIAN];
    }
    free(times);
    return right;
}

/* ---- The library ------------------------------------------------------------------------------------------------- */

static bool library_once(bench_contender *self, const telnet_work *work) {
    hostsession_result *result = NULL;
    hostsession_error error = hostsession_run(self->state, work->text, NULL, &result);
    bool right =
        error == HOSTSESSION_OK && hostsession_result_exit_status(result) == 0 &&
        hostsession_result_output_bytes(result) + hostsession_result_dropped_bytes(result) == work->output_bytes;
    hostsession_result_free(result);
    return right || bench_fail(self, "`%.40s`: %s", work->text, hostsession_error_name(error));
}

static bool library_start(bench_contender *self) {
    const telnet_work *work = self->config;
    char target[64];
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    snprintf(target, sizeof(target), "telnet://127.0.0.1:%u", work->port);
    options.connect_timeout_ms = 60000;
    options.max_output_bytes = HOSTSESSION_UNLIMITED;
    self->state = bench_open_at(self, target, &options);
    return self->state != NULL;
}

static bool library_round(bench_contender *self, unsigned count, double *metrics) {
    return time_round(self, count, metrics, library_once);
}

static void library_stop(bench_contender *self) {
    hostsession_close(self->state);
    self->state = NULL;
}

static const bench_kind library_kind = {library_start, library_round, library_stop};

/* ---- A bare loop: a socket, and as little telnet as there can be ------------------------------------------------- */

typedef struct bare {
    int descriptor;
    char bytes[READ_BYTES];
} bare;

/* Read once, acknowledge, refuse what is asked for but BINARY, and return how much of it is data, which is moved
 * together.  Options come one by one, when the connection is new: none is cut. */
static size_t bare_read(bare *b) {
    const int on = 1;
    ssize_t got = recv(b->descriptor, b->bytes, sizeof(b->bytes), 0);
    if (got <= 0)
        return 0;
    setsockopt(b->descriptor, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
    char *out = b->bytes;
    const char *end = b->bytes + got;
    for (const char *at = b->bytes; at < end;) {
        const char *iac = memchr(at, IAC, (size_t)(end - at));
        size_t run = (size_t)((iac != NULL ? iac : end) - at);
        if (out != at)
            memmove(out, at, run);
        out += run;
        at += run;
        if (iac == NULL || end - at < 3)
            break;
        unsigned char verb = (unsigned char)at[1];
        const char *stop = verb == SB ? memchr(at, SE, (size_t)(end - at)) : NULL;
        unsigned char answer =
            verb == 251 ? (at[2] == 0 || at[2] == 1 || at[2] == 3 ? 253 : 254) : (at[2] == 0 || at[2] == 3 ? 251 : 252);
        char told[3] = {(char)IAC, (char)answer, at[2]};
        if ((verb == 251 || verb == 253) && !bench_write_all(b->descriptor, told, sizeof(told)))
            return 0;
        at = stop != NULL ? stop + 1 : at + 3;
    }
    /* Nothing but options came. */
    return out == b->bytes ? bare_read(b) : (size_t)(out - b->bytes);
}

/* Until `end` ends what came, `length` bytes with it; 0: of any length. */
static bool bare_read_until(bare *b, const char *end, size_t length) {
    char tail[32] = "";
    size_t end_length = strlen(end);
    size_t received = 0;
    for (;;) {
        size_t got = bare_read(b);
        if (got == 0)
            return false;
        received += got;
        if (got >= end_length) {
            memcpy(tail, b->bytes + got - end_length, end_length);
        } else {
            memmove(tail, tail + got, end_length - got);
            memcpy(tail + end_length - got, b->bytes, got);
        }
        if (memcmp(tail, end, end_length) == 0)
            return length == 0 || received == length;
    }
}

static bool bare_once(bench_contender *self, const telnet_work *work) {
    static const char end[] = "END0\n";
    bare *b = self->state;
    char line[256];
    int length = snprintf(line, sizeof(line), "%s; echo END$?\n", work->text);
    return (bench_write_all(b->descriptor, line, (size_t)length) &&
            bare_read_until(b, end, work->output_bytes + sizeof(end) - 1)) ||
           bench_fail(self, "the server did not answer `%.40s`", work->text);
}

static bool bare_connect(bare *b, unsigned port) {
    const int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((in_port_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    b->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return b->descriptor >= 0 && connect(b->descriptor, (struct sockaddr *)&address, sizeof(address)) == 0 &&
           setsockopt(b->descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0;
}

/* BINARY, as the library has it; and no editing, no prompt and no echo. */
static bool bare_start(bench_contender *self) {
    static const char binary[] = {(char)IAC, (char)253, 0, (char)IAC, (char)251, 0};
    static const char quiet[] = "stty -echo -opost; PS1= PS2=; set +o emacs; echo REA''DY\n";
    const telnet_work *work = self->config;
    bare *b = calloc(1, sizeof(*b));
    self->state = b;
    if (b == NULL)
        return bench_fail(self, "no memory");
    return (bare_connect(b, work->port) && bare_read_until(b, "$ ", 0) &&
            bench_write_all(b->descriptor, binary, sizeof(binary)) &&
            bench_write_all(b->descriptor, quiet, sizeof(quiet) - 1) && bare_read_until(b, "READY\n", 0)) ||
           bench_fail(self, "no shell answered");
}

static bool bare_round(bench_contender *self, unsigned count, double *metrics) {
    return time_round(self, count, metrics, bare_once);
}

static void bare_stop(bench_contender *self) {
    bare *b = self->state;
    if (b != NULL && b->descriptor >= 0)
        close(b->descriptor);
    free(b);
    self->state = NULL;
}

static const bench_kind bare_kind = {bare_start, bare_round, bare_stop};

/* ---- The rows ---------------------------------------------------------------------------------------------------- */

enum { LIBRARY, BARE };

static const bench_comparison command_rows[] = {
    {LIBRARY, BARE, MEDIAN, BENCH_MICROSECONDS, BENCH_AT_MOST, 1.5, 0, "median", 0},
    {LIBRARY, BARE, SLOWEST_OF_100, BENCH_MICROSECONDS, BENCH_NO_BAR, 0, 0, "99th percentile", 0},
};
static const bench_comparison output_rows[] = {
    {LIBRARY, BARE, MEDIAN, BENCH_MEGABYTES_PER_SECOND, BENCH_AT_LEAST, 0.8, 0, NULL, 0},
};

static void measure(const bench_context *context, const char *title, const telnet_work *work) {
    bool command = work->output_bytes == 0;
    bench_contender contenders[] = {
        [LIBRARY] = {.name = "library", .kind = &library_kind, .config = work},
        [BARE] = {.name = "bare telnet loop", .kind = &bare_kind, .config = work},
    };
    bench_group group = {
        .title = title,
        .contenders = contenders,
        .contender_count = BENCH_COUNT(contenders),
        .comparisons = command ? command_rows : output_rows,
        .comparison_count = command ? BENCH_COUNT(command_rows) : BENCH_COUNT(output_rows),
        .rounds = context->quick ? 5
                  : command      ? 11
                                 : 7,
        .batch = !command         ? 1
                 : context->quick ? 100
                                  : 500,
        .placements = BENCH_UNPINNED,
    };
    bench_group_run(context, &group);
    if (!command)
        return;
    const bench_contender *library = &contenders[LIBRARY];
    double ratios[BENCH_MAX_ROUNDS];
    for (unsigned i = 0; i < group.rounds; i++)
        ratios[i] = library->samples[SLOWEST_OF_100][i] / library->samples[MEDIAN][i];
    bench_report_value(context->report, "telnet true, 99th percentile over median", "library",
                       library->why[0] != '\0' ? 0 : bench_median(ratios, group.rounds), 10, BENCH_NUMBER,
                       library->why[0] != '\0' ? library->why : NULL);
}

static void measure_output(const bench_context *context, unsigned port) {
    bench_contender self = {0};
    bench_data data = {.descriptor = -1};
    if (bench_data_make(&data, context->quick ? 10000000 : 100000000, false, &self)) {
        const telnet_work work = {port, data.print_command, data.length};
        measure(context, context->quick ? "telnet, 10 MB" : "telnet, 100 MB", &work);
    } else {
        bench_report_value(context->report, "telnet, output", "library", 0, 0, BENCH_MEGABYTES_PER_SECOND, self.why);
    }
    bench_data_free(&data);
}

void bench_run_telnet(const bench_context *context) {
    static const char login[] = "#!/bin/sh\nexec env -i HOME=/ TERM=dumb PATH=/usr/bin:/bin PS1='$ ' "
                                "HISTFILE=/dev/null bash --noediting --norc --noprofile\n";
    char folder[256];
    char path[300];
    text why = {0};
    telnet_server *server = NULL;
    if (telnet_server_available(false, &why) && folder_make_temporary(folder, "hostsession-bench")) {
        snprintf(path, sizeof(path), "%s/login", folder);
        if (file_write(path, login, sizeof(login) - 1) && chmod(path, 0755) == 0)
            server = telnet_server_start(path, &why);
        if (server != NULL) {
            const telnet_work commands = {telnet_server_port(server), "true", 0};
            measure(context, "telnet true", &commands);
            measure_output(context, telnet_server_port(server));
            telnet_server_stop(server);
        }
        folder_remove(folder);
    }
    if (server == NULL)
        bench_report_value(context->report, "telnet", "library", 0, 0, BENCH_MICROSECONDS, text_data(&why));
    text_free(&why);
}
