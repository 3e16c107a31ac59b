/* SPDX-License-Identifier: MIT */
/* Logging in with an agent's keys; and with agents that do not do their part. */
#include "visit.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static hostsession_loop *loop;
static visit v;

static void begin(const char *socket_path) {
    loop = new_loop();
    visit_init_plain(&v, loop, visit_server);
    v.settings[v.setting_count - 1] = "IdentitiesOnly=no";
    visit_set(&v, "BatchMode=yes");
    if (socket_path)
        setenv("SSH_AUTH_SOCK", socket_path, 1);
    else
        unsetenv("SSH_AUTH_SOCK");
}

static void end(void) {
    hostsession_loop_free(loop);
    visit_free(&v);
}

static const char *key(ssh_server_key which) {
    return ssh_server_key_path(visit_server, which);
}

static void reach(void) {
    hostsession *session = visit_open(&v, address_of(visit_server, "bash"));
    check_run(session, "echo ${HOME##*/}", "bash\n", 0);
    hostsession_close(session);
}

/* ---- a real one ---- */

typedef struct agent {
    pid_t pid;
    const char *path;
} agent;

/* A copy: where the program has a group of its own (setgid) it would not be ended with us. */
static agent start_agent(void) {
    agent a = {.path = case_path("agent")};
    const char *program = case_path("ssh-agent");
    assert_int_equal(shell("cp \"$(command -v ssh-agent)\" %s", program), 0);
    a.pid = fork();
    assert_true(a.pid >= 0);
    if (a.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)!freopen("/dev/null", "w", stdout);
        execl(program, "ssh-agent", "-D", "-a", a.path, (char *)NULL);
        _exit(127);
    }
    long long until = clock_ms() + patience_ms;
    while (access(a.path, F_OK) != 0 && clock_ms() < until)
        poll(NULL, 0, 5);
    return a;
}

static void add_key(const agent *a, const char *path) {
    assert_int_equal(shell("SSH_AUTH_SOCK=%s ssh-add -q %s 2>/dev/null", a->path, path), 0);
}

static void end_process(pid_t pid) {
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0)
        assert_int_equal(errno, EINTR);
}

static void keys_of_an_agent(void **state) {
    (void)state;
    agent a = start_agent();
    begin(a.path);
    visit_refused(&v, address_of(visit_server, "bash"), HOSTSESSION_ERROR_AUTH, "the agent's keys", NULL);
    static const ssh_server_key keys[] = {SERVER_KEY_ED25519, SERVER_KEY_ECDSA, SERVER_KEY_RSA, SERVER_KEY_CERTIFIED};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        add_key(&a, key(keys[i]));
        reach();
        assert_int_equal(shell("SSH_AUTH_SOCK=%s ssh-add -q -D 2>/dev/null", a.path), 0);
    }
    end();
    /* By setting, and by none. */
    add_key(&a, key(SERVER_KEY_ED25519));
    begin(NULL);
    visit_set(&v, "IdentityAgent=%s", a.path);
    reach();
    end();
    begin(a.path);
    visit_set(&v, "IdentityAgent=none");
    visit_refused(&v, address_of(visit_server, "bash"), HOSTSESSION_ERROR_AUTH, "", NULL);
    end();
    begin(NULL);
    setenv("OTHER_AGENT", a.path, 1);
    visit_set(&v, "IdentityAgent=$OTHER_AGENT");
    reach();
    end();
    end_process(a.pid);
}

/* Of the key there is only the public part, or only a certificate: the agent has the rest. */
static void keys_that_are_named(void **state) {
    (void)state;
    agent a = start_agent();
    const char *named = case_path("named");
    const char *bare = case_path("bare");
    const char *certificate = case_path("certificate");
    assert_int_equal(shell("cp %s.pub %s.pub && cp %s %s && cp %s.pub %s.pub && cp %s-cert.pub %s",
                           key(SERVER_KEY_ED25519), named, key(SERVER_KEY_CERTIFIED), bare, key(SERVER_KEY_CERTIFIED),
                           bare, key(SERVER_KEY_CERTIFIED), certificate),
                     0);
    add_key(&a, key(SERVER_KEY_STRANGER));
    add_key(&a, key(SERVER_KEY_ED25519));
    begin(a.path);
    v.settings[v.setting_count - 2] = "IdentitiesOnly=yes";
    visit_refused(&v, address_of(visit_server, "bash"), HOSTSESSION_ERROR_AUTH, "it has none that may be used", NULL);
    visit_set(&v, "IdentityFile=%s", named);
    reach();
    end();
    assert_int_equal(shell("SSH_AUTH_SOCK=%s ssh-add -q -D 2>/dev/null", a.path), 0);
    add_key(&a, key(SERVER_KEY_STRANGER));
    add_key(&a, bare);
    begin(a.path);
    visit_refused(&v, address_of(visit_server, "bash"), HOSTSESSION_ERROR_AUTH, "the agent's keys", NULL);
    visit_set(&v, "CertificateFile=%s", certificate);
    reach();
    end();
    begin(a.path);
    v.settings[v.setting_count - 2] = "IdentitiesOnly=yes";
    visit_set(&v, "CertificateFile=%s", certificate);
    reach();
    end();
    end_process(a.pid);
}

