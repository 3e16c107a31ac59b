/* SPDX-License-Identifier: MIT */
/*
 * The shell's prompts: behind the last line's the command's output begins; one that comes without an END tells that the
 * shell has thrown the line away.
 */
#include "engine/parts.h"

enum { trace_max_bytes = 16 * 1024, interrupted_status = 130 };

bool prompts_come_on(const side *s) {
    const engine *e = s->engine;
    return e->config.tty ||
           s->stream == (e->shell->prompt_moved ? HOSTSESSION_STREAM_OUTPUT : HOSTSESSION_STREAM_ERROR);
}

/* Whether `m` is the last line's, for the first time: two streams may bring the prompts in any order. */
static bool passes_fence(const engine *e, const marker *m) {
    return !e->shell->dialect->quiet_prompt && m->number == e->fence && !e->fence_passed;
}

bool prompts_is_first(const engine *e, const marker *m) {
    if (e->shell->dialect->quiet_prompt)
        return e->shell->prompt_owed && parts_status(m, prompt_status) == 0;
    return m->number > e->shell->last_prompt;
}

void prompts_note(side *s, const marker *m) {
    engine *e = s->engine;
    /* Another status: what was sent raw has interrupted the shell, and that line is lost. */
    if (e->shell->prompt_owed) {
        e->shell->prompts_shown = parts_status(m, prompt_status) == 0;
        raw_drop_line(e, e->shell->dialect->show_prompts);
    }
    e->shell->prompt_owed = false;
    bool numbered = m->number != 0;
    bool is_fence = numbered && m->number == e->fence;
    if (m->number > e->last_number ||
        (numbered && m->number <= e->shell->last_prompt && (!is_fence || e->fence_passed)))
        return;
    if (m->number > e->shell->last_prompt)
        e->shell->last_prompt = m->number;
    e->fence_passed |= is_fence;
    e->shell->prompt_moved = !e->config.tty && s->stream == HOSTSESSION_STREAM_OUTPUT;
}

/* An earlier line's prompt, for the first time. */
static void note_earlier(side *s, const marker *m) {
    engine *e = s->engine;
    bool fence = m->number == e->fence;
    if (!s->begun)
        between_flush_earlier(s);
    prompts_note(s, m);
    s->begun |= fence && e->silent;
}

static void check_abort(engine *e) {
    levels_drop_console(e);
    e->phase = PHASE_CHECKING;
    e->echo_wait = 0;
    e->next_step = INT64_MAX;
    /* On pipes, after a command was stopped, it may be a late one, and this command still runs. */
    int64_t patience = parts_after(e, e->config.recovery_timeout_us);
    if ((e->config.tty || !e->shell->stopped_number) && patience < e->deadline)
        e->deadline = patience;
    parts_sync(e);
}

void prompts_drained(engine *e) {
    if (!e->prompt_early)
        return;
    e->prompt_early = false;
    if (e->phase == PHASE_RUNNING) {
        check_abort(e);
    } else if (e->phase == PHASE_RECOVERING) {
        e->sync_number = 0;
        recovery_shell_seen(e, false);
    }
}

/* A prompt before END: the line was aborted; unless that is what the command printed, so the shell is asked. */
static void suspect_abort(side *s, const marker *m) {
    engine *e = s->engine;
    bool in_order = s->stream == HOSTSESSION_STREAM_OUTPUT;
    if (e->phase == PHASE_RUNNING) {
        e->aborted_status = parts_status(m, prompt_status);
        /* END was written before, to the pipe that has not been read yet. */
        e->prompt_early = e->host.catch_up && !in_order;
        if (!e->prompt_early)
            check_abort(e);
    }
    /* On a stream of their own they come at any time. */
    if (s->begun && in_order && e->phase == PHASE_CHECKING && !bytes_append(&s->suspect, m->raw, m->raw_length))
        parts_no_memory(e);
}

void prompts_release_suspect(side *s) {
    bytes held = s->suspect;
    s->suspect = (bytes){0};
    if (bytes_length(&held) && !notices_feed(&s->notices, bytes_front(&held), bytes_length(&held)))
        parts_no_memory(s->engine);
    bytes_free(&held);
}

bool prompts_hold_trace(side *s, const char *data, size_t length) {
    engine *e = s->engine;
    bool behind = bytes_length(&s->suspect) || (!e->config.tty && s->stream == HOSTSESSION_STREAM_ERROR);
    if (e->phase != PHASE_CHECKING || !e->shell->tracing || parts_end_hidden(e) || !behind ||
        bytes_length(&s->suspect) + length > trace_max_bytes)
        return false;
    if (!bytes_append(&s->suspect, data, length))
        parts_no_memory(e);
    return true;
}

