/* SPDX-License-Identifier: MIT */
/* Answering what a host asks for at login: from --password-from, or by asking on the user's terminal. */
#ifndef CLI_LOGIN_H
#define CLI_LOGIN_H

#include <hostsession/hostsession.h>

typedef struct login {
    /* NULL: nothing is answered. */
    const char *source;
    /* Read from it when the options were; NULL for "ask".  Owned by the options. */
    const char *password;
} login;

/* As hostsession_question_fn.  `ask` waits for the user; Ctrl+D, or a signal (see signals_catch(), whose descriptor
 * this is), gives no answer. */
bool login_answer(const login *from, const hostsession_question *question, int wake_descriptor, char *answer,
                  size_t answer_size);

#endif
