/* SPDX-License-Identifier: MIT */
/* The built-in transports.  Each makes the data for its hostsession_transport; the session owns it and releases it
 * with `free` after close (or instead of open). */
#ifndef TRANSPORT_TRANSPORT_H
#define TRANSPORT_TRANSPORT_H

#include <hostsession/login.h>
#include <hostsession/ssh.h>
#include <hostsession/telnet.h>
#include <hostsession/transport.h>

#include <sys/types.h>

/* A program to start.  All strings are copied by the makers below. */
typedef struct transport_program {
    /* argv[0] is looked up in PATH when it has no slash; ended by NULL. */
    const char *const *arguments;
    /* NAME=VALUE settings over the caller's environment, ended by NULL; NULL: none.  A name without "=" is unset. */
    const char *const *environment;
    /* NULL: the caller's directory. */
    const char *cwd;
    /* Its terminal echoes at first, until reset_terminal() or the program itself changes that. */
    bool echo;
} transport_program;

/* A transport with its data. */
typedef struct transport_made {
    hostsession_transport interface;
    void *data;
    void (*free)(void *data);
    /* NULL, or: whether the process is on the terminal that the transport made. */
    bool (*is_terminal_of)(void *data, pid_t pid);
    /* NULL, or: whether what was written to the terminal before this call has not all been read. */
    bool (*has_more)(void *data);
    /* NULL, or: the shell that commands go to, so many levels inside the session's own, says that this is its process
     * id, wherever it runs; 0: it does not run on the transport's own terminal. */
    void (*shell_pid)(void *data, unsigned depth, int64_t pid);
    /* NULL, or: the shells that are deeper have ended.  What they have started is killed if one of them lives on all
     * the same, since it would read what is typed for the shell at `depth`.  Returns whether none does. */
    bool (*end_inner)(void *data, unsigned depth);
    /* NULL, or: fill in what it is waiting for, as the time to open is over before it was open. */
    void (*explain)(void *data, hostsession_failure *failure);
    /* NULL, or: whether what signal() sent may still be on its way. */
    bool (*signals_pending)(void *data);
    /* NULL, or: instead of close(), while a command runs: what that has started ends with the shell, whatever it
     * ignores (over telnet: unless it ignores the hang-up).  `jobs`: earlier commands may have left some in the
     * background, which are spared. */
    void (*close_running)(void *data, bool jobs);
    /* NULL, or: as hostsession_telnet_send(). */
    hostsession_error (*telnet_command)(void *data, int command);
    /* signal() goes by what is in the foreground. */
    bool sees_foreground;
    /* signal() has a way of its own, beside the shell's terminal. */
    bool signals_aside;
} transport_made;

/* A program on a terminal of its own (setsid, controlling terminal, TERM=dumb, 10,000 columns wide, no echo, no output
 * processing, no flow control), or on pipes (setsid; its standard input is the pipe).  Nothing is started before
 * `open`. */
hostsession_error transport_make_pty(const transport_program *program, transport_made *ret,
                                     hostsession_failure *failure);
hostsession_error transport_make_pipe(const transport_program *program, transport_made *ret,
                                      hostsession_failure *failure);

/* A shell on a host that is reached over SSH.  All strings are copied. */
typedef struct transport_remote {
    const char *host;  /* as the user has it; it may be an alias */
    const char *user;  /* NULL: as configured */
    int port;          /* 0: as configured */
    const char *shell; /* NULL: the login shell */
    bool tty;
    bool interactive;                    /* leave the shell's line editing on */
    const hostsession_ssh_options *ssh;  /* NULL: the defaults */
    hostsession_question_fn on_question; /* NULL: nothing is answered */
    void *userdata;
} transport_remote;

/* A shell behind a telnet login.  Strings are copied.  `port` 0: telnet's; `options` NULL: the defaults.
 * HOSTSESSION_ERROR_INVALID for bad ones. */
hostsession_error transport_make_telnet(const char *host, int port, const hostsession_telnet_options *options,
                                        transport_made *ret, hostsession_failure *failure);

/* The hostsession_channel_...() functions, for a transport that is loaded as a module. */
typedef struct transport_channel {
    void (*opened)(hostsession_channel *channel);
    bool (*received)(hostsession_channel *channel, hostsession_stream stream, const char *bytes, size_t length);
    void (*writable)(hostsession_channel *channel);
    void (*ended)(hostsession_channel *channel, const hostsession_exit *how, const hostsession_failure *failure);
} transport_channel;

/* ---- one command in a process of its own, or in a channel of its own ---- */

/* Who started it is told, from dispatch.  transport_oneshot.end() is not for inside of these. */
typedef struct transport_oneshot_calls {
    /* The command was sent, unless it was so from the start: from now on it may have run. */
    void (*started)(void *owner);
    void (*output)(void *owner, hostsession_stream stream, const char *data, size_t length);
    /* It is over and freed; all output came before.  `why` is NULL when it ended by itself; _DISCONNECTED when what
     * became of it is unknown; else it has not run. */
    void (*ended)(void *owner, const hostsession_exit *how, const hostsession_failure *why);
} transport_oneshot_calls;

typedef struct transport_oneshot {
    void *data;
    bool started;
    /* Kill it with what it has started, deliver what has come, and free it: then nothing is called any more. */
    void (*end)(void *data);
    /* NULL, or: what it waits for, while it is not started. */
    void (*explain)(void *data, hostsession_failure *failure);
} transport_oneshot;

/* A program that reads /dev/null, in a session of its own.  `merged`: both outputs are one stream.  What it leaves
 * running is not waited for. */
hostsession_error transport_start_oneshot(hostsession_loop *loop, const transport_program *program, bool merged,
                                          const transport_oneshot_calls *calls, void *owner, transport_oneshot *ret,
                                          hostsession_failure *failure);

/* `script`, copied, for `remote->shell -c`.  Its tty and interactive count for nothing. */
hostsession_error transport_start_ssh_oneshot(hostsession_loop *loop, const transport_remote *remote,
                                              const char *script, bool merged, const transport_oneshot_calls *calls,
                                              void *owner, transport_oneshot *ret, hostsession_failure *failure);

/* libssh and what it needs takes longer to load than a local session to open: all that uses it is a library of its own,
 * loaded with the first session that needs it.  It has its copies of what it shares with this one, which has no
 * globals. */
typedef struct transport_module {
    /* HOSTSESSION_VERSION: another version's structures may differ. */
    const char *version;
    hostsession_error (*make)(const transport_remote *remote, const transport_channel *channel, transport_made *ret,
                              hostsession_failure *failure);
    hostsession_error (*start_oneshot)(hostsession_loop *loop, const transport_remote *remote, const char *script,
                                       bool merged, const transport_oneshot_calls *calls, void *owner,
                                       transport_oneshot *ret, hostsession_failure *failure);
} transport_module;

/* HOSTSESSION_ERROR_CONNECT when the module cannot be loaded, _LIMIT for want of a descriptor. */
hostsession_error transport_make_ssh(const transport_remote *remote, const transport_channel *channel,
                                     transport_made *ret, hostsession_failure *failure);

#endif
