/* SPDX-License-Identifier: MIT */
#include "bare_ssh.h"

#include "recording.h"

#include <libssh/callbacks.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- the connection ---- */

static void wait_for(const bench_ssh *ssh) {
    bool writes = (ssh_get_poll_flags(ssh->session) & SSH_WRITE_PENDING) != 0;
    struct pollfd ready = {.fd = ssh->descriptor, .events = (short)(POLLIN | (writes ? POLLOUT : 0))};
    poll(&ready, 1, -1);
    const int on = 1;
    if (ssh->acknowledges)
        setsockopt(ssh->descriptor, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

static bool dial(bench_ssh *ssh, unsigned port) {
    const int on = 1;
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ssh->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return ssh->descriptor >= 0 && connect(ssh->descriptor, (const struct sockaddr *)&to, sizeof(to)) == 0 &&
           setsockopt(ssh->descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0;
}

static bool is_set_up(bench_ssh *ssh, const bench_ssh_address *address) {
    const bool off = false;
    ssh_session s = ssh->session;
    return ssh_options_set(s, SSH_OPTIONS_PROCESS_CONFIG, &off) == SSH_OK &&
           ssh_options_set(s, SSH_OPTIONS_HOST, "127.0.0.1") == SSH_OK &&
           ssh_options_set(s, SSH_OPTIONS_PORT, &address->port) == SSH_OK &&
           ssh_options_set(s, SSH_OPTIONS_USER, bench_ssh_user) == SSH_OK &&
           ssh_options_set(s, SSH_OPTIONS_KEY_EXCHANGE, bench_ssh_key_exchange) == SSH_OK &&
           ssh_options_set(s, SSH_OPTIONS_CIPHERS_C_S, bench_ssh_cipher) == SSH_OK &&
           ssh_options_set(s, SSH_OPTIONS_CIPHERS_S_C, bench_ssh_cipher) == SSH_OK &&
           ssh_options_set(s, SSH_OPTIONS_HOSTKEYS, "ssh-ed25519") == SSH_OK &&
           ssh_options_set(s, SSH_OPTIONS_FD, &ssh->descriptor) == SSH_OK;
}

static bool greet(bench_ssh *ssh) {
    int result;
    ssh_set_blocking(ssh->session, 0);
    while ((result = ssh_connect(ssh->session)) == SSH_AGAIN)
        wait_for(ssh);
    /* libssh makes the descriptor block. */
    fcntl(ssh->descriptor, F_SETFL, fcntl(ssh->descriptor, F_GETFL) | O_NONBLOCK);
    return result == SSH_OK;
}

static bool log_in(bench_ssh *ssh, const char *path) {
    ssh_key key = NULL;
    int result = SSH_AUTH_ERROR;
    if (ssh_pki_import_privkey_file(path, NULL, NULL, NULL, &key) == SSH_OK) {
        while ((result = ssh_userauth_publickey(ssh->session, NULL, key)) == SSH_AUTH_AGAIN)
            wait_for(ssh);
    }
    ssh_key_free(key);
    return result == SSH_AUTH_SUCCESS;
}

static bool open_channel(bench_ssh *ssh) {
    int result;
    ssh->channel = ssh_channel_new(ssh->session);
    if (ssh->channel == NULL)
        return false;
    while ((result = ssh_channel_open_session(ssh->channel)) == SSH_AGAIN)
        wait_for(ssh);
    return result == SSH_OK;
}

bool bench_ssh_open(bench_ssh *ssh, const bench_ssh_address *address, bool acknowledges, bench_contender *owner) {
    *ssh = (bench_ssh){.descriptor = -1, .acknowledges = acknowledges};
    if (!dial(ssh, address->port))
        return bench_fail(owner, "cannot connect to port %u", address->port);
    ssh->session = ssh_new();
    if (ssh->session == NULL)
        return bench_fail(owner, "no memory");
    if (is_set_up(ssh, address) && greet(ssh) && log_in(ssh, address->key) && open_channel(ssh))
        return true;
    return bench_fail(owner, "libssh: %s", ssh_get_error(ssh->session));
}

void bench_ssh_close(bench_ssh *ssh) {
    if (ssh->channel != NULL)
        ssh_channel_free(ssh->channel);
    if (ssh->session != NULL) {
        ssh_disconnect(ssh->session);
        ssh_free(ssh->session);
    } else if (ssh->descriptor >= 0) {
        close(ssh->descriptor);
    }
    *ssh = (bench_ssh){.descriptor = -1};
}

/* ---- the shell ---- */

bool bench_ssh_execute(bench_ssh *ssh, bool terminal, const char *command, bench_contender *owner) {
    int result = SSH_OK;
    while (terminal && (result = ssh_channel_request_pty_size(ssh->channel, "dumb", 65535, 24)) == SSH_AGAIN)
        wait_for(ssh);
    if (result == SSH_OK) {
        while ((result = ssh_channel_request_exec(ssh->channel, command)) == SSH_AGAIN)
            wait_for(ssh);
    }
    return result == SSH_OK || bench_fail(owner, "libssh: %s", ssh_get_error(ssh->session));
}

bool bench_ssh_write(bench_ssh *ssh, const char *bytes, size_t length) {
    while (length > 0) {
        int written = ssh_channel_write(ssh->channel, bytes, (uint32_t)length);
        if (written < 0)
            return false;
        bytes += written;
        length -= (size_t)written;
        if (length > 0)
            wait_for(ssh);
    }
    return true;
}

size_t bench_ssh_read(bench_ssh *ssh, char *bytes, size_t size) {
    for (;;) {
        int got = ssh_channel_read_nonblocking(ssh->channel, bytes, (uint32_t)size, 0);
        if (got != 0)
            return got > 0 ? (size_t)got : 0;
        if (ssh_channel_is_eof(ssh->channel) || ssh_channel_is_closed(ssh->channel))
            return 0;
        wait_for(ssh);
    }
}

int bench_ssh_wait_status(bench_ssh *ssh) {
    int status;
    while ((status = ssh_channel_get_exit_status(ssh->channel)) < 0 && !ssh_channel_is_closed(ssh->channel))
        wait_for(ssh);
    return status;
}

bool bench_ssh_read_until(bench_ssh *ssh, const char *end, size_t length) {
    enum { MAX_END_BYTES = 16 };
    static char bytes[1 << 18];
    const size_t end_length = strlen(end);
    size_t kept = 0;
    for (size_t received = 0;;) {
        size_t got = bench_ssh_read(ssh, bytes + kept, sizeof(bytes) - kept);
        if (got == 0 || end_length > MAX_END_BYTES)
            return false;
        received += got;
        kept += got;
        if (kept >= end_length && memcmp(bytes + kept - end_length, end, end_length) == 0)
            return length == 0 || received == length;
        size_t keep = kept < end_length ? kept : end_length;
        memmove(bytes, bytes + kept - keep, keep);
        kept = keep;
    }
}

/* A prompt may follow in the same piece. */
static bool wait_for_ready(bench_ssh *ssh) {
    char bytes[4096];
    size_t length = 0;
    while (memmem(bytes, length, "READY\n", 6) == NULL) {
        size_t got = bench_ssh_read(ssh, bytes + length, sizeof(bytes) - length);
        if (got == 0)
            return false;
        length += got;
    }
    return true;
}

bool bench_ssh_start_shell(bench_ssh *ssh, bool terminal, bench_contender *owner) {
    static const char line[] = "PS1= PS2= PROMPT_COMMAND=; echo END$?\n";
    if (!bench_ssh_execute(ssh, terminal, terminal ? bench_ssh_start_tty : bench_ssh_start_pipe, owner))
        return false;
    return (wait_for_ready(ssh) && bench_ssh_write(ssh, line, sizeof(line) - 1) &&
            bench_ssh_read_until(ssh, "END0\n", 0)) ||
           bench_fail(owner, "the shell did not answer");
}

/* ---- TEXT; echo END$? ---- */

static bool plain_start(bench_contender *self) {
    const bench_ssh_command *config = self->config;
    bench_ssh *ssh = calloc(1, sizeof(*ssh));
    self->state = ssh;
    if (ssh == NULL)
        return bench_fail(self, "no memory");
    return bench_ssh_open(ssh, config->address, false, self) && bench_ssh_start_shell(ssh, config->terminal, self);
}

/* It is read to where it stays. */
static bool read_and_keep(bench_ssh *ssh, size_t length) {
    char *kept = bench_map(length);
    size_t received = 0;
    size_t got = 1;
    while (kept != NULL && received < length && (got = bench_ssh_read(ssh, kept + received, length - received)) > 0)
        received += got;
    if (kept != NULL)
        munmap(kept, length);
    return kept != NULL && received == length;
}

static bool plain_round(bench_contender *self, unsigned count, double *metrics) {
    static const char end[] = "END0\n";
    const bench_ssh_command *config = self->config;
    char line[4096];
    int length = snprintf(line, sizeof(line), "%s; echo END$?\n", config->text);
    double before = bench_now();
    for (unsigned i = 0; i < count; i++) {
        const size_t wanted = config->output_bytes + sizeof(end) - 1;
        if (!bench_ssh_write(self->state, line, (size_t)length) ||
            !(config->keeps ? read_and_keep(self->state, wanted) : bench_ssh_read_until(self->state, end, wanted)))
            return bench_fail(self, "the shell did not answer `%.40s`", config->text);
    }
    double seconds = (bench_now() - before) / count;
    metrics[0] = config->output_bytes == 0 ? seconds : (double)config->output_bytes / seconds;
    return true;
}

static void plain_stop(bench_contender *self) {
    if (self->state != NULL)
        bench_ssh_close(self->state);
    free(self->state);
    self->state = NULL;
}

const bench_kind bench_ssh_plain_loop = {plain_start, plain_round, plain_stop};

/* ---- what the library types ---- */

typedef struct replay {
    bench_ssh ssh;
    bench_recording recording;
    uint64_t separators;
    /* How many have come at the end of the last command. */
    uint64_t end;
    struct ssh_channel_callbacks_struct callbacks;
} replay;

/* By a callback: a read of one stream may take what came for the other from the socket. */
static int on_data(ssh_session session, ssh_channel channel, void *data, uint32_t length, int is_error,
                   void *userdata) {
    replay *state = userdata;
    (void)session;
    (void)channel;
    (void)is_error;
    state->separators += bench_count_separators(data, length);
    return (int)length;
}

static bool wait_for_separators(replay *state, uint64_t wanted) {
    while (state->separators < wanted) {
        wait_for(&state->ssh);
        if (ssh_channel_poll(state->ssh.channel, 0) < 0)
            return false;
    }
    return true;
}

static bool type_steps(replay *state, size_t from, uint64_t before_first, uint64_t before) {
    const bench_recording *recording = &state->recording;
    for (size_t at = from; at < recording->step_count; at++) {
        const bench_step *step = &recording->steps[at];
        if (!wait_for_separators(state, before + (step->separators_before - before_first)) ||
            !bench_ssh_write(&state->ssh, step->bytes, step->length))
            return false;
    }
    return true;
}

static bool replay_start(bench_contender *self) {
    const bench_ssh_replayed *config = self->config;
    bool terminal = config->command->mode == HOSTSESSION_MODE_TTY;
    replay *state = calloc(1, sizeof(*state));
    self->state = state;
    if (state == NULL)
        return bench_fail(self, "no memory");
    state->ssh.descriptor = -1;
    if (!bench_record(&state->recording, config->command, self) ||
        !bench_ssh_open(&state->ssh, config->address, false, self))
        return false;
    state->callbacks.channel_data_function = on_data;
    state->callbacks.userdata = state;
    ssh_callbacks_init(&state->callbacks);
    ssh_set_channel_callbacks(state->ssh.channel, &state->callbacks);
    if (!bench_ssh_execute(&state->ssh, terminal, terminal ? bench_ssh_start_tty : bench_ssh_start_pipe, self))
        return false;
    const bench_recording *recording = &state->recording;
    state->end = recording->steps[recording->cycle_first].separators_before + recording->separators_per_cycle;
    return (type_steps(state, 0, 0, 0) && wait_for_separators(state, state->end)) ||
           bench_fail(self, "replay: the shell ended");
}

static bool replay_round(bench_contender *self, unsigned count, double *metrics) {
    replay *state = self->state;
    const bench_recording *recording = &state->recording;
    uint64_t before_first = recording->steps[recording->cycle_first].separators_before;
    double before = bench_now();
    for (unsigned i = 0; i < count; i++) {
        if (!type_steps(state, recording->cycle_first, before_first, state->end))
            return bench_fail(self, "replay: the shell ended");
        state->end += recording->separators_per_cycle;
        if (!wait_for_separators(state, state->end))
            return bench_fail(self, "replay: the shell ended");
    }
    metrics[0] = (bench_now() - before) / count;
    return true;
}

static void replay_stop(bench_contender *self) {
    replay *state = self->state;
    if (state == NULL)
        return;
    bench_ssh_close(&state->ssh);
    bench_recording_free(&state->recording);
    free(state);
    self->state = NULL;
}

const bench_kind bench_ssh_replayed_loop = {replay_start, replay_round, replay_stop};
