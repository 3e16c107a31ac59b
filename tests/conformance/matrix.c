/* SPDX-License-Identifier: MIT */
#include "matrix.h"

#include <stdio.h>
#include <string.h>

/* Readline and --posix change how bash reads a terminal; on pipes there is nothing of that to test. */
const struct shell_row shell_rows[] = {
    {"bash", BASH, ANY_MODE, "bash", NULL, false, "bash"},
    {"bash-readline", BASH_READLINE, TTY, "bash", NULL, true, "bash"},
    {"bash-posix", BASH_POSIX, TTY, "bash", "--posix --noprofile --norc", false, "bash"},
    {"dash", DASH, ANY_MODE, "dash", NULL, false, "dash"},
    {"zsh", ZSH, ANY_MODE, "zsh", NULL, false, "zsh"},
    {"ksh93", KSH93, ANY_MODE, "ksh93", NULL, false, "ksh93"},
    {"mksh", MKSH, ANY_MODE, "mksh", NULL, false, "mksh"},
    {"ash", ASH, ANY_MODE, "busybox", "ash", false, "ash"},
    {0},
};

/* On pipes as "local" does it: only an interactive shell survives SIGINT. */
static void describe_local(const struct shell_row *shell, struct opening *opening) {
    if (shell->arguments) {
        const char *interactive = opening->options.mode == HOSTSESSION_MODE_PIPE ? " -i" : "";
        snprintf(opening->target, sizeof opening->target, "exec:%s %s%s", shell->program, shell->arguments,
                 interactive);
        return;
    }
    snprintf(opening->target, sizeof opening->target, "local");
    opening->options.shell = shell->program;
    opening->options.interactive = shell->interactive;
}

const struct transport_row transport_rows[] = {
    {"local", ANY_MODE, REACH_LOCAL | REACH_EXIT_STATUS | REACH_SIGNALS, describe_local},
    {0},
};

const struct shell_row *shell_row_find(const char *name) {
    for (const struct shell_row *row = shell_rows; row->name; row++)
        if (strcmp(row->name, name) == 0)
            return row;
    return NULL;
}

const struct transport_row *transport_row_find(const char *name) {
    for (const struct transport_row *row = transport_rows; row->name; row++)
        if (strcmp(row->name, name) == 0)
            return row;
    return NULL;
}
