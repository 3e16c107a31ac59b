/* SPDX-License-Identifier: MIT */
/*
 * keeper [NAME=VALUE...] PROGRAM [ARGUMENT...]
 * Run a program, write its process id and a newline to standard output, and on SIGTERM, or when standard input, the
 * parent process or the program ends, kill whatever descends from it: as the reaper of orphans the keeper finds them
 * all.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { most_processes = 4096 };

/* The parent of a process; 0 when it is gone. */
static int parent_of(int pid) {
    char path[64];
    char line[512];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    size_t length = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[length] = '\0';
    /* A name may hold blanks and brackets. */
    const char *after_name = strrchr(line, ')');
    return after_name && strlen(after_name) > 4 ? atoi(after_name + 4) : 0;
}

static void kill_descendants(void) {
    static int pids[most_processes];
    size_t count = 0;
    DIR *processes = opendir("/proc");
    if (!processes)
        return;
    for (struct dirent *entry; count < most_processes && (entry = readdir(processes)) != NULL;)
        if (isdigit((unsigned char)entry->d_name[0]))
            pids[count++] = atoi(entry->d_name);
    closedir(processes);
    for (size_t i = 0; i < count; i++) {
        int pid = pids[i];
        while (pid > 1 && pid != getpid())
            pid = parent_of(pid);
        if (pid == getpid() && pids[i] != pid)
            kill(pids[i], SIGKILL);
    }
}

/* New ones may be born while the others are looked up. */
static void end_all(void) {
    do
        kill_descendants();
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR);
}

static void run_program(char **words, pid_t keeper) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* A test that a shell has started in the background has them ignored. */
    signal(SIGINT, SIG_DFL);
    signal(SIGQUIT, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != keeper)
        _exit(1);
    dup2(STDERR_FILENO, STDIN_FILENO);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    while (*words && strchr(*words, '='))
        putenv(*words++);
    if (*words)
        execv(*words, words);
    perror("keeper: cannot run the program");
    _exit(127);
}

/* Whether it is time to end.  Orphans are reaped on the way. */
static int take_signals(int signals, pid_t program) {
    struct signalfd_siginfo info;
    int ended = 0;
    while (read(signals, &info, sizeof info) == sizeof info)
        ended |= info.ssi_signo == SIGTERM;
    for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0;)
        ended |= pid == program;
    return ended;
}

int main(int argc, char **argv) {
    int parent = (int)syscall(SYS_pidfd_open, getppid(), 0);
    sigset_t taken;
    sigemptyset(&taken);
    sigaddset(&taken, SIGCHLD);
    sigaddset(&taken, SIGTERM);
    sigprocmask(SIG_SETMASK, &taken, NULL);
    int signals = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
    setsid();
    if (argc < 2 || signals < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
        return 1;
    pid_t keeper = getpid();
    pid_t program = fork();
    if (program == 0)
        run_program(argv + 1, keeper);
    printf("%d\n", (int)program);
    fclose(stdout);
    /* poll leaves out what is negative. */
    struct pollfd wait[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                            {.fd = parent, .events = POLLIN},
                            {.fd = signals, .events = POLLIN}};
    do
        poll(wait, 3, -1);
    while (!wait[0].revents && !wait[1].revents && !(wait[2].revents && take_signals(signals, program)));
    end_all();
    return 0;
}
