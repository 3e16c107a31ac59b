/* SPDX-License-Identifier: MIT */
/* What is told of the terminal (RFC 1091, 1073) and of the environment (RFC 1572). */
#include "engine/telnet/parts.h"

#include <string.h>

enum { IS = 0, SEND = 1 };
/* RFC 1572. */
enum { ENVIRON_VAR = 0, ENVIRON_VALUE = 1, ENVIRON_ESC = 2, ENVIRON_USERVAR = 3 };

static bool add(nvt *n, unsigned char c) {
    return bytes_append(&n->outgoing, &c, 1) && (c != COMMAND_IAC || bytes_append(&n->outgoing, &c, 1));
}

static bool begin(nvt *n, unsigned char option) {
    const unsigned char start[] = {COMMAND_IAC, COMMAND_SB, option};
    return bytes_append(&n->outgoing, start, sizeof start);
}

static bool end(nvt *n) {
    return nvt_command(n, COMMAND_SE);
}

bool subnegotiation_tell_size(nvt *n) {
    return begin(n, OPTION_WINDOW_SIZE) && add(n, (unsigned char)(n->columns >> 8)) &&
           add(n, (unsigned char)(n->columns & 0xff)) && add(n, (unsigned char)(n->rows >> 8)) &&
           add(n, (unsigned char)(n->rows & 0xff)) && end(n);
}

static bool tell_terminal_type(nvt *n) {
    bool right = begin(n, OPTION_TERMINAL_TYPE) && add(n, IS);
    for (const char *at = n->terminal_type; right && *at; at++)
        right = add(n, (unsigned char)*at);
    return right && end(n);
}

/* ---- the environment ---- */

static bool add_escaped(nvt *n, const char *text, size_t length) {
    bool right = true;
    for (size_t i = 0; right && i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        right = (c > ENVIRON_USERVAR || add(n, ENVIRON_ESC)) && add(n, c);
    }
    return right;
}

/* The well-known ones of RFC 1572, section 2. */
static unsigned char kind_of(const char *name, size_t length) {
    static const char *const known[] = {"USER", "JOB", "ACCT", "PRINTER", "SYSTEMTYPE", "DISPLAY"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strlen(known[i]) == length && memcmp(known[i], name, length) == 0)
            return ENVIRON_VAR;
    return ENVIRON_USERVAR;
}

static bool tell_variable(nvt *n, const char *setting) {
    size_t length = strcspn(setting, "=");
    if (setting[length] == 0)
        return true;
    return add(n, kind_of(setting, length)) && add_escaped(n, setting, length) && add(n, ENVIRON_VALUE) &&
           add_escaped(n, setting + length + 1, strlen(setting + length + 1));
}

/* The next of what is asked for; its name, unescaped in place.  False: none is left. */
static bool next_asked(unsigned char **at, const unsigned char *stop, unsigned char *ret_kind, char **ret_name,
                       size_t *ret_length) {
    if (*at >= stop)
        return false;
    *ret_kind = *(*at)++;
    unsigned char *to = *at;
    *ret_name = (char *)to;
    while (*at < stop && **at != ENVIRON_VAR && **at != ENVIRON_USERVAR) {
        if (**at == ENVIRON_ESC && *at + 1 < stop)
            ++*at;
        *to++ = *(*at)++;
    }
    *ret_length = (size_t)(to - (unsigned char *)*ret_name);
    return true;
}

static const char *find(const nvt *n, const char *name, size_t length) {
    for (char **at = n->environment; *at; at++)
        if (strcspn(*at, "=") == length && memcmp(*at, name, length) == 0)
            return *at;
    return NULL;
}

enum { any_kind = -1 };

static bool tell_all(nvt *n, int kind) {
    bool right = true;
    for (char **at = n->environment; right && *at; at++)
        if (kind == any_kind || kind_of(*at, strcspn(*at, "=")) == kind)
            right = tell_variable(n, *at);
    return right;
}

/* One without a name stands for all of its kind; one that is not set is told without a value. */
static bool tell_asked(nvt *n, unsigned char *at, const unsigned char *stop) {
    unsigned char kind;
    char *name;
    size_t length;
    bool right = true;
    while (right && next_asked(&at, stop, &kind, &name, &length)) {
        const char *setting = length ? find(n, name, length) : NULL;
        if (length == 0)
            right = tell_all(n, kind);
        else if (setting)
            right = tell_variable(n, setting);
        else
            right = add(n, kind == ENVIRON_VAR ? ENVIRON_VAR : ENVIRON_USERVAR) && add_escaped(n, name, length);
    }
    return right;
}

static bool tell_environment(nvt *n) {
    unsigned char *asked = n->question + 2;
    const unsigned char *stop = n->question + n->question_length;
    if (!begin(n, OPTION_NEW_ENVIRON) || !add(n, IS))
        return false;
    return (asked == stop ? tell_all(n, any_kind) : tell_asked(n, asked, stop)) && end(n);
}

bool subnegotiation_answer(nvt *n) {
    if (n->question_length < 2 || n->question[1] != SEND)
        return true;
    unsigned char option = n->question[0];
    if (n->us[option] != STATE_ON)
        return true;
    if (option == OPTION_TERMINAL_TYPE)
        return tell_terminal_type(n);
    return option != OPTION_NEW_ENVIRON || tell_environment(n);
}
