/* SPDX-License-Identifier: MIT */
/* What a test can do to the connections of a server of ssh_server.h, and that nothing is left of it. */
#include "relay.h"
#include "ssh_client.h"

#include "folder.h"
#include "process.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { limit_ms = 10000 };

/* One for each server program; dropbear comes second. */
static ssh_server *servers[2];
static char folder[256];

static ssh_server *start(const ssh_server_options *options) {
    text why = {0};
    ssh_server *s = ssh_server_start(folder, options, &why);
    if (!s)
        print_message("# %s\n", text_data(&why));
    text_free(&why);
    assert_non_null(s);
    return s;
}

/* NULL: it is not installed, and that was said. */
static ssh_server *server_of(void **state) {
    const bool *dropbear = *state;
    const ssh_server_options options = {.dropbear = *dropbear};
    if (!servers[*dropbear] && ssh_client_available(&options, "# skipped: "))
        servers[*dropbear] = start(&options);
    return servers[*dropbear];
}

static void expect_line(FILE *client, const char *line) {
    char got[80] = "";
    assert_non_null(fgets(got, sizeof got, client));
    assert_string_equal(got, line);
}

static void test_kills(void **state) {
    ssh_server *s = server_of(state);
    if (!s)
        return;
    FILE *clients[2];
    for (int i = 0; i < 2; i++) {
        clients[i] = ssh_client_begin(s, "test-bash 'echo up; exec sleep 987654'");
        assert_non_null(clients[i]);
        assert_int_equal(ssh_server_connections(s), i + 1);
    }
    assert_int_equal(ssh_server_kill_connections(s), 2);
    assert_int_equal(ssh_server_connections(s), 0);
    for (int i = 0; i < 2; i++) {
        expect_line(clients[i], "status 255\n");
        pclose(clients[i]);
    }
    text output = {0};
    assert_int_equal(ssh_client_run(s, ssh_server_config(s), NULL, &output, "test-bash true"), 0);
    assert_true(ssh_server_wait_connections(s, 0, limit_ms));
    text_free(&output);
}

/* Wait until the other side opens the pipe, too. */
static void pass(const char *pipe, int flags) {
    int descriptor = open(pipe, flags | O_CLOEXEC);
    assert_true(descriptor >= 0);
    close(descriptor);
}

/* What is printed meanwhile arrives after the thaw. */
static void test_freezes(void **state) {
    ssh_server *s = server_of(state);
    if (!s)
        return;
    char gates[2][300], command[1000];
    for (int i = 0; i < 2; i++) {
        snprintf(gates[i], sizeof gates[i], "%s/gate-%d", folder, i);
        assert_int_equal(mkfifo(gates[i], 0600), 0);
    }
    snprintf(command, sizeof command, "test-dash 'echo up; cat %s; echo through; : >%s'", gates[0], gates[1]);
    FILE *client = ssh_client_begin(s, command);
    assert_non_null(client);
    ssh_server_freeze_connections(s);
    pass(gates[0], O_WRONLY);
    pass(gates[1], O_RDONLY);
    struct pollfd wait = {.fd = fileno(client), .events = POLLIN};
    assert_int_equal(poll(&wait, 1, 0), 0);
    ssh_server_thaw_connections(s);
    expect_line(client, "through\n");
    expect_line(client, "status 0\n");
    pclose(client);
    assert_true(ssh_server_wait_connections(s, 0, limit_ms));
    unlink(gates[0]);
    unlink(gates[1]);
}

static void test_freezes_listener(void **state) {
    ssh_server *s = server_of(state);
    if (!s)
        return;
    text output = {0};
    ssh_server_freeze_listener(s);
    int status = ssh_client_run(s, ssh_server_config(s), NULL, &output, "-o ConnectTimeout=1 test-bash true");
    assert_int_equal(status, 255);
    ssh_server_thaw_listener(s);
    assert_int_equal(ssh_client_run(s, ssh_server_config(s), NULL, &output, "test-bash true"), 0);
    assert_true(ssh_server_wait_connections(s, 0, limit_ms));
    text_free(&output);
}

static void test_jumps(void **state) {
    ssh_server *near = server_of(state);
    if (!near)
        return;
    ssh_server *far = start(&(ssh_server_options){.alias = "far", .host_key = "far"});
    text output = {0};
    int status = ssh_client_run(far, ssh_server_config(far), NULL, &output,
                                "-o ProxyCommand='%s ssh -F %s -W %%h:%%p test-zsh' far-bash 'echo there'",
                                ssh_server_client_env(near), ssh_server_config(near));
    assert_int_equal(status, 0);
    assert_true(text_contains(&output, "there"));
    assert_true(ssh_server_wait_log(far, "Accepted publickey for bash", limit_ms));
    assert_true(ssh_server_stop(far));
    text_free(&output);
}

