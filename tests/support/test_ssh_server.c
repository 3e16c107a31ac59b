/* SPDX-License-Identifier: MIT */
/* What a server of ssh_server.h lets in, asked by ssh(1). */
#include "ssh_client.h"

#include "folder.h"
#include "process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const size_t all_users = SIZE_MAX;

static char folder[256];
static ssh_server *shared;

static ssh_server *start(const ssh_server_options *options) {
    text why = {0};
    ssh_server *s = ssh_server_start(folder, options, &why);
    if (!s)
        print_message("# %s\n", text_data(&why));
    text_free(&why);
    assert_non_null(s);
    return s;
}

static void need_shared(void) {
    if (!shared)
        shared = start(NULL);
}

/* `part`: of what was printed, which is shown when it is not in it; NULL: anything. */
static void check(int status, int wanted, const text *output, const char *part) {
    bool has_part = !part || text_contains(output, part);
    if (status != wanted || !has_part)
        print_message("# status %d, %s\n", status, text_data(output));
    assert_int_equal(status, wanted);
    assert_true(has_part);
}

static void check_log(const ssh_server *s, const char *part) {
    assert_true(ssh_server_wait_log(s, part, 10000));
}

static void check_users_by_key(ssh_server *s) {
    text output = {0}, home = {0};
    for (size_t i = 0; ssh_server_user(s, i); i++) {
        const char *user = ssh_server_user(s, i);
        text_clear(&home);
        text_printf(&home, "%s/home/%s\n%s/home/%s\n", folder, user, folder, user);
        assert_non_null(ssh_server_shell(s, user));
        int status = ssh_client_run(s, ssh_server_config(s), NULL, &output, "test-%s 'pwd; echo $HOME; exit 7'", user);
        check(status, 7, &output, text_data(&home));
        status = ssh_client_run(s, ssh_server_config(s), NULL, &output, "-tt test-%s 'test -t 0; exit $?'", user);
        /* What differs is the name of the variable. */
        bool has_question = strcmp(user, "fish") != 0;
        check(has_question ? status : 0, 0, &output, NULL);
    }
    text_free(&output);
    text_free(&home);
}

static int by_password(ssh_server *s, const char *user, const char *secret, const char *method, text *output) {
    return ssh_client_run(s, ssh_server_config(s), secret, output,
                          "-o PreferredAuthentications=%s test-%s 'echo let in'", method, user);
}

/* Of the first so many users. */
static void check_passwords(ssh_server *s, const char *method, size_t users) {
    text output = {0}, secret = {0};
    for (size_t i = 0; i < users && ssh_server_user(s, i); i++) {
        const char *user = ssh_server_user(s, i);
        text_clear(&secret);
        text_printf(&secret, "secret-%s", user);
        check(by_password(s, user, text_data(&secret), method, &output), 0, &output, "let in");
    }
    check(by_password(s, "bash", "secret-dash", method, &output), 255, &output, "Permission denied");
    text_free(&output);
    text_free(&secret);
}

static void test_users(void **state) {
    (void)state;
    need_shared();
    assert_non_null(ssh_server_user(shared, 0));
    check_users_by_key(shared);
    check_log(shared, "Accepted publickey for bash");
}

static void test_passwords(void **state) {
    (void)state;
    need_shared();
    check_passwords(shared, "password", all_users);
    check_log(shared, "Accepted password for bash");
    check_log(shared, "Failed password for bash");
    check_log(shared, "method password");
}

static int by_key(ssh_server_key key, const char *secret, text *output) {
    const char *path = ssh_server_key_path(shared, key);
    /* An IdentityFile of the command line is tried beside the alias's; so none of that is used. */
    return ssh_client_run(shared, "/dev/null", secret, output,
                          "-p %u -i %s -o IdentitiesOnly=yes -o UserKnownHostsFile=%s -o StrictHostKeyChecking=yes "
                          "-o PreferredAuthentications=publickey bash@127.0.0.1 'echo let in'",
                          ssh_server_port(shared), path, ssh_server_known_hosts(shared));
}

static void test_keys(void **state) {
    (void)state;
    need_shared();
    text output = {0};
    check(by_key(SERVER_KEY_ED25519, NULL, &output), 0, &output, "let in");
    check(by_key(SERVER_KEY_ECDSA, NULL, &output), 0, &output, "let in");
    check(by_key(SERVER_KEY_RSA, NULL, &output), 0, &output, "let in");
    check(by_key(SERVER_KEY_LOCKED, ssh_server_passphrase, &output), 0, &output, "let in");
    check(by_key(SERVER_KEY_LOCKED, "wrong", &output), 255, &output, "Permission denied");
    check(by_key(SERVER_KEY_CERTIFIED, NULL, &output), 0, &output, "let in");
    check_log(shared, "Accepted certificate ID \"test\"");
    check(by_key(SERVER_KEY_STRANGER, NULL, &output), 255, &output, "Permission denied");
    text_free(&output);
}

