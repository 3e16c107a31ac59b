/* SPDX-License-Identifier: MIT */
/*
 * soak [--seconds N] [--sessions N] [--ssh N] [--seed N]
 *
 * Many sessions on one loop for a long time, on terminals, on pipes and over SSH, each with commands whose result is
 * known, deadlines, cancels, shells that are killed or exit, closes at any moment, and new shells in their place. Every
 * result is checked; at the end nothing may be left, and what the process needs must not have grown.  The seed that is
 * printed plays the same commands again.
 */
#include "plan.h"

#include "../support/folder.h"
#include "../support/process.h"
#include "../support/ssh_server.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { most_opening = 16, patience_ms = 120000, look_ms = 500 };

typedef struct soak soak;

/* A place for sessions, one after another. */
typedef struct slot {
    soak *all;
    hostsession *session;
    bool remote;
    bool open;
    bool busy;
    bool closing; /* what was under way is told that it was canceled */
    int counter;  /* the shell's variable */
    plan plan;
    long long due; /* when it does something next */
} slot;

struct soak {
    hostsession_loop *loop;
    slot *slots;
    size_t count;
    size_t remote_count;
    unsigned seed;
    const char *config_file;
    long long now;
    long long until;
    int opening;
    bool ending;
    unsigned long long commands[PLAN_KINDS];
    unsigned long long opened;
    unsigned long long wrong;
    size_t memory_early;
    size_t memory_late;
};

static unsigned pick(soak *s, unsigned below) {
    s->seed = s->seed * 1103515245u + 12345u;
    return (s->seed >> 8) % below;
}

static void complain(soak *s, const slot *at, const char *what, const char *detail) {
    s->wrong++;
    fprintf(stderr, "soak: session %td (%s): %s: %s\n", at - s->slots, at->remote ? "ssh" : "local", what, detail);
}

