/* SPDX-License-Identifier: MIT */
/*
 * Consoles that are no shell: a second framer, beside the shell dialects, for programs whose prompt is all that ends a
 * command.  An engine that has one in `console` leads its bytes, time and commands here instead of to opening.c,
 * command.c, prompts.c and recovery.c; the results, expectations, redaction and raw text are theirs.
 *
 * As a level inside a shell: set e->console and call console_start() once the program was started; `ready` is called
 * when its prompt was proven and the setup is done, and sets the phase.  From then on engine_run(), _cancel() and so on
 * find e->console by themselves.  console_leave() types what ends the program.  When it has ended (END of the command
 * it was entered with), command_finish() gives what is held to the command that ran, and e->console is set to what is
 * outside.  A console that cannot be won back calls recovery_give_up().
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

/* Wait for the prompt; while e->console is set. */
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
/* Something is sent raw: the prompt must come again. */
void console_sent(struct engine *e);
/* Interrupt the command, and prove the prompt. */
void console_stop(struct engine *e);
void console_leave(struct engine *e);
/* The command has ended, however: what is held is its output.  Called by command_finish(). */
void console_over(struct engine *e);
/* Whether it waits for the first prompt, and none is in sight. */
bool console_opens(const console *c);
/* The setup command that runs; NULL: none. */
const char *console_waits_for(const console *c);

#endif
