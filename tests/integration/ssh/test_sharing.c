/* SPDX-License-Identifier: MIT */
/* Many sessions: which of them share a connection, and what becomes of it. */
#include "visit.h"

#include "support/process.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { sessions_most = 40 };

typedef struct crowd {
    hostsession_loop *loop;
    visit v;
    size_t count;
    hostsession *sessions[sessions_most];
    outcome opened[sessions_most];
} crowd;

static void crowd_init(crowd *c, const ssh_server *server) {
    *c = (crowd){.loop = new_loop()};
    visit_init(&c->v, c->loop, ssh_server_config(server));
}

static void crowd_open(crowd *c, size_t count) {
    size_t before = c->count;
    for (; c->count < before + count; c->count++) {
        c->opened[c->count] = (outcome){0};
        c->sessions[c->count] = visit_start(&c->v, "test-bash", &c->opened[c->count]);
    }
    for (size_t i = before; i < c->count; i++) {
        drive(c->loop, &c->opened[i].calls, 1);
        if (c->opened[i].error)
            fail_msg("session %zu: %s", i, c->opened[i].failure.message);
    }
}

/* Each is a shell of its own. */
static void crowd_use(crowd *c) {
    char command[80], output[80];
    for (size_t i = 0; i < c->count; i++) {
        snprintf(command, sizeof command, "mine=%zu", i);
        check_run(c->sessions[i], command, "", 0);
    }
    for (size_t i = 0; i < c->count; i++) {
        snprintf(output, sizeof output, "%zu\n", i);
        check_run(c->sessions[i], "echo $mine", output, 0);
    }
}

static void crowd_close(crowd *c, size_t index) {
    hostsession_close(c->sessions[index]);
    c->sessions[index] = c->sessions[--c->count];
}

static pid_t crowd_shell(const crowd *c, size_t index) {
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(c->sessions[index], "echo $$", NULL, &result), HOSTSESSION_OK);
    pid_t shell = (pid_t)strtol(hostsession_result_output(result), NULL, 10);
    hostsession_result_free(result);
    return shell;
}

/* The host makes room for another session when the shell has ended, which may be later. */
static void crowd_close_and_wait(crowd *c, size_t index) {
    pid_t shell = crowd_shell(c, index);
    crowd_close(c, index);
    assert_true(process_wait_end(shell, patience_ms));
}

static void crowd_free(crowd *c) {
    while (c->count)
        crowd_close(c, 0);
    hostsession_loop_free(c->loop);
    visit_free(&c->v);
}

static void share(hostsession_mode mode) {
    crowd c;
    crowd_init(&c, visit_server);
    c.v.options.mode = mode;
    crowd_open(&c, 10);
    assert_int_equal(ssh_server_connections(visit_server), 1);
    crowd_use(&c);
    for (int i = 0; i < 5; i++)
        crowd_close_and_wait(&c, 0);
    for (size_t i = 0; i < c.count; i++)
        check_run(c.sessions[i], "echo still here", "still here\n", 0);
    crowd_open(&c, 5);
    assert_int_equal(ssh_server_connections(visit_server), 1);
    crowd_open(&c, 1);
    assert_int_equal(ssh_server_connections(visit_server), 2);
    check_run(c.sessions[10], "echo the 11th", "the 11th\n", 0);
    while (c.count)
        crowd_close(&c, 0);
    /* Before the loop is freed: without a session there is no connection. */
    assert_true(ssh_server_wait_connections(visit_server, 0, patience_ms));
    crowd_free(&c);
}

static void ten_sessions_share_a_connection(void **state) {
    (void)state;
    share(HOSTSESSION_MODE_TTY);
}

static void ten_sessions_on_pipes_share_a_connection(void **state) {
    (void)state;
    share(HOSTSESSION_MODE_PIPE);
}

/* A host that refuses while it still ends others will not refuse for good. */
static void room_comes_back(void **state) {
    (void)state;
    crowd c;
    pid_t frozen[5];
    crowd_init(&c, visit_server);
    /* A terminal that is hung up wakes its shell. */
    c.v.options.mode = HOSTSESSION_MODE_PIPE;
    crowd_open(&c, 10);
    for (int i = 0; i < 5; i++) {
        frozen[i] = crowd_shell(&c, 0);
        assert_int_equal(kill(frozen[i], SIGSTOP), 0);
        crowd_close(&c, 0);
    }
    crowd_open(&c, 5);
    assert_int_equal(ssh_server_connections(visit_server), 2);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(kill(frozen[i], SIGKILL), 0);
        assert_true(process_wait_end(frozen[i], patience_ms));
    }
    /* Twenty on two. */
    for (long long until = clock_ms() + patience_ms;;) {
        crowd_open(&c, 10);
        if (ssh_server_connections(visit_server) == 2)
            break;
        assert_true(clock_ms() < until);
        while (c.count > 10)
            crowd_close_and_wait(&c, c.count - 1);
    }
    crowd_use(&c);
    crowd_free(&c);
    assert_true(ssh_server_wait_connections(visit_server, 0, patience_ms));
}

