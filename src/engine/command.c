/* SPDX-License-Identifier: MIT */
/* One command, from its frame to its result. */
#include "engine/parts.h"

#include "base/failure.h"

#include <stdlib.h>
#include <string.h>

/* How long the answer to a sync that was typed ahead may be behind END: the shell may have lost that line to a signal.
 */
enum { answer_patience_us = 250000 };

void command_text(side *s, const char *data, size_t length) {
    engine *e = s->engine;
    /* Without memory it was ended in the middle of this. */
    if (!e->command.result)
        return;
    if (e->console) {
        opening_data(e, data, length);
        if (e->phase != PHASE_ENDED && e->console)
            console_data(e, data, length);
        return;
    }
    if (!result_append(e->command.result, s->stream, data, length)) {
        parts_no_memory(e);
        return;
    }
    e->host.output(e->owner, s->stream, data, length);
    if (opening_login(e)) {
        opening_data(e, data, length);
        return;
    }
    if (e->command.expectations && s->stream == HOSTSESSION_STREAM_OUTPUT &&
        !expectations_feed(e->command.expectations, data, length))
        parts_no_memory(e);
}

static void begin(engine *e) {
    if (e->command.way == ENGINE_LEAVE)
        levels_depart(e);
    else
        sending_start(e);
}

void command_start(engine *e, const engine_command *command) {
    e->command = *command;
    e->frame_sent = false;
    e->stop_error = HOSTSESSION_OK;
    e->line_aborted = e->prompt_early = false;
    for (size_t i = 0; i < e->side_count; i++)
        e->sides[i].begun = e->sides[i].ended = e->sides[i].aborted = false;
    if (levels_refuse(e))
        return;
    if (command->secret && !redactor_add(&e->redactor, command->text, command->length)) {
        parts_no_memory(e);
        return;
    }
    if (!e->raw && !parts_shell_edits(e)) {
        begin(e);
        return;
    }
    e->phase = PHASE_SETTLING;
    e->deadline = parts_after(e, e->config.recovery_timeout_us);
    if (!e->raw || e->prompt_seen)
        parts_sync(e);
}

void command_settled(engine *e) {
    raw_leave(e);
    e->shell->editing = false;
    begin(e);
}

void command_data(side *s, const char *data, size_t length) {
    engine *e = s->engine;
    if (prompts_hold_trace(s, data, length))
        return;
    if (s->begun && !s->ended && !s->aborted && bytes_length(&s->typed)) {
        size_t taken = returned_feed(s, data, length);
        data += taken;
        length -= taken;
        if (length == 0 || e->phase == PHASE_ENDED)
            return;
    }
    prompts_release_suspect(s);
    if (e->phase == PHASE_ENDED)
        return;
    if (!s->begun || s->ended || s->aborted) {
        between_data(s, data, length);
        return;
    }
    if (s->skip_line) {
        const char *newline = memchr(data, '\n', length);
        size_t skip = newline ? (size_t)(newline + 1 - data) : length;
        s->skip_line = !newline;
        data += skip;
        length -= skip;
    }
    if (!notices_feed(&s->notices, data, length))
        parts_no_memory(e);
}

/* The trace of our own END, where the command itself turned xtrace on; and of a sync's. */
static void cut_trace(side *s, const marker *m, uint64_t number) {
    engine *e = s->engine;
    output *o = &e->command.result->streams[s->stream];
    bool sync = number != e->number;
    bool shows = (e->shell->tracing && !(e->guarded && parts_end_hidden(e))) || (e->shell->verbose && sync);
    if (!shows || o->total != o->length || o->length == 0)
        return;
    o->total = o->length = dialect_trace_start(e->shell->dialect, o->data, o->length, number, sync,
                                               marker_number(m, end_trace_prefix, 4096));
}

/* ash loses what a builtin prints when a background job ends at that moment: BEGIN, too. */
static bool lost_begin(const side *s) {
    static const char ours[] = "_hs_";
    size_t length = bytes_length(&s->prelude);
    return length == 0 || !memmem(bytes_front(&s->prelude), length, ours, sizeof ours - 1);
}

/* What came in place of BEGIN is the command's: the prompt that was to come first never came, since standard error,
 * where it goes, was moved; or, guarded, BEGIN is in the text that the shell refused, behind a trace of the frame; or
 * it was lost. */
static void take_prelude(side *s) {
    engine *e = s->engine;
    bytes held = s->prelude;
    s->prelude = (bytes){0};
    s->begun = true;
    e->shell->prompt_lost |= e->silent;
    if (bytes_length(&held) == 0) {
        bytes_free(&held);
        return;
    }
    const char *at = bytes_front(&held);
    const char *end = at + bytes_length(&held);
    for (const char *ours = at; e->guarded && ours && (ours = memmem(ours, (size_t)(end - ours), "_hs_", 4));) {
        ours = memchr(ours, '\n', (size_t)(end - ours));
        at = ours ? ours + 1 : end;
    }
    if (bytes_length(&s->typed))
        at += returned_feed(s, at, (size_t)(end - at));
    if (at < end && !notices_feed(&s->notices, at, (size_t)(end - at)))
        parts_no_memory(e);
    bytes_free(&held);
}

