/* SPDX-License-Identifier: MIT */
/*
 * Winning back the shell from a command that must stop.  A ladder: interrupt, quit, kill what is in the foreground;
 * and the proof, each time something moved: a numbered line that only the shell itself can answer.
 */
#include "engine/parts.h"

#include "base/failure.h"

#include <string.h>

enum {
    /* Between two rungs: long enough for a program that is stopped to tidy up, short enough that the last rung comes
     * within two seconds, where signals arrive at once. */
    rung_us = 250000,
    /* Between two interrupts; and in shells that miss most of them. */
    beat_us = 25000,
    quick_beat_us = 5000,
    /* Rungs that interrupts take, a beat apart; behind a program that was killed; and, on a host that is too busy to
     * let us run each beat, so many times as long. */
    knock_rungs = 3,
    knock_again_rungs = 1,
    late_times = 2,
    /* How often the shell is looked at whether it has read the command's line; and when a short one, where that cannot
     * be seen, is. */
    reading_beats = 40,
    short_line_us = 200000,
    /* may_start(): how long nothing must have come before the first Ctrl+C, and how long that is waited for; behind a
     * long line, which the shell parses so fast. */
    quiet_us = 50000,
    most_quiet_us = 150000,
    most_long_us = 1000000,
    parse_byte_us = 1,
    /* How long the prompt may take behind the newline that answers an interrupt. */
    prompt_us = 100000,
    /* How long the answer to a proof may be behind that to a later one. */
    overtaken_us = 1500000,
    /* How long the second answer may take before the shell is taken to wait for a program that it had forgotten. */
    forgotten_us = 1500000,
    /* On pipes: so many proofs get a rung's time for their answer, each later one a rung more. */
    quick_proofs = 2,
    most_asked_again = 4,
};

/* The ladder on a terminal. */
typedef enum rung {
    RUNG_KNOCK, /* interrupts, a beat apart */
    RUNG_CONTROL_C,
    RUNG_QUIT,
    RUNG_KILL,
    RUNG_STOP,
    /* From here on in turns.  Nothing is typed behind ^C: a shell that wakes up to a line, too, reads on.  More of them
     * follow the first, many where the foreground cannot be seen: a subshell that gets one just as it is forked exits,
     * and bash goes on with its loop of them. */
    RUNG_KILL_AND_CONTROL_C,
    RUNG_KNOCK_AGAIN,
    RUNG_KILL_AND_PROVE,
} rung;

static rung rung_at(int step, int knocks, int knocks_again) {
    if (step < knocks)
        return RUNG_KNOCK;
    int number = RUNG_CONTROL_C + step - knocks;
    if (number <= RUNG_STOP)
        return (rung)number;
    int turn = (number - RUNG_STOP - 1) % (2 + knocks_again);
    return turn == 0 ? RUNG_KILL_AND_CONTROL_C : turn <= knocks_again ? RUNG_KNOCK_AGAIN : RUNG_KILL_AND_PROVE;
}

static void type_control(engine *e, char control) {
    parts_type(e, &control, 1, false);
}

/* Where we cannot kill what is in the foreground, and where it is a loop of the shell's own that a signal does not end:
 * stop the job, which ends the loop, and let the shell kill it.  ksh93 throws away what was typed before it has noticed
 * the stop: that comes behind its prompt, or a rung later. */
static void stop_job(engine *e) {
    e->shell->jobs = true;
    for (size_t i = 0; i < e->side_count; i++)
        e->sides[i].notices.jobs = e->shell->dialect->notices;
    type_control(e, 0x1a);
    e->recovery.stopping = e->phase == PHASE_RECOVERING;
}

static void ask(engine *e) {
    if (e->recovery.stopping)
        parts_type(e, e->shell->dialect->kill_stopped, strlen(e->shell->dialect->kill_stopped), false);
    e->recovery.stopping = false;
    parts_sync(e);
}

/* Ask the shell; a program that reads the terminal gets the line instead and cannot answer it. */
static void prove(engine *e) {
    /* On pipes a shell that is slow to answer would be interrupted in each answer. */
    int doubts = e->config.tty ? 0 : e->recovery.proofs++ - quick_proofs;
    e->next_step = e->now + rung_us * (doubts > 0 ? 1 + doubts : 1);
    e->host.reset_terminal(e->owner);
    if (e->config.tty)
        parts_type(e, "\n", 1, false);
    if (e->phase == PHASE_RECOVERING)
        ask(e);
    /* An interrupt that the shell has taken note of throws this line away, and the prompt that would tell may go where
     * nobody sees it.  On a terminal the empty line takes its place. */
    if (!e->config.tty && e->phase == PHASE_RECOVERING)
        parts_sync(e);
}

