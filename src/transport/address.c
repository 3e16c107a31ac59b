/* SPDX-License-Identifier: MIT */
#include "transport/address.h"

#include "base/failure.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool is_clean(const char *text, const char *refused) {
    if (*text == 0 || *text == '-')
        return false;
    for (const char *at = text; *at; at++)
        if (iscntrl((unsigned char)*at) || strchr(refused, *at))
            return false;
    return true;
}

/* A user's name may hold a backslash (DOMAIN\user) and blanks, but no option behind them. */
bool address_user_is_safe(const char *user) {
    if (!is_clean(user, "'`\";&<>|(){}$") || user[strlen(user) - 1] == '\\')
        return false;
    for (const char *at = user + 1; *at; at++)
        if (*at == '-' && isspace((unsigned char)at[-1]))
            return false;
    return true;
}

bool address_host_is_safe(const char *host) {
    return is_clean(host, " \t'`\"$\\;&<>|(){}[]*?!#~^@/,");
}

static hostsession_error refuse(const char *what, const char *why, hostsession_failure *failure) {
    return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "target",
                       "target \"%s\": %s; write [USER@]HOST[:PORT], an IPv6 address in brackets", what, why);
}

static bool parse_port(const char *text, int *ret_port) {
    int port = 0;
    for (const char *at = text; *at; at++) {
        if (*at < '0' || *at > '9')
            return false;
        port = port * 10 + (*at - '0');
        if (port > 65535)
            return false;
    }
    *ret_port = port;
    return port > 0;
}

/* Cut "HOST[:PORT]" at `host` in two; returns the port's text, NULL when there is none.  *ret_host is the host. */
static char *split_port(char *host, char **ret_host, bool *ret_right) {
    *ret_right = true;
    *ret_host = host;
    if (*host == '[') {
        char *end = strchr(host, ']');
        *ret_right = end && (end[1] == 0 || end[1] == ':');
        if (!*ret_right)
            return NULL;
        *ret_host = host + 1;
        *end = 0;
        return end[1] ? end + 2 : NULL;
    }
    char *colon = strchr(host, ':');
    /* Several: an IPv6 address whose port cannot be told. */
    if (!colon || strchr(colon + 1, ':'))
        return NULL;
    *colon = 0;
    return colon + 1;
}

hostsession_error address_parse(const char *text, const char *what, address *ret, hostsession_failure *failure) {
    *ret = (address){0};
    char *copy = strdup(text);
    if (!copy)
        return failure_no_memory(failure, "target");
    char *host = copy;
    char *at = strrchr(copy, '@');
    const char *why = NULL;
    if (at) {
        *at = 0;
        host = at + 1;
        if (!address_user_is_safe(copy))
            why = "the user's name is empty or has characters that it cannot have";
    }
    bool right;
    const char *port = split_port(host, &host, &right);
    if (!why && (!right || !address_host_is_safe(host)))
        why = "the host's name is empty or has characters that it cannot have";
    if (!why && port && !parse_port(port, &ret->port))
        why = "the port is no number from 1 to 65535";
    hostsession_error error = why ? refuse(what, why, failure) : HOSTSESSION_OK;
    if (!error) {
        ret->user = at ? strdup(copy) : NULL;
        ret->host = strdup(host);
        if (!ret->host || (at && !ret->user))
            error = failure_no_memory(failure, "target");
    }
    free(copy);
    if (error)
        address_free(ret);
    return error;
}

void address_free(address *a) {
    free(a->user);
    free(a->host);
    *a = (address){0};
}
