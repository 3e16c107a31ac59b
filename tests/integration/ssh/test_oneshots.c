/* SPDX-License-Identifier: MIT */
/* One-shots over SSH: channels on shared connections, their exact output and end. */
#include "visit.h"

#include "integration/manager/farm.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct place {
    hostsession_loop *loop;
    visit v;
    hostsession_limits limits;
    hostsession_manager *manager;
    int lines; /* of output, so far */
} place;

static void place_init(place *p, const char *config) {
    *p = (place){.loop = new_loop(), .limits = HOSTSESSION_LIMITS_INIT};
    visit_init(&p->v, p->loop, config);
}

static void count_line(void *userdata, const char *name, hostsession_stream stream, const char *line, size_t length) {
    (void)name, (void)stream, (void)line, (void)length;
    ((place *)userdata)->lines++;
}

static void drive_until_said(place *p, int lines) {
    drive(p->loop, &p->lines, lines);
    p->lines = 0;
}

static void place_start(place *p, const char *target) {
    hostsession_manager_options options = HOSTSESSION_MANAGER_OPTIONS_INIT;
    options.loop = p->loop;
    options.session = &p->v.options;
    options.limits = &p->limits;
    options.log_output = count_line;
    options.userdata = p;
    p->manager = new_manager(target, &options);
}

static void place_end(place *p) {
    hostsession_manager_free(p->manager);
    hostsession_loop_free(p->loop);
    visit_free(&p->v);
}

static void done(place *p, ending *e, hostsession_status status, int exit_status, const char *output) {
    drive(p->loop, &e->calls, 1);
    check_result(e->result, status, exit_status, output);
    ending_free(e);
}

/* What is ended over the network takes its turns of the loop. */
static void drive_until_unconnected(place *p) {
    long long until = clock_ms() + patience_ms;
    while (ssh_server_connections(visit_server) > 0 && clock_ms() < until)
        hostsession_loop_run_once(p->loop, 10);
    assert_int_equal(ssh_server_connections(visit_server), 0);
}

static int count_logins(const ssh_server *server) {
    text log = {0};
    int count = 0;
    ssh_server_log(server, &log);
    for (const char *at = text_data(&log); (at = strstr(at, "Accepted publickey")) != NULL; at++)
        count++;
    text_free(&log);
    return count;
}

static void exact(void **state) {
    (void)state;
    place p;
    place_init(&p, ssh_server_config(visit_server));
    place_start(&p, "test-bash");
    hostsession_manager *m = p.manager;
    check_oneshot(m, "printf '\\n\\n a \\r\\n\\n'", "\n\n a \r\n\n", 0);
    check_oneshot(m, "printf 'no newline'", "no newline", 0);
    check_oneshot(m, "echo out; echo err >&2; echo out", "out\nerr\nout\n", 0);
    check_oneshot(m, "cat; echo end", "end\n", 0);
    check_oneshot(m, "exit 7", "", 7);
    check_oneshot(m, "exit 255", "", 255);
    check_oneshot(m, "kill -9 $$", "", 128 + SIGKILL);
    check_oneshot(m, "x='a\nb'; echo \"$x\" '\"' \\\\ !", "a\nb \" \\ !\n", 0);
    check_oneshot(m, "cat <<E\nhere\nE", "here\n", 0);
    check_oneshot(m, "cat <<'E'\nit's `here`\nE\n\n", "it's `here`\n", 0);
    check_oneshot(m, "case $BASH_VERSION in ?*) echo bash;; esac", "bash\n", 0);
    check_oneshot(m, "", "", 0);
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_manager_oneshot(m, "printf 'a\\0b\\377'", NULL, &result), HOSTSESSION_OK);
    assert_int_equal(hostsession_result_output_bytes(result), 4);
    assert_memory_equal(hostsession_result_output(result), "a\0b\377", 4);
    assert_string_equal(hostsession_result_cwd(result), "");
    assert_false(hostsession_result_session_alive(result));
    hostsession_result_free(result);
    assert_true(ssh_server_wait_connections(visit_server, 0, patience_ms));
    place_end(&p);
}

