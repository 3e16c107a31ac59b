/* SPDX-License-Identifier: MIT */
/*
 * What a command may do to the session, as its text looks.  A word counts wherever it is, in a comment or in quotes,
 * too: what is taken for more than it is costs a longer frame, never a wrong result.
 */
#ifndef ENGINE_HINTS_H
#define ENGINE_HINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum hint {
    HINT_STTY,
    HINT_RESET,
    HINT_TSET,
    HINT_EMACS,
    HINT_BLANK_VI,
    HINT_ZLE,
    HINT_EDITING,
    HINT_PREEXEC,
    HINT_PS0,
    HINT_EMULATE,
    HINT_SETOPT,
    HINT_OPT,
    HINT_SHOPT,
    HINT_PROMPTVARS,
    HINT_CLOSED_INPUT,
    HINT_EDITOR_OPTION,
    HINT_SET,
    HINT_SET_OPTION,
    HINT_XTRACE,
    HINT_VERBOSE,
    HINT_PARENTHESES,
    HINT_FUNCTION,
    HINT_ALIAS,
    HINT_TRAP,
    HINT_EVAL,
    HINT_EXIT_SIGNAL,
    HINT_DEBUG_SIGNAL,
    HINT_ERR_SIGNAL,
    HINT_EXEC,
    HINT_EXEC_PROGRAM, /* ... of something else than redirections */
    HINT_EXIT,
    HINT_SOURCE,
    HINT_JOBS,
    HINT_PIPE,
    HINT_COPROC,
    HINT_INPUT,      /* a redirection of input */
    HINT_BACKGROUND, /* an `&` or `coproc` that starts a job; a quoted one only where there is an eval */
} hint;

/* A set of them. */
typedef uint64_t hints;

#define HINT(name) ((hints)1 << HINT_##name)

/* All that are in `text`; it is read twice at most. */
hints hints_of(const char *text, size_t length);

/* Whether the command may change the terminal's modes. */
static inline bool hints_set_terminal(hints h) {
    return h & (HINT(STTY) | HINT(RESET) | HINT(TSET));
}

/* ... turn the shell's line editor on, or set a hook that prints before each line. */
static inline bool hints_edit(hints h) {
    return h & (HINT(EMACS) | HINT(BLANK_VI) | HINT(ZLE) | HINT(EDITING) | HINT(PREEXEC) | HINT(PS0) | HINT(EMULATE) |
                HINT(SETOPT));
}

/* ... turn a line editor of POSIX shells on or off. */
static inline bool hints_switch_editor(hints h) {
    return (h & HINT(EDITOR_OPTION)) && (h & HINT(SET));
}

/* ... define a function, an alias or a trap. */
static inline bool hints_define(hints h) {
    return h & (HINT(PARENTHESES) | HINT(FUNCTION) | HINT(ALIAS) | HINT(TRAP) | HINT(EVAL));
}

/* ... set a trap that runs when the shell exits. */
static inline bool hints_trap_exit(hints h) {
    return (h & HINT(TRAP)) && (h & HINT(EXIT_SIGNAL));
}

/* ... set an ERR trap. */
static inline bool hints_trap_errors(hints h) {
    return (h & HINT(TRAP)) && (h & HINT(ERR_SIGNAL));
}

/* ... take its input from the shell. */
static inline bool hints_move_input(hints h) {
    return (h & HINT(EXEC)) && (h & HINT(INPUT));
}

/* ... move the shell's own streams; a file that it sources may do so. */
static inline bool hints_move_streams(hints h) {
    return h & (HINT(EXEC) | HINT(SOURCE));
}

/* ... turn tracing on or off. */
static inline bool hints_trace(hints h) {
    return h & (HINT(XTRACE) | HINT(VERBOSE) | HINT(SET_OPTION));
}

#endif