static void own_connections(void **state) {
    (void)state;
    crowd c;
    crowd_init(&c, visit_server);
    c.v.ssh.own_connection = true;
    crowd_open(&c, 3);
    assert_int_equal(ssh_server_connections(visit_server), 3);
    crowd_use(&c);
    crowd_close(&c, 0);
    assert_true(ssh_server_wait_connections(visit_server, 2, patience_ms));
    /* Nor is it shared by one that would. */
    c.v.ssh.own_connection = false;
    crowd_open(&c, 2);
    assert_int_equal(ssh_server_connections(visit_server), 3);
    crowd_use(&c);
    crowd_free(&c);
    assert_true(ssh_server_wait_connections(visit_server, 0, patience_ms));
}

static void with_most_sessions(const char *config, size_t most, hostsession_mode mode) {
    crowd c;
    ssh_server_options options = {.config = config};
    ssh_server *server = start_server(&options);
    crowd_init(&c, server);
    c.v.options.mode = mode;
    crowd_open(&c, 7);
    int connections = ssh_server_connections(server);
    assert_true((size_t)connections >= (7 + most - 1) / most);
    crowd_use(&c);
    /* One after another, too. */
    crowd_close(&c, 3);
    crowd_open(&c, 1);
    crowd_close(&c, 6);
    crowd_open(&c, 1);
    crowd_use(&c);
    crowd_free(&c);
    assert_true(ssh_server_wait_connections(server, 0, patience_ms));
    stop_server(server);
}

static void a_host_with_two_sessions_a_connection(void **state) {
    (void)state;
    with_most_sessions("MaxSessions 2\n", 2, HOSTSESSION_MODE_TTY);
}

static void a_host_with_one_session_a_connection(void **state) {
    (void)state;
    with_most_sessions("MaxSessions 1\n", 1, HOSTSESSION_MODE_PIPE);
}

static void a_host_without_sessions(void **state) {
    (void)state;
    ssh_server_options options = {.config = "MaxSessions 0\n"};
    ssh_server *server = start_server(&options);
    hostsession_loop *loop = new_loop();
    visit v;
    visit_init(&v, loop, ssh_server_config(server));
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_CONNECT, "no session", NULL);
    hostsession_loop_free(loop);
    visit_free(&v);
    stop_server(server);
}

/* ---- another session in place of one that ends, where there is room for one only ---- */

typedef struct replacement {
    crowd *c;
    outcome opened;
    hostsession *session;
    int ran;
} replacement;

static void replace(hostsession *session, hostsession_error error, hostsession_result *result, void *userdata) {
    replacement *r = userdata;
    assert_int_equal(error, HOSTSESSION_OK);
    hostsession_result_free(result);
    hostsession_close(session);
    r->session = visit_start(&r->c->v, "test-bash", &r->opened);
    r->ran++;
}

static void a_session_is_replaced_from_a_callback(void **state) {
    (void)state;
    crowd c;
    ssh_server_options options = {.config = "MaxSessions 1\n"};
    ssh_server *server = start_server(&options);
    crowd_init(&c, server);
    crowd_open(&c, 1);
    replacement r = {.c = &c};
    for (int i = 0; i < 10; i++) {
        r.opened.calls = 0;
        assert_int_equal(hostsession_run_start(c.sessions[0], "true", NULL, replace, &r, NULL, NULL), HOSTSESSION_OK);
        drive(c.loop, &r.ran, i + 1);
        drive(c.loop, &r.opened.calls, 1);
        if (r.opened.error)
            fail_msg("replacement %d: %s", i, r.opened.failure.message);
        c.sessions[0] = r.session;
    }
    crowd_free(&c);
    stop_server(server);
}

