/* SPDX-License-Identifier: MIT */
/* One command, from its frame to its result. */
#include "engine/parts.h"

#include "base/failure.h"

#include <stdlib.h>
#include <string.h>

enum {
    echo_look_us = 10000,
    prelude_max_bytes = 1024 * 1024,
};

static void on_command_text(void *owner, const char *data, size_t length) {
    side *s = owner;
    engine *e = s->engine;
    /* Without memory it was ended in the middle of this. */
    if (!e->command.result)
        return;
    if (!result_append(e->command.result, s->stream, data, length)) {
        parts_no_memory(e);
        return;
    }
    e->host.output(e->owner, s->stream, data, length);
    if (e->command.expectations && s->stream == HOSTSESSION_STREAM_OUTPUT &&
        !expectations_feed(e->command.expectations, data, length))
        parts_no_memory(e);
}

static bool wants_echo(const expectations *x) {
    for (size_t i = 0; x && i < x->count; i++)
        if (x->items[i].flags & HOSTSESSION_EXPECT_ECHO_OFF)
            return true;
    return false;
}

/* In a shell that traces redirections a guard's own would show: there END is traced in the open, and cut off. */
static end_style style_of_end(const engine *e) {
    if (!e->guarded)
        return END_PLAIN;
    if (e->dialect->quiet_functions)
        return e->debug_trap ? END_ASIDE : END_PLAIN;
    return e->dialect->traces_redirections && !e->output_moved && !e->debug_trap ? END_PLAIN : END_GUARDED;
}

/* A terminal that is not ours, or that the shell itself puts back, is set by a command. */
static bool sets_terminal(const engine *e) {
    const engine_command *c = &e->command;
    if (e->dialect->keeps_modes && wants_echo(c->expectations))
        return true;
    return (!e->resets_terminal || (e->config.tty && e->dialect->keeps_modes)) &&
           dialect_sets_terminal(c->text, c->length);
}

static bool type_frame(engine *e) {
    const engine_command *c = &e->command;
    frame f = {.number = e->number,
               .previous_status = e->status,
               .command = c->text,
               .length = c->length,
               .tty = e->config.tty,
               .guarded = e->guarded,
               .silent = e->silent,
               .end = style_of_end(e),
               .echo = wants_echo(c->expectations),
               .drain = e->drains,
               .mend = dialect_mends(e->dialect, c->text, c->length),
               .sets_terminal = sets_terminal(e)};
    bytes line = {0};
    bool right = true;
    /* A terminal that is not ours is set by the shell itself. */
    if (e->terminal_dirty)
        right = dialect_set_terminal(&line) && bytes_append(&line, ";", 1);
    e->terminal_dirty = false;
    right = right && dialect_frame(e->dialect, &f, &line);
    if (!right)
        parts_no_memory(e);
    right = right && parts_type(e, bytes_front(&line), bytes_length(&line), c->secret);
    if (c->secret)
        bytes_wipe(&line);
    bytes_free(&line);
    return right;
}

static hostsession_stream trace_stream(const engine *e) {
    return e->config.tty ? HOSTSESSION_STREAM_OUTPUT : HOSTSESSION_STREAM_ERROR;
}

/* BEGIN keeps apart what comes before a command: our own line, where the terminal echoes it, and what the user's prompt
 * prints.  Without these the last prompt is as good a sign, and costs nothing. */
static bool may_be_silent(engine *e) {
    if (e->prompt_changed || e->terminal_dirty || e->editor || e->prompt_lost || e->typed ||
        wants_echo(e->command.expectations))
        return false;
    return !e->config.tty || e->host.echoes(e->owner) == 0;
}

/* Whether each line's prompt comes on this stream: output begins behind it, not behind END. */
static bool has_prompts(const side *s) {
    return !s->engine->dialect->quiet_prompt && s->stream == trace_stream(s->engine);
}

