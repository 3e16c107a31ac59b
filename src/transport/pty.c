/* SPDX-License-Identifier: MIT */
/* A program on a terminal of its own. */
#include "transport/transport.h"

#include "base/failure.h"
#include "loop/loop.h"
#include "transport/child.h"
#include "transport/processes.h"
#include "transport/program.h"
#include "transport/spawn.h"
#include "transport/terminal.h"

#include <hostsession/enter.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    /* A read of a terminal returns at most 4,095 bytes; one that returns less than this has emptied it, or the writer
     * is slower than we are: no need to ask for the EAGAIN. */
    full_read_bytes = 2048,
    /* After the program's end: what it wrote is in the kernel's buffers, which are smaller.  More comes from others. */
    drain_bytes = 1024 * 1024,
    /* For a program that has closed its terminal to end. */
    patience_us = 1000 * 1000,
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

typedef struct inner_shell {
    pid_t pid; /* 0: it is elsewhere */
    uint64_t started_ticks;
} inner_shell;

typedef struct pty_transport {
    transport_program *program;
    hostsession_loop *loop;
    hostsession_channel *channel;
    hostsession_watch *watch;
    child_process *child;
    pid_t shell; /* on the terminal, and commands go to it; 0: the child */
    inner_shell inner[HOSTSESSION_MOST_LEVELS];
    unsigned depth;
    int master;
    bool paused;
    bool wants_write;
    /* Nothing more can be read. */
    bool drained;
    bool exited;
    bool ended;
    bool waits_for_exit;
    /* When the command began, 0: none was sent yet. */
    uint64_t command_ns;
    int interrupts;
    int spared_starts;
    int kills;
    /* processes_children_waited() at the first of them. */
    uint64_t children_waited;
    /* For how many interrupts the shell has been stopped; 0: it is not. */
    int held;
    hostsession_exit how;
    size_t drain_left;
    loop_timer patience;
    loop_task go_on;
    struct termios modes;
} pty_transport;

static void update_events(pty_transport *pty) {
    unsigned events = 0;
    if (!pty->paused && !pty->drained)
        events |= HOSTSESSION_WATCH_READABLE;
    if (pty->wants_write && !pty->drained)
        events |= HOSTSESSION_WATCH_WRITABLE;
    hostsession_watch_set_events(pty->watch, events);
}

/* Read until the terminal is empty, or the turn's share is read.  Sets `drained` when nothing is to come any more. */
static size_t fill(pty_transport *pty, char *buffer) {
    size_t most = loop_read_buffer_bytes;
    if (pty->exited && pty->drain_left < most)
        most = pty->drain_left;
    size_t filled = 0;
    while (filled < most) {
        ssize_t got = read(pty->master, buffer + filled, most - filled);
        if (got > 0) {
            filled += (size_t)got;
            if (got < full_read_bytes && !pty->exited)
                return filled;
        } else if (got == 0 || errno != EINTR) {
            /* EIO: nobody has the slave open.  After the program's end, EAGAIN is an end, too: a process that it left
             * in the background may have the slave open for ever. */
            pty->drained = got == 0 || errno != EAGAIN || pty->exited;
            break;
        }
    }
    if (pty->exited) {
        pty->drain_left -= filled;
        if (pty->drain_left == 0)
            pty->drained = true;
    }
    return filled;
}

/* Once all is read and the program is reaped. */
static void try_end(pty_transport *pty) {
    if (!pty->drained || pty->ended)
        return;
    update_events(pty);
    if (!pty->exited && pty->waits_for_exit)
        return;
    if (!pty->exited) {
        pty->waits_for_exit = true;
        loop_timer_set(&pty->patience, loop_now_us(pty->loop) + patience_us);
        return;
    }
    pty->ended = true;
    loop_timer_stop(&pty->patience);
    loop_unpost(&pty->go_on);
    hostsession_channel_ended(pty->channel, &pty->how, NULL);
}

