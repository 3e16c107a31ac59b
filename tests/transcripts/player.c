/* SPDX-License-Identifier: MIT */
#include "parts.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

/* An engine whose deadline stays in the past makes its caller spin. */
enum { most_idle_advances = 3 };

bool player_complain(player *p, const char *why, const char *what) {
    text_clear(&p->events);
    text_printf(&p->events, "a wrong step: %s \"%s\"\n", why, what);
    return false;
}

static int64_t to_us(const char *value) {
    if (!value)
        return INT64_MAX;
    char *unit;
    double number = strtod(value, &unit);
    return (int64_t)(number * (strcmp(unit, "us") == 0 ? 1 : strcmp(unit, "ms") == 0 ? 1e3 : 1e6));
}

/* The expectations that were given so far are the login's. */
static bool make_login(player *p) {
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (!p->logs_in)
        return true;
    if (p->wanted_count && expectations_new(p->wanted, p->wanted_count, &p->login_expectations, &why))
        return false;
    p->wanted_count = 0;
    p->way_in.expectations = p->login_expectations;
    if (login_new(&p->way_in, &p->login, &why))
        return false;
    p->config.login = p->login;
    return true;
}

/* The answers that were given so far are the pagers'. */
static bool make_console(player *p) {
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (!p->how.prompt)
        return true;
    p->how.pagers = p->wanted;
    p->how.pager_count = p->wanted_count;
    p->wanted_count = 0;
    if (console_new(&p->how, &p->console, &why))
        return false;
    p->config.console = p->console;
    return true;
}

static bool make_engine(player *p) {
    engine_host with = player_host;
    if (p->transcript)
        with.transcript = player_on_transcript;
    if (p->catches_up)
        with.catch_up = player_on_catch_up;
    memcpy(p->config.token, SCRIPT_TOKEN, sizeof SCRIPT_TOKEN);
    p->config.name = "host";
    memory_engine(true);
    if (make_console(p) && make_login(p))
        p->engine = engine_new(&p->config, &with, p, p->now);
    memory_engine(false);
    return p->engine != NULL;
}

/* In what arrives a number written as @ is that of the line that was typed last; @p is its prompt's. */
static void receive_numbered(player *p, hostsession_stream stream, const text *data, bool cut, size_t cut_at) {
    static const char place[] = ";@";
    text numbered = {0};
    const char *from = data->data;
    const char *end = from + data->length;
    const char *at;
    while ((at = memmem(from, (size_t)(end - from), place, 2)) != NULL) {
        text_append(&numbered, from, (size_t)(at + 1 - from));
        bool prompt = at + 2 < end && at[2] == 'p';
        text_printf(&numbered, "%llu", prompt ? player_prompt_number(p, p->typed) : p->typed);
        from = at + 2 + prompt;
    }
    text_append(&numbered, from, (size_t)(end - from));
    player_receive(p, stream, &numbered, cut, cut_at);
    text_free(&numbered);
}

static void advance_to(player *p, int64_t until) {
    int64_t at;
    int idle = 0;
    while ((at = player_next_due(p)) <= until) {
        idle = at <= p->now ? idle + 1 : 0;
        if (at > p->now)
            p->now = at + p->busy < until ? at + p->busy : until;
        if (idle > most_idle_advances) {
            player_end_piece(p);
            text_add(&p->events, "spinning\n");
            break;
        }
        if (player_answer_due(p))
            idle = 0;
        memory_engine(true);
        engine_advance(p->engine, p->now);
        memory_engine(false);
        player_collect(p);
    }
    p->now = until;
    memory_engine(true);
    engine_advance(p->engine, p->now);
    memory_engine(false);
}

