/* SPDX-License-Identifier: MIT */
#include "transport/ssh/known_hosts.h"

#include "base/bytes.h"
#include "base/failure.h"
#include "base/shell.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A line's key. */
typedef struct entry {
    ssh_key key;
    bool revoked;
    /* For the name without its port: it confirms a key where none is known for the port, and contradicts none. */
    bool weak;
    char *file;
    unsigned line;
} entry;

struct known_hosts {
    char *name; /* as the files have it: HOST or [HOST]:PORT */
    char *plain;
    /* A line of a certificate authority is for the host: we cannot check certificates. */
    bool has_authority;
    size_t count;
    entry *entries;
};

/* ---- reading ---- */

static bool add_entry(known_hosts *known, ssh_key key, bool revoked, bool weak, const char *file, unsigned line) {
    entry *more = realloc(known->entries, (known->count + 1) * sizeof *more);
    char *name = strdup(file);
    if (!more || !name) {
        if (more)
            known->entries = more;
        free(name);
        ssh_key_free(key);
        return false;
    }
    known->entries = more;
    entry *added = &known->entries[known->count++];
    *added = (entry){.key = key, .revoked = revoked, .weak = weak, .line = line};
    added->file = name;
    return true;
}

/* libssh takes the first pattern that matches; one that is negated excludes the host wherever it stands. */
static bool is_excluded(const char *name, const char *line) {
    const char *end = line + strcspn(line, " \t");
    const char *key = end;
    bool excluded = false;
    for (const char *at = line; at < end && !excluded; at += strcspn(at, ", \t") + 1) {
        if (*at != '!')
            continue;
        char *alone = NULL;
        struct ssh_knownhosts_entry *found = NULL;
        int length = (int)strcspn(at + 1, ", \t");
        if (asprintf(&alone, "%.*s%s", length, at + 1, key) < 0)
            return true;
        excluded = ssh_known_hosts_parse_line(name, alone, &found) == SSH_OK;
        ssh_knownhosts_entry_free(found);
        free(alone);
    }
    return excluded;
}

static ssh_key key_of_line(const char *name, const char *line) {
    struct ssh_knownhosts_entry *found = NULL;
    if (ssh_known_hosts_parse_line(name, line, &found) != SSH_OK)
        return NULL;
    ssh_key key = found->publickey;
    found->publickey = NULL;
    ssh_knownhosts_entry_free(found);
    if (key && is_excluded(name, line)) {
        ssh_key_free(key);
        return NULL;
    }
    return key;
}

static const char *skip_marker(const char *line, const char *marker) {
    size_t length = strlen(marker);
    if (strncmp(line, marker, length) != 0 || !isblank((unsigned char)line[length]))
        return NULL;
    return line + length + strspn(line + length, " \t");
}

static bool read_line(known_hosts *known, char *line, const char *file, unsigned number) {
    line[strcspn(line, "\r\n")] = 0;
    /* libssh separates by blanks alone. */
    for (char *at = line; *at; at++)
        if (*at == '\t')
            *at = ' ';
    const char *at = line + strspn(line, " ");
    if (*at == 0 || *at == '#')
        return true;
    const char *revoked = skip_marker(at, "@revoked");
    const char *authority = skip_marker(at, "@cert-authority");
    if (revoked)
        at = revoked;
    else if (authority)
        at = authority;
    else if (*at == '@')
        return true;
    bool weak = false;
    ssh_key key = key_of_line(known->name, at);
    if (!key && known->plain) {
        weak = true;
        key = key_of_line(known->plain, at);
    }
    if (!key)
        return true;
    if (authority) {
        known->has_authority |= !weak;
        ssh_key_free(key);
        return true;
    }
    return add_entry(known, key, revoked != NULL, weak, file, number);
}

static bool read_file(known_hosts *known, const char *file) {
    FILE *from = fopen(file, "re");
    /* A file that there is must not seem to know nobody. */
    if (!from)
        return errno != EMFILE && errno != ENFILE && errno != ENOMEM;
    char *line = NULL;
    size_t size = 0;
    bool right = true;
    for (unsigned number = 1; right && getline(&line, &size, from) >= 0; number++)
        right = read_line(known, line, file, number);
    free(line);
    fclose(from);
    return right;
}

/* `ssh -G` prints several files, and one with a blank in its name, alike: it is one where there is such a file, or, the
 * blank being before its last '/', such a folder. */
static bool is_one_file(const char *text) {
    size_t blank = strcspn(text, " \t");
    const char *slash = strrchr(text, '/');
    if (text[blank] == 0 || access(text, F_OK) == 0)
        return text[blank] != 0;
    if (!slash || slash < text + blank)
        return false;
    char *folder = strndup(text, (size_t)(slash - text));
    bool there = folder && access(folder, F_OK) == 0;
    free(folder);
    return there;
}

/* The next of a list of files that blanks separate, to be freed; NULL: no more. */
static char *next_file(const char **at) {
    *at += strspn(*at, " \t");
    size_t length = is_one_file(*at) ? strlen(*at) : strcspn(*at, " \t");
    if (length == 0)
        return NULL;
    char *word = strndup(*at, length);
    *at += length;
    return word;
}

