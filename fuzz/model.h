/* SPDX-License-Identifier: MIT */
/*
 * A shell as the engine sees one, on its terminal or its pipes: it reads typed lines, echoes them where its terminal
 * does, runs commands whose steps somebody else chooses, prints markers and prompts, and takes signals.  Nothing
 * happens by itself and no clock is read: so a fuzzer can choose every order in which things may happen.
 */
#ifndef FUZZ_MODEL_H
#define FUZZ_MODEL_H

#include "base/bytes.h"

#include <hostsession/hostsession.h>

#define MODEL_TOKEN "tokentokentoke"

typedef enum model_shell { MODEL_BASH, MODEL_ZSH, MODEL_KSH93, MODEL_MKSH, MODEL_ASH, MODEL_DASH } model_shell;

enum { model_shells = 6 };

/* What a signal does to the program that a command runs. */
typedef enum model_stubborn {
    MODEL_DIES,           /* of the first signal, and the shell throws the line away */
    MODEL_DIES_ALONE,     /* ... and the shell goes on with the line */
    MODEL_IGNORES_INT,    /* SIGQUIT ends it */
    MODEL_IGNORES_SIGNALS /* SIGKILL does */
} model_stubborn;

typedef struct model {
    model_shell shell;
    bool tty;
    bool echo;
    bool end_on_both; /* of two pipes */
    bool flushes;     /* a control character throws away what was not read from the terminal yet */
    bytes typed;      /* and not read */
    bytes line;       /* read, and its continuation is missing */
    bytes printed[2]; /* and not delivered, by hostsession_stream */
    bool exited;
    int exit_status;

    bool taught; /* the prompt is ours */
    bool silent; /* the prompt is empty */
    int status;  /* $? */
    uint64_t line_number;
    /* bash. */
    int line_status;    /* of the last line: the prompt is empty where it is 0 */
    bool shows_prompts; /* ... not even then */
    bool told;          /* a whole END was printed: the next ones may be brief */

    /* The command that runs; the steps of its program are the functions below. */
    bool runs;
    unsigned command; /* its name's number: text "cmdN" */
    uint64_t number;  /* of its frame */
    bool drains;      /* the frame waits for a line of ours behind END */
    model_stubborn stubborn;
    bool blocked; /* it neither prints nor ends by itself */
    bool asks;    /* it waits for a line from the terminal */
    bool stopped; /* by Ctrl+Z: a job in the background */
    uint64_t drain_number;

    /* What became of the last command whose line was over, for the fuzzer to hold against the result. */
    unsigned ended_command;
    int ended_status;
    bool ended_normally; /* no signal had to do with it */
    uint64_t highest;    /* number that was typed */
} model;

void model_free(model *m);

/* Bytes arrive on the terminal, or in the pipe. */
void model_type(model *m, const char *data, size_t length);
/* A signal to what is in the foreground, as a transport can send it. */
void model_signal(model *m, hostsession_signal signal);
/* Whether the shell, or what runs in it, could read a line now. */
bool model_can_read(const model *m);
void model_read(model *m);

/* Steps of the program that runs. */
void model_print(model *m, hostsession_stream stream, const char *data, size_t length);
void model_end(model *m, int status);
/* As an error in the shell itself does: the rest of the line is thrown away. */
void model_abort(model *m, int status);
void model_exit(model *m, int status);

#endif
