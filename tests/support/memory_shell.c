/* SPDX-License-Identifier: MIT */
#include "memory_shell.h"

#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { token_length = 14, escape = 0x1e };

typedef enum waiting { WAITS_NOT, WAITS_FINISH, WAITS_STUBBORN, WAITS_LINE, WAITS_SECRET, WAITS_REPEAT } waiting;

struct memory_shell {
    const memory_shell_events *events;
    void *owner;
    bool pipe;
    bool echo;
    bool prompts;
    /* The prompt is not empty behind what succeeds. */
    bool shows;
    /* A whole END was printed. */
    bool told;
    bool dead;
    char token[token_length + 1];
    int status;
    text input;  /* typed, not used yet */
    text script; /* the rest of the command that runs */
    bool running;
    unsigned long number; /* of its frame; 0: typed raw */
    waiting waits;
};

memory_shell *memory_shell_new(const memory_shell_events *events, void *owner, bool pipe, bool echo) {
    memory_shell *s = allocate(sizeof *s);
    memset(s, 0, sizeof *s);
    s->events = events;
    s->owner = owner;
    s->pipe = pipe;
    s->echo = echo;
    return s;
}

void memory_shell_free(memory_shell *s) {
    text_free(&s->input);
    text_free(&s->script);
    free(s);
}

/* ---- printing ---- */

static void print(memory_shell *s, hostsession_stream stream, const char *string) {
    s->events->printed(s->owner, s->pipe ? stream : HOSTSESSION_STREAM_OUTPUT, string, strlen(string));
}

static void print_marker(memory_shell *s, hostsession_stream stream, const char *body) {
    text marker = {0};
    text_printf(&marker, "%c%s;%s%c%s\n", escape, s->token, body, escape, s->token);
    print(s, stream, text_data(&marker));
    text_free(&marker);
}

/* On pipes both streams get it. */
static void print_marker_everywhere(memory_shell *s, const char *body) {
    print_marker(s, HOSTSESSION_STREAM_OUTPUT, body);
    if (s->pipe)
        print_marker(s, HOSTSESSION_STREAM_ERROR, body);
}

static void print_end(memory_shell *s, unsigned long number, bool whole) {
    char body[80];
    bool brief = s->told && !whole;
    snprintf(body, sizeof body, "%c;%lu;%d;%s/memory", brief ? 'F' : 'E', number, s->status,
             brief ? "" : "himB;1;25;2;");
    s->told = true;
    s->shows &= !whole;
    print_marker_everywhere(s, body);
}

/* `status` of the whole line. */
static void print_prompt(memory_shell *s, int status) {
    char body[20];
    snprintf(body, sizeof body, "P;0;%d", status);
    if (s->prompts && !s->dead && (status || s->shows))
        print_marker(s, HOSTSESSION_STREAM_ERROR, body);
}

/* ---- the commands ---- */

static void die(memory_shell *s, bool known, int status) {
    s->dead = true;
    s->running = false;
    s->waits = WAITS_NOT;
    s->events->ended(s->owner, &(hostsession_exit){known, known ? status : 0, 0});
}

static void print_line(memory_shell *s, hostsession_stream stream, const char *line) {
    print(s, stream, line);
    print(s, stream, "\n");
}

static void print_bytes(memory_shell *s, long count) {
    char letters[26];
    for (int i = 0; i < 26; i++)
        letters[i] = (char)('a' + i);
    for (; count > 0; count -= 26)
        s->events->printed(s->owner, HOSTSESSION_STREAM_OUTPUT, letters, count < 26 ? (size_t)count : 26);
}

/* What ends at once. */
static int do_simple(memory_shell *s, const char *name, const char *rest) {
    if (strcmp(name, "say") == 0) {
        print_line(s, HOSTSESSION_STREAM_OUTPUT, rest);
    } else if (strcmp(name, "error") == 0) {
        print_line(s, HOSTSESSION_STREAM_ERROR, rest);
    } else if (strcmp(name, "bytes") == 0) {
        print_bytes(s, atol(rest));
    } else if (strcmp(name, "lines") == 0) {
        char line[40];
        for (long i = 1; i <= atol(rest); i++) {
            snprintf(line, sizeof line, "line %ld", i);
            print_line(s, HOSTSESSION_STREAM_OUTPUT, line);
        }
    } else if (strcmp(name, "status") == 0) {
        return atoi(rest);
    } else if (*name) {
        print_line(s, HOSTSESSION_STREAM_ERROR, "not found");
        return 127;
    }
    return 0;
}

