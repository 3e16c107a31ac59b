/* SPDX-License-Identifier: MIT */
#ifndef BENCH_FACTS_H
#define BENCH_FACTS_H

#include "bench.h"

/* Put machine, kernel and the versions of all programs that take part into the report. */
void bench_describe(const bench_context *context);

#endif
