/* SPDX-License-Identifier: MIT */
/* From a connection to a shell that prints our markers: ask which shell it is, quiet it, teach it. */
#include "engine/parts.h"

#include "base/failure.h"
#include "engine/result.h"

#include <stdlib.h>
#include <string.h>

/* What was typed may be lost (login flushes its input, a profile reads it): it is typed again this often; the first
 * time in the place of another shell, so soon. */
enum { ask_again_us = 1000000, ask_replaced_us = 100000, probe_us = 200000 };

enum { foreign_length = sizeof foreign_sign - 1 + marker_token_length };

static bool is_replaced(const engine *e) {
    return e->foreign > foreign_length;
}

/* What a shell prints that has understood dialect_foreign_question(). */
static void look_for_foreign(engine *e, const char *data, size_t length) {
    char sign[foreign_length + 1];
    bytes line = {0};
    memcpy(sign, foreign_sign, sizeof foreign_sign);
    memcpy(sign + sizeof foreign_sign - 1, e->config.token, marker_token_length);
    for (size_t i = 0; i < length && e->foreign < foreign_length; i++)
        e->foreign = data[i] == sign[e->foreign] ? e->foreign + 1 : data[i] == sign[0];
    if (e->foreign != foreign_length)
        return;
    e->foreign++;
    e->probes = false;
    e->next_step = e->now + ask_replaced_us;
    parts_log(e, HOSTSESSION_LOG_INFO, "%s: this is no POSIX shell: sh is started in its place", e->name);
    if (!dialect_replace_foreign(e->config.tty, &line))
        parts_no_memory(e);
    else
        parts_type(e, bytes_front(&line), bytes_length(&line), false);
    bytes_free(&line);
}

void opening_ask(engine *e) {
    if (e->console) {
        console_ask(e);
        return;
    }
    bytes line = {0};
    e->phase_last = ++e->last_number;
    if (!dialect_question(e->config.token, e->phase_last, &line))
        parts_no_memory(e);
    else
        parts_type(e, bytes_front(&line), bytes_length(&line), false);
    bytes_free(&line);
    e->probes = e->asks++ > 0 && !is_replaced(e);
    if (e->probes)
        e->next_step = e->now + probe_us;
}

/* No answer yet: it may be a shell of another kind.  Not together with the question: csh throws away what it has read
 * beside a line that it does not understand. */
static void probe(engine *e) {
    bytes line = {0};
    e->probes = false;
    e->next_step = e->now + ask_again_us - probe_us;
    if (!dialect_foreign_question(e->config.token, e->config.tty, &line))
        parts_no_memory(e);
    else
        parts_type(e, bytes_front(&line), bytes_length(&line), false);
    bytes_free(&line);
}

/* $LOGNAME may still be the user's who has entered an inner shell; and in a container nobody sets it. */
static bool asks_for_user(const engine *e) {
    return e->shell->outer || (!e->config.knows_user && (!e->shell->user || !*e->shell->user));
}

/* `number` 0: nothing is asked. */
static void quiet(engine *e, uint64_t number) {
    bytes lines = {0};
    /* A terminal that is not ours (docker, ssh) has to be set by the shell; this costs it a process. */
    bool set_terminal = e->config.tty && (e->echo_seen || e->shell->terminal_dirty);
    e->shell->terminal_dirty = false;
    if (!dialect_quiet(e->shell->dialect, e->config.token, set_terminal, asks_for_user(e), number, &lines))
        parts_no_memory(e);
    else
        parts_type(e, bytes_front(&lines), bytes_length(&lines), false);
    bytes_free(&lines);
}

