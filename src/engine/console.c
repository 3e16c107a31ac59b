/* SPDX-License-Identifier: MIT */
/* A console's states: from a typed line to the proven prompt behind its output.  docs/design/console.md has the
 * reasons. */
#include "engine/console_parts.h"

#include "base/failure.h"

#include <string.h>

enum {
    status_most_bytes = 64 * 1024,
    /* Interrupts: the second soon, since the first may have met nobody. */
    knock_us = 500000,
    knock_again_us = 1000000,
    ask_again_us = 1000000,
    surely_mute_lines = 2,
};

/* ---- what is output ---- */

static void on_line(void *owner, const char *line, size_t length) {
    console *c = owner;
    pattern_match match;
    tail t;
    if (c->failed)
        return;
    tail_read(&t, line, 0, length < console_line_bytes ? length : console_line_bytes);
    t.last_return = SIZE_MAX;
    c->failed = tail_matches(&t, c->error, &match);
}

static void put(engine *e, const char *data, size_t length) {
    console *c = e->console;
    if (length == 0)
        return;
    if (c->stage == STAGE_STATUS) {
        size_t held = bytes_length(&c->status_text);
        if (held > status_most_bytes)
            bytes_consume(&c->status_text, held - status_most_bytes);
        if (!bytes_append(&c->status_text, data, length))
            parts_no_memory(e);
        return;
    }
    bool none = c->stage == STAGE_SETUP || c->stage == STAGE_IDLE || c->stage == STAGE_SETTLING;
    if (!e->command.result || none || c->mute)
        return;
    if (!result_append(e->command.result, HOSTSESSION_STREAM_OUTPUT, data, length) ||
        (c->lines.on_line && !lines_feed(&c->lines, data, length))) {
        parts_no_memory(e);
        return;
    }
    e->host.output(e->owner, HOSTSESSION_STREAM_OUTPUT, data, length);
}

/* What is held is output up to `end`. */
static void release(engine *e, size_t end) {
    console *c = e->console;
    put(e, bytes_front(&c->held), end);
    bytes_consume(&c->held, end);
}

static void expect_in(engine *e, const char *data, size_t length) {
    if (length && e->console->stage == STAGE_RUNNING && e->command.expectations &&
        !expectations_feed(e->command.expectations, data, length))
        parts_no_memory(e);
}

/* ---- typing ---- */

/* `end`: what makes a line of it. */
static bool type_text(engine *e, const char *text, size_t length, const char *end, bool secret) {
    console *c = e->console;
    c->candidate = c->doubtful = c->wipes = false;
    c->owed = 0;
    c->timer = INT64_MAX;
    bytes_clear(&c->held);
    /* One that echoes nothing may print what was typed as its output. */
    c->echo_waits = c->mute_lines < surely_mute_lines;
    if (!echo_start(&c->echo, text, length, &c->last, c->echoes)) {
        parts_no_memory(e);
        return false;
    }
    return parts_type(e, text, length, secret) && parts_type(e, end, strlen(end), false);
}

static bool type_line(engine *e, const char *text, size_t length, bool secret) {
    return type_text(e, text, length, e->console->enter, secret);
}

static void echo_over(engine *e, size_t start, size_t end) {
    console *c = e->console;
    c->echo_waits = false;
    echo_end(&c->echo);
    /* What came before the echo is the late end of something else. */
    bytes late = {0};
    bool right = bytes_append(&late, bytes_front(&c->held), start);
    bytes_consume(&c->held, end);
    if (!right)
        parts_no_memory(e);
    else if (start)
        e->host.unsolicited(e->owner, HOSTSESSION_STREAM_OUTPUT, bytes_front(&late), start);
    bytes_free(&late);
}

static void no_echo(engine *e) {
    console *c = e->console;
    c->mute_lines += !c->echoes && bytes_length(&c->echo.typed) > 0;
    echo_over(e, 0, 0);
}

static void look_for_echo(engine *e) {
    console *c = e->console;
    size_t start;
    size_t end;
    switch (echo_look(&c->echo, bytes_front(&c->held), bytes_length(&c->held), &start, &end)) {
    case ECHO_WAIT:
        return;
    case ECHO_FOUND:
        c->echoes = true;
        echo_over(e, start, end);
        break;
    case ECHO_NONE:
        no_echo(e);
        break;
    case ECHO_NO_MEMORY:
        parts_no_memory(e);
        return;
    }
    if (e->phase != PHASE_ENDED)
        expect_in(e, bytes_front(&c->held), bytes_length(&c->held));
}

