/* SPDX-License-Identifier: MIT */
/* What the log callbacks of a manager are told: commands, and lines of output without secrets. */
#ifndef MANAGER_LOG_H
#define MANAGER_LOG_H

#include "engine/lines.h"
#include "engine/redact.h"

#include <hostsession/manager.h>

typedef struct log_calls {
    void (*command)(void *userdata, const char *name, const char *text);
    void (*output)(void *userdata, const char *name, hostsession_stream stream, const char *line, size_t length);
    void *userdata;
} log_calls;

typedef struct logger_stream {
    struct logger *logger;
    redactor redactor;
    lines lines;
} logger_stream;

/* One a session: what was secret in one command is so in the next. */
typedef struct logger {
    log_calls calls;
    const char *name; /* borrowed; NULL: a one-shot's */
    bool silent;      /* the command that runs is not to be heard */
    bool leaky;       /* a secret could not be kept in mind: nothing is heard any more */
    logger_stream streams[2];
    bytes shown;
} logger;

void logger_init(logger *l, const log_calls *calls, const char *name);
void logger_free(logger *l);

/* A command begins, or bytes are sent.  A secret text is blanked from now on. */
void logger_command(logger *l, const char *text, size_t length, bool secret, hostsession_logging logging);
/* Further secrets of the command that has begun. */
void logger_secret(logger *l, const char *text, size_t length);
void logger_output(logger *l, hostsession_stream stream, const char *data, size_t length);
/* The command has ended. */
void logger_finish(logger *l);

#endif