static void every_login_shell(void **state) {
    (void)state;
    for (size_t i = 0; ssh_server_user(visit_server, i); i++) {
        place p;
        place_init(&p, ssh_server_config(visit_server));
        place_start(&p, keep("test-%s", ssh_server_user(visit_server, i)));
        check_oneshot(p.manager, "x=\"it's \\\"\"; echo \"$x\"; exit 3", "it's \"\n", 3);
        place_end(&p);
    }
}

static void its_options(void **state) {
    (void)state;
    const char *environment[] = {"COLOUR=light 'green'", NULL};
    place p;
    place_init(&p, ssh_server_config(visit_server));
    p.v.options.mode = HOSTSESSION_MODE_PIPE;
    p.v.options.shell = "dash";
    p.v.options.cwd = "/usr";
    p.v.options.environment = environment;
    place_start(&p, "test-bash");
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_manager_oneshot(p.manager, "pwd; echo $COLOUR$BASH_VERSION; echo err >&2; nothing",
                                                 NULL, &result),
                     HOSTSESSION_OK);
    check_result(result, HOSTSESSION_STATUS_FAILED, 127, "/usr\nlight 'green'\n");
    /* The lines that are named are the command's own. */
    assert_string_equal(hostsession_result_error_output(result), "err\ndash: 1: nothing: not found\n");
    hostsession_result_free(result);
    place_end(&p);
    place_init(&p, ssh_server_config(visit_server));
    p.v.options.cwd = "/no/where";
    place_start(&p, "test-bash");
    assert_int_equal(hostsession_manager_oneshot(p.manager, "echo never", NULL, &result), HOSTSESSION_OK);
    check_result(result, HOSTSESSION_STATUS_FAILED, 127, NULL);
    assert_non_null(strstr(hostsession_result_output(result), "/no/where"));
    hostsession_result_free(result);
    place_end(&p);
}

static void large(void **state) {
    (void)state;
    place p;
    place_init(&p, ssh_server_config(visit_server));
    place_start(&p, "test-bash");
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_manager_oneshot(p.manager, "head -c 8000000 /dev/zero", NULL, &result),
                     HOSTSESSION_OK);
    assert_int_equal(hostsession_result_output_bytes(result), 8000000);
    hostsession_result_free(result);
    size_t most = (size_t)120 * 1024;
    char *command = allocate(most + 1);
    memset(command, '#', most);
    memcpy(command, "echo x; ", 8);
    command[most] = 0;
    check_oneshot(p.manager, command, "x\n", 0);
    free(command);
    command = allocate(most + 2);
    memset(command, '#', most + 1);
    assert_int_equal(hostsession_manager_oneshot(p.manager, command, NULL, &result), HOSTSESSION_ERROR_LIMIT);
    check_result(result, HOSTSESSION_STATUS_ERROR, -1, "");
    hostsession_result_free(result);
    free(command);
    place_end(&p);
}

/* A connection lasts as long as something is on it. */
static void how_long_a_connection_lasts(void **state) {
    (void)state;
    ssh_server *server = start_server(NULL);
    place p;
    place_init(&p, ssh_server_config(server));
    place_start(&p, "test-bash");
    for (int i = 1; i <= 3; i++) {
        check_oneshot(p.manager, "echo alone", "alone\n", 0);
        assert_true(ssh_server_wait_connections(server, 0, patience_ms));
        assert_int_equal(count_logins(server), i);
    }
    hostsession_named *a = open_named(p.manager, "a");
    for (int i = 0; i < 3; i++)
        check_oneshot(p.manager, "echo beside", "beside\n", 0);
    assert_int_equal(count_logins(server), 4);
    hostsession_named_close(a);
    check_oneshot(p.manager, "echo alone", "alone\n", 0);
    assert_int_equal(count_logins(server), 5);
    place_end(&p);
    stop_server(server);
}

