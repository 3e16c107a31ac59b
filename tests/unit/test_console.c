/* SPDX-License-Identifier: MIT */
/* Consoles that are no shell, with a peer in memory and a clock of our own: each talk is held again with a pause after
 * every byte, too short and long enough to be taken for the end. */
#include "engine/engine.h"
#include "support/console_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const int64_t second_us = 1000000;

/* ---- a talk ---- */

typedef struct talk {
    console_peer peer;
    hostsession_console how;
    const char *open_with;
    engine *engine;
    console *console;
    int64_t now;
    size_t cut;       /* a pause comes after so many bytes; SIZE_MAX: none */
    int64_t pause_us; /* ... of this */
    bool drips;       /* a pause comes after every byte */
    size_t delivered;
    int echo_told;  /* of the terminal's own echo */
    bool more_told; /* whether there is more to receive is told, as a terminal of ours does */
    bool ready;
    bool ended;
    hostsession_failure failure;
    hostsession_error error;
    hostsession_result *result;
    bytes streamed;
    bytes unsolicited;
    bytes sent; /* all that was typed */
} talk;

static void on_ready(void *owner) {
    ((talk *)owner)->ready = true;
}
static void on_output(void *owner, hostsession_stream stream, const char *data, size_t length) {
    (void)stream;
    assert_true(bytes_append(&((talk *)owner)->streamed, data, length));
}
static void on_unsolicited(void *owner, hostsession_stream stream, const char *data, size_t length) {
    (void)stream;
    assert_true(bytes_append(&((talk *)owner)->unsolicited, data, length));
}
static void on_done(void *owner, hostsession_error error, hostsession_result *result) {
    talk *t = owner;
    assert_null(t->result);
    t->error = error;
    t->result = result;
}
static void on_ended(void *owner, const hostsession_failure *why) {
    talk *t = owner;
    t->ended = true;
    t->failure = *why;
}
static void do_nothing(void *owner) {
    (void)owner;
}
static int on_echoes(void *owner) {
    return ((talk *)owner)->echo_told;
}
static bool on_has_more(void *owner) {
    talk *t = owner;
    return t->more_told && bytes_length(&t->peer.said) > 0;
}
static bool no_explanation(void *owner, hostsession_failure *failure) {
    (void)owner;
    (void)failure;
    return false;
}

static void take_typed(talk *t) {
    const bytes *out = engine_outgoing(t->engine);
    size_t length = bytes_length(out);
    if (length == 0)
        return;
    assert_true(bytes_append(&t->sent, bytes_front(out), length));
    console_peer_type(&t->peer, bytes_front(out), length);
    engine_sent(t->engine, length);
}

static void let_time_pass(talk *t, int64_t us) {
    int64_t until = t->now + us;
    while (engine_deadline(t->engine) <= until) {
        t->now = engine_deadline(t->engine) > t->now ? engine_deadline(t->engine) : t->now;
        engine_advance(t->engine, t->now);
        take_typed(t);
    }
    t->now = until;
}

/* One step: something said is delivered, or time goes on. */
static void step(talk *t) {
    take_typed(t);
    console_peer_work(&t->peer);
    size_t length = bytes_length(&t->peer.said);
    bool cut = t->cut > t->delivered && t->cut - t->delivered <= length;
    if (cut)
        length = t->cut - t->delivered;
    if (t->drips && length > 1)
        length = 1;
    if (length == 0) {
        int64_t at = engine_deadline(t->engine);
        assert_true(at != INT64_MAX);
        let_time_pass(t, at > t->now ? at - t->now : 0);
        return;
    }
    char *part = malloc(length);
    assert_non_null(part);
    memcpy(part, bytes_front(&t->peer.said), length);
    bytes_consume(&t->peer.said, length);
    t->delivered += length;
    engine_receive(t->engine, HOSTSESSION_STREAM_OUTPUT, part, length, t->now);
    free(part);
    engine_advance(t->engine, t->now);
    take_typed(t);
    if (engine_wants_drained(t->engine))
        engine_drained(t->engine, t->now);
    take_typed(t);
    if ((cut || t->drips) && t->pause_us)
        let_time_pass(t, t->pause_us);
}

static void steps_until(talk *t, const bool *done) {
    for (int i = 0; i < 20000 && !*done && !t->ended; i++)
        step(t);
    assert_true(*done || t->ended);
}

