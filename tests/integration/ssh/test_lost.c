/* SPDX-License-Identifier: MIT */
/* Connections that break while a session lives: never a wrong result, and never silence. */
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

static void check_lost(hostsession *session, waiting *w) {
    drive(loop, &w->end.calls, 1);
    assert_int_equal(w->end.error, HOSTSESSION_ERROR_DISCONNECTED);
    check_result(w->end.result, HOSTSESSION_STATUS_LOST, -1, "told\n");
    assert_int_equal(hostsession_result_failure(w->end.result)->error, HOSTSESSION_ERROR_DISCONNECTED);
    drive(loop, &v.ended, 1);
    assert_int_equal(v.why.error, HOSTSESSION_ERROR_DISCONNECTED);
    assert_int_equal(hostsession_get_state(session), HOSTSESSION_ENDED);
    outcome_free(&w->end);
    hostsession_close(session);
    assert_int_equal(v.ended, 1);
}

static void check_ended(hostsession *session) {
    drive(loop, &v.ended, 1);
    assert_int_equal(v.why.error, HOSTSESSION_ERROR_DISCONNECTED);
    assert_int_equal(hostsession_get_failure(session)->error, HOSTSESSION_ERROR_DISCONNECTED);
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, "echo more", NULL, &result), HOSTSESSION_ERROR_CLOSED);
    check_result(result, HOSTSESSION_STATUS_SKIPPED, -1, "");
    hostsession_result_free(result);
    hostsession_close(session);
    assert_int_equal(v.ended, 1);
}

/* ---- ways to lose it ---- */

static relay *line;

static void kill_server(void) {
    ssh_server_kill_connections(visit_server);
}

static void cut(void) {
    relay_cut_all(line, RELAY_FIN);
}

static void reset(void) {
    relay_cut_all(line, RELAY_RST);
}

static void freeze(void) {
    ssh_server_freeze_connections(visit_server);
}

static void stall(void) {
    relay_stall(line, RELAY_TO_CLIENT, true);
}

static void lose(void (*break_it)(void), bool silent) {
    for (int mode = 0; mode < 2; mode++)
        for (int running = 0; running < 2; running++) {
            line = start_relay(visit_server);
            begin(ssh_server_config_at(visit_server, relay_port(line)));
            v.options.mode = mode ? HOSTSESSION_MODE_PIPE : HOSTSESSION_MODE_TTY;
            if (silent) {
                visit_set(&v, "ServerAliveInterval=1");
                visit_set(&v, "ServerAliveCountMax=1");
            }
            hostsession *session = visit_open(&v, "test-bash");
            waiting w;
            if (running)
                start_waiting(session, &w);
            break_it();
            if (running)
                check_lost(session, &w);
            else
                check_ended(session);
            end();
            ssh_server_thaw_connections(visit_server);
            relay_stop(line);
            assert_true(ssh_server_wait_connections(visit_server, 0, patience_ms));
        }
}

static void the_server_is_killed(void **state) {
    (void)state;
    lose(kill_server, false);
}

static void the_line_is_cut(void **state) {
    (void)state;
    lose(cut, false);
}

static void the_line_is_reset(void **state) {
    (void)state;
    lose(reset, false);
}

static void the_server_freezes(void **state) {
    (void)state;
    lose(freeze, true);
}

static void the_line_is_silent(void **state) {
    (void)state;
    lose(stall, true);
}

/* Much goes both ways: a garbled length is waited for, until as much has come. */
static void the_line_garbles(void **state) {
    (void)state;
    char *much = allocate(600 * 1000);
    memset(much, 'x', 600 * 1000 - 1);
    much[0] = ':';
    much[1] = ' ';
    for (int direction = 0; direction < 2; direction++) {
        relay_direction way = direction ? RELAY_TO_SERVER : RELAY_TO_CLIENT;
        line = start_relay(visit_server);
        begin(ssh_server_config_at(visit_server, relay_port(line)));
        hostsession *session = visit_open(&v, "test-bash");
        relay_corrupt(line, way, relay_count(line).bytes[way] + 3000);
        hostsession_result *result = NULL;
        assert_int_equal(hostsession_run(session, direction ? much : "seq 100000", NULL, &result),
                         HOSTSESSION_ERROR_DISCONNECTED);
        assert_int_equal(hostsession_result_status(result), HOSTSESSION_STATUS_LOST);
        hostsession_result_free(result);
        assert_int_equal(v.ended, 1);
        hostsession_close(session);
        end();
        relay_stop(line);
    }
    free(much);
}