/* ---- forwarded ---- */

static void the_agent_is_forwarded(void **state) {
    (void)state;
    static const char count[] = "for i in 1 2 3 4 5; do ssh-add -l & done | grep -c ED25519";
    agent a = start_agent();
    add_key(&a, key(SERVER_KEY_ED25519));
    for (int mode = 0; mode < 2; mode++) {
        begin(a.path);
        v.options.mode = mode ? HOSTSESSION_MODE_PIPE : HOSTSESSION_MODE_TTY;
        visit_set(&v, "ForwardAgent=yes");
        hostsession *session = visit_open(&v, address_of(visit_server, "bash"));
        check_run(session, count, "5\n", 0);
        hostsession *second = visit_open(&v, address_of(visit_server, "bash"));
        check_run(second, count, "5\n", 0);
        hostsession_close(session);
        check_run(second, count, "5\n", 0);
        hostsession_close(second);
        end();
    }
    begin(a.path);
    hostsession *session = visit_open(&v, address_of(visit_server, "bash"));
    check_run(session, "echo \"<${SSH_AUTH_SOCK-}>\"", "<>\n", 0);
    hostsession_close(session);
    end();
    /* Named by itself; and one to log in with beside one to forward. */
    begin(NULL);
    visit_identity(&v, key(SERVER_KEY_ECDSA));
    visit_set(&v, "ForwardAgent=%s", a.path);
    session = visit_open(&v, address_of(visit_server, "bash"));
    check_run(session, count, "5\n", 0);
    hostsession_close(session);
    end();
    end_process(a.pid);
}

/* Nobody answers there: that is the affair of who asks, and the rest goes on. */
static void a_forwarded_agent_is_silent(void **state) {
    (void)state;
    agent a = start_agent();
    begin(NULL);
    visit_identity(&v, key(SERVER_KEY_ED25519));
    visit_set(&v, "ForwardAgent=%s", a.path);
    hostsession *session = visit_open(&v, address_of(visit_server, "bash"));
    kill(a.pid, SIGSTOP);
    outcome asks = {0};
    start_run(session, "ssh-add -l", &asks);
    hostsession *second = visit_open(&v, address_of(visit_server, "bash"));
    check_run(second, "echo goes on", "goes on\n", 0);
    assert_int_equal(asks.calls, 0);
    end_process(a.pid);
    drive(loop, &asks.calls, 1);
    check_run(session, "ssh-add -l 2>/dev/null || echo none", "none\n", 0);
    outcome_free(&asks);
    hostsession_close(session);
    hostsession_close(second);
    end();
}

/* A program on the host that talks to the agent, while two sessions have a command each to start. */
typedef struct busy {
    int program;
    int connection;
    hostsession *sessions[2];
    outcome runs[2];
} busy;

static int connect_to(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof address), 0);
    return descriptor;
}

static int find_connection(unsigned port) {
    enum { most_descriptors = 1024 };
    for (int descriptor = 0; descriptor < most_descriptors; descriptor++) {
        struct sockaddr_in peer = {0};
        socklen_t length = sizeof peer;
        if (getpeername(descriptor, (struct sockaddr *)&peer, &length) == 0 && peer.sin_family == AF_INET &&
            ntohs(peer.sin_port) == port)
            return descriptor;
    }
    fail_msg("no connection to port %u", port);
    return -1;
}

/* SSH_AGENTC_REQUEST_IDENTITIES. */
static void ask_agent(const busy *b) {
    static const char request[] = {0, 0, 0, 1, 11};
    assert_int_equal(write(b->program, request, sizeof request), sizeof request);
}

