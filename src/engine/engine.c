/* SPDX-License-Identifier: MIT */
/* Where bytes, time and calls come in and are led to the part that the phase is of. */
#include "engine/parts.h"

#include "base/failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_data(void *owner, const char *data, size_t length) {
    side *s = owner;
    engine *e = s->engine;
    if (s->traced)
        return;
    if (e->shell->console) {
        if (e->phase <= PHASE_TEACHING)
            opening_data(e, data, length);
        if (e->phase != PHASE_ENDED)
            console_data(e, data, length);
        return;
    }
    switch (e->phase) {
    case PHASE_NEW:
    case PHASE_ASKING:
    case PHASE_QUIETING:
    case PHASE_TEACHING:
        opening_data(e, data, length);
        break;
    case PHASE_RUNNING:
    case PHASE_CHECKING:
    case PHASE_RECOVERING:
        command_data(s, data, length);
        break;
    case PHASE_DEPARTING:
        command_text(s, data, length);
        break;
    case PHASE_RETURNING:
        between_data(s, data, length);
        break;
    case PHASE_SETTLING:
    case PHASE_IDLE:
        if (e->raw)
            raw_data(e, data, length);
        else
            between_data(s, data, length);
        break;
    case PHASE_ENDED:
        break;
    }
}

bool parts_all_ended(const engine *e) {
    for (size_t i = 0; i < e->end_count; i++)
        if (!e->sides[i].ended)
            return false;
    return true;
}

bool parts_all_synced(const engine *e) {
    for (size_t i = 0; i < e->end_count; i++)
        if (!e->sides[i].synced)
            return false;
    return true;
}

static void sync_seen(engine *e) {
    if (!parts_all_synced(e))
        return;
    e->sync_number = 0;
    if (e->phase == PHASE_SETTLING)
        command_settled(e);
    else if (e->phase == PHASE_CHECKING)
        command_synced(e);
    else if (e->phase == PHASE_RECOVERING)
        recovery_synced(e);
    else if (e->phase == PHASE_RETURNING)
        levels_returned(e);
}

static bool on_marker(void *owner, const marker *m) {
    side *s = owner;
    engine *e = s->engine;
    if (e->phase == PHASE_ENDED)
        return true;
    /* Damaged on the way: what it says is not known.  On a stream where none is printed: it stands in a trace of what
     * printed the real one. */
    if (m->kind == MARKER_END && (parts_status(m, end_status) < 0 || s >= &e->sides[e->end_count]))
        return false;
    if (m->crlf)
        e->shell->terminal_dirty = e->config.tty;
    if (e->shell->outer && levels_ended(s, m))
        return true;
    if (e->shell->console)
        return false;
    if (m->kind == MARKER_END && m->brief && (e->phase <= PHASE_TEACHING || !e->shell->dialect->whole_end))
        return false;
    if (m->kind == MARKER_END) {
        /* Each comes once, in order: another is what a command printed. */
        if (m->number <= s->last_end || m->number > e->last_number)
            /* zsh and mksh, interrupted while they print, print it once more, at any later time. */
            return e->shell->stopped_number && m->number >= e->shell->stopped_number && m->number <= s->last_end;
        s->last_end = m->number;
    }
    /* A trace may show our prompt's text, unexpanded. */
    if (m->kind == MARKER_BEGIN || (m->kind == MARKER_PROMPT && parts_status(m, prompt_status) >= 0))
        s->traced = false;
    if (e->phase <= PHASE_TEACHING) {
        if (m->kind == MARKER_PROMPT)
            prompts_note(s, m);
        return opening_marker(s, m);
    }
    if (m->kind == MARKER_END && m->number == e->sync_number) {
        parts_catch_up(e);
        /* `$?` is the last command's, not the sync's. */
        int status = e->shell->status;
        parts_note_end(s, m);
        e->shell->status = status;
        s->synced = true;
        if (e->phase == PHASE_RUNNING && m->number > e->number) {
            command_lost_line(e, m);
            return true;
        }
        for (size_t i = 0; i < e->side_count && e->phase != PHASE_ENDED; i++)
            between_flush(&e->sides[i]);
        if (e->phase != PHASE_ENDED)
            sync_seen(e);
        return true;
    }
    if (m->kind == MARKER_PROMPT) {
        if (parts_status(m, prompt_status) < 0)
            return false;
        e->prompt_seen |= !e->raw || !prompts_is_first(e, m);
    }
    if (e->phase == PHASE_DEPARTING)
        return levels_marker(s, m);
    if (e->phase != PHASE_IDLE && e->phase != PHASE_RETURNING)
        return command_marker(s, m);
    if (m->kind == MARKER_PROMPT)
        prompts_note(s, m);
    between_flush(s);
    return true;
}

