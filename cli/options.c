/* SPDX-License-Identifier: MIT */
#include "options.h"

#include "message.h"
#include "values.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPTION_BUDGET = 256,
    OPTION_CONNECT_TIMEOUT,
    OPTION_CWD,
    OPTION_ENV,
    OPTION_ERROR,
    OPTION_EXPECT,
    OPTION_JSON,
    OPTION_MAX_ANSWERS,
    OPTION_MAX_OUTPUT,
    OPTION_MODE,
    OPTION_NAME_PROMPT,
    OPTION_NO_PROBE,
    OPTION_PACE,
    OPTION_PAGER,
    OPTION_PASSWORD_FROM,
    OPTION_PASSWORD_PROMPT,
    OPTION_PROMPT,
    OPTION_RECOVERY_TIMEOUT,
    OPTION_REPLY,
    OPTION_REPLY_FROM,
    OPTION_SESSION_LOG,
    OPTION_SHELL,
    OPTION_STATUS,
    OPTION_STATUS_COMMAND,
};

static const struct option long_options[] = {
    {"budget", required_argument, NULL, OPTION_BUDGET},
    {"connect-timeout", required_argument, NULL, OPTION_CONNECT_TIMEOUT},
    {"cwd", required_argument, NULL, OPTION_CWD},
    {"env", required_argument, NULL, OPTION_ENV},
    {"error", required_argument, NULL, OPTION_ERROR},
    {"expect", required_argument, NULL, OPTION_EXPECT},
    {"help", no_argument, NULL, 'h'},
    {"json", no_argument, NULL, OPTION_JSON},
    {"keep-going", no_argument, NULL, 'k'},
    {"max-answers", required_argument, NULL, OPTION_MAX_ANSWERS},
    {"max-output", required_argument, NULL, OPTION_MAX_OUTPUT},
    {"mode", required_argument, NULL, OPTION_MODE},
    {"name-prompt", required_argument, NULL, OPTION_NAME_PROMPT},
    {"no-probe", no_argument, NULL, OPTION_NO_PROBE},
    {"pace", required_argument, NULL, OPTION_PACE},
    {"pager", required_argument, NULL, OPTION_PAGER},
    {"password-from", required_argument, NULL, OPTION_PASSWORD_FROM},
    {"password-prompt", required_argument, NULL, OPTION_PASSWORD_PROMPT},
    {"prompt", required_argument, NULL, OPTION_PROMPT},
    {"recovery-timeout", required_argument, NULL, OPTION_RECOVERY_TIMEOUT},
    {"reply", required_argument, NULL, OPTION_REPLY},
    {"reply-from", required_argument, NULL, OPTION_REPLY_FROM},
    {"session-log", required_argument, NULL, OPTION_SESSION_LOG},
    {"shell", required_argument, NULL, OPTION_SHELL},
    {"status", required_argument, NULL, OPTION_STATUS},
    {"status-command", required_argument, NULL, OPTION_STATUS_COMMAND},
    {"timeout", required_argument, NULL, 't'},
    {0},
};

/* The parse as it goes on. */
typedef struct parse {
    run_options *options;
    char **argv;
    /* An --expect that waits for its reply. */
    const char *pattern;
    /* The first option that is only for hosts to log in to. */
    const char *remote_option;
    /* The first that is only for consoles. */
    const char *console_option;
    /* The first that is only for ssh. */
    const char *ssh_option;
    /* The first that is only for telnet. */
    const char *telnet_option;
} parse;

static bool wrong_value(const char *name, const char *value, const char *wanted) {
    message("%s '%s': expected %s", name, value, wanted);
    return false;
}

static bool set_seconds(const char *name, const char *value, int64_t *ret_ms) {
    if (parse_seconds(value, ret_ms))
        return true;
    return wrong_value(name, value, "seconds above 0, such as 30 or 0.5");
}

static bool set_mode(run_options *to, const char *value) {
    if (strcmp(value, "tty") == 0)
        to->mode = HOSTSESSION_MODE_TTY;
    else if (strcmp(value, "pipe") == 0)
        to->mode = HOSTSESSION_MODE_PIPE;
    else
        return wrong_value("--mode", value, "tty or pipe");
    return true;
}

