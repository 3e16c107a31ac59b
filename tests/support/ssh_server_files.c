/* SPDX-License-Identifier: MIT */
#include "ssh_server_parts.h"

#include "folder.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* crypt(3) of "secret-NAME": a test need not be linked with it. */
static const struct user {
    const char *name, *hash;
} users[server_users_most] = {
    {"bash", "$5$rounds=1000$hostsession$z8HvJi4Ctn4t7YWiTTtKigfVmd3hBqyqRjcYBlPFor5"},
    {"dash", "$5$rounds=1000$hostsession$luvBoZAX4nY93lp6vl7o4r4Lzw8TaBTP4nq3jDlGDK9"},
    {"zsh", "$5$rounds=1000$hostsession$2Qdn.XmIY2HlH0vHZ/U0d5Et8xCuf0JQAq20Vh2PdQ4"},
    {"ksh93", "$5$rounds=1000$hostsession$YWtew8YFhtBuSmTYNaVubCaSBDf8fiwA6g0mtzhom56"},
    {"mksh", "$5$rounds=1000$hostsession$4K6hY3/yqxDFocuvDPkfpNNrALgbYFYPVtXS5zbW02A"},
    {"ash", "$5$rounds=1000$hostsession$.5Bd.qloLB8LgePXpqFRTv7BiMmeknJMRvmxUTYlmm."},
    {"fish", "$5$rounds=1000$hostsession$IPHufAWnoUb6PLqIHc59SEr3HmYazKhS0O9oEQQNh51"},
    {"tcsh", "$5$rounds=1000$hostsession$N/YvevWf3ThGAfJ5pzzUMeFhX9UCmzS0.wCXVjXbPXB"},
};

static bool write_text(const char *path, text *content, text *why) {
    bool right = file_write(path, text_data(content), content->length);
    if (!right)
        text_printf(why, "cannot write %s", path);
    text_free(content);
    return right;
}

/* ---- users ---- */

/* ash: what busybox is when called so. */
static bool find_shell(ssh_server *s, const char *name, text *path) {
    bool is_ash = strcmp(name, "ash") == 0;
    if (!program_find(is_ash ? "busybox" : name, path))
        return false;
    if (!is_ash)
        return true;
    const char *folder = server_keep(s, "%s/bin", s->folder);
    const char *link = server_keep(s, "%s/ash", folder);
    mkdir(folder, 0755);
    if (access(link, X_OK) != 0 && symlink(text_data(path), link) != 0)
        return false;
    text_clear(path);
    text_add(path, link);
    return true;
}

static void find_users(ssh_server *s) {
    size_t count = 0;
    text path = {0};
    for (size_t i = 0; i < server_users_most; i++) {
        if (!find_shell(s, users[i].name, &path))
            continue;
        s->users[count] = users[i].name;
        s->hashes[count] = users[i].hash;
        s->shells[count++] = server_keep(s, "%s", text_data(&path));
    }
    text_free(&path);
}

/* dropbear looks nowhere else. */
static void authorize_in_home(ssh_server *s, const char *home) {
    const char *folder = server_keep(s, "%s/.ssh", home);
    const char *keys = server_keep(s, "%s/authorized_keys", s->keys);
    mkdir(folder, 0700);
    (void)!symlink(keys, server_keep(s, "%s/authorized_keys", folder));
}

static void make_user(ssh_server *s, size_t index, text *passwd, text *matrix) {
    const char *name = s->users[index];
    const char *home = server_keep(s, "%s/home/%s", s->folder, name);
    mkdir(home, 0700);
    text_printf(passwd, "%s:%s:%u:%u::%s:%s\n", name, s->hashes[index], (unsigned)s->told_uid, (unsigned)getgid(), home,
                s->shells[index]);
    text_printf(matrix, "%s:secret-%s:sshd\n", name, name);
}

/* A new terminal's group; a server that may not change it must find it right. */
static unsigned terminal_group(void) {
    struct stat status;
    char name[64];
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    bool known = master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0 &&
                 ptsname_r(master, name, sizeof name) == 0 && stat(name, &status) == 0;
    if (master >= 0)
        close(master);
    return (unsigned)(known ? status.st_gid : getgid());
}

static bool write_groups(ssh_server *s, text *why) {
    text groups = {0};
    unsigned own = (unsigned)getgid(), terminals = terminal_group();
    text_printf(&groups, "tty:x:%u:\n", terminals);
    if (own != terminals)
        text_printf(&groups, "testers:x:%u:\n", own);
    return write_text(server_keep(s, "%s/group", s->own), &groups, why);
}

static bool write_pam(ssh_server *s, text *matrix, text *why) {
    text module = {0}, stack = {0};
    const char *folder = server_keep(s, "%s/pam", s->own);
    const char *passwords = server_keep(s, "%s/passwords", s->own);
    bool right = library_find("pam_wrapper/pam_matrix.so", &module);
    mkdir(folder, 0700);
    for (int i = 0; i < 2; i++)
        text_printf(&stack, "%s required %s passdb=%s\n", i ? "account" : "auth", text_data(&module), passwords);
    text_add(&stack, "password required pam_deny.so\nsession required pam_permit.so\n");
    right = write_text(server_keep(s, "%s/sshd", folder), &stack, why) && right;
    right = write_text(passwords, matrix, why) && right;
    text_free(&module);
    return right;
}