engine *engine_new(const engine_config *config, const engine_host *host, void *owner, int64_t now_us) {
    engine *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->config = *config;
    e->shell = &e->first;
    e->shell->near = true;
    e->host = *host;
    e->owner = owner;
    e->now = now_us;
    e->deadline = config->open_timeout_us == INT64_MAX ? INT64_MAX : now_us + config->open_timeout_us;
    e->open_deadline = e->deadline;
    e->next_step = e->raw_deadline = INT64_MAX;
    e->failure = (hostsession_failure)HOSTSESSION_FAILURE_INIT;
    e->console = e->shell->console = config->console;
    e->side_count = config->tty ? 1 : 2;
    e->end_count = host->catch_up ? 1 : e->side_count;
    for (size_t i = 0; i < 2; i++) {
        side *s = &e->sides[i];
        s->engine = e;
        s->stream = (hostsession_stream)i;
        s->scanner.owner = s;
        s->scanner.on_data = on_data;
        s->scanner.on_marker = on_marker;
        between_open(s);
        memcpy(s->scanner.token, config->token, sizeof s->scanner.token);
    }
    e->name = strdup(config->name);
    e->setup = config->setup ? strdup(config->setup) : NULL;
    if (!e->name || (config->setup && !e->setup)) {
        engine_free(e);
        return NULL;
    }
    return e;
}

void engine_free(engine *e) {
    if (!e)
        return;
    for (size_t i = 0; i < 2; i++) {
        scanner_free(&e->sides[i].scanner);
        notices_free(&e->sides[i].notices);
        between_free(&e->sides[i]);
        returned_free(&e->sides[i]);
        bytes_free(&e->sides[i].suspect);
    }
    bytes_wipe(&e->outgoing);
    bytes_free(&e->seen);
    redactor_free(&e->redactor);
    bytes_free(&e->shown);
    bytes_free(&e->raw_text);
    free(e->name);
    free(e->setup);
    console_free(e->command.console);
    levels_free(e);
    free(e);
}

