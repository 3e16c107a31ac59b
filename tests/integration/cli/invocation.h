/* SPDX-License-Identifier: MIT */
/* Running the hostsession command from a test.  Whatever goes wrong with that fails the test; every wait is bounded. */
#ifndef CLI_INVOCATION_H
#define CLI_INVOCATION_H

#include "support/text.h"

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

/* The command to test, as given to the test program. */
extern const char *invocation_program;

/* One running command.  All zero is none. */
typedef struct invocation {
    pid_t pid;
    int input;
    int output;
    int errors;
    /* What was read and not yet taken. */
    text output_text;
    text error_text;
} invocation;

/* Start it with these arguments, ended by NULL. */
void invocation_start(invocation *it, const char *const *arguments);
#define START(it, ...) invocation_start(it, (const char *const[]){__VA_ARGS__, NULL})

/* Write to its standard input. */
void invocation_send(invocation *it, const char *bytes, size_t length);

/* Wait for a line on its standard output and take it off `output_text`; `line` gets it without the newline. */
void invocation_read_line(invocation *it, text *line);

/* The next line, which must be JSON.  The caller's. */
json_t *invocation_read_json(invocation *it);

/* Close its standard input, read both streams to their end and wait.  Returns the exit status, or 1000 + n if signal n
 * ended it. */
int invocation_end(invocation *it);

/* The whole in one. */
int invocation_run(invocation *it, const char *const *arguments);
#define RUN(it, ...) invocation_run(it, (const char *const[]){__VA_ARGS__, NULL})

/* Take the first line off `output_text`, which must be JSON. */
json_t *invocation_take_json(invocation *it);

/* Release what was read; ends the process if it still lives. */
void invocation_release(invocation *it);

/* Assertions on an object's members. */
void assert_string_member(const json_t *line, const char *name, const char *expected);
void assert_number_member(const json_t *line, const char *name, long long expected);
void assert_null_member(const json_t *line, const char *name);
void assert_boolean_member(const json_t *line, const char *name, bool expected);

/* Whether both are the same, with a message that shows them. */
void assert_text(const text *actual, const char *expected);
void assert_bytes(const text *actual, const char *expected, size_t length);
void assert_contains(const text *actual, const char *part);

#endif
