/* SPDX-License-Identifier: MIT */
/* The keys to log in with: IdentityFile, each with its certificate. */
#ifndef TRANSPORT_SSH_IDENTITIES_H
#define TRANSPORT_SSH_IDENTITIES_H

#include "base/bytes.h"
#include "transport/ssh/settings.h"

#include <libssh/libssh.h>

typedef struct identity {
    char *file;
    ssh_key key;         /* with its private part; NULL while that is encrypted, or cannot be had */
    ssh_key public_part; /* NULL: not known; alone it says which of an agent's keys is meant */
    ssh_key certificate; /* for it; NULL: there is none */
    ssh_key certified;   /* the key with its certificate, in the same way */
    bool encrypted;      /* a passphrase would open it */
    const char *problem; /* why it is of no use, or NULL; static */
} identity;

/* Of CertificateFile. */
typedef struct configured_certificate {
    char *file;
    ssh_key key;
} configured_certificate;

typedef struct identities {
    size_t count;
    identity *items;
    size_t certificate_count;
    configured_certificate *certificates;
} identities;

/* Read them; those that do not exist are left out.  Blocks: for a job.  NULL without memory or a descriptor. */
identities *identities_read(const ssh_settings *settings);
void identities_free(identities *ids);

/* Append a public key, or a certificate, as it travels (RFC 4253, section 6.6). */
bool identity_blob(ssh_key key, bytes *to);

/* Whether it is for the key that travels so; libssh never finds the two equal.  A key is its type and its numbers, a
 * certificate its type, a random string, and the key's numbers (PROTOCOL.certkeys of OpenSSH). */
bool certificate_is_of(ssh_key certificate, const char *blob, size_t length);

/* It is used up: its keys are gone. */
void identity_clear(identity *id);

/* Open an encrypted one.  Blocks (a tenth of a second, by intent): for a job.  False: not this passphrase. */
bool identity_open(identity *id, const identities *ids, const char *passphrase);

#endif
