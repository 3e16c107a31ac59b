/* SPDX-License-Identifier: MIT */
/* Hosts that give no shell, or not in the usual way: each is used as it is, or refused by name. */
#include "visit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static hostsession_loop *loop;
static visit v;

static void begin(const char *config) {
    loop = new_loop();
    visit_init(&v, loop, config);
}

static void end(void) {
    hostsession_loop_free(loop);
    visit_free(&v);
}

/* A host that is as `words` say (support/ssh_host.c). */
static void begin_at(const char *words) {
    begin(ssh_server_config(visit_server));
    visit_set(&v, "ProxyCommand=%s %s/keys/host %s", SSH_HOST, visit_folder, words);
    visit_set(&v, "PubkeyAuthentication=no");
}

static void use(hostsession *session) {
    check_run(session, "x=1; cd /; printf '\\na \\r\\n'", "\na \r\n", 0);
    check_run(session, "echo $x; pwd; (exit 3)", "1\n/\n", 3);
}

static void reach(hostsession_mode mode) {
    v.options.mode = mode;
    hostsession *session = visit_open(&v, "test-bash");
    use(session);
    hostsession_close(session);
}

static void refused(hostsession_mode mode, hostsession_error error, const char *part) {
    v.options.mode = mode;
    visit_refused(&v, "test-bash", error, part, NULL);
}

/* ---- sshd ---- */

static ssh_server *server;

static void begin_with(const char *config) {
    ssh_server_options options = {.config = config};
    server = start_server(&options);
    begin(ssh_server_config(server));
}

static void end_with_server(void) {
    end();
    stop_server(server);
}

static void no_terminal(void **state) {
    (void)state;
    begin_with("PermitTTY no\n");
    refused(HOSTSESSION_MODE_TTY, HOSTSESSION_ERROR_CONNECT, "gives no terminal (try --mode pipe)");
    reach(HOSTSESSION_MODE_PIPE);
    end_with_server();
}

static void a_program_in_place_of_the_shell(void **state) {
    (void)state;
    begin_with("ForceCommand echo 'This account is asleep.'; exit 4\n");
    refused(HOSTSESSION_MODE_TTY, HOSTSESSION_ERROR_CONNECT, "This account is asleep.");
    refused(HOSTSESSION_MODE_PIPE, HOSTSESSION_ERROR_CONNECT, "This account is asleep.");
    end_with_server();
    begin_with("ForceCommand internal-sftp\n");
    v.options.connect_timeout_ms = 8000;
    refused(HOSTSESSION_MODE_PIPE, HOSTSESSION_ERROR_CONNECT, "sftp connections only");
    end_with_server();
}

static void another_shell_in_place_of_the_shell(void **state) {
    (void)state;
    begin_with("ForceCommand exec dash -i\n");
    reach(HOSTSESSION_MODE_TTY);
    reach(HOSTSESSION_MODE_PIPE);
    end_with_server();
    begin_with("ForceCommand echo Watched.; eval \"$SSH_ORIGINAL_COMMAND\"\n");
    reach(HOSTSESSION_MODE_TTY);
    reach(HOSTSESSION_MODE_PIPE);
    end_with_server();
}

static void check_stopped(hostsession *session, const char *command) {
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    hostsession_result *result = NULL;
    options.timeout_ms = 300;
    assert_int_equal(hostsession_run(session, command, &options, &result), HOSTSESSION_ERROR_TIMED_OUT);
    assert_true(hostsession_result_session_alive(result));
    hostsession_result_free(result);
}

/* As sshd does for root, and says nothing of it. */
static void signals_are_refused(void **state) {
    (void)state;
    begin_with("ForceCommand eval \"$SSH_ORIGINAL_COMMAND\"\n");
    v.options.mode = HOSTSESSION_MODE_PIPE;
    hostsession *session = visit_open(&v, "test-bash");
    check_run(session, "x=1; cd /", "", 0);
    check_stopped(session, "while :; do sleep 0.01; done");
    check_run(session, "echo $x; pwd", "1\n/\n", 0);
    hostsession_close(session);
    end_with_server();
}

