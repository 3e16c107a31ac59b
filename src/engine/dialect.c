/* SPDX-License-Identifier: MIT */
#include "engine/dialect.h"
#include "engine/shells.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { piece_bytes = 120 };
static const char end_function[] = "_hs_e";

/* Its fields: see marker.h. */
bool dialect_question(const char *token, uint64_t number, bytes *to) {
    return bytes_printf(to,
                        " \\command printf '\\036%s;A;%" PRIu64
                        ";%%s;%%s;%%s;%%s;%%s;%%s;%%s;%%s\\036%s\\n' \"${BASH_VERSION-}\" "
                        "\"${ZSH_VERSION-}\" \"${KSH_VERSION-}\" $'\\101' \"${LOGNAME:-${USER-}}\" \"$$\" "
                        "\"$-:${SHELLOPTS-}\" \"$PWD\"\n",
                        token, number, token);
}

/* fish leaves a line that it does not understand standing: Ctrl+U. */
static bool append_clear(bool tty, bytes *to) {
    return !tty || bytes_append(to, "\025", 1);
}

bool dialect_foreign_question(const char *token, bool tty, bytes *to) {
    return append_clear(tty, to) && bytes_printf(to, " echo " foreign_sign "\"\"%s\n", token);
}

bool dialect_replace_foreign(bool tty, bytes *to) {
    return append_clear(tty, to) &&
           bytes_append_text(to, " exec /bin/sh -c 'command -v bash >/dev/null 2>&1&&exec env HISTFILE=/dev/null "
                                 "bash --noediting --norc --noprofile -i;exec env HISTFILE=/dev/null ENV= sh -i'\n");
}

const dialect *dialect_of_answer(const marker *a) {
    if (a->fields[answer_bash].length)
        return &shell_bash;
    if (a->fields[answer_zsh].length)
        return &shell_zsh;
    if (a->fields[answer_ksh].length)
        return memmem(a->fields[answer_ksh].text, a->fields[answer_ksh].length, "MIRBSD", 6) ? &shell_mksh
                                                                                             : &shell_ksh93;
    bool has_ansi_quotes = a->fields[answer_ansi].length == 1 && a->fields[answer_ansi].text[0] == 'A';
    return has_ansi_quotes ? &shell_ash : &shell_dash;
}

bool dialect_unaliased(const dialect *d, const marker *m) {
    const char *flags = m->fields[end_flags].text;
    size_t length = m->fields[end_flags].length;
    size_t options = length;
    while (options && flags[options - 1] >= '0' && flags[options - 1] <= '9')
        options--;
    return d->counts_aliases && length - options == 1 && flags[options] == '0';
}

bool dialect_edits_lines(const marker *a) {
    const char *flags = a->fields[answer_flags].text;
    size_t length = a->fields[answer_flags].length;
    const dialect *d = dialect_of_answer(a);
    bool told = marker_field_has(a, answer_flags, ':');
    if (told && d == &shell_bash)
        return memmem(flags, length, ":emacs", 6) || memmem(flags, length, ":vi", 3);
    return !told || d != &shell_dash;
}

/* What every line begins with. */
static const char *lead(const dialect *d) {
    return d->blank_hides ? " " : "";
}

static const char *plain(const dialect *d) {
    return d->plain ? d->plain : "";
}

/* Several lines, in fact, each with its newline. */
static bool append_line(const dialect *d, const char *line, const char *token, bytes *to) {
    bool right = true;
    bool begins = true;
    while (right && *line) {
        size_t length = strcspn(line, "@\n");
        char end = line[length];
        bool doubled = end == '@' && line[length + 1] == '@';
        right = (!begins || bytes_append_text(to, lead(d))) && bytes_append(to, line, length + (end == '\n')) &&
                (end != '@' || bytes_append_text(to, doubled ? "@" : token));
        begins = end == '\n';
        line += length + (end != '\0') + doubled;
    }
    return right;
}

static bool append_lines(const dialect *d, const char *const *lines, const char *token, bytes *to) {
    while (*lines)
        if (!append_line(d, *lines++, token, to))
            return false;
    return true;
}

/* The number that the line's prompt will carry; in an empty prompt nobody would see it. */
static bool append_number(const dialect *d, uint64_t number, bytes *to) {
    return d->quiet_prompt || (bytes_append_text(to, lead(d)) && bytes_append_text(to, "_hs_k=") &&
                               bytes_append_number(to, number) && bytes_append(to, ";", 1));
}

bool dialect_set_terminal(const dialect *d, bytes *to) {
    return bytes_append_text(to, lead(d)) &&
           bytes_append_text(to, terminal_setter "-echo -opost -ixon -ixoff 2>/dev/null");
}

