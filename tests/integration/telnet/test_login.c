/* SPDX-License-Identifier: MIT */
/* The login before a shell: login(1) itself, and what other logins do. */
#include "caller.h"

#include "support/users.h"

#include <stdio.h>
#include <string.h>

static test_user user;

/* As getpass() reads: what was typed ahead is forgotten (TCSAFLUSH, by stty), and nothing is echoed. */
#define SECRET(prompt, variable) "stty -echo\nprintf '" prompt "'\nread -r " variable "\nstty echo\necho\n"
/* An empty name is asked for again: while a server is slow to start, Enter is typed. */
#define NAME(prompt) "#!/bin/sh\nname=\nwhile [ -z \"$name\" ]; do printf '" prompt "'; read -r name; done\n"
#define SHELL "exec env -i HOME=/ PATH=\"$PATH\" TERM=\"$TERM\" LOGNAME=\"$name\" sh -i\n"
#define LOGIN(name, secret) NAME(name) SECRET(secret, "word") "test \"$name:$word\" = ada:sesame ||"

static void need_user(void) {
    if (!user.name[0])
        skip();
}

static void check_secret_kept(const caller *c, const char *secret) {
    assert_true(c->transcript.length > 0);
    assert_null(memmem(c->transcript.data, c->transcript.length, secret, strlen(secret)));
}

/* ---- login(1) ---- */

static void login_with_a_password(void **state) {
    (void)state;
    need_user();
    caller c;
    caller_init(&c);
    c.answer = user.password;
    telnet_server *server = serve(NULL);
    hostsession *session = call(&c, address(user.name, telnet_server_port(server)));
    char wanted[64];
    snprintf(wanted, sizeof wanted, "%s\n", user.name);
    check_run(session, "id -un", wanted, 0);
    check_run(session, "printf 'a\\rb\\r\\nd\\377'; (exit 3)", "a\rb\r\nd\377", 3);
    assert_string_equal(hostsession_get_cwd(session), user.home);
    assert_string_equal(hostsession_get_user(session), user.name);
    hostsession_close(session);
    telnet_server_stop(server);
    check_secret_kept(&c, user.password);
    caller_free(&c);
}

static void login_refuses_a_wrong_password(void **state) {
    (void)state;
    need_user();
    caller c;
    caller_init(&c);
    c.answer = "not-it";
    telnet_server *server = serve(NULL);
    refused(&c, address(user.name, telnet_server_port(server)), HOSTSESSION_ERROR_AUTH, "incorrect");
    assert_int_equal(c.asked, 1);
    telnet_server_stop(server);
    check_secret_kept(&c, "not-it");
    caller_free(&c);
}

/* TelnetSession of the reference: a login, then commands with state, exact output and statuses. */
static void telnet_session(void **state) {
    (void)state;
    caller c;
    caller_init(&c);
    c.answer = "sesame";
    telnet_server *server = serve(LOGIN("login: ", "Password: ") "{ echo Login incorrect; exit; }\n" SHELL);
    hostsession *session = call(&c, address("ada", telnet_server_port(server)));
    check_run(session, "cd /usr; x=3; (exit 4)", "", 4);
    check_run(session, "printf 'a\\r\\nb\\377'; (exit 5)", "a\r\nb\377", 5);
    check_run(session, "pwd; echo $x", "/usr\n3\n", 0);
    hostsession_close(session);
    telnet_server_stop(server);
    caller_free(&c);
}

/* ---- others ---- */

static void many_logins_in_a_row(void **state) {
    (void)state;
    caller c;
    caller_init(&c);
    c.answer = "sesame";
    telnet_server *server = serve(LOGIN("login: ", "Password: ") "{ echo Login incorrect; exit; }\n" SHELL);
    for (int i = 0; i < 50; i++) {
        hostsession *session = call(&c, address("ada", telnet_server_port(server)));
        check_run(session, "echo \"$LOGNAME\"", "ada\n", 0);
        hostsession_close(session);
        c.asked = 0;
    }
    telnet_server_stop(server);
    check_secret_kept(&c, "sesame");
    caller_free(&c);
}

