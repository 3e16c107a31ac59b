/* SPDX-License-Identifier: MIT */
/* The engine's inside, shared by its parts: opening.c, login.c, sending.c, command.c, prompts.c, recovery.c, levels.c,
 * between.c, returned.c, raw.c; engine.c leads to them, or, where a console is no shell, to console.c. */
#ifndef ENGINE_PARTS_H
#define ENGINE_PARTS_H

#include "engine/cutter.h"
#include "engine/dialect.h"
#include "engine/engine.h"
#include "engine/login.h"
#include "engine/notices.h"
#include "engine/redact.h"

typedef enum phase {
    /* In this order: opening ends with TEACHING, a command is there between IDLE and ENDED. */
    PHASE_NEW,      /* not connected */
    PHASE_ASKING,   /* opening: which shell is it? */
    PHASE_QUIETING, /* opening: editors and hooks off */
    PHASE_TEACHING, /* opening: functions and prompt */
    PHASE_IDLE,
    PHASE_SETTLING,   /* before a command: the shell must be back from what was sent raw */
    PHASE_RUNNING,    /* the frame is typed */
    PHASE_CHECKING,   /* a prompt came without END: did the line end?  Or END did, before the sync typed ahead */
    PHASE_RECOVERING, /* the command is being stopped */
    PHASE_DEPARTING,  /* an inner shell was told to end */
    PHASE_RETURNING,  /* it has: the outer one must answer */
    PHASE_ENDED,
} phase;

enum { opening_kept_bytes = 512, opening_seen_bytes = 160 };
/* How often it is looked whether the terminal's echo went off. */
enum { echo_look_us = 10000 };

/* One of the two streams. */
typedef struct side {
    engine *engine;
    hostsession_stream stream;
    scanner scanner;
    notices notices;
    cutter sayings;  /* between commands: what the shell says there */
    notices between; /* ... and of its jobs */
    bool foreign_in_line;
    bytes suspect;     /* what looked like a prompt, until it is known whether it was one */
    bytes prelude;     /* came after a line of ours was typed and before its marker */
    bool begun;        /* BEGIN of the current command was seen */
    bool ended;        /* END of the current command was seen */
    bool aborted;      /* while it is stopped: its line's prompt was seen instead */
    bool synced;       /* END of the current sync was seen */
    uint64_t last_end; /* the number of the last END here: a lower one is no END of ours */
    bool traced;       /* the rest of the trace of END comes, up to the prompt */
    bool skip_line;    /* the trace of BEGIN's own function comes behind it */
    bytes typed;       /* our line, while it may come back in front of the output */
    bytes returned;    /* what has come that may be it */
    size_t same;       /* how much of `typed` that is */
} side;

/* All that is known of a shell that has answered. */
typedef struct shell {
    const dialect *dialect;
    /* What the last END said. */
    int status;
    bool tracing;        /* xtrace is on */
    bool verbose;        /* verbose is on */
    bool restricted;     /* it redirects nothing */
    bool prompt_changed; /* PS1 is no longer ours */
    int64_t prompt_length;
    bool output_moved;       /* standard output is not the terminal */
    bool prompt_lost;        /* it goes where we do not see it */
    bool prompts_shown;      /* they were told to show behind all lines */
    bool prompt_owed;        /* ... and that line's own has not come */
    bool input_moved;        /* it may read no further line of ours */
    bool prompt_moved;       /* on pipes: it comes on standard output */
    bool editor;             /* the shell's line editor may be on again, and echo by itself */
    bool jobs;               /* there may be background jobs, of which the shell will tell */
    bool starters;           /* functions that start background jobs may be defined */
    bool movers;             /* functions that move the shell's streams may be defined */
    bool exit_trap;          /* an EXIT trap may be set */
    bool debug_trap;         /* a DEBUG trap may be set */
    bool error_trap;         /* an ERR trap may be set */
    bool unaliased;          /* there are no aliases */
    bool terminal_dirty;     /* echo or output processing was found on */
    bool editing;            /* the shell edits lines, as long as it finds the terminal as it did last */
    bool resets_terminal;    /* not the shell, but the host sets the terminal */
    bool typed;              /* into a command, and perhaps not read by it: the shell will */
    uint64_t last_prompt;    /* the number of the last line whose prompt came */
    uint64_t stopped_number; /* of the first command that was stopped; 0: none */
    char *cwd;
    char *user;
    int64_t pid;
    bool near; /* on the transport's own terminal */

    console *console; /* it is no shell but this; NULL: a shell */

    /* How it was entered; all zero for the session's own. */
    struct shell *outer;
    char *entry_text;
    uint64_t entry; /* that command's number: its END, or its prompt, says that this shell has ended */
    bool entry_guarded;
} shell;

