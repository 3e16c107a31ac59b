/* SPDX-License-Identifier: MIT */
/*
 * What differs from shell to shell: how it is recognized, quieted and taught to print our markers, and how a command
 * is framed for it.  See docs/design/framing.md for the reasons.
 */
#ifndef ENGINE_DIALECT_H
#define ENGINE_DIALECT_H

#include "base/bytes.h"
#include "engine/hints.h"
#include "engine/marker.h"
#include "engine/quote.h"

#include <stdint.h>

typedef struct dialect {
    const char *name;
    /* How `eval` is reached whatever the user defined: a backslash stops aliases, `builtin` functions. */
    const char *eval;
    /* NULL, or: in its place for a text that switches the line editor.  bash, 5.2 at least, would then read the rest of
     * what eval reads from there, and crash; in a file that is sourced it leaves its input alone.  But it prints no
     * prompts while an editor is on: `source_end`, behind END, turns that off. */
    const char *source;
    const char *source_end;
    quote_style tty_quotes;
    quote_style pipe_quotes; /* all raw, unless an option can make a newline in quotes an error */
    /* On a terminal long commands are put together in a variable, line by line. */
    bool in_pieces;
    /* Without a terminal it complains about that among standard error. */
    bool complains;
    /* What a command reads on pipes. */
    const char *pipe_input;
    /* Its prompt is empty behind a line that succeeds, as one that ends in END does: prompts come for aborted lines. In
     * other shells each line's prompt comes, with its number. */
    bool quiet_prompt;
    /* ... the line, NULL in those, that makes it show behind all lines, until a sync. */
    const char *show_prompts;
    /* On pipes its prompt is empty behind all lines: a sync typed ahead tells of one that it throws away. */
    bool asks_ahead;
    /* It tells of jobs' ends in the middle of later commands, unless it has told before. */
    bool tells_of_jobs;
    /* Its END says whether there are jobs, or says nothing where there were none yet. */
    bool counts_jobs;
    /* Behind the options its END says how many aliases there are. */
    bool counts_aliases;
    /* NULL, or what prints an END that says all: _hs_e leaves out what is as the last of these has said. */
    const char *whole_end;
    /* NULL, or what comes before a command that may move the terminal's standard error, where the prompt goes: up to
     * END the prompt takes a way of its own. */
    const char *own_prompt;
    /* Both take number and status as one word: each costs time. */
    bool joins_end;
    /* NULL, or what prints the first END, whose number is in _hs_n: on a terminal, and as `pipe_end` and `error_end`
     * do. */
    const char *first_end;
    const char *first_pipe_end;
    const char *first_error_end;
    /* Whether it edits lines, and echoes, is settled by the terminal's modes at each prompt: TERM or an option do not
     * turn that off.  It puts back what it found, so that only a command in it can change the modes. */
    bool edits;
    /* What it says between commands; NULL: nothing.  The first: it edits lines and asks where the cursor is.  The
     * others: a signal has interrupted its reading, which it takes for an end of its input. */
    const char *const *says;
    /* Its line editor puts back the terminal's modes behind each line: they are set once it is off. */
    bool editor_restores;
    /* Ctrl+C makes it print a newline. */
    bool interrupt_newline;
    /* In a loop of subshells it misses most of the Ctrl+C: ksh93 obeys that which its child dies of, and forgets its
     * own. */
    bool misses_interrupts;
    /* As it ends it says "exit" or "logout". */
    bool says_exit;
    /* An interactive one tells about background jobs among the command's output. */
    bool notices;
    /* A line that begins with a blank is not remembered in the list of commands: all of ours do. */
    bool blank_hides;
    /* The user can have code run before every simple command: our frame's, too. */
    bool debug_trap;
    /* An ERR trap runs for the command that failed, and for the eval that it was in. */
    bool error_trap;
    /* What our functions do is neither traced nor trapped, only the call of one; `$-` comes with the call. */
    bool quiet_functions;
    /* END has a third word where the frame guards it. */
    bool tells_guard;
    /* NULL, or what is typed behind a command that may have changed the terminal's width. */
    const char *width_changed;
    /* It traces redirections, too; and what it traces goes past the guard's redirection. */
    bool traces_redirections;
    bool traces_through;
    /* What makes it obey each signal that it has taken note of: it obeys one, and keeps another for a later command.
     * ksh93 until it has waited for a program; and after an interrupted pipeline it waits for none until the next. */
    const char *obey;
    /* Lines that kill the job which Ctrl+Z has just stopped, and no other: where it has stopped none, the current job
     * is a background job of the user's. */
    const char *kill_stopped;
    /* Under verbose it prints a newline where a text that it evaluates ends. */
    bool verbose_end;
    /* What keeps a word from being an alias of the kind that is replaced anywhere in a line. */
    const char *plain;
    /* NULL, or what turns line editors off: without a newline, and it cannot fail. */
    const char *editors_off;
    /* Lines typed one after another when a session is made; '@' stands for the token, "@@" for itself.  Hooks first. */
    const char *const *quiet;
    const char *const *tty_functions;
    const char *const *pipe_functions;
    const char *drainer; /* defines _hs_i */
    /* Typed behind END of a command that has one of the words and may have turned off what our prompt needs. */
    hints mend_words;
    const char *mend;
    const char *pipe_mend; /* ... on pipes; NULL: the same */
    /* For pipes: END on standard output; and on both streams, where these come in no order. */
    const char *pipe_end;
    const char *error_end;
} dialect;

