/* SPDX-License-Identifier: MIT */
/* How a host is to be reached: what ssh_config(5) says of it, as `ssh -G` prints it, a key and a value a line. */
#ifndef TRANSPORT_SSH_SETTINGS_H
#define TRANSPORT_SSH_SETTINGS_H

#include <hostsession/failure.h>

#include <stdbool.h>

typedef struct ssh_settings ssh_settings;

/* From the output of `ssh -G`; keys are compared without case, of a key that comes twice the first counts where one is
 * asked for.  The names of the files to read are expanded.  NULL without memory.  Shared by
 * counting, also among threads. */
ssh_settings *ssh_settings_parse(const char *text);
ssh_settings *ssh_settings_share(ssh_settings *settings);
void ssh_settings_free(ssh_settings *settings);

/* The -F that was given, for the hosts in between; NULL: none. */
const char *ssh_settings_config_file(const ssh_settings *settings);
bool ssh_settings_set_config_file(ssh_settings *settings, const char *file);

/* All of it: equal texts, equal connections. */
const char *ssh_settings_all(const ssh_settings *settings);

/* A key's value; NULL when there is none, or "none".  Valid as long as the settings. */
const char *ssh_settings_text(const ssh_settings *settings, const char *key);
/* The value after `previous` (NULL: the first) of a key that may come several times; NULL: no more. */
const char *ssh_settings_next(const ssh_settings *settings, const char *key, const char *previous);
long ssh_settings_number(const ssh_settings *settings, const char *key, long by_default);
bool ssh_settings_flag(const ssh_settings *settings, const char *key, bool by_default);

/* The names that nearly everything needs. */
const char *ssh_settings_host(const ssh_settings *settings); /* to connect to */
const char *ssh_settings_user(const ssh_settings *settings);
int ssh_settings_port(const ssh_settings *settings);

/* Expand ~, ${NAME} and the tokens of ssh_config(5) (%h, %p, %r, ...) in a value.  In the loop's thread only.  To be
 * freed; NULL without memory. */
char *ssh_settings_expand(const ssh_settings *settings, const char *value);

/* The tokens alone: the rest of a command is for the shell that runs it.  To be freed; NULL without memory. */
char *ssh_settings_expand_command(const ssh_settings *settings, const char *command);

/* Refuse what we cannot honour and what would change who is reached, or how safely (HOSTSESSION_ERROR_INVALID). */
hostsession_error ssh_settings_check(const ssh_settings *settings, hostsession_failure *failure);

#endif
