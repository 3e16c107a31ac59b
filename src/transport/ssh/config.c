/* SPDX-License-Identifier: MIT */
#include "transport/ssh/config.h"

#include "base/bytes.h"
#include "base/failure.h"
#include "loop/loop.h"
#include "transport/capture.h"
#include "transport/program.h"

#include <libssh/libssh.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A program that opens many sessions opens them together; a file that is edited meanwhile is read again soon. */
enum { fresh_us = 5 * 1000 * 1000 };

struct ssh_question {
    transport_program *program;
    char *host;
    char *key; /* all arguments, each behind an RS */
};

typedef struct ssh_answer {
    list link;
    ssh_config *config;
    char *key;
    char *config_file;
    capture *capture;
    loop_task ready; /* answered before it was asked */
    ssh_settings *settings;
    int64_t until_us;
    list askers;
    bool telling;
} ssh_answer;

/* ---- questions ---- */

static size_t count(const char *const *strings) {
    size_t n = 0;
    while (strings && strings[n])
        n++;
    return n;
}

static char *join(const char *const *arguments) {
    bytes all = {0};
    bool right = true;
    for (size_t i = 0; arguments[i]; i++)
        right = right && bytes_append_text(&all, arguments[i]) && bytes_append(&all, "\036", 1);
    right = right && bytes_append(&all, "", 1);
    char *text = right ? strdup(bytes_front(&all)) : NULL;
    bytes_free(&all);
    return text;
}

static hostsession_error make_program(const char *const *arguments, ssh_question *q) {
    transport_program program = {.arguments = arguments};
    hostsession_failure unused;
    q->key = join(arguments);
    return q->key ? program_copy(&program, &q->program, &unused) : HOSTSESSION_ERROR_NO_MEMORY;
}

ssh_question *ssh_question_new(const char *host, const char *user, int port, const hostsession_ssh_options *options) {
    size_t most = 16 + 2 * (options ? count(options->identity_files) + count(options->settings) : 0);
    const char **arguments = calloc(most, sizeof *arguments);
    ssh_question *q = calloc(1, sizeof *q);
    char port_text[12];
    size_t n = 0;
    if (!arguments || !q) {
        free(arguments);
        free(q);
        return NULL;
    }
    arguments[n++] = "ssh";
    arguments[n++] = "-GT";
    if (options && options->config_file) {
        arguments[n++] = "-F";
        arguments[n++] = options->config_file;
    }
    for (size_t i = 0; options && options->settings && options->settings[i]; i++) {
        arguments[n++] = "-o";
        arguments[n++] = options->settings[i];
    }
    for (size_t i = 0; options && options->identity_files && options->identity_files[i]; i++) {
        arguments[n++] = "-i";
        arguments[n++] = options->identity_files[i];
    }
    if (user) {
        arguments[n++] = "-l";
        arguments[n++] = user;
    }
    if (port) {
        snprintf(port_text, sizeof port_text, "%d", port);
        arguments[n++] = "-p";
        arguments[n++] = port_text;
    }
    arguments[n++] = "--";
    arguments[n++] = host;
    q->host = strdup(host);
    bool right = q->host && make_program(arguments, q) == HOSTSESSION_OK;
    free(arguments);
    if (right)
        return q;
    ssh_question_free(q);
    return NULL;
}

void ssh_question_free(ssh_question *q) {
    if (!q)
        return;
    free(q->program);
    free(q->host);
    free(q->key);
    free(q);
}

/* ---- without an ssh program ---- */

static bool add_option(ssh_session session, enum ssh_options_e option, const char *key, bytes *to) {
    char *value = NULL;
    bool right = true;
    if (ssh_options_get(session, option, &value) == SSH_OK && value)
        right = bytes_printf(to, "%s %s\n", key, value);
    ssh_string_free_char(value);
    return right;
}

