/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include <stdlib.h>
#include <string.h>

/* The linker leads the allocation functions here (--wrap), by names of its own. */
/* NOLINTBEGIN(bugprone-reserved-identifier) */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
char *__real_strdup(const char *from);
char *__real_strndup(const char *from, size_t length);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
char *__wrap_strdup(const char *from);
char *__wrap_strndup(const char *from, size_t length);

static size_t failing;
static size_t count;
static bool in_engine;

static bool fails(void) {
    return in_engine && ++count == failing;
}

void *__wrap_malloc(size_t size) {
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t number, size_t size) {
    return fails() ? NULL : __real_calloc(number, size);
}

void *__wrap_realloc(void *block, size_t size) {
    return fails() ? NULL : __real_realloc(block, size);
}

char *__wrap_strdup(const char *from) {
    return fails() ? NULL : __real_strdup(from);
}

char *__wrap_strndup(const char *from, size_t length) {
    return fails() ? NULL : __real_strndup(from, length);
}

/* NOLINTEND(bugprone-reserved-identifier) */

void memory_fail(size_t nth) {
    failing = nth;
    count = 0;
}

size_t memory_count(void) {
    return count;
}

bool memory_engine(bool is_engine) {
    bool before = in_engine;
    in_engine = is_engine;
    return before;
}
