/* SPDX-License-Identifier: MIT */
/*
 * A telnet server on 127.0.0.1, driven by a thread of its own: Debian's inetutils-telnetd for each connection, with
 * login(1) or a program of the test's in its place; or a peer that says what the test wrote, whatever it is told.
 */
#ifndef SUPPORT_TELNET_SERVER_H
#define SUPPORT_TELNET_SERVER_H

#include "text.h"

typedef struct telnet_server telnet_server;

/* Whether there is a telnetd, and, for login(1), whether we are root; if not, `missing` says why. */
bool telnet_server_available(bool with_login, text *missing);

/* `login`: the path of a program without arguments, run on the terminal; NULL: login(1).  It listens when this returns.
 * NULL with the reason appended to `why`. */
telnet_server *telnet_server_start(const char *login, text *why);
/* Each connection gets these bytes, `piece` at once, each in a segment of its own as far as the kernel lets it (0:
 * all), and is then kept open until the client closes it; what the client says is read and forgotten.  Copied. */
telnet_server *telnet_server_start_scripted(const void *bytes, size_t length, size_t piece, text *why);
/* End all connections with what runs on them, and free.  NULL is allowed. */
void telnet_server_stop(telnet_server *s);

unsigned telnet_server_port(const telnet_server *s);

#endif
