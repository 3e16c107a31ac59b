/* SPDX-License-Identifier: MIT */
#include "visit.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* In place of the bound of ../api: there are servers to start, and login takes its time on a busy machine. */
enum { visit_bound_s = 150 };

char visit_folder[256];
ssh_server *visit_server;

/* ---- strings and files ---- */

static char *kept[2000];

static const char *keep_list(const char *format, va_list list) {
    size_t i = 0;
    while (kept[i])
        i++;
    assert_true(i + 1 < sizeof kept / sizeof kept[0]);
    if (vasprintf(&kept[i], format, list) < 0)
        abort();
    return kept[i];
}

const char *keep(const char *format, ...) {
    va_list list;
    va_start(list, format);
    const char *made = keep_list(format, list);
    va_end(list);
    return made;
}

const char *case_path(const char *name) {
    return keep("%s/%ld-%s", visit_folder, (long)getpid(), name);
}

const char *make_file(const char *name, const char *format, ...) {
    const char *path = case_path(name);
    va_list list;
    va_start(list, format);
    const char *content = keep_list(format, list);
    va_end(list);
    assert_true(file_write(path, content, strlen(content)));
    return path;
}

/* ---- servers ---- */

ssh_server *start_server(const ssh_server_options *options) {
    text why = {0};
    ssh_server *server = ssh_server_start(visit_folder, options, &why);
    if (!server)
        fail_msg("%s", text_data(&why));
    text_free(&why);
    return server;
}

void stop_server(ssh_server *server) {
    assert_true(ssh_server_stop(server));
}

relay *start_relay(const ssh_server *server) {
    relay *r = relay_start(ssh_server_port(server));
    assert_non_null(r);
    return r;
}

int listen_deaf(unsigned *ret_port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(descriptor >= 0);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(descriptor, 0), 0);
    assert_int_equal(getsockname(descriptor, (struct sockaddr *)&address, &size), 0);
    *ret_port = ntohs(address.sin_port);
    return descriptor;
}

/* ---- running cases ---- */

static int count_threads(void) {
    DIR *folder = opendir("/proc/self/task");
    int count = 0;
    while (folder && readdir(folder))
        count++;
    if (folder)
        closedir(folder);
    return count - 2;
}

/* One that resolves a name or reads a key ends soon after its session. */
static bool wait_threads(int most) {
    long long until = clock_ms() + patience_ms;
    while (count_threads() > most && clock_ms() < until)
        poll(NULL, 0, 5);
    return count_threads() <= most;
}

static bool installed(const char *group, const ssh_server_options *options) {
    text missing = {0};
    bool available = ssh_server_available(options, &missing);
    if (!available)
        printf("1..0 # SKIP %s: %s\n", group, text_data(&missing));
    text_free(&missing);
    return available;
}

static bool start_shared(const ssh_server_options *options) {
    text why = {0};
    visit_server = ssh_server_start(visit_folder, options, &why);
    if (!visit_server)
        fprintf(stderr, "# %s\n", text_data(&why));
    text_free(&why);
    return visit_server != NULL;
}

int visit_cases_run(const char *group, const ssh_server_options *options, const api_case *cases, size_t count) {
    int result = 1;
    if (!installed(group, options))
        return 0;
    if (!folder_make_temporary(visit_folder, "ssh"))
        return 1;
    const char *home = keep("%s/client", visit_folder);
    mkdir(home, 0700);
    setenv("HOME", home, 1);
    unsetenv("SSH_AUTH_SOCK");
    if (start_shared(options))
        result = cases_run(group, cases, count);
    if (!ssh_server_stop(visit_server))
        result = 1;
    folder_remove(visit_folder);
    for (size_t i = 0; kept[i]; i++)
        free(kept[i]);
    return result;
}

/* ---- a visit ---- */

static bool on_question(void *userdata, const hostsession_question *q, char *answer, size_t answer_size) {
    static const char *const kinds[] = {"password", "passphrase", "other"};
    visit *v = userdata;
    text_printf(&v->questions, "%s %s \"%s\" %u \"%s\"%s\n", kinds[q->kind], q->user, q->subject, q->attempt, q->prompt,
                q->echo ? " echo" : "");
    const char *given = v->asked < visit_most_answers ? v->answers[v->asked] : NULL;
    v->asked++;
    if (!given)
        return false;
    assert_true(answer_size >= 1024 && strlen(given) < answer_size);
    strcpy(answer, given);
    return true;
}

static void on_log(void *userdata, hostsession_log_level level, const char *message) {
    visit *v = userdata;
    text_printf(&v->log, "%d %s\n", (int)level, message);
}