static void end_side(side *s, const marker *m) {
    engine *e = s->engine;
    prompts_release_suspect(s);
    if (!s->begun && (e->silent || e->guarded || lost_begin(s)))
        take_prelude(s);
    /* It is written before the line of this END is read. */
    if (!e->config.tty && !e->shell->dialect->quiet_prompt && prompts_come_on(s))
        e->shell->prompt_lost = !e->fence_passed;
    parts_note_end(s, m);
    notices_finish(&s->notices, NOTICES_ENDED);
    if (e->phase == PHASE_ENDED)
        return;
    between_flush(s);
    s->ended = true;
    cut_trace(s, m, e->number);
    if (e->sync_number > e->number)
        cut_trace(s, m, e->sync_number);
}

void command_type_drained(engine *e) {
    bytes line = {0};
    /* The shell waits: it finds the terminal as it was before, and the line does not come back.  One that edits lines
     * must see by itself that the terminal has changed, unless it was we who changed it. */
    if (e->echoes)
        e->shell->terminal_dirty = !e->host.reset_terminal(e->owner);
    else if (!e->shell->dialect->edits)
        e->host.reset_terminal(e->owner);
    if (!dialect_drained(e->number, &line))
        parts_no_memory(e);
    else
        parts_type(e, bytes_front(&line), bytes_length(&line), false);
    bytes_free(&line);
    /* Nothing but this line, which may come back. */
    e->shell->typed = e->host.echoes(e->owner) < 0;
}

/* The shell has said how its line ended. */
static void finish_by_status(engine *e) {
    int status = e->shell->status;
    if (e->command.way == ENGINE_ENTER)
        levels_not_entered(e, status);
    else
        command_finish(e, HOSTSESSION_OK, status ? HOSTSESSION_STATUS_FAILED : HOSTSESSION_STATUS_SUCCESS, status,
                       NULL);
}

/* The answer to the sync that was typed ahead is on its way. */
static void await_sync(engine *e) {
    e->phase = PHASE_CHECKING;
    e->aborted_status = e->shell->status;
    e->next_step = INT64_MAX;
    e->deadline = parts_after(e, answer_patience_us);
}

bool command_awaits_sync(const engine *e) {
    return e->phase == PHASE_CHECKING && parts_all_ended(e);
}

static void all_ended(engine *e) {
    if (!parts_all_ended(e))
        return;
    if (e->drains)
        command_type_drained(e);
    if (e->phase == PHASE_RECOVERING)
        recovery_shell_seen(e, false);
    else if (e->phase == PHASE_RUNNING && e->sync_number > e->number)
        await_sync(e);
    else if (e->phase != PHASE_ENDED)
        finish_by_status(e);
}

bool command_marker(side *s, const marker *m) {
    engine *e = s->engine;
    if (s->begun)
        returned_release(s);
    bool ours = e->frame_sent && m->number == e->number;
    switch (m->kind) {
    case MARKER_BEGIN:
        if (ours && !s->begun) {
            between_flush(s);
            s->begun = true;
            return true;
        }
        break;
    case MARKER_END:
        if (ours && !s->ended) {
            parts_catch_up(e);
            if (s->ended || e->number != m->number)
                return true;
            for (size_t i = 0; i < e->side_count && e->phase != PHASE_ENDED; i++)
                if (e->host.catch_up || s == &e->sides[i])
                    end_side(&e->sides[i], m);
            if (e->phase != PHASE_ENDED)
                all_ended(e);
        }
        if (e->phase == PHASE_RECOVERING && m->number > e->number)
            recovery_answered(s, m);
        return true;
    case MARKER_PROMPT:
        return prompts_seen(s, m);
    case MARKER_ANSWER:
        if (e->command.way == ENGINE_ENTER && levels_answered(e, m))
            return true;
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
                    "%s: \"%.100s\" appeared again after all its answers were given: the answer does not help", e->name,
                    x->pattern);
        recovery_start(e, HOSTSESSION_ERROR_LIMIT, &why);
        return;
    }
    bool secret = x->flags & HOSTSESSION_EXPECT_SECRET;
    e->shell->typed = true;
    size_t length = bytes_length(&x->response);
    if (secret && !redactor_add(&e->redactor, bytes_front(&x->response), length))
        parts_no_memory(e);
    else
        parts_type(e, bytes_front(&x->response), length, secret);
}

void command_drained(engine *e) {
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
    e->shell->status = e->aborted_status;
    finish_by_status(e);
}

