/* SPDX-License-Identifier: MIT */
/*
 * A transport in memory, on the public interface alone.  At its other end is a peer that answers the handshake as bash
 * does and knows a few commands, so that a test decides what arrives when: no process, and no time.
 *
 * Commands of the peer:
 *   say TEXT           print TEXT and a newline
 *   lines N            print "line 1" to "line N"
 *   bytes N            print N bytes, a to z in turn, without a newline
 *   error TEXT         the same as say, to standard error
 *   status N           exit status N
 *   exit N             end the shell with N
 *   drop               the connection is lost
 *   wait TEXT          print TEXT and a newline, and go on until memory_finish() or an interrupt
 *   stubborn           go on until memory_finish() or a kill; everything typed is eaten
 *   ask PROMPT         print PROMPT, read a line with echo on, print "got LINE"
 *   ask-secret PROMPT  the same with echo off, and print nothing of it
 *   repeat             read a line, print it, for ever, until an interrupt
 * Several, one a line, run in order; the last one's status counts.  Anything else is "not found", 127.
 */
#ifndef SUPPORT_MEMORY_H
#define SUPPORT_MEMORY_H

#include "text.h"

#include <hostsession/hostsession.h>

typedef struct memory memory;

typedef struct memory_options {
    /* Pipes instead of a terminal. */
    bool pipe;
    /* open fails. */
    bool refuse_open;
    /* Connected not in open, but from dispatch, unless memory_hold() says later. */
    bool open_later;
    /* Nobody answers. */
    bool mute;
    /* The terminal echoes from the start. */
    bool echo;
    /* The transport can tell whether the terminal echoes, and can set it again. */
    bool knows_terminal;
    /* The transport can signal the foreground. */
    bool signals;
    /* Deliver at most so many bytes at once; 0: all. */
    size_t chunk_bytes;
    /* Take at most so many bytes at once, the rest after the next dispatch; 0: all. */
    size_t write_bytes;
    /* Deliver what there is from inside of a write. */
    bool delivers_in_write;
} memory_options;

/* What the session did. */
typedef struct memory_record {
    unsigned opens, closes, releases, writes, resets;
    unsigned signals[3];
    /* Something was called after close, or close without open. */
    bool misused;
    text typed;
} memory_record;

memory *memory_new(const memory_options *options);
void memory_free(memory *m);

/* The options that open a session on it. */
hostsession_options memory_session(memory *m, hostsession_loop *loop);
/* The interface itself, for a test that changes it. */
hostsession_transport memory_transport(const memory *m);

const memory_record *memory_seen(const memory *m);

/* Deliver nothing (true) until false is said. */
void memory_hold(memory *m, bool hold);
/* Hold as soon as a command begins whose text contains `part`, before anything of it is delivered. */
void memory_hold_at(memory *m, const char *part);
/* Take no bytes (true) until false is said. */
void memory_stall(memory *m, bool stall);
/* Print something, as a background job does. */
void memory_say(memory *m, hostsession_stream stream, const void *bytes, size_t length);
/* End a waiting command. */
void memory_finish(memory *m, int status);
/* End the connection once all is delivered.  NULL: it is lost. */
void memory_hang_up(memory *m, const hostsession_exit *how);
/* The same, but all at once, as inside a write that fails. */
void memory_hang_up_in_write(memory *m);
/* Turn the terminal's echo on or off, as a command can. */
void memory_set_echo(memory *m, bool echo);
/* Whether a command of the peer waits. */
bool memory_waits(const memory *m);

#endif