static bool run(player *p, const script_step *step, engine_way way) {
    static const text none;
    const text *command = way == ENGINE_LEAVE ? &none : script_bytes(step, 0);
    if (!command)
        return player_complain(p, "no command", "run");
    p->result = result_new(p->limit);
    engine_command c = {.way = way,
                        .text = text_data(command),
                        .length = command->length,
                        .timeout_us = to_us(script_value(step, "timeout")),
                        .result = p->result,
                        .secret = script_value(step, "secret") != NULL};
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (p->wanted_count && expectations_new(p->wanted, p->wanted_count, &p->expectations, &why))
        return player_complain(p, why.message, "run");
    p->wanted_count = 0;
    c.expectations = way == ENGINE_RUN ? p->expectations : NULL;
    login_free(p->entry);
    p->entry = NULL;
    if (way == ENGINE_ENTER && login_new(&(engine_login){.expectations = p->expectations}, &p->entry, &why))
        return player_complain(p, why.message, "enter");
    c.login = p->entry;
    p->runs++;
    memory_engine(true);
    engine_run(p->engine, &c, p->now);
    memory_engine(false);
    return true;
}

/* answer "PATTERN" "RESPONSE" [secret=yes] [echo-off=yes] [times=N]: for the next command */
static bool answer(player *p, const script_step *step) {
    const text *pattern = script_bytes(step, 0);
    const text *response = script_bytes(step, 1);
    const char *times = script_value(step, "times");
    if (!pattern || !response || p->wanted_count == player_max_expectations)
        return player_complain(p, "no pattern, or too many", "answer");
    p->wanted[p->wanted_count++] =
        (hostsession_expectation){.pattern = text_data(pattern),
                                  .response = text_data(response),
                                  .flags = (script_value(step, "secret") ? HOSTSESSION_EXPECT_SECRET : 0u) |
                                           (script_value(step, "echo-off") ? HOSTSESSION_EXPECT_ECHO_OFF : 0u),
                                  .max_answers = times ? (unsigned)strtoul(times, NULL, 10) : 0};
    return true;
}

static bool expect(player *p, const script_step *step) {
    const char *patterns[player_max_expectations];
    size_t count = 0;
    const text *pattern;
    while (count < player_max_expectations && (pattern = script_bytes(step, count)) != NULL)
        patterns[count++] = text_data(pattern);
    const char *window = script_value(step, "window");
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (pattern_set_new(patterns, count, &p->patterns, &why))
        return player_complain(p, why.message, "expect");
    memory_engine(true);
    engine_expect(p->engine, p->patterns, window ? strtoul(window, NULL, 10) : 65536,
                  to_us(script_value(step, "timeout")), p->now);
    memory_engine(false);
    return true;
}

static void hang_up(player *p, const script_step *step) {
    const char *status = script_value(step, "exit");
    const char *signal = script_value(step, "signal");
    hostsession_exit how = {.known = status || signal,
                            .exit_status = status   ? atoi(status)
                                           : signal ? 128 + atoi(signal)
                                                    : 0,
                            .signal = signal ? atoi(signal) : 0};
    memory_engine(true);
    engine_hangup(p->engine, &how, NULL, p->now);
    memory_engine(false);
}

static void show(player *p, const script_step *step) {
    static const char *const states[] = {"opening", "idle", "running", "recovering", "ended"};
    player_end_piece(p);
    int64_t deadline = engine_deadline(p->engine);
    if (script_has(step, "state"))
        text_printf(&p->events, "state %s\n", states[engine_state(p->engine)]);
    if (script_has(step, "cwd"))
        text_printf(&p->events, "cwd %s\n", engine_cwd(p->engine));
    if (script_has(step, "shell"))
        text_printf(&p->events, "shell %s %s\n", engine_shell(p->engine), engine_user(p->engine));
    if (script_has(step, "depth"))
        text_printf(&p->events, "depth %u\n", engine_depth(p->engine));
    if (script_has(step, "failure"))
        text_printf(&p->events, "failure %s: %s\n", engine_failure(p->engine)->stage,
                    engine_failure(p->engine)->message);
    if (script_has(step, "deadline") && deadline == INT64_MAX)
        text_add(&p->events, "deadline none\n");
    else if (script_has(step, "deadline"))
        text_printf(&p->events, "deadline %lldms\n", (long long)(deadline - p->now) / 1000);
}

