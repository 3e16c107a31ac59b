/* SPDX-License-Identifier: MIT */
/* The engine's host: writes down what the engine does. */
#include "parts.h"

#include "memory.h"

#include <string.h>

void player_add_quoted(text *to, const char *data, size_t length) {
    text_add(to, "\"");
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)data[i];
        const char *found = byte ? strchr("\n\r\t\033\\\"", byte) : NULL;
        if (byte == '{')
            text_add(to, "\\{");
        else if (found)
            text_printf(to, "\\%c", "nrte\\\""[found - strchr("\n\r\t\033\\\"", '\n')]);
        else if (byte < 0x20 || byte >= 0x7f)
            text_printf(to, "\\x%02x", byte);
        else
            text_append(to, &data[i], 1);
    }
    text_add(to, "\"");
}

/* What comes in pieces is one line of the record, however it was cut. */
void player_end_piece(player *p) {
    if (!p->piece_name)
        return;
    text_printf(&p->events, "%s ", p->piece_name);
    player_add_quoted(&p->events, text_data(&p->piece), p->piece.length);
    text_add(&p->events, "\n");
    text_clear(&p->piece);
    p->piece_name = NULL;
}

static void add_piece(player *p, const char *name, const char *data, size_t length) {
    if (p->piece_name && strcmp(p->piece_name, name) != 0)
        player_end_piece(p);
    p->piece_name = name;
    text_append(&p->piece, data, length);
}

static void on_ready(void *owner) {
    bool was = memory_engine(false);
    player *p = owner;
    player_end_piece(p);
    text_add(&p->events, "ready\n");
    memory_engine(was);
}

static void on_output(void *owner, hostsession_stream stream, const char *data, size_t length) {
    bool was = memory_engine(false);
    player *p = owner;
    add_piece(p, stream == HOSTSESSION_STREAM_OUTPUT ? "output" : "error-output", data, length);
    memory_engine(was);
}

static void on_unsolicited(void *owner, hostsession_stream stream, const char *data, size_t length) {
    bool was = memory_engine(false);
    add_piece(owner, stream == HOSTSESSION_STREAM_OUTPUT ? "unsolicited" : "error-unsolicited", data, length);
    memory_engine(was);
}

static void add_result(player *p, const hostsession_result *r) {
    text_printf(&p->events, "exit=%d %s ", hostsession_result_exit_status(r),
                hostsession_result_session_alive(r) ? "alive" : "over");
    player_add_quoted(&p->events, hostsession_result_output(r), hostsession_result_output_bytes(r));
    if (!p->config.tty) {
        text_add(&p->events, " ");
        player_add_quoted(&p->events, hostsession_result_error_output(r), hostsession_result_error_output_bytes(r));
    }
    if (hostsession_result_dropped_bytes(r))
        text_printf(&p->events, " dropped=%llu head=%zu", (unsigned long long)hostsession_result_dropped_bytes(r),
                    hostsession_result_head_bytes(r));
}

static void on_command_done(void *owner, hostsession_error error, hostsession_result *result) {
    bool was = memory_engine(false);
    player *p = owner;
    player_end_piece(p);
    p->dones++;
    text_printf(&p->events, "done %s %s ", hostsession_status_name(hostsession_result_status(result)),
                hostsession_error_name(error));
    add_result(p, result);
    text_add(&p->events, "\n");
    hostsession_result_free(result);
    p->result = NULL;
    expectations_free(p->expectations);
    p->expectations = NULL;
    memory_engine(was);
}

