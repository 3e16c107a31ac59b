/* SPDX-License-Identifier: MIT */
/* The program that a local transport starts: its copy, its environment, its file. */
#ifndef TRANSPORT_PROGRAM_H
#define TRANSPORT_PROGRAM_H

#include "transport/transport.h"

/* A deep copy in one block, released with free().  HOSTSESSION_ERROR_INVALID when there is no argv[0]. */
hostsession_error program_copy(const transport_program *program, transport_program **ret, hostsession_failure *failure);

/* The caller's environment with TERM=dumb and without LINES and COLUMNS (they describe the caller's terminal), then
 * the program's settings.  An array released with free(), its strings are borrowed; NULL without memory. */
char **program_environment(const transport_program *program);

/* The file to execute, released with free(), when the program and its directory are such that it can be tried. */
hostsession_error program_find(const transport_program *program, char *const *environment, char **ret_path,
                               hostsession_failure *failure);

#endif