void recovery_start(engine *e, hostsession_error error, const hostsession_failure *failure) {
    levels_drop_console(e);
    e->phase = PHASE_RECOVERING;
    e->stop_error = error;
    e->reason = *failure;
    e->recovery = (recovery){.started = e->now,
                             .beats_left = reading_beats,
                             .ahead = e->sync_number > e->number ? e->sync_number : 0};
    e->next_step = e->console ? INT64_MAX : e->now;
    e->sync_number = 0;
    e->echo_wait = 0;
    if (!e->shell->stopped_number)
        e->shell->stopped_number = e->number;
    e->deadline = e->setting_up ? e->open_deadline : parts_after(e, e->config.recovery_timeout_us);
    parts_log(e, HOSTSESSION_LOG_INFO, "%s: stopping the command: %s", e->name, failure->message);
    if (e->console) {
        console_stop(e);
        return;
    }
    for (size_t i = 0; i < e->side_count; i++)
        e->sides[i].notices.answers = e->shell->dialect->interrupt_newline;
    recovery_advance(e);
}

/* How a command ends that was stopped. */
hostsession_status recovery_status(const engine *e) {
    return e->stop_error == HOSTSESSION_ERROR_CANCELED ? HOSTSESSION_STATUS_INTERRUPTED
           : e->stop_error == HOSTSESSION_ERROR_LIMIT  ? HOSTSESSION_STATUS_ERROR
                                                       : HOSTSESSION_STATUS_TIMED_OUT;
}

/* The shell printed a marker: its line has ended, one way or the other. */
void recovery_shell_seen(engine *e, bool interrupted) {
    /* On pipes a signal that met it at its prompt may have thrown away what was typed for it.  (A program that shows it
     * old prompts must not keep us from stopping it.) */
    bool again =
        interrupted && !e->config.tty && e->recovery.interrupts > 0 && e->recovery.asked_again < most_asked_again;
    if (again) {
        e->recovery.interrupts--;
        e->recovery.asked_again++;
    }
    /* It is asked again once the signals have arrived. */
    if (e->recovery.awaits_signals || (e->sync_number && !again))
        return;
    ask(e);
    /* A signal now would throw this line away, too. */
    e->next_step = e->now + rung_us;
}

/* A shell whose prompt does not tell is back: without END a signal has thrown its line away, and it has printed a
 * newline for that. */
static void note_interrupted(engine *e) {
    e->line_aborted |=
        e->shell->dialect->asks_ahead && !e->config.tty && !parts_all_ended(e) && e->shell->dialect->interrupt_newline;
}

/* The answer to a sync that was typed ahead: the command's line has ended. */
static void line_ended(side *answered) {
    engine *e = answered->engine;
    parts_catch_up(e);
    note_interrupted(e);
    for (size_t i = 0; i < e->side_count; i++) {
        side *s = &e->sides[i];
        if (s != answered && !e->host.catch_up)
            continue;
        if (!s->begun || s->ended || s->aborted)
            between_flush(s);
        s->aborted = true;
    }
    recovery_shell_seen(e, false);
}

void recovery_answered(side *s, const marker *m) {
    engine *e = s->engine;
    if (!e->sync_number)
        line_ended(s);
    /* Of two proofs that were typed together the first: the shell is alive.  It will answer the other, too, unless a
     * pending signal throws the line away. */
    else if (m->number != e->recovery.ahead && !e->recovery.awaits_signals)
        e->next_step = e->now + overtaken_us;
}

void recovery_give_up(engine *e) {
    hostsession_failure why;
    failure_set(&why, e->stop_error, 0, "recovery",
                "%s; it could not be stopped within %.3g s, so the session was ended", e->reason.message,
                (double)e->config.recovery_timeout_us / 1e6);
    e->dying = true;
    command_finish(e, e->stop_error, recovery_status(e), -1, &why);
    parts_end(e, &why);
}

/* What the shell says of these signals then is no output. */
static void quit_foreground(engine *e) {
    e->host.signal(e->owner, HOSTSESSION_SIGNAL_QUIT);
    for (size_t i = 0; i < e->side_count; i++)
        e->sides[i].notices.quit = true;
}

