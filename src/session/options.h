/* SPDX-License-Identifier: MIT */
/* Session options that outlive those that the caller gave: all that they point to is copied. */
#ifndef SESSION_OPTIONS_H
#define SESSION_OPTIONS_H

#include <hostsession/session.h>

typedef struct options_copy options_copy;

/* `given` may be NULL: the defaults.  HOSTSESSION_ERROR_INVALID also for a transport of the caller's own, whose data
 * cannot be copied. */
hostsession_error options_copy_new(const hostsession_options *given, options_copy **ret, hostsession_failure *failure);
void options_copy_free(options_copy *copy);

/* Valid as long as the copy. */
const hostsession_options *options_copy_read(const options_copy *copy);

#endif
