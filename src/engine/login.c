/* SPDX-License-Identifier: MIT */
#include "engine/login.h"

#include "base/failure.h"
#include "engine/parts.h"

#include <stdlib.h>
#include <string.h>

enum {
    beat_us = 1000000,
    tail_bytes = 256,
    answer_bytes = 1024,
    /* Beats after which the question is typed without a prompt, which a shell may not have: into silence; where one for
     * a name, a password, or what is expected may be to come; behind an answer, longer than login(1) and PAM take to
     * refuse it. */
    silence_beats = 2,
    prompt_beats = 3,
    refusal_beats = 5,
};

/* In the last line of what came. */
#define NAME_PROMPT                                                                                                    \
    "(?i)(?<!last )(?:login(?: ?name)?|log ?in as|user(?: ?name)?(?: or e-?mail)?|user ?id|account|benutzer(?:name)?|" \
    "anmeldung|utilisateur|identifiant|usuario|usu\xc3\xa1rio|utente|gebruiker(?:snaam)?|anv\xc3\xa4ndar(?:namn)?|"    \
    "bruker(?:navn)?|bruger(?:navn)?|k\xc3\xa4ytt\xc3\xa4j\xc3\xa4(?:tunnus)?|u\xc5\xbcytkownik|"                      \
    "u\xc5\xbeivatel|felhaszn\xc3\xa1l\xc3\xb3n\xc3\xa9v|"                                                             \
    "\xd0\xbb\xd0\xbe\xd0\xb3\xd0\xb8\xd0\xbd|"                                                                        \
    "\xe3\x83\xad\xe3\x82\xb0\xe3\x82\xa4\xe3\x83\xb3|"                                                                \
    "\xe7\x94\xa8\xe6\x88\xb7\xe5\x90\x8d|\xe7\x99\xbb\xe5\xbd\x95)\\s*(?::|\xef\xbc\x9a)\\s*$"
/* Not those of a password that must be changed: they want another answer. */
#define PASSWORD_PROMPT                                                                                                \
    "(?i)^(?!.*(?:new|current|old|change|retype|again|neues|aktuelles|nouveau|actuel|nueva|actual))"                   \
    ".*(?:pass ?(?:word|code|phrase)|passwor[td]|kennwort|mot de passe|contrase\xc3\xb1"                               \
    "a|clave|senha|wachtwoord|l\xc3\xb6senord|passord|adgangskode|kodeord|salasana|has\xc5\x82o|heslo|jelsz\xc3\xb3|"  \
    "parol[ae]?|\xc5\x9f"                                                                                              \
    "ifre|\xd0\xbf\xd0\xb0\xd1\x80\xd0\xbe\xd0\xbb\xd1\x8c|"                                                           \
    "\xe3\x83\x91\xe3\x82\xb9\xe3\x83\xaf\xe3\x83\xbc\xe3\x83\x89|"                                                    \
    "\xe5\xaf\x86\xe7\xa0\x81|\xe5\x8f\xa3\xe4\xbb\xa4|\xec\x95\x94\xed\x98\xb8)[^:]*(?::|\xef\xbc\x9a)\\s*$"

enum { prompt_name, prompt_password, prompt_kinds };

struct login {
    char *user;
    pattern_set *prompts; /* NULL: they are not looked for */
    expectations *expectations;
    char tail[tail_bytes]; /* of what came since the last answer */
    size_t tail_length;
    bytes echo;         /* what was typed, as far as its echo may still come */
    bool said;          /* more than blanks came since the last answer */
    bool answered;      /* something was */
    bool asked;         /* the question, in this beat */
    bool echoed;        /* the terminal was seen to echo */
    int beats;          /* since the last answer, or since something was said behind it */
    unsigned enters;    /* typed into silence: each may bring one more prompt for a name */
    size_t responses;   /* to what is expected */
    bool named;         /* the name was given */
    unsigned passwords; /* given since */
    size_t echo_wait;   /* index + 1 of the expectation that waits for the echo to go off */
};

hostsession_error login_new(const engine_login *config, login **ret, hostsession_failure *failure) {
    *ret = NULL;
    login *l = calloc(1, sizeof *l);
    if (!l)
        return failure_no_memory(failure, "login");
    hostsession_error error = HOSTSESSION_OK;
    l->expectations = config->expectations;
    l->echoed = config->echoes;
    l->user = config->user ? strdup(config->user) : NULL;
    if (config->user && !l->user)
        error = failure_no_memory(failure, "login");
    if (!error && config->asks) {
        const char *patterns[prompt_kinds] = {[prompt_name] = config->name_prompt ? config->name_prompt : NAME_PROMPT,
                                              [prompt_password] =
                                                  config->password_prompt ? config->password_prompt : PASSWORD_PROMPT};
        error = pattern_set_new(patterns, prompt_kinds, &l->prompts, failure);
    }
    if (error)
        login_free(l);
    else
        *ret = l;
    return error;
}

