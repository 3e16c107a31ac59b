/* SPDX-License-Identifier: MIT */
/* What looks like a console's prompt, and the proof that it is one.  docs/design/console.md has the reasons. */
#include "engine/console_parts.h"

#include <string.h>

/* For a probe's answer, before the next one: twice as long each time, for so long. */
enum { patience_settles = 4, longest_patience_us = 60 * 1000 * 1000 };

static void probe(engine *e) {
    console *c = e->console;
    c->probed = true;
    c->early_echo = e->host.echoes(e->owner) == 1;
    c->owed++;
    c->timer = parts_after(e, c->patience_us);
    if (c->patience_us < longest_patience_us)
        c->patience_us *= 2;
    parts_type(e, c->probe, strlen(c->probe), false);
}

static void give_back(engine *e) {
    console *c = e->console;
    c->candidate = false;
    c->timer = INT64_MAX;
    c->doubtful |= c->probed;
    /* The terminal's own echo of our Enter, at once, in the middle of the output. */
    char *behind = bytes_front(&c->held) + c->end;
    size_t left = bytes_length(&c->held) - c->end;
    size_t size = left && *behind == '\r' ? 2 : 1;
    if (c->probed && c->early_echo && c->prompt_count == 1 && left >= size && behind[size - 1] == '\n') {
        memmove(behind, behind + size, left - size);
        c->held.end -= size;
    }
}

/* How much of held[from ..) is one more prompt, in answer to a probe; 0: not all of it has come; SIZE_MAX: it is
 * something else. */
static size_t take_answer(console *c, size_t from, size_t *ret_start) {
    const char *held = bytes_front(&c->held);
    size_t length = bytes_length(&c->held);
    size_t at = from;
    bool new_line = false;
    while (at < length && (held[at] == '\r' || held[at] == '\n' || held[at] == 0x1b || held[at] == 0)) {
        size_t size = held[at] == 0x1b ? tail_sequence(held + at, length - at) : 1;
        if (size == 0)
            return 0;
        new_line |= held[at] == '\n';
        at += size;
    }
    if (at == length)
        return 0;
    /* A console that echoes shows the Enter. */
    if (c->echoes && !new_line)
        return SIZE_MAX;
    size_t end = at;
    while (end < length && held[end] != '\r' && held[end] != '\n')
        end++;
    tail t;
    tail_read(&t, held, at, end);
    *ret_start = at;
    if (end - at <= console_line_bytes && prompt_same(&c->looks, t.text, t.length))
        return end - from;
    /* Without echo they stand side by side. */
    if (t.length > c->looks.length && memcmp(t.text, c->looks.text, c->looks.length) == 0)
        return t.at[c->looks.length] - from;
    pattern_match match;
    prompt whole;
    prompt_set(&whole, t.text, t.length);
    /* What stands alone in its line is the whole of the prompt: the pattern may have matched only its end, or also
     * output without a newline before it. */
    if (c->prompt_count == 1 && prompt_ends(&whole, c->line.text, c->line.length) &&
        tail_matches(&t, c->prompts, &match)) {
        tail first;
        tail_read(&first, held, tail_line_start(held, c->end), c->end);
        if (first.length >= t.length)
            c->starts[0] = first.at[first.length - t.length];
        c->looks = whole;
        return end - from;
    }
    bool part = t.length < c->line.length && memmem(c->line.text, c->line.length, t.text, t.length);
    return end == length && part ? 0 : SIZE_MAX;
}

bool candidate_judge(engine *e) {
    console *c = e->console;
    size_t start;
    while (c->end < bytes_length(&c->held)) {
        size_t taken = c->probed || c->owed ? take_answer(c, c->end, &start) : SIZE_MAX;
        if (taken == 0) {
            /* The rest is on its way. */
            c->timer = parts_after(e, patience_settles * c->settle_us);
            return true;
        }
        if (taken == SIZE_MAX || c->prompt_count == console_most_prompts) {
            give_back(e);
            return false;
        }
        c->starts[c->prompt_count++] = start;
        c->end += taken;
        c->timer = parts_after(e, c->prompt_count > c->owed ? c->settle_us : patience_settles * c->settle_us);
    }
    return true;
}

