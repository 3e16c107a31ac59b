/* SPDX-License-Identifier: MIT */
/* How a command is typed: which frame its text and what is known of the shell ask for. */
#include "engine/parts.h"

#include <string.h>

/* How long a command may take before a sync is typed behind it, beside the time that the shell's answers take. */
enum { ahead_us = 20000 };

static void on_command_text(void *owner, const char *data, size_t length) {
    command_text(owner, data, length);
}

static bool wants_echo(const expectations *x) {
    for (size_t i = 0; x && i < x->count; i++)
        if (x->items[i].flags & HOSTSESSION_EXPECT_ECHO_OFF)
            return true;
    return false;
}

/* A terminal that is not ours, or whose modes the shell itself puts back, is set by a command. */
static bool sets_terminal(const engine *e, hints h) {
    const engine_command *c = &e->command;
    bool by_shell = e->config.tty && e->shell->dialect->edits;
    return (by_shell && wants_echo(c->expectations)) ||
           ((by_shell || !e->shell->resets_terminal) && (c->way == ENGINE_ENTER || hints_set_terminal(h)));
}

static bool type_frame(engine *e, hints h) {
    const engine_command *c = &e->command;
    frame f = {.number = e->number,
               .previous_status = e->shell->status,
               .command = c->text,
               .length = c->length,
               .hints = h,
               .tty = e->config.tty,
               .guarded = e->guarded,
               .silent = e->silent,
               .end = e->guarded ? parts_end_style(e) : END_PLAIN,
               .apart = e->shell->verbose && e->shell->dialect->verbose_end,
               .restricted = e->shell->restricted,
               .moves_errors = e->shell->movers || hints_move_streams(h),
               .echo = e->echoes,
               .unaliased = e->shell->unaliased,
               .keeps_status = e->shell->error_trap && !e->guarded,
               .entry_token = c->way == ENGINE_ENTER ? e->config.token : NULL,
               .drain = e->drains,
               .sets_terminal = sets_terminal(e, h)};
    bytes line = {0};
    bool right = true;
    /* A terminal that is not ours is set by the shell itself. */
    if (e->shell->terminal_dirty)
        right = dialect_set_terminal(e->shell->dialect, &line) && bytes_append(&line, ";", 1);
    e->shell->terminal_dirty = false;
    right = right && dialect_frame(e->shell->dialect, &f, &line);
    if (!right)
        parts_no_memory(e);
    right = right && parts_type(e, bytes_front(&line), bytes_length(&line), c->secret);
    if (right && e->silent && e->unsure)
        returned_expect(&e->sides[HOSTSESSION_STREAM_OUTPUT], bytes_front(&line), bytes_length(&line));
    if (c->secret)
        bytes_wipe(&line);
    bytes_free(&line);
    return right;
}

/* BEGIN keeps apart what comes before a command: our own line, where the terminal echoes it, and what the user's prompt
 * or the shell itself prints.  Without these the last prompt is as good a sign, and costs nothing. */
static bool may_be_silent(engine *e) {
    if (e->shell->prompt_changed || e->shell->terminal_dirty || e->shell->editor || e->shell->prompt_lost ||
        e->shell->input_moved || e->shell->prompt_moved || e->shell->typed || e->shell->dialect->says || e->echoes)
        return false;
    /* Where no guard can be: a restricted shell. */
    if (e->shell->tracing || e->shell->verbose || e->shell->debug_trap)
        return false;
    /* BEGIN tells that it was read: until then it must not be interrupted. */
    if (parts_long_line(e))
        return false;
    if (e->config.tty) {
        int echoes = e->shell->resets_terminal ? 0 : e->host.echoes(e->owner);
        e->unsure = echoes < 0;
        /* What a background job says on the way to another host is none of the next command's. */
        return echoes == 0 || (e->unsure && !e->shell->dialect->edits && !e->shell->jobs && !e->command.expectations &&
                               returned_is_exact(e->command.text, e->command.length));
    }
    return true;
}

