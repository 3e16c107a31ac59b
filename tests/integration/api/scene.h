/* SPDX-License-Identifier: MIT */
/*
 * A session's whole life, with a callback of every kind, in which a test does something at the n-th call of one kind.
 * Run for n = 1, 2, ... until there is no n-th call any more, it does that in every place where such a call is made.
 */
#ifndef API_SCENE_H
#define API_SCENE_H

#include "cases.h"

typedef enum kind {
    ON_OUTPUT,
    ON_LINE,
    ON_UNSOLICITED,
    ON_LOG,
    ON_TRANSCRIPT,
    ON_ENDED,
    OPEN_DONE,
    RUN_DONE,
    SEND_DONE,
    EXPECT_DONE,
    KINDS
} kind;

extern const char *const kind_names[KINDS];

typedef struct scene scene;

struct scene {
    kind when;
    int number;
    void (*act)(scene *s);
    /* Whether `act` was called. */
    bool acted;

    hostsession_loop *loop;
    memory *m;
    /* NULL once it was closed. */
    hostsession *session;
    int calls[KINDS];
    bool cancelled;
    int counter;
    outcome open, lines, waits, send, expect, last;
    /* For `act`. */
    outcome extra[3];
    int extra_started;
    void *userdata;
};

/* Close the scene's session. */
void scene_close(scene *s);

/* The asynchronous life: everything is queued at once.  Ends with nothing left, and checks it. */
void scene_play(scene *s, const memory_options *how);
/* The blocking life, on a loop of its own or of the caller's. */
void scene_play_blocking(scene *s, const memory_options *how, bool own_loop);

/* Play with `act` at each call of each kind; from a row of ways to deliver. */
void scene_sweep(kind when, void (*act)(scene *s), void (*check)(scene *s));
void scene_sweep_blocking(kind when, void (*act)(scene *s), void (*check)(scene *s));

#endif
