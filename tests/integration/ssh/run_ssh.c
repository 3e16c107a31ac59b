/* SPDX-License-Identifier: MIT */
/* `hostsession run` with hosts. */
#include "visit.h"

#include "integration/cli/invocation.h"

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* ---- asked on the terminal ---- */

/* The command on a terminal of its own, and all that it showed there. */
typedef struct terminal {
    pid_t pid;
    int descriptor;
    text shown;
    size_t looked_at;
} terminal;

static void terminal_start(terminal *t, const char *const *arguments) {
    const char *argv[32] = {invocation_program, "run", "-q", "--password-from", "ask"};
    for (size_t i = 0; arguments[i]; i++)
        argv[5 + i] = arguments[i];
    *t = (terminal){0};
    t->pid = forkpty(&t->descriptor, NULL, NULL, NULL);
    assert_true(t->pid >= 0);
    if (t->pid == 0) {
        /* A test that a shell has started in the background has it ignored. */
        signal(SIGINT, SIG_DFL);
        execv(argv[0], (char *const *)argv);
        _exit(127);
    }
}
#define TERMINAL_START(t, ...) terminal_start(t, (const char *const[]){__VA_ARGS__, NULL})

/* False at the end. */
static bool terminal_read(terminal *t) {
    char bytes[4096];
    struct pollfd wait = {.fd = t->descriptor, .events = POLLIN};
    if (poll(&wait, 1, patience_ms) <= 0)
        fail_msg("it waits; it showed: %s", text_data(&t->shown));
    ssize_t got = read(t->descriptor, bytes, sizeof bytes);
    if (got > 0)
        text_append(&t->shown, bytes, (size_t)got);
    return got > 0;
}

/* It shows `prompt` next, and gets `keys`. */
static void terminal_answer(terminal *t, const char *prompt, const char *keys) {
    const char *at;
    while (!(at = strstr(text_data(&t->shown) + t->looked_at, prompt)))
        if (!terminal_read(t))
            fail_msg("not asked: %s", text_data(&t->shown));
    t->looked_at = (size_t)(at - text_data(&t->shown)) + strlen(prompt);
    assert_int_equal(write(t->descriptor, keys, strlen(keys)), strlen(keys));
}

/* Nothing but text was shown. */
static void terminal_end(terminal *t, int exit_status, const char *last) {
    int status = 0;
    while (terminal_read(t))
        ;
    close(t->descriptor);
    assert_int_equal(waitpid(t->pid, &status, 0), t->pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != exit_status || !text_contains(&t->shown, last))
        fail_msg("status %d: %s", status, text_data(&t->shown));
    for (size_t i = 0; i < t->shown.length; i++) {
        unsigned char byte = (unsigned char)text_data(&t->shown)[i];
        assert_true((byte >= 0x20 && byte < 0x7f) || byte == '\r' || byte == '\n');
    }
    text_free(&t->shown);
}

static void questions_on_the_terminal(void **state) {
    (void)state;
    terminal t;
    alarm(150);
    const char *url = keep("bash@127.0.0.1:%u", port());
    TERMINAL_START(&t, "-F", "none", "-o", known(), url, "echo in");
    terminal_answer(&t, "Password of bash@127.0.0.1: ", "not-this\n");
    terminal_answer(&t, "Not accepted. Password of bash@127.0.0.1: ", "secret-bash\n");
    assert_false(text_contains(&t.shown, "not-this"));
    terminal_end(&t, 0, "\nin\r\n");
    /* A file's name may hold anything. */
    const char *locked = case_path("\033[2Jlocked");
    assert_int_equal(shell("cp \"%s\" '%s' && chmod 600 '%s'", ssh_server_key_path(visit_server, SERVER_KEY_LOCKED),
                           locked, locked),
                     0);
    TERMINAL_START(&t, "-F", "none", "-o", known(), "-i", locked, url, "echo in");
    terminal_answer(&t, "\\x1b[2Jlocked: ", "not-this\n");
    terminal_answer(&t, "\\x1b[2Jlocked: ", keep("%s\n", ssh_server_passphrase));
    terminal_end(&t, 0, "\nin\r\n");
}

static void questions_that_a_host_makes_up(void **state) {
    (void)state;
    terminal t;
    alarm(150);
    const char *proxy = keep("ProxyCommand=%s %s/keys/host asks", SSH_HOST, visit_folder);
    TERMINAL_START(&t, "-F", config(), "-o", proxy, "-o", "PubkeyAuthentication=no", "test-bash", "echo in");
    terminal_answer(&t, "(bash@127.0.0.1) \\x1b[31mOne\\r\\n\\x07: ", "unseen\n");
    terminal_answer(&t, "(bash@127.0.0.1) Two\\xc2\\x9b2J\\x7f\\x08: ", "seen\n");
    terminal_answer(&t, "seen\r\n", "");
    assert_false(text_contains(&t.shown, "unseen"));
    terminal_end(&t, 0, "in\r\n");
}

static void questions_without_an_answer(void **state) {
    (void)state;
    terminal t;
    alarm(150);
    const char *url = keep("bash@127.0.0.1:%u", port());
    TERMINAL_START(&t, "-F", "none", "-o", known(), url, "echo in");
    terminal_answer(&t, "Password of bash@127.0.0.1: ", "\004");
    terminal_end(&t, 255, "\r\n");
    TERMINAL_START(&t, "-F", "none", "-o", known(), url, "echo in");
    terminal_answer(&t, "Password of bash@127.0.0.1: ", "\003");
    terminal_end(&t, 130, "\r\n");
}

static const api_case cases[] = {
    CASE(hosts),
    CASE(passwords),
    CASE(places),
    CASE(kinds_of_errors),
    CASE(the_server_is_lost),
    CASE(it_is_interrupted),
    CASE(questions_on_the_terminal),
    CASE(questions_that_a_host_makes_up),
    CASE(questions_without_an_answer),
};

int main(int argc, char **argv) {
    if (argc < 2)
        return 2;
    invocation_program = argv[1];
    return visit_cases_run("run-ssh", NULL, cases, sizeof cases / sizeof cases[0]);
}
