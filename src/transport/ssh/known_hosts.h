/* SPDX-License-Identifier: MIT */
/* Whether a host's key is the one that the known_hosts files have for it.  Source: sshd(8), SSH_KNOWN_HOSTS FILE
 * FORMAT. libssh reads one file of each kind, without markers; so the files are read here, with its parser for a line.
 */
#ifndef TRANSPORT_SSH_KNOWN_HOSTS_H
#define TRANSPORT_SSH_KNOWN_HOSTS_H

#include "transport/ssh/settings.h"

#include <libssh/libssh.h>

typedef struct known_hosts known_hosts;

/* Read the lines that are about the host.  Blocks: for a job.  NULL without memory or a descriptor. */
known_hosts *known_hosts_read(const ssh_settings *settings);
void known_hosts_free(known_hosts *known);

typedef enum known_hosts_verdict {
    KNOWN_HOSTS_RIGHT,
    KNOWN_HOSTS_UNKNOWN,
    /* Another key is known, of this type or of others only. */
    KNOWN_HOSTS_CHANGED,
    KNOWN_HOSTS_REVOKED,
} known_hosts_verdict;

known_hosts_verdict known_hosts_check(const known_hosts *known, ssh_key key);

/* The host key algorithms to ask for, the types of the known keys first, as SSH_OPTIONS_HOSTKEYS has them.  To be
 * freed; NULL without memory. */
char *known_hosts_algorithms(const known_hosts *known, const ssh_settings *settings);

/* Say it as HOST_KEY_UNKNOWN or _CHANGED, with the key's fingerprint and what to do. */
hostsession_error known_hosts_explain(const known_hosts *known, known_hosts_verdict verdict,
                                      const ssh_settings *settings, ssh_key key, hostsession_failure *failure);

/* The line for the first of the user's files; NULL without memory. */
char *known_hosts_line(const known_hosts *known, ssh_key key);
/* Append it.  Blocks: for a job.  False with errno. */
bool known_hosts_append(const char *file, const char *line);
/* The first of the user's files, to be freed; NULL: there is none. */
char *known_hosts_user_file(const ssh_settings *settings);

#endif