static size_t memory_bytes(void) {
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file || fscanf(file, "%*u %lu", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* The more sessions, the longer each rests: the machine has time for all of them. */
static void rest(slot *at) {
    at->due = at->all->now + pick(at->all, 100 + (unsigned)at->all->count * 10);
}

static void close_slot(slot *at) {
    hostsession *session = at->session;
    at->closing = true;
    if (!at->open)
        at->all->opening--;
    at->session = NULL;
    at->open = at->busy = false;
    hostsession_close(session);
    at->closing = false;
    rest(at);
}

static void on_open(hostsession *session, const hostsession_failure *failure, void *userdata) {
    slot *at = userdata;
    (void)session;
    if (at->closing)
        return;
    at->all->opening--;
    at->open = true;
    at->counter = 0;
    at->all->opened++;
    if (failure) {
        complain(at->all, at, "it did not open", failure->message);
        at->plan.ends = true;
    }
    rest(at);
}

static void on_done(hostsession *session, hostsession_error error, hostsession_result *result, void *userdata) {
    slot *at = userdata;
    (void)session;
    char why[300];
    at->busy = false;
    if (!at->closing && !plan_check(&at->plan, error, result, why, sizeof why))
        complain(at->all, at, at->plan.command, why);
    if (!at->closing && !hostsession_result_session_alive(result))
        at->plan.ends = true;
    hostsession_result_free(result);
    rest(at);
}

static void open_slot(slot *at) {
    soak *s = at->all;
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    hostsession_ssh_options ssh = HOSTSESSION_SSH_OPTIONS_INIT;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    ssh.config_file = s->config_file;
    options.ssh = &ssh;
    options.loop = s->loop;
    options.mode = pick(s, 3) == 0 ? HOSTSESSION_MODE_PIPE : HOSTSESSION_MODE_TTY;
    options.connect_timeout_ms = patience_ms;
    options.recovery_timeout_ms = patience_ms;
    at->plan = (plan){.pipes = options.mode == HOSTSESSION_MODE_PIPE, .remote = at->remote};
    if (hostsession_open_start(at->remote ? "test-bash" : "local", &options, on_open, at, &at->session, &why) !=
        HOSTSESSION_OK) {
        complain(s, at, "it cannot be opened", why.message);
        rest(at);
        return;
    }
    s->opening++;
}

static void run(slot *at) {
    soak *s = at->all;
    plan_kind kind = (plan_kind)pick(s, PLAN_KINDS);
    plan_make(&at->plan, kind, pick(s, 1000000), &at->counter);
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    at->busy = true;
    s->commands[kind]++;
    if (hostsession_run_start(at->session, at->plan.command, &at->plan.options, on_done, at, NULL, &why) !=
        HOSTSESSION_OK) {
        at->busy = false;
        complain(s, at, at->plan.command, why.message);
    }
    at->due = s->now + patience_ms * 3;
    if (kind == PLAN_CANCEL || kind == PLAN_CLOSE)
        at->due = s->now + pick(s, 200);
}

/* What a session does when its time has come. */
static void act(slot *at) {
    soak *s = at->all;
    if (!at->session) {
        if (!s->ending && s->opening < most_opening)
            open_slot(at);
        else
            rest(at);
    } else if (s->ending || at->plan.ends || (at->busy && at->plan.kind == PLAN_CLOSE)) {
        close_slot(at);
    } else if (!at->open) {
        rest(at);
    } else if (at->busy && at->plan.kind == PLAN_CANCEL) {
        hostsession_cancel_current(at->session);
        at->due = s->now + patience_ms * 3;
    } else if (at->busy) {
        complain(s, at, at->plan.command, "it hangs");
        close_slot(at);
    } else {
        run(at);
    }
}

static bool any_session(const soak *s) {
    for (size_t i = 0; i < s->count; i++)
        if (s->slots[i].session)
            return true;
    return false;
}

static void turn(soak *s) {
    long long next = s->now + look_ms;
    for (size_t i = 0; i < s->count; i++) {
        slot *at = &s->slots[i];
        if (at->due <= s->now || (s->ending && at->session))
            act(at);
        next = at->due < next ? at->due : next;
    }
    hostsession_loop_run_once(s->loop, next > s->now ? next - s->now : 0);
    s->now = clock_ms();
}

/* Memory is looked at after each quarter of the time: the largest of the second against that of the last. */
static void note_memory(soak *s, long long started) {
    long long quarter = (s->now - started) * 4 / (s->until - started);
    size_t now = memory_bytes();
    if (quarter == 1 && now > s->memory_early)
        s->memory_early = now;
    if (quarter == 3 && now > s->memory_late)
        s->memory_late = now;
}

static bool is_flat(const soak *s) {
    const size_t slack = 4u * 1024 * 1024;
    return s->memory_late <= s->memory_early + s->memory_early / 4 + slack;
}

/* The shells of closed sessions end soon; each is a child of this process until it is reaped. */
static bool wait_for_children(soak *s, size_t count) {
    long long limit = clock_ms() + patience_ms;
    while (process_count_children() > count && clock_ms() < limit)
        hostsession_loop_run_once(s->loop, 50);
    return process_count_children() <= count;
}

static void play(soak *s, int seconds) {
    long long started = clock_ms();
    s->now = started;
    s->until = started + seconds * 1000LL;
    long long look = started;
    while (s->now < s->until) {
        turn(s);
        if (s->now >= look) {
            note_memory(s, started);
            look = s->now + look_ms;
        }
    }
    s->ending = true;
    while (any_session(s))
        turn(s);
}

static void report(const soak *s, size_t sessions) {
    static const char *const names[] = PLAN_NAMES;
    unsigned long long all = 0;
    for (int i = 0; i < PLAN_KINDS; i++)
        all += s->commands[i];
    printf("%zu sessions (%zu over ssh), %llu opened, %llu commands (", sessions, s->remote_count, s->opened, all);
    for (int i = 0; i < PLAN_KINDS; i++)
        printf("%s%s %llu", i ? ", " : "", names[i], s->commands[i]);
    printf(")\nmemory: %.1f MB in the second quarter, %.1f MB in the last\n", (double)s->memory_early / 1e6,
           (double)s->memory_late / 1e6);
}

static int soak_run(soak *s, int seconds) {
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    s->slots = calloc(s->count, sizeof *s->slots);
    /* The first loop of a process leaves two descriptors to the next ones: libuv's own, for signals. */
    if (!s->slots || hostsession_loop_new(&s->loop, &why) != HOSTSESSION_OK)
        return 1;
    hostsession_loop_free(s->loop);
    int descriptors = process_count_descriptors();
    size_t children = process_count_children();
    if (hostsession_loop_new(&s->loop, &why) != HOSTSESSION_OK)
        return 1;
    for (size_t i = 0; i < s->count; i++)
        s->slots[i] = (slot){.all = s, .remote = i < s->remote_count};
    play(s, seconds);
    bool no_children = wait_for_children(s, children);
    hostsession_loop_free(s->loop);
    int left = process_count_descriptors() - descriptors;
    report(s, s->count);
    free(s->slots);
    if (!no_children)
        fprintf(stderr, "soak: a process was left behind\n");
    if (left > 0)
        fprintf(stderr, "soak: %d descriptors were left open\n", left);
    if (!is_flat(s))
        fprintf(stderr, "soak: memory has grown\n");
    bool right = no_children && left <= 0 && is_flat(s) && s->wrong == 0 && s->opened > 0;
    printf("%s\n", right ? "all results right, nothing left behind" : "WRONG");
    return right ? 0 : 1;
}

static void raise_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static bool parse(int argc, char **argv, soak *s, int *seconds) {
    static const struct option options[] = {{"seconds", required_argument, NULL, 't'},
                                            {"sessions", required_argument, NULL, 'n'},
                                            {"ssh", required_argument, NULL, 'r'},
                                            {"seed", required_argument, NULL, 's'},
                                            {0}};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        unsigned long value = optarg ? strtoul(optarg, NULL, 10) : 0;
        if (option == 't')
            *seconds = (int)value;
        else if (option == 'n')
            s->count = value;
        else if (option == 'r')
            s->remote_count = value;
        else if (option == 's')
            s->seed = (unsigned)value;
        else
            return false;
    }
    return optind == argc && s->count > 0 && *seconds > 0;
}

int main(int argc, char **argv) {
    soak s = {.count = 500, .seed = (unsigned)clock_ms()};
    int seconds = 120;
    if (!parse(argc, argv, &s, &seconds)) {
        fprintf(stderr, "usage: soak [--seconds N] [--sessions N] [--ssh N] [--seed N]\n");
        return 2;
    }
    raise_limit();
    printf("seed %u, %d seconds\n", s.seed, seconds);
    fflush(stdout);
    char folder[256];
    text why = {0};
    ssh_server_options with = {.config = "MaxStartups 100:30:200\n"};
    ssh_server *server = NULL;
    if (!folder_make_temporary(folder, "hostsession-soak"))
        return 1;
    if (s.remote_count && ssh_server_available(NULL, &why))
        server = ssh_server_start(folder, &with, &why);
    if (s.remote_count && !server) {
        printf("without ssh: %s\n", text_data(&why));
        s.remote_count = 0;
    }
    s.remote_count = s.remote_count < s.count ? s.remote_count : s.count;
    s.config_file = server ? ssh_server_config(server) : NULL;
    int status = soak_run(&s, seconds);
    ssh_server_stop(server);
    text_free(&why);
    folder_remove(folder);
    return status;
}
