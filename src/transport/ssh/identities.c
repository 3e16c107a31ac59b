/* SPDX-License-Identifier: MIT */
#include "transport/ssh/identities.h"

#include "base/bytes.h"
#include "transport/spawn.h"

#include <stdint.h>
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

/* ---- certificates ---- */

static uint32_t value_of(char digit) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = digit ? strchr(digits, digit) : NULL;
    return at ? (uint32_t)(at - digits) : 0;
}

/* libssh gives it as text only. */
bool identity_blob(ssh_key key, bytes *to) {
    char *encoded = NULL;
    if (ssh_pki_export_pubkey_base64(key, &encoded) != SSH_OK)
        return false;
    bool right = true;
    for (const char *at = encoded; right && at[0] && at[1] && at[2] && at[3]; at += 4) {
        uint32_t group = value_of(at[0]) << 18 | value_of(at[1]) << 12 | value_of(at[2]) << 6 | value_of(at[3]);
        const char three[] = {(char)(group >> 16), (char)(group >> 8), (char)group};
        right = bytes_append(to, three, 3 - (size_t)(at[2] == '=') - (size_t)(at[3] == '='));
    }
    ssh_string_free_char(encoded);
    return right;
}

/* Leave the string at the front out; false when there is none. */
static bool skip_string(bytes *blob) {
    if (bytes_length(blob) < 4)
        return false;
    const unsigned char *b = (const unsigned char *)bytes_front(blob);
    size_t length = (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
    if (length > bytes_length(blob) - 4)
        return false;
    bytes_consume(blob, 4 + length);
    return true;
}

bool certificate_is_of(ssh_key certificate, const char *blob, size_t length) {
    bytes whole = {0};
    bytes part = {0};
    bool same = identity_blob(certificate, &whole) && bytes_append(&part, blob, length) && skip_string(&whole) &&
                skip_string(&whole) && skip_string(&part) && bytes_length(&part) > 0 &&
                bytes_length(&part) <= bytes_length(&whole) &&
                memcmp(bytes_front(&whole), bytes_front(&part), bytes_length(&part)) == 0;
    bytes_free(&whole);
    bytes_free(&part);
    return same;
}

static bool is_of(ssh_key certificate, ssh_key key) {
    bytes blob = {0};
    bool same = identity_blob(key, &blob) && certificate_is_of(certificate, bytes_front(&blob), bytes_length(&blob));
    bytes_free(&blob);
    return same;
}

/* The one beside it, or one of CertificateFile; a key's own copy of it. */
static ssh_key find_certificate(const identity *id, const identities *ids) {
    ssh_key key = id->key ? id->key : id->public_part;
    char *beside = NULL;
    ssh_key found = NULL;
    if (!key || asprintf(&beside, "%s-cert.pub", id->file) < 0)
        return NULL;
    if (ssh_pki_import_cert_file(beside, &found) != SSH_OK || !is_of(found, key)) {
        ssh_key_free(found);
        found = NULL;
        for (size_t i = 0; !found && i < ids->certificate_count; i++)
            if (is_of(ids->certificates[i].key, key) &&
                ssh_pki_import_cert_file(ids->certificates[i].file, &found) != SSH_OK)
                found = NULL;
    }
    free(beside);
    return found;
}

static void certify(identity *id, const identities *ids) {
    if (!id->certificate)
        id->certificate = find_certificate(id, ids);
    if (!id->certificate || !id->key)
        return;
    id->certified = ssh_key_dup(id->key);
    if (id->certified && ssh_pki_copy_cert_to_privkey(id->certificate, id->certified) != SSH_OK) {
        ssh_key_free(id->certified);
        id->certified = NULL;
    }
}

/* ---- reading ---- */

/* False: there is no descriptor to read it with. */
static bool read_identity(const char *file, identity *id) {
    *id = (identity){.public_part = read_public(file)};
    /* It may be in an agent. */
    if (access(file, F_OK) != 0)
        return true;
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
    return read == SSH_OK || asked || !spawn_lacks_descriptor();
}

void identity_clear(identity *id) {
    ssh_key_free(id->key);
    ssh_key_free(id->public_part);
    ssh_key_free(id->certificate);
    ssh_key_free(id->certified);
    id->key = id->public_part = id->certificate = id->certified = NULL;
    id->encrypted = false;
}

static bool add_identity(identities *ids, char *file) {
    identity found;
    if (!file)
        return false;
    identity *more = read_identity(file, &found) ? realloc(ids->items, (ids->count + 1) * sizeof *more) : NULL;
    if (more)
        ids->items = more;
    bool there = found.key || found.public_part || found.encrypted || found.problem;
    if (!more || !there) {
        identity_clear(&found);
        free(file);
        return more != NULL;
    }
    found.file = file;
    certify(&found, ids);
    ids->items[ids->count++] = found;
    return true;
}

static bool read_certificates(identities *ids, const ssh_settings *settings) {
    for (const char *at = NULL; (at = ssh_settings_next(settings, "certificatefile", at)) != NULL;) {
        configured_certificate *more = realloc(ids->certificates, (ids->certificate_count + 1) * sizeof *more);
        if (!more)
            return false;
        ids->certificates = more;
        configured_certificate *added = &more[ids->certificate_count];
        *added = (configured_certificate){.file = strdup(at)};
        if (!added->file)
            return false;
        if (ssh_pki_import_cert_file(at, &added->key) == SSH_OK)
            ids->certificate_count++;
        else
            free(added->file);
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
        identity_clear(&ids->items[i]);
        free(ids->items[i].file);
    }
    for (size_t i = 0; i < ids->certificate_count; i++) {
        ssh_key_free(ids->certificates[i].key);
        free(ids->certificates[i].file);
    }
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
    certify(id, ids);
    return true;
}
