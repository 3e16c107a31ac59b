/* SPDX-License-Identifier: MIT */
#include "engine/hints.h"

#include <string.h>

/* In order of their first bytes. */
static const struct {
    const char *text;
    hint what;
} words[] = {
    {" 0", HINT_EXIT_SIGNAL},
    {" vi", HINT_BLANK_VI},
    {"&-", HINT_CLOSED_INPUT},
    {"()", HINT_PARENTHESES},
    {"+o emacs", HINT_EDITOR_OPTION},
    {"+o vi", HINT_EDITOR_OPTION},
    {"-o emacs", HINT_EDITOR_OPTION},
    {"-o vi", HINT_EDITOR_OPTION},
    {"-oemacs", HINT_EDITOR_OPTION},
    {"-ovi", HINT_EDITOR_OPTION},
    {". ", HINT_SOURCE},
    {"0>", HINT_INPUT},
    {"<", HINT_INPUT},
    {"DEBUG", HINT_DEBUG_SIGNAL},
    {"ERR", HINT_ERR_SIGNAL},
    {"EXIT", HINT_EXIT_SIGNAL},
    {"PS0", HINT_PS0},
    {"RETURN", HINT_DEBUG_SIGNAL},
    {"alias", HINT_ALIAS},
    {"coproc", HINT_COPROC},
    {"debug", HINT_DEBUG_SIGNAL},
    {"editing", HINT_EDITING},
    {"emacs", HINT_EMACS},
    {"emulate", HINT_EMULATE},
    {"eval", HINT_EVAL},
    {"exec", HINT_EXEC},
    {"exit", HINT_EXIT},
    {"function", HINT_FUNCTION},
    {"jobs", HINT_JOBS},
    {"logout", HINT_EXIT},
    {"opt", HINT_OPT},
    {"preexec", HINT_PREEXEC},
    {"promptvars", HINT_PROMPTVARS},
    {"reset", HINT_RESET},
    {"set", HINT_SET},
    {"set +", HINT_SET_OPTION},
    {"set -", HINT_SET_OPTION},
    {"setopt", HINT_SETOPT},
    {"shopt", HINT_SHOPT},
    {"source ", HINT_SOURCE},
    {"stty", HINT_STTY},
    {"trap", HINT_TRAP},
    {"tset", HINT_TSET},
    {"verbose", HINT_VERBOSE},
    {"xtrace", HINT_XTRACE},
    {"zle", HINT_ZLE},
    {"|", HINT_PIPE},
};

enum { word_count = sizeof words / sizeof words[0] };

/* Where the words with this first byte begin, plus one; 0: there are none. */
static const unsigned char firsts[256] = {
    [' '] = 1,  ['&'] = 3,  ['('] = 4,  ['+'] = 5,  ['-'] = 7,  ['.'] = 11, ['0'] = 12,
    ['<'] = 13, ['D'] = 14, ['E'] = 15, ['P'] = 17, ['R'] = 18, ['a'] = 19, ['c'] = 20,
    ['d'] = 21, ['e'] = 22, ['f'] = 28, ['j'] = 29, ['l'] = 30, ['o'] = 31, ['p'] = 32,
    ['r'] = 34, ['s'] = 35, ['t'] = 42, ['v'] = 44, ['x'] = 45, ['z'] = 46, ['|'] = 47,
};

static bool begins(const char *text, size_t length, const char *word) {
    while (length && *word && *text == *word)
        text++, word++, length--;
    return *word == '\0';
}

static hints words_at(const char *text, size_t length, size_t word) {
    hints found = 0;
    for (char first = *text; word < word_count && *words[word].text == first; word++)
        if (begins(text, length, words[word].text))
            found |= (hints)1 << words[word].what;
    return found;
}

/* The end of the quoted part that begins at `at`; for an open one the end of the text. */
static size_t skip_quoted(const char *text, size_t length, size_t at) {
    char quote = text[at++];
    while (at < length && text[at] != quote)
        at += quote != '\'' && text[at] == '\\' ? 2 : 1;
    return at < length ? at + 1 : length;
}

