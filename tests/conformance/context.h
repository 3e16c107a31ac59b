/* SPDX-License-Identifier: MIT */
/* What the runner needs of a context. */
#ifndef CONFORMANCE_CONTEXT_H
#define CONFORMANCE_CONTEXT_H

#include "conformance.h"

/* Run one case in this process, in t->home; returns the number of failures. */
int context_run_case(struct context *t, const struct conformance_case *test);

#endif
