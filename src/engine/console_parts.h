/* SPDX-License-Identifier: MIT */
/* A console's inside: console.c (its states), console_settings.c, console_tail.c (the last line, prompts),
 * console_candidate.c, console_echo.c, console_wipe.c (what a pager leaves). */
#ifndef ENGINE_CONSOLE_PARTS_H
#define ENGINE_CONSOLE_PARTS_H

#include "engine/console.h"
#include "engine/expectations.h"
#include "engine/lines.h"
#include "engine/parts.h"

enum { console_line_bytes = 1024, console_most_prompts = 32 };

/* The end of what is held, from the start of its last line, as it shows: without control sequences. */
typedef struct tail {
    char text[console_line_bytes];
    size_t at[console_line_bytes]; /* where each byte of it, or a sequence right before that, is held */
    size_t length;
    size_t last_return; /* where a CR was that nothing has followed; SIZE_MAX: none */
} tail;

/* Reads held[from .. to), of which only the end is looked at; `from` is a line's start. */
void tail_read(tail *t, const char *held, size_t from, size_t to);
/* Where the last line of held[0 .. to) starts. */
size_t tail_line_start(const char *held, size_t to);
/* The length of the control sequence at `text`, which begins with ESC; 0: it is not complete. */
size_t tail_sequence(const char *text, size_t length);
/* Whether the pattern matches up to the tail's end; where the match begins in `text`. */
bool tail_matches(const tail *t, pattern_set *patterns, pattern_match *match);

/* A prompt's text. */
typedef struct prompt {
    char text[console_line_bytes];
    size_t length;
} prompt;

void prompt_set(prompt *p, const char *text, size_t length);
/* The same, but for digits. */
bool prompt_same(const prompt *p, const char *text, size_t length);
/* Whether `line` ends with it, but for digits. */
bool prompt_ends(const prompt *p, const char *line, size_t length);

/* The echo of the line that was typed. */
typedef enum echo_verdict { ECHO_WAIT, ECHO_FOUND, ECHO_NONE, ECHO_NO_MEMORY } echo_verdict;

typedef struct echo {
    bytes typed;     /* the text, without Enter */
    prompt before;   /* the prompt it was typed at */
    bool expected;   /* the console has echoed before: what comes first is none of the command's */
    size_t start;    /* where the line begins that may be the echo */
    size_t searched; /* for a newline */
    size_t compared; /* how much was found to be as typed */
} echo;

/* False without memory. */
bool echo_start(echo *x, const char *text, size_t length, const prompt *before, bool expected);
/* Look at all that has come since; for ECHO_FOUND, where the echo's line begins and where the output does. */
echo_verdict echo_look(echo *x, const char *held, size_t length, size_t *ret_start, size_t *ret_end);
void echo_end(echo *x);

/* What wipes out a pager's question, which was the last that is not held any more. */
typedef enum wipe_verdict { WIPE_WAIT, WIPE_OVER } wipe_verdict;
enum { wipe_most_bytes = 4096 };
/* `alone`: nothing else stood in its line.  For WIPE_OVER: where what comes behind it begins. */
wipe_verdict wipe_look(const prompt *question, bool alone, const char *held, size_t length, size_t *ret_end);

typedef enum console_stage {
    STAGE_OPENING, /* for the first prompt */
    STAGE_SETUP,   /* a setup command runs */
    STAGE_IDLE,
    STAGE_SETTLING, /* the prompt must come back from what was sent raw */
    STAGE_RUNNING,
    STAGE_STATUS,   /* the status command runs */
    STAGE_STOPPING, /* the command is being stopped */
    STAGE_LEAVING,  /* it was told to end */
    STAGE_ENDING,   /* it has ended in another way, and gets what is held */
} console_stage;

struct console {
    /* The settings. */
    pattern_set *prompts;
    expectations *pagers;   /* NULL: none */
    unsigned *pager_limits; /* 0: none */
    pattern_set *error;     /* NULL: none */
    pattern_set *status;    /* NULL: none */
    char *status_command;
    char *enter;
    char *probe;
    char *interrupt;
    char *leave;
    char **setup; /* ended by NULL */
    size_t setup_count;
    int64_t settle_us;

    void (*ready)(engine *e);
    console_stage stage;
    size_t setup_next;
    int64_t timer;       /* of the candidate; INT64_MAX: none */
    int64_t knock;       /* the next interrupt */
    bytes held;          /* what came and is neither output yet nor dropped */
    prompt last;         /* that was proven last */
    int last_echo;       /* whether the terminal echoed there: a line editor does by itself, and a command does not */
    bool echoes;         /* a line that was typed was echoed */
    unsigned mute_lines; /* so many were not, as long as none was */
    bool echo_waits;     /* for the echo, in what is held */
    echo echo;
    bool wipes;      /* a pager's question was answered, and is being wiped out */
    bool wipes_line; /* ... it stood alone in its line */
    prompt question;
    bool mute;         /* what comes now is not the command's: its status command was stopped */
    bool failed;       /* the error pattern appeared */
    lines lines;       /* of the output, for that */
    bytes status_text; /* what the status command printed */

    /* What looks like the prompt. */
    bool candidate;
    size_t starts[console_most_prompts]; /* it, and those that came behind it in answer to probes */
    size_t prompt_count;
    size_t end; /* behind the last of them */
    prompt looks;
    int looks_echo; /* as last_echo */
    prompt line;    /* the line it stands in */
    bool probed;
    bool early_echo; /* the terminal echoes by itself: the probe's Enter shows at `end` at once */
    size_t owed;     /* probes that were typed and not answered */
    bool doubtful;   /* there were false ones, or interrupts: quick answers prove nothing */
    int64_t patience_us;
};

/* console.c: the prompt is proven: what is held before it is the rest of the output. */
void console_proven(engine *e);

/* console_candidate.c */
/* `match` is a prompt at the end of the tail of what is held. */
void candidate_find(engine *e, const tail *t, const pattern_match *match);
/* Look at what came behind the candidate.  False: it is none. */
bool candidate_judge(engine *e);
/* It has been quiet since the candidate, or its last answer. */
void candidate_quiet(engine *e);
/* Answered without a doubt: no more is owed. */
bool candidate_is_proven(const console *c);

#endif