static void send_frame(engine *e) {
    const engine_command *c = &e->command;
    /* Whatever the last command left of the terminal's modes. */
    bool kept = e->config.tty && e->dialect->keeps_modes;
    e->terminal_dirty |= kept && e->host.echoes(e->owner) != 0;
    e->resets_terminal = !e->config.tty || e->host.reset_terminal(e->owner);
    if (e->resets_terminal && !kept)
        e->terminal_dirty = false;
    e->editor |= dialect_edits(c->text, c->length);
    if (notices_background(c->text, c->length)) {
        e->jobs = true;
        e->starters |= dialect_defines(c->text, c->length);
    }
    e->exit_trap |= dialect_traps_exit(c->text, c->length);
    bool suspicious = dialect_suspicious(e->dialect, c->text, c->length);
    e->guarded = e->tracing || e->verbose || e->output_moved || e->debug_trap || suspicious;
    /* A DEBUG trap that is set here is there for the commands after it, too, and cannot be seen in `$-`. */
    e->debug_trap |= dialect_traps(e->dialect, c->text, c->length);
    e->silent = !e->guarded && !dialect_in_pieces(e->dialect, c->length + 1) && may_be_silent(e);
    e->drains = e->config.tty && c->expectations;
    e->typed = false;
    e->fence = e->last_number;
    e->number = ++e->last_number;
    for (size_t i = 0; i < e->side_count; i++) {
        side *s = &e->sides[i];
        s->ended = false;
        s->skip_line = e->tracing && e->dialect->traces_through && s->stream == trace_stream(e);
        s->begun = e->silent && (!has_prompts(s) || e->last_prompt >= e->fence);
        s->notices.owner = s;
        s->notices.on_data = on_command_text;
        s->notices.stops = e->dialect->tells_of_jobs;
        s->notices.complaints = e->dialect->complains && s->stream == HOSTSESSION_STREAM_ERROR;
        bytes_clear(&s->suspect);
        notices_start(&s->notices, e->dialect->notices, e->dialect->says_exit, e->jobs || e->prompt_changed,
                      e->starters, c->text, c->length);
    }
    e->phase = PHASE_RUNNING;
    e->started = e->now;
    e->deadline = parts_after(e, c->timeout_us);
    e->next_step = INT64_MAX;
    e->echo_wait = 0;
    e->frame_sent = true;
    e->host.begin(e->owner);
    type_frame(e);
}

void command_start(engine *e, const engine_command *command) {
    e->command = *command;
    e->frame_sent = false;
    e->stop_error = HOSTSESSION_OK;
    e->line_aborted = e->prompt_early = false;
    for (size_t i = 0; i < e->side_count; i++)
        e->sides[i].begun = e->sides[i].ended = false;
    if (command->secret && !redactor_add(&e->redactor, command->text, command->length)) {
        parts_no_memory(e);
        return;
    }
    if (!e->raw) {
        send_frame(e);
        return;
    }
    e->phase = PHASE_SETTLING;
    e->deadline = parts_after(e, e->config.recovery_timeout_us);
    if (e->prompt_seen)
        parts_sync(e);
}

void command_settled(engine *e) {
    raw_leave(e);
    send_frame(e);
}

/* What is no output of the command.  While it is being stopped, it is: its programs' last words, and what the shell
 * says of their end; but for the newlines with which that answers Ctrl+C. */
static void put_aside(side *s, const char *data, size_t length) {
    engine *e = s->engine;
    if (e->phase != PHASE_RECOVERING || !e->frame_sent)
        e->host.unsolicited(e->owner, s->stream, data, length);
    else if (!e->dialect->interrupt_newline || length != 1 || data[0] != '\n')
        on_command_text(s, data, length);
}

static void flush_prelude(side *s) {
    engine *e = s->engine;
    bytes held = s->prelude;
    s->prelude = (bytes){0};
    size_t length = bytes_length(&held);
    if (length == 0)
        return;
    /* Our own line come back: the terminal's echo was turned on. */
    if (memmem(bytes_front(&held), length, "_hs", 3))
        e->terminal_dirty = e->config.tty;
    else
        put_aside(s, bytes_front(&held), length);
    bytes_free(&held);
}

/* What looked like a prompt was printed by the command: it goes on. */
static void release_suspect(side *s) {
    engine *e = s->engine;
    bytes held = s->suspect;
    s->suspect = (bytes){0};
    if (bytes_length(&held) && !notices_feed(&s->notices, bytes_front(&held), bytes_length(&held)))
        parts_no_memory(e);
    bytes_free(&held);
}

void command_data(side *s, const char *data, size_t length) {
    engine *e = s->engine;
    if (bytes_length(&s->suspect))
        release_suspect(s);
    if (e->phase == PHASE_ENDED)
        return;
    if (s->begun && !s->ended && !(e->phase == PHASE_RECOVERING && e->line_aborted)) {
        if (s->skip_line) {
            const char *newline = memchr(data, '\n', length);
            size_t skip = newline ? (size_t)(newline + 1 - data) : length;
            s->skip_line = !newline;
            data += skip;
            length -= skip;
        }
        if (!notices_feed(&s->notices, data, length))
            parts_no_memory(e);
    } else if (s->ended || !e->frame_sent || e->phase == PHASE_RECOVERING) {
        put_aside(s, data, length);
    } else if (bytes_length(&s->prelude) + length <= prelude_max_bytes) {
        if (!bytes_append(&s->prelude, data, length))
            parts_no_memory(e);
    } else {
        flush_prelude(s);
        put_aside(s, data, length);
    }
}

