/* SPDX-License-Identifier: MIT */
#include "session/target.h"

#include "base/bytes.h"
#include "base/failure.h"
#include "session/setup.h"
#include "session/words.h"
#include "transport/address.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { most_arguments = 8, most_settings = 4 };

/* How a shell that we know is started: as plain as it can be, and interactive also on pipes, since only then a syntax
 * error, an unset variable or SIGINT leads back to the prompt instead of ending it. */
typedef struct starter {
    const char *name;
    const char *plain[4];
    const char *settings[most_settings];
    const char *history; /* for one that writes each line to its history file as it reads it, our first, too */
    bool echo;           /* while start-up files turn on what they like it needs a terminal that echoes */
} starter;

/* A shell that keeps a history file must not find our setup lines in it; dash and ash read $ENV when interactive, ksh
 * and mksh a file of their own when there is no $ENV.  ksh93 with vi turned on dies on a terminal without echo. */
static const starter starters[] = {
    {"bash", {"--noediting", "--norc", "--noprofile"}, {"HISTFILE=/dev/null"}, NULL, false},
    {"zsh", {"-f"}, {"HISTFILE=/dev/null"}, NULL, false},
    {"ksh93", {"+o", "vi"}, {"ENV=/dev/null"}, "HISTFILE=/dev/null", true},
    {"ksh", {"+o", "vi"}, {"ENV=/dev/null"}, "HISTFILE=/dev/null", true},
    {"mksh", {NULL}, {"HISTFILE=/dev/null", "ENV=/dev/null"}, NULL, false},
    {"dash", {NULL}, {"ENV"}, NULL, false},
    {"ash", {NULL}, {"ENV"}, NULL, false},
    {"sh", {NULL}, {"ENV"}, NULL, false},
};

static const starter *starter_of(const char *shell) {
    const char *slash = strrchr(shell, '/');
    const char *name = slash ? slash + 1 : shell;
    for (size_t i = 0; i < sizeof starters / sizeof starters[0]; i++)
        if (strcmp(starters[i].name, name) == 0)
            return &starters[i];
    return NULL;
}

static bool in_path(const char *program) {
    const char *path = getenv("PATH");
    char candidate[PATH_MAX];
    while (path && *path) {
        size_t length = strcspn(path, ":");
        if (snprintf(candidate, sizeof candidate, "%.*s/%s", (int)length, path, program) < (int)sizeof candidate &&
            access(candidate, X_OK) == 0)
            return true;
        path += length + (path[length] == ':');
    }
    return false;
}

static hostsession_error make(const transport_program *program, hostsession_mode mode, target *ret,
                              hostsession_failure *failure) {
    return mode == HOSTSESSION_MODE_PIPE ? transport_make_pipe(program, &ret->transport, failure)
                                         : transport_make_pty(program, &ret->transport, failure);
}

/* Our settings first: the caller's override them. */
static const char **merge(const char *history, const char *const *ours, const char *const *theirs) {
    size_t count = 0;
    for (size_t i = 0; theirs && theirs[i]; i++)
        count++;
    const char **all = calloc(count + most_settings + 2, sizeof *all);
    if (!all)
        return NULL;
    size_t used = 0;
    if (history)
        all[used++] = history;
    for (size_t i = 0; ours && i < most_settings && ours[i]; i++)
        all[used++] = ours[i];
    for (size_t i = 0; i < count; i++)
        all[used++] = theirs[i];
    return all;
}

/* The shell with its arguments; `command` for its -c, or NULL for one that reads commands. */
static const starter *choose_shell(const hostsession_options *options, const char *command,
                                   const char *arguments[most_arguments]) {
    const char *shell = options->shell ? options->shell : in_path("bash") ? "bash" : "sh";
    const starter *known = starter_of(shell);
    size_t count = 0;
    arguments[count++] = shell;
    for (size_t i = 0; known && !options->interactive && known->plain[i]; i++)
        arguments[count++] = known->plain[i];
    if (command) {
        arguments[count++] = "-c";
        arguments[count++] = command;
    } else if (options->mode == HOSTSESSION_MODE_PIPE || options->interactive) {
        arguments[count++] = "-i";
    }
    arguments[count] = NULL;
    return known;
}

