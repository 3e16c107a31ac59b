/* SPDX-License-Identifier: MIT */
#include "transport/child.h"

#include "base/failure.h"
#include "transport/spawn.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    /* From SIGHUP to SIGKILL. */
    grace_us = 200 * 1000,
    /* How often to look where there is no pidfd_open(). */
    look_us = 20 * 1000,
};

struct child_process {
    hostsession_loop *loop;
    child_exited_fn exited;
    void *userdata;
    pid_t pid;
    /* The group to end with it. */
    pid_t group;
    bool ends_rest;
    processes_choice rest;
    /* -1 where there is no pidfd_open(). */
    int descriptor;
    bool reaped;
    hostsession_watch *watch;
    loop_timer look;
    loop_timer grace;
    loop_hold hold;
};

static void release(child_process *child) {
    loop_hold_remove(&child->hold);
    loop_timer_destroy(&child->grace);
    loop_timer_destroy(&child->look);
    hostsession_watch_free(child->watch);
    if (child->descriptor >= 0)
        close(child->descriptor);
    free(child);
}

static void on_abandon(loop_hold *hold) {
    release(list_item(hold, child_process, hold));
}

static void kill_group(const child_process *child) {
    processes_choice choice = {.session = child->pid, .group = child->group, .sure_after_ticks = UINT64_MAX};
    if (child->group == child->pid)
        choice.spare_ignoring =
            PROCESSES_SIGNAL_BIT(SIGHUP) | PROCESSES_SIGNAL_BIT(SIGINT) | PROCESSES_SIGNAL_BIT(SIGQUIT);
    processes_signal(&choice, SIGKILL);
}

static void on_grace_over(loop_timer *timer) {
    child_process *child = list_item(timer, child_process, grace);
    child_signal(child, SIGKILL);
    if (child->group)
        kill_group(child);
    child->group = 0;
    if (child->reaped)
        release(child);
}

child_process *child_new(hostsession_loop *loop, child_exited_fn exited, void *userdata) {
    child_process *child = calloc(1, sizeof *child);
    if (!child)
        return NULL;
    if (!loop_timer_init(&child->grace, loop, on_grace_over)) {
        free(child);
        return NULL;
    }
    child->hold.abandon = on_abandon;
    child->loop = loop;
    child->exited = exited;
    child->userdata = userdata;
    child->descriptor = -1;
    return child;
}

void child_free(child_process *child) {
    release(child);
}

static bool group_is_left(const child_process *child) {
    return child->group && (kill(-child->group, 0) == 0 || errno != ESRCH);
}

static hostsession_exit exit_of(const siginfo_t *info) {
    if (info->si_code == CLD_EXITED)
        return (hostsession_exit){true, info->si_status, 0};
    return (hostsession_exit){true, 128 + info->si_status, info->si_status};
}

static void look_later(child_process *child) {
    loop_timer_set(&child->look, loop_now_us(child->loop) + look_us);
}

static void look(child_process *child) {
    siginfo_t info = {0};
    hostsession_exit how = {false, 0, 0};
    /* Until it is reaped its number is nobody else's. */
    if (child->ends_rest && waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid) {
        processes_signal(&child->rest, SIGKILL);
        if (child->group && child->group != child->pid)
            kill_group(child);
    }
    info.si_pid = 0;
    int waited = waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG);
    if (waited == 0 && info.si_pid == 0) {
        if (!child->watch)
            look_later(child);
        return;
    }
    if (waited == 0)
        how = exit_of(&info);
    child->reaped = true;
    if (child->watch)
        hostsession_watch_set_events(child->watch, 0);
    if (child->exited)
        child->exited(child->userdata, &how);
    else if (!group_is_left(child))
        release(child);
}

static void on_ended(void *userdata, unsigned events) {
    (void)events;
    look(userdata);
}

static void on_look(loop_timer *timer) {
    look(list_item(timer, child_process, look));
}

/* It has just been started: it ends at once. */
static void kill_and_reap(pid_t pid) {
    siginfo_t info;
    kill(pid, SIGKILL);
    while (waitid(P_PID, (id_t)pid, &info, WEXITED) != 0 && errno == EINTR)
        continue;
}

hostsession_error child_watch(child_process *child, pid_t pid, hostsession_failure *failure) {
    child->pid = pid;
    child->descriptor = (int)syscall(SYS_pidfd_open, pid, 0);
    int why = child->descriptor < 0 ? errno : 0;
    /* An older kernel, a container's filter that does not know it, or valgrind; or a caller that ignores SIGCHLD, so
     * that the program is gone already. */
    if ((why == ENOSYS || why == EPERM || why == ESRCH) && loop_timer_init(&child->look, child->loop, on_look)) {
        look_later(child);
        return HOSTSESSION_OK;
    }
    if (why == 0 && hostsession_watch_new(child->loop, child->descriptor, HOSTSESSION_WATCH_READABLE, on_ended, child,
                                          &child->watch) == HOSTSESSION_OK)
        return HOSTSESSION_OK;
    kill_and_reap(pid);
    if (why == EMFILE || why == ENFILE)
        return spawn_no_descriptor(failure, why, "watching the started program");
    return failure_set(failure, HOSTSESSION_ERROR_LIMIT, why, "spawn",
                       "cannot watch the started program: no memory, or fs.epoll.max_user_watches is reached");
}

pid_t child_pid(const child_process *child) {
    return child->pid;
}

void child_signal(child_process *child, int signal_number) {
    if (!child->reaped)
        kill(child->pid, signal_number);
}

void child_end(child_process *child, pid_t group, const processes_choice *rest) {
    child->exited = NULL;
    child->ends_rest = rest != NULL;
    if (rest)
        child->rest = *rest;
    if (child->reaped) {
        release(child);
        return;
    }
    child->group = group;
    /* The shell first, or it might go on with the rest of a command whose running part has been ended. */
    if (group != child->pid) {
        child_signal(child, SIGHUP);
        child_signal(child, SIGCONT);
    }
    if (group) {
        kill(-group, SIGHUP);
        kill(-group, SIGCONT);
    }
    loop_hold_add(child->loop, &child->hold);
    if (!loop_in_dispatch(child->loop))
        loop_update_now(child->loop);
    loop_timer_set(&child->grace, loop_now_us(child->loop) + grace_us);
}
