/* SPDX-License-Identifier: MIT */
/*
 * What comes between commands: background jobs' output, kept apart, and what the shell says for itself, taken out.
 * While a line of ours is on its way it is held back until that line's marker: where the terminal, or a line editor,
 * echoes, our own line is in it.
 */
#include "engine/parts.h"

#include <string.h>

enum { held_max_bytes = 1024 * 1024 };

/* While a command is being stopped it is the command's: its programs' last words, and what the shell says of their end.
 */
static void on_foreign(void *owner, const char *data, size_t length) {
    side *s = owner;
    engine *e = s->engine;
    if (e->phase == PHASE_RECOVERING && (s->begun || e->fence_passed))
        command_text(s, data, length);
    else
        e->host.unsolicited(e->owner, s->stream, data, length);
}

/* A shell answers each Ctrl+C that meets it at its prompt with a newline: while it is won back no empty line counts. */
static void on_unsaid(void *owner, const char *data, size_t length) {
    side *s = owner;
    engine *e = s->engine;
    bool newlines = e->phase == PHASE_RECOVERING && e->shell->dialect->interrupt_newline;
    const char *end = data + length;
    while (data < end && e->phase != PHASE_ENDED) {
        const char *newline = newlines ? memchr(data, '\n', (size_t)(end - data)) : NULL;
        const char *next = newline ? newline + 1 : end;
        if ((data != newline || s->foreign_in_line) && !notices_feed(&s->between, data, (size_t)(next - data)))
            parts_no_memory(e);
        s->foreign_in_line = next[-1] != '\n';
        data = next;
    }
}

static void on_said(void *owner, size_t index) {
    side *s = owner;
    engine *e = s->engine;
    if (index == 0)
        e->shell->editing = true;
    /* A line between two such ends of input keeps them from adding up to the shell's end. */
    else if (e->phase == PHASE_IDLE && !e->sync_number)
        parts_sync(e);
}

void between_open(side *s) {
    s->between.owner = s->sayings.owner = s;
    s->between.on_data = on_foreign;
    s->sayings.on_data = on_unsaid;
    s->sayings.on_cut = on_said;
}

static void feed(side *s, const char *data, size_t length) {
    engine *e = s->engine;
    s->sayings.texts = e->shell->dialect->says;
    s->between.jobs = e->config.tty;
    s->between.stops = e->shell->dialect->tells_of_jobs;
    if (length && !cutter_feed(&s->sayings, data, length))
        parts_no_memory(e);
}

static void finish(side *s) {
    cutter_finish(&s->sayings);
    notices_finish(&s->between, NOTICES_ENDED);
    s->between.in_line = s->foreign_in_line = false;
}

/* Where our own line begins that has come back, or its trace; `length`: nowhere. */
static size_t find_echo(const engine *e, const char *text, size_t length) {
    const char *name = memmem(text, length, "_hs", 3);
    /* A shell that sets the terminal itself may cut the echo off before that. */
    if (!name)
        name = memmem(text, length, terminal_setter, sizeof terminal_setter - 1);
    if (!name)
        return length;
    /* What leads to the words with our names is traced, too. */
    if (e->shell->tracing || e->shell->verbose)
        return 0;
    const char *newline = memrchr(text, '\n', (size_t)(name - text));
    return newline ? (size_t)(newline + 1 - text) : 0;
}

/* A line of ours begins with a name of ours, or with a backslash. */
static bool begins_line(const char *text, size_t length) {
    while (length > 0 && *text == ' ') {
        text++;
        length--;
    }
    return length > 0 && (*text == '\\' || (length >= 4 && memcmp(text, "_hs_", 4) == 0));
}

/* Returns how much came before our own line. */
static size_t pass_foreign(side *s, const bytes *held) {
    engine *e = s->engine;
    size_t length = bytes_length(held);
    size_t foreign = length ? find_echo(e, bytes_front(held), length) : 0;
    if (foreign < length)
        e->shell->terminal_dirty = e->config.tty;
    if (foreign)
        feed(s, bytes_front(held), foreign);
    if (e->phase != PHASE_ENDED)
        finish(s);
    return foreign;
}

void between_flush(side *s) {
    bytes held = s->prelude;
    s->prelude = (bytes){0};
    pass_foreign(s, &held);
    bytes_free(&held);
}

void between_flush_earlier(side *s) {
    bytes held = s->prelude;
    s->prelude = (bytes){0};
    bytes_consume(&held, pass_foreign(s, &held));
    if (begins_line(bytes_front(&held), bytes_length(&held)))
        s->prelude = held;
    else
        bytes_free(&held);
}

void between_data(side *s, const char *data, size_t length) {
    engine *e = s->engine;
    bool waits = e->sync_number || (e->frame_sent && !s->begun);
    if (waits && bytes_length(&s->prelude) + length <= held_max_bytes) {
        if (!bytes_append(&s->prelude, data, length))
            parts_no_memory(e);
        return;
    }
    if (bytes_length(&s->prelude))
        between_flush(s);
    feed(s, data, length);
}

void between_free(side *s) {
    cutter_free(&s->sayings);
    notices_free(&s->between);
    bytes_free(&s->prelude);
}
