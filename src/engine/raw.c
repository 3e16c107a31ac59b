/* SPDX-License-Identifier: MIT */
/* Between commands: bytes sent as they are, and waiting for patterns in what comes back. */
#include "engine/parts.h"

#include "base/failure.h"

#include <string.h>

/* Off the front. */
static void drop(engine *e, size_t length) {
    bytes_consume(&e->raw_text, length);
    if (e->wanted)
        pattern_set_forget(e->wanted, length);
}

void raw_data(engine *e, const char *data, size_t length) {
    if (!bytes_append(&e->raw_text, data, length)) {
        parts_no_memory(e);
        return;
    }
    size_t held = bytes_length(&e->raw_text);
    if (held > e->config.max_raw_bytes)
        drop(e, held - e->config.max_raw_bytes);
}

void raw_drop_line(engine *e, const char *line) {
    size_t size = strcspn(line, "\n");
    const char *held = bytes_front(&e->raw_text);
    if (bytes_length(&e->raw_text) < size + 2 || memcmp(held, line, size) != 0)
        return;
    size += held[size] == '\r';
    if (held[size] == '\n')
        drop(e, size + 1);
}

/* No END follows what is sent: a prompt alone tells that the shell is back. */
static bool show_prompts(engine *e) {
    const dialect *d = e->shell->dialect;
    if (e->phase != PHASE_IDLE || !d->show_prompts || e->shell->prompts_shown)
        return true;
    e->shell->prompts_shown = e->shell->prompt_owed = true;
    return parts_type(e, d->show_prompts, strlen(d->show_prompts), false);
}

bool engine_send(engine *e, const char *data, size_t length, bool secret) {
    if (length == 0)
        return true;
    e->raw = true;
    e->prompt_seen = false;
    if (e->shell->console)
        console_sent(e);
    else if (!show_prompts(e))
        return false;
    return engine_type(e, data, length, secret);
}

bool engine_type(engine *e, const char *data, size_t length, bool secret) {
    if (secret && !redactor_add(&e->redactor, data, length)) {
        parts_no_memory(e);
        return false;
    }
    e->shell->typed |= !e->raw;
    return parts_type(e, data, length, secret);
}

void engine_expect(engine *e, pattern_set *patterns, size_t window_bytes, int64_t timeout_us, int64_t now_us) {
    e->now = now_us;
    /* Nothing was sent: the shell is where its last command has left it. */
    e->prompt_seen |= !e->raw;
    e->raw = true;
    e->wanted = patterns;
    e->raw_window = window_bytes;
    e->raw_deadline = parts_after(e, timeout_us);
    raw_search(e);
    if (e->wanted && e->phase == PHASE_ENDED)
        raw_finish(e, e->failure.error, e->failure.message);
}

bool engine_holds_text(const engine *e) {
    return e->raw &&
           (e->failure.error == HOSTSESSION_ERROR_SHELL_EXITED || e->failure.error == HOSTSESSION_ERROR_DISCONNECTED);
}

/* End the wait; what was read stays for the next one. */
void raw_finish(engine *e, hostsession_error error, const char *message) {
    hostsession_failure why;
    failure_set(&why, error, 0, "expect", "%s", message);
    e->wanted = NULL;
    e->raw_deadline = INT64_MAX;
    /* The end of the session is told once. */
    e->raw &= !e->dying;
    e->host.expect_done(e->owner, &why, NULL, bytes_front(&e->raw_text), bytes_length(&e->raw_text));
}

void raw_search(engine *e) {
    size_t length = bytes_length(&e->raw_text);
    if (length == 0)
        return;
    /* What is further back than the window can no longer be part of a match. */
    size_t skip = length > e->raw_window ? length - e->raw_window : 0;
    pattern_match match;
    pattern_verdict verdict = pattern_set_search(e->wanted, bytes_front(&e->raw_text), length, skip, &match);
    if (verdict == PATTERN_NO_MATCH)
        return;
    if (verdict == PATTERN_RAN_AWAY) {
        raw_finish(e, HOSTSESSION_ERROR_LIMIT,
                   "a pattern needs too much backtracking in this output; make the regular expression simpler");
        return;
    }
    e->wanted = NULL;
    e->raw_deadline = INT64_MAX;
    /* The host may use the text until it returns; it is taken off only then. */
    size_t end = match.groups[0][1];
    e->host.expect_done(e->owner, NULL, &match, bytes_front(&e->raw_text), end);
    bytes_consume(&e->raw_text, end);
}

void raw_advance(engine *e) {
    if (e->wanted && e->now >= e->raw_deadline)
        raw_finish(e, HOSTSESSION_ERROR_TIMED_OUT, "no pattern matched within the time allowed; what was read is kept");
}

void engine_expect_cancel(engine *e) {
    if (e->wanted)
        raw_finish(e, HOSTSESSION_ERROR_CANCELED, "the wait was cancelled; what was read is kept");
}

/* A command begins: what nobody expected is unsolicited. */
void raw_leave(engine *e) {
    bytes held = e->raw_text;
    e->raw_text = (bytes){0};
    e->raw = false;
    if (bytes_length(&held))
        e->host.unsolicited(e->owner, HOSTSESSION_STREAM_OUTPUT, bytes_front(&held), bytes_length(&held));
    bytes_free(&held);
}

void engine_run(engine *e, const engine_command *command, int64_t now_us) {
    e->now = now_us;
    if (e->shell->console)
        console_command(e, command);
    else
        command_start(e, command);
}

void engine_cancel(engine *e, int64_t now_us) {
    e->now = now_us;
    hostsession_failure why;
    failure_set(&why, HOSTSESSION_ERROR_CANCELED, 0, "command", "%s: the command was cancelled", e->name);
    if (command_awaits_sync(e))
        return;
    if (e->phase == PHASE_RUNNING || e->phase == PHASE_CHECKING) {
        recovery_start(e, HOSTSESSION_ERROR_CANCELED, &why);
    } else if (e->phase == PHASE_DEPARTING || e->phase == PHASE_QUIETING || e->phase == PHASE_TEACHING) {
        levels_stop(e, HOSTSESSION_ERROR_CANCELED, &why);
    } else if (e->phase == PHASE_SETTLING) {
        e->sync_number = 0;
        command_finish(e, HOSTSESSION_ERROR_CANCELED, HOSTSESSION_STATUS_SKIPPED, -1, &why);
    }
}
