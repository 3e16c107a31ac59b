/* SPDX-License-Identifier: MIT */
#ifndef CLI_HELP_H
#define CLI_HELP_H

/* Print the help of a subcommand (NULL: of the command) to standard output.  Returns the exit status. */
int help_print(const char *subcommand);

/* Print the version.  Returns the exit status. */
int help_print_version(void);

#endif
