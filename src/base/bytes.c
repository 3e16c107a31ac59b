/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { keep_when_cleared = 16 * 1024 };

char *bytes_reserve(bytes *b, size_t more) {
    if (b->capacity - b->end >= more && b->data)
        return b->data + b->end;
    size_t length = bytes_length(b);
    if (more > SIZE_MAX / 2 - length)
        return NULL;
    /* Move to the front only when that frees at least half: else a slow reader would make every append a copy. */
    if (b->start >= length && b->capacity - length >= more && b->data) {
        memmove(b->data, b->data + b->start, length);
        b->start = 0;
        b->end = length;
        return b->data + b->end;
    }
    size_t capacity = b->capacity + b->capacity / 2;
    if (capacity < b->end + more)
        capacity = b->end + more;
    if (capacity < 64)
        capacity = 64;
    char *data = realloc(b->data, capacity);
    if (!data)
        return NULL;
    b->data = data;
    b->capacity = capacity;
    return b->data + b->end;
}

bool bytes_printf(bytes *b, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    size_t room = b->data ? b->capacity - b->end : 0;
    int length = vsnprintf(b->data ? b->data + b->end : NULL, room, format, arguments);
    va_end(arguments);
    bool right = length >= 0;
    if (right && (size_t)length >= room) {
        char *to = bytes_reserve(b, (size_t)length + 1);
        right = to != NULL;
        if (right)
            vsnprintf(to, (size_t)length + 1, format, again);
    }
    va_end(again);
    if (right)
        b->end += (size_t)length;
    return right;
}

bool bytes_append_number(bytes *b, uint64_t number) {
    char digits[20];
    size_t first = sizeof digits;
    do
        digits[--first] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    return bytes_append(b, digits + first, sizeof digits - first);
}

void bytes_consume(bytes *b, size_t length) {
    b->start += length;
    if (b->start == b->end)
        b->start = b->end = 0;
}

void bytes_clear(bytes *b) {
    if (b->capacity > keep_when_cleared)
        bytes_free(b);
    b->start = b->end = 0;
}

void bytes_release(bytes *b, bool wipe) {
    if (wipe)
        explicit_bzero(b->data, b->capacity);
    free(b->data);
    *b = (bytes){0};
}
