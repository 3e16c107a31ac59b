/* SPDX-License-Identifier: MIT */
/* Reading the option structs of the public API, which begin with their size and grow at their end. */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include <hostsession/failure.h>

#include <stddef.h>

/* Copy what the caller gave (NULL: nothing) over `to`, a struct of `size` bytes that holds the defaults: those of a
 * program that was compiled with an older header have fewer members.  HOSTSESSION_ERROR_INVALID, by `name` and the
 * initializer to start from, for what cannot be a size of it. */
hostsession_error options_read(const void *given, void *to, size_t size, const char *name, const char *initializer,
                               hostsession_failure *failure);

#endif
