/* SPDX-License-Identifier: MIT */
/*
 * The engine: the input is a virtual session (what its user does, what arrives, how the time goes), during which this
 * must hold:
 *   - a command is done exactly once, with the result it was given; nothing happens after the end;
 *   - a status comes from this command's own END, or from a prompt and the shell's answer to a question, or from that
 *     alone, on pipes;
 *   - what is kept is within the limit, and all that was streamed is either kept or counted as dropped;
 *   - the engine never asks to be called in the past again and again; a command that is stopped ends.
 */
#include "fuzz.h"

#include "engine/engine.h"

#include <hostsession/enter.h>

#include <string.h>

#define TOKEN "tokentokentoke"

enum { most_ends = 64, most_idle_advances = 4, most_last_advances = 400 };

typedef struct world {
    const uint8_t *at;
    const uint8_t *end;
    engine *engine;
    engine_config config;
    int64_t now;
    int echoes;
    bool changed;
    bool signals;
    bool resets;
    size_t limit;
    bool ready;
    bool ended;
    bool tainted; /* raw input held the token, or too many shells were entered: where a status came from cannot be told
                   */
    bool busy;
    engine_way way;
    bool begun; /* its frame was typed */
    hostsession_result *result;
    expectations *expectations;
    pattern_set *patterns;
    size_t streamed;
    uint64_t typed;       /* the highest number that was typed */
    uint64_t frame;       /* the number of the command's own frame; 0: not typed yet */
    uint64_t last_frame;  /* ... of this command or an earlier one */
    uint64_t entries[20]; /* the frames that inner shells were entered with */
    size_t entry_count;
    login *login;
    int fed_status[most_ends]; /* since the command began: ENDs of its number, and prompts */
    size_t fed_count;
    bytes late;
} world;

/* ---- The host -------------------------------------------------------------------------------------------------- */

static void on_ready(void *owner) {
    world *w = owner;
    fuzz_must(!w->ready && !w->ended, "ready once, before the end");
    w->ready = true;
}

static void on_output(void *owner, hostsession_stream stream, const char *data, size_t length) {
    world *w = owner;
    (void)data;
    fuzz_must(w->busy && w->begun && !w->ended, "output is a command's that was typed");
    fuzz_must(length > 0, "output is never empty");
    fuzz_must(!w->config.tty || stream == HOSTSESSION_STREAM_OUTPUT, "a terminal has one stream");
    w->streamed += length;
}

static void on_unsolicited(void *owner, hostsession_stream stream, const char *data, size_t length) {
    world *w = owner;
    (void)stream;
    (void)data;
    fuzz_must(length > 0 && !w->ended, "nothing follows the end");
}

static void check_status(const world *w, const hostsession_result *r) {
    int status = hostsession_result_exit_status(r);
    bool ended_itself = hostsession_result_status(r) == HOSTSESSION_STATUS_SUCCESS ||
                        hostsession_result_status(r) == HOSTSESSION_STATUS_FAILED;
    if (!ended_itself)
        return;
    /* Nor has a program that is no shell any. */
    if (w->way == ENGINE_RUN && status == -1 && strcmp(engine_shell(w->engine), "console") == 0)
        return;
    /* Of a shell that was entered there is none yet. */
    if (w->way == ENGINE_ENTER && status == -1) {
        fuzz_must(hostsession_result_status(r) == HOSTSESSION_STATUS_SUCCESS && engine_depth(w->engine) > 0, "entered");
        return;
    }
    fuzz_must((status == 0) == (hostsession_result_status(r) == HOSTSESSION_STATUS_SUCCESS), "0 is success");
    bool found = w->tainted || w->fed_count == most_ends;
    for (size_t i = 0; i < w->fed_count; i++)
        found |= w->fed_status[i] == status;
    fuzz_must(found, "the status is this command's");
}