static void logins_of_other_kinds(void **state) {
    (void)state;
    static const char *const scripts[] = {
        LOGIN("Benutzername: ", "Kennwort: ") "exit\n" SHELL,
        LOGIN("Identifiant : ", "Mot de passe : ") "exit\n" SHELL,
        LOGIN("User Access Verification\\n\\nUsername:", "Password:") "exit\n" SHELL,
        /* A banner that speaks of passwords, and says much. */
        "#!/bin/sh\nseq 2000\necho 'Never give your password: to anyone'\nname= word=\nprintf 'login: '\nread -r "
        "name\n" SECRET("Password: ",
                        "word") "test \"$name:$word\" = ada:sesame || exit\necho 'Last login: today'\n" SHELL,
        /* Nobody speaks first on a serial line. */
        "#!/bin/sh\nread -r any\nprintf 'login: '\nread -r name\n" SECRET("Password: ", "word") SHELL,
        /* The first try is always refused there. */
        "#!/bin/sh\nwhile :; do printf 'login: '\nread -r name\n" SECRET(
            "Password: ", "word") "test \"$name\" && break\ndone\n" SHELL,
        /* A console with a shell. */
        ("#!/bin/sh\nname=ada\n" SHELL),
    };
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        caller c;
        caller_init(&c);
        c.answer = "sesame";
        telnet_server *server = serve(scripts[i]);
        hostsession *session = call(&c, address("ada", telnet_server_port(server)));
        check_run(session, "echo \"$LOGNAME\"", "ada\n", 0);
        hostsession_close(session);
        telnet_server_stop(server);
        caller_free(&c);
    }
}

