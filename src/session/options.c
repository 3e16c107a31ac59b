/* SPDX-License-Identifier: MIT */
#include "session/options.h"

#include "base/bytes.h"
#include "base/failure.h"
#include "session/private.h"

#include <stdlib.h>
#include <string.h>

/* A member that is added must be looked at here: what it points to is to be copied. */
_Static_assert(offsetof(hostsession_options, expectation_count) + sizeof(size_t) == sizeof(hostsession_options),
               "copy new members");
_Static_assert(offsetof(hostsession_ssh_options, own_connection) + sizeof(void *) == sizeof(hostsession_ssh_options),
               "copy new members");

struct options_copy {
    hostsession_options options;
    hostsession_ssh_options ssh;
    char *shell;
    char *cwd;
    char *config_file;
    char **environment;
    char **identity_files;
    char **settings;
    hostsession_expectation *expectations;
};

static void free_strings(char **strings) {
    for (size_t i = 0; strings && strings[i]; i++)
        free(strings[i]);
    free(strings);
}

/* Both return whether there was memory; NULL stays NULL. */
static bool copy_string(const char *from, char **to) {
    *to = from ? strdup(from) : NULL;
    return !from || *to;
}

static bool copy_strings(const char *const *from, char ***to) {
    size_t count = 0;
    *to = NULL;
    if (!from)
        return true;
    while (from[count])
        count++;
    char **copy = *to = calloc(count + 1, sizeof *copy);
    if (!copy)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!copy_string(from[i], &copy[i]))
            return false;
    return true;
}

static bool copy_expectations(const hostsession_options *o, options_copy *c) {
    if (!o->expectation_count)
        return true;
    hostsession_expectation *copy = c->expectations = calloc(o->expectation_count, sizeof *copy);
    for (size_t i = 0; copy && i < o->expectation_count; i++) {
        char *pattern, *response;
        bool right = copy_string(o->expectations[i].pattern, &pattern);
        right &= copy_string(o->expectations[i].response, &response);
        copy[i] = o->expectations[i];
        copy[i].pattern = pattern;
        copy[i].response = response;
        if (!right)
            return false;
    }
    return copy != NULL;
}

/* The responses may be secrets. */
static void free_expectations(options_copy *c) {
    for (size_t i = 0; c->expectations && i < c->options.expectation_count; i++) {
        char *response = (char *)c->expectations[i].response;
        if (response)
            explicit_bzero(response, strlen(response));
        free(response);
        free((char *)c->expectations[i].pattern);
    }
    free(c->expectations);
}

static bool copy_all(options_copy *c) {
    hostsession_options *o = &c->options;
    bool right = copy_string(o->shell, &c->shell) && copy_string(o->cwd, &c->cwd) &&
                 copy_strings(o->environment, &c->environment) && copy_expectations(o, c);
    if (right && o->ssh) {
        memcpy(&c->ssh, o->ssh, o->ssh->struct_size);
        c->ssh.struct_size = sizeof c->ssh;
        right = copy_string(c->ssh.config_file, &c->config_file) &&
                copy_strings(c->ssh.identity_files, &c->identity_files) && copy_strings(c->ssh.settings, &c->settings);
        c->ssh.config_file = c->config_file;
        c->ssh.identity_files = (const char *const *)c->identity_files;
        c->ssh.settings = (const char *const *)c->settings;
        o->ssh = &c->ssh;
    }
    o->expectations = c->expectations;
    o->shell = c->shell;
    o->cwd = c->cwd;
    o->environment = (const char *const *)c->environment;
    o->struct_size = sizeof *o;
    return right;
}

hostsession_error options_copy_new(const hostsession_options *given, options_copy **ret, hostsession_failure *failure) {
    hostsession_options read;
    hostsession_error error = session_read_options(given, &read, failure);
    if (error)
        return error;
    if (read.transport)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "options",
                           "a transport of one's own (options->transport) serves one session; for more give a "
                           "session_factory that opens each with its own");
    if (read.ssh && (read.ssh->struct_size < offsetof(hostsession_ssh_options, own_connection) ||
                     read.ssh->struct_size > sizeof *read.ssh))
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "options",
                           "options->ssh->struct_size is %zu; start from HOSTSESSION_SSH_OPTIONS_INIT",
                           read.ssh->struct_size);
    options_copy *c = calloc(1, sizeof *c);
    if (!c)
        return failure_no_memory(failure, "options");
    c->options = read;
    if (!copy_all(c)) {
        options_copy_free(c);
        return failure_no_memory(failure, "options");
    }
    *ret = c;
    return HOSTSESSION_OK;
}

void options_copy_free(options_copy *c) {
    if (!c)
        return;
    free_expectations(c);
    free(c->shell);
    free(c->cwd);
    free(c->config_file);
    free_strings(c->environment);
    free_strings(c->identity_files);
    free_strings(c->settings);
    free(c);
}

const hostsession_options *options_copy_read(const options_copy *c) {
    return &c->options;
}