/* MaxSessions is 10: they need twenty connections. */
static void two_hundred_at_once(void **state) {
    (void)state;
    enum { many = 200 };
    static ending ends[many];
    place p;
    place_init(&p, ssh_server_config(visit_server));
    p.v.options.connect_timeout_ms = 2LL * patience_ms;
    p.limits.max_oneshots = many;
    place_start(&p, "test-bash");
    for (int i = 0; i < many; i++) {
        char command[60];
        snprintf(command, sizeof command, "echo %d; exit %d", i, i % 7);
        begin_oneshot(p.manager, command, 0, &ends[i]);
    }
    for (int i = 0; i < many; i++) {
        drive(p.loop, &ends[i].calls, 1);
        if (ends[i].error)
            fail_msg("one-shot %d: %s", i, hostsession_result_failure(ends[i].result)->message);
        done(&p, &ends[i], i % 7 ? HOSTSESSION_STATUS_FAILED : HOSTSESSION_STATUS_SUCCESS, i % 7, keep("%d\n", i));
    }
    assert_true(ssh_server_wait_connections(visit_server, 0, patience_ms));
    place_end(&p);
}

/* Sessions and one-shots on one connection. */
static void beside_sessions(void **state) {
    (void)state;
    ending ends[5] = {0};
    place p;
    place_init(&p, ssh_server_config(visit_server));
    place_start(&p, "test-bash");
    hostsession_named *a = open_named(p.manager, "a");
    check_named_run(a, "x=1; cd /usr", "", 0);
    for (int i = 0; i < 5; i++)
        begin_oneshot(p.manager, "echo \"[$x]\"; exec tail -f /dev/null", 0, &ends[i]);
    check_named_run(a, "echo $x; pwd", "1\n/usr\n", 0);
    assert_int_equal(ssh_server_connections(visit_server), 1);
    hostsession_manager_close_all(p.manager);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(ends[i].calls, 1);
        assert_int_equal(ends[i].error, HOSTSESSION_ERROR_CANCELED);
        ending_free(&ends[i]);
    }
    drive_until_unconnected(&p);
    hostsession_named_release(a);
    place_end(&p);
}

/* What it left running holds the channel, writes there now and then or not at all, and is not waited for. */
static void what_it_leaves_running(void **state) {
    (void)state;
    place p;
    place_init(&p, ssh_server_config(visit_server));
    place_start(&p, "test-bash");
    const char *first = case_path("first"), *second = case_path("second");
    check_oneshot(p.manager, keep("mkfifo %s %s; (cat %s; true) & echo started; exit 4", first, second, first),
                  "started\n", 4);
    /* All that the command itself wrote is there, though it is much and the host says the end before. */
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_manager_oneshot(p.manager, keep("(cat %s; true) & head -c 3000000 /dev/zero", second),
                                                 NULL, &result),
                     HOSTSESSION_OK);
    assert_int_equal(hostsession_result_output_bytes(result), 3000000);
    hostsession_result_free(result);
    /* They read still: the pipes can be opened for writing. */
    check_oneshot(p.manager, keep("echo > %s; echo > %s", first, second), "", 0);
    place_end(&p);
}

static const char *tag_of(int number) {
    return keep("sleep 4%09d%d", (int)getpid(), number);
}

static void gone(const char *tag) {
    text left = {0};
    if (!process_wait_gone(tag, patience_ms, &left))
        fail_msg("left: %s", text_data(&left));
    text_free(&left);
}

