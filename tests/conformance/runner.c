/* SPDX-License-Identifier: MIT */
/*
 * conformance --shell NAME --mode tty|pipe [--transport NAME] [--case NAME]... [--repeat N] [--again N] [--jobs N]
 *             [--list]
 *
 * Runs the table of cases against one shell and prints TAP.  Each case runs in a process of its own with a bound, so
 * that a hang or a crash of one is a failure of that one.  Most cases wait more than they work, so several run at once.
 */
#include "context.h"

#include "../support/folder.h"
#include "../support/process.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { case_bound_ms = 90000, long_case_bound_ms = 240000, max_names = 64 };

struct request {
    const struct shell_row *shell;
    const struct transport_row *transport;
    hostsession_mode mode;
    const char *names[max_names];
    size_t name_count;
    int repeat;
    int again; /* how often a case that failed is tried again, to tell "now and then" from "always" */
    int jobs;
    bool list;
};

/*
 * What is known to go wrong in driving a shell, and the cases for it:
 *   text that swallows what is glued after it, open quotes and blocks   text_cases, syntax_cases
 *   newlines, long lines, control characters, `!`, history             text_cases, size_cases
 *   commands that read standard input                                  input_cases
 *   set -e -u -x -v -n and all other options                           option_cases, every_option_cases
 *   aliases, functions, variables named as the frame's                 name_cases
 *   DEBUG, ERR, RETURN, EXIT and signal traps                          trap_cases
 *   PS1, hooks, start-up files                                         prompt_cases
 *   exec redirections, closed descriptors                              descriptor_cases
 *   stty, reset, raw mode, terminal width                              terminal_cases
 *   background jobs, notices                                           background_cases
 *   late ENDs, REPLs that echo, SIGINT ignored, floods, orphans        deadline_cases, cancel_cases
 *   bounded memory, runaway patterns                                   limit_cases, expectation_cases
 *   flushed type-ahead, fake password prompts, split secrets           expectation_cases, raw_cases
 *   forged and replayed markers, NUL, 0xff, split UTF-8, long lines    forgery_cases, output_cases
 *   exit, exec, kill, return, errors that end a shell, orphans at close end_cases
 *   queueing, callbacks, run after close                               callback_cases, end_cases
 *   slow, chatty, wrong or no shell; restricted, other families        opening_cases, harm_cases
 * Not here, since they need another transport or layer: telnet's CR NUL and IAC; wrong logins, banners of a login,
 * forced password changes (what a local program can show of them is in opening_cases); keepalive and a connection that
 * drops (a local one ends with its shell); get-or-create races and pools of one-shots (the manager's); entering and
 * leaving nested shells on purpose (an inner shell started by hand is in raw_cases and deadline_cases).
 */
static const struct conformance_group *const groups[] = {
    /* Those first that wait long and compute little: the row ends sooner. */
    &opening_cases,      &harm_cases,   &raw_cases,    &name_cases,        &output_cases,   &status_cases,
    &state_cases,        &text_cases,   &syntax_cases, &size_cases,        &option_cases,   &trap_cases,
    &every_option_cases, &prompt_cases, &input_cases,  &descriptor_cases,  &terminal_cases, &deadline_cases,
    &background_cases,   &cancel_cases, &limit_cases,  &expectation_cases, &callback_cases, &forgery_cases,
    &end_cases,          &place_cases,
};
enum { group_count = sizeof groups / sizeof groups[0] };

static bool is_wanted(const struct request *request, const char *name) {
    for (size_t i = 0; i < request->name_count; i++)
        if (strcmp(request->names[i], name) == 0)
            return true;
    return request->name_count == 0;
}

/* Why a case is not for this row; NULL when it is. */
static const char *reason_to_skip(const struct request *request, const struct conformance_case *test) {
    unsigned mode = request->mode == HOSTSESSION_MODE_TTY ? TTY : PIPE;
    if (test->modes && !(test->modes & mode))
        return mode == TTY ? "about pipes" : "about a terminal";
    if (test->shells && !(test->shells & request->shell->kind))
        return "about a feature of other shells";
    if ((test->flags & STARTED_HERE) && !(request->transport->capabilities & REACH_LOCAL))
        return "about shells that the library starts itself";
    if ((test->flags & CHOOSES_SHELL) && !(request->transport->capabilities & REACH_SHELL))
        return "about a shell that is asked for by name";
    if ((test->flags & ONCE) && request->shell->kind != BASH)
        return "does not depend on the shell: run with bash";
    return NULL;
}

