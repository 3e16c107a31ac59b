/* SPDX-License-Identifier: MIT */
/* The shell at the other end, as far as it is played without the transcript's words. */
#include "parts.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

/* A prompt of bash has no number. */
unsigned long long player_prompt_number(const player *p, unsigned long long line) {
    return strcmp(engine_shell(p->engine), "bash") == 0 ? 0 : line;
}

void player_receive(player *p, hostsession_stream stream, const text *data, bool cut, size_t cut_at) {
    size_t size = p->pieces ? p->pieces : data->length;
    for (size_t at = 0; at < data->length;) {
        size_t stop = at + size < data->length ? at + size : data->length;
        if (cut && at < cut_at && stop > cut_at)
            stop = cut_at;
        /* A copy of its own, so that a look past its end is found. */
        char *piece = allocate(stop - at);
        memcpy(piece, data->data + at, stop - at);
        memory_engine(true);
        engine_receive(p->engine, stream, piece, stop - at, p->now);
        memory_engine(false);
        free(piece);
        at = stop;
    }
}

/* bash has number and status as one quoted word. */
static unsigned long long number_at(const char *word) {
    return strtoull(word + (*word == '"'), NULL, 10);
}

static void add_asked(player *p, char kind, const char *number) {
    unsigned long long value = number_at(number);
    if (value > p->typed)
        p->typed = value;
    if (p->line_count == player_max_lines)
        return;
    p->lines[p->line_count].kind = kind;
    p->lines[p->line_count].number = value;
    p->lines[p->line_count++].due = p->distance < 0 ? INT64_MAX : p->now + p->distance;
}

/* Lines that ask for a marker only; a command's own END comes when the transcript says so. */
static void look_at_line(player *p, const char *line) {
    const char *quieting = strstr(line, ";E;%s;0;;1;;;");
    const char *asking = strstr(line, ";A;");
    const char *call = line + strspn(line, " ");
    if (strncmp(call, "_hs_k=", 6) == 0)
        call += strcspn(call, ";") + 1;
    if (strncmp(call, "(\\builtin :);", 13) == 0)
        call += 13;
    call += strspn(call, "{( ");
    const char *last = NULL;
    if (quieting)
        add_asked(p, 'E', strstr(quieting, "' ") + 2);
    else if (asking)
        add_asked(p, 'A', asking + 3);
    else if (strncmp(call, "_hs_e ", 6) == 0 || strncmp(call, "_hs_f ", 6) == 0 || strncmp(call, "_hs_n=", 6) == 0)
        add_asked(p, 'E', call + 6);
    else
        for (const char *at = line; (at = strstr(at, "_hs_e ")) != NULL; at += 6)
            last = at + 6;
    if (last && number_at(last) > p->typed)
        p->typed = number_at(last);
}

/* Take what the engine wants to send, and see what it asks the shell for. */
void player_collect(player *p) {
    const bytes *out = engine_outgoing(p->engine);
    size_t length = bytes_length(out);
    if (p->held || length == 0)
        return;
    size_t before = p->sent.length;
    text_append(&p->sent, bytes_front(out), length);
    memory_engine(true);
    engine_sent(p->engine, length);
    memory_engine(false);
    text lines = {0};
    text_append(&lines, p->sent.data + before, length);
    char *rest = lines.data;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;)
        look_at_line(p, line + strspn(line, " \003\032\034"));
    text_free(&lines);
}

static void answer_line(player *p, size_t index, const char *cwd) {
    static const char rs[] = "\036" SCRIPT_TOKEN;
    text said = {0};
    if (p->lines[index].kind == 'A')
        text_printf(&said, "%s;A;%llu;;5.9;;A;user;100;i;/home%s\n", rs, p->lines[index].number, rs);
    else
        text_printf(&said, "%s;E;%llu;0;i;1;30;2;%s%s\n%s;P;%llu;0%s\n", rs, p->lines[index].number, cwd, rs, rs,
                    player_prompt_number(p, p->lines[index].number), rs);
    p->lines[index].kind = 0;
    player_receive(p, HOSTSESSION_STREAM_OUTPUT, &said, false, 0);
    text_free(&said);
    player_collect(p);
}

/* The shell answers all that it was asked, and what it is asked then. */
void player_answer_all(player *p, const char *cwd) {
    for (size_t i = 0; i < p->line_count; i++)
        if (p->lines[i].kind)
            answer_line(p, i, cwd);
}

bool player_answer_due(player *p) {
    bool answered = false;
    for (size_t i = 0; i < p->line_count; i++) {
        if (p->lines[i].kind && p->lines[i].due <= p->now) {
            answer_line(p, i, "/home");
            answered = true;
        }
    }
    return answered;
}

int64_t player_next_due(const player *p) {
    int64_t next = engine_deadline(p->engine);
    for (size_t i = 0; i < p->line_count; i++)
        if (p->lines[i].kind && p->lines[i].due < next)
            next = p->lines[i].due;
    return next;
}

/* The usual opening, in a word: numbers 1 to 3 are used then, and the first command's is 4. */
bool player_open_shell(player *p, const char *shell) {
    static const char *const answers[][2] = {
        {"bash", "5.2.15;;;A"},         {"zsh", ";5.9;;A"}, {"ksh93", ";;AJM 93u+m;A"},
        {"mksh", ";;MIRBSD KSH R59;A"}, {"ash", ";;;A"},    {"dash", ";;;$A"}};
    const char *fields = NULL;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
        if (strcmp(answers[i][0], shell) == 0)
            fields = answers[i][1];
    if (!fields)
        return player_complain(p, "no such shell", shell);
    static const char rs[] = "\036" SCRIPT_TOKEN;
    text said = {0};
    text_printf(&said, "%s;A;1;%s;user;100;himBH;/home%s\n", rs, fields, rs);
    player_receive(p, HOSTSESSION_STREAM_OUTPUT, &said, false, 0);
    text_clear(&said);
    text_printf(&said, "%s;E;2;0;;1;;;%s\n", rs, rs);
    player_receive(p, HOSTSESSION_STREAM_OUTPUT, &said, false, 0);
    text_clear(&said);
    text_printf(&said, "%s;E;3;0;himBs;1;30;2;/home%s\n", rs, rs);
    player_receive(p, HOSTSESSION_STREAM_OUTPUT, &said, false, 0);
    if (!p->config.tty && !p->catches_up)
        player_receive(p, HOSTSESSION_STREAM_ERROR, &said, false, 0);
    text_clear(&said);
    text_printf(&said, "%s;P;%u;0%s\n", rs, strcmp(shell, "bash") == 0 ? 0u : 3u, rs);
    player_receive(p, p->config.tty ? HOSTSESSION_STREAM_OUTPUT : HOSTSESSION_STREAM_ERROR, &said, false, 0);
    text_free(&said);
    text_clear(&p->sent);
    player_collect(p);
    text_clear(&p->sent);
    p->line_count = 0;
    return true;
}
