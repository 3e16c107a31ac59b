/* SPDX-License-Identifier: MIT */
#include "transport/processes.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* How often to look again for processes that were started while the others were killed. */
enum { kill_passes = 4 };

typedef struct process_entry {
    pid_t pid;
    uint64_t start_ticks;
} process_entry;

uint64_t processes_boottime_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t processes_ticks(uint64_t boottime_ns) {
    return boottime_ns / (1000000000 / (uint64_t)sysconf(_SC_CLK_TCK));
}

static bool read_path(const char *path, char *text, size_t size) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    ssize_t got = read(file, text, size - 1);
    close(file);
    text[got > 0 ? got : 0] = 0;
    return got > 0;
}

static bool read_file(pid_t pid, const char *name, char *text, size_t size) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    return read_path(path, text, size);
}

/* Fields of /proc/PID/stat, from 3 on: the name in field 2 may hold anything, ")" included. */
enum {
    field_state = 3,
    field_parent = 4,
    field_child_minor_faults = 11,
    field_child_major_faults = 13,
    field_start = 22
};

/* NULL when there is no such process, or field. */
static const char *find_field(const char *stat, int wanted) {
    const char *at = strrchr(stat, ')');
    if (!at || at[1] != ' ')
        return NULL;
    at += 2;
    for (int field = field_state; field < wanted && at; field++) {
        at = strchr(at, ' ');
        at = at ? at + 1 : NULL;
    }
    return at;
}

static bool read_start(pid_t pid, uint64_t *start_ticks) {
    char text[1024];
    if (!read_file(pid, "stat", text, sizeof text))
        return false;
    const char *state = find_field(text, field_state);
    const char *start = find_field(text, field_start);
    if (!start || *state == 'Z' || *state == 'X')
        return false;
    *start_ticks = strtoull(start, NULL, 10);
    return true;
}

uint64_t processes_start_ticks(pid_t pid) {
    uint64_t ticks;
    return read_start(pid, &ticks) ? ticks : 0;
}

bool processes_is_stopped(pid_t pid) {
    char text[1024];
    const char *state = read_file(pid, "stat", text, sizeof text) ? find_field(text, field_state) : NULL;
    return state && *state == 'T';
}

bool processes_stopped_in_wait(pid_t pid) {
    char text[256];
    if (!read_file(pid, "syscall", text, sizeof text))
        return true;
    char *end;
    long number = strtol(text, &end, 10);
    return end > text && (number == SYS_wait4 || number == SYS_waitid || number == SYS_rt_sigsuspend);
}

uint64_t processes_children_waited(pid_t pid) {
    char text[1024];
    if (!read_file(pid, "stat", text, sizeof text))
        return 0;
    const char *minor = find_field(text, field_child_minor_faults);
    const char *major = find_field(text, field_child_major_faults);
    /* Each has taken page faults, which are added to those of its siblings as it is waited for. */
    return major ? strtoull(minor, NULL, 10) + strtoull(major, NULL, 10) : 0;
}

static bool is_starting(pid_t pid, pid_t parent, uint64_t young_ticks) {
    char words[256] = {0}, parents[sizeof words] = {0};
    uint64_t start_ticks;
    return read_start(pid, &start_ticks) && processes_ticks(processes_boottime_ns()) <= start_ticks + young_ticks &&
           read_file(pid, "cmdline", words, sizeof words) && read_file(parent, "cmdline", parents, sizeof parents) &&
           memcmp(words, parents, sizeof words) == 0;
}

bool processes_is_starting(pid_t pid, pid_t parent) {
    enum { young_ticks = 2 };
    return is_starting(pid, parent, young_ticks);
}

/* Their numbers, in decimal; NULL where the system does not list them. */
static FILE *open_children(pid_t parent) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    return fopen(path, "re");
}

bool processes_has_starting_child(pid_t parent) {
    enum { busy_host_ticks = 20 };
    FILE *list = open_children(parent);
    bool has = false;
    int pid;
    while (list && !has && fscanf(list, "%d", &pid) == 1)
        has = is_starting(pid, parent, busy_host_ticks);
    if (list)
        fclose(list);
    return has;
}

bool processes_ignores(pid_t pid, uint64_t signals) {
    char text[4096];
    if (signals == 0 || !read_file(pid, "status", text, sizeof text))
        return false;
    const char *line = strstr(text, "\nSigIgn:");
    return line && (strtoull(line + strlen("\nSigIgn:"), NULL, 16) & signals) == signals;
}

