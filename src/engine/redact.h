/* SPDX-License-Identifier: MIT */
/* Blanks secrets in a stream, also where a secret is split over two pieces. */
#ifndef ENGINE_REDACT_H
#define ENGINE_REDACT_H

#include "base/bytes.h"

/* All zero is a redactor without secrets. */
typedef struct redactor {
    bytes *secrets;
    size_t secret_count;
    bytes held; /* what may be the beginning of a secret */
} redactor;

/* Blank `secret` from now on.  Line endings around it are not part of it; what is shorter than 3 bytes then is not
 * blanked: it would tear holes into everything.  False without memory. */
bool redactor_add(redactor *r, const char *secret, size_t length);

/* Append to `to` what of the stream may be shown: secrets as "***"; what may be the beginning of one is held back
 * until more comes, or until redactor_flush(). */
bool redactor_feed(redactor *r, const char *data, size_t length, bytes *to);
bool redactor_flush(redactor *r, bytes *to);

/* The same for a text that is all there, beside the stream. */
bool redactor_blank(const redactor *r, const char *data, size_t length, bytes *to);

/* Wipes the secrets. */
void redactor_free(redactor *r);

#endif
