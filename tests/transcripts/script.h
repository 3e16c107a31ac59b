/* SPDX-License-Identifier: MIT */
/*
 * Reading a transcript.  A line that begins in the first column says what happens; the indented lines below it say
 * everything that the engine does because of it.  The README of this folder has the words.
 */
#ifndef TRANSCRIPTS_SCRIPT_H
#define TRANSCRIPTS_SCRIPT_H

#include "../support/text.h"

#include <stddef.h>

#define SCRIPT_TOKEN "tokentokentoke"

enum { script_max_words = 12 };

typedef struct script_word {
    char *key; /* of key=value; NULL for a word alone */
    text value;
} script_word;

typedef struct script_step {
    size_t line;
    script_word words[script_max_words];
    size_t word_count;
    char **expected;
    size_t expected_count;
} script_step;

typedef struct script {
    const char *path;
    script_step *steps;
    size_t step_count;
} script;

/* Read the file at `path`; what is wrong in it ends the program. */
void script_read(script *s, const char *path);
void script_free(script *s);

/* The value of key=value as text, or NULL; word `index` alone, or NULL. */
const char *script_value(const script_step *step, const char *key);
const text *script_bytes(const script_step *step, size_t index);
bool script_has(const script_step *step, const char *word);

#endif