static void on_command_done(void *owner, hostsession_error error, hostsession_result *result) {
    world *w = owner;
    fuzz_must(w->busy && !w->ended, "a command is done once");
    fuzz_must(result == w->result, "its own result");
    w->busy = false;
    size_t kept = hostsession_result_output_bytes(result) + hostsession_result_error_output_bytes(result);
    fuzz_must(kept <= w->limit, "what is kept is within the limit");
    fuzz_must(kept + hostsession_result_dropped_bytes(result) <= w->streamed, "what is kept was streamed");
    fuzz_must((error == HOSTSESSION_OK) == (hostsession_result_failure(result)->error == HOSTSESSION_OK),
              "a failure has a reason");
    check_status(w, result);
    hostsession_result_free(result);
    login_free(w->login);
    expectations_free(w->expectations);
    w->login = NULL;
    w->result = NULL;
    w->expectations = NULL;
}

static void on_expect_done(void *owner, const hostsession_failure *failure, const pattern_match *match,
                           const char *text, size_t length) {
    world *w = owner;
    (void)text;
    fuzz_must(w->patterns && !w->ended, "an expect is over once");
    fuzz_must((failure == NULL) == (match != NULL), "a match or a failure");
    if (match)
        fuzz_must(match->groups[0][1] == length && match->groups[0][0] <= length, "text up to the match");
    pattern_set_free(w->patterns);
    w->patterns = NULL;
}

static void on_begin(void *owner) {
    world *w = owner;
    fuzz_must(w->busy && !w->begun, "a command begins once");
    w->begun = true;
}

/* Those of every other moment are on their way for some time. */
static bool on_signals_pending(void *owner) {
    const world *w = owner;
    return w->signals && w->now / 50000 % 2;
}

static bool on_explain(void *owner, hostsession_failure *failure) {
    (void)owner;
    (void)failure;
    return false;
}

static bool on_signal(void *owner, hostsession_signal signal) {
    (void)signal;
    return ((world *)owner)->signals;
}

static bool on_reset_terminal(void *owner) {
    return ((world *)owner)->resets;
}

static bool on_terminal_changed(void *owner) {
    return ((world *)owner)->changed;
}

static int on_echoes(void *owner) {
    return ((world *)owner)->echoes;
}

static void on_catch_up(void *owner) {
    world *w = owner;
    bytes late = w->late;
    w->late = (bytes){0};
    if (bytes_length(&late))
        engine_receive(w->engine, HOSTSESSION_STREAM_ERROR, bytes_front(&late), bytes_length(&late), w->now);
    bytes_free(&late);
}

static void on_transcript(void *owner, hostsession_direction direction, const char *data, size_t length) {
    (void)direction;
    (void)data;
    fuzz_must(length > 0 && !((world *)owner)->ended, "nothing follows the end");
}

static void on_log(void *owner, hostsession_log_level level, const char *message) {
    (void)level;
    fuzz_must(*message && !((world *)owner)->ended, "nothing follows the end");
}

static void on_ended(void *owner, const hostsession_failure *why) {
    world *w = owner;
    fuzz_must(!w->ended, "it ends once");
    fuzz_must(why->error != HOSTSESSION_OK && why->message[0], "with a reason");
    fuzz_must(!w->busy && !w->patterns, "what was under way is told before");
    w->ended = true;
}

static void on_inner_ended(void *owner, const hostsession_failure *why, bool told) {
    world *w = owner;
    fuzz_must(!w->ended && engine_depth(w->engine) > 0, "an inner shell was there");
    fuzz_must(why->error == HOSTSESSION_ERROR_SHELL_EXITED, "it has ended");
    fuzz_must(told || !w->busy, "what runs says so");
}

static bool on_shell_pid(void *owner, unsigned depth, int64_t pid) {
    world *w = owner;
    fuzz_must(depth <= HOSTSESSION_MOST_LEVELS, "not too deep");
    return depth == 0 || pid % 2 || w->resets;
}

/* The marker can be what a shell says that was entered. */
static bool is_entry(const world *w, uint64_t number) {
    for (size_t i = 0; i < w->entry_count; i++)
        if (w->entries[i] == number)
            return true;
    return false;
}

