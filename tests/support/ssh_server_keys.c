/* SPDX-License-Identifier: MIT */
#include "ssh_server_parts.h"

#include "folder.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const ssh_server_passphrase = "open sesame";

static const struct key {
    const char *name, *type, *bits;
    bool locked, authorized;
} client_keys[SERVER_KEY_COUNT] = {
    [SERVER_KEY_ED25519] = {"id_ed25519", "ed25519", "256", false, true},
    [SERVER_KEY_ECDSA] = {"id_ecdsa", "ecdsa", "256", false, true},
    [SERVER_KEY_RSA] = {"id_rsa", "rsa", "2048", false, true},
    [SERVER_KEY_LOCKED] = {"id_locked", "ed25519", "256", true, true},
    [SERVER_KEY_CERTIFIED] = {"id_certified", "ed25519", "256", false, false},
    [SERVER_KEY_STRANGER] = {"id_stranger", "ed25519", "256", false, false},
};
static const struct key authority = {"authority", "ed25519", "256", false, false};

/* Run a tool that looks up its user. */
static bool run_tool(ssh_server *s, const char *const tool[], text *output, text *why) {
    const char *words[32] = {"env"};
    server_environment(s, false, words + 1);
    size_t count = 0;
    while (words[count])
        count++;
    while (*tool && count < 31)
        words[count++] = *tool++;
    return program_run(words, output, why);
}

static bool run_silent(ssh_server *s, const char *const tool[], text *why) {
    text output = {0};
    bool right = run_tool(s, tool, &output, why);
    text_free(&output);
    return right;
}

static bool make_key(ssh_server *s, const struct key *key, text *why) {
    const char *path = server_keep(s, "%s/%s", s->keys, key->name);
    if (access(path, F_OK) == 0)
        return true;
    const char *const words[] = {"ssh-keygen", "-q",      "-t", key->type,
                                 "-b",         key->bits, "-N", key->locked ? ssh_server_passphrase : "",
                                 "-C",         key->name, "-f", path,
                                 NULL};
    return run_silent(s, words, why);
}

static bool make_certificate(ssh_server *s, text *why) {
    const char *key = ssh_server_key_path(s, SERVER_KEY_CERTIFIED);
    if (access(server_keep(s, "%s-cert.pub", key), F_OK) == 0)
        return true;
    text users = {0};
    for (size_t i = 0; s->users[i]; i++)
        text_printf(&users, "%s%s", i ? "," : "", s->users[i]);
    const char *const words[] = {"ssh-keygen",
                                 "-q",
                                 "-s",
                                 server_keep(s, "%s/%s", s->keys, authority.name),
                                 "-I",
                                 "test",
                                 "-n",
                                 text_data(&users),
                                 server_keep(s, "%s.pub", key),
                                 NULL};
    bool right = run_silent(s, words, why);
    text_free(&users);
    return right;
}

static bool write_authorized(ssh_server *s, text *why) {
    text keys = {0};
    for (int i = 0; i < SERVER_KEY_COUNT; i++)
        if (client_keys[i].authorized)
            file_read(server_keep(s, "%s.pub", ssh_server_key_path(s, (ssh_server_key)i)), &keys);
    const char *path = server_keep(s, "%s/authorized_keys", s->keys);
    bool right = file_write(path, text_data(&keys), keys.length);
    text_free(&keys);
    if (!right)
        text_printf(why, "cannot write %s", path);
    return right;
}

/* "256 SHA256:... comment (ED25519)" */
static bool read_fingerprint(ssh_server *s, const char *public_key, text *why) {
    const char *const words[] = {"ssh-keygen", "-l", "-f", public_key, NULL};
    text output = {0};
    bool right = run_tool(s, words, &output, why);
    const char *at = right ? strstr(text_data(&output), "SHA256:") : NULL;
    if (at)
        s->fingerprint = server_keep(s, "%.*s", (int)strcspn(at, " \n"), at);
    else if (right)
        text_printf(why, "ssh-keygen -l says %s", text_data(&output));
    text_free(&output);
    return at != NULL;
}

static bool read_host_key(ssh_server *s, const char *path, text *why) {
    const char *public_key = server_keep(s, "%s.pub", path);
    text content = {0};
    if (!file_read(public_key, &content)) {
        text_printf(why, "cannot read %s", public_key);
        return false;
    }
    /* Without the comment. */
    size_t type = strcspn(text_data(&content), " ");
    size_t length = type + (type < content.length ? 1 + strcspn(content.data + type + 1, " \n") : 0);
    s->host_public = server_keep(s, "%.*s", (int)length, text_data(&content));
    text_free(&content);
    return read_fingerprint(s, public_key, why);
}

static bool make_host_key(ssh_server *s, text *why) {
    const struct key key = {s->host_key, "ed25519", "256", false, false};
    const char *path = server_keep(s, "%s/%s", s->keys, s->host_key);
    if (!make_key(s, &key, why) || !read_host_key(s, path, why))
        return false;
    const char *converted = server_keep(s, "%s.dropbear", path);
    if (!s->dropbear || access(converted, F_OK) == 0)
        return true;
    const char *const words[] = {"dropbearconvert", "openssh", "dropbear", path, converted, NULL};
    return run_silent(s, words, why);
}

bool server_make_keys(ssh_server *s, text *why) {
    mkdir(s->keys, 0700);
    for (int i = 0; i < SERVER_KEY_COUNT; i++) {
        s->key_paths[i] = server_keep(s, "%s/%s", s->keys, client_keys[i].name);
        if (!make_key(s, &client_keys[i], why))
            return false;
    }
    return make_key(s, &authority, why) && make_certificate(s, why) && write_authorized(s, why) &&
           make_host_key(s, why);
}

const char *ssh_server_key_path(const ssh_server *server, ssh_server_key key) {
    return server->key_paths[key];
}
