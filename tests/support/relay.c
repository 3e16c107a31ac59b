/* SPDX-License-Identifier: MIT */
#include "relay_parts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct relay {
    pthread_t thread;
    /* Held by the thread unless it polls. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int wake;
    int listener;
    unsigned port, server_port;
    struct relay_line lines[2];
    struct connection *connections;
    relay_counts counts;
    unsigned to_drop;
    bool says;
    text said;
    bool stopping;
    /* What was set and what the thread has seen of it. */
    unsigned asked, seen;
};

/* ---- the thread ---- */

static int listen_at(unsigned port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int on = 1;
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0)
        return -1;
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(descriptor, (struct sockaddr *)&address, sizeof address) == 0 && listen(descriptor, 128) == 0)
        return descriptor;
    int error = errno;
    close(descriptor);
    errno = error;
    return -1;
}

static void accept_one(relay *r) {
    int client = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0)
        return;
    r->counts.connections++;
    if (r->to_drop) {
        r->to_drop--;
        r->counts.dropped++;
        close(client);
        return;
    }
    struct connection *c = connection_new(client, r->server_port, r->says ? &r->said : NULL);
    c->next = r->connections;
    r->connections = c;
    r->counts.living++;
}

static void remove_ended(relay *r) {
    for (struct connection **at = &r->connections; *at;) {
        struct connection *c = *at;
        if (!c->ended) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        connection_free(c);
        r->counts.living--;
    }
}

static size_t prepare(relay *r, struct pollfd *wait, int64_t *ret_until_us) {
    size_t count = 2;
    wait[0] = (struct pollfd){.fd = r->wake, .events = POLLIN};
    wait[1] = (struct pollfd){.fd = r->listener, .events = POLLIN};
    *ret_until_us = INT64_MAX;
    for (struct connection *c = r->connections; c; c = c->next)
        count = connection_prepare(c, r->lines, wait, count, ret_until_us);
    return count;
}

static void wait_until(relay *r, struct pollfd *wait, size_t count, int64_t until_us) {
    int64_t left = until_us - relay_now_us();
    left = left < 0 ? 0 : left;
    struct timespec limit = {.tv_sec = left / 1000000, .tv_nsec = left % 1000000 * 1000};
    r->seen = r->asked;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    int ready = ppoll(wait, (nfds_t)count, until_us == INT64_MAX ? NULL : &limit, NULL);
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; ready <= 0 && i < count; i++)
        wait[i].revents = 0;
}

static void turn(relay *r) {
    struct pollfd *wait = allocate((2 + 2 * (size_t)r->counts.living) * sizeof *wait);
    uint64_t ignored;
    int64_t until_us;
    size_t count = prepare(r, wait, &until_us);
    wait_until(r, wait, count, until_us);
    if (wait[0].revents)
        (void)!read(r->wake, &ignored, sizeof ignored);
    for (struct connection *c = r->connections; c; c = c->next)
        if (!c->ended)
            connection_serve(c, r->lines, wait, &r->counts);
    if (wait[1].revents && r->listener >= 0)
        accept_one(r);
    remove_ended(r);
    free(wait);
}

static void *run(void *data) {
    relay *r = data;
    pthread_mutex_lock(&r->lock);
    while (!r->stopping)
        turn(r);
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* ---- from the test ---- */

static void lock(relay *r) {
    pthread_mutex_lock(&r->lock);
}

static void wake(relay *r) {
    uint64_t one = 1;
    r->asked++;
    (void)!write(r->wake, &one, sizeof one);
}

/* Go on once the thread has seen what was set; it then polls no socket any more that was closed. */
static void unlock_seen(relay *r) {
    wake(r);
    unsigned asked = r->asked;
    while ((int)(r->seen - asked) < 0)
        pthread_cond_wait(&r->changed, &r->lock);
    pthread_mutex_unlock(&r->lock);
}

/* Signals are for the test's own threads. */
static int start_thread(relay *r) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&r->thread, NULL, run, r);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

static bool open_descriptors(relay *r) {
    struct sockaddr_in address = {0};
    socklen_t size = sizeof address;
    r->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    r->listener = listen_at(0);
    if (r->wake < 0 || r->listener < 0 || getsockname(r->listener, (struct sockaddr *)&address, &size) != 0)
        return false;
    r->port = ntohs(address.sin_port);
    return true;
}

static void release(relay *r) {
    for (struct connection *c = r->connections; c; c = c->next)
        if (!c->ended)
            connection_cut(c, RELAY_FIN);
    remove_ended(r);
    if (r->listener >= 0)
        close(r->listener);
    if (r->wake >= 0)
        close(r->wake);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    text_free(&r->said);
    free(r);
}

