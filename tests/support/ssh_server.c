/* SPDX-License-Identifier: MIT */
#include "ssh_server_parts.h"

#include "folder.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { port_tries = 20, listen_limit_ms = 15000 };

struct server_string {
    struct server_string *next;
    text value;
};

const char *server_keep(ssh_server *s, const char *format, ...) {
    struct server_string *string = allocate(sizeof *string);
    va_list list;
    va_start(list, format);
    char *value = NULL;
    if (vasprintf(&value, format, list) < 0)
        abort();
    va_end(list);
    text_add(&string->value, value);
    free(value);
    string->next = s->strings;
    s->strings = string;
    return text_data(&string->value);
}

void server_strings_free(ssh_server *s) {
    while (s->strings) {
        struct server_string *string = s->strings;
        s->strings = string->next;
        text_free(&string->value);
        free(string);
    }
}

/* ---- what is installed ---- */

static void need(bool found, const char *name, text *missing) {
    if (!found)
        text_printf(missing, "%s%s", missing->length ? ", " : "", name);
}

bool ssh_server_available(const ssh_server_options *options, text *missing) {
    ssh_server_options chosen = options ? *options : (ssh_server_options){0};
    text path = {0}, names = {0};
    need(program_find(chosen.dropbear ? "dropbear" : "sshd", &path), chosen.dropbear ? "dropbear" : "sshd", &names);
    need(!chosen.dropbear || program_find("dropbearconvert", &path), "dropbearconvert", &names);
    need(program_find("ssh-keygen", &path), "ssh-keygen", &names);
    need(library_find("libnss_wrapper.so", &path), "nss_wrapper", &names);
    need(!chosen.pam || library_find("pam_wrapper/pam_matrix.so", &path), "pam_wrapper", &names);
    bool available = names.length == 0;
    if (!available && missing)
        text_printf(missing, "not installed: %s", text_data(&names));
    text_free(&path);
    text_free(&names);
    return available;
}

/* ---- ports ---- */

static bool can_bind(const char *address, unsigned port) {
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    bool is_v6 = inet_pton(AF_INET, address, &v4.sin_addr) != 1;
    if (is_v6)
        inet_pton(AF_INET6, address, &v6.sin6_addr);
    int on = 1;
    int descriptor = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return false;
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    bool free_now = is_v6 ? bind(descriptor, (struct sockaddr *)&v6, sizeof v6) == 0
                          : bind(descriptor, (struct sockaddr *)&v4, sizeof v4) == 0;
    close(descriptor);
    return free_now;
}

/* Below those that the kernel gives to clients, so that only another server could take it meanwhile. */
static unsigned free_port(bool ipv6) {
    struct timespec now;
    for (int i = 0; i < 1000; i++) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        unsigned port = 10000 + ((unsigned)now.tv_nsec / 7 + (unsigned)getpid() * 131 + (unsigned)i * 977) % 20000;
        if (can_bind("127.0.0.1", port) && (!ipv6 || can_bind("::1", port)))
            return port;
    }
    return 0;
}

/* ---- starting ---- */

/* sshd goes on when it got one address of two. */
static bool is_up(const ssh_server *s) {
    const char *v4 = "Server listening on 127.0.0.1", *v6 = "Server listening on ::1";
    const char *const sshd[] = {v4, s->ipv6 ? v6 : NULL, NULL};
    const char *const dropbear[] = {"Not backgrounding", NULL};
    const char *const taken[] = {"ddress already in use", NULL};
    return server_wait_log(s, s->dropbear ? dropbear : sshd, listen_limit_ms) && !server_log_contains(s, taken);
}

static bool start_at_port(ssh_server *s, bool *ret_taken, text *why) {
    const char *const taken[] = {"ddress already in use", NULL};
    if (!server_make_config(s, why) || !server_spawn(s, why))
        return false;
    if (is_up(s))
        return true;
    server_end(s);
    *ret_taken = server_log_contains(s, taken);
    text log = {0};
    file_read(s->log, &log);
    text_printf(why, "%s did not come up on port %u: %s", s->program, s->port, text_data(&log));
    text_free(&log);
    return false;
}

