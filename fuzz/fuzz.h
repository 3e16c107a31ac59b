/* SPDX-License-Identifier: MIT */
/* What every fuzz target is: a function over bytes, called by libFuzzer or by replay.c. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must be true; else the input is a finding. */
static inline void fuzz_must(int condition, const char *what) {
    if (condition)
        return;
    fprintf(stderr, "found: %s\n", what);
    abort();
}

#endif