static void refusals(void **state) {
    (void)state;
    static const struct {
        const char *script;
        const char *user;
        const char *password;
        const char *part;
    } rows[] = {
        {LOGIN("login: ", "Password: ") "{ echo Login incorrect; exec \"$0\"; }\n" SHELL, "ada", "open", "incorrect"},
        /* It hangs up.  (telnetd that learns of that may do so without the program's last words.) */
        {LOGIN("login: ", "Password: ") "exit\n" SHELL, "ada", "open", "the host hung up after the password"},
        {LOGIN("login: ", "Password: ") "exit\n" SHELL, NULL, "sesame", "login name"},
        {LOGIN("login: ", "Password: ") "exit\n" SHELL, "ada", NULL, "password"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        caller c;
        caller_init(&c);
        c.answer = rows[i].password;
        telnet_server *server = serve(rows[i].script);
        refused(&c, address(rows[i].user, telnet_server_port(server)), HOSTSESSION_ERROR_AUTH, rows[i].part);
        telnet_server_stop(server);
        caller_free(&c);
    }
}

/* The options are copied by the manager. */
static void sessions_of_a_manager(void **state) {
    (void)state;
    caller c;
    caller_init(&c);
    char name_prompt[] = "Wer da\\? $", password_prompt[] = "Losung: $", type[] = "vt100";
    char setting[] = "PRINTER=lp7";
    const char *environment[] = {setting, NULL};
    c.answer = "sesame";
    c.telnet.name_prompt = name_prompt;
    c.telnet.password_prompt = password_prompt;
    c.telnet.terminal_type = type;
    c.telnet.environment = environment;
    telnet_server *server = serve(LOGIN("Wer da? ", "Losung: ") "exit\n" SHELL);
    hostsession_manager_options options = HOSTSESSION_MANAGER_OPTIONS_INIT;
    hostsession_manager *manager = NULL;
    options.session = &c.options;
    assert_int_equal(hostsession_manager_new(address("ada", telnet_server_port(server)), &options, &manager, NULL),
                     HOSTSESSION_OK);
    memset(name_prompt, 'x', sizeof name_prompt - 1);
    memset(password_prompt, 'x', sizeof password_prompt - 1);
    memset(type, 'x', sizeof type - 1);
    memset(setting, 'x', sizeof setting - 1);
    memset(&c.telnet, 0, sizeof c.telnet);
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    hostsession_named *named = NULL;
    if (hostsession_manager_open(manager, "a", &named, &why) != HOSTSESSION_OK)
        fail_msg("%s", why.message);
    check_run(hostsession_named_session(named), "echo \"$LOGNAME $TERM\"", "ada vt100\n", 0);
    hostsession_named_close(named);
    hostsession_manager_free(manager);
    telnet_server_stop(server);
    check_secret_kept(&c, "sesame");
    caller_free(&c);
}

#define FORCED_CHANGE                                                                                                  \
    LOGIN("login: ", "Password: ")                                                                                     \
    "exit\necho 'You are required to change your password.'\n" SECRET("New password: ", "one")                         \
        SECRET("Retype new password: ", "two") "test \"$one:$two\" = open-up:open-up || exit\n" SHELL

static void a_forced_change_by_expectations(void **state) {
    (void)state;
    static const hostsession_expectation expected[] = {
        {"New password: $", "open-up\r", HOSTSESSION_EXPECT_SECRET, 1},
        {"Retype new password: $", "open-up\r", HOSTSESSION_EXPECT_SECRET, 1},
    };
    caller c;
    caller_init(&c);
    c.answer = "sesame";
    c.options.expectations = expected;
    c.options.expectation_count = 2;
    telnet_server *server = serve(FORCED_CHANGE);
    hostsession *session = call(&c, address("ada", telnet_server_port(server)));
    check_run(session, "echo \"$LOGNAME\"", "ada\n", 0);
    hostsession_close(session);
    telnet_server_stop(server);
    check_secret_kept(&c, "open-up");
    caller_free(&c);
}

/* The password is no answer to that: it would become the new one. */
static void a_forced_change_is_told(void **state) {
    (void)state;
    caller c;
    caller_init(&c);
    c.answer = "sesame";
    c.options.connect_timeout_ms = 4000;
    telnet_server *server = serve(FORCED_CHANGE);
    refused(&c, address("ada", telnet_server_port(server)), HOSTSESSION_ERROR_NOT_READY, "");
    telnet_server_stop(server);
    caller_free(&c);
}

static void prompts_of_the_callers(void **state) {
    (void)state;
    caller c;
    caller_init(&c);
    c.answer = "sesame";
    c.telnet.name_prompt = "Wer da\\? $";
    c.telnet.password_prompt = "^Losung> $";
    telnet_server *server = serve(LOGIN("Wer da? ", "Losung> ") "exit\n" SHELL);
    hostsession *session = call(&c, address("ada", telnet_server_port(server)));
    check_run(session, "echo \"$LOGNAME\"", "ada\n", 0);
    hostsession_close(session);
    c.telnet.password_prompt = "(";
    refused(&c, address("ada", telnet_server_port(server)), HOSTSESSION_ERROR_INVALID, "(");
    telnet_server_stop(server);
    caller_free(&c);
}

int main(void) {
    static const api_case cases[] = {
        CASE(login_with_a_password),
        CASE(login_refuses_a_wrong_password),
        CASE(telnet_session),
        CASE(many_logins_in_a_row),
        CASE(logins_of_other_kinds),
        CASE(refusals),
        CASE(a_forced_change_by_expectations),
        CASE(a_forced_change_is_told),
        CASE(prompts_of_the_callers),
        CASE(sessions_of_a_manager),
    };
    text why = {0};
    if (users_available(&why) && !users_make(&user, "/bin/sh", &why))
        user.name[0] = 0;
    if (!user.name[0])
        fprintf(stderr, "# login(1) is not tested:%s\n", text_data(&why));
    text_free(&why);
    int failed = caller_cases_run("telnet-login", cases, sizeof cases / sizeof cases[0]);
    users_remove_all();
    return failed;
}
