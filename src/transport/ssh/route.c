/* SPDX-License-Identifier: MIT */
#include "transport/ssh/route.h"

#include "base/bytes.h"
#include "base/failure.h"
#include "transport/child.h"
#include "transport/dial.h"
#include "transport/spawn.h"
#include "transport/ssh/jump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    /* A pipe holds 64 KiB. */
    most_reads = 16,
};

struct route {
    ssh_pool *pool;
    ssh_settings *settings;
    route_host host;
    void *owner;
    dial *dial;
    jump *jump;
    child_process *proxy;
    bool exited;
    hostsession_exit how;
    loop_task made; /* a proxy is there at once; that is told from dispatch */
    int descriptor;
    int errors; /* the proxy's standard error */
    hostsession_watch *errors_watch;
    bytes said;
};

/* ---- straight ---- */

static void on_dialed(void *userdata, int descriptor, const hostsession_failure *failure) {
    route *r = userdata;
    r->dial = NULL;
    r->host.done(r->owner, descriptor, failure);
}

static int family_of(const ssh_settings *settings) {
    const char *family = ssh_settings_text(settings, "addressfamily");
    if (family && strcasecmp(family, "inet") == 0)
        return AF_INET;
    return family && strcasecmp(family, "inet6") == 0 ? AF_INET6 : AF_UNSPEC;
}

static hostsession_error go_straight(route *r, hostsession_failure *failure) {
    const dial_address address = {.host = ssh_settings_host(r->settings),
                                  .port = ssh_settings_port(r->settings),
                                  .family = family_of(r->settings),
                                  .bind_address = ssh_settings_text(r->settings, "bindaddress"),
                                  .bind_interface = ssh_settings_text(r->settings, "bindinterface")};
    return dial_start(r->pool->loop, &address, on_dialed, r, &r->dial, failure);
}

/* ---- through a program ---- */

static void on_made(loop_task *task) {
    route *r = list_item(task, route, made);
    int descriptor = r->descriptor;
    r->descriptor = -1;
    r->host.done(r->owner, descriptor, NULL);
}

/* Its end shows as the end of what it passes on, too. */
static void on_proxy_exited(void *userdata, const hostsession_exit *how) {
    route *r = userdata;
    r->exited = true;
    r->how = *how;
}

static void stop_reading_errors(route *r) {
    hostsession_watch_free(r->errors_watch);
    r->errors_watch = NULL;
    if (r->errors >= 0)
        close(r->errors);
    r->errors = -1;
}

/* False: there is no more for now. */
static bool read_errors(route *r) {
    char buffer[4096];
    ssize_t got = r->errors >= 0 ? read(r->errors, buffer, sizeof buffer) : -1;
    if (got == 0)
        stop_reading_errors(r);
    if (got <= 0 || !bytes_append(&r->said, buffer, (size_t)got))
        return false;
    size_t length = bytes_length(&r->said);
    bytes_consume(&r->said, length > route_words_bytes ? length - route_words_bytes : 0);
    return true;
}

/* For as long as it runs: a program that says much must not wait for us. */
static void on_errors(void *userdata, unsigned events) {
    (void)events;
    read_errors(userdata);
}

const char *route_words(route *r, char out[route_words_bytes]) {
    static const char words[] = "; it said: ";
    out[0] = '\0';
    if (!r || !r->proxy)
        return out;
    for (int i = 0; i < most_reads && read_errors(r); i++)
        continue;
    const char *said = bytes_front(&r->said);
    size_t length = bytes_length(&r->said);
    while (length > 0 && (said[length - 1] == '\n' || said[length - 1] == '\r'))
        length--;
    if (length > 0) {
        memcpy(out, words, sizeof words);
        failure_escape_tail(out + sizeof words - 1, route_words_bytes - sizeof words + 1, said, length);
    }
    return out;
}

bool route_has_failed(route *r, hostsession_failure *failure) {
    char said[route_words_bytes];
    if (!r || !r->exited || !r->how.known || r->how.exit_status == 0)
        return false;
    bool ran = r->how.exit_status != 126 && r->how.exit_status != 127;
    failure_set(failure, HOSTSESSION_ERROR_CONNECT, 0, "proxy",
                "%s: its ProxyCommand %s with exit status %d before the host had answered: %s%s",
                ssh_settings_host(r->settings), ran ? "ended" : "cannot be run, it ended", r->how.exit_status,
                ssh_settings_text(r->settings, "proxycommand"), route_words(r, said));
    return true;
}

