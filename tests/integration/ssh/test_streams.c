/* SPDX-License-Identifier: MIT */
/* Much output and input, over good lines and bad ones: every byte arrives, or the end is told. */
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

/* seq N: every byte. */
static void check_sequence(hostsession *session, int most) {
    text wanted = {0};
    hostsession_result *result = NULL;
    for (int i = 1; i <= most; i++)
        text_printf(&wanted, "%d\n", i);
    assert_int_equal(hostsession_run(session, keep("seq %d", most), NULL, &result), HOSTSESSION_OK);
    assert_int_equal(hostsession_result_exit_status(result), 0);
    assert_true(text_equals(&wanted, hostsession_result_output(result), hostsession_result_output_bytes(result)));
    hostsession_result_free(result);
    text_free(&wanted);
}

static void new_keys_meanwhile(void **state) {
    (void)state;
    ssh_server_options options = {.config = "RekeyLimit 64K\n"};
    ssh_server *server = start_server(&options);
    for (int mode = 0; mode < 2; mode++) {
        begin(ssh_server_config(server));
        v.options.mode = mode ? HOSTSESSION_MODE_PIPE : HOSTSESSION_MODE_TTY;
        hostsession *session = visit_open(&v, "test-bash");
        hostsession *second = visit_open(&v, "test-bash");
        check_sequence(session, 700000);
        check_run(second, "echo also", "also\n", 0);
        check_sequence(second, 50000);
        hostsession_close(second);
        hostsession_close(session);
        end();
    }
    text log = {0};
    ssh_server_log(server, &log);
    int exchanges = 0;
    for (const char *at = text_data(&log); (at = strstr(at, "SSH2_MSG_NEWKEYS received")) != NULL; at++)
        exchanges++;
    assert_true(exchanges > 10);
    text_free(&log);
    stop_server(server);
}

static void a_slow_line(void **state) {
    (void)state;
    relay *r = start_relay(visit_server);
    begin(ssh_server_config_at(visit_server, relay_port(r)));
    relay_set_rate(r, RELAY_TO_CLIENT, 20000);
    relay_set_rate(r, RELAY_TO_SERVER, 20000);
    hostsession *session = visit_open(&v, "test-bash");
    check_sequence(session, 10000);
    hostsession_close(session);
    end();
    relay_stop(r);
}

/* Every packet in pieces. */
static void a_line_in_pieces(void **state) {
    (void)state;
    relay *r = start_relay(visit_server);
    begin(ssh_server_config_at(visit_server, relay_port(r)));
    relay_set_chunk(r, RELAY_TO_CLIENT, 7);
    relay_set_chunk(r, RELAY_TO_SERVER, 5);
    hostsession *session = visit_open(&v, "test-bash");
    check_sequence(session, 3000);
    hostsession_close(session);
    end();
    relay_stop(r);
}

/* Nobody dispatches while the host sends: its window closes, and opens again. */
static void output_that_waits(void **state) {
    (void)state;
    begin(ssh_server_config(visit_server));
    hostsession *session = visit_open(&v, "test-bash");
    hostsession *second = visit_open(&v, "test-bash");
    const char *mark = case_path("mark");
    outcome o = {0};
    start_run(session, keep("seq 2000000; echo done >%s", mark), &o);
    /* It is sent; from here on, nothing is read for a while of the other's doing. */
    assert_int_equal(hostsession_loop_run_once(loop, 0), HOSTSESSION_OK);
    assert_int_equal(shell("exec seq 300000 >/dev/null"), 0);
    check_run(second, "echo beside", "beside\n", 0);
    drive(loop, &o.calls, 1);
    assert_int_equal(o.error, HOSTSESSION_OK);
    assert_int_equal(hostsession_result_output_bytes(o.result), 14888896);
    outcome_free(&o);
    hostsession_close(second);
    hostsession_close(session);
    end();
}

/* A raw session that is not read: it is held back, and the other is not. */
static void output_that_nobody_takes(void **state) {
    (void)state;
    begin(ssh_server_config(visit_server));
    v.options.max_output_bytes = 100000;
    hostsession *session = visit_open(&v, "test-bash");
    v.options.max_output_bytes = 0;
    hostsession *second = visit_open(&v, "test-bash");
    const char *much = "seq 500000; echo 'the 'end\n";
    assert_int_equal(hostsession_send(session, much, strlen(much), false), HOSTSESSION_OK);
    for (int i = 0; i < 20; i++)
        check_run(second, "echo beside", "beside\n", 0);
    check_sequence(second, 100000);
    const char *pattern = "the end\n";
    hostsession_match *match = NULL;
    assert_int_equal(hostsession_expect(session, &pattern, 1, NULL, &match, NULL), HOSTSESSION_OK);
    hostsession_match_free(match);
    hostsession_close(session);
    check_run(second, "echo beside", "beside\n", 0);
    hostsession_close(second);
    end();
}

