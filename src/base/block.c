/* SPDX-License-Identifier: MIT */
#include "base/block.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static bool grow_allocated(char **data, size_t *capacity, size_t wanted) {
    char *to = realloc(*data, wanted);
    if (!to)
        return false;
    *data = to;
    *capacity = wanted;
    return true;
}

#if defined(MREMAP_FIXED) && defined(MADV_HUGEPAGE)

/* A large block is a mapping of its own, in huge pages where the system has them: to fault 100 MB in by pages of 4 KiB
 * takes longer than to read them from a pipe.  Pages that were never written take no memory.  Aligned, since the system
 * moves and fills whole huge pages only. */
enum { huge_page_bytes = 2 << 20, mapped_bytes = 2 * huge_page_bytes };

static char *map_aligned(size_t size) {
    char *whole = mmap(NULL, size + huge_page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (whole == MAP_FAILED)
        return NULL;
    size_t before = -(uintptr_t)whole % huge_page_bytes;
    if (before)
        munmap(whole, before);
    munmap(whole + before + size, huge_page_bytes - before);
    madvise(whole + before, size, MADV_HUGEPAGE);
    return whole + before;
}

static bool grow_mapped(char **data, size_t *capacity, size_t wanted) {
    if (wanted > SIZE_MAX - 2 * (size_t)huge_page_bytes)
        return false;
    size_t size = (wanted + huge_page_bytes - 1) / huge_page_bytes * huge_page_bytes;
    char *to = map_aligned(size);
    if (!to)
        return false;
    if (*capacity >= mapped_bytes) {
        /* The pages move, not their content. */
        if (mremap(*data, *capacity, size, MREMAP_MAYMOVE | MREMAP_FIXED, to) == MAP_FAILED) {
            munmap(to, size);
            return false;
        }
    } else {
        if (*data)
            memcpy(to, *data, *capacity);
        free(*data);
    }
    *data = to;
    *capacity = size;
    return true;
}

bool block_grow(char **data, size_t *capacity, size_t wanted) {
    if (wanted <= *capacity)
        return true;
    if (wanted >= mapped_bytes)
        return grow_mapped(data, capacity, wanted);
    return grow_allocated(data, capacity, wanted);
}

void block_free(char *data, size_t capacity) {
    if (capacity >= mapped_bytes)
        munmap(data, capacity);
    else
        free(data);
}

#else

bool block_grow(char **data, size_t *capacity, size_t wanted) {
    return wanted <= *capacity || grow_allocated(data, capacity, wanted);
}

void block_free(char *data, size_t capacity) {
    (void)capacity;
    free(data);
}

#endif