static void teach(engine *e) {
    bytes lines = {0};
    e->phase_last = ++e->last_number;
    e->teaching = e->now;
    e->sides[0].synced = e->sides[1].synced = false;
    if (e->teaches_at_once)
        quiet(e, 0);
    if (!dialect_teach(e->shell->dialect, e->config.token, e->config.tty, e->host.catch_up != NULL, e->phase_last,
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
        quiet(e, e->phase_last = ++e->last_number);
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
    if (e->phase == PHASE_RUNNING)
        recovery_start(e, why->error, why);
    else
        parts_end(e, why);
}

login *opening_login(const engine *e) {
    if (e->phase == PHASE_ASKING)
        return e->config.login;
    return e->phase == PHASE_RUNNING && e->command.way == ENGINE_ENTER ? e->command.login : NULL;
}

void opening_drained(engine *e) {
    login *l = opening_login(e);
    if (l && (!e->console || console_opens(e->console)))
        login_drained(e, l);
}

static bool is_ours(const engine *e, const char *line, size_t length) {
    return memmem(line, length, e->config.token, marker_token_length) != NULL;
}

/* Where the line begins that ends at `end`. */
static size_t line_start(const char *text, size_t end) {
    while (end > 0 && text[end - 1] != '\n')
        end--;
    return end;
}

/* `data` holds no newline but at its end, and is not longer than what is kept. */
static void note_seen(engine *e, const char *data, size_t length) {
    if (!bytes_append(&e->seen, data, length)) {
        parts_no_memory(e);
        return;
    }
    if (bytes_length(&e->seen) > opening_kept_bytes)
        bytes_consume(&e->seen, bytes_length(&e->seen) - opening_kept_bytes);
    const char *text = bytes_front(&e->seen);
    size_t end = bytes_length(&e->seen);
    /* The line that we typed, come back: what we print never holds this. */
    if (memmem(text, end, "${BASH_VERSION", 14) || memmem(text, end, "printf '\\036", 12))
        e->echo_seen = true;
    size_t start = line_start(text, --end);
    if (text[end] == '\n' && is_ours(e, text + start, end - start))
        e->seen.end = e->seen.start + start;
}

void opening_data(engine *e, const char *data, size_t length) {
    size_t from = length > opening_kept_bytes ? length - opening_kept_bytes : 0;
    while (from < length && e->phase != PHASE_ENDED) {
        const char *newline = memchr(data + from, '\n', length - from);
        size_t end = newline ? (size_t)(newline - data) + 1 : length;
        note_seen(e, data + from, end - from);
        from = end;
    }
    login *l = opening_login(e);
    if ((l || e->phase == PHASE_ASKING) && e->asks > 1 && !is_replaced(e))
        look_for_foreign(e, data, length);
    if (l && e->phase != PHASE_ENDED)
        login_data(e, l, data, length);
}

/* Whether `m` is what this phase waits for; one from an earlier try counts, too. */
static bool is_answer(const engine *e, const marker *m) {
    return m->kind == (e->phase == PHASE_ASKING ? MARKER_ANSWER : MARKER_END) && m->number >= e->phase_first &&
           m->number <= e->phase_last;
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

/* By the names that opening a session fails with. */
static hostsession_error setup_error(const hostsession_result *result) {
    switch (result->status) {
    case HOSTSESSION_STATUS_SUCCESS:
        return HOSTSESSION_OK;
    case HOSTSESSION_STATUS_TIMED_OUT:
        return HOSTSESSION_ERROR_NOT_READY;
    case HOSTSESSION_STATUS_ERROR:
        return result->failure.error;
    default:
        return HOSTSESSION_ERROR_CONNECT;
    }
}

void opening_setup_done(engine *e, hostsession_result *result) {
    hostsession_failure why;
    hostsession_error error = setup_error(result);
    char said[200];
    const output *printed = &result->streams[e->config.tty ? HOSTSESSION_STREAM_OUTPUT : HOSTSESSION_STREAM_ERROR];
    size_t length = printed->length;
    while (length > 0 && strchr("\r\n", printed->data[length - 1]))
        length--;
    failure_escape_tail(said, sizeof said, printed->data, length);
    if (error)
        failure_set(&why, error, 0, "setup",
                    "%s: the directory and the environment that were asked for cannot be set: %s", e->name,
                    said[0]                                ? said
                    : error == HOSTSESSION_ERROR_NOT_READY ? "the shell did not answer within the time allowed"
                                                           : result->failure.message);
    hostsession_result_free(result);
    e->setting_up = false;
    free(e->setup);
    e->setup = NULL;
    if (error)
        parts_end(e, &why);
    else
        e->host.ready(e->owner);
}

static void note_user(engine *e, const marker *m) {
    char *user = m->fields[end_cwd].length ? strndup(m->fields[end_cwd].text, m->fields[end_cwd].length) : NULL;
    if (!user)
        return;
    free(e->shell->user);
    e->shell->user = user;
}

void opening_answered(engine *e, const marker *m) {
    shell *sh = e->shell;
    sh->dialect = dialect_of_answer(m);
    /* What it says at its prompt is on standard error, and told from a command's by an END there alone. */
    if (sh->dialect->says) {
        e->host.catch_up = NULL;
        e->end_count = e->side_count;
    }
    sh->user = strndup(m->fields[answer_user].text, m->fields[answer_user].length);
    sh->pid = marker_number(m, answer_pid, INT32_MAX);
    sh->near = e->host.shell_pid(e->owner, engine_depth(e), sh->pid);
    parts_log(e, HOSTSESSION_LOG_DEBUG, "%s: the %sshell is %s", e->name, sh->outer ? "inner " : "", sh->dialect->name);
    if (sh->outer && sh->near && sh->outer->near && sh->pid == sh->outer->pid) {
        levels_replaced(e);
        return;
    }
    /* A line editor, an echo and a user's name are asked for first; without them it is a round trip less. */
    e->teaches_at_once = !asks_for_user(e) && !e->echo_seen && !sh->terminal_dirty && !dialect_edits_lines(m);
    e->phase = e->teaches_at_once ? PHASE_TEACHING : PHASE_QUIETING;
    e->probes = false;
    e->phase_first = e->last_number + 1;
    again(e);
}

bool opening_marker(side *s, const marker *m) {
    engine *e = s->engine;
    if (!is_answer(e, m))
        return true;
    if (e->phase == PHASE_ASKING) {
        opening_answered(e, m);
    } else if (e->phase == PHASE_QUIETING) {
        if (asks_for_user(e))
            note_user(e, m);
        e->phase = PHASE_TEACHING;
        e->phase_first = e->last_number + 1;
        /* A line editor that was turned off may leave the terminal as it likes it. */
        if (e->config.tty)
            e->host.reset_terminal(e->owner);
        again(e);
    } else if (e->phase == PHASE_TEACHING) {
        /* No length is that of ours where PS1 is the user's, and read-only. */
        bool ours = marker_number(m, end_status, 1) == 0;
        e->shell->prompt_length = ours ? marker_number(m, end_prompt, 100000) : INT64_MIN;
        parts_note_end(s, m);
        e->shell->status = 0;
        parts_catch_up(e);
        s->synced = true;
        if (!parts_all_synced(e))
            return true;
        e->deadline = e->next_step = INT64_MAX;
        e->answer_us = e->now - e->teaching;
        /* It was longer than most commands are. */
        if (bytes_length(&e->outgoing) == 0)
            bytes_free(&e->outgoing);
        bytes_free(&e->seen);
        if (e->shell->outer) {
            levels_entered(e);
            return true;
        }
        e->phase = PHASE_IDLE;
        if (e->setup)
            set_up(e);
        else
            e->host.ready(e->owner);
    }
    return true;
}

void opening_describe_seen(const engine *e, char out[opening_seen_bytes * 2]) {
    bytes shown = {0};
    size_t length = bytes_length(&e->seen);
    const char *text = length ? bytes_front(&e->seen) : "";
    size_t start = line_start(text, length);
    out[0] = 0;
    if (is_ours(e, text + start, length - start))
        length = start;
    if (redactor_blank(&e->redactor, text, length, &shown)) {
        if (bytes_length(&shown) > opening_seen_bytes)
            bytes_consume(&shown, bytes_length(&shown) - opening_seen_bytes);
        failure_escape_tail(out, opening_seen_bytes * 2, bytes_front(&shown), bytes_length(&shown));
    }
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
        failure_set(to, HOSTSESSION_ERROR_NOT_READY, 0, "handshake",
                    "%s: no POSIX shell answered within %.1f s; the last it said was \"%s\"; %s, or allow more time",
                    e->name, seconds, seen,
                    e->config.login
                        ? "if that asks for a name or a password, give a pattern for it (name-prompt, password-prompt)"
                        : "check what is started there");
}

void opening_advance(engine *e) {
    if (e->console && e->now < e->deadline) {
        console_advance(e);
        if ((e->phase != PHASE_ASKING && !opening_login(e)) || e->now < e->next_step)
            return;
        if (!console_opens(e->console)) {
            e->next_step = e->now + ask_again_us;
            return;
        }
    }
    login *l = opening_login(e);
    if (e->now < e->deadline) {
        if (e->probes)
            probe(e);
        else if (l)
            login_advance(e, l);
        else
            again(e);
        return;
    }
    if (e->shell->outer) {
        hostsession_failure late;
        failure_set(&late, HOSTSESSION_ERROR_TIMED_OUT, 0, "enter", "%s: the inner shell was not ready within %.3g s",
                    e->name, (double)e->command.timeout_us / 1e6);
        levels_stop(e, HOSTSESSION_ERROR_TIMED_OUT, &late);
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