/* ---- how a line ends ---- */

static int found_status(console *c) {
    pattern_match match;
    const char *text = bytes_front(&c->status_text);
    pattern_set_restart(c->status);
    if (pattern_set_search(c->status, text, bytes_length(&c->status_text), 0, &match) != PATTERN_MATCH ||
        match.group_count < 2 || match.groups[1][0] == SIZE_MAX || match.groups[1][0] == match.groups[1][1])
        return -1;
    int status = 0;
    for (size_t i = match.groups[1][0]; i < match.groups[1][1]; i++) {
        if (text[i] < '0' || text[i] > '9' || status > 99999999)
            return -1;
        status = status * 10 + (text[i] - '0');
    }
    return status;
}

static void finish(engine *e, int exit_status) {
    console *c = e->console;
    if (c->stage == STAGE_STOPPING) {
        command_finish(e, e->stop_error, recovery_status(e), -1, &e->reason);
        return;
    }
    bool failed = c->failed || exit_status > 0;
    command_finish(e, HOSTSESSION_OK, failed ? HOSTSESSION_STATUS_FAILED : HOSTSESSION_STATUS_SUCCESS, exit_status,
                   NULL);
}

static void type_setup(engine *e) {
    console *c = e->console;
    c->stage = STAGE_SETUP;
    const char *line = c->setup[c->setup_next++];
    type_line(e, line, strlen(line), false);
}

static void begin(engine *e) {
    console *c = e->console;
    const engine_command *command = &e->command;
    c->failed = c->mute = false;
    if (command->way == ENGINE_LEAVE) {
        levels_depart(e);
        return;
    }
    c->stage = STAGE_RUNNING;
    lines_free(&c->lines);
    c->lines = (lines){.on_line = c->error ? on_line : NULL, .owner = c};
    for (size_t i = 0; c->pagers && i < c->pagers->count; i++)
        c->pagers->items[i].answers_left = c->pager_limits[i];
    e->phase = PHASE_RUNNING;
    e->started = e->now;
    e->deadline = parts_after(e, command->timeout_us);
    e->next_step = INT64_MAX;
    e->echo_wait = 0;
    e->frame_sent = true;
    e->host.begin(e->owner);
    type_line(e, command->text, command->length, command->secret);
}

void console_proven(engine *e) {
    console *c = e->console;
    console_stage stage = c->stage;
    /* Those that answered probes are ours; of others only the last ones are. */
    size_t surplus = c->prompt_count > c->owed + 1 ? c->prompt_count - c->owed - 1 : 0;
    c->timer = c->knock = INT64_MAX;
    c->candidate = false;
    c->last = c->looks;
    c->last_echo = c->looks_echo;
    if (c->echo_waits)
        no_echo(e);
    release(e, c->starts[surplus]);
    bytes_clear(&c->held);
    if (e->phase == PHASE_ENDED)
        return;
    if (stage == STAGE_OPENING || stage == STAGE_SETUP) {
        if (c->setup_next < c->setup_count) {
            type_setup(e);
            return;
        }
        c->stage = STAGE_IDLE;
        c->ready(e);
    } else if (stage == STAGE_LEAVING) {
        levels_stayed(e);
    } else if (stage == STAGE_SETTLING) {
        raw_leave(e);
        begin(e);
    } else if (stage == STAGE_RUNNING && c->status_command) {
        lines_finish(&c->lines);
        bytes_clear(&c->status_text);
        c->stage = STAGE_STATUS;
        type_line(e, c->status_command, strlen(c->status_command), false);
    } else if (stage == STAGE_STATUS) {
        finish(e, found_status(c));
    } else {
        lines_finish(&c->lines);
        finish(e, -1);
    }
}

/* ---- pagers ---- */

