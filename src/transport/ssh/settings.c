/* SPDX-License-Identifier: MIT */
#include "transport/ssh/settings.h"

#include "base/bytes.h"
#include "base/failure.h"
#include "transport/address.h"

#include <limits.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct line {
    const char *key;
    const char *value;
    char *expanded; /* what `value` is then */
} line;

struct ssh_settings {
    /* Jobs are users, too, and end in their threads. */
    atomic_uint users;
    char *all;
    char *cut; /* the same, in words */
    char *config_file;
    size_t count;
    line lines[];
};

/* Files that threads read: a thread must not look at the environment, nor at what getpwuid() returns. */
static bool expand_files(ssh_settings *s) {
    static const char *const keys[] = {"identityfile", "certificatefile", "userknownhostsfile", "globalknownhostsfile"};
    for (size_t i = 0; i < s->count; i++)
        for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
            if (strcasecmp(s->lines[i].key, keys[k]) == 0) {
                s->lines[i].expanded = ssh_settings_expand(s, s->lines[i].value);
                if (!s->lines[i].expanded)
                    return false;
                s->lines[i].value = s->lines[i].expanded;
            }
    return true;
}

ssh_settings *ssh_settings_parse(const char *text) {
    size_t most = 1;
    for (const char *at = text; *at; at++)
        most += *at == '\n';
    ssh_settings *s = calloc(1, sizeof *s + most * sizeof s->lines[0]);
    if (!s)
        return NULL;
    atomic_init(&s->users, 1);
    s->all = strdup(text);
    s->cut = strdup(text);
    if (!s->all || !s->cut) {
        ssh_settings_free(s);
        return NULL;
    }
    char *rest = s->cut;
    for (char *one; (one = strsep(&rest, "\n")) != NULL;) {
        one[strcspn(one, "\r")] = 0;
        char *key = strsep(&one, " ");
        if (*key)
            s->lines[s->count++] = (line){key, one ? one : "", NULL};
    }
    if (expand_files(s))
        return s;
    ssh_settings_free(s);
    return NULL;
}

ssh_settings *ssh_settings_share(ssh_settings *s) {
    atomic_fetch_add(&s->users, 1);
    return s;
}

void ssh_settings_free(ssh_settings *s) {
    if (!s || atomic_fetch_sub(&s->users, 1) > 1)
        return;
    for (size_t i = 0; i < s->count; i++)
        free(s->lines[i].expanded);
    free(s->all);
    free(s->cut);
    free(s->config_file);
    free(s);
}

const char *ssh_settings_config_file(const ssh_settings *s) {
    return s->config_file;
}

bool ssh_settings_set_config_file(ssh_settings *s, const char *file) {
    s->config_file = file ? strdup(file) : NULL;
    return !file || s->config_file;
}

const char *ssh_settings_all(const ssh_settings *s) {
    return s->all;
}

const char *ssh_settings_next(const ssh_settings *s, const char *key, const char *previous) {
    bool wanted = previous == NULL;
    for (size_t i = 0; i < s->count; i++) {
        if (wanted && strcasecmp(s->lines[i].key, key) == 0)
            return s->lines[i].value;
        wanted |= s->lines[i].value == previous;
    }
    return NULL;
}

const char *ssh_settings_text(const ssh_settings *s, const char *key) {
    const char *value = ssh_settings_next(s, key, NULL);
    return value && *value && strcasecmp(value, "none") != 0 ? value : NULL;
}

long ssh_settings_number(const ssh_settings *s, const char *key, long by_default) {
    const char *value = ssh_settings_text(s, key);
    char *end = NULL;
    long number = value ? strtol(value, &end, 10) : 0;
    return value && end != value && *end == 0 && number >= 0 ? number : by_default;
}

bool ssh_settings_flag(const ssh_settings *s, const char *key, bool by_default) {
    const char *value = ssh_settings_text(s, key);
    if (!value)
        return by_default;
    return strcasecmp(value, "yes") == 0 || strcasecmp(value, "true") == 0;
}

/* "none" is a name like any other here. */
const char *ssh_settings_host(const ssh_settings *s) {
    const char *name = ssh_settings_next(s, "hostname", NULL);
    return name && *name ? name : ssh_settings_next(s, "host", NULL);
}

const char *ssh_settings_user(const ssh_settings *s) {
    const char *user = ssh_settings_next(s, "user", NULL);
    return user ? user : "";
}

int ssh_settings_port(const ssh_settings *s) {
    long port = ssh_settings_number(s, "port", 22);
    return port >= 1 && port <= 65535 ? (int)port : 22;
}

/* ---- expanding ---- */

/* As in ssh(1), which read the configuration from there, too: not what HOME says. */
static const char *home(void) {
    const struct passwd *entry = getpwuid(geteuid());
    const char *set = getenv("HOME");
    return entry ? entry->pw_dir : set && *set ? set : "/";
}