/* An `&` that is no `&&`, `>&`, `<&` or `&>`. */
static bool is_background(const char *text, size_t length, size_t at) {
    bool redirection =
        (at > 0 && (text[at - 1] == '>' || text[at - 1] == '<')) || (at + 1 < length && text[at + 1] == '>');
    return !redirection && !(at + 1 < length && text[at + 1] == '&') && !(at > 0 && text[at - 1] == '&');
}

static bool separates(char c) {
    return strchr(" \t\n;&|(){}'\"", c) && c;
}

static bool is_coprocess(const char *text, size_t length, size_t at) {
    static const char word[] = "coproc";
    size_t end = at + sizeof word - 1;
    return begins(text + at, length - at, word) && (at == 0 || separates(text[at - 1])) && end < length &&
           separates(text[end]);
}

static bool starts_job(const char *text, size_t length, hints found) {
    bool quoted_counts = found & HINT(EVAL);
    bool coprocess = found & HINT(COPROC);
    size_t at = coprocess || memchr(text, '&', length) ? 0 : length;
    while (at < length) {
        if (text[at] == '\\')
            at += 2;
        else if ((text[at] == '\'' || text[at] == '"') && !quoted_counts)
            at = skip_quoted(text, length, at);
        else if ((text[at] == '&' && is_background(text, length, at)) || (coprocess && is_coprocess(text, length, at)))
            return true;
        else
            at++;
    }
    return false;
}

/* Whether a command begins behind the first `at` bytes, and not an argument. */
static bool is_command_place(const char *text, size_t at, bool quoted_counts) {
    static const char *const leaders[] = {"!",    "builtin", "command", "do",   "elif",  "else",
                                          "eval", "exec",    "if",      "then", "until", "while"};
    if (at > 0 && text[at - 1] == '\\')
        at--;
    size_t end = at;
    while (end > 0 && (text[end - 1] == ' ' || text[end - 1] == '\t'))
        end--;
    if (end == 0 || strchr(";&|({`\n", text[end - 1]))
        return true;
    if (end == at)
        return quoted_counts && (text[end - 1] == '\'' || text[end - 1] == '"');
    for (size_t i = 0; i < sizeof leaders / sizeof leaders[0]; i++) {
        size_t size = strlen(leaders[i]);
        if (size <= end && memcmp(text + end - size, leaders[i], size) == 0 &&
            (size == end || separates(text[end - size - 1]) || text[end - size - 1] == '\\'))
            return true;
    }
    return false;
}

static bool asks_for_jobs(const char *text, size_t length, bool quoted_counts) {
    static const char word[] = "jobs";
    const char *end = text + length;
    for (const char *at = text; (at = memmem(at, (size_t)(end - at), word, sizeof word - 1)) != NULL; at++) {
        const char *behind = at + sizeof word - 1;
        if ((behind == end || separates(*behind) || strchr("<>`", *behind)) &&
            is_command_place(text, (size_t)(at - text), quoted_counts))
            return true;
    }
    return false;
}

/* Behind exec: a program takes the shell's place, or redirections alone do not. */
static bool replaces_shell(const char *text, size_t length) {
    static const char word[] = "exec";
    const char *end = text + length;
    for (const char *at = text; (at = memmem(at, (size_t)(end - at), word, sizeof word - 1)) != NULL;) {
        at += sizeof word - 1;
        const char *next = at;
        while (next < end && strchr(" \t0123456789", *next))
            next++;
        if (next < end && !strchr("<>;&|)}\n", *next))
            return true;
    }
    return false;
}

hints hints_of(const char *text, size_t length) {
    hints found = 0;
    for (size_t at = 0; at < length; at++) {
        unsigned char first = firsts[(unsigned char)text[at]];
        if (first)
            found |= words_at(text + at, length - at, first - 1u);
    }
    if ((found & HINT(JOBS)) && !asks_for_jobs(text, length, found & (HINT(EVAL) | HINT(TRAP))))
        found &= ~HINT(JOBS);
    if ((found & HINT(EXEC)) && replaces_shell(text, length))
        found |= HINT(EXEC_PROGRAM);
    return starts_job(text, length, found) ? found | HINT(BACKGROUND) : found;
}
