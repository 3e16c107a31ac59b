/* SPDX-License-Identifier: MIT */
/* What ssh_config(5) and the options say of a host. */
#include "visit.h"

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

/* Log in, and be who we shall be. */
static void reach(const char *target, const char *user) {
    hostsession *session = visit_open(&v, target);
    check_run(session, "echo ${HOME##*/}", keep("%s\n", user), 0);
    hostsession_close(session);
}

static const char *key(ssh_server_key which) {
    return ssh_server_key_path(visit_server, which);
}

/* A configuration with one alias, "there", that knows the server's key and logs in; `more` wins over it. */
static const char *alias(const char *more) {
    return make_file("config",
                     "Host there\n%sHostName 127.0.0.1\nUser bash\nPort %u\nIdentityFile %s\nIdentitiesOnly yes\n"
                     "UserKnownHostsFile %s\nGlobalKnownHostsFile /dev/null\nStrictHostKeyChecking yes\n",
                     more, ssh_server_port(visit_server), key(SERVER_KEY_ED25519),
                     ssh_server_known_hosts(visit_server));
}

static void an_alias(void **state) {
    (void)state;
    begin(alias(""));
    reach("there", "bash");
    reach("dash@there", "dash");
    v.options.mode = HOSTSESSION_MODE_PIPE;
    reach("ssh://there", "bash");
    reach("ssh://dash@there/", "dash");
    visit_set(&v, "User=dash");
    reach("there", "dash");
    end();
}

static void options_alone(void **state) {
    (void)state;
    begin("none");
    visit_identity(&v, key(SERVER_KEY_ED25519));
    visit_set(&v, "UserKnownHostsFile=%s", ssh_server_known_hosts(visit_server));
    reach(address_of(visit_server, "bash"), "bash");
    if (ssh_server_has_ipv6(visit_server))
        reach(keep("bash@[::1]:%u", ssh_server_port(visit_server)), "bash");
    end();
}

static void nothing_configured(void **state) {
    (void)state;
    begin(NULL);
    visit_refused(&v, address_of(visit_server, "bash"), HOSTSESSION_ERROR_HOST_KEY_UNKNOWN, "SHA256:", NULL);
    end();
}

/* ssh reads the home of its user from the user database: -F makes up for it. */
static void without_an_ssh_program(void **state) {
    (void)state;
    begin("none");
    setenv("PATH", visit_folder, 1);
    visit_identity(&v, key(SERVER_KEY_ED25519));
    visit_set(&v, "UserKnownHostsFile=%s", ssh_server_known_hosts(visit_server));
    reach(address_of(visit_server, "bash"), "bash");
    v.setting_count = 0;
    v.settings[0] = NULL;
    visit_set(&v, "Port %u", ssh_server_port(visit_server));
    visit_set(&v, "User=dash");
    visit_set(&v, "StrictHostKeyChecking=no");
    visit_set(&v, "UserKnownHostsFile=%s", case_path("known"));
    reach("127.0.0.1", "dash");
    v.ssh.config_file = NULL;
    reach("127.0.0.1", "dash");
    v.ssh.config_file = alias("");
    v.settings[0] = keep("UserKnownHostsFile=%s", ssh_server_known_hosts(visit_server));
    v.settings[1] = NULL;
    reach("there", "bash");
    end();
}

static void keys_and_certificates(void **state) {
    (void)state;
    begin(alias(keep("IdentityFile %s\n", key(SERVER_KEY_STRANGER))));
    reach("there", "bash");
    end();
    /* The certificate is elsewhere. */
    const char *bare = case_path("bare");
    const char *certificate = case_path("certificate");
    assert_int_equal(shell("cp %s %s && cp %s-cert.pub %s", key(SERVER_KEY_CERTIFIED), bare, key(SERVER_KEY_CERTIFIED),
                           certificate),
                     0);
    begin("none");
    visit_set(&v, "UserKnownHostsFile=%s", ssh_server_known_hosts(visit_server));
    visit_identity(&v, key(SERVER_KEY_CERTIFIED));
    reach(address_of(visit_server, "dash"), "dash");
    v.identities[0] = bare;
    visit_refused(&v, address_of(visit_server, "bash"), HOSTSESSION_ERROR_AUTH, bare, NULL);
    visit_set(&v, "CertificateFile=%s", certificate);
    reach(address_of(visit_server, "bash"), "bash");
    end();
}

/* Values that are neither yes nor no, and "none" where that is a name. */
static void words_as_values(void **state) {
    (void)state;
    static const char *const ways[] = {"unbound", "host-bound"};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        begin(alias(keep("PubkeyAuthentication %s\n", ways[i])));
        reach("there", "bash");
        end();
    }
    begin(alias("PubkeyAuthentication no\n"));
    visit_refused(&v, "there", HOSTSESSION_ERROR_AUTH, "", NULL);
    end();
    begin(alias(""));
    visit_set(&v, "User=none");
    visit_refused(&v, "there", HOSTSESSION_ERROR_AUTH, "none@", NULL);
    end();
}

/* ---- known_hosts, as set ---- */