/* Where in the line held[start .. end) the candidate's prompt stands at its end, too; SIZE_MAX: nowhere. */
static size_t find_same(const console *c, size_t start, size_t end) {
    tail t;
    tail_read(&t, bytes_front(&c->held), start, end);
    if (prompt_same(&c->looks, t.text, t.length))
        return start;
    size_t skip = t.length - c->looks.length;
    return t.length > c->looks.length && memcmp(t.text + skip, c->looks.text, c->looks.length) == 0 ? t.at[skip]
                                                                                                    : SIZE_MAX;
}

/* Prompts right before the candidate that probes are owed. */
static void look_back(console *c) {
    const char *held = bytes_front(&c->held);
    size_t starts[console_most_prompts];
    size_t count = 0;
    size_t start = tail_line_start(held, c->starts[0]);
    starts[count++] = c->starts[0];
    /* Without echo they stand side by side. */
    size_t size = c->end - c->starts[0];
    while (!c->echoes && count <= c->owed && count < console_most_prompts && starts[count - 1] >= start + size &&
           memcmp(held + starts[count - 1] - size, held + c->starts[0], size) == 0) {
        starts[count] = starts[count - 1] - size;
        count++;
    }
    if (starts[count - 1] > start)
        start = 0;
    while (start > 0 && count <= c->owed && count < console_most_prompts) {
        size_t end = start - 1;
        while (end > 0 && held[end - 1] == '\r')
            end--;
        start = tail_line_start(held, end);
        if (end > start) {
            size_t same = find_same(c, start, end);
            if (same == SIZE_MAX)
                break;
            starts[count++] = same;
            /* Behind output without a newline: the first of them. */
            if (same > start)
                break;
        }
    }
    for (size_t i = 0; i < count; i++)
        c->starts[i] = starts[count - 1 - i];
    c->prompt_count = count;
}

void candidate_find(engine *e, const tail *t, const pattern_match *match) {
    console *c = e->console;
    size_t from = match->groups[0][0];
    if (t->length == c->last.length && prompt_same(&c->last, t->text, t->length))
        from = 0;
    else if (c->last.length && c->last.length <= t->length &&
             memcmp(t->text + t->length - c->last.length, c->last.text, c->last.length) == 0)
        from = t->length - c->last.length;
    c->candidate = true;
    c->probed = c->early_echo = false;
    c->patience_us = patience_settles * c->settle_us;
    c->starts[0] = t->at[from];
    c->end = bytes_length(&c->held);
    prompt_set(&c->looks, t->text + from, t->length - from);
    prompt_set(&c->line, t->text, t->length);
    look_back(c);
    c->timer = parts_after(e, c->owed ? c->patience_us : c->settle_us);
    c->looks_echo = e->host.echoes(e->owner);
    c->doubtful |= c->last.length && c->looks_echo != c->last_echo;
    bool known = from == 0 && prompt_same(&c->last, c->looks.text, c->looks.length);
    bool at_once = known && !c->doubtful && !(c->echo_waits && c->echoes) &&
                   (c->stage == STAGE_RUNNING || c->stage == STAGE_STATUS || c->stage == STAGE_SETUP);
    /* The modes are newer than what was read: if more was written before they were looked at, that tells. */
    if (at_once && c->probe[0] && !(e->host.has_more && e->host.has_more(e->owner)))
        probe(e);
}

void candidate_quiet(engine *e) {
    console *c = e->console;
    c->timer = INT64_MAX;
    tail t;
    tail_read(&t, bytes_front(&c->held), c->end, bytes_length(&c->held));
    if (t.length)
        /* Some of an answer. */
        c->timer = parts_after(e, patience_settles * c->settle_us);
    else if (!c->probe[0] || (c->probed && c->prompt_count > 1) || (c->owed && c->prompt_count > c->owed))
        console_proven(e);
    else
        probe(e);
}

bool candidate_is_proven(const console *c) {
    return c->candidate && c->probed && !c->doubtful && c->prompt_count > c->owed && c->end == bytes_length(&c->held);
}
