/* SPDX-License-Identifier: MIT */
/* A pseudo-terminal with the modes that a session needs. */
#ifndef TRANSPORT_TERMINAL_H
#define TRANSPORT_TERMINAL_H

#include <hostsession/failure.h>

#include <stdbool.h>
#include <termios.h>

enum {
    terminal_rows = 24,
    /* Wide, so that nothing wraps.  More breaks programs: busybox takes 30,000 and more for an error and uses 80, and
     * what ls needs for a directory of 20,000 files grows to 1.5 GB at 65,535 columns (49 MB at 10,000). */
    terminal_columns = 10000,
    terminal_path_bytes = 64,
};

/* Open a pair.  Through the master (close-on-exec, non-blocking) Linux lets the slave's modes be set, too; `path` is
 * the slave's. */
hostsession_error terminal_open(int *ret_master, char path[terminal_path_bytes], struct termios *ret_modes,
                                hostsession_failure *failure);

/* False: there is none any more.  What the system leaves out is zero, so that modes can be compared. */
bool terminal_get_modes(int descriptor, struct termios *ret_modes);

/* Throw away what was typed and not read, as the terminal does at ^C: on its way, and in the terminal. */
void terminal_discard_input(int master);

#endif
