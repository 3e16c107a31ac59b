/* SPDX-License-Identifier: MIT */
#include "transport/dial.h"

#include "base/failure.h"
#include "loop/loop.h"
#include "transport/spawn.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    /* RFC 8305, section 5: the Connection Attempt Delay. */
    stagger_us = 250 * 1000,
    most_addresses = 16,
    address_text_bytes = 64,
};

/* In the thread that resolves. */
typedef struct lookup {
    dial *dial;
    char *host;
    char *bind_address;
    char port[12];
    int family;
    int error;
    int system_errno;
    struct addrinfo *found;
    struct addrinfo *bind_found;
} lookup;

typedef struct attempt {
    dial *dial;
    int descriptor;
    hostsession_watch *watch;
} attempt;

struct dial {
    hostsession_loop *loop;
    dial_done_fn done;
    void *userdata;
    char *name; /* for messages: host and port */
    char *interface;
    loop_job *job;
    loop_task looked_up; /* an address needs no looking up */
    lookup *lookup;
    const struct addrinfo *order[most_addresses];
    size_t count;
    size_t next;
    attempt attempts[most_addresses];
    loop_timer timer;
    char tried[200];
    int last_errno;
};

/* ---- resolving ---- */

static void look_up_with(lookup *l, int flags) {
    struct addrinfo hints = {.ai_family = l->family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | flags};
    l->error = getaddrinfo(l->host, l->port, &hints, &l->found);
    if (l->error == 0 && l->bind_address) {
        hints.ai_flags |= AI_PASSIVE;
        l->error = getaddrinfo(l->bind_address, "0", &hints, &l->bind_found);
    }
    l->system_errno = l->error == EAI_SYSTEM ? errno : 0;
}

static void look_up(void *data) {
    look_up_with(data, 0);
}

static void lookup_free(void *data) {
    lookup *l = data;
    if (!l)
        return;
    if (l->found)
        freeaddrinfo(l->found);
    if (l->bind_found)
        freeaddrinfo(l->bind_found);
    free(l->host);
    free(l->bind_address);
    free(l);
}

/* The families in turn, each in the resolver's order (RFC 8305, section 4). */
static void order_addresses(dial *d) {
    const struct addrinfo *first = d->lookup->found;
    const struct addrinfo *same = first;
    const struct addrinfo *other = first;
    int family = first->ai_family;
    while (d->count < most_addresses && (same || other)) {
        while (same && same->ai_family != family)
            same = same->ai_next;
        if (same) {
            d->order[d->count++] = same;
            same = same->ai_next;
        }
        while (other && other->ai_family == family)
            other = other->ai_next;
        if (other && d->count < most_addresses) {
            d->order[d->count++] = other;
            other = other->ai_next;
        }
    }
}

/* ---- connecting ---- */

static void dial_free(dial *d) {
    loop_job_abandon(d->job);
    loop_unpost(&d->looked_up);
    for (size_t i = 0; i < d->next; i++) {
        hostsession_watch_free(d->attempts[i].watch);
        if (d->attempts[i].descriptor >= 0)
            close(d->attempts[i].descriptor);
    }
    loop_timer_destroy(&d->timer);
    lookup_free(d->lookup);
    free(d->interface);
    free(d->name);
    free(d);
}

static void finish(dial *d, int descriptor, const hostsession_failure *failure) {
    dial_done_fn done = d->done;
    void *userdata = d->userdata;
    dial_free(d);
    done(userdata, descriptor, failure);
}

static void note_failed(dial *d, const struct addrinfo *address, int why) {
    char text[address_text_bytes] = "?";
    getnameinfo(address->ai_addr, address->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST);
    size_t used = strlen(d->tried);
    snprintf(d->tried + used, sizeof d->tried - used, "%s%s: %s", used ? "; " : "", text, failure_errno_text(why));
    d->last_errno = why;
}

static void fail(dial *d) {
    hostsession_failure why;
    if (d->last_errno == EMFILE || d->last_errno == ENFILE)
        spawn_no_descriptor(&why, d->last_errno, "a connection");
    else
        failure_set(&why, HOSTSESSION_ERROR_CONNECT, d->last_errno, "connect",
                    "cannot connect to %s (%s); check that the host is up, that the port is right, and firewalls",
                    d->name, d->tried);
    finish(d, -1, &why);
}

static bool waits(const dial *d) {
    for (size_t i = 0; i < d->next; i++)
        if (d->attempts[i].descriptor >= 0)
            return true;
    return false;
}

static void give_up(attempt *a, int why) {
    dial *d = a->dial;
    note_failed(d, d->order[a - d->attempts], why);
    hostsession_watch_free(a->watch);
    a->watch = NULL;
    if (a->descriptor >= 0)
        close(a->descriptor);
    a->descriptor = -1;
}

static void try_next(dial *d);

static void on_connected(void *userdata, unsigned events) {
    (void)events;
    attempt *a = userdata;
    dial *d = a->dial;
    int why = 0;
    socklen_t size = sizeof why;
    getsockopt(a->descriptor, SOL_SOCKET, SO_ERROR, &why, &size);
    if (why != 0) {
        give_up(a, why);
        try_next(d);
        return;
    }
    int descriptor = a->descriptor;
    a->descriptor = -1;
    finish(d, descriptor, NULL);
}