static hostsession_error start_proxy(route *r, const char *command, int theirs, hostsession_failure *failure) {
    const char *const arguments[] = {"/bin/sh", "-c", command, NULL};
    const transport_program program = {.arguments = arguments};
    int errors[2];
    if (pipe2(errors, O_CLOEXEC) != 0)
        return spawn_no_descriptor(failure, errno, "ProxyCommand");
    r->errors = errors[0];
    fcntl(r->errors, F_SETFL, O_NONBLOCK);
    pid_t pid;
    spawn_streams streams = {NULL, {theirs, theirs, errors[1]}};
    hostsession_error error =
        hostsession_watch_new(r->pool->loop, r->errors, HOSTSESSION_WATCH_READABLE, on_errors, r, &r->errors_watch);
    if (error)
        failure_no_memory(failure, "proxy");
    else
        error = spawn(&program, &streams, &pid, failure);
    close(errors[1]);
    if (!error)
        error = child_watch(r->proxy, pid, failure);
    return error;
}

/* Through `exec`, so that the shell is no process of its own, as in ssh(1). */
static hostsession_error go_through_program(route *r, const char *value, hostsession_failure *failure) {
    char *expanded = ssh_settings_expand_command(r->settings, value);
    char *command = NULL;
    int ends[2] = {-1, -1};
    hostsession_error error = HOSTSESSION_OK;
    if (!expanded || asprintf(&command, "exec %s", expanded) < 0 ||
        !(r->proxy = child_new(r->pool->loop, on_proxy_exited, r)))
        error = failure_no_memory(failure, "proxy");
    if (!error && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        error = spawn_no_descriptor(failure, errno, "ProxyCommand");
    if (!error)
        error = start_proxy(r, command, ends[1], failure);
    if (error && r->proxy) {
        child_free(r->proxy);
        r->proxy = NULL;
    }
    if (ends[1] >= 0)
        close(ends[1]);
    r->descriptor = ends[0];
    if (!error) {
        fcntl(ends[0], F_SETFL, O_NONBLOCK);
        loop_post(r->pool->loop, &r->made);
    }
    free(command);
    free(expanded);
    return error;
}

/* ---- either ---- */

/* A host that is its own jump host, by a rule for all hosts, is reached straight. */
static bool is_itself(const ssh_settings *settings, const char *hops) {
    const char *host = ssh_settings_text(settings, "host");
    const char *at = strrchr(hops, '@');
    at = at ? at + 1 : hops;
    return host && strcasecmp(host, at) == 0;
}

hostsession_error route_start(ssh_pool *pool, ssh_settings *settings, const route_host *host, void *owner, route **ret,
                              hostsession_failure *failure) {
    route *r = calloc(1, sizeof *r);
    if (!r)
        return failure_no_memory(failure, "connect");
    *r = (route){.pool = pool, .settings = settings, .host = *host, .owner = owner, .descriptor = -1, .errors = -1};
    r->made.run = on_made;
    const char *hops = ssh_settings_text(settings, "proxyjump");
    const char *command = ssh_settings_text(settings, "proxycommand");
    hostsession_error error;
    if (hops && !is_itself(settings, hops))
        error = jump_start(pool, settings, hops, &r->host, owner, &r->jump, failure);
    else if (command)
        error = go_through_program(r, command, failure);
    else
        error = go_straight(r, failure);
    if (error)
        route_free(r);
    else
        *ret = r;
    return error;
}

void route_free(route *r) {
    if (!r)
        return;
    loop_unpost(&r->made);
    dial_cancel(r->dial);
    jump_free(r->jump);
    if (r->proxy)
        child_end(r->proxy, child_pid(r->proxy), NULL);
    if (r->descriptor >= 0)
        close(r->descriptor);
    stop_reading_errors(r);
    bytes_free(&r->said);
    free(r);
}

const struct ssh_connection *route_through(const route *r) {
    return r && r->jump ? jump_through(r->jump) : NULL;
}

void route_explain(route *r, hostsession_failure *failure) {
    char said[route_words_bytes];
    if (r->jump)
        jump_explain(r->jump, failure);
    else if (r->dial)
        dial_explain(r->dial, failure);
    else
        failure_set(failure, HOSTSESSION_ERROR_CONNECT, 0, "proxy", "%s: its ProxyCommand did not answer in time%s",
                    ssh_settings_host(r->settings), route_words(r, said));
}
