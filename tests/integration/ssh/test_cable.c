/* SPDX-License-Identifier: MIT */
/* A cable that is pulled: the server and the client in network namespaces of their own, a veth pair between them. */
#include "visit.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static hostsession_loop *loop;
static visit v;
static ssh_server *server;
/* The server's namespace, for nsenter(1). */
static int server_side = -1;

/* A process that has a network namespace of its own and lives until its input ends. */
static pid_t start_holder(int *ret_hold) {
    int ready[2], hold[2];
    char byte;
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(hold[1]);
        if (unshare(CLONE_NEWNET) == 0 && write(ready[1], "", 1) == 1)
            (void)!read(hold[0], &byte, 1);
        _exit(0);
    }
    assert_true(pid > 0);
    close(ready[1]);
    close(hold[0]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    *ret_hold = hold[1];
    return pid;
}

/* The system takes note of a cable that was plugged in once a second, on a busy machine later: what is sent before,
 * ARP's questions among it, is lost, and the other side passes for one that is not there. */
static void await_cable(void) {
    static const char until_up[] = "until ip -o link show %s | grep -q 'state UP'; do sleep 0.01; done";
    assert_int_equal(shell(until_up, "client"), 0);
    assert_int_equal(shell("ip neighbour flush dev client"), 0);
    assert_int_equal(shell("nsenter --net=/proc/self/fd/%d sh -c \"%s\"", server_side, keep(until_up, "server")), 0);
}

/* The case's own process moves to the client's side. */
static void lay_cable(void) {
    if (unshare(CLONE_NEWNET) != 0 || shell("ip link set lo up") != 0) {
        print_message("a network namespace cannot be made here: %s\n", strerror(errno));
        skip();
    }
    int hold;
    pid_t holder = start_holder(&hold);
    assert_int_equal(shell("ip link add server type veth peer name client netns %d && ip address add 10.9.8.1/30 dev "
                           "server && ip link set server up && nsenter --net=/proc/%d/ns/net sh -c 'ip link set lo up "
                           "&& ip address add 10.9.8.2/30 dev client && ip link set client up'",
                           (int)holder, (int)holder),
                     0);
    ssh_server_options options = {.config = "ListenAddress 10.9.8.1\n"};
    server = start_server(&options);
    server_side = open("/proc/self/ns/net", O_RDONLY);
    int client_side = open(keep("/proc/%d/ns/net", (int)holder), O_RDONLY | O_CLOEXEC);
    assert_true(server_side >= 0 && client_side >= 0);
    assert_int_equal(setns(client_side, CLONE_NEWNET), 0);
    close(client_side);
    close(hold);
    assert_int_equal(waitpid(holder, NULL, 0), holder);
    await_cable();
    loop = new_loop();
    visit_init(&v, loop, ssh_server_config(server));
    visit_set(&v, "HostName=10.9.8.1");
    visit_set(&v, "HostKeyAlias=[127.0.0.1]:%u", ssh_server_port(server));
}

static void set_cable(const char *state) {
    assert_int_equal(shell("nsenter --net=/proc/self/fd/%d ip link set server %s", server_side, state), 0);
    if (strcmp(state, "up") == 0)
        await_cable();
}

static void remove_cable(void) {
    hostsession_loop_free(loop);
    visit_free(&v);
    set_cable("up");
    stop_server(server);
    close(server_side);
}

static void keepalive(void) {
    visit_set(&v, "ServerAliveInterval=1");
    visit_set(&v, "ServerAliveCountMax=1");
}

static void while_a_command_runs(void **state) {
    (void)state;
    lay_cable();
    keepalive();
    hostsession *session = visit_open(&v, "test-bash");
    waiting w;
    start_waiting(session, &w);
    set_cable("down");
    drive(loop, &w.end.calls, 1);
    check_result(w.end.result, HOSTSESSION_STATUS_LOST, -1, "told\n");
    drive(loop, &v.ended, 1);
    assert_int_equal(v.why.error, HOSTSESSION_ERROR_DISCONNECTED);
    outcome_free(&w.end);
    hostsession_close(session);
    set_cable("up");
    session = visit_open(&v, "test-bash");
    check_run(session, "echo again", "again\n", 0);
    hostsession_close(session);
    remove_cable();
}

static void while_idle(void **state) {
    (void)state;
    lay_cable();
    keepalive();
    hostsession *session = visit_open(&v, "test-bash");
    set_cable("down");
    drive(loop, &v.ended, 1);
    assert_int_equal(v.why.error, HOSTSESSION_ERROR_DISCONNECTED);
    assert_int_equal(hostsession_get_state(session), HOSTSESSION_ENDED);
    hostsession_close(session);
    remove_cable();
}

/* It is plugged in again before anybody gave up: TCP sends again what was lost. */
static void for_a_moment(void **state) {
    (void)state;
    lay_cable();
    hostsession *session = visit_open(&v, "test-bash");
    outcome o = {0};
    set_cable("down");
    start_run(session, "seq 1000 | tail -n 1", &o);
    drive_idle(loop);
    assert_int_equal(o.calls, 0);
    set_cable("up");
    drive(loop, &o.calls, 1);
    check_result(o.result, HOSTSESSION_STATUS_SUCCESS, 0, "1000\n");
    outcome_free(&o);
    hostsession_close(session);
    remove_cable();
}

static void before_the_connection(void **state) {
    (void)state;
    lay_cable();
    v.options.connect_timeout_ms = 500;
    set_cable("down");
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_CONNECT, "10.9.8.1", NULL);
    remove_cable();
}

static const api_case cases[] = {
    CASE(while_a_command_runs),
    CASE(while_idle),
    CASE(for_a_moment),
    CASE(before_the_connection),
};
VISIT_MAIN("ssh-cable", NULL, cases)