/* ... within a line whose END it comes before. */
static bool append_set_terminal(const dialect *d, bytes *to) {
    return dialect_set_terminal(d, to) && bytes_printf(to, "||:%s;", d->width_changed ? d->width_changed : "");
}

/* In a subshell no DEBUG trap runs, but in a group with a redirection it does, and in ksh93 that changes `$?`. */
static bool append_end_opening(end_style style, bytes *to) {
    static const char *const openings[] = {
        [END_PLAIN] = "", [END_HUSHED] = "{ ", [END_GUARDED] = "{ ", [END_ASIDE] = "("};
    return bytes_append_text(to, openings[style]);
}

/* `status` is the word that gives it; a number needs no quotes. */
static bool append_end_call(const dialect *d, const char *function, uint64_t number, const char *status,
                            end_style style, bytes *to) {
    if (*status == '0')
        return bytes_printf(to, "%s %" PRIu64 " %s", function, number, status);
    return bytes_append_text(to, function) && bytes_append_text(to, d->joins_end ? " \"" : " ") &&
           bytes_append_number(to, number) && bytes_append_text(to, d->joins_end ? ";" : " \"") &&
           bytes_append_text(to, status) && bytes_append_text(to, d->quiet_functions ? ";$-\"" : "\"") &&
           (!d->tells_guard || style != END_GUARDED || bytes_append_text(to, " g")) &&
           (style != END_ASIDE || bytes_append(to, ")", 1));
}

static bool append_line_end(end_style style, bytes *to) {
    static const char *const ends[] = {[END_PLAIN] = "\n",
                                       [END_HUSHED] = ";} 2>/dev/null\n",
                                       [END_GUARDED] = ";} >/dev/null 2>&1\n",
                                       [END_ASIDE] = "\n"};
    return bytes_append_text(to, ends[style]);
}

bool dialect_sync(const dialect *d, const sync_line *sync, bytes *to) {
    /* The number of the prompt is assigned first. */
    bool keeps = sync->typed_ahead && !d->quiet_prompt;
    /* A signal takes the beginning of a line away from a shell that reads single bytes: an odd quote in what is left
     * would swallow all that follows.  Behind what makes it obey the status is 0 anyway. */
    bool plain_status = sync->signaled && d->obey && !d->quiet_functions;
    const char *status = keeps ? "$_hs_v" : plain_status ? "0" : "$?";
    /* A shell that reads single bytes may lose one to the signal that was sent just before. */
    bool blank = (sync->signaled || sync->typed_ahead) && !*lead(d);
    return (!blank || bytes_append(to, " ", 1)) &&
           (!keeps || (bytes_append_text(to, lead(d)) && bytes_append_text(to, "_hs_v=$?;"))) &&
           append_number(d, sync->number, to) && (!sync->signaled || !d->obey || bytes_append_text(to, d->obey)) &&
           append_end_opening(sync->end, to) && (!sync->sets_terminal || append_set_terminal(d, to)) &&
           append_end_call(d, d->whole_end ? d->whole_end : end_function, sync->number, status, sync->end, to) &&
           append_line_end(sync->end, to);
}

bool dialect_exit(const dialect *d, uint64_t number, int status, bytes *to) {
    return (*lead(d) || bytes_append(to, " ", 1)) && append_number(d, number, to) &&
           bytes_printf(to, "\\exit %d\n", status);
}

bool dialect_quiet(const dialect *d, const char *token, bool set_terminal, bool names_user, uint64_t number,
                   bytes *to) {
    bool behind = set_terminal && d->editor_restores;
    if (set_terminal && !behind &&
        !((*lead(d) || bytes_append(to, " ", 1)) && dialect_set_terminal(d, to) && bytes_append(to, "\n", 1)))
        return false;
    const char *user = names_user ? " \"$(\\command id -un 2>/dev/null)\"" : "";
    if (d->editors_off &&
        !(bytes_append_text(to, lead(d)) && bytes_append_text(to, d->editors_off) && bytes_append(to, ";", 1)))
        return false;
    if (behind && !append_set_terminal(d, to))
        return false;
    return !number || bytes_printf(to, "%s\\command printf '\\036%s;E;%%s;0;;1;;;%s\\036%s\\n' %" PRIu64 "%s\n",
                                   lead(d), token, names_user ? "%s" : "", token, number, user);
}

static bool append_first_end(const dialect *d, bool tty, bool ordered, uint64_t number, bytes *to) {
    if (!d->first_end)
        return append_number(d, number, to) && append_end_call(d, end_function, number, "${_hs_u-1}", END_PLAIN, to) &&
               append_line_end(END_PLAIN, to);
    return bytes_append_text(to, "_hs_n=") && bytes_append_number(to, number) && bytes_append(to, ";", 1) &&
           bytes_append_text(to, tty       ? d->first_end
                                 : ordered ? d->first_pipe_end
                                           : d->first_error_end);
}