/* Returns whether the session wants more; if not, the transport may be gone. */
static bool read_turn(pty_transport *pty) {
    if (pty->drained || pty->paused)
        return true;
    char *buffer = loop_read_buffer(pty->loop);
    size_t filled = fill(pty, buffer);
    /* At the end the descriptor may stay silent: go on from a task, whatever the session does meanwhile. */
    if (pty->exited || pty->drained)
        loop_post(pty->loop, &pty->go_on);
    return filled == 0 || hostsession_channel_received(pty->channel, HOSTSESSION_STREAM_OUTPUT, buffer, filled);
}

static void on_go_on(loop_task *task) {
    pty_transport *pty = list_item(task, pty_transport, go_on);
    if (pty->paused || pty->ended)
        return;
    if (!pty->drained && !read_turn(pty))
        return;
    try_end(pty);
}

static void on_ready(void *userdata, unsigned events) {
    pty_transport *pty = userdata;
    if ((events & HOSTSESSION_WATCH_READABLE) && !read_turn(pty))
        return;
    if (pty->drained) {
        try_end(pty);
        return;
    }
    if ((events & HOSTSESSION_WATCH_WRITABLE) && pty->wants_write) {
        pty->wants_write = false;
        update_events(pty);
        hostsession_channel_writable(pty->channel);
    }
}

static void on_exited(void *userdata, const hostsession_exit *how) {
    pty_transport *pty = userdata;
    pty->exited = true;
    pty->how = *how;
    pty->drain_left = drain_bytes;
    on_go_on(&pty->go_on);
}

static void on_patience_over(loop_timer *timer) {
    pty_transport *pty = list_item(timer, pty_transport, patience);
    child_signal(pty->child, SIGKILL);
}

static void release(pty_transport *pty) {
    loop_unpost(&pty->go_on);
    loop_timer_destroy(&pty->patience);
    hostsession_watch_free(pty->watch);
    pty->watch = NULL;
    if (pty->master >= 0)
        close(pty->master);
    pty->master = -1;
}

static hostsession_error start(pty_transport *pty, hostsession_failure *failure) {
    char path[terminal_path_bytes];
    hostsession_error error = terminal_open(&pty->master, path, &pty->modes, failure);
    if (error != HOSTSESSION_OK)
        return error;
    if (pty->program->echo) {
        struct termios modes = pty->modes;
        modes.c_lflag |= ECHO | ECHOCTL;
        tcsetattr(pty->master, TCSANOW, &modes);
    }
    if (!loop_timer_init(&pty->patience, pty->loop, on_patience_over) ||
        hostsession_watch_new(pty->loop, pty->master, HOSTSESSION_WATCH_READABLE, on_ready, pty, &pty->watch) !=
            HOSTSESSION_OK)
        return failure_no_memory(failure, "spawn");
    pty->child = child_new(pty->loop, on_exited, pty);
    if (!pty->child)
        return failure_no_memory(failure, "spawn");
    pid_t pid;
    error = spawn(pty->program, &(spawn_streams){.terminal = path}, &pid, failure);
    if (error == HOSTSESSION_OK)
        error = child_watch(pty->child, pid, failure);
    if (error != HOSTSESSION_OK)
        child_free(pty->child);
    return error;
}

static hostsession_error pty_open(void *data, hostsession_loop *loop, hostsession_channel *channel,
                                  hostsession_failure *failure) {
    pty_transport *pty = data;
    pty->loop = loop;
    pty->channel = channel;
    hostsession_error error = start(pty, failure);
    if (error != HOSTSESSION_OK) {
        release(pty);
        return error;
    }
    hostsession_channel_opened(channel);
    return HOSTSESSION_OK;
}

static void pty_begin(void *data) {
    pty_transport *pty = data;
    pty->command_ns = processes_boottime_ns();
    pty->interrupts = pty->spared_starts = pty->kills = 0;
}

static pid_t shell_of(const pty_transport *pty) {
    return pty->shell ? pty->shell : child_pid(pty->child);
}

static void let_go(pty_transport *pty) {
    if (pty->held)
        kill(shell_of(pty), SIGCONT);
    pty->held = 0;
}