/* ---- all sessions of the connection ---- */

static void all_sessions_of_a_connection(void **state) {
    (void)state;
    begin(ssh_server_config(visit_server));
    hostsession *sessions[5];
    waiting w[5];
    for (int i = 0; i < 5; i++)
        sessions[i] = visit_open(&v, "test-bash");
    for (int i = 0; i < 4; i++)
        start_waiting(sessions[i], &w[i]);
    outcome queued = {0};
    start_run(sessions[0], "echo never", &queued);
    ssh_server_kill_connections(visit_server);
    drive(loop, &v.ended, 5);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(w[i].end.calls, 1);
        check_result(w[i].end.result, HOSTSESSION_STATUS_LOST, -1, "told\n");
        outcome_free(&w[i].end);
    }
    check_result(queued.result, HOSTSESSION_STATUS_SKIPPED, -1, "");
    outcome_free(&queued);
    for (int i = 0; i < 5; i++)
        hostsession_close(sessions[i]);
    hostsession_close(visit_open(&v, "test-bash"));
    end();
}

/* ---- one that is frozen hinders no other ---- */

/* It is given less than sshd would answer with a packet that is too long. */
static void a_frozen_server_beside_another(void **state) {
    (void)state;
    enum { least_typed = 96 * 1024, most_typed = 256 * 1024 };
    ssh_server_options options = {.alias = "other"};
    ssh_server *server = start_server(&options);
    line = start_relay(server);
    begin(ssh_server_config_at(server, relay_port(line)));
    hostsession *frozen = visit_open(&v, "other-bash");
    visit second;
    visit_init(&second, loop, ssh_server_config(visit_server));
    hostsession *session = visit_open(&second, "test-bash");
    outcome held = {0}, command = {0};
    ssh_server_freeze_connections(server);
    relay_reset_counts(line);
    char *much = allocate(3 * 1000 * 1000);
    memset(much, 'x', 3 * 1000 * 1000 - 1);
    much[0] = ':';
    much[1] = ' ';
    start_run(frozen, much, &held);
    free(much);
    for (int i = 0; i < 50; i++) {
        start_run(session, "echo goes on", &command);
        drive(loop, &command.calls, i + 1);
        check_result(command.result, HOSTSESSION_STATUS_SUCCESS, 0, "goes on\n");
        assert_int_equal(held.calls, 0);
        if (i == 25)
            assert_true(relay_wait_bytes(line, RELAY_TO_SERVER, least_typed, patience_ms));
    }
    assert_true(relay_count(line).bytes[RELAY_TO_SERVER] < most_typed);
    ssh_server_thaw_connections(server);
    drive(loop, &held.calls, 1);
    check_result(held.result, HOSTSESSION_STATUS_SUCCESS, 0, "");
    assert_true(relay_count(line).bytes[RELAY_TO_SERVER] > 3 * 1000 * 1000);
    outcome_free(&held);
    outcome_free(&command);
    hostsession_close(frozen);
    hostsession_close(session);
    end();
    visit_free(&second);
    relay_stop(line);
    stop_server(server);
}

static const api_case cases[] = {
    CASE(the_server_is_killed),
    CASE(the_line_is_cut),
    CASE(the_line_is_reset),
    CASE(the_server_freezes),
    CASE(the_line_is_silent),
    CASE(the_line_garbles),
    CASE(all_sessions_of_a_connection),
    CASE(a_frozen_server_beside_another),
};
VISIT_MAIN("ssh-lost", NULL, cases)
