/* SPDX-License-Identifier: MIT */
#include "transport/processes.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static bool read_file(pid_t pid, const char *name, char *text, size_t size) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    ssize_t got = read(file, text, size - 1);
    close(file);
    text[got > 0 ? got : 0] = 0;
    return got > 0;
}

/* State and start: fields 3 and 22 of /proc/PID/stat.  The name in field 2 may hold anything, ")" included. */
static bool read_start(pid_t pid, uint64_t *start_ticks) {
    char text[1024];
    if (!read_file(pid, "stat", text, sizeof text))
        return false;
    const char *at = strrchr(text, ')');
    if (!at || at[1] != ' ' || at[2] == 'Z' || at[2] == 'X')
        return false;
    at += 2;
    for (int field = 3; field < 22; field++) {
        at = strchr(at, ' ');
        if (!at)
            return false;
        at++;
    }
    *start_ticks = strtoull(at, NULL, 10);
    return true;
}

bool processes_is_stopped(pid_t pid) {
    char text[1024];
    const char *at = read_file(pid, "stat", text, sizeof text) ? strrchr(text, ')') : NULL;
    return at && at[1] == ' ' && at[2] == 'T';
}

static bool ignores(pid_t pid, uint64_t signals) {
    char text[4096];
    if (signals == 0 || !read_file(pid, "status", text, sizeof text))
        return false;
    const char *line = strstr(text, "\nSigIgn:");
    return line && (strtoull(line + strlen("\nSigIgn:"), NULL, 16) & signals) == signals;
}

/* One look at all processes.  `newest` is the newest of the spared ones. */
static bool signal_pass(const processes_choice *choice, int signal_number, process_entry *newest) {
    DIR *directory = opendir("/proc");
    if (!directory)
        return false;
    bool any = false;
    for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory)) {
        process_entry process = {(pid_t)atoi(entry->d_name), 0};
        if (process.pid <= 0 || process.pid == choice->session || getsid(process.pid) != choice->session ||
            (choice->group && getpgid(process.pid) != choice->group) ||
            !read_start(process.pid, &process.start_ticks) || process.start_ticks < choice->since_ticks)
            continue;
        if (process.start_ticks > choice->sure_after_ticks || !ignores(process.pid, choice->spare_ignoring))
            any |= kill(process.pid, signal_number) == 0;
        else if (process.start_ticks > newest->start_ticks ||
                 (process.start_ticks == newest->start_ticks && process.pid > newest->pid))
            *newest = process;
    }
    closedir(directory);
    return any;
}

bool processes_signal(const processes_choice *choice, int signal_number) {
    process_entry newest = {0, 0};
    bool any = signal_pass(choice, signal_number, &newest);
    if (!any)
        return choice->at_least_newest && newest.pid > 0 && kill(newest.pid, signal_number) == 0;
    for (int pass = 1; pass < kill_passes && signal_number == SIGKILL; pass++)
        if (!signal_pass(choice, signal_number, &newest))
            break;
    return true;
}
