/* SPDX-License-Identifier: MIT */
/* Writing to standard output and standard error without losing a byte or an error. */
#ifndef CLI_WRITER_H
#define CLI_WRITER_H

#include <stdbool.h>
#include <stddef.h>

/* Called when a signal arrived while a write waits for a slow reader.  False: give up writing. */
typedef bool (*writer_interrupted_fn)(void *userdata);

typedef struct writer {
    int descriptor;
    /* The errno of the first write that failed, or 0.  Nothing is written after it. */
    int error;
    /* Polls readable when a signal has arrived. */
    int wake_descriptor;
    writer_interrupted_fn interrupted;
    void *userdata;
    size_t used;
    char buffer[64 * 1024];
} writer;

void writer_init(writer *out, int descriptor, int wake_descriptor, writer_interrupted_fn interrupted, void *userdata);

/* Write at once. */
void writer_write(writer *out, const char *bytes, size_t length);

/* Gather in the buffer; written when it is full, or by writer_flush(). */
void writer_put(writer *out, const char *bytes, size_t length);
void writer_flush(writer *out);

#endif
