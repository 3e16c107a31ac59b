/* SPDX-License-Identifier: MIT */
/* The connection: bytes, options, odd servers, and lines that break. */
#include "caller.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A console with a shell. */
#define CONSOLE "#!/bin/sh\nexec env -i HOME=/ PATH=\"$PATH\" TERM=\"$TERM\" sh -i\n"

static const char all_bytes[] = "for i in 0 1 2 3; do for j in 0 1 2 3 4 5 6 7; do for k in 0 1 2 3 4 5 6 7; do "
                                "printf \"\\\\$i$j$k\"; done; done; done";

static void check_all_bytes(hostsession *session) {
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, all_bytes, NULL, &result), HOSTSESSION_OK);
    assert_int_equal(hostsession_result_output_bytes(result), 256);
    for (int i = 0; i < 256; i++)
        assert_int_equal((unsigned char)hostsession_result_output(result)[i], i);
    hostsession_result_free(result);
}

static void bytes_come_and_go_unchanged(void **state) {
    (void)state;
    caller c;
    caller_init(&c);
    telnet_server *server = serve(CONSOLE);
    hostsession *session = call(&c, address(NULL, telnet_server_port(server)));
    check_all_bytes(session);
    check_run(session, "printf %s '\303\244\377\376 \360\237\230\200' | od -An -tx1 | tr -d ' \\n'",
              "c3a4fffe20f09f9880", 0);
    check_run(session, "printf '%s' 'a\rb\r\nc' | od -An -tx1 | tr -d ' \\n'", "610d620d0a63", 0);
    check_run(session, "seq 200000 | tail -n 1", "200000\n", 0);
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, "seq 200000", NULL, &result), HOSTSESSION_OK);
    assert_int_equal(hostsession_result_output_bytes(result), 1288895);
    hostsession_result_free(result);
    hostsession_close(session);
    telnet_server_stop(server);
    caller_free(&c);
}

static void byte_by_byte(void **state) {
    (void)state;
    caller c;
    caller_init(&c);
    telnet_server *server = serve(CONSOLE);
    relay *line = relay_start(telnet_server_port(server));
    assert_non_null(line);
    relay_set_chunk(line, RELAY_TO_CLIENT, 1);
    relay_set_chunk(line, RELAY_TO_SERVER, 1);
    hostsession *session = call(&c, address(NULL, relay_port(line)));
    check_all_bytes(session);
    hostsession_close(session);
    relay_stop(line);
    telnet_server_stop(server);
    caller_free(&c);
}

static void a_slow_line(void **state) {
    (void)state;
    caller c;
    caller_init(&c);
    c.telnet.write_bytes = 16;
    c.telnet.write_pause_ms = 1;
    telnet_server *server = serve(CONSOLE);
    hostsession *session = call(&c, address(NULL, telnet_server_port(server)));
    char command[3000];
    memset(command, 'x', sizeof command);
    memcpy(command, "echo ", 5);
    command[sizeof command - 1] = 0;
    char wanted[sizeof command];
    snprintf(wanted, sizeof wanted, "%s\n", command + 5);
    check_run(session, command, wanted, 0);
    hostsession_close(session);
    telnet_server_stop(server);
    caller_free(&c);
}

static void terminal_directory_environment(void **state) {
    (void)state;
    static const char *const variables[] = {"GREETING=two words", NULL};
    caller c;
    caller_init(&c);
    c.telnet.terminal_type = "vt100";
    c.options.environment = variables;
    c.options.cwd = "/usr";
    telnet_server *server = serve(CONSOLE);
    hostsession *session = call(&c, address(NULL, telnet_server_port(server)));
    check_run(session, "echo \"$TERM,$GREETING,$PWD\"; stty size", "vt100,two words,/usr\n24 10000\n", 0);
    hostsession_close(session);
    telnet_server_stop(server);
    caller_free(&c);
}

/* ---- odd servers ---- */

#define IAC "\377"
#define SB IAC "\372"
#define SE IAC "\360"
#define WILL IAC "\373"
#define WONT IAC "\374"
#define DO IAC "\375"
#define DONT IAC "\376"

/* Nothing answers; what was said last is told. */
static void check_scripted(const text *script, size_t piece, const char *said) {
    caller c;
    text why = {0};
    caller_init(&c);
    c.options.connect_timeout_ms = 1500;
    telnet_server *server = telnet_server_start_scripted(text_data(script), script->length, piece, &why);
    assert_non_null(server);
    refused(&c, address(NULL, telnet_server_port(server)), HOSTSESSION_ERROR_NOT_READY, said);
    telnet_server_stop(server);
    caller_free(&c);
}

static void a_server_that_refuses_everything(void **state) {
    (void)state;
    text script = {0};
    for (int option = 0; option < 255; option++) {
        const char refusal[] = {(char)255, (char)252, (char)option, (char)255, (char)254, (char)option};
        text_append(&script, refusal, sizeof refusal);
    }
    text_add(&script, "hello there");
    check_scripted(&script, 0, "\"hello there\"");
    text_free(&script);
}

