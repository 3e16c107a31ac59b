/* SPDX-License-Identifier: MIT */
/* The same two commands in a hundred named sessions of one host, all at once and on one thread; and a one-shot beside
 * them.  With a target as argument: fan_out deploy@web1. */
#include <hostsession/hostsession.h>
#include <stdio.h>
#include <stdlib.h>

enum { sessions = 100 };

typedef struct fleet {
    int pending;
    int succeeded;
} fleet;

static void ran(hostsession_named *named, hostsession_error error, hostsession_results *results, void *userdata) {
    fleet *all = userdata;
    const hostsession_result *overall = hostsession_results_overall(results);
    if (error == HOSTSESSION_OK && hostsession_result_status(overall) == HOSTSESSION_STATUS_SUCCESS)
        all->succeeded++;
    else
        fprintf(stderr, "%s: %s\n", hostsession_named_name(named),
                hostsession_status_name(hostsession_result_status(overall)));
    hostsession_results_free(results);
    hostsession_named_close(named);
    all->pending--;
}

static void opened(hostsession_manager *manager, hostsession_named *named, const hostsession_failure *failure,
                   void *userdata) {
    (void)manager;
    fleet *all = userdata;
    const hostsession_command commands[] = {{.text = "work=$(pwd)"},
                                            {.text = "test -n \"$work\"", .timeout_ms = 60000}};
    hostsession_sequence_options options = HOSTSESSION_SEQUENCE_OPTIONS_INIT;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    options.timeout_ms = 60000;
    options.stop_on_failure = true;
    if (failure) {
        fprintf(stderr, "%s\n", failure->message);
    } else if (hostsession_named_run_start(named, commands, 2, &options, ran, all, NULL, &why) != HOSTSESSION_OK) {
        fprintf(stderr, "%s\n", why.message);
        hostsession_named_close(named);
    } else {
        return;
    }
    all->pending--;
}

static void counted(hostsession_error error, hostsession_result *result, void *userdata) {
    fleet *all = userdata;
    if (error == HOSTSESSION_OK)
        printf("the one-shot says: %s", hostsession_result_output(result));
    hostsession_result_free(result);
    all->pending--;
}

int main(int argc, char **argv) {
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    hostsession_options session = HOSTSESSION_OPTIONS_INIT;
    hostsession_manager_options options = HOSTSESSION_MANAGER_OPTIONS_INIT;
    hostsession_manager *manager;
    fleet all = {0, 0};
    /* They share the processor. */
    session.connect_timeout_ms = 60000;
    options.session = &session;
    if (hostsession_loop_new(&options.loop, &why) != HOSTSESSION_OK ||
        hostsession_manager_new(argc > 1 ? argv[1] : "local", &options, &manager, &why) != HOSTSESSION_OK) {
        fprintf(stderr, "%s\n", why.message);
        return EXIT_FAILURE;
    }
    for (int i = 0; i < sessions; i++) {
        char name[20];
        snprintf(name, sizeof name, "worker-%d", i);
        if (hostsession_manager_open_start(manager, name, opened, &all, NULL, &why) == HOSTSESSION_OK)
            all.pending++;
    }
    if (hostsession_manager_oneshot_start(manager, "uname", NULL, counted, &all, NULL, &why) == HOSTSESSION_OK)
        all.pending++;
    while (all.pending > 0)
        hostsession_loop_run_once(options.loop, -1);
    hostsession_manager_free(manager);
    hostsession_loop_free(options.loop);
    printf("%d of %d succeeded\n", all.succeeded, sessions);
    return all.succeeded == sessions ? EXIT_SUCCESS : EXIT_FAILURE;
}