static bool add_environment(run_options *to, const char *value) {
    if (!is_environment_setting(value))
        return wrong_value("--env", value, "NAME=VALUE, where NAME has letters, digits and underscores");
    to->environment[to->environment_count++] = value;
    return true;
}

static bool set_pattern(parse *state, const char *value) {
    if (state->pattern) {
        message("--expect '%s' has no reply: give --reply or --reply-from after it, before the next --expect",
                state->pattern);
        return false;
    }
    state->pattern = value;
    return true;
}

/* `response` is owned from here, and has room for one more character. */
static bool add_reply(parse *state, char *response, unsigned flags) {
    /* Enter is a carriage return: the terminal makes a newline of it, and programs that read keys expect it. */
    size_t length = strlen(response);
    memcpy(response + length, "\r", 2);
    run_options *to = state->options;
    to->responses[to->expectation_count] = response;
    to->expectations[to->expectation_count++] =
        (hostsession_expectation){.pattern = state->pattern, .response = response, .flags = flags};
    state->pattern = NULL;
    return true;
}

static bool set_reply(parse *state, const char *name, const char *value, bool from_source) {
    if (!state->pattern) {
        message("%s needs an --expect before it", name);
        return false;
    }
    if (!from_source) {
        size_t length = strlen(value);
        char *copy = malloc(length + 2);
        if (!copy) {
            message("out of memory");
            return false;
        }
        return add_reply(state, memcpy(copy, value, length + 1), 0);
    }
    if (!is_secret_source(value))
        return wrong_value(name, value, "env:NAME or file:PATH");
    char why[1024];
    char *secret = secret_read(value, why, sizeof why);
    if (!secret) {
        message("%s '%s': %s", name, value, why);
        return false;
    }
    return add_reply(state, secret, HOSTSESSION_EXPECT_SECRET);
}

static bool set_max_answers(run_options *to, const parse *state, const char *value) {
    if (state->pattern || to->expectation_count == 0) {
        message("--max-answers needs an --expect and its reply before it");
        return false;
    }
    return parse_count(value, &to->expectations[to->expectation_count - 1].max_answers) ||
           wrong_value("--max-answers", value, "a number above 0");
}

static bool set_password_source(run_options *to, const char *value) {
    char why[1024];
    to->login.source = value;
    if (strcmp(value, "ask") == 0)
        return true;
    if (!is_secret_source(value))
        return wrong_value("--password-from", value, "env:NAME, file:PATH or ask");
    secret_free(to->password);
    to->login.password = to->password = secret_read(value, why, sizeof why);
    if (!to->password)
        message("--password-from '%s': %s", value, why);
    return to->password != NULL;
}

static bool set_remote_option(parse *state, int option, const char *value) {
    static const char *const names[] = {['i'] = "-i", ['F'] = "-F", ['o'] = "-o"};
    run_options *to = state->options;
    if (!state->remote_option)
        state->remote_option = option == OPTION_PASSWORD_FROM ? "--password-from" : names[option];
    if (!state->ssh_option && option != OPTION_PASSWORD_FROM)
        state->ssh_option = names[option];
    switch (option) {
    case 'i':
        to->identity_files[to->identity_count++] = value;
        return true;
    case 'F':
        to->config_file = value;
        return true;
    case 'o':
        if (strspn(value, "= \t") == strlen(value) || !strpbrk(value, "= \t"))
            return wrong_value("-o", value, "KEY=VALUE as in ssh_config(5)");
        to->settings[to->setting_count++] = value;
        return true;
    default:
        return set_password_source(to, value);
    }
}

static bool set_telnet_option(parse *state, int option, const char *value) {
    hostsession_telnet_options *to = &state->options->telnet;
    const char *name = option == OPTION_PACE          ? "--pace"
                       : option == OPTION_NAME_PROMPT ? "--name-prompt"
                                                      : "--password-prompt";
    if (!state->telnet_option)
        state->telnet_option = name;
    if (option == OPTION_PACE)
        return parse_pace(value, &to->write_bytes, &to->write_pause_ms) ||
               wrong_value(name, value, "BYTES/SECONDS, such as 16/0.05");
    if (option == OPTION_NAME_PROMPT)
        to->name_prompt = value;
    else
        to->password_prompt = value;
    return true;
}

