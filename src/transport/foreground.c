/* SPDX-License-Identifier: MIT */
#include "transport/foreground.h"

#include "transport/terminal.h"

#include <signal.h>
#include <unistd.h>

enum {
    /* So many interrupts of one command are for what is in the foreground alone. */
    gentle_interrupts = 10,
    /* The same where that is the shell itself. */
    gentle_to_shell = 3,
    /* So many SIGKILL spare the background jobs of the command itself. */
    patient_kills = 1,
    /* So many are put off while that is just starting. */
    most_spared_starts = 2,
    /* For so many the shell is held (stopped) at most. */
    held_interrupts = 3,
    /* After so many it gets its own, wherever it was stopped. */
    patient_interrupts = 26,
};

void foreground_begin(foreground *f) {
    f->command_ns = processes_boottime_ns();
    f->interrupts = f->spared_starts = f->kills = 0;
}

static pid_t shell_of(const foreground *f) {
    return f->shell ? f->shell : child_pid(f->child);
}

void foreground_let_go(foreground *f) {
    if (f->held)
        kill(shell_of(f), SIGCONT);
    f->held = 0;
}

pid_t foreground_group(const foreground *f) {
    pid_t group = tcgetpgrp(f->master);
    return group > 0 ? group : 0;
}

/* Without job control, what the shell runs is in its own group, as are its background jobs. */
static bool kill_beside_shell(const foreground *f, pid_t shell) {
    processes_choice choice = {.session = child_pid(f->child),
                               .shell = shell,
                               .since_ticks = f->shell ? processes_start_ticks(shell) : 0,
                               .group = getpgid(shell),
                               .sure_after_ticks = UINT64_MAX,
                               .spare_ignoring = PROCESSES_SIGNAL_BIT(SIGINT) | PROCESSES_SIGNAL_BIT(SIGQUIT),
                               .at_least_newest = true};
    return processes_signal(&choice, SIGKILL);
}

/* zsh that waits for its jobs takes no notice of any signal: what the command itself has put in the background is all
 * that can end that.  In the tick that it began in an earlier command's may have started, too: that comes last. */
static bool kill_own_jobs(const foreground *f, pid_t shell) {
    processes_choice choice = {.session = child_pid(f->child),
                               .shell = shell,
                               .since_ticks = processes_ticks(f->command_ns) + (f->kills <= patient_kills + 1)};
    return processes_signal(&choice, SIGKILL);
}

static bool is_busy(const foreground *f, pid_t shell, pid_t group) {
    processes_choice choice = {.session = child_pid(f->child),
                               .shell = shell,
                               .group = group,
                               .sure_after_ticks = UINT64_MAX};
    return processes_signal(&choice, 0);
}

/* bash that has noted a signal still starts the program that it was about to start: that takes the terminal for itself,
 * after the shell has given up the loop, and bash reads an error there, and exits.  So the shell was to be stopped as
 * it waited for a program, or to start none. */
static bool may_be_interrupted(const foreground *f, pid_t shell) {
    return processes_stopped_in_wait(shell) || processes_children_waited(shell) == f->children_waited ||
           f->interrupts >= patient_interrupts;
}

/* A loop of the shell's own starts one program after another, each too short-lived for a signal to meet.  The shell
 * gets the signal itself, but not as it starts one, which would take the terminal from it: it is held until what it has
 * started has ended.  bash's child may wait for it meanwhile: then it is let go, and held anew. */
static bool interrupt_shell(foreground *f, pid_t shell, pid_t group) {
    /* The one around an inner shell would take it for a stopped job: Ctrl+C must do. */
    if (f->shell)
        return group != shell && kill(-group, SIGINT) == 0 && f->interrupts % 2;
    if (f->held++ == 0)
        return kill(shell, SIGSTOP) == 0;
    bool waits =
        !processes_is_stopped(shell) || is_busy(f, shell, shell) || (group != shell && is_busy(f, shell, group));
    if (waits && f->held <= held_interrupts) {
        if (group != shell)
            kill(-group, SIGINT);
        return true;
    }
    if (!waits && may_be_interrupted(f, shell)) {
        terminal_discard_input(f->master);
        kill(shell, SIGINT);
    }
    foreground_let_go(f);
    return true;
}

