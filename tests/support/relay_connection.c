/* SPDX-License-Identifier: MIT */
#include "relay_parts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { most_queued = 8 * 1024 * 1024, read_size = 64 * 1024, drain_pause_us = 1000 };

int64_t relay_now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- the queue ---- */

static void add_piece(struct flow *f, piece_kind kind, const void *bytes, size_t length, int64_t due_us,
                      unsigned turn) {
    struct piece *piece = allocate(sizeof *piece + length);
    piece->kind = kind;
    piece->due_us = due_us;
    piece->turn = turn;
    piece->length = length;
    if (length)
        memcpy(piece->bytes, bytes, length);
    *f->last = piece;
    f->last = &piece->next;
    f->queued += length;
}

static void remove_piece(struct flow *f) {
    struct piece *piece = f->first;
    f->first = piece->next;
    if (!f->first)
        f->last = &f->first;
    f->queued -= piece->length;
    free(piece);
}

static void give_up(struct flow *f) {
    while (f->first)
        remove_piece(f);
    f->done = true;
}

/* ---- beginning and ending ---- */

static void tune(int descriptor) {
    int on = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static bool connect_to(struct connection *c, unsigned port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->side[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->side[1] < 0)
        return false;
    tune(c->side[1]);
    c->connecting = connect(c->side[1], (struct sockaddr *)&address, sizeof address) != 0;
    return !c->connecting || errno == EINPROGRESS;
}

struct connection *connection_new(int client, unsigned server_port, const text *said) {
    struct connection *c = allocate(sizeof *c);
    c->side[0] = client;
    c->side[1] = -1;
    tune(client);
    for (int i = 0; i < 2; i++)
        c->flows[i].last = &c->flows[i].first;
    if (said) {
        c->only_says = true;
        add_piece(&c->flows[RELAY_TO_CLIENT], PIECE_DATA, said->data, said->length, 0, 0);
    } else if (!connect_to(c, server_port)) {
        connection_cut(c, RELAY_RST);
    }
    return c;
}

/* Closing a socket with bytes in it that were not read would send RST. */
static void close_in_order(int descriptor) {
    char ignored[4096];
    shutdown(descriptor, SHUT_WR);
    while (recv(descriptor, ignored, sizeof ignored, MSG_DONTWAIT) > 0)
        ;
    close(descriptor);
}

void connection_cut(struct connection *c, relay_cut how) {
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    for (int i = 0; i < 2; i++) {
        if (c->side[i] < 0)
            continue;
        if (how == RELAY_RST) {
            setsockopt(c->side[i], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
            close(c->side[i]);
        } else {
            close_in_order(c->side[i]);
        }
        c->side[i] = -1;
    }
    c->ended = true;
}

void connection_free(struct connection *c) {
    if (!c->ended)
        connection_cut(c, RELAY_FIN);
    for (int i = 0; i < 2; i++)
        give_up(&c->flows[i]);
    free(c);
}

static void begin_cut(struct connection *c, relay_cut how) {
    c->cutting = true;
    c->cut_how = how;
}

/* Of what the other side has reset the kernel goes on to count the bytes that were left. */
static bool is_reset(int descriptor) {
    struct tcp_info info;
    socklen_t size = sizeof info;
    return getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_state == TCP_CLOSE;
}

static bool is_delivered(int descriptor) {
    int left = 0;
    return descriptor < 0 || ioctl(descriptor, SIOCOUTQ, &left) != 0 || left == 0 || is_reset(descriptor);
}

/* ---- waiting ---- */

static bool wants_read(const struct connection *c, int direction) {
    const struct flow *f = &c->flows[direction];
    return !c->cutting && !f->source_ended && f->queued < most_queued && c->side[direction] >= 0 &&
           !(direction == RELAY_TO_CLIENT && c->connecting);
}

static bool may_write(const struct connection *c, int direction, const struct relay_line *line) {
    const struct flow *f = &c->flows[direction];
    return f->first && !f->done && !f->blocked && !line->stalled && !c->cutting && !c->connecting &&
           f->forwarded != line->cut_after;
}

static int64_t write_time(const struct flow *f) {
    return f->first->due_us > f->next_write_us ? f->first->due_us : f->next_write_us;
}

static short events_of(const struct connection *c, int side) {
    const struct flow *in = &c->flows[!side];
    bool wants_write = !c->cutting && ((in->blocked && !in->done) || (side == 1 && c->connecting));
    return (short)((wants_read(c, side) ? POLLIN : 0) | (wants_write ? POLLOUT : 0));
}

size_t connection_prepare(struct connection *c, const struct relay_line lines[2], struct pollfd *wait, size_t count,
                          int64_t *ret_until_us) {
    for (int i = 0; i < 2; i++) {
        short events = events_of(c, i);
        /* What nothing is wanted of would wake with its POLLHUP. */
        c->place[i] = events ? (int)count : -1;
        if (events)
            wait[count++] = (struct pollfd){.fd = c->side[i], .events = events};
        if (may_write(c, i, &lines[i]) && write_time(&c->flows[i]) < *ret_until_us)
            *ret_until_us = write_time(&c->flows[i]);
        if (c->flows[i].forwarded == lines[i].cut_after && !c->cutting && !c->connecting)
            *ret_until_us = 0;
    }
    /* The kernel does not tell when its queue is empty. */
    if (c->cutting && relay_now_us() + drain_pause_us < *ret_until_us)
        *ret_until_us = relay_now_us() + drain_pause_us;
    return count;
}

/* ---- working ---- */

static void finish_connecting(struct connection *c) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(c->side[1], SOL_SOCKET, SO_ERROR, &error, &size);
    c->connecting = false;
    if (error != 0)
        connection_cut(c, RELAY_RST);
}

/* The client's next turn is what it says after it got an answer to the last; the server answers in the turn of which it
 * got something.  So what crosses on the way does not count, as the ends of two bursts would. */
static unsigned turn_of(struct connection *c, int direction, relay_counts *counts) {
    if (direction == RELAY_TO_CLIENT)
        return c->knows[1];
    unsigned turn = c->knows[0] + 1;
    if (turn > c->turn) {
        counts->turns += turn - c->turn;
        c->turn = turn;
    }
    return turn;
}

void connection_reset_turns(struct connection *c) {
    for (int i = 0; i < 2; i++) {
        c->knows[i] = 0;
        for (struct piece *piece = c->flows[i].first; piece; piece = piece->next)
            piece->turn = 0;
    }
    c->turn = 0;
}

static void read_source(struct connection *c, int direction, const struct relay_line *line, relay_counts *counts) {
    struct flow *f = &c->flows[direction];
    char bytes[read_size];
    ssize_t length = recv(c->side[direction], bytes, sizeof bytes, 0);
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    bool forgotten = f->done || (c->only_says && direction == RELAY_TO_SERVER);
    int64_t due = relay_now_us() + (int64_t)line->delay_ms * 1000;
    f->source_ended = length <= 0;
    unsigned turn = length > 0 ? turn_of(c, direction, counts) : 0;
    if (length > 0 && !forgotten)
        add_piece(f, PIECE_DATA, bytes, (size_t)length, due, turn);
    else if (length <= 0 && c->only_says)
        begin_cut(c, RELAY_FIN);
    else if (length <= 0)
        add_piece(f, length == 0 ? PIECE_FIN : PIECE_RST, NULL, 0, due, 0);
}

/* How much of the first piece may leave at once. */
static size_t next_length(const struct flow *f, const struct relay_line *line) {
    enum { writes_a_second = 100 };
    size_t length = f->first->length - f->first->used;
    size_t slice = line->rate / writes_a_second + 1;
    if (line->rate && length > slice)
        length = slice;
    if (line->chunk && length > line->chunk)
        length = line->chunk;
    if (f->forwarded < line->cut_after && length > line->cut_after - f->forwarded)
        length = (size_t)(line->cut_after - f->forwarded);
    return length;
}

static ssize_t send_some(int destination, struct flow *f, const struct relay_line *line) {
    char *bytes = f->first->bytes + f->first->used;
    size_t length = next_length(f, line);
    uint64_t at = line->corrupt - f->forwarded;
    bool corrupt = line->corrupt >= f->forwarded && at < length;
    if (corrupt)
        bytes[at] = (char)~bytes[at];
    ssize_t sent = send(destination, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    /* It is not on its way yet. */
    if (corrupt && (sent < 0 || (uint64_t)sent <= at))
        bytes[at] = (char)~bytes[at];
    return sent;
}

static void sent_some(struct connection *c, int direction, const struct relay_line *line, size_t length,
                      relay_counts *counts) {
    struct flow *f = &c->flows[direction];
    f->first->used += length;
    f->forwarded += length;
    counts->bytes[direction] += length;
    if (line->rate)
        f->next_write_us = relay_now_us() + (int64_t)length * 1000000 / line->rate;
    if (f->first->turn > c->knows[!direction])
        c->knows[!direction] = f->first->turn;
    if (f->first->used == f->first->length)
        remove_piece(f);
}

/* Whether more can be written now. */
static bool write_piece(struct connection *c, int direction, const struct relay_line *line, relay_counts *counts) {
    struct flow *f = &c->flows[direction];
    int destination = c->side[!direction];
    if (f->first->kind == PIECE_RST) {
        begin_cut(c, RELAY_RST);
        return false;
    }
    if (f->first->kind == PIECE_FIN) {
        shutdown(destination, SHUT_WR);
        give_up(f);
        return false;
    }
    ssize_t sent = send_some(destination, f, line);
    if (sent >= 0)
        sent_some(c, direction, line, (size_t)sent, counts);
    else if (errno == EAGAIN)
        f->blocked = true;
    else if (errno != EINTR)
        give_up(f);
    /* A piece of its own in each turn of the loop. */
    return sent >= 0 && !line->chunk;
}

static void write_due(struct connection *c, int direction, const struct relay_line *line, relay_counts *counts) {
    int64_t now = relay_now_us();
    while (may_write(c, direction, line) && write_time(&c->flows[direction]) <= now &&
           write_piece(c, direction, line, counts))
        ;
    if (!c->connecting && !c->cutting && c->flows[direction].forwarded == line->cut_after)
        begin_cut(c, line->cut_how);
}

void connection_serve(struct connection *c, const struct relay_line lines[2], const struct pollfd *wait,
                      relay_counts *counts) {
    for (int i = 0; i < 2; i++) {
        short events = c->place[i] >= 0 ? wait[c->place[i]].revents : 0;
        if (events & (POLLOUT | POLLERR | POLLHUP))
            c->flows[!i].blocked = false;
        if (i == 1 && c->connecting && events)
            finish_connecting(c);
        if (!c->ended && wants_read(c, i) && (events & (POLLIN | POLLERR | POLLHUP)))
            read_source(c, i, &lines[i], counts);
    }
    for (int i = 0; i < 2 && !c->ended; i++)
        write_due(c, i, &lines[i], counts);
    if (c->ended)
        return;
    if (c->flows[0].done && c->flows[1].done)
        begin_cut(c, RELAY_FIN);
    if (c->cutting && is_delivered(c->side[0]) && is_delivered(c->side[1]))
        connection_cut(c, c->cut_how);
}
