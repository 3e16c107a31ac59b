/* SPDX-License-Identifier: MIT */
#include "engine/pattern.h"

#include "base/failure.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <stdint.h>
#include <stdlib.h>

enum { match_limit = 100000, heap_limit_kib = 1024, jit_stack_bytes = 256 * 1024 };

typedef struct pattern {
    pcre2_code *code;
    size_t from; /* where a match may still begin */
} pattern;

struct pattern_set {
    pcre2_match_context *context;
    pcre2_match_data *data;
    pcre2_jit_stack *stack;
    size_t count;
    pattern patterns[];
};

static hostsession_error compile(pattern *p, const char *text, hostsession_failure *failure) {
    int code;
    PCRE2_SIZE offset;
    if (!text)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "pattern",
                           "a pattern is NULL; give a regular expression");
    /* \C and (*UTF) would let a pattern change what a byte is, or fail on output that is no UTF-8. */
    p->code =
        pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, PCRE2_NEVER_UTF | PCRE2_NEVER_UCP, &code, &offset, NULL);
    if (!p->code) {
        char reason[128];
        pcre2_get_error_message(code, (PCRE2_UCHAR *)reason, sizeof reason);
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "pattern",
                           "invalid pattern \"%s\": %s at offset %zu; mend the regular expression (PCRE2)", text,
                           reason, (size_t)offset);
    }
    /* Without JIT (a processor that has none, a hardened kernel) the interpreter does it. */
    pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE | PCRE2_JIT_PARTIAL_SOFT);
    return HOSTSESSION_OK;
}

hostsession_error pattern_set_new(const char *const *patterns, size_t count, pattern_set **ret,
                                  hostsession_failure *failure) {
    *ret = NULL;
    pattern_set *set = calloc(1, sizeof *set + count * sizeof set->patterns[0]);
    if (!set)
        return failure_no_memory(failure, "pattern");
    set->count = count;
    set->context = pcre2_match_context_create(NULL);
    set->data = pcre2_match_data_create(pattern_max_groups, NULL);
    set->stack = pcre2_jit_stack_create(16 * 1024, jit_stack_bytes, NULL);
    if (!set->context || !set->data || !set->stack) {
        pattern_set_free(set);
        return failure_no_memory(failure, "pattern");
    }
    pcre2_set_match_limit(set->context, match_limit);
    pcre2_set_heap_limit(set->context, heap_limit_kib);
    pcre2_jit_stack_assign(set->context, NULL, set->stack);
    for (size_t i = 0; i < count; i++) {
        hostsession_error error = compile(&set->patterns[i], patterns[i], failure);
        if (error) {
            pattern_set_free(set);
            return error;
        }
    }
    *ret = set;
    return HOSTSESSION_OK;
}

static pattern_verdict search_one(pattern_set *set, pattern *p, const char *text, size_t length) {
    int count = pcre2_match(p->code, (PCRE2_SPTR)text, length, p->from, PCRE2_PARTIAL_SOFT | PCRE2_NOTEMPTY, set->data,
                            set->context);
    if (count >= 0)
        return PATTERN_MATCH;
    if (count == PCRE2_ERROR_PARTIAL) {
        /* A match may have begun here: look again from there when there is more. */
        p->from = pcre2_get_ovector_pointer(set->data)[0];
        return PATTERN_NO_MATCH;
    }
    if (count == PCRE2_ERROR_NOMATCH) {
        p->from = length;
        return PATTERN_NO_MATCH;
    }
    return PATTERN_RAN_AWAY;
}

static void copy_match(pattern_set *set, size_t index, pattern_match *match) {
    const PCRE2_SIZE *vector = pcre2_get_ovector_pointer(set->data);
    uint32_t pairs = 0;
    pcre2_pattern_info(set->patterns[index].code, PCRE2_INFO_CAPTURECOUNT, &pairs);
    match->index = index;
    match->group_count = pairs + 1 < pattern_max_groups ? pairs + 1 : pattern_max_groups;
    for (size_t i = 0; i < match->group_count; i++) {
        match->groups[i][0] = vector[2 * i] == PCRE2_UNSET ? SIZE_MAX : vector[2 * i];
        match->groups[i][1] = vector[2 * i + 1];
    }
}

pattern_verdict pattern_set_search(pattern_set *set, const char *text, size_t length, size_t skip,
                                   pattern_match *ret_match) {
    pattern_verdict verdict = PATTERN_NO_MATCH;
    for (size_t i = 0; i < set->count; i++) {
        if (set->patterns[i].from < skip)
            set->patterns[i].from = skip;
        pattern_verdict one = search_one(set, &set->patterns[i], text, length);
        if (one == PATTERN_RAN_AWAY)
            return one;
        if (one == PATTERN_MATCH) {
            size_t start = pcre2_get_ovector_pointer(set->data)[0];
            if (verdict == PATTERN_NO_MATCH || start < ret_match->groups[0][0])
                copy_match(set, i, ret_match);
            verdict = PATTERN_MATCH;
        }
    }
    return verdict;
}

void pattern_set_restart(pattern_set *set) {
    for (size_t i = 0; i < set->count; i++)
        set->patterns[i].from = 0;
}

void pattern_set_forget(pattern_set *set, size_t dropped) {
    for (size_t i = 0; i < set->count; i++)
        set->patterns[i].from -= set->patterns[i].from < dropped ? set->patterns[i].from : dropped;
}

void pattern_set_free(pattern_set *set) {
    if (!set)
        return;
    for (size_t i = 0; i < set->count; i++)
        pcre2_code_free(set->patterns[i].code);
    pcre2_jit_stack_free(set->stack);
    pcre2_match_data_free(set->data);
    pcre2_match_context_free(set->context);
    free(set);
}
