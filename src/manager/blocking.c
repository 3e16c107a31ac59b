/* SPDX-License-Identifier: MIT */
/* The blocking forms: start, then drive the manager's loop until done. */
#include "manager/private.h"

#include "base/failure.h"
#include "session/results.h"

typedef struct answer {
    bool done;
    hostsession_error error;
    hostsession_failure failure;
    hostsession_named *named;
    hostsession_results *results;
    hostsession_match *match;
    hostsession_result *result;
} answer;

static void note(answer *a, const hostsession_failure *failure) {
    a->done = true;
    a->error = failure ? failure->error : HOSTSESSION_OK;
    if (failure)
        a->failure = *failure;
}

static hostsession_error conclude(const answer *a, hostsession_failure *failure) {
    if (a->error && failure)
        *failure = a->failure;
    return a->error;
}

/* ---- of the manager ---- */

static void on_opened(hostsession_manager *m, hostsession_named *named, const hostsession_failure *failure,
                      void *userdata) {
    (void)m;
    answer *a = userdata;
    a->named = named;
    note(a, failure);
}

hostsession_error hostsession_manager_open(hostsession_manager *m, const char *name, hostsession_named **ret_named,
                                           hostsession_failure *failure) {
    answer a = {.done = false};
    *ret_named = NULL;
    hostsession_error error = manager_check_blocking(m, failure);
    if (!error)
        error = hostsession_manager_open_start(m, name, on_opened, &a, NULL, failure);
    if (error)
        return error;
    manager_drive(m, &a.done);
    *ret_named = a.named;
    return conclude(&a, failure);
}

static void on_oneshot_done(hostsession_error error, hostsession_result *result, void *userdata) {
    answer *a = userdata;
    a->result = result;
    a->error = error;
    a->done = true;
}

hostsession_error hostsession_manager_oneshot(hostsession_manager *m, const char *command,
                                              const hostsession_run_options *options, hostsession_result **ret_result) {
    answer a = {.done = false};
    hostsession_failure why;
    *ret_result = NULL;
    hostsession_error error = manager_check_blocking(m, &why);
    if (!error)
        error = hostsession_manager_oneshot_start(m, command, options, on_oneshot_done, &a, NULL, &why);
    if (!error) {
        manager_drive(m, &a.done);
        *ret_result = a.result;
        return a.error;
    }
    /* So that the reason is not lost. */
    if (error != HOSTSESSION_ERROR_NO_MEMORY && (*ret_result = result_new(0)) != NULL) {
        (*ret_result)->status =
            error == HOSTSESSION_ERROR_CLOSED ? HOSTSESSION_STATUS_SKIPPED : HOSTSESSION_STATUS_ERROR;
        (*ret_result)->failure = why;
    }
    return error;
}

/* ---- of a handle, which may be closed while the loop is driven ---- */

/* Both stay until leave().  What came since the last call belongs to no command: it is taken first. */
static hostsession_error enter(hostsession_named *named, hostsession_manager **ret, hostsession_failure *failure) {
    hostsession_manager *m = named->standard_of ? named->standard_of : named->entry->manager;
    hostsession_error error = m ? manager_check_blocking(m, failure) : HOSTSESSION_OK;
    if (error)
        return error;
    named->users++;
    *ret = m;
    if (m) {
        m->users++;
        hostsession_loop_dispatch(m->loop);
    }
    return HOSTSESSION_OK;
}

static void leave(hostsession_named *named, hostsession_manager *m) {
    named_leave(named);
    if (m) {
        manager_settle(m);
        manager_leave(m);
    }
}

static void on_ran(hostsession_named *named, hostsession_error error, hostsession_results *results, void *userdata) {
    (void)named;
    answer *a = userdata;
    a->results = results;
    a->error = error;
    a->done = true;
}

/* The results of commands that were not run, each told to on_result.  `m` NULL: the manager is gone. */
static hostsession_results *refuse(const hostsession_manager *m, const hostsession_command *commands, size_t count,
                                   const hostsession_sequence_options *options, const hostsession_failure *why) {
    sequence *q;
    if (sequence_new(commands, count, options, 0, &q, NULL) != HOSTSESSION_OK)
        return NULL;
    if (m)
        loop_guard_enter(m->loop);
    hostsession_results *results = sequence_refuse(q, why);
    if (m)
        loop_guard_leave(m->loop);
    return results;
}

hostsession_error hostsession_named_run(hostsession_named *named, const hostsession_command *commands, size_t count,
                                        const hostsession_sequence_options *options, hostsession_results **ret_results,
                                        hostsession_failure *failure) {
    answer a = {.done = false};
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    hostsession_manager *m;
    *ret_results = NULL;
    hostsession_error error = enter(named, &m, &why);
    if (error) {
        if (failure)
            *failure = why;
        return error;
    }
    error = hostsession_named_run_start(named, commands, count, options, on_ran, &a, NULL, &why);
    if (!error) {
        manager_drive(m, &a.done);
        *ret_results = a.results;
        error = a.error;
        results_find_failure(a.results, error, &why);
    } else if (error == HOSTSESSION_ERROR_CLOSED) {
        *ret_results = refuse(m, commands, count, options, &why);
    }
    leave(named, m);
    if (error && failure)
        *failure = why;
    return error;
}

static void on_sent(hostsession_named *named, const hostsession_failure *failure, void *userdata) {
    (void)named;
    note(userdata, failure);
}

hostsession_error hostsession_named_send(hostsession_named *named, const char *data, size_t length, bool secret,
                                         hostsession_failure *failure) {
    answer a = {.done = false};
    hostsession_manager *m;
    hostsession_error error = enter(named, &m, failure);
    if (error)
        return error;
    error = hostsession_named_send_start(named, data, length, secret, on_sent, &a, NULL, failure);
    if (!error) {
        manager_drive(m, &a.done);
        error = conclude(&a, failure);
    }
    leave(named, m);
    return error;
}

static void on_expected(hostsession_named *named, const hostsession_failure *failure, hostsession_match *match,
                        void *userdata) {
    (void)named;
    answer *a = userdata;
    a->match = match;
    note(a, failure);
}

hostsession_error hostsession_named_expect(hostsession_named *named, const char *const *patterns, size_t pattern_count,
                                           const hostsession_expect_options *options, hostsession_match **ret_match,
                                           hostsession_failure *failure) {
    answer a = {.done = false};
    hostsession_manager *m;
    *ret_match = NULL;
    hostsession_error error = enter(named, &m, failure);
    if (error)
        return error;
    error = hostsession_named_expect_start(named, patterns, pattern_count, options, on_expected, &a, NULL, failure);
    if (!error) {
        manager_drive(m, &a.done);
        *ret_match = a.match;
        error = conclude(&a, failure);
    }
    leave(named, m);
    return error;
}