static bool read_files(known_hosts *known, const ssh_settings *settings, const char *key) {
    const char *at = ssh_settings_text(settings, key);
    bool right = true;
    for (char *word; at && right && (word = next_file(&at)) != NULL; free(word)) {
        right = read_file(known, word);
    }
    return right;
}

static bool set_names(known_hosts *known, const ssh_settings *settings) {
    const char *alias = ssh_settings_text(settings, "hostkeyalias");
    char *name = strdup(alias ? alias : ssh_settings_host(settings));
    if (!name)
        return false;
    for (char *at = name; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    int port = ssh_settings_port(settings);
    known->name = name;
    if (alias || port == 22)
        return true;
    known->plain = name;
    return asprintf(&known->name, "[%s]:%d", name, port) >= 0 || ((known->name = NULL), false);
}

known_hosts *known_hosts_read(const ssh_settings *settings) {
    known_hosts *known = calloc(1, sizeof *known);
    if (!known)
        return NULL;
    if (!set_names(known, settings) || !read_files(known, settings, "userknownhostsfile") ||
        !read_files(known, settings, "globalknownhostsfile")) {
        known_hosts_free(known);
        return NULL;
    }
    return known;
}

void known_hosts_free(known_hosts *known) {
    if (!known)
        return;
    for (size_t i = 0; i < known->count; i++) {
        ssh_key_free(known->entries[i].key);
        free(known->entries[i].file);
    }
    free(known->entries);
    free(known->plain);
    free(known->name);
    free(known);
}

/* ---- judging ---- */

static bool is_same(ssh_key a, ssh_key b) {
    return ssh_key_cmp(a, b, SSH_KEY_CMP_PUBLIC) == 0;
}

/* Whether a key is known for the very name, with its port. */
static bool is_known(const known_hosts *known) {
    for (size_t i = 0; i < known->count; i++)
        if (!known->entries[i].revoked && !known->entries[i].weak)
            return true;
    return false;
}

known_hosts_verdict known_hosts_check(const known_hosts *known, ssh_key key) {
    bool exactly = is_known(known);
    known_hosts_verdict verdict = exactly ? KNOWN_HOSTS_CHANGED : KNOWN_HOSTS_UNKNOWN;
    for (size_t i = 0; i < known->count; i++) {
        const entry *e = &known->entries[i];
        if (!is_same(e->key, key))
            continue;
        if (e->revoked)
            return KNOWN_HOSTS_REVOKED;
        if (!e->weak || !exactly)
            verdict = KNOWN_HOSTS_RIGHT;
    }
    return verdict;
}

static const char *algorithms_of(enum ssh_keytypes_e type) {
    return type == SSH_KEYTYPE_RSA ? "rsa-sha2-512,rsa-sha2-256" : ssh_key_type_to_char(type);
}

/* Whether `list`, separated by commas, has `word`. */
static bool list_has(const char *list, const char *word, size_t length) {
    for (const char *at = list; *at; at += strcspn(at, ",") + (at[strcspn(at, ",")] == ','))
        if (strcspn(at, ",") == length && strncmp(at, word, length) == 0)
            return true;
    return false;
}

/* Append those of `more` that `allowed` has and `to` lacks. */
static bool append_algorithms(bytes *to, const char *more, const char *allowed) {
    for (const char *at = more; *at; at += strcspn(at, ",") + (at[strcspn(at, ",")] == ',')) {
        size_t length = strcspn(at, ",");
        if (allowed && !list_has(allowed, at, length))
            continue;
        if (bytes_length(to) && list_has(bytes_front(to), at, length))
            continue;
        if (bytes_length(to) && !bytes_append(to, ",", 1))
            return false;
        if (!bytes_append(to, at, length) || !bytes_append(to, "", 1))
            return false;
        to->end--;
    }
    return true;
}

char *known_hosts_algorithms(const known_hosts *known, const ssh_settings *settings) {
    static const char ours[] = "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,"
                               "rsa-sha2-512,rsa-sha2-256";
    const char *allowed = ssh_settings_text(settings, "hostkeyalgorithms");
    bytes list = {0};
    bool right = true;
    bool exactly = is_known(known);
    for (size_t i = 0; right && i < known->count; i++)
        if (!known->entries[i].revoked && (!known->entries[i].weak || !exactly))
            right = append_algorithms(&list, algorithms_of(ssh_key_type(known->entries[i].key)), allowed);
    right = right && append_algorithms(&list, allowed ? allowed : ours, NULL);
    char *text = right && bytes_length(&list) ? strdup(bytes_front(&list)) : NULL;
    bytes_free(&list);
    return text;
}

/* ---- telling ---- */

static char *fingerprint_of(ssh_key key) {
    unsigned char *hash = NULL;
    size_t length = 0;
    if (ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &length) != 0)
        return NULL;
    char *made = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, length);
    char *text = made ? strdup(made) : NULL;
    ssh_string_free_char(made);
    ssh_clean_pubkey_hash(&hash);
    return text;
}