void command_lost_line(engine *e, const marker *m) {
    if (!parts_all_synced(e))
        return;
    e->sync_number = 0;
    for (size_t i = 0; i < e->side_count && e->phase != PHASE_ENDED; i++) {
        side *s = &e->sides[i];
        if (!s->begun)
            take_prelude(s);
        notices_finish(&s->notices, NOTICES_ENDED);
        if (e->phase != PHASE_ENDED)
            cut_trace(s, m, m->number);
    }
    e->aborted_status = parts_status(m, end_status);
    if (e->phase != PHASE_ENDED)
        command_synced(e);
}

void command_advance(engine *e) {
    hostsession_failure why;
    bool due = e->now >= e->next_step || (e->console && e->now >= console_deadline(e->console));
    if (opening_login(e) && due && e->now < e->deadline) {
        opening_advance(e);
        return;
    }
    if (e->phase == PHASE_RUNNING && e->echo_wait && e->now >= e->next_step) {
        e->next_step = INT64_MAX;
        answer(e, e->echo_wait - 1);
    }
    if (e->now < e->deadline) {
        if (e->phase == PHASE_RUNNING && e->now >= e->next_step)
            sending_ask_ahead(e);
        return;
    }
    if (e->phase == PHASE_SETTLING) {
        failure_set(&why, HOSTSESSION_ERROR_NOT_READY, 0, "command",
                    "%s: what was sent before has not led back to the shell's prompt; end the program that has the "
                    "terminal first",
                    e->name);
        e->sync_number = 0;
        command_finish(e, HOSTSESSION_ERROR_NOT_READY, HOSTSESSION_STATUS_ERROR, -1, &why);
    } else if (command_awaits_sync(e)) {
        e->sync_number = 0;
        finish_by_status(e);
    } else if (e->phase == PHASE_RUNNING && e->command.way == ENGINE_ENTER) {
        levels_describe_silence(e, &why);
        recovery_start(e, HOSTSESSION_ERROR_TIMED_OUT, &why);
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
    if (!e->shell->exit_trap || !s->notices.exit_word || o->total != o->length)
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
    if (e->console)
        console_over(e);
    e->console = e->shell->console;
    for (size_t i = 0; i < e->side_count && e->command.result; i++) {
        bytes_clear(&e->sides[i].suspect);
        returned_release(&e->sides[i]);
        if (e->frame_sent && e->guarded && !e->sides[i].begun)
            take_prelude(&e->sides[i]);
        notices_finish(&e->sides[i].notices, status == HOSTSESSION_STATUS_SHELL_EXITED ? NOTICES_EXITED
                                             : e->line_aborted                         ? NOTICES_INTERRUPTED
                                                                                       : NOTICES_ENDED);
        between_flush(&e->sides[i]);
        if (status == HOSTSESSION_STATUS_SHELL_EXITED && e->command.result)
            cut_exit_word(e, &e->sides[i]);
    }
    /* Without memory it was finished in the middle of this. */
    if (!e->command.result)
        return;
    if (e->command.way == ENGINE_ENTER)
        levels_cut_questions(e, &result->streams[HOSTSESSION_STREAM_OUTPUT]);
    e->phase = PHASE_IDLE;
    e->deadline = e->next_step = INT64_MAX;
    console_free(e->command.console);
    e->command = (engine_command){0};
    result->status = status;
    result->exit_status = exit_status;
    if (failure)
        result->failure = *failure;
    result->session_alive = !e->dying;
    result->duration_us = e->frame_sent ? (uint64_t)(e->now - e->started) : 0;
    result->cwd = e->shell->cwd ? strdup(e->shell->cwd) : NULL;
    result_finish(result);
    e->frame_sent = false;
    if (e->setting_up)
        opening_setup_done(e, result);
    else
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

/* A shell that has lost its input ends at its next read, and has not read the line: BEGIN would tell. */
static bool may_have_begun(const engine *e) {
    return !e->shell->input_moved || e->silent || e->sides[HOSTSESSION_STREAM_OUTPUT].begun;
}

void command_hangup(engine *e, const hostsession_exit *how, const hostsession_failure *why) {
    hostsession_failure failure;
    describe_end(e, how, why, &failure);
    e->dying = true;
    if (e->wanted)
        raw_finish(e, failure.error, failure.message);
    if (e->phase == PHASE_RECOVERING) {
        command_finish(e, e->stop_error, recovery_status(e), how->known ? how->exit_status : -1, &e->reason);
    } else if (command_awaits_sync(e)) {
        finish_by_status(e);
    } else if (e->command.result) {
        bool sent = e->frame_sent && may_have_begun(e);
        hostsession_status status = !sent        ? HOSTSESSION_STATUS_SKIPPED
                                    : how->known ? HOSTSESSION_STATUS_SHELL_EXITED
                                                 : HOSTSESSION_STATUS_LOST;
        hostsession_failure told = failure;
        if (!sent)
            told.error = HOSTSESSION_ERROR_CLOSED;
        command_finish(e, told.error, status, how->known && sent ? how->exit_status : -1, &told);
    }
    parts_end(e, &failure);
}
