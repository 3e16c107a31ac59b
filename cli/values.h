/* SPDX-License-Identifier: MIT */
/* The values of options. */
#ifndef CLI_VALUES_H
#define CLI_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "90", "0.5": decimal seconds above 0, up to a thousand million, in any locale; rounded up to milliseconds. */
bool parse_seconds(const char *text, int64_t *ret_ms);

/* "4096", "64KiB", "1M": bytes above 0, with K, M or G for powers of 1,024 and an optional "iB" or "B". */
bool parse_bytes(const char *text, size_t *ret_bytes);

/* "16": decimal digits, above 0. */
bool parse_count(const char *text, unsigned *ret_count);

/* "16/0.05": bytes, and seconds. */
bool parse_pace(const char *text, size_t *ret_bytes, int64_t *ret_ms);

/* Whether it reads "NAME=VALUE" with a name that a shell can have. */
bool is_environment_setting(const char *text);

/* Whether it reads "env:NAME" or "file:PATH". */
bool is_secret_source(const char *text);

/* Read a secret from such a source; of a file, one newline at the end is not part of it.  Returns text to be released
 * with secret_free(), with room for one more character; or NULL with the reason in `why`. */
char *secret_read(const char *source, char *why, size_t why_size);

/* Wipe and release.  NULL is allowed. */
void secret_free(char *secret);

#endif
