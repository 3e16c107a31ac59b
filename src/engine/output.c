/* SPDX-License-Identifier: MIT */
#include "engine/output.h"

#include "base/block.h"

#include <string.h>

static size_t head_size(const output *o) {
    return o->limit / 2;
}

void output_init(output *o, size_t limit) {
    *o = (output){.limit = limit < 1 ? 1 : limit};
}

/* Room for `wanted` bytes and a NUL.  Growing by half costs neither copies nor memory where it matters: see block.c. */
static bool grow(output *o, size_t wanted) {
    if (wanted < o->capacity)
        return true;
    size_t capacity = o->capacity < 256 ? 256 : o->capacity + o->capacity / 2;
    if (capacity < wanted + 1)
        capacity = wanted + 1;
    if (capacity > o->limit && wanted <= o->limit && o->limit != SIZE_MAX)
        capacity = o->limit + 1;
    return block_grow(&o->data, &o->capacity, capacity);
}

/* The second half is a ring. */
static void append_ring(output *o, const char *data, size_t length) {
    size_t head = head_size(o);
    size_t size = o->limit - head;
    if (length > size) {
        data += length - size;
        length = size;
    }
    while (length) {
        size_t room = o->limit - o->write;
        size_t part = length < room ? length : room;
        memcpy(o->data + o->write, data, part);
        data += part;
        length -= part;
        o->write = o->write + part == o->limit ? head : o->write + part;
    }
}

bool output_append(output *o, const char *data, size_t length) {
    size_t room = o->limit - o->length;
    size_t part = length < room ? length : room;
    if (part) {
        if (!grow(o, o->length + part))
            return false;
        memcpy(o->data + o->length, data, part);
        o->length += part;
        if (o->length == o->limit)
            o->write = head_size(o);
    }
    o->total += length;
    if (part < length)
        append_ring(o, data + part, length - part);
    return true;
}

static void reverse(char *from, char *to) {
    while (from < to && from < --to) {
        char swap = *from;
        *from++ = *to;
        *to = swap;
    }
}

uint64_t output_finish(output *o, size_t *ret_head) {
    uint64_t dropped = o->total - o->length;
    *ret_head = o->length;
    if (dropped) {
        char *ring = o->data + head_size(o);
        char *end = o->data + o->limit;
        char *oldest = o->data + o->write;
        /* Rotate in place: a second buffer would double the memory. */
        reverse(ring, oldest);
        reverse(oldest, end);
        reverse(ring, end);
        *ret_head = head_size(o);
    }
    if (o->data)
        o->data[o->length] = 0;
    return dropped;
}

void output_lower_limit(output *o, size_t limit) {
    if (o->length > limit) {
        size_t head;
        uint64_t total = o->total;
        output_finish(o, &head);
        size_t tail = limit - limit / 2;
        memmove(o->data + limit / 2, o->data + o->length - tail, tail);
        o->length = limit;
        o->total = total;
    }
    o->limit = limit;
    if (o->length == limit)
        o->write = head_size(o);
}

void output_free(output *o) {
    block_free(o->data, o->capacity);
    o->data = NULL;
    o->length = o->capacity = 0;
}
