/* SPDX-License-Identifier: MIT */
/* Logging in, in the order of ssh(1): the agent's keys, the keys of files, keyboard-interactive, the password.  Source:
 * RFC 4252, RFC 4256. */
#ifndef TRANSPORT_SSH_LOGIN_H
#define TRANSPORT_SSH_LOGIN_H

#include "transport/ssh/identities.h"

#include <hostsession/login.h>
#include <hostsession/loop.h>

typedef struct ssh_login ssh_login;

typedef struct ssh_login_host {
    /* As hostsession_question_fn; `target` and `user` are filled. */
    bool (*ask)(void *owner, const hostsession_question *question, char *answer, size_t answer_size);
    /* What was done in a thread is done: call ssh_login_step() again. */
    void (*go_on)(void *owner);
} ssh_login_host;

typedef enum ssh_login_verdict {
    SSH_LOGIN_WAITS, /* for the host */
    SSH_LOGIN_BUSY,  /* a thread has the session: it must not be touched until go_on */
    SSH_LOGIN_RIGHT,
    SSH_LOGIN_WRONG, /* for the reason in `failure` */
} ssh_login_verdict;

/* `session` is connected and verified; `ids` is taken over, `settings` and `session` are borrowed.  NULL without
 * memory. */
ssh_login *ssh_login_new(hostsession_loop *loop, ssh_session session, const ssh_settings *settings, identities *ids,
                         const ssh_login_host *host, void *owner);

ssh_login_verdict ssh_login_step(ssh_login *login, hostsession_failure *failure);

/* Returns whether a thread still has the session, and frees it when it is done.  NULL is allowed. */
bool ssh_login_free(ssh_login *login);

#endif
