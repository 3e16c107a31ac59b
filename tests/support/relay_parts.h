/* SPDX-License-Identifier: MIT */
/* The inside of relay.h: one connection, which knows its line but not the relay. */
#ifndef SUPPORT_RELAY_PARTS_H
#define SUPPORT_RELAY_PARTS_H

#include "relay.h"

#include <poll.h>

/* What is set for one direction. */
struct relay_line {
    unsigned delay_ms, rate, chunk;
    bool stalled;
    uint64_t cut_after;
    relay_cut cut_how;
    uint64_t corrupt;
};

typedef enum piece_kind { PIECE_DATA, PIECE_FIN, PIECE_RST } piece_kind;

struct piece {
    struct piece *next;
    piece_kind kind;
    /* When it leaves. */
    int64_t due_us;
    /* How many turns of the client led to it. */
    unsigned turn;
    size_t length, used;
    char bytes[];
};

/* What is on the way in one direction. */
struct flow {
    struct piece *first, **last;
    size_t queued;
    uint64_t forwarded;
    /* By the rate. */
    int64_t next_write_us;
    bool source_ended, blocked;
    /* The end was forwarded, or the destination takes no more. */
    bool done;
};

struct connection {
    struct connection *next;
    /* The client's and the server's socket: the source of the direction of the same number. */
    int side[2];
    /* The place of each in what is polled; negative: not there. */
    int place[2];
    bool connecting;
    /* There is no server; what the client sends is forgotten. */
    bool only_says;
    /* The latest turn of which each side can know. */
    unsigned knows[2];
    /* The latest of the client. */
    unsigned turn;
    /* To end once the kernel has delivered what was forwarded. */
    bool cutting;
    relay_cut cut_how;
    bool ended;
    struct flow flows[2];
};

int64_t relay_now_us(void);

/* Of an accepted client.  `said` is sent in place of connecting to the server when it is not NULL. */
struct connection *connection_new(int client, unsigned server_port, const text *said);
void connection_free(struct connection *c);

/* Append what it waits for, at most two, and bring `ret_until_us` forward to the time when it has work. */
size_t connection_prepare(struct connection *c, const struct relay_line lines[2], struct pollfd *wait, size_t count,
                          int64_t *ret_until_us);
/* Do what can be done now. */
void connection_serve(struct connection *c, const struct relay_line lines[2], const struct pollfd *wait,
                      relay_counts *counts);
/* Begin to count turns anew. */
void connection_reset_turns(struct connection *c);
/* End both sides now. */
void connection_cut(struct connection *c, relay_cut how);

#endif