static void on_transcript(void *userdata, hostsession_direction direction, const char *bytes, size_t length) {
    visit *v = userdata;
    (void)direction;
    text_append(&v->transcript, bytes, length);
}

static void on_ended(void *userdata, hostsession *session, const hostsession_failure *why) {
    visit *v = userdata;
    assert_int_equal(hostsession_get_state(session), HOSTSESSION_ENDED);
    v->ended++;
    v->why = *why;
}

void visit_init(visit *v, hostsession_loop *loop, const char *config_file) {
    alarm(visit_bound_s);
    *v = (visit){.options = HOSTSESSION_OPTIONS_INIT, .ssh = HOSTSESSION_SSH_OPTIONS_INIT, .threads = count_threads()};
    v->options.loop = loop;
    v->options.connect_timeout_ms = patience_ms;
    v->options.ssh = &v->ssh;
    v->options.on_question = on_question;
    v->options.on_log = on_log;
    v->options.on_transcript = on_transcript;
    v->options.on_ended = on_ended;
    v->options.userdata = v;
    v->ssh.config_file = config_file;
    v->ssh.settings = v->settings;
    v->ssh.identity_files = v->identities;
}

void visit_init_plain(visit *v, hostsession_loop *loop, const ssh_server *server) {
    visit_init(v, loop, "none");
    visit_set(v, "UserKnownHostsFile=%s", ssh_server_known_hosts(server));
    visit_set(v, "GlobalKnownHostsFile=/dev/null");
    visit_set(v, "IdentitiesOnly=yes");
}

void visit_free(visit *v) {
    text_free(&v->questions);
    text_free(&v->log);
    text_free(&v->transcript);
    assert_true(wait_threads(v->threads));
}

void visit_set(visit *v, const char *format, ...) {
    va_list list;
    va_start(list, format);
    assert_true(v->setting_count + 1 < visit_most_settings);
    v->settings[v->setting_count++] = keep_list(format, list);
    va_end(list);
}

void visit_identity(visit *v, const char *path) {
    v->identities[v->identity_count++] = path;
}

void visit_answer(visit *v, const char *answer) {
    size_t i = 0;
    while (v->answers[i])
        i++;
    v->answers[i] = answer;
}

bool visit_mentions(const visit *v, const hostsession_failure *why, const char *part) {
    return text_contains(&v->log, part) || text_contains(&v->transcript, part) || (why && strstr(why->message, part));
}

const char *address_of(const ssh_server *server, const char *user) {
    return keep("%s@127.0.0.1:%u", user, ssh_server_port(server));
}

hostsession *visit_open(visit *v, const char *target) {
    hostsession *session = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (hostsession_open(target, &v->options, &session, &why) != HOSTSESSION_OK)
        fail_msg("%s: %s", target, why.message);
    return session;
}

void visit_refused(visit *v, const char *target, hostsession_error error, const char *part, hostsession_failure *why) {
    hostsession *session = NULL;
    hostsession_failure own = HOSTSESSION_FAILURE_INIT;
    hostsession_error found = hostsession_open(target, &v->options, &session, &own);
    assert_null(session);
    if (found != error || !strstr(own.message, part))
        fail_msg("%s: %s (%s) in place of %s with \"%s\"", target, hostsession_error_name(found), own.message,
                 hostsession_error_name(error), part);
    assert_int_equal(own.error, found);
    if (why)
        *why = own;
}

hostsession *visit_start(visit *v, const char *target, outcome *o) {
    hostsession *session = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (hostsession_open_start(target, &v->options, opened, o, &session, &why) != HOSTSESSION_OK)
        fail_msg("%s: %s", target, why.message);
    assert_non_null(session);
    return session;
}

void drive(hostsession_loop *loop, const int *flag, int wanted) {
    long long since = clock_ms();
    while (*flag < wanted) {
        if (clock_ms() - since > 2LL * patience_ms)
            fail_msg("waited too long");
        assert_int_equal(hostsession_loop_run_once(loop, 1000), HOSTSESSION_OK);
    }
}

static void on_told(void *userdata, hostsession_stream stream, const char *bytes, size_t length) {
    (void)stream, (void)bytes, (void)length;
    ((waiting *)userdata)->told++;
}

void start_waiting(hostsession *session, waiting *w) {
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    *w = (waiting){0};
    options.on_output = on_told;
    options.userdata = w;
    assert_int_equal(hostsession_run_start(session, "echo told; tail -f /dev/null", &options, ran, &w->end, NULL, &why),
                     HOSTSESSION_OK);
    drive(hostsession_get_loop(session), &w->told, 1);
}

int shell(const char *format, ...) {
    va_list list;
    va_start(list, format);
    const char *command = keep_list(format, list);
    va_end(list);
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
