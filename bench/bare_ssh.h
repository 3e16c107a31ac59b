/* SPDX-License-Identifier: MIT */
/* libssh and poll, nothing else. */
#ifndef BENCH_BARE_SSH_H
#define BENCH_BARE_SSH_H

#include "contenders.h"
#include "ssh_host.h"

#include <libssh/libssh.h>

typedef struct bench_ssh {
    int descriptor;
    /* What comes is acknowledged at once: sshd may wait for that before it sends more. */
    bool acknowledges;
    ssh_session session;
    ssh_channel channel;
} bench_ssh;

/* Connect, exchange keys, log in with the key, open a channel.  On failure fills `why`; in any case to be closed. */
bool bench_ssh_open(bench_ssh *ssh, const bench_ssh_address *address, bool acknowledges, bench_contender *owner);
bool bench_ssh_execute(bench_ssh *ssh, bool terminal, const char *command, bench_contender *owner);
bool bench_ssh_write(bench_ssh *ssh, const char *bytes, size_t length);
/* Wait for bytes of standard output.  0: the end. */
size_t bench_ssh_read(bench_ssh *ssh, char *bytes, size_t size);
/* What the command has exited with; -1: unknown.  To be called at the end of its output. */
int bench_ssh_wait_status(bench_ssh *ssh);
/* Execute, see to it that nothing is printed but what is asked for, and leave the shell at its first command. */
bool bench_ssh_start_shell(bench_ssh *ssh, bool terminal, bench_contender *owner);
/* Read until `end` ends the output, which is `length` bytes long with it; 0: of any length. */
bool bench_ssh_read_until(bench_ssh *ssh, const char *end, size_t length);
void bench_ssh_close(bench_ssh *ssh);

/* A command again and again in one shell, typed as `TEXT; echo END$?`. */
typedef struct bench_ssh_command {
    const bench_ssh_address *address;
    bool terminal;
    const char *text;
    /* What it prints; 0: nothing. */
    size_t output_bytes;
    /* ... stays in memory. */
    bool keeps;
} bench_ssh_command;

/* config: bench_ssh_command.  The metric is the time of one, or bytes a second where there is output. */
extern const bench_kind bench_ssh_plain_loop;

/* The same, typing what the library types for this command, byte for byte, and waiting for the same signs, from both
 * streams where there is no terminal. */
typedef struct bench_ssh_replayed {
    const bench_ssh_address *address;
    const bench_command *command;
} bench_ssh_replayed;

extern const bench_kind bench_ssh_replayed_loop;

#endif