/* In the process of the case: nothing of the caller's own environment may matter. */
static void set_environment(const char *home) {
    const char *path = getenv("PATH");
    const char *sanitizers[] = {"ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "LD_LIBRARY_PATH"};
    char *kept[4];
    for (size_t i = 0; i < 4; i++) {
        const char *value = getenv(sanitizers[i]);
        kept[i] = value ? strdup(value) : NULL;
    }
    char *path_copy = strdup(path ? path : "/usr/bin:/bin");
    clearenv();
    for (size_t i = 0; i < 4; i++) {
        if (kept[i])
            setenv(sanitizers[i], kept[i], 1);
        free(kept[i]);
    }
    setenv("PATH", path_copy, 1);
    free(path_copy);
    setenv("HOME", home, 1);
    setenv("LANG", "C.UTF-8", 1);
    setenv("TERM", "xterm", 1);
    setenv("TMPDIR", home, 1);
}

static _Noreturn void run_case_here(const struct request *request, const struct conformance_case *test,
                                    const char *home, const char *stderr_path, int number) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    set_environment(home);
    int errors = open(stderr_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (errors < 0 || input < 0 || dup2(errors, STDERR_FILENO) < 0 || dup2(input, STDIN_FILENO) < 0)
        exit(1);
    close(errors);
    close(input);
    struct context t = {.shell = request->shell, .transport = request->transport, .mode = request->mode};
    snprintf(t.home, sizeof t.home, "%s", home);
    snprintf(t.tag, sizeof t.tag, "7%d%03d", (int)getpid(), number);
    exit(context_run_case(&t, test) == 0 ? 0 : 1);
}

/* Processes that the case left come to this one; they may take a moment to end. */
static bool reap_all(void) {
    bool right = true;
    long long until = clock_ms() + process_end_bound_ms;
    for (;;) {
        pid_t pid = waitpid(-1, NULL, WNOHANG);
        if (pid < 0)
            return right;
        if (pid > 0)
            continue;
        pid_t left = process_find_child();
        long long wait = until - clock_ms();
        if (left == 0 || process_wait_end(left, wait > 0 ? (int)wait : 0))
            continue;
        text line = {0};
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/cmdline", (int)left);
        file_read(path, &line);
        printf("# process %d was left behind: ", (int)left);
        text shown = {0};
        text_add_escaped(&shown, text_data(&line), line.length);
        printf("%s\n", text_data(&shown));
        text_free(&shown);
        text_free(&line);
        kill(left, SIGKILL);
        process_wait_end(left, process_end_bound_ms);
        right = false;
    }
}

/* Returns whether the case's process ended by itself; false when it hung, or a signal asks this program to end. */
static bool wait_for_case(pid_t pid, int signals, int bound_ms, bool *ret_asked_to_end) {
    int process = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd waits[] = {{.fd = process, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    int ready;
    do {
        ready = poll(waits, 2, bound_ms);
    } while (ready < 0 && errno == EINTR);
    close(process);
    *ret_asked_to_end = ready > 0 && waits[1].revents != 0;
    return ready > 0 && waits[0].revents != 0;
}

static bool show_errors(const char *path) {
    text errors = {0};
    file_read(path, &errors);
    bool none = errors.length == 0;
    if (!none)
        printf("# on standard error: %s\n", text_data(&errors));
    text_free(&errors);
    return none;
}

/* In a process of its own, so that what a case leaves behind comes to it and to no other case's. */
static bool try_case(const struct request *request, const struct conformance_case *test, const char *folder,
                     int signals, int number) {
    char home[300];
    char errors[300];
    snprintf(home, sizeof home, "%s/%d", folder, number);
    snprintf(errors, sizeof errors, "%s/%d.stderr", folder, number);
    mkdir(home, 0700);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        run_case_here(request, test, home, errors, number);
    bool asked_to_end = false;
    bool ended = wait_for_case(pid, signals, test->flags & LONG ? long_case_bound_ms : case_bound_ms, &asked_to_end);
    if (!ended)
        kill(pid, SIGKILL);
    int status = 0;
    waitpid(pid, &status, 0);
    if (!ended)
        printf("# %s\n", asked_to_end ? "stopped by a signal" : "the case hangs: it was killed");
    else if (WIFSIGNALED(status))
        printf("# the case died of signal %d\n", WTERMSIG(status));
    bool clean = reap_all();
    bool silent = show_errors(errors);
    folder_remove(home);
    remove(errors);
    return ended && status == 0 && clean && silent;
}

static _Noreturn void run_case(const struct request *request, const struct conformance_case *test, const char *folder,
                               int signals, int number) {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    long long started = clock_ms();
    bool right = try_case(request, test, folder, signals, number);
    /* TAP's TODO: told apart, and told. */
    bool now_and_then = false;
    for (int again = 0; !right && !now_and_then && again < request->again; again++)
        now_and_then = try_case(request, test, folder, signals, number);
    printf("%s %d - %s # %s%lld ms\n", right ? "ok" : "not ok", number, test->name,
           now_and_then ? "TODO fails now and then, " : "", clock_ms() - started);
    exit(right || now_and_then ? 0 : 1);
}

static int usage(const char *message) {
    fprintf(stderr,
            "conformance: %s\nusage: conformance --shell NAME --mode tty|pipe [--transport NAME] "
            "[--case NAME]... [--repeat N] [--again N] [--jobs N] [--list]\n",
            message);
    return 2;
}

/* 0, or the exit status for a wrong command line. */
static int parse(int argc, char **argv, struct request *request) {
    static const struct option options[] = {{"shell", required_argument, NULL, 's'},
                                            {"mode", required_argument, NULL, 'm'},
                                            {"transport", required_argument, NULL, 't'},
                                            {"case", required_argument, NULL, 'c'},
                                            {"repeat", required_argument, NULL, 'r'},
                                            {"again", required_argument, NULL, 'a'},
                                            {"jobs", required_argument, NULL, 'j'},
                                            {"list", no_argument, NULL, 'l'},
                                            {0}};
    *request = (struct request){.shell = shell_rows, .transport = transport_rows, .repeat = 1, .jobs = 2};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 's' && !(request->shell = shell_row_find(optarg)))
            return usage("no such shell");
        if (option == 't' && !(request->transport = transport_row_find(optarg)))
            return usage("no such transport");
        if (option == 'm')
            request->mode = strcmp(optarg, "pipe") == 0 ? HOSTSESSION_MODE_PIPE : HOSTSESSION_MODE_TTY;
        if (option == 'c' && request->name_count < max_names)
            request->names[request->name_count++] = optarg;
        if (option == 'r')
            request->repeat = (int)strtol(optarg, NULL, 10);
        if (option == 'a')
            request->again = (int)strtol(optarg, NULL, 10);
        if (option == 'j' && (request->jobs = (int)strtol(optarg, NULL, 10)) < 1)
            return usage("--jobs wants a number");
        if (option == 'l')
            request->list = true;
        if (option == '?')
            return usage("unknown option");
    }
    unsigned mode = request->mode == HOSTSESSION_MODE_TTY ? TTY : PIPE;
    if (optind != argc || !(request->shell->modes & mode) || !(request->transport->modes & mode) ||
        !(request->transport->shells & request->shell->kind))
        return usage("this shell or transport is not tested in this mode");
    return 0;
}

/* A case that was started, or one that is not for this row; its lines are printed in the order of the table. */
struct job {
    const struct conformance_case *test;
    pid_t pid; /* 0: ended */
    FILE *lines;
    bool right;
};

static bool start_job(const struct request *request, struct job *job, const char *folder, int signals, int number) {
    const char *skip = reason_to_skip(request, job->test);
    job->lines = tmpfile();
    if (!job->lines)
        return false;
    fcntl(fileno(job->lines), F_SETFD, FD_CLOEXEC);
    job->right = true;
    if (skip) {
        fprintf(job->lines, "ok %d - %s # SKIP %s\n", number, job->test->name, skip);
        fflush(job->lines);
        return true;
    }
    fflush(stdout);
    job->pid = fork();
    if (job->pid == 0) {
        dup2(fileno(job->lines), STDOUT_FILENO);
        run_case(request, job->test, folder, signals, number);
    }
    return job->pid > 0;
}

static void print_job(struct job *job) {
    rewind(job->lines);
    char piece[4096 + 8] = {0};
    size_t length;
    bool line_begins = true;
    while ((length = fread(piece, 1, sizeof piece - 8, job->lines)) > 0)
        for (size_t i = 0; i < length; i++) {
            /* What a message quotes may have lines of its own. */
            if (line_begins && piece[i] != '#' && strncmp(piece + i, "ok ", 3) != 0 &&
                strncmp(piece + i, "not ok ", 7) != 0)
                fputs("# ", stdout);
            line_begins = piece[i] == '\n';
            putchar(piece[i]);
        }
    fclose(job->lines);
    fflush(stdout);
}

static void finish_job(struct job *job, size_t number, int status) {
    job->pid = 0;
    job->right = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!WIFEXITED(status))
        fprintf(job->lines, "not ok %zu - %s\n", number, job->test->name);
}

