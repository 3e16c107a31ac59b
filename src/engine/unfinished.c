/* SPDX-License-Identifier: MIT */
#include "engine/unfinished.h"

#include <string.h>

enum { deepest = 64 };

typedef struct reader {
    const char *at;
    const char *end;
    const char *closers[deepest]; /* what ends what is open */
    size_t depth;
    bool command; /* the next word begins a command: it may be a reserved one */
    bool name;    /* the next word is a coprocess's name, and a command follows */
    bool open;    /* a quote is */
} reader;

static void push(reader *r, const char *closer) {
    if (r->depth < deepest)
        r->closers[r->depth] = closer;
    r->depth++;
    r->command = true;
}

static bool pop(reader *r, const char *word, size_t length) {
    if (r->depth == 0 || r->depth > deepest)
        return false;
    const char *closer = r->closers[r->depth - 1];
    if (strlen(closer) != length || memcmp(closer, word, length) != 0)
        return false;
    r->depth--;
    r->command = false;
    return true;
}

static void skip_quoted(reader *r) {
    char quote = *r->at++;
    while (r->at < r->end && *r->at != quote)
        r->at += quote != '\'' && *r->at == '\\' ? 2 : 1;
    r->open = r->at >= r->end;
    r->at++;
}

/* Up to what ends a word; groups inside one ("$(", "${") are left to the caller. */
static size_t read_word(reader *r) {
    const char *start = r->at;
    while (r->at < r->end && !strchr(" \t\n;&|()<>", *r->at)) {
        if (*r->at == '\\')
            r->at += 2;
        else if (*r->at == '\'' || *r->at == '"' || *r->at == '`')
            skip_quoted(r);
        else
            r->at++;
    }
    if (r->at > r->end)
        r->at = r->end;
    return (size_t)(r->at - start);
}

static bool is_one_of(const char *word, size_t length, const char *const *list) {
    for (; *list; list++)
        if (strlen(*list) == length && memcmp(*list, word, length) == 0)
            return true;
    return false;
}

static void see_word(reader *r, const char *word, size_t length) {
    static const char *const loops[] = {"for", "while", "until", "select", NULL};
    static const char *const leads[] = {"then", "else", "elif", "do", "!", "time", NULL};
    if (r->name) {
        r->name = false;
        r->command = true;
        return;
    }
    if (!r->command || pop(r, word, length) || is_one_of(word, length, leads))
        return;
    if (is_one_of(word, length, loops))
        push(r, "done");
    else if (length == 2 && memcmp(word, "if", 2) == 0)
        push(r, "fi");
    else if (length == 4 && memcmp(word, "case", 4) == 0)
        push(r, "esac");
    else if (length == 1 && *word == '{')
        push(r, "}");
    r->name = length == 6 && memcmp(word, "coproc", 6) == 0;
    /* What follows "while" and "if" is a command, what follows "for" and "case" a name. */
    r->command = r->depth > 0 && (is_one_of(word, length, (const char *const[]){"while", "until", "if", "{", NULL}));
}

bool unfinished(const char *text, size_t length) {
    reader r = {.at = text, .end = text + length, .command = true};
    while (r.at < r.end) {
        const char *start = r.at;
        size_t size = read_word(&r);
        if (size) {
            see_word(&r, start, size);
            continue;
        }
        char separator = *r.at++;
        if (separator == '(')
            push(&r, ")");
        /* Behind a pattern of `case` begins a command. */
        else if (separator == ')')
            r.command = !pop(&r, ")", 1);
        else if (strchr(";&|\n", separator))
            r.command = true;
    }
    return r.open || r.depth > 0;
}