bool foreground_signal(foreground *f, hostsession_signal signal) {
    static const int numbers[] = {SIGINT, SIGQUIT, SIGKILL};
    pid_t shell = shell_of(f);
    pid_t group = foreground_group(f);
    if (!group)
        return false;
    /* mksh's child that is interrupted before it becomes the program exits with 130, and mksh goes on with its list.
     * (The children of a loop may all be copies of the shell.) */
    if (signal == HOSTSESSION_SIGNAL_INTERRUPT && group != shell && f->spared_starts < most_spared_starts &&
        processes_is_starting(group, shell)) {
        f->spared_starts++;
        return true;
    }
    int gentle = group == shell ? gentle_to_shell : gentle_interrupts;
    if (signal == HOSTSESSION_SIGNAL_INTERRUPT && f->interrupts == 0)
        f->children_waited = processes_children_waited(shell);
    if (signal == HOSTSESSION_SIGNAL_INTERRUPT && (f->interrupts++ >= gentle || f->held))
        return interrupt_shell(f, shell, group);
    foreground_let_go(f);
    if (group != shell)
        /* A group that has just ended is a part of a loop: a ^C now would be worse than none. */
        return kill(-group, numbers[signal]) == 0 || signal == HOSTSESSION_SIGNAL_INTERRUPT;
    /* The terminal's own ^C and ^\ are right for the shell's group. */
    if (signal != HOSTSESSION_SIGNAL_KILL)
        return false;
    bool killed = kill_beside_shell(f, shell);
    return (++f->kills > patient_kills && kill_own_jobs(f, shell)) || killed;
}

/* It would go on with a loop of its command's behind what was killed there. */
static void kill_deaf(foreground *f) {
    if (processes_ignores(child_pid(f->child), PROCESSES_SIGNAL_BIT(SIGHUP)))
        child_signal(f->child, SIGKILL);
    if (f->shell && processes_ignores(f->shell, PROCESSES_SIGNAL_BIT(SIGHUP)))
        kill(f->shell, SIGKILL);
}

void foreground_end(foreground *f, bool jobs) {
    pid_t shell = shell_of(f);
    /* It starts nothing more, and does not go on behind what is killed; but the one around an inner shell would. */
    if (!f->shell)
        child_signal(f->child, SIGSTOP);
    pid_t group = foreground_group(f);
    processes_choice rest =
        processes_of_command(child_pid(f->child), f->command_ns, jobs, PROCESSES_SIGNAL_BIT(SIGHUP));
    if (f->command_ns && !f->shell && group && group != shell && is_busy(f, shell, group)) {
        /* What is elsewhere is in the background, then, and "nohup ... &" is meant to live on. */
        kill(-group, SIGKILL);
        processes_spare_present(&rest, PROCESSES_SIGNAL_BIT(SIGHUP));
    } else {
        /* It may be just about to take the foreground, and ignore the hangup. */
        processes_signal(&rest, SIGKILL);
    }
    kill_deaf(f);
    child_end(f->child, group, &rest);
}

static void note_inner(foreground *f, unsigned depth, pid_t pid) {
    for (unsigned i = f->depth; i < depth; i++)
        f->inner[i] = (inner_shell){0, 0};
    if (depth > 0)
        f->inner[depth - 1] = (inner_shell){pid, pid ? processes_start_ticks(pid) : 0};
    f->depth = depth;
}

void foreground_note_shell(foreground *f, unsigned depth, int64_t pid) {
    foreground_let_go(f);
    bool here = pid > 0 && getsid((pid_t)pid) == child_pid(f->child);
    note_inner(f, depth, here ? (pid_t)pid : 0);
    if (pid > 0)
        f->shell = here && pid != child_pid(f->child) ? (pid_t)pid : 0;
}

static bool is_alive(const foreground *f, const inner_shell *one) {
    return one->pid && getsid(one->pid) == child_pid(f->child) && processes_start_ticks(one->pid) == one->started_ticks;
}

/* What was started in them is younger; the outer shell has started nothing since. */
bool foreground_end_inner(foreground *f, unsigned depth) {
    bool alive = false;
    bool allowed = true;
    processes_choice rest = {.session = child_pid(f->child),
                             .since_ticks = UINT64_MAX,
                             .sure_after_ticks = UINT64_MAX,
                             .shell = depth > 0 && depth <= f->depth ? f->inner[depth - 1].pid : 0};
    for (unsigned i = depth; i < f->depth; i++) {
        inner_shell *one = &f->inner[i];
        if (one->pid && one->started_ticks < rest.since_ticks)
            rest.since_ticks = one->started_ticks;
        if (!is_alive(f, one))
            continue;
        alive = true;
        allowed &= kill(one->pid, SIGKILL) == 0;
    }
    if (alive)
        processes_signal(&rest, SIGKILL);
    return allowed;
}
