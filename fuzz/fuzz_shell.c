/* SPDX-License-Identifier: MIT */
/*
 * The engine with a shell (model.h): the input chooses what the commands' programs do, and the order and the pieces in
 * which everything moves.  During that this must hold:
 *   - the result of a command whose line the shell ran to its end has that line's status, and its output to the byte;
 *   - no output of one command is in the result of another;
 *   - a command that has a deadline, or was canceled, is done before that and the time to recover have passed;
 *   - when all moves on as it should, every command ends and the next one's result is right.
 * With `lossy` bytes are lost, doubled and damaged; then only the second and the third are asked for.
 */
#include "fuzz.h"
#include "model.h"

#include "engine/engine.h"

#include <string.h>

enum { recovery_us = 5000000, most_rounds = 20000, most_pending = 16 };

typedef struct world {
    const uint8_t *at;
    const uint8_t *end;
    engine *engine;
    engine_config config;
    model shell;
    int64_t now;
    bool signals;
    bool resets;
    bool sees_echo;
    bool lossy;
    bool far; /* signals arrive later */
    bool catches_up;
    hostsession_signal pending[most_pending];
    size_t pending_count;
    bool ready;
    bool ended;

    bool busy;
    unsigned command;
    char text[800];
    hostsession_result *result;
    expectations *expectations;
    bytes expected[2]; /* what the command has printed */
    bool inexact;      /* it printed what may be taken for something else, as documented */
    bool stopped;      /* a command was */
    int64_t must_end;
    unsigned chunk;
    bool done_right;
} world;

static void receive(world *w, hostsession_stream stream, size_t most) {
    bytes *printed = &w->shell.printed[stream];
    size_t length = bytes_length(printed) < most ? bytes_length(printed) : most;
    if (length == 0 || w->ended)
        return;
    char *copy = malloc(length);
    fuzz_must(copy != NULL, "memory");
    memcpy(copy, bytes_front(printed), length);
    bytes_consume(printed, length);
    engine_receive(w->engine, stream, copy, length, w->now);
    free(copy);
}

/* ---- The host -------------------------------------------------------------------------------------------------- */

static void on_ready(void *owner) {
    ((world *)owner)->ready = true;
}

static void on_text(void *owner, hostsession_stream stream, const char *data, size_t length) {
    (void)stream;
    (void)data;
    fuzz_must(length > 0 && !((world *)owner)->ended, "nothing follows the end");
}

/* Every piece that a command prints names it: "#COMMAND.PIECE#". */
static void check_names(const world *w, const char *text, size_t length) {
    const char *end = text + length;
    while (length && (text = memchr(text, '#', (size_t)(end - text))) != NULL) {
        unsigned command = 0;
        const char *digit = text + 1;
        while (digit < end && *digit >= '0' && *digit <= '9')
            command = command * 10 + (unsigned)(*digit++ - '0');
        bool name = digit > text + 1 && digit < end && *digit == '.';
        fuzz_must(!name || command == w->command, "output under its own command");
        text++;
    }
}

static void check_stream(const world *w, hostsession_stream stream, const char *text, size_t length) {
    const bytes *expected = &w->expected[stream];
    bool same = bytes_length(expected) == length && (length == 0 || memcmp(bytes_front(expected), text, length) == 0);
    if (!same && getenv("FUZZ_SHOW"))
        fprintf(stderr, "expected: %.*s\ngot: %.*s\n", (int)bytes_length(expected), bytes_front(expected), (int)length,
                text);
    fuzz_must(same, "output to the byte");
}

