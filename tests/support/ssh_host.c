/* SPDX-License-Identifier: MIT */
/*
 * ssh_host KEY [WORD]...
 * An SSH server for one connection, on its standard input (as a ProxyCommand), with the private key in the file KEY:
 * what other hosts do and sshd does not.
 *
 *     no-session    opens no channel
 *     no-terminal, no-exec, no-shell
 *                   refuses such requests
 *     mute          does not answer exec requests
 *     no-status     closes a channel without saying how its program ended
 *     odd-signal    says that a signal without a name of RFC 4254 ended it
 *     asks          lets in who answers two questions; they, and all else that it says of itself, would move the cursor
 *                   of a terminal
 */
#include <errno.h>
#include <fcntl.h>
#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { most_programs = 16 };

/* A channel, and what runs for it. */
typedef struct program {
    ssh_channel channel;
    struct ssh_channel_callbacks_struct callbacks;
    bool tty;
    pid_t pid;
    int to;
    int from[2]; /* standard output or the terminal, standard error; -1: at its end */
} program;

static const char *const *words;
static program programs[most_programs];
static size_t program_count;
static ssh_event event;

static bool is_set(const char *word) {
    for (const char *const *at = words; *at; at++)
        if (strcmp(*at, word) == 0)
            return true;
    return false;
}

/* ---- a program ---- */

static int on_data(ssh_session session, ssh_channel channel, void *data, uint32_t length, int is_error,
                   void *userdata) {
    (void)session, (void)channel, (void)is_error;
    const program *p = userdata;
    ssize_t written = p->to >= 0 ? write(p->to, data, length) : -1;
    return written > 0 ? (int)written : (int)length;
}

static void close_input(program *p) {
    if (p->to >= 0 && !p->tty)
        close(p->to);
    p->to = -1;
}

static void on_eof(ssh_session session, ssh_channel channel, void *userdata) {
    (void)session, (void)channel;
    close_input(userdata);
}

static void on_close(ssh_session session, ssh_channel channel, void *userdata) {
    (void)session, (void)channel;
    program *p = userdata;
    if (p->pid > 0)
        kill(-p->pid, SIGKILL);
}

static int on_output(socket_t descriptor, int events, void *userdata) {
    (void)events;
    program *p = userdata;
    char bytes[4096];
    ssize_t got = read(descriptor, bytes, sizeof bytes);
    bool is_error = descriptor == p->from[1];
    if (got > 0 && is_error)
        ssh_channel_write_stderr(p->channel, bytes, (uint32_t)got);
    else if (got > 0)
        ssh_channel_write(p->channel, bytes, (uint32_t)got);
    else if (got == 0 || errno != EINTR)
        p->from[is_error] = -1 - descriptor;
    return 0;
}

static void run(const char *command) {
    setenv("PS1", "$ ", 1);
    if (command)
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    else
        execl("/bin/sh", "sh", (char *)NULL);
    _exit(127);
}

static void fork_on_pipes(program *p, const char *command) {
    int ends[3][2];
    for (int i = 0; i < 3; i++)
        if (pipe2(ends[i], O_CLOEXEC) != 0)
            _exit(1);
    p->pid = fork();
    if (p->pid == 0) {
        setsid();
        dup2(ends[0][0], 0);
        dup2(ends[1][1], 1);
        dup2(ends[2][1], 2);
        run(command);
    }
    close(ends[0][0]);
    close(ends[1][1]);
    close(ends[2][1]);
    p->to = ends[0][1];
    p->from[0] = ends[1][0];
    p->from[1] = ends[2][0];
}

static void start(program *p, const char *command) {
    if (p->tty) {
        p->pid = forkpty(&p->from[0], NULL, NULL, NULL);
        if (p->pid == 0)
            run(command);
        fcntl(p->from[0], F_SETFD, FD_CLOEXEC);
        p->to = p->from[0];
    } else {
        fork_on_pipes(p, command);
    }
    for (int i = 0; i < 2; i++)
        if (p->from[i] >= 0)
            ssh_event_add_fd(event, p->from[i], POLLIN, on_output, p);
}

/* Outside of its own callback. */
static void forget_ended_outputs(program *p) {
    for (int i = 0; i < 2; i++)
        if (p->from[i] < -1) {
            ssh_event_remove_fd(event, -1 - p->from[i]);
            close(-1 - p->from[i]);
            p->from[i] = -1;
        }
}

static void look_for_end(program *p) {
    int status = 0;
    forget_ended_outputs(p);
    if (p->pid <= 0 || p->from[0] >= 0 || p->from[1] >= 0)
        return;
    waitpid(p->pid, &status, 0);
    p->pid = 0;
    p->to = p->tty ? -1 : p->to;
    close_input(p);
    if (is_set("odd-signal"))
        ssh_channel_request_send_exit_signal(p->channel, "ODD\033[2J", 0, "odd\033[2J", "");
    else if (!is_set("no-status"))
        ssh_channel_request_send_exit_status(p->channel, WIFEXITED(status) ? WEXITSTATUS(status) : 128);
    ssh_channel_send_eof(p->channel);
    ssh_channel_close(p->channel);
}