static bool start(ssh_server *s, unsigned port, text *why) {
    text reason = {0};
    bool up = false, taken = true;
    for (int i = 0; !up && taken && i < (port ? 1 : port_tries); i++) {
        text_clear(&reason);
        taken = false;
        s->port = port ? port : free_port(s->ipv6);
        up = start_at_port(s, &taken, &reason);
    }
    if (!up)
        text_add(why, text_data(&reason));
    text_free(&reason);
    return up;
}

static bool make_own_folder(ssh_server *s, text *why) {
    for (int i = 1; i < 1000; i++) {
        s->own = server_keep(s, "%s/server-%d", s->folder, i);
        if (mkdir(s->own, 0700) == 0)
            return true;
        if (errno != EEXIST)
            break;
    }
    text_printf(why, "cannot make %s: %s", s->own, strerror(errno));
    return false;
}

static bool prepare(ssh_server *s, text *why) {
    text path = {0};
    program_find(s->dropbear ? "dropbear" : "sshd", &path);
    s->program = server_keep(s, "%s", text_data(&path));
    text_free(&path);
    enum { told_instead_of_root = 1000 };
    s->told_uid = getuid() ? getuid() : told_instead_of_root;
    s->ipv6 = can_bind("::1", 0);
    s->keys = server_keep(s, "%s/keys", s->folder);
    if (!make_own_folder(s, why))
        return false;
    s->log = server_keep(s, "%s/log", s->own);
    s->known_hosts = server_keep(s, "%s/known_hosts", s->own);
    s->config = server_keep(s, "%s/ssh_config", s->own);
    text env = {0};
    const char *words[8];
    server_environment(s, false, words);
    for (size_t i = 0; words[i]; i++)
        text_printf(&env, " %s", words[i]);
    s->client_env = server_keep(s, "env%s", text_data(&env));
    text_free(&env);
    return server_make_users(s, why) && server_make_keys(s, why);
}

/* ---- what a client needs ---- */

unsigned ssh_server_port(const ssh_server *server) {
    return server->port;
}

bool ssh_server_has_ipv6(const ssh_server *server) {
    return server->ipv6;
}

const char *ssh_server_fingerprint(const ssh_server *server) {
    return server->fingerprint;
}

const char *ssh_server_known_hosts(const ssh_server *server) {
    return server->known_hosts;
}

const char *ssh_server_config(const ssh_server *server) {
    return server->config;
}

const char *ssh_server_user(const ssh_server *server, size_t index) {
    return index < server_users_most ? server->users[index] : NULL;
}

const char *ssh_server_shell(const ssh_server *server, const char *user) {
    for (size_t i = 0; server->users[i]; i++)
        if (strcmp(server->users[i], user) == 0)
            return server->shells[i];
    return NULL;
}

const char *ssh_server_client_env(const ssh_server *server) {
    return server->client_env;
}

ssh_server *ssh_server_start(const char *folder, const ssh_server_options *options, text *why) {
    ssh_server_options chosen = options ? *options : (ssh_server_options){0};
    if (!ssh_server_available(&chosen, why))
        return NULL;
    ssh_server *s = allocate(sizeof *s);
    s->control = -1;
    s->dropbear = chosen.dropbear;
    s->pam = chosen.pam && !chosen.dropbear;
    s->folder = server_keep(s, "%s", folder);
    s->alias = server_keep(s, "%s", chosen.alias ? chosen.alias : "test");
    s->host_key = server_keep(s, "%s", chosen.host_key ? chosen.host_key : "host");
    s->lines = server_keep(s, "%s", chosen.config ? chosen.config : "");
    if (prepare(s, why) && start(s, chosen.port, why))
        return s;
    ssh_server_stop(s);
    return NULL;
}

bool ssh_server_stop(ssh_server *server) {
    if (!server)
        return true;
    bool right = server_end(server);
    server_strings_free(server);
    free(server);
    return right;
}
