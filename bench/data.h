/* SPDX-License-Identifier: MIT */
/* Something to print: text that a shell can read as a file, and that leaves no file behind. */
#ifndef BENCH_DATA_H
#define BENCH_DATA_H

#include "bench.h"

typedef struct bench_data {
    int descriptor;
    size_t length;
    char path[64];
    /* "cat PATH" */
    char print_command[96];
} bench_data;

/* `length` bytes of 80-column lines, or of one line without an end.  On failure fills `why`. */
bool bench_data_make(bench_data *data, size_t length, bool one_line, bench_contender *owner);
/* Whether `bytes` are the data, all of it. */
bool bench_data_equals(const bench_data *data, const char *bytes, size_t length);
void bench_data_free(bench_data *data);

/* Memory for as much as is read, in huge pages where the system has them; NULL: none.  To be released by munmap(). */
char *bench_map(size_t length);

#endif