static bool is_asked_to_end(int signals) {
    struct pollfd wait = {.fd = signals, .events = POLLIN};
    return poll(&wait, 1, 0) > 0;
}

/* Until a job ends, or this program is asked to. */
static void wait_for_signal(int children, int signals) {
    struct pollfd waits[] = {{.fd = children, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    bool asked = is_asked_to_end(signals);
    if (poll(waits, asked ? 1 : 2, -1) > 0 && waits[0].revents) {
        struct signalfd_siginfo child;
        while (read(children, &child, sizeof child) == (ssize_t)sizeof child)
            continue;
    }
}

/* Wait for a job to end; returns how many have.  All are ended when this program is asked to. */
static int collect_ended(struct job *jobs, size_t count, int children, int signals) {
    wait_for_signal(children, signals);
    for (size_t i = 0; i < count && is_asked_to_end(signals); i++)
        if (jobs[i].pid)
            kill(jobs[i].pid, SIGTERM);
    int ended = 0;
    int status = 0;
    /* Others are those of the server that the cases connect to. */
    for (size_t i = 0; i < count; i++)
        if (jobs[i].pid > 0 && waitpid(jobs[i].pid, &status, WNOHANG) > 0) {
            finish_job(&jobs[i], i + 1, status);
            ended++;
        }
    return ended;
}

/* Jobs that end tell it through a descriptor, so that a request to end is seen, too. */
static int open_children_descriptor(void) {
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    return signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int run_jobs(const struct request *request, struct job *jobs, size_t count, const char *folder, int signals) {
    int children = open_children_descriptor();
    size_t started = 0;
    size_t printed = 0;
    int running = 0;
    int failed = 0;
    while (printed < count) {
        while (started < count && running < request->jobs && !is_asked_to_end(signals)) {
            if (!start_job(request, &jobs[started], folder, signals, (int)started + 1)) {
                perror("conformance");
                return 1;
            }
            running += jobs[started++].pid != 0;
        }
        while (printed < started && jobs[printed].pid == 0) {
            failed += !jobs[printed].right;
            print_job(&jobs[printed++]);
        }
        if (running == 0 && is_asked_to_end(signals))
            return 1;
        if (running == 0)
            continue;
        running -= collect_ended(jobs, started, children, signals);
    }
    close(children);
    return failed;
}

static size_t select_cases(const struct request *request, struct job *jobs) {
    size_t count = 0;
    for (int round = 0; round < request->repeat; round++)
        for (size_t g = 0; g < group_count; g++)
            for (size_t i = 0; i < groups[g]->count; i++)
                if (is_wanted(request, groups[g]->cases[i].name)) {
                    if (jobs)
                        jobs[count].test = &groups[g]->cases[i];
                    count++;
                }
    return count;
}

static int run_all(const struct request *request, const char *folder, int signals) {
    size_t count = select_cases(request, NULL);
    struct job *jobs = allocate(count * sizeof *jobs);
    select_cases(request, jobs);
    printf("1..%zu\n", count);
    int failed = run_jobs(request, jobs, count, folder, signals);
    free(jobs);
    return count > 0 && failed == 0 ? 0 : 1;
}

int main(int argc, char **argv) {
    struct request request;
    int wrong = parse(argc, argv, &request);
    if (wrong)
        return wrong;
    if (request.list) {
        for (size_t g = 0; g < group_count; g++)
            for (size_t i = 0; i < groups[g]->count; i++)
                printf("%s\n", groups[g]->cases[i].name);
        return 0;
    }
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGHUP);
    sigprocmask(SIG_BLOCK, &ending, NULL);
    int signals = signalfd(-1, &ending, SFD_CLOEXEC);
    char folder[256];
    if (signals < 0 || !folder_make_temporary(folder, "hostsession-conformance")) {
        perror("conformance");
        return 1;
    }
    text why = {0};
    int status = 1;
    if (!request.transport->start || request.transport->start(folder, &why)) {
        status = run_all(&request, folder, signals);
        if (request.transport->stop)
            request.transport->stop();
    } else {
        printf("Bail out! %s\n", text_data(&why));
    }
    text_free(&why);
    folder_remove(folder);
    close(signals);
    return status;
}
