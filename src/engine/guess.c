/* SPDX-License-Identifier: MIT */
/* What a command may do to the session, as its text looks; and where our own trace is in its output. */
#include "engine/dialect.h"

#include <inttypes.h>
#include <string.h>

static bool contains(const char *text, size_t length, const char *word) {
    return memmem(text, length, word, strlen(word)) != NULL;
}

bool dialect_sets_terminal(const char *command, size_t length) {
    return contains(command, length, "stty") || contains(command, length, "reset") || contains(command, length, "tset");
}

bool dialect_edits(const char *command, size_t length) {
    return contains(command, length, "emacs") || contains(command, length, " vi") || contains(command, length, "zle") ||
           contains(command, length, "editing") || contains(command, length, "preexec") ||
           contains(command, length, "PS0") || contains(command, length, "emulate") ||
           contains(command, length, "setopt");
}

bool dialect_switches_editor(const char *command, size_t length) {
    static const char *const words[] = {"-o emacs", "+o emacs", "-o vi", "+o vi", "-oemacs", "-ovi", NULL};
    for (const char *const *word = words; *word; word++)
        if (contains(command, length, *word))
            return contains(command, length, "set");
    return false;
}

bool dialect_mends(const dialect *d, const char *command, size_t length) {
    for (const char *const *word = d->mend_words; word && *word; word++)
        if (contains(command, length, *word))
            return true;
    return false;
}

bool dialect_defines(const char *command, size_t length) {
    static const char *const words[] = {"()", "function", "alias", "trap", "eval", NULL};
    for (const char *const *word = words; *word; word++)
        if (contains(command, length, *word))
            return true;
    return false;
}

bool dialect_traps_exit(const char *command, size_t length) {
    return contains(command, length, "trap") && (contains(command, length, "EXIT") || contains(command, length, " 0"));
}

bool dialect_traps(const dialect *d, const char *command, size_t length) {
    return d->debug_trap && (contains(command, length, "DEBUG") || contains(command, length, "RETURN") ||
                             contains(command, length, "debug"));
}

bool dialect_traps_errors(const dialect *d, const char *command, size_t length) {
    return d->error_trap && contains(command, length, "trap") && contains(command, length, "ERR");
}

bool dialect_suspicious(const dialect *d, const char *command, size_t length) {
    if (contains(command, length, "xtrace") || contains(command, length, "verbose"))
        return true;
    if (contains(command, length, "set -") || contains(command, length, "set +"))
        return true;
    return dialect_traps(d, command, length);
}

size_t dialect_trace_start(const char *output, size_t length, uint64_t number, int64_t prefix) {
    char name[40] = "_hs_e ";
    size_t size = 6;
    char digits[24];
    size_t count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    while (count)
        name[size++] = digits[--count];
    name[size++] = ' ';

    /* The last one: the trace stands at the very end. */
    size_t window = length < 4096 ? length : 4096;
    const char *from = output + length - window;
    const char *found = NULL;
    for (const char *at = from; (at = memmem(at, (size_t)(output + length - at), name, size)) != NULL; at++)
        found = at;
    if (!found)
        return length;
    if (prefix > 0 && found - output >= prefix && found[-prefix] == '+')
        return (size_t)(found - prefix - output);
    while (found > output && found[-1] != '\n')
        found--;
    return (size_t)(found - output);
}