static void on_command_done(void *owner, hostsession_error error, hostsession_result *result) {
    world *w = owner;
    (void)error;
    fuzz_must(w->busy && !w->ended && result == w->result, "done once, with its own result");
    w->busy = false;
    hostsession_status status = hostsession_result_status(result);
    const char *text = hostsession_result_output(result);
    const char *errors = hostsession_result_error_output(result);
    size_t text_length = hostsession_result_output_bytes(result);
    size_t error_length = hostsession_result_error_output_bytes(result);
    w->done_right = status == HOSTSESSION_STATUS_SUCCESS || status == HOSTSESSION_STATUS_FAILED;
    w->stopped |= !w->done_right;
    if (getenv("FUZZ_SHOW"))
        fprintf(stderr, "done %u: status %d exit %d, shell: %u exit %d %d\n", w->command, (int)status,
                hostsession_result_exit_status(result), w->shell.ended_command, w->shell.ended_status,
                w->shell.ended_normally);
    /* Where the middle was dropped two names may have become one. */
    if (!w->lossy && hostsession_result_dropped_bytes(result) == 0) {
        check_names(w, text, text_length);
        check_names(w, errors, error_length);
    }
    if (w->done_right && !w->lossy) {
        fuzz_must(w->shell.ended_command == w->command, "the result of its own line");
        fuzz_must(w->shell.ended_status == hostsession_result_exit_status(result), "its own status");
        if (w->shell.ended_normally && !w->inexact && hostsession_result_dropped_bytes(result) == 0) {
            check_stream(w, HOSTSESSION_STREAM_OUTPUT, text, text_length);
            check_stream(w, HOSTSESSION_STREAM_ERROR, errors, error_length);
        }
    }
    hostsession_result_free(result);
    expectations_free(w->expectations);
    w->result = NULL;
    w->expectations = NULL;
}

static void on_begin(void *owner) {
    fuzz_must(((world *)owner)->busy, "a command begins");
}

static bool on_signal(void *owner, hostsession_signal signal) {
    world *w = owner;
    if (!w->signals)
        return false;
    if (w->far && w->pending_count < most_pending)
        w->pending[w->pending_count++] = signal;
    else
        model_signal(&w->shell, signal);
    return true;
}

static bool on_signals_pending(void *owner) {
    return ((world *)owner)->pending_count > 0;
}

static bool on_explain(void *owner, hostsession_failure *failure) {
    (void)owner;
    (void)failure;
    return false;
}

static bool on_reset_terminal(void *owner) {
    world *w = owner;
    if (w->resets)
        w->shell.echo = false;
    return w->resets;
}

static bool on_terminal_changed(void *owner) {
    const world *w = owner;
    return w->resets && w->shell.echo;
}

static int on_echoes(void *owner) {
    const world *w = owner;
    return w->sees_echo ? w->shell.echo : -1;
}

static void on_catch_up(void *owner) {
    receive(owner, HOSTSESSION_STREAM_ERROR, SIZE_MAX);
}

static void on_log(void *owner, hostsession_log_level level, const char *message) {
    (void)owner;
    (void)level;
    if (getenv("FUZZ_SHOW"))
        fprintf(stderr, "log: %s\n", message);
}

static void on_ended(void *owner, const hostsession_failure *why) {
    world *w = owner;
    fuzz_must(!w->ended && !w->busy && why->message[0], "it ends once, with a reason, after its command");
    w->ended = true;
}

static bool on_shell_pid(void *owner, unsigned depth, int64_t pid) {
    (void)owner;
    (void)depth;
    (void)pid;
    return true;
}

static void on_inner_ended(void *owner, const hostsession_failure *why, bool told) {
    (void)owner;
    (void)why;
    (void)told;
}

/* ---- What moves ---------------------------------------------------------------------------------------------------
 */

static unsigned take(world *w) {
    return w->at < w->end ? *w->at++ : 0;
}

static bool send_out(world *w, size_t most) {
    const bytes *out = engine_outgoing(w->engine);
    size_t length = bytes_length(out) < most ? bytes_length(out) : most;
    if (length == 0 || w->ended)
        return false;
    if (getenv("FUZZ_SHOW"))
        fprintf(stderr, "[%lld] typed: %.*s\n", (long long)w->now, (int)length, bytes_front(out));
    model_type(&w->shell, bytes_front(out), length);
    engine_sent(w->engine, length);
    return true;
}

static bool deliver_signal(world *w) {
    if (w->pending_count == 0)
        return false;
    hostsession_signal first = w->pending[0];
    memmove(w->pending, w->pending + 1, --w->pending_count * sizeof w->pending[0]);
    model_signal(&w->shell, first);
    return true;
}

static bool deliver_all(world *w) {
    bool any = false;
    for (hostsession_stream stream = 0; stream < 2; stream++) {
        any |= bytes_length(&w->shell.printed[stream]) > 0;
        receive(w, stream, SIZE_MAX);
    }
    return any && !w->ended;
}

