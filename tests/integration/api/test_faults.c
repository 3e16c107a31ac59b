/* SPDX-License-Identifier: MIT */
/*
 * A usual session, open, three commands of which one is answered, close, over lines that lose, damage, split and delay
 * bytes, at every place in turn: each command has its right result or a named failure, never another's and never none.
 * And shells that are killed, in every state.
 */
#include "cases.h"
#include "faulty.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { commands = 3, at_once = 12, patience_ms = 60000 };

static const char *const texts[commands] = {"echo one", "printf 'name: '; read -r n; echo \"<$n>\"", "(exit 3)"};
static const char *const outputs[commands] = {"one\n", "name: <me>\n", ""};
static const int statuses[commands] = {0, 0, 3};

/* One session over one line. */
typedef struct life {
    faulty line;
    hostsession *session;
    outcome open;
    outcome runs[commands];
    int done; /* of open and all runs */
} life;

static void count(life *l) {
    l->done = l->open.calls;
    for (int i = 0; i < commands; i++)
        l->done += l->runs[i].calls;
}

static void begin(life *l, hostsession_loop *loop, int64_t timeout_ms) {
    static const hostsession_expectation answer = {.pattern = "name: $", .response = "me\r"};
    hostsession_transport transport = faulty_transport();
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    options.loop = loop;
    options.transport = &transport;
    options.transport_data = &l->line;
    options.connect_timeout_ms = timeout_ms ? 4000 : patience_ms;
    options.recovery_timeout_ms = timeout_ms ? 3000 : patience_ms;
    assert_int_equal(hostsession_open_start("line", &options, opened, &l->open, &l->session, NULL), HOSTSESSION_OK);
    for (int i = 0; i < commands; i++) {
        hostsession_run_options how = HOSTSESSION_RUN_OPTIONS_INIT;
        how.timeout_ms = timeout_ms;
        how.expectations = &answer;
        how.expectation_count = i == 1;
        assert_int_equal(hostsession_run_start(l->session, texts[i], &how, ran, &l->runs[i], NULL, NULL),
                         HOSTSESSION_OK);
    }
}

static void drive_to_end(hostsession_loop *loop, life *l) {
    long long since = clock_ms();
    for (count(l); l->done < 1 + commands; count(l)) {
        if (clock_ms() - since > patience_ms)
            fail_msg("a session hangs");
        hostsession_loop_run_once(loop, 1000);
    }
}

static void end(life *l) {
    hostsession_close(l->session);
    outcome_free(&l->open);
    for (int i = 0; i < commands; i++)
        outcome_free(&l->runs[i]);
}

static bool is_right(const life *l, int i) {
    const hostsession_result *r = l->runs[i].result;
    return l->runs[i].error == HOSTSESSION_OK && hostsession_result_exit_status(r) == statuses[i] &&
           strcmp(hostsession_result_output(r), outputs[i]) == 0;
}

/* All commands before the first that failed are right; it is `lost`, the rest were not sent. */
static void check_cut(const life *l, uint64_t at) {
    int i = 0;
    if (l->open.error != HOSTSESSION_OK) {
        assert_int_equal(l->open.error, HOSTSESSION_ERROR_CONNECT);
    } else {
        while (i < commands && is_right(l, i))
            i++;
        if (i < commands && hostsession_result_status(l->runs[i].result) == HOSTSESSION_STATUS_LOST) {
            assert_int_equal(l->runs[i].error, HOSTSESSION_ERROR_DISCONNECTED);
            assert_int_equal(hostsession_result_exit_status(l->runs[i].result), -1);
            i++;
        }
    }
    for (; i < commands; i++) {
        if (hostsession_result_status(l->runs[i].result) != HOSTSESSION_STATUS_SKIPPED)
            print_error("cut at %llu, command %d: %d \"%s\"\n", (unsigned long long)at, i,
                        (int)hostsession_result_status(l->runs[i].result),
                        hostsession_result_output(l->runs[i].result));
        assert_int_equal(hostsession_result_status(l->runs[i].result), HOSTSESSION_STATUS_SKIPPED);
        assert_int_equal(l->runs[i].error, HOSTSESSION_ERROR_CLOSED);
    }
}