/* Winning back the shell, while RECOVERING: recovery.c's alone. */
typedef struct recovery {
    int64_t started;   /* when */
    int step;          /* of the ladder, that comes next */
    int64_t knocking;  /* terminal: since when a row of interrupts is sent; 0: none is */
    int beats_left;    /* to wait for the shell to read the command's line to its end */
    int64_t signaled;  /* when a signal was sent beside it; on pipes any */
    bool arrives;      /* terminal: the step that is next has waited for that to arrive */
    bool cut;          /* terminal: not all of the command's line was sent */
    bool killing;      /* terminal: the proof waits until a signal that kills has arrived */
    bool stopping;     /* terminal: Ctrl+Z was typed, and the line that kills what it has stopped was not */
    bool knocked;      /* terminal: the last step was an interrupt, and nothing has come since */
    int64_t held_step; /* terminal: only that interrupt's newline has: next_step before it was put off; 0: it was not */
    uint64_t ahead;    /* pipes: the sync that lies behind the command's line, which is no proof yet; 0: none */
    int proofs;        /* pipes: how many were asked for */
    int interrupts;    /* pipes: how many the shell may still answer with a prompt */
    int asked_again;   /* pipes: how often a proof was, since such a prompt came */
    bool proven;       /* the shell has answered once */
    int64_t proven_at; /* when */
    bool awaits_signals; /* it has, and what was sent to stop the command is still on its way */
} recovery;

struct engine {
    engine_config config;
    char *name;
    engine_host host;
    void *owner;
    phase phase;
    int64_t now;
    int64_t heard; /* when something came last */
    bytes outgoing;
    side sides[2];
    size_t side_count;
    size_t end_count;      /* how many of them print END: one where we can catch up with the other */
    bool outgoing_secret;  /* it holds, or held, a secret: wiped when it is sent */
    bool outgoing_dropped; /* what the transport had taken of it when a command was stopped is not to be sent, either */
    redactor redactor;     /* for what is received */
    bytes shown;           /* scratch for transcripts */

    console *console; /* what comes now comes from this, which is no shell; NULL: from a shell */
    shell first;      /* the session's own */
    shell *shell;
    uint64_t last_number; /* of commands and syncs together */
    uint64_t phase_first; /* opening: the number of this phase's first try, and of its last */
    uint64_t phase_last;
    uint64_t sync_number; /* the sync that is waited for, or was typed ahead; 0: none */
    int64_t teaching;     /* opening: when that was typed */
    int64_t answer_us;    /* how long the shell took to answer it */
    int64_t deadline;     /* of the phase; INT64_MAX: none */
    int64_t next_step;    /* of opening's question, recovery's ladder, or a look at the echo */
    bytes seen;     /* the last that came while opening, for the message when it fails: at most opening_kept_bytes */
    int asks;       /* while opening: how often the question was typed */
    bool probes;    /* ... and that it is to be asked next whether it is a foreign shell */
    size_t foreign; /* ... how much of what tells a foreign shell has just come; behind the end: it was replaced */
    bool teaches_at_once; /* opening: PHASE_QUIETING is left out */
    bool echo_seen;       /* while opening: the terminal echoed, or changed line endings */
    char *setup;          /* still to be run before the session is ready */
    bool setting_up;      /* that is what runs */
    int64_t open_deadline;

