/* SPDX-License-Identifier: MIT */
#include "transport/ssh/identities.h"

#include "base/failure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int note_asked(const char *prompt, char *buffer, size_t length, int echo, int verify, void *userdata) {
    (void)prompt, (void)buffer, (void)length, (void)echo, (void)verify;
    *(bool *)userdata = true;
    return -1;
}

/* ssh(1) uses no key that others can read. */
static bool is_readable_by_others(const char *file) {
    struct stat status;
    return stat(file, &status) == 0 && status.st_uid == geteuid() && (status.st_mode & 077) != 0;
}

static ssh_key read_public(const char *file) {
    char *beside = NULL;
    ssh_key key = NULL;
    if (asprintf(&beside, "%s.pub", file) < 0)
        return NULL;
    if (ssh_pki_import_pubkey_file(beside, &key) != SSH_OK && ssh_pki_import_pubkey_file(file, &key) != SSH_OK)
        key = NULL;
    free(beside);
    return key;
}

static bool is_of(ssh_key certificate, ssh_key key) {
    return ssh_key_cmp(certificate, key, SSH_KEY_CMP_PUBLIC) == 0;
}

static void add_certificate(identity *id, const identities *ids) {
    char *beside = NULL;
    ssh_key certificate = NULL;
    if (asprintf(&beside, "%s-cert.pub", id->file) < 0)
        return;
    if (ssh_pki_import_cert_file(beside, &certificate) == SSH_OK && is_of(certificate, id->key)) {
        ssh_pki_copy_cert_to_privkey(certificate, id->key);
    } else {
        for (size_t i = 0; i < ids->certificate_count; i++)
            if (is_of(ids->certificates[i], id->key) &&
                ssh_pki_copy_cert_to_privkey(ids->certificates[i], id->key) == SSH_OK)
                break;
    }
    ssh_key_free(certificate);
    free(beside);
}

/* False: there is no such file. */
static bool read_identity(const char *file, identity *id) {
    if (access(file, F_OK) != 0)
        return false;
    *id = (identity){.public_part = read_public(file)};
    if (is_readable_by_others(file)) {
        id->problem = "others can read it (chmod 600)";
        return true;
    }
    bool asked = false;
    int read = ssh_pki_import_privkey_file(file, NULL, note_asked, &asked, &id->key);
    id->encrypted = read != SSH_OK && asked;
    if (read != SSH_OK)
        id->key = NULL;
    if (read != SSH_OK && !asked)
        id->problem = "it is no private key that can be read";
    return true;
}

static bool add_identity(identities *ids, char *file) {
    identity found;
    if (!file)
        return false;
    if (!read_identity(file, &found)) {
        free(file);
        return true;
    }
    identity *more = realloc(ids->items, (ids->count + 1) * sizeof *more);
    if (!more) {
        ssh_key_free(found.key);
        ssh_key_free(found.public_part);
        free(file);
        return false;
    }
    found.file = file;
    ids->items = more;
    ids->items[ids->count++] = found;
    if (found.key)
        add_certificate(&ids->items[ids->count - 1], ids);
    return true;
}

static bool read_certificates(identities *ids, const ssh_settings *settings) {
    for (const char *at = NULL; (at = ssh_settings_next(settings, "certificatefile", at)) != NULL;) {
        ssh_key *more = realloc(ids->certificates, (ids->certificate_count + 1) * sizeof *more);
        if (!more)
            return false;
        ids->certificates = more;
        if (ssh_pki_import_cert_file(at, &more[ids->certificate_count]) == SSH_OK)
            ids->certificate_count++;
    }
    return true;
}

identities *identities_read(const ssh_settings *settings) {
    identities *ids = calloc(1, sizeof *ids);
    if (!ids)
        return NULL;
    bool right = read_certificates(ids, settings);
    for (const char *at = NULL; right && (at = ssh_settings_next(settings, "identityfile", at)) != NULL;)
        if (strcasecmp(at, "none") != 0)
            right = add_identity(ids, strdup(at));
    if (right)
        return ids;
    identities_free(ids);
    return NULL;
}

void identities_free(identities *ids) {
    if (!ids)
        return;
    for (size_t i = 0; i < ids->count; i++) {
        ssh_key_free(ids->items[i].key);
        ssh_key_free(ids->items[i].public_part);
        free(ids->items[i].file);
    }
    for (size_t i = 0; i < ids->certificate_count; i++)
        ssh_key_free(ids->certificates[i]);
    free(ids->certificates);
    free(ids->items);
    free(ids);
}

bool identity_open(identity *id, const identities *ids, const char *passphrase) {
    ssh_key key = NULL;
    if (ssh_pki_import_privkey_file(id->file, passphrase, NULL, NULL, &key) != SSH_OK)
        return false;
    id->key = key;
    id->encrypted = false;
    add_certificate(id, ids);
    return true;
}
