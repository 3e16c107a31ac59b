/* SPDX-License-Identifier: MIT */
#include "manager/log.h"

static void on_line(void *owner, const char *line, size_t length) {
    const logger_stream *s = owner;
    const logger *l = s->logger;
    l->calls.output(l->calls.userdata, l->name,
                    s == &l->streams[1] ? HOSTSESSION_STREAM_ERROR : HOSTSESSION_STREAM_OUTPUT, line, length);
}

void logger_init(logger *l, const log_calls *calls, const char *name) {
    *l = (logger){.calls = *calls, .name = name};
    for (int i = 0; i < 2; i++) {
        l->streams[i].logger = l;
        l->streams[i].lines.owner = &l->streams[i];
        l->streams[i].lines.on_line = on_line;
    }
}

void logger_free(logger *l) {
    for (int i = 0; i < 2; i++) {
        redactor_free(&l->streams[i].redactor);
        lines_free(&l->streams[i].lines);
    }
    bytes_free(&l->shown);
}

void logger_secret(logger *l, const char *text, size_t length) {
    if (!l->calls.output)
        return;
    for (int i = 0; i < 2; i++)
        /* Rather nothing than a secret. */
        if (!redactor_add(&l->streams[i].redactor, text, length))
            l->leaky = l->silent = true;
}

void logger_command(logger *l, const char *text, size_t length, bool secret, hostsession_logging logging) {
    /* Of a command that was closed there may be a rest. */
    for (int i = 0; i < 2; i++) {
        bytes_clear(&l->streams[i].redactor.held);
        bytes_clear(&l->streams[i].lines.rest);
    }
    l->silent =
        l->leaky || !l->calls.output || logging == HOSTSESSION_LOGGING_QUIET || logging == HOSTSESSION_LOGGING_NEVER;
    if (secret)
        logger_secret(l, text, length);
    if (l->calls.command && logging != HOSTSESSION_LOGGING_NEVER)
        l->calls.command(l->calls.userdata, l->name, secret ? NULL : text);
}

static void show(logger *l, logger_stream *s) {
    if (bytes_length(&l->shown))
        lines_feed(&s->lines, bytes_front(&l->shown), bytes_length(&l->shown));
    bytes_clear(&l->shown);
}

void logger_output(logger *l, hostsession_stream stream, const char *data, size_t length) {
    logger_stream *s = &l->streams[stream];
    if (l->silent)
        return;
    if (s->redactor.secret_count == 0)
        lines_feed(&s->lines, data, length);
    else if (redactor_feed(&s->redactor, data, length, &l->shown))
        show(l, s);
}

void logger_finish(logger *l) {
    for (int i = 0; i < 2 && !l->silent; i++) {
        logger_stream *s = &l->streams[i];
        if (redactor_flush(&s->redactor, &l->shown))
            show(l, s);
        lines_finish(&s->lines);
    }
}
