/* SPDX-License-Identifier: MIT */
#include "support/console_peer.h"

#include <stdlib.h>
#include <string.h>

enum { wrap_columns = 8 };

static void say_bytes(console_peer *peer, const char *text, size_t length) {
    if (!bytes_append(&peer->said, text, length))
        abort();
}

void console_peer_say(console_peer *peer, const char *text) {
    say_bytes(peer, text, strlen(text));
}

void console_peer_start(console_peer *peer) {
    console_peer_say(peer, "Welcome\r\n\r\n");
    console_peer_say(peer, peer->prompt);
}

static void echo(console_peer *peer, const char *line) {
    for (size_t i = 0; line[i] && peer->echoes; i++) {
        if (peer->wraps && i > 0 && i % wrap_columns == 0)
            console_peer_say(peer, " \r");
        say_bytes(peer, &line[i], 1);
    }
    if (peer->echoes)
        console_peer_say(peer, "\r\n");
}

static void page(console_peer *peer) {
    enum { page_lines = 2 };
    for (int i = 0; i < page_lines && peer->page_left > 0; i++, peer->page_left--)
        console_peer_say(peer, "  a line\r\n");
    console_peer_say(peer, peer->page_left ? "--More--" : peer->prompt);
}

static void interrupted(console_peer *peer) {
    peer->page_left = 0;
    peer->asking = peer->endless = false;
    bytes_clear(&peer->typed);
    bytes_clear(&peer->said);
    console_peer_say(peer, "^C\r\n");
    console_peer_say(peer, peer->prompt);
}

void console_peer_type(console_peer *peer, const char *data, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (data[i] == 3)
            interrupted(peer);
        else if (!bytes_append(&peer->typed, data + i, 1))
            abort();
    }
}

static void run_line(console_peer *peer, size_t length) {
    char *line = strndup(bytes_front(&peer->typed), length);
    if (!line)
        abort();
    bytes_consume(&peer->typed, length + 1);
    echo(peer, line);
    bool answered = peer->asking;
    peer->asking = false;
    if (answered) {
        console_peer_say(peer, "so ");
        console_peer_say(peer, line);
        console_peer_say(peer, "\r\n");
    } else if (*line) {
        if (peer->flushes)
            bytes_clear(&peer->typed);
        peer->run(peer, line);
    }
    free(line);
    if (peer->page_left)
        page(peer);
    else if (!peer->asking && !peer->endless)
        console_peer_say(peer, peer->prompt);
}

void console_peer_work(console_peer *peer) {
    while (bytes_length(&peer->said) == 0 && bytes_length(&peer->typed) && !peer->endless) {
        const char *typed = bytes_front(&peer->typed);
        if (peer->page_left) {
            bytes_consume(&peer->typed, 1);
            console_peer_say(peer, "\r        \r");
            page(peer);
            continue;
        }
        const char *enter = memchr(typed, '\r', bytes_length(&peer->typed));
        if (!enter)
            return;
        run_line(peer, (size_t)(enter - typed));
    }
}

void console_peer_free(console_peer *peer) {
    bytes_free(&peer->typed);
    bytes_free(&peer->said);
}
