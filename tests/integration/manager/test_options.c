/* SPDX-License-Identifier: MIT */
/* What a manager keeps of the options that its sessions are opened with. */
#include "farm.h"

#include "integration/api/faulty.h"

#include <hostsession/hostsession.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A string that is overwritten once the manager is made. */
static char *lent[32];
static size_t lent_count;

static const char *lend(const char *string) {
    lent[lent_count] = strdup(string);
    assert_non_null(lent[lent_count]);
    return lent[lent_count++];
}

static void take_back(void) {
    while (lent_count) {
        char *string = lent[--lent_count];
        memset(string, '?', strlen(string));
        free(string);
    }
}

static void check_console_run(hostsession_named *named, const char *line, hostsession_status status, int exit_status,
                              const char *output) {
    const hostsession_command command = {.text = line};
    hostsession_results *results = NULL;
    assert_int_equal(hostsession_named_run(named, &command, 1, NULL, &results, NULL), HOSTSESSION_OK);
    check_result(hostsession_results_at(results, 0), status, exit_status, output);
    hostsession_results_free(results);
}

/* A device that asks for a name and a password, and has pagers and statuses of its own. */
static void a_console_behind_a_login(void **state) {
    (void)state;
    hostsession_console console = HOSTSESSION_CONSOLE_INIT;
    hostsession_options session = HOSTSESSION_OPTIONS_INIT;
    hostsession_manager_options options = HOSTSESSION_MANAGER_OPTIONS_INIT;
    hostsession_expectation pager = {lend("--More--"), lend(" "), 0, 0};
    hostsession_expectation login[2] = {
        {lend("login: $"), lend("admin\r"), 0, 1},
        {lend("Password: $"), lend("secret\r"), HOSTSESSION_EXPECT_SECRET, 1},
    };
    const char *setup[] = {lend("gap"), NULL};
    console.prompt = lend("R1(\\(config\\))?# ?");
    console.pagers = &pager;
    console.pager_count = 1;
    console.error = lend("% ");
    console.status_command = lend("status");
    console.status = lend("last status: (\\d+)");
    console.enter = lend("\r");
    console.probe = lend("\r");
    console.interrupt = lend("\003");
    console.setup = setup;
    session.console = &console;
    session.expectations = login;
    session.expectation_count = 2;
    session.connect_timeout_ms = 20000;
    options.session = &session;
    hostsession_manager *manager = new_manager("exec:" FAKE_DEVICE " login", &options);
    take_back();
    memset(&pager, 0, sizeof pager);
    memset(login, 0, sizeof login);
    memset(&console, 0, sizeof console);
    memset(&session, 0, sizeof session);
    setup[0] = "no such command";
    hostsession_named *named = open_named(manager, "device");
    check_console_run(named, "gap", HOSTSESSION_STATUS_SUCCESS, 0, "no newline at the end");
    check_console_run(named, "page 11", HOSTSESSION_STATUS_SUCCESS, 0,
                      "  line 1\r\n  line 2\r\n  line 3\r\n  line 4\r\n  line 5\r\n  line 6\r\n  line 7\r\n  line 8\r\n"
                      "  line 9\r\n  line 10\r\n  line 11\r\n");
    check_console_run(named, "bad", HOSTSESSION_STATUS_FAILED, 1, "% Invalid input detected at '^' marker.\r\n");
    hostsession_named_close(named);
    hostsession_manager_free(manager);
}

static void refused(hostsession_options *session, const char *part) {
    hostsession_manager_options options = HOSTSESSION_MANAGER_OPTIONS_INIT;
    hostsession_manager *manager = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    options.session = session;
    assert_int_equal(hostsession_manager_new("local", &options, &manager, &why), HOSTSESSION_ERROR_INVALID);
    assert_null(manager);
    if (!strstr(why.message, part))
        fail_msg("\"%s\" is not in: %s", part, why.message);
}

static void what_is_refused(void **state) {
    (void)state;
    hostsession_options session = HOSTSESSION_OPTIONS_INIT;
    hostsession_ssh_options ssh = {0};
    hostsession_telnet_options telnet = {0};
    hostsession_console console = {0};
    hostsession_transport transport = faulty_transport();
    session.ssh = &ssh;
    refused(&session, "ssh->struct_size");
    session.ssh = NULL;
    session.telnet = &telnet;
    refused(&session, "telnet->struct_size");
    session.telnet = NULL;
    session.console = &console;
    refused(&session, "console->struct_size");
    session.console = NULL;
    session.transport = &transport;
    refused(&session, "session_factory");
}

static const api_case cases[] = {CASE(a_console_behind_a_login), CASE(what_is_refused)};
CASES_MAIN("options", cases)