static const engine_host host = {.ready = on_ready,
                                 .shell_pid = on_shell_pid,
                                 .inner_ended = on_inner_ended,
                                 .output = on_output,
                                 .unsolicited = on_unsolicited,
                                 .command_done = on_command_done,
                                 .expect_done = on_expect_done,
                                 .begin = on_begin,
                                 .signal = on_signal,
                                 .signals_pending = on_signals_pending,
                                 .explain = on_explain,
                                 .reset_terminal = on_reset_terminal,
                                 .echoes = on_echoes,
                                 .terminal_changed = on_terminal_changed,
                                 .log = on_log,
                                 .ended = on_ended};

/* ---- What the input does ---------------------------------------------------------------------------------------- */

static unsigned take(world *w) {
    return w->at < w->end ? *w->at++ : 0;
}

/* The number of the last frame or question that was typed. */
static void look_at_sent(world *w, const char *data, size_t length) {
    static const char *const calls[] = {"_hs_e ", "_hs_f ", "_hs_n=", TOKEN ";A;", TOKEN "\\n' "};
    const char *end = data + length;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        for (const char *at = data; (at = memmem(at, (size_t)(end - at), calls[i], strlen(calls[i]))) != NULL;) {
            uint64_t number = 0;
            at += strlen(calls[i]);
            for (at += at < end && *at == '"'; at < end && *at >= '0' && *at <= '9'; at++)
                number = number * 10 + (uint64_t)(*at - '0');
            if (number > w->typed && number < 1000000)
                w->typed = number;
        }
}

static void send_out(world *w, size_t most) {
    const bytes *out = engine_outgoing(w->engine);
    size_t length = bytes_length(out) < most ? bytes_length(out) : most;
    if (length)
        engine_sent(w->engine, length);
}

static void receive(world *w, hostsession_stream stream, const char *data, size_t length) {
    char *copy = malloc(length ? length : 1);
    fuzz_must(copy != NULL, "memory");
    memcpy(copy, data, length);
    engine_receive(w->engine, stream, copy, length, w->now);
    free(copy);
}

static void receive_raw(world *w, hostsession_stream stream) {
    size_t length = take(w);
    size_t left = (size_t)(w->end - w->at);
    length = length < left ? length : left;
    receive(w, stream, (const char *)w->at, length);
    w->at += length;
}

/* A marker whose number is near what is typed, cut or not. */
static void receive_marker(world *w, hostsession_stream stream) {
    unsigned shape = take(w);
    unsigned status = take(w);
    uint64_t number = w->typed + 1 - shape % 4;
    bytes m = {0};
    if (status % 16 == 15 && w->entry_count)
        number = w->entries[(shape & 3) % w->entry_count];
    const char *ending = shape & 0x80 ? "\r\n" : "\n";
    switch (shape >> 2 & 3) {
    case 0:
        bytes_printf(&m, "\036" TOKEN ";B;%llu\036" TOKEN "%s", (unsigned long long)number, ending);
        break;
    case 3:
        if (status % 4 == 3 && w->entry_count) {
            bytes_printf(&m, "\036" TOKEN ";A;%llu;%s;u;%u;i;/\036" TOKEN "%s", (unsigned long long)number,
                         status & 0x10 ? "5.2;;;A" : ";;;$A", status, ending);
            break;
        }
        /* fallthrough */
    case 2:
        if (status & 0x40) {
            bytes_printf(&m, "\036" TOKEN ";F;%llu;%u;/d%u\036" TOKEN "%s", (unsigned long long)number, status,
                         status % 3, ending);
            break;
        }
        bytes_printf(&m, "\036" TOKEN ";E;%llu;%u;%s;%u;%s;%u;/d%u\036" TOKEN "%s", (unsigned long long)number, status,
                     shape & 0x10 ? "hx" : "h0", shape >> 5 & 1, shape & 0x40 ? "31" : "30", status % 5, status % 3,
                     ending);
        break;
    case 1:
        bytes_printf(&m, "\036" TOKEN ";P;%llu;%u\036" TOKEN "%s", shape & 0x10 ? 0ULL : (unsigned long long)number,
                     status, ending);
        break;
    default:
        break;
    }
    bool prompt = (shape >> 2 & 3) == 1;
    bool end = shape >> 3 & 1;
    /* On pipes a sync may lie behind the command's line. */
    bool ends = number == w->frame || is_entry(w, number) || (!w->config.tty && w->frame && number > w->frame);
    if (w->busy && (prompt || (end && ends)) && w->fed_count < most_ends)
        w->fed_status[w->fed_count++] = (int)status;
    size_t cut = bytes_length(&m) * (status % 7) / 7;
    receive(w, stream, bytes_front(&m), cut);
    if (!w->ended)
        receive(w, stream, bytes_front(&m) + cut, bytes_length(&m) - cut);
    bytes_free(&m);
}

