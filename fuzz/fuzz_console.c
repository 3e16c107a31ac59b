/* SPDX-License-Identifier: MIT */
/* The console engine against a console that cannot be trusted: whatever comes in whatever pieces at whatever time, a
 * command ends once, within its deadline and the time to win the console back, and nothing is told after the end. */
#include "engine/engine.h"
#include "fuzz.h"

#include <string.h>

static const int64_t second_us = 1000000;

typedef struct view {
    engine *engine;
    int64_t now;
    bool running;
    bool ended;
    size_t received;
    size_t told; /* of what was received: each byte is told once at most */
} view;

static void on_ready(void *owner) {
    fuzz_must(!((view *)owner)->ended, "ready after the end");
}
static void on_output(void *owner, hostsession_stream stream, const char *data, size_t length) {
    (void)stream;
    (void)data;
    view *v = owner;
    fuzz_must(v->running, "output without a command");
    v->told += length;
}
static void on_unsolicited(void *owner, hostsession_stream stream, const char *data, size_t length) {
    (void)stream;
    (void)data;
    view *v = owner;
    fuzz_must(!v->ended, "bytes after the end");
    v->told += length;
}
static void on_done(void *owner, hostsession_error error, hostsession_result *result) {
    (void)error;
    view *v = owner;
    fuzz_must(v->running, "a command ended twice");
    v->running = false;
    hostsession_result_free(result);
}
static void on_ended(void *owner, const hostsession_failure *why) {
    (void)why;
    view *v = owner;
    fuzz_must(!v->ended, "ended twice");
    v->ended = true;
}
static void do_nothing(void *owner) {
    (void)owner;
}
static int echoes(void *owner) {
    return (int)(((view *)owner)->received % 3) - 1;
}
static bool no_explanation(void *owner, hostsession_failure *failure) {
    (void)owner;
    (void)failure;
    return false;
}

static void advance(view *v, int64_t us) {
    int64_t until = v->now + us;
    while (engine_deadline(v->engine) <= until && !v->ended) {
        int64_t at = engine_deadline(v->engine);
        v->now = at > v->now ? at : v->now;
        engine_advance(v->engine, v->now);
        engine_sent(v->engine, bytes_length(engine_outgoing(v->engine)));
        fuzz_must(v->ended || engine_deadline(v->engine) > v->now, "time stands still");
    }
    v->now = until;
}

static void receive(view *v, const char *data, size_t length) {
    v->received += length;
    engine_receive(v->engine, HOSTSESSION_STREAM_OUTPUT, data, length, v->now);
    if (!v->ended && engine_wants_drained(v->engine))
        engine_drained(v->engine, v->now);
    engine_sent(v->engine, bytes_length(engine_outgoing(v->engine)));
    fuzz_must(v->told <= v->received, "more was told than came");
}

/* A byte from 0xf0 on is something that happens; all below is text. */
static void play(view *v, const char *data, size_t size) {
    static const char *const texts[] = {"R1# ", "\r\n", "--More--", "show\r\n", "\r        \r", "R1#"};
    for (size_t i = 0; i < size && !v->ended; i++) {
        unsigned code = (unsigned char)data[i];
        if (code < 0xf0) {
            receive(v, data + i, 1);
        } else if (code < 0xf6) {
            receive(v, texts[code - 0xf0], strlen(texts[code - 0xf0]));
        } else if (code < 0xfa) {
            advance(v, (int64_t)(code - 0xf5) * 60000);
        } else if (code == 0xfa) {
            engine_cancel(v->engine, v->now);
        } else if (engine_state(v->engine) == HOSTSESSION_IDLE && code < 0xfe) {
            engine_command command = {.text = "show",
                                      .length = 4,
                                      .timeout_us = 2 * second_us,
                                      .result = result_new(256)};
            v->running = true;
            engine_run(v->engine, &command, v->now);
        } else if (engine_state(v->engine) == HOSTSESSION_IDLE) {
            engine_send(v->engine, "x\r", 2, false);
        }
        engine_sent(v->engine, bytes_length(engine_outgoing(v->engine)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const engine_host host = {.ready = on_ready,
                                     .output = on_output,
                                     .unsolicited = on_unsolicited,
                                     .command_done = on_done,
                                     .begin = do_nothing,
                                     .echoes = echoes,
                                     .explain = no_explanation,
                                     .ended = on_ended};
    static const hostsession_expectation pagers[] = {{.pattern = "--More--", .response = " "}};
    hostsession_console how = HOSTSESSION_CONSOLE_INIT;
    console *c;
    how.prompt = size > 0 && data[0] & 1 ? "# ?$" : "R1# ";
    how.pagers = pagers;
    how.pager_count = 1;
    how.error = "% ";
    if (size > 0 && data[0] & 2)
        how.probe = "";
    if (size > 0 && data[0] & 4) {
        how.status_command = "status";
        how.status = "(\\d+)";
    }
    if (console_new(&how, &c, NULL) != HOSTSESSION_OK)
        return 0;
    engine_config config = {.name = "fuzz",
                            .token = "abcdefghijklmn",
                            .tty = true,
                            .open_timeout_us = 10 * second_us,
                            .recovery_timeout_us = 5 * second_us,
                            .max_raw_bytes = 4096,
                            .console = c};
    view v = {.engine = engine_new(&config, &host, &v, 0)};
    if (v.engine) {
        engine_connected(v.engine, 0);
        receive(&v, "R1# ", 4);
        advance(&v, second_us / 5);
        receive(&v, "\r\nR1# ", 6);
        advance(&v, second_us / 5);
        play(&v, (const char *)data + (size > 0), size > 0 ? size - 1 : 0);
        advance(&v, 20 * second_us);
        fuzz_must(!v.running, "a command outlived its deadline");
        hostsession_exit how_ended = {0};
        if (!v.ended)
            engine_hangup(v.engine, &how_ended, NULL, v.now);
        fuzz_must(v.ended, "a lost connection ended nothing");
    }
    engine_free(v.engine);
    console_free(c);
    return 0;
}
