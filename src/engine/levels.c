/* SPDX-License-Identifier: MIT */
/*
 * Shells inside of shells.  What enters one is a command of the outer shell that does not end: its number stays open.
 * END with that number, whenever it comes, says that all that was inside has ended.
 */
#include "engine/parts.h"

#include "base/failure.h"

#include <hostsession/enter.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A shell with stopped jobs wants to be told twice. */
enum { most_farewells = 3 };

/* ---- in ---- */

bool levels_refuse(engine *e) {
    hostsession_failure why;
    unsigned depth = engine_depth(e);
    if (e->command.way == ENGINE_LEAVE && depth == 0)
        failure_set(&why, HOSTSESSION_ERROR_INVALID, 0, "leave", "%s: no shell was entered that could be left",
                    e->name);
    else if (e->command.way == ENGINE_ENTER && e->shell->console)
        failure_set(&why, HOSTSESSION_ERROR_INVALID, 0, "enter",
                    "%s: %.100s has no shell in which another could be started; leave it first", e->name,
                    e->shell->entry_text);
    else if (e->command.way == ENGINE_ENTER && depth == HOSTSESSION_MOST_LEVELS)
        failure_set(&why, HOSTSESSION_ERROR_LIMIT, 0, "enter",
                    "%s: %u shells are inside of each other, no more can be entered", e->name, depth);
    else
        return false;
    command_finish(e, why.error, HOSTSESSION_STATUS_ERROR, -1, &why);
    return true;
}

static shell *shell_new(const engine *e) {
    shell *inner = calloc(1, sizeof *inner);
    if (!inner)
        return NULL;
    inner->outer = e->shell;
    inner->entry = e->number;
    inner->entry_guarded = e->guarded;
    inner->entry_text = e->command.secret ? strdup("***") : strndup(e->command.text, e->command.length);
    if (inner->entry_text)
        return inner;
    free(inner);
    return NULL;
}

/* What is inside has answered: it is on top from now on.  NULL when what was said before that, or the lack of memory,
 * has ended the session. */
static shell *push(engine *e) {
    notices_finish(&e->sides[HOSTSESSION_STREAM_OUTPUT].notices, NOTICES_ENDED);
    if (e->phase != PHASE_RUNNING)
        return NULL;
    shell *inner = shell_new(e);
    if (inner)
        e->shell = inner;
    else
        parts_no_memory(e);
    return inner;
}

bool levels_answered(engine *e, const marker *m) {
    bool asked = m->number >= e->phase_first && m->number <= e->phase_last;
    /* While the command is stopped it is the outer shell that has read what was typed ahead. */
    if (!asked || e->phase != PHASE_RUNNING)
        return asked;
    if (push(e))
        opening_answered(e, m);
    return true;
}

static void console_answered(engine *e) {
    shell *inner = push(e);
    if (!inner)
        return;
    inner->console = e->command.console;
    e->command.console = NULL;
    parts_log(e, HOSTSESSION_LOG_INFO, "%s: entered %.100s", e->name, inner->entry_text);
    command_finish(e, HOSTSESSION_OK, HOSTSESSION_STATUS_SUCCESS, -1, NULL);
}

void levels_entering(engine *e) {
    bytes_clear(&e->seen);
    e->echo_seen = false;
    e->asks = 0;
    e->foreign = 0;
    e->probes = false;
    e->phase_first = e->last_number + 1;
    e->phase_last = e->last_number;
    e->console = e->command.console;
    if (e->console)
        console_start(e, console_answered);
    login_start(e, e->command.login);
}

void levels_drop_console(engine *e) {
    if (e->console == e->shell->console)
        return;
    console_over(e);
    e->console = e->shell->console;
}

void levels_describe_silence(const engine *e, hostsession_failure *why) {
    char seen[opening_seen_bytes * 2];
    opening_describe_seen(e, seen);
    failure_set(why, HOSTSESSION_ERROR_TIMED_OUT, 0, "enter", "%s: %s within %.3g s; the last it said was \"%s\"",
                e->name, e->console ? "nothing that the pattern for its prompt matches came" : "no shell has answered",
                (double)e->command.timeout_us / 1e6, seen);
}

