/* SPDX-License-Identifier: MIT */
/*
 * What stands between a connection and a shell: prompts for a name, a password, anything else.  They are told apart
 * from a shell's own prompt, so that our question is never typed as somebody's password.  It goes by what has come once
 * no more comes (engine_drained), and by whether the terminal echoes where that can be told.
 *
 *   something that was expected         its response
 *   a prompt for a name                 the name; again: the login was refused (HOSTSESSION_ERROR_AUTH, with what was
 *                                       said last); no name known: the same
 *   a prompt for a password             engine_host.answer(); again: its next attempt; no answer, or a hangup behind
 *                                       it: the same
 *   another question, or echo went off  wait
 *   what looks like a shell's prompt    our question (opening.c)
 *   anything else, or nothing           our question, but only once a second has passed
 */
#ifndef ENGINE_LOGIN_H
#define ENGINE_LOGIN_H

#include "base/bytes.h"
#include "engine/expectations.h"
#include "engine/pattern.h"

#include <stdint.h>

typedef struct engine_login {
    const char *user;        /* NULL: none is known; copied */
    bool asks;               /* prompts for a name and a password are looked for (telnet) */
    bool echoes;             /* the terminal does so at first */
    const char *name_prompt; /* PCRE2, in the last line; NULL: those of login(1) and of devices, in many languages */
    const char *password_prompt; /* likewise */
    expectations *expectations;  /* borrowed as long as the login is used; may be NULL */
} engine_login;

typedef struct login login;

/* HOSTSESSION_ERROR_INVALID for a bad pattern. */
hostsession_error login_new(const engine_login *config, login **ret, hostsession_failure *failure);
/* NULL is allowed. */
void login_free(login *l);

#endif
