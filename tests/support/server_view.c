/* SPDX-License-Identifier: MIT */
/*
 * Loaded into the SSH server (LD_PRELOAD), beside nss_wrapper: what the server is told of the machine.  The variables
 * are read at the start, for a server wipes its environment.
 *
 * SERVER_VIEW_UID     who runs it.  As root a server would want a folder in /run and write to /var/log.  It has become
 *                     whom it asks to become, and stays who it is.
 * SERVER_VIEW_SHELLS  login shells beside those of /etc/shells, separated by colons.
 * SERVER_VIEW_PAM     the folder with PAM's configuration, in place of /etc/pam.d.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { most_shells = 16 };

static long uid = -1;
static char *shells[most_shells];
static unsigned shell_count;
static unsigned next_shell;
static char *pam_folder;

__attribute__((constructor)) static void read_environment(void) {
    const char *told = getenv("SERVER_VIEW_UID");
    uid = told ? atol(told) : -1;
    told = getenv("SERVER_VIEW_PAM");
    pam_folder = told ? strdup(told) : NULL;
    told = getenv("SERVER_VIEW_SHELLS");
    char *list = told ? strdup(told) : NULL;
    for (char *shell; (shell = strsep(&list, ":")) != NULL && shell_count < most_shells;)
        shells[shell_count++] = shell;
}

/* The function behind this library's own; ISO C has no conversion from dlsym's type. */
static void find_real(const char *name, void *ret_function) {
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(ret_function, &found, sizeof found);
}

static uid_t told_or_real(const char *name) {
    uid_t (*real)(void);
    find_real(name, &real);
    return uid >= 0 ? (uid_t)uid : real();
}

uid_t getuid(void) {
    return told_or_real("getuid");
}

uid_t geteuid(void) {
    return told_or_real("geteuid");
}

static int change_or_stay(const char *name, unsigned to) {
    int (*real)(unsigned);
    find_real(name, &real);
    return uid >= 0 ? 0 : real(to);
}

int seteuid(uid_t to) {
    return change_or_stay("seteuid", to);
}

int setegid(gid_t to) {
    return change_or_stay("setegid", to);
}

void setusershell(void) {
    void (*real)(void);
    find_real("setusershell", &real);
    next_shell = 0;
    real();
}

/* Those told of come last. */
char *getusershell(void) {
    char *(*real)(void);
    find_real("getusershell", &real);
    char *shell = real();
    return shell || next_shell == shell_count ? shell : shells[next_shell++];
}

/* PAM's own headers need not be installed. */
int pam_start(const char *service, const char *user, const void *conversation, void **handle);

int pam_start(const char *service, const char *user, const void *conversation, void **handle) {
    int (*plain)(const char *, const char *, const void *, void **);
    int (*in_folder)(const char *, const char *, const void *, const char *, void **);
    enum { system_error = 4 };
    find_real("pam_start", &plain);
    find_real("pam_start_confdir", &in_folder);
    if (!pam_folder)
        return plain ? plain(service, user, conversation, handle) : system_error;
    return in_folder ? in_folder(service, user, conversation, pam_folder, handle) : system_error;
}
