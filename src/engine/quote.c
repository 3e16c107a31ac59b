/* SPDX-License-Identifier: MIT */
#include "engine/quote.h"

#include <string.h>

enum { piece_bytes = 200 };

static bool is_reserved(const char *word, size_t length) {
    static const char *const reserved[] = {"case",     "coproc", "do", "done",   "elif", "else", "esac",  "fi",   "for",
                                           "function", "if",     "in", "select", "then", "time", "until", "while"};
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (reserved[i][0] == word[0] && strlen(reserved[i]) == length && memcmp(reserved[i], word, length) == 0)
            return true;
    return false;
}

bool quote_needs_none(const char *text, size_t length) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    static const char others[] = "0123456789./:,+@%-~*?= ";
    size_t first = 0;
    while (first < length && text[first] != ' ')
        first++;
    if (first == 0 || is_reserved(text, first))
        return false;
    for (size_t i = 0; i < length; i++) {
        bool names = text[i] == '$' && i + 1 < length && memchr(letters, text[i + 1], sizeof letters - 1);
        if (!names && !memchr(letters, text[i], sizeof letters - 1) && !memchr(others, text[i], sizeof others - 1))
            return false;
    }
    return true;
}

static bool is_control(unsigned char byte) {
    return byte < 0x20 || byte == 0x7f;
}

uint32_t quote_controls(const char *text, size_t length) {
    uint32_t set = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (is_control(byte))
            set |= UINT32_C(1) << (byte == 0x7f ? 0 : byte);
    }
    return set;
}

bool quote_define(bytes *to, uint32_t controls) {
    for (unsigned bit = 0; bit < 32; bit++) {
        if (!(controls >> bit & 1))
            continue;
        unsigned byte = bit == 0 ? 0x7f : bit;
        /* A command substitution drops newlines at its end: keep one from being there. */
        bool right = byte == '\n' ? bytes_printf(to, "_hs_%u=$(\\command printf '\\012.');_hs_%u=${_hs_%u%%.};", byte,
                                                 byte, byte)
                                  : bytes_printf(to, "_hs_%u=$(\\command printf '\\%03o');", byte, byte);
        if (!right)
            return false;
    }
    return true;
}

static bool append_byte(bytes *to, quote_style style, unsigned char byte) {
    if (style == QUOTE_ANSI) {
        if (byte == '\n')
            return bytes_append(to, "\\n", 2);
        if (byte == '\\' || byte == '\'')
            return bytes_append(to, (char[]){'\\', (char)byte}, 2);
        if (is_control(byte))
            return bytes_printf(to, "\\%03o", (unsigned)byte);
    } else {
        if (byte == '\'')
            return bytes_append(to, "'\\''", 4);
        if (style == QUOTE_VARIABLES && is_control(byte))
            return bytes_printf(to, "'\"$_hs_%u\"'", (unsigned)byte);
    }
    return bytes_append(to, &byte, 1);
}

bool quote_append(bytes *to, quote_style style, const char *text, size_t length, bool continued) {
    /* A text without control characters reads better, and is shorter, in plain quotes. */
    if (style == QUOTE_ANSI && quote_controls(text, length) == 0)
        style = QUOTE_RAW;
    const char *open = style == QUOTE_ANSI ? "$'" : "'";
    if (!bytes_append_text(to, open))
        return false;
    size_t line = bytes_length(to);
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        /* Not inside a UTF-8 character: shells that decode see whole ones then. */
        if (continued && bytes_length(to) - line >= piece_bytes && (byte & 0xc0) != 0x80) {
            if (!bytes_append_text(to, "'\\\n") || !bytes_append_text(to, open))
                return false;
            line = bytes_length(to);
        }
        if (!append_byte(to, style, byte))
            return false;
    }
    return bytes_append(to, "'", 1);
}