/* The echo of our question ends with the line of its last word, which a narrow terminal has wrapped to. */
static char *question_end(char *from, char *end) {
    enum { longest = 500 };
    static const char last_word[] = "\"$PWD\"";
    size_t left = (size_t)(end - from) < longest ? (size_t)(end - from) : longest;
    char *last = memmem(from, left, last_word, sizeof last_word - 1);
    char *newline = memchr(last ? last : from, '\n', (size_t)(end - (last ? last : from)));
    return newline ? newline + 1 : end;
}

void levels_cut_questions(const engine *e, output *o) {
    char typed[40];
    size_t size = (size_t)snprintf(typed, sizeof typed, "\\command printf '\\036%s", e->config.token);
    if (o->total != o->length)
        return;
    char *from = o->data;
    char *found;
    while (o->length && (found = memmem(from, (size_t)(o->data + o->length - from), typed, size)) != NULL) {
        char *end = o->data + o->length;
        char *next = question_end(found, end);
        from = found > o->data && found[-1] == ' ' ? found - 1 : found;
        memmove(from, next, (size_t)(end - next));
        o->length -= (size_t)(next - from);
        o->total = o->length;
    }
}

void levels_entered(engine *e) {
    parts_log(e, HOSTSESSION_LOG_INFO, "%s: entered the shell of %s", e->name, engine_user(e));
    command_finish(e, HOSTSESSION_OK, HOSTSESSION_STATUS_SUCCESS, -1, NULL);
}

/* ---- out ---- */

static void pop(engine *e) {
    shell *inner = e->shell;
    e->shell = inner->outer;
    e->number = inner->entry;
    e->guarded = inner->entry_guarded;
    e->console = e->shell->console;
    console_free(inner->console);
    free(inner->cwd);
    free(inner->user);
    free(inner->entry_text);
    free(inner);
}

void levels_free(engine *e) {
    while (e->shell->outer)
        pop(e);
    free(e->shell->cwd);
    free(e->shell->user);
}

/* The outer shell's command that has not ended is what is current again. */
static void resume(engine *e) {
    side *s = &e->sides[HOSTSESSION_STREAM_OUTPUT];
    e->host.shell_pid(e->owner, engine_depth(e), e->shell->pid);
    e->frame_sent = true;
    e->silent = false;
    e->drains = e->echoes = true;
    e->fence = e->number - 1;
    e->fence_passed = true;
    s->begun = true;
    s->ended = s->aborted = s->traced = false;
}

/* The outer shell must answer behind all that was typed into the inner one. */
static void go_back(engine *e, bool drains) {
    e->phase = PHASE_RETURNING;
    e->deadline = parts_after(e, e->config.recovery_timeout_us);
    e->next_step = INT64_MAX;
    if (drains)
        command_type_drained(e);
    else
        e->shell->terminal_dirty |= !e->host.reset_terminal(e->owner);
    if (e->phase == PHASE_RETURNING)
        parts_sync(e);
}

static void set_outcome(engine *e, hostsession_error error, hostsession_status status, int exit_status,
                        const hostsession_failure *why) {
    e->outcome.error = error;
    e->outcome.status = status;
    e->outcome.exit_status = exit_status;
    if (why)
        e->reason = *why;
}

/* The command that a shell was, or should have been, entered with has ended by itself. */
static void set_entry_outcome(engine *e, int status, bool entered) {
    hostsession_failure why;
    if (status || entered) {
        set_outcome(e, HOSTSESSION_OK, status ? HOSTSESSION_STATUS_FAILED : HOSTSESSION_STATUS_SUCCESS, status, NULL);
        return;
    }
    failure_set(&why, HOSTSESSION_ERROR_NOT_READY, 0, "enter",
                "%s: the command ended (exit status 0) and %s; give one that starts a %s", e->name,
                e->command.console ? "its prompt has not come" : "no shell has answered",
                e->command.console ? "program with such a prompt" : "shell");
    set_outcome(e, why.error, HOSTSESSION_STATUS_ERROR, 0, &why);
}

