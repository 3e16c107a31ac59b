/* SPDX-License-Identifier: MIT */
#include "message.h"

#include "utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static size_t escape_byte(char out[4], unsigned char byte) {
    static const char digits[] = "0123456789abcdef";
    out[0] = '\\';
    if (byte == '\n' || byte == '\r' || byte == '\t') {
        out[1] = byte == '\n' ? 'n' : byte == '\r' ? 'r' : 't';
        return 2;
    }
    out[1] = 'x';
    out[2] = digits[byte >> 4];
    out[3] = digits[byte & 15];
    return 4;
}

/* The length of the character at `at` if it may be shown as it is, else 0. */
static size_t shown_as_is(const char *at, size_t length) {
    unsigned char byte = (unsigned char)*at;
    if (byte < 0x80)
        return byte >= 0x20 && byte != 0x7f ? 1 : 0;
    size_t character = utf8_character(at, length);
    /* U+0080 to U+009F: some terminals obey them. */
    if (character == 2 && byte == 0xc2 && (unsigned char)at[1] < 0xa0)
        return 0;
    return character;
}

const char *escape_text(char *out, size_t out_size, const char *bytes, size_t length) {
    size_t used = 0;
    size_t from = 0;
    while (from < length) {
        char escaped[4];
        size_t taken = shown_as_is(bytes + from, length - from);
        const char *piece = bytes + from;
        size_t piece_length = taken;
        if (!taken) {
            piece_length = escape_byte(escaped, (unsigned char)bytes[from]);
            piece = escaped;
            taken = 1;
        }
        if (used + piece_length + sizeof "..." > out_size) {
            memcpy(out + used, "...", 3);
            used += 3;
            break;
        }
        memcpy(out + used, piece, piece_length);
        used += piece_length;
        from += taken;
    }
    out[used] = 0;
    return out;
}

void message(const char *format, ...) {
    static const char prefix[] = "hostsession: ";
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    int printed = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (printed < 0)
        return;

    char line[sizeof prefix + sizeof text + 1];
    size_t used = sizeof prefix - 1;
    memcpy(line, prefix, used);
    escape_text(line + used, sizeof text, text, strlen(text));
    used += strlen(line + used);
    line[used++] = '\n';
    /* One write, so that lines of several processes do not mix.  Nobody is left to tell when it fails. */
    ssize_t written = write(STDERR_FILENO, line, used);
    (void)written;
}
