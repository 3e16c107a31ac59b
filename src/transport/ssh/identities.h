/* SPDX-License-Identifier: MIT */
/* The keys to log in with: IdentityFile, each with its certificate. */
#ifndef TRANSPORT_SSH_IDENTITIES_H
#define TRANSPORT_SSH_IDENTITIES_H

#include "transport/ssh/settings.h"

#include <libssh/libssh.h>

typedef struct identity {
    char *file;
    ssh_key key;         /* with its private part; NULL while that is encrypted, or cannot be had */
    ssh_key public_part; /* NULL: not known */
    bool encrypted;      /* a passphrase would open it */
    const char *problem; /* why it is of no use, or NULL; static */
} identity;

typedef struct identities {
    size_t count;
    identity *items;
    /* Of CertificateFile. */
    size_t certificate_count;
    ssh_key *certificates;
} identities;

/* Read them; those that do not exist are left out.  Blocks: for a job.  NULL without memory or a descriptor. */
identities *identities_read(const ssh_settings *settings);
void identities_free(identities *ids);

/* Open an encrypted one.  Blocks (a tenth of a second, by intent): for a job.  False: not this passphrase. */
bool identity_open(identity *id, const identities *ids, const char *passphrase);

#endif
