/* SPDX-License-Identifier: MIT */
/* Signals to a choice of the processes of a session (in the sense of setsid), where a process group says too little:
 * in a shell without job control all that it starts is in its own group. */
#ifndef TRANSPORT_PROCESSES_H
#define TRANSPORT_PROCESSES_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The kernel tells a process's start in ticks of 10 ms, so that one started in the same tick as a command may be the
 * command's or an older one's: of those, the ones that ignore `spare_ignoring` are spared.  Shells without job control
 * start background jobs with SIGINT and SIGQUIT ignored. */
typedef struct processes_choice {
    /* Its leader is always spared. */
    pid_t session;
    /* 0: any. */
    pid_t group;
    /* Spare those started before. */
    uint64_t since_ticks;
    /* Take those started later, whatever they ignore: in the same tick, those of a later number (0: none). */
    uint64_t sure_after_ticks;
    pid_t sure_after_pid;
    /* As bits: 1 << (signal - 1). */
    uint64_t spare_ignoring;
    /* Take the leader's children in sessions of their own, too, unless they ignore `spare_ignoring`: it waits for
     * those. */
    bool children;
    /* Rather than spare all, take the newest. */
    bool at_least_newest;
    /* Spared, too; 0: no other. */
    pid_t shell;
} processes_choice;

#define PROCESSES_SIGNAL_BIT(signal_number) (UINT64_C(1) << ((signal_number)-1))

/* The start, in ticks, of a process that starts at `boottime_ns` of CLOCK_BOOTTIME. */
uint64_t processes_ticks(uint64_t boottime_ns);
uint64_t processes_boottime_ns(void);

/* All that a command has started which began at `began_ns`.  With `jobs` earlier ones have left some, perhaps in the
 * same tick: then those that ignore `spare_ignoring` are spared. */
processes_choice processes_of_command(pid_t session, uint64_t began_ns, bool jobs, uint64_t spare_ignoring);

/* Send a signal to the processes of the choice; SIGKILL also to those that they start meanwhile.  Returns whether
 * there was any. */
bool processes_signal(const processes_choice *choice, int signal_number);

/* Spare those that ignore the signals only if they are there already. */
void processes_spare_present(processes_choice *choice, uint64_t spare_ignoring);

/* Whether it ignores them all.  As bits, see above. */
bool processes_ignores(pid_t pid, uint64_t signals);

/* Which of two processes of the same tick is the younger: behind the largest number (32,768 by default on a small host)
 * they begin again, and within a tick they are not as far apart otherwise. */
bool processes_number_is_later(pid_t number, pid_t other);

/* When the process started; 0: it is not there. */
uint64_t processes_start_ticks(pid_t pid);

/* Whether `parent` forked it a moment ago, 20 to 30 ms, and it is still a copy of it, by its command line: it
 * may take a signal as its parent would. */
bool processes_is_starting(pid_t pid, pid_t parent);
/* Whether one of its children is, on a busy host, too: for 200 ms.  False where the system does not list children. */
bool processes_has_starting_child(pid_t parent);

/* Whether a SIGSTOP has taken effect. */
bool processes_is_stopped(pid_t pid);

/* Whether it was stopped as it waited for a child or a signal; true, too, where the system does not tell. */
bool processes_stopped_in_wait(pid_t pid);

/* A number that grows with each child it has waited for. */
uint64_t processes_children_waited(pid_t pid);

#endif
