/* SPDX-License-Identifier: MIT */
/* Descriptors that are used up, whichever is the last: that is named, and nothing is left open. */
#include "visit.h"

#include "integration/manager/farm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { most_spare = 60 };

static rlim_t before;

static void limit(rlim_t most) {
    struct rlimit set;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &set), 0);
    set.rlim_cur = most;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &set), 0);
}

static void note_limit(void) {
    struct rlimit set;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &set), 0);
    before = set.rlim_cur;
}

/* The lowest descriptor that is free now. */
static rlim_t first_free(void) {
    int descriptor = dup(STDIN_FILENO);
    assert_true(descriptor >= 0);
    rlim_t number = (rlim_t)descriptor;
    close(descriptor);
    return number;
}

/* `try` with no descriptor to spare, one, two, ... until it succeeds twice.  `warm`: a session was there before, so
 * that the library is loaded and ssh_config read, and the connection is what lacks one. */
static void sweep(bool warm, const char *setting, hostsession_error (*try)(visit *v, hostsession_failure *why)) {
    int right = 0;
    note_limit();
    for (int spare = 0; right < 2; spare++) {
        visit v;
        hostsession_failure why = HOSTSESSION_FAILURE_INIT;
        hostsession_loop *loop = new_loop();
        assert_true(spare < most_spare);
        visit_init(&v, loop, ssh_server_config(visit_server));
        if (setting)
            visit_set(&v, "%s", setting);
        if (warm)
            hostsession_close(visit_open(&v, "test-bash"));
        limit(first_free() + (rlim_t)spare);
        hostsession_error error = try(&v, &why);
        limit(before);
        right = error ? 0 : right + 1;
        if (error && (error != HOSTSESSION_ERROR_LIMIT || !strstr(why.message, "ulimit -n")))
            fail_msg("spare %d: %s: %s", spare, hostsession_error_name(error), why.message);
        hostsession_loop_free(loop);
        visit_free(&v);
    }
}

static hostsession_error try_session(visit *v, hostsession_failure *why) {
    hostsession *session = NULL;
    hostsession_error error = hostsession_open("test-bash", &v->options, &session, why);
    if (!error)
        check_run(session, "echo in", "in\n", 0);
    hostsession_close(session);
    return error;
}

static void straight(void **state) {
    (void)state;
    sweep(false, NULL, try_session);
    sweep(true, NULL, try_session);
}

static void through_another(void **state) {
    (void)state;
    sweep(true, "ProxyJump=test-dash", try_session);
}

static void through_a_program(void **state) {
    (void)state;
    const char *proxy = make_file("proxy", "exec 3<>/dev/tcp/$1/$2; cat <&3 & cat >&3; kill $!\n");
    sweep(true, keep("ProxyCommand=bash %s %%h %%p", proxy), try_session);
}

static hostsession_error try_oneshot_at(const char *target, visit *v, hostsession_failure *why) {
    hostsession_manager_options options = HOSTSESSION_MANAGER_OPTIONS_INIT;
    hostsession_result *result = NULL;
    options.loop = v->options.loop;
    options.session = &v->options;
    hostsession_manager *manager = NULL;
    hostsession_error error = hostsession_manager_new(target, &options, &manager, why);
    if (error)
        return error;
    error = hostsession_manager_oneshot(manager, "echo out", NULL, &result);
    check_result(result, error ? HOSTSESSION_STATUS_ERROR : HOSTSESSION_STATUS_SUCCESS, error ? -1 : 0,
                 error ? "" : "out\n");
    *why = *hostsession_result_failure(result);
    hostsession_result_free(result);
    hostsession_manager_free(manager);
    return error;
}

static hostsession_error try_oneshot(visit *v, hostsession_failure *why) {
    return try_oneshot_at("test-bash", v, why);
}

static hostsession_error try_local_oneshot(visit *v, hostsession_failure *why) {
    return try_oneshot_at("local", v, why);
}

static void oneshots(void **state) {
    (void)state;
    sweep(true, NULL, try_oneshot);
}

static void local_oneshots(void **state) {
    (void)state;
    sweep(false, NULL, try_local_oneshot);
}

static const api_case cases[] = {
    CASE(straight), CASE(through_another), CASE(through_a_program), CASE(oneshots), CASE(local_oneshots),
};
VISIT_MAIN("ssh-limits", NULL, cases)
