/* SPDX-License-Identifier: MIT */
/* A transport with a bad line: a real bash on a terminal, and what can happen to bytes on the way. */
#ifndef API_FAULTY_H
#define API_FAULTY_H

#include <hostsession/hostsession.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FAULTY_NEVER UINT64_MAX

typedef enum faulty_direction { FAULTY_TO_SHELL, FAULTY_FROM_SHELL } faulty_direction;

typedef struct faulty {
    /* What happens; offsets count from the first byte in that direction. */
    uint64_t cut[2];     /* the line ends after so many bytes */
    uint64_t corrupt[2]; /* all bits of this byte are inverted */
    size_t piece;        /* what arrives is handed over in such pieces; 0: as it comes */
    bool late;           /* ... each in a turn of its own */

    uint64_t passed[2];
    hostsession_channel *channel;
    hostsession_loop *loop;
    hostsession_watch *watch;
    hostsession_watch *turns;
    int turn;
    int terminal;
    pid_t shell;
    char held[65536];
    size_t held_length;
    bool ended;
} faulty;

/* Nothing happens. */
void faulty_init(faulty *f);

/* For hostsession_options: with these the session is on `f`, which outlives it. */
hostsession_transport faulty_transport(void);

#endif