static void test_ipv6(void **state) {
    (void)state;
    need_shared();
    if (!ssh_server_has_ipv6(shared)) {
        print_message("# skipped: there is no ::1\n");
        return;
    }
    text output = {0};
    int status = ssh_client_run(shared, ssh_server_config(shared), NULL, &output, "-o HostName=::1 test-bash true");
    check(status, 0, &output, NULL);
    text_free(&output);
}

static void test_options_win(void **state) {
    (void)state;
    need_shared();
    ssh_server *s = start(&(ssh_server_options){.config = "PasswordAuthentication no\nMaxAuthTries 1\n"});
    text output = {0};
    check(by_password(s, "bash", "secret-bash", "password", &output), 255, &output, "Permission denied (publickey).");
    assert_true(ssh_server_stop(s));
    text_free(&output);
}

static void test_pam(void **state) {
    (void)state;
    const ssh_server_options options = {.pam = true};
    if (!ssh_client_available(&options, "# skipped: "))
        return;
    ssh_server *s = start(&options);
    check_passwords(s, "keyboard-interactive", 2);
    check_log(s, "Accepted keyboard-interactive/pam for bash");
    assert_true(ssh_server_stop(s));
}

static void test_dropbear(void **state) {
    (void)state;
    const ssh_server_options options = {.dropbear = true};
    if (!ssh_client_available(&options, "# skipped: "))
        return;
    need_shared();
    ssh_server *s = start(&options);
    assert_string_equal(ssh_server_fingerprint(s), ssh_server_fingerprint(shared));
    check_users_by_key(s);
    check_log(s, "Pubkey auth succeeded for 'bash'");
    check_passwords(s, "password", all_users);
    check_log(s, "Bad password attempt for 'bash'");
    assert_true(ssh_server_stop(s));
}

/* Started again on its port: with the same key it is the same, with another it is not. */
static void test_host_key_changes(void **state) {
    (void)state;
    need_shared();
    text output = {0};
    ssh_server *s = start(NULL);
    ssh_server_options again = {.port = ssh_server_port(s)};
    text first = {0};
    text_add(&first, ssh_server_fingerprint(s));
    assert_int_equal(strncmp(text_data(&first), "SHA256:", 7), 0);
    assert_true(ssh_server_stop(s));
    for (int i = 0; i < 2; i++) {
        again.host_key = i ? "other" : NULL;
        s = start(&again);
        assert_int_equal(ssh_server_port(s), again.port);
        bool same = strcmp(ssh_server_fingerprint(s), text_data(&first)) == 0;
        assert_int_equal(same, i == 0);
        check(ssh_client_run(s, ssh_server_config(s), NULL, &output, "test-bash true"), 0, &output, NULL);
        int status = ssh_client_run(s, ssh_server_config(s), NULL, &output,
                                    "-o UserKnownHostsFile=%s/server-1/known_hosts -o HostKeyAlias=[127.0.0.1]:%u "
                                    "test-bash true",
                                    folder, ssh_server_port(shared));
        check(status, i ? 255 : 0, &output, i ? "IDENTIFICATION HAS CHANGED" : NULL);
        assert_true(ssh_server_stop(s));
    }
    text_free(&output);
    text_free(&first);
}

static void test_port_is_taken(void **state) {
    (void)state;
    need_shared();
    for (int i = 0; i < 2; i++) {
        ssh_server_options options = {.port = ssh_server_port(shared), .dropbear = i == 1};
        if (!ssh_client_available(&options, "# skipped: "))
            continue;
        text why = {0};
        assert_null(ssh_server_start(folder, &options, &why));
        assert_true(text_contains(&why, i ? "dropbear" : "did not come up"));
        text_free(&why);
    }
}

static int tear_down(void **state) {
    (void)state;
    bool right = ssh_server_stop(shared);
    text left = {0};
    right = process_wait_gone(folder, 10000, &left) && right;
    if (left.length)
        print_message("# left: %s\n", text_data(&left));
    text_free(&left);
    folder_remove(folder);
    return right ? 0 : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_users),    cmocka_unit_test(test_passwords),        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_ipv6),     cmocka_unit_test(test_options_win),      cmocka_unit_test(test_pam),
        cmocka_unit_test(test_dropbear), cmocka_unit_test(test_host_key_changes), cmocka_unit_test(test_port_is_taken),
    };
    if (!ssh_client_available(NULL, "1..0 # SKIP "))
        return 0;
    if (!folder_make_temporary(folder, "support-server"))
        return 1;
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