void parts_log(engine *e, hostsession_log_level level, const char *format, ...) {
    if (!e->host.log)
        return;
    char message[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    e->host.log(e->owner, level, message);
}

void parts_end(engine *e, const hostsession_failure *why) {
    if (e->phase == PHASE_ENDED)
        return;
    e->phase = PHASE_ENDED;
    e->failure = *why;
    /* What was held back as the beginning of a secret was none. */
    if (e->host.transcript && redactor_flush(&e->redactor, &e->shown) && bytes_length(&e->shown))
        e->host.transcript(e->owner, HOSTSESSION_RECEIVED, bytes_front(&e->shown), bytes_length(&e->shown));
    bytes_clear(&e->shown);
    e->deadline = e->next_step = e->raw_deadline = INT64_MAX;
    e->host.ended(e->owner, &e->failure);
}

void parts_no_memory(engine *e) {
    hostsession_failure why;
    failure_no_memory(&why, "session");
    e->dying = true;
    if (e->command.result)
        command_finish(e, HOSTSESSION_ERROR_NO_MEMORY, HOSTSESSION_STATUS_ERROR, -1, &why);
    if (e->wanted)
        raw_finish(e, why.error, why.message);
    parts_end(e, &why);
}

bool parts_type(engine *e, const char *data, size_t length, bool secret) {
    if (length == 0)
        return true;
    if (!bytes_append(&e->outgoing, data, length)) {
        parts_no_memory(e);
        return false;
    }
    e->outgoing_secret |= secret;
    if (e->host.transcript)
        e->host.transcript(e->owner, HOSTSESSION_SENT, secret ? "***" : data, secret ? 3 : length);
    return true;
}

bool parts_shell_edits(const engine *e) {
    return e->config.tty && e->shell->dialect->edits &&
           (e->shell->editing || e->shell->terminal_dirty || e->host.terminal_changed(e->owner));
}

void parts_sync(engine *e) {
    bytes line = {0};
    bool sets_terminal = e->phase == PHASE_SETTLING && parts_shell_edits(e);
    if (sets_terminal)
        e->host.reset_terminal(e->owner);
    e->sync_number = ++e->last_number;
    e->prompt_early = false;
    for (size_t i = 0; i < 2; i++)
        e->sides[i].synced = false;
    bool guarded = e->shell->tracing || e->shell->verbose || e->shell->debug_trap || e->guarded;
    sync_line sync = {.number = e->sync_number,
                      .end = guarded ? parts_end_style(e) : END_PLAIN,
                      .sets_terminal = sets_terminal,
                      .signaled = e->phase == PHASE_RECOVERING,
                      .typed_ahead = e->phase == PHASE_RUNNING};
    if (!dialect_sync(e->shell->dialect, &sync, &line))
        parts_no_memory(e);
    else
        parts_type(e, bytes_front(&line), bytes_length(&line), false);
    /* Where nobody can tell whether the terminal echoes. */
    if (e->phase == PHASE_CHECKING && e->config.tty && !e->shell->resets_terminal)
        returned_expect(&e->sides[HOSTSESSION_STREAM_OUTPUT], bytes_front(&line), bytes_length(&line));
    bytes_free(&line);
}

void parts_catch_up(engine *e) {
    e->ending = true;
    if (e->host.catch_up)
        e->host.catch_up(e->owner);
    e->ending = false;
}

int parts_status(const marker *m, size_t field) {
    int64_t status = marker_number(m, field, 511);
    /* ksh93 has 256 + the signal's number. */
    return (int)(status > 255 ? status - 128 : status);
}

/* Where no guard hid END the rest of its trace comes behind it, up to the prompt, or else to BEGIN. */
static void note_trace(const side *ended, uint64_t number) {
    engine *e = ended->engine;
    side *s = &e->sides[parts_trace_stream(e)];
    if (s != ended && e->end_count > 1)
        return;
    bool prompted = !e->shell->dialect->quiet_prompt && prompts_come_on(s) && e->shell->last_prompt >= number;
    s->traced = e->shell->tracing && !(e->guarded && parts_end_hidden(e)) && !prompted;
}

/* See END in shells.c. */
static void note_streams(engine *e, const char *text, size_t length) {
    size_t at = 1;
    e->shell->output_moved = length == 0 || text[0] != '1';
    bool moved = at < length && text[at] == 'i';
    if (moved)
        at++;
    /* On pipes nothing tells but the commands' texts. */
    if (e->config.tty)
        e->shell->input_moved = moved;
    if (e->shell->dialect->counts_jobs)
        e->shell->jobs = at < length && !(length - at == 1 && text[at] == '0');
}

static void note_state(engine *e, const marker *m) {
    e->shell->prompts_shown = e->shell->prompt_owed = false;
    e->shell->tracing = marker_field_has(m, end_flags, 'x');
    e->shell->verbose = marker_field_has(m, end_flags, 'v');
    e->shell->restricted = marker_field_has(m, end_flags, 'r');
    e->shell->unaliased = dialect_unaliased(e->shell->dialect, m);
    int64_t prompt = marker_number(m, end_prompt, 100000);
    e->shell->prompt_changed = prompt != e->shell->prompt_length;
    note_streams(e, m->fields[end_streams].text, m->fields[end_streams].length);
}

/* A brief END is printed only where the streams and the prompt are ours and no job was started, whatever the command's
 * text looked like. */
static void note_nothing_new(engine *e) {
    e->shell->prompt_changed = e->shell->output_moved = e->shell->jobs = false;
    e->shell->input_moved &= !e->config.tty;
}

static void note_cwd(engine *e, const marker *m) {
    size_t length = m->fields[end_cwd].length;
    if (e->shell->cwd && strlen(e->shell->cwd) == length && memcmp(e->shell->cwd, m->fields[end_cwd].text, length) == 0)
        return;
    char *cwd = strndup(m->fields[end_cwd].text, length);
    if (!cwd)
        return;
    free(e->shell->cwd);
    e->shell->cwd = cwd;
}

void parts_note_end(const side *s, const marker *m) {
    engine *e = s->engine;
    e->shell->status = parts_status(m, end_status);
    if (m->brief)
        note_nothing_new(e);
    else
        note_state(e, m);
    note_trace(s, m->number);
    if (s->stream == HOSTSESSION_STREAM_OUTPUT)
        note_cwd(e, m);
}

void engine_connected(engine *e, int64_t now_us) {
    e->now = now_us;
    if (e->phase != PHASE_ENDED)
        opening_start(e);
}

static void show_received(engine *e, const char *data, size_t length) {
    if (redactor_feed(&e->redactor, data, length, &e->shown) && bytes_length(&e->shown))
        e->host.transcript(e->owner, HOSTSESSION_RECEIVED, bytes_front(&e->shown), bytes_length(&e->shown));
    bytes_clear(&e->shown);
}

void engine_receive(engine *e, hostsession_stream stream, const char *data, size_t length, int64_t now_us) {
    e->now = e->heard = now_us;
    if (e->phase == PHASE_ENDED)
        return;
    if (e->host.transcript)
        show_received(e, data, length);
    if (e->phase == PHASE_RECOVERING)
        recovery_heard(e, data, length);
    if (!scanner_feed(&e->sides[stream].scanner, data, length))
        parts_no_memory(e);
}

void engine_drained(engine *e, int64_t now_us) {
    e->now = now_us;
    if (e->console && console_drained(e))
        return;
    prompts_drained(e);
    opening_drained(e);
    if (e->phase == PHASE_RUNNING && !e->console)
        command_drained(e);
    else if (e->phase == PHASE_IDLE && e->wanted)
        raw_search(e);
}

bool engine_wants_drained(const engine *e) {
    return e->wanted || e->prompt_early || (e->console && console_waits(e->console)) || opening_login(e) ||
           (e->phase == PHASE_RUNNING && e->command.expectations);
}

void engine_hangup(engine *e, const hostsession_exit *how, const hostsession_failure *why, int64_t now_us) {
    e->now = now_us;
    if (e->phase == PHASE_ENDED)
        return;
    for (size_t i = 0; i < 2; i++)
        scanner_finish(&e->sides[i].scanner);
    if (e->phase <= PHASE_TEACHING && !e->shell->outer)
        opening_hangup(e, how, why);
    else
        command_hangup(e, how, why);
}

void engine_advance(engine *e, int64_t now_us) {
    e->now = now_us;
    if (now_us < engine_deadline(e))
        return;
    if (e->phase <= PHASE_TEACHING)
        opening_advance(e);
    else if (e->shell->console && e->phase > PHASE_IDLE && e->phase < PHASE_ENDED)
        console_advance(e);
    else if (e->phase == PHASE_RECOVERING)
        recovery_advance(e);
    else if (e->phase == PHASE_DEPARTING || e->phase == PHASE_RETURNING)
        levels_advance(e);
    else if (e->phase == PHASE_IDLE)
        raw_advance(e);
    else if (e->phase != PHASE_ENDED)
        command_advance(e);
}

int64_t engine_deadline(const engine *e) {
    int64_t first = e->deadline < e->next_step ? e->deadline : e->next_step;
    if (e->console && console_deadline(e->console) < first)
        first = console_deadline(e->console);
    return first < e->raw_deadline ? first : e->raw_deadline;
}

const bytes *engine_outgoing(const engine *e) {
    return &e->outgoing;
}

void engine_sent(engine *e, size_t length) {
    bytes_consume(&e->outgoing, length);
    if (bytes_length(&e->outgoing))
        return;
    if (e->outgoing_secret)
        bytes_wipe(&e->outgoing);
    e->outgoing_secret = false;
    bytes_clear(&e->outgoing);
}

void engine_take_outgoing(engine *e, bytes *ret) {
    *ret = e->outgoing;
    e->outgoing = (bytes){0};
    e->outgoing_dropped = false;
}

void engine_return_outgoing(engine *e, bytes *taken, size_t sent) {
    bytes added = e->outgoing;
    bool secret = e->outgoing_secret;
    e->outgoing = *taken;
    engine_sent(e, e->outgoing_dropped ? bytes_length(&e->outgoing) : sent);
    if (!bytes_length(&added)) {
        bytes_free(&added);
        return;
    }
    e->outgoing_secret |= secret;
    if (!bytes_append(&e->outgoing, bytes_front(&added), bytes_length(&added)))
        parts_no_memory(e);
    bytes_wipe(&added);
}

bool engine_runs(const engine *e) {
    return e->frame_sent && e->phase > PHASE_SETTLING && e->phase < PHASE_ENDED;
}

hostsession_state engine_state(const engine *e) {
    if (e->setting_up)
        return HOSTSESSION_OPENING;
    switch (e->phase) {
    case PHASE_IDLE:
        return HOSTSESSION_IDLE;
    case PHASE_SETTLING:
    case PHASE_RUNNING:
    case PHASE_CHECKING:
    case PHASE_DEPARTING:
        return HOSTSESSION_RUNNING;
    case PHASE_RECOVERING:
    case PHASE_RETURNING:
        return HOSTSESSION_RECOVERING;
    case PHASE_ENDED:
        return HOSTSESSION_ENDED;
    default:
        return e->shell->outer ? HOSTSESSION_RUNNING : HOSTSESSION_OPENING;
    }
}

const hostsession_failure *engine_failure(const engine *e) {
    return &e->failure;
}

bool engine_had_jobs(const engine *e) {
    return e->had_jobs;
}

unsigned engine_depth(const engine *e) {
    unsigned depth = 0;
    for (const shell *s = e->shell; s->outer; s = s->outer)
        depth++;
    return depth;
}

const char *engine_cwd(const engine *e) {
    return e->shell->cwd ? e->shell->cwd : "";
}

const char *engine_user(const engine *e) {
    return e->shell->user ? e->shell->user : "";
}

const char *engine_shell(const engine *e) {
    if (e->shell->console)
        return "console";
    return e->shell->dialect ? e->shell->dialect->name : "";
}
