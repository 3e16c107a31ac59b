/* SPDX-License-Identifier: MIT */
/*
 * Memory that runs out when a test says so: for programs that are linked with allocation_link_args (meson.build), which
 * lead the library's calls of malloc() and its like here.  What supports the tests is compiled with
 * allocation_support_args, and always gets memory.
 */
#ifndef SUPPORT_ALLOCATION_H
#define SUPPORT_ALLOCATION_H

#include <stdbool.h>

/* From now on the n-th allocation fails, counted from 1, and with `ever_after` all that follow, too.  0: none. */
void allocation_fail(long number, bool ever_after);

/* Whether one has failed since allocation_fail(). */
bool allocation_failed(void);

/* How many blocks are held. */
long allocation_held(void);

#endif
