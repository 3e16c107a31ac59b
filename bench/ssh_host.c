/* SPDX-License-Identifier: MIT */
#include "ssh_host.h"

#include "../tests/support/folder.h"
#include "../tests/support/ssh_server_parts.h"

#include <stdlib.h>
#include <string.h>

const char bench_ssh_target[] = "test-bash";
const char bench_ssh_user[] = "bash";
const char bench_ssh_key_exchange[] = "curve25519-sha256";
const char bench_ssh_cipher[] = "chacha20-poly1305@openssh.com";
const char bench_ssh_start_tty[] =
    "exec /bin/sh -c 'stty sane -echo -opost -ixon -ixoff;echo READY;exec bash --noediting -l'";
const char bench_ssh_start_pipe[] = "exec /bin/sh -c 'echo READY;exec bash --noediting -l -i'";

struct bench_ssh_host {
    char folder[256];
    char socket[300];
    /* For the server's own port, and for another one. */
    char configs[2][300];
    bench_ssh_address addresses[2];
    ssh_server *server;
};

static bool write_config(bench_ssh_host *host, size_t index, unsigned port, const char *included) {
    text content = {0};
    bench_ssh_address *address = &host->addresses[index];
    char path[sizeof host->configs[index]];
    snprintf(path, sizeof path, "%.250s/ssh_config-%zu", host->folder, index);
    memcpy(host->configs[index], path, sizeof path);
    text_printf(&content, "KexAlgorithms %s\nCiphers %s\nInclude %s\n", bench_ssh_key_exchange, bench_ssh_cipher,
                included);
    bool written = file_write(host->configs[index], text_data(&content), content.length);
    text_free(&content);
    *address = (bench_ssh_address){.port = port,
                                   .key = ssh_server_key_path(host->server, SERVER_KEY_ED25519),
                                   .config = host->configs[index],
                                   .options = HOSTSESSION_SSH_OPTIONS_INIT};
    address->options.config_file = host->configs[index];
    return written;
}

bench_ssh_host *bench_ssh_host_start(bench_contender *owner) {
    bench_ssh_host *host = calloc(1, sizeof(*host));
    text why = {0};
    bool started = false;
    if (host != NULL && folder_make_temporary(host->folder, "hostsession-bench")) {
        snprintf(host->socket, sizeof(host->socket), "%s/control", host->folder);
        host->server = ssh_server_start(host->folder, NULL, &why);
        started = host->server != NULL &&
                  write_config(host, 0, ssh_server_port(host->server), ssh_server_config(host->server));
    }
    if (!started) {
        bench_fail(owner, "no SSH server: %.500s", why.length > 0 ? text_data(&why) : "cannot write files");
        bench_ssh_host_stop(host);
        host = NULL;
    }
    text_free(&why);
    return host;
}

void bench_ssh_host_stop(bench_ssh_host *host) {
    if (host == NULL)
        return;
    ssh_server_stop(host->server);
    if (host->folder[0] != '\0')
        folder_remove(host->folder);
    free(host);
}

const bench_ssh_address *bench_ssh_host_address(const bench_ssh_host *host) {
    return &host->addresses[0];
}

const bench_ssh_address *bench_ssh_host_address_at(bench_ssh_host *host, unsigned port) {
    const char *config = ssh_server_config_at(host->server, port);
    return config != NULL && write_config(host, 1, port, config) ? &host->addresses[1] : NULL;
}

pid_t bench_ssh_host_listener(const bench_ssh_host *host) {
    return host->server->listener;
}

const char *bench_ssh_host_socket(const bench_ssh_host *host) {
    return host->socket;
}
