/* SPDX-License-Identifier: MIT */
#include "caller.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char folder[256];

int caller_cases_run(const char *group, const api_case *cases, size_t count) {
    text missing = {0};
    if (!telnet_server_available(false, &missing) || !folder_make_temporary(folder, "hostsession-telnet")) {
        printf("1..0 # SKIP %s\n", text_data(&missing));
        text_free(&missing);
        return 0;
    }
    int failed = cases_run(group, cases, count);
    folder_remove(folder);
    text_free(&missing);
    return failed;
}

telnet_server *serve(const char *script) {
    char path[300];
    text why = {0};
    assert_true(folder[0] != 0);
    snprintf(path, sizeof path, "%s/login", folder);
    if (script) {
        if (!file_write(path, script, strlen(script)))
            fail_msg("%s: %s", path, strerror(errno));
        assert_int_equal(chmod(path, 0755), 0);
    }
    telnet_server *s = telnet_server_start(script ? path : NULL, &why);
    if (!s)
        fail_msg("%s", text_data(&why));
    text_free(&why);
    return s;
}

static bool on_question(void *userdata, const hostsession_question *question, char *answer, size_t size) {
    caller *c = userdata;
    c->asked++;
    assert_int_equal(question->kind, HOSTSESSION_QUESTION_PASSWORD);
    assert_string_equal(question->target, "127.0.0.1");
    assert_int_equal(question->attempt, c->asked);
    if (c->answer)
        snprintf(answer, size, "%s", c->answer);
    return c->answer != NULL;
}

static void on_transcript(void *userdata, hostsession_direction direction, const char *data, size_t length) {
    caller *c = userdata;
    (void)direction;
    text_append(&c->transcript, data, length);
}

void caller_init(caller *c) {
    *c = (caller){.options = HOSTSESSION_OPTIONS_INIT, .telnet = HOSTSESSION_TELNET_OPTIONS_INIT};
    c->options.connect_timeout_ms = patience_ms;
    c->options.on_question = on_question;
    c->options.on_transcript = on_transcript;
    c->options.userdata = c;
    c->options.telnet = &c->telnet;
}

void caller_free(caller *c) {
    text_free(&c->transcript);
}

const char *address(const char *user, unsigned port) {
    static char target[256];
    snprintf(target, sizeof target, "telnet://%s%s127.0.0.1:%u", user ? user : "", user ? "@" : "", port);
    return target;
}

hostsession *call(caller *c, const char *target) {
    hostsession *session = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (hostsession_open(target, &c->options, &session, &why) != HOSTSESSION_OK)
        fail_msg("%s", why.message);
    return session;
}

void refused(caller *c, const char *target, hostsession_error error, const char *part) {
    hostsession *session = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    hostsession_error got = hostsession_open(target, &c->options, &session, &why);
    assert_null(session);
    if (got != error || !strstr(why.message, part))
        fail_msg("%s: %s; wanted %s with \"%s\"", hostsession_error_name(got), why.message,
                 hostsession_error_name(error), part);
}