static void advance_to(world *w, int64_t until) {
    int idle = 0;
    int64_t at;
    while (!w->ended && (at = engine_deadline(w->engine)) <= until) {
        idle = at <= w->now ? idle + 1 : 0;
        fuzz_must(idle <= most_idle_advances, "the engine does not spin");
        w->now = at > w->now ? at : w->now;
        engine_advance(w->engine, w->now);
    }
    w->now = until > w->now ? until : w->now;
    engine_advance(w->engine, w->now);
}

/* What a program says that is no shell; given away. */
static console *new_console(bool is_quiet) {
    static const hostsession_expectation pagers[] = {{.pattern = "m", .response = " "}};
    hostsession_console how = HOSTSESSION_CONSOLE_INIT;
    console *c;
    how.prompt = "[#>$] ?$";
    how.pagers = pagers;
    how.pager_count = 1;
    how.error = "e";
    how.probe = is_quiet ? "" : NULL;
    if (console_new(&how, &c, NULL) != HOSTSESSION_OK)
        abort();
    return c;
}

static void run(world *w) {
    static const char *const commands[] = {
        "echo hi",  "set -x",        "sleep 1 & wait", "exit 3", "trap x DEBUG; exit",
        "a\nb'\tc", "set -o xtrace", "jobs &",         "",       "cat"};
    static const hostsession_expectation wanted[] = {
        {.pattern = "p$", .response = "secret\r", .flags = HOSTSESSION_EXPECT_SECRET, .max_answers = 2},
        {.pattern = "(a+)+$b|y", .response = "y\r"},
        {.pattern = "e", .response = "off\r", .flags = HOSTSESSION_EXPECT_ECHO_OFF}};
    unsigned how = take(w);
    hostsession_failure why;
    if (how & 0x40 && w->config.tty && expectations_new(wanted, how & 0x20 ? 3 : 2, &w->expectations, &why))
        abort();
    w->result = result_new(w->limit);
    fuzz_must(w->result != NULL, "memory");
    const char *text = commands[how % (sizeof commands / sizeof commands[0])];
    engine_way way = !w->config.tty       ? ENGINE_RUN
                     : (how & 0xf) == 0xe ? ENGINE_ENTER
                     : (how & 0xf) == 0xd ? ENGINE_LEAVE
                                          : ENGINE_RUN;
    if (way == ENGINE_ENTER && login_new(&(engine_login){.expectations = w->expectations}, &w->login, &why))
        abort();
    engine_command c = {.way = way,
                        .text = text,
                        .length = strlen(text),
                        .timeout_us = how & 0x80 ? 500000 : INT64_MAX,
                        .expectations = way == ENGINE_RUN ? w->expectations : NULL,
                        .login = w->login,
                        .console = way == ENGINE_ENTER && how & 0x10 ? new_console(how & 0x20) : NULL,
                        .result = w->result,
                        .secret = how == 0x1f};
    w->way = way;
    w->busy = true;
    w->begun = false;
    w->streamed = 0;
    w->fed_count = 0;
    w->frame = 0;
    engine_run(w->engine, &c, w->now);
}

static void expect(world *w) {
    static const char *const patterns[] = {"ab+c", "\\$ $", "(x+)+$y"};
    hostsession_failure why;
    unsigned how = take(w);
    if (pattern_set_new(patterns, 3, &w->patterns, &why))
        abort();
    engine_expect(w->engine, w->patterns, how & 1 ? 16 : 65536, how & 4 ? (int64_t)how * 1000 : INT64_MAX, w->now);
}

