/* SPDX-License-Identifier: MIT */
/* The commands of `hostsession run`, one after another in one session. */
#ifndef CLI_SEQUENCE_H
#define CLI_SEQUENCE_H

#include "options.h"
#include "reader.h"

/* Open the session, run the commands, report each, close.  Returns the exit status. */
int sequence_run(const run_options *options, reader *commands);

#endif