/* A setting of -o as a line; it comes first, and so counts. */
static bool add_setting(const char *setting, bytes *to) {
    size_t length = strcspn(setting, "= \t");
    const char *value = setting + length + strspn(setting + length, "= \t");
    return bytes_printf(to, "%.*s %s\n", (int)length, setting, value);
}

static const char *argument_of(const ssh_question *q, const char *option) {
    const char *const *at = q->program->arguments;
    for (; *at; at++)
        if (strcmp(*at, option) == 0)
            return at[1];
    return NULL;
}

static bool add_arguments(const ssh_question *q, bytes *to) {
    bool right = true;
    for (const char *const *at = q->program->arguments; right && *at && strcmp(*at, "--") != 0; at++) {
        if (strcmp(*at, "-o") == 0)
            right = add_setting(*++at, to);
        else if (strcmp(*at, "-i") == 0)
            right = bytes_printf(to, "identityfile %s\n", *++at);
        else if (strcmp(*at, "-l") == 0)
            right = bytes_printf(to, "user %s\n", *++at);
        else if (strcmp(*at, "-p") == 0)
            right = bytes_printf(to, "port %s\n", *++at);
    }
    return right;
}

/* libssh reads the same files, though less of them. */
static bool add_files(const ssh_question *q, bytes *to) {
    ssh_session session = ssh_new();
    const char *file = argument_of(q, "-F");
    if (!session)
        return false;
    ssh_options_set(session, SSH_OPTIONS_HOST, q->host);
    bool right = true;
    if ((file && strcmp(file, "none") == 0) || ssh_options_parse_config(session, file) == SSH_OK) {
        unsigned port = 22;
        ssh_options_get_port(session, &port);
        right = bytes_printf(to, "port %u\n", port) && add_option(session, SSH_OPTIONS_HOST, "hostname", to) &&
                add_option(session, SSH_OPTIONS_USER, "user", to) &&
                add_option(session, SSH_OPTIONS_IDENTITY, "identityfile", to) &&
                add_option(session, SSH_OPTIONS_PROXYCOMMAND, "proxycommand", to);
    }
    ssh_free(session);
    return right;
}

static const char defaults[] = "identityfile ~/.ssh/id_rsa\n"
                               "identityfile ~/.ssh/id_ecdsa\n"
                               "identityfile ~/.ssh/id_ed25519\n"
                               "stricthostkeychecking ask\n"
                               "userknownhostsfile ~/.ssh/known_hosts ~/.ssh/known_hosts2\n"
                               "globalknownhostsfile /etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2\n";

static ssh_settings *settings_without_ssh(const ssh_question *q) {
    bytes text = {0};
    struct passwd *entry = getpwuid(geteuid());
    bool right = bytes_printf(&text, "host %s\n", q->host) && add_arguments(q, &text) && add_files(q, &text) &&
                 bytes_printf(&text, "hostname %s\nuser %s\n", q->host, entry ? entry->pw_name : "") &&
                 bytes_append_text(&text, defaults) && bytes_append(&text, "", 1);
    ssh_settings *settings = right ? ssh_settings_parse(bytes_front(&text)) : NULL;
    bytes_free(&text);
    return settings;
}

/* ---- answers ---- */

void ssh_config_init(ssh_config *config, hostsession_loop *loop) {
    config->loop = loop;
    list_init(&config->answers);
}

static void answer_free(ssh_answer *a) {
    list_remove(&a->link);
    loop_unpost(&a->ready);
    capture_cancel(a->capture);
    ssh_settings_free(a->settings);
    free(a->key);
    free(a->config_file);
    free(a);
}

void ssh_config_finish(ssh_config *config) {
    while (!list_empty(&config->answers))
        answer_free(list_item(config->answers.next, ssh_answer, link));
}

/* Take over what `settings` has, unless there was no memory for it. */
static bool take(ssh_answer *a, ssh_settings *settings) {
    a->until_us = loop_now_us(a->config->loop) + fresh_us;
    if (settings && !ssh_settings_set_config_file(settings, a->config_file)) {
        ssh_settings_free(settings);
        settings = NULL;
    }
    a->settings = settings;
    return settings != NULL;
}

