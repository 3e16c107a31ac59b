/* SPDX-License-Identifier: MIT */
#include "matrix.h"

#include "../support/folder.h"
#include "../support/ssh_server.h"
#include "../support/telnet_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Readline and --posix change how bash reads a terminal; on pipes there is nothing of that to test. */
const struct shell_row shell_rows[] = {
    {"bash", BASH, ANY_MODE, "bash", NULL, false, "bash"},
    {"bash-readline", BASH_READLINE, TTY, "bash", NULL, true, "bash"},
    {"bash-posix", BASH_POSIX, TTY, "bash", "--posix --noprofile --norc", false, "bash"},
    {"dash", DASH, ANY_MODE, "dash", NULL, false, "dash"},
    {"zsh", ZSH, ANY_MODE, "zsh", NULL, false, "zsh"},
    {"ksh93", KSH93, ANY_MODE, "ksh93", NULL, false, "ksh93"},
    {"mksh", MKSH, ANY_MODE, "mksh", NULL, false, "mksh"},
    {"ash", ASH, ANY_MODE, "busybox", "ash", false, "ash"},
    {0},
};

/* On pipes as "local" does it: only an interactive shell survives SIGINT. */
static void describe_local(const struct shell_row *shell, const char *home, struct opening *opening) {
    (void)home;
    if (shell->arguments) {
        const char *interactive = opening->options.mode == HOSTSESSION_MODE_PIPE ? " -i" : "";
        snprintf(opening->target, sizeof opening->target, "exec:%s %s%s", shell->program, shell->arguments,
                 interactive);
        return;
    }
    snprintf(opening->target, sizeof opening->target, "local");
    opening->options.shell = shell->program;
    opening->options.interactive = shell->interactive;
}

/* A real sshd on this machine, whose users have these login shells. */
static ssh_server *server;

static bool start_ssh(const char *folder, text *why) {
    static char path[300];
    snprintf(path, sizeof path, "%s/ssh", folder);
    ssh_server_options options = {.config = "MaxStartups 100:30:200\n"};
    if (mkdir(path, 0700) != 0)
        return false;
    server = ssh_server_start(path, &options, why);
    return server != NULL;
}

static void stop_ssh(void) {
    ssh_server_stop(server);
}

/* Each case has a home of its own, and none of sshd's environment. */
static void describe_ssh(const struct shell_row *shell, const char *home, struct opening *opening) {
    opening->user = shell->kind == BASH_READLINE ? "bash" : shell->name;
    snprintf(opening->target, sizeof opening->target, "test-%s", opening->user);
    snprintf(opening->settings_text, sizeof opening->settings_text,
             "SetEnv=HOME=%s PATH=%s LANG=C.UTF-8 TMPDIR=%s HISTFILE=/dev/null", home, getenv("PATH"), home);
    opening->settings[0] = opening->settings_text;
    opening->ssh = (hostsession_ssh_options)HOSTSESSION_SSH_OPTIONS_INIT;
    opening->ssh.config_file = ssh_server_config(server);
    opening->ssh.settings = opening->settings;
    opening->options.ssh = &opening->ssh;
    opening->options.interactive = shell->interactive;
}

/* A real telnetd, whose login asks for a shell and a home in place of a name: each case has one of its own. */
static telnet_server *telnet;

static bool start_telnet(const char *folder, text *why) {
    char path[300];
    snprintf(path, sizeof path, "%s/login", folder);
    static const char login[] = "#!/bin/sh\n"
                                "who=\n"
                                "while [ -z \"$who\" ]; do printf 'login: '; read -r who; done\n"
                                "home=${who#*,}\n"
                                "cd \"$home\" || exit\n"
                                "exec env -i HOME=\"$home\" TMPDIR=\"$home\" LOGNAME=\"$(id -un)\" TERM=dumb "
                                "LANG=C.UTF-8 HISTFILE=/dev/null \\\n"
                                "    PATH=\"$PATH\" ${who%%,*}\n";
    if (!telnet_server_available(false, why) || !file_write(path, login, sizeof login - 1) || chmod(path, 0755) != 0)
        return false;
    telnet = telnet_server_start(path, why);
    return telnet != NULL;
}

static void stop_telnet(void) {
    telnet_server_stop(telnet);
}

static void describe_telnet(const struct shell_row *shell, const char *home, struct opening *opening) {
    snprintf(opening->target, sizeof opening->target, "telnet://%s%s%s,%s@127.0.0.1:%u", shell->program,
             shell->arguments ? " " : "", shell->arguments ? shell->arguments : "", home, telnet_server_port(telnet));
}

/* A program between us and the shell, which has a terminal of its own: as with ssh -tt and docker exec -it. */
static void describe_relay(const struct shell_row *shell, const char *home, struct opening *opening) {
    (void)home;
    snprintf(opening->target, sizeof opening->target, "exec:script -qec 'exec %s%s%s' /dev/null", shell->program,
             shell->arguments ? " " : "", shell->arguments ? shell->arguments : "");
}

const struct transport_row transport_rows[] = {
    {"local", ANY_MODE, REACH_LOCAL | REACH_EXIT_STATUS | REACH_SIGNALS | REACH_ECHO | REACH_SHELL, ANY_SHELL, NULL,
     NULL, describe_local},
    {"ssh", ANY_MODE, REACH_EXIT_STATUS | REACH_SIGNALS | REACH_SHELL, ANY_SHELL & ~BASH_POSIX, start_ssh, stop_ssh,
     describe_ssh},
    {"relay", TTY, REACH_EXIT_STATUS, BASH | DASH | ZSH, NULL, NULL, describe_relay},
    {"telnet", TTY, 0, BASH | DASH | ASH, start_telnet, stop_telnet, describe_telnet},
    {0},
};

const struct shell_row *shell_row_find(const char *name) {
    for (const struct shell_row *row = shell_rows; row->name; row++)
        if (strcmp(row->name, name) == 0)
            return row;
    return NULL;
}

const struct transport_row *transport_row_find(const char *name) {
    for (const struct transport_row *row = transport_rows; row->name; row++)
        if (strcmp(row->name, name) == 0)
            return row;
    return NULL;
}
