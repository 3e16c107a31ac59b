/* SPDX-License-Identifier: MIT */
/* Through other hosts (ProxyJump) and through programs (ProxyCommand). */
#include "visit.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static void reach(const char *target) {
    hostsession *session = visit_open(&v, target);
    check_run(session, "echo ${HOME##*/}", "bash\n", 0);
    hostsession_close(session);
}

/* ---- ProxyJump ---- */

enum { hop_count = 3 };

static ssh_server *hops[hop_count];

static const char *const aliases[hop_count] = {"a", "b", "c"};

/* The configurations of all servers, and `more` before them. */
static const char *all_hops(const char *more) {
    text all = {0};
    text_add(&all, more);
    for (int i = 0; i < hop_count; i++)
        assert_true(file_read(ssh_server_config(hops[i]), &all));
    assert_true(file_read(ssh_server_config(visit_server), &all));
    const char *path = make_file("config", "%s", text_data(&all));
    text_free(&all);
    return path;
}

static void start_hops(void) {
    for (int i = 0; i < hop_count; i++) {
        ssh_server_options options = {.alias = aliases[i], .host_key = aliases[i]};
        hops[i] = start_server(&options);
    }
}

static void stop_hops(void) {
    for (int i = 0; i < hop_count; i++)
        stop_server(hops[i]);
}

static void check_connections(int a, int b, int c) {
    const int wanted[hop_count] = {a, b, c};
    for (int i = 0; i < hop_count; i++)
        assert_int_equal(ssh_server_connections(hops[i]), wanted[i]);
}

static void jumps(void **state) {
    (void)state;
    start_hops();
    begin(all_hops(""));
    visit_set(&v, "ProxyJump=a-bash");
    hostsession *session = visit_open(&v, "test-bash");
    check_run(session, "echo ${SSH_CONNECTION%% *}", "127.0.0.1\n", 0);
    check_connections(1, 0, 0);
    assert_int_equal(ssh_server_connections(visit_server), 1);
    hostsession_close(session);
    /* Before the loop is freed. */
    assert_true(ssh_server_wait_connections(hops[0], 0, patience_ms));
    end();
    begin(all_hops("Host test-*\nProxyJump a-bash,dash@b-bash,c-bash\n"));
    session = visit_open(&v, "test-bash");
    check_connections(1, 1, 1);
    hostsession *second = visit_open(&v, "test-dash");
    check_run(second, "echo ${HOME##*/}", "dash\n", 0);
    check_connections(1, 1, 1);
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, "seq 300000", NULL, &result), HOSTSESSION_OK);
    assert_int_equal(hostsession_result_output_bytes(result), 1988895);
    hostsession_result_free(result);
    hostsession_close(second);
    hostsession_close(session);
    for (int i = 0; i < hop_count; i++)
        assert_true(ssh_server_wait_connections(hops[i], 0, patience_ms));
    end();
    stop_hops();
}

/* Each alias names the next. */
static void jumps_in_a_chain(void **state) {
    (void)state;
    start_hops();
    begin(all_hops("Host test-*\nProxyJump a-bash\nHost a-*\nProxyJump b-bash\nHost b-*\nProxyJump c-bash\n"));
    reach("test-bash");
    end();
    stop_hops();
}

static void a_jump_by_address(void **state) {
    (void)state;
    start_hops();
    /* An alias is read for the hop; the address has none but the wildcard's. */
    begin(all_hops(keep("Host 127.0.0.1\nIdentityFile %s\nUserKnownHostsFile %s\n",
                        ssh_server_key_path(hops[0], SERVER_KEY_RSA), ssh_server_known_hosts(hops[0]))));
    visit_set(&v, "ProxyJump=dash@127.0.0.1:%u", ssh_server_port(hops[0]));
    reach("test-bash");
    v.settings[0] = keep("ProxyJump=ssh://dash@127.0.0.1:%u", ssh_server_port(hops[0]));
    reach("test-bash");
    v.settings[0] = "ProxyJump=none";
    reach("test-bash");
    end();
    stop_hops();
}

static void bad_jumps(void **state) {
    (void)state;
    start_hops();
    begin(all_hops("Host refused\nHostName 127.0.0.1\nPort 1\nHost nowhere\nHostName host.invalid\n"
                   "Host stranger\nHostName 127.0.0.1\nIdentityFile none\nBatchMode yes\nUser bash\n"));
    visit_set(&v, "ProxyJump=a-bash,refused");
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_CONNECT, "127.0.0.1 port 1", NULL);
    v.settings[0] = "ProxyJump=nowhere,a-bash";
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_RESOLVE, "host.invalid", NULL);
    v.settings[0] = keep("ProxyJump=stranger:%u", ssh_server_port(hops[1]));
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_HOST_KEY_UNKNOWN, keep("[127.0.0.1]:%u", ssh_server_port(hops[1])),
                  NULL);
    v.settings[1] = "UserKnownHostsFile=/dev/null";
    v.settings[0] = "ProxyJump=a-bash";
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_HOST_KEY_UNKNOWN,
                  keep("[127.0.0.1]:%u", ssh_server_port(visit_server)), NULL);
    v.settings[1] = NULL;
    v.settings[0] = "ProxyJump=-oProxyCommand=touch,a-bash";
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_INVALID, "", NULL);
    v.settings[0] = "ProxyJump=a-bash";
    visit_refused(&v, "refused", HOSTSESSION_ERROR_CONNECT, "127.0.0.1 port 1", NULL);
    end();
    /* A host that is reached through itself. */
    begin(all_hops("Host test-*\nProxyJump a-bash\nHost a-*\nProxyJump test-bash\n"));
    v.options.connect_timeout_ms = 20000;
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_INVALID, "ProxyJump", NULL);
    end();
    stop_hops();
}

