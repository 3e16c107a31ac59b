/* SPDX-License-Identifier: MIT */
/* `hostsession run` with hosts. */
#include "visit.h"

#include "integration/cli/invocation.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *config(void) {
    return ssh_server_config(visit_server);
}

static const char *key(void) {
    return ssh_server_key_path(visit_server, SERVER_KEY_ED25519);
}

static const char *known(void) {
    return keep("UserKnownHostsFile=%s", ssh_server_known_hosts(visit_server));
}

static unsigned port(void) {
    return ssh_server_port(visit_server);
}

static void check_text(invocation *it, int exit_status, int wanted, const char *output) {
    if (exit_status != wanted)
        fail_msg("exit status %d: %s", exit_status, text_data(&it->error_text));
    assert_text(&it->output_text, output);
    invocation_release(it);
}

static void hosts(void **state) {
    (void)state;
    invocation it;
    alarm(150);
    check_text(&it, RUN(&it, "run", "-q", "-F", config(), "test-bash", "x=1", "echo $x ${HOME##*/}"), 0, "1 bash\n");
    check_text(&it, RUN(&it, "run", "-q", "-F", config(), "dash@test-bash", "echo ${HOME##*/}"), 0, "dash\n");
    check_text(&it, RUN(&it, "run", "-q", "-F", config(), "test-bash", "(exit 7)"), 7, "");
    check_text(&it, RUN(&it, "run", "-q", "--mode", "pipe", "-F", config(), "test-bash", "echo out; echo err >&2"), 0,
               "out\n");
    const char *url = keep("ssh://bash@127.0.0.1:%u", port());
    check_text(&it, RUN(&it, "run", "-q", "-F", "none", "-i", key(), "-o", known(), url, "echo in"), 0, "in\n");
    if (!ssh_server_has_ipv6(visit_server))
        return;
    const char *v6 = keep("[::1]:%u", port());
    check_text(&it, RUN(&it, "run", "-q", "-F", "none", "-i", key(), "-o", known(), "-o", "User=bash", v6, "echo in"),
               0, "in\n");
}

static void passwords(void **state) {
    (void)state;
    invocation it;
    alarm(150);
    const char *url = keep("bash@127.0.0.1:%u", port());
    setenv("THE_PASSWORD", "secret-bash", 1);
    check_text(&it,
               RUN(&it, "run", "-q", "-F", "none", "-o", known(), "--password-from", "env:THE_PASSWORD", url,
                   "echo in"),
               0, "in\n");
    const char *file = keep("file:%s", make_file("password", "secret-bash\n"));
    check_text(&it, RUN(&it, "run", "-q", "-F", "none", "-o", known(), "--password-from", file, url, "echo in"), 0,
               "in\n");
    const char *wrong = keep("file:%s", make_file("wrong", "wrong-password"));
    assert_int_equal(RUN(&it, "run", "-vv", "-F", "none", "-o", known(), "--password-from", wrong, url, "echo in"),
                     255);
    assert_text(&it.output_text, "");
    assert_contains(&it.error_text, "it accepts: publickey, password");
    assert_false(text_contains(&it.error_text, "wrong-password"));
    invocation_release(&it);
}

static void places(void **state) {
    (void)state;
    invocation it;
    alarm(150);
    check_text(&it,
               RUN(&it, "run", "-q", "-F", config(), "--env", "ONE=it's 1", "--env", "TWO=$HOME", "--cwd", "/usr",
                   "test-bash", "echo \"$ONE|$TWO\"; pwd"),
               0, "it's 1|$HOME\n/usr\n");
    assert_int_not_equal(RUN(&it, "run", "-F", config(), "--cwd", "/no/such/place", "test-bash", "pwd"), 0);
    assert_text(&it.output_text, "");
    assert_contains(&it.error_text, "/no/such/place");
    invocation_release(&it);
}

static void check_kind(const char *const *arguments, const char *kind) {
    invocation it;
    assert_int_equal(invocation_run(&it, arguments), 255);
    json_t *taken = invocation_take_json(&it);
    assert_string_member(taken, "status", "error");
    const json_t *error = json_object_get(taken, "error");
    assert_string_member(error, "kind", kind);
    json_decref(taken);
    invocation_release(&it);
}
#define CHECK_KIND(kind, ...) check_kind((const char *const[]){"run", "--json", __VA_ARGS__, "true", NULL}, kind)

static void kinds_of_errors(void **state) {
    (void)state;
    alarm(150);
    const char *url = keep("bash@127.0.0.1:%u", port());
    CHECK_KIND("resolve", "-F", "none", "host.invalid");
    CHECK_KIND("connect", "-F", "none", "127.0.0.1:1");
    CHECK_KIND("host_key_unknown", "-F", "none", "-o", "UserKnownHostsFile=/dev/null", url);
    CHECK_KIND("auth", "-F", "none", "-o", known(), url);
    CHECK_KIND("not_ready", "--connect-timeout", "1", "--shell", "/bin/cat", "-F", config(), "test-bash");
    const char *other = case_path("other");
    const char *wrong = case_path("wrong");
    assert_int_equal(shell("ssh-keygen -q -t ed25519 -N '' -f %s && echo \"[127.0.0.1]:%u $(cat %s.pub)\" >%s", other,
                           port(), other, wrong),
                     0);
    CHECK_KIND("host_key_changed", "-F", "none", "-o", keep("UserKnownHostsFile=%s", wrong), url);
}

static void the_server_is_lost(void **state) {
    (void)state;
    invocation it = {0};
    alarm(150);
    START(&it, "run", "--json", "-F", config(), "test-bash", "echo up", "tail -f /dev/null", "pwd");
    json_t *first = invocation_read_json(&it);
    assert_string_member(first, "status", "success");
    json_decref(first);
    assert_int_equal(ssh_server_kill_connections(visit_server), 1);
    assert_int_equal(invocation_end(&it), 255);
    json_t *second = invocation_take_json(&it);
    assert_string_member(second, "status", "lost");
    assert_null_member(second, "exit_code");
    assert_boolean_member(second, "session_alive", false);
    json_decref(second);
    json_t *third = invocation_take_json(&it);
    assert_string_member(third, "status", "skipped");
    json_decref(third);
    invocation_release(&it);
}

static void it_is_interrupted(void **state) {
    (void)state;
    invocation it = {0};
    alarm(150);
    START(&it, "run", "-F", config(), "test-bash", "echo up; tail -f /dev/null");
    text line = {0};
    invocation_read_line(&it, &line);
    assert_text(&line, "up");
    text_free(&line);
    kill(it.pid, SIGINT);
    assert_int_equal(invocation_end(&it), 130);
    invocation_release(&it);
    assert_true(ssh_server_wait_connections(visit_server, 0, patience_ms));
}

static const api_case cases[] = {
    CASE(hosts),           CASE(passwords),          CASE(places),
    CASE(kinds_of_errors), CASE(the_server_is_lost), CASE(it_is_interrupted),
};

int main(int argc, char **argv) {
    if (argc < 2)
        return 2;
    invocation_program = argv[1];
    return visit_cases_run("run-ssh", NULL, cases, sizeof cases / sizeof cases[0]);
}
