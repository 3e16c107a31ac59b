/* SPDX-License-Identifier: MIT */
/* What a program can keep of all that it runs: each command before it runs, each line as it arrives, and no secret. */
#include <hostsession/hostsession.h>
#include <stdio.h>
#include <stdlib.h>

static void log_command(void *userdata, const char *name, const char *text) {
    (void)userdata;
    printf("%s> %s\n", name ? name : "one-shot", text ? text : "(secret)");
}

static void log_output(void *userdata, const char *name, hostsession_stream stream, const char *line, size_t length) {
    (void)userdata, (void)stream;
    printf("%s| %.*s\n", name ? name : "one-shot", (int)length, line);
}

int main(void) {
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    hostsession_manager_options options = HOSTSESSION_MANAGER_OPTIONS_INIT;
    hostsession_manager *manager;
    hostsession_named *build;
    hostsession_results *results;
    hostsession_result *result;
    options.log_command = log_command;
    options.log_output = log_output;
    if (hostsession_manager_new("local", &options, &manager, &why) != HOSTSESSION_OK ||
        hostsession_manager_open(manager, "build", &build, &why) != HOSTSESSION_OK) {
        fprintf(stderr, "%s\n", why.message);
        return EXIT_FAILURE;
    }
    const hostsession_command commands[] = {
        {.text = "cd /tmp; echo in \"$PWD\""},
        {.text = "token=s3cr3t-t0ken", .secret = true},
        {.text = "ls /proc/self/fd | wc -l", .logging = HOSTSESSION_LOGGING_QUIET},
        {.text = "echo the end"},
    };
    hostsession_error error = hostsession_named_run(build, commands, 4, NULL, &results, &why);
    if (error != HOSTSESSION_OK)
        fprintf(stderr, "%s\n", why.message);
    hostsession_results_free(results);
    error = error ? error : hostsession_manager_oneshot(manager, "echo beside it", NULL, &result);
    if (error == HOSTSESSION_OK)
        hostsession_result_free(result);
    hostsession_named_close(build);
    hostsession_manager_free(manager);
    return error == HOSTSESSION_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