/* Both ignore what the other does, and begin as soon as the shell answers. */
static void a_background_job_is_spared(void **state) {
    (void)state;
    begin(ssh_server_config(visit_server));
    v.options.mode = HOSTSESSION_MODE_PIPE;
    for (int i = 0; i < 5; i++) {
        hostsession *session = visit_open(&v, "test-bash");
        check_run(session, "sleep 1000 & job=$!", "", 0);
        check_stopped(session, "sh -c 'trap \"\" INT QUIT; sleep 1000'");
        check_run(session, "kill $job", "", 0);
        hostsession_close(session);
    }
    end();
}

/* ---- others ---- */

static void without_exec(void **state) {
    (void)state;
    begin_at("no-exec");
    reach(HOSTSESSION_MODE_TTY);
    reach(HOSTSESSION_MODE_PIPE);
    /* One that was asked for is not replaced by the login shell. */
    v.options.shell = "dash";
    refused(HOSTSESSION_MODE_TTY, HOSTSESSION_ERROR_CONNECT, "gives no shell");
    end();
}

/* No signal comes from beside the shell, but keys come from its terminal. */
static void a_command_is_stopped_without_exec(void **state) {
    (void)state;
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    hostsession_result *result = NULL;
    begin_at("no-exec");
    hostsession *session = visit_open(&v, "test-bash");
    check_run(session, "x=1; cd /", "", 0);
    options.timeout_ms = 300;
    assert_int_equal(hostsession_run(session, "sh -c 'trap \"\" INT; echo on; sleep 1000; sleep 1000'", &options,
                                     &result),
                     HOSTSESSION_ERROR_TIMED_OUT);
    assert_true(hostsession_result_session_alive(result));
    assert_int_equal(hostsession_result_status(result), HOSTSESSION_STATUS_TIMED_OUT);
    hostsession_result_free(result);
    check_run(session, "echo $x; pwd", "1\n/\n", 0);
    hostsession_close(session);
    end();
}

static void without_anything(void **state) {
    (void)state;
    begin_at("no-exec no-shell");
    refused(HOSTSESSION_MODE_TTY, HOSTSESSION_ERROR_CONNECT, "gives no shell");
    refused(HOSTSESSION_MODE_PIPE, HOSTSESSION_ERROR_CONNECT, "gives no shell");
    end();
    begin_at("no-session");
    refused(HOSTSESSION_MODE_TTY, HOSTSESSION_ERROR_CONNECT, "no session was opened");
    end();
    begin_at("mute");
    v.options.connect_timeout_ms = 3000;
    refused(HOSTSESSION_MODE_TTY, HOSTSESSION_ERROR_NOT_READY, "answered within");
    end();
}

static void an_end_without_a_status(void **state) {
    (void)state;
    for (int mode = 0; mode < 2; mode++) {
        hostsession_result *result = NULL;
        begin_at("no-status");
        v.options.mode = mode ? HOSTSESSION_MODE_PIPE : HOSTSESSION_MODE_TTY;
        hostsession *session = visit_open(&v, "test-bash");
        use(session);
        assert_int_equal(hostsession_run(session, "echo out; kill -9 $$", NULL, &result),
                         HOSTSESSION_ERROR_DISCONNECTED);
        check_result(result, HOSTSESSION_STATUS_LOST, -1, "out\n");
        assert_non_null(strstr(hostsession_result_failure(result)->message, "without saying why"));
        hostsession_result_free(result);
        hostsession_close(session);
        end();
    }
}

static void an_end_by_an_odd_signal(void **state) {
    (void)state;
    hostsession_result *result = NULL;
    begin_at("odd-signal");
    hostsession *session = visit_open(&v, "test-bash");
    assert_int_equal(hostsession_run(session, "echo out; exit 3", NULL, &result), HOSTSESSION_ERROR_SHELL_EXITED);
    check_result(result, HOSTSESSION_STATUS_SHELL_EXITED, 255, "out\n");
    hostsession_result_free(result);
    hostsession_close(session);
    end();
}