/* The host's refusal may come when the session that was in the way is gone. */
static void a_session_is_replaced_at_any_time(void **state) {
    (void)state;
    crowd c;
    ssh_server_options options = {.config = "MaxSessions 1\n"};
    ssh_server *server = start_server(&options);
    crowd_init(&c, server);
    crowd_open(&c, 1);
    for (int turns = 0; turns < 15; turns++) {
        outcome o = {0};
        hostsession *next = visit_start(&c.v, "test-bash", &o);
        for (int i = 0; i < turns; i++)
            assert_int_equal(hostsession_loop_run_once(c.loop, 5), HOSTSESSION_OK);
        hostsession_close(c.sessions[0]);
        drive(c.loop, &o.calls, 1);
        if (o.error)
            fail_msg("after %d turns: %s", turns, o.failure.message);
        c.sessions[0] = next;
    }
    crowd_free(&c);
    stop_server(server);
}

static void forty_connections_at_once(void **state) {
    (void)state;
    crowd c;
    crowd_init(&c, visit_server);
    c.v.ssh.own_connection = true;
    c.v.options.connect_timeout_ms = 4 * patience_ms;
    crowd_open(&c, sessions_most);
    assert_int_equal(ssh_server_connections(visit_server), sessions_most);
    crowd_use(&c);
    crowd_free(&c);
    assert_true(ssh_server_wait_connections(visit_server, 0, patience_ms));
}

/* ---- ends ---- */

static void end_with(const visit *v, const char *command, int exit_status, const char *output) {
    hostsession *session = visit_open((visit *)(uintptr_t)v, "test-bash");
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, command, NULL, &result), HOSTSESSION_ERROR_SHELL_EXITED);
    check_result(result, HOSTSESSION_STATUS_SHELL_EXITED, exit_status, output);
    hostsession_result_free(result);
    assert_int_equal(v->ended, 1);
    hostsession_close(session);
}

static void how_the_shell_ended(void **state) {
    (void)state;
    for (int mode = 0; mode < 2; mode++) {
        hostsession_loop *loop = new_loop();
        const char *const commands[] = {"exit 3", "exit 0", "echo all of it; exit 255", "kill -9 $$", "kill -SEGV $$"};
        const char *const outputs[] = {"", "", "all of it\n", "", NULL};
        const int statuses[] = {3, 0, 255, 128 + 9, 128 + 11};
        for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
            visit v;
            visit_init(&v, loop, ssh_server_config(visit_server));
            v.options.mode = mode ? HOSTSESSION_MODE_PIPE : HOSTSESSION_MODE_TTY;
            end_with(&v, commands[i], statuses[i], outputs[i]);
            visit_free(&v);
        }
        hostsession_loop_free(loop);
    }
}

/* ---- another server ---- */

static void dropbear(void **state) {
    (void)state;
    ssh_server_options options = {.dropbear = true};
    text missing = {0};
    if (!ssh_server_available(&options, &missing)) {
        print_message("# %s\n", text_data(&missing));
        text_free(&missing);
        return;
    }
    ssh_server *server = start_server(&options);
    for (int mode = 0; mode < 2; mode++) {
        crowd c;
        crowd_init(&c, server);
        c.v.options.mode = mode ? HOSTSESSION_MODE_PIPE : HOSTSESSION_MODE_TTY;
        crowd_open(&c, 10);
        assert_int_equal(ssh_server_connections(server), 1);
        crowd_use(&c);
        crowd_close(&c, 4);
        crowd_open(&c, 2);
        crowd_use(&c);
        hostsession_result *result = NULL;
        assert_int_equal(hostsession_run(c.sessions[0], "exit 3", NULL, &result), HOSTSESSION_ERROR_SHELL_EXITED);
        check_result(result, HOSTSESSION_STATUS_SHELL_EXITED, 3, "");
        hostsession_result_free(result);
        assert_int_equal(hostsession_run(c.sessions[1], "kill -9 $$", NULL, &result), HOSTSESSION_ERROR_SHELL_EXITED);
        check_result(result, HOSTSESSION_STATUS_SHELL_EXITED, 128 + 9, "");
        hostsession_result_free(result);
        check_run(c.sessions[2], "seq 20000 | tail -1", "20000\n", 0);
        crowd_free(&c);
        assert_true(ssh_server_wait_connections(server, 0, patience_ms));
    }
    stop_server(server);
}

static const api_case cases[] = {
    CASE(ten_sessions_share_a_connection),
    CASE(ten_sessions_on_pipes_share_a_connection),
    CASE(room_comes_back),
    CASE(own_connections),
    CASE(a_host_with_two_sessions_a_connection),
    CASE(a_host_with_one_session_a_connection),
    CASE(a_host_without_sessions),
    CASE(a_session_is_replaced_from_a_callback),
    CASE(a_session_is_replaced_at_any_time),
    CASE(how_the_shell_ended),
    CASE(forty_connections_at_once),
    CASE(dropbear),
};
VISIT_MAIN("ssh-sharing", NULL, cases)
