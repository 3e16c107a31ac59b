/* SPDX-License-Identifier: MIT */
#include "plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const hostsession_expectation answers[] = {{.pattern = "name: $", .response = "soak\r"}};

__attribute__((format(printf, 2, 3))) static void set_command(plan *p, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(p->command, sizeof p->command, format, arguments);
    va_end(arguments);
}

static void stop_by(plan *p, hostsession_status status, unsigned number) {
    set_command(p, "printf 'begun %u'; sleep 600", number);
    p->status = status;
    p->exit_status = -1;
}

void plan_make(plan *p, plan_kind kind, unsigned number, int *counter) {
    bool pipes = p->pipes;
    bool remote = p->remote;
    if (kind == PLAN_ANSWER && pipes)
        kind = PLAN_TEXT;
    *p = (plan){.kind = kind, .pipes = pipes, .remote = remote, .status = HOSTSESSION_STATUS_SUCCESS};
    p->options = (hostsession_run_options)HOSTSESSION_RUN_OPTIONS_INIT;
    snprintf(p->output, sizeof p->output, "begun %u", number);
    switch (kind) {
    case PLAN_LARGE:
        p->output_bytes = 1 + number % 300000;
        set_command(p, "printf '%%%zus' ''", p->output_bytes);
        strcpy(p->output, " ");
        break;
    case PLAN_STATUS:
        p->exit_status = (int)(number % 255) + 1;
        p->status = HOSTSESSION_STATUS_FAILED;
        set_command(p, "printf 'begun %u'; (exit %d)", number, p->exit_status);
        break;
    case PLAN_STATE:
        set_command(p, "counter=$((counter + 1)); echo $counter");
        snprintf(p->output, sizeof p->output, "%d\n", ++*counter);
        break;
    case PLAN_PROGRAM:
        set_command(p, "/bin/echo begun %u | cat", number);
        strcat(p->output, "\n");
        break;
    case PLAN_ANSWER:
        set_command(p, "printf 'name: '; read -r name; printf '[%%s]' \"$name\"");
        strcpy(p->output, "name: [soak]");
        p->options.expectations = answers;
        p->options.expectation_count = 1;
        break;
    case PLAN_TIMEOUT:
        stop_by(p, HOSTSESSION_STATUS_TIMED_OUT, number);
        p->options.timeout_ms = 1 + number % 400;
        break;
    case PLAN_CANCEL:
        stop_by(p, HOSTSESSION_STATUS_INTERRUPTED, number);
        break;
    case PLAN_CLOSE:
        stop_by(p, HOSTSESSION_STATUS_ERROR, number);
        break;
    case PLAN_EXIT:
        p->exit_status = (int)(number % 256);
        p->status = HOSTSESSION_STATUS_SHELL_EXITED;
        set_command(p, "printf 'begun %u'; exit %d", number, p->exit_status);
        break;
    case PLAN_KILL:
        p->status = HOSTSESSION_STATUS_SHELL_EXITED;
        p->exit_status = remote ? -1 : 137;
        set_command(p, "printf 'begun %u'; kill -9 $$", number);
        break;
    default:
        set_command(p, "printf 'begun %u'", number);
        break;
    }
    if (p->output_bytes == 0)
        p->output_bytes = strlen(p->output);
}

static bool check_output(const plan *p, const hostsession_result *result) {
    const char *text = hostsession_result_output(result);
    size_t length = hostsession_result_output_bytes(result);
    size_t shown = strlen(p->output);
    bool stopped = p->status == HOSTSESSION_STATUS_TIMED_OUT || p->status == HOSTSESSION_STATUS_INTERRUPTED;
    /* It may have been stopped before it printed, and in the middle of it. */
    if (stopped)
        return length <= shown && memcmp(text, p->output, length) == 0;
    if (length != p->output_bytes || memcmp(text, p->output, shown) != 0)
        return false;
    for (size_t i = shown; i < length; i++)
        if (text[i] != p->output[shown - 1])
            return false;
    return true;
}

bool plan_check(const plan *p, hostsession_error error, const hostsession_result *result, char *why, size_t why_size) {
    hostsession_status status = hostsession_result_status(result);
    int exit_status = hostsession_result_exit_status(result);
    bool gone = p->status == HOSTSESSION_STATUS_SHELL_EXITED;
    bool right = status == p->status && hostsession_result_session_alive(result) == !gone && check_output(p, result) &&
                 (p->exit_status < 0 || exit_status == p->exit_status);
    if (right)
        return true;
    snprintf(why, why_size, "error %d, status %d, exit %d, %zu bytes \"%.40s\", %s", (int)error, (int)status,
             exit_status, hostsession_result_output_bytes(result), hostsession_result_output(result),
             hostsession_result_failure(result)->message);
    return false;
}
