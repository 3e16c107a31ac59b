/* SPDX-License-Identifier: MIT */
#ifndef CLI_RUN_H
#define CLI_RUN_H

/* `hostsession run`: argv[0] is "run".  Returns the exit status. */
int run_command(int argc, char **argv);

#endif
