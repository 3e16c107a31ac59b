/* SPDX-License-Identifier: MIT */
/* The shortest program: a shell, two commands, and how the second ended. */
#include <hostsession/hostsession.h>
#include <stdio.h>

int main(void) {
    hostsession *shell;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (hostsession_open("local", NULL, &shell, &why) != HOSTSESSION_OK) {
        fprintf(stderr, "%s\n", why.message);
        return 1;
    }
    hostsession_result *made;
    hostsession_run(shell, "cd /usr/share", NULL, &made);
    hostsession_result_free(made);

    int status = 1;
    if (hostsession_run(shell, "pwd; ls nothing-of-that-name", NULL, &made) == HOSTSESSION_OK) {
        fwrite(hostsession_result_output(made), 1, hostsession_result_output_bytes(made), stdout);
        status = hostsession_result_exit_status(made);
    }
    hostsession_result_free(made);
    hostsession_close(shell);
    return status;
}