/* On pipes prompts go to standard error, until that is moved to standard output (ash's own go there): the last line's
 * is missing there then, or, behind an END of bash, empty.  A command may print an old one. */
static bool comes_here(side *s, const marker *m) {
    engine *e = s->engine;
    if (e->config.tty || s->stream == HOSTSESSION_STREAM_ERROR || e->shell->dialect->quiet_prompt)
        return true;
    if (!passes_fence(e, m))
        return e->shell->prompt_moved;
    if (e->host.catch_up)
        e->host.catch_up(e->owner);
    return !e->fence_passed;
}

/* The command is being stopped: a prompt is a sign of the shell. */
static void seen_in_recovery(side *s, const marker *m) {
    engine *e = s->engine;
    bool numbered = !e->shell->dialect->quiet_prompt;
    /* The line before: the stopped one may not have been read yet, and what is typed now would end it too early.  When
     * it comes again, the line was thrown away. */
    if (numbered && m->number < e->number && (m->number > e->shell->last_prompt || passes_fence(e, m))) {
        note_earlier(s, m);
        return;
    }
    /* One more for a line, or one behind END that does not have our function's status. */
    bool interrupted =
        (numbered && m->number <= e->shell->last_prompt) || parts_status(m, prompt_status) == interrupted_status;
    prompts_note(s, m);
    e->line_aborted |= e->shell->dialect->interrupt_newline;
    if (!s->begun || s->ended || s->aborted)
        between_flush(s);
    s->aborted |= prompts_come_on(s) && (!numbered || m->number >= e->number);
    /* A signal threw the proof away: once more; unless its END was here before, or is in the other pipe. */
    bool lost = numbered && m->number == e->sync_number && !s->synced;
    e->prompt_early = lost && e->host.catch_up && s->stream == HOSTSESSION_STREAM_ERROR;
    if (lost && !e->prompt_early)
        e->sync_number = 0;
    recovery_shell_seen(e, interrupted);
}

/* Returns false when it is the command's own output. */
static bool seen_in_command(side *s, const marker *m) {
    engine *e = s->engine;
    bool numbered = !e->shell->dialect->quiet_prompt;
    if (s->ended || e->ending) {
        prompts_note(s, m);
        return true;
    }
    if (!comes_here(s, m))
        return false;
    if (numbered && e->phase == PHASE_CHECKING && m->number == e->sync_number) {
        /* The sync's END is in the other pipe. */
        if (s->stream == HOSTSESSION_STREAM_ERROR)
            prompts_note(s, m);
        return true;
    }
    bool entry = e->command.way == ENGINE_ENTER && m->number == e->number;
    if (m->number > e->number || (!numbered && m->number != 0 && !entry))
        return false;
    if (numbered && m->number < e->number) {
        /* Once for each line; a shell that was interrupted, or on pipes got a signal as it waited, may print one more.
         */
        bool again = m->number <= e->shell->last_prompt && !passes_fence(e, m);
        /* zsh and mksh that got a SIGINT as they waited throw away the next line, which is the command's. */
        if (again && m->number == e->fence && !e->shell->stopped_number && e->phase == PHASE_RUNNING &&
            parts_status(m, prompt_status) == interrupted_status) {
            suspect_abort(s, m);
            return true;
        }
        if (again)
            return !s->begun || e->shell->stopped_number != 0 ||
                   (s->stream == HOSTSESSION_STREAM_ERROR && m->number == e->fence);
        note_earlier(s, m);
        return true;
    }
    /* Or END is in the other pipe, and this is the prompt behind it. */
    if (numbered && s->stream == HOSTSESSION_STREAM_ERROR)
        prompts_note(s, m);
    suspect_abort(s, m);
    return true;
}

bool prompts_seen(side *s, const marker *m) {
    engine *e = s->engine;
    if (e->phase == PHASE_RECOVERING) {
        seen_in_recovery(s, m);
    } else if (e->phase == PHASE_SETTLING) {
        bool ours = e->raw && prompts_is_first(e, m);
        prompts_note(s, m);
        between_flush(s);
        if (!e->sync_number && !ours)
            parts_sync(e);
    } else {
        return seen_in_command(s, m);
    }
    return true;
}
