/* SPDX-License-Identifier: MIT */
/*
 * A bad network: a TCP relay on 127.0.0.1 before a server's port, driven by a thread of its own.
 *
 * What is set holds from the call on, for living connections and for new ones, and may be set at any time from any
 * thread.  Offsets and counts of bytes are those of one connection in one direction, from its first byte on.  Each
 * connection can have up to 8 MiB a direction on the way; then the relay reads no more from that side.
 */
#ifndef SUPPORT_RELAY_H
#define SUPPORT_RELAY_H

#include "text.h"

#include <stdint.h>

typedef struct relay relay;

typedef enum relay_direction { RELAY_TO_SERVER, RELAY_TO_CLIENT } relay_direction;

/* No byte: what an offset is when nothing shall happen. */
#define RELAY_NEVER UINT64_MAX

typedef struct relay_counts {
    /* Accepted, and of them: living now, dropped right after accept. */
    unsigned connections, living, dropped;
    /* Forwarded, in all connections: written to the other side's socket. */
    uint64_t bytes[2];
    /* The times that clients spoke in turn, one after the other: first, and each time after they got an answer to
     * what they had said in the turn before.  So it is 1 + the round trips waited for, of each connection, whatever
     * time they took; what crosses on the way is no turn.  It needs no clock; a delay that is long beside the
     * scheduling of the machine makes it exact also for sides that speak at the same time. */
    unsigned turns;
} relay_counts;

/* Start one before 127.0.0.1:server_port; it listens when this returns.  NULL with errno set. */
relay *relay_start(unsigned server_port);
/* End all connections and the thread, and free.  NULL is allowed. */
void relay_stop(relay *r);

unsigned relay_port(const relay *r);
relay_counts relay_count(relay *r);
/* Begin to count anew, as if no connection had spoken yet. */
void relay_reset_counts(relay *r);
/* Wait, at most `limit_ms`, until at most `count` connections live. */
bool relay_wait_living(relay *r, unsigned count, int limit_ms);
/* Wait, at most `limit_ms`, until so many bytes were forwarded in a direction. */
bool relay_wait_bytes(relay *r, relay_direction direction, uint64_t bytes, int limit_ms);

/* ---- the line ---- */

/* What comes in leaves so many milliseconds later; the rate is not limited by it. */
void relay_set_delay(relay *r, relay_direction direction, unsigned delay_ms);
/* At most so many bytes a second; 0: no limit. */
void relay_set_rate(relay *r, relay_direction direction, unsigned bytes_per_second);
/* Write at most so many bytes at once, each piece in a segment of its own as far as the kernel lets it; 0: all. */
void relay_set_chunk(relay *r, relay_direction direction, unsigned bytes);
/* Forward nothing (true), connections stay up, until false is said. */
void relay_stall(relay *r, relay_direction direction, bool stall);

/* ---- breaking it ---- */

typedef enum relay_cut { RELAY_FIN, RELAY_RST } relay_cut;

/* End every living connection, on both sides, now; what is on the way is lost.  They have ended when this returns. */
void relay_cut_all(relay *r, relay_cut how);
/* Once exactly so many bytes were forwarded in a direction and the kernel has delivered them, end that connection;
 * one that is past them goes on. */
void relay_cut_after(relay *r, relay_direction direction, uint64_t bytes, relay_cut how);
/* Invert all bits of the byte at this offset. */
void relay_corrupt(relay *r, relay_direction direction, uint64_t offset);

/* ---- connecting ---- */

/* Stop listening (true): connecting is refused.  Listen again on the same port (false); false is returned, with errno
 * set, when that port was taken meanwhile. */
bool relay_refuse(relay *r, bool refuse);
/* End the next so many connections right after accept. */
void relay_drop(relay *r, unsigned connections);
/* Send these bytes in place of connecting new connections to the server, and keep them open; what comes from the
 * client is read and forgotten.  They are copied.  NULL: connect again. */
void relay_say(relay *r, const void *bytes, size_t length);

#endif
