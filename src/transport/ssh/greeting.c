/* SPDX-License-Identifier: MIT */
/* A connection's greeting: the host's version and the key exchange, another try where the host drops it, and what
 * listens there that is no SSH server. */
#include "transport/ssh/connection_private.h"

#include "base/failure.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    most_tries = 6,
    first_pause_us = 100 * 1000,
};

/* ---- what the host does instead ---- */

/* sshd closes the connection before its greeting, or in the middle of the key exchange, when too many are logging in.
 */
static bool was_dropped(const ssh_connection *c) {
    const char *said = ssh_get_error(c->session);
    char byte;
    /* libssh has no words for an end that it finds as it begins to write. */
    bool unsaid = said[0] == 0 || strcmp(said, strerror(0)) == 0;
    return strstr(said, "disconnected") || strstr(said, "reset by peer") || strstr(said, "Broken pipe") ||
           (unsaid && recv(c->descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0);
}

/* RFC 4253, section 4.2: other lines may come before the version. */
static void note_first_words(ssh_connection *c) {
    static const char version[] = "SSH-";
    char words[80];
    ssize_t length = c->spoken ? 0 : recv(c->descriptor, words, sizeof words - 1, MSG_PEEK | MSG_DONTWAIT);
    if (length <= 0)
        return;
    words[length] = '\0';
    size_t compared = (size_t)length < sizeof version - 1 ? (size_t)length : sizeof version - 1;
    bool is_version = memcmp(words, version, compared) == 0;
    if (is_version && compared < sizeof version - 1)
        return;
    c->spoken = true;
    if (!is_version)
        c->stray = strndup(words, strcspn(words, "\r\n"));
}

/* What listens there is something else.  What sshd says as it drops a connection is no version, either. */
static bool is_no_ssh(const ssh_connection *c) {
    static const char *const drops[] = {"Exceeded MaxStartups", "Not allowed at this time"};
    if (!c->stray || ssh_get_serverbanner(c->session))
        return false;
    for (size_t i = 0; i < sizeof drops / sizeof drops[0]; i++)
        if (strncmp(c->stray, drops[i], strlen(drops[i])) == 0)
            return false;
    return true;
}

static int64_t jitter_us(int64_t up_to) {
    uint32_t random = 0;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random)
        random = (uint32_t)getpid();
    return (int64_t)(random % (uint32_t)up_to);
}

static void try_again_later(ssh_connection *c) {
    /* It is told meanwhile how a proxy has ended. */
    route *way = c->route;
    c->route = NULL;
    connection_drop(c);
    c->route = way;
    loop_timer_stop(&c->timer);
    connection_set_state(c, CONNECTION_QUEUED);
    int64_t pause = (int64_t)first_pause_us << c->tries++;
    c->pausing = true;
    loop_timer_set(&c->timer, loop_now_us(c->pool->loop) + pause / 2 + jitter_us(pause));
}

static void greeting_failed(ssh_connection *c) {
    char said[400];
    char what[600];
    /* It may have come while libssh wrote in vain. */
    note_first_words(c);
    if (is_no_ssh(c)) {
        connection_give_up(c);
        return;
    }
    if (was_dropped(c) && c->tries + 1 < most_tries) {
        try_again_later(c);
        return;
    }
    const char *text = ssh_get_error(c->session);
    failure_escape_tail(said, sizeof said, text, strlen(text));
    if (was_dropped(c))
        snprintf(what, sizeof what,
                 "the host closed the connection before the login, %u times (sshd's MaxStartups, a firewall, or no "
                 "SSH server)",
                 c->tries + 1);
    else
        snprintf(what, sizeof what, "no SSH connection could be set up: %s", said);
    connection_fail_with(c, HOSTSESSION_ERROR_CONNECT, "connect", what);
}

/* ---- the greeting ---- */

static void set_text(ssh_connection *c, enum ssh_options_e option, const char *key, bool *right) {
    const char *value = ssh_settings_text(c->settings, key);
    if (value && ssh_options_set(c->session, option, value) != SSH_OK)
        *right = false;
}

