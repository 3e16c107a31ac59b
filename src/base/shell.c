/* SPDX-License-Identifier: MIT */
#include "base/shell.h"

#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

bool shell_is_name(const char *text, size_t length) {
    return length > 0 && strspn(text, LETTERS DIGITS "_") >= length && strspn(text, DIGITS) == 0;
}

bool shell_append_word(bytes *to, const char *text) {
    if (*text && text[strspn(text, LETTERS DIGITS "_./:@%+=,-")] == 0)
        return bytes_append_text(to, text);
    bool right = bytes_append(to, "'", 1);
    for (; right && *text; text++)
        right = *text == '\'' ? bytes_append_text(to, "'\\''") : bytes_append(to, text, 1);
    return right && bytes_append(to, "'", 1);
}
