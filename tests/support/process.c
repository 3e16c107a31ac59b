/* SPDX-License-Identifier: MIT */
#include "process.h"

#include "folder.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

long long clock_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Call `right` for each process; stop at the first that is. */
static pid_t find(bool (*right)(pid_t pid, const char *tag, text *found), const char *tag, text *found) {
    DIR *processes = opendir("/proc");
    if (!processes)
        return 0;
    pid_t result = 0;
    struct dirent *entry;
    while (result == 0 && (entry = readdir(processes)) != NULL) {
        pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? (pid_t)strtol(entry->d_name, NULL, 10) : 0;
        if (pid > 0 && pid != getpid() && right(pid, tag, found))
            result = pid;
    }
    closedir(processes);
    return result;
}

/* A zombie has an empty command line. */
static bool has_tag(pid_t pid, const char *tag, text *found) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    text line = {0};
    file_read(path, &line);
    for (size_t i = 0; i < line.length; i++)
        if (line.data[i] == '\0')
            line.data[i] = ' ';
    bool right = text_contains(&line, tag);
    if (right && found)
        text_printf(found, "%d: %s", (int)pid, text_data(&line));
    text_free(&line);
    return right;
}

/* Whether it has not ended: a zombie has.  `ret_parent` may be NULL. */
static bool is_living(pid_t pid, pid_t *ret_parent) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    text line = {0};
    file_read(path, &line);
    const char *after_name = strrchr(text_data(&line), ')');
    char state = 'Z';
    int parent = 0;
    bool right = after_name && sscanf(after_name + 1, " %c %d", &state, &parent) == 2 && state != 'Z' && state != 'X';
    text_free(&line);
    if (ret_parent)
        *ret_parent = parent;
    return right;
}

static bool is_living_child(pid_t pid, const char *tag, text *found) {
    (void)tag;
    (void)found;
    pid_t parent;
    return is_living(pid, &parent) && parent == getpid();
}

pid_t process_find(const char *tag, text *command_line) {
    return find(has_tag, tag, command_line);
}

pid_t process_find_child(void) {
    return find(is_living_child, NULL, NULL);
}

static bool count_child(pid_t pid, const char *tag, text *found) {
    if (is_living_child(pid, tag, NULL))
        text_append(found, "x", 1);
    return false;
}

size_t process_count_children(void) {
    text found = {0};
    find(count_child, NULL, &found);
    size_t count = found.length;
    text_free(&found);
    return count;
}

int process_open(pid_t pid) {
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* Where there is no pidfd_open(), as under valgrind. */
static bool look_for_end(const pid_t *pids, size_t count, int limit_ms) {
    enum { look_again_ms = 5 };
    for (long long until = clock_ms() + limit_ms; clock_ms() < until; poll(NULL, 0, look_again_ms))
        for (size_t i = 0; i < count; i++)
            if (!is_living(pids[i], NULL))
                return true;
    return false;
}

bool process_wait_any_end(const pid_t *pids, size_t count, int limit_ms) {
    struct pollfd *wait = allocate(count * sizeof *wait);
    bool ended = false, seen = true;
    for (size_t i = 0; i < count; i++) {
        wait[i] = (struct pollfd){.fd = process_open(pids[i]), .events = POLLIN};
        ended |= wait[i].fd < 0 && errno == ESRCH;
        seen &= wait[i].fd >= 0 || errno == ESRCH;
    }
    if (!ended)
        ended = seen ? poll(wait, (nfds_t)count, limit_ms) > 0 : look_for_end(pids, count, limit_ms);
    for (size_t i = 0; i < count; i++)
        if (wait[i].fd >= 0)
            close(wait[i].fd);
    free(wait);
    return ended;
}

bool process_wait_end(pid_t pid, int limit_ms) {
    return process_wait_any_end(&pid, 1, limit_ms);
}

bool process_wait_gone(const char *tag, int limit_ms, text *command_line) {
    long long until = clock_ms() + limit_ms;
    for (;;) {
        text_clear(command_line);
        pid_t pid = process_find(tag, command_line);
        if (pid == 0)
            return true;
        long long left = until - clock_ms();
        if (left <= 0 || !process_wait_end(pid, (int)left))
            return false;
    }
}

int process_count_descriptors(void) {
    text names = {0};
    folder_list("/proc/self/fd", &names);
    int count = 0;
    for (size_t i = 0; i < names.length; i++)
        count += names.data[i] == '\n';
    text_free(&names);
    return count;
}
