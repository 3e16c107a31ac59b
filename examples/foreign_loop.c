/* SPDX-License-Identifier: MIT */
/* Sessions inside a loop that the program already has; here it is poll().  Two shells count at the same time, while the
 * program watches standard input, too. */
#include <hostsession/hostsession.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

enum { shells = 2 };

typedef struct job {
    hostsession *session;
    int number;
    int *running;
    int *failures;
} job;

static void show_line(void *userdata, hostsession_stream stream, const char *line, size_t length) {
    const job *of = userdata;
    (void)stream;
    printf("shell %d: %.*s\n", of->number, (int)length, line);
}

static void ended(hostsession *session, hostsession_error error, hostsession_result *result, void *userdata) {
    job *of = userdata;
    (void)session;
    if (error != HOSTSESSION_OK || hostsession_result_exit_status(result) != of->number)
        ++*of->failures;
    printf("shell %d: exit status %d\n", of->number, hostsession_result_exit_status(result));
    hostsession_result_free(result);
    --*of->running;
}

static void opened(hostsession *session, const hostsession_failure *failure, void *userdata) {
    job *of = userdata;
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.on_line = show_line;
    options.userdata = of;
    char command[80];
    snprintf(command, sizeof command, "for n in 1 2 3; do echo $n; done; (exit %d)", of->number);

    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (!failure && hostsession_run_start(session, command, &options, ended, of, NULL, &why) == HOSTSESSION_OK)
        return;
    fprintf(stderr, "shell %d: %s\n", of->number, failure ? failure->message : why.message);
    ++*of->failures;
    --*of->running;
}

static void read_input(struct pollfd *input) {
    char line[256];
    if (!fgets(line, sizeof line, stdin)) {
        input->fd = -1;
        return;
    }
    printf("input: %s", line);
}

/* The program's own loop.  Only three of the library's functions are in it. */
static void drive(hostsession_loop *loop, const int *running) {
    struct pollfd watched[] = {
        {.fd = hostsession_loop_descriptor(loop), .events = POLLIN},
        {.fd = 0, .events = POLLIN},
    };
    while (*running > 0) {
        int64_t timeout_ms = hostsession_loop_timeout_ms(loop);
        if (poll(watched, 2, timeout_ms > INT_MAX ? INT_MAX : (int)timeout_ms) < 0)
            return;
        if (watched[1].revents)
            read_input(&watched[1]);
        hostsession_loop_dispatch(loop);
    }
}

int main(void) {
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    if (hostsession_loop_new(&options.loop, &why) != HOSTSESSION_OK) {
        fprintf(stderr, "%s\n", why.message);
        return EXIT_FAILURE;
    }
    int running = 0;
    int failures = 0;
    job jobs[shells];
    for (int i = 0; i < shells; i++) {
        jobs[i] = (job){NULL, i + 1, &running, &failures};
        if (hostsession_open_start("local", &options, opened, &jobs[i], &jobs[i].session, &why) == HOSTSESSION_OK)
            running++;
        else
            failures++;
    }
    drive(options.loop, &running);
    for (int i = 0; i < shells; i++)
        hostsession_close(jobs[i].session);
    hostsession_loop_free(options.loop);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
