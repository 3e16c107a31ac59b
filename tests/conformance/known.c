/* SPDX-License-Identifier: MIT */
/*
 * What was seen to fail, always or now and then under load, in that shell and mode.  Each is a defect of the library or
 * a limit of the shell that is not yet told apart; docs/design/framing.md names the limits.  A case leaves the list
 * when it passes 20 times in a row.
 */
#include "known.h"

#include <stdio.h>
#include <string.h>

static const struct known {
    const char *name;
    const char *rows; /* SHELL-MODE, separated by blanks */
} known[] = {
    {"background-does-not-delay", "ash-tty ksh93-pipe ksh93-tty mksh-pipe"},
    {"background-job-commands", "ksh93-pipe mksh-pipe"},
    {"background-no-notices", "ksh93-pipe mksh-pipe"},
    {"background-notices-of-dead-jobs", "ash-tty ksh93-pipe mksh-pipe"},
    {"background-prints-between-commands", "ash-tty bash-readline-tty ksh93-pipe mksh-pipe"},
    {"background-reads-nothing", "ash-tty bash-posix-tty bash-tty ksh93-pipe mksh-pipe"},
    {"background-wait-is-stopped", "ash-pipe"},
    {"callback-close-in-output", "mksh-tty"},
    {"cancel-a-flood", "ash-pipe mksh-pipe"},
    {"cancel-a-stubborn-program", "ash-pipe ksh93-pipe ksh93-tty"},
    {"cancel-from-outside-dispatch", "ash-pipe ash-tty dash-tty mksh-pipe"},
    {"cancel-running", "ash-pipe bash-posix-tty bash-tty"},
    {"deadline-builtin-waits", "ksh93-tty"},
    {"deadline-catches-interrupt", "ash-pipe ksh93-pipe ksh93-tty"},
    {"deadline-flood", "ash-pipe ksh93-pipe mksh-pipe"},
    {"deadline-function", "ash-pipe mksh-pipe"},
    {"deadline-ignores-all-in-raw-mode", "ash-tty bash-posix-tty ksh93-tty"},
    {"deadline-ignores-interrupt", "ash-pipe ksh93-pipe ksh93-tty mksh-pipe zsh-tty"},
    {"deadline-inner-shells", "ash-tty bash-posix-tty ksh93-tty mksh-tty zsh-tty"},
    {"deadline-late-output", "ash-pipe"},
    {"deadline-long-command", "ash-pipe ksh93-pipe ksh93-tty mksh-pipe zsh-pipe"},
    {"deadline-loops", "ash-pipe"},
    {"deadline-loops-with-programs", "ash-pipe bash-posix-tty bash-tty ksh93-pipe ksh93-tty"},
    {"deadline-pipeline", "ash-pipe ksh93-pipe mksh-pipe"},
    {"deadline-programs-that-echo", "ash-tty"},
    {"deadline-python", "ash-tty"},
    {"deadline-sleep", "ash-pipe mksh-pipe"},
    {"deadline-stopped-programs", "ash-pipe mksh-pipe"},
    {"deadline-subshells", "ash-pipe ksh93-pipe ksh93-tty mksh-pipe"},
    {"deadline-very-short",
     "ash-pipe ash-tty bash-posix-tty bash-readline-tty bash-tty ksh93-tty mksh-pipe mksh-tty zsh-tty"},
    {"descriptor-both-in-one", "ksh93-pipe mksh-pipe zsh-pipe"},
    {"descriptor-both-to-nowhere", "ash-pipe mksh-pipe mksh-tty zsh-pipe"},
    {"descriptor-errors-closed", "mksh-pipe zsh-pipe zsh-tty"},
    {"descriptor-errors-to-a-file", "ksh93-tty"},
    {"descriptor-others-closed", "ash-pipe mksh-pipe"},
    {"end-close-with-a-command-running", "bash-posix-tty bash-readline-tty bash-tty ksh93-tty mksh-tty zsh-tty"},
    {"end-errors-of-the-shell", "zsh-pipe"},
    {"expect-a-pattern-that-runs-away", "ash-tty bash-posix-tty bash-readline-tty bash-tty ksh93-tty mksh-tty"},
    {"expect-echo-off", "ash-tty ksh93-tty"},
    {"expect-no-answer-needed", "bash-posix-tty bash-readline-tty ksh93-tty mksh-tty zsh-tty"},
    {"expect-secret-commands", "ksh93-tty"},
    {"forgery-cut-at-every-byte", "ksh93-pipe zsh-pipe"},
    {"forgery-every-byte-changed", "ash-tty dash-pipe ksh93-tty mksh-pipe mksh-tty zsh-pipe zsh-tty"},
    {"forgery-notices-printed",
     "bash-pipe bash-posix-tty bash-readline-tty bash-tty ksh93-pipe ksh93-tty mksh-pipe mksh-tty "
     "zsh-pipe zsh-tty"},
    {"forgery-replayed-between-commands", "ash-tty bash-posix-tty bash-readline-tty bash-tty ksh93-pipe mksh-pipe"},
    {"forgery-replays", "dash-pipe ksh93-pipe mksh-pipe"},
    {"forgery-typed-text-printed", "bash-pipe dash-pipe ksh93-pipe mksh-pipe zsh-pipe"},
    {"harm-descriptor-limits", "dash-pipe"},
    {"input-readers-on-a-terminal", "ksh93-tty"},
    {"input-typed", "bash-posix-tty bash-tty ksh93-tty mksh-tty zsh-tty"},
    {"name-aliases", "ash-tty bash-posix-tty"},
    {"name-functions", "ash-tty bash-posix-tty"},
    {"name-global-aliases", "zsh-pipe zsh-tty"},
    {"name-special-variables", "ksh93-tty"},
    {"opening-programs-that-are-no-shell", "bash-pipe bash-tty"},
    {"option-emulations", "zsh-pipe zsh-tty"},
    {"option-errexit-and-a-syntax-error", "zsh-tty"},
    {"option-every-one", "bash-pipe bash-posix-tty bash-readline-tty bash-tty ksh93-tty zsh-pipe zsh-tty"},
    {"option-every-one-of-shopt", "bash-pipe bash-readline-tty bash-tty"},
    {"option-field-separators", "ash-pipe mksh-pipe"},
    {"option-job-control", "ksh93-pipe mksh-pipe"},
    {"option-line-editors", "bash-posix-tty bash-readline-tty bash-tty ksh93-tty mksh-tty zsh-tty"},
    {"option-no-path", "ash-pipe ash-tty bash-posix-tty ksh93-tty mksh-pipe"},
    {"option-verbose", "mksh-pipe mksh-tty"},
    {"option-xtrace", "dash-pipe ksh93-tty"},
    {"option-xtrace-and-a-deadline", "ash-pipe ksh93-tty mksh-tty"},
    {"option-xtrace-and-off", "ksh93-tty"},
    {"option-xtrace-in-disguise", "dash-pipe ksh93-tty mksh-pipe mksh-tty zsh-pipe"},
    {"option-xtrace-with-another-ps4", "dash-pipe ksh93-tty zsh-pipe"},
    {"output-all-bytes", "ksh93-tty"},
    {"output-long-lines", "dash-pipe ksh93-pipe mksh-pipe"},
    {"output-random-bytes", "dash-pipe ksh93-pipe mksh-pipe zsh-pipe"},
    {"place-long-names", "ksh93-tty"},
    {"place-strange-names", "ksh93-pipe ksh93-tty"},
    {"prompt-changed", "ash-pipe mksh-pipe"},
    {"prompt-hooks-of-zsh", "zsh-pipe zsh-tty"},
    {"prompt-startup-files", "ash-pipe dash-pipe ksh93-tty"},
    {"raw-the-end-of-the-shell", "dash-tty"},
    {"size-around-line-limits", "ksh93-tty"},
    {"size-hundred-kilobytes", "ksh93-tty"},
    {"size-hundred-kilobytes-of-trouble", "ksh93-tty"},
    {"size-multibyte-at-the-cuts", "ksh93-tty"},
    {"size-only-newlines", "ksh93-tty"},
    {"size-two-thousand-lines", "ksh93-tty"},
    {"status-death-by-interrupt", "ksh93-pipe mksh-pipe"},
    {"syntax-after-the-error", "mksh-pipe"},
    {"syntax-many-errors", "mksh-pipe"},
    {"syntax-messages", "mksh-pipe"},
    {"syntax-open-blocks", "mksh-pipe"},
    {"syntax-open-quotes", "mksh-pipe"},
    {"syntax-shell-features", "mksh-pipe"},
    {"syntax-stray-operators", "mksh-pipe"},
    {"syntax-stray-words", "mksh-pipe"},
    {"terminal-echo-on", "ash-tty ksh93-tty"},
    {"terminal-input-processing", "ash-tty bash-posix-tty"},
    {"terminal-output-processing", "ash-tty bash-posix-tty"},
    {"terminal-raw", "ash-tty"},
    {"terminal-signals-off", "ash-tty bash-posix-tty"},
    {"terminal-size-and-reset", "ash-tty ksh93-tty"},
    {"terminal-special-characters", "ash-tty bash-posix-tty"},
    {"terminal-within-a-command", "ash-tty ksh93-tty"},
    {"text-control-characters", "ksh93-tty"},
    {"text-endings", "ash-tty ksh93-pipe"},
    {"text-history-is-untouched", "ksh93-pipe ksh93-tty"},
    {"text-history-list", "ksh93-tty mksh-pipe mksh-tty zsh-pipe zsh-tty"},
    {"text-open-here-document", "mksh-pipe"},
    {"text-quotes", "ksh93-tty"},
    {"trap-debug", "ksh93-pipe ksh93-tty zsh-pipe zsh-tty"},
    {"trap-debug-that-fails", "ksh93-pipe ksh93-tty"},
    {"trap-exit", "bash-posix-tty bash-readline-tty bash-tty"},
    {"trap-interrupt-ignored", "ksh93-pipe ksh93-tty zsh-tty"},
    {"trap-interrupt-trapped", "ash-pipe mksh-pipe"},
    {"trap-interrupt-trapped-in-a-loop", "bash-pipe bash-posix-tty bash-readline-tty zsh-tty"},
    {"trap-user-signals", "ash-tty ksh93-tty"},
};

bool known_failure(const char *shell, const char *mode, const char *name) {
    char row[64];
    int length = snprintf(row, sizeof row, "%s-%s", shell, mode);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i].name, name) != 0)
            continue;
        for (const char *at = known[i].rows; (at = strstr(at, row)) != NULL; at++) {
            bool begins = at == known[i].rows || at[-1] == ' ';
            if (begins && (at[length] == ' ' || at[length] == 0))
                return true;
        }
    }
    return false;
}