static void talk_open(talk *t) {
    static const engine_host host = {.ready = on_ready,
                                     .output = on_output,
                                     .unsolicited = on_unsolicited,
                                     .command_done = on_done,
                                     .begin = do_nothing,
                                     .echoes = on_echoes,
                                     .has_more = on_has_more,
                                     .explain = no_explanation,
                                     .ended = on_ended};
    if (!t->how.prompt)
        t->how.prompt = "R1(\\(\\w+\\))?# ?";
    if (!t->peer.prompt)
        t->peer.prompt = "R1# ";
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    assert_int_equal(console_new(&t->how, &t->console, &why), HOSTSESSION_OK);
    engine_config config = {.name = "peer",
                            .token = "abcdefghijklmn",
                            .tty = true,
                            .open_timeout_us = 60 * second_us,
                            .recovery_timeout_us = 5 * second_us,
                            .max_raw_bytes = 65536,
                            .console = t->console};
    t->engine = engine_new(&config, &host, t, 0);
    assert_non_null(t->engine);
    console_peer_start(&t->peer);
    engine_connected(t->engine, 0);
    steps_until(t, &t->ready);
    /* What answers the probes that came too early, say. */
    bytes_clear(&t->unsolicited);
}

static void talk_free(talk *t) {
    hostsession_result_free(t->result);
    engine_free(t->engine);
    console_free(t->console);
    console_peer_free(&t->peer);
    bytes_free(&t->streamed);
    bytes_free(&t->unsolicited);
    bytes_free(&t->sent);
}

static void start(talk *t, const char *command, int64_t timeout_us) {
    hostsession_result_free(t->result);
    t->result = NULL;
    bytes_clear(&t->streamed);
    engine_command c = {.text = command,
                        .length = strlen(command),
                        .timeout_us = timeout_us,
                        .result = result_new((size_t)1024 * 1024)};
    engine_run(t->engine, &c, t->now);
}

static void finish(talk *t) {
    for (int i = 0; i < 20000 && !t->result && !t->ended; i++)
        step(t);
    assert_non_null(t->result);
}

static void check_output(const talk *t, const char *expected, const char *command) {
    const char *text = hostsession_result_output(t->result);
    if (strcmp(text, expected) != 0)
        fail_msg("'%s' (echo %d, wraps %d, flushes %d, prompt %s, probe %s), cut at %zd, pause %lld ms: got \"%s\", "
                 "expected \"%s\"",
                 command, t->peer.echoes, t->peer.wraps, t->peer.flushes, t->how.prompt,
                 t->how.probe ? "none" : "Enter", (ssize_t)t->cut, (long long)(t->pause_us / 1000), text, expected);
    assert_int_equal(bytes_length(&t->streamed), strlen(text));
    if (*text)
        assert_memory_equal(bytes_front(&t->streamed), text, strlen(text));
}

static void check(talk *t, const char *command, const char *expected, hostsession_status status, int exit_status) {
    start(t, command, 600 * second_us);
    finish(t);
    check_output(t, expected, command);
    assert_int_equal(t->error, HOSTSESSION_OK);
    assert_int_equal(hostsession_result_status(t->result), status);
    assert_int_equal(hostsession_result_exit_status(t->result), exit_status);
}

/* ---- what the peer does ---- */

