/* SPDX-License-Identifier: MIT */
/*
 * runner FOLDER: play every transcript of the folder, and say in TAP what came of it:
 *   as written; with what arrives cut in two at every point; byte by byte: always with the same events;
 *   and with each allocation of the engine failing in turn: no crash, and every command done exactly once.
 */
#include "memory.h"
#include "player.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What is longer is cut at this many points only. */
enum { most_cuts = 1500, most_failures = 400, shown_bytes = 1200 };

static unsigned test_count;
static unsigned failure_count;

static void report(bool right, const char *name, const char *how, const text *why) {
    printf("%s %u - %s: %s\n", right ? "ok" : "not ok", ++test_count, name, how);
    failure_count += !right;
    for (const char *at = text_data(why); !right && *at;) {
        size_t length = strcspn(at, "\n");
        printf("# %.*s%s\n", (int)(length < shown_bytes ? length : shown_bytes), at, length > shown_bytes ? "..." : "");
        at += length + (at[length] == '\n');
    }
}

/* Whether `line` is what is expected; {*} stands for anything, {**} for all other lines of the step. */
static bool fits(const char *expected, const char *line, size_t length) {
    for (; *expected; expected++, line++, length--) {
        if (strncmp(expected, "{*}", 3) == 0) {
            for (size_t skip = 0; skip <= length; skip++)
                if (fits(expected + 3, line + skip, length - skip))
                    return true;
            return false;
        }
        if (length == 0 || *expected != *line)
            return false;
    }
    return length == 0;
}

static bool compare(const script_step *step, const text *events) {
    const char *at = text_data(events);
    for (size_t i = 0; i < step->expected_count; i++) {
        size_t length = strcspn(at, "\n");
        if (strcmp(step->expected[i], "{**}") == 0)
            return true;
        if (*at == 0 || !fits(step->expected[i], at, length))
            return false;
        at += length + 1;
    }
    return *at == 0;
}

static void explain(const script *s, const script_step *step, const text *events, text *why) {
    text_printf(why, "%s:%zu: expected\n", s->path, step->line);
    for (size_t i = 0; i < step->expected_count; i++)
        text_printf(why, "    %s\n", step->expected[i]);
    text_printf(why, "but there was\n%s", text_data(events));
}

/* Play all of `s`.  Keeps what each step did in `record`, or, when `same` is set, compares with what is there. */
static bool play(const script *s, player *p, text *record, bool same, text *why) {
    bool right = true;
    for (size_t i = 0; right && i < s->step_count; i++) {
        const script_step *step = &s->steps[i];
        right = player_step(p, step, i);
        bool opening = strcmp(text_data(&step->words[0].value), "opened") == 0;
        if (right && opening)
            right = text_contains(&p->events, "ready\n");
        else if (right)
            right = compare(step, &p->events);
        if (right && same)
            right = text_equals(&record[i], text_data(&p->events), p->events.length);
        else
            text_append(&record[i], text_data(&p->events), p->events.length);
        if (!right)
            explain(s, step, &p->events, why);
    }
    const char *verdict = right ? player_verdict(p) : NULL;
    if (verdict)
        text_printf(why, "%s: %s\n", s->path, verdict);
    return right && !verdict;
}

static bool play_cut(const script *s, size_t step, size_t at, size_t pieces, text *record, text *why) {
    player p = {0};
    player_start(&p);
    p.cut_step = step;
    p.cut_at = at;
    p.pieces = pieces;
    bool right = play(s, &p, record, true, why);
    if (!right && pieces == 0)
        text_printf(why, "(what arrives in line %zu was cut at byte %zu)\n", s->steps[step].line, at);
    player_free(&p);
    return right;
}

static bool play_cuts(const script *s, text *record, text *why) {
    for (size_t i = 0; i < s->step_count; i++) {
        size_t length = player_arriving(&s->steps[i]);
        size_t stride = length / most_cuts + 1;
        for (size_t at = 1; at < length; at += stride)
            if (!play_cut(s, i, at, 0, record, why))
                return false;
    }
    return true;
}