/* What the engine wants to send, and transcripts, come last, since how it mixes with events depends on the pieces. */
static void take_outgoing(player *p) {
    static const char *const names[] = {"shown-sent", "shown-received"};
    player_end_piece(p);
    for (size_t i = 0; i < 2; i++) {
        if (p->shown[i].length == 0)
            continue;
        p->piece_name = names[i];
        text_append(&p->piece, text_data(&p->shown[i]), p->shown[i].length);
        player_end_piece(p);
        text_clear(&p->shown[i]);
    }
    player_collect(p);
    if (p->sent.length == 0)
        return;
    text_add(&p->events, "sent ");
    player_add_quoted(&p->events, p->sent.data, p->sent.length);
    text_add(&p->events, "\n");
    text_clear(&p->sent);
}

/* console "PROMPT" [probe=none] [error=PATTERN] [status-command=TEXT status=PATTERN]: in place of a shell */
static bool set_console(player *p, const script_step *step) {
    const text *prompt = script_bytes(step, 0);
    if (!prompt)
        return player_complain(p, "no prompt", "console");
    p->how.prompt = text_data(prompt);
    p->how.probe = script_value(step, "probe") ? "" : NULL;
    p->how.error = script_value(step, "error");
    p->how.status_command = script_value(step, "status-command");
    p->how.status = script_value(step, "status");
    return true;
}

static bool set(player *p, const script_step *step) {
    for (size_t i = 1; i < step->word_count; i++) {
        const char *key = step->words[i].key ? step->words[i].key : "";
        const char *value = text_data(&step->words[i].value);
        bool yes = strcmp(value, "yes") == 0;
        if (strcmp(key, "mode") == 0)
            p->config.tty = strcmp(value, "tty") == 0;
        else if (strcmp(key, "opening") == 0)
            p->config.open_timeout_us = to_us(value);
        else if (strcmp(key, "recovery") == 0)
            p->config.recovery_timeout_us = to_us(value);
        else if (strcmp(key, "setup") == 0)
            p->config.setup = value;
        else if (strcmp(key, "distance") == 0)
            p->distance = to_us(value);
        else if (strcmp(key, "busy") == 0)
            p->busy = to_us(value);
        else if (strcmp(key, "echo") == 0)
            p->echoes = yes ? 1 : strcmp(value, "unknown") == 0 ? -1 : 0;
        else if (strcmp(key, "signals") == 0)
            p->signals = yes;
        else if (strcmp(key, "foreground") == 0)
            p->config.sees_foreground = yes;
        else if (strcmp(key, "resets") == 0)
            p->resets = yes;
        else if (strcmp(key, "changed") == 0)
            p->changed = yes;
        else if (strcmp(key, "held") == 0)
            p->held = yes;
        else if (strcmp(key, "transcript") == 0)
            p->transcript = yes;
        else if (strcmp(key, "kept") == 0)
            p->config.max_raw_bytes = strtoul(value, NULL, 10);
        else if (strcmp(key, "catch-up") == 0)
            p->catches_up = yes;
        else if (strcmp(key, "login") == 0)
            p->logs_in = yes;
        else if (strcmp(key, "asks") == 0)
            p->way_in.asks = yes;
        else if (strcmp(key, "user") == 0)
            p->way_in.user = value;
        else if (strcmp(key, "password") == 0)
            p->password = value;
        else if (strcmp(key, "limit") == 0)
            p->limit = strtoul(value, NULL, 10);
        else
            return player_complain(p, "nothing to set:", key);
    }
    return true;
}

