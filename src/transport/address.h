/* SPDX-License-Identifier: MIT */
/* Where a remote target points: [USER@]HOST[:PORT], HOST a name or a literal address, an IPv6 one in brackets. */
#ifndef TRANSPORT_ADDRESS_H
#define TRANSPORT_ADDRESS_H

#include <hostsession/failure.h>

#include <stdbool.h>

typedef struct address {
    char *user; /* NULL: not given */
    char *host; /* without brackets */
    int port;   /* 0: not given */
} address;

/* `what` is the whole target, for the message.  Refused by HOSTSESSION_ERROR_INVALID is all that could become an
 * option, a command or a terminal sequence of something we start: a leading dash, white space, control and shell
 * characters. On success the address is to be freed. */
hostsession_error address_parse(const char *text, const char *what, address *ret, hostsession_failure *failure);

void address_free(address *a);

/* Whether a user's or a host's name, which may come from a configuration, is free of these. */
bool address_user_is_safe(const char *user);
bool address_host_is_safe(const char *host);

#endif