static void await_agent(const busy *b) {
    char answer[4096];
    long long until = clock_ms() + patience_ms;
    ssize_t got;
    while ((got = recv(b->program, answer, sizeof answer, MSG_DONTWAIT)) < 0) {
        assert_int_equal(errno, EAGAIN);
        if (clock_ms() > until)
            fail_msg("the agent's answer has not come back");
        hostsession_loop_run_once(loop, 10);
    }
    assert_true(got > 4);
}

/* The second write finds the socket busy, and in waiting for it libssh reads the request. */
static void write_twice(hostsession *session, hostsession_error error, hostsession_result *result, void *userdata) {
    (void)session;
    busy *b = userdata;
    assert_int_equal(error, HOSTSESSION_OK);
    hostsession_result_free(result);
    struct pollfd request = {.fd = b->connection, .events = POLLIN};
    ask_agent(b);
    assert_int_equal(poll(&request, 1, patience_ms), 1);
    for (size_t i = 0; i < 2; i++)
        start_run(b->sessions[i], "tail -f /dev/null", &b->runs[i]);
}

static void a_request_that_a_write_reads(void **state) {
    (void)state;
    agent a = start_agent();
    add_key(&a, key(SERVER_KEY_ED25519));
    begin(a.path);
    v.options.mode = HOSTSESSION_MODE_PIPE;
    visit_set(&v, "ForwardAgent=yes");
    visit_set(&v, "ServerAliveInterval=600");
    hostsession *session = visit_open(&v, address_of(visit_server, "bash"));
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, "echo \"$SSH_AUTH_SOCK\"", NULL, &result), HOSTSESSION_OK);
    const char *path =
        keep("%.*s", (int)hostsession_result_output_bytes(result) - 1, hostsession_result_output(result));
    hostsession_result_free(result);
    busy b = {.program = connect_to(path), .connection = find_connection(ssh_server_port(visit_server))};
    for (size_t i = 0; i < 2; i++)
        b.sessions[i] = visit_open(&v, address_of(visit_server, "bash"));
    ask_agent(&b);
    await_agent(&b);
    assert_int_equal(hostsession_run_start(session, "true", NULL, write_twice, &b, NULL, NULL), HOSTSESSION_OK);
    await_agent(&b);
    for (size_t i = 0; i < 2; i++)
        hostsession_close(b.sessions[i]);
    hostsession_close(session);
    close(b.program);
    end();
    for (size_t i = 0; i < 2; i++)
        outcome_free(&b.runs[i]);
    end_process(a.pid);
}

/* The host hangs up after six keys that it does not know. */
static void many_keys(void **state) {
    (void)state;
    agent a = start_agent();
    const char *path = case_path("stranger");
    for (int i = 0; i < 12; i++) {
        assert_int_equal(shell("ssh-keygen -q -t ed25519 -N '' -f %s%d", path, i), 0);
        add_key(&a, keep("%s%d", path, i));
    }
    add_key(&a, key(SERVER_KEY_ED25519));
    begin(a.path);
    visit_refused(&v, address_of(visit_server, "bash"), HOSTSESSION_ERROR_AUTH, "", NULL);
    end();
    /* The configured one comes first, and with IdentitiesOnly alone; its public part is enough. */
    const char *public = case_path("public");
    assert_int_equal(shell("cp %s.pub %s", key(SERVER_KEY_ED25519), public), 0);
    begin(a.path);
    visit_identity(&v, public);
    reach();
    v.settings[v.setting_count - 2] = "IdentitiesOnly=yes";
    reach();
    v.identities[0] = key(SERVER_KEY_RSA);
    reach();
    v.identities[0] = key(SERVER_KEY_STRANGER);
    visit_refused(&v, address_of(visit_server, "bash"), HOSTSESSION_ERROR_AUTH, key(SERVER_KEY_STRANGER), NULL);
    end();
    end_process(a.pid);
}

/* ---- others ---- */

static int listen_at(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    assert_true(strlen(path) < sizeof address.sun_path);
    strcpy(address.sun_path, path);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(descriptor, 5), 0);
    return descriptor;
}

