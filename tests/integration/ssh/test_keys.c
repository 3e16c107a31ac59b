/* SPDX-License-Identifier: MIT */
/* Logging in with keys, passwords and answers. */
#include "visit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static hostsession_loop *loop;
static visit v;

static void begin_at(const ssh_server *server) {
    loop = new_loop();
    visit_init_plain(&v, loop, server);
}

static void begin(void) {
    begin_at(visit_server);
}

/* What was answered is nowhere to be seen. */
static void end(void) {
    for (size_t i = 0; v.answers[i]; i++)
        if (strlen(v.answers[i]) > 3)
            assert_false(visit_mentions(&v, &v.why, v.answers[i]));
    hostsession_loop_free(loop);
    visit_free(&v);
}

static const char *key(ssh_server_key which) {
    return ssh_server_key_path(visit_server, which);
}

static void reach_at(const ssh_server *server) {
    hostsession *session = visit_open(&v, address_of(server, "bash"));
    check_run(session, "echo ${HOME##*/}", "bash\n", 0);
    hostsession_close(session);
}

static void reach(void) {
    reach_at(visit_server);
}

static void refused_at(const ssh_server *server, const char *part) {
    visit_refused(&v, address_of(server, "bash"), HOSTSESSION_ERROR_AUTH, part, &v.why);
}

static void refused(const char *part) {
    refused_at(visit_server, part);
}

static ssh_server *dropbear(void) {
    ssh_server_options options = {.dropbear = true};
    if (!ssh_server_available(&options, NULL)) {
        print_message("# not installed: dropbear\n");
        return NULL;
    }
    return start_server(&options);
}

static void types_of_keys_at(const ssh_server *server) {
    static const ssh_server_key keys[] = {SERVER_KEY_ED25519, SERVER_KEY_ECDSA, SERVER_KEY_RSA};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        begin_at(server);
        visit_identity(&v, key(keys[i]));
        reach_at(server);
        assert_int_equal(v.asked, 0);
        end();
    }
}

static void types_of_keys(void **state) {
    (void)state;
    types_of_keys_at(visit_server);
}

static void dropbear_lets_in(void **state) {
    (void)state;
    ssh_server *server = dropbear();
    if (!server)
        return;
    types_of_keys_at(server);
    begin_at(server);
    visit_answer(&v, "wrong-password");
    visit_answer(&v, "secret-bash");
    reach_at(server);
    end();
    begin_at(server);
    visit_identity(&v, key(SERVER_KEY_STRANGER));
    refused_at(server, "publickey");
    end();
    stop_server(server);
}

static void passphrases(void **state) {
    (void)state;
    begin();
    visit_identity(&v, key(SERVER_KEY_LOCKED));
    visit_answer(&v, ssh_server_passphrase);
    reach();
    assert_string_equal(text_data(&v.questions), keep("passphrase bash \"%s\" 1 \"\"\n", key(SERVER_KEY_LOCKED)));
    end();
    begin();
    visit_identity(&v, key(SERVER_KEY_LOCKED));
    visit_answer(&v, "not-this-passphrase");
    visit_answer(&v, ssh_server_passphrase);
    reach();
    assert_true(text_contains(&v.questions, keep("\"%s\" 2", key(SERVER_KEY_LOCKED))));
    end();
    begin();
    visit_identity(&v, key(SERVER_KEY_LOCKED));
    visit_set(&v, "PasswordAuthentication=no");
    for (int i = 0; i < 3; i++)
        visit_answer(&v, "not-this-passphrase");
    refused(key(SERVER_KEY_LOCKED));
    assert_int_equal(v.asked, 3);
    end();
    begin();
    visit_identity(&v, key(SERVER_KEY_LOCKED));
    visit_set(&v, "PreferredAuthentications=publickey");
    refused("passphrase was not given");
    assert_int_equal(v.asked, 1);
    end();
    /* Another key is of use. */
    begin();
    visit_identity(&v, key(SERVER_KEY_LOCKED));
    visit_identity(&v, key(SERVER_KEY_ED25519));
    reach();
    end();
}

