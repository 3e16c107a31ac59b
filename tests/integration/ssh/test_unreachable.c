/* SPDX-License-Identifier: MIT */
/* Hosts that are not reached, or are none: each ends in a named error, within the time that is allowed. */
#include "visit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static hostsession_loop *loop;
static visit v;

static void begin(const char *config) {
    loop = new_loop();
    visit_init(&v, loop, config);
}

static void end(void) {
    hostsession_loop_free(loop);
    visit_free(&v);
}

static void reach(void) {
    hostsession *session = visit_open(&v, "test-bash");
    check_run(session, "echo reached", "reached\n", 0);
    hostsession_close(session);
}

static void names_and_ports(void **state) {
    (void)state;
    hostsession_failure why;
    begin("none");
    visit_refused(&v, "host.invalid", HOSTSESSION_ERROR_RESOLVE, "host.invalid", &why);
    assert_string_equal(why.stage, "resolve");
    visit_refused(&v, "bash@127.0.0.1:1", HOSTSESSION_ERROR_CONNECT, "127.0.0.1 port 1", &why);
    assert_string_equal(why.stage, "connect");
    assert_true(why.system_errno != 0);
    visit_refused(&v, "bash@localhost:1", HOSTSESSION_ERROR_CONNECT, "localhost port 1", &why);
    end();
}

/* A listener whose queue is full: the kernel answers no further connection. */
static void a_host_that_does_not_answer(void **state) {
    (void)state;
    unsigned port;
    int deaf = listen_deaf(&port);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fill[8];
    for (size_t i = 0; i < sizeof fill / sizeof fill[0]; i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)!connect(fill[i], (struct sockaddr *)&address, sizeof address);
    }
    begin("none");
    v.options.connect_timeout_ms = 700;
    visit_refused(&v, keep("bash@127.0.0.1:%u", port), HOSTSESSION_ERROR_CONNECT, "did not answer in time", NULL);
    v.options.connect_timeout_ms = patience_ms;
    visit_set(&v, "ConnectTimeout=1");
    visit_refused(&v, keep("bash@127.0.0.1:%u", port), HOSTSESSION_ERROR_CONNECT, "did not answer in time", NULL);
    end();
    for (size_t i = 0; i < sizeof fill / sizeof fill[0]; i++)
        close(fill[i]);
    close(deaf);
}

static void a_host_that_says_nothing(void **state) {
    (void)state;
    unsigned port;
    int mute = listen_deaf(&port);
    begin("none");
    v.options.connect_timeout_ms = 700;
    visit_refused(&v, keep("bash@127.0.0.1:%u", port), HOSTSESSION_ERROR_CONNECT, "greeting", NULL);
    end();
    close(mute);
    ssh_server *server = start_server(NULL);
    ssh_server_freeze_listener(server);
    begin(ssh_server_config(server));
    v.options.connect_timeout_ms = 700;
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_CONNECT, "greeting", NULL);
    ssh_server_thaw_listener(server);
    v.options.connect_timeout_ms = patience_ms;
    reach();
    end();
    stop_server(server);
}

static void says(const void *bytes, size_t length, hostsession_error error, int64_t limit_ms) {
    relay *r = start_relay(visit_server);
    relay_say(r, bytes, length);
    begin(ssh_server_config_at(visit_server, relay_port(r)));
    v.options.connect_timeout_ms = limit_ms;
    hostsession_failure why;
    visit_refused(&v, "test-bash", error, "", &why);
    for (const char *at = why.message; *at; at++)
        assert_true((unsigned char)*at >= 0x20 && *at != 0x7f);
    end();
    relay_stop(r);
}

/* Twelve MB without an end of line, or with nothing but those. */
static void says_much(const char *line) {
    enum { most = 12 * 1000 * 1000 };
    char *bytes = allocate(most);
    size_t length = strlen(line);
    for (size_t i = 0; i < most; i++)
        bytes[i] = line[i % length];
    says(bytes, most, HOSTSESSION_ERROR_CONNECT, patience_ms);
    free(bytes);
}

