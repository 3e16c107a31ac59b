/* SPDX-License-Identifier: MIT */
/* The commands of a run, one after another: from the arguments, or read from a descriptor as they come. */
#ifndef CLI_READER_H
#define CLI_READER_H

#include <stdbool.h>
#include <stddef.h>

/* A longer command is refused, so that reading /dev/zero does not take all memory. */
enum { reader_command_limit = 16 * 1024 * 1024 };

typedef enum reader_answer {
    READER_COMMAND,
    /* Nothing yet: call reader_fill() once the descriptor is readable. */
    READER_WAIT,
    READER_END,
    /* The input cannot be read: see `error`. */
    READER_FAILED,
} reader_answer;

/* Start from one of the two functions below; a zeroed reader may be released. */
typedef struct reader {
    char **arguments;
    size_t argument_count;
    size_t next_argument;

    /* -1: from the arguments. */
    int descriptor;
    char delimiter;
    bool ended;
    /* An errno; EFBIG for a command over the limit. */
    int error;
    char *bytes;
    size_t begin;
    size_t end;
    size_t searched;
    size_t capacity;
} reader;

void reader_from_arguments(reader *from, char **arguments, size_t count);

/* `path` is "-" for standard input.  False with `error` set if it cannot be read. */
bool reader_open(reader *from, const char *path, char delimiter);

/* The next command, terminated by NUL; valid until the next call.  Text after the last delimiter is one, too. */
reader_answer reader_next(reader *from, char **ret_command, size_t *ret_length);

/* Read once. */
void reader_fill(reader *from);

/* Take what has already been sent and wait for no more: READER_WAIT is not answered any longer. */
void reader_finish(reader *from);

void reader_release(reader *from);

#endif
