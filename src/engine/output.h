/* SPDX-License-Identifier: MIT */
/* What a command printed, within a limit: the head and the tail are kept, the middle is dropped. */
#ifndef ENGINE_OUTPUT_H
#define ENGINE_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct output {
    char *data;
    size_t limit;
    size_t capacity;
    size_t length; /* kept so far */
    size_t write;  /* once the limit is reached: where the ring in the second half goes on */
    uint64_t total;
} output;

/* `limit` may be SIZE_MAX.  Nothing is allocated before the first byte. */
void output_init(output *o, size_t limit);

/* False without memory; what was kept stays. */
bool output_append(output *o, const char *data, size_t length);

/* Put head and tail in order and end with a NUL.  Then data[0 .. length) is the text (data may be NULL when it is
 * empty), and *ret_head tells how much of it is head.  Returns the number of bytes dropped. */
uint64_t output_finish(output *o, size_t *ret_head);

/* Go on with a lower limit, of at least 1 byte. */
void output_lower_limit(output *o, size_t limit);

void output_free(output *o);

#endif
