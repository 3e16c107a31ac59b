/* SPDX-License-Identifier: MIT */
/* Finding processes by a unique text in their command line, and waiting for their end. */
#ifndef SUPPORT_PROCESS_H
#define SUPPORT_PROCESS_H

#include "text.h"

#include <sys/types.h>

/* A living process with `tag` in its command line, other than this one; 0 when there is none.  Its command line is
 * appended to `command_line`, which may be NULL. */
pid_t process_find(const char *tag, text *command_line);

/* Wait, at most `limit_ms`, until process_find() finds none.  False, with its command line, when one is left. */
bool process_wait_gone(const char *tag, int limit_ms, text *command_line);

/* Wait, at most `limit_ms`, until a process ends.  It need not be a child.  False when it still lives. */
bool process_wait_end(pid_t pid, int limit_ms);

/* Wait, at most `limit_ms`, until one of these processes ends. */
bool process_wait_any_end(const pid_t *pids, size_t count, int limit_ms);

/* A descriptor that is readable once the process has ended; negative when there is none, with errno set. */
int process_open(pid_t pid);

/* A living child of this process; 0 when there is none. */
pid_t process_find_child(void);

/* How many living children this process has. */
size_t process_count_children(void);

/* How many descriptors this process has open. */
int process_count_descriptors(void);

/* Milliseconds on the monotonic clock. */
long long clock_ms(void);

#endif