/* What came damaged may be damaged output; a status is right, or there is none. */
static void check_damaged_answers(const life *l, uint64_t at) {
    for (int i = 0; i < commands; i++) {
        const hostsession_result *r = l->runs[i].result;
        if (l->runs[i].error != HOSTSESSION_OK) {
            assert_true(hostsession_result_failure(r)->error != HOSTSESSION_OK);
            assert_int_equal(hostsession_result_exit_status(r), -1);
            continue;
        }
        if (hostsession_result_exit_status(r) != statuses[i])
            print_error("damaged at %llu, command %d\n", (unsigned long long)at, i);
        assert_int_equal(hostsession_result_exit_status(r), statuses[i]);
        for (int other = 0; other < commands; other++)
            assert_true(other == i || !*outputs[other] || !strstr(hostsession_result_output(r), outputs[other]));
    }
}

/* What the shell got damaged is another command, but it ends, and has a name. */
static void check_damaged_commands(const life *l, uint64_t at) {
    (void)at;
    for (int i = 0; i < commands; i++)
        assert_int_equal(l->runs[i].error, hostsession_result_failure(l->runs[i].result)->error);
}

/* How many bytes go over the line when nothing happens to them. */
static void measure(uint64_t *bytes) {
    hostsession_loop *loop = new_loop();
    life l = {0};
    faulty_init(&l.line);
    begin(&l, loop, 0);
    drive_to_end(loop, &l);
    for (int i = 0; i < commands; i++)
        check_result(l.runs[i].result, statuses[i] ? HOSTSESSION_STATUS_FAILED : HOSTSESSION_STATUS_SUCCESS,
                     statuses[i], outputs[i]);
    memcpy(bytes, l.line.passed, sizeof l.line.passed);
    end(&l);
    hostsession_loop_free(loop);
}

/* One session for each `stride`-th place in the line, several at once.  FAULTS_FROM is the first: from 0 to one less
 * than the stride, all places have their turn. */
static void sweep(faulty_direction way, bool cut, unsigned stride, int64_t timeout_ms,
                  void (*check)(const life *l, uint64_t at)) {
    const char *from = getenv("FAULTS_FROM");
    uint64_t bytes[2];
    measure(bytes);
    hostsession_loop *loop = new_loop();
    life *lives = allocate(at_once * sizeof *lives);
    for (uint64_t at = from ? strtoul(from, NULL, 10) : 0; at < bytes[way]; at += (uint64_t)stride * at_once) {
        for (uint64_t i = 0; i < at_once; i++) {
            life *l = &lives[i];
            memset(l, 0, sizeof *l);
            faulty_init(&l->line);
            *(cut ? &l->line.cut[way] : &l->line.corrupt[way]) = at + i * stride;
            begin(l, loop, timeout_ms);
        }
        for (uint64_t i = 0; i < at_once; i++) {
            drive_to_end(loop, &lives[i]);
            check(&lives[i], at + i * stride);
            end(&lives[i]);
        }
    }
    free(lives);
    hostsession_loop_free(loop);
}

static void cut_on_the_way_back(void **state) {
    (void)state;
    sweep(FAULTY_FROM_SHELL, true, 7, 0, check_cut);
}

static void cut_on_the_way_there(void **state) {
    (void)state;
    sweep(FAULTY_TO_SHELL, true, 17, 0, check_cut);
}

static void damaged_on_the_way_back(void **state) {
    (void)state;
    sweep(FAULTY_FROM_SHELL, false, 29, 1000, check_damaged_answers);
}

static void damaged_on_the_way_there(void **state) {
    (void)state;
    sweep(FAULTY_TO_SHELL, false, 67, 1000, check_damaged_commands);
}

static void in_pieces(void **state) {
    (void)state;
    static const size_t pieces[] = {1, 2, 3, 7, 64};
    hostsession_loop *loop = new_loop();
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        for (int late = 0; late < 2; late++) {
            life l = {0};
            faulty_init(&l.line);
            l.line.piece = pieces[i];
            l.line.late = late;
            begin(&l, loop, 0);
            drive_to_end(loop, &l);
            for (int c = 0; c < commands; c++)
                assert_true(is_right(&l, c));
            end(&l);
        }
    hostsession_loop_free(loop);
}

/* ---- the shell is killed ---- */