static void a_server_that_never_agrees(void **state) {
    (void)state;
    text script = {0};
    for (int i = 0; i < 20000; i++)
        text_append(&script, WILL "\1" DO "\3" WONT "\1" DONT "\3" DO "\42" WILL "\0", 18);
    text_add(&script, "hello there");
    check_scripted(&script, 0, "\"hello there\"");
    text_free(&script);
}

static void a_long_subnegotiation(void **state) {
    (void)state;
    text script = {0};
    text_append(&script,
                DO "\47"
                   "hello " SB "\47\1",
                13);
    for (int i = 0; i < 16 * 1024; i++)
        text_add(&script, i % 2 ? "x" : "\r");
    text_add(&script, SE "there");
    check_scripted(&script, 0, "\"hello there\"");
    text_clear(&script);
    text_append(&script,
                "hel" IAC "\361lo" SB "\30\1" SE " th" IAC "\362"
                "ere",
                21);
    check_scripted(&script, 1, "\"hello there\"");
    text_free(&script);
}

/* ---- the end ---- */

static void the_shell_exits(void **state) {
    (void)state;
    caller c;
    caller_init(&c);
    telnet_server *server = serve(CONSOLE);
    hostsession *session = call(&c, address(NULL, telnet_server_port(server)));
    hostsession_result *result = NULL;
    /* telnetd may throw away what the shell said last. */
    assert_int_equal(hostsession_run(session, "exit 3", NULL, &result), HOSTSESSION_ERROR_DISCONNECTED);
    check_result(result, HOSTSESSION_STATUS_LOST, -1, "");
    assert_non_null(strstr(hostsession_result_failure(result)->message, "closed the connection"));
    hostsession_result_free(result);
    assert_int_equal(hostsession_telnet_send(session, HOSTSESSION_TELNET_BREAK), HOSTSESSION_ERROR_CLOSED);
    hostsession_close(session);
    telnet_server_stop(server);
    caller_free(&c);
}

/* Each ends by a name, whenever it breaks. */
static void a_line_that_breaks_anywhere(void **state) {
    (void)state;
    telnet_server *server = serve(CONSOLE);
    int lost = 0, failed = 0;
    for (unsigned at = 0; at < 6000; at += at < 90 ? 3 : at < 1000 ? 61 : 500) {
        caller c;
        caller_init(&c);
        relay *line = relay_start(telnet_server_port(server));
        assert_non_null(line);
        relay_cut_after(line, RELAY_TO_CLIENT, at, at % 2 ? RELAY_FIN : RELAY_RST);
        hostsession *session = NULL;
        hostsession_failure why = HOSTSESSION_FAILURE_INIT;
        hostsession_error error = hostsession_open(address(NULL, relay_port(line)), &c.options, &session, &why);
        if (error) {
            assert_true(error == HOSTSESSION_ERROR_CONNECT || error == HOSTSESSION_ERROR_DISCONNECTED);
            assert_true(why.message[0] != 0);
            failed++;
        } else {
            hostsession_result *result = NULL;
            error = hostsession_run(session, "seq 100000; read -r forever", NULL, &result);
            /* It may be lost before the command is sent. */
            if (error == HOSTSESSION_ERROR_CLOSED) {
                assert_int_equal(hostsession_result_status(result), HOSTSESSION_STATUS_SKIPPED);
            } else {
                assert_int_equal(error, HOSTSESSION_ERROR_DISCONNECTED);
                assert_int_equal(hostsession_result_status(result), HOSTSESSION_STATUS_LOST);
            }
            hostsession_result_free(result);
            lost++;
        }
        hostsession_close(session);
        relay_stop(line);
        caller_free(&c);
    }
    assert_true(failed > 10 && lost > 1);
    telnet_server_stop(server);
}

static void nobody_listens(void **state) {
    (void)state;
    caller c;
    caller_init(&c);
    telnet_server *server = serve(CONSOLE);
    unsigned port = telnet_server_port(server);
    telnet_server_stop(server);
    refused(&c, address(NULL, port), HOSTSESSION_ERROR_CONNECT, "refused");
    caller_free(&c);
}

/* A listener whose queue is full: the kernel answers no further connection. */
static void nobody_answers(void **state) {
    (void)state;
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof here;
    int deaf = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int fill[8];
    assert_int_equal(bind(deaf, (struct sockaddr *)&here, sizeof here), 0);
    assert_int_equal(listen(deaf, 0), 0);
    assert_int_equal(getsockname(deaf, (struct sockaddr *)&here, &size), 0);
    for (size_t i = 0; i < sizeof fill / sizeof fill[0]; i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)!connect(fill[i], (struct sockaddr *)&here, sizeof here);
    }
    caller c;
    caller_init(&c);
    c.options.connect_timeout_ms = 500;
    refused(&c, address(NULL, ntohs(here.sin_port)), HOSTSESSION_ERROR_CONNECT, "did not answer in time");
    caller_free(&c);
    for (size_t i = 0; i < sizeof fill / sizeof fill[0]; i++)
        close(fill[i]);
    close(deaf);
}