bool server_make_users(ssh_server *s, text *why) {
    text passwd = {0}, matrix = {0};
    find_users(s);
    mkdir(server_keep(s, "%s/home", s->folder), 0700);
    for (size_t i = 0; s->users[i]; i++)
        make_user(s, i, &passwd, &matrix);
    text_add(&passwd, "sshd:*:65534:65534::/:/bin/false\n");
    bool right = write_text(server_keep(s, "%s/passwd", s->own), &passwd, why) && write_groups(s, why);
    if (right && s->pam)
        right = write_pam(s, &matrix, why);
    text_free(&matrix);
    return right;
}

void server_environment(ssh_server *s, bool is_server, const char *words[8]) {
    text nss = {0};
    size_t count = 0;
    library_find("libnss_wrapper.so", &nss);
    words[count++] = server_keep(s, "LD_PRELOAD=%s:%s", text_data(&nss), SERVER_VIEW_LIBRARY);
    words[count++] = server_keep(s, "NSS_WRAPPER_PASSWD=%s/passwd", s->own);
    words[count++] = server_keep(s, "NSS_WRAPPER_GROUP=%s/group", s->own);
    words[count++] = server_keep(s, "SERVER_VIEW_UID=%u", (unsigned)s->told_uid);
    if (is_server && s->dropbear) {
        text shells = {0};
        for (size_t i = 0; s->users[i]; i++)
            text_printf(&shells, "%s%s", i ? ":" : "", s->shells[i]);
        words[count++] = server_keep(s, "SERVER_VIEW_SHELLS=%s", text_data(&shells));
        text_free(&shells);
    }
    if (is_server && s->pam)
        words[count++] = server_keep(s, "SERVER_VIEW_PAM=%s/pam", s->own);
    words[count] = NULL;
    text_free(&nss);
}

/* ---- configuration ---- */

static void add_known_host(ssh_server *s, unsigned port, text *known) {
    static const char *const names[] = {"127.0.0.1", "::1", "localhost"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        text_printf(known, "[%s]:%u %s\n", names[i], port, s->host_public);
}

static bool write_client_config(ssh_server *s, const char *path, unsigned port, text *why) {
    text config = {0};
    for (size_t i = 0; s->users[i]; i++) {
        text_printf(&config, "Host %s-%s\n", s->alias, s->users[i]);
        text_printf(&config, "    HostName 127.0.0.1\n    Port %u\n    User %s\n", port, s->users[i]);
        text_printf(&config, "    IdentityFile %s\n    IdentitiesOnly yes\n", s->key_paths[SERVER_KEY_ED25519]);
        text_printf(&config, "    UserKnownHostsFile %s\n    GlobalKnownHostsFile /dev/null\n", s->known_hosts);
        text_add(&config, "    StrictHostKeyChecking yes\n");
    }
    return write_text(path, &config, why);
}

static bool write_server_config(ssh_server *s, text *why) {
    text config = {0};
    /* This one wins: the log tells that the server listens. */
    text_printf(&config, "LogLevel DEBUG1\n%s", s->lines);
    text_printf(&config, "ListenAddress 127.0.0.1\n%sPort %u\n", s->ipv6 ? "ListenAddress ::1\n" : "", s->port);
    text_printf(&config, "HostKey %s/%s\nPidFile none\n", s->keys, s->host_key);
    text_printf(&config, "AuthorizedKeysFile %s/authorized_keys\n", s->keys);
    text_printf(&config, "TrustedUserCAKeys %s/authority.pub\n", s->keys);
    text_printf(&config, "UsePAM %s\nKbdInteractiveAuthentication %s\n", s->pam ? "yes" : "no", s->pam ? "yes" : "no");
    text_add(&config, "PasswordAuthentication yes\nStrictModes no\nUseDNS no\nPrintMotd no\nPrintLastLog no\n");
    text_add(&config, "Subsystem sftp internal-sftp\n");
    return write_text(server_keep(s, "%s/sshd_config", s->own), &config, why);
}

bool server_make_config(ssh_server *s, text *why) {
    text known = {0};
    add_known_host(s, s->port, &known);
    for (size_t i = 0; s->dropbear && s->users[i]; i++)
        authorize_in_home(s, server_keep(s, "%s/home/%s", s->folder, s->users[i]));
    return write_text(s->known_hosts, &known, why) && write_client_config(s, s->config, s->port, why) &&
           write_server_config(s, why);
}

const char *ssh_server_config_at(ssh_server *server, unsigned port) {
    const char *path = server_keep(server, "%s/ssh_config-%u", server->own, port);
    text known = {0}, why = {0};
    file_read(server->known_hosts, &known);
    add_known_host(server, port, &known);
    bool right = write_text(server->known_hosts, &known, &why) && write_client_config(server, path, port, &why);
    text_free(&why);
    return right ? path : NULL;
}
