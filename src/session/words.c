/* SPDX-License-Identifier: MIT */
#include "session/words.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n';
}

/* Copy the word at *from to `to`; returns the end of the copy, NULL for an open quote. */
static char *copy_word(const char **from, char *to, const char **ret_why) {
    const char *at = *from;
    char quote = 0;
    for (; *at && (quote || !is_blank(*at)); at++) {
        if (quote == '\'') {
            if (*at == '\'')
                quote = 0;
            else
                *to++ = *at;
        } else if (*at == '\\' && (!quote || (at[1] && strchr("$`\"\\\n", at[1])))) {
            if (!*++at) {
                *ret_why = "a backslash at its end";
                return NULL;
            }
            if (*at != '\n')
                *to++ = *at;
        } else if (*at == '"') {
            quote = quote ? 0 : '"';
        } else if (*at == '\'' && !quote) {
            quote = '\'';
        } else {
            *to++ = *at;
        }
    }
    *from = at;
    if (quote) {
        *ret_why = quote == '"' ? "an open double quote" : "an open single quote";
        return NULL;
    }
    return to;
}

char **words_split(const char *line, size_t *ret_count, const char **ret_why) {
    size_t length = strlen(line);
    *ret_why = NULL;
    /* At most every second character begins a word; the copies are no longer than the line. */
    size_t most = length / 2 + 2;
    char **words = malloc(most * sizeof *words + length + most);
    if (!words)
        return NULL;
    char *to = (char *)(words + most);
    size_t count = 0;
    for (const char *at = line;;) {
        while (is_blank(*at))
            at++;
        if (!*at)
            break;
        words[count++] = to;
        to = copy_word(&at, to, ret_why);
        if (!to) {
            free(words);
            return NULL;
        }
        *to++ = 0;
    }
    words[count] = NULL;
    *ret_count = count;
    return words;
}