static void hang_up(world *w, bool known) {
    hostsession_exit end = {.known = known, .exit_status = w->shell.exit_status};
    if (!w->ended)
        engine_hangup(w->engine, &end, NULL, w->now);
    fuzz_must(w->ended, "a hangup ends it");
}

static void check_time(const world *w) {
    fuzz_must(!w->busy || w->now <= w->must_end, "a command ends in its time");
}

static void advance_to(world *w, int64_t until) {
    int64_t at;
    while (!w->ended && (at = engine_deadline(w->engine)) <= until) {
        w->now = at > w->now ? at : w->now + 1;
        engine_advance(w->engine, w->now);
    }
    w->now = until > w->now ? until : w->now;
    engine_advance(w->engine, w->now);
    check_time(w);
}

static void expect_end_in(world *w, int64_t us) {
    int64_t at = us == INT64_MAX ? INT64_MAX : w->now + us;
    w->must_end = at < w->must_end ? at : w->must_end;
}

static void run(world *w, unsigned how) {
    static const hostsession_expectation wanted[] = {
        {.pattern = "word: $", .response = "secret\r", .flags = HOSTSESSION_EXPECT_SECRET, .max_answers = 3},
        {.pattern = "name: $", .response = "me\r"}};
    static const int64_t timeouts[] = {INT64_MAX, INT64_MAX, 300000, 2000000};
    static const size_t lengths[] = {0, 0, 130, 700};
    hostsession_failure why;
    int64_t timeout = timeouts[how & 3];
    w->command++;
    int length = snprintf(w->text, sizeof w->text, "cmd%u ", w->command);
    memset(w->text + length, 'x', lengths[how >> 2 & 3]);
    if (how & 0x10 && w->config.tty)
        fuzz_must(expectations_new(wanted, 2, &w->expectations, &why) == HOSTSESSION_OK, "patterns");
    w->result = result_new(how & 0x20 ? 16 : SIZE_MAX);
    fuzz_must(w->result != NULL, "memory");
    engine_command c = {.text = w->text,
                        .length = (size_t)length + lengths[how >> 2 & 3],
                        .timeout_us = timeout,
                        .expectations = w->expectations,
                        .result = w->result};
    bytes_clear(&w->expected[0]);
    bytes_clear(&w->expected[1]);
    w->inexact = false;
    w->busy = true;
    w->must_end = INT64_MAX;
    expect_end_in(w, timeout == INT64_MAX ? INT64_MAX : timeout + 2 * recovery_us);
    engine_run(w->engine, &c, w->now);
}

static void cancel(world *w) {
    engine_cancel(w->engine, w->now);
    expect_end_in(w, 2 * recovery_us);
}

/* ---- What the command's program does -------------------------------------------------------------------------------
 */

static bool program_runs(const world *w) {
    return w->shell.runs && !w->shell.blocked && !w->shell.asks && w->shell.command == w->command && w->busy;
}

static void print(world *w, hostsession_stream stream, const char *data, size_t length) {
    stream = w->config.tty ? HOSTSESSION_STREAM_OUTPUT : stream;
    model_print(&w->shell, stream, data, length);
    fuzz_must(bytes_append(&w->expected[stream], data, length), "memory");
}

static void print_piece(world *w) {
    static const char *const ends[] = {"\n", "", "\r\n", "\n\n"};
    char text[64];
    unsigned how = take(w);
    int length = snprintf(text, sizeof text, "#%u.%u#%s", w->command, w->chunk++, ends[how & 3]);
    print(w, how & 4 ? HOSTSESSION_STREAM_ERROR : HOSTSESSION_STREAM_OUTPUT, text, (size_t)length);
}

static void print_bytes(world *w) {
    static const char *const odd[] = {"\036",
                                      "\036" MODEL_TOKEN,
                                      "\036" MODEL_TOKEN ";E;",
                                      "\r",
                                      "\033[6n",
                                      "$ ",
                                      "\036tokentokentokf;E;4;0;h;1;30;2;/\036tokentokentokf\n",
                                      "\xff\xfe"};
    const char *text = odd[take(w) % 8];
    print(w, HOSTSESSION_STREAM_OUTPUT, text, strlen(text));
}

