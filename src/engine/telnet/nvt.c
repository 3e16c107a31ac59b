/* SPDX-License-Identifier: MIT */
#include "engine/telnet/parts.h"

#include <stdlib.h>
#include <string.h>

static void wipe_string(char *text) {
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

static bool copy_environment(nvt *n, const char *const *environment) {
    size_t count = 0;
    while (environment && environment[count])
        count++;
    if (count == 0)
        return true;
    n->environment = calloc(count + 1, sizeof *n->environment);
    for (size_t i = 0; n->environment && i < count; i++)
        if (!(n->environment[i] = strdup(environment[i])))
            return false;
    return n->environment != NULL;
}

nvt *nvt_new(const nvt_config *config) {
    nvt *n = calloc(1, sizeof *n);
    if (!n)
        return NULL;
    n->columns = config->columns;
    n->rows = config->rows;
    n->terminal_type = strdup(config->terminal_type);
    if (!n->terminal_type || !copy_environment(n, config->environment)) {
        nvt_free(n);
        return NULL;
    }
    return n;
}

void nvt_free(nvt *n) {
    if (!n)
        return;
    for (char **at = n->environment; at && *at; at++)
        wipe_string(*at);
    free(n->environment);
    free(n->terminal_type);
    bytes_wipe(&n->outgoing);
    free(n);
}

/* ---- receiving ---- */

static bool command(nvt *n, unsigned char c) {
    switch (c) {
    case COMMAND_WILL:
    case COMMAND_WONT:
    case COMMAND_DO:
    case COMMAND_DONT:
        n->verb = c;
        n->state = PARSE_OPTION;
        return true;
    case COMMAND_SB:
        n->question_length = 0;
        n->state = PARSE_SUBNEGOTIATION;
        return true;
    default:
        /* NOP, GA, the mark of a Synch, EOR, ...: there is nothing to be done.  What a visible answer to AYT would
         * type is up to nobody to know. */
        n->state = PARSE_DATA;
        return true;
    }
}

static void keep(nvt *n, unsigned char c) {
    if (n->question_length < subnegotiation_bytes)
        n->question[n->question_length] = c;
    if (n->question_length <= subnegotiation_bytes)
        n->question_length++;
}

static bool subnegotiation_command(nvt *n, unsigned char c) {
    n->state = PARSE_SUBNEGOTIATION;
    if (c == COMMAND_IAC) {
        keep(n, c);
        return true;
    }
    if (c != COMMAND_SE)
        /* It was never ended: this is the next command. */
        return command(n, c);
    n->state = PARSE_DATA;
    return n->question_length > subnegotiation_bytes || subnegotiation_answer(n);
}

/* The server speaks telnet.  Once: one that refuses is not asked again for what it refused. */
static bool ask_first(nvt *n) {
    bool first = !n->speaks_telnet;
    n->speaks_telnet = true;
    return !first || nvt_ask(n);
}

/* A byte that is no data. */
static bool step(nvt *n, unsigned char c) {
    switch (n->state) {
    case PARSE_COMMAND:
        return command(n, c) && (n->state != PARSE_DATA || ask_first(n));
    case PARSE_OPTION:
        n->state = PARSE_DATA;
        /* The answer first, lest a question be taken for it. */
        return options_negotiate(n, n->verb, c) && ask_first(n);
    case PARSE_SUBNEGOTIATION:
        if (c == COMMAND_IAC)
            n->state = PARSE_SUBNEGOTIATION_COMMAND;
        else
            keep(n, c);
        return true;
    case PARSE_SUBNEGOTIATION_COMMAND:
        return subnegotiation_command(n, c);
    case PARSE_DATA:
        break;
    }
    return true;
}

/* How many bytes stand for themselves. */
static size_t plain(const nvt *n, const char *at, const char *end) {
    const char *iac = memchr(at, COMMAND_IAC, (size_t)(end - at));
    if (iac)
        end = iac;
    const char *cr = n->them[OPTION_BINARY] == STATE_ON ? NULL : memchr(at, '\r', (size_t)(end - at));
    return (size_t)((cr ? cr : end) - at);
}

bool nvt_receive(nvt *n, char *wire, size_t *length) {
    const char *at = wire;
    const char *end = wire + *length;
    char *out = wire;
    while (at < end) {
        if (n->state == PARSE_COMMAND && (unsigned char)*at == COMMAND_IAC) {
            *out++ = *at++;
            n->state = PARSE_DATA;
            n->after_cr = false;
        } else if (n->state != PARSE_DATA) {
            if (!step(n, (unsigned char)*at++))
                return false;
        } else if ((unsigned char)*at == COMMAND_IAC) {
            n->state = PARSE_COMMAND;
            at++;
        } else if (n->after_cr && *at == 0) {
            n->after_cr = false;
            at++;
        } else {
            size_t run = plain(n, at, end);
            n->after_cr = run == 0;
            run += run == 0;
            if (out != at)
                memmove(out, at, run);
            out += run;
            at += run;
        }
    }
    *length = (size_t)(out - wire);
    return true;
}

/* ---- sending ---- */

/* What a byte is followed by. */
static bool append_after(nvt *n, char c) {
    static const char iac = (char)COMMAND_IAC;
    if (c == iac)
        return bytes_append(&n->outgoing, &iac, 1);
    /* While BINARY is asked for, nobody knows how the server reads this: CR alone is Enter both ways. */
    return n->us[OPTION_BINARY] != STATE_OFF || bytes_append(&n->outgoing, "", 1);
}

bool nvt_send(nvt *n, const char *data, size_t length) {
    const char *end = data + length;
    while (data < end) {
        const char *at = data;
        while (at < end && (unsigned char)*at != COMMAND_IAC && *at != '\r')
            at++;
        size_t run = (size_t)(at - data) + (at < end);
        if (!bytes_append(&n->outgoing, data, run) || (at < end && !append_after(n, *at)))
            return false;
        data += run;
    }
    return true;
}

bool nvt_command(nvt *n, unsigned char c) {
    const unsigned char told[] = {COMMAND_IAC, c};
    return bytes_append(&n->outgoing, told, sizeof told);
}

const bytes *nvt_outgoing(const nvt *n) {
    return &n->outgoing;
}

void nvt_sent(nvt *n, size_t length) {
    if (length == 0)
        return;
    explicit_bzero(bytes_front(&n->outgoing), length);
    bytes_consume(&n->outgoing, length);
}
