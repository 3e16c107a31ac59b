/* SPDX-License-Identifier: MIT */
/*
 * A real SSH server for a test: OpenSSH's sshd, or dropbear, on 127.0.0.1 (and ::1 where there is one).
 *
 * It runs as whoever runs the test and keeps to the test's folder: nothing in /etc, /run, /var/log or a real home is
 * written, and no real user can log in.  Its users come from nss_wrapper: one for each shell found on this machine,
 * named as the shell is (bash, dash, zsh, ksh93, mksh, ash, fish, tcsh), with the password "secret-NAME" and an empty
 * home of its own, FOLDER/home/NAME (with dropbear: empty but for .ssh).  Their shells run as the test's own user.
 *
 * In the folder, made once and used by every server of it: keys/ (the clients' keys, the authority's, the hosts'),
 * home/, bin/.  Each start adds server-N/ (configuration, log).  The folder is the caller's to remove, after the stop.
 *
 * Several servers live beside each other, also in one folder.  A server ends with the test that started it, even if
 * the test crashes or is killed.  Functions on one server are called from one thread at a time.
 */
#ifndef SUPPORT_SSH_SERVER_H
#define SUPPORT_SSH_SERVER_H

#include "text.h"

#include <sys/types.h>

typedef struct ssh_server ssh_server;

typedef struct ssh_server_options {
    /* dropbear in place of sshd.  `config` and `pam` are of no effect then. */
    bool dropbear;
    /* keyboard-interactive is offered, and asks PAM; the passwords stay the same. */
    bool pam;
    /* Lines for sshd_config, each ended by a newline.  They come first, so that they win over the server's own
     * except LogLevel; no Match block.  NULL: none. */
    const char *config;
    /* Which of the folder's host keys (ed25519) it has, made at the first use of the name; NULL: "host".  A server
     * started again on the same port with another name has a changed key. */
    const char *host_key;
    /* The port to listen on, as after a stop; 0: a free one. */
    unsigned port;
    /* What the names in the configuration of the client begin with; NULL: "test". */
    const char *alias;
} ssh_server_options;

typedef enum ssh_server_key {
    SERVER_KEY_ED25519,
    SERVER_KEY_ECDSA,
    SERVER_KEY_RSA,
    /* ed25519, encrypted with ssh_server_passphrase. */
    SERVER_KEY_LOCKED,
    /* ed25519, not authorized itself: the certificate beside it, PATH-cert.pub, is (not with dropbear). */
    SERVER_KEY_CERTIFIED,
    /* ed25519; no server lets it in. */
    SERVER_KEY_STRANGER,
    SERVER_KEY_COUNT
} ssh_server_key;

extern const char *const ssh_server_passphrase;

/* Whether all is installed that these options need (NULL: the defaults); if not, `missing` gets its names. */
bool ssh_server_available(const ssh_server_options *options, text *missing);

/* Start one and wait until it listens.  `options` may be NULL and need not outlive the call.  NULL, with the reason
 * appended to `why`, when something is missing, the port is taken, or the server does not come up. */
ssh_server *ssh_server_start(const char *folder, const ssh_server_options *options, text *why);

/* End the server, every connection of it and every process that was started through it, whatever session or group it
 * moved to; wait until all are gone, and free.  False when something was left after ten seconds.  NULL: true. */
bool ssh_server_stop(ssh_server *server);

/* ---- what a client needs; strings are valid until the stop ---- */

unsigned ssh_server_port(const ssh_server *server);
bool ssh_server_has_ipv6(const ssh_server *server);
/* Of the host key, as "SHA256:...". */
const char *ssh_server_fingerprint(const ssh_server *server);
/* A known_hosts file with this server's host key at 127.0.0.1, ::1 and localhost. */
const char *ssh_server_known_hosts(const ssh_server *server);
/* The private key's file; the public one is beside it, with .pub. */
const char *ssh_server_key_path(const ssh_server *server, ssh_server_key key);
/* A file for ssh -F, with one alias for each user, "test-bash" for bash, which logs in with the ed25519 key, asks
 * nothing of the user's own files and takes no unknown host key. */
const char *ssh_server_config(const ssh_server *server);
/* The same through another port, as of a relay; the known_hosts file knows the host key there, too, from then on. */
const char *ssh_server_config_at(ssh_server *server, unsigned port);
/* The name of user number `index`, from 0; NULL after the last. */
const char *ssh_server_user(const ssh_server *server, size_t index);
/* The program that is the user's login shell; NULL: no such user. */
const char *ssh_server_shell(const ssh_server *server, const char *user);
/* "env NAME=VALUE..." to put before a command for sh, so that a client takes whoever runs it for the first of these
 * users: it needs no entry in /etc/passwd, and ~/.ssh is not the real one. */
const char *ssh_server_client_env(const ssh_server *server);

/* ---- its log: with sshd, every method that was tried ("method publickey") and how it ended ---- */

/* Append all that was logged. */
void ssh_server_log(const ssh_server *server, text *log);
/* Wait, at most `limit_ms`, until the log contains `part`. */
bool ssh_server_wait_log(const ssh_server *server, const char *part, int limit_ms);

/* ---- its connections: a process of the server for each, or two; the shells are not meant ---- */

/* How many are living, those that have not logged in included. */
int ssh_server_connections(const ssh_server *server);
/* Wait, at most `limit_ms`, until at most `count` are left. */
bool ssh_server_wait_connections(const ssh_server *server, int count, int limit_ms);
/* Kill their processes (SIGKILL) and wait for the end; the listener lives on, and so does a shell that minds neither
 * the end of its input nor of its terminal.  Returns how many connections there were. */
int ssh_server_kill_connections(const ssh_server *server);
/* SIGSTOP: TCP connections stay up, and nobody answers; and SIGCONT. */
void ssh_server_freeze_connections(const ssh_server *server);
void ssh_server_thaw_connections(const ssh_server *server);
/* The same for the listener: new connections are made by the kernel, and nobody answers. */
void ssh_server_freeze_listener(const ssh_server *server);
void ssh_server_thaw_listener(const ssh_server *server);

#endif