bool dialect_teach(const dialect *d, const char *token, bool tty, bool ordered, uint64_t number, bytes *to) {
    return append_lines(d, d->quiet, token, to) &&
           (tty || append_line(d, ordered ? d->pipe_end : d->error_end, token, to)) &&
           append_lines(d, tty ? d->tty_functions : d->pipe_functions, token, to) &&
           append_first_end(d, tty, ordered, number, to);
}

static bool append_begin(const dialect *d, const frame *f, const char *function, bytes *to) {
    /* As the first of an && list a status other than 0 neither ends a shell under `set -e` nor runs an ERR trap. */
    return bytes_printf(to, "%s %" PRIu64 " %s%d%s;", function, f->number, plain(d), f->previous_status,
                        f->previous_status ? "&&:" : "");
}

static bool append_guarded_begin(const dialect *d, const frame *f, bytes *to) {
    return bytes_append_text(to, "{ ") && append_begin(d, f, "_hs_g", to) && bytes_append_text(to, "} >/dev/null 2>&1");
}

static bool append_start(const dialect *d, const frame *f, bytes *to) {
    if (f->guarded)
        return !f->apart || (append_guarded_begin(d, f, to) && bytes_append(to, ";", 1));
    if (!f->silent)
        return (!d->tells_of_jobs || f->restricted || bytes_append_text(to, "\\builtin jobs >/dev/null 2>&1;")) &&
               append_begin(d, f, "_hs_b", to);
    return f->previous_status == 0 || bytes_printf(to, "_hs_s %s%d&&:;", plain(d), f->previous_status);
}

/* The text that eval gets: the command; in a guarded frame behind BEGIN, so that what a trace or a DEBUG trap prints
 * for the eval itself lies before it. */
static bool append_text(const dialect *d, const frame *f, bytes *to) {
    if (f->guarded && !f->apart)
        return append_guarded_begin(d, f, to) && bytes_append(to, "\n", 1) && bytes_append(to, f->command, f->length);
    /* eval would take it for an option. */
    bool option = f->length && (f->command[0] == '-' || f->command[0] == '+');
    return (!option || bytes_append(to, " ", 1)) && bytes_append(to, f->command, f->length) &&
           (!f->keeps_status || bytes_append_text(to, "\n_hs_z=$?"));
}

/* A long text as assignments, a line each, that put it together in a variable: for a shell that loses part of a quoted
 * word when its line is broken. */
static bool append_pieces(const dialect *d, const bytes *text, bytes *to) {
    const char *at = bytes_front(text);
    size_t left = bytes_length(text);
    const char *name = "_hs_v=";
    if (!bytes_append_text(to, ":\n"))
        return false;
    while (left) {
        size_t piece = left < piece_bytes ? left : piece_bytes;
        /* Not inside a UTF-8 character. */
        while (piece < left && ((unsigned char)at[piece] & 0xc0) == 0x80)
            piece++;
        if (!bytes_append_text(to, name) || !quote_append(to, d->tty_quotes, at, piece, false) ||
            !bytes_append(to, "\n", 1))
            return false;
        at += piece;
        left -= piece;
        name = "_hs_v=$_hs_v";
    }
    return true;
}

static bool is_sourced(const dialect *d, const frame *f) {
    return d->source && hints_switch_editor(f->hints);
}

/* Plain words end where they end: a group in the place of quotes and eval spares bash a sixth of the time of a short
 * command.  Where a signal takes away the beginning of the line, what is left of the group is a syntax error. */
static bool is_grouped(const dialect *d, const frame *f) {
    enum { most_bytes = 160 };
    return f->unaliased && !f->guarded && !f->keeps_status && !f->entry_token && !is_sourced(d, f) &&
           f->length <= most_bytes && quote_needs_none(f->command, f->length);
}

/* The terminal is set again before END: what is typed behind that must find it so. */
static bool append_status(const dialect *d, const frame *f, bytes *to) {
    const char *status = f->keeps_status ? "${_hs_z:-$?}" : "$?";
    if (!f->sets_terminal)
        return append_end_call(d, end_function, f->number, status, f->end, to);
    return bytes_printf(to, "_hs_v=%s;", status) && append_set_terminal(d, to) &&
           append_end_call(d, end_function, f->number, "$_hs_v", f->end, to);
}

