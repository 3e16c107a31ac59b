/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *allocate(size_t size) {
    void *memory = calloc(1, size ? size : 1);
    if (!memory) {
        fputs("out of memory\n", stderr);
        abort();
    }
    return memory;
}

static void reserve(text *t, size_t more) {
    if (t->length + more + 1 <= t->capacity)
        return;
    size_t capacity = (t->length + more + 1) * 2;
    char *data = allocate(capacity);
    if (t->length)
        memcpy(data, t->data, t->length);
    free(t->data);
    t->data = data;
    t->capacity = capacity;
}

void text_append(text *t, const void *bytes, size_t length) {
    reserve(t, length);
    if (length)
        memcpy(t->data + t->length, bytes, length);
    t->length += length;
    t->data[t->length] = '\0';
}

void text_add(text *t, const char *string) {
    text_append(t, string, strlen(string));
}

void text_printf(text *t, const char *format, ...) {
    va_list list;
    va_start(list, format);
    int length = vsnprintf(NULL, 0, format, list);
    va_end(list);
    if (length < 0)
        abort();
    reserve(t, (size_t)length);
    va_start(list, format);
    vsnprintf(t->data + t->length, (size_t)length + 1, format, list);
    va_end(list);
    t->length += (size_t)length;
}

void text_clear(text *t) {
    t->length = 0;
    if (t->data)
        t->data[0] = '\0';
}

void text_free(text *t) {
    free(t->data);
    *t = (text){0};
}

const char *text_data(const text *t) {
    return t->data ? t->data : "";
}

bool text_equals(const text *t, const void *bytes, size_t length) {
    return t->length == length && (length == 0 || memcmp(t->data, bytes, length) == 0);
}

bool text_contains(const text *t, const char *part) {
    return t->length && memmem(t->data, t->length, part, strlen(part)) != NULL;
}

static void add_escaped_byte(text *t, unsigned char byte) {
    if (byte == '\n')
        text_add(t, "\\n");
    else if (byte == '\r')
        text_add(t, "\\r");
    else if (byte == '\t')
        text_add(t, "\\t");
    else if (byte == '"' || byte == '\\')
        text_printf(t, "\\%c", byte);
    else if (byte < 0x20 || byte >= 0x7f)
        text_printf(t, "\\%03o", (unsigned)byte);
    else
        text_append(t, &byte, 1);
}

void text_add_escaped(text *t, const void *bytes, size_t length) {
    enum { shown_at_each_end = 150 };
    const unsigned char *byte = bytes;
    text_add(t, "\"");
    for (size_t i = 0; i < length; i++) {
        if (length > 2 * shown_at_each_end + 20 && i == shown_at_each_end) {
            size_t left_out = length - 2 * shown_at_each_end;
            text_printf(t, "\" (%zu more bytes) \"", left_out);
            i += left_out;
        }
        add_escaped_byte(t, byte[i]);
    }
    text_add(t, "\"");
}
