/* SPDX-License-Identifier: MIT */
/*
 * Markers: what the shell prints to tell us where it stands.
 *
 *     RS TOKEN ; KIND ; fields RS TOKEN LF         (RS: 0x1e; LF may come as CR LF)
 *
 * RS is printed with printf's \036 and never typed, so that neither an echo of what we type nor a listing of the
 * shell's functions and variables contains a marker.  TOKEN is random per session.
 */
#ifndef ENGINE_MARKER_H
#define ENGINE_MARKER_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    marker_rs = 0x1e,
    marker_token_length = 14,
    /* What is longer is no marker.  A working directory that was entered step by step is longer than PATH_MAX. */
    marker_max_bytes = 256 * 1024,
};

typedef enum marker_kind {
    MARKER_ANSWER = 'A', /* the answer to a probe while opening: what shell it is */
    MARKER_BEGIN = 'B',  /* a command's output begins */
    MARKER_END = 'E',    /* a command, or a probe, ended; printed with 'F' it is a brief one */
    MARKER_PROMPT = 'P', /* the shell's own prompt */
} marker_kind;

enum { marker_max_fields = 8 };

/* Which field is what. */
enum {
    answer_bash, /* versions: of the shell that it is, one is not empty */
    answer_zsh,
    answer_ksh,
    answer_ansi, /* A where $'\101' is known */
    answer_user,
    answer_pid,
    answer_flags, /* `$-:`, and in bash the names of the options that are on */
    answer_cwd,
};
enum { end_status, end_flags, end_streams, end_prompt, end_trace_prefix, end_cwd };
/* A brief END says no more than its status and, on standard output, its directory. */
enum { brief_end_sign = 'F', brief_end_cwd = 1 };
enum { prompt_status };

/* A parsed marker; the fields point into the scanned bytes. */
typedef struct marker {
    marker_kind kind;
    uint64_t number; /* of the command or sync; for a prompt that of its line, or 0 */
    size_t field_count;
    struct {
        const char *text;
        size_t length;
    } fields[marker_max_fields]; /* after the number; the last one may hold ';' */
    bool brief;                  /* an END whose other fields are as the last whole one's: they are empty here */
    bool crlf;                   /* the line ending came as CR LF: output processing is on */
    const char *raw;             /* the whole of it, for when it turns out to be somebody's output */
    size_t raw_length;
} marker;

/* A field as a number from 0 to `max`, or -1. */
int64_t marker_number(const marker *m, size_t field, int64_t max);

/* Whether the character is in it. */
bool marker_field_has(const marker *m, size_t field, char what);

/* Finds markers in a stream, over any chunking. */
typedef struct scanner {
    char token[marker_token_length + 1];
    bytes carry; /* the beginning of what may become a marker */
    void (*on_data)(void *owner, const char *data, size_t length);
    /* Returns false when the marker is none of ours: its bytes are then data. */
    bool (*on_marker)(void *owner, const marker *m);
    void *owner;
} scanner;

/* Scan `length` bytes; calls on_data and on_marker in order.  Bytes that may begin a marker are kept back until what
 * follows decides.  False without memory (bytes are lost: the caller ends the session). */
bool scanner_feed(scanner *s, const char *data, size_t length);

/* Nothing more will come: what is kept back is data, unless it is most of a marker. */
void scanner_finish(scanner *s);

void scanner_free(scanner *s);

#endif
