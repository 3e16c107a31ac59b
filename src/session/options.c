/* SPDX-License-Identifier: MIT */
#include "session/options.h"

#include "base/failure.h"
#include "session/private.h"

#include <stdlib.h>
#include <string.h>

/* A member that is added must be looked at here: what it points to is to be copied. */
#define LAST_IS(type, member) (offsetof(type, member) + sizeof(void *) == sizeof(type))
_Static_assert(LAST_IS(hostsession_options, telnet), "copy new members");
_Static_assert(LAST_IS(hostsession_ssh_options, own_connection), "copy new members");
_Static_assert(LAST_IS(hostsession_console, leave), "copy new members");
_Static_assert(offsetof(hostsession_telnet_options, write_pause_ms) + sizeof(int64_t) ==
                   sizeof(hostsession_telnet_options),
               "copy new members");

/* What was copied, to be wiped: there are secrets among it. */
typedef struct block {
    struct block *next;
    size_t length;
    char data[];
} block;

struct options_copy {
    hostsession_options options;
    hostsession_ssh_options ssh;
    hostsession_telnet_options telnet;
    hostsession_console console;
    block *blocks;
    bool out_of_memory;
};

/* A copy that lives as long as `c`; NULL stays NULL. */
static const void *keep(options_copy *c, const void *from, size_t length) {
    block *b = from ? malloc(sizeof *b + length) : NULL;
    c->out_of_memory |= from && !b;
    if (!b)
        return NULL;
    b->next = c->blocks;
    b->length = length;
    c->blocks = b;
    return memcpy(b->data, from, length);
}

static const char *keep_text(options_copy *c, const char *from) {
    return keep(c, from, from ? strlen(from) + 1 : 0);
}

static const char *const *keep_list(options_copy *c, const char *const *from) {
    size_t count = 0;
    while (from && from[count])
        count++;
    const char **copies = (const char **)keep(c, from, (count + 1) * sizeof *from);
    for (size_t i = 0; copies && i < count; i++)
        copies[i] = keep_text(c, copies[i]);
    return (const char *const *)copies;
}

static const hostsession_expectation *keep_expectations(options_copy *c, const hostsession_expectation *from,
                                                        size_t count) {
    hostsession_expectation *copies = (hostsession_expectation *)keep(c, count ? from : NULL, count * sizeof *from);
    for (size_t i = 0; copies && i < count; i++) {
        copies[i].pattern = keep_text(c, copies[i].pattern);
        copies[i].response = keep_text(c, copies[i].response);
    }
    return copies;
}

static void keep_ssh(options_copy *c, const hostsession_ssh_options *from) {
    memcpy(&c->ssh, from, from->struct_size);
    c->ssh.struct_size = sizeof c->ssh;
    c->ssh.config_file = keep_text(c, c->ssh.config_file);
    c->ssh.identity_files = keep_list(c, c->ssh.identity_files);
    c->ssh.settings = keep_list(c, c->ssh.settings);
    c->options.ssh = &c->ssh;
}

static void keep_telnet(options_copy *c, const hostsession_telnet_options *from) {
    memcpy(&c->telnet, from, from->struct_size);
    c->telnet.struct_size = sizeof c->telnet;
    c->telnet.terminal_type = keep_text(c, c->telnet.terminal_type);
    c->telnet.environment = keep_list(c, c->telnet.environment);
    c->telnet.name_prompt = keep_text(c, c->telnet.name_prompt);
    c->telnet.password_prompt = keep_text(c, c->telnet.password_prompt);
    c->options.telnet = &c->telnet;
}

static void keep_console(options_copy *c, const hostsession_console *from) {
    hostsession_console *to = &c->console;
    memcpy(to, from, from->struct_size);
    to->struct_size = sizeof *to;
    to->prompt = keep_text(c, to->prompt);
    to->pagers = keep_expectations(c, to->pagers, to->pager_count);
    to->error = keep_text(c, to->error);
    to->status_command = keep_text(c, to->status_command);
    to->status = keep_text(c, to->status);
    to->enter = keep_text(c, to->enter);
    to->probe = keep_text(c, to->probe);
    to->setup = keep_list(c, to->setup);
    to->interrupt = keep_text(c, to->interrupt);
    to->leave = keep_text(c, to->leave);
    c->options.console = to;
}

static void keep_all(options_copy *c) {
    hostsession_options *o = &c->options;
    o->struct_size = sizeof *o;
    o->shell = keep_text(c, o->shell);
    o->cwd = keep_text(c, o->cwd);
    o->environment = keep_list(c, o->environment);
    o->expectations = keep_expectations(c, o->expectations, o->expectation_count);
    if (o->ssh)
        keep_ssh(c, o->ssh);
    if (o->telnet)
        keep_telnet(c, o->telnet);
    if (o->console)
        keep_console(c, o->console);
}

static hostsession_error check_size(size_t size, size_t least, size_t most, const char *member,
                                    hostsession_failure *failure) {
    if (size >= least && size <= most)
        return HOSTSESSION_OK;
    return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "options",
                       "options->%s->struct_size is %zu; start from its ..._INIT", member, size);
}

static hostsession_error check(const hostsession_options *o, hostsession_failure *failure) {
    hostsession_error error = HOSTSESSION_OK;
    if (o->transport)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "options",
                           "a transport of one's own (options->transport) serves one session; for more give a "
                           "session_factory that opens each with its own");
    if (o->ssh)
        error = check_size(o->ssh->struct_size, offsetof(hostsession_ssh_options, own_connection), sizeof *o->ssh,
                           "ssh", failure);
    if (!error && o->telnet)
        error = check_size(o->telnet->struct_size, sizeof *o->telnet, sizeof *o->telnet, "telnet", failure);
    if (!error && o->console)
        error = check_size(o->console->struct_size, sizeof *o->console, sizeof *o->console, "console", failure);
    return error;
}

hostsession_error options_copy_new(const hostsession_options *given, options_copy **ret, hostsession_failure *failure) {
    hostsession_options read;
    hostsession_error error = session_read_options(given, &read, failure);
    if (!error)
        error = check(&read, failure);
    if (error)
        return error;
    options_copy *c = calloc(1, sizeof *c);
    if (!c)
        return failure_no_memory(failure, "options");
    c->options = read;
    keep_all(c);
    if (c->out_of_memory) {
        options_copy_free(c);
        return failure_no_memory(failure, "options");
    }
    *ret = c;
    return HOSTSESSION_OK;
}

void options_copy_free(options_copy *c) {
    while (c && c->blocks) {
        block *b = c->blocks;
        c->blocks = b->next;
        explicit_bzero(b->data, b->length);
        free(b);
    }
    free(c);
}

const hostsession_options *options_copy_read(const options_copy *c) {
    return &c->options;
}