void login_free(login *l) {
    if (!l)
        return;
    free(l->user);
    pattern_set_free(l->prompts);
    bytes_wipe(&l->echo);
    explicit_bzero(l->tail, sizeof l->tail);
    free(l);
}

/* ---- what has come ---- */

static void look_at_echo(engine *e, login *l) {
    l->echoed |= e->host.echoes(e->owner) == 1;
}

/* A terminal that never echoed tells nothing by not echoing. */
static bool echo_is_off(const engine *e, const login *l) {
    return l->echoed && e->host.echoes(e->owner) == 0;
}

/* Without what comes back of an answer. */
static void skip_echo(login *l, const char **data, size_t *length) {
    while (*length && bytes_length(&l->echo) && **data == *bytes_front(&l->echo)) {
        bytes_consume(&l->echo, 1);
        ++*data;
        --*length;
    }
    if (*length)
        bytes_clear(&l->echo);
}

void login_data(engine *e, login *l, const char *data, size_t length) {
    look_at_echo(e, l);
    if (l->expectations && !expectations_feed(l->expectations, data, length)) {
        parts_no_memory(e);
        return;
    }
    skip_echo(l, &data, &length);
    for (size_t i = 0; i < length && !l->said; i++)
        if ((unsigned char)data[i] > ' ') {
            l->said = true;
            l->beats = 0;
        }
    size_t keep = length < tail_bytes ? length : tail_bytes;
    size_t old = l->tail_length + keep > tail_bytes ? tail_bytes - keep : l->tail_length;
    memmove(l->tail, l->tail + l->tail_length - old, old);
    memcpy(l->tail + old, data + length - keep, keep);
    l->tail_length = old + keep;
}

/* The last line without terminals' control sequences.  Returns its length. */
static size_t last_line(const login *l, char line[tail_bytes]) {
    const char *at = l->tail;
    const char *end = at + l->tail_length;
    size_t length = 0;
    while (at < end) {
        unsigned char c = (unsigned char)*at++;
        if (c == '\n' || c == '\r') {
            length = 0;
        } else if (c == 0x1b && at < end) {
            /* ESC [ ... letter; ESC ] ... BEL; ESC and one more. */
            char kind = *at++;
            while (kind == '[' && at < end && !(*at >= '@' && *at <= '~'))
                at++;
            while (kind == ']' && at < end && *at != '\a')
                at++;
            at += (kind == '[' || kind == ']') && at < end;
        } else if (c >= ' ') {
            line[length++] = (char)c;
        }
    }
    return length;
}

typedef enum ending { ENDING_OTHER, ENDING_QUESTION, ENDING_SHELL } ending;

static bool ends_with(const char *line, size_t length, const char *end) {
    size_t size = strlen(end);
    return length >= size && memcmp(line + length - size, end, size) == 0;
}

static ending ending_of(const char *line, size_t length) {
    static const char *const questions[] = {":", "?", "\xef\xbc\x9a", "\xef\xbc\x9f", NULL};
    static const char *const shells[] = {"$", "#", "%", ">", "\xe2\x9d\xaf", "\xe2\x9e\x9c", NULL};
    while (length && line[length - 1] == ' ')
        length--;
    for (const char *const *end = questions; *end; end++)
        if (ends_with(line, length, *end))
            return ENDING_QUESTION;
    for (const char *const *end = shells; *end; end++)
        if (ends_with(line, length, *end))
            return ENDING_SHELL;
    return ENDING_OTHER;
}

/* ---- answers ---- */

static void refuse(engine *e, const char *why) {
    hostsession_failure failure;
    char seen[opening_seen_bytes * 2];
    opening_describe_seen(e, seen);
    failure_set(&failure, HOSTSESSION_ERROR_AUTH, 0, "login", "%s: %s; the last it said was \"%s\"", e->name, why,
                seen);
    opening_fail(e, &failure);
}

static void answered(engine *e, login *l) {
    l->answered = true;
    l->said = l->asked = false;
    l->beats = 0;
    l->tail_length = 0;
    l->echo_wait = 0;
    e->next_step = e->now + beat_us;
}

/* Type `text` and what `end` is. */
static void type(engine *e, login *l, const char *text, size_t length, const char *end, bool secret) {
    if (secret && !redactor_add(&e->redactor, text, length)) {
        parts_no_memory(e);
        return;
    }
    bytes_clear(&l->echo);
    if ((!secret && !bytes_append(&l->echo, text, length)) || !parts_type(e, text, length, secret) ||
        !parts_type(e, end, strlen(end), false))
        return;
    answered(e, l);
}

