/* SPDX-License-Identifier: MIT */
/* The peer of memory.h: typed bytes go in, printed bytes come out, as of a bash with a few commands of its own. */
#ifndef SUPPORT_MEMORY_SHELL_H
#define SUPPORT_MEMORY_SHELL_H

#include <hostsession/transport.h>

typedef struct memory_shell memory_shell;

typedef struct memory_shell_events {
    void (*printed)(void *owner, hostsession_stream stream, const char *bytes, size_t length);
    /* The shell exited, or the line was lost. */
    void (*ended)(void *owner, const hostsession_exit *how);
    /* A command begins; nothing of it was printed. */
    void (*command)(void *owner, const char *command);
} memory_shell_events;

memory_shell *memory_shell_new(const memory_shell_events *events, void *owner, bool pipe, bool echo);
void memory_shell_free(memory_shell *shell);

void memory_shell_typed(memory_shell *shell, const char *bytes, size_t length);
/* Whether something else than the shell was in the foreground to get it. */
bool memory_shell_signal(memory_shell *shell, hostsession_signal signal);
void memory_shell_finish(memory_shell *shell, int status);
bool memory_shell_waits(const memory_shell *shell);
bool memory_shell_echoes(const memory_shell *shell);
void memory_shell_set_echo(memory_shell *shell, bool echo);

#endif