/* Which of the two did not answer is told. */
static void a_jump_that_does_not_answer(void **state) {
    (void)state;
    start_hops();
    begin(all_hops(""));
    v.options.connect_timeout_ms = 1500;
    visit_set(&v, "ProxyJump=a-bash");
    ssh_server_freeze_listener(hops[0]);
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_CONNECT, "127.0.0.1, reached through another host: 127.0.0.1",
                  NULL);
    ssh_server_thaw_listener(hops[0]);
    v.ssh.config_file = make_file("slow", "Host slow\nMatch exec \"exec sleep 1000\"\nUser x\n");
    v.settings[0] = "ProxyJump=slow";
    visit_refused(&v, "host.invalid", HOSTSESSION_ERROR_CONNECT, "ssh -G", NULL);
    end();
    stop_hops();
}

static void a_jump_is_lost(void **state) {
    (void)state;
    start_hops();
    begin(all_hops("Host test-*\nProxyJump a-bash\n"));
    hostsession *session = visit_open(&v, "test-bash");
    waiting w;
    start_waiting(session, &w);
    ssh_server_kill_connections(hops[0]);
    drive(loop, &w.end.calls, 1);
    assert_int_equal(w.end.error, HOSTSESSION_ERROR_DISCONNECTED);
    check_result(w.end.result, HOSTSESSION_STATUS_LOST, -1, "told\n");
    drive(loop, &v.ended, 1);
    outcome_free(&w.end);
    hostsession_close(session);
    reach("test-bash");
    end();
    stop_hops();
}

/* ---- ProxyCommand ---- */

/* A program that passes on between its streams and a port, as `nc HOST PORT` does, after `first`. */
static const char *program(const char *first) {
    const char *path = make_file("proxy", "%s\nexec 3<>/dev/tcp/$1/$2; cat <&3 & cat >&3; kill $!\n", first);
    return keep("ProxyCommand=bash %s %%h %%p", path);
}

static void through_a_program(void **state) {
    (void)state;
    const char *told = case_path("told");
    begin(ssh_server_config(visit_server));
    visit_set(&v, "%s %%r %%n %%k %%i %%u %%d %%%% %%Z ~ '~' ${NONE-unset} %%l %%L",
              program(keep("echo \"$@\" >%s", told)));
    reach("test-bash");
    text found = {0};
    assert_true(file_read(told, &found));
    char host[256] = "";
    assert_int_equal(gethostname(host, sizeof host - 1), 0);
    const struct passwd *user = getpwuid(geteuid());
    assert_non_null(user);
    /* As ssh(1) has it, whatever HOME says; "~" is for the command's own shell. */
    const char *home = getenv("HOME");
    assert_string_equal(text_data(&found),
                        keep("127.0.0.1 %u bash test-bash test-bash %u %s %s %% %%Z %s ~ unset %s %.*s\n",
                             ssh_server_port(visit_server), (unsigned)geteuid(), user->pw_name, user->pw_dir, home,
                             host, (int)strcspn(host, "."), host));
    text_free(&found);
    v.settings[0] = "ProxyCommand=none";
    reach("test-bash");
    end();
}

static void programs_that_fail(void **state) {
    (void)state;
    begin(ssh_server_config(visit_server));
    visit_set(&v, "ProxyCommand=/nowhere/proxy %%h");
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_CONNECT, "/nowhere/proxy", NULL);
    v.settings[0] = "ProxyCommand=sh -c 'echo what is wrong >&2; exit 7'";
    visit_refused(
        &v, "test-bash", HOSTSESSION_ERROR_CONNECT,
        "exit status 7 before the host had answered: sh -c 'echo what is wrong >&2; exit 7'; it said: what is wrong",
        NULL);
    v.settings[0] = "ProxyCommand=sh -c 'yes much | head -c 1000000 >&2; printf \"\\033[31mend\\r\\n\" >&2; exit 7'";
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_CONNECT, "much\\n\\x1b[31mend", NULL);
    v.settings[0] = "ProxyCommand=sh -c 'echo no greeting at all; cat'";
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_CONNECT, "", NULL);
    v.settings[0] = "ProxyCommand=sh -c 'echo asked twice >&2; exec tail -f /dev/null'";
    v.options.connect_timeout_ms = 500;
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_CONNECT, "in time; it said: asked twice", NULL);
    end();
    /* Nothing of it is left: see the check at the end of each case. */
}

static void a_program_ends(void **state) {
    (void)state;
    const char *pid = case_path("pid");
    begin(ssh_server_config(visit_server));
    visit_set(&v, "%s", program(keep("echo $$ >%s", pid)));
    hostsession *session = visit_open(&v, "test-bash");
    assert_int_equal(shell("kill -9 -`cat %s`", pid), 0);
    drive(loop, &v.ended, 1);
    assert_int_equal(v.why.error, HOSTSESSION_ERROR_DISCONNECTED);
    hostsession_close(session);
    end();
}

static const api_case cases[] = {
    CASE(jumps),
    CASE(jumps_in_a_chain),
    CASE(a_jump_by_address),
    CASE(bad_jumps),
    CASE(a_jump_that_does_not_answer),
    CASE(a_jump_is_lost),
    CASE(through_a_program),
    CASE(programs_that_fail),
    CASE(a_program_ends),
};
VISIT_MAIN("ssh-routes", NULL, cases)