static void hosts_that_are_not_ssh(void **state) {
    (void)state;
    static const char *const texts[] = {
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "\033[2J\033]0;title\007\r\n",
        "SSH-1.5-old\r\n",
        "SSH-2.0\r\n",
        "SSH-\r\n",
        "SSH-2.0-x\r\n\377\377\377\377\377\377\377\377",
        "SSH-2.0-\033[2J\r\n\033[2J",
        "SSH-2.0-x\r\n\0\0\0\014\012\024",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        says(texts[i], strlen(texts[i]), HOSTSESSION_ERROR_CONNECT, 3000);
    says("\0\0\0\0", 4, HOSTSESSION_ERROR_CONNECT, 1000);
}

/* It is told what it said, whether it stays or goes; and it is not tried again. */
static void another_protocol(void **state) {
    (void)state;
    static const char said[] = "no SSH server: it said \"HTTP/1.1 400 Bad \\x1b Request\"";
    relay *r = start_relay(visit_server);
    begin(ssh_server_config_at(visit_server, relay_port(r)));
    relay_say(r, "HTTP/1.1 400 Bad \033 Request\r\n\r\n", 31);
    v.options.connect_timeout_ms = 1000;
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_CONNECT, said, NULL);
    assert_int_equal(relay_count(r).connections, 1);
    v.options.connect_timeout_ms = patience_ms;
    const char *tries = case_path("tries");
    const char *proxy = make_file("proxy", "echo >>%s; printf 'HTTP/1.1 400 Bad \\033 Request\\r\\n'", tries);
    visit_set(&v, "ProxyCommand=sh %s", proxy);
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_CONNECT, said, NULL);
    struct stat once;
    assert_int_equal(stat(tries, &once), 0);
    assert_int_equal(once.st_size, 1);
    end();
    relay_stop(r);
}

static void a_banner_that_never_ends(void **state) {
    (void)state;
    says_much("x");
    says_much("one line after another\r\n");
    says_much("SSH-2.0-");
}

/* RFC 4253, section 4.2: lines before the version are allowed. */
static void lines_before_the_version(void **state) {
    (void)state;
    begin(ssh_server_config(visit_server));
    const char *proxy = make_file("proxy", "echo Welcome to this host; echo 'it greets at length'\n"
                                           "exec 3<>/dev/tcp/$1/$2; cat <&3 & cat >&3; kill $!\n");
    visit_set(&v, "ProxyCommand=bash %s %%h %%p", proxy);
    reach();
    end();
}

/* ---- hosts that close connections: sshd does, when many log in at once ---- */

static void dropped_some_times(void **state) {
    (void)state;
    relay *r = start_relay(visit_server);
    begin(ssh_server_config_at(visit_server, relay_port(r)));
    for (unsigned times = 1; times <= 4; times++) {
        relay_drop(r, times);
        reach();
        assert_int_equal(relay_count(r).dropped, times * (times + 1) / 2);
    }
    end();
    relay_stop(r);
}

static void dropped_always(void **state) {
    (void)state;
    relay *r = start_relay(visit_server);
    begin(ssh_server_config_at(visit_server, relay_port(r)));
    relay_drop(r, 1000);
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_CONNECT, "closed the connection before the login, 6 times", NULL);
    v.options.connect_timeout_ms = 1500;
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_CONNECT, "closed the connection before the login", NULL);
    end();
    relay_stop(r);
}

static void refused_by_the_network(void **state) {
    (void)state;
    relay *r = start_relay(visit_server);
    begin(ssh_server_config_at(visit_server, relay_port(r)));
    assert_true(relay_refuse(r, true));
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_CONNECT, "refused", NULL);
    assert_true(relay_refuse(r, false));
    reach();
    end();
    relay_stop(r);
}

/* ---- during the login ---- */

static void a_login_that_takes_too_long(void **state) {
    (void)state;
    relay *r = start_relay(visit_server);
    begin(ssh_server_config_at(visit_server, relay_port(r)));
    v.options.connect_timeout_ms = 700;
    relay_set_delay(r, RELAY_TO_CLIENT, 20000);
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_CONNECT, "greeting", NULL);
    end();
    relay_stop(r);
}

static void a_host_that_is_restarted(void **state) {
    (void)state;
    ssh_server *server = start_server(NULL);
    ssh_server_options options = {.port = ssh_server_port(server)};
    begin(keep("%s", ssh_server_config(server)));
    hostsession *session = visit_open(&v, "test-bash");
    stop_server(server);
    drive(loop, &v.ended, 1);
    assert_int_equal(v.why.error, HOSTSESSION_ERROR_DISCONNECTED);
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_CONNECT, "refused", NULL);
    server = start_server(&options);
    v.ssh.config_file = ssh_server_config(server);
    reach();
    hostsession_close(session);
    assert_int_equal(v.ended, 1);
    end();
    stop_server(server);
}

static const api_case cases[] = {
    CASE(names_and_ports),
    CASE(a_host_that_does_not_answer),
    CASE(a_host_that_says_nothing),
    CASE(hosts_that_are_not_ssh),
    CASE(another_protocol),
    CASE(a_banner_that_never_ends),
    CASE(lines_before_the_version),
    CASE(dropped_some_times),
    CASE(dropped_always),
    CASE(refused_by_the_network),
    CASE(a_login_that_takes_too_long),
    CASE(a_host_that_is_restarted),
};
VISIT_MAIN("ssh-unreachable", NULL, cases)