/* A passphrase is not asked for when the host would not take the key. */
static void a_locked_key_that_the_host_does_not_take(void **state) {
    (void)state;
    const char *path = case_path("locked");
    assert_int_equal(shell("ssh-keygen -q -t ed25519 -N some-secret -f %s", path), 0);
    begin();
    visit_identity(&v, path);
    visit_set(&v, "PasswordAuthentication=no");
    visit_answer(&v, "some-secret");
    refused(path);
    assert_int_equal(v.asked, 0);
    end();
}

static void files_that_are_no_keys(void **state) {
    (void)state;
    const char *open = case_path("open");
    assert_int_equal(shell("cp %s %s && chmod 644 %s", key(SERVER_KEY_ED25519), open, open), 0);
    begin();
    visit_identity(&v, open);
    visit_set(&v, "BatchMode=yes");
    refused(keep("%s (others can read it (chmod 600))", open));
    v.identities[0] = make_file("garbage", "%s", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n\033[2J");
    chmod(v.identities[0], 0600);
    refused(v.identities[0]);
    v.identities[0] = case_path("missing");
    refused("it accepts: publickey, password");
    v.identities[0] = visit_folder;
    refused("password");
    end();
}

static void a_key_that_the_host_does_not_know(void **state) {
    (void)state;
    begin();
    visit_identity(&v, key(SERVER_KEY_STRANGER));
    refused(key(SERVER_KEY_STRANGER));
    assert_non_null(strstr(v.why.message, "it accepts: publickey, password"));
    assert_non_null(strstr(v.why.message, "bash@127.0.0.1"));
    assert_string_equal(v.why.stage, "auth");
    end();
    /* Many of them: the host hangs up at the sixth. */
    begin();
    const char *path = case_path("stranger");
    for (int i = 0; i < 7; i++) {
        v.identities[i] = keep("%s%d", path, i);
        assert_int_equal(shell("ssh-keygen -q -t ed25519 -N '' -f %s%d", path, i), 0);
    }
    visit_set(&v, "BatchMode=yes");
    refused("stranger");
    end();
}

/* ---- passwords ---- */

static void passwords(void **state) {
    (void)state;
    begin();
    visit_answer(&v, "secret-bash");
    reach();
    assert_string_equal(text_data(&v.questions), "password bash \"\" 1 \"\"\n");
    end();
    begin();
    visit_answer(&v, "wrong-one");
    visit_answer(&v, "wrong-two");
    visit_answer(&v, "secret-bash");
    reach();
    assert_true(text_contains(&v.questions, "\"\" 3 "));
    end();
    begin();
    for (int i = 0; i < 4; i++)
        visit_answer(&v, "wrong-always");
    refused("tried: password");
    assert_int_equal(v.asked, 3);
    end();
    begin();
    visit_answer(&v, "wrong-once");
    refused("password");
    assert_int_equal(v.asked, 2);
    end();
    begin();
    visit_set(&v, "NumberOfPasswordPrompts=1");
    visit_answer(&v, "wrong-once");
    visit_answer(&v, "secret-bash");
    refused("password");
    assert_int_equal(v.asked, 1);
    end();
}

static void nobody_is_asked(void **state) {
    (void)state;
    begin();
    visit_answer(&v, "secret-bash");
    visit_set(&v, "BatchMode=yes");
    visit_identity(&v, key(SERVER_KEY_LOCKED));
    refused("it accepts: publickey, password");
    assert_int_equal(v.asked, 0);
    end();
    begin();
    v.options.on_question = NULL;
    refused("none was given");
    end();
}

/* ---- keyboard-interactive ---- */

static void keyboard_interactive(void **state) {
    (void)state;
    ssh_server_options options = {.pam = true};
    text missing = {0};
    if (!ssh_server_available(&options, &missing)) {
        print_message("# %s\n", text_data(&missing));
        text_free(&missing);
        return;
    }
    ssh_server *server = start_server(&options);
    begin_at(server);
    visit_set(&v, "PasswordAuthentication=no");
    visit_answer(&v, "secret-bash");
    reach_at(server);
    assert_true(text_contains(&v.questions, "password bash \"\" 1 \""));
    end();
    begin_at(server);
    visit_set(&v, "PasswordAuthentication=no");
    visit_answer(&v, "wrong-here");
    visit_answer(&v, "secret-bash");
    reach_at(server);
    assert_int_equal(v.asked, 2);
    end();
    begin_at(server);
    visit_set(&v, "PasswordAuthentication=no");
    refused_at(server, "keyboard-interactive (not answered)");
    end();
    begin_at(server);
    for (int i = 0; i < 7; i++)
        v.answers[i] = "wrong-always";
    refused_at(server, "keyboard-interactive");
    end();
    stop_server(server);
}

/* ---- in parts ---- */

static void a_key_and_a_password(void **state) {
    (void)state;
    ssh_server_options options = {.config = "AuthenticationMethods publickey,password\n"};
    ssh_server *server = start_server(&options);
    begin_at(server);
    visit_identity(&v, key(SERVER_KEY_ED25519));
    visit_answer(&v, "secret-bash");
    reach_at(server);
    end();
    begin_at(server);
    visit_identity(&v, key(SERVER_KEY_LOCKED));
    visit_answer(&v, ssh_server_passphrase);
    visit_answer(&v, "wrong-first");
    visit_answer(&v, "secret-bash");
    reach_at(server);
    end();
    begin_at(server);
    visit_identity(&v, key(SERVER_KEY_ED25519));
    refused_at(server, "it accepts: password");
    end();
    begin_at(server);
    visit_answer(&v, "secret-bash");
    refused_at(server, "it accepts: publickey");
    assert_int_equal(v.asked, 0);
    end();
    stop_server(server);
}

/* A certificate that is of no use beside a key that is; and the other way round. */
static void certificates_and_keys(void **state) {
    (void)state;
    const char *plain = case_path("plain");
    const char *authority = case_path("authority");
    assert_int_equal(shell("cp %s %s && cp %s.pub %s.pub && ssh-keygen -q -t ed25519 -N '' -f %s && "
                           "ssh-keygen -q -s %s -I nobody -n bash %s.pub",
                           key(SERVER_KEY_ED25519), plain, key(SERVER_KEY_ED25519), plain, authority, authority, plain),
                     0);
    begin();
    visit_identity(&v, plain);
    reach();
    end();
    const char *locked = case_path("locked");
    const char *certified = key(SERVER_KEY_CERTIFIED);
    assert_int_equal(shell("cp %s %s && cp %s.pub %s.pub && cp %s-cert.pub %s-cert.pub && "
                           "ssh-keygen -q -p -P '' -N a-passphrase -f %s >/dev/null",
                           certified, locked, certified, locked, certified, locked, locked),
                     0);
    begin();
    visit_identity(&v, locked);
    visit_answer(&v, "a-passphrase");
    reach();
    assert_int_equal(v.asked, 1);
    end();
}

static void two_keys(void **state) {
    (void)state;
    ssh_server_options options = {.config = "AuthenticationMethods publickey,publickey\n"};
    ssh_server *server = start_server(&options);
    begin_at(server);
    visit_identity(&v, key(SERVER_KEY_ED25519));
    refused_at(server, "accepted, and more is asked for");
    end();
    begin_at(server);
    visit_identity(&v, key(SERVER_KEY_ED25519));
    visit_identity(&v, key(SERVER_KEY_RSA));
    reach_at(server);
    end();
    stop_server(server);
}

static const api_case cases[] = {
    CASE(types_of_keys),
    CASE(dropbear_lets_in),
    CASE(passphrases),
    CASE(a_locked_key_that_the_host_does_not_take),
    CASE(files_that_are_no_keys),
    CASE(a_key_that_the_host_does_not_know),
    CASE(passwords),
    CASE(nobody_is_asked),
    CASE(keyboard_interactive),
    CASE(a_key_and_a_password),
    CASE(certificates_and_keys),
    CASE(two_keys),
};
VISIT_MAIN("ssh-keys", NULL, cases)
