/* SPDX-License-Identifier: MIT */
/* The arguments of `hostsession run`. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "login.h"

#include <hostsession/hostsession.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How much is said on standard error. */
typedef enum verbosity {
    QUIET = -1,
    NORMAL = 0,
    VERBOSE = 1,
    DEBUG = 2,
} verbosity;

/* Strings point into the arguments unless told otherwise; 0 or NULL: not given. */
typedef struct run_options {
    const char *target;
    char **commands;
    size_t command_count;
    const char *file;
    bool nul_separated;
    bool keep_going;
    bool json;
    int verbosity;
    int64_t timeout_ms;
    int64_t budget_ms;
    int64_t connect_timeout_ms;
    int64_t recovery_timeout_ms;
    size_t max_output_bytes;
    hostsession_mode mode;
    const char *shell;
    const char *cwd;
    const char *session_log;
    /* For hosts to log in to; the lists are ended by NULL. */
    const char *config_file;
    const char **identity_files;
    size_t identity_count;
    const char **settings;
    size_t setting_count;
    login login;
    /* Owned. */
    char *password;
    /* Ended by NULL. */
    const char **environment;
    size_t environment_count;
    hostsession_expectation *expectations;
    /* Owned; one for each expectation: the response with Enter. */
    char **responses;
    size_t expectation_count;
    hostsession_telnet_options telnet;
    /* The target is a console when its prompt is not NULL. */
    hostsession_console console;
    hostsession_expectation *pagers;
} run_options;

typedef enum options_answer {
    OPTIONS_RUN,
    OPTIONS_HELP,
    /* The user was told what is wrong. */
    OPTIONS_WRONG,
} options_answer;

/* Read argv[1] to argv[argc - 1].  Release with options_release(), whatever the answer. */
options_answer options_parse(run_options *ret_options, int argc, char **argv);

/* Secrets are wiped. */
void options_release(run_options *parsed);

#endif