static hostsession_error open_local(const hostsession_options *options, target *ret, hostsession_failure *failure) {
    const char *arguments[most_arguments];
    const starter *known = choose_shell(options, NULL, arguments);
    const char **settings = merge(known ? known->history : NULL,
                                  known && !options->interactive ? known->settings : NULL, options->environment);
    if (!settings)
        return failure_no_memory(failure, "target");
    ret->echoes = (known && known->echo && options->interactive) || options->expectation_count;
    transport_program program = {arguments, settings, options->cwd, ret->echoes};
    ret->local = true;
    hostsession_error error = make(&program, options->mode, ret, failure);
    free(settings);
    return error;
}

static hostsession_error open_program(const char *line, const hostsession_options *options, target *ret,
                                      hostsession_failure *failure) {
    const char *why;
    size_t count = 0;
    char **words = words_split(line, &count, &why);
    if (!words && !why)
        return failure_no_memory(failure, "target");
    if (!words)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "target",
                           "target \"exec:%s\" has %s; quote its words as a shell would", line, why);
    hostsession_error error;
    if (count == 0 || !words[0][0]) {
        error = failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "target",
                            "target \"exec:%s\" names no program; write exec:PROGRAM ARG...", line);
    } else {
        /* Whether it asks for a secret shows in an echo that goes off; and a console's echo is what tells its commands
         * from what comes late. */
        ret->echoes = options->expectation_count || options->console;
        transport_program program = {(const char *const *)words, options->environment, options->cwd, ret->echoes};
        error = make(&program, options->mode, ret, failure);
    }
    free(words);
    return error;
}

static bool starts_with(const char *text, const char *prefix) {
    return strncasecmp(text, prefix, strlen(prefix)) == 0;
}

/* [USER@]HOST[:PORT], with or without the scheme before it. */
static hostsession_error parse_address(const char *text, const char *scheme, address *ret,
                                       hostsession_failure *failure) {
    bool has_scheme = starts_with(text, scheme);
    char *bare = strdup(has_scheme ? text + strlen(scheme) : text);
    if (!bare)
        return failure_no_memory(failure, "target");
    size_t length = strlen(bare);
    if (has_scheme && length > 0 && bare[length - 1] == '/')
        bare[length - 1] = 0;
    hostsession_error error = address_parse(bare, text, ret, failure);
    free(bare);
    return error;
}

static hostsession_error open_telnet(const char *text, const hostsession_options *options, target *ret,
                                     hostsession_failure *failure) {
    address where;
    if (options->mode == HOSTSESSION_MODE_PIPE)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "target",
                           "target \"%s\": telnet gives a terminal and no pipes; use tty mode", text);
    if (options->shell)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "target",
                           "target \"%s\": a telnet login gives the user's own shell and starts no other; leave the "
                           "shell out, and run \"exec %s\" or change the login shell",
                           text, options->shell);
    hostsession_error error = parse_address(text, "telnet://", &where, failure);
    if (error)
        return error;
    error = transport_make_telnet(where.host, where.port, options->telnet, &ret->transport, failure);
    if (!error) {
        ret->remote = ret->asks = true;
        ret->host = where.host;
        ret->user = where.user;
        where.host = where.user = NULL;
    }
    address_free(&where);
    return error;
}

/* On success `where` is to be freed. */
static hostsession_error read_remote(const char *text, const hostsession_options *options, address *where,
                                     transport_remote *ret, hostsession_failure *failure) {
    hostsession_error error = parse_address(text, "ssh://", where, failure);
    if (error)
        return error;
    *ret = (transport_remote){.host = where->host,
                              .user = where->user,
                              .port = where->port,
                              .shell = options->shell,
                              .tty = options->mode == HOSTSESSION_MODE_TTY,
                              .interactive = options->interactive,
                              .ssh = options->ssh,
                              .on_question = options->on_question,
                              .userdata = options->userdata};
    return HOSTSESSION_OK;
}