static size_t pty_write(void *data, const char *bytes, size_t length) {
    pty_transport *pty = data;
    /* It has shown that it is back. */
    let_go(pty);
    ssize_t put;
    do
        put = write(pty->master, bytes, length);
    while (put < 0 && errno == EINTR);
    /* A broken terminal takes everything: its end is noticed by reading. */
    if (put < 0 && errno != EAGAIN)
        return length;
    if (put < 0)
        put = 0;
    if ((size_t)put < length) {
        pty->wants_write = true;
        update_events(pty);
    }
    return (size_t)put;
}

static pid_t foreground_group(const pty_transport *pty) {
    pid_t group = tcgetpgrp(pty->master);
    return group > 0 ? group : 0;
}

/* Without job control, what the shell runs is in its own group, as are its background jobs. */
static bool kill_beside_shell(const pty_transport *pty, pid_t shell) {
    processes_choice choice = {.session = child_pid(pty->child),
                               .shell = shell,
                               .since_ticks = pty->shell ? processes_start_ticks(shell) : 0,
                               .group = getpgid(shell),
                               .sure_after_ticks = UINT64_MAX,
                               .spare_ignoring = PROCESSES_SIGNAL_BIT(SIGINT) | PROCESSES_SIGNAL_BIT(SIGQUIT),
                               .at_least_newest = true};
    return processes_signal(&choice, SIGKILL);
}

/* zsh that waits for its jobs takes no notice of any signal: what the command itself has put in the background is all
 * that can end that.  In the tick that it began in an earlier command's may have started, too: that comes last. */
static bool kill_own_jobs(const pty_transport *pty, pid_t shell) {
    processes_choice choice = {.session = child_pid(pty->child),
                               .shell = shell,
                               .since_ticks = processes_ticks(pty->command_ns) + (pty->kills <= patient_kills + 1)};
    return processes_signal(&choice, SIGKILL);
}

static bool is_busy(const pty_transport *pty, pid_t shell, pid_t group) {
    processes_choice choice = {.session = child_pid(pty->child),
                               .shell = shell,
                               .group = group,
                               .sure_after_ticks = UINT64_MAX};
    return processes_signal(&choice, 0);
}

/* What was typed and not read, as the terminal does at ^C: on its way, and in the terminal. */
static void discard_input(const pty_transport *pty) {
    char path[terminal_path_bytes];
    tcflush(pty->master, TCOFLUSH);
    int terminal =
        ptsname_r(pty->master, path, sizeof path) == 0 ? open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC) : -1;
    if (terminal < 0)
        return;
    tcflush(terminal, TCIFLUSH);
    close(terminal);
}

/* bash that has noted a signal still starts the program that it was about to start: that takes the terminal for itself,
 * after the shell has given up the loop, and bash reads an error there, and exits.  So the shell was to be stopped as
 * it waited for a program, or to start none. */
static bool may_be_interrupted(const pty_transport *pty, pid_t shell) {
    return processes_stopped_in_wait(shell) || processes_children_waited(shell) == pty->children_waited ||
           pty->interrupts >= patient_interrupts;
}

/* A loop of the shell's own starts one program after another, each too short-lived for a signal to meet.  The shell
 * gets the signal itself, but not as it starts one, which would take the terminal from it: it is held until what it has
 * started has ended.  bash's child may wait for it meanwhile: then it is let go, and held anew. */
static bool interrupt_shell(pty_transport *pty, pid_t shell, pid_t group) {
    /* The one around an inner shell would take it for a stopped job: Ctrl+C must do. */
    if (pty->shell)
        return group != shell && kill(-group, SIGINT) == 0 && pty->interrupts % 2;
    if (pty->held++ == 0)
        return kill(shell, SIGSTOP) == 0;
    bool waits =
        !processes_is_stopped(shell) || is_busy(pty, shell, shell) || (group != shell && is_busy(pty, shell, group));
    if (waits && pty->held <= held_interrupts) {
        if (group != shell)
            kill(-group, SIGINT);
        return true;
    }
    if (!waits && may_be_interrupted(pty, shell)) {
        discard_input(pty);
        kill(shell, SIGINT);
    }
    let_go(pty);
    return true;
}

