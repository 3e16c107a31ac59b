/* SPDX-License-Identifier: MIT */
#include "report.h"

#include "json.h"
#include "message.h"
#include "utf8.h"

#include <string.h>

/* What can be left of a character that was cut. */
enum { longest_rest = 3 };

void report_set_result(report *about, const hostsession_result *result) {
    about->status = hostsession_result_status(result);
    about->exit_status = hostsession_result_exit_status(result);
    about->output = hostsession_result_output(result);
    about->output_bytes = hostsession_result_output_bytes(result);
    about->head_bytes = hostsession_result_head_bytes(result);
    about->dropped_bytes = hostsession_result_dropped_bytes(result);
    about->duration_us = hostsession_result_duration_us(result);
    about->cwd = hostsession_result_cwd(result);
    about->session_alive = hostsession_result_session_alive(result);
    about->failure = hostsession_result_failure(result);
    if (about->error_output) {
        about->error_output = hostsession_result_error_output(result);
        about->error_output_bytes = hostsession_result_error_output_bytes(result);
    }
}

static const char *error_kind(hostsession_error error) {
    return error == HOSTSESSION_ERROR_INVALID ? "usage" : hostsession_error_name(error);
}

/* The output in two pieces, around the place where bytes were dropped. */
typedef struct pieces {
    const char *head;
    size_t head_bytes;
    const char *tail;
    size_t tail_bytes;
    uint64_t dropped_bytes;
} pieces;

