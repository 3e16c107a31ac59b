/* SPDX-License-Identifier: MIT */
/* The inside of ssh_server.h: what its files share. */
#ifndef SUPPORT_SSH_SERVER_PARTS_H
#define SUPPORT_SSH_SERVER_PARTS_H

#include "ssh_server.h"

enum { server_users_most = 8 };

struct ssh_server {
    bool dropbear, pam, ipv6;
    unsigned port;
    const char *folder; /* the test's */
    const char *own;    /* this server's in it */
    const char *keys;   /* the folder's keys */
    const char *alias;
    const char *host_key;
    const char *lines; /* for sshd_config */
    const char *program;
    const char *log;
    const char *fingerprint;
    const char *host_public; /* type and base64 */
    const char *known_hosts;
    const char *config;
    const char *key_paths[SERVER_KEY_COUNT];
    const char *client_env;
    const char *users[server_users_most + 1];
    const char *shells[server_users_most], *hashes[server_users_most];
    uid_t told_uid; /* who the server is told runs it */
    pid_t keeper, listener;
    /* The keeper ends, and all with it, when this is closed. */
    int control;
    struct server_string *strings;
};

/* A formatted string that lives as long as the server. */
__attribute__((format(printf, 2, 3))) const char *server_keep(ssh_server *s, const char *format, ...);
void server_strings_free(ssh_server *s);

/* ---- its processes and its log (ssh_server_process.c) ---- */

/* Run the keeper and, in it, the server; the log begins anew. */
bool server_spawn(ssh_server *s, text *why);
/* False when something had to be left. */
bool server_end(ssh_server *s);
/* Whether the log contains all of these; the last is NULL. */
bool server_log_contains(const ssh_server *s, const char *const parts[]);
/* Wait, at most `limit_ms`, until it does or the server ends. */
bool server_wait_log(const ssh_server *s, const char *const parts[], int limit_ms);

/* ---- programs (ssh_server_programs.c) ---- */

/* The path of a program, from PATH or a folder for the system's, appended; false when there is none. */
bool program_find(const char *name, text *path);
/* The path of a shared library beside the C library. */
bool library_find(const char *name, text *path);
/* Run a program to its end with its standard output and error in `output`.  Its wait status; negative, with the reason
 * appended to `why`, when it did not start. */
int program_status(const char *const words[], text *output, text *why);
/* The same; false, with the reason, unless it exits with 0. */
bool program_run(const char *const words[], text *output, text *why);

/* ---- the files (ssh_server_files.c, ssh_server_keys.c) ---- */

/* The folder's keys and this server's host key, those that are not there yet. */
bool server_make_keys(ssh_server *s, text *why);
/* Users, homes and what the wrappers read. */
bool server_make_users(ssh_server *s, text *why);
/* Configuration of the server and of its clients, once the port is known. */
bool server_make_config(ssh_server *s, text *why);

/* The variables that a program needs to see the server's users; ended by NULL, at most 8. */
void server_environment(ssh_server *s, bool is_server, const char *words[8]);

#endif