void levels_not_entered(engine *e, int status) {
    set_entry_outcome(e, status, false);
    levels_drop_console(e);
    bool checked = e->phase == PHASE_CHECKING;
    if (checked) {
        levels_returned(e);
        return;
    }
    e->phase = PHASE_RETURNING;
    e->deadline = parts_after(e, e->config.recovery_timeout_us);
    e->next_step = INT64_MAX;
    parts_sync(e);
}

/* What becomes of the operation that runs as the shell that it runs in has ended. */
static void set_outcome_of_end(engine *e, int status, const hostsession_failure *why) {
    if (e->phase == PHASE_RECOVERING)
        set_outcome(e, e->stop_error, recovery_status(e), status, &e->reason);
    else if (e->frame_sent)
        set_outcome(e, why->error, HOSTSESSION_STATUS_SHELL_EXITED, status, why);
    else
        set_outcome(e, why->error, HOSTSESSION_STATUS_SKIPPED, -1, why);
}

/* The outer shell cannot be used. */
static void give_up(engine *e, const hostsession_failure *why) {
    e->dying = true;
    if (e->command.result)
        command_finish(e, why->error, HOSTSESSION_STATUS_ERROR, e->outcome.exit_status, why);
    parts_end(e, why);
}

void levels_replaced(engine *e) {
    hostsession_failure why;
    failure_set(
        &why, HOSTSESSION_ERROR_NOT_READY, 0, "enter",
        "%s: \"%.100s\" has taken the shell's place, and left none to come back to, so the session was ended; enter "
        "it without exec",
        e->name, e->shell->entry_text);
    e->outcome.exit_status = -1;
    give_up(e, &why);
}

static void describe(const engine *e, const shell *ended, int status, hostsession_failure *why) {
    const char *user = ended->outer->user;
    bool named = user && user[0];
    failure_set(why, HOSTSESSION_ERROR_SHELL_EXITED, 0, "session",
                "%s: the inner %s (%.100s) ended with status %d; back in the %s%s", e->name,
                ended->console ? "program" : "shell", ended->entry_text, status, named ? "shell of " : "outer shell",
                named ? user : "");
}

bool levels_ended(side *s, const marker *m) {
    engine *e = s->engine;
    shell *ended = e->shell;
    while (ended->outer && ended->entry != m->number)
        ended = ended->outer;
    /* Where a prompt has it, too. */
    int status = parts_status(m, end_status);
    if (!ended->outer || (m->kind != MARKER_END && (m->kind != MARKER_PROMPT || status < 0)))
        return false;
    bool last = ended == e->shell;
    bool opening = last && (e->phase == PHASE_QUIETING || e->phase == PHASE_TEACHING);
    bool left = last && e->phase == PHASE_DEPARTING;
    hostsession_failure why;
    describe(e, ended, status, &why);
    bool told = e->command.result || e->wanted;
    if (e->console)
        console_over(e);
    if (e->wanted)
        raw_finish(e, why.error, why.message);
    if (opening || left)
        set_entry_outcome(e, status, left);
    else if (e->phase != PHASE_RETURNING)
        set_outcome_of_end(e, status, &why);
    if (!opening && !left) {
        parts_log(e, HOSTSESSION_LOG_WARNING, "%s", why.message);
        e->host.inner_ended(e->owner, &why, told);
    }
    if (e->command.result)
        notices_finish(&s->notices, NOTICES_EXITED);
    if (e->phase == PHASE_ENDED)
        return true;
    between_flush(s);
    const shell *outer = ended->outer;
    while (e->shell != outer)
        pop(e);
    if (e->host.end_inner && !e->host.end_inner(e->owner, engine_depth(e))) {
        failure_set(&why, HOSTSESSION_ERROR_NOT_READY, 0, "session",
                    "%s: the inner shell was left behind alive, cannot be killed, and would read what is meant for the "
                    "outer one",
                    e->name);
        give_up(e, &why);
        return true;
    }
    resume(e);
    if (m->kind == MARKER_END)
        parts_note_end(s, m);
    else
        e->shell->status = status;
    go_back(e, m->kind == MARKER_END);
    return true;
}

