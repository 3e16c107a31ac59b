/* SPDX-License-Identifier: MIT */
/* The directory and the environment of a shell that is not started by us, as a command. */
#ifndef SESSION_SETUP_H
#define SESSION_SETUP_H

#include <hostsession/failure.h>

/* `environment`: NAME=VALUE settings, or names to unset, ended by NULL, may be NULL; so may `cwd`.  *ret is NULL when
 * there is nothing to do; to be freed.  HOSTSESSION_ERROR_INVALID: a name that a shell cannot set. */
hostsession_error setup_command(const char *const *environment, const char *cwd, char **ret,
                                hostsession_failure *failure);

#endif