static void test_through_relay(void **state) {
    ssh_server *s = server_of(state);
    if (!s)
        return;
    text output = {0};
    relay *line = relay_start(ssh_server_port(s));
    assert_non_null(line);
    const char *config = ssh_server_config_at(s, relay_port(line));
    assert_non_null(config);
    relay_set_delay(line, RELAY_TO_SERVER, 10);
    relay_set_delay(line, RELAY_TO_CLIENT, 10);
    assert_int_equal(ssh_client_run(s, config, NULL, &output, "test-bash 'echo there'"), 0);
    assert_string_equal(text_data(&output), "there\n");
    relay_counts counts = relay_count(line);
    assert_int_equal(counts.connections, 1);
    assert_in_range(counts.turns, 5, 20);
    relay_cut_after(line, RELAY_TO_CLIENT, 30, RELAY_RST);
    assert_int_equal(ssh_client_run(s, config, NULL, &output, "test-bash true"), 255);
    assert_int_equal(relay_count(line).bytes[RELAY_TO_CLIENT] - counts.bytes[RELAY_TO_CLIENT], 30);
    relay_cut_after(line, RELAY_TO_CLIENT, RELAY_NEVER, RELAY_RST);
    /* Of what is encrypted. */
    relay_corrupt(line, RELAY_TO_CLIENT, counts.bytes[RELAY_TO_CLIENT] - 200);
    assert_int_equal(ssh_client_run(s, config, NULL, &output, "test-bash true"), 255);
    relay_stop(line);
    text_free(&output);
}

/* A process that left its session and its group, and would live on.  It runs when this returns. */
static bool begin_daemon(ssh_server *s, const char *name) {
    text output = {0};
    int status = ssh_client_run(s, ssh_server_config(s), NULL, &output,
                                "test-bash 'mkfifo up; setsid sh -c \": >up; sleep 1234567; : %s\" </dev/null "
                                ">/dev/null 2>&1 & cat up && rm up'",
                                name);
    text_free(&output);
    return status == 0;
}

static void test_stop_leaves_nothing(void **state) {
    const bool *dropbear = *state;
    if (!server_of(state))
        return;
    int descriptors = process_count_descriptors();
    ssh_server *s = start(&(ssh_server_options){.dropbear = *dropbear});
    FILE *client = ssh_client_begin(s, "test-bash 'echo up; exec sleep 987654'");
    assert_non_null(client);
    char name[64];
    snprintf(name, sizeof name, "daemon-of-stop-%d", (int)getpid());
    assert_true(begin_daemon(s, name));
    assert_true(process_find(name, NULL) > 0);
    /* A child has all the test's descriptors, and keeps them open. */
    pid_t holder = fork();
    if (holder == 0)
        for (;;)
            pause();
    bool stopped = ssh_server_stop(s);
    kill(holder, SIGKILL);
    assert_int_equal(waitpid(holder, NULL, 0), holder);
    assert_true(stopped);
    expect_line(client, "status 255\n");
    pclose(client);
    assert_int_equal(process_find(name, NULL), 0);
    assert_int_equal(process_count_descriptors(), descriptors);
}

static void crash(const char *where, bool dropbear, const char *name) {
    text why = {0};
    ssh_server *s = ssh_server_start(where, &(ssh_server_options){.dropbear = dropbear}, &why);
    if (s && begin_daemon(s, name))
        kill(getpid(), SIGKILL);
    _exit(1);
}

/* The test is killed while a server of it runs, and a process that was started through it. */
static void test_ends_with_the_test(void **state) {
    const bool *dropbear = *state;
    char name[64], where[300];
    snprintf(name, sizeof name, "daemon-of-crash-%d", (int)getpid());
    snprintf(where, sizeof where, "%s/crash-%d", folder, *dropbear);
    if (!server_of(state))
        return;
    assert_int_equal(mkdir(where, 0700), 0);
    /* Its keeper becomes this process's child, to be reaped even where nobody else does. */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    pid_t crashing = fork();
    if (crashing == 0)
        crash(where, *dropbear, name);
    int status;
    assert_int_equal(waitpid(crashing, &status, 0), crashing);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    text left = {0};
    bool gone = process_wait_gone(name, limit_ms, &left) && process_wait_gone(where, limit_ms, &left);
    assert_string_equal(text_data(&left), "");
    assert_true(gone);
    text_free(&left);
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    prctl(PR_SET_CHILD_SUBREAPER, 0);
}

static int tear_down(void **state) {
    (void)state;
    bool right = ssh_server_stop(servers[0]);
    right = ssh_server_stop(servers[1]) && right;
    text left = {0};
    right = process_wait_gone(folder, limit_ms, &left) && right;
    if (left.length)
        print_message("# left: %s\n", text_data(&left));
    text_free(&left);
    folder_remove(folder);
    return right ? 0 : -1;
}

#define BOTH(test)                                                                                                     \
    {#test "_sshd", test, NULL, NULL, &programs[0]}, {                                                                 \
#test "_dropbear", test, NULL, NULL, &programs[1]                                                              \
    }

int main(void) {
    static bool programs[] = {false, true};
    const struct CMUnitTest tests[] = {
        BOTH(test_kills),
        BOTH(test_freezes),
        BOTH(test_freezes_listener),
        BOTH(test_jumps),
        BOTH(test_through_relay),
        BOTH(test_stop_leaves_nothing),
        BOTH(test_ends_with_the_test),
    };
    if (!ssh_client_available(NULL, "1..0 # SKIP "))
        return 0;
    if (!folder_make_temporary(folder, "support-connections"))
        return 1;
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