/* How END is called where it must not show: in a group whose errors, or all of whose output, are thrown away; in a
 * subshell, which keeps the user's DEBUG trap out. */
typedef enum end_style { END_PLAIN, END_HUSHED, END_GUARDED, END_ASIDE } end_style;

/* A command's frame. */
typedef struct frame {
    uint64_t number;
    int previous_status; /* what `$?` must be when the command begins */
    const char *command;
    size_t length;
    hints hints; /* in it */
    bool tty;
    /* Without BEGIN: nothing but the command's output can come behind the last prompt. */
    bool silent;
    /* Nothing that the frame itself does may show: xtrace, verbose or a DEBUG trap may be on, or standard output is
     * not the terminal.  Costs the shell some twenty system calls. */
    bool guarded;
    end_style end;
    /* BEGIN is not in the text that is evaluated: what verbose says of its end belongs to the command. */
    bool apart;
    /* The shell redirects nothing. */
    bool restricted;
    /* It may move standard error. */
    bool moves_errors;
    /* The terminal echoes while the command runs. */
    bool echo;
    /* No word can be an alias: a text of plain words needs no quotes. */
    bool unaliased;
    /* Behind END the shell throws away what was typed and not read, until dialect_drained() comes. */
    bool drain;
    /* Another shell is entered: whatever ends that one, a line without END shows in a prompt with this line's number.
     */
    const char *entry_token;
    /* What is evaluated ends by keeping its status: the eval itself does not fail then. */
    bool keeps_status;
    /* The terminal's modes may change, and only the shell can set them again: it does so behind END. */
    bool sets_terminal;
} frame;

/* Append the line to type. */
bool dialect_frame(const dialect *d, const frame *f, bytes *to);

/* Append the line that ends the throwing away; to a shell that is not at it, it is nothing. */
bool dialect_drained(uint64_t number, bytes *to);

/* A line that makes the shell print an END: the proof that it, and not a program, answers. */
typedef struct sync_line {
    uint64_t number;
    end_style end;
    /* It gives the terminal the modes that we need. */
    bool sets_terminal;
    /* It proves, too, that the shell is done with the signals that were sent to it. */
    bool signaled;
    /* It may tell of a line that was thrown away: the status that it brings is that one's. */
    bool typed_ahead;
} sync_line;

bool dialect_sync(const dialect *d, const sync_line *sync, bytes *to);

/* Append the command that gives the terminal the modes that we need; it begins so. */
#define terminal_setter "\\command -p stty sane "
bool dialect_set_terminal(const dialect *d, bytes *to);

/* Append the question that every POSIX shell answers with an ANSWER marker. */
bool dialect_question(const char *token, uint64_t number, bytes *to);

/* Append a line that any shell understands that has `echo` and quotes (fish, csh, tcsh), and prints `foreign_sign` and
 * the token at; its echo does not hold them so. */
#define foreign_sign "is"
bool dialect_foreign_question(const char *token, bool tty, bytes *to);

/* Append the line that puts a POSIX shell in the place of one that answered that. */
bool dialect_replace_foreign(bool tty, bytes *to);

/* The dialect of the shell that gave this answer; NULL when it is none that we know. */
const dialect *dialect_of_answer(const marker *answer);

/* Whether an END says that there are no aliases. */
bool dialect_unaliased(const dialect *d, const marker *end);

/* Whether it may be editing lines: what is typed behind the end of that would not be read as it stands. */
bool dialect_edits_lines(const marker *answer);

/* Append the line that ends the shell, with the status of the last command; its prompt, when it does not, has `number`
 * or is unnumbered. */
bool dialect_exit(const dialect *d, uint64_t number, int status, bytes *to);

/* Append the two parts of the setup; each ends in a sync with `number` (the first one in none, if that is 0), the first
 * one's with the user's name in place of the directory, if `names_user`, the second one's with a status other than 0
 * where PS1 did not become ours.  `ordered`: END on standard output says enough of standard error.
 * The first turns line editors off, and its sync is in the same line: zsh's editor has the terminal exchange CR and LF
 * in all that is typed while it waits, and what is read once it is off would end in CR. */
bool dialect_quiet(const dialect *d, const char *token, bool set_terminal, bool names_user, uint64_t number, bytes *to);
bool dialect_teach(const dialect *d, const char *token, bool tty, bool ordered, uint64_t number, bytes *to);

/* Whether a command with these hints may set a trap that runs at our frame's own commands. */
bool dialect_traps(const dialect *d, hints h);

/* ... an ERR trap that runs for the eval once more. */
bool dialect_traps_errors(const dialect *d, hints h);

/* Whether it may turn tracing on, set a DEBUG trap or the like, so that its own frame must be guarded. */
bool dialect_suspicious(const dialect *d, hints h);

/* Whether a command of this length is: each piece's prompt comes before BEGIN then. */
bool dialect_in_pieces(const dialect *d, size_t length);

/* Where our own trace begins in the output of a command that turned xtrace on: the offset to cut it at, or `length`
 * when there is none.  `prefix` is the length of PS4, -1 when unknown. */
size_t dialect_trace_start(const dialect *d, const char *output, size_t length, uint64_t number, bool sync,
                           int64_t prefix);

#endif
