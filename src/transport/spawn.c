/* SPDX-License-Identifier: MIT */
#include "transport/spawn.h"

#include "base/failure.h"
#include "transport/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool spawn_lacks_descriptor(void) {
    int descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (descriptor >= 0)
        close(descriptor);
    return descriptor < 0 && (errno == EMFILE || errno == ENFILE);
}

hostsession_error spawn_no_descriptor(hostsession_failure *failure, int system_errno, const char *what) {
    switch (system_errno) {
    case EMFILE:
        return failure_set(failure, HOSTSESSION_ERROR_LIMIT, system_errno, "spawn",
                           "no descriptor left for %s: this process has as many open as it may (ulimit -n); close some "
                           "sessions or raise the limit",
                           what);
    case ENFILE:
        return failure_set(failure, HOSTSESSION_ERROR_LIMIT, system_errno, "spawn",
                           "no descriptor left for %s: the system has as many open as it may (fs.file-max)", what);
    case ENOMEM:
        return failure_no_memory(failure, "spawn");
    default:
        return failure_set(failure, HOSTSESSION_ERROR_CONNECT, system_errno, "spawn", "cannot make %s: %s", what,
                           failure_errno_text(system_errno));
    }
}

static hostsession_error spawn_failed(hostsession_failure *failure, int system_errno, const char *path,
                                      const spawn_streams *streams) {
    if (streams->terminal && access(streams->terminal, R_OK | W_OK) != 0)
        return failure_set(failure, HOSTSESSION_ERROR_CONNECT, errno, "spawn",
                           "cannot start %s: its terminal %s cannot be opened: %s (is devpts mounted on /dev/pts?)",
                           path, streams->terminal, failure_errno_text(errno));
    switch (system_errno) {
    case EAGAIN:
        return failure_set(failure, HOSTSESSION_ERROR_LIMIT, system_errno, "spawn",
                           "cannot start %s: no process left, this user or container has as many as it may (ulimit -u, "
                           "pids.max); end some or raise the limit",
                           path);
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return spawn_no_descriptor(failure, system_errno, path);
    case ENOENT:
        return failure_set(failure, HOSTSESSION_ERROR_CONNECT, system_errno, "spawn",
                           "cannot start %s: the interpreter that it names (its #! line or its loader) is missing",
                           path);
    case ENOEXEC:
        return failure_set(failure, HOSTSESSION_ERROR_CONNECT, system_errno, "spawn",
                           "cannot start %s: it is neither a program for this machine nor a script with a #! line",
                           path);
    case E2BIG:
        return failure_set(failure, HOSTSESSION_ERROR_CONNECT, system_errno, "spawn",
                           "cannot start %s: its arguments and environment are too long", path);
    default:
        return failure_set(failure, HOSTSESSION_ERROR_CONNECT, system_errno, "spawn", "cannot start %s: %s", path,
                           failure_errno_text(system_errno));
    }
}

/* Returns an errno, as the spawn functions do. */
static int add_streams(posix_spawn_file_actions_t *actions, const spawn_streams *streams) {
    if (!streams->terminal) {
        int error = 0;
        for (int i = 0; i < 3 && error == 0; i++)
            error = posix_spawn_file_actions_adddup2(actions, streams->descriptors[i], i);
        return error;
    }
    /* Opened by a session leader that has none, without O_NOCTTY, it becomes the controlling terminal. */
    int error = posix_spawn_file_actions_addopen(actions, 0, streams->terminal, O_RDWR, 0);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(actions, 0, 1);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(actions, 0, 2);
    return error;
}

static int set_attributes(posix_spawnattr_t *attributes) {
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(attributes, &all);
    posix_spawnattr_setsigmask(attributes, &none);
    return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
}

static int spawn_file(const char *path, const transport_program *program, char *const *environment,
                      const spawn_streams *streams, pid_t *ret_pid) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0)
        return error;
    error = posix_spawnattr_init(&attributes);
    if (error != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return error;
    }
    error = set_attributes(&attributes);
    if (error == 0)
        error = add_streams(&actions, streams);
    if (error == 0 && program->cwd)
        error = posix_spawn_file_actions_addchdir_np(&actions, program->cwd);
    if (error == 0)
        error = posix_spawn(ret_pid, path, &actions, &attributes, (char *const *)program->arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

hostsession_error spawn(const transport_program *program, const spawn_streams *streams, pid_t *ret_pid,
                        hostsession_failure *failure) {
    char **environment = program_environment(program);
    if (!environment)
        return failure_no_memory(failure, "spawn");
    char *path = NULL;
    hostsession_error error = program_find(program, environment, &path, failure);
    if (error == HOSTSESSION_OK) {
        int spawned = spawn_file(path, program, environment, streams, ret_pid);
        if (spawned != 0)
            error = spawn_failed(failure, spawned, path, streams);
    }
    free(path);
    free(environment);
    return error;
}
