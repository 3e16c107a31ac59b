/* SPDX-License-Identifier: MIT */
/* A hundred shells at once, on one thread: each runs two commands, and closes itself when it is done. */
#include <hostsession/hostsession.h>
#include <stdio.h>
#include <stdlib.h>

enum { shells = 100 };

typedef struct fleet {
    int open;
    int succeeded;
    int sum;
} fleet;

static void ran(hostsession *session, hostsession_error error, hostsession_result *result, void *userdata) {
    fleet *all = userdata;
    if (error == HOSTSESSION_OK) {
        all->succeeded++;
        all->sum += atoi(hostsession_result_output(result));
    } else {
        fprintf(stderr, "%s\n", hostsession_result_failure(result)->message);
    }
    hostsession_result_free(result);
    all->open--;
    hostsession_close(session);
}

/* Both commands are queued at once, before the shell has answered; the second sees what the first set. */
static hostsession_error start(const hostsession_options *options, int number, fleet *all, hostsession_failure *why) {
    hostsession *session;
    hostsession_error error = hostsession_open_start("local", options, NULL, NULL, &session, why);
    if (error != HOSTSESSION_OK)
        return error;
    char command[40];
    snprintf(command, sizeof command, "number=%d", number);
    error = hostsession_run_start(session, command, NULL, NULL, NULL, NULL, why);
    if (error == HOSTSESSION_OK)
        error = hostsession_run_start(session, "echo $number", NULL, ran, all, NULL, why);
    if (error != HOSTSESSION_OK)
        hostsession_close(session);
    else
        all->open++;
    return error;
}

int main(void) {
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    /* They are started all at once: the last ones have to wait for the processor. */
    options.connect_timeout_ms = 60000;
    if (hostsession_loop_new(&options.loop, &why) != HOSTSESSION_OK) {
        fprintf(stderr, "%s\n", why.message);
        return EXIT_FAILURE;
    }
    fleet all = {0, 0, 0};
    for (int i = 1; i <= shells; i++)
        if (start(&options, i, &all, &why) != HOSTSESSION_OK)
            fprintf(stderr, "%s\n", why.message);
    while (all.open > 0)
        hostsession_loop_run_once(options.loop, -1);
    hostsession_loop_free(options.loop);
    printf("%d of %d shells answered; the sum of their numbers is %d\n", all.succeeded, shells, all.sum);
    return all.succeeded == shells && all.sum == shells * (shells + 1) / 2 ? EXIT_SUCCESS : EXIT_FAILURE;
}