/* One that was printed before, or that may be printed later: who has read the shell's variables can do it. */
static void print_forged(world *w) {
    char text[128];
    unsigned how = take(w);
    uint64_t own = w->shell.number;
    uint64_t number = how & 1 ? own + 1 + (how >> 4) : own - 1 - (how >> 4) % own;
    if (number == 0)
        return;
    int length = how & 2 ? snprintf(text, sizeof text, "\036%s;P;%llu;7\036%s\n", MODEL_TOKEN,
                                    (unsigned long long)number, MODEL_TOKEN)
                         : snprintf(text, sizeof text, "\036%s;E;%llu;7;h;1;30;2;/\036%s\n", MODEL_TOKEN,
                                    (unsigned long long)number, MODEL_TOKEN);
    /* An old one may also be one more of a shell that was interrupted: a prompt, and then an END, too. */
    w->inexact |= !(how & 1) && (how & 2 || w->stopped);
    /* A later END may be the answer to the sync that bash on pipes is typed ahead. */
    w->inexact |= (how & 3) == 1 && w->shell.shell == MODEL_BASH && !w->config.tty;
    print(w, HOSTSESSION_STREAM_OUTPUT, text, (size_t)length);
}

static void program_step(world *w, unsigned step) {
    unsigned how;
    if (!program_runs(w))
        return;
    switch (step) {
    case 0:
        print_piece(w);
        break;
    case 1:
        print_bytes(w);
        break;
    case 2:
        print_forged(w);
        break;
    case 3:
        model_end(&w->shell, (int)(take(w) % 256));
        break;
    case 4:
        model_abort(&w->shell, (int)(take(w) % 255) + 1);
        break;
    case 5:
        how = take(w);
        if (how > 127)
            model_exit(&w->shell, (int)how % 256);
        break;
    case 6:
        w->shell.blocked = true;
        break;
    case 7:
        print(w, HOSTSESSION_STREAM_OUTPUT, take(w) & 1 ? "word: " : "name: ", 6);
        w->shell.asks = w->config.tty;
        /* The answer comes back. */
        w->inexact |= w->shell.echo;
        break;
    case 8:
        w->shell.stubborn = (model_stubborn)(take(w) % 4);
        break;
    default:
        w->shell.echo = w->config.tty;
        /* What is typed from here on comes back among its output. */
        w->inexact = true;
        break;
    }
}

/* ---- A connection that is none -------------------------------------------------------------------------------------
 */

static void damage(world *w) {
    unsigned how = take(w);
    bytes *at = how & 1 ? &w->shell.typed : &w->shell.printed[how >> 1 & 1];
    size_t length = bytes_length(at);
    if (length == 0)
        return;
    size_t some = 1 + take(w) % length;
    if ((how >> 2 & 3) == 0)
        bytes_consume(at, some);
    else if ((how >> 2 & 3) == 1)
        bytes_front(at)[some - 1] ^= (char)(1 << (how >> 4 & 7));
    else {
        bytes copy = {0};
        fuzz_must(bytes_append(&copy, bytes_front(at), some) && bytes_append(at, bytes_front(&copy), some), "memory");
        bytes_free(&copy);
    }
}

/* ---- The course of things ------------------------------------------------------------------------------------------
 */

/* Everything that can move does, once. */
static bool move_all(world *w) {
    bool moved = send_out(w, SIZE_MAX);
    while (deliver_signal(w))
        moved = true;
    while (model_can_read(&w->shell)) {
        model_read(&w->shell);
        moved = true;
    }
    moved |= deliver_all(w);
    if (!w->ended && engine_wants_drained(w->engine))
        engine_drained(w->engine, w->now);
    if (program_runs(w)) {
        model_end(&w->shell, (int)(w->command % 251) + 1);
        moved = true;
    }
    if (w->shell.exited && !w->ended && !moved)
        hang_up(w, true);
    return moved && !w->ended;
}

static bool is_waited_for(const world *w) {
    return !w->ended && (w->busy || !w->ready);
}

/* All goes on as it should until nothing is under way. */
static void go_on(world *w) {
    bool canceled = false;
    for (int round = 0; is_waited_for(w); round++) {
        fuzz_must(round < most_rounds, "it comes to an end");
        if (move_all(w))
            continue;
        if (!is_waited_for(w))
            break;
        int64_t next = engine_deadline(w->engine);
        if (next != INT64_MAX) {
            advance_to(w, next);
            continue;
        }
        fuzz_must(!canceled, "every wait has an end");
        cancel(w);
        canceled = true;
    }
    while (move_all(w))
        continue;
}