static void killed_while_opening(void **state) {
    (void)state;
    hostsession_loop *loop = new_loop();
    life l = {0};
    faulty_init(&l.line);
    begin(&l, loop, 0);
    kill(l.line.shell, SIGKILL);
    drive_to_end(loop, &l);
    assert_int_equal(l.open.error, HOSTSESSION_ERROR_CONNECT);
    check_cut(&l, 0);
    end(&l);
    hostsession_loop_free(loop);
}

static hostsession *open_shell(hostsession_loop *loop, hostsession_mode mode, pid_t *ret_shell) {
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    hostsession *session = NULL;
    hostsession_result *result = NULL;
    options.loop = loop;
    options.mode = mode;
    options.connect_timeout_ms = options.recovery_timeout_ms = patience_ms;
    assert_int_equal(hostsession_open("local", &options, &session, NULL), HOSTSESSION_OK);
    assert_int_equal(hostsession_run(session, "echo $$", NULL, &result), HOSTSESSION_OK);
    *ret_shell = (pid_t)strtol(hostsession_result_output(result), NULL, 10);
    hostsession_result_free(result);
    return session;
}

static void kill_in(hostsession_mode mode, hostsession_state when) {
    hostsession_loop *loop = new_loop();
    pid_t shell = 0;
    hostsession *session = open_shell(loop, mode, &shell);
    outcome run = {0};
    hostsession_run_options how = HOSTSESSION_RUN_OPTIONS_INIT;
    how.timeout_ms = when == HOSTSESSION_RECOVERING ? 50 : 0;
    /* A shell's own loop that no signal but SIGKILL ends. */
    if (when != HOSTSESSION_IDLE)
        assert_int_equal(hostsession_run_start(session, "trap '' INT QUIT TSTP; while :; do :; done", &how, ran, &run,
                                               NULL, NULL),
                         HOSTSESSION_OK);
    drive_until_state(loop, session, when);
    kill(shell, SIGKILL);
    drive_until_state(loop, session, HOSTSESSION_ENDED);
    if (when != HOSTSESSION_IDLE) {
        drive_until(loop, &run.calls, 1);
        assert_int_equal(run.error,
                         when == HOSTSESSION_RECOVERING ? HOSTSESSION_ERROR_TIMED_OUT : HOSTSESSION_ERROR_SHELL_EXITED);
        assert_int_equal(hostsession_result_exit_status(run.result), 137);
        assert_false(hostsession_result_session_alive(run.result));
    }
    assert_int_equal(hostsession_get_failure(session)->error, HOSTSESSION_ERROR_SHELL_EXITED);
    outcome after = {0};
    start_run(session, "echo more", &after);
    drive_until(loop, &after.calls, 1);
    assert_int_equal(after.error, HOSTSESSION_ERROR_CLOSED);
    outcome_free(&run);
    outcome_free(&after);
    hostsession_close(session);
    hostsession_loop_free(loop);
}

static void killed_in_every_state(void **state) {
    (void)state;
    for (int mode = HOSTSESSION_MODE_TTY; mode <= HOSTSESSION_MODE_PIPE; mode++) {
        kill_in((hostsession_mode)mode, HOSTSESSION_IDLE);
        kill_in((hostsession_mode)mode, HOSTSESSION_RUNNING);
        kill_in((hostsession_mode)mode, HOSTSESSION_RECOVERING);
    }
}

static void a_full_disk(void **state) {
    (void)state;
    hostsession *session = open_local(NULL);
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, "echo text 2>/dev/null >/dev/full", NULL, &result), HOSTSESSION_OK);
    check_result(result, HOSTSESSION_STATUS_FAILED, 1, "");
    hostsession_result_free(result);
    check_run(session, "exec 3>&1 >/dev/full", "", 0);
    check_run(session, "echo lost 2>/dev/null || echo said >&3", "said\n", 0);
    check_run(session, "exec >&3; echo back", "back\n", 0);
    hostsession_close(session);
}

int main(void) {
    static const api_case cases[] = {
        CASE(cut_on_the_way_back),
        CASE(cut_on_the_way_there),
        CASE(damaged_on_the_way_back),
        CASE(damaged_on_the_way_there),
        CASE(in_pieces),
        CASE(killed_while_opening),
        CASE(killed_in_every_state),
        CASE(a_full_disk),
    };
    return cases_run("faults", cases, sizeof cases / sizeof cases[0]);
}
