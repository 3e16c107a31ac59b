/* SPDX-License-Identifier: MIT */
/*
 * The client's side of telnet (RFC 854, 855) without any I/O: what came from the connection goes in, and data comes
 * out; data to be sent goes in, and bytes for the connection come out, together with the answers to what the server
 * asked.
 *
 *   BINARY (856)        both ways, wherever the server takes it
 *   ECHO (857)          the server's
 *   SGA (858)           both
 *   TTYPE (1091), NAWS (1073), NEW-ENVIRON (1572: only what is given here)
 *   TIMING-MARK (860)   answered each time
 *   all others          refused
 *
 * Nothing is sent before the server has shown that it speaks telnet.  Options go by RFC 1143, so that no two sides
 * loop: a change is answered once, and what is so already never.
 */
#ifndef ENGINE_TELNET_NVT_H
#define ENGINE_TELNET_NVT_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct nvt nvt;

typedef struct nvt_config {
    const char *terminal_type;
    uint16_t columns;
    uint16_t rows;
    const char *const *environment; /* each "NAME=VALUE", ended by NULL; NULL: none */
} nvt_config;

/* What is copied from `config` is wiped at the end.  NULL without memory. */
nvt *nvt_new(const nvt_config *config);
/* NULL is allowed. */
void nvt_free(nvt *n);

/* Received bytes become data, in place: it is never longer.  False: no memory for the answers. */
bool nvt_receive(nvt *n, char *wire, size_t *length);

/* Data to be sent.  LF stays LF; CR becomes CR NUL where the line is not binary.  False: no memory (what was begun is
 * to be thrown away). */
bool nvt_send(nvt *n, const char *data, size_t length);
/* IAC `command` (RFC 854: 241 to 249).  False: no memory. */
bool nvt_command(nvt *n, unsigned char command);
/* Ask for what is wanted and not had: it happens by itself once the server first spoke telnet, and has no effect
 * before.  Servers drop BINARY around a login.  False: no memory. */
bool nvt_ask(nvt *n);

/* What is to be sent on the connection; nvt_sent() says how much of its front was, and wipes that. */
const bytes *nvt_outgoing(const nvt *n);
void nvt_sent(nvt *n, size_t length);

#endif