static void stopped(void **state) {
    (void)state;
    place p;
    ending end = {0};
    place_init(&p, ssh_server_config(visit_server));
    place_start(&p, "test-bash");
    /* It keeps the connection, so that the time is the command's. */
    hostsession_named *a = open_named(p.manager, "a");
    for (int timed = 0; timed < 2; timed++) {
        const char *tag = tag_of(timed);
        const char *command = keep("trap '' HUP INT QUIT TERM; echo begun; n=%s; sleep $n; :", tag + 6);
        hostsession_request *request = begin_oneshot(p.manager, command, timed ? 3000 : 0, &end);
        while (!process_find(tag, NULL) && !end.calls)
            hostsession_loop_run_once(p.loop, 10);
        drive_until_said(&p, 1);
        if (!timed)
            hostsession_request_cancel(request);
        drive(p.loop, &end.calls, 1);
        assert_int_equal(end.error, timed ? HOSTSESSION_ERROR_TIMED_OUT : HOSTSESSION_ERROR_CANCELED);
        done(&p, &end, timed ? HOSTSESSION_STATUS_TIMED_OUT : HOSTSESSION_STATUS_INTERRUPTED, -1, "begun\n");
        gone(tag);
    }
    hostsession_named_release(a);
    place_end(&p);
}

/* At every place between the start and the end. */
static void stopped_at_any_time(void **state) {
    (void)state;
    place p;
    place_init(&p, ssh_server_config(visit_server));
    place_start(&p, "test-bash");
    /* It keeps the connection. */
    hostsession_named *a = open_named(p.manager, "a");
    bool ran = false;
    for (int turns = 0; !ran && turns < 500; turns++) {
        ending end = {0};
        hostsession_request *request = begin_oneshot(p.manager, "echo out", 0, &end);
        for (int i = 0; i < turns && !end.calls; i++)
            hostsession_loop_run_once(p.loop, 1000);
        ran = end.calls > 0;
        if (!ran)
            hostsession_request_cancel(request);
        drive(p.loop, &end.calls, 1);
        if (!ran)
            assert_true(end.error == HOSTSESSION_ERROR_CANCELED || end.error == HOSTSESSION_OK);
        ending_free(&end);
    }
    assert_true(ran);
    check_named_run(a, "echo still here", "still here\n", 0);
    check_oneshot(p.manager, "echo still here", "still here\n", 0);
    hostsession_named_close(a);
    drive_until_unconnected(&p);
    place_end(&p);
}

static void lost(void **state) {
    (void)state;
    place p;
    ending end = {0};
    place_init(&p, ssh_server_config(visit_server));
    place_start(&p, "test-bash");
    const char *tag = tag_of(7);
    begin_oneshot(p.manager, keep("echo begun; n=%s; sleep $n; :", tag + 6), 0, &end);
    while (!process_find(tag, NULL) && !end.calls)
        hostsession_loop_run_once(p.loop, 10);
    drive_until_said(&p, 1);
    ssh_server_kill_connections(visit_server);
    drive(p.loop, &end.calls, 1);
    assert_int_equal(end.error, HOSTSESSION_ERROR_DISCONNECTED);
    done(&p, &end, HOSTSESSION_STATUS_LOST, -1, "begun\n");
    shell("pkill -KILL -f '^%s$'", tag);
    gone(tag);
    check_oneshot(p.manager, "echo on", "on\n", 0);
    place_end(&p);
}

static void never_sent(void **state) {
    (void)state;
    place p;
    ending end = {0};
    unsigned port;
    int deaf = listen_deaf(&port);
    place_init(&p, "none");
    visit_set(&p.v, "ConnectTimeout=0");
    place_start(&p, keep("bash@127.0.0.1:%u", port));
    begin_oneshot(p.manager, "echo never", 200, &end);
    drive(p.loop, &end.calls, 1);
    assert_int_equal(end.error, HOSTSESSION_ERROR_TIMED_OUT);
    done(&p, &end, HOSTSESSION_STATUS_SKIPPED, -1, "");
    hostsession_manager_free(p.manager);
    /* Without a limit of its own the time to connect holds. */
    p.v.options.connect_timeout_ms = 200;
    place_start(&p, keep("bash@127.0.0.1:%u", port));
    begin_oneshot(p.manager, "echo never", 0, &end);
    drive(p.loop, &end.calls, 1);
    assert_int_equal(end.error, HOSTSESSION_ERROR_CONNECT);
    done(&p, &end, HOSTSESSION_STATUS_ERROR, -1, "");
    place_end(&p);
    close(deaf);
    /* Nor with a key that is not let in. */
    place_init(&p, ssh_server_config(visit_server));
    visit_set(&p.v, "IdentityFile=/dev/null");
    visit_set(&p.v, "PreferredAuthentications=password");
    place_start(&p, "test-bash");
    begin_oneshot(p.manager, "echo never", 0, &end);
    drive(p.loop, &end.calls, 1);
    assert_int_equal(end.error, HOSTSESSION_ERROR_AUTH);
    done(&p, &end, HOSTSESSION_STATUS_ERROR, -1, "");
    place_end(&p);
}