static void step(world *w) {
    unsigned how = take(w) % 24;
    if (how < 10) {
        program_step(w, how);
        return;
    }
    switch (how) {
    case 10:
        send_out(w, take(w));
        break;
    case 11:
        send_out(w, SIZE_MAX);
        break;
    case 12:
        model_read(&w->shell);
        break;
    case 13:
        receive(w, HOSTSESSION_STREAM_OUTPUT, take(w));
        break;
    case 14:
        receive(w, HOSTSESSION_STREAM_ERROR, take(w));
        break;
    case 15:
        deliver_all(w);
        break;
    case 16:
        engine_drained(w->engine, w->now);
        break;
    case 17:
        advance_to(w, w->now + (int64_t)take(w) * 2000);
        break;
    case 18:
        if (engine_deadline(w->engine) != INT64_MAX)
            advance_to(w, engine_deadline(w->engine));
        break;
    case 19:
    case 20:
        if (engine_state(w->engine) == HOSTSESSION_IDLE)
            run(w, take(w));
        break;
    case 21:
        how = take(w);
        if (how < 64 && w->busy)
            cancel(w);
        else if (how > 250)
            hang_up(w, how & 1);
        else if (w->lossy)
            damage(w);
        break;
    case 22:
        deliver_signal(w);
        break;
    default:
        move_all(w);
        break;
    }
}

static void begin(world *w, unsigned how, unsigned shell) {
    engine_host host = {.ready = on_ready,
                        .shell_pid = on_shell_pid,
                        .inner_ended = on_inner_ended,
                        .output = on_text,
                        .unsolicited = on_text,
                        .command_done = on_command_done,
                        .begin = on_begin,
                        .signal = on_signal,
                        .signals_pending = on_signals_pending,
                        .explain = on_explain,
                        .reset_terminal = on_reset_terminal,
                        .echoes = on_echoes,
                        .terminal_changed = on_terminal_changed,
                        .log = on_log,
                        .ended = on_ended};
    w->shell.shell = (model_shell)(shell % model_shells);
    w->shell.tty = how & 1;
    w->shell.flushes = how & 2;
    w->signals = how & 4 || !w->shell.tty;
    w->resets = how & 8;
    w->sees_echo = w->resets;
    w->lossy = how & 16;
    w->far = how & 32;
    w->catches_up = !w->shell.tty && how & 64;
    w->shell.echo = w->shell.tty && how & 128;
    w->shell.end_on_both = !w->shell.tty && (!w->catches_up || w->shell.shell == MODEL_ASH);
    if (w->catches_up)
        host.catch_up = on_catch_up;
    w->config = (engine_config){.name = "host",
                                .token = MODEL_TOKEN,
                                .tty = w->shell.tty,
                                .sees_foreground = w->signals && shell & 0x40,
                                .signals_aside = w->signals && w->shell.tty && !(shell & 0x40),
                                .open_timeout_us = 10000000,
                                .recovery_timeout_us = recovery_us,
                                .max_raw_bytes = 64};
    w->engine = engine_new(&w->config, &host, w, w->now);
    fuzz_must(w->engine != NULL, "memory");
    engine_connected(w->engine, w->now);
    if (shell & 0x80)
        return;
    go_on(w);
    fuzz_must(w->ready, "a shell that answers is ready");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    world w = {.at = data, .end = data + size, .now = 1000, .must_end = INT64_MAX};
    unsigned how = take(&w);
    begin(&w, how, take(&w));
    while (w.at < w.end && !w.ended)
        step(&w);
    go_on(&w);
    if (!w.ended && w.ready) {
        bool alone = !w.lossy;
        run(&w, 0);
        go_on(&w);
        fuzz_must(!alone || w.done_right, "the last command ends by itself");
    }
    if (!w.ended)
        hang_up(&w, false);
    fuzz_must(!w.busy && engine_deadline(w.engine) == INT64_MAX, "nothing is waited for after the end");
    engine_free(w.engine);
    model_free(&w.shell);
    bytes_free(&w.expected[0]);
    bytes_free(&w.expected[1]);
    return 0;
}
