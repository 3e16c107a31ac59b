/* SPDX-License-Identifier: MIT */
#include "script.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void wrong(const script *s, size_t line, const char *why) {
    printf("Bail out! %s:%zu: %s\n", s->path, line, why);
    exit(1);
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The escape behind a backslash; returns what follows it. */
static const char *read_escape(const script *s, size_t line, const char *at, text *to) {
    static const char names[] = "nrte0\\\"{";
    static const char bytes[] = "\n\r\t\033\0\\\"{";
    const char *found = *at ? strchr(names, *at) : NULL;
    if (found) {
        text_append(to, bytes + (found - names), 1);
        return at + 1;
    }
    if (*at != 'x' || hex_digit(at[1]) < 0 || hex_digit(at[2]) < 0)
        wrong(s, line, "unknown escape");
    char byte = (char)(hex_digit(at[1]) * 16 + hex_digit(at[2]));
    text_append(to, &byte, 1);
    return at + 3;
}

/* A byte as it is, or its escape. */
static const char *read_byte(const script *s, size_t line, const char *at, text *to) {
    if (*at == '\\')
        return read_escape(s, line, at + 1, to);
    text_append(to, at, 1);
    return at + 1;
}

static size_t count_fields(const char *from, const char *to) {
    size_t count = 0;
    for (; from < to; from++)
        count += *from == ';';
    return count;
}

/* {E;4;0}: a marker; an END with nothing but number and status gets the usual rest, and a prompt with nothing but a
 * status gets the number of the line that was typed last, as the player knows it.  {...!}: its line ends in CR LF.
 * {#1000:abc}: abc a thousand times.  {token}: the token alone. */
static const char *read_placeholder(const script *s, size_t line, const char *at, text *to) {
    const char *end = strchr(at, '}');
    if (!end)
        wrong(s, line, "an open {");
    size_t length = (size_t)(end - at);
    if (length == 5 && memcmp(at, "token", 5) == 0) {
        text_add(to, SCRIPT_TOKEN);
    } else if (*at == '#') {
        char *part;
        unsigned long times = strtoul(at + 1, &part, 10);
        text once = {0};
        for (const char *from = part + 1; from < end;)
            from = read_byte(s, line, from, &once);
        for (unsigned long i = 0; i < times; i++)
            text_append(to, text_data(&once), once.length);
        text_free(&once);
    } else {
        bool crlf = end[-1] == '!';
        const char *stop = end - crlf;
        bool short_end = *at == 'E' && count_fields(at, stop) == 2;
        bool short_prompt = *at == 'P' && count_fields(at, stop) == 1;
        text_printf(to, "\036" SCRIPT_TOKEN ";%s%.*s%s\036" SCRIPT_TOKEN "%s", short_prompt ? "P;@p" : "",
                    (int)(stop - at - short_prompt), at + short_prompt, short_end ? ";himBs;1;30;2;/home" : "",
                    crlf ? "\r\n" : "\n");
    }
    return end + 1;
}

static const char *read_quoted(const script *s, size_t line, const char *at, text *to) {
    while (*at != '"') {
        if (!*at)
            wrong(s, line, "an open quote");
        if (*at == '{')
            at = read_placeholder(s, line, at + 1, to);
        else
            at = read_byte(s, line, at, to);
    }
    return at + 1;
}

static const char *read_word(const script *s, size_t line, const char *at, script_word *word) {
    const char *from = at;
    while (*at && *at != ' ' && *at != '"' && *at != '=')
        at++;
    if (*at == '=') {
        word->key = strndup(from, (size_t)(at - from));
        from = ++at;
    }
    /* So that an empty word is not NULL. */
    text_append(&word->value, "", 0);
    if (*at == '"')
        return read_quoted(s, line, at + 1, &word->value);
    while (*at && *at != ' ')
        at++;
    text_append(&word->value, from, (size_t)(at - from));
    return at;
}

static void read_step(const script *s, size_t line, const char *at, script_step *step) {
    *step = (script_step){.line = line};
    while (*at) {
        if (step->word_count == script_max_words)
            wrong(s, line, "too many words");
        at = read_word(s, line, at, &step->words[step->word_count++]);
        if (*at && *at != ' ')
            wrong(s, line, "a space is missing");
        while (*at == ' ')
            at++;
    }
}

static void add_expected(script_step *step, const char *line) {
    char **grown = realloc(step->expected, (step->expected_count + 1) * sizeof *grown);
    if (!grown)
        abort();
    step->expected = grown;
    grown[step->expected_count++] = strdup(line);
}

static void add_line(script *s, size_t number, const char *line) {
    const char *at = line;
    while (*at == ' ')
        at++;
    if (*at == 0 || *at == '#')
        return;
    if (at > line && s->step_count == 0)
        wrong(s, number, "nothing has happened yet");
    if (at > line) {
        add_expected(&s->steps[s->step_count - 1], at);
        return;
    }
    script_step *grown = realloc(s->steps, (s->step_count + 1) * sizeof *grown);
    if (!grown)
        abort();
    s->steps = grown;
    read_step(s, number, at, &grown[s->step_count++]);
}

void script_read(script *s, const char *path) {
    *s = (script){.path = path};
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t size = 0;
    if (!file)
        wrong(s, 0, "cannot be read");
    for (size_t number = 1; getline(&line, &size, file) >= 0; number++) {
        size_t length = strlen(line);
        while (length && isspace((unsigned char)line[length - 1]))
            line[--length] = 0;
        add_line(s, number, line);
    }
    free(line);
    fclose(file);
}

void script_free(script *s) {
    for (size_t i = 0; i < s->step_count; i++) {
        script_step *step = &s->steps[i];
        for (size_t w = 0; w < step->word_count; w++) {
            free(step->words[w].key);
            text_free(&step->words[w].value);
        }
        for (size_t e = 0; e < step->expected_count; e++)
            free(step->expected[e]);
        free(step->expected);
    }
    free(s->steps);
}

const char *script_value(const script_step *step, const char *key) {
    for (size_t i = 1; i < step->word_count; i++)
        if (step->words[i].key && strcmp(step->words[i].key, key) == 0)
            return text_data(&step->words[i].value);
    return NULL;
}

const text *script_bytes(const script_step *step, size_t index) {
    for (size_t i = 1; i < step->word_count; i++)
        if (!step->words[i].key && index-- == 0)
            return &step->words[i].value;
    return NULL;
}

bool script_has(const script_step *step, const char *word) {
    for (size_t i = 1; i < step->word_count; i++)
        if (!step->words[i].key && strcmp(text_data(&step->words[i].value), word) == 0)
            return true;
    return false;
}