static void tell(ssh_answer *a, const hostsession_failure *failure) {
    a->telling = true;
    while (!list_empty(&a->askers)) {
        ssh_asker *asker = list_item(a->askers.next, ssh_asker, link);
        list_remove(&asker->link);
        asker->answer = NULL;
        asker->answered(asker, a->settings ? ssh_settings_share(a->settings) : NULL, failure);
    }
    a->telling = false;
    if (!a->settings)
        answer_free(a);
}

static void on_ready(loop_task *task) {
    tell(list_item(task, ssh_answer, ready), NULL);
}

static void on_captured(void *userdata, const hostsession_exit *how, const bytes *output, const bytes *errors) {
    ssh_answer *a = userdata;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    a->capture = NULL;
    if (how->known && how->exit_status == 0) {
        if (!take(a, ssh_settings_parse(bytes_front(output))))
            failure_no_memory(&why, "config");
    } else {
        char said[300];
        size_t length = bytes_length(errors);
        while (length > 0 && strchr("\r\n", bytes_front(errors)[length - 1]))
            length--;
        failure_escape_tail(said, sizeof said, bytes_front(errors), length);
        failure_set(&why, HOSTSESSION_ERROR_INVALID, 0, "config", "ssh -G does not understand its configuration: %s",
                    said);
    }
    tell(a, why.error ? &why : NULL);
}

static ssh_answer *find(ssh_config *config, const ssh_question *question) {
    for (list *at = config->answers.next; at != &config->answers;) {
        ssh_answer *a = list_item(at, ssh_answer, link);
        at = at->next;
        if (a->settings && list_empty(&a->askers) && loop_now_us(config->loop) > a->until_us)
            answer_free(a);
        else if (strcmp(a->key, question->key) == 0)
            return a;
    }
    return NULL;
}

static hostsession_error begin(ssh_config *config, const ssh_question *question, ssh_answer **ret,
                               hostsession_failure *failure) {
    ssh_answer *a = calloc(1, sizeof *a);
    if (!a)
        return failure_no_memory(failure, "config");
    a->config = config;
    a->ready.run = on_ready;
    list_init(&a->askers);
    list_append(&config->answers, &a->link);
    const char *file = argument_of(question, "-F");
    a->key = strdup(question->key);
    a->config_file = file ? strdup(file) : NULL;
    hostsession_error error = HOSTSESSION_OK;
    if (!a->key || (file && !a->config_file))
        error = failure_no_memory(failure, "config");
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (!error && capture_start(config->loop, question->program, on_captured, a, &a->capture, &why) ==
                      HOSTSESSION_ERROR_CONNECT) {
        error = take(a, settings_without_ssh(question)) ? HOSTSESSION_OK : failure_no_memory(failure, "config");
    } else if (!error && why.error) {
        error = why.error;
        if (failure)
            *failure = why;
    }
    if (error)
        answer_free(a);
    else
        *ret = a;
    return error;
}

hostsession_error ssh_config_ask(ssh_config *config, const ssh_question *question, ssh_asker *asker,
                                 hostsession_failure *failure) {
    ssh_answer *a = find(config, question);
    hostsession_error error = a ? HOSTSESSION_OK : begin(config, question, &a, failure);
    if (error)
        return error;
    if (a->settings)
        loop_post(config->loop, &a->ready);
    asker->answer = a;
    list_append(&a->askers, &asker->link);
    return HOSTSESSION_OK;
}

void ssh_config_cancel(ssh_asker *asker) {
    ssh_answer *a = asker->answer;
    if (!a)
        return;
    asker->answer = NULL;
    list_remove(&asker->link);
    if (list_empty(&a->askers) && !a->settings && !a->telling)
        answer_free(a);
}
