/* SPDX-License-Identifier: MIT */
#include "ssh_client.h"

#include "folder.h"
#include "ssh_server_parts.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

bool ssh_client_available(const ssh_server_options *options, const char *prefix) {
    text path = {0}, missing = {0};
    bool available = ssh_server_available(options, &missing);
    if (!program_find("ssh", &path)) {
        text_add(&missing, available ? "not installed: ssh" : ", ssh");
        available = false;
    }
    if (!available) {
        printf("%s%s\n", prefix, text_data(&missing));
        fflush(stdout);
    }
    text_free(&path);
    text_free(&missing);
    return available;
}

/* A program that ssh asks in place of the user. */
static void write_asker(const ssh_server *server, text *path) {
    static const char script[] = "#!/bin/sh\nprintf '%s\\n' \"$SSH_CLIENT_SECRET\"\n";
    text_printf(path, "%s/asker", server->own);
    file_write(text_data(path), script, strlen(script));
    chmod(text_data(path), 0700);
}

int ssh_client_run(const ssh_server *server, const char *config, const char *secret, text *output, const char *words,
                   ...) {
    text command = {0}, asker = {0};
    char *rest = NULL;
    va_list list;
    va_start(list, words);
    int length = vasprintf(&rest, words, list);
    va_end(list);
    write_asker(server, &asker);
    if (secret)
        text_printf(&command, "SSH_CLIENT_SECRET='%s' SSH_ASKPASS=%s SSH_ASKPASS_REQUIRE=force DISPLAY=none ", secret,
                    text_data(&asker));
    text_printf(&command, "exec %s ssh -F %s %s %s </dev/null 2>&1", server->client_env, config,
                secret ? "-o NumberOfPasswordPrompts=1" : "-o BatchMode=yes", length < 0 ? "" : rest);
    const char *const shell[] = {"/bin/sh", "-c", text_data(&command), NULL};
    text why = {0};
    text_clear(output);
    int status = program_status(shell, output, &why);
    text_free(&why);
    text_free(&command);
    text_free(&asker);
    free(rest);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

FILE *ssh_client_begin(const ssh_server *server, const char *words) {
    text command = {0};
    text_printf(&command, "%s ssh -n -F %s -o BatchMode=yes %s 2>/dev/null; echo status $?", server->client_env,
                server->config, words);
    FILE *client = popen(text_data(&command), "re");
    text_free(&command);
    char line[80] = "";
    if (client && fgets(line, sizeof line, client) && strcmp(line, "up\n") == 0)
        return client;
    if (client)
        pclose(client);
    return NULL;
}
