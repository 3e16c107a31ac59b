/* SPDX-License-Identifier: MIT */
/* Closing a session, or its loop, wherever the session stands: nothing is left, and nothing is called afterwards. */
#include "visit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef enum way { CLOSE_AFTER_OPEN, FREE_LOOP, WAYS } way;

static hostsession_loop *loop;
static visit v;

/* No callback may come after the end; `done` comes once. */
static void close_now(hostsession *session, outcome *o, way how) {
    int ended = v.ended;
    size_t asked = v.asked;
    if (how == FREE_LOOP) {
        hostsession_loop_free(loop);
        loop = NULL;
    } else {
        hostsession_close(session);
    }
    assert_int_equal(o->calls, 1);
    size_t logged = v.log.length;
    for (int i = 0; loop && i < 3; i++)
        assert_int_equal(hostsession_loop_run_once(loop, 1), HOSTSESSION_OK);
    assert_int_equal(o->calls, 1);
    assert_int_equal(v.ended, ended);
    assert_int_equal(v.asked, asked);
    assert_int_equal(v.log.length, logged);
    hostsession_loop_free(loop);
    loop = NULL;
}

/* After so many turns of the loop: returns false when it was open before. */
static bool close_after(const char *target, unsigned turns, way how) {
    outcome o = {0};
    hostsession *session = visit_start(&v, target, &o);
    for (unsigned i = 0; i < turns && o.calls == 0; i++)
        assert_int_equal(hostsession_loop_run_once(loop, patience_ms), HOSTSESSION_OK);
    bool early = o.calls == 0;
    if (!early && o.error)
        fail_msg("%s", o.failure.message);
    close_now(session, &o, how);
    if (early)
        assert_int_equal(o.error, HOSTSESSION_ERROR_CANCELED);
    return early;
}

static void prepare_mode(int mode) {
    loop = new_loop();
    visit_init(&v, loop, ssh_server_config(visit_server));
    v.options.mode = mode ? HOSTSESSION_MODE_PIPE : HOSTSESSION_MODE_TTY;
}

static void sweep(void (*prepare)(void), const char *target) {
    for (int how = 0; how < WAYS; how++) {
        bool early = true;
        unsigned turns = 0;
        for (; early && turns < 1000; turns++) {
            prepare_mode(turns % 2);
            if (prepare)
                prepare();
            early = close_after(target, turns, (way)how);
            visit_free(&v);
        }
        assert_true(turns > 5);
        assert_true(ssh_server_wait_connections(visit_server, 0, patience_ms));
    }
}

static void while_it_opens(void **state) {
    (void)state;
    sweep(NULL, "test-bash");
}

static void through_itself(void) {
    visit_set(&v, "ProxyJump=test-dash");
}

static void while_it_opens_through_another(void **state) {
    (void)state;
    sweep(through_itself, "test-bash");
}

static void with_a_passphrase(void) {
    visit_set(&v, "IdentityFile=%s", ssh_server_key_path(visit_server, SERVER_KEY_LOCKED));
    visit_set(&v, "User=bash");
    visit_answer(&v, ssh_server_passphrase);
    v.ssh.config_file = "none";
    visit_set(&v, "Port=%u", ssh_server_port(visit_server));
    visit_set(&v, "UserKnownHostsFile=%s", ssh_server_known_hosts(visit_server));
}

static void while_a_key_is_opened(void **state) {
    (void)state;
    sweep(with_a_passphrase, "127.0.0.1");
}

/* ---- at one place ---- */

static void while_a_name_is_resolved(void **state) {
    (void)state;
    for (int how = 0; how < WAYS; how++) {
        loop = new_loop();
        visit_init(&v, loop, "none");
        close_after("host.invalid", 1, (way)how);
        visit_free(&v);
    }
}

static void while_ssh_reads_its_configuration(void **state) {
    (void)state;
    const char *pid = case_path("pid");
    const char *config = make_file("config", "Match exec \"echo $$ >%s; exec sleep 1000\"\nUser x\n", pid);
    for (int how = 0; how < WAYS; how++) {
        unlink(pid);
        loop = new_loop();
        visit_init(&v, loop, config);
        outcome o = {0};
        hostsession *session = visit_start(&v, "somewhere", &o);
        while (access(pid, F_OK) != 0)
            assert_int_equal(hostsession_loop_run_once(loop, 5), HOSTSESSION_OK);
        close_now(session, &o, (way)how);
        visit_free(&v);
        text gone = {0};
        assert_true(process_wait_gone(pid, patience_ms, &gone));
        text_free(&gone);
    }
    /* Nor does one that hangs hold longer than is allowed. */
    loop = new_loop();
    visit_init(&v, loop, config);
    v.options.connect_timeout_ms = 500;
    visit_refused(&v, "somewhere", HOSTSESSION_ERROR_CONNECT, "ssh -G", NULL);
    hostsession_loop_free(loop);
    visit_free(&v);
}