static bool pty_signal(void *data, hostsession_signal signal) {
    static const int numbers[] = {SIGINT, SIGQUIT, SIGKILL};
    pty_transport *pty = data;
    pid_t shell = shell_of(pty);
    pid_t group = foreground_group(pty);
    if (pty->exited || !group)
        return false;
    /* mksh's child that is interrupted before it becomes the program exits with 130, and mksh goes on with its list.
     * (The children of a loop may all be copies of the shell.) */
    if (signal == HOSTSESSION_SIGNAL_INTERRUPT && group != shell && pty->spared_starts < most_spared_starts &&
        processes_is_starting(group, shell)) {
        pty->spared_starts++;
        return true;
    }
    int gentle = group == shell ? gentle_to_shell : gentle_interrupts;
    if (signal == HOSTSESSION_SIGNAL_INTERRUPT && pty->interrupts == 0)
        pty->children_waited = processes_children_waited(shell);
    if (signal == HOSTSESSION_SIGNAL_INTERRUPT && (pty->interrupts++ >= gentle || pty->held))
        return interrupt_shell(pty, shell, group);
    let_go(pty);
    if (group != shell)
        /* A group that has just ended is a part of a loop: a ^C now would be worse than none. */
        return kill(-group, numbers[signal]) == 0 || signal == HOSTSESSION_SIGNAL_INTERRUPT;
    /* The terminal's own ^C and ^\ are right for the shell's group. */
    if (signal != HOSTSESSION_SIGNAL_KILL)
        return false;
    bool killed = kill_beside_shell(pty, shell);
    return (++pty->kills > patient_kills && kill_own_jobs(pty, shell)) || killed;
}

static bool is_same(const struct termios *one, const struct termios *other) {
    return one->c_iflag == other->c_iflag && one->c_oflag == other->c_oflag && one->c_cflag == other->c_cflag &&
           one->c_lflag == other->c_lflag && memcmp(one->c_cc, other->c_cc, sizeof one->c_cc) == 0;
}

static bool pty_reset_terminal(void *data) {
    pty_transport *pty = data;
    struct termios modes;
    if (!terminal_get_modes(pty->master, &modes))
        return false;
    return is_same(&modes, &pty->modes) || tcsetattr(pty->master, TCSANOW, &pty->modes) == 0;
}

static bool pty_terminal_changed(void *data) {
    pty_transport *pty = data;
    struct termios modes;
    return terminal_get_modes(pty->master, &modes) && !is_same(&modes, &pty->modes);
}

static int pty_echoes(void *data) {
    pty_transport *pty = data;
    struct termios modes;
    if (!terminal_get_modes(pty->master, &modes))
        return -1;
    /* A program that takes each key by itself may echo by itself. */
    if (!(modes.c_lflag & (ECHO | ICANON)))
        return -1;
    return (modes.c_lflag & ECHO) != 0;
}

static void pty_pause(void *data, bool paused) {
    pty_transport *pty = data;
    pty->paused = paused;
    update_events(pty);
    if (!paused && (pty->exited || pty->drained))
        loop_post(pty->loop, &pty->go_on);
}

static void pty_close(void *data) {
    pty_transport *pty = data;
    /* Before the terminal is hung up, while it still knows its foreground. */
    child_end(pty->child, foreground_group(pty), NULL);
    release(pty);
}

/* It would go on with a loop of its command's behind what was killed there. */
static void kill_deaf(pty_transport *pty) {
    if (processes_ignores(child_pid(pty->child), PROCESSES_SIGNAL_BIT(SIGHUP)))
        child_signal(pty->child, SIGKILL);
    if (pty->shell && processes_ignores(pty->shell, PROCESSES_SIGNAL_BIT(SIGHUP)))
        kill(pty->shell, SIGKILL);
}

static void pty_close_running(void *data, bool jobs) {
    pty_transport *pty = data;
    if (pty->exited) {
        pty_close(pty);
        return;
    }
    pid_t shell = shell_of(pty);
    /* It starts nothing more, and does not go on behind what is killed; but the one around an inner shell would. */
    if (!pty->shell)
        child_signal(pty->child, SIGSTOP);
    pid_t group = foreground_group(pty);
    processes_choice rest =
        processes_of_command(child_pid(pty->child), pty->command_ns, jobs, PROCESSES_SIGNAL_BIT(SIGHUP));
    if (pty->command_ns && !pty->shell && group && group != shell && is_busy(pty, shell, group)) {
        /* What is elsewhere is in the background, then, and "nohup ... &" is meant to live on. */
        kill(-group, SIGKILL);
        processes_spare_present(&rest, PROCESSES_SIGNAL_BIT(SIGHUP));
    } else {
        /* It may be just about to take the foreground, and ignore the hangup. */
        processes_signal(&rest, SIGKILL);
    }
    kill_deaf(pty);
    child_end(pty->child, group, &rest);
    release(pty);
}

