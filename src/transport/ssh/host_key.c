/* SPDX-License-Identifier: MIT */
/* Whether a host is the one that is meant: StrictHostKeyChecking over what the known_hosts files say. */
#include "transport/ssh/connection_private.h"

#include <stdlib.h>
#include <strings.h>

typedef struct addition {
    char *file;
    char *line;
} addition;

static void append_addition(void *data) {
    addition *a = data;
    known_hosts_append(a->file, a->line);
}

static void addition_free(void *data) {
    addition *a = data;
    free(a->file);
    free(a->line);
    free(a);
}

static void add_to_known_hosts(ssh_connection *c, ssh_key key) {
    static const loop_job_calls calls = {append_addition, addition_free, addition_free};
    addition *a = calloc(1, sizeof *a);
    if (!a)
        return;
    a->file = known_hosts_user_file(c->settings);
    a->line = known_hosts_line(c->known, key);
    if (!a->file || !a->line || !loop_job_start(c->pool->loop, &calls, a))
        addition_free(a);
}

bool connection_check_host_key(ssh_connection *c) {
    ssh_key key = NULL;
    if (ssh_get_server_publickey(c->session, &key) != SSH_OK) {
        connection_fail_with(c, HOSTSESSION_ERROR_CONNECT, "host_key", "the host has given no key");
        return false;
    }
    const char *strict = ssh_settings_text(c->settings, "stricthostkeychecking");
    bool accepts = strict && (strcasecmp(strict, "accept-new") == 0 || strcasecmp(strict, "no") == 0 ||
                              strcasecmp(strict, "off") == 0 || strcasecmp(strict, "false") == 0);
    bool accepts_all = accepts && strcasecmp(strict, "accept-new") != 0;
    known_hosts_verdict verdict = known_hosts_check(c->known, key);
    bool right = verdict == KNOWN_HOSTS_RIGHT || (verdict == KNOWN_HOSTS_UNKNOWN && accepts) ||
                 (verdict == KNOWN_HOSTS_CHANGED && accepts_all);
    hostsession_failure why;
    if (!right)
        known_hosts_explain(c->known, verdict, c->settings, key, &why);
    else if (verdict == KNOWN_HOSTS_UNKNOWN)
        add_to_known_hosts(c, key);
    /* With a changed key no secret is given away, as in ssh(1). */
    c->distrusted = verdict == KNOWN_HOSTS_CHANGED;
    ssh_key_free(key);
    if (!right)
        connection_fail(c, &why);
    return right;
}