static bool kill_foreground(engine *e) {
    bool killed = e->host.signal(e->owner, HOSTSESSION_SIGNAL_KILL);
    for (size_t i = 0; killed && i < e->side_count; i++)
        e->sides[i].notices.killed = true;
    return killed;
}

/* A Ctrl+C that meets the shell just as it starts a job can leave the terminal with that job: bash then reads an error,
 * and exits.  Where the foreground can be seen the job alone is interrupted; the shell only when it stays there. */
static void interrupt(engine *e) {
    bool settled = !parts_sees_foreground(e) || e->recovery.step >= 3;
    bool signaled = parts_sees_foreground(e) && e->host.signal(e->owner, HOSTSESSION_SIGNAL_INTERRUPT);
    if (!signaled && !settled)
        return;
    /* What came before is not said of this one. */
    notices_interrupted(&e->sides[HOSTSESSION_STREAM_OUTPUT].notices);
    if (!signaled)
        type_control(e, 0x03);
}

/* The newline that answers an interrupt, alone: the prompt is next, for which bash may run something.  One more would
 * bring one more newline, which behind other text passes for output.  Whatever else comes says that it was not so. */
void recovery_heard(engine *e, const char *data, size_t length) {
    if (e->recovery.held_step) {
        e->next_step = e->recovery.held_step;
        e->recovery.held_step = 0;
    } else if (e->recovery.knocked && length == 1 && data[0] == '\n' && e->next_step < e->now + prompt_us) {
        e->recovery.held_step = e->next_step;
        e->next_step = e->now + prompt_us;
    }
    e->recovery.knocked = false;
}

/* What has survived all else may be a shell that was started as a command. The end of its input ends it; a shell of
 * ours that was only slow is lost as it is when it is given up. */
static bool is_late(const engine *e) {
    return e->deadline - e->now < e->config.recovery_timeout_us / 2;
}

/* A slow host: what is still on its way there would throw away the proof, and more of it would make it slower; and bash
 * prints a newline for each interrupt, which behind other text passes for output. */
static bool awaits_arrival(engine *e) {
    if (!e->host.signals_pending(e->owner))
        return false;
    e->next_step = e->now + beat_us;
    e->recovery.arrives = true;
    return true;
}

/* Where a signal took its time to arrive the shell takes some, too, to show what it did: Ctrl+C meanwhile would meet
 * the shell itself, as text where the program had turned signals off. */
static bool awaits_effect(engine *e) {
    bool arrived = e->recovery.arrives;
    int64_t patience = 2 * (e->now - e->recovery.signaled);
    e->recovery.arrives = false;
    if (arrived)
        e->next_step = e->now + (patience > rung_us ? patience : rung_us);
    return arrived;
}

/* A shell that gives up a line shows its prompt, where that can be seen: a proof is typed for no program to read before
 * there is nothing else left. */
static bool is_mute(const engine *e) {
    return e->shell->prompt_changed || e->shell->prompt_lost;
}

static void knock(engine *e) {
    /* A signal that comes from elsewhere arrives also where the terminal would take ^C for a character. */
    if (e->recovery.step == 0 && parts_signals_aside(e) && e->host.signal(e->owner, HOSTSESSION_SIGNAL_INTERRUPT)) {
        e->next_step = e->now + beat_us;
        e->recovery.signaled = e->now;
        e->recovery.arrives = true;
    } else {
        interrupt(e);
    }
}

/* The rungs behind them must come in time. */
static void skip_late_knocks(engine *e, int knocks, int knocks_again) {
    rung now = rung_at(e->recovery.step, knocks, knocks_again);
    if (now != RUNG_KNOCK && now != RUNG_KNOCK_AGAIN) {
        e->recovery.knocking = 0;
        return;
    }
    if (!e->recovery.knocking)
        e->recovery.knocking = e->now;
    int rungs = now == RUNG_KNOCK ? knock_rungs : knock_again_rungs;
    if (e->now < e->recovery.knocking + (int64_t)late_times * rungs * rung_us)
        return;
    while (rung_at(e->recovery.step, knocks, knocks_again) == now)
        e->recovery.step++;
    e->recovery.knocking = 0;
}

