/* SPDX-License-Identifier: MIT */
/* The library, as a program would use it. */
#include "contenders.h"

hostsession *bench_open(bench_contender *owner, const hostsession_options *options) {
    hostsession *session = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (hostsession_open("local", options, &session, &why) != HOSTSESSION_OK)
        bench_fail(owner, "%s", why.message[0] != '\0' ? why.message : hostsession_error_name(why.error));
    return session;
}

static bool run_once(bench_contender *self, const char *text) {
    hostsession_result *result = NULL;
    hostsession_error error = hostsession_run(self->state, text, NULL, &result);
    bool done = error == HOSTSESSION_OK && hostsession_result_status(result) == HOSTSESSION_STATUS_SUCCESS;
    if (!done)
        bench_fail(self, "`%.40s`: %s", text, hostsession_error_name(error));
    hostsession_result_free(result);
    return done;
}

static bool library_start(bench_contender *self) {
    const bench_command *command = self->config;
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    options.mode = command->mode;
    options.shell = command->shell;
    self->state = bench_open(self, &options);
    return self->state != NULL && run_once(self, command->text);
}

static bool library_round(bench_contender *self, unsigned count, double *metrics) {
    const bench_command *command = self->config;
    double before = bench_now();
    for (unsigned i = 0; i < count; i++) {
        if (!run_once(self, command->text))
            return false;
    }
    metrics[0] = (bench_now() - before) / count;
    return true;
}

static void library_stop(bench_contender *self) {
    hostsession_close(self->state);
    self->state = NULL;
}

const bench_kind bench_library_command = {library_start, library_round, library_stop};
