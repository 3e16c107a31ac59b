/* SPDX-License-Identifier: MIT */
/* Talk to a program that asks questions, and is no shell: send what it wants and wait for what it says.  When it has
 * ended, commands can be run again. */
#include <hostsession/hostsession.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Stands for an installer, a debugger or the console of a device. */
static const char program[] = "sh -c 'printf \"name: \"; read name; while printf \"%s> \" \"$name\" && read word; do "
                              "[ \"$word\" = quit ] && exit 0; echo \"$((word * 2))\"; done'\n";

static hostsession_error send_text(hostsession *shell, const char *text) {
    return hostsession_send(shell, text, strlen(text), false);
}

/* Returns the match, or ends the program with the reason. */
static hostsession_match *wait_for(hostsession *shell, const char *pattern) {
    hostsession_match *match;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (hostsession_expect(shell, &pattern, 1, NULL, &match, &why) == HOSTSESSION_OK)
        return match;
    fprintf(stderr, "%s; it said: \"%s\"\n", why.message, hostsession_match_text(match));
    hostsession_match_free(match);
    hostsession_close(shell);
    exit(EXIT_FAILURE);
}

static void ask(hostsession *shell, const char *number) {
    send_text(shell, number);
    send_text(shell, "\n");
    hostsession_match *match = wait_for(shell, "([0-9]+)\\r?\\nAnn> ");
    size_t length;
    const char *answer = hostsession_match_group(match, 1, &length);
    printf("twice %s is %.*s\n", number, (int)length, answer);
    hostsession_match_free(match);
}

int main(void) {
    hostsession *shell;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (hostsession_open("local", NULL, &shell, &why) != HOSTSESSION_OK) {
        fprintf(stderr, "%s\n", why.message);
        return EXIT_FAILURE;
    }
    send_text(shell, program);
    hostsession_match_free(wait_for(shell, "name: "));
    send_text(shell, "Ann\n");
    hostsession_match_free(wait_for(shell, "Ann> "));
    ask(shell, "21");
    ask(shell, "300");
    send_text(shell, "quit\n");

    hostsession_result *result;
    hostsession_run(shell, "echo back in the shell", NULL, &result);
    printf("%s", hostsession_result_output(result));
    int failed = hostsession_result_status(result) != HOSTSESSION_STATUS_SUCCESS;
    hostsession_result_free(result);
    hostsession_close(shell);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
