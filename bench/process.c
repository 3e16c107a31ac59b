/* SPDX-License-Identifier: MIT */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

const char *const bench_bash[] = {"bash", "--noediting", "--norc", "--noprofile", "-i", NULL};

static bool is_prompt_setting(const char *setting) {
    static const char *const names[] = {"PS0=", "PS1=", "PS2=", "PROMPT_COMMAND=", "TERM=", "ENV=", "BASH_ENV="};
    for (size_t i = 0; i < BENCH_COUNT(names); i++) {
        if (strncmp(setting, names[i], strlen(names[i])) == 0)
            return true;
    }
    return false;
}

char **bench_plain_environment(void) {
    static char **plain;
    static char settings[][12] = {"PS1=", "PS2=", "TERM=dumb"};
    if (plain != NULL)
        return plain;
    size_t count = 0;
    while (environ[count] != NULL)
        count++;
    plain = calloc(count + BENCH_COUNT(settings) + 1, sizeof(*plain));
    if (plain == NULL)
        abort();
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_prompt_setting(environ[i]))
            plain[used++] = environ[i];
    }
    for (size_t i = 0; i < BENCH_COUNT(settings); i++)
        plain[used++] = settings[i];
    return plain;
}

size_t bench_list_children(pid_t *children) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    FILE *from = fopen(path, "re");
    size_t count = 0;
    int pid = 0;
    while (from != NULL && count < BENCH_MAX_CHILDREN && fscanf(from, "%d", &pid) == 1)
        children[count++] = pid;
    if (from != NULL)
        fclose(from);
    return count;
}

static void close_if_open(int descriptor) {
    if (descriptor >= 0)
        close(descriptor);
}

/* The descriptors of the child's side, and the terminal's name where it has one. */
typedef struct child_side {
    char terminal[64];
    int input;
    int output;
    int error;
} child_side;

static bool open_terminal(bench_process *process, const bench_program *program, child_side *child) {
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    process->input = process->output = master;
    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0 ||
        ptsname_r(master, child->terminal, sizeof(child->terminal)) != 0)
        return false;
    struct termios modes;
    if (program->modes != NULL) {
        modes = *program->modes;
    } else {
        if (tcgetattr(master, &modes) != 0)
            return false;
        modes.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
        modes.c_oflag &= ~(tcflag_t)OPOST;
    }
    struct winsize size = {.ws_row = 24, .ws_col = 65535};
    return tcsetattr(master, TCSANOW, &modes) == 0 && ioctl(master, TIOCSWINSZ, &size) == 0;
}

static bool open_pipe(int *ours, int *theirs, bool to_child, int bytes) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    *ours = ends[to_child ? 1 : 0];
    *theirs = ends[to_child ? 0 : 1];
    return bytes == 0 || fcntl(ends[0], F_SETPIPE_SZ, bytes) >= 0;
}

static bool open_pipes(bench_process *process, const bench_program *program, child_side *child) {
    return open_pipe(&process->input, &child->input, true, 0) &&
           open_pipe(&process->output, &child->output, false, program->pipe_bytes) &&
           (!program->error_apart || open_pipe(&process->error, &child->error, false, program->pipe_bytes));
}

static void add_actions(posix_spawn_file_actions_t *actions, const child_side *child) {
    if (child->terminal[0] != '\0') {
        posix_spawn_file_actions_addopen(actions, STDIN_FILENO, child->terminal, O_RDWR, 0);
        posix_spawn_file_actions_adddup2(actions, STDIN_FILENO, STDOUT_FILENO);
        posix_spawn_file_actions_adddup2(actions, STDIN_FILENO, STDERR_FILENO);
        return;
    }
    posix_spawn_file_actions_adddup2(actions, child->input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(actions, child->output, STDOUT_FILENO);
    if (child->error >= 0)
        posix_spawn_file_actions_adddup2(actions, child->error, STDERR_FILENO);
    else
        posix_spawn_file_actions_addopen(actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
}

static int spawn(pid_t *ret_pid, const bench_program *program, const child_side *child) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    add_actions(&actions, child);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    char *const *environment = program->environment != NULL ? program->environment : bench_plain_environment();
    /* posix_spawnp() takes the strings as they are: it has no const for historical reasons. */
    char *const *arguments = (char *const *)(uintptr_t)program->arguments;
    int failed = posix_spawnp(ret_pid, arguments[0], &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

bool bench_process_start(bench_process *process, const bench_program *program, bench_contender *owner) {
    *process = (bench_process)BENCH_PROCESS_NONE;
    child_side child = {.input = -1, .output = -1, .error = -1};
    bool opened = program->terminal ? open_terminal(process, program, &child) : open_pipes(process, program, &child);
    int failed = opened ? spawn(&process->pid, program, &child) : errno;
    close_if_open(child.input);
    close_if_open(child.output);
    close_if_open(child.error);
    if (failed == 0) {
        bench_place_child(process->pid);
        return true;
    }
    process->pid = -1;
    bench_process_stop(process);
    if (failed == ENOENT)
        return bench_fail(owner, "%s is not installed", program->arguments[0]);
    return bench_fail(owner, "cannot start %s: %s", program->arguments[0], strerror(failed));
}

bool bench_program_run(const char *const *words, bench_contender *owner) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t pid;
    int status = 0;
    char *const *arguments = (char *const *)(uintptr_t)words;
    int failed = posix_spawnp(&pid, arguments[0], &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0)
        return bench_fail(owner, "cannot start %s: %s", arguments[0], strerror(failed));
    if (waitpid(pid, &status, 0) != pid || status != 0)
        return bench_fail(owner, "%s failed", arguments[0]);
    return true;
}

void bench_process_stop(bench_process *process) {
    if (process->output != process->input)
        close_if_open(process->output);
    close_if_open(process->input);
    close_if_open(process->error);
    if (process->pid > 0) {
        kill(-process->pid, SIGKILL);
        kill(process->pid, SIGKILL);
        waitpid(process->pid, NULL, 0);
    }
    *process = (bench_process)BENCH_PROCESS_NONE;
}

bool bench_write_all(int descriptor, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t written = write(descriptor, bytes, length);
        if (written < 0)
            return false;
        bytes += written;
        length -= (size_t)written;
    }
    return true;
}

static bool read_some(int descriptor, uint64_t *received) {
    char bytes[65536];
    ssize_t got = read(descriptor, bytes, sizeof(bytes));
    if (got <= 0)
        return false;
    *received += (uint64_t)got;
    return true;
}

bool bench_read_more(const bench_process *process, uint64_t *received) {
    if (process->error < 0)
        return read_some(process->output, received);
    struct pollfd streams[] = {{.fd = process->output, .events = POLLIN}, {.fd = process->error, .events = POLLIN}};
    if (poll(streams, 2, -1) < 0)
        return false;
    if (streams[0].revents != 0 && !read_some(process->output, received))
        return false;
    return streams[1].revents == 0 || read_some(process->error, received);
}

bool bench_read_until(const bench_process *process, uint64_t *received, uint64_t wanted) {
    while (*received < wanted) {
        if (!bench_read_more(process, received))
            return false;
    }
    return true;
}

int bench_read_end(int descriptor) {
    char bytes[65536];
    size_t length = 0;
    while (length < sizeof(bytes) - 1) {
        ssize_t got = read(descriptor, bytes + length, sizeof(bytes) - 1 - length);
        if (got <= 0)
            return -1;
        length += (size_t)got;
        bytes[length] = '\0';
        if (bytes[length - 1] != '\n')
            continue;
        const char *end = strstr(bytes, "END");
        if (end != NULL)
            return atoi(end + 3);
    }
    return -1;
}
