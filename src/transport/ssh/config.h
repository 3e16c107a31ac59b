/* SPDX-License-Identifier: MIT */
/* Asking ssh(1) what ssh_config(5) says of a host. */
#ifndef TRANSPORT_SSH_CONFIG_H
#define TRANSPORT_SSH_CONFIG_H

#include "base/list.h"
#include "transport/ssh/settings.h"

#include <hostsession/loop.h>
#include <hostsession/ssh.h>

#include <stdint.h>

/* What to ask: the command line of `ssh -G`. */
typedef struct ssh_question ssh_question;

/* `host` as the user has it, maybe an alias; `user` may be NULL, `port` 0.  Copied.  NULL without memory. */
ssh_question *ssh_question_new(const char *host, const char *user, int port, const hostsession_ssh_options *options);
void ssh_question_free(ssh_question *question);

/* One who asks; embedded, zeroed before ssh_config_ask(). */
typedef struct ssh_asker {
    list link;
    struct ssh_answer *answer;
    /* From dispatch, once.  `settings` is shared with the callee, or NULL with `failure` (INVALID, LIMIT). */
    void (*answered)(struct ssh_asker *asker, ssh_settings *settings, const hostsession_failure *failure);
} ssh_asker;

/* The answers of a loop: who asks the same at the same time, or soon after, gets the same. */
typedef struct ssh_config {
    hostsession_loop *loop;
    list answers;
} ssh_config;

void ssh_config_init(ssh_config *config, hostsession_loop *loop);
void ssh_config_finish(ssh_config *config);

/* Calls asker->answered, unless it fails or is cancelled. */
hostsession_error ssh_config_ask(ssh_config *config, const ssh_question *question, ssh_asker *asker,
                                 hostsession_failure *failure);
void ssh_config_cancel(ssh_asker *asker);

#endif