static bool bind_to(const dial *d, int descriptor, int family) {
    if (d->interface &&
        setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, d->interface, (socklen_t)strlen(d->interface)) != 0)
        return false;
    if (!d->lookup->bind_address)
        return true;
    errno = EADDRNOTAVAIL;
    for (const struct addrinfo *at = d->lookup->bind_found; at; at = at->ai_next)
        if (at->ai_family == family)
            return bind(descriptor, at->ai_addr, at->ai_addrlen) == 0;
    return false;
}

/* False with errno. */
static bool connect_to(attempt *a, const struct addrinfo *address) {
    const int on = 1;
    a->descriptor = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (a->descriptor < 0)
        return false;
    setsockopt(a->descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(a->descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    if (!bind_to(a->dial, a->descriptor, address->ai_family))
        return false;
    if (connect(a->descriptor, address->ai_addr, address->ai_addrlen) != 0 && errno != EINPROGRESS)
        return false;
    if (hostsession_watch_new(a->dial->loop, a->descriptor, HOSTSESSION_WATCH_WRITABLE, on_connected, a, &a->watch) !=
        HOSTSESSION_OK) {
        errno = ENOMEM;
        return false;
    }
    return true;
}

/* Start with the next address that can be tried at all; fail when none is left and none waits. */
static void try_next(dial *d) {
    while (d->next < d->count) {
        attempt *a = &d->attempts[d->next];
        const struct addrinfo *address = d->order[d->next++];
        a->dial = d;
        if (connect_to(a, address)) {
            if (d->next < d->count)
                loop_timer_set(&d->timer, loop_now_us(d->loop) + stagger_us);
            return;
        }
        give_up(a, errno);
    }
    if (!waits(d))
        fail(d);
}

static void on_stagger(loop_timer *timer) {
    try_next(list_item(timer, dial, timer));
}

static void on_looked_up(void *data) {
    lookup *l = data;
    dial *d = l->dial;
    d->job = NULL;
    d->lookup = l;
    if (l->error == 0) {
        order_addresses(d);
        try_next(d);
        return;
    }
    hostsession_failure why;
    if (l->system_errno)
        failure_set(&why, HOSTSESSION_ERROR_RESOLVE, l->system_errno, "resolve", "cannot look up %s: %s", d->name,
                    failure_errno_text(l->system_errno));
    else
        failure_set(&why, HOSTSESSION_ERROR_RESOLVE, 0, "resolve",
                    "cannot look up %s: %s; check the name's spelling and DNS", d->name, gai_strerror(l->error));
    finish(d, -1, &why);
}

static void on_looked_up_at_once(loop_task *task) {
    dial *d = list_item(task, dial, looked_up);
    on_looked_up(d->lookup);
}

/* Without a thread when there is no name to be resolved. */
static bool start_lookup(dial *d, lookup *l) {
    static const loop_job_calls calls = {look_up, on_looked_up, lookup_free, false};
    look_up_with(l, AI_NUMERICHOST);
    if (l->error == 0) {
        d->lookup = l;
        d->looked_up.run = on_looked_up_at_once;
        loop_post(d->loop, &d->looked_up);
        return true;
    }
    if (l->found)
        freeaddrinfo(l->found);
    l->found = NULL;
    d->job = loop_job_start(d->loop, &calls, l);
    return d->job != NULL;
}

static bool fill(dial *d, lookup *l, const dial_address *address) {
    l->dial = d;
    l->family = address->family;
    snprintf(l->port, sizeof l->port, "%d", address->port);
    l->host = strdup(address->host);
    size_t name_bytes = strlen(address->host) + 24;
    d->name = malloc(name_bytes);
    if (!l->host || !d->name)
        return false;
    snprintf(d->name, name_bytes, "%s port %d", address->host, address->port);
    if (address->bind_address && !(l->bind_address = strdup(address->bind_address)))
        return false;
    return !address->bind_interface || (d->interface = strdup(address->bind_interface));
}

hostsession_error dial_start(hostsession_loop *loop, const dial_address *address, dial_done_fn done, void *userdata,
                             dial **ret, hostsession_failure *failure) {
    dial *d = calloc(1, sizeof *d);
    lookup *l = calloc(1, sizeof *l);
    if (!d || !l || !loop_timer_init(&d->timer, loop, on_stagger)) {
        free(l);
        free(d);
        return failure_no_memory(failure, "connect");
    }
    d->loop = loop;
    d->done = done;
    d->userdata = userdata;
    if (!fill(d, l, address) || !start_lookup(d, l)) {
        lookup_free(l);
        dial_free(d);
        return failure_set(failure, HOSTSESSION_ERROR_LIMIT, 0, "resolve",
                           "cannot look up %s: no memory or no thread left (ulimit -u)", address->host);
    }
    *ret = d;
    return HOSTSESSION_OK;
}

void dial_cancel(dial *d) {
    if (d)
        dial_free(d);
}

void dial_explain(const dial *d, hostsession_failure *failure) {
    if (d->job)
        failure_set(failure, HOSTSESSION_ERROR_RESOLVE, 0, "resolve", "%s: the name servers did not answer in time",
                    d->name);
    else
        failure_set(failure, HOSTSESSION_ERROR_CONNECT, 0, "connect",
                    "%s did not answer in time%s%s; check that the host is up, that the port is right, and firewalls",
                    d->name, d->tried[0] ? ", tried " : "", d->tried);
}