static void kill_and_prove(engine *e, bool in_any_case) {
    bool killed = kill_foreground(e);
    e->recovery.signaled = e->now;
    if (e->phase != PHASE_RECOVERING || !(killed || in_any_case || is_mute(e)))
        return;
    /* What is killed from elsewhere may live until then, and read. */
    e->recovery.killing = killed && parts_signals_aside(e);
    if (e->recovery.killing)
        e->next_step = e->now + beat_us;
    else
        prove(e);
}

/* Returns whether a step was made. */
static bool climb_terminal(engine *e) {
    /* A ^C between two children of a loop is lost: it is repeated; where the foreground is seen, for the shell, too. */
    bool blind = !parts_sees_foreground(e);
    bool misses = blind && e->shell->dialect->misses_interrupts;
    int beat = misses ? quick_beat_us : beat_us;
    int knocks = (blind && !misses ? 1 : knock_rungs) * rung_us / beat;
    /* What never arrives must not keep back what is typed for longer than half of the time. */
    if (e->recovery.step > 0 && !is_late(e) && (awaits_arrival(e) || awaits_effect(e)))
        return false;
    if (e->recovery.killing || e->recovery.stopping) {
        e->recovery.killing = false;
        prove(e);
        return false;
    }
    int again_us = blind ? quick_beat_us : beat_us;
    int knocks_again = knock_again_rungs * rung_us / again_us;
    skip_late_knocks(e, knocks, knocks_again);
    rung now = rung_at(e->recovery.step, knocks, knocks_again);
    rung next = rung_at(e->recovery.step + 1, knocks, knocks_again);
    e->next_step = e->now + (now == RUNG_KNOCK ? beat : next == RUNG_KNOCK_AGAIN ? again_us : rung_us);
    switch (now) {
    case RUNG_KNOCK:
        knock(e);
        break;
    case RUNG_CONTROL_C:
        type_control(e, 0x03);
        if ((parts_signals_aside(e) || !e->host.signal(e->owner, HOSTSESSION_SIGNAL_INTERRUPT)) && is_mute(e))
            prove(e);
        break;
    case RUNG_QUIT:
        type_control(e, 0x1c);
        quit_foreground(e);
        break;
    case RUNG_KNOCK_AGAIN:
        /* Not behind Ctrl+D, which it would throw away. */
        if (!is_late(e))
            interrupt(e);
        break;
    case RUNG_KILL:
    case RUNG_KILL_AND_PROVE:
        kill_and_prove(e, now != RUNG_KILL);
        break;
    case RUNG_STOP:
        e->recovery.signaled = e->now;
        stop_job(e);
        break;
    case RUNG_KILL_AND_CONTROL_C: {
        bool killed = kill_foreground(e);
        e->recovery.signaled = e->now;
        type_control(e, killed || !is_late(e) || parts_sees_foreground(e) ? 0x03 : 0x04);
        break;
    }
    }
    return true;
}

/* Interrupted in the middle of the command's line the shell would run the rest of it, which is quoted text: the line is
 * sent to its end, and where BEGIN will tell that it was read, that is waited for: ash keeps what it has in its buffer
 * of a line that it gives up.  (The transport looks whether anything is left in the pipe.) */
static bool still_reads(engine *e) {
    if (bytes_length(&e->outgoing))
        return true;
    /* A short line that came as one piece is read long before. */
    if (!parts_sees_foreground(e) && e->now < e->started + short_line_us)
        return true;
    if (e->silent || e->sides[HOSTSESSION_STREAM_OUTPUT].begun)
        return false;
    return !parts_sees_foreground(e) || e->recovery.beats_left-- > 0;
}

/* A shell whose prompt says nothing gives its sign by the answer to a sync that is written before the signal is sent.
 */
static void ask_ahead(engine *e) {
    parts_sync(e);
    e->recovery.ahead = e->sync_number;
    e->sync_number = 0;
    e->next_step = e->now;
}

/* Without a terminal the shell gets the signal together with what it runs, and takes no notice of it while it waits for
 * a child that has not died of it: knock again and again. */
