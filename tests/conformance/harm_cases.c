/* SPDX-License-Identifier: MIT */
/* What a user can do to a session that need not survive it: it goes on or ends, in time and by a name. */
#include "conformance.h"

#include <string.h>

static bool is_over(struct context *t) {
    return hostsession_get_state(t->session) == HOSTSESSION_ENDED;
}

/* It settles, and so do two more commands; whatever claims success tells the truth. */
static void check_harm(struct context *t, const char *command) {
    if (!SETTLES(t, command))
        return;
    for (int i = 0; i < 2 && !is_over(t); i++) {
        hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
        options.timeout_ms = 2000;
        hostsession_error error;
        const hostsession_result *result = run_raw(t, "echo on; (exit 3)", &options, &error);
        if (error == HOSTSESSION_OK && hostsession_result_exit_status(result) == 3)
            CHECK(t, strcmp(hostsession_result_output(result), "on\n") == 0, "after %s: %s", command,
                  hostsession_result_output(result));
        CHECK(t, error != HOSTSESSION_ERROR_INTERNAL && error != HOSTSESSION_ERROR_INVALID, "after %s: %s", command,
              hostsession_error_name(error));
        CHECK(t, error != HOSTSESSION_OK || hostsession_result_status(result) != HOSTSESSION_STATUS_SUCCESS,
              "after %s: a command that fails succeeded", command);
    }
}

static void descriptor_limits(struct context *t) {
    check_harm(t, "ulimit -n 12");
    if (!is_over(t))
        check_harm(t, "ulimit -n 5");
}

static void restricted_mode(struct context *t) {
    check_harm(t, is_shell(t, ZSH) ? "setopt restricted" : "set -r");
}

static void commands_skipped_by_a_trap(struct context *t) {
    check_harm(t, "shopt -s extdebug; trap 'false' DEBUG");
}

static void builtins_turned_off(struct context *t) {
    check_harm(t, is_shell(t, ZSH) ? "disable eval print builtin; disable -r '{' '}'"
                                   : "enable -n eval printf builtin command");
}

/* Nothing can tell the end of a command then, and there is no deadline that would. */
static void printing_turned_off(struct context *t) {
    hostsession_error error;
    run_raw(t, is_shell(t, ZSH) ? "disable printf" : "enable -n printf", NULL, &error);
    CHECK(t, is_over(t), "the session is not over: %s", hostsession_error_name(error));
    CHECK(t, error == HOSTSESSION_ERROR_TIMED_OUT, "%s", hostsession_error_name(error));
}

static void exit_in_a_trap(struct context *t) {
    check_harm(t, "trap 'exit 4' DEBUG");
}

static void everything_unset(struct context *t) {
    check_harm(t, "for v in $(set | sed -n 's/^\\([A-Za-z_0-9]*\\)=.*/\\1/p'); do unset $v; done 2>/dev/null");
}

static void terminal_given_away(struct context *t) {
    check_harm(t,
               "python3 -c 'import os, signal, time; signal.signal(signal.SIGTTOU, signal.SIG_IGN); os.setpgid(0, 0); "
               "os.tcsetpgrp(0, os.getpgrp()); time.sleep(0.1)'");
}

static void terminal_taken_by_a_job(struct context *t) {
    check_harm(
        t, say(t,
               "python3 -c 'import os, signal, time; signal.signal(signal.SIGTTOU, signal.SIG_IGN); os.setpgid(0, 0); "
               "os.tcsetpgrp(0, os.getpgrp()); signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(%s)'",
               t->tag));
    GONE(t, t->tag);
}

static void resource_limits(struct context *t) {
    check_harm(t, "ulimit -v 60000");
    if (!is_over(t))
        check_harm(t, "ulimit -t 100; ulimit -f 0");
}

static const struct conformance_case harm_cases_table[] = {
    {"harm-descriptor-limits", descriptor_limits, 0, 0, UNSOLICITED_ALLOWED | MAY_END},
    {"harm-restricted-mode", restricted_mode, ANY_BASH | ZSH | KSH93 | MKSH, 0, UNSOLICITED_ALLOWED | MAY_END},
    {"harm-commands-skipped-by-a-trap", commands_skipped_by_a_trap, ANY_BASH, 0, UNSOLICITED_ALLOWED | MAY_END},
    {"harm-builtins-turned-off", builtins_turned_off, ANY_BASH | ZSH, 0, UNSOLICITED_ALLOWED | MAY_END},
    {"harm-printing-turned-off", printing_turned_off, ANY_BASH | ZSH, 0, UNSOLICITED_ALLOWED | MAY_END},
    {"harm-exit-in-a-trap", exit_in_a_trap, ANY_BASH | ZSH | KSH93, 0, UNSOLICITED_ALLOWED | MAY_END},
    {"harm-everything-unset", everything_unset, 0, 0, UNSOLICITED_ALLOWED | MAY_END},
    {"harm-terminal-given-away", terminal_given_away, 0, TTY, UNSOLICITED_ALLOWED | MAY_END},
    {"harm-terminal-taken-by-a-job", terminal_taken_by_a_job, 0, TTY, UNSOLICITED_ALLOWED | MAY_END},
    {"harm-resource-limits", resource_limits, 0, 0, UNSOLICITED_ALLOWED | MAY_END},
};

CASE_GROUP(harm_cases);
