/* SPDX-License-Identifier: MIT */
#include "users.h"

#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A name says which process made it. */
#define PREFIX "hstest-"
#define SUDOERS "/etc/sudoers.d/" PREFIX

static unsigned made;

static bool has_program(const char *name) {
    static const char *const folders[] = {"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/", NULL};
    char path[128];
    for (const char *const *folder = folders; *folder; folder++) {
        snprintf(path, sizeof path, "%s%s", *folder, name);
        if (access(path, X_OK) == 0)
            return true;
    }
    return false;
}

bool users_available(text *missing) {
    static const char *const programs[] = {"useradd", "userdel", "chpasswd", "su", NULL};
    if (geteuid() != 0)
        text_add(missing, " root");
    for (const char *const *program = programs; *program; program++)
        if (!has_program(*program))
            text_printf(missing, " %s", *program);
    return missing->length == 0;
}

static bool command(text *why, const char *line) {
    int status = system(line);
    if (status == 0)
        return true;
    text_printf(why, "\"%s\" ended with %d", line, status);
    return false;
}

static void remove_user(const char *name) {
    text line = {0};
    text_printf(&line, "userdel -f -r %s >/dev/null 2>&1; rm -rf /tmp/" PREFIX "home/%s; rm -f " SUDOERS "%s", name,
                name, name);
    int status = system(text_data(&line));
    (void)status;
    text_free(&line);
    rmdir("/tmp/" PREFIX "home");
}

/* Those of processes that are gone, or, `own`, of this one. */
static void remove_some(bool own) {
    char names[64][32];
    size_t count = 0;
    setpwent();
    for (struct passwd *entry = getpwent(); entry && count < 64; entry = getpwent()) {
        if (strncmp(entry->pw_name, PREFIX, strlen(PREFIX)) != 0 || strlen(entry->pw_name) >= sizeof names[0])
            continue;
        pid_t maker = (pid_t)atoi(entry->pw_name + strlen(PREFIX));
        if (own ? maker == getpid() : kill(maker, 0) != 0)
            strcpy(names[count++], entry->pw_name);
    }
    endpwent();
    for (size_t i = 0; i < count; i++)
        remove_user(names[i]);
}

/* useradd gives up on a lock that another has. */
static int lock(void) {
    int file = open("/tmp/" PREFIX "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file >= 0)
        flock(file, LOCK_EX);
    return file;
}

static void unlock(int file) {
    if (file >= 0)
        close(file);
}

bool users_make(test_user *ret, const char *shell, text *why) {
    char line[512];
    int held = lock();
    remove_some(false);
    snprintf(ret->name, sizeof ret->name, PREFIX "%d-%u", (int)getpid(), made++);
    snprintf(ret->password, sizeof ret->password, "secret-%u-%d", made, (int)getpid());
    snprintf(ret->home, sizeof ret->home, "/tmp/" PREFIX "home/%s", ret->name);
    mkdir("/tmp/" PREFIX "home", 0755);
    /* The password goes by standard input: a command line is seen by all. */
    snprintf(line, sizeof line,
             "useradd -K MAIL_DIR=/nonexistent -m -k /nonexistent -d %s -s %s %s 2>/dev/null && "
             "printf '%%s:%%s\\n' %s %s | chpasswd",
             ret->home, shell ? shell : "/bin/sh", ret->name, ret->name, ret->password);
    bool right = command(why, line);
    unlock(held);
    return right;
}

bool users_allow_sudo(const test_user *user, text *why) {
    char path[128];
    snprintf(path, sizeof path, SUDOERS "%s", user->name);
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0440);
    char rule[128];
    int length = snprintf(rule, sizeof rule, "%s ALL=(ALL:ALL) ALL\n", user->name);
    bool right = file >= 0 && write(file, rule, (size_t)length) == length;
    if (file >= 0)
        close(file);
    if (!right)
        text_printf(why, "%s cannot be written", path);
    return right;
}

void users_remove_all(void) {
    int held = lock();
    remove_some(true);
    unlink("/tmp/" PREFIX "lock");
    unlock(held);
}
