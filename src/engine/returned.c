/* SPDX-License-Identifier: MIT */
/*
 * A command's own line in front of its output. A terminal that echoes gives it back; our shells' terminals do not,
 * until a command turns the echo on in a way that its text does not show. Where that can be seen BEGIN is put before
 * the output; on another host nobody can tell, and BEGIN would cost each command a packet and a redirection. So there
 * what comes first is held against what was typed; and so is what comes behind a prompt in a command's output, where
 * the shell is asked whether it was its own.
 */
#include "engine/parts.h"

bool returned_is_exact(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (((unsigned char)text[i] < ' ' && text[i] != '\n') || text[i] == 0x7f)
            return false;
    return true;
}

void returned_expect(side *s, const char *line, size_t length) {
    bytes_clear(&s->typed);
    s->same = 0;
    if (!bytes_append(&s->typed, line, length))
        parts_no_memory(s->engine);
}

static void forget(side *s) {
    bytes_wipe(&s->typed);
    s->same = 0;
}

/* How much of `data` is the line as it is given back: with a CR at its end. */
static size_t compare(side *s, const char *data, size_t length) {
    const char *typed = bytes_front(&s->typed);
    size_t size = bytes_length(&s->typed);
    size_t at = 0;
    for (; at < length && s->same < size; at++) {
        if (data[at] == typed[s->same])
            s->same++;
        else if (data[at] != '\r' || typed[s->same] != '\n')
            break;
    }
    return at;
}

size_t returned_feed(side *s, const char *data, size_t length) {
    size_t same = compare(s, data, length);
    if (s->same == bytes_length(&s->typed)) {
        s->engine->shell->terminal_dirty = true;
        bytes_wipe(&s->returned);
        forget(s);
        return same;
    }
    if (same < length) {
        returned_release(s);
        return 0;
    }
    if (!bytes_append(&s->returned, data, length))
        parts_no_memory(s->engine);
    return length;
}

void returned_release(side *s) {
    if (bytes_length(&s->returned))
        prompts_release_suspect(s);
    bytes held = s->returned;
    s->returned = (bytes){0};
    forget(s);
    if (bytes_length(&held) && !notices_feed(&s->notices, bytes_front(&held), bytes_length(&held)))
        parts_no_memory(s->engine);
    bytes_wipe(&held);
}

void returned_free(side *s) {
    bytes_wipe(&s->returned);
    forget(s);
}
