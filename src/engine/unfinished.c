/* SPDX-License-Identifier: MIT */
#include "engine/unfinished.h"

#include <string.h>

enum { deepest = 64, most_documents = 16 };

/* The word behind `<<`, as it is quoted. */
typedef struct document {
    const char *word;
    size_t length;
    bool indented; /* `<<-` */
} document;

typedef struct reader {
    const char *at;
    const char *end;
    const char *closers[deepest]; /* what ends what is open */
    size_t depth;
    size_t sums;                        /* in arithmetic, which began at this depth: `<<` is an operator; 0: not */
    document documents[most_documents]; /* whose bodies begin behind the line */
    size_t document_count;
    bool command; /* the next word begins a command: it may be a reserved one */
    bool name;    /* the next word is a coprocess's name, and a command follows */
    bool open;    /* a quote is, or a here-document */
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

/* "${x#<<}" */
static void skip_parameter(reader *r) {
    size_t depth = 0;
    do {
        if (*r->at == '\'' || *r->at == '"' || *r->at == '`') {
            skip_quoted(r);
            continue;
        }
        if (*r->at == '$' && r->at + 1 < r->end && r->at[1] == '{')
            depth++;
        depth -= *r->at == '}';
        r->at += *r->at == '\\' ? 2 : 1;
    } while (depth && r->at < r->end);
    r->open |= depth > 0;
}

/* Up to what ends a word; groups inside one ("$(") are left to the caller. */
static size_t read_word(reader *r) {
    const char *start = r->at;
    while (r->at < r->end && !strchr(" \t\n;&|()<>", *r->at)) {
        if (*r->at == '\\')
            r->at += 2;
        else if (*r->at == '\'' || *r->at == '"' || *r->at == '`')
            skip_quoted(r);
        else if (*r->at == '$' && r->at + 1 < r->end && r->at[1] == '{')
            skip_parameter(r);
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

static size_t skip_all(reader *r, char what) {
    const char *start = r->at;
    while (r->at < r->end && *r->at == what)
        r->at++;
    return (size_t)(r->at - start);
}

/* Behind `<`: whether it is one more that begins a here-document, "<<X", "<<-X" or "<<'X Y'"; "<<< x" has no body, and
 * dash shows a document as "<<...". */
static void see_input(reader *r) {
    size_t more = skip_all(r, '<');
    if (more != 1 || r->sums)
        return;
    document d = {.indented = r->at < r->end && *r->at == '-'};
    r->at += d.indented;
    skip_all(r, ' ');
    d.word = r->at;
    d.length = read_word(r);
    if (d.length == 0 || (d.length == 3 && memcmp(d.word, "...", 3) == 0))
        return;
    if (r->document_count < most_documents)
        r->documents[r->document_count++] = d;
    else
        r->open = true;
}

static bool ends_document(const document *d, const char *line, size_t length) {
    char quote = '\0';
    size_t at = 0;
    for (size_t i = 0; i < d->length; i++) {
        char c = d->word[i];
        bool quotes = quote ? c == quote : c == '\'' || c == '"';
        if (quotes) {
            quote = quote ? '\0' : c;
            continue;
        }
        if (c == '\\' && quote != '\'' && i + 1 < d->length)
            c = d->word[++i];
        if (at == length || line[at++] != c)
            return false;
    }
    return at == length;
}

/* Returns false when it does not end here. */
static bool skip_document(reader *r, const document *d) {
    while (r->at < r->end) {
        if (d->indented)
            skip_all(r, '\t');
        const char *line = r->at;
        const char *newline = memchr(line, '\n', (size_t)(r->end - line));
        if (!newline)
            return false;
        r->at = newline + 1;
        if (ends_document(d, line, (size_t)(newline - line) - (newline > line && newline[-1] == '\r')))
            return true;
    }
    return false;
}

/* Behind their bodies the line goes on: what follows is at least its end. */
static void skip_documents(reader *r) {
    if (r->document_count == 0)
        return;
    for (size_t i = 0; i < r->document_count; i++)
        r->open |= !skip_document(r, &r->documents[i]);
    r->open |= r->at >= r->end;
    r->document_count = 0;
}

static void see_parenthesis(reader *r, char which) {
    if (which == '(') {
        if (!r->sums && r->at < r->end && *r->at == '(')
            r->sums = r->depth + 1;
        push(r, ")");
        return;
    }
    /* Behind a pattern of `case` begins a command. */
    r->command = !pop(r, ")", 1);
    if (r->depth < r->sums)
        r->sums = 0;
}

bool unfinished(const char *text, size_t length) {
    reader r = {.at = text, .end = text + length, .command = true};
    while (r.at < r.end && !r.open) {
        const char *start = r.at;
        size_t size = read_word(&r);
        if (size) {
            see_word(&r, start, size);
            continue;
        }
        char separator = *r.at++;
        if (separator == '(' || separator == ')')
            see_parenthesis(&r, separator);
        else if (separator == '<')
            see_input(&r);
        else if (strchr(";&|\n", separator))
            r.command = true;
        if (separator == '\n')
            skip_documents(&r);
    }
    return r.open || r.depth > 0 || r.document_count > 0;
}
