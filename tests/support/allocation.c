/* SPDX-License-Identifier: MIT */
#include "allocation.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

/* The linker's names, in place of the library's calls and for the real ones. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
char *__real_strdup(const char *string);
char *__real_strndup(const char *string, size_t length);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
char *__wrap_strdup(const char *string);
char *__wrap_strndup(const char *string, size_t length);
void __wrap_free(void *block);

static atomic_long left;
static atomic_bool for_ever;
static atomic_bool failed;
static atomic_long held;

void allocation_fail(long number, bool ever_after) {
    failed = false;
    for_ever = ever_after;
    left = number;
}

bool allocation_failed(void) {
    return failed;
}

long allocation_held(void) {
    return held;
}

static bool fails(void) {
    if (left == 0 || (--left != 0 && !(failed && for_ever)))
        return false;
    if (for_ever)
        left = 1;
    failed = true;
    errno = ENOMEM;
    return true;
}

static void *count(void *block) {
    if (block)
        held++;
    return block;
}

void *__wrap_malloc(size_t size) {
    return fails() ? NULL : count(__real_malloc(size));
}

void *__wrap_calloc(size_t number, size_t size) {
    return fails() ? NULL : count(__real_calloc(number, size));
}

void *__wrap_realloc(void *block, size_t size) {
    if (fails())
        return NULL;
    void *grown = __real_realloc(block, size);
    if (!block)
        count(grown);
    return grown;
}

char *__wrap_strdup(const char *string) {
    return fails() ? NULL : count(__real_strdup(string));
}

char *__wrap_strndup(const char *string, size_t length) {
    return fails() ? NULL : count(__real_strndup(string, length));
}

void __wrap_free(void *block) {
    if (block)
        held--;
    __real_free(block);
}
