/* SPDX-License-Identifier: MIT */
/* The library, as a program would use it. */
#include "contenders.h"

hostsession *bench_open_at(bench_contender *owner, const char *target, const hostsession_options *options) {
    hostsession *session = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (hostsession_open(target != NULL ? target : "local", options, &session, &why) != HOSTSESSION_OK)
        bench_fail(owner, "%s", why.message[0] != '\0' ? why.message : hostsession_error_name(why.error));
    return session;
}

hostsession *bench_open(bench_contender *owner, const hostsession_options *options) {
    return bench_open_at(owner, NULL, options);
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
    options.ssh = command->ssh;
    self->state = bench_open_at(self, command->target, &options);
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

/* ---- A lot of output ---- */

static bool library_bulk_start(bench_contender *self) {
    const bench_bulk *config = self->config;
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    options.mode = config->mode;
    options.max_output_bytes = config->max_output_bytes;
    options.ssh = config->ssh;
    self->state = bench_open_at(self, config->target, &options);
    return self->state != NULL;
}

static bool is_right(const bench_bulk *config, const hostsession_result *result) {
    size_t length = hostsession_result_output_bytes(result);
    if (config->max_output_bytes == HOSTSESSION_UNLIMITED)
        return bench_data_equals(config->data, hostsession_result_output(result), length);
    return hostsession_result_dropped_bytes(result) + length == config->data->length;
}

static bool library_bulk_round(bench_contender *self, unsigned count, double *metrics) {
    const bench_bulk *config = self->config;
    (void)count;
    hostsession_result *result = NULL;
    double before = bench_now();
    hostsession_error error = hostsession_run(self->state, config->data->print_command, NULL, &result);
    double seconds = bench_now() - before;
    metrics[0] = (double)config->data->length / seconds;
    metrics[1] = seconds;
    bool right = error == HOSTSESSION_OK && is_right(config, result);
    hostsession_result_free(result);
    if (error != HOSTSESSION_OK)
        return bench_fail(self, "%s", hostsession_error_name(error));
    return right || bench_fail(self, "the output is not what was printed");
}

static void library_bulk_stop(bench_contender *self) {
    hostsession_close(self->state);
    self->state = NULL;
}

const bench_kind bench_library_bulk = {library_bulk_start, library_bulk_round, library_bulk_stop};
