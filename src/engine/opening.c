/* SPDX-License-Identifier: MIT */
/* From a connection to a shell that prints our markers: ask which shell it is, quiet it, teach it. */
#include "engine/parts.h"

#include "base/failure.h"
#include "engine/result.h"

#include <stdlib.h>
#include <string.h>

/* What was typed may be lost (login flushes its input, a profile reads it): it is typed again this often. */
enum { ask_again_us = 1000000 };

void opening_ask(engine *e) {
    if (e->console) {
        console_ask(e);
        return;
    }
    bytes line = {0};
    e->sync_number = ++e->last_number;
    if (!dialect_question(e->config.token, e->sync_number, &line))
        parts_no_memory(e);
    else
        parts_type(e, bytes_front(&line), bytes_length(&line), false);
    bytes_free(&line);
}

static void quiet(engine *e) {
    bytes lines = {0};
    e->sync_number = ++e->last_number;
    /* A terminal that is not ours (docker, ssh) has to be set by the shell; this costs it a process. */
    bool set_terminal = e->config.tty && (e->echo_seen || e->shell->terminal_dirty);
    e->shell->terminal_dirty = false;
    if (!dialect_quiet(e->shell->dialect, e->config.token, set_terminal, e->sync_number, &lines))
        parts_no_memory(e);
    else
        parts_type(e, bytes_front(&lines), bytes_length(&lines), false);
    bytes_free(&lines);
}

static void teach(engine *e) {
    bytes lines = {0};
    e->sync_number = ++e->last_number;
    e->sides[0].synced = e->sides[1].synced = false;
    if (!dialect_teach(e->shell->dialect, e->config.token, e->config.tty, e->host.catch_up != NULL, e->sync_number,
                       &lines))
        parts_no_memory(e);
    else
        parts_type(e, bytes_front(&lines), bytes_length(&lines), false);
    bytes_free(&lines);
}

static void again(engine *e) {
    e->next_step = e->now + ask_again_us;
    if (e->phase == PHASE_ASKING)
        opening_ask(e);
    else if (e->phase == PHASE_QUIETING)
        quiet(e);
    else
        teach(e);
}

static void console_is_ready(engine *e) {
    e->phase = PHASE_IDLE;
    e->deadline = e->next_step = INT64_MAX;
    e->host.ready(e->owner);
}

void opening_start(engine *e) {
    e->phase = PHASE_ASKING;
    if (e->console)
        console_start(e, console_is_ready);
    if (e->config.login)
        login_start(e, e->config.login);
    else if (e->console)
        e->next_step = e->now + ask_again_us;
    else
        again(e);
}

void opening_fail(engine *e, const hostsession_failure *why) {
    parts_end(e, why);
}

void opening_drained(engine *e) {
    if (e->phase == PHASE_ASKING && e->config.login && (!e->console || console_opens(e->console)))
        login_drained(e, e->config.login);
}

void opening_data(engine *e, const char *data, size_t length) {
    const size_t size = sizeof e->seen;
    if (length >= size) {
        memcpy(e->seen, data + length - size, size);
        e->seen_length = size;
    } else {
        size_t keep = e->seen_length + length > size ? size - length : e->seen_length;
        memmove(e->seen, e->seen + e->seen_length - keep, keep);
        memcpy(e->seen + keep, data, length);
        e->seen_length = keep + length;
    }
    /* The line that we typed, come back: what we print never holds this. */
    if (memmem(e->seen, e->seen_length, "${BASH_VERSION", 14) || memmem(e->seen, e->seen_length, "printf '\\036", 12))
        e->echo_seen = true;
    if (e->phase == PHASE_ASKING && e->config.login)
        login_data(e, e->config.login, data, length);
}

/* Whether `m` is what this phase waits for; one from an earlier try counts, too. */
static bool is_answer(const engine *e, const marker *m) {
    return m->kind == (e->phase == PHASE_ASKING ? MARKER_ANSWER : MARKER_END) && m->number >= e->phase_first &&
           m->number <= e->sync_number;
}

static void set_up(engine *e) {
    enum { kept_bytes = 4096 };
    engine_command command = {.text = e->setup,
                              .length = strlen(e->setup),
                              .timeout_us = e->open_deadline == INT64_MAX ? INT64_MAX : e->open_deadline - e->now,
                              .result = result_new(kept_bytes)};
    e->setting_up = true;
    if (command.result)
        command_start(e, &command);
    else
        parts_no_memory(e);
}

void opening_set_up(engine *e, hostsession_result *result) {
    hostsession_failure why;
    bool right = result->status == HOSTSESSION_STATUS_SUCCESS;
    char said[200];
    const output *printed = &result->streams[e->config.tty ? HOSTSESSION_STREAM_OUTPUT : HOSTSESSION_STREAM_ERROR];
    size_t length = printed->length;
    while (length > 0 && strchr("\r\n", printed->data[length - 1]))
        length--;
    failure_escape_tail(said, sizeof said, printed->data, length);
    if (!right)
        failure_set(&why, HOSTSESSION_ERROR_CONNECT, 0, "setup",
                    "%s: the directory and the environment that were asked for cannot be set: %s", e->name,
                    said[0] ? said : result->failure.message);
    hostsession_result_free(result);
    e->setting_up = false;
    free(e->setup);
    e->setup = NULL;
    if (right)
        e->host.ready(e->owner);
    else
        parts_end(e, &why);
}