/* The trace of our own END, where the command itself turned xtrace on. */
static void cut_trace(side *s, const marker *m) {
    enum { field_trace_prefix = 4 };
    engine *e = s->engine;
    output *o = &e->command.result->streams[s->stream];
    if (!e->tracing || style_of_end(e) == END_GUARDED || o->total != o->length || o->length == 0)
        return;
    size_t start = dialect_trace_start(o->data, o->length, e->number, marker_number(m, field_trace_prefix, 4096));
    o->total = o->length = start;
}

/* The prompt that was to come first never came: standard error, where it goes, was moved.  All of it is output. */
static void take_prelude(side *s) {
    bytes held = s->prelude;
    s->prelude = (bytes){0};
    s->begun = true;
    s->engine->prompt_lost = true;
    if (bytes_length(&held) && !notices_feed(&s->notices, bytes_front(&held), bytes_length(&held)))
        parts_no_memory(s->engine);
    bytes_free(&held);
}

static void end_side(side *s, const marker *m) {
    engine *e = s->engine;
    release_suspect(s);
    if (e->silent && !s->begun)
        take_prelude(s);
    parts_note_end(e, m);
    notices_finish(&s->notices, NOTICES_ENDED);
    if (e->phase == PHASE_ENDED)
        return;
    flush_prelude(s);
    s->ended = true;
    cut_trace(s, m);
}

static void type_drained(engine *e) {
    bytes line = {0};
    /* The shell waits: it finds the terminal as it was before. */
    if (wants_echo(e->command.expectations))
        e->terminal_dirty = !e->host.reset_terminal(e->owner);
    if (!dialect_drained(e->number, &line))
        parts_no_memory(e);
    else
        parts_type(e, bytes_front(&line), bytes_length(&line), false);
    bytes_free(&line);
    e->typed = false;
}

static void all_ended(engine *e) {
    for (size_t i = 0; i < e->end_count; i++)
        if (!e->sides[i].ended)
            return;
    if (e->drains)
        type_drained(e);
    if (e->phase == PHASE_RECOVERING) {
        recovery_shell_seen(e);
        return;
    }
    if (e->phase == PHASE_ENDED)
        return;
    command_finish(e, HOSTSESSION_OK, e->status ? HOSTSESSION_STATUS_FAILED : HOSTSESSION_STATUS_SUCCESS, e->status,
                   NULL);
}

static void check_abort(engine *e) {
    e->prompt_early = false;
    e->phase = PHASE_CHECKING;
    e->echo_wait = 0;
    e->next_step = INT64_MAX;
    /* On pipes, after a command was stopped, it may be a late one, and this command still runs. */
    int64_t patience = parts_after(e, e->config.recovery_timeout_us);
    if ((e->config.tty || !e->stopped_number) && patience < e->deadline)
        e->deadline = patience;
    parts_sync(e);
}

/* A prompt before END: the line was aborted; unless that is what the command printed, so the shell is asked. */
static void suspect_abort(engine *e, side *s, const marker *m) {
    if (e->phase == PHASE_RUNNING) {
        e->aborted_status = parts_status(m, 0);
        /* END was written before, to the pipe that has not been read yet. */
        e->prompt_early = e->host.catch_up != NULL;
        if (!e->prompt_early)
            check_abort(e);
    }
    /* On pipes prompts come on a stream of their own, at any time. */
    if (s->begun && e->config.tty && e->phase == PHASE_CHECKING && !bytes_append(&s->suspect, m->raw, m->raw_length))
        parts_no_memory(e);
}

/* On pipes prompts go to standard error; or to standard output, once a command has moved that there. */
static bool is_moved_prompt(engine *e, const marker *m) {
    if (m->number == e->fence && e->host.catch_up)
        e->host.catch_up(e->owner);
    return m->number == e->fence && m->number > e->last_prompt;
}

