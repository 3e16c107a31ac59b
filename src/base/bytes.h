/* SPDX-License-Identifier: MIT */
/* A growing byte buffer that is filled at its end and emptied from its front. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* All zero is an empty buffer.  Content: data[start .. end). */
typedef struct bytes {
    char *data;
    size_t start;
    size_t end;
    size_t capacity;
} bytes;

static inline size_t bytes_length(const bytes *b) {
    return b->end - b->start;
}

static inline char *bytes_front(const bytes *b) {
    return b->data ? b->data + b->start : b->data;
}

/* Make room for `more` bytes at the end and return where they go, or NULL without memory (nothing is changed).  Valid
 * until the next call on the buffer. */
char *bytes_reserve(bytes *b, size_t more);

/* Append; false without memory (nothing is changed).  Inline: a command's line has some twenty parts. */
static inline bool bytes_append(bytes *b, const void *data, size_t length) {
    char *to = b->data && b->capacity - b->end >= length ? b->data + b->end : bytes_reserve(b, length);
    if (!to)
        return false;
    if (length)
        memcpy(to, data, length);
    b->end += length;
    return true;
}
static inline bool bytes_append_text(bytes *b, const char *string) {
    return bytes_append(b, string, strlen(string));
}
bool bytes_append_number(bytes *b, uint64_t number);
bool bytes_printf(bytes *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Drop `length` bytes from the front. */
void bytes_consume(bytes *b, size_t length);

/* Forget the content; memory over 16 KiB is given back, so that an idle session stays small. */
void bytes_clear(bytes *b);

/* Release.  `bytes_wipe` overwrites what was ever held first: for secrets. */
void bytes_release(bytes *b, bool wipe);
static inline void bytes_free(bytes *b) {
    if (b->data)
        bytes_release(b, false);
}
static inline void bytes_wipe(bytes *b) {
    if (b->data)
        bytes_release(b, true);
}

#endif
