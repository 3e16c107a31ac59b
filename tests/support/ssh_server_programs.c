/* SPDX-License-Identifier: MIT */
#include "ssh_server_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static bool executable_in(const char *folder, size_t length, const char *name, text *path) {
    text_clear(path);
    text_printf(path, "%.*s/%s", (int)length, folder, name);
    return length && access(text_data(path), X_OK) == 0;
}

bool program_find(const char *name, text *path) {
    text folders = {0};
    const char *user = getenv("PATH");
    text_printf(&folders, "%s:/usr/sbin:/usr/local/sbin:/sbin:/usr/bin:/bin", user ? user : "");
    bool found = false;
    for (const char *at = text_data(&folders); !found && *at; at += *at == ':') {
        size_t length = strcspn(at, ":");
        found = executable_in(at, length, name, path);
        at += length;
    }
    text_free(&folders);
    return found;
}

/* The C library's folder is the system's for libraries of this architecture. */
static int is_c_library(struct dl_phdr_info *info, size_t size, void *folder) {
    (void)size;
    const char *name = info->dlpi_name;
    const char *slash = name ? strrchr(name, '/') : NULL;
    if (!slash || (strncmp(slash, "/libc.so", 8) != 0 && strncmp(slash, "/libc.musl", 10) != 0))
        return 0;
    text_append(folder, name, (size_t)(slash - name));
    return 1;
}

bool library_find(const char *name, text *path) {
    static const char *const others[] = {"/usr/lib", "/usr/lib64", "/usr/local/lib"};
    text folder = {0};
    dl_iterate_phdr(is_c_library, &folder);
    bool found = false;
    for (size_t i = 0; !found && i <= sizeof others / sizeof *others; i++) {
        text_clear(path);
        text_printf(path, "%s/%s", i == 0 ? text_data(&folder) : others[i - 1], name);
        found = access(text_data(path), R_OK) == 0;
    }
    text_free(&folder);
    return found;
}

static bool read_all(int descriptor, text *output) {
    char piece[4096];
    ssize_t length;
    while ((length = read(descriptor, piece, sizeof piece)) > 0 || (length < 0 && errno == EINTR))
        if (length > 0)
            text_append(output, piece, (size_t)length);
    close(descriptor);
    return length == 0;
}

int program_status(const char *const words[], text *output, text *why) {
    int ends[2];
    posix_spawn_file_actions_t actions;
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return text_printf(why, "pipe: %s", strerror(errno)), -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    int error = posix_spawnp(&pid, words[0], &actions, NULL, (char *const *)words, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (error != 0) {
        close(ends[0]);
        text_printf(why, "cannot run %s: %s", words[0], strerror(error));
        return -1;
    }
    int status = -1;
    read_all(ends[0], output);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

bool program_run(const char *const words[], text *output, text *why) {
    int status = program_status(words, output, why);
    if (status > 0)
        text_printf(why, "%s failed (wait status %d): %s", words[0], status, text_data(output));
    return status == 0;
}