static void hang_up(world *w) {
    unsigned how = take(w);
    hostsession_exit end = {.known = how & 1, .exit_status = (int)(how >> 1), .signal = how == 0xff ? 9 : 0};
    hostsession_failure why = {HOSTSESSION_ERROR_DISCONNECTED, 0, "read", "read failed"};
    engine_hangup(w->engine, &end, how & 2 ? &why : NULL, w->now);
}

static void step(world *w) {
    hostsession_state state = engine_state(w->engine);
    bool idle = state == HOSTSESSION_IDLE && !w->patterns;
    hostsession_stream other = w->config.tty ? HOSTSESSION_STREAM_OUTPUT : HOSTSESSION_STREAM_ERROR;
    switch (take(w) % 20) {
    case 0:
        receive_raw(w, HOSTSESSION_STREAM_OUTPUT);
        break;
    case 1:
        receive_raw(w, other);
        break;
    case 2:
    case 3:
    case 4:
        receive_marker(w, HOSTSESSION_STREAM_OUTPUT);
        break;
    case 5:
        receive_marker(w, other);
        break;
    case 6:
        advance_to(w, w->now + (int64_t)take(w) * 1000);
        break;
    case 7:
        advance_to(w, w->now + (int64_t)take(w) * 100000);
        break;
    case 8:
        if (engine_deadline(w->engine) != INT64_MAX)
            advance_to(w, engine_deadline(w->engine));
        break;
    case 9:
    case 10:
        if (idle)
            run(w);
        break;
    case 11:
        engine_cancel(w->engine, w->now);
        break;
    case 12:
        engine_drained(w->engine, w->now);
        break;
    case 13:
        if (idle && w->config.tty)
            engine_send(w->engine, "ls\r", 3, take(w) & 1);
        break;
    case 14:
        if (w->busy && w->config.tty)
            engine_type(w->engine, "secret\r", 7, take(w) & 1);
        break;
    case 15:
        if (idle && w->config.tty)
            expect(w);
        break;
    case 16:
        engine_expect_cancel(w->engine);
        break;
    case 17:
        w->echoes = (int)(take(w) % 3) - 1;
        w->changed = w->echoes != 0;
        break;
    case 18:
        send_out(w, take(w));
        break;
    default:
        if (take(w) > 200)
            hang_up(w);
        break;
    }
}

/* The number of the END behind the last command; 0: there is none.  Lines of earlier commands may still be unsent. */
static uint64_t find_frame(const char *data, size_t length) {
    /* The plain ones of those that run() has are in groups. */
    static const char *const texts[] = {"eval ", "{ echo hi;}", "{ exit 3;}", "{ cat;}"};
    const char *end = data + length;
    const char *text = NULL;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        for (const char *at = data; (at = memmem(at, (size_t)(end - at), texts[i], strlen(texts[i]))) != NULL; at++)
            text = !text || at > text ? at : text;
    const char *call = text ? memmem(text, (size_t)(end - text), "_hs_e ", 6) : NULL;
    uint64_t number = 0;
    const char *at = call ? call + 6 : end;
    for (at += at < end && *at == '"'; at < end && *at >= '0' && *at <= '9'; at++)
        number = number * 10 + (uint64_t)(*at - '0');
    return number;
}

/* What was typed is looked at as it is appended, and sent. */
static void look_at_outgoing(world *w, bool send) {
    const bytes *out = engine_outgoing(w->engine);
    if (bytes_length(out))
        look_at_sent(w, bytes_front(out), bytes_length(out));
    uint64_t frame = w->busy && !w->frame && bytes_length(out) ? find_frame(bytes_front(out), bytes_length(out)) : 0;
    if (frame > w->last_frame)
        w->frame = w->last_frame = frame;
    if (w->way == ENGINE_ENTER && w->frame && w->frame == w->typed && bytes_length(out) &&
        memmem(bytes_front(out), bytes_length(out), "_hs_i", 5) && !is_entry(w, w->frame)) {
        if (w->entry_count < sizeof w->entries / sizeof w->entries[0])
            w->entries[w->entry_count++] = w->frame;
        else
            w->tainted = true;
    }
    if (send)
        send_out(w, SIZE_MAX);
}