static bool answer_pager(engine *e, const tail *t) {
    console *c = e->console;
    pattern_match match;
    if (!c->pagers || !tail_matches(t, c->pagers->patterns, &match))
        return false;
    expectation *x = &c->pagers->items[match.index];
    size_t from = match.groups[0][0];
    while (from > 0 && t->text[from - 1] == ' ')
        from--;
    c->wipes_line = from == 0;
    if (!c->wipes_line)
        from = match.groups[0][0];
    prompt_set(&c->question, t->text + from, t->length - from);
    release(e, t->at[from]);
    if (e->phase == PHASE_ENDED)
        return true;
    bytes_clear(&c->held);
    c->wipes = true;
    if (c->pager_limits[match.index] && x->answers_left-- == 0) {
        hostsession_failure why;
        x->answers_left = 0;
        failure_set(&why, HOSTSESSION_ERROR_LIMIT, 0, "command",
                    "%s: pager %zu asked again after all its answers were given: the answer does not help", e->name,
                    match.index);
        if (c->stage == STAGE_RUNNING)
            recovery_start(e, HOSTSESSION_ERROR_LIMIT, &why);
        return true;
    }
    bool secret = x->flags & HOSTSESSION_EXPECT_SECRET;
    if (secret && !redactor_add(&e->redactor, bytes_front(&x->response), bytes_length(&x->response)))
        parts_no_memory(e);
    else
        parts_type(e, bytes_front(&x->response), bytes_length(&x->response), secret);
    return true;
}

static void look_for_wipe(engine *e) {
    console *c = e->console;
    size_t end;
    if (wipe_look(&c->question, c->wipes_line, bytes_front(&c->held), bytes_length(&c->held), &end) == WIPE_WAIT)
        return;
    c->wipes = false;
    bytes_consume(&c->held, end);
}

/* ---- what comes ---- */

/* Keep what may be the prompt: the last line; and the lines before it which may be those that probes are owed. */
static void release_lines(engine *e) {
    console *c = e->console;
    const char *held = bytes_front(&c->held);
    size_t length = bytes_length(&c->held);
    size_t end = tail_line_start(held, length);
    for (size_t i = 0; i < 2 * c->owed && end > 0; i++) {
        size_t start = tail_line_start(held, end - 1);
        tail t;
        pattern_match match;
        tail_read(&t, held, start, end - 1);
        t.last_return = SIZE_MAX;
        if (t.length && !tail_matches(&t, c->prompts, &match))
            break;
        end = start;
    }
    if (length - end > 2 * console_line_bytes && end == tail_line_start(held, length))
        end = length - console_line_bytes;
    if (c->stage == STAGE_IDLE || c->stage == STAGE_SETTLING)
        bytes_consume(&c->held, end);
    else
        release(e, end);
}

static void work(engine *e) {
    console *c = e->console;
    if (c->candidate && candidate_judge(e)) {
        if (candidate_is_proven(c))
            console_proven(e);
        return;
    }
    if (c->echo_waits)
        look_for_echo(e);
    if (c->wipes && e->phase != PHASE_ENDED)
        look_for_wipe(e);
    if (e->phase != PHASE_ENDED && !c->echo_waits && !c->wipes)
        release_lines(e);
}

void console_data(engine *e, const char *data, size_t length) {
    console *c = e->console;
    if (c->stage == STAGE_IDLE && !e->raw) {
        e->host.unsolicited(e->owner, HOSTSESSION_STREAM_OUTPUT, data, length);
        return;
    }
    if (c->stage == STAGE_IDLE || c->stage == STAGE_SETTLING)
        raw_data(e, data, length);
    bool hidden = c->echo_waits;
    if (e->phase == PHASE_ENDED || !bytes_append(&c->held, data, length)) {
        parts_no_memory(e);
        return;
    }
    if (!hidden)
        expect_in(e, data, length);
    if (e->phase != PHASE_ENDED)
        work(e);
}

bool console_drained(engine *e) {
    console *c = e->console;
    if (c->stage == STAGE_IDLE || c->wipes)
        return false;
    if (c->candidate)
        return true;
    tail t;
    pattern_match match;
    const char *held = bytes_front(&c->held);
    size_t length = bytes_length(&c->held);
    tail_read(&t, held, tail_line_start(held, length), length);
    bool asked = c->stage == STAGE_RUNNING && e->command.expectations && !prompt_same(&c->last, t.text, t.length);
    if (asked) {
        command_drained(e);
        if (e->phase != PHASE_RUNNING)
            return true;
    }
    if (!c->echo_waits && answer_pager(e, &t))
        return true;
    if (!tail_matches(&t, c->prompts, &match))
        return false;
    candidate_find(e, &t, &match);
    return true;
}

/* ---- time ---- */

int64_t console_deadline(const console *c) {
    return c->timer < c->knock ? c->timer : c->knock;
}

bool console_waits(const console *c) {
    return c->stage != STAGE_IDLE;
}

static void knock(engine *e) {
    console *c = e->console;
    c->knock = c->candidate ? INT64_MAX : parts_after(e, knock_again_us);
    if (!c->candidate)
        parts_type(e, c->interrupt, strlen(c->interrupt), false);
}