static void obey(console_peer *peer, const char *line) {
    static const struct {
        const char *line;
        const char *says;
    } rows[] = {
        {"show", "one\r\n\r\n  two\r\n"},
        {"nothing", ""},
        {"gap", "no end"},
        {"itself", "R1# \r\n"},
        {"lines", "\r\n\nfirst\n\n"},
        {"lure", "R1# is\r\nmy R1# \r\nR1(x)# not\r\nend R1#\r\n"},
        {"bar", "10%\r20%\r100%\r\n"},
        {"bad", "% Bad\r\n"},
        {"good", "not % Bad\r\n"},
        {"show a long line with words", "done\r\n"},
        {"same", "same\r\n"},
        {"status", "was 12\r\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(line, rows[i].line) == 0)
            console_peer_say(peer, rows[i].says);
    if (strcmp(line, "config") == 0)
        peer->prompt = "R1(config)# ";
    else if (strcmp(line, "end") == 0)
        peer->prompt = "R1# ";
    else if (strcmp(line, "page") == 0)
        peer->page_left = 5;
    else if (strcmp(line, "sleep") == 0)
        peer->endless = true;
}

/* A talk, cut nowhere, then everywhere with pauses of several lengths. */
static void hold(talk (*make)(void), void (*held)(talk *t)) {
    static const int64_t pauses_us[] = {0, 30000, 700000};
    static const int64_t drips_us[] = {0, 30000, 90000};
    talk first = make();
    first.cut = SIZE_MAX;
    talk_open(&first);
    held(&first);
    size_t length = first.delivered;
    talk_free(&first);
    for (size_t p = 0; p < sizeof pauses_us / sizeof pauses_us[0]; p++)
        for (size_t cut = 1; cut <= length; cut++) {
            talk t = make();
            t.cut = cut;
            t.pause_us = pauses_us[p];
            talk_open(&t);
            held(&t);
            talk_free(&t);
        }
    for (size_t p = 0; p < sizeof drips_us / sizeof drips_us[0]; p++) {
        talk t = make();
        t.drips = true;
        t.cut = SIZE_MAX;
        t.pause_us = drips_us[p];
        talk_open(&t);
        held(&t);
        talk_free(&t);
    }
}

static talk make_plain(void) {
    return (talk){.how = HOSTSESSION_CONSOLE_INIT, .peer = {.echoes = true, .run = obey}, .echo_told = -1};
}
static talk make_silent(void) {
    talk t = make_plain();
    t.peer.echoes = false;
    return t;
}
static talk make_wrapping(void) {
    talk t = make_plain();
    t.peer.wraps = true;
    return t;
}
static talk make_flushing(void) {
    talk t = make_plain();
    t.peer.flushes = true;
    return t;
}
static talk make_vague(void) {
    talk t = make_plain();
    t.how.prompt = "# $";
    return t;
}
static talk make_unprobed(void) {
    talk t = make_plain();
    t.how.probe = "";
    t.how.settle_ms = 1000;
    return t;
}

/* ---- cases ---- */

static void ask_all(talk *t) {
    check(t, "show", "one\r\n\r\n  two\r\n", HOSTSESSION_STATUS_SUCCESS, -1);
    check(t, "nothing", "", HOSTSESSION_STATUS_SUCCESS, -1);
    check(t, "", "", HOSTSESSION_STATUS_SUCCESS, -1);
    check(t, "gap", "no end", HOSTSESSION_STATUS_SUCCESS, -1);
    check(t, "lines", "\r\n\nfirst\n\n", HOSTSESSION_STATUS_SUCCESS, -1);
    check(t, "bar", "10%\r20%\r100%\r\n", HOSTSESSION_STATUS_SUCCESS, -1);
    check(t, "show a long line with words", "done\r\n", HOSTSESSION_STATUS_SUCCESS, -1);
    check(t, "nothing", "", HOSTSESSION_STATUS_SUCCESS, -1);
}

static void output_is_exact(void **state) {
    (void)state;
    hold(make_plain, ask_all);
    hold(make_silent, ask_all);
    hold(make_wrapping, ask_all);
    hold(make_flushing, ask_all);
    hold(make_vague, ask_all);
    hold(make_unprobed, ask_all);
}

static void ask_lure(talk *t) {
    check(t, "lure", "R1# is\r\nmy R1# \r\nR1(x)# not\r\nend R1#\r\n", HOSTSESSION_STATUS_SUCCESS, -1);
    check(t, "show", "one\r\n\r\n  two\r\n", HOSTSESSION_STATUS_SUCCESS, -1);
}

static void what_looks_like_a_prompt_is_output(void **state) {
    (void)state;
    hold(make_plain, ask_lure);
    hold(make_silent, ask_lure);
    hold(make_flushing, ask_lure);
    hold(make_unprobed, ask_lure);
}

static void ask_config(talk *t) {
    check(t, "config", "", HOSTSESSION_STATUS_SUCCESS, -1);
    check(t, "show", "one\r\n\r\n  two\r\n", HOSTSESSION_STATUS_SUCCESS, -1);
    check(t, "end", "", HOSTSESSION_STATUS_SUCCESS, -1);
    check(t, "same", "same\r\n", HOSTSESSION_STATUS_SUCCESS, -1);
}

static void the_prompt_may_change(void **state) {
    (void)state;
    hold(make_plain, ask_config);
    hold(make_silent, ask_config);
}

static talk make_paged(void) {
    static const hostsession_expectation pagers[] = {{.pattern = "--More--", .response = " "}};
    talk t = make_plain();
    t.how.pagers = pagers;
    t.how.pager_count = 1;
    return t;
}

static void ask_page(talk *t) {
    check(t, "page", "  a line\r\n  a line\r\n  a line\r\n  a line\r\n  a line\r\n", HOSTSESSION_STATUS_SUCCESS, -1);
    check(t, "show", "one\r\n\r\n  two\r\n", HOSTSESSION_STATUS_SUCCESS, -1);
}

static void pagers_are_answered_and_wiped(void **state) {
    (void)state;
    hold(make_paged, ask_page);
}

static talk make_strict(void) {
    talk t = make_plain();
    t.how.error = "(?i)% bad|error";
    t.how.status_command = "status";
    t.how.status = "was (\\d+)";
    return t;
}

static void ask_status(talk *t) {
    check(t, "bad", "% Bad\r\n", HOSTSESSION_STATUS_FAILED, 12);
    check(t, "good", "not % Bad\r\n", HOSTSESSION_STATUS_FAILED, 12);
}

static talk make_erring(void) {
    talk t = make_strict();
    t.how.status_command = t.how.status = NULL;
    return t;
}

static void ask_error(talk *t) {
    check(t, "bad", "% Bad\r\n", HOSTSESSION_STATUS_FAILED, -1);
    check(t, "good", "not % Bad\r\n", HOSTSESSION_STATUS_SUCCESS, -1);
}

static void errors_and_statuses_are_found(void **state) {
    (void)state;
    hold(make_strict, ask_status);
    hold(make_erring, ask_error);
}

static void ask_in_time(talk *t) {
    check(t, "show", "one\r\n\r\n  two\r\n", HOSTSESSION_STATUS_SUCCESS, -1);
    start(t, "sleep", 2 * second_us);
    int64_t started = t->now;
    finish(t);
    assert_int_equal(t->error, HOSTSESSION_ERROR_TIMED_OUT);
    assert_int_equal(hostsession_result_status(t->result), HOSTSESSION_STATUS_TIMED_OUT);
    assert_true(hostsession_result_session_alive(t->result));
    /* A second interrupt may have met a pause in the answer to the first. */
    const char *said = hostsession_result_output(t->result);
    assert_in_range(strlen(said), 4, 12);
    assert_string_equal(said + strlen(said) - 4, "^C\r\n");
    assert_in_range(t->now - started, 2 * second_us, 7 * second_us);
    check(t, "show", "one\r\n\r\n  two\r\n", HOSTSESSION_STATUS_SUCCESS, -1);
}

static void a_timed_out_command_leaves_nothing_behind(void **state) {
    (void)state;
    hold(make_plain, ask_in_time);
    hold(make_silent, ask_in_time);
    hold(make_unprobed, ask_in_time);
}

static void late_output_is_not_the_next_commands(void **state) {
    (void)state;
    talk t = make_plain();
    t.cut = SIZE_MAX;
    talk_open(&t);
    check(&t, "show", "one\r\n\r\n  two\r\n", HOSTSESSION_STATUS_SUCCESS, -1);
    /* Of something in the background, between commands and after the next one was typed. */
    console_peer_say(&t.peer, "%LINK down\r\nR1# ");
    step(&t);
    assert_int_equal(bytes_length(&t.unsolicited), strlen("%LINK down\r\nR1# "));
    console_peer_say(&t.peer, "%LINK up\r\nR1# ");
    check(&t, "show", "one\r\n\r\n  two\r\n", HOSTSESSION_STATUS_SUCCESS, -1);
    talk_free(&t);
}

/* What console.h says cannot be told. */
static void a_prompt_that_cannot_be_told_costs_no_later_command(void **state) {
    (void)state;
    talk t = make_plain();
    talk_open(&t);
    start(&t, "show", 20 * second_us);
    take_typed(&t);
    bytes_clear(&t.peer.typed);
    console_peer_say(&t.peer, "show\r\nR1# ");
    step(&t);
    console_peer_say(&t.peer, "\r\nR1# \r\nlate\r\nR1# ");
    finish(&t);
    check(&t, "show", "one\r\n\r\n  two\r\n", HOSTSESSION_STATUS_SUCCESS, -1);
    talk_free(&t);
}

/* One that echoes shows the Enter of a probe: prompts side by side are no answer. */
static void prompts_side_by_side_are_output(void **state) {
    (void)state;
    talk t = make_plain();
    t.cut = SIZE_MAX;
    talk_open(&t);
    check(&t, "show", "one\r\n\r\n  two\r\n", HOSTSESSION_STATUS_SUCCESS, -1);
    start(&t, "sleep", 2 * second_us);
    step(&t);
    for (int i = 0; i < 5; i++) {
        console_peer_say(&t.peer, "R1# ");
        step(&t);
    }
    finish(&t);
    check_output(&t, "R1# R1# R1# R1# R1# ^C\r\n", "sleep");
    assert_int_equal(hostsession_result_status(t.result), HOSTSESSION_STATUS_TIMED_OUT);
    check(&t, "show", "one\r\n\r\n  two\r\n", HOSTSESSION_STATUS_SUCCESS, -1);
    talk_free(&t);
}

/* What is written in two pieces at once may be read piece by piece. */
static void a_prompt_has_nothing_behind_it(void **state) {
    (void)state;
    talk t = make_plain();
    t.more_told = t.drips = true;
    t.cut = SIZE_MAX;
    talk_open(&t);
    check(&t, "show", "one\r\n\r\n  two\r\n", HOSTSESSION_STATUS_SUCCESS, -1);
    check(&t, "itself", "R1# \r\n", HOSTSESSION_STATUS_SUCCESS, -1);
    check(&t, "itself", "R1# \r\n", HOSTSESSION_STATUS_SUCCESS, -1);
    talk_free(&t);
}

/* A line editor turns the terminal's own echo off at its prompt: where that is on, none is believed quickly. */
static void a_prompt_has_the_echo_of_the_last(void **state) {
    (void)state;
    talk t = make_plain();
    t.cut = SIZE_MAX;
    talk_open(&t);
    check(&t, "show", "one\r\n\r\n  two\r\n", HOSTSESSION_STATUS_SUCCESS, -1);
    start(&t, "sleep", 2 * second_us);
    t.echo_told = 1;
    step(&t);
    for (int i = 0; i < 5; i++) {
        console_peer_say(&t.peer, i ? "\r\nR1# " : "R1# ");
        step(&t);
    }
    t.echo_told = -1;
    finish(&t);
    check_output(&t, "R1# \r\nR1# \r\nR1# \r\nR1# \r\nR1# ^C\r\n", "sleep");
    assert_int_equal(hostsession_result_status(t.result), HOSTSESSION_STATUS_TIMED_OUT);
    check(&t, "show", "one\r\n\r\n  two\r\n", HOSTSESSION_STATUS_SUCCESS, -1);
    talk_free(&t);
}

static void a_wedged_console_ends_the_session(void **state) {
    (void)state;
    talk t = make_plain();
    talk_open(&t);
    start(&t, "show", second_us);
    /* It reads nothing any more. */
    for (int i = 0; i < 1000 && !t.result; i++) {
        engine_sent(t.engine, bytes_length(engine_outgoing(t.engine)));
        let_time_pass(&t, 100000);
    }
    assert_non_null(t.result);
    assert_int_equal(t.error, HOSTSESSION_ERROR_TIMED_OUT);
    assert_false(hostsession_result_session_alive(t.result));
    assert_true(t.ended);
    assert_in_range(t.now, 6 * second_us, 8 * second_us);
    talk_free(&t);
}

static void a_lost_connection_is_told(void **state) {
    (void)state;
    for (int known = 0; known < 2; known++) {
        talk t = make_plain();
        t.cut = SIZE_MAX;
        talk_open(&t);
        start(&t, "show", INT64_MAX);
        engine_receive(t.engine, HOSTSESSION_STREAM_OUTPUT, "show\r\none\r\ntw", 13, t.now);
        hostsession_exit how = {.known = known, .exit_status = 3};
        engine_hangup(t.engine, &how, NULL, t.now);
        assert_non_null(t.result);
        assert_int_equal(hostsession_result_status(t.result),
                         known ? HOSTSESSION_STATUS_SHELL_EXITED : HOSTSESSION_STATUS_LOST);
        assert_string_equal(hostsession_result_output(t.result), "one\r\ntw");
        assert_int_equal(hostsession_result_exit_status(t.result), known ? 3 : -1);
        assert_true(t.ended);
        talk_free(&t);
    }
}

static void after_raw_bytes_the_prompt_must_be_back(void **state) {
    (void)state;
    talk t = make_plain();
    t.cut = SIZE_MAX;
    talk_open(&t);
    assert_true(engine_send(t.engine, "sleep\r", 6, false));
    take_typed(&t);
    console_peer_work(&t.peer);
    step(&t);
    start(&t, "show", INT64_MAX);
    finish(&t);
    assert_int_equal(t.error, HOSTSESSION_ERROR_NOT_READY);
    assert_true(engine_send(t.engine, "\003", 1, false));
    take_typed(&t);
    step(&t);
    check(&t, "show", "one\r\n\r\n  two\r\n", HOSTSESSION_STATUS_SUCCESS, -1);
    talk_free(&t);
}

static void setup_comes_first(void **state) {
    (void)state;
    static const char *const setup[] = {"show", "nothing", NULL};
    talk t = make_plain();
    t.cut = SIZE_MAX;
    t.how.setup = setup;
    talk_open(&t);
    assert_true(t.ready);
    assert_true(bytes_append(&t.sent, "", 1));
    assert_non_null(strstr(bytes_front(&t.sent), "show\r"));
    assert_non_null(strstr(strstr(bytes_front(&t.sent), "show\r"), "nothing\r"));
    check(&t, "same", "same\r\n", HOSTSESSION_STATUS_SUCCESS, -1);
    talk_free(&t);

    static const char *const stuck[] = {"sleep", NULL};
    talk u = make_plain();
    u.cut = SIZE_MAX;
    u.how.setup = stuck;
    talk_open(&u);
    assert_true(u.ended);
    assert_int_equal(u.failure.error, HOSTSESSION_ERROR_NOT_READY);
    assert_non_null(strstr(u.failure.message, "\"sleep\""));
    talk_free(&u);
}

static void bad_settings_are_refused(void **state) {
    (void)state;
    const hostsession_expectation no_response = {.pattern = "x"};
    hostsession_console rows[7];
    for (size_t i = 0; i < 7; i++) {
        rows[i] = (hostsession_console)HOSTSESSION_CONSOLE_INIT;
        rows[i].prompt = "# $";
    }
    static const char *const two_lines[] = {"a\nb", NULL};
    rows[0].prompt = NULL;
    rows[1].prompt = "(";
    rows[2].error = "[";
    rows[3].status = "x";
    rows[4].setup = two_lines;
    rows[5].settle_ms = -1;
    rows[6].pagers = &no_response;
    rows[6].pager_count = 1;
    for (size_t i = 0; i < 7; i++) {
        console *c;
        hostsession_failure why = HOSTSESSION_FAILURE_INIT;
        assert_int_equal(console_new(&rows[i], &c, &why), HOSTSESSION_ERROR_INVALID);
        assert_null(c);
        assert_string_not_equal(why.message, "");
    }
    assert_int_equal(console_check("a\rb", NULL), HOSTSESSION_ERROR_INVALID);
    assert_int_equal(console_check("a b", NULL), HOSTSESSION_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_is_exact),
        cmocka_unit_test(what_looks_like_a_prompt_is_output),
        cmocka_unit_test(the_prompt_may_change),
        cmocka_unit_test(pagers_are_answered_and_wiped),
        cmocka_unit_test(errors_and_statuses_are_found),
        cmocka_unit_test(a_timed_out_command_leaves_nothing_behind),
        cmocka_unit_test(late_output_is_not_the_next_commands),
        cmocka_unit_test(a_prompt_that_cannot_be_told_costs_no_later_command),
        cmocka_unit_test(prompts_side_by_side_are_output),
        cmocka_unit_test(a_prompt_has_nothing_behind_it),
        cmocka_unit_test(a_prompt_has_the_echo_of_the_last),
        cmocka_unit_test(a_wedged_console_ends_the_session),
        cmocka_unit_test(a_lost_connection_is_told),
        cmocka_unit_test(after_raw_bytes_the_prompt_must_be_back),
        cmocka_unit_test(setup_comes_first),
        cmocka_unit_test(bad_settings_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