static void do_command(memory_shell *s, const char *line) {
    size_t word = strcspn(line, " ");
    char name[16];
    snprintf(name, sizeof name, "%.*s", (int)word, line);
    const char *rest = line[word] ? line + word + 1 : line + word;
    s->status = 0;
    if (strcmp(name, "exit") == 0) {
        die(s, true, atoi(rest));
    } else if (strcmp(name, "drop") == 0) {
        die(s, false, 0);
    } else if (strcmp(name, "wait") == 0) {
        print_line(s, HOSTSESSION_STREAM_OUTPUT, rest);
        s->waits = WAITS_FINISH;
    } else if (strcmp(name, "stubborn") == 0) {
        s->waits = WAITS_STUBBORN;
    } else if (strcmp(name, "repeat") == 0) {
        s->waits = WAITS_REPEAT;
    } else if (strcmp(name, "ask") == 0 || strcmp(name, "ask-secret") == 0) {
        print(s, HOSTSESSION_STREAM_OUTPUT, rest);
        s->waits = strcmp(name, "ask") == 0 ? WAITS_LINE : WAITS_SECRET;
        s->echo = s->echo && s->waits == WAITS_LINE;
    } else {
        s->status = do_simple(s, name, rest);
    }
}

static char *take_line(text *from) {
    size_t length = strcspn(text_data(from), "\n");
    char *line = strndup(text_data(from), length);
    text rest = {0};
    if (length < from->length)
        text_append(&rest, from->data + length + 1, from->length - length - 1);
    text_free(from);
    *from = rest;
    return line;
}

/* Run on until the script ends or waits. */
static void go_on(memory_shell *s) {
    while (s->running && s->waits == WAITS_NOT && s->script.length) {
        char *line = take_line(&s->script);
        do_command(s, line);
        free(line);
    }
    if (!s->running || s->waits != WAITS_NOT)
        return;
    s->running = false;
    if (s->number)
        print_end(s, s->number, false);
    print_prompt(s, s->number ? 0 : s->status);
}

static void run_script(memory_shell *s, const char *command, unsigned long number, bool begin) {
    s->events->command(s->owner, command);
    s->running = true;
    s->number = number;
    text_clear(&s->script);
    text_add(&s->script, command);
    char body[40];
    snprintf(body, sizeof body, "B;%lu", number);
    if (begin)
        print_marker_everywhere(s, body);
    go_on(s);
}

/* ---- what is typed ---- */

/* One escape of $'...', at the backslash. */
static const char *unescape(const char *at, text *to) {
    char byte = at[1];
    if (byte >= '0' && byte <= '3') {
        byte = (char)((at[1] - '0') * 64 + (at[2] - '0') * 8 + (at[3] - '0'));
        text_append(to, &byte, 1);
        return at + 4;
    }
    if (byte == 'n')
        byte = '\n';
    text_append(to, &byte, 1);
    return at + 2;
}

/* The shell word at `at`; NULL when its end was not typed yet. */
static const char *unquote(const char *at, text *word) {
    while (*at && *at != ';' && *at != ' ' && *at != '\n') {
        if (at[0] == '\\' && at[1] == '\n') {
            at += 2;
        } else if (at[0] == '\\' && at[1]) {
            text_append(word, at + 1, 1);
            at += 2;
        } else if (*at == '\'' || (*at == '$' && at[1] == '\'')) {
            bool ansi = *at == '$';
            for (at += ansi ? 2 : 1; *at && *at != '\'';)
                if (ansi && *at == '\\') {
                    at = unescape(at, word);
                } else {
                    text_append(word, at++, 1);
                }
            if (!*at++)
                return NULL;
        } else {
            return NULL;
        }
    }
    return *at ? at : NULL;
}

/* A frame at the front of the input; false when there is more to come. */
static bool take_frame(memory_shell *s, const char *eval) {
    const char *start = text_data(&s->input);
    text command = {0};
    const char *after = unquote(eval + strlen("\\builtin eval "), &command);
    const char *newline = after ? strchr(after, '\n') : NULL;
    const char *end = after ? strstr(after, "_hs_e \"") : NULL;
    if (!newline || !end) {
        text_free(&command);
        return false;
    }
    unsigned long number = strtoul(end + 7, NULL, 10);
    bool begin = memmem(start, (size_t)(eval - start), "_hs_b ", 6) != NULL;
    if (memmem(start, (size_t)(eval - start), "stty echo;", 10))
        s->echo = true;
    const char *text_start = text_data(&command);
    const char *guard = strncmp(text_start, "{ _hs_g ", 8) == 0 ? strchr(text_start, '\n') : NULL;
    text rest = {0};
    text_append(&rest, newline + 1, s->input.length - (size_t)(newline + 1 - start));
    text_free(&s->input);
    s->input = rest;
    run_script(s, guard ? guard + 1 : text_start, number, begin || guard);
    text_free(&command);
    return true;
}

static void do_question(memory_shell *s, const char *at) {
    memcpy(s->token, at, token_length);
    char body[80];
    snprintf(body, sizeof body, "A;%lu;5.2.15;;;A;peer;4711;himB;/memory", strtoul(at + token_length + 3, NULL, 10));
    print_marker(s, HOSTSESSION_STREAM_OUTPUT, body);
}