/* Returns false when it is the command's own output. */
static bool prompt_seen(engine *e, side *s, const marker *m) {
    if (e->phase == PHASE_RECOVERING) {
        e->line_aborted |= e->dialect->interrupt_newline;
        recovery_shell_seen(e);
        return true;
    }
    if (e->phase == PHASE_SETTLING) {
        if (!e->sync_number)
            parts_sync(e);
        return true;
    }
    bool numbered = !e->dialect->quiet_prompt;
    if (numbered && (s->ended || e->ending))
        parts_note_prompt(e, m);
    if (s->ended || e->ending)
        return true;
    if (!e->config.tty && s->stream == HOSTSESSION_STREAM_OUTPUT && !is_moved_prompt(e, m))
        return false;
    if (numbered && e->phase == PHASE_CHECKING && m->number == e->sync_number)
        return true;
    if (m->number > e->number || (!numbered && m->number != 0))
        return false;
    if (numbered && m->number < e->number) {
        /* Once for each line; a shell that was interrupted, or on pipes got a signal as it waited, may print one more.
         */
        if (m->number <= e->last_prompt)
            return !s->begun || e->stopped_number != 0 ||
                   (s->stream == HOSTSESSION_STREAM_ERROR && m->number == e->fence);
        e->last_prompt = m->number;
        if (m->number == e->fence && e->silent && !s->begun) {
            flush_prelude(s);
            s->begun = true;
        }
        return true;
    }
    suspect_abort(e, s, m);
    return true;
}

bool command_marker(side *s, const marker *m) {
    engine *e = s->engine;
    bool ours = e->frame_sent && m->number == e->number;
    switch (m->kind) {
    case MARKER_BEGIN:
        if (ours && !s->begun) {
            flush_prelude(s);
            s->begun = true;
            return true;
        }
        break;
    case MARKER_END:
        if (ours && !s->ended) {
            parts_catch_up(e);
            for (size_t i = 0; i < e->side_count && e->phase != PHASE_ENDED; i++)
                if (e->host.catch_up || s == &e->sides[i])
                    end_side(&e->sides[i], m);
            if (e->phase != PHASE_ENDED)
                all_ended(e);
        }
        /* Another is that of a sync which another has overtaken: the shell answers, and will answer that one. */
        if (e->phase == PHASE_RECOVERING && m->number > e->number)
            e->next_step = INT64_MAX;
        return true;
    case MARKER_PROMPT:
        return prompt_seen(e, s, m);
    case MARKER_ANSWER:
        break;
    }
    /* Inside a command it is the command that printed it. */
    return !s->begun || s->ended;
}

/* Type the response of an expectation that matched, unless it has to wait for the echo to go off. */
static void answer(engine *e, size_t index) {
    expectation *x = &e->command.expectations->items[index];
    hostsession_failure why;
    if (x->flags & HOSTSESSION_EXPECT_ECHO_OFF && e->host.echoes(e->owner) != 0) {
        e->echo_wait = index + 1;
        e->next_step = e->now + echo_look_us;
        return;
    }
    e->echo_wait = 0;
    e->next_step = INT64_MAX;
    if (x->answers_left-- == 0) {
        x->answers_left = 0;
        failure_set(&why, HOSTSESSION_ERROR_LIMIT, 0, "command",
                    "%s: pattern %zu appeared again after all its answers were given: the answer does not help",
                    e->name, index);
        recovery_start(e, HOSTSESSION_ERROR_LIMIT, &why);
        return;
    }
    bool secret = x->flags & HOSTSESSION_EXPECT_SECRET;
    e->typed = true;
    size_t length = bytes_length(&x->response);
    if (secret && !redactor_add(&e->redactor, bytes_front(&x->response), length))
        parts_no_memory(e);
    else
        parts_type(e, bytes_front(&x->response), length, secret);
}

void command_drained(engine *e) {
    if (e->prompt_early)
        check_abort(e);
    while (e->phase == PHASE_RUNNING && e->command.expectations) {
        size_t index;
        pattern_verdict verdict = expectations_search(e->command.expectations, &index);
        if (verdict == PATTERN_NO_MATCH)
            return;
        if (verdict == PATTERN_MATCH) {
            answer(e, index);
            continue;
        }
        hostsession_failure why;
        failure_set(&why, HOSTSESSION_ERROR_LIMIT, 0, "command",
                    "%s: a pattern needs too much backtracking in this output; make the regular expression simpler",
                    e->name);
        recovery_start(e, HOSTSESSION_ERROR_LIMIT, &why);
    }
}

void command_synced(engine *e) {
    e->status = e->aborted_status;
    command_finish(e, HOSTSESSION_OK, e->status ? HOSTSESSION_STATUS_FAILED : HOSTSESSION_STATUS_SUCCESS, e->status,
                   NULL);
}

