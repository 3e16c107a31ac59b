/* SPDX-License-Identifier: MIT */
/* Growing byte strings for tests.  Running out of memory ends the test program. */
#ifndef SUPPORT_TEXT_H
#define SUPPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* All zero is an empty one.  `data` is NULL or ends with a NUL after the last byte. */
typedef struct text {
    char *data;
    size_t length;
    size_t capacity;
} text;

void text_append(text *t, const void *bytes, size_t length);
void text_add(text *t, const char *string);
__attribute__((format(printf, 2, 3))) void text_printf(text *t, const char *format, ...);
void text_clear(text *t);
void text_free(text *t);

/* The bytes; never NULL. */
const char *text_data(const text *t);

bool text_equals(const text *t, const void *bytes, size_t length);
bool text_contains(const text *t, const char *part);

/* Append bytes as a C string shows them; what is long is cut in the middle. */
void text_add_escaped(text *t, const void *bytes, size_t length);

/* Memory that is never NULL. */
void *allocate(size_t size);

#endif