static void while_a_command_runs(void **state) {
    (void)state;
    for (int how = 0; how < WAYS; how++)
        for (int mode = 0; mode < 2; mode++) {
            prepare_mode(mode);
            hostsession *session = visit_open(&v, "test-bash");
            waiting w;
            start_waiting(session, &w);
            close_now(session, &w.end, (way)how);
            assert_int_equal(w.end.error, HOSTSESSION_ERROR_CANCELED);
            outcome_free(&w.end);
            visit_free(&v);
            assert_true(ssh_server_wait_connections(visit_server, 0, patience_ms));
        }
}

/* A command that minds no signal, so that all rungs of the recovery are climbed, and an errand is on its way. */
static void while_a_command_is_stopped(void **state) {
    (void)state;
    for (int how = 0; how < WAYS; how++)
        for (unsigned turns = 0; turns < 60; turns += 4) {
            prepare_mode((int)(turns / 4 % 2));
            hostsession *session = visit_open(&v, "test-bash");
            outcome o = {0};
            hostsession_operation *operation =
                start_run(session, "sh -c 'trap \"\" INT QUIT; echo on; sleep 1000; sleep 1000'", &o);
            for (unsigned i = 0; i < 5; i++)
                hostsession_loop_run_once(loop, 20);
            hostsession_cancel(operation);
            for (unsigned i = 0; i < turns && o.calls == 0; i++)
                hostsession_loop_run_once(loop, 50);
            close_now(session, &o, (way)how);
            outcome_free(&o);
            visit_free(&v);
            assert_true(ssh_server_wait_connections(visit_server, 0, patience_ms));
        }
}

/* ---- in callbacks ---- */

typedef struct closer {
    hostsession *session;
    outcome opened;
    int questions;
} closer;

static closer *current;

static bool close_when_asked(void *userdata, const hostsession_question *question, char *answer, size_t answer_size) {
    (void)userdata, (void)question, (void)answer_size;
    strcpy(answer, "secret-bash");
    current->questions++;
    hostsession_close(current->session);
    return true;
}

static void when_it_asks(void **state) {
    (void)state;
    closer c = {0};
    current = &c;
    loop = new_loop();
    visit_init_plain(&v, loop, visit_server);
    v.options.on_question = close_when_asked;
    c.session = visit_start(&v, address_of(visit_server, "bash"), &c.opened);
    drive(loop, &c.opened.calls, 1);
    assert_int_equal(c.opened.error, HOSTSESSION_ERROR_CANCELED);
    assert_int_equal(c.questions, 1);
    hostsession_loop_free(loop);
    visit_free(&v);
}

static void close_when_open(hostsession *session, const hostsession_failure *failure, void *userdata) {
    opened(session, failure, userdata);
    hostsession_close(session);
}

static void when_it_is_open_or_not(void **state) {
    (void)state;
    static const char *const targets[] = {"test-bash", "test-nobody", "host.invalid", "bash@127.0.0.1:1"};
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        outcome o = {0};
        hostsession *session = NULL;
        prepare_mode(0);
        v.options.connect_timeout_ms = 20000;
        assert_int_equal(hostsession_open_start(targets[i], &v.options, close_when_open, &o, &session, NULL),
                         HOSTSESSION_OK);
        drive(loop, &o.calls, 1);
        assert_int_equal(o.error == HOSTSESSION_OK, i == 0);
        hostsession_loop_free(loop);
        visit_free(&v);
    }
}

static void close_all_when_lost(void *userdata, hostsession *session, const hostsession_failure *why) {
    (void)session, (void)why;
    hostsession **all = userdata;
    for (int i = 0; i < 3; i++) {
        hostsession_close(all[i]);
        all[i] = NULL;
    }
}

static void when_the_connection_is_lost(void **state) {
    (void)state;
    prepare_mode(0);
    hostsession *all[3];
    v.options.on_ended = close_all_when_lost;
    v.options.on_question = NULL;
    v.options.on_log = NULL;
    v.options.on_transcript = NULL;
    v.options.userdata = all;
    for (int i = 0; i < 3; i++)
        all[i] = visit_open(&v, "test-bash");
    ssh_server_kill_connections(visit_server);
    while (all[0])
        assert_int_equal(hostsession_loop_run_once(loop, 100), HOSTSESSION_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(hostsession_loop_run_once(loop, 1), HOSTSESSION_OK);
    hostsession_loop_free(loop);
    visit_free(&v);
}

/* With a loop of its own. */
static void alone(void **state) {
    (void)state;
    visit_init(&v, NULL, ssh_server_config(visit_server));
    hostsession *session = visit_open(&v, "test-bash");
    check_run(session, "echo alone", "alone\n", 0);
    hostsession_close(session);
    visit_free(&v);
    assert_true(ssh_server_wait_connections(visit_server, 0, patience_ms));
}

static const api_case cases[] = {
    CASE(while_it_opens),
    CASE(while_it_opens_through_another),
    CASE(while_a_key_is_opened),
    CASE(while_a_name_is_resolved),
    CASE(while_ssh_reads_its_configuration),
    CASE(while_a_command_runs),
    CASE(while_a_command_is_stopped),
    CASE(when_it_asks),
    CASE(when_it_is_open_or_not),
    CASE(when_the_connection_is_lost),
    CASE(alone),
};
VISIT_MAIN("ssh-closing", NULL, cases)
