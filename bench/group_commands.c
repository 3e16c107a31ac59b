/* SPDX-License-Identifier: MIT */
/* How long one small command takes. */
#include "contenders.h"

#include <string.h>

static const char *const dash[] = {"dash", NULL};
static const char *const echo_loop[] = {"bash", "-c", "while read -r l; do echo \"$l\"; done", NULL};

static void run_true_tty(const bench_context *context) {
    enum { LIBRARY, REPLAYED, PLAIN, EXPECT, PEXPECT };
    static const bench_command command = {HOSTSESSION_MODE_TTY, NULL, "true", NULL, NULL};
    static const bench_plain_command plain = {bench_bash, true, "true"};
    static const bench_peer expect = {"expect", "shell.tcl", "true", NULL, 0};
    static const bench_peer pexpect = {"/usr/bin/python3", "shell.py", "true", NULL, 0};
    bench_contender contenders[] = {
        [LIBRARY] = {.name = "library", .kind = &bench_library_command, .config = &command},
        [REPLAYED] = {.name = "bare loop, same bytes", .kind = &bench_replayed_command, .config = &command},
        [PLAIN] = {.name = "bare loop, plain line", .kind = &bench_plain_loop, .config = &plain},
        [EXPECT] = {.name = "expect, plain line", .kind = &bench_peer_script, .config = &expect},
        [PEXPECT] = {.name = "pexpect, plain line", .kind = &bench_peer_script, .config = &pexpect},
    };
    static const bench_comparison comparisons[] = {
        {LIBRARY, REPLAYED, 0, BENCH_MICROSECONDS, BENCH_AT_MOST, 1.25, 0, NULL, 0},
        {LIBRARY, PLAIN, 0, BENCH_MICROSECONDS, BENCH_NO_BAR, 0, 0, NULL, 0},
        {LIBRARY, EXPECT, 0, BENCH_MICROSECONDS, BENCH_AT_MOST, 0.8, 0, NULL, REPLAYED},
        {LIBRARY, PEXPECT, 0, BENCH_MICROSECONDS, BENCH_NO_BAR, 0, 0, NULL, 0},
    };
    bench_group group = {"true, terminal",
                         contenders,
                         BENCH_COUNT(contenders),
                         comparisons,
                         BENCH_COUNT(comparisons),
                         context->quick ? 7 : 21,
                         context->quick ? 100 : 200,
                         BENCH_PINNED | BENCH_UNPINNED,
                         0};
    bench_group_run(context, &group);
}

static void run_true_pipe(const bench_context *context) {
    enum { LIBRARY, REPLAYED, PLAIN, READ_ECHO };
    static const bench_command command = {HOSTSESSION_MODE_PIPE, NULL, "true", NULL, NULL};
    static const bench_plain_command plain = {bench_bash, false, "true"};
    bench_contender contenders[] = {
        [LIBRARY] = {.name = "library", .kind = &bench_library_command, .config = &command},
        [REPLAYED] = {.name = "bare loop, same bytes", .kind = &bench_replayed_command, .config = &command},
        [PLAIN] = {.name = "bare loop, plain line", .kind = &bench_plain_loop, .config = &plain},
        [READ_ECHO] = {.name = "bash read/echo loop", .kind = &bench_line_echo, .config = echo_loop},
    };
    static const bench_comparison comparisons[] = {
        {LIBRARY, REPLAYED, 0, BENCH_MICROSECONDS, BENCH_AT_MOST, 1.25, 0, NULL, 0},
        {LIBRARY, PLAIN, 0, BENCH_MICROSECONDS, BENCH_NO_BAR, 0, 0, NULL, 0},
        {LIBRARY, READ_ECHO, 0, BENCH_MICROSECONDS, BENCH_AT_MOST, 3, BENCH_PINNED, NULL, REPLAYED},
    };
    bench_group group = {"true, pipes",
                         contenders,
                         BENCH_COUNT(contenders),
                         comparisons,
                         BENCH_COUNT(comparisons),
                         context->quick ? 7 : 21,
                         context->quick ? 100 : 200,
                         BENCH_PINNED | BENCH_UNPINNED,
                         0};
    bench_group_run(context, &group);
}

static void run_true_dash(const bench_context *context) {
    enum { LIBRARY, REPLAYED, PLAIN };
    static const bench_command command = {HOSTSESSION_MODE_PIPE, "dash", "true", NULL, NULL};
    static const bench_plain_command plain = {dash, false, "true"};
    bench_contender contenders[] = {
        [LIBRARY] = {.name = "library", .kind = &bench_library_command, .config = &command},
        [REPLAYED] = {.name = "bare loop, same bytes", .kind = &bench_replayed_command, .config = &command},
        [PLAIN] = {.name = "bare loop, plain line", .kind = &bench_plain_loop, .config = &plain},
    };
    static const bench_comparison comparisons[] = {
        {LIBRARY, REPLAYED, 0, BENCH_MICROSECONDS, BENCH_NO_BAR, 0, 0, NULL, 0},
        {LIBRARY, PLAIN, 0, BENCH_MICROSECONDS, BENCH_NO_BAR, 0, 0, NULL, 0},
    };
    bench_group group = {"true, pipes, dash",
                         contenders,
                         BENCH_COUNT(contenders),
                         comparisons,
                         BENCH_COUNT(comparisons),
                         context->quick ? 5 : 11,
                         context->quick ? 100 : 200,
                         BENCH_PINNED | BENCH_UNPINNED,
                         0};
    bench_group_run(context, &group);
}

/* A command of 1 kB: `: xxx...`. */
static void run_long_command(const bench_context *context, hostsession_mode mode, const char *title) {
    enum { LIBRARY, REPLAYED, PLAIN };
    static char text[1025];
    memset(text, 'x', sizeof(text) - 1);
    text[0] = ':';
    text[1] = ' ';
    const bench_command command = {mode, NULL, text, NULL, NULL};
    const bench_plain_command plain = {bench_bash, mode == HOSTSESSION_MODE_TTY, text};
    bench_contender contenders[] = {
        [LIBRARY] = {.name = "library", .kind = &bench_library_command, .config = &command},
        [REPLAYED] = {.name = "bare loop, same bytes", .kind = &bench_replayed_command, .config = &command},
        [PLAIN] = {.name = "bare loop, plain line", .kind = &bench_plain_loop, .config = &plain},
    };
    static const bench_comparison comparisons[] = {
        {LIBRARY, REPLAYED, 0, BENCH_MICROSECONDS, BENCH_NO_BAR, 0, 0, NULL, 0},
        {LIBRARY, PLAIN, 0, BENCH_MICROSECONDS, BENCH_NO_BAR, 0, 0, NULL, 0},
    };
    bench_group group = {title,
                         contenders,
                         BENCH_COUNT(contenders),
                         comparisons,
                         BENCH_COUNT(comparisons),
                         context->quick ? 5 : 11,
                         context->quick ? 50 : 100,
                         BENCH_PINNED | BENCH_UNPINNED,
                         0};
    bench_group_run(context, &group);
}

void bench_run_commands(const bench_context *context) {
    run_true_tty(context);
    run_true_pipe(context);
    run_true_dash(context);
    run_long_command(context, HOSTSESSION_MODE_TTY, "1 kB command, terminal");
    run_long_command(context, HOSTSESSION_MODE_PIPE, "1 kB command, pipes");
}