static void on_expect_done(void *owner, const hostsession_failure *failure, const pattern_match *match,
                           const char *data, size_t length) {
    bool was = memory_engine(false);
    player *p = owner;
    player_end_piece(p);
    if (failure)
        text_printf(&p->events, "unmatched %s ", hostsession_error_name(failure->error));
    else
        text_printf(&p->events, "matched %zu ", match->index);
    player_add_quoted(&p->events, data, length);
    for (size_t i = 1; match && i < match->group_count; i++) {
        text_add(&p->events, " ");
        if (match->groups[i][0] == SIZE_MAX)
            text_add(&p->events, "-");
        else
            player_add_quoted(&p->events, data + match->groups[i][0], match->groups[i][1] - match->groups[i][0]);
    }
    text_add(&p->events, "\n");
    pattern_set_free(p->patterns);
    p->patterns = NULL;
    memory_engine(was);
}

static void on_begin(void *owner) {
    (void)owner;
}

static bool on_signals_pending(void *owner) {
    (void)owner;
    return false;
}

static bool on_explain(void *owner, hostsession_failure *failure) {
    (void)owner;
    (void)failure;
    return false;
}

static bool on_signal(void *owner, hostsession_signal signal) {
    static const char *const names[] = {"interrupt", "quit", "kill"};
    bool was = memory_engine(false);
    player *p = owner;
    player_end_piece(p);
    text_printf(&p->events, "signal %s\n", names[signal]);
    memory_engine(was);
    return p->signals;
}

static bool on_reset_terminal(void *owner) {
    return ((player *)owner)->resets;
}

static bool on_terminal_changed(void *owner) {
    return ((player *)owner)->changed;
}

static bool on_answer(void *owner, const char *user, const char *prompt, unsigned attempt, char *answer, size_t size) {
    player *p = owner;
    bool was = memory_engine(false);
    player_end_piece(p);
    text_printf(&p->events, "asked %s \"%s\" %u\n", user, prompt, attempt);
    memory_engine(was);
    bool knows = p->password && attempt == 1 && strlen(p->password) < size;
    if (knows)
        strcpy(answer, p->password);
    return knows;
}

static int on_echoes(void *owner) {
    return ((player *)owner)->echoes;
}

void player_on_catch_up(void *owner) {
    player *p = owner;
    text late = p->late;
    p->late = (text){0};
    if (late.length)
        engine_receive(p->engine, HOSTSESSION_STREAM_ERROR, late.data, late.length, p->now);
    bool was = memory_engine(false);
    text_free(&late);
    memory_engine(was);
}

void player_on_transcript(void *owner, hostsession_direction direction, const char *data, size_t length) {
    bool was = memory_engine(false);
    text_append(&((player *)owner)->shown[direction], data, length);
    memory_engine(was);
}

static void on_log(void *owner, hostsession_log_level level, const char *message) {
    (void)owner;
    (void)level;
    (void)message;
}

static void on_ended(void *owner, const hostsession_failure *why) {
    bool was = memory_engine(false);
    player *p = owner;
    player_end_piece(p);
    p->ends++;
    text_printf(&p->events, "ended %s\n", hostsession_error_name(why->error));
    memory_engine(was);
}

static void on_inner_ended(void *owner, const hostsession_failure *why, bool told) {
    player *p = owner;
    bool was = memory_engine(false);
    player_end_piece(p);
    text_printf(&p->events, "inner-ended %s%s\n", hostsession_error_name(why->error), told ? "" : " untold");
    memory_engine(was);
}

static bool on_shell_pid(void *owner, unsigned depth, int64_t pid) {
    (void)owner;
    (void)depth;
    (void)pid;
    return true;
}

const engine_host player_host = {.ready = on_ready,
                                 .shell_pid = on_shell_pid,
                                 .inner_ended = on_inner_ended,
                                 .output = on_output,
                                 .unsolicited = on_unsolicited,
                                 .command_done = on_command_done,
                                 .expect_done = on_expect_done,
                                 .begin = on_begin,
                                 .signal = on_signal,
                                 .signals_pending = on_signals_pending,
                                 .answer = on_answer,
                                 .explain = on_explain,
                                 .reset_terminal = on_reset_terminal,
                                 .echoes = on_echoes,
                                 .terminal_changed = on_terminal_changed,
                                 .log = on_log,
                                 .ended = on_ended};