    /* The current command: valid from PHASE_SETTLING to _RETURNING. */
    engine_command command;
    uint64_t number;
    int64_t started;
    bool guarded;
    bool silent;   /* the frame has no BEGIN */
    bool unsure;   /* ... and its line may come back */
    bool drains;   /* the frame throws away what was typed and not read */
    bool echoes;   /* the terminal echoes while it runs */
    bool had_jobs; /* there may have been background jobs before it */
    bool frame_sent;
    bool ending;                  /* END was seen, and what belongs before it is being caught up with */
    uint64_t fence;               /* the number of the line before this one: behind its prompt output begins */
    bool fence_passed;            /* that prompt came */
    bool prompt_early;            /* the prompt came, and END may lie in the other pipe */
    bool prompt_missed;           /* the fence's had not come when it was looked for first */
    int aborted_status;           /* CHECKING: what the prompt, or the sync that was typed ahead, said */
    hostsession_error stop_error; /* RECOVERING: why */
    recovery recovery;
    bool line_aborted; /* by our Ctrl+C: the shell has printed a newline for that */
    bool dying;        /* the session ends with this command */
    size_t echo_wait;  /* index + 1 of the expectation that waits for the echo to go off */

    /* PHASE_DEPARTING: how often it was told, by which line. */
    int farewells;
    uint64_t farewell;
    /* PHASE_RETURNING: how what runs ends once the outer shell has answered. */
    struct {
        hostsession_error error;
        hostsession_status status;
        int exit_status;
    } outcome;
    hostsession_failure reason; /* of stop_error, or of the outcome's error */

    /* Between commands. */
    bool raw;         /* send or expect is used: what comes is kept for expect */
    bool prompt_seen; /* since the last send */
    bytes raw_text;
    pattern_set *wanted; /* an expect waits */
    size_t raw_window;
    int64_t raw_deadline;

    hostsession_failure failure; /* why it ended */
};

/* The time `us` from now; INT64_MAX for never. */
static inline int64_t parts_after(const engine *e, int64_t us) {
    return us > INT64_MAX - e->now ? INT64_MAX : e->now + us;
}

/* Traces go here. */
static inline hostsession_stream parts_trace_stream(const engine *e) {
    return e->config.tty ? HOSTSESSION_STREAM_OUTPUT : HOSTSESSION_STREAM_ERROR;
}

/* How END is called where it must not show.  Traces are errors; a DEBUG trap prints what it likes, but in ksh93 comes
 * into none of our functions.  A group's own redirection would show in a shell that traces redirections: there END is
 * traced in the open, and cut off. */
static inline end_style parts_end_style(const engine *e) {
    if (e->shell->dialect->quiet_functions)
        return e->shell->debug_trap ? END_ASIDE : END_PLAIN;
    if (e->shell->debug_trap)
        return END_GUARDED;
    return e->shell->dialect->traces_redirections && !e->shell->output_moved ? END_PLAIN : END_HUSHED;
}

/* On pipes: whether the prompt of a line that is thrown away would come: that of the last line has. */
static inline bool parts_prompts_tell(const engine *e) {
    return !e->shell->dialect->asks_ahead && e->fence_passed;
}

/* Whether no trace of END shows then. */
static inline bool parts_end_hidden(const engine *e) {
    end_style style = parts_end_style(e);
    return style == END_HUSHED || style == END_GUARDED;
}