void sending_ask_ahead(engine *e) {
    e->next_step = INT64_MAX;
    if (parts_prompts_tell(e))
        return;
    /* The prompt may have come, and the timer been looked at first. */
    bool again = !e->shell->dialect->asks_ahead && !e->prompt_missed;
    e->prompt_missed = true;
    if (again || bytes_length(&e->outgoing) > 0)
        e->next_step = parts_after(e, ahead_us);
    else
        parts_sync(e);
}

void sending_start(engine *e) {
    const engine_command *c = &e->command;
    /* Whatever the last command left of the terminal's modes. */
    e->shell->resets_terminal = !e->config.tty || e->host.reset_terminal(e->owner);
    if (e->shell->resets_terminal)
        e->shell->terminal_dirty = false;
    hints h = hints_of(c->text, c->length);
    e->shell->editor |= hints_edit(h);
    e->had_jobs = e->shell->jobs;
    if (h & HINT(BACKGROUND)) {
        e->shell->jobs = true;
        e->shell->starters |= hints_define(h);
    }
    e->shell->exit_trap |= hints_trap_exit(h);
    e->shell->movers |= (h & HINT(EXEC)) && hints_define(h);
    bool suspicious = dialect_suspicious(e->shell->dialect, h);
    e->guarded = !e->shell->restricted && (e->shell->tracing || e->shell->verbose || e->shell->output_moved ||
                                           e->shell->debug_trap || suspicious);
    /* A DEBUG trap that is set here is there for the commands after it, too, and cannot be seen in `$-`. */
    e->shell->debug_trap |= dialect_traps(e->shell->dialect, h);
    e->shell->error_trap |= dialect_traps_errors(e->shell->dialect, h);
    /* On the way to an inner shell an echo that goes off tells of a secret that is asked for. */
    e->echoes = wants_echo(c->expectations) || (c->way == ENGINE_ENTER && e->host.echoes(e->owner) >= 0);
    e->unsure = false;
    e->silent = !e->guarded && !dialect_in_pieces(e->shell->dialect, c->length + 1) && may_be_silent(e);
    e->drains = e->config.tty && (c->expectations || c->way == ENGINE_ENTER);
    e->shell->typed = false;
    e->fence = e->last_number;
    e->fence_passed = e->shell->last_prompt >= e->fence;
    e->number = ++e->last_number;
    for (size_t i = 0; i < e->side_count; i++) {
        side *s = &e->sides[i];
        s->ended = s->aborted = false;
        s->skip_line = e->shell->tracing && e->shell->dialect->traces_through && s->stream == parts_trace_stream(e);
        s->begun = e->silent && (e->shell->dialect->quiet_prompt || e->fence_passed || !prompts_come_on(s));
        s->notices.owner = s;
        s->notices.on_data = on_command_text;
        s->notices.stops = e->shell->dialect->tells_of_jobs;
        s->notices.complaints = e->shell->dialect->complains && s->stream == HOSTSESSION_STREAM_ERROR;
        bytes_clear(&s->suspect);
        /* On pipes the shell itself writes to standard error alone. */
        const notices_config told = {.gives = e->shell->dialect->notices,
                                     .says_exit = e->shell->dialect->says_exit &&
                                                  (e->config.tty || s->stream == HOSTSESSION_STREAM_ERROR),
                                     .jobs = e->shell->jobs || e->shell->prompt_changed,
                                     .starts = e->shell->starters};
        notices_start(&s->notices, &told, h);
    }
    /* It counts from the next on: this one's line has been read. */
    e->shell->input_moved |= hints_move_input(h);
    e->phase = PHASE_RUNNING;
    e->started = e->now;
    e->deadline = parts_after(e, c->timeout_us);
    /* On pipes no command reads what is typed. */
    e->next_step = e->config.tty ? INT64_MAX : parts_after(e, ahead_us + 2 * e->answer_us);
    e->echo_wait = 0;
    e->prompt_missed = false;
    e->frame_sent = true;
    e->host.begin(e->owner);
    if (type_frame(e, h) && c->way == ENGINE_ENTER)
        levels_entering(e);
}
