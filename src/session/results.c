/* SPDX-License-Identifier: MIT */
#include "session/results.h"

#include <stdlib.h>

hostsession_results *results_new(size_t count, size_t max_output_bytes) {
    if (count > (SIZE_MAX - sizeof(hostsession_results)) / sizeof(hostsession_result *))
        return NULL;
    hostsession_results *results = calloc(1, sizeof *results + count * sizeof(hostsession_result *));
    if (!results)
        return NULL;
    for (; results->count < count; results->count++) {
        results->items[results->count] = result_new(max_output_bytes);
        if (!results->items[results->count]) {
            hostsession_results_free(results);
            return NULL;
        }
    }
    return results;
}

size_t hostsession_results_count(const hostsession_results *results) {
    return results ? results->count : 0;
}

const hostsession_result *hostsession_results_at(const hostsession_results *results, size_t index) {
    return results && index < results->count ? results->items[index] : NULL;
}

const hostsession_result *hostsession_results_overall(const hostsession_results *results) {
    const hostsession_result *found = NULL;
    for (size_t i = 0; results && i < results->count; i++) {
        found = results->items[i];
        if (hostsession_result_status(found) != HOSTSESSION_STATUS_SUCCESS)
            break;
    }
    return found;
}

bool hostsession_results_state_lost(const hostsession_results *results) {
    return results && results->state_lost;
}

void hostsession_results_free(hostsession_results *results) {
    if (!results)
        return;
    for (size_t i = 0; i < results->count; i++)
        hostsession_result_free(results->items[i]);
    free(results);
}

void results_find_failure(const hostsession_results *results, hostsession_error error, hostsession_failure *failure) {
    for (size_t i = 0; error && failure && results && i < results->count; i++)
        if (results->items[i]->failure.error == error) {
            *failure = results->items[i]->failure;
            return;
        }
}