static void open_shell(world *w, unsigned shell) {
    static const char *const answers[] = {"5.2;;;A", ";5.9;;A", ";;93u+m;A", ";;MIRBSD;A", ";;;A", ";;;$A"};
    bytes m = {0};
    engine_connected(w->engine, w->now);
    send_out(w, SIZE_MAX);
    bytes_printf(&m, "\036" TOKEN ";A;1;%s;u;1;i;/\036" TOKEN "\n", answers[shell % 6]);
    receive(w, HOSTSESSION_STREAM_OUTPUT, bytes_front(&m), bytes_length(&m));
    send_out(w, SIZE_MAX);
    static const char quieted[] = "\036" TOKEN ";E;2;0;;1;;;\036" TOKEN "\n";
    static const char taught[] = "\036" TOKEN ";E;3;0;h0;1;30;2;/\036" TOKEN "\n";
    receive(w, HOSTSESSION_STREAM_OUTPUT, quieted, sizeof quieted - 1);
    send_out(w, SIZE_MAX);
    receive(w, HOSTSESSION_STREAM_OUTPUT, taught, sizeof taught - 1);
    if (!w->config.tty)
        receive(w, HOSTSESSION_STREAM_ERROR, taught, sizeof taught - 1);
    w->typed = 3;
    bytes_free(&m);
}

/* However things stand: a cancel, and then time alone, end what is under way. */
static void finish(world *w) {
    engine_cancel(w->engine, w->now);
    for (int i = 0; !w->ended && (w->busy || engine_state(w->engine) == HOSTSESSION_OPENING); i++) {
        fuzz_must(i < most_last_advances, "a command that is stopped ends");
        fuzz_must(engine_deadline(w->engine) != INT64_MAX, "every wait has an end");
        advance_to(w, engine_deadline(w->engine));
        send_out(w, SIZE_MAX);
    }
    engine_expect_cancel(w->engine);
    static const hostsession_exit lost = {0};
    engine_hangup(w->engine, &lost, NULL, w->now);
    fuzz_must(w->ended && engine_state(w->engine) == HOSTSESSION_ENDED, "a hangup ends it");
    fuzz_must(engine_deadline(w->engine) == INT64_MAX, "nothing is waited for after the end");
    engine_advance(w->engine, w->now + 1);
    engine_drained(w->engine, w->now + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    static const size_t limits[] = {SIZE_MAX, 8, 64, 4096};
    world w = {.at = data, .end = data + size, .now = 1000};
    unsigned how = take(&w);
    unsigned shell = take(&w);
    engine_host with = host;
    if (how & 0x40)
        with.transcript = on_transcript;
    w.config = (engine_config){.name = "host",
                               .token = TOKEN,
                               .tty = how & 1,
                               .open_timeout_us = 10000000,
                               .recovery_timeout_us = how & 0x80 ? 5000000 : 700000,
                               .max_raw_bytes = 64};
    if (!w.config.tty && how & 2)
        with.catch_up = on_catch_up;
    w.echoes = w.config.tty ? (int)(how >> 1 & 1) : -1;
    w.signals = how & 4;
    w.resets = how & 8;
    w.limit = limits[how >> 4 & 3];
    w.tainted = memmem(data, size, TOKEN, strlen(TOKEN)) != NULL;
    w.engine = engine_new(&w.config, &with, &w, w.now);
    fuzz_must(w.engine != NULL, "memory");
    if (shell & 0x80)
        engine_connected(w.engine, w.now);
    else
        open_shell(&w, shell);
    while (w.at < w.end && !w.ended) {
        step(&w);
        look_at_outgoing(&w, how & 0x20 || take(&w) & 1);
        bool busy = engine_state(w.engine) == HOSTSESSION_RUNNING || engine_state(w.engine) == HOSTSESSION_RECOVERING;
        bool returns = engine_state(w.engine) == HOSTSESSION_RECOVERING && w.entry_count;
        fuzz_must(busy == w.busy || (returns && !w.busy), "the state says whether a command runs");
    }
    if (!w.ended)
        finish(&w);
    engine_free(w.engine);
    hostsession_result_free(w.result);
    login_free(w.login);
    expectations_free(w.expectations);
    pattern_set_free(w.patterns);
    bytes_free(&w.late);
    return 0;
}
