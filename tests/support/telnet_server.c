/* SPDX-License-Identifier: MIT */
#include "telnet_server.h"

#include "process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { most_connections = 256, first_polled = 2 };

/* One connection: a telnetd, or, when it is scripted, a socket of ours. */
typedef struct connection {
    pid_t pid;
    int descriptor; /* of the process, or the socket */
} connection;

struct telnet_server {
    int listener;
    unsigned port;
    int stop[2];
    pthread_t thread;
    char *login;
    text script;
    size_t piece;
    bool scripted;
    connection connections[most_connections];
    size_t count;
};

static const char *find_telnetd(void) {
    static const char *const paths[] = {"/usr/sbin/telnetd", "/usr/sbin/in.telnetd", "/usr/libexec/telnetd"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (access(paths[i], X_OK) == 0)
            return paths[i];
    return NULL;
}

bool telnet_server_available(bool with_login, text *missing) {
    if (!find_telnetd())
        text_add(missing, "no telnetd (inetutils-telnetd)");
    else if (with_login && geteuid() != 0)
        text_add(missing, "login(1) needs root");
    return missing->length == 0;
}

/* ---- in the thread ---- */

static bool start_telnetd(const telnet_server *s, int client, connection *ret) {
    char *arguments[] = {"telnetd", s->login ? "-E" : NULL, s->login, NULL};
    char *environment[] = {"PATH=/usr/bin:/bin:/usr/sbin:/sbin", NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    /* A test that a shell has started in the background has SIGINT ignored. */
    posix_spawnattr_setsigdefault(&attributes, &all);
    for (int i = 0; i < 3; i++)
        posix_spawn_file_actions_adddup2(&files, client, i);
    int wrong = posix_spawn(&ret->pid, find_telnetd(), &files, &attributes, arguments, environment);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    close(client);
    ret->descriptor = wrong ? -1 : process_open(ret->pid);
    return !wrong;
}

static bool say(const telnet_server *s, int client, connection *ret) {
    const int on = 1;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    size_t piece = s->piece ? s->piece : s->script.length;
    for (size_t at = 0; at < s->script.length; at += piece) {
        size_t length = s->script.length - at < piece ? s->script.length - at : piece;
        if (send(client, s->script.data + at, length, MSG_NOSIGNAL) < 0)
            break;
    }
    *ret = (connection){.descriptor = client};
    return true;
}

static void take(telnet_server *s) {
    int client = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
    if (client < 0)
        return;
    if (s->count == most_connections)
        close(client);
    else if (s->scripted ? say(s, client, &s->connections[s->count])
                         : start_telnetd(s, client, &s->connections[s->count]))
        s->count++;
}

/* Returns whether the connection is over. */
static bool look_at(connection *c) {
    char bytes[4096];
    if (!c->pid && recv(c->descriptor, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        return false;
    if (c->pid)
        waitpid(c->pid, NULL, 0);
    close(c->descriptor);
    return true;
}

static void end(connection *c) {
    if (c->pid)
        syscall(SYS_pidfd_send_signal, c->descriptor, SIGTERM, NULL, 0);
    look_at(c);
}

static void *serve(void *data) {
    telnet_server *s = data;
    for (;;) {
        struct pollfd polled[first_polled + most_connections] = {{s->listener, POLLIN, 0}, {s->stop[0], POLLIN, 0}};
        for (size_t i = 0; i < s->count; i++)
            polled[first_polled + i] = (struct pollfd){s->connections[i].descriptor, POLLIN, 0};
        if (poll(polled, first_polled + s->count, -1) < 0 && errno != EINTR)
            break;
        if (polled[1].revents)
            break;
        for (size_t i = s->count; i-- > 0;)
            if (polled[first_polled + i].revents && look_at(&s->connections[i]))
                s->connections[i] = s->connections[--s->count];
        if (polled[0].revents)
            take(s);
    }
    for (size_t i = 0; i < s->count; i++)
        end(&s->connections[i]);
    return NULL;
}

/* ---- */

static bool listen_on_any(telnet_server *s) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->listener < 0 || bind(s->listener, (struct sockaddr *)&address, size) != 0 || listen(s->listener, 128) != 0 ||
        getsockname(s->listener, (struct sockaddr *)&address, &size) != 0)
        return false;
    s->port = ntohs(address.sin_port);
    return true;
}

/* Signals are for the test's own threads. */
static bool start_thread(telnet_server *s) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    errno = pthread_create(&s->thread, NULL, serve, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return errno == 0;
}

static telnet_server *start(telnet_server *s, text *why) {
    s->stop[0] = s->stop[1] = -1;
    if (listen_on_any(s) && pipe2(s->stop, O_CLOEXEC) == 0 && start_thread(s))
        return s;
    text_printf(why, "telnet server: %s", strerror(errno));
    close(s->listener);
    close(s->stop[0]);
    close(s->stop[1]);
    free(s->login);
    text_free(&s->script);
    free(s);
    return NULL;
}

telnet_server *telnet_server_start(const char *login, text *why) {
    telnet_server *s = allocate(sizeof *s);
    memset(s, 0, sizeof *s);
    if (login) {
        s->login = allocate(strlen(login) + 1);
        strcpy(s->login, login);
    }
    return start(s, why);
}

telnet_server *telnet_server_start_scripted(const void *bytes, size_t length, size_t piece, text *why) {
    telnet_server *s = allocate(sizeof *s);
    memset(s, 0, sizeof *s);
    s->scripted = true;
    s->piece = piece;
    text_append(&s->script, bytes, length);
    return start(s, why);
}

void telnet_server_stop(telnet_server *s) {
    if (!s)
        return;
    close(s->stop[1]);
    pthread_join(s->thread, NULL);
    close(s->stop[0]);
    close(s->listener);
    free(s->login);
    text_free(&s->script);
    free(s);
}

unsigned telnet_server_port(const telnet_server *s) {
    return s->port;
}