static void do_line(memory_shell *s, const char *line) {
    static const char printf_start[] = "printf '\\036";
    line += strspn(line, " ");
    const char *printed = strstr(line, printf_start);
    const char *token = printed ? printed + strlen(printf_start) : NULL;
    if (strstr(line, "stty sane -echo"))
        s->echo = false;
    if (strstr(line, "stty echo"))
        s->echo = true;
    if (token && strncmp(token + token_length, ";A;", 3) == 0) {
        do_question(s, token);
    } else if (token && strncmp(token + token_length, ";E;%s;", 6) == 0) {
        char body[40];
        snprintf(body, sizeof body, "E;%s;0;;1;;;", strrchr(line, ' ') + 1);
        print_marker(s, HOSTSESSION_STREAM_OUTPUT, body);
    } else if (strncmp(line, ": _hs_i ", 8) == 0) {
        /* Nothing was left unread. */
        return;
    } else if (strncmp(line, "_hs_n=", 6) == 0) {
        print_end(s, strtoul(line + 6, NULL, 10), true);
    } else if (strncmp(line, "_hs_f \"", 7) == 0) {
        print_end(s, strtoul(line + 7, NULL, 10), true);
    } else if (strncmp(line, "{ _hs_q=()", 10) == 0) {
        s->shows = true;
    } else if (strncmp(line, "PS1=", 4) == 0) {
        s->prompts = true;
    } else if (s->prompts && *line && strncmp(line, "PS2=", 4) != 0 && strncmp(line, "_hs_", 4) != 0 &&
               strncmp(line, "kill ", 5) != 0) {
        run_script(s, line, 0, false);
        return;
    }
    print_prompt(s, 0);
}

static void got_line(memory_shell *s, const char *line) {
    if (s->waits == WAITS_LINE)
        print(s, HOSTSESSION_STREAM_OUTPUT, "got ");
    if (s->waits == WAITS_LINE || s->waits == WAITS_REPEAT)
        print_line(s, HOSTSESSION_STREAM_OUTPUT, line);
    if (s->waits == WAITS_REPEAT)
        return;
    s->waits = WAITS_NOT;
    go_on(s);
}

/* Use what was typed as far as it can be. */
static void read_input(memory_shell *s) {
    while (!s->dead && s->waits != WAITS_FINISH) {
        if (s->waits == WAITS_STUBBORN)
            text_clear(&s->input);
        const char *typed = text_data(&s->input);
        const char *newline = strchr(typed, '\n');
        const char *eval = s->waits == WAITS_NOT ? strstr(typed, "\\builtin eval ") : NULL;
        if (!newline)
            return;
        /* A command is quoted, what we evaluate ourselves is a variable. */
        if (eval && eval < newline && eval[strlen("\\builtin eval ")] != '"') {
            if (!take_frame(s, eval))
                return;
            continue;
        }
        char *line = take_line(&s->input);
        if (s->waits == WAITS_NOT)
            do_line(s, line);
        else
            got_line(s, line);
        free(line);
    }
}

/* The line that runs, or is typed, is given up. */
static void interrupt(memory_shell *s, int status) {
    text_clear(&s->input);
    s->running = false;
    s->waits = WAITS_NOT;
    s->status = status;
    if (status == 130)
        print(s, HOSTSESSION_STREAM_ERROR, "\n");
    print_prompt(s, status);
}

void memory_shell_typed(memory_shell *s, const char *bytes, size_t length) {
    if (s->dead)
        return;
    if (s->echo)
        s->events->printed(s->owner, HOSTSESSION_STREAM_OUTPUT, bytes, length);
    for (size_t i = 0; i < length; i++) {
        bool key = !s->pipe && (bytes[i] == 0x03 || bytes[i] == 0x1c);
        if (!key && !(bytes[i] == 0x1a && !s->pipe))
            text_append(&s->input, &bytes[i], 1);
        else if (key && s->waits != WAITS_STUBBORN)
            interrupt(s, bytes[i] == 0x03 ? 130 : 131);
    }
    read_input(s);
}

bool memory_shell_signal(memory_shell *s, hostsession_signal signal) {
    if (s->waits == WAITS_NOT || s->dead)
        return false;
    if (s->waits != WAITS_STUBBORN || signal == HOSTSESSION_SIGNAL_KILL)
        interrupt(s, signal == HOSTSESSION_SIGNAL_KILL ? 137 : 130);
    return true;
}

void memory_shell_finish(memory_shell *s, int status) {
    if (s->waits == WAITS_NOT)
        return;
    s->waits = WAITS_NOT;
    s->status = status;
    go_on(s);
    read_input(s);
}

bool memory_shell_waits(const memory_shell *s) {
    return s->waits != WAITS_NOT;
}

bool memory_shell_echoes(const memory_shell *s) {
    return s->echo;
}

void memory_shell_set_echo(memory_shell *s, bool echo) {
    s->echo = echo;
}