static void strict_host_key_checking(void **state) {
    (void)state;
    const char *known = case_path("folder/known");
    const char *set = keep("UserKnownHostsFile %s\n", known);
    text before = {0}, after = {0};
    begin(alias(keep("%sStrictHostKeyChecking yes\n", set)));
    visit_refused(&v, "there", HOSTSESSION_ERROR_HOST_KEY_UNKNOWN, ssh_server_fingerprint(visit_server), NULL);
    end();
    begin(alias(keep("%sStrictHostKeyChecking ask\n", set)));
    visit_refused(&v, "there", HOSTSESSION_ERROR_HOST_KEY_UNKNOWN, ssh_server_fingerprint(visit_server), NULL);
    end();
    assert_int_not_equal(access(known, F_OK), 0);
    begin(alias(keep("%sStrictHostKeyChecking accept-new\n", set)));
    reach("there", "bash");
    assert_true(file_read(known, &before));
    reach("there", "bash");
    assert_true(file_read(known, &after));
    assert_true(text_equals(&after, text_data(&before), before.length));
    assert_true(text_contains(&before, keep("[127.0.0.1]:%u ssh-ed25519 ", ssh_server_port(visit_server))));
    end();
    begin(alias(keep("%sStrictHostKeyChecking yes\n", set)));
    reach("there", "bash");
    end();
    text_free(&before);
    text_free(&after);
}

static void a_host_key_that_is_not_checked(void **state) {
    (void)state;
    ssh_server_options options = {.host_key = "another"};
    ssh_server *server = start_server(&options);
    const char *wrong = make_file("wrong", "[127.0.0.1]:%u %s\n", ssh_server_port(visit_server), "");
    assert_int_equal(shell("sed 's/:%u /:%u /' %s >%s", ssh_server_port(server), ssh_server_port(visit_server),
                           ssh_server_known_hosts(server), wrong),
                     0);
    const char *set = keep("UserKnownHostsFile %s\n", wrong);
    begin(alias(keep("%sStrictHostKeyChecking accept-new\n", set)));
    visit_refused(&v, "there", HOSTSESSION_ERROR_HOST_KEY_CHANGED, wrong, NULL);
    end();
    begin(alias(keep("%sStrictHostKeyChecking no\n", set)));
    reach("there", "bash");
    end();
    begin(alias(keep("%sStrictHostKeyChecking no\nIdentityFile none\nPubkeyAuthentication no\n", set)));
    visit_answer(&v, "secret-bash");
    visit_refused(&v, "there", HOSTSESSION_ERROR_AUTH, "", NULL);
    /* No password for somebody who is not who he was. */
    assert_int_equal(v.asked, 0);
    end();
    stop_server(server);
}

static void global_known_hosts_and_an_alias(void **state) {
    (void)state;
    const char *known = ssh_server_known_hosts(visit_server);
    begin(alias(keep("UserKnownHostsFile /dev/null\nGlobalKnownHostsFile /dev/null %s\n", known)));
    reach("there", "bash");
    end();
    const char *named = case_path("named");
    assert_int_equal(shell("sed 's/^[^ ]*/some-name/' %s >%s", known, named), 0);
    begin(alias(keep("UserKnownHostsFile %s\nHostKeyAlias Some-Name\n", named)));
    reach("there", "bash");
    end();
    begin(alias("HostKeyAlias other-name\n"));
    visit_refused(&v, "there", HOSTSESSION_ERROR_HOST_KEY_UNKNOWN, "other-name", NULL);
    end();
}

/* ---- the way there ---- */

static void addresses(void **state) {
    (void)state;
    begin(alias("BindAddress 127.0.0.2\n"));
    hostsession *session = visit_open(&v, "there");
    check_run(session, "echo ${SSH_CONNECTION%% *}", "127.0.0.2\n", 0);
    hostsession_close(session);
    end();
    begin(alias("BindAddress 192.0.2.1\n"));
    visit_refused(&v, "there", HOSTSESSION_ERROR_CONNECT, "127.0.0.1", NULL);
    end();
    begin(alias("BindInterface lo\n"));
    reach("there", "bash");
    end();
    begin(alias("BindInterface none-such\n"));
    visit_refused(&v, "there", HOSTSESSION_ERROR_CONNECT, "No such device", NULL);
    end();
    begin(alias("AddressFamily inet\nHostName localhost\n"));
    reach("there", "bash");
    end();
    begin(alias("AddressFamily inet6\n"));
    visit_refused(&v, "there", HOSTSESSION_ERROR_RESOLVE, "127.0.0.1", NULL);
    end();
    if (!ssh_server_has_ipv6(visit_server))
        return;
    begin(alias("AddressFamily inet6\nHostName ::1\n"));
    reach("there", "bash");
    end();
}

static void compression(void **state) {
    (void)state;
    begin(alias("Compression yes\n"));
    hostsession *session = visit_open(&v, "there");
    hostsession_result *result = NULL;
    assert_int_equal(hostsession_run(session, "seq 100000", NULL, &result), HOSTSESSION_OK);
    assert_int_equal(hostsession_result_output_bytes(result), 588895);
    hostsession_result_free(result);
    hostsession_close(session);
    end();
}