/* Events differ then, but not what must always be true. */
static bool play_without_memory(const script *s, size_t nth, text *why) {
    player p = {0};
    player_start(&p);
    memory_fail(nth);
    for (size_t i = 0; i < s->step_count; i++) {
        /* Commands are for a session that is idle, and nothing is for one that has ended or was not made. */
        bool idle = p.engine && engine_state(p.engine) == HOSTSESSION_IDLE;
        const char *what = text_data(&s->steps[i].words[0].value);
        bool needs_idle = strcmp(what, "run") == 0 || strcmp(what, "expect") == 0 || strcmp(what, "send") == 0;
        if ((needs_idle && (!idle || p.patterns)) || p.ends)
            continue;
        if (!player_step(&p, &s->steps[i], i) && !p.engine)
            break;
    }
    memory_fail(0);
    const char *verdict = player_verdict(&p);
    if (verdict)
        text_printf(why, "%s: %s, when allocation %zu fails\n", s->path, verdict, nth);
    player_free(&p);
    return !verdict;
}

/* In a process of its own, which may crash; it writes what is wrong, or which allocation it was at. */
static void play_failures_apart(const script *s, size_t count, int to) {
    size_t stride = count / most_failures + 1;
    for (size_t nth = 1; nth <= count; nth += stride) {
        text why = {0};
        bool right = play_without_memory(s, nth, &why);
        dprintf(to, right ? "." : "%s", text_data(&why));
        text_free(&why);
        if (!right)
            return;
    }
}

static bool play_failures(const script *s, size_t count, text *why) {
    int ends[2];
    fflush(stdout);
    if (pipe2(ends, O_CLOEXEC) != 0)
        abort();
    pid_t child = fork();
    if (child == 0) {
        play_failures_apart(s, count, ends[1]);
        _exit(0);
    }
    close(ends[1]);
    size_t played = 0;
    char piece[512];
    ssize_t length;
    while ((length = read(ends[0], piece, sizeof piece)) > 0)
        for (ssize_t i = 0; i < length; i++)
            if (piece[i] == '.' && why->length == 0)
                played++;
            else
                text_append(why, &piece[i], 1);
    close(ends[0]);
    int status = -1;
    waitpid(child, &status, 0);
    if (status != 0)
        text_printf(why, "%s: crashed when allocation %zu of %zu failed\n", s->path,
                    played * (count / most_failures + 1) + 1, count);
    return why->length == 0;
}

static void play_file(const char *path, const char *name) {
    script s;
    text why = {0};
    script_read(&s, path);
    text *record = allocate((s.step_count + 1) * sizeof *record);
    player p = {0};
    player_start(&p);
    memory_fail(0);
    bool right = play(&s, &p, record, false, &why);
    size_t allocations = memory_count();
    player_free(&p);
    report(right, name, "as written", &why);
    if (right) {
        report(play_cuts(&s, record, &why), name, "cut at every point", &why);
        text_clear(&why);
        report(play_cut(&s, SIZE_MAX, 0, 1, record, &why), name, "byte by byte", &why);
        text_clear(&why);
        report(play_failures(&s, allocations, &why), name, "without memory", &why);
    }
    for (size_t i = 0; i < s.step_count; i++)
        text_free(&record[i]);
    free(record);
    text_free(&why);
    script_free(&s);
}

static int is_transcript(const struct dirent *entry) {
    const char *dot = strrchr(entry->d_name, '.');
    return dot && strcmp(dot, ".transcript") == 0;
}

int main(int argc, char **argv) {
    struct dirent **entries = NULL;
    int count = argc == 2 ? scandir(argv[1], &entries, is_transcript, alphasort) : -1;
    if (count <= 0) {
        printf("Bail out! runner FOLDER: a folder with transcripts is wanted\n");
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 0; i < count; i++) {
        text path = {0};
        text_printf(&path, "%s/%s", argv[1], entries[i]->d_name);
        play_file(text_data(&path), entries[i]->d_name);
        text_free(&path);
        free(entries[i]);
    }
    free(entries);
    printf("1..%u\n", test_count);
    return failure_count > 0;
}
