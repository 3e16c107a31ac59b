/* SPDX-License-Identifier: MIT */
/* What the suite runs over: shells, modes, and the ways to reach a shell. */
#ifndef CONFORMANCE_MATRIX_H
#define CONFORMANCE_MATRIX_H

#include "../support/text.h"

#include <hostsession/hostsession.h>

enum {
    BASH = 1,
    BASH_READLINE = 2,
    BASH_POSIX = 4,
    DASH = 8,
    ZSH = 16,
    KSH93 = 32,
    MKSH = 64,
    ASH = 128,
    ANY_BASH = BASH | BASH_READLINE | BASH_POSIX,
    ANY_SHELL = 255,
};

enum {
    TTY = 1,
    PIPE = 2,
    ANY_MODE = 3,
};

struct shell_row {
    const char *name;
    unsigned kind;  /* one bit of the above */
    unsigned modes; /* in which it is tested */
    const char *program;
    const char *arguments; /* NULL: started as the library starts it */
    bool interactive;
    const char *reported; /* by hostsession_get_shell() */
};

/* What a case may need of the way the shell is reached. */
enum {
    /* The shell's processes and files are this machine's. */
    REACH_LOCAL = 1,
    /* How the shell ended is known. */
    REACH_EXIT_STATUS = 2,
    /* A command can be killed, also in pipe mode. */
    REACH_SIGNALS = 4,
    /* Whether the terminal echoes can be told. */
    REACH_ECHO = 8,
    /* A shell can be asked for by name. */
    REACH_SHELL = 16,
};

/* How to open a session; `target` and what `options` points to live as long as the row. */
struct opening {
    char target[512];
    hostsession_options options;
    hostsession_ssh_options ssh;
    const char *user; /* who the shell runs as; NULL: who runs the test */
    char settings_text[1024];
    const char *settings[2];
};

struct transport_row {
    const char *name;
    unsigned modes;
    unsigned capabilities;
    unsigned shells; /* 0: any */
    /* Optional.  Before the first case, in the runner: start what the cases connect to, in `folder`.  False, with the
     * reason, when it cannot be had. */
    bool (*start)(const char *folder, text *why);
    void (*stop)(void);
    void (*describe)(const struct shell_row *shell, const char *home, struct opening *opening);
};

extern const struct shell_row shell_rows[];
extern const struct transport_row transport_rows[];

/* NULL when there is none of that name. */
const struct shell_row *shell_row_find(const char *name);
const struct transport_row *transport_row_find(const char *name);

#endif
