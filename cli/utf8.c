/* SPDX-License-Identifier: MIT */
#include "utf8.h"

#include <stdint.h>
#include <string.h>

size_t utf8_character(const char *bytes, size_t length) {
    const unsigned char *at = (const unsigned char *)bytes;
    unsigned char first = at[0];
    if (first < 0x80)
        return 1;

    size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || size > length)
        return 0;
    /* The second byte's range rules out overlong forms, surrogates and what lies above U+10FFFF. */
    unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < size; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return size;
}

size_t utf8_valid_bytes(const char *bytes, size_t length) {
    size_t valid = 0;
    while (valid < length) {
        uint64_t word;
        while (length - valid >= sizeof word) {
            memcpy(&word, bytes + valid, sizeof word);
            if (word & UINT64_C(0x8080808080808080))
                break;
            valid += sizeof word;
        }
        if (valid == length)
            break;
        size_t character = utf8_character(bytes + valid, length - valid);
        if (!character)
            break;
        valid += character;
    }
    return valid;
}