static bool is_continuation(char byte) {
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* Whether the bytes look like the beginning of a character that was cut. */
static bool begins_character(const char *bytes, size_t length) {
    unsigned char lead = (unsigned char)bytes[0];
    for (size_t i = 1; i < length; i++)
        if (!is_continuation(bytes[i]))
            return false;
    return lead >= 0xc2 && lead <= 0xf4 && length <= longest_rest;
}

/* A cut may go through a character: drop the rest of it, too, or text would turn into base64 at the limit.  False if
 * the bytes are not UTF-8 all the same. */
static bool trim_to_characters(pieces *all) {
    size_t whole = utf8_valid_bytes(all->head, all->head_bytes);
    size_t cut = 0;
    while (cut < longest_rest && cut < all->tail_bytes && is_continuation(all->tail[cut]))
        cut++;
    size_t tail_bytes = all->tail_bytes - cut;
    if (whole < all->head_bytes && !begins_character(all->head + whole, all->head_bytes - whole))
        return false;
    if (utf8_valid_bytes(all->tail + cut, tail_bytes) != tail_bytes)
        return false;
    all->dropped_bytes += all->head_bytes - whole + cut;
    all->head_bytes = whole;
    all->tail += cut;
    all->tail_bytes = tail_bytes;
    return true;
}

static void write_output(const report *about, writer *out, uint64_t *ret_dropped_bytes) {
    *ret_dropped_bytes = about->dropped_bytes;
    json_put_literal(out, ",\"output\":");
    if (utf8_valid_bytes(about->output, about->output_bytes) == about->output_bytes) {
        json_put_string(out, about->output, about->output_bytes);
        json_put_literal(out, ",\"output_base64\":null");
        return;
    }
    if (about->dropped_bytes > 0) {
        pieces all = {about->output, about->head_bytes, about->output + about->head_bytes,
                      about->output_bytes - about->head_bytes, about->dropped_bytes};
        if (trim_to_characters(&all)) {
            json_put_string_pieces(out, all.head, all.head_bytes, all.tail, all.tail_bytes);
            json_put_literal(out, ",\"output_base64\":null");
            *ret_dropped_bytes = all.dropped_bytes;
            return;
        }
    }
    json_put_literal(out, "null,\"output_base64\":");
    json_put_base64(out, about->output, about->output_bytes);
}

static void write_integer(writer *out, const char *name, int64_t value) {
    json_put_literal(out, name);
    json_put_integer(out, value);
}

/* A text that is null when it is not known. */
static void write_known(writer *out, const char *name, const char *text) {
    json_put_literal(out, name);
    json_put_text(out, *text ? text : NULL);
}

static void write_error(const report *about, writer *out) {
    json_put_literal(out, ",\"error\":");
    if (!about->failure || about->failure->error == HOSTSESSION_OK) {
        json_put_literal(out, "null");
        return;
    }
    json_put_literal(out, "{\"kind\":");
    json_put_text(out, error_kind(about->failure->error));
    json_put_literal(out, ",\"message\":");
    json_put_text(out, about->failure->message);
    json_put_literal(out, "}");
}

void report_write_json(const report *about, writer *out) {
    json_put_literal(out, "{\"target\":");
    json_put_text(out, about->target);
    json_put_literal(out, ",\"session\":\"default\"");
    write_integer(out, ",\"index\":", (int64_t)about->index);
    json_put_literal(out, ",\"command\":");
    if (about->command)
        json_put_text_bytes(out, about->command, about->command_bytes);
    else
        json_put_literal(out, "null");
    json_put_literal(out, ",\"status\":");
    json_put_text(out, hostsession_status_name(about->status));
    if (about->exit_status >= 0)
        write_integer(out, ",\"exit_code\":", about->exit_status);
    else
        json_put_literal(out, ",\"exit_code\":null");
    uint64_t dropped_bytes;
    write_output(about, out, &dropped_bytes);
    json_put_literal(out, ",\"stderr\":");
    if (about->error_output)
        json_put_text_bytes(out, about->error_output, about->error_output_bytes);
    else
        json_put_literal(out, "null");
    write_integer(out, ",\"truncated_bytes\":", (int64_t)dropped_bytes);
    write_integer(out, ",\"duration_ms\":", (int64_t)((about->duration_us + 500) / 1000));
    write_known(out, ",\"cwd\":", about->cwd);
    write_known(out, ",\"user\":", about->user);
    json_put_literal(out, about->session_alive ? ",\"session_alive\":true" : ",\"session_alive\":false");
    write_error(about, out);
    json_put_literal(out, "}\n");
    writer_flush(out);
}

void report_tell(const report *about) {
    char command[80];
    escape_text(command, sizeof command, about->command, about->command_bytes);
    size_t number = about->index + 1;
    bool has_reason = about->failure && about->failure->error != HOSTSESSION_OK;
    /* A console tells none, or one of 0 beside its error. */
    bool has_status = about->exit_status > 0;
    if (about->status == HOSTSESSION_STATUS_SUCCESS)
        message("command %zu succeeded%s", number, about->exit_status == 0 ? " with exit status 0" : "");
    else if (about->status == HOSTSESSION_STATUS_FAILED && !has_status)
        message("command %zu failed: %s", number, command);
    else if (about->status == HOSTSESSION_STATUS_FAILED)
        message("command %zu failed with exit status %d: %s", number, about->exit_status, command);
    else if (about->status == HOSTSESSION_STATUS_SHELL_EXITED && about->exit_status >= 0)
        message("command %zu ended the shell with exit status %d: %s", number, about->exit_status, command);
    else if (about->status == HOSTSESSION_STATUS_SKIPPED && has_reason)
        message("command %zu (%s) was not run: %s", number, command, about->failure->message);
    else if (has_reason)
        message("command %zu (%s): %s", number, command, about->failure->message);
    else
        message("command %zu (%s): %s", number, command, hostsession_status_name(about->status));
}

/* For a session that could not be opened, or a call that was refused. */
static int failure_exit_status(const hostsession_failure *failure) {
    return failure->error == HOSTSESSION_ERROR_INVALID ? EXIT_USAGE : EXIT_ERROR;
}

int report_exit_status(const report *about) {
    switch (about->status) {
    case HOSTSESSION_STATUS_SUCCESS:
        return 0;
    case HOSTSESSION_STATUS_FAILED:
        return about->exit_status > 0 && about->exit_status <= 255 ? about->exit_status : EXIT_FAILED;
    case HOSTSESSION_STATUS_SHELL_EXITED:
        return about->exit_status >= 0 ? about->exit_status : EXIT_ERROR;
    case HOSTSESSION_STATUS_TIMED_OUT:
        return EXIT_TIMED_OUT;
    case HOSTSESSION_STATUS_INTERRUPTED:
        return EXIT_INTERRUPTED;
    case HOSTSESSION_STATUS_ERROR:
        return about->failure ? failure_exit_status(about->failure) : EXIT_ERROR;
    case HOSTSESSION_STATUS_LOST:
    case HOSTSESSION_STATUS_SKIPPED:
    default:
        return EXIT_ERROR;
    }
}
