/* SPDX-License-Identifier: MIT */
/* Cases that are known to fail, each for a shell and mode: they run, and are reported as TAP's TODO. */
#ifndef CONFORMANCE_KNOWN_H
#define CONFORMANCE_KNOWN_H

#include <stdbool.h>

/* Whether this failure is on the list. */
bool known_failure(const char *shell, const char *mode, const char *name);

#endif
