/* SPDX-License-Identifier: MIT */
/* ssh(1) at work on a server of ssh_server.h, for the tests of the two. */
#ifndef SUPPORT_SSH_CLIENT_H
#define SUPPORT_SSH_CLIENT_H

#include "ssh_server.h"

#include <stdio.h>

/* Whether a test can use ssh on such a server.  If not, what is missing is printed as a comment of TAP, behind
 * `prefix`; the test then returns, for cmocka's skip() is a failure to Meson. */
bool ssh_client_available(const ssh_server_options *options, const char *prefix);

/* Run `ssh -F CONFIG WORDS` to its end; the words are for sh.  Its exit status (128 + a signal); what it printed,
 * errors too, replaces what `output` held.  `secret` answers all its questions; NULL: it asks nothing. */
__attribute__((format(printf, 5, 6))) int ssh_client_run(const ssh_server *server, const char *config,
                                                         const char *secret, text *output, const char *words, ...);

/* Begin the same, by key, and read the first line that it prints, which must be "up".  The rest is for the caller to
 * read; behind it comes "status N".  For pclose(). */
FILE *ssh_client_begin(const ssh_server *server, const char *words);

#endif
