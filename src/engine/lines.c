/* SPDX-License-Identifier: MIT */
#include "engine/lines.h"

#include <string.h>

static void emit(lines *l, const char *line, size_t length) {
    if (length && line[length - 1] == '\r')
        length--;
    l->on_line(l->owner, line, length);
}

/* Keep `length` bytes for later, giving out pieces so that the rest stays bounded. */
static bool keep(lines *l, const char *data, size_t length) {
    while (length) {
        size_t room = lines_max_bytes - bytes_length(&l->rest);
        size_t part = length < room ? length : room;
        if (!bytes_append(&l->rest, data, part))
            return false;
        data += part;
        length -= part;
        if (bytes_length(&l->rest) == lines_max_bytes) {
            l->on_line(l->owner, bytes_front(&l->rest), lines_max_bytes);
            bytes_clear(&l->rest);
        }
    }
    return true;
}

bool lines_feed(lines *l, const char *data, size_t length) {
    const char *end = data + length;
    const char *newline;
    while (data < end && (newline = memchr(data, '\n', (size_t)(end - data))) != NULL) {
        size_t part = (size_t)(newline - data);
        if (bytes_length(&l->rest) || part > lines_max_bytes) {
            if (!keep(l, data, part))
                return false;
            emit(l, bytes_front(&l->rest), bytes_length(&l->rest));
            bytes_clear(&l->rest);
        } else {
            emit(l, data, part);
        }
        data = newline + 1;
    }
    return keep(l, data, (size_t)(end - data));
}

void lines_finish(lines *l) {
    if (bytes_length(&l->rest))
        emit(l, bytes_front(&l->rest), bytes_length(&l->rest));
    bytes_clear(&l->rest);
}

void lines_free(lines *l) {
    bytes_free(&l->rest);
}