static void note_inner(pty_transport *pty, unsigned depth, pid_t pid) {
    for (unsigned i = pty->depth; i < depth; i++)
        pty->inner[i] = (inner_shell){0, 0};
    if (depth > 0)
        pty->inner[depth - 1] = (inner_shell){pid, pid ? processes_start_ticks(pid) : 0};
    pty->depth = depth;
}

static void pty_shell_pid(void *data, unsigned depth, int64_t pid) {
    pty_transport *pty = data;
    let_go(pty);
    /* A number from elsewhere (docker, ssh) says nothing here. */
    bool here = pid > 0 && getsid((pid_t)pid) == child_pid(pty->child);
    note_inner(pty, depth, here ? (pid_t)pid : 0);
    if (pid > 0)
        pty->shell = here && pid != child_pid(pty->child) ? (pid_t)pid : 0;
}

static bool is_alive(const pty_transport *pty, const inner_shell *one) {
    return one->pid && getsid(one->pid) == child_pid(pty->child) &&
           processes_start_ticks(one->pid) == one->started_ticks;
}

/* What was started in them is younger; the outer shell has started nothing since. */
static bool pty_end_inner(void *data, unsigned depth) {
    pty_transport *pty = data;
    bool alive = false;
    bool allowed = true;
    processes_choice rest = {.session = child_pid(pty->child),
                             .since_ticks = UINT64_MAX,
                             .sure_after_ticks = UINT64_MAX,
                             .shell = depth > 0 && depth <= pty->depth ? pty->inner[depth - 1].pid : 0};
    for (unsigned i = depth; i < pty->depth; i++) {
        inner_shell *one = &pty->inner[i];
        if (one->pid && one->started_ticks < rest.since_ticks)
            rest.since_ticks = one->started_ticks;
        if (!is_alive(pty, one))
            continue;
        alive = true;
        allowed &= kill(one->pid, SIGKILL) == 0;
    }
    if (alive)
        processes_signal(&rest, SIGKILL);
    return allowed;
}

static bool pty_is_terminal_of(void *data, pid_t pid) {
    const pty_transport *pty = data;
    return getsid(pid) == child_pid(pty->child);
}

static void pty_free(void *data) {
    pty_transport *pty = data;
    free(pty->program);
    free(pty);
}

hostsession_error transport_make_pty(const transport_program *program, transport_made *ret,
                                     hostsession_failure *failure) {
    pty_transport *pty = calloc(1, sizeof *pty);
    if (!pty)
        return failure_no_memory(failure, "spawn");
    hostsession_error error = program_copy(program, &pty->program, failure);
    if (error != HOSTSESSION_OK) {
        free(pty);
        return error;
    }
    pty->master = -1;
    pty->go_on.run = on_go_on;
    ret->interface = (hostsession_transport){.struct_size = sizeof(hostsession_transport),
                                             .name = "pty",
                                             .capabilities = HOSTSESSION_TRANSPORT_TTY,
                                             .open = pty_open,
                                             .begin = pty_begin,
                                             .write = pty_write,
                                             .signal = pty_signal,
                                             .reset_terminal = pty_reset_terminal,
                                             .echoes = pty_echoes,
                                             .terminal_changed = pty_terminal_changed,
                                             .pause = pty_pause,
                                             .close = pty_close};
    ret->data = pty;
    ret->free = pty_free;
    ret->sees_foreground = true;
    ret->is_terminal_of = pty_is_terminal_of;
    ret->shell_pid = pty_shell_pid;
    ret->end_inner = pty_end_inner;
    ret->close_running = pty_close_running;
    return HOSTSESSION_OK;
}
