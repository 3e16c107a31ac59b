/* SPDX-License-Identifier: MIT */
/* Writing JSON straight into an output: outputs are large, so none is copied or held twice.  Source: RFC 8259. */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include "writer.h"

#include <stddef.h>
#include <stdint.h>

/* A string of bytes that are known to be UTF-8, quotes included. */
void json_put_string(writer *out, const char *bytes, size_t length);

/* One string of two such pieces. */
void json_put_string_pieces(writer *out, const char *head, size_t head_length, const char *tail, size_t tail_length);

/* The same for any text: what is not UTF-8 becomes U+FFFD.  NULL is written as null. */
void json_put_text(writer *out, const char *text);
void json_put_text_bytes(writer *out, const char *bytes, size_t length);

/* A string of the bytes in base64 (RFC 4648, with padding). */
void json_put_base64(writer *out, const char *bytes, size_t length);

void json_put_integer(writer *out, int64_t value);

/* JSON as it is, such as `,"name":`. */
void json_put_literal(writer *out, const char *json);

#endif
