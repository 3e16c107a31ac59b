/* SPDX-License-Identifier: MIT */
/* The command over telnet. */
#include "caller.h"

#include "integration/cli/invocation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOGIN(name, secret)                                                                                            \
    "#!/bin/sh\nname=\nwhile [ -z \"$name\" ]; do printf '" name "'; read -r name; done\n"                             \
    "stty -echo\nprintf '" secret "'\nread -r word\nstty echo\necho\n"                                                 \
    "test \"$name:$word\" = ada:sesame || { echo Login incorrect; exit; }\n"                                           \
    "exec env -i HOME=/ PATH=\"$PATH\" TERM=\"$TERM\" LOGNAME=\"$name\" sh -i\n"

static void set_password(const char *password) {
    assert_int_equal(setenv("TELNET_PASSWORD", password, 1), 0);
}

static void check_error(invocation *it, int exit_status, const char *kind, const char *told) {
    assert_int_equal(exit_status, 255);
    json_t *line = invocation_take_json(it);
    assert_string_member(line, "status", "error");
    const json_t *error = json_object_get(line, "error");
    assert_string_member(error, "kind", kind);
    const char *message = json_string_value(json_object_get(error, "message"));
    if (!strstr(message, told))
        fail_msg("\"%s\" does not say \"%s\"", message, told);
    json_decref(line);
    invocation_release(it);
}

static void a_login_and_its_shell(void **state) {
    (void)state;
    invocation it;
    telnet_server *server = serve(LOGIN("login: ", "Password: "));
    const char *target = address("ada", telnet_server_port(server));
    set_password("sesame");
    assert_int_equal(RUN(&it, "run", "--password-from", "env:TELNET_PASSWORD", target, "cd /usr; x=5", "pwd; echo $x",
                         "echo \"$LOGNAME\"; (exit 3)"),
                     3);
    assert_text(&it.output_text, "/usr\n5\nada\n");
    invocation_release(&it);
    assert_int_equal(RUN(&it, "run", "--json", "--cwd", "/usr", "--env", "a=b", "--password-from",
                         "env:TELNET_PASSWORD", target, "pwd; echo $a"),
                     0);
    json_t *line = invocation_take_json(&it);
    assert_string_member(line, "status", "success");
    assert_string_member(line, "output", "/usr\nb\n");
    assert_string_member(line, "user", "ada");
    json_decref(line);
    invocation_release(&it);
    telnet_server_stop(server);
}

static void a_wrong_password(void **state) {
    (void)state;
    invocation it;
    telnet_server *server = serve(LOGIN("login: ", "Password: "));
    const char *target = address("ada", telnet_server_port(server));
    set_password("wrong");
    int status = RUN(&it, "run", "--json", "--password-from", "env:TELNET_PASSWORD", target, "true");
    /* (telnetd that learns of the program's end may hang up without the program's last words.) */
    check_error(&it, status, "auth", "the host hung up after the password");
    telnet_server_stop(server);
}

static void nobody_listens(void **state) {
    (void)state;
    invocation it;
    telnet_server *server = serve(LOGIN("login: ", "Password: "));
    unsigned port = telnet_server_port(server);
    telnet_server_stop(server);
    int status = RUN(&it, "run", "--json", address(NULL, port), "true");
    check_error(&it, status, "connect", "refused");
}

static void prompts_of_its_own(void **state) {
    (void)state;
    invocation it;
    telnet_server *server = serve(LOGIN("Wer da? ", "Losung> "));
    const char *target = address("ada", telnet_server_port(server));
    set_password("sesame");
    assert_int_equal(RUN(&it, "run", "--name-prompt", "Wer da\\? $", "--password-prompt", "Losung> $",
                         "--password-from", "env:TELNET_PASSWORD", "--pace", "64/0.001", target, "echo in"),
                     0);
    assert_text(&it.output_text, "in\n");
    invocation_release(&it);
    telnet_server_stop(server);
}

int main(int argc, char **argv) {
    (void)argc;
    invocation_program = argv[1];
    static const api_case cases[] = {CASE(a_login_and_its_shell), CASE(a_wrong_password), CASE(nobody_listens),
                                     CASE(prompts_of_its_own)};
    return caller_cases_run("run-telnet", cases, sizeof cases / sizeof cases[0]);
}