void command_advance(engine *e) {
    hostsession_failure why;
    if (e->phase == PHASE_RUNNING && e->echo_wait && e->now >= e->next_step) {
        e->next_step = INT64_MAX;
        answer(e, e->echo_wait - 1);
    }
    if (e->now < e->deadline)
        return;
    if (e->phase == PHASE_SETTLING) {
        failure_set(&why, HOSTSESSION_ERROR_NOT_READY, 0, "command",
                    "%s: what was sent before has not led back to the shell's prompt; end the program that has the "
                    "terminal first",
                    e->name);
        e->sync_number = 0;
        command_finish(e, HOSTSESSION_ERROR_NOT_READY, HOSTSESSION_STATUS_ERROR, -1, &why);
    } else if (e->phase == PHASE_RUNNING || e->now - e->started >= e->command.timeout_us) {
        failure_set(&why, HOSTSESSION_ERROR_TIMED_OUT, 0, "command", "%s: the command did not end within %.3g s",
                    e->name, (double)e->command.timeout_us / 1e6);
        recovery_start(e, HOSTSESSION_ERROR_TIMED_OUT, &why);
    } else {
        failure_set(&why, HOSTSESSION_ERROR_TIMED_OUT, 0, "recovery",
                    "%s: the shell went back to its prompt without a word and does not answer", e->name);
        e->dying = true;
        command_finish(e, HOSTSESSION_ERROR_TIMED_OUT, HOSTSESSION_STATUS_TIMED_OUT, -1, &why);
        parts_end(e, &why);
    }
}

/* bash says "exit" before it runs an EXIT trap, whose output has made that a line among others. */
static void cut_exit_word(engine *e, side *s) {
    output *o = &e->command.result->streams[s->stream];
    if (!e->exit_trap || !s->notices.exit_word || o->total != o->length)
        return;
    size_t start;
    size_t length = notices_find_exit(o->data, o->length, &start);
    if (length == 0)
        return;
    memmove(o->data + start, o->data + start + length, o->length - start - length);
    o->total = o->length -= length;
}

void command_finish(engine *e, hostsession_error error, hostsession_status status, int exit_status,
                    const hostsession_failure *failure) {
    hostsession_result *result = e->command.result;
    for (size_t i = 0; i < e->side_count; i++) {
        bytes_clear(&e->sides[i].suspect);
        notices_finish(&e->sides[i].notices, status == HOSTSESSION_STATUS_SHELL_EXITED ? NOTICES_EXITED
                                             : e->line_aborted                         ? NOTICES_INTERRUPTED
                                                                                       : NOTICES_ENDED);
        flush_prelude(&e->sides[i]);
        if (status == HOSTSESSION_STATUS_SHELL_EXITED)
            cut_exit_word(e, &e->sides[i]);
    }
    e->phase = PHASE_IDLE;
    e->deadline = e->next_step = INT64_MAX;
    e->command = (engine_command){0};
    result->status = status;
    result->exit_status = exit_status;
    if (failure)
        result->failure = *failure;
    result->session_alive = !e->dying;
    result->duration_us = e->frame_sent ? (uint64_t)(e->now - e->started) : 0;
    result->cwd = e->cwd ? strdup(e->cwd) : NULL;
    result_finish(result);
    e->host.command_done(e->owner, error, result);
}

static void describe_end(engine *e, const hostsession_exit *how, const hostsession_failure *why,
                         hostsession_failure *to) {
    if (why && why->error)
        *to = *why;
    else if (how->known && how->signal)
        failure_set(to, HOSTSESSION_ERROR_SHELL_EXITED, 0, "session", "%s: the shell was ended by signal %d", e->name,
                    how->signal);
    else if (how->known)
        failure_set(to, HOSTSESSION_ERROR_SHELL_EXITED, 0, "session", "%s: the shell exited with status %d", e->name,
                    how->exit_status);
    else
        failure_set(to, HOSTSESSION_ERROR_DISCONNECTED, 0, "session", "%s: the connection was lost", e->name);
}

void command_hangup(engine *e, const hostsession_exit *how, const hostsession_failure *why) {
    hostsession_failure failure;
    describe_end(e, how, why, &failure);
    e->dying = true;
    if (e->wanted)
        raw_finish(e, failure.error, failure.message);
    if (e->phase == PHASE_RECOVERING) {
        command_finish(e, e->stop_error, recovery_status(e), how->known ? how->exit_status : -1, &e->stop_failure);
    } else if (e->phase >= PHASE_SETTLING && e->phase <= PHASE_CHECKING) {
        bool sent = e->frame_sent;
        hostsession_status status = !sent        ? HOSTSESSION_STATUS_SKIPPED
                                    : how->known ? HOSTSESSION_STATUS_SHELL_EXITED
                                                 : HOSTSESSION_STATUS_LOST;
        command_finish(e, sent ? failure.error : HOSTSESSION_ERROR_CLOSED, status,
                       how->known && sent ? how->exit_status : -1, &failure);
    }
    parts_end(e, &failure);
}
