/* SPDX-License-Identifier: MIT */
/* A connection's life: from the pool's queue (pool.c) over the route, the greeting, the host's key (host_key.c) and the
 * login to a connection that carries lanes (lanes.c). */
#include "transport/ssh/connection_private.h"

#include "base/failure.h"

#include <errno.h>
#include <fcntl.h>
#include <libssh/server.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    most_tries = 6,
    first_pause_us = 100 * 1000,
    /* Where ssh_config sets no ServerAliveInterval: a peer that is gone must be noticed. */
    default_alive_s = 30,
};

static const char nothing_left[] =
    "no memory or no descriptor left (ulimit -n); close some sessions or raise the limit";

/* ---- ending ---- */

static void drop_session(ssh_connection *c) {
    hostsession_watch_free(c->watch);
    c->watch = NULL;
    bool elsewhere = ssh_login_free(c->login);
    c->login = NULL;
    forwards_free(c->forwards);
    c->forwards = NULL;
    if (c->event) {
        ssh_event_remove_session(c->event, c->session);
        ssh_event_free(c->event);
    }
    c->event = NULL;
    if (c->session && !elsewhere)
        ssh_free(c->session);
    c->session = NULL;
    if (c->descriptor >= 0)
        close(c->descriptor);
    c->descriptor = -1;
    route_free(c->route);
    c->route = NULL;
    free(c->stray);
    c->stray = NULL;
    c->spoken = false;
}

void connection_free(ssh_connection *c) {
    connection_set_state(c, CONNECTION_ENDED);
    drop_session(c);
    loop_job_abandon(c->preparing);
    known_hosts_free(c->known);
    identities_free(c->ids);
    ssh_settings_free(c->settings);
    loop_timer_destroy(&c->timer);
    loop_unpost(&c->turn);
    list_remove(&c->link);
    free(c);
}

void connection_fail(ssh_connection *c, const hostsession_failure *why) {
    hostsession_failure copy = *why;
    connection_set_state(c, CONNECTION_ENDED);
    while (!list_empty(&c->lanes)) {
        ssh_lane *lane = list_item(c->lanes.next, ssh_lane, link);
        lane_detach(lane);
        lane->calls->failed(lane, &copy);
    }
    connection_free(c);
}

void connection_fail_with(ssh_connection *c, hostsession_error error, const char *stage, const char *what) {
    hostsession_failure why;
    failure_set(&why, error, 0, stage, "%s port %d: %s", ssh_settings_host(c->settings), ssh_settings_port(c->settings),
                what);
    connection_fail(c, &why);
}

static void give_up(ssh_connection *c) {
    hostsession_failure why;
    connection_explain(c, &why);
    connection_fail(c, &why);
}

/* ---- another try ---- */

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
    drop_session(c);
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
        give_up(c);
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

/* ---- setting up ---- */

typedef struct preparation {
    ssh_connection *connection;
    ssh_settings *settings;
    known_hosts *known;
    identities *ids;
} preparation;

static void prepare(void *data) {
    preparation *p = data;
    p->known = known_hosts_read(p->settings);
    p->ids = identities_read(p->settings);
}

static void preparation_free(void *data) {
    preparation *p = data;
    known_hosts_free(p->known);
    identities_free(p->ids);
    ssh_settings_free(p->settings);
    free(p);
}

static void try_greeting(ssh_connection *c);

static void on_prepared(void *data) {
    preparation *p = data;
    ssh_connection *c = p->connection;
    c->preparing = NULL;
    c->known = p->known;
    c->ids = p->ids;
    p->known = NULL;
    p->ids = NULL;
    preparation_free(p);
    if (!c->known || !c->ids)
        connection_fail_with(c, HOSTSESSION_ERROR_LIMIT, "connect", nothing_left);
    else
        try_greeting(c);
}

static void on_routed(void *owner, int descriptor, const hostsession_failure *failure) {
    ssh_connection *c = owner;
    if (failure) {
        connection_fail(c, failure);
        return;
    }
    c->descriptor = descriptor;
    try_greeting(c);
}

static bool on_ask(void *owner, const hostsession_question *question, char *answer, size_t answer_size) {
    ssh_connection *c = owner;
    for (list *at = c->lanes.next; at != &c->lanes; at = at->next) {
        ssh_lane *lane = list_item(at, ssh_lane, link);
        if (lane->calls->ask && lane->calls->ask(lane, question, answer, answer_size))
            return true;
    }
    return false;
}

static bool start_preparing(ssh_connection *c) {
    static const loop_job_calls calls = {prepare, on_prepared, preparation_free, true};
    preparation *p = calloc(1, sizeof *p);
    if (!p)
        return false;
    p->connection = c;
    p->settings = ssh_settings_share(c->settings);
    c->preparing = loop_job_start(c->pool->loop, &calls, p);
    if (!c->preparing)
        preparation_free(p);
    return c->preparing != NULL;
}

