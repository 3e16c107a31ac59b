/* SPDX-License-Identifier: MIT */
#include "json.h"

#include "utf8.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void json_put_literal(writer *out, const char *json) {
    writer_put(out, json, strlen(json));
}

static bool needs_escape(char byte) {
    return (unsigned char)byte < 0x20 || byte == '"' || byte == '\\';
}

static void put_escaped(writer *out, char byte) {
    static const char letters[] = "\"\\\b\f\n\r\t";
    static const char escapes[] = "\"\\bfnrt";
    static const char digits[] = "0123456789abcdef";
    const char *letter = byte ? strchr(letters, byte) : NULL;
    if (letter)
        writer_put(out, (char[]){'\\', escapes[letter - letters]}, 2);
    else
        writer_put(out, (char[]){'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]}, 6);
}

/* The inside of a string. */
static void put_characters(writer *out, const char *bytes, size_t length) {
    size_t from = 0;
    while (from < length) {
        size_t to = from;
        while (to < length && !needs_escape(bytes[to]))
            to++;
        writer_put(out, bytes + from, to - from);
        if (to < length)
            put_escaped(out, bytes[to++]);
        from = to;
    }
}

void json_put_string_pieces(writer *out, const char *head, size_t head_length, const char *tail, size_t tail_length) {
    json_put_literal(out, "\"");
    put_characters(out, head, head_length);
    put_characters(out, tail, tail_length);
    json_put_literal(out, "\"");
}

void json_put_string(writer *out, const char *bytes, size_t length) {
    json_put_string_pieces(out, bytes, length, "", 0);
}

void json_put_text_bytes(writer *out, const char *bytes, size_t length) {
    json_put_literal(out, "\"");
    size_t from = 0;
    while (from < length) {
        size_t valid = utf8_valid_bytes(bytes + from, length - from);
        put_characters(out, bytes + from, valid);
        from += valid;
        if (from < length) {
            json_put_literal(out, "\xef\xbf\xbd");
            from++;
        }
    }
    json_put_literal(out, "\"");
}

void json_put_text(writer *out, const char *text) {
    if (text)
        json_put_text_bytes(out, text, strlen(text));
    else
        json_put_literal(out, "null");
}

void json_put_base64(writer *out, const char *bytes, size_t length) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *at = (const unsigned char *)bytes;
    json_put_literal(out, "\"");
    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        unsigned second = left > 1 ? at[i + 1] : 0u;
        unsigned third = left > 2 ? at[i + 2] : 0u;
        unsigned group = (unsigned)at[i] << 16 | second << 8 | third;
        char four[] = {
            digits[group >> 18],
            digits[group >> 12 & 63],
            left > 1 ? digits[group >> 6 & 63] : '=',
            left > 2 ? digits[group & 63] : '=',
        };
        writer_put(out, four, sizeof four);
    }
    json_put_literal(out, "\"");
}

void json_put_integer(writer *out, int64_t value) {
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, value);
    json_put_literal(out, text);
}
