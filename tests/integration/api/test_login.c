/* SPDX-License-Identifier: MIT */
/* What stands before a shell: prompts that are answered while a session opens. */
#include "cases.h"

#include "support/users.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static test_user user;

typedef struct way_in {
    hostsession_expectation expected;
    hostsession_options options;
    text transcript;
} way_in;

static void on_transcript(void *userdata, hostsession_direction direction, const char *data, size_t length) {
    way_in *w = userdata;
    (void)direction;
    text_append(&w->transcript, data, length);
}

static void prepare(way_in *w, const char *pattern, const char *response, unsigned flags) {
    *w = (way_in){.expected = {pattern, response, flags, 1}, .options = HOSTSESSION_OPTIONS_INIT};
    w->options.expectations = &w->expected;
    w->options.expectation_count = 1;
    w->options.connect_timeout_ms = 30000;
    w->options.on_transcript = on_transcript;
    w->options.userdata = w;
}

static hostsession *open_way(way_in *w, const char *target) {
    hostsession *session = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (hostsession_open(target, &w->options, &session, &why) != HOSTSESSION_OK)
        fail_msg("%s", why.message);
    return session;
}

static void refused(way_in *w, const char *target, hostsession_error error, const char *part) {
    hostsession *session = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    assert_int_equal(hostsession_open(target, &w->options, &session, &why), error);
    assert_null(session);
    if (!strstr(why.message, part))
        fail_msg("\"%s\" is not in \"%s\"", part, why.message);
    text_free(&w->transcript);
}

/* A login that asks in the words of `prompt`, without echo, and forgets what was typed ahead, as getpass() does it. */
#define LOGIN(PROMPT)                                                                                                  \
    "exec:sh -c 'stty -echo; printf \"" PROMPT "\"; read -r word; stty echo; printf \"\\n\"; "                         \
    "test \"$word\" = open-up || { echo Nein; exit 3; }; exec env -u ENV sh -i'"

static void in_another_language(void **state) {
    (void)state;
    way_in w;
    prepare(&w, "Losungswort> $", "open-up\r", HOSTSESSION_EXPECT_SECRET | HOSTSESSION_EXPECT_ECHO_OFF);
    hostsession *session = open_way(&w, LOGIN("Losungswort> "));
    check_run(session, "echo $((6 * 7)); (exit 3)", "42\n", 3);
    hostsession_close(session);
    assert_null(memmem(w.transcript.data, w.transcript.length, "open-up", 7));
    text_free(&w.transcript);
}

static void wrong_word(void **state) {
    (void)state;
    way_in w;
    prepare(&w, "Losungswort: $", "let-me-in\r", 0);
    refused(&w, LOGIN("Losungswort: "), HOSTSESSION_ERROR_CONNECT, "exit status 3");
}

static void asked_again(void **state) {
    (void)state;
    way_in w;
    prepare(&w, "word: $", "let-me-in\r", 0);
    refused(&w, "exec:sh -c 'while :; do printf \"word: \"; read -r word; done'", HOSTSESSION_ERROR_AUTH,
            "after all its answers were given");
}

/* Echo is off and nobody expected that: what is typed there would be a wrong password. */
static void nothing_is_typed_blindly(void **state) {
    (void)state;
    way_in w;
    prepare(&w, "nobody says this", "x\r", 0);
    w.options.connect_timeout_ms = 2500;
    refused(&w, "exec:sh -c 'stty -echo; printf \"Losungswort> \"; read -r word; echo \"got $word\"; exit 3'",
            HOSTSESSION_ERROR_NOT_READY, "\"Losungswort> \"");
}

static void shell_without_prompt(void **state) {
    (void)state;
    way_in w;
    prepare(&w, "nobody says this", "x\r", 0);
    hostsession *session = open_way(&w, "exec:env PS1= ENV= sh -i");
    check_run(session, "echo here", "here\n", 0);
    hostsession_close(session);
    text_free(&w.transcript);
}

/* Every shell, although its terminal echoes at first. */
static void local_shells(void **state) {
    (void)state;
    static const char *const shells[] = {"bash", "dash", "zsh", "ksh93", "mksh"};
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++) {
        char look[64];
        snprintf(look, sizeof look, "command -v %s >/dev/null", shells[i]);
        if (system(look) != 0)
            continue;
        way_in w;
        prepare(&w, "nobody says this", "x\r", 0);
        w.options.shell = shells[i];
        hostsession *session = open_way(&w, "local");
        check_run(session, "printf 'a\\tb'; (exit 7)", "a\tb", 7);
        check_run(session, "printf '%s\\n' two", "two\n", 0);
        hostsession_close(session);
        text_free(&w.transcript);
    }
}

static void invalid(void **state) {
    (void)state;
    way_in w;
    prepare(&w, "(", "x", 0);
    refused(&w, "local", HOSTSESSION_ERROR_INVALID, "(");
    prepare(&w, "x", NULL, 0);
    refused(&w, "local", HOSTSESSION_ERROR_INVALID, "response");
    prepare(&w, "x", "y", 0);
    w.options.mode = HOSTSESSION_MODE_PIPE;
    refused(&w, "local", HOSTSESSION_ERROR_INVALID, "pipe mode");
}

/* ---- as root: su from a user to another ---- */

static void need_user(void) {
    if (!user.name[0])
        skip();
}

static void su_with_password(void **state) {
    (void)state;
    need_user();
    way_in w;
    char response[64], target[256];
    snprintf(response, sizeof response, "%s\r", user.password);
    /* root is not asked. */
    snprintf(target, sizeof target, "exec:su -s /bin/sh nobody -c 'cd /; exec su - %s'", user.name);
    prepare(&w, "assword: $", response, HOSTSESSION_EXPECT_SECRET | HOSTSESSION_EXPECT_ECHO_OFF);
    hostsession *session = open_way(&w, target);
    char wanted[64];
    snprintf(wanted, sizeof wanted, "%s\n", user.name);
    check_run(session, "id -un", wanted, 0);
    assert_string_equal(hostsession_get_cwd(session), user.home);
    assert_string_equal(hostsession_get_user(session), user.name);
    hostsession_close(session);
    assert_null(memmem(w.transcript.data, w.transcript.length, user.password, strlen(user.password)));
    text_free(&w.transcript);
}

static void su_with_a_wrong_password(void **state) {
    (void)state;
    need_user();
    way_in w;
    char target[256];
    snprintf(target, sizeof target, "exec:su -s /bin/sh nobody -c 'cd /; exec su - %s'", user.name);
    prepare(&w, "assword: $", "not-it\r", HOSTSESSION_EXPECT_SECRET);
    refused(&w, target, HOSTSESSION_ERROR_CONNECT, "Authentication failure");
}

int main(void) {
    static const api_case cases[] = {
        CASE(in_another_language),     CASE(wrong_word),   CASE(asked_again), CASE(nothing_is_typed_blindly),
        CASE(shell_without_prompt),    CASE(local_shells), CASE(invalid),     CASE(su_with_password),
        CASE(su_with_a_wrong_password)};
    text why = {0};
    if (users_available(&why) && !users_make(&user, "/bin/sh", &why))
        user.name[0] = 0;
    if (!user.name[0])
        fprintf(stderr, "# su is not tested:%s\n", text_data(&why));
    text_free(&why);
    int failed = cases_run("login", cases, sizeof cases / sizeof cases[0]);
    users_remove_all();
    return failed;
}