/* ---- one-shots ---- */

static void check_oneshot_at(const char *words, const char *command, hostsession_error error, hostsession_status status,
                             int exit_status, const char *output) {
    begin_at(words);
    hostsession_manager_options options = HOSTSESSION_MANAGER_OPTIONS_INIT;
    hostsession_manager *manager = NULL;
    hostsession_result *result = NULL;
    options.loop = loop;
    options.session = &v.options;
    assert_int_equal(hostsession_manager_new("test-bash", &options, &manager, NULL), HOSTSESSION_OK);
    assert_int_equal(hostsession_manager_oneshot(manager, command, NULL, &result), error);
    check_result(result, status, exit_status, output);
    if (error)
        assert_int_equal(hostsession_result_failure(result)->error, error);
    hostsession_result_free(result);
    hostsession_manager_free(manager);
    end();
}

static void oneshots(void **state) {
    (void)state;
    check_oneshot_at("", "echo out; exit 3", HOSTSESSION_OK, HOSTSESSION_STATUS_FAILED, 3, "out\n");
    check_oneshot_at("no-exec", "echo out", HOSTSESSION_ERROR_CONNECT, HOSTSESSION_STATUS_ERROR, -1, "");
    check_oneshot_at("no-session", "echo out", HOSTSESSION_ERROR_CONNECT, HOSTSESSION_STATUS_ERROR, -1, "");
    check_oneshot_at("no-status", "echo out", HOSTSESSION_ERROR_DISCONNECTED, HOSTSESSION_STATUS_LOST, -1, "out\n");
    check_oneshot_at("odd-signal", "echo out", HOSTSESSION_OK, HOSTSESSION_STATUS_FAILED, 255, "out\n");
}

/* ---- what a host says of itself ---- */

static void check_printable(const char *said) {
    for (const char *at = said; *at; at++)
        assert_true((unsigned char)*at >= 0x20 && (unsigned char)*at < 0x7f);
}

static bool answer_printable(void *userdata, const hostsession_question *q, char *answer, size_t answer_size) {
    int *asked = userdata;
    check_printable(q->prompt);
    check_printable(q->subject);
    assert_string_equal(q->prompt, *asked ? "Two\\xc2\\x9b2J\\x7f\\x08: " : "\\x1b[31mOne\\r\\n\\x07: ");
    assert_int_equal(q->kind, HOSTSESSION_QUESTION_OTHER);
    assert_int_equal(q->echo, *asked);
    ++*asked;
    snprintf(answer, answer_size, "an answer");
    return true;
}

static void log_printable(void *userdata, hostsession_log_level level, const char *message) {
    (void)userdata, (void)level;
    check_printable(message);
}

static void questions(void **state) {
    (void)state;
    int asked = 0;
    begin_at("asks");
    v.options.on_question = answer_printable;
    v.options.on_log = log_printable;
    v.options.on_transcript = NULL;
    v.options.on_ended = NULL;
    v.options.userdata = &asked;
    hostsession *session = visit_open(&v, "test-bash");
    assert_int_equal(asked, 2);
    use(session);
    hostsession_close(session);
    v.options.on_question = NULL;
    hostsession_failure why;
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_AUTH, "tried: keyboard-interactive (not answered)", &why);
    check_printable(why.message);
    end();
}

static const api_case cases[] = {
    CASE(no_terminal),
    CASE(a_program_in_place_of_the_shell),
    CASE(another_shell_in_place_of_the_shell),
    CASE(signals_are_refused),
    CASE(a_background_job_is_spared),
    CASE(without_exec),
    CASE(a_command_is_stopped_without_exec),
    CASE(without_anything),
    CASE(an_end_without_a_status),
    CASE(an_end_by_an_odd_signal),
    CASE(oneshots),
    CASE(questions),
};
VISIT_MAIN("ssh-hosts", NULL, cases)