void levels_returned(engine *e) {
    e->deadline = e->next_step = INT64_MAX;
    e->sync_number = 0;
    e->phase = PHASE_IDLE;
    /* Its prompt may be an empty one. */
    e->prompt_seen = true;
    e->frame_sent &= e->command.result != NULL;
    if (e->command.result)
        command_finish(e, e->outcome.error, e->outcome.status, e->outcome.exit_status,
                       e->outcome.error ? &e->reason : NULL);
}

/* ---- leaving ---- */

static void say_farewell(engine *e) {
    bytes line = {0};
    e->farewells++;
    if (e->console) {
        console_leave(e);
        return;
    }
    e->farewell = ++e->last_number;
    if (!dialect_exit(e->shell->dialect, e->farewell, e->shell->status, &line))
        parts_no_memory(e);
    else
        parts_type(e, bytes_front(&line), bytes_length(&line), false);
    bytes_free(&line);
}

void levels_depart(engine *e) {
    e->phase = PHASE_DEPARTING;
    e->started = e->now;
    e->deadline = parts_after(e, e->command.timeout_us);
    e->next_step = INT64_MAX;
    e->farewells = 0;
    e->frame_sent = true;
    e->host.begin(e->owner);
    say_farewell(e);
}

void levels_stayed(engine *e) {
    if (e->farewells < most_farewells)
        say_farewell(e);
}

bool levels_marker(side *s, const marker *m) {
    engine *e = s->engine;
    bool refused = m->kind == MARKER_PROMPT && m->number == (e->shell->dialect->quiet_prompt ? 0 : e->farewell);
    if (m->kind == MARKER_PROMPT)
        prompts_note(s, m);
    if (refused)
        levels_stayed(e);
    return true;
}

void levels_stop(engine *e, hostsession_error error, const hostsession_failure *why) {
    pop(e);
    resume(e);
    recovery_start(e, error, why);
}

void levels_abandon(engine *e) {
    hostsession_failure why;
    hostsession_error error = e->stop_error;
    failure_set(&why, error, 0, "recovery", "%s; it could not be stopped within %.3g s, so %.100s was ended",
                e->reason.message, (double)e->config.recovery_timeout_us / 1e6, e->shell->entry_text);
    parts_log(e, HOSTSESSION_LOG_WARNING, "%s", why.message);
    hostsession_failure lost;
    failure_set(&lost, HOSTSESSION_ERROR_SHELL_EXITED, 0, "session", "%s: the inner program (%.100s) was ended",
                e->name, e->shell->entry_text);
    e->host.inner_ended(e->owner, &lost, true);
    console_over(e);
    if (e->phase != PHASE_ENDED)
        levels_stop(e, error, &why);
}

void levels_advance(engine *e) {
    hostsession_failure why;
    if (e->now < e->deadline)
        return;
    if (e->phase == PHASE_DEPARTING) {
        failure_set(&why, HOSTSESSION_ERROR_TIMED_OUT, 0, "leave", "%s: the inner shell did not end within %.3g s",
                    e->name, (double)e->command.timeout_us / 1e6);
        levels_stop(e, HOSTSESSION_ERROR_TIMED_OUT, &why);
        return;
    }
    failure_set(&why, HOSTSESSION_ERROR_NOT_READY, 0, "session",
                "%s: the inner shell has ended and the outer one does not answer", e->name);
    give_up(e, &why);
}