static void a_question_is_asked(void **state) {
    (void)state;
    place p;
    place_init(&p, ssh_server_config(visit_server));
    visit_set(&p.v, "PreferredAuthentications=password");
    visit_answer(&p.v, "secret-bash");
    place_start(&p, "test-bash");
    check_oneshot(p.manager, "echo in", "in\n", 0);
    assert_int_equal(p.v.asked, 1);
    place_end(&p);
}

static void another_server(void **state) {
    (void)state;
    ssh_server_options options = {.dropbear = true};
    text missing = {0};
    if (!ssh_server_available(&options, &missing)) {
        print_message("# %s\n", text_data(&missing));
        text_free(&missing);
        return;
    }
    ssh_server *server = start_server(&options);
    place p;
    place_init(&p, ssh_server_config(server));
    place_start(&p, "test-bash");
    check_oneshot(p.manager, "echo out; exit 3", "out\n", 3);
    check_oneshot(p.manager, "kill -9 $$", "", 128 + SIGKILL);
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_manager_oneshot(p.manager, "head -c 2000000 /dev/zero", NULL, &result),
                     HOSTSESSION_OK);
    assert_int_equal(hostsession_result_output_bytes(result), 2000000);
    hostsession_result_free(result);
    place_end(&p);
    stop_server(server);
}

/* The reference's SshSession: many sessions of a manager share a connection, each with its own state. */
static void ssh_session(void **state) {
    (void)state;
    ending opened[10] = {0};
    place p;
    place_init(&p, ssh_server_config(visit_server));
    place_start(&p, "test-bash");
    for (int i = 0; i < 10; i++)
        begin_open(p.manager, keep("s%d", i), &opened[i]);
    for (int i = 0; i < 10; i++) {
        drive(p.loop, &opened[i].calls, 1);
        if (opened[i].error)
            fail_msg("%s", opened[i].failure.message);
        check_named_run(opened[i].named, keep("mine=%d", i), "", 0);
    }
    assert_int_equal(ssh_server_connections(visit_server), 1);
    for (int i = 0; i < 10; i++)
        check_named_run(opened[i].named, "echo $mine", keep("%d\n", i), 0);
    /* The connection breaks: all are dead, and asked for again they are made anew. */
    ssh_server_kill_connections(visit_server);
    while (hostsession_manager_has_live_sessions(p.manager))
        hostsession_loop_run_once(p.loop, 1000);
    hostsession_named *again = open_named(p.manager, "s0");
    check_named_run(again, "echo \"[$mine]\"", "[]\n", 0);
    hostsession_named_release(again);
    for (int i = 0; i < 10; i++)
        ending_free(&opened[i]);
    place_end(&p);
    assert_true(ssh_server_wait_connections(visit_server, 0, patience_ms));
}

static const api_case cases[] = {
    CASE(exact),
    CASE(every_login_shell),
    CASE(its_options),
    CASE(large),
    CASE(how_long_a_connection_lasts),
    CASE(two_hundred_at_once),
    CASE(beside_sessions),
    CASE(what_it_leaves_running),
    CASE(stopped),
    CASE(stopped_at_any_time),
    CASE(lost),
    CASE(never_sent),
    CASE(a_question_is_asked),
    CASE(another_server),
    CASE(ssh_session),
};
VISIT_MAIN("ssh-oneshots", NULL, cases)
