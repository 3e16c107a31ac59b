/* SPDX-License-Identifier: MIT */
/* Plays a transcript's steps to an engine, with a clock of its own, and writes down what the engine does. */
#ifndef TRANSCRIPTS_PLAYER_H
#define TRANSCRIPTS_PLAYER_H

#include "script.h"

#include "engine/console.h"
#include "engine/engine.h"

enum { player_max_expectations = 8, player_max_lines = 64 };

typedef struct player {
    engine *engine;
    engine_config config;
    int64_t now;
    /* What the other side is like. */
    int echoes;
    bool signals;
    bool resets;
    bool changed;
    bool held; /* takes no bytes */
    bool transcript;
    bool catches_up;
    size_t limit;
    bool logs_in; /* something may stand before the shell */
    engine_login way_in;
    const char *password;    /* for the first time that it is asked for */
    hostsession_console how; /* without a prompt: it is a shell */
    hostsession_expectation wanted[player_max_expectations];
    size_t wanted_count;
    /* What the engine has of ours. */
    hostsession_result *result;
    expectations *expectations;
    expectations *login_expectations;
    console *console;
    login *login;
    login *entry; /* of the command that enters a shell */
    pattern_set *patterns;

    /* The shell, as far as it is played: the numbers of the lines that it was asked to answer, and when it will. */
    int64_t busy;     /* the engine is called so long after its deadlines */
    int64_t distance; /* from a line being sent to its answer; -1: only `answers` answers */
    struct {
        char kind; /* as in a marker; 0: answered */
        unsigned long long number;
        int64_t due;
    } lines[player_max_lines];
    size_t line_count;
    unsigned long long typed; /* the highest number that was typed */

    text sent;   /* in this step */
    text events; /* one a line */
    text piece;  /* output that is still being added to the last line */
    const char *piece_name;
    text shown[2]; /* in transcripts, by direction */
    text late;     /* of standard error: only comes when it is asked for */

    unsigned runs, dones, ends;
    size_t pieces;   /* 0: bytes arrive as written; else pieces of this size */
    size_t cut_step; /* this step's bytes arrive in two pieces, cut at cut_at */
    size_t cut_at;
} player;

/* All of it is zero but pieces and the cut. */
void player_start(player *p);

/* Play step `index`; then `events` has what the engine did.  False for a step that is wrong, with the reason there. */
bool player_step(player *p, const script_step *step, size_t index);

/* What must be true of every playing, after its last step: NULL, or what is wrong. */
const char *player_verdict(const player *p);

void player_free(player *p);

/* The length of what arrives in this step; 0 when nothing does. */
size_t player_arriving(const script_step *step);

#endif
