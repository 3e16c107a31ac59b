/* SPDX-License-Identifier: MIT */
#include "driver.h"

#include "message.h"
#include "report.h"
#include "signals.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Returns false when the run is to be left at once. */
static bool handle_signals(void *userdata) {
    driver *on = userdata;
    unsigned interrupts = signals_take_interrupts();
    int termination = signals_termination();
    if (termination)
        on->leave = EXIT_SIGNAL_BASE + termination;
    else if (interrupts > 1 || (interrupts == 1 && (on->interrupted || !on->operation)))
        on->leave = EXIT_INTERRUPTED;
    else if (interrupts == 1)
        hostsession_cancel(on->operation);
    on->interrupted = on->interrupted || interrupts > 0;
    return on->leave == 0;
}

static void on_signal(void *userdata, unsigned events) {
    (void)events;
    handle_signals(userdata);
}

static void check(driver *on, const writer *out, const char *name) {
    if (!out->error || on->leave)
        return;
    /* A reader that has gone away, such as head(1), is no error to tell of. */
    on->leave = out->error == EPIPE ? EXIT_BROKEN_PIPE : EXIT_ERROR;
    if (out->error != EPIPE)
        message("cannot write to %s: %s", name, strerror(out->error));
}

void driver_check_output(driver *on) {
    check(on, &on->standard_output, "standard output");
    check(on, &on->standard_error, "standard error");
}

static void on_output(void *userdata, hostsession_stream stream, const char *bytes, size_t length) {
    driver *on = userdata;
    writer_write(stream == HOSTSESSION_STREAM_ERROR ? &on->standard_error : &on->standard_output, bytes, length);
    driver_check_output(on);
}

static void on_unsolicited(void *userdata, hostsession_stream stream, const char *bytes, size_t length) {
    (void)userdata;
    (void)stream;
    char shown[256];
    message("dropped %zu bytes that arrived between commands: %s", length,
            escape_text(shown, sizeof shown, bytes, length));
}

static void on_transcript(void *userdata, hostsession_direction direction, const char *bytes, size_t length) {
    const driver *on = userdata;
    session_log_write(on->log, direction, bytes, length);
}

static void on_log(void *userdata, hostsession_log_level level, const char *text) {
    const driver *on = userdata;
    if ((int)level <= on->options->verbosity)
        message("%s", text);
}

static bool on_question(void *userdata, const hostsession_question *question, char *answer, size_t answer_size) {
    const driver *on = userdata;
    return login_answer(&on->options->login, question, on->standard_error.wake_descriptor, answer, answer_size);
}

static void on_opened(hostsession *session, const hostsession_failure *failure, void *userdata) {
    driver *on = userdata;
    on->done = true;
    if (failure)
        on->failure = *failure;
    else
        snprintf(on->user, sizeof on->user, "%s", hostsession_get_user(session));
}

static void on_done(hostsession *session, hostsession_error error, hostsession_result *result, void *userdata) {
    driver *on = userdata;
    (void)error;
    on->done = true;
    on->operation = NULL;
    on->result = result;
    snprintf(on->user, sizeof on->user, "%s", hostsession_get_user(session));
}

static void drive(driver *on) {
    while (!on->done && !on->leave)
        if (hostsession_loop_run_once(on->loop, -1) != HOSTSESSION_OK)
            on->leave = EXIT_ERROR;
}

static bool fail(driver *on, hostsession_error error, const char *stage, const char *what, int system_errno) {
    on->failure = (hostsession_failure){.error = error, .system_errno = system_errno, .stage = stage};
    snprintf(on->failure.message, sizeof on->failure.message, "%s: %s", what, strerror(system_errno));
    return false;
}

static bool prepare(driver *on) {
    int wake_descriptor = signals_catch();
    int signals_error = errno;
    writer_init(&on->standard_output, STDOUT_FILENO, wake_descriptor, handle_signals, on);
    writer_init(&on->standard_error, STDERR_FILENO, wake_descriptor, handle_signals, on);
    if (wake_descriptor < 0)
        return fail(on, HOSTSESSION_ERROR_LIMIT, "signals", "cannot watch for signals", signals_error);
    if (hostsession_loop_new(&on->loop, &on->failure) != HOSTSESSION_OK)
        return false;
    if (hostsession_watch_new(on->loop, wake_descriptor, HOSTSESSION_WATCH_READABLE, on_signal, on,
                              &on->signal_watch) != HOSTSESSION_OK)
        return fail(on, HOSTSESSION_ERROR_NO_MEMORY, "signals", "cannot watch for signals", ENOMEM);
    return true;
}

