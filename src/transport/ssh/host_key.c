/* SPDX-License-Identifier: MIT */
/* Whether a host is the one that is meant: StrictHostKeyChecking over what the known_hosts files say. */
#include "transport/ssh/connection_private.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>

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
    static const loop_job_calls calls = {append_addition, addition_free, addition_free, true};
    addition *a = calloc(1, sizeof *a);
    if (!a)
        return;
    a->file = known_hosts_user_file(c->settings);
    a->line = known_hosts_line(c->known, key);
    if (!a->file || !a->line || !loop_job_start(c->pool->loop, &calls, a))
        addition_free(a);
}

/* NoHostAuthenticationForLocalhost: the host is this one. */
static bool is_excused(const ssh_connection *c) {
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    if (!ssh_settings_flag(c->settings, "nohostauthenticationforlocalhost", false) ||
        ssh_settings_text(c->settings, "hostkeyalias") ||
        getpeername(ssh_get_fd(c->session), (struct sockaddr *)&address, &length) != 0)
        return false;
    if (address.ss_family == AF_INET)
        return ntohl(((struct sockaddr_in *)&address)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return address.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)&address)->sin6_addr);
}

bool connection_check_host_key(ssh_connection *c) {
    ssh_key key = NULL;
    if (is_excused(c))
        return true;
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
