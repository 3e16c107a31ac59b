/* SPDX-License-Identifier: MIT */
/* The inside of hostsession_results. */
#ifndef SESSION_RESULTS_H
#define SESSION_RESULTS_H

#include "engine/result.h"

#include <hostsession/sequence.h>

struct hostsession_results {
    bool state_lost;
    size_t count;
    hostsession_result *items[];
};

/* Each skipped, so far.  NULL without memory. */
hostsession_results *results_new(size_t count, size_t max_output_bytes);

/* Fill in the first failure with this error, if there is one. */
void results_find_failure(const hostsession_results *results, hostsession_error error, hostsession_failure *failure);

#endif
