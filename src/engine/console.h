/* SPDX-License-Identifier: MIT */
/*
 * Consoles that are no shell: a second framer, beside the shell dialects, for programs whose prompt is all that ends a
 * command.  An engine that has one in `console` leads its bytes, time and commands here instead of to opening.c,
 * command.c, prompts.c and recovery.c; the results, expectations, redaction and raw text are theirs.
 */
#ifndef ENGINE_CONSOLE_H
#define ENGINE_CONSOLE_H

#include <hostsession/console.h>
#include <hostsession/failure.h>

#include <stdbool.h>
#include <stdint.h>

typedef struct console console;
struct engine;
struct engine_command;

/* HOSTSESSION_ERROR_INVALID names what is wrong.  Everything is copied. */
hostsession_error console_new(const hostsession_console *given, console **ret, hostsession_failure *failure);
/* NULL is allowed. */
void console_free(console *c);

/* Whether it can be a command for a console: one line. */
hostsession_error console_check(const char *command, hostsession_failure *failure);

/* Wait for the prompt; while e->console is set.  What comes before it is the output of the command, if one runs. */
void console_start(struct engine *e, void (*ready)(struct engine *e));
void console_data(struct engine *e, const char *data, size_t length);
/* No more has come for now.  Returns whether the tail is taken: is, or may be, a prompt, or what a pager asks. */
bool console_drained(struct engine *e);
void console_advance(struct engine *e);
int64_t console_deadline(const console *c);
/* Whether console_drained() is waited for. */
bool console_waits(const console *c);
/* Enter is typed, where it does nothing but to bring a prompt. */
void console_ask(struct engine *e);
void console_command(struct engine *e, const struct engine_command *command);
/* Tell the program to end. */
void console_leave(struct engine *e);
/* Something is sent raw: the prompt must come again. */
void console_sent(struct engine *e);
/* Interrupt the command, and prove the prompt. */
void console_stop(struct engine *e);
/* The command has ended, however: what is held is its output.  Called by command_finish(). */
void console_over(struct engine *e);
/* Whether it waits for the first prompt, and none is in sight. */
bool console_opens(const console *c);
/* The setup command that runs; NULL: none. */
const char *console_waits_for(const console *c);

#endif