static void much_input(void **state) {
    (void)state;
    begin(ssh_server_config(visit_server));
    for (int mode = 0; mode < 2; mode++) {
        v.options.mode = mode ? HOSTSESSION_MODE_PIPE : HOSTSESSION_MODE_TTY;
        hostsession *session = visit_open(&v, "test-bash");
        text command = {0};
        text_add(&command, "wc -c <<'end'\n");
        for (int i = 0; i < 40000; i++)
            text_add(&command, "a line of thirty-two characters\n");
        text_add(&command, "end\n");
        check_run(session, text_data(&command), "1280000\n", 0);
        text_free(&command);
        hostsession_close(session);
    }
    end();
}

/* ---- cut everywhere ---- */

/* A short session over a line of its own that breaks after so many bytes. */
typedef struct trial {
    relay *line;
    visit v;
    outcome opened;
    outcome command;
    hostsession *session;
} trial;

enum { trials = 16, trial_step_bytes = 64 };

typedef enum harm { HARM_FIN, HARM_RST, HARM_CORRUPT } harm;

static void trial_start(trial *t, relay_direction direction, uint64_t at, harm how) {
    *t = (trial){.line = start_relay(visit_server)};
    const char *config = ssh_server_config_at(visit_server, relay_port(t->line));
    visit_init(&t->v, loop, config);
    if (how == HARM_CORRUPT) {
        relay_corrupt(t->line, direction, at);
        /* What is garbled may be a length that never comes. */
        t->v.options.connect_timeout_ms = 8000;
        visit_set(&t->v, "ServerAliveInterval=2");
        visit_set(&t->v, "ServerAliveCountMax=1");
    } else {
        relay_cut_after(t->line, direction, at, how == HARM_RST ? RELAY_RST : RELAY_FIN);
    }
    t->session = visit_start(&t->v, "test-bash", &t->opened);
    start_run(t->session, "echo out; (exit 5)", &t->command);
}

/* Whatever happened has a name; returns whether all of it came right. */
static bool trial_end(trial *t) {
    drive(loop, &t->opened.calls, 1);
    drive(loop, &t->command.calls, 1);
    bool whole = t->command.error == HOSTSESSION_OK;
    if (t->opened.error) {
        assert_true(t->opened.error == HOSTSESSION_ERROR_CONNECT || t->opened.error == HOSTSESSION_ERROR_AUTH ||
                    t->opened.error == HOSTSESSION_ERROR_DISCONNECTED ||
                    t->opened.error == HOSTSESSION_ERROR_NOT_READY);
        assert_true(t->opened.failure.message[0] != 0);
        assert_int_equal(t->command.error, HOSTSESSION_ERROR_CLOSED);
    } else if (whole) {
        check_result(t->command.result, HOSTSESSION_STATUS_FAILED, 5, "out\n");
    } else if (t->command.error != HOSTSESSION_ERROR_CLOSED) {
        assert_int_equal(t->command.error, HOSTSESSION_ERROR_DISCONNECTED);
        assert_int_equal(hostsession_result_status(t->command.result), HOSTSESSION_STATUS_LOST);
    }
    outcome_free(&t->command);
    hostsession_close(t->session);
    return whole;
}

static void harm_everywhere(relay_direction direction, harm how) {
    static trial all[trials];
    size_t whole = 0;
    uint64_t at = 0;
    loop = new_loop();
    while (whole == 0 && at < 30000) {
        for (size_t i = 0; i < trials; i++, at += trial_step_bytes)
            trial_start(&all[i], direction, at, how);
        for (size_t i = 0; i < trials; i++)
            whole += trial_end(&all[i]);
        for (size_t i = 0; i < trials; i++)
            relay_stop(all[i].line);
        for (size_t i = 0; i < trials; i++)
            visit_free(&all[i].v);
    }
    hostsession_loop_free(loop);
    assert_true(whole > 0);
    assert_true(at > 2000);
}

static void cut_on_the_way_to_the_client(void **state) {
    (void)state;
    harm_everywhere(RELAY_TO_CLIENT, HARM_FIN);
}

static void cut_on_the_way_to_the_server(void **state) {
    (void)state;
    harm_everywhere(RELAY_TO_SERVER, HARM_RST);
}

static void garbled_on_the_way_to_the_client(void **state) {
    (void)state;
    harm_everywhere(RELAY_TO_CLIENT, HARM_CORRUPT);
}

static void garbled_on_the_way_to_the_server(void **state) {
    (void)state;
    harm_everywhere(RELAY_TO_SERVER, HARM_CORRUPT);
}

static const api_case cases[] = {
    CASE(new_keys_meanwhile),
    CASE(a_slow_line),
    CASE(a_line_in_pieces),
    CASE(output_that_waits),
    CASE(much_input),
    CASE(output_that_nobody_takes),
    CASE(cut_on_the_way_to_the_client),
    CASE(cut_on_the_way_to_the_server),
    CASE(garbled_on_the_way_to_the_client),
    CASE(garbled_on_the_way_to_the_server),
};
VISIT_MAIN("ssh-streams", NULL, cases)
