/* SPDX-License-Identifier: MIT */
/*
 * A password that a program asks for: typed only while the terminal does not echo, at most once, and in no log or
 * transcript.  Without an argument a `read -s` stands for the program; with one it is run, and its password taken from
 * the environment: PASSWORD=... secret 'sudo -k -p "password: " id -un'.
 */
#include <hostsession/hostsession.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_transcript(void *userdata, hostsession_direction direction, const char *bytes, size_t length) {
    bool *leaked = userdata;
    (void)direction;
    /* It would come as "***". */
    for (size_t i = 0; i + 7 <= length; i++)
        if (memcmp(bytes + i, "hunter2", 7) == 0)
            *leaked = true;
}

int main(int argc, char **argv) {
    const char *command = argc > 1 ? argv[1] : "printf 'password: '; read -rs it; echo; echo \"${#it} characters\"";
    const char *password = argc > 1 ? getenv("PASSWORD") : "hunter2";
    bool leaked = false;
    char response[256];
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    hostsession_run_options run = HOSTSESSION_RUN_OPTIONS_INIT;
    hostsession *shell;
    hostsession_result *result;
    snprintf(response, sizeof response, "%s\r", password ? password : "");
    const hostsession_expectation answer = {.pattern = "(?i)password: $",
                                            .response = response,
                                            .flags = HOSTSESSION_EXPECT_SECRET | HOSTSESSION_EXPECT_ECHO_OFF,
                                            .max_answers = 1};
    options.shell = "bash";
    options.on_transcript = on_transcript;
    options.userdata = &leaked;
    run.timeout_ms = 30000;
    run.expectations = &answer;
    run.expectation_count = 1;
    if (hostsession_open("local", &options, &shell, &why) != HOSTSESSION_OK) {
        fprintf(stderr, "%s\n", why.message);
        return EXIT_FAILURE;
    }
    hostsession_error error = hostsession_run(shell, command, &run, &result);
    if (error != HOSTSESSION_OK)
        fprintf(stderr, "%s\n", hostsession_result_failure(result)->message);
    fwrite(hostsession_result_output(result), 1, hostsession_result_output_bytes(result), stdout);
    int status = hostsession_result_exit_status(result);
    hostsession_result_free(result);
    hostsession_close(shell);
    memset(response, 0, sizeof response);
    return error == HOSTSESSION_OK && status == 0 && !leaked ? EXIT_SUCCESS : EXIT_FAILURE;
}
