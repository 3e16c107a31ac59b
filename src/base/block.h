/* SPDX-License-Identifier: MIT */
/* Memory that grows, and may grow to gigabytes. */
#ifndef BASE_BLOCK_H
#define BASE_BLOCK_H

#include <stdbool.h>
#include <stddef.h>

/* Make a block of `*capacity` bytes, NULL and 0 at first, one of at least `wanted`; what is there is kept, and may
 * move. False without memory (nothing is changed). */
bool block_grow(char **data, size_t *capacity, size_t wanted);

/* Release. */
void block_free(char *data, size_t capacity);

#endif