void console_advance(engine *e) {
    console *c = e->console;
    if (c->stage == STAGE_STOPPING && e->now >= e->deadline) {
        if (e->shell->outer)
            levels_abandon(e);
        else
            recovery_give_up(e);
        return;
    }
    if (c->stage == STAGE_LEAVING && e->now >= e->deadline) {
        levels_advance(e);
        return;
    }
    if (c->stage == STAGE_RUNNING || c->stage == STAGE_STATUS || c->stage == STAGE_SETTLING)
        command_advance(e);
    if (e->phase != PHASE_ENDED && e->now >= c->timer) {
        c->timer = INT64_MAX;
        if (c->candidate)
            candidate_quiet(e);
    }
    if (e->phase != PHASE_ENDED && e->now >= c->knock)
        knock(e);
}

/* ---- calls ---- */

void console_start(engine *e, void (*ready)(engine *e)) {
    console *c = e->console;
    c->ready = ready;
    c->stage = STAGE_OPENING;
    c->candidate = false;
    bytes_clear(&c->held);
}

void console_ask(engine *e) {
    console *c = e->console;
    /* A program that is entered says its prompt by itself, and may take this for the answer to a question. */
    bool entered = e->command.way == ENGINE_ENTER;
    if (c->stage == STAGE_OPENING && !c->candidate && c->probe[0] && !entered)
        parts_type(e, c->probe, strlen(c->probe), false);
}

void console_command(engine *e, const engine_command *command) {
    console *c = e->console;
    hostsession_failure why;
    e->command = *command;
    e->frame_sent = false;
    e->stop_error = HOSTSESSION_OK;
    if (levels_refuse(e))
        return;
    if (console_check(command->text, &why) != HOSTSESSION_OK) {
        command_finish(e, why.error, HOSTSESSION_STATUS_ERROR, -1, &why);
        return;
    }
    if (command->secret && !redactor_add(&e->redactor, command->text, command->length)) {
        parts_no_memory(e);
        return;
    }
    if (!e->raw) {
        begin(e);
        return;
    }
    c->stage = STAGE_SETTLING;
    c->doubtful = true;
    c->owed = 0;
    e->phase = PHASE_SETTLING;
    e->deadline = parts_after(e, e->config.recovery_timeout_us);
    console_drained(e);
}

void console_leave(engine *e) {
    console *c = e->console;
    size_t shown = strcspn(c->leave, "\r\n\004");
    c->stage = STAGE_LEAVING;
    type_text(e, c->leave, shown, c->leave + shown, false);
}

void console_sent(engine *e) {
    console *c = e->console;
    c->candidate = false;
    bytes_clear(&c->held);
}

void console_stop(engine *e) {
    console *c = e->console;
    c->mute = c->stage == STAGE_STATUS;
    c->stage = STAGE_STOPPING;
    c->candidate = false;
    c->doubtful = true;
    c->owed = 0;
    c->wipes = false;
    c->timer = INT64_MAX;
    c->knock = parts_after(e, knock_us);
    parts_type(e, c->interrupt, strlen(c->interrupt), false);
}

void console_over(engine *e) {
    console *c = e->console;
    size_t start;
    size_t end;
    if (c->stage == STAGE_ENDING)
        return;
    bool holds = c->stage == STAGE_RUNNING || c->stage == STAGE_STOPPING || c->stage == STAGE_LEAVING ||
                 c->stage == STAGE_OPENING;
    c->stage = STAGE_ENDING;
    if (holds && c->echo_waits) {
        echo_verdict verdict = echo_look(&c->echo, bytes_front(&c->held), bytes_length(&c->held), &start, &end);
        if (verdict != ECHO_FOUND)
            start = end = 0;
        echo_over(e, start, end);
        if (verdict == ECHO_NO_MEMORY)
            parts_no_memory(e);
    }
    if (holds && e->phase != PHASE_ENDED)
        release(e, bytes_length(&c->held));
    bytes_clear(&c->held);
    c->stage = STAGE_IDLE;
    c->candidate = c->echo_waits = c->wipes = false;
    c->timer = c->knock = INT64_MAX;
}

const char *console_waits_for(const console *c) {
    return c->stage == STAGE_SETUP ? c->setup[c->setup_next - 1] : NULL;
}

bool console_opens(const console *c) {
    return c->stage == STAGE_OPENING && !c->candidate;
}