static bool append_end(const dialect *d, const frame *f, bytes *to) {
    return bytes_append_text(to, f->tty ? "" : d->pipe_input) && bytes_append(to, ";", 1) &&
           append_end_opening(f->end, to) && append_status(d, f, to) &&
           (!f->drain || bytes_printf(to, ";%s;_hs_i %" PRIu64, d->drainer, f->number)) &&
           (!is_sourced(d, f) || bytes_append_text(to, d->source_end)) &&
           (!(f->hints & d->mend_words) || bytes_append_text(to, f->tty || !d->pipe_mend ? d->mend : d->pipe_mend)) &&
           append_line_end(f->end, to);
}

bool dialect_drained(uint64_t number, bytes *to) {
    return bytes_printf(to, ": _hs_i %" PRIu64 "\n", number);
}

bool dialect_in_pieces(const dialect *d, size_t length) {
    return d->in_pieces && length > piece_bytes;
}

/* What stands for the command in its line.  `text` is what is evaluated, NULL: nothing; `pieces`: it is in a variable.
 */
static bool append_command(const dialect *d, const frame *f, const bytes *text, bool pieces, bytes *to) {
    if (!text)
        return bytes_append(to, "{ ", 2) && bytes_append(to, f->command, f->length) && bytes_append(to, ";}", 2);
    return bytes_append_text(to, is_sourced(d, f) ? d->source : d->eval) &&
           (pieces ? bytes_append_text(to, "\"$_hs_v\"")
                   : quote_append(to, f->tty ? d->tty_quotes : d->pipe_quotes, bytes_front(text), bytes_length(text),
                                  f->tty));
}

bool dialect_frame(const dialect *d, const frame *f, bytes *to) {
    bytes text = {0};
    bool grouped = is_grouped(d, f);
    bool right = grouped || append_text(d, f, &text);
    size_t length = bytes_length(&text);
    bool pieces = f->tty && dialect_in_pieces(d, length);
    if (right && f->tty && d->tty_quotes == QUOTE_VARIABLES)
        right = quote_define(to, quote_controls(bytes_front(&text), length));
    if (right && pieces)
        right = append_pieces(d, &text, to);
    if (right && f->entry_token && d->quiet_prompt)
        right = bytes_printf(to, "\\builtin printf -v PS1 '\\036%s;P;%" PRIu64 ";$?\\036%s\\n' 2>/dev/null;",
                             f->entry_token, f->number, f->entry_token);
    else if (right && f->tty && f->moves_errors && d->own_prompt)
        right = bytes_append_text(to, d->own_prompt);
    right = right && append_number(d, f->number, to) && (!f->echo || bytes_append_text(to, "stty echo;")) &&
            (!f->keeps_status || bytes_append_text(to, "_hs_z=;")) && append_start(d, f, to) &&
            append_command(d, f, grouped ? NULL : &text, pieces, to);
    bytes_wipe(&text);
    return right && append_end(d, f, to);
}

bool dialect_traps(const dialect *d, hints h) {
    return d->debug_trap && (h & HINT(DEBUG_SIGNAL));
}

bool dialect_traps_errors(const dialect *d, hints h) {
    return d->error_trap && hints_trap_errors(h);
}

bool dialect_suspicious(const dialect *d, hints h) {
    return hints_trace(h) || dialect_traps(d, h);
}

/* The last one, NULL if there is none: a trace stands at the very end. */
static const char *find_last(const char *text, size_t length, const char *name) {
    enum { window_bytes = 16 * 1024 };
    size_t window = length < window_bytes ? length : window_bytes;
    const char *found = NULL;
    for (const char *at = text + length - window;
         (at = memmem(at, (size_t)(text + length - at), name, strlen(name))) != NULL; at++)
        found = at;
    return found;
}

size_t dialect_trace_start(const dialect *d, const char *output, size_t length, uint64_t number, bool sync,
                           int64_t prefix) {
    char name[40];
    const char *function = sync && d->whole_end ? d->whole_end : end_function;
    snprintf(name, sizeof name, d->joins_end ? "%s '%" PRIu64 ";" : "%s %" PRIu64 " ", function, number);
    const char *found = find_last(output, length, name);
    /* Verbose shows it as it was typed, before that. */
    snprintf(name, sizeof name, d->joins_end ? "%s \"%" PRIu64 ";" : "%s %" PRIu64 " ", function, number);
    const char *typed = sync ? find_last(output, length, name) : NULL;
    if (typed) {
        found = typed;
        prefix = 0;
    }
    if (!found)
        return length;
    if (prefix > 0 && found - output >= prefix && found[-prefix] == '+')
        return (size_t)(found - prefix - output);
    while (found > output && found[-1] != '\n')
        found--;
    return (size_t)(found - output);
}
