/* SPDX-License-Identifier: MIT */
/* A usual session over a bad line: cut at many places, in each direction; and far away. */
#include "visit.h"

#include <stdlib.h>
#include <string.h>

enum { commands = 3 };

static const char *const texts[commands] = {"echo one", "printf 'name: '; read -r n; echo \"<$n>\"", "(exit 3)"};
static const char *const outputs[commands] = {"one\n", "name: <me>\n", ""};
static const int statuses[commands] = {0, 0, 3};

static hostsession_loop *loop;
static visit v;

static hostsession *begin(relay *line, outcome *open, outcome *runs) {
    static const hostsession_expectation answer = {.pattern = "name: $", .response = "me\r"};
    loop = new_loop();
    visit_init(&v, loop, ssh_server_config_at(visit_server, relay_port(line)));
    hostsession *session = visit_start(&v, "test-bash", open);
    for (int i = 0; i < commands; i++) {
        hostsession_run_options how = HOSTSESSION_RUN_OPTIONS_INIT;
        how.expectations = &answer;
        how.expectation_count = i == 1;
        assert_int_equal(hostsession_run_start(session, texts[i], &how, ran, &runs[i], NULL, NULL), HOSTSESSION_OK);
    }
    drive(loop, &open->calls, 1);
    for (int i = 0; i < commands; i++)
        drive(loop, &runs[i].calls, 1);
    return session;
}

static void end(hostsession *session, outcome *open, outcome *runs) {
    hostsession_close(session);
    hostsession_loop_free(loop);
    visit_free(&v);
    outcome_free(open);
    for (int i = 0; i < commands; i++)
        outcome_free(&runs[i]);
}

static bool is_right(const outcome *run, int i) {
    return run->error == HOSTSESSION_OK && hostsession_result_exit_status(run->result) == statuses[i] &&
           strcmp(hostsession_result_output(run->result), outputs[i]) == 0;
}

/* What came before the cut is right, the command that it met is lost, the rest was not sent. */
static void check(const outcome *open, const outcome *runs) {
    int i = 0;
    if (open->error == HOSTSESSION_OK) {
        while (i < commands && is_right(&runs[i], i))
            i++;
        if (i < commands && hostsession_result_status(runs[i].result) == HOSTSESSION_STATUS_LOST)
            assert_int_equal(runs[i++].error, HOSTSESSION_ERROR_DISCONNECTED);
    } else {
        assert_true(open->error == HOSTSESSION_ERROR_CONNECT || open->error == HOSTSESSION_ERROR_DISCONNECTED ||
                    open->error == HOSTSESSION_ERROR_AUTH);
    }
    for (; i < commands; i++) {
        assert_int_equal(hostsession_result_status(runs[i].result), HOSTSESSION_STATUS_SKIPPED);
        assert_int_equal(runs[i].error, HOSTSESSION_ERROR_CLOSED);
    }
}

/* FAULTS_FROM is the first place: from 0 to one less than the stride, all have their turn. */
static void cut_in(relay_direction way, relay_cut how) {
    enum { stride = 211 };
    const char *from = getenv("FAULTS_FROM");
    uint64_t all = UINT64_MAX;
    uint64_t at = from ? strtoull(from, NULL, 10) : 0;
    for (bool whole = true; at < all; at += whole ? 0 : stride) {
        relay *line = start_relay(visit_server);
        outcome open = {0};
        outcome runs[commands] = {0};
        if (!whole)
            relay_cut_after(line, way, at, how);
        hostsession *session = begin(line, &open, runs);
        check(&open, runs);
        if (whole) {
            assert_true(is_right(&runs[commands - 1], commands - 1));
            all = relay_count(line).bytes[way];
            whole = false;
        }
        end(session, &open, runs);
        relay_stop(line);
    }
    assert_true(ssh_server_wait_connections(visit_server, 0, patience_ms));
}

static void cut_on_the_way_there(void **state) {
    (void)state;
    cut_in(RELAY_TO_SERVER, RELAY_FIN);
}

static void cut_on_the_way_back(void **state) {
    (void)state;
    cut_in(RELAY_TO_CLIENT, RELAY_RST);
}

/* Longer than from one question of the recovery to the next: nothing of it meets the next command. */
static void far_away(void **state) {
    (void)state;
    relay *line = start_relay(visit_server);
    loop = new_loop();
    visit_init(&v, loop, ssh_server_config_at(visit_server, relay_port(line)));
    v.options.recovery_timeout_ms = patience_ms;
    hostsession *session = visit_open(&v, "test-bash");
    relay_set_delay(line, RELAY_TO_SERVER, 200);
    relay_set_delay(line, RELAY_TO_CLIENT, 200);
    for (int i = 0; i < 3; i++) {
        hostsession_run_options how = HOSTSESSION_RUN_OPTIONS_INIT;
        hostsession_result *result = NULL;
        how.timeout_ms = 500;
        assert_int_equal(hostsession_run(session, "sleep 600", &how, &result), HOSTSESSION_ERROR_TIMED_OUT);
        assert_true(hostsession_result_session_alive(result));
        hostsession_result_free(result);
        check_run(session, "echo next", "next\n", 0);
        check_run(session, "(exit 5)", "", 5);
    }
    hostsession_close(session);
    hostsession_loop_free(loop);
    visit_free(&v);
    relay_stop(line);
}

int main(void) {
    static const api_case cases[] = {CASE(cut_on_the_way_there), CASE(cut_on_the_way_back), CASE(far_away)};
    return visit_cases_run("line", NULL, cases, sizeof cases / sizeof cases[0]);
}
