/* SPDX-License-Identifier: MIT */
#include "session/options.h"

#include "base/failure.h"
#include "base/options.h"
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
    whole_options whole;
    block *blocks;
    bool out_of_memory;
};

static const size_t default_output_bytes = (size_t)64 * 1024 * 1024;

static void point_to_parts(whole_options *whole) {
    hostsession_options *o = &whole->options;
    o->ssh = o->ssh ? &whole->ssh : NULL;
    o->telnet = o->telnet ? &whole->telnet : NULL;
    o->console = o->console ? &whole->console : NULL;
    o->transport = o->transport ? &whole->transport : NULL;
}

static hostsession_error read_parts(whole_options *to, hostsession_failure *failure) {
    const hostsession_options *o = &to->options;
    hostsession_error error =
        options_read(o->ssh, &to->ssh, sizeof to->ssh, "options->ssh", "HOSTSESSION_SSH_OPTIONS_INIT", failure);
    if (!error)
        error = options_read(o->telnet, &to->telnet, sizeof to->telnet, "options->telnet",
                             "HOSTSESSION_TELNET_OPTIONS_INIT", failure);
    if (!error)
        error = options_read(o->console, &to->console, sizeof to->console, "options->console",
                             "HOSTSESSION_CONSOLE_INIT", failure);
    if (!error)
        error = options_read(o->transport, &to->transport, sizeof to->transport, "options->transport",
                             "HOSTSESSION_TRANSPORT_INIT", failure);
    return error;
}

static hostsession_error check_transport(const hostsession_options *o, hostsession_failure *failure) {
    bool tty = o->transport->capabilities & HOSTSESSION_TRANSPORT_TTY;
    if (!o->transport->open || !o->transport->write || !o->transport->close)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "options",
                           "options->transport lacks open, write or close");
    if (tty != (o->mode == HOSTSESSION_MODE_TTY))
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "options",
                           "options->mode does not fit the transport, which %s a terminal", tty ? "is" : "is not");
    return HOSTSESSION_OK;
}

hostsession_error options_read_whole(const hostsession_options *given, whole_options *ret,
                                     hostsession_failure *failure) {
    *ret = (whole_options){.options = HOSTSESSION_OPTIONS_INIT,
                           .ssh = HOSTSESSION_SSH_OPTIONS_INIT,
                           .telnet = HOSTSESSION_TELNET_OPTIONS_INIT,
                           .console = HOSTSESSION_CONSOLE_INIT,
                           .transport = HOSTSESSION_TRANSPORT_INIT};
    hostsession_options *o = &ret->options;
    hostsession_error error = options_read(given, o, sizeof *o, "options", "HOSTSESSION_OPTIONS_INIT", failure);
    if (!error)
        error = read_parts(ret, failure);
    if (error)
        return error;
    point_to_parts(ret);
    if (o->mode != HOSTSESSION_MODE_TTY && o->mode != HOSTSESSION_MODE_PIPE)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "options",
                           "options->mode is %d; use a hostsession_mode", (int)o->mode);
    if (o->recovery_timeout_ms < 0)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "options",
                           "options->recovery_timeout_ms is %lld; winning back a shell has an end: use 0 for 5,000",
                           (long long)o->recovery_timeout_ms);
    if (o->max_output_bytes == 0)
        o->max_output_bytes = default_output_bytes;
    return o->transport ? check_transport(o, failure) : HOSTSESSION_OK;
}

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

static void keep_ssh(options_copy *c, hostsession_ssh_options *ssh) {
    ssh->config_file = keep_text(c, ssh->config_file);
    ssh->identity_files = keep_list(c, ssh->identity_files);
    ssh->settings = keep_list(c, ssh->settings);
}

static void keep_telnet(options_copy *c, hostsession_telnet_options *telnet) {
    telnet->terminal_type = keep_text(c, telnet->terminal_type);
    telnet->environment = keep_list(c, telnet->environment);
    telnet->name_prompt = keep_text(c, telnet->name_prompt);
    telnet->password_prompt = keep_text(c, telnet->password_prompt);
}

static void keep_console(options_copy *c, hostsession_console *to) {
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
}

/* What was not given is zero, and stays so. */
static void keep_all(options_copy *c) {
    hostsession_options *o = &c->whole.options;
    o->shell = keep_text(c, o->shell);
    o->cwd = keep_text(c, o->cwd);
    o->environment = keep_list(c, o->environment);
    o->expectations = keep_expectations(c, o->expectations, o->expectation_count);
    keep_ssh(c, &c->whole.ssh);
    keep_telnet(c, &c->whole.telnet);
    keep_console(c, &c->whole.console);
    point_to_parts(&c->whole);
}

hostsession_error options_copy_new(const hostsession_options *given, options_copy **ret, hostsession_failure *failure) {
    whole_options whole;
    hostsession_error error = options_read_whole(given, &whole, failure);
    if (error)
        return error;
    if (whole.options.transport)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "options",
                           "a transport of one's own (options->transport) serves one session; for more give a "
                           "session_factory that opens each with its own");
    options_copy *c = calloc(1, sizeof *c);
    if (!c)
        return failure_no_memory(failure, "options");
    c->whole = whole;
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
    return &c->whole.options;
}