static hostsession_error open_ssh(const char *text, const hostsession_options *options, target *ret,
                                  hostsession_failure *failure) {
    static const transport_channel channel = {hostsession_channel_opened, hostsession_channel_received,
                                              hostsession_channel_writable, hostsession_channel_ended};
    address where;
    transport_remote remote;
    hostsession_error error = read_remote(text, options, &where, &remote, failure);
    if (error)
        return error;
    ret->remote = true;
    error = transport_make_ssh(&remote, &channel, &ret->transport, failure);
    address_free(&where);
    return error;
}

bool target_has_oneshots(const char *text) {
    return strcmp(text, "local") == 0 ||
           (strncmp(text, "exec:", 5) != 0 && (!strstr(text, "://") || starts_with(text, "ssh://")));
}

bool target_tells_exit(const char *text) {
    return !starts_with(text, "telnet://");
}

static hostsession_error start_local(hostsession_loop *loop, const hostsession_options *options, const char *command,
                                     const transport_oneshot_calls *calls, void *owner, transport_oneshot *ret,
                                     hostsession_failure *failure) {
    const char *arguments[most_arguments];
    choose_shell(options, command, arguments);
    const transport_program program = {arguments, options->environment, options->cwd, false};
    return transport_start_oneshot(loop, &program, options->mode == HOSTSESSION_MODE_TTY, calls, owner, ret, failure);
}

/* On one line with the command, so that the lines that it names are its own. */
static hostsession_error make_script(const hostsession_options *options, const char *command, bytes *script,
                                     hostsession_failure *failure) {
    char *setup = NULL;
    hostsession_error error = setup_command(options->environment, options->cwd, &setup, failure);
    if (error)
        return error;
    bool right =
        (!setup || bytes_printf(script, "%s||exit 127;", setup)) && bytes_append(script, command, strlen(command) + 1);
    free(setup);
    return right ? HOSTSESSION_OK : failure_no_memory(failure, "command");
}

hostsession_error target_start_oneshot(const char *text, hostsession_loop *loop, const hostsession_options *options,
                                       const char *command, const transport_oneshot_calls *calls, void *owner,
                                       transport_oneshot *ret, hostsession_failure *failure) {
    if (strcmp(text, "local") == 0)
        return start_local(loop, options, command, calls, owner, ret, failure);
    address where;
    transport_remote remote;
    bytes script = {0};
    hostsession_error error = read_remote(text, options, &where, &remote, failure);
    if (error)
        return error;
    error = make_script(options, command, &script, failure);
    if (!error)
        error =
            transport_start_ssh_oneshot(loop, &remote, bytes_front(&script), remote.tty, calls, owner, ret, failure);
    bytes_wipe(&script);
    address_free(&where);
    return error;
}

hostsession_error target_open(const char *text, const hostsession_options *options, target *ret,
                              hostsession_failure *failure) {
    *ret = (target){0};
    if (!text || !*text)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "target",
                           "the target is empty; write \"local\", \"[USER@]HOST[:PORT]\" or \"exec:PROGRAM ARG...\"");
    if (options->transport) {
        ret->transport.interface = *options->transport;
        ret->transport.data = options->transport_data;
        return HOSTSESSION_OK;
    }
    if (strcmp(text, "local") == 0)
        return open_local(options, ret, failure);
    if (strncmp(text, "exec:", 5) == 0) {
        if (options->shell)
            return failure_set(
                failure, HOSTSESSION_ERROR_INVALID, 0, "target",
                "a shell was chosen for the target \"%s\", which names its own program; leave one of them "
                "out",
                text);
        return open_program(text + 5, options, ret, failure);
    }
    if (starts_with(text, "telnet://"))
        return open_telnet(text, options, ret, failure);
    if (strstr(text, "://") && !starts_with(text, "ssh://"))
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "target",
                           "target \"%s\" is not supported by this version; write \"local\", \"[USER@]HOST[:PORT]\", "
                           "\"ssh://[USER@]HOST[:PORT]\", \"telnet://[USER@]HOST[:PORT]\" or \"exec:PROGRAM ARG...\"",
                           text);
    return open_ssh(text, options, ret, failure);
}

void target_free(target *t) {
    free(t->host);
    free(t->user);
    t->host = t->user = NULL;
}