/* ---- commands and options ---- */

static void on_told(void *userdata, hostsession_stream stream, const char *bytes, size_t length) {
    (void)stream;
    (void)bytes;
    (void)length;
    hostsession **session = userdata;
    if (*session)
        assert_int_equal(hostsession_telnet_send(*session, HOSTSESSION_TELNET_INTERRUPT_PROCESS), HOSTSESSION_OK);
    *session = NULL;
}

static void a_command_is_interrupted(void **state) {
    (void)state;
    caller c;
    caller_init(&c);
    telnet_server *server = serve(CONSOLE);
    hostsession *session = call(&c, address(NULL, telnet_server_port(server)));
    hostsession *told = session;
    hostsession_run_options how = HOSTSESSION_RUN_OPTIONS_INIT;
    hostsession_result *result = NULL;
    how.on_output = on_told;
    how.userdata = &told;
    assert_int_equal(hostsession_run(session, "echo told; read -r forever", &how, &result), HOSTSESSION_OK);
    assert_int_equal(hostsession_result_exit_status(result), 130);
    hostsession_result_free(result);
    check_run(session, "echo on", "on\n", 0);
    assert_int_equal(hostsession_telnet_send(session, (hostsession_telnet_command)240), HOSTSESSION_ERROR_INVALID);
    hostsession_close(session);
    telnet_server_stop(server);
    caller_free(&c);

    session = open_local(NULL);
    assert_int_equal(hostsession_telnet_send(session, HOSTSESSION_TELNET_BREAK), HOSTSESSION_ERROR_INVALID);
    hostsession_close(session);
}

static void a_deadline_wins_the_shell_back(void **state) {
    (void)state;
    static const char *const commands[] = {"cat", "trap '' INT QUIT; sh -c 'while :; do read -r x; done'",
                                           "while :; do :; done"};
    caller c;
    caller_init(&c);
    c.options.recovery_timeout_ms = patience_ms;
    telnet_server *server = serve(CONSOLE);
    hostsession *session = call(&c, address(NULL, telnet_server_port(server)));
    check_run(session, "x=42", "", 0);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        hostsession_run_options how = HOSTSESSION_RUN_OPTIONS_INIT;
        hostsession_result *result = NULL;
        how.timeout_ms = 200;
        assert_int_equal(hostsession_run(session, commands[i], &how, &result), HOSTSESSION_ERROR_TIMED_OUT);
        assert_true(hostsession_result_session_alive(result));
        hostsession_result_free(result);
        check_run(session, "trap - INT QUIT; echo $x", "42\n", 0);
    }
    hostsession_close(session);
    telnet_server_stop(server);
    caller_free(&c);
}

static void invalid(void **state) {
    (void)state;
    caller c;
    caller_init(&c);
    c.options.mode = HOSTSESSION_MODE_PIPE;
    refused(&c, "telnet://h", HOSTSESSION_ERROR_INVALID, "tty mode");
    c.options.mode = HOSTSESSION_MODE_TTY;
    c.options.shell = "zsh";
    refused(&c, "telnet://h", HOSTSESSION_ERROR_INVALID, "exec zsh");
    c.options.shell = NULL;
    c.telnet.write_pause_ms = -1;
    refused(&c, "telnet://h", HOSTSESSION_ERROR_INVALID, "write_pause_ms");
    c.telnet.struct_size = 1;
    refused(&c, "telnet://h", HOSTSESSION_ERROR_INVALID, "struct_size");
    c.telnet = (hostsession_telnet_options)HOSTSESSION_TELNET_OPTIONS_INIT;
    refused(&c, "telnet://", HOSTSESSION_ERROR_INVALID, "HOST");
    refused(&c, "telnet://h:0", HOSTSESSION_ERROR_INVALID, "port");
    refused(&c, "telnet://a@[::1", HOSTSESSION_ERROR_INVALID, "bracket");
    caller_free(&c);
}

int main(void) {
    static const api_case cases[] = {
        CASE(bytes_come_and_go_unchanged),
        CASE(byte_by_byte),
        CASE(a_slow_line),
        CASE(terminal_directory_environment),
        CASE(a_server_that_refuses_everything),
        CASE(a_server_that_never_agrees),
        CASE(a_long_subnegotiation),
        CASE(the_shell_exits),
        CASE(a_line_that_breaks_anywhere),
        CASE(nobody_listens),
        CASE(nobody_answers),
        CASE(a_command_is_interrupted),
        CASE(a_deadline_wins_the_shell_back),
        CASE(invalid),
    };
    return caller_cases_run("telnet-line", cases, sizeof cases / sizeof cases[0]);
}