/* While one session waits for an agent, another on the loop goes on. */
static void go_on_beside(void) {
    outcome slow = {0}, command = {0};
    visit_identity(&v, key(SERVER_KEY_ED25519));
    hostsession *behind = visit_start(&v, address_of(visit_server, "bash"), &slow);
    visit other;
    visit_init(&other, loop, ssh_server_config(visit_server));
    visit_set(&other, "IdentityAgent=none");
    outcome fast = {0};
    hostsession *session = visit_start(&other, "test-bash", &fast);
    drive(loop, &fast.calls, 1);
    assert_int_equal(fast.error, HOSTSESSION_OK);
    for (int i = 0; i < 20; i++) {
        start_run(session, "echo goes on", &command);
        drive(loop, &command.calls, i + 1);
        check_result(command.result, HOSTSESSION_STATUS_SUCCESS, 0, "goes on\n");
    }
    drive(loop, &slow.calls, 1);
    if (slow.error)
        fail_msg("%s", slow.failure.message);
    /* Not by chance: it took the agent's time. */
    check_run(behind, "echo after all", "after all\n", 0);
    hostsession_close(behind);
    hostsession_close(session);
    outcome_free(&command);
    visit_free(&other);
}

static void an_agent_that_does_not_accept(void **state) {
    (void)state;
    const char *path = case_path("deaf");
    int descriptor = listen_at(path);
    begin(path);
    go_on_beside();
    end();
    close(descriptor);
}

static void an_agent_that_does_not_answer(void **state) {
    (void)state;
    const char *path = case_path("mute");
    int descriptor = listen_at(path);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (accept(descriptor, NULL, NULL) >= 0)
            continue;
        _exit(0);
    }
    begin(path);
    go_on_beside();
    end();
    end_process(child);
    close(descriptor);
}

/* Answers each connection's first message with these bytes, and hangs up. */
static void answer_with(const char *bytes, size_t length) {
    const char *path = case_path(keep("liar-%zu", length));
    int descriptor = listen_at(path);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        char message[100];
        for (int client; (client = accept(descriptor, NULL, NULL)) >= 0; close(client))
            if (read(client, message, sizeof message) > 0)
                (void)!write(client, bytes, length);
        _exit(0);
    }
    begin(path);
    visit_identity(&v, key(SERVER_KEY_ED25519));
    reach();
    end();
    end_process(child);
    close(descriptor);
}

static void agents_that_answer_nonsense(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
    } answers[] = {
        {"", 0},
        {"\0\0\0\1\5", 5},
        {"\0\0\0\5\14\377\377\377\377", 9},
        {"\0\0\0\13\14\0\0\0\1\377\377\377\377ab", 15},
        {"\377\377\377\377\14", 6},
        {"\0\0\0\0", 4},
        {"\0\0\0\17\14\0\0\0\2\0\0\0\1a\0\0\0\1b", 19},
        {"HTTP/1.1 400 Bad Request\r\n\r\n", 28},
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
        answer_with(answers[i].bytes, answers[i].length);
}

static void no_agent_there(void **state) {
    (void)state;
    static const char *const paths[] = {"/nowhere/agent", "/dev/null", ""};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        begin(paths[i]);
        visit_identity(&v, key(SERVER_KEY_ED25519));
        reach();
        end();
    }
}

/* ---- closing while the agent is asked ---- */

static void closed_meanwhile(void **state) {
    (void)state;
    const char *path = case_path("deaf");
    int descriptor = listen_at(path);
    begin(path);
    visit_identity(&v, key(SERVER_KEY_ED25519));
    for (int way = 0; way < 2; way++) {
        outcome o = {0};
        hostsession *session = visit_start(&v, address_of(visit_server, "bash"), &o);
        struct pollfd asked = {.fd = descriptor, .events = POLLIN};
        while (poll(&asked, 1, 0) == 0)
            assert_int_equal(hostsession_loop_run_once(loop, 5), HOSTSESSION_OK);
        close(accept(descriptor, NULL, NULL));
        while (poll(&asked, 1, 0) > 0)
            close(accept(descriptor, NULL, NULL));
        if (way == 0)
            hostsession_close(session);
        else
            hostsession_loop_free(loop);
        if (way == 0)
            assert_int_equal(o.error, HOSTSESSION_ERROR_CANCELED);
    }
    visit_free(&v);
    close(descriptor);
}

static const api_case cases[] = {
    CASE(keys_of_an_agent),
    CASE(keys_that_are_named),
    CASE(the_agent_is_forwarded),
    CASE(a_forwarded_agent_is_silent),
    CASE(a_request_that_a_write_reads),
    CASE(many_keys),
    CASE(an_agent_that_does_not_accept),
    CASE(an_agent_that_does_not_answer),
    CASE(agents_that_answer_nonsense),
    CASE(no_agent_there),
    CASE(closed_meanwhile),
};
VISIT_MAIN("ssh-agent", NULL, cases)