static bool open_log(driver *on) {
    const char *path = on->options->session_log;
    on->log = session_log_open(path, on->options->target, on->standard_error.wake_descriptor, handle_signals, on);
    if (on->log)
        return true;
    char what[256];
    int why = errno;
    snprintf(what, sizeof what, "--session-log '%s': cannot write to it%s", path,
             why == ENXIO ? " (a FIFO that nobody reads?)" : "");
    return fail(on, HOSTSESSION_ERROR_INVALID, "options", what, why);
}

static hostsession_error start_session(driver *on) {
    /* Without --json the output goes out as it arrives; nobody asks for it afterwards. */
    enum { kept_without_json = 4096 };
    const run_options *options = on->options;
    hostsession_options how = HOSTSESSION_OPTIONS_INIT;
    hostsession_ssh_options ssh = HOSTSESSION_SSH_OPTIONS_INIT;
    ssh.config_file = options->config_file;
    ssh.identity_files = options->identity_files;
    ssh.settings = options->settings;
    how.ssh = &ssh;
    how.telnet = &options->telnet;
    how.expectations = options->expectation_count > 0 ? options->expectations : NULL;
    how.expectation_count = options->expectation_count;
    how.console = options->console.prompt ? &options->console : NULL;
    how.on_question = on_question;
    how.loop = on->loop;
    how.mode = options->mode;
    how.shell = options->shell;
    how.cwd = options->cwd;
    how.environment = options->environment;
    how.connect_timeout_ms = options->connect_timeout_ms;
    how.max_output_bytes = options->json ? options->max_output_bytes : kept_without_json;
    how.on_unsolicited = options->verbosity >= VERBOSE ? on_unsolicited : NULL;
    how.on_log = on_log;
    how.on_transcript = on->log ? on_transcript : NULL;
    how.recovery_timeout_ms = options->recovery_timeout_ms;
    how.userdata = on;
    return hostsession_open_start(options->target, &how, on_opened, on, &on->session, &on->failure);
}

static void close_session(driver *on) {
    hostsession *session = on->session;
    on->session = NULL;
    hostsession_close(session);
}

bool driver_open(driver *on, const run_options *options) {
    on->options = options;
    if (!prepare(on) || (options->session_log && !open_log(on)) || start_session(on) != HOSTSESSION_OK)
        return false;
    drive(on);
    if (on->done && on->failure.error == HOSTSESSION_OK)
        return true;
    close_session(on);
    return false;
}

bool driver_run(driver *on, const char *command, int64_t timeout_ms) {
    const run_options *options = on->options;
    hostsession_run_options how = HOSTSESSION_RUN_OPTIONS_INIT;
    how.timeout_ms = timeout_ms;
    how.expectations = options->expectation_count > 0 ? options->expectations : NULL;
    how.expectation_count = options->expectation_count;
    how.on_output = options->json ? NULL : on_output;
    how.userdata = on;
    on->done = false;
    on->failure = (hostsession_failure)HOSTSESSION_FAILURE_INIT;
    if (hostsession_run_start(on->session, command, &how, on_done, on, &on->operation, &on->failure) != HOSTSESSION_OK)
        return false;
    drive(on);
    /* This brings the command to its end, and its result. */
    if (!on->done)
        close_session(on);
    return true;
}

bool driver_wait_readable(driver *on, int descriptor) {
    struct pollfd watched[] = {
        {.fd = descriptor, .events = POLLIN},
        {.fd = hostsession_loop_descriptor(on->loop), .events = POLLIN},
    };
    int64_t timeout_ms = hostsession_loop_timeout_ms(on->loop);
    int ready = poll(watched, 2, timeout_ms > INT_MAX ? INT_MAX : (int)timeout_ms);
    hostsession_loop_dispatch(on->loop);
    return ready > 0 && watched[0].revents && !on->leave;
}

void driver_close(driver *on) {
    close_session(on);
    int error = session_log_close(on->log);
    on->log = NULL;
    if (error) {
        message("--session-log '%s': it is not whole: %s", on->options->session_log, strerror(error));
        on->log_failed = true;
    }
    hostsession_watch_free(on->signal_watch);
    hostsession_loop_free(on->loop);
}