/* engine.c */
/* Send; a secret is shown as "***" in transcripts.  Without memory the session ends and false is returned. */
bool parts_type(engine *e, const char *data, size_t length, bool secret);
void parts_end(engine *e, const hostsession_failure *why);
void parts_no_memory(engine *e);
void parts_log(engine *e, hostsession_log_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Type a sync line and wait for its END, in the present phase. */
void parts_sync(engine *e);
bool parts_all_synced(const engine *e);
/* Whether all ENDs of the command were seen. */
bool parts_all_ended(const engine *e);
/* Whether the shell may edit lines, and echo, since a command left the terminal in other modes. */
bool parts_shell_edits(const engine *e);
/* Receive standard error as far as it belongs before the END that has come on standard output. */
void parts_catch_up(engine *e);
/* A field as an exit status from 0 to 255, or -1. */
int parts_status(const marker *m, size_t field);
/* Take over what an END on this stream says about the shell: standard error's need not name the directory. */
void parts_note_end(const side *s, const marker *m);

/* Whether signals meet what the shell runs; whether they have a way of their own to it. */
static inline bool parts_sees_foreground(const engine *e) {
    return e->config.sees_foreground && e->shell->near;
}
static inline bool parts_signals_aside(const engine *e) {
    return e->config.signals_aside && e->shell->near;
}

/* Whether the shell may still be reading the command's line when it is to be stopped, and nobody can see that: it is
 * more than what a terminal holds, or, in a pipe, than a shell reads at once. */
static inline bool parts_long_line(const engine *e) {
    return !parts_sees_foreground(e) && e->command.length >= (size_t)(e->config.tty ? 4096 : 500);
}

/* opening.c */
void opening_start(engine *e);
void opening_data(engine *e, const char *data, size_t length);
bool opening_marker(side *s, const marker *m);
void opening_advance(engine *e);
void opening_hangup(engine *e, const hostsession_exit *how, const hostsession_failure *why);
void opening_drained(engine *e);
/* What is in use now; NULL: none. */
login *opening_login(const engine *e);
/* A shell has said what it is: quiet it and teach it. */
void opening_answered(engine *e, const marker *m);
/* The setup ended; the result is taken. */
void opening_setup_done(engine *e, hostsession_result *result);
/* Type the question. */
void opening_ask(engine *e);
/* What came last, escaped and without secrets. */
void opening_describe_seen(const engine *e, char out[opening_seen_bytes * 2]);
void opening_fail(engine *e, const hostsession_failure *why);

/* login.c: what comes while the question is not answered */
void login_start(engine *e, login *l);
void login_data(engine *e, login *l, const char *data, size_t length);
void login_drained(engine *e, login *l);
void login_advance(engine *e, login *l);
/* Whether a password was given. */
bool login_gave_password(const login *l);

/* sending.c */
/* Type the current command; it runs then. */
void sending_start(engine *e);
/* It has not ended: type a sync behind its line, if nothing else would tell that this was thrown away. */
void sending_ask_ahead(engine *e);

/* command.c */
/* What the command printed. */
void command_text(side *s, const char *data, size_t length);
void command_start(engine *e, const engine_command *command);
void command_settled(engine *e);
void command_data(side *s, const char *data, size_t length);
bool command_marker(side *s, const marker *m);
void command_drained(engine *e);
void command_synced(engine *e);
/* A sync that was typed ahead is answered, by `m`, and the command has not ended: once that is so on all streams, its
 * line was thrown away. */
void command_lost_line(engine *e, const marker *m);
/* Behind END: the shell has thrown away what was typed and not read. */
void command_type_drained(engine *e);
/* Whether it has ended, and nothing more is waited for but the answer to the sync that was typed ahead. */
bool command_awaits_sync(const engine *e);
void command_advance(engine *e);
/* Give the result away; the phase is idle then, or, when `dying` is set, about to end. */
void command_finish(engine *e, hostsession_error error, hostsession_status status, int exit_status,
                    const hostsession_failure *failure);
void command_hangup(engine *e, const hostsession_exit *how, const hostsession_failure *why);

/* levels.c: shells that are entered and left */
/* End a command that cannot be: there is nothing to leave, or no more to be entered. */
bool levels_refuse(engine *e);
/* The command that enters one was typed. */
void levels_entering(engine *e);
/* It has ended, and no shell has answered. */
void levels_not_entered(engine *e, int status);
/* The answer to the question: the inner shell's. */
bool levels_answered(engine *e, const marker *m);
/* The shell that has answered is the outer one's process. */
void levels_replaced(engine *e);
/* Take the echo of our question out of what was said on the way. */
void levels_cut_questions(const engine *e, output *o);
/* It is taught. */
void levels_entered(engine *e);
/* Why what was to be entered is stopped, when its time is over. */
void levels_describe_silence(const engine *e, hostsession_failure *why);
/* The program that was being entered is stopped, or has ended. */
void levels_drop_console(engine *e);
/* Back to the outer shell by stopping the command that it was left for. */
void levels_stop(engine *e, hostsession_error error, const hostsession_failure *why);
/* What was entered cannot be won back from what it runs. */
void levels_abandon(engine *e);
void levels_depart(engine *e);
/* It is still there. */
void levels_stayed(engine *e);
bool levels_marker(side *s, const marker *m);
/* Whether the marker says that an inner shell has ended; then it was dealt with. */
bool levels_ended(side *s, const marker *m);
void levels_returned(engine *e);
void levels_advance(engine *e);
void levels_free(engine *e);

/* prompts.c */
/* A prompt came. */
void prompts_note(side *s, const marker *m);
/* ... while a command is there.  False: the command printed it. */
bool prompts_seen(side *s, const marker *m);
/* No more output came before it. */
void prompts_drained(engine *e);
/* Whether prompts come on this stream, as far as is known. */
bool prompts_come_on(const side *s);
/* Whether it is our last line's own, and not one for what was sent behind that line. */
bool prompts_is_first(const engine *e, const marker *m);
/* What looked like a prompt was printed by the command: it goes on. */
void prompts_release_suspect(side *s);
/* Behind a prompt that came without END: keep the trace of the sync that asks for it, where no guard hides that. */
bool prompts_hold_trace(side *s, const char *data, size_t length);

/* recovery.c */
hostsession_status recovery_status(const engine *e);
void recovery_start(engine *e, hostsession_error error, const hostsession_failure *failure);
/* `interrupted`: it printed one more prompt, as for a signal that meets it there. */
void recovery_shell_seen(engine *e, bool interrupted);
void recovery_heard(engine *e, const char *data, size_t length);
void recovery_synced(engine *e);
void recovery_advance(engine *e);
/* A sync was answered that is not the one that is waited for. */
void recovery_answered(side *s, const marker *m);
/* It is not won back in time: the session ends. */
void recovery_give_up(engine *e);

/* between.c */
void between_open(side *s);
void between_data(side *s, const char *data, size_t length);
/* A marker has come: what is held back came before it. */
void between_flush(side *s);
/* ... the marker of an earlier line: ours may be coming back already, and the rest of it is still to come. */
void between_flush_earlier(side *s);
void between_free(side *s);

/* returned.c: our own line in front of the output, where nobody can tell whether the terminal echoes */
/* Whether a terminal gives the text back as it was typed: control characters show as others. */
bool returned_is_exact(const char *text, size_t length);
void returned_expect(side *s, const char *line, size_t length);
/* While it may come back.  How much of `data` was taken: the rest is output. */
size_t returned_feed(side *s, const char *data, size_t length);
/* What was held back is output. */
void returned_release(side *s);
void returned_free(side *s);

/* raw.c */
void raw_data(engine *e, const char *data, size_t length);
void raw_search(engine *e);
/* Our own line, at the front of what has come, is nobody's: a shell under verbose, or the terminal, gives it back. */
void raw_drop_line(engine *e, const char *line);
void raw_advance(engine *e);
void raw_finish(engine *e, hostsession_error error, const char *message);
void raw_leave(engine *e);

#endif