static void climb_pipes(engine *e) {
    enum { beats = rung_us / beat_us, short_beats = beats / 2 };
    e->next_step = e->now + beat_us;
    if ((e->recovery.step == 0 && still_reads(e)) || awaits_arrival(e))
        return;
    if (e->shell->dialect->asks_ahead && !e->recovery.ahead) {
        ask_ahead(e);
        return;
    }
    int step = e->recovery.step++;
    int round = step <= beats ? 0 : 1 + (step - beats - 1) / (short_beats + 1);
    int beat = round == 0 ? step : (step - beats - 1) % (short_beats + 1);
    int last = round == 0 ? beats : short_beats;
    /* Where each signal takes its time, as on a slow host, a round has fewer of them: the next must come in time. */
    int missed = beat > 0 ? (int)((e->now - e->recovery.signaled) / beat_us) - 1 : 0;
    if (missed > 0 && beat < last) {
        missed = missed < last - beat ? missed : last - beat;
        e->recovery.step += missed;
        beat += missed;
    }
    if (beat == last) {
        prove(e);
        return;
    }
    e->recovery.signaled = e->now;
    if (beat == 0 && round == 1)
        quit_foreground(e);
    else if (beat == 0 && round > 1)
        kill_foreground(e);
    e->host.signal(e->owner, HOSTSESSION_SIGNAL_INTERRUPT);
    e->recovery.interrupts++;
}

/* Where the foreground cannot be seen: whether the shell may be about to start a program, as it is right behind its
 * line, which it parses, and behind output.  bash that gets Ctrl+C then gives up the line, and forgets that program: it
 * lives on, or has the terminal still, and bash, whose next read fails, exits. */
static bool may_start(engine *e) {
    bool is_long = parts_long_line(e) && !e->recovery.cut;
    bool reads = is_long && !e->sides[HOSTSESSION_STREAM_OUTPUT].begun;
    int64_t last = e->heard > e->started ? e->heard : e->started;
    int64_t quiet = last + quiet_us + (is_long ? (int64_t)e->command.length * parse_byte_us : 0);
    int64_t until = e->recovery.started + (is_long ? most_long_us : most_quiet_us);
    if (!e->config.tty || parts_sees_foreground(e) || e->now >= until || (!reads && e->now >= quiet))
        return false;
    e->next_step = reads ? e->now + beat_us : quiet;
    return true;
}

static void climb(engine *e) {
    e->recovery.knocked = false;
    e->recovery.held_step = 0;
    /* The shell has answered once: its second answer is late, or was thrown away.  What would stop a command would now
     * meet the shell alone, and, from far away, only after it has been let go.  But bash without job control, given up
     * just as it had started a program that did not see the signal yet, waits for it when it runs its next command. */
    if (e->recovery.proven) {
        if (e->now >= e->recovery.proven_at + forgotten_us)
            kill_foreground(e);
        if (e->phase == PHASE_RECOVERING)
            prove(e);
        return;
    }
    if (!e->config.tty) {
        climb_pipes(e);
        return;
    }
    if (e->recovery.step == 0) {
        /* What has not been sent yet would only be eaten. */
        e->recovery.cut |= bytes_length(&e->outgoing) > 0;
        engine_sent(e, bytes_length(&e->outgoing));
        e->outgoing_dropped = true;
        /* Ctrl+C is to be Ctrl+C, whatever the program made of the terminal. */
        e->host.reset_terminal(e->owner);
        if (may_start(e))
            return;
    }
    if (!climb_terminal(e))
        return;
    e->recovery.step++;
    e->recovery.knocked = e->shell->dialect->quiet_prompt;
    if (e->recovery.step > 1 && e->shell->dialect->interrupt_newline)
        e->sides[HOSTSESSION_STREAM_OUTPUT].notices.answers++;
}

/* The proof is made again once the last signal has arrived: it would meet the next command. */
static void await_signals(engine *e) {
    e->next_step = e->now + beat_us;
    e->recovery.awaits_signals = e->host.signals_pending(e->owner);
    if (!e->recovery.awaits_signals)
        prove(e);
}

void recovery_advance(engine *e) {
    if (e->now >= e->deadline)
        recovery_give_up(e);
    else if (e->recovery.awaits_signals && e->now >= e->next_step)
        await_signals(e);
    else if (e->now >= e->next_step)
        climb(e);
}

void recovery_synced(engine *e) {
    if (e->host.signals_pending(e->owner)) {
        e->recovery.proven = false;
        await_signals(e);
        return;
    }
    /* What we sent may still throw away the next line, or make the shell print one more prompt: the second time it is
     * over with that. */
    if (!e->recovery.proven) {
        note_interrupted(e);
        e->recovery.proven = true;
        e->recovery.proven_at = e->now;
        ask(e);
        e->next_step = e->now + rung_us;
        return;
    }
    e->shell->terminal_dirty = e->config.tty;
    command_finish(e, e->stop_error, recovery_status(e), -1, &e->reason);
}