relay *relay_start(unsigned server_port) {
    relay *r = allocate(sizeof *r);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    r->server_port = server_port;
    for (int i = 0; i < 2; i++)
        r->lines[i].cut_after = r->lines[i].corrupt = RELAY_NEVER;
    bool opened = open_descriptors(r);
    int error = opened ? start_thread(r) : errno;
    if (error == 0)
        return r;
    release(r);
    errno = error;
    return NULL;
}

void relay_stop(relay *r) {
    if (!r)
        return;
    lock(r);
    r->stopping = true;
    wake(r);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    release(r);
}

/* ---- counting ---- */

unsigned relay_port(const relay *r) {
    return r->port;
}

relay_counts relay_count(relay *r) {
    lock(r);
    relay_counts counts = r->counts;
    pthread_mutex_unlock(&r->lock);
    return counts;
}

void relay_reset_counts(relay *r) {
    lock(r);
    r->counts = (relay_counts){.living = r->counts.living};
    for (struct connection *c = r->connections; c; c = c->next)
        connection_reset_turns(c);
    unlock_seen(r);
}

/* Wait until `right`; the thread tells of each of its turns. */
static bool wait_for(relay *r, bool (*right)(const relay *r, int which, uint64_t value), int which, uint64_t value,
                     int limit_ms) {
    int64_t until_us = relay_now_us() + (int64_t)limit_ms * 1000;
    struct timespec until = {.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};
    int error = 0;
    lock(r);
    while (!right(r, which, value) && error != ETIMEDOUT)
        error = pthread_cond_timedwait(&r->changed, &r->lock, &until);
    bool is_right = right(r, which, value);
    pthread_mutex_unlock(&r->lock);
    return is_right;
}

static bool at_most_living(const relay *r, int which, uint64_t value) {
    (void)which;
    return r->counts.living <= value;
}

static bool at_least_bytes(const relay *r, int which, uint64_t value) {
    return r->counts.bytes[which] >= value;
}

bool relay_wait_living(relay *r, unsigned count, int limit_ms) {
    return wait_for(r, at_most_living, 0, count, limit_ms);
}

bool relay_wait_bytes(relay *r, relay_direction direction, uint64_t bytes, int limit_ms) {
    return wait_for(r, at_least_bytes, (int)direction, bytes, limit_ms);
}

/* ---- setting ---- */

void relay_set_delay(relay *r, relay_direction direction, unsigned delay_ms) {
    lock(r);
    r->lines[direction].delay_ms = delay_ms;
    unlock_seen(r);
}

void relay_set_rate(relay *r, relay_direction direction, unsigned bytes_per_second) {
    lock(r);
    r->lines[direction].rate = bytes_per_second;
    for (struct connection *c = r->connections; c; c = c->next)
        c->flows[direction].next_write_us = 0;
    unlock_seen(r);
}

void relay_set_chunk(relay *r, relay_direction direction, unsigned bytes) {
    lock(r);
    r->lines[direction].chunk = bytes;
    unlock_seen(r);
}

void relay_stall(relay *r, relay_direction direction, bool stall) {
    lock(r);
    r->lines[direction].stalled = stall;
    unlock_seen(r);
}

void relay_cut_all(relay *r, relay_cut how) {
    lock(r);
    for (struct connection *c = r->connections; c; c = c->next)
        if (!c->ended)
            connection_cut(c, how);
    unlock_seen(r);
}

void relay_cut_after(relay *r, relay_direction direction, uint64_t bytes, relay_cut how) {
    lock(r);
    r->lines[direction].cut_after = bytes;
    r->lines[direction].cut_how = how;
    unlock_seen(r);
}

void relay_corrupt(relay *r, relay_direction direction, uint64_t offset) {
    lock(r);
    r->lines[direction].corrupt = offset;
    unlock_seen(r);
}

bool relay_refuse(relay *r, bool refuse) {
    lock(r);
    int error = 0;
    if (refuse && r->listener >= 0) {
        close(r->listener);
        r->listener = -1;
    } else if (!refuse && r->listener < 0) {
        r->listener = listen_at(r->port);
        error = r->listener < 0 ? errno : 0;
    }
    unlock_seen(r);
    errno = error;
    return error == 0;
}

void relay_drop(relay *r, unsigned connections) {
    lock(r);
    r->to_drop = connections;
    unlock_seen(r);
}

void relay_say(relay *r, const void *bytes, size_t length) {
    lock(r);
    text_clear(&r->said);
    r->says = bytes != NULL;
    if (bytes)
        text_append(&r->said, bytes, length);
    unlock_seen(r);
}
