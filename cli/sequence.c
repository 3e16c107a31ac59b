/* SPDX-License-Identifier: MIT */
#include "sequence.h"

#include "driver.h"
#include "message.h"
#include "report.h"

#include <errno.h>
#include <string.h>

typedef struct sequence {
    const run_options *options;
    reader *commands;
    driver driver;
    size_t index;
    uint64_t spent_us;
    /* The rest is skipped. */
    bool stopped;
    int exit_status;
} sequence;

static report new_report(const sequence *run, const char *command, size_t length) {
    report about = REPORT_INIT;
    const driver *on = &run->driver;
    about.target = run->options->target;
    about.index = run->index;
    about.command = command;
    about.command_bytes = length;
    about.user = on->user;
    about.error_output = run->options->mode == HOSTSESSION_MODE_PIPE ? "" : NULL;
    if (on->session) {
        about.session_alive = hostsession_get_state(on->session) != HOSTSESSION_ENDED;
        about.cwd = hostsession_get_cwd(on->session);
    }
    return about;
}

/* The first that is not 0 counts. */
static void note_exit_status(sequence *run, int exit_status) {
    if (run->exit_status == 0)
        run->exit_status = exit_status;
}

static void write_json(sequence *run, const report *about) {
    if (!run->options->json)
        return;
    report_write_json(about, &run->driver.standard_output);
    driver_check_output(&run->driver);
}

static void tell(const sequence *run, const report *about) {
    const run_options *options = run->options;
    /* The rest of the commands has none: it is told as one. */
    bool has_reason = about->failure && about->failure->error != HOSTSESSION_OK;
    bool unremarkable = about->status == HOSTSESSION_STATUS_SUCCESS ||
                        (about->status == HOSTSESSION_STATUS_SKIPPED && !has_reason) ||
                        (about->status == HOSTSESSION_STATUS_SHELL_EXITED && about->exit_status == 0);
    if (!run->driver.leave && options->verbosity >= (options->json || unremarkable ? VERBOSE : NORMAL))
        report_tell(about);
}

/* Report a command, and decide whether the next one may run. */
static void conclude(sequence *run, const report *about) {
    write_json(run, about);
    tell(run, about);
    note_exit_status(run, report_exit_status(about));
    bool success = about->status == HOSTSESSION_STATUS_SUCCESS;
    if ((!success && !run->options->keep_going) || !about->session_alive || run->driver.interrupted)
        run->stopped = true;
    run->index++;
}

static int64_t budget_left_ms(const sequence *run) {
    if (run->options->budget_ms == 0)
        return INT64_MAX;
    return run->options->budget_ms - (int64_t)(run->spent_us / 1000);
}

static int64_t timeout_ms(const sequence *run) {
    int64_t timeout = run->options->timeout_ms;
    int64_t left = budget_left_ms(run);
    if (left != INT64_MAX && (timeout == 0 || left < timeout))
        return left;
    return timeout;
}

static void refuse(sequence *run, const char *command, size_t length, const hostsession_failure *failure) {
    report about = new_report(run, command, length);
    about.status = HOSTSESSION_STATUS_ERROR;
    about.failure = failure;
    conclude(run, &about);
}

static void announce(const sequence *run, const char *command, size_t length) {
    if (run->options->verbosity < VERBOSE)
        return;
    char text[256];
    message("command %zu: %s", run->index + 1, escape_text(text, sizeof text, command, length));
}

static void run_one(sequence *run, const char *command, size_t length) {
    driver *on = &run->driver;
    if (memchr(command, 0, length)) {
        hostsession_failure failure = {HOSTSESSION_ERROR_INVALID, 0, "command",
                                       "the command holds a NUL byte, which no shell takes: remove it, or use -0 if "
                                       "NUL separates the commands"};
        refuse(run, command, length, &failure);
        return;
    }
    announce(run, command, length);
    if (!driver_run(on, command, timeout_ms(run))) {
        refuse(run, command, length, &on->failure);
        return;
    }
    report about = new_report(run, command, length);
    report_set_result(&about, on->result);
    run->spent_us += about.duration_us;
    conclude(run, &about);
    hostsession_result_free(on->result);
    on->result = NULL;
}

static void tell_unreadable(sequence *run) {
    const char *file = run->options->file;
    if (run->commands->error == EFBIG)
        message("a command in '%s' is longer than %d bytes", file, reader_command_limit);
    else
        message("cannot read commands from '%s': %s", file, strerror(run->commands->error));
    note_exit_status(run, EXIT_ERROR);
}

static void run_commands(sequence *run) {
    driver *on = &run->driver;
    char *command;
    size_t length;
    while (!run->stopped && !on->leave && budget_left_ms(run) > 0) {
        reader_answer answer = reader_next(run->commands, &command, &length);
        if (answer == READER_COMMAND)
            run_one(run, command, length);
        else if (answer == READER_FAILED)
            tell_unreadable(run);
        else if (answer == READER_WAIT && driver_wait_readable(on, run->commands->descriptor))
            reader_fill(run->commands);
        if (answer == READER_FAILED || answer == READER_END)
            return;
    }
}

static void skip_rest(sequence *run) {
    char *command;
    size_t length;
    size_t first = run->index;
    reader_finish(run->commands);
    while (!run->driver.standard_output.error && reader_next(run->commands, &command, &length) == READER_COMMAND) {
        report about = new_report(run, command, length);
        if (budget_left_ms(run) <= 0)
            note_exit_status(run, EXIT_TIMED_OUT);
        conclude(run, &about);
    }
    size_t skipped = run->index - first;
    if (skipped > 0 && !run->options->json && run->options->verbosity >= NORMAL)
        message("%zu more command%s skipped", skipped, skipped == 1 ? " was" : "s were");
}

/* The first command takes the blame, so that who waits for its answer gets one. */
static void report_unopened(sequence *run) {
    const driver *on = &run->driver;
    char *command = NULL;
    size_t length = 0;
    reader_finish(run->commands);
    if (reader_next(run->commands, &command, &length) != READER_COMMAND)
        command = NULL;
    report about = new_report(run, command, length);
    about.status = on->leave ? HOSTSESSION_STATUS_INTERRUPTED : HOSTSESSION_STATUS_ERROR;
    about.failure = &on->failure;
    if (!on->leave)
        message("%s", on->failure.message);
    write_json(run, &about);
    note_exit_status(run, report_exit_status(&about));
    run->index++;
}

int sequence_run(const run_options *options, reader *commands) {
    sequence run = {.options = options, .commands = commands};
    if (driver_open(&run.driver, options))
        run_commands(&run);
    else
        report_unopened(&run);
    skip_rest(&run);
    driver_close(&run.driver);
    if (run.driver.log_failed)
        note_exit_status(&run, EXIT_ERROR);
    if (run.driver.leave)
        return run.driver.leave;
    return run.driver.interrupted ? EXIT_INTERRUPTED : run.exit_status;
}
