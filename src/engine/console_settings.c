/* SPDX-License-Identifier: MIT */
/* A console's settings, checked and copied. */
#include "engine/console_parts.h"

#include "base/failure.h"

#include <stdlib.h>
#include <string.h>

static const int64_t default_settle_ms = 100;

/* Compile `pattern` for itself, so that a message shows what the caller wrote, then between `before` and `after`. */
static hostsession_error make_set(const char *const *patterns, size_t count, const char *before, const char *after,
                                  pattern_set **ret, hostsession_failure *failure) {
    hostsession_error error = pattern_set_new(patterns, count, ret, failure);
    if (error)
        return error;
    pattern_set_free(*ret);
    *ret = NULL;
    char **wrapped = calloc(count, sizeof *wrapped);
    if (!wrapped)
        return failure_no_memory(failure, "console");
    for (size_t i = 0; i < count && !error; i++) {
        bytes text = {0};
        if (!bytes_printf(&text, "%s%s%s", before, patterns[i], after) || !bytes_append(&text, "", 1))
            error = failure_no_memory(failure, "console");
        wrapped[i] = bytes_front(&text);
    }
    if (!error)
        error = pattern_set_new((const char *const *)wrapped, count, ret, failure);
    for (size_t i = 0; i < count; i++)
        free(wrapped[i]);
    free(wrapped);
    return error;
}

static hostsession_error make_pagers(console *c, const hostsession_console *given, hostsession_failure *failure) {
    enum { wrong_flags = HOSTSESSION_EXPECT_ECHO_OFF };
    size_t count = given->pager_count;
    if (count == 0)
        return HOSTSESSION_OK;
    hostsession_error error = expectations_new(given->pagers, count, &c->pagers, failure);
    const char **patterns = calloc(count, sizeof *patterns);
    c->pager_limits = calloc(count, sizeof *c->pager_limits);
    if (!error && (!patterns || !c->pager_limits))
        error = failure_no_memory(failure, "console");
    for (size_t i = 0; i < count && !error; i++) {
        patterns[i] = given->pagers[i].pattern;
        c->pager_limits[i] = given->pagers[i].max_answers;
        if (given->pagers[i].flags & wrong_flags)
            error = failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "console",
                                "console->pagers[%zu] has HOSTSESSION_EXPECT_ECHO_OFF; leave it out", i);
    }
    if (!error) {
        pattern_set_free(c->pagers->patterns);
        c->pagers->patterns = NULL;
        error = make_set(patterns, count, "(?:", ")\\s*\\z", &c->pagers->patterns, failure);
    }
    free(patterns);
    return error;
}

static hostsession_error copy_setup(console *c, const char *const *given, hostsession_failure *failure) {
    size_t count = 0;
    while (given && given[count])
        count++;
    c->setup = calloc(count + 1, sizeof *c->setup);
    for (size_t i = 0; c->setup && i < count; i++) {
        hostsession_error error = console_check(given[i], failure);
        if (error)
            return error;
        c->setup[i] = strdup(given[i]);
        if (!c->setup[i])
            return failure_no_memory(failure, "console");
    }
    c->setup_count = count;
    return c->setup ? HOSTSESSION_OK : failure_no_memory(failure, "console");
}

static bool copy_text(char **to, const char *given, const char *by_default) {
    const char *text = given ? given : by_default;
    *to = text ? strdup(text) : NULL;
    return !text || *to;
}

static hostsession_error fill(console *c, const hostsession_console *given, hostsession_failure *failure) {
    hostsession_error error = make_set(&given->prompt, 1, "(?:", ")\\z", &c->prompts, failure);
    if (!error)
        error = make_pagers(c, given, failure);
    if (!error && given->error)
        error = make_set(&given->error, 1, "\\A(?:", ")", &c->error, failure);
    if (!error && given->status)
        error = pattern_set_new(&given->status, 1, &c->status, failure);
    if (!error && given->status_command)
        error = console_check(given->status_command, failure);
    if (!error)
        error = copy_setup(c, given->setup, failure);
    if (error)
        return error;
    const char *enter = given->enter ? given->enter : "\r";
    if (!copy_text(&c->status_command, given->status_command, NULL) || !copy_text(&c->enter, enter, NULL) ||
        !copy_text(&c->probe, given->probe, enter) || !copy_text(&c->interrupt, given->interrupt, "\003") ||
        !copy_text(&c->leave, given->leave, "\004"))
        return failure_no_memory(failure, "console");
    return HOSTSESSION_OK;
}

hostsession_error console_new(const hostsession_console *given, console **ret, hostsession_failure *failure) {
    static const int64_t longest_settle_ms = 60000;
    *ret = NULL;
    if (!given->prompt)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "console",
                           "console->prompt is NULL; give a pattern for the console's prompt");
    if (!given->status_command != !given->status)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "console",
                           "console->status_command and console->status belong together; give both or none");
    if (given->settle_ms < 0 || given->settle_ms > longest_settle_ms)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "console",
                           "console->settle_ms is %lld; use 0 to %lld", (long long)given->settle_ms,
                           (long long)longest_settle_ms);
    console *c = calloc(1, sizeof *c);
    if (!c)
        return failure_no_memory(failure, "console");
    c->settle_us = (given->settle_ms ? given->settle_ms : default_settle_ms) * 1000;
    c->timer = c->knock = INT64_MAX;
    hostsession_error error = fill(c, given, failure);
    if (error)
        console_free(c);
    else
        *ret = c;
    return error;
}

hostsession_error console_check(const char *command, hostsession_failure *failure) {
    if (!strpbrk(command, "\r\n"))
        return HOSTSESSION_OK;
    return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "command",
                       "a console's command is one line, and this one has a line ending inside; run its lines one by "
                       "one");
}

void console_free(console *c) {
    if (!c)
        return;
    pattern_set_free(c->prompts);
    expectations_free(c->pagers);
    free(c->pager_limits);
    pattern_set_free(c->error);
    pattern_set_free(c->status);
    for (size_t i = 0; c->setup && c->setup[i]; i++)
        free(c->setup[i]);
    free(c->setup);
    free(c->status_command);
    free(c->enter);
    free(c->probe);
    free(c->interrupt);
    free(c->leave);
    bytes_free(&c->held);
    bytes_free(&c->status_text);
    echo_end(&c->echo);
    lines_free(&c->lines);
    free(c);
}
