/* SPDX-License-Identifier: MIT */
#include "transport/ssh/forward.h"

#include "base/bytes.h"
#include "base/list.h"
#include "transport/ssh/agent.h"

#include <errno.h>
#include <libssh/callbacks.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The longest message that OpenSSH's agent takes or sends. */
enum { most_held_bytes = 256 * 1024, most_channels = 64 };

struct forwards {
    hostsession_loop *loop;
    char *path;
    void (*wrote)(void *owner);
    void *owner;
    struct ssh_callbacks_struct callbacks;
    list all;
    size_t count;
};

typedef struct forward {
    list link;
    forwards *of;
    ssh_channel channel;
    struct ssh_channel_callbacks_struct callbacks;
    int descriptor;
    hostsession_watch *watch;
    bytes from_host;
    bytes from_agent;
    bool ended; /* by the host */
} forward;

char *forward_path(const ssh_settings *settings) {
    const char *value = ssh_settings_text(settings, "forwardagent");
    if (!value || strcasecmp(value, "no") == 0)
        return NULL;
    if (strcasecmp(value, "yes") == 0)
        return agent_path(settings);
    if (value[0] == '$' && value[1] != '{')
        return getenv(value + 1) ? strdup(getenv(value + 1)) : NULL;
    return ssh_settings_expand(settings, value);
}

static void forward_free(forward *w) {
    list_remove(&w->link);
    w->of->count--;
    hostsession_watch_free(w->watch);
    close(w->descriptor);
    ssh_remove_channel_callbacks(w->channel, &w->callbacks);
    ssh_channel_free(w->channel);
    bytes_wipe(&w->from_host);
    bytes_wipe(&w->from_agent);
    free(w);
}

/* ---- passing on; false: it is over ---- */

static bool to_agent(forward *w) {
    while (bytes_length(&w->from_host)) {
        ssize_t sent = send(w->descriptor, bytes_front(&w->from_host), bytes_length(&w->from_host), MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            return errno == EAGAIN;
        bytes_consume(&w->from_host, sent > 0 ? (size_t)sent : 0);
    }
    return !w->ended;
}

static bool to_host(forward *w) {
    while (bytes_length(&w->from_agent)) {
        int sent = ssh_channel_write(w->channel, bytes_front(&w->from_agent), (uint32_t)bytes_length(&w->from_agent));
        if (sent <= 0)
            return sent == 0 || sent == SSH_AGAIN;
        bytes_consume(&w->from_agent, (size_t)sent);
    }
    return true;
}

static bool read_agent(forward *w) {
    enum { piece_bytes = 4096 };
    while (bytes_length(&w->from_agent) < most_held_bytes) {
        char *to = bytes_reserve(&w->from_agent, piece_bytes);
        ssize_t got = to ? recv(w->descriptor, to, piece_bytes, 0) : -1;
        if (got < 0 && to && errno == EINTR)
            continue;
        if (got < 0 && to && errno == EAGAIN)
            return true;
        if (got <= 0)
            return false;
        w->from_agent.end += (size_t)got;
    }
    return true;
}

static void move(forward *w) {
    if (!to_agent(w) || !read_agent(w) || !to_host(w)) {
        forward_free(w);
        return;
    }
    unsigned events = bytes_length(&w->from_agent) < most_held_bytes ? HOSTSESSION_WATCH_READABLE : 0u;
    hostsession_watch_set_events(w->watch, events | (bytes_length(&w->from_host) ? HOSTSESSION_WATCH_WRITABLE : 0u));
}

static void on_ready(void *userdata, unsigned events) {
    (void)events;
    forward *w = userdata;
    forwards *f = w->of;
    move(w);
    f->wrote(f->owner);
}

/* ---- libssh's callbacks ---- */

static int on_data(ssh_session session, ssh_channel channel, void *data, uint32_t length, int is_error,
                   void *userdata) {
    (void)session, (void)channel, (void)is_error;
    forward *w = userdata;
    if (bytes_length(&w->from_host) > most_held_bytes || !bytes_append(&w->from_host, data, length))
        return 0;
    return (int)length;
}

static void on_end(ssh_session session, ssh_channel channel, void *userdata) {
    (void)session, (void)channel;
    ((forward *)userdata)->ended = true;
}

/* NULL: the host is told that it cannot. */
static ssh_channel on_open(ssh_session session, void *userdata) {
    forwards *f = userdata;
    forward *w = f->count < most_channels ? calloc(1, sizeof *w) : NULL;
    if (!w)
        return NULL;
    w->of = f;
    w->descriptor = agent_connect(f->path);
    w->channel = w->descriptor >= 0 ? ssh_channel_new(session) : NULL;
    w->callbacks = (struct ssh_channel_callbacks_struct){.userdata = w,
                                                         .channel_data_function = on_data,
                                                         .channel_eof_function = on_end,
                                                         .channel_close_function = on_end};
    ssh_callbacks_init(&w->callbacks);
    if (w->channel && ssh_add_channel_callbacks(w->channel, &w->callbacks) == SSH_OK &&
        hostsession_watch_new(f->loop, w->descriptor, HOSTSESSION_WATCH_READABLE, on_ready, w, &w->watch) ==
            HOSTSESSION_OK) {
        list_append(&f->all, &w->link);
        f->count++;
        return w->channel;
    }
    if (w->channel)
        ssh_channel_free(w->channel);
    if (w->descriptor >= 0)
        close(w->descriptor);
    free(w);
    return NULL;
}

/* ---- all of them ---- */

forwards *forwards_new(hostsession_loop *loop, ssh_session session, const char *path, void (*wrote)(void *owner),
                       void *owner) {
    forwards *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    list_init(&f->all);
    f->loop = loop;
    f->wrote = wrote;
    f->owner = owner;
    f->path = strdup(path);
    f->callbacks = (struct ssh_callbacks_struct){.userdata = f, .channel_open_request_auth_agent_function = on_open};
    ssh_callbacks_init(&f->callbacks);
    if (f->path && ssh_set_callbacks(session, &f->callbacks) == SSH_OK)
        return f;
    free(f->path);
    free(f);
    return NULL;
}

void forwards_step(forwards *f) {
    for (list *at = f->all.next, *next; at != &f->all; at = next) {
        forward *w = list_item(at, forward, link);
        next = at->next;
        if (bytes_length(&w->from_host) || bytes_length(&w->from_agent) || w->ended)
            move(w);
    }
}

void forwards_free(forwards *f) {
    if (!f)
        return;
    while (!list_empty(&f->all))
        forward_free(list_item(f->all.next, forward, link));
    free(f->path);
    free(f);
}
