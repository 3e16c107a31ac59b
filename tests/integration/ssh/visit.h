/* SPDX-License-Identifier: MIT */
/*
 * What the tests of sessions over SSH share: cases as in ../api, a real server for all cases of a program, and a visit:
 * how a session is to be opened, and all that its callbacks were told.
 */
#ifndef SSH_VISIT_H
#define SSH_VISIT_H

#include "integration/api/cases.h"
#include "support/folder.h"
#include "support/relay.h"
#include "support/ssh_server.h"

#include <hostsession/hostsession.h>

/* More than anything takes, on a machine that is busy. */
enum { patience_ms = 60000 };

/* The folder of the program's servers and files, and its server.  A client's home is in it, too. */
extern char visit_folder[256];
extern ssh_server *visit_server;

/* For main(): like cases_run(), with a server that is started from `options` (NULL: the defaults), or all cases
 * skipped by name where it is not installed. */
int visit_cases_run(const char *group, const ssh_server_options *options, const api_case *cases, size_t count);
#define VISIT_MAIN(group, options, cases)                                                                              \
    int main(void) {                                                                                                   \
        return visit_cases_run(group, options, cases, sizeof(cases) / sizeof(cases)[0]);                               \
    }

/* Another server, in the same folder. */
ssh_server *start_server(const ssh_server_options *options);
void stop_server(ssh_server *server);
relay *start_relay(const ssh_server *server);

/* Strings that live as long as the process. */
__attribute__((format(printf, 1, 2))) const char *keep(const char *format, ...);
/* A file with this text, of this case alone; its path is kept. */
__attribute__((format(printf, 2, 3))) const char *make_file(const char *name, const char *format, ...);
/* A path for a file of this case alone. */
const char *case_path(const char *name);

enum { visit_most_settings = 40, visit_most_answers = 8 };

typedef struct visit {
    hostsession_options options;
    hostsession_ssh_options ssh;
    const char *settings[visit_most_settings];
    size_t setting_count;
    const char *identities[8];
    size_t identity_count;
    /* Given one after another; then none. */
    const char *answers[visit_most_answers];
    size_t asked;
    /* A line for each question: kind, user, subject, attempt, prompt. */
    text questions;
    text log;
    text transcript;
    int ended;
    hostsession_failure why;
    int threads;
} visit;

/* By the server's own configuration. */
void visit_init(visit *v, hostsession_loop *loop, const char *config_file);
/* To 127.0.0.1 by options alone: no file is read, the server's host key is known. */
void visit_init_plain(visit *v, hostsession_loop *loop, const ssh_server *server);
/* Threads that were begun meanwhile end first: after the loop is freed. */
void visit_free(visit *v);
/* As -o and -i. */
__attribute__((format(printf, 2, 3))) void visit_set(visit *v, const char *format, ...);
void visit_identity(visit *v, const char *path);
void visit_answer(visit *v, const char *answer);
/* Whether it stands in the log, the transcript, or in `why`. */
bool visit_mentions(const visit *v, const hostsession_failure *why, const char *part);

/* "bash@127.0.0.1:PORT", kept. */
const char *address_of(const ssh_server *server, const char *user);

hostsession *visit_open(visit *v, const char *target);
/* It must fail, with this error and these words in its message; `why` may be NULL. */
void visit_refused(visit *v, const char *target, hostsession_error error, const char *part, hostsession_failure *why);
/* Begin; `o` tells the end. */
hostsession *visit_start(visit *v, const char *target, outcome *o);

/* Dispatch until it has come, or more. */
void drive(hostsession_loop *loop, const int *flag, int wanted);

/* A command that tells `word` and then waits for input that never comes; returns once it has told. */
typedef struct waiting {
    outcome end;
    int told;
} waiting;
void start_waiting(hostsession *session, waiting *w);

/* A TCP socket that listens on 127.0.0.1, and where nobody accepts. */
int listen_deaf(unsigned *ret_port);

/* Run by sh, with a bound of its own; the exit status. */
__attribute__((format(printf, 1, 2))) int shell(const char *format, ...);

#endif