processes_choice processes_of_command(pid_t session, uint64_t began_ns, bool jobs, uint64_t spare_ignoring) {
    uint64_t since_ticks = processes_ticks(began_ns);
    bool doubtful = jobs && since_ticks > 0;
    return (processes_choice){.session = session,
                              .since_ticks = since_ticks,
                              .sure_after_ticks = since_ticks,
                              .spare_ignoring = doubtful ? spare_ignoring : 0};
}

/* The number that was given last to a process; 0: it cannot be told. */
static pid_t last_pid(void) {
    char text[128];
    const char *last = read_path("/proc/loadavg", text, sizeof text) ? strrchr(text, ' ') : NULL;
    return last ? (pid_t)atoi(last) : 0;
}

void processes_spare_present(processes_choice *choice, uint64_t spare_ignoring) {
    choice->spare_ignoring = spare_ignoring;
    choice->sure_after_ticks = processes_ticks(processes_boottime_ns());
    choice->sure_after_pid = last_pid();
}

bool processes_number_is_later(pid_t number, pid_t other) {
    enum { begun_again = 1 << 14 };
    pid_t apart = number - other;
    return apart > 0 ? apart < begun_again : apart < -begun_again;
}

static bool is_sure(const processes_choice *choice, const process_entry *process) {
    return process->start_ticks > choice->sure_after_ticks ||
           (choice->sure_after_pid && process->start_ticks == choice->sure_after_ticks &&
            processes_number_is_later(process->pid, choice->sure_after_pid));
}

static bool is_child(pid_t pid, pid_t parent) {
    char text[1024];
    const char *field = read_file(pid, "stat", text, sizeof text) ? find_field(text, field_parent) : NULL;
    return field && atoi(field) == (int)parent;
}

/* A signal on its way to a choice. */
typedef struct sending {
    const processes_choice *choice;
    int signal_number;
    process_entry newest; /* of the spared ones */
    bool any;
} sending;

static void send_to(sending *s, pid_t pid) {
    const processes_choice *choice = s->choice;
    process_entry process = {pid, 0};
    if (!read_start(pid, &process.start_ticks) || process.start_ticks < choice->since_ticks)
        return;
    if (is_sure(choice, &process) || !processes_ignores(pid, choice->spare_ignoring))
        s->any |= kill(pid, s->signal_number) == 0;
    else if (process.start_ticks > s->newest.start_ticks ||
             (process.start_ticks == s->newest.start_ticks && processes_number_is_later(pid, s->newest.pid)))
        s->newest = process;
}

static void send_to_stray(sending *s, pid_t pid) {
    if (!processes_ignores(pid, s->choice->spare_ignoring))
        send_to(s, pid);
}

/* The leader's children that are not in its session.  Returns false where the system does not list children. */
static bool send_to_strays(sending *s) {
    pid_t leader = s->choice->session;
    FILE *list = open_children(leader);
    if (!list)
        return false;
    int pid;
    while (fscanf(list, "%d", &pid) == 1)
        if (getsid(pid) != leader && pid != s->choice->shell)
            send_to_stray(s, pid);
    fclose(list);
    return true;
}

/* One look at all processes. */
static bool signal_pass(sending *s) {
    const processes_choice *choice = s->choice;
    DIR *directory = opendir("/proc");
    if (!directory)
        return false;
    s->any = false;
    /* To look at the parent of each process would take most of the time. */
    bool strays = choice->children && !send_to_strays(s);
    for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory)) {
        pid_t pid = (pid_t)atoi(entry->d_name);
        if (pid <= 0 || pid == choice->session || pid == choice->shell)
            continue;
        bool member = getsid(pid) == choice->session;
        if (member && (!choice->group || getpgid(pid) == choice->group))
            send_to(s, pid);
        else if (!member && strays && is_child(pid, choice->session))
            send_to_stray(s, pid);
    }
    closedir(directory);
    return s->any;
}

bool processes_signal(const processes_choice *choice, int signal_number) {
    sending s = {.choice = choice, .signal_number = signal_number};
    if (!signal_pass(&s))
        return choice->at_least_newest && s.newest.pid > 0 && kill(s.newest.pid, signal_number) == 0;
    for (int pass = 1; pass < kill_passes && signal_number == SIGKILL; pass++)
        if (!signal_pass(&s))
            break;
    return true;
}