/* ---- requests; 1: refused ---- */

static int open_channel(ssh_message message) {
    if (ssh_message_subtype(message) != SSH_CHANNEL_SESSION || is_set("no-session") || program_count == most_programs)
        return 1;
    program *p = &programs[program_count++];
    *p = (program){.channel = ssh_message_channel_request_open_reply_accept(message), .to = -1, .from = {-1, -1}};
    p->callbacks = (struct ssh_channel_callbacks_struct){.userdata = p,
                                                         .channel_data_function = on_data,
                                                         .channel_eof_function = on_eof,
                                                         .channel_close_function = on_close};
    ssh_callbacks_init(&p->callbacks);
    ssh_add_channel_callbacks(p->channel, &p->callbacks);
    return 0;
}

static int request(ssh_message message) {
    int subtype = ssh_message_subtype(message);
    program *p = programs;
    while (p->channel != ssh_message_channel_request_channel(message))
        p++;
    if (subtype == SSH_CHANNEL_REQUEST_EXEC && is_set("mute"))
        return 0;
    if ((subtype == SSH_CHANNEL_REQUEST_PTY && is_set("no-terminal")) ||
        (subtype == SSH_CHANNEL_REQUEST_EXEC && is_set("no-exec")) ||
        (subtype == SSH_CHANNEL_REQUEST_SHELL && is_set("no-shell")))
        return 1;
    if (subtype == SSH_CHANNEL_REQUEST_PTY)
        p->tty = true;
    else if (subtype == SSH_CHANNEL_REQUEST_EXEC)
        start(p, ssh_message_channel_request_command(message));
    else if (subtype == SSH_CHANNEL_REQUEST_SHELL)
        start(p, NULL);
    else
        return 1;
    return ssh_message_channel_request_reply_success(message) == SSH_OK ? 0 : 1;
}

static void greet(ssh_session session) {
    ssh_string banner = ssh_string_from_char("banner\033[2J\r\n");
    ssh_send_issue_banner(session, banner);
    ssh_string_free(banner);
}

static int authenticate(ssh_session session, ssh_message message) {
    static const char *prompts[] = {"\033[31mOne\r\n\a: ", "Two\xc2\x9b"
                                                           "2J\177\b: "};
    static char echo[] = {0, 1};
    int method = ssh_message_subtype(message);
    if (!is_set("asks"))
        return method == SSH_AUTH_METHOD_NONE ? ssh_message_auth_reply_success(message, 0) : 1;
    ssh_message_auth_set_methods(message, SSH_AUTH_METHOD_INTERACTIVE);
    if (method == SSH_AUTH_METHOD_NONE)
        greet(session);
    if (method != SSH_AUTH_METHOD_INTERACTIVE)
        return 1;
    if (!ssh_message_auth_kbdint_is_response(message))
        return ssh_message_auth_interactive_request(message, "name\033[2J", "instruction\033]0;title\007\r\n", 2,
                                                    prompts, echo);
    for (unsigned i = 0; i < 2; i++)
        if (ssh_userauth_kbdint_getnanswers(session) != 2 || ssh_userauth_kbdint_getanswer(session, i)[0] == 0)
            return 1;
    return ssh_message_auth_reply_success(message, 0);
}

static int on_message(ssh_session session, ssh_message message, void *data) {
    (void)data;
    switch (ssh_message_type(message)) {
    case SSH_REQUEST_SERVICE:
        return ssh_message_service_reply_success(message) == SSH_OK ? 0 : 1;
    case SSH_REQUEST_AUTH:
        return authenticate(session, message);
    case SSH_REQUEST_CHANNEL_OPEN:
        return open_channel(message);
    case SSH_REQUEST_CHANNEL:
        return request(message);
    default:
        return 1;
    }
}

int main(int argc, char **argv) {
    ssh_bind host = ssh_bind_new();
    ssh_session session = ssh_new();
    if (argc < 2 || !host || !session)
        return 2;
    words = (const char *const *)argv + 2;
    signal(SIGPIPE, SIG_IGN);
    ssh_bind_options_set(host, SSH_BIND_OPTIONS_HOSTKEY, argv[1]);
    if (ssh_bind_accept_fd(host, session, fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)) != SSH_OK)
        return 1;
    ssh_set_message_callback(session, on_message, NULL);
    if (ssh_handle_key_exchange(session) != SSH_OK)
        return 1;
    event = ssh_event_new();
    ssh_event_add_session(event, session);
    while (ssh_is_connected(session) && ssh_event_dopoll(event, -1) == SSH_OK)
        for (size_t i = 0; i < program_count; i++)
            look_for_end(&programs[i]);
    for (size_t i = 0; i < program_count; i++)
        if (programs[i].pid > 0)
            kill(-programs[i].pid, SIGKILL);
    _exit(0);
}
