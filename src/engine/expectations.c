/* SPDX-License-Identifier: MIT */
#include "engine/expectations.h"

#include "base/failure.h"

#include <stdlib.h>
#include <string.h>

enum { window_bytes = 64 * 1024, default_answers = 16 };

hostsession_error expectations_new(const hostsession_expectation *list, size_t count, expectations **ret,
                                   hostsession_failure *failure) {
    *ret = NULL;
    expectations *x = calloc(1, sizeof *x + count * sizeof x->items[0]);
    const char **patterns = calloc(count, sizeof *patterns);
    hostsession_error error = HOSTSESSION_OK;
    if (!x || !patterns)
        error = failure_no_memory(failure, "pattern");
    for (size_t i = 0; !error && i < count; i++) {
        if (!list[i].pattern || !list[i].response) {
            error = failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "pattern",
                                "expectation %zu lacks a pattern or a response", i);
            break;
        }
        patterns[i] = list[i].pattern;
        x->items[i].flags = list[i].flags;
        x->items[i].answers_left = list[i].max_answers ? list[i].max_answers : default_answers;
        x->count = i + 1;
        x->items[i].pattern = strdup(list[i].pattern);
        if (!x->items[i].pattern || !bytes_append_text(&x->items[i].response, list[i].response))
            error = failure_no_memory(failure, "pattern");
    }
    if (!error)
        error = pattern_set_new(patterns, count, &x->patterns, failure);
    free(patterns);
    if (error)
        expectations_free(x);
    else
        *ret = x;
    return error;
}

bool expectations_feed(expectations *x, const char *data, size_t length) {
    if (length > window_bytes) {
        data += length - window_bytes;
        length = window_bytes;
        pattern_set_restart(x->patterns);
        bytes_clear(&x->window);
    }
    size_t held = bytes_length(&x->window);
    if (held + length > window_bytes) {
        size_t drop = held + length - window_bytes;
        bytes_consume(&x->window, drop);
        pattern_set_forget(x->patterns, drop);
    }
    return bytes_append(&x->window, data, length);
}

pattern_verdict expectations_search(expectations *x, size_t *ret_index) {
    size_t length = bytes_length(&x->window);
    pattern_match match;
    if (length == 0)
        return PATTERN_NO_MATCH;
    pattern_verdict verdict = pattern_set_search(x->patterns, bytes_front(&x->window), length, 0, &match);
    if (verdict == PATTERN_MATCH) {
        *ret_index = match.index;
        bytes_consume(&x->window, match.groups[0][1]);
        pattern_set_restart(x->patterns);
    }
    return verdict;
}

void expectations_free(expectations *x) {
    if (!x)
        return;
    for (size_t i = 0; i < x->count; i++) {
        free(x->items[i].pattern);
        bytes_wipe(&x->items[i].response);
    }
    pattern_set_free(x->patterns);
    bytes_free(&x->window);
    free(x);
}
