/* SPDX-License-Identifier: MIT */
/* The user changes the terminal; the next outputs are exact all the same. */
#include "conformance.h"

#include <string.h>

static void check_exact(struct context *t) {
    RUNS(t, "printf 'a\\nb\\r\\nc\\td'", "a\nb\r\nc\td", 0);
    RUNS(t, "echo 'control \003\t\025\032 characters'", "control \003\t\025\032 characters\n", 0);
    RUNS(t, "(exit 3)", "", 3);
    IN_SYNC(t);
}

static void check_after(struct context *t, const char *command) {
    SETTLES(t, command);
    check_exact(t);
}

static void echo_on(struct context *t) {
    check_after(t, "stty echo");
    check_after(t, "stty echo echoctl echoe echok");
    check_after(t, "stty sane");
    check_after(t, "stty sane; stty sane");
}

static void raw(struct context *t) {
    check_after(t, "stty raw -echo");
    check_after(t, "stty raw");
    check_after(t, "stty cooked");
    check_after(t, "stty -icanon min 1 time 0");
    check_after(t, "stty -icanon min 0 time 1");
    check_after(t, "stty -isig -ixon");
}

static void output_processing(struct context *t) {
    check_after(t, "stty opost onlcr");
    check_after(t, "stty opost ocrnl onlret");
    check_after(t, "stty opost tab3");
    check_after(t, "stty opost olcuc");
}

static void input_processing(struct context *t) {
    check_after(t, "stty igncr");
    check_after(t, "stty inlcr -icrnl");
    check_after(t, "stty istrip");
    check_after(t, "stty ixon ixany ixoff");
    check_after(t, "stty -cread");
}

static void special_characters(struct context *t) {
    check_after(t, "stty erase e kill k");
    check_after(t, "stty intr i quit q susp s");
    check_after(t, "stty eof d eol t");
    check_after(t, "stty lnext v werase w start a stop o");
    check_after(t, "stty intr undef quit undef");
    TIMES_OUT(t, say(t, "sleep %s", t->tag), "");
    IN_SYNC(t);
    GONE(t, t->tag);
}

static void signals_off(struct context *t) {
    if (OUT_OF_REACH(t, say(t, "stty -isig; sleep %s", t->tag))) {
        OUT_OF_REACH(t, say(t, "stty raw -echo; sleep %s", t->tag));
        IN_SYNC(t);
        return;
    }
    TIMES_OUT(t, say(t, "stty -isig; sleep %s", t->tag), "");
    check_exact(t);
    TIMES_OUT(t, say(t, "stty raw -echo; sleep %s", t->tag), "");
    check_exact(t);
    GONE(t, t->tag);
}

static void interrupt_moved(struct context *t) {
    /* Where Ctrl+\ ends it the shell says so. */
    bool silent = t->transport->capabilities & REACH_SIGNALS;
    TIMES_OUT(t, say(t, "stty intr ^A; sleep %s", t->tag), silent ? "" : NULL);
    check_exact(t);
    GONE(t, t->tag);
}

/* Several changes, each in the command that also prints: its own output may show it, no later one. */
static void within_a_command(struct context *t) {
    SETTLES(t, "stty sane; echo hi");
    check_exact(t);
    SETTLES(t, "stty echo onlcr; sh -c 'stty raw'; echo hi");
    check_exact(t);
    RUNS(t, "s=$(stty -g); stty sane; stty \"$s\"; echo restored", "restored\n", 0);
    check_exact(t);
}

static void size_and_reset(struct context *t) {
    check_after(t, "stty cols 20 rows 5");
    RUNS(t, say(t, "printf %%s '%s'", repeat(t, "0123456789", 200)), repeat(t, "0123456789", 200), 0);
    check_after(t, "printf '\\033c\\033]104\\007\\033[!p'");
    check_after(t, "tput reset 2>/dev/null; reset 2>/dev/null; tset 2>/dev/null");
    check_after(t, "stty tostop");
}

/* ksh93 looks at it for its editor, and may die of that. */
static void size_and_editor(struct context *t) {
    RUNS(t, "set -o vi", "", 0);
    check_after(t, "stty cols 100");
    check_after(t, "stty cols 90; sh -c 'stty cols 200'");
    RUNS(t, "echo $COLUMNS", "200\n", 0);
}

static void terminal_modes_as_they_are(struct context *t) {
    RUNS_MATCHING(t, "stty -a | tr ' ;' '\\n\\n' | grep -x -e icanon -e isig | sort", "icanon\nisig\n", 0);
    RUNS(t, "stty -a | tr ' ;' '\\n\\n' | grep -x -e echo -e opost", "", 1);
}

static const struct conformance_case terminal_cases_table[] = {
    {"terminal-echo-on", echo_on, 0, TTY, 0},
    {"terminal-raw", raw, 0, TTY, 0},
    {"terminal-output-processing", output_processing, 0, TTY, 0},
    {"terminal-input-processing", input_processing, 0, TTY, 0},
    {"terminal-special-characters", special_characters, 0, TTY, 0},
    {"terminal-signals-off", signals_off, 0, TTY, LONG},
    {"terminal-interrupt-moved", interrupt_moved, 0, TTY, LONG},
    {"terminal-within-a-command", within_a_command, 0, TTY, 0},
    {"terminal-size-and-reset", size_and_reset, 0, TTY, 0},
    {"terminal-size-and-editor", size_and_editor, KSH93, TTY, 0},
    {"terminal-modes-as-they-are", terminal_modes_as_they_are, 0, TTY, 0},
};

CASE_GROUP(terminal_cases);