bool opening_marker(side *s, const marker *m) {
    engine *e = s->engine;
    if (!is_answer(e, m))
        return true;
    if (e->phase == PHASE_ASKING) {
        enum { field_user = 4, field_pid = 5 };
        e->shell->dialect = dialect_of_answer(m);
        /* What it says at its prompt is on standard error, and told from a command's by an END there alone. */
        if (e->shell->dialect->says) {
            e->host.catch_up = NULL;
            e->end_count = e->side_count;
        }
        e->shell->user = strndup(m->fields[field_user].text, m->fields[field_user].length);
        e->host.shell_pid(e->owner, marker_number(m, field_pid, INT32_MAX));
        parts_log(e, HOSTSESSION_LOG_DEBUG, "%s: the shell is %s", e->name, e->shell->dialect->name);
        e->phase = PHASE_QUIETING;
        e->phase_first = e->last_number + 1;
        again(e);
    } else if (e->phase == PHASE_QUIETING) {
        e->phase = PHASE_TEACHING;
        e->phase_first = e->last_number + 1;
        /* A line editor that was turned off may leave the terminal as it likes it. */
        if (e->config.tty)
            e->host.reset_terminal(e->owner);
        again(e);
    } else if (e->phase == PHASE_TEACHING) {
        enum { field_prompt = 3 };
        e->shell->prompt_length = marker_number(m, field_prompt, 100000);
        parts_note_end(e, m);
        parts_catch_up(e);
        s->synced = true;
        if (!parts_all_synced(e))
            return true;
        e->phase = PHASE_IDLE;
        e->sync_number = 0;
        e->deadline = e->next_step = INT64_MAX;
        if (e->setup)
            set_up(e);
        else
            e->host.ready(e->owner);
    }
    return true;
}

void opening_describe_seen(const engine *e, char out[opening_seen_bytes * 2]) {
    bytes shown = {0};
    out[0] = 0;
    if (redactor_blank(&e->redactor, e->seen, e->seen_length, &shown))
        failure_escape_tail(out, sizeof e->seen * 2, bytes_front(&shown), bytes_length(&shown));
    bytes_free(&shown);
}

static void describe_silence(const engine *e, const char *seen, hostsession_failure *to) {
    double seconds = (double)e->config.open_timeout_us / 1e6;
    const char *setup = e->console ? console_waits_for(e->console) : NULL;
    if (setup)
        failure_set(
            to, HOSTSESSION_ERROR_NOT_READY, 0, "setup",
            "%s: the prompt did not come back from the setup command \"%s\" within %.1f s; the last it said was "
            "\"%s\"",
            e->name, setup, seconds, seen);
    else if (e->console)
        failure_set(to, HOSTSESSION_ERROR_NOT_READY, 0, "handshake",
                    "%s: nothing that the pattern for its prompt matches came within %.1f s; the last it said was "
                    "\"%s\"; check the pattern, or allow more time",
                    e->name, seconds, seen);
    else
        failure_set(
            to, HOSTSESSION_ERROR_NOT_READY, 0, "handshake",
            "%s: no POSIX shell answered within %.1f s; the last it said was \"%s\"; check what is started there, or "
            "allow more time",
            e->name, seconds, seen);
}

void opening_advance(engine *e) {
    if (e->console && e->now < e->deadline) {
        console_advance(e);
        if (e->phase != PHASE_ASKING || e->now < e->next_step)
            return;
        if (!console_opens(e->console)) {
            e->next_step = e->now + ask_again_us;
            return;
        }
    }
    if (e->now < e->deadline && e->phase == PHASE_ASKING && e->config.login) {
        login_advance(e, e->config.login);
        return;
    }
    if (e->now < e->deadline) {
        again(e);
        return;
    }
    char seen[opening_seen_bytes * 2];
    opening_describe_seen(e, seen);
    hostsession_failure why;
    if (e->phase == PHASE_NEW && e->host.explain(e->owner, &why)) {
        parts_end(e, &why);
        return;
    }
    describe_silence(e, seen, &why);
    parts_end(e, &why);
}

void opening_hangup(engine *e, const hostsession_exit *how, const hostsession_failure *why) {
    hostsession_failure failure;
    char seen[opening_seen_bytes * 2];
    const char *answered = e->console ? "its prompt came" : "a shell answered";
    opening_describe_seen(e, seen);
    bool refused = e->phase == PHASE_ASKING && e->config.login && login_gave_password(e->config.login);
    if (why && why->error)
        failure = *why;
    else if (refused)
        failure_set(&failure, HOSTSESSION_ERROR_AUTH, 0, "login",
                    "%s: the login was refused: the host hung up after the password; the last it said was \"%s\"",
                    e->name, seen);
    else if (how->known)
        failure_set(&failure, HOSTSESSION_ERROR_CONNECT, 0, "handshake",
                    "%s: the program ended with exit status %d before %s; the last it said was \"%s\"", e->name,
                    how->exit_status, answered, seen);
    else
        failure_set(&failure, HOSTSESSION_ERROR_CONNECT, 0, "handshake",
                    "%s: the connection was lost before %s; the last it said was \"%s\"", e->name, answered, seen);
    parts_end(e, &failure);
}
