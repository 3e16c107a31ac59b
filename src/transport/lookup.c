/* SPDX-License-Identifier: MIT */
/* Finding a program's file before it is started: the one error number that posix_spawn() returns does not say whether
 * the program, its directory or its interpreter is what is wrong. */
#include "base/failure.h"
#include "transport/program.h"

#include <errno.h>
#include <fcntl.h>
#include <paths.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* `directory/name` as it is seen from `cwd`, or NULL without memory. */
static char *join(const char *directory, size_t directory_length, const char *name) {
    char *path = malloc(directory_length + strlen(name) + 2);
    if (!path)
        return NULL;
    memcpy(path, directory, directory_length);
    path[directory_length] = '/';
    strcpy(path + directory_length + 1, name);
    return path;
}

/* 0 when `path`, seen from `cwd`, is a file that may be executed; or an errno. */
static int try_file(const char *cwd, const char *path) {
    char *joined = NULL;
    if (cwd && path[0] != '/') {
        joined = join(cwd, strlen(cwd), path);
        if (!joined)
            return ENOMEM;
    }
    const char *seen = joined ? joined : path;
    struct stat status;
    int result = 0;
    if (stat(seen, &status) != 0)
        result = errno;
    else if (S_ISDIR(status.st_mode))
        result = EISDIR;
    else if (faccessat(AT_FDCWD, seen, X_OK, AT_EACCESS) != 0)
        result = errno;
    free(joined);
    return result;
}

static hostsession_error cannot_execute(hostsession_failure *failure, const char *path, int why) {
    if (why == ENOMEM)
        return failure_no_memory(failure, "spawn");
    if (why == ENOENT || why == ENOTDIR)
        return failure_set(failure, HOSTSESSION_ERROR_CONNECT, why, "spawn", "cannot start %s: there is no such file",
                           path);
    if (why == EISDIR)
        return failure_set(failure, HOSTSESSION_ERROR_CONNECT, why, "spawn",
                           "cannot start %s: it is a directory, not a program", path);
    if (why == EACCES)
        return failure_set(failure, HOSTSESSION_ERROR_CONNECT, why, "spawn",
                           "cannot start %s: it is not executable for this user (chmod +x, or its directories' modes)",
                           path);
    return failure_set(failure, HOSTSESSION_ERROR_CONNECT, why, "spawn", "cannot start %s: %s", path,
                       failure_errno_text(why));
}

static const char *variable(char *const *environment, const char *name) {
    size_t length = strlen(name);
    for (; *environment; environment++)
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return *environment + length + 1;
    return NULL;
}

static hostsession_error search_path(const transport_program *program, const char *path, char **ret_path,
                                     hostsession_failure *failure) {
    const char *name = program->arguments[0];
    char *refused = NULL;
    int why = 0;
    for (const char *from = path;; from++) {
        size_t length = strcspn(from, ":");
        char *candidate = length > 0 ? join(from, length, name) : join(".", 1, name);
        int tried = candidate ? try_file(program->cwd, candidate) : ENOMEM;
        if (tried == 0) {
            free(refused);
            *ret_path = candidate;
            return HOSTSESSION_OK;
        }
        /* As execvp() does: one that may not be executed does not end the search, but is the reason if nothing else is
         * found. */
        if (!refused && tried != ENOENT && tried != ENOTDIR && tried != EISDIR) {
            refused = candidate;
            why = tried;
        } else
            free(candidate);
        from += length;
        if (!*from)
            break;
    }
    if (why == 0)
        return failure_set(failure, HOSTSESSION_ERROR_CONNECT, ENOENT, "spawn",
                           "cannot start %s: no program of that name in PATH (%s); install it or give its path", name,
                           path);
    hostsession_error error = cannot_execute(failure, refused ? refused : name, why);
    free(refused);
    return error;
}

static hostsession_error check_directory(const transport_program *program, hostsession_failure *failure) {
    struct stat status;
    const char *problem = NULL;
    if (!program->cwd)
        return HOSTSESSION_OK;
    int why = 0;
    if (stat(program->cwd, &status) != 0)
        why = errno;
    else if (!S_ISDIR(status.st_mode))
        why = ENOTDIR;
    else if (faccessat(AT_FDCWD, program->cwd, X_OK, AT_EACCESS) != 0)
        why = errno;
    if (why == 0)
        return HOSTSESSION_OK;
    if (why == ENOENT)
        problem = "there is no such directory";
    else if (why == ENOTDIR)
        problem = "it is not a directory";
    else if (why == EACCES)
        problem = "this user may not enter it";
    return failure_set(failure, HOSTSESSION_ERROR_CONNECT, why, "cwd", "cannot start %s in %s: %s",
                       program->arguments[0], program->cwd, problem ? problem : failure_errno_text(why));
}

hostsession_error program_find(const transport_program *program, char *const *environment, char **ret_path,
                               hostsession_failure *failure) {
    hostsession_error error = check_directory(program, failure);
    if (error != HOSTSESSION_OK)
        return error;
    const char *name = program->arguments[0];
    if (!strchr(name, '/')) {
        const char *path = variable(environment, "PATH");
        return search_path(program, path ? path : _PATH_DEFPATH, ret_path, failure);
    }
    int why = try_file(program->cwd, name);
    if (why != 0)
        return cannot_execute(failure, name, why);
    *ret_path = strdup(name);
    return *ret_path ? HOSTSESSION_OK : failure_no_memory(failure, "spawn");
}