static bool call(player *p, const script_step *step, size_t index) {
    const char *what = text_data(&step->words[0].value);
    const text *data = script_bytes(step, 0);
    bool error_stream = strcmp(what, "receive-error") == 0;
    bool right = true;
    if (strcmp(what, "opened") == 0 && data)
        return player_open_shell(p, text_data(data));
    if (strcmp(what, "run") == 0)
        return run(p, step, ENGINE_RUN);
    if (strcmp(what, "enter") == 0)
        return run(p, step, ENGINE_ENTER);
    if (strcmp(what, "leave") == 0)
        return run(p, step, ENGINE_LEAVE);
    if (strcmp(what, "expect") == 0)
        return expect(p, step);
    if ((error_stream || strcmp(what, "receive") == 0) && data) {
        receive_numbered(p, error_stream ? HOSTSESSION_STREAM_ERROR : HOSTSESSION_STREAM_OUTPUT, data,
                         index == p->cut_step, p->cut_at);
        return true;
    }
    if (strcmp(what, "advance") == 0 && data) {
        advance_to(p, p->now + to_us(text_data(data)));
        return true;
    }
    if (strcmp(what, "late-error") == 0 && data) {
        text_append(&p->late, text_data(data), data->length);
        return true;
    }
    if (strcmp(what, "answers") == 0) {
        const char *cwd = script_value(step, "cwd");
        player_collect(p);
        player_answer_all(p, cwd ? cwd : "/home");
        text_clear(&p->sent);
        return true;
    }
    if (strcmp(what, "hangup") == 0) {
        hang_up(p, step);
        return true;
    }
    if (strcmp(what, "show") == 0) {
        show(p, step);
        return true;
    }
    memory_engine(true);
    if (strcmp(what, "connect") == 0)
        engine_connected(p->engine, p->now);
    else if (strcmp(what, "drained") == 0)
        engine_drained(p->engine, p->now);
    else if (strcmp(what, "cancel") == 0)
        engine_cancel(p->engine, p->now);
    else if (strcmp(what, "cancel-expect") == 0)
        engine_expect_cancel(p->engine);
    else if (strcmp(what, "send") == 0 && data)
        engine_send(p->engine, text_data(data), data->length, script_value(step, "secret") != NULL);
    else if (strcmp(what, "type") == 0 && data)
        engine_type(p->engine, text_data(data), data->length, script_value(step, "secret") != NULL);
    else
        right = false;
    memory_engine(false);
    return right || player_complain(p, "nothing known:", what);
}

bool player_step(player *p, const script_step *step, size_t index) {
    const char *what = text_data(&step->words[0].value);
    text_clear(&p->events);
    if (strcmp(what, "set") == 0)
        return set(p, step);
    if (strcmp(what, "answer") == 0)
        return answer(p, step);
    if (strcmp(what, "console") == 0)
        return set_console(p, step);
    if (!p->engine && !make_engine(p))
        return player_complain(p, "out of memory", what);
    if (!call(p, step, index))
        return false;
    take_outgoing(p);
    return true;
}

void player_start(player *p) {
    p->config = (engine_config){.tty = true,
                                .open_timeout_us = 10000000,
                                .recovery_timeout_us = 5000000,
                                .max_raw_bytes = SIZE_MAX};
    p->how = (hostsession_console)HOSTSESSION_CONSOLE_INIT;
    p->now = 1000000000;
    p->resets = true;
    p->distance = -1;
    p->limit = SIZE_MAX;
    p->cut_step = SIZE_MAX;
}

const char *player_verdict(const player *p) {
    if (p->dones > p->runs)
        return "a command was done twice";
    if (p->ends > 1)
        return "the session ended twice";
    bool busy = p->engine &&
                (engine_state(p->engine) == HOSTSESSION_RUNNING || engine_state(p->engine) == HOSTSESSION_RECOVERING);
    if (p->dones + busy != p->runs)
        return "a command was never done";
    return NULL;
}

void player_free(player *p) {
    engine_free(p->engine);
    console_free(p->console);
    login_free(p->login);
    login_free(p->entry);
    expectations_free(p->login_expectations);
    hostsession_result_free(p->result);
    expectations_free(p->expectations);
    pattern_set_free(p->patterns);
    text_free(&p->events);
    text_free(&p->piece);
    text_free(&p->shown[0]);
    text_free(&p->shown[1]);
    text_free(&p->late);
    text_free(&p->sent);
}

size_t player_arriving(const script_step *step) {
    const char *what = text_data(&step->words[0].value);
    if (strcmp(what, "receive") != 0 && strcmp(what, "receive-error") != 0)
        return 0;
    const text *data = script_bytes(step, 0);
    return data ? data->length : 0;
}
