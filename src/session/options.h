/* SPDX-License-Identifier: MIT */
/* The options of a session as the caller gave them, with all that they point to; and a copy that outlives those. */
#ifndef SESSION_OPTIONS_H
#define SESSION_OPTIONS_H

#include <hostsession/session.h>

/* `options` points to the others, where the caller gave one. */
typedef struct whole_options {
    hostsession_options options;
    hostsession_ssh_options ssh;
    hostsession_telnet_options telnet;
    hostsession_console console;
    hostsession_transport transport;
} whole_options;

/* Read, check, and fill in defaults.  `given` may be NULL: the defaults.  What strings and lists there are stays the
 * caller's. */
hostsession_error options_read_whole(const hostsession_options *given, whole_options *ret,
                                     hostsession_failure *failure);

typedef struct options_copy options_copy;

/* `given` may be NULL: the defaults.  HOSTSESSION_ERROR_INVALID also for a transport of the caller's own, whose data
 * cannot be copied. */
hostsession_error options_copy_new(const hostsession_options *given, options_copy **ret, hostsession_failure *failure);
void options_copy_free(options_copy *copy);

/* Valid as long as the copy. */
const hostsession_options *options_copy_read(const options_copy *copy);

#endif