void connection_begin(ssh_connection *c) {
    static const route_host host = {on_routed, on_ask};
    hostsession_failure why;
    long limit_s = ssh_settings_number(c->settings, "connecttimeout", 0);
    connection_set_state(c, CONNECTION_ROUTING);
    if (route_has_failed(c->route, &why)) {
        connection_fail(c, &why);
        return;
    }
    route_free(c->route);
    c->route = NULL;
    if (limit_s)
        loop_timer_set(&c->timer, loop_now_us(c->pool->loop) + limit_s * INT64_C(1000000));
    if (!c->known && !c->preparing && !start_preparing(c)) {
        connection_fail_with(c, HOSTSESSION_ERROR_LIMIT, "connect", "no memory or no thread left (ulimit -u)");
        return;
    }
    if (route_start(c->pool, c->settings, &host, c, &c->route, &why) != HOSTSESSION_OK)
        connection_fail(c, &why);
}

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

static void on_ready(void *userdata, unsigned events);

/* Once there is a way and the files are read. */
static void try_greeting(ssh_connection *c) {
    if (c->preparing || c->descriptor < 0)
        return;
    connection_set_state(c, CONNECTION_GREETING);
    /* libssh closes the descriptor that it gets, at a time of its own. */
    int theirs = fcntl(c->descriptor, F_DUPFD_CLOEXEC, 3);
    c->session = theirs >= 0 ? ssh_new() : NULL;
    if (!c->session || hostsession_watch_new(c->pool->loop, c->descriptor, HOSTSESSION_WATCH_READABLE, on_ready, c,
                                             &c->watch) != HOSTSESSION_OK) {
        if (theirs >= 0)
            close(theirs);
        connection_fail_with(c, HOSTSESSION_ERROR_LIMIT, "connect", nothing_left);
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

/* ---- stepping ---- */

static void on_login_goes_on(void *owner) {
    connection_advance(owner);
}

static bool on_login_asks(void *owner, const hostsession_question *question, char *answer, size_t answer_size) {
    ssh_connection *c = owner;
    if (c->distrusted && question->kind != HOSTSESSION_QUESTION_PASSPHRASE)
        return false;
    return on_ask(c, question, answer, answer_size);
}

static void keep_alive_later(ssh_connection *c) {
    loop_timer_set(&c->timer, loop_now_us(c->pool->loop) + c->alive_us);
}

static void on_forwarded(void *owner) {
    ssh_connection *c = owner;
    loop_post(c->pool->loop, &c->turn);
}

static bool allow_forwards(ssh_connection *c) {
    char *path = forward_path(c->settings);
    if (!path)
        return true;
    c->forwards = forwards_new(c->pool->loop, c->session, path, on_forwarded, c);
    free(path);
    return c->forwards != NULL;
}

static void become_ready(ssh_connection *c) {
    ssh_login_free(c->login);
    c->login = NULL;
    known_hosts_free(c->known);
    c->known = NULL;
    c->event = ssh_event_new();
    if (!c->event || ssh_event_add_session(c->event, c->session) != SSH_OK || !allow_forwards(c)) {
        connection_fail_with(c, HOSTSESSION_ERROR_NO_MEMORY, "connect", "out of memory");
        return;
    }
    connection_set_state(c, CONNECTION_READY);
    c->alive_us = ssh_settings_number(c->settings, "serveraliveinterval", 0) * INT64_C(1000000);
    if (c->alive_us == 0)
        c->alive_us = default_alive_s * INT64_C(1000000);
    keep_alive_later(c);
    connection_turn(c);
}

static void step_login(ssh_connection *c) {
    hostsession_failure why;
    switch (ssh_login_step(c->login, &why)) {
    case SSH_LOGIN_WAITS:
        lanes_watch(c);
        break;
    case SSH_LOGIN_BUSY:
        /* A thread has the session. */
        hostsession_watch_set_events(c->watch, 0);
        break;
    case SSH_LOGIN_RIGHT:
        become_ready(c);
        break;
    case SSH_LOGIN_WRONG:
        connection_fail(c, &why);
        break;
    }
}

static void step_greeting(ssh_connection *c) {
    static const ssh_login_host host = {on_login_asks, on_login_goes_on};
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
    c->login = ssh_login_new(c->pool->loop, c->session, c->settings, c->ids, &host, c);
    c->ids = NULL;
    if (!c->login) {
        connection_fail_with(c, HOSTSESSION_ERROR_NO_MEMORY, "auth", "out of memory");
        return;
    }
    connection_set_state(c, CONNECTION_LOGIN);
    step_login(c);
}

void connection_advance(ssh_connection *c) {
    if (c->state == CONNECTION_GREETING)
        step_greeting(c);
    else if (c->state == CONNECTION_LOGIN)
        step_login(c);
    else if (c->state == CONNECTION_READY)
        connection_turn(c);
}

static void on_ready(void *userdata, unsigned events) {
    const int on = 1;
    ssh_connection *c = userdata;
    c->heard |= (events & HOSTSESSION_WATCH_READABLE) != 0;
    /* sshd writes in small pieces while a channel is opened and does not turn Nagle's algorithm off before: each waits
     * for our acknowledgement. */
    if (c->state != CONNECTION_READY || c->hasty)
        setsockopt(c->descriptor, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    connection_advance(c);
}

/* ---- keeping alive ---- */

static void keep_alive(ssh_connection *c) {
    long most = ssh_settings_number(c->settings, "serveralivecountmax", 3);
    c->unanswered = c->heard ? 0 : c->unanswered + 1;
    c->heard = false;
    if (c->unanswered > most) {
        char what[120];
        snprintf(what, sizeof what, "the host has not answered for %" PRId64 " s",
                 c->alive_us / 1000000 * c->unanswered);
        connection_fail_with(c, HOSTSESSION_ERROR_DISCONNECTED, "connection", what);
        return;
    }
    /* libssh takes the last request's answer when the next is made, and does not send that. */
    ssh_send_keepalive(c->session);
    if (c->kept_alive)
        ssh_send_keepalive(c->session);
    c->kept_alive = true;
    keep_alive_later(c);
    connection_turn(c);
}

static void on_timer(loop_timer *timer) {
    ssh_connection *c = list_item(timer, ssh_connection, timer);
    if (c->state == CONNECTION_READY) {
        keep_alive(c);
    } else if (connection_is_opening(c)) {
        /* ConnectTimeout. */
        give_up(c);
    } else if (c->pausing) {
        c->pausing = false;
        loop_post(c->pool->loop, &c->pool->admit);
    }
}

static void on_turn(loop_task *task) {
    ssh_connection *c = list_item(task, ssh_connection, turn);
    if (c->state == CONNECTION_READY)
        connection_turn(c);
}

ssh_connection *connection_new(ssh_pool *pool, ssh_settings *settings) {
    ssh_connection *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->pool = pool;
    c->descriptor = -1;
    c->most_lanes = pool_lanes_per_connection;
    c->turn.run = on_turn;
    list_init(&c->lanes);
    if (!loop_timer_init(&c->timer, pool->loop, on_timer)) {
        free(c);
        return NULL;
    }
    c->settings = ssh_settings_share(settings);
    list_append(&pool->connections, &c->link);
    loop_post(pool->loop, &pool->admit);
    return c;
}

bool ssh_lane_depends_on(const ssh_lane *lane, const ssh_connection *connection) {
    const ssh_connection *at = lane->connection;
    while (at && at != connection)
        at = route_through(at->route);
    return at != NULL;
}

static void explain_greeting(const ssh_connection *c, hostsession_failure *failure) {
    const char *host = ssh_settings_host(c->settings);
    int port = ssh_settings_port(c->settings);
    char said[400];
    if (is_no_ssh(c)) {
        failure_escape_tail(said, sizeof said, c->stray, strlen(c->stray));
        failure_set(failure, HOSTSESSION_ERROR_CONNECT, 0, "connect",
                    "%s port %d: what listens there is no SSH server: it said \"%s\"", host, port, said);
    } else {
        failure_set(failure, HOSTSESSION_ERROR_CONNECT, 0, "connect",
                    "%s port %d: connected, but what is there did not complete SSH's greeting and key exchange in time",
                    host, port);
    }
}

void connection_explain(const ssh_connection *c, hostsession_failure *failure) {
    const char *host = ssh_settings_host(c->settings);
    int port = ssh_settings_port(c->settings);
    if (c->tries > 0 && c->state <= CONNECTION_GREETING && !is_no_ssh(c)) {
        failure_set(failure, HOSTSESSION_ERROR_CONNECT, 0, "connect",
                    "%s port %d: the host closed the connection before the login, again and again", host, port);
        return;
    }
    switch (c->state) {
    case CONNECTION_QUEUED:
        failure_set(failure, HOSTSESSION_ERROR_CONNECT, 0, "connect",
                    "%s port %d: the connection waited for others that are being opened; allow more time", host, port);
        break;
    case CONNECTION_ROUTING:
        route_explain(c->route, failure);
        break;
    case CONNECTION_GREETING:
        explain_greeting(c, failure);
        break;
    case CONNECTION_LOGIN:
        failure_set(failure, HOSTSESSION_ERROR_AUTH, 0, "auth", "%s port %d: the login was not over in time", host,
                    port);
        break;
    default:
        failure_set(failure, HOSTSESSION_ERROR_NOT_READY, 0, "channel",
                    "%s port %d: logged in, but the host opened no channel in time", host, port);
    }
}
