/* SPDX-License-Identifier: MIT */
#include "farm.h"

#include <string.h>

/* ---- the host ---- */

static void release_all(farm *f) {
    for (int i = 0; i < f->opened; i++)
        memory_hold(f->peers[i], false);
}

static hostsession_error open_session(void *userdata, const char *name, const hostsession_options *options,
                                      hostsession_open_fn done, void *done_userdata, hostsession **ret_session,
                                      hostsession_failure *failure) {
    farm *f = userdata;
    assert_true(f->opened < farm_most);
    memory *m = memory_new(f->opened >= f->change_at ? &f->changed : &f->peer);
    f->names[f->opened] = name;
    f->peers[f->opened++] = m;
    hostsession_options mine = *options;
    const hostsession_options from = memory_session(m, options->loop);
    mine.transport = from.transport;
    mine.transport_data = from.transport_data;
    mine.mode = from.mode;
    if (f->opened < f->barrier)
        memory_hold(m, true);
    hostsession_error error = hostsession_open_start("peer", &mine, done, done_userdata, ret_session, failure);
    if (f->opened == f->barrier)
        release_all(f);
    return error;
}

static void log_command(void *userdata, const char *name, const char *command) {
    farm *f = userdata;
    text_printf(&f->log, "%s> %s\n", name ? name : "-", command ? command : "***");
}

static void log_output(void *userdata, const char *name, hostsession_stream stream, const char *line, size_t length) {
    farm *f = userdata;
    text_printf(&f->log, "%s%s ", name ? name : "-", stream == HOSTSESSION_STREAM_ERROR ? "!" : ":");
    text_append(&f->log, line, length);
    text_add(&f->log, "\n");
}

void farm_init(farm *f) {
    memset(f, 0, sizeof *f);
    f->limits = (hostsession_limits)HOSTSESSION_LIMITS_INIT;
    f->session = (hostsession_options)HOSTSESSION_OPTIONS_INIT;
    f->change_at = farm_most;
    f->peer.open_later = true;
}

hostsession_manager_options farm_options(farm *f) {
    hostsession_manager_options options = HOSTSESSION_MANAGER_OPTIONS_INIT;
    options.loop = f->loop;
    options.session = &f->session;
    options.limits = &f->limits;
    options.log_command = log_command;
    options.log_output = log_output;
    options.session_factory = open_session;
    options.userdata = f;
    return options;
}

void farm_start(farm *f, bool own_loop) {
    f->loop = own_loop ? NULL : new_loop();
    hostsession_manager_options options = farm_options(f);
    f->manager = new_manager("farm", &options);
}

void farm_end(farm *f) {
    hostsession_manager_free(f->manager);
    if (f->loop)
        drive_idle(f->loop);
    for (int i = 0; i < f->opened; i++) {
        check_released(f->peers[i]);
        memory_free(f->peers[i]);
    }
    hostsession_loop_free(f->loop);
    text_free(&f->log);
}

/* ---- requests ---- */

static void note(ending *e, const hostsession_failure *failure) {
    e->calls++;
    e->error = failure ? failure->error : HOSTSESSION_OK;
    if (failure)
        e->failure = *failure;
    if (e->act)
        e->act(e->data);
}

void on_open(hostsession_manager *manager, hostsession_named *named, const hostsession_failure *failure,
             void *userdata) {
    (void)manager;
    ending *e = userdata;
    assert_true((named != NULL) == (failure == NULL));
    e->named = named;
    note(e, failure);
}

void on_run(hostsession_named *named, hostsession_error error, hostsession_results *results, void *userdata) {
    ending *e = userdata;
    assert_non_null(hostsession_named_name(named));
    assert_non_null(results);
    e->results = results;
    hostsession_failure why = {error, 0, "", ""};
    note(e, error ? &why : NULL);
}

void on_send(hostsession_named *named, const hostsession_failure *failure, void *userdata) {
    assert_non_null(hostsession_named_name(named));
    note(userdata, failure);
}

void on_expect(hostsession_named *named, const hostsession_failure *failure, hostsession_match *match, void *userdata) {
    ending *e = userdata;
    assert_non_null(hostsession_named_name(named));
    e->match = match;
    note(e, failure);
}

void on_oneshot(hostsession_error error, hostsession_result *result, void *userdata) {
    ending *e = userdata;
    e->result = result;
    hostsession_failure why = *hostsession_result_failure(result);
    note(e, error ? &why : NULL);
    e->error = error;
}

void ending_free(ending *e) {
    hostsession_named_release(e->named);
    hostsession_results_free(e->results);
    hostsession_result_free(e->result);
    hostsession_match_free(e->match);
    *e = (ending){0};
}

hostsession_request *begin_open(hostsession_manager *manager, const char *name, ending *e) {
    hostsession_request *request = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (hostsession_manager_open_start(manager, name, on_open, e, &request, &why) != HOSTSESSION_OK)
        fail_msg("%s", why.message);
    assert_non_null(request);
    return request;
}

hostsession_request *begin_run(hostsession_named *named, const char *command, ending *e) {
    hostsession_request *request = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    hostsession_sequence_options options = HOSTSESSION_SEQUENCE_OPTIONS_INIT;
    options.timeout_ms = -1;
    const hostsession_command one = {.text = command};
    if (hostsession_named_run_start(named, &one, 1, &options, on_run, e, &request, &why) != HOSTSESSION_OK)
        fail_msg("%s", why.message);
    assert_non_null(request);
    return request;
}

hostsession_request *begin_oneshot(hostsession_manager *manager, const char *command, int64_t timeout_ms, ending *e) {
    hostsession_request *request = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    options.timeout_ms = timeout_ms;
    if (hostsession_manager_oneshot_start(manager, command, &options, on_oneshot, e, &request, &why) != HOSTSESSION_OK)
        fail_msg("%s", why.message);
    assert_non_null(request);
    return request;
}

/* ---- blocking ---- */

hostsession_manager *new_manager(const char *target, const hostsession_manager_options *options) {
    hostsession_manager *manager = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (hostsession_manager_new(target, options, &manager, &why) != HOSTSESSION_OK)
        fail_msg("%s", why.message);
    assert_non_null(manager);
    return manager;
}

hostsession_named *open_named(hostsession_manager *manager, const char *name) {
    hostsession_named *named = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (hostsession_manager_open(manager, name, &named, &why) != HOSTSESSION_OK)
        fail_msg("%s: %s", name, why.message);
    assert_true(hostsession_named_alive(named));
    return named;
}

void check_named_run(hostsession_named *named, const char *command, const char *output, int exit_status) {
    const hostsession_command one = {.text = command};
    hostsession_results *results = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (hostsession_named_run(named, &one, 1, NULL, &results, &why) != HOSTSESSION_OK)
        fail_msg("%s: %s", command, why.message);
    check_result(hostsession_results_at(results, 0),
                 exit_status ? HOSTSESSION_STATUS_FAILED : HOSTSESSION_STATUS_SUCCESS, exit_status, output);
    hostsession_results_free(results);
}

void check_oneshot(hostsession_manager *manager, const char *command, const char *output, int exit_status) {
    hostsession_result *result = NULL;
    if (hostsession_manager_oneshot(manager, command, NULL, &result) != HOSTSESSION_OK)
        fail_msg("%s: %s", command, hostsession_result_failure(result)->message);
    check_result(result, exit_status ? HOSTSESSION_STATUS_FAILED : HOSTSESSION_STATUS_SUCCESS, exit_status, output);
    hostsession_result_free(result);
}