/* libssh's own reading of files, and its own connecting, are left out. */
static bool set_options(ssh_connection *c, int descriptor) {
    const bool off = false;
    const int port = ssh_settings_port(c->settings);
    bool right = true;
    ssh_session s = c->session;
    ssh_options_set(s, SSH_OPTIONS_PROCESS_CONFIG, &off);
    ssh_options_set(s, SSH_OPTIONS_HOST, ssh_settings_host(c->settings));
    ssh_options_set(s, SSH_OPTIONS_PORT, &port);
    ssh_options_set(s, SSH_OPTIONS_USER, ssh_settings_user(c->settings));
    ssh_options_set(s, SSH_OPTIONS_KNOWNHOSTS, "/dev/null");
    ssh_options_set(s, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null");
    set_text(c, SSH_OPTIONS_CIPHERS_C_S, "ciphers", &right);
    set_text(c, SSH_OPTIONS_CIPHERS_S_C, "ciphers", &right);
    set_text(c, SSH_OPTIONS_HMAC_C_S, "macs", &right);
    set_text(c, SSH_OPTIONS_HMAC_S_C, "macs", &right);
    set_text(c, SSH_OPTIONS_KEY_EXCHANGE, "kexalgorithms", &right);
    set_text(c, SSH_OPTIONS_PUBLICKEY_ACCEPTED_TYPES, "pubkeyacceptedalgorithms", &right);
    const int least_rsa = (int)ssh_settings_number(c->settings, "requiredrsasize", 0);
    if (least_rsa)
        ssh_options_set(s, SSH_OPTIONS_RSA_MIN_SIZE, &least_rsa);
    if (ssh_settings_flag(c->settings, "compression", false))
        ssh_options_set(s, SSH_OPTIONS_COMPRESSION, "yes");
    char *algorithms = known_hosts_algorithms(c->known, c->settings);
    if (!algorithms || ssh_options_set(s, SSH_OPTIONS_HOSTKEYS, algorithms) != SSH_OK)
        right = false;
    free(algorithms);
    ssh_options_set(s, SSH_OPTIONS_FD, &descriptor);
    ssh_set_blocking(s, 0);
    return right;
}

void greeting_start(ssh_connection *c) {
    if (c->preparing || c->descriptor < 0)
        return;
    connection_set_state(c, CONNECTION_GREETING);
    /* libssh closes the descriptor that it gets, at a time of its own. */
    int theirs = fcntl(c->descriptor, F_DUPFD_CLOEXEC, 3);
    c->session = theirs >= 0 ? ssh_new() : NULL;
    if (!c->session || hostsession_watch_new(c->pool->loop, c->descriptor, HOSTSESSION_WATCH_READABLE,
                                             connection_on_ready, c, &c->watch) != HOSTSESSION_OK) {
        if (theirs >= 0)
            close(theirs);
        connection_fail_with(c, HOSTSESSION_ERROR_LIMIT, "connect", connection_nothing_left);
        return;
    }
    if (!set_options(c, theirs)) {
        close(theirs);
        const char *said = ssh_get_error(c->session);
        char what[400];
        snprintf(what, sizeof what, "ssh_config asks for algorithms of which none is supported: %s", said);
        connection_fail_with(c, HOSTSESSION_ERROR_INVALID, "config", what);
        return;
    }
    connection_advance(c);
}

void greeting_step(ssh_connection *c) {
    note_first_words(c);
    int result = ssh_connect(c->session);
    if (result == SSH_AGAIN) {
        lanes_watch(c);
        return;
    }
    if (result != SSH_OK) {
        greeting_failed(c);
        return;
    }
    /* libssh makes the descriptor block; one host that stops reading must not stop the loop. */
    fcntl(c->descriptor, F_SETFL, fcntl(c->descriptor, F_GETFL) | O_NONBLOCK);
    if (!connection_check_host_key(c))
        return;
    connection_log_in(c);
}

/* ---- why it is not over ---- */

bool greeting_explain_drops(const ssh_connection *c, hostsession_failure *failure) {
    if (c->tries == 0 || is_no_ssh(c))
        return false;
    failure_set(failure, HOSTSESSION_ERROR_CONNECT, 0, "connect",
                "%s port %d: the host closed the connection before the login, again and again",
                ssh_settings_host(c->settings), ssh_settings_port(c->settings));
    return true;
}

void greeting_explain(const ssh_connection *c, hostsession_failure *failure) {
    const char *host = ssh_settings_host(c->settings);
    int port = ssh_settings_port(c->settings);
    char said[400];
    char words[route_words_bytes];
    if (is_no_ssh(c)) {
        failure_escape_tail(said, sizeof said, c->stray, strlen(c->stray));
        failure_set(failure, HOSTSESSION_ERROR_CONNECT, 0, "connect",
                    "%s port %d: what listens there is no SSH server: it said \"%s\"", host, port, said);
    } else {
        failure_set(failure, HOSTSESSION_ERROR_CONNECT, 0, "connect",
                    "%s port %d: connected, but what is there did not complete SSH's greeting and key exchange in "
                    "time%s",
                    host, port, route_words(c->route, words));
    }
}
