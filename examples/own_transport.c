/* SPDX-License-Identifier: MIT */
/* A transport of one's own: a shell on a terminal made by forkpty().  In its place could be a serial line, a
 * container's console or a protocol that the library does not know: anything that moves bytes. */
#include <errno.h>
#include <fcntl.h>
#include <hostsession/hostsession.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct console {
    hostsession_channel *channel;
    hostsession_watch *watch;
    int terminal;
    pid_t shell;
} console;

static void on_ready(void *userdata, unsigned events) {
    console *c = userdata;
    if (events & HOSTSESSION_WATCH_WRITABLE) {
        hostsession_watch_set_events(c->watch, HOSTSESSION_WATCH_READABLE);
        hostsession_channel_writable(c->channel);
    }
    char bytes[4096];
    ssize_t length = read(c->terminal, bytes, sizeof bytes);
    if (length > 0) {
        hostsession_channel_received(c->channel, HOSTSESSION_STREAM_OUTPUT, bytes, (size_t)length);
    } else if (length == 0 || (errno != EAGAIN && errno != EINTR)) {
        hostsession_watch_set_events(c->watch, 0);
        /* The terminal was hung up: its shell has ended, or is about to. */
        int status = 0;
        hostsession_exit how = {false, 0, 0};
        if (waitpid(c->shell, &status, 0) == c->shell) {
            c->shell = -1;
            how.known = true;
            how.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
            how.exit_status = how.signal ? 128 + how.signal : WEXITSTATUS(status);
        }
        hostsession_channel_ended(c->channel, &how, NULL);
    }
}

static hostsession_error fail(hostsession_failure *failure, const char *what) {
    failure->error = HOSTSESSION_ERROR_CONNECT;
    failure->system_errno = errno;
    failure->stage = "console";
    snprintf(failure->message, sizeof failure->message, "%s: %s", what, strerror(errno));
    return failure->error;
}

static void console_close(void *data) {
    console *c = data;
    hostsession_watch_free(c->watch);
    close(c->terminal);
    if (c->shell > 0) {
        kill(c->shell, SIGKILL);
        waitpid(c->shell, NULL, 0);
    }
}

static hostsession_error console_open(void *data, hostsession_loop *loop, hostsession_channel *channel,
                                      hostsession_failure *failure) {
    console *c = data;
    c->channel = channel;
    c->shell = forkpty(&c->terminal, NULL, NULL, NULL);
    if (c->shell < 0)
        return fail(failure, "cannot start a shell");
    if (c->shell == 0) {
        execlp("sh", "sh", (char *)NULL);
        _exit(127);
    }
    fcntl(c->terminal, F_SETFL, O_NONBLOCK);
    fcntl(c->terminal, F_SETFD, FD_CLOEXEC);
    if (hostsession_watch_new(loop, c->terminal, HOSTSESSION_WATCH_READABLE, on_ready, c, &c->watch) !=
        HOSTSESSION_OK) {
        fail(failure, "cannot watch the terminal");
        console_close(c);
        return failure->error;
    }
    hostsession_channel_opened(channel);
    return HOSTSESSION_OK;
}

static size_t console_write(void *data, const char *bytes, size_t length) {
    console *c = data;
    ssize_t put = write(c->terminal, bytes, length);
    /* A broken terminal takes everything: reading tells of its end. */
    if (put < 0 && errno != EAGAIN && errno != EINTR)
        return length;
    size_t taken = put < 0 ? 0 : (size_t)put;
    if (taken < length)
        hostsession_watch_set_events(c->watch, HOSTSESSION_WATCH_READABLE | HOSTSESSION_WATCH_WRITABLE);
    return taken;
}

static void console_release(void *data) {
    free(data);
}

int main(void) {
    hostsession_transport transport = HOSTSESSION_TRANSPORT_INIT;
    transport.name = "console";
    transport.capabilities = HOSTSESSION_TRANSPORT_TTY;
    transport.open = console_open;
    transport.write = console_write;
    transport.close = console_close;
    transport.release = console_release;

    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    options.transport = &transport;
    options.transport_data = calloc(1, sizeof(console));
    if (!options.transport_data)
        return EXIT_FAILURE;

    hostsession *shell;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (hostsession_open("console", &options, &shell, &why) != HOSTSESSION_OK) {
        fprintf(stderr, "%s\n", why.message);
        return EXIT_FAILURE;
    }
    hostsession_result *result;
    hostsession_run(shell, "cd /usr; greeting=hello", NULL, &result);
    hostsession_result_free(result);
    hostsession_error error = hostsession_run(shell, "echo \"$greeting from $PWD\"", NULL, &result);
    printf("%s", hostsession_result_output(result));
    hostsession_result_free(result);
    hostsession_close(shell);
    return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
