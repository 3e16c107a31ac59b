/* SPDX-License-Identifier: MIT */
/* What the tests of sessions over telnet share: cases as in ../api, a folder for the program, and a caller: how a
 * session is to be opened, and what its callbacks were told. */
#ifndef TELNET_CALLER_H
#define TELNET_CALLER_H

#include "integration/api/cases.h"
#include "support/folder.h"
#include "support/relay.h"
#include "support/telnet_server.h"

#include <hostsession/hostsession.h>

/* More than anything takes, on a machine that is busy. */
enum { patience_ms = 60000 };

/* For main(): like cases_run(), or all cases skipped by name where no telnetd is installed. */
int caller_cases_run(const char *group, const api_case *cases, size_t count);

/* A telnetd that runs this shell script in place of login(1); NULL: login(1) itself. */
telnet_server *serve(const char *script);

typedef struct caller {
    hostsession_options options;
    hostsession_telnet_options telnet;
    const char *answer; /* to each question for a password; NULL: none */
    unsigned asked;
    text transcript;
} caller;

void caller_init(caller *c);
void caller_free(caller *c);

/* "telnet://USER@127.0.0.1:PORT"; `user` may be NULL.  Valid until the next call. */
const char *address(const char *user, unsigned port);

hostsession *call(caller *c, const char *target);
/* It must fail, with this error and these words in its message. */
void refused(caller *c, const char *target, hostsession_error error, const char *part);

#endif
