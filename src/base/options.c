/* SPDX-License-Identifier: MIT */
#include "base/options.h"

#include "base/failure.h"

#include <string.h>

hostsession_error options_read(const void *given, void *to, size_t size, const char *name, const char *initializer,
                               hostsession_failure *failure) {
    size_t given_size = size;
    if (given)
        memcpy(&given_size, given, sizeof given_size);
    /* Structs are as aligned as their pointers: half of one would be no pointer. */
    if (given_size < sizeof given_size || given_size > size || given_size % sizeof(void *) != 0)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "options", "%s->struct_size is %zu; start from %s",
                           name, given_size, initializer);
    if (given)
        memcpy(to, given, given_size);
    memcpy(to, &size, sizeof size);
    return HOSTSESSION_OK;
}