static void environment(void **state) {
    (void)state;
    setenv("SENT_ONE", "it's \"1\" $HOME\n\n", 1);
    setenv("SENT_TWO", "two", 1);
    setenv("KEPT", "three", 1);
    for (int mode = 0; mode < 2; mode++) {
        begin(alias("SetEnv FIRST=a SECOND=\"b c\" THIRD=$HOME\nSendEnv SENT_*\n"));
        v.options.mode = mode ? HOSTSESSION_MODE_PIPE : HOSTSESSION_MODE_TTY;
        hostsession *session = visit_open(&v, "there");
        check_run(session, "printf '%s|' \"$FIRST\" \"$SECOND\" \"$THIRD\" \"$SENT_ONE\" \"$SENT_TWO\" \"$KEPT\"",
                  "a|b c|$HOME|it's \"1\" $HOME\n\n|two||", 0);
        hostsession_close(session);
        end();
    }
}

/* ---- what is refused ---- */

static void settings_that_are_refused(void **state) {
    (void)state;
    static const char *const settings[][2] = {
        {"KnownHostsCommand /bin/true", "knownhostscommand"},
        {"RevokedHostKeys /etc/none", "revokedhostkeys"},
        {"RemoteCommand /bin/true", "remotecommand"},
        {"PKCS11Provider /lib/none.so", "pkcs11provider"},
        {"ProxyCommand /bin/true\nProxyUseFdpass yes", "ProxyUseFdpass"},
        {"SessionType none", "SessionType"},
        {"SessionType subsystem", "SessionType"},
    };
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        begin(alias(keep("%s\n", settings[i][0])));
        visit_refused(&v, "there", HOSTSESSION_ERROR_INVALID, settings[i][1], NULL);
        end();
    }
}

static void errors_in_the_configuration(void **state) {
    (void)state;
    hostsession_failure why;
    begin(alias("NoSuchKeyword yes\n"));
    visit_refused(&v, "there", HOSTSESSION_ERROR_INVALID, "line 2: Bad configuration option: nosuchkeyword", &why);
    visit_set(&v, "AnotherOne=1");
    visit_refused(&v, "there", HOSTSESSION_ERROR_INVALID, "Bad configuration option: anotherone", &why);
    end();
    begin(case_path("missing"));
    visit_refused(&v, "there", HOSTSESSION_ERROR_INVALID, "No such file", NULL);
    end();
    begin(alias("HostName $(touch%%20x)\n"));
    visit_refused(&v, "there", HOSTSESSION_ERROR_INVALID, "HostName", NULL);
    end();
}

/* ---- algorithms ---- */

static void algorithms(void **state) {
    (void)state;
    static const char *const both[] = {"Ciphers aes128-ctr\nMACs hmac-sha2-256",
                                       "Ciphers chacha20-poly1305@openssh.com",
                                       "KexAlgorithms diffie-hellman-group14-sha256",
                                       "KexAlgorithms ecdh-sha2-nistp256",
                                       "HostKeyAlgorithms ssh-ed25519",
                                       "Ciphers ^aes256-ctr",
                                       "KexAlgorithms none-such,curve25519-sha256"};
    for (size_t i = 0; i + 1 < sizeof both / sizeof both[0]; i++) {
        begin(alias(keep("%s\n", both[i])));
        reach("there", "bash");
        end();
    }
}

static void algorithms_that_one_side_lacks(void **state) {
    (void)state;
    /* ssh knows it, libssh does not. */
    begin(alias("Ciphers chacha20-poly1305@openssh.com\nKexAlgorithms sntrup761x25519-sha512@openssh.com\n"));
    visit_refused(&v, "there", HOSTSESSION_ERROR_INVALID, "sntrup761x25519-sha512@openssh.com", NULL);
    end();
    ssh_server_options options = {.config = "Ciphers aes256-ctr\nMACs hmac-sha2-512\n"};
    ssh_server *server = start_server(&options);
    begin(ssh_server_config(server));
    visit_set(&v, "Ciphers=aes128-ctr");
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_CONNECT, "aes128-ctr", NULL);
    v.settings[0] = "Ciphers=aes256-ctr";
    reach("test-bash", "bash");
    v.settings[1] = "HostKeyAlgorithms=ecdsa-sha2-nistp256";
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_CONNECT, "ecdsa-sha2-nistp256", NULL);
    end();
    stop_server(server);
}

static const api_case cases[] = {
    CASE(an_alias),
    CASE(options_alone),
    CASE(nothing_configured),
    CASE(without_an_ssh_program),
    CASE(keys_and_certificates),
    CASE(words_as_values),
    CASE(strict_host_key_checking),
    CASE(a_host_key_that_is_not_checked),
    CASE(global_known_hosts_and_an_alias),
    CASE(addresses),
    CASE(compression),
    CASE(environment),
    CASE(settings_that_are_refused),
    CASE(errors_in_the_configuration),
    CASE(algorithms),
    CASE(algorithms_that_one_side_lacks),
};
VISIT_MAIN("ssh-config", NULL, cases)