static bool set_console_option(parse *state, int option, const char *value) {
    run_options *to = state->options;
    const char *name = NULL;
    switch (option) {
    case OPTION_PROMPT:
        to->console.prompt = value;
        return true;
    case OPTION_PAGER:
        name = "--pager";
        to->pagers[to->console.pager_count++] = (hostsession_expectation){.pattern = value, .response = " "};
        break;
    case OPTION_ERROR:
        name = "--error";
        to->console.error = value;
        break;
    case OPTION_STATUS_COMMAND:
        name = "--status-command";
        to->console.status_command = value;
        break;
    case OPTION_STATUS:
        name = "--status";
        to->console.status = value;
        break;
    default:
        name = "--no-probe";
        to->console.probe = "";
        break;
    }
    if (!state->console_option)
        state->console_option = name;
    return true;
}

static bool set_option(parse *state, int option, const char *value) {
    run_options *to = state->options;
    switch (option) {
    case '0':
        to->nul_separated = true;
        return true;
    case 'f':
        to->file = value;
        return true;
    case 'k':
        to->keep_going = true;
        return true;
    case 'q':
        to->verbosity = QUIET;
        return true;
    case 'v':
        to->verbosity = to->verbosity < VERBOSE ? VERBOSE : DEBUG;
        return true;
    case 't':
        return set_seconds("--timeout", value, &to->timeout_ms);
    case 'i':
    case 'F':
    case 'o':
    case OPTION_PASSWORD_FROM:
        return set_remote_option(state, option, value);
    case OPTION_PROMPT:
    case OPTION_PAGER:
    case OPTION_ERROR:
    case OPTION_STATUS_COMMAND:
    case OPTION_STATUS:
    case OPTION_NO_PROBE:
        return set_console_option(state, option, value);
    case OPTION_PACE:
    case OPTION_NAME_PROMPT:
    case OPTION_PASSWORD_PROMPT:
        return set_telnet_option(state, option, value);
    case OPTION_BUDGET:
        return set_seconds("--budget", value, &to->budget_ms);
    case OPTION_CONNECT_TIMEOUT:
        return set_seconds("--connect-timeout", value, &to->connect_timeout_ms);
    case OPTION_RECOVERY_TIMEOUT:
        return set_seconds("--recovery-timeout", value, &to->recovery_timeout_ms);
    case OPTION_SESSION_LOG:
        to->session_log = value;
        return true;
    case OPTION_CWD:
        to->cwd = value;
        return true;
    case OPTION_ENV:
        return add_environment(to, value);
    case OPTION_EXPECT:
        return set_pattern(state, value);
    case OPTION_REPLY:
        return set_reply(state, "--reply", value, false);
    case OPTION_REPLY_FROM:
        return set_reply(state, "--reply-from", value, true);
    case OPTION_JSON:
        to->json = true;
        return true;
    case OPTION_MAX_ANSWERS:
        return set_max_answers(to, state, value);
    case OPTION_MAX_OUTPUT:
        return parse_bytes(value, &to->max_output_bytes) ||
               wrong_value("--max-output", value, "a number of bytes above 0, such as 4096, 64KiB or 1GiB");
    case OPTION_MODE:
        return set_mode(to, value);
    default:
        to->shell = value;
        return true;
    }
}

/* What getopt_long() answers '?' or ':' for. */
static void complain(const parse *state, int answer) {
    /* Where the value is missing musl's counts it, too. */
    const char *word = state->argv[optind - 1] ? state->argv[optind - 1] : state->argv[optind - 2];
    if (answer == ':' && strncmp(word, "--", 2) == 0)
        message("option '%s' needs a value", word);
    else if (answer == ':')
        message("option '-%c' needs a value", optopt);
    else if (optopt >= OPTION_BUDGET || optopt == 'k' || optopt == 'h')
        message("option '%s': it takes no value", word);
    else if (optopt)
        message("unknown option '-%c'", optopt);
    else
        message("unknown or ambiguous option '%s'", word);
}

