/* SPDX-License-Identifier: MIT */
/* Letting one allocation of the engine fail. */
#ifndef TRANSCRIPTS_MEMORY_H
#define TRANSCRIPTS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* From now on the engine's allocation number `nth` (from 1) fails; 0: none does. */
void memory_fail(size_t nth);

/* How many there were since then. */
size_t memory_count(void);

/* Whether what runs is the engine, whose allocations count; returns what it was. */
bool memory_engine(bool is_engine);

#endif