/* "~" or "~user" at `at`; returns where it ends, NULL when it is none. */
static const char *append_home(const char *at, bytes *to, bool *right) {
    size_t length = strcspn(at + 1, "/ ");
    char *user = strndup(at + 1, length);
    /* cppcheck-suppress getpwnamCalled */
    const struct passwd *entry = user && *user ? getpwnam(user) : NULL;
    const char *folder = !user || *user == 0 ? home() : entry ? entry->pw_dir : NULL;
    *right = user && (!folder || bytes_append_text(to, folder));
    free(user);
    return folder ? at + 1 + length : NULL;
}

static bool append_token(const ssh_settings *s, char token, bytes *to) {
    const char *alias = ssh_settings_text(s, "hostkeyalias");
    const char *given = ssh_settings_text(s, "host");
    char name[HOST_NAME_MAX + 1] = "";
    const struct passwd *entry;
    switch (token) {
    case '%':
        return bytes_append_text(to, "%");
    case 'h':
        return bytes_append_text(to, ssh_settings_host(s));
    case 'k':
        return bytes_append_text(to, alias ? alias : given ? given : "");
    case 'n':
        return bytes_append_text(to, given ? given : "");
    case 'p':
        return bytes_printf(to, "%d", ssh_settings_port(s));
    case 'r':
        return bytes_append_text(to, ssh_settings_user(s));
    case 'd':
        return bytes_append_text(to, home());
    case 'i':
        return bytes_printf(to, "%lu", (unsigned long)geteuid());
    case 'u':
        entry = getpwuid(geteuid());
        return bytes_append_text(to, entry ? entry->pw_name : "");
    case 'l':
    case 'L':
        gethostname(name, sizeof name - 1);
        if (token == 'L')
            name[strcspn(name, ".")] = 0;
        return bytes_append_text(to, name);
    default:
        return bytes_append(to, "%", 1) && bytes_append(to, &token, 1);
    }
}

/* "${NAME}" at `at`; returns where it ends, NULL when it is none. */
static const char *append_variable(const char *at, bytes *to, bool *right) {
    const char *end = at[1] == '{' ? strchr(at, '}') : NULL;
    if (!end)
        return NULL;
    char *name = strndup(at + 2, (size_t)(end - at - 2));
    const char *value = name ? getenv(name) : NULL;
    *right = name && bytes_append_text(to, value ? value : "");
    free(name);
    return end + 1;
}

static char *expand(const ssh_settings *s, const char *value, bool is_path) {
    bytes to = {0};
    bool right = true;
    const char *at = value;
    while (right && *at) {
        const char *after = is_path && *at == '$' ? append_variable(at, &to, &right) : NULL;
        if (is_path && *at == '~' && (at == value || at[-1] == ' '))
            after = append_home(at, &to, &right);
        if (after) {
            at = after;
        } else if (*at == '%' && at[1]) {
            right = append_token(s, at[1], &to);
            at += 2;
        } else {
            right = bytes_append(&to, at++, 1);
        }
    }
    right = right && bytes_append(&to, "", 1);
    char *text = right ? strdup(bytes_front(&to)) : NULL;
    bytes_free(&to);
    return text;
}

char *ssh_settings_expand(const ssh_settings *s, const char *value) {
    return expand(s, value, true);
}

char *ssh_settings_expand_command(const ssh_settings *s, const char *command) {
    return expand(s, command, false);
}

/* ---- refusing ---- */

/* What would reach another host, another way, or with less care than was asked for. */
static const char *const unsupported[] = {
    "knownhostscommand",
    "revokedhostkeys",
    "remotecommand",
    "pkcs11provider",
};

hostsession_error ssh_settings_check(const ssh_settings *s, hostsession_failure *failure) {
    const char *host = ssh_settings_host(s);
    for (size_t i = 0; i < sizeof unsupported / sizeof unsupported[0]; i++)
        if (ssh_settings_text(s, unsupported[i]))
            return failure_set(
                failure, HOSTSESSION_ERROR_INVALID, 0, "config",
                "%s: ssh_config sets %s, which cannot be honoured; take it out for this host (-o %s=none), "
                "or use the target exec:ssh -tt HOST",
                host ? host : "?", unsupported[i], unsupported[i]);
    const char *session = ssh_settings_next(s, "sessiontype", NULL);
    if (session && *session && strcasecmp(session, "default") != 0)
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "config",
                           "%s: ssh_config sets SessionType %s: there would be no shell; take it out for this host "
                           "(-o SessionType=default)",
                           host ? host : "?", session);
    if (ssh_settings_flag(s, "proxyusefdpass", false))
        return failure_set(
            failure, HOSTSESSION_ERROR_INVALID, 0, "config",
            "%s: ssh_config sets ProxyUseFdpass, which cannot be honoured; use the target exec:ssh -tt HOST",
            host ? host : "?");
    if (!host || !address_host_is_safe(host))
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "config",
                           "\"%s\", which ssh_config has as HostName, is no name of a host", host ? host : "");
    if (!address_user_is_safe(ssh_settings_user(s)))
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "config",
                           "%s: \"%s\", which ssh_config has as User, is no name of a user", host,
                           ssh_settings_user(s));
    return HOSTSESSION_OK;
}
