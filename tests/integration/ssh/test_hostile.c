/* SPDX-License-Identifier: MIT */
/* Strings that would be something else to a shell, to ssh(1) or to a terminal. */
#include "visit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static hostsession_loop *loop;
static visit v;

/* An `ssh` that notes how it is called, and what else would be run. */
static const char *called;

static void begin(void) {
    loop = new_loop();
    visit_init(&v, loop, "none");
    called = case_path("called");
    const char *programs = case_path("bin");
    const char *before = getenv("PATH");
    assert_int_equal(shell("mkdir -p %s && cd %s && printf '#!/bin/sh\\nfor word; do echo \"$word\"; done >>%s\\n"
                           "PATH=%s exec ssh \"$@\"\\n' >ssh && chmod +x ssh && mkdir here",
                           programs, programs, called, before),
                     0);
    setenv("PATH", keep("%s:%s", programs, before), 1);
    assert_int_equal(chdir(keep("%s/here", programs)), 0);
}

static void end(void) {
    text names = {0};
    folder_list(".", &names);
    assert_string_equal(text_data(&names), "");
    text_free(&names);
    hostsession_loop_free(loop);
    visit_free(&v);
}

static void check_printable(const char *message) {
    for (const char *at = message; *at; at++)
        assert_true((unsigned char)*at >= 0x20 && *at != 0x7f);
}

static void targets(void **state) {
    (void)state;
    static const char *const hostile[] = {
        "-oProxyCommand=touch x",
        "-oProxyCommand=touch${IFS}x",
        "a b",
        "a\nb",
        "$(touch x)",
        "`touch x`",
        "a;b",
        "a|touch x",
        "-l@host",
        "-oProxyCommand=x@host",
        ";id@host",
        "a$(touch x)@host",
        "--",
        "-",
        "[::1",
        "[::1]22",
        "[::1]:",
        "::1]",
        ":22",
        "user@",
        "@host",
        "@",
        "",
        "host:0",
        "host:99999",
        "host:22x",
        "host:-1",
        "host:",
        "host: 22",
        "ssh://",
        "ssh:///",
        "ssh://user@",
        "ssh://host:0/",
        "ssh://host/path",
        "ftp://x",
        "http://x",
        "://",
        "host\033[2J",
        "user\033[2J@host",
        "user\r@host",
        "a/../b",
        "~/x",
        "host\x7f",
        "'host'",
        "\"host\"",
        "ho*t",
        "a,b",
        "x -oProxyCommand=touch x",
        "u -oProxyCommand=touch@host",
        "user@-oProxyCommand=touch",
    };
    begin();
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        hostsession *session = NULL;
        hostsession_failure why = HOSTSESSION_FAILURE_INIT;
        hostsession_error error = hostsession_open(hostile[i], &v.options, &session, &why);
        assert_null(session);
        if (error != HOSTSESSION_ERROR_INVALID)
            fail_msg("\"%s\": %s: %s", hostile[i], hostsession_error_name(error), why.message);
        check_printable(why.message);
    }
    /* None of them is worth a question. */
    assert_int_not_equal(access(called, F_OK), 0);
    end();
}

static void names_after_the_options(void **state) {
    (void)state;
    begin();
    visit_refused(&v, "some\\user@host.invalid:23", HOSTSESSION_ERROR_RESOLVE, "host.invalid", NULL);
    text words = {0};
    assert_true(file_read(called, &words));
    assert_string_equal(text_data(&words), "-GT\n-F\nnone\n-l\nsome\\user\n-p\n23\n--\nhost.invalid\n");
    text_free(&words);
    end();
}

static void settings_of_a_host(void **state) {
    (void)state;
    static const char *const hostile[] = {"HostName=-oProxyCommand=touch",
                                          "HostName=a b",
                                          "HostName=$(touch x)",
                                          "User=$(touch x)",
                                          "User=-l",
                                          "User=;touch x",
                                          "User=a -oProxyCommand=touch"};
    begin();
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        v.setting_count = 0;
        visit_set(&v, "%s", hostile[i]);
        visit_set(&v, "ProxyCommand=echo %%h %%r >x");
        visit_refused(&v, "host.invalid", HOSTSESSION_ERROR_INVALID, "", NULL);
    }
    end();
}

/* ---- what the other side says ---- */

static void a_banner_before_the_login(void **state) {
    (void)state;
    const char *banner = make_file("banner", "%s", "\033]0;title\007\033[2Jhello\n");
    ssh_server_options options = {.config = keep("Banner %s\n", banner)};
    ssh_server *server = start_server(&options);
    loop = new_loop();
    visit_init(&v, loop, ssh_server_config(server));
    hostsession *session = visit_open(&v, "test-bash");
    check_run(session, "echo in", "in\n", 0);
    hostsession_close(session);
    visit_set(&v, "IdentityFile=none");
    visit_set(&v, "PubkeyAuthentication=no");
    hostsession_failure why;
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_AUTH, "", &why);
    check_printable(why.message);
    assert_false(text_contains(&v.questions, "\033"));
    assert_false(text_contains(&v.log, "\033"));
    hostsession_loop_free(loop);
    visit_free(&v);
    stop_server(server);
}

static void comments_of_keys(void **state) {
    (void)state;
    const char *path = case_path("commented");
    assert_int_equal(shell("ssh-keygen -q -t ed25519 -N '' -C \"$(printf '\\033[2Jcomment')\" -f %s", path), 0);
    loop = new_loop();
    visit_init_plain(&v, loop, visit_server);
    visit_identity(&v, path);
    visit_set(&v, "BatchMode=yes");
    hostsession_failure why;
    visit_refused(&v, address_of(visit_server, "bash"), HOSTSESSION_ERROR_AUTH, path, &why);
    check_printable(why.message);
    hostsession_loop_free(loop);
    visit_free(&v);
}

static void words_of_ssh(void **state) {
    (void)state;
    const char *config = make_file("config", "%s", "Host *\n\033[2JBad\033]0;x\007 yes\n");
    loop = new_loop();
    visit_init(&v, loop, config);
    hostsession_failure why;
    visit_refused(&v, "host.invalid", HOSTSESSION_ERROR_INVALID, "", &why);
    check_printable(why.message);
    hostsession_loop_free(loop);
    visit_free(&v);
}

static const api_case cases[] = {
    CASE(targets),
    CASE(names_after_the_options),
    CASE(settings_of_a_host),
    CASE(a_banner_before_the_login),
    CASE(comments_of_keys),
    CASE(words_of_ssh),
};
VISIT_MAIN("ssh-hostile", NULL, cases)