static void give_name(engine *e, login *l) {
    if (l->named && l->enters) {
        l->enters--;
        l->tail_length = 0;
    } else if (l->named) {
        refuse(e, "the login was refused");
    } else if (!l->user) {
        refuse(e, "it asks for a login name and none was given");
    } else {
        l->named = true;
        type(e, l, l->user, strlen(l->user), "\r", false);
    }
}

static void give_password(engine *e, login *l, const char *line, size_t length) {
    char prompt[tail_bytes * 4];
    char answer[answer_bytes] = "";
    failure_escape_tail(prompt, sizeof prompt, line, length);
    if (!e->host.answer(e->owner, l->user ? l->user : "", prompt, l->passwords + 1, answer, sizeof answer)) {
        refuse(e, l->passwords ? "the login was refused" : "it asks for a password and none was given");
    } else {
        l->passwords++;
        type(e, l, answer, strlen(answer), "\r", true);
    }
    explicit_bzero(answer, sizeof answer);
}

/* Returns whether the last line asked for one of them. */
static bool give_either(engine *e, login *l, const char *line, size_t length) {
    pattern_match match;
    if (!l->prompts || length == 0)
        return false;
    pattern_set_restart(l->prompts);
    if (pattern_set_search(l->prompts, line, length, 0, &match) != PATTERN_MATCH)
        return false;
    if (match.index == prompt_name)
        give_name(e, l);
    else
        give_password(e, l, line, length);
    return true;
}

static void respond(engine *e, login *l, size_t index) {
    expectation *x = &l->expectations->items[index];
    if (x->flags & HOSTSESSION_EXPECT_ECHO_OFF && e->host.echoes(e->owner) != 0) {
        l->echo_wait = index + 1;
        e->next_step = e->now + echo_look_us;
    } else if (x->answers_left == 0) {
        refuse(e, "what was asked appeared again after all its answers were given: the answer does not help");
    } else {
        x->answers_left--;
        l->responses++;
        type(e, l, bytes_front(&x->response), bytes_length(&x->response), "", x->flags & HOSTSESSION_EXPECT_SECRET);
    }
}

/* Returns whether something was expected, or the session has ended. */
static bool respond_expected(engine *e, login *l) {
    size_t index;
    phase before = e->phase;
    bool any = false;
    while (l->expectations && e->phase == before) {
        pattern_verdict verdict = expectations_search(l->expectations, &index);
        if (verdict == PATTERN_NO_MATCH)
            return any;
        any = true;
        if (verdict == PATTERN_MATCH) {
            respond(e, l, index);
            continue;
        }
        hostsession_failure why;
        failure_set(&why, HOSTSESSION_ERROR_LIMIT, 0, "login",
                    "%s: a pattern needs too much backtracking in this output; make the regular expression simpler",
                    e->name);
        opening_fail(e, &why);
    }
    return any;
}

/* ---- the question ---- */

static void ask(engine *e, login *l) {
    l->asked = true;
    opening_ask(e);
}

void login_start(engine *e, login *l) {
    look_at_echo(e, l);
    e->next_step = e->now + beat_us;
}

void login_drained(engine *e, login *l) {
    char line[tail_bytes];
    look_at_echo(e, l);
    if (respond_expected(e, l) || l->echo_wait)
        return;
    size_t length = last_line(l, line);
    if (!give_either(e, l, line, length) && ending_of(line, length) == ENDING_SHELL && !l->asked && !echo_is_off(e, l))
        ask(e, l);
}

/* What was said may be a banner, an echo, or news, with one more prompt to come. */
static bool may_prompt(const login *l) {
    if (l->expectations && l->responses < l->expectations->count)
        return true;
    return l->prompts && (l->named ? l->passwords == 0 : !l->answered);
}

/* Once the question was typed it is typed again at each beat. */
static bool is_time_to_ask(const engine *e, const login *l) {
    bool patient = e->asks == 0 && may_prompt(l);
    if (l->said)
        return !patient || l->beats >= prompt_beats;
    if (l->prompts && !l->answered)
        return false;
    return l->beats >= (l->answered ? refusal_beats : patient ? prompt_beats : silence_beats);
}

void login_advance(engine *e, login *l) {
    char line[tail_bytes];
    if (l->echo_wait) {
        respond(e, l, l->echo_wait - 1);
        return;
    }
    e->next_step = e->now + beat_us;
    l->asked = false;
    if (echo_is_off(e, l) || ending_of(line, last_line(l, line)) == ENDING_QUESTION)
        return;
    l->beats++;
    if (is_time_to_ask(e, l)) {
        ask(e, l);
    } else if (l->prompts && !l->answered) {
        /* Behind a serial line nobody speaks first, but for the box that it is plugged into. */
        l->enters++;
        parts_type(e, "\r", 1, false);
    }
}

bool login_gave_password(const login *l) {
    return l->passwords > 0;
}