/* Through others ssh-keyscan finds no way. */
static bool append_scan(bytes *to, const known_hosts *known, const ssh_settings *settings, const char *type) {
    const char *alias = ssh_settings_text(settings, "hostkeyalias");
    const char *config = ssh_settings_config_file(settings);
    char *file = known_hosts_user_file(settings);
    bool right = true;
    if (ssh_settings_text(settings, "proxyjump") || ssh_settings_text(settings, "proxycommand")) {
        right =
            bytes_append_text(to, "ssh -o StrictHostKeyChecking=ask ") &&
            (!config || (bytes_append_text(to, "-F ") && shell_append_word(to, config) && bytes_append(to, " ", 1))) &&
            shell_append_word(to, ssh_settings_text(settings, "host"));
    } else {
        right = bytes_printf(to, "ssh-keyscan -t %s -p %d %s ", strncmp(type, "ssh-", 4) == 0 ? type + 4 : "ecdsa",
                             ssh_settings_port(settings), ssh_settings_host(settings));
        if (alias)
            right = right && bytes_append_text(to, "| sed ") &&
                    bytes_printf(to, "'s/^[^ ]*/%.*s/' ", (int)strcspn(known->name, "'/\\&\n"), known->name);
        bool kept = file && strcmp(file, "/dev/null") != 0;
        right = right && bytes_append_text(to, ">> ") && shell_append_word(to, kept ? file : "FILE") &&
                (kept || bytes_append_text(to, ", and -o UserKnownHostsFile=FILE"));
    }
    free(file);
    return right && bytes_append(to, "", 1);
}

static hostsession_error explain_unknown(const known_hosts *known, const ssh_settings *settings, const char *type,
                                         const char *fingerprint, hostsession_failure *failure) {
    bytes command = {0};
    bool right = append_scan(&command, known, settings, type);
    hostsession_error error =
        failure_set(failure, HOSTSESSION_ERROR_HOST_KEY_UNKNOWN, 0, "host_key",
                    "%s: the host's key is not known (%s %s)%s; nothing was sent; if the host's owner confirms it: %s",
                    known->name, type, fingerprint,
                    known->has_authority ? ", and certificates of hosts cannot be checked" : "",
                    right ? bytes_front(&command) : "add it");
    bytes_free(&command);
    return error;
}

static hostsession_error explain_changed(const known_hosts *known, const char *type, const char *fingerprint,
                                         hostsession_failure *failure) {
    const entry *other = &known->entries[0];
    for (size_t i = 0; i < known->count && (other->revoked || other->weak); i++)
        other = &known->entries[i];
    return failure_set(failure, HOSTSESSION_ERROR_HOST_KEY_CHANGED, 0, "host_key",
                       "%s: the host's key (%s %s) is not the one in %s line %u: somebody may be listening in, or the "
                       "host was set up anew; nothing was sent; if it is right: ssh-keygen -R '%s' -f %s, and add it",
                       known->name, type, fingerprint, other->file, other->line, known->name, other->file);
}

hostsession_error known_hosts_explain(const known_hosts *known, known_hosts_verdict verdict,
                                      const ssh_settings *settings, ssh_key key, hostsession_failure *failure) {
    char *fingerprint = fingerprint_of(key);
    const char *type = ssh_key_type_to_char(ssh_key_type(key));
    const char *shown = fingerprint ? fingerprint : "?";
    hostsession_error error;
    if (verdict == KNOWN_HOSTS_REVOKED)
        error = failure_set(failure, HOSTSESSION_ERROR_HOST_KEY_CHANGED, 0, "host_key",
                            "%s: the host's key (%s %s) is marked as revoked in known_hosts: nothing was sent",
                            known->name, type, shown);
    else if (verdict == KNOWN_HOSTS_CHANGED)
        error = explain_changed(known, type, shown, failure);
    else
        error = explain_unknown(known, settings, type, shown, failure);
    free(fingerprint);
    return error;
}

char *known_hosts_line(const known_hosts *known, ssh_key key) {
    char *encoded = NULL;
    char *line = NULL;
    if (ssh_pki_export_pubkey_base64(key, &encoded) != SSH_OK)
        return NULL;
    if (asprintf(&line, "%s %s %s\n", known->name, ssh_key_type_to_char(ssh_key_type(key)), encoded) < 0)
        line = NULL;
    ssh_string_free_char(encoded);
    return line;
}

char *known_hosts_user_file(const ssh_settings *settings) {
    const char *at = ssh_settings_text(settings, "userknownhostsfile");
    return at ? next_file(&at) : NULL;
}

static void make_folder_of(const char *file) {
    const char *slash = strrchr(file, '/');
    char *folder = slash && slash > file ? strndup(file, (size_t)(slash - file)) : NULL;
    if (folder)
        mkdir(folder, 0700);
    free(folder);
}

bool known_hosts_append(const char *file, const char *line) {
    make_folder_of(file);
    int descriptor = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return false;
    size_t length = strlen(line);
    bool right = write(descriptor, line, length) == (ssize_t)length;
    return close(descriptor) == 0 && right;
}
