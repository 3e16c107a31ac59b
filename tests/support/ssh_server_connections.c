/* SPDX-License-Identifier: MIT */
#include "ssh_server_parts.h"

#include "folder.h"
#include "process.h"

#include <ctype.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { processes_most = 4096, connections_most = 512, kill_limit_ms = 5000 };

struct one_process {
    pid_t pid, parent;
    /* Its program's name is the server's. */
    bool serves;
};

/* "PID (NAME) STATE PARENT ..."; a name may hold blanks and brackets. */
static bool read_process(pid_t pid, struct one_process *process) {
    char path[64], state = 'Z';
    int parent = 0;
    text line = {0};
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    file_read(path, &line);
    const char *name = strchr(text_data(&line), '(');
    const char *after_name = strrchr(text_data(&line), ')');
    bool right =
        name && after_name && sscanf(after_name + 1, " %c %d", &state, &parent) == 2 && state != 'Z' && state != 'X';
    process->pid = pid;
    process->parent = (pid_t)parent;
    process->serves = right && (strncmp(name, "(sshd", 5) == 0 || strncmp(name, "(dropbear", 9) == 0);
    text_free(&line);
    return right;
}

static size_t read_processes(struct one_process *all) {
    size_t count = 0;
    DIR *processes = opendir("/proc");
    if (!processes)
        return 0;
    for (struct dirent *entry; count < processes_most && (entry = readdir(processes)) != NULL;)
        if (isdigit((unsigned char)entry->d_name[0]))
            count += read_process((pid_t)strtol(entry->d_name, NULL, 10), &all[count]);
    closedir(processes);
    return count;
}

/* Append the serving children of the processes from number `first` on, theirs included. */
static size_t add_children(const struct one_process *all, size_t total, pid_t *found, size_t count, pid_t parent) {
    size_t first = count;
    for (size_t i = 0; i < total && count < connections_most; i++)
        if (all[i].parent == parent && all[i].serves)
            found[count++] = all[i].pid;
    size_t last = count;
    for (size_t i = first; i < last; i++)
        count = add_children(all, total, found, count, found[i]);
    return count;
}

/* The processes of all connections; those that the listener started come first, `ret_connections` of them. */
static size_t find_processes(const ssh_server *s, pid_t *found, int *ret_connections) {
    struct one_process *all = allocate(processes_most * sizeof *all);
    size_t total = read_processes(all);
    size_t count = add_children(all, total, found, 0, s->listener);
    *ret_connections = 0;
    for (size_t i = 0; i < total; i++)
        *ret_connections += all[i].parent == s->listener && all[i].serves;
    free(all);
    return count;
}

static int signal_connections(const ssh_server *s, int signal, pid_t *found, size_t *ret_count) {
    int connections;
    *ret_count = find_processes(s, found, &connections);
    for (size_t i = 0; i < *ret_count; i++)
        kill(found[i], signal);
    return connections;
}

int ssh_server_connections(const ssh_server *server) {
    pid_t found[connections_most];
    int connections;
    find_processes(server, found, &connections);
    return connections;
}

bool ssh_server_wait_connections(const ssh_server *server, int count, int limit_ms) {
    long long until = clock_ms() + limit_ms;
    pid_t found[connections_most];
    int connections;
    while (find_processes(server, found, &connections), connections > count) {
        long long left = until - clock_ms();
        if (left <= 0 || !process_wait_any_end(found, (size_t)connections, (int)left))
            return false;
    }
    return true;
}

int ssh_server_kill_connections(const ssh_server *server) {
    pid_t found[connections_most];
    size_t count;
    int connections = signal_connections(server, SIGKILL, found, &count);
    for (size_t i = 0; i < count; i++)
        process_wait_end(found[i], kill_limit_ms);
    return connections;
}

void ssh_server_freeze_connections(const ssh_server *server) {
    pid_t found[connections_most];
    size_t count;
    signal_connections(server, SIGSTOP, found, &count);
}

void ssh_server_thaw_connections(const ssh_server *server) {
    pid_t found[connections_most];
    size_t count;
    signal_connections(server, SIGCONT, found, &count);
}

void ssh_server_freeze_listener(const ssh_server *server) {
    kill(server->listener, SIGSTOP);
}

void ssh_server_thaw_listener(const ssh_server *server) {
    kill(server->listener, SIGCONT);
}