/* What can only be judged when all options are known. */
static bool check_together(const parse *state) {
    const run_options *to = state->options;
    bool is_exec = strncmp(to->target, "exec:", 5) == 0;
    bool is_local = strcmp(to->target, "local") == 0;
    bool is_telnet = strncasecmp(to->target, "telnet://", 9) == 0;
    const char *problem = NULL;
    if (state->pattern)
        message("--expect '%s' has no reply: give --reply or --reply-from after it", state->pattern);
    else if (state->remote_option && (is_local || is_exec))
        message("%s is for hosts to log in to; it has no meaning for '%s'", state->remote_option, to->target);
    else if (state->ssh_option && is_telnet)
        message("%s is for hosts reached over ssh; it has no meaning for '%s'", state->ssh_option, to->target);
    else if (state->telnet_option && !is_telnet)
        message("%s is for hosts reached over telnet; it has no meaning for '%s'", state->telnet_option, to->target);
    else if (to->shell && is_exec)
        message("--shell has no meaning for '%s': the program is the shell", to->target);
    else if (to->expectation_count > 0 && to->mode == HOSTSESSION_MODE_PIPE)
        problem = "--expect needs a terminal to type the reply on: it cannot be used with --mode pipe";
    else if (state->console_option && !to->console.prompt)
        message("%s is for consoles: give --prompt, too", state->console_option);
    else if (!to->console.status_command != !to->console.status)
        problem = "--status-command and --status belong together: give both or none";
    else if (to->console.prompt && to->mode == HOSTSESSION_MODE_PIPE)
        problem = "--prompt needs a terminal to type at: it cannot be used with --mode pipe";
    else if (to->console.prompt && to->shell)
        problem = "--prompt says that the target is no shell: it cannot be used with --shell";
    else if (to->nul_separated && !to->file)
        problem = "-0 is for commands from a file: give -f FILE, too";
    else if (to->file && to->command_count > 0)
        problem = "commands are given both by -f and as arguments: choose one";
    else if (!to->file && to->command_count == 0)
        problem = "no command: give one after the target, or -f FILE";
    else
        return true;
    if (problem)
        message("%s", problem);
    return false;
}

static bool set_operands(parse *state, int argc) {
    char **rest = state->argv + optind;
    int count = argc - optind;
    if (count == 0) {
        message("no target: give one, such as local, and a command");
        return false;
    }
    state->options->target = rest[0];
    rest++;
    count--;
    if (count > 0 && strcmp(rest[0], "--") == 0) {
        rest++;
        count--;
    }
    state->options->commands = rest;
    state->options->command_count = (size_t)count;
    return check_together(state);
}

static bool allocate(run_options *to, size_t count) {
    to->environment = calloc(count + 1, sizeof *to->environment);
    to->expectations = calloc(count, sizeof *to->expectations);
    to->responses = calloc(count, sizeof *to->responses);
    to->pagers = calloc(count, sizeof *to->pagers);
    to->console.pagers = to->pagers;
    to->identity_files = calloc(count + 1, sizeof *to->identity_files);
    to->settings = calloc(count + 1, sizeof *to->settings);
    if (to->environment && to->expectations && to->responses && to->pagers && to->identity_files && to->settings)
        return true;
    message("out of memory");
    return false;
}

options_answer options_parse(run_options *ret_options, int argc, char **argv) {
    *ret_options = (run_options){.console = HOSTSESSION_CONSOLE_INIT, .telnet = HOSTSESSION_TELNET_OPTIONS_INIT};
    parse state = {.options = ret_options, .argv = argv};
    if (!allocate(ret_options, (size_t)argc))
        return OPTIONS_WRONG;

    opterr = 0;
    optind = 0;
    int option;
    while ((option = getopt_long(argc, argv, "+:0f:kt:i:F:o:qvh", long_options, NULL)) != -1) {
        if (option == 'h')
            return OPTIONS_HELP;
        if (option == '?' || option == ':') {
            complain(&state, option);
            return OPTIONS_WRONG;
        }
        if (!set_option(&state, option, optarg))
            return OPTIONS_WRONG;
    }
    return set_operands(&state, argc) ? OPTIONS_RUN : OPTIONS_WRONG;
}

void options_release(run_options *parsed) {
    for (size_t i = 0; i < parsed->expectation_count; i++)
        secret_free(parsed->responses[i]);
    free(parsed->responses);
    free(parsed->expectations);
    free(parsed->pagers);
    free(parsed->environment);
    free(parsed->identity_files);
    free(parsed->settings);
    secret_free(parsed->password);
    *parsed = (run_options){0};
}
