/* SPDX-License-Identifier: MIT */
#include "ssh_server_parts.h"

#include "folder.h"
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { stop_limit_ms = 10000, look_again_ms = 500 };

/* ---- its log ---- */

void ssh_server_log(const ssh_server *server, text *log) {
    file_read(server->log, log);
}

bool server_log_contains(const ssh_server *s, const char *const parts[]) {
    text log = {0};
    file_read(s->log, &log);
    bool all = true;
    for (; all && *parts; parts++)
        all = text_contains(&log, *parts);
    text_free(&log);
    return all;
}

bool server_wait_log(const ssh_server *s, const char *const parts[], int limit_ms) {
    long long until = clock_ms() + limit_ms;
    struct pollfd wait[] = {{.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), .events = POLLIN},
                            {.fd = process_open(s->keeper), .events = POLLIN}};
    inotify_add_watch(wait[0].fd, s->log, IN_MODIFY);
    bool found;
    while (!(found = server_log_contains(s, parts)) && !wait[1].revents) {
        char events[4096];
        long long left = until - clock_ms();
        /* Should the system have no inotify left, this still goes on. */
        if (left <= 0 || (poll(wait, 2, left < look_again_ms ? (int)left : look_again_ms) < 0 && errno != EINTR))
            break;
        (void)!read(wait[0].fd, events, sizeof events);
    }
    close(wait[0].fd);
    close(wait[1].fd);
    return found;
}

bool ssh_server_wait_log(const ssh_server *server, const char *part, int limit_ms) {
    const char *const parts[] = {part, NULL};
    return server_wait_log(server, parts, limit_ms);
}

/* ---- its processes ---- */

static void server_words(ssh_server *s, const char *words[40]) {
    size_t count = 0;
    words[count++] = SERVER_KEEPER;
    server_environment(s, true, words + count);
    while (words[count])
        count++;
    words[count++] = s->program;
    if (s->dropbear) {
        const char *const fixed[] = {"-F",
                                     "-E",
                                     "-m",
                                     "-r",
                                     server_keep(s, "%s/%s.dropbear", s->keys, s->host_key),
                                     "-P",
                                     server_keep(s, "%s/pid", s->own),
                                     "-p",
                                     server_keep(s, "127.0.0.1:%u", s->port)};
        for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
            words[count++] = fixed[i];
        if (s->ipv6) {
            words[count++] = "-p";
            words[count++] = server_keep(s, "[::1]:%u", s->port);
        }
    } else {
        const char *const fixed[] = {"-D", "-E", s->log, "-f", server_keep(s, "%s/sshd_config", s->own)};
        for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
            words[count++] = fixed[i];
    }
    words[count] = NULL;
}

/* The keeper writes the server's process id. */
static pid_t read_pid(int descriptor) {
    char line[32];
    size_t length = 0;
    ssize_t got;
    while (length < sizeof line - 1 && (got = read(descriptor, line + length, sizeof line - 1 - length)) != 0) {
        if (got < 0 && errno != EINTR)
            break;
        length += got > 0 ? (size_t)got : 0;
    }
    line[length] = '\0';
    return (pid_t)strtol(line, NULL, 10);
}

bool server_spawn(ssh_server *s, text *why) {
    int control[2], report[2];
    const char *words[40];
    posix_spawn_file_actions_t actions;
    if (pipe2(control, O_CLOEXEC) != 0)
        return text_printf(why, "pipe: %s", strerror(errno)), false;
    if (pipe2(report, O_CLOEXEC) != 0)
        return close(control[0]), close(control[1]), text_printf(why, "pipe: %s", strerror(errno)), false;
    server_words(s, words);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, control[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, report[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, s->log, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
    int error = posix_spawn(&s->keeper, words[0], &actions, NULL, (char *const *)words, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(control[0]);
    close(report[1]);
    s->control = control[1];
    if (error == 0)
        s->listener = read_pid(report[0]);
    else
        s->keeper = 0;
    close(report[0]);
    if (error != 0)
        text_printf(why, "cannot run %s: %s", words[0], strerror(error));
    return error == 0;
}

bool server_end(ssh_server *s) {
    if (s->control >= 0)
        close(s->control);
    s->control = -1;
    if (s->keeper <= 0)
        return true;
    /* A process that the test forked may hold its end of the pipe open. */
    kill(s->keeper, SIGTERM);
    bool ended = process_wait_end(s->keeper, stop_limit_ms);
    if (!ended)
        kill(s->keeper, SIGKILL);
    while (waitpid(s->keeper, NULL, 0) < 0 && errno == EINTR)
        ;
    s->keeper = 0;
    return ended;
}
