/* SPDX-License-Identifier: MIT */
/* Which hosts are believed.  Source: sshd(8), SSH_KNOWN_HOSTS FILE FORMAT. */
#include "visit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static hostsession_loop *loop;
static visit v;
static text host_key; /* "ssh-ed25519 AAAA..." */
static unsigned port;

/* Servers with another key of the same type. */
static const char *other_key(void) {
    const char *path = case_path("other");
    if (access(path, F_OK) != 0)
        assert_int_equal(shell("ssh-keygen -q -t ed25519 -N '' -C '' -f %s", path), 0);
    text key = {0};
    assert_true(file_read(keep("%s.pub", path), &key));
    const char *kept = keep("%.*s", (int)strcspn(text_data(&key), "\n"), text_data(&key));
    text_free(&key);
    return kept;
}

static void begin(void) {
    loop = new_loop();
    visit_init(&v, loop, ssh_server_config(visit_server));
    text line = {0};
    assert_true(file_read(ssh_server_known_hosts(visit_server), &line));
    const char *at = strchr(text_data(&line), ' ') + 1;
    text_append(&host_key, at, strcspn(at, "\n"));
    text_free(&line);
    port = ssh_server_port(visit_server);
}

static void end(void) {
    hostsession_loop_free(loop);
    visit_free(&v);
    text_free(&host_key);
}

static const char *write_known(const char *content) {
    const char *path = make_file("known", "%s", content);
    v.settings[0] = keep("UserKnownHostsFile=%s", path);
    return path;
}

static void known(const char *content) {
    write_known(content);
    hostsession *session = visit_open(&v, "test-bash");
    check_run(session, "echo known", "known\n", 0);
    hostsession_close(session);
}

static int login_attempts(void) {
    text log = {0};
    ssh_server_log(visit_server, &log);
    int count = 0;
    for (const char *at = text_data(&log); (at = strstr(at, "userauth-request")) != NULL; at++)
        count++;
    text_free(&log);
    return count;
}

static void refused(const char *content, hostsession_error error, const char *part) {
    write_known(content);
    int before = login_attempts();
    visit_refused(&v, "test-bash", error, part, NULL);
    assert_true(ssh_server_wait_connections(visit_server, 0, patience_ms));
    assert_int_equal(login_attempts(), before);
}

static void unknown(const char *content) {
    refused(content, HOSTSESSION_ERROR_HOST_KEY_UNKNOWN, ssh_server_fingerprint(visit_server));
}

static void changed(const char *content, const char *part) {
    refused(content, HOSTSESSION_ERROR_HOST_KEY_CHANGED, part);
}

static void names_of_the_host(void **state) {
    (void)state;
    begin();
    const char *key = text_data(&host_key);
    known(keep("[127.0.0.1]:%u %s\n", port, key));
    known(keep("[127.0.0.1]:%u %s a comment\n", port, key));
    known(keep("# comment\n\n  \t[127.0.0.1]:%u\t%s", port, key));
    known(keep("[127.0.0.1]:%u %s\r\n", port, key));
    known(keep("one,[127.0.0.1]:%u,two %s\n", port, key));
    known(keep("[127.0.0.*]:%u %s\n", port, key));
    known(keep("[127.0.0.?]:%u %s\n", port, key));
    known(keep("* %s\n", key));
    known(keep("[127.0.0.*]:%u,!other %s\n", port, key));
    /* For the host on its usual port. */
    known(keep("127.0.0.1 %s\n", key));
    unknown("");
    unknown(keep("[127.0.0.1]:%u %s\n", port - 1, key));
    unknown(keep("127.0.0.11 %s\n", key));
    unknown(keep("![127.0.0.1]:%u,!127.0.0.1,* %s\n", port, key));
    unknown(keep("*,![127.0.0.1]:%u,!127.0.0.1 %s\n", port, key));
    unknown(keep("[127.0.0.1]:%u\n[127.0.0.1]:%u ssh-ed25519\n[127.0.0.1]:%u ssh-ed25519 AAAA\n\x1b[2J \xff\n", port,
                 port, port));
    end();
}

static void hashed_names(void **state) {
    (void)state;
    begin();
    const char *path = write_known(keep("[127.0.0.1]:%u %s\n", port, text_data(&host_key)));
    assert_int_equal(shell("ssh-keygen -q -H -f %s >/dev/null 2>&1", path), 0);
    text hashed = {0};
    assert_true(file_read(path, &hashed));
    assert_true(text_contains(&hashed, "|1|"));
    known(keep("%s", text_data(&hashed)));
    text_clear(&hashed);
    path = write_known(keep("[127.0.0.2]:%u %s\n", port, text_data(&host_key)));
    assert_int_equal(shell("ssh-keygen -q -H -f %s >/dev/null 2>&1", path), 0);
    assert_true(file_read(path, &hashed));
    unknown(keep("%s", text_data(&hashed)));
    text_free(&hashed);
    end();
}

static void several_files(void **state) {
    (void)state;
    begin();
    const char *second = make_file("second", "[127.0.0.1]:%u %s\n", port, text_data(&host_key));
    visit_set(&v, "UserKnownHostsFile=%s %s", case_path("missing"), second);
    hostsession_close(visit_open(&v, "test-bash"));
    v.settings[0] = keep("UserKnownHostsFile=%s", visit_folder);
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_HOST_KEY_UNKNOWN, "SHA256:", NULL);
    v.settings[0] = keep("UserKnownHostsFile=%s", case_path("missing"));
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_HOST_KEY_UNKNOWN, "SHA256:", NULL);
    v.settings[0] = "UserKnownHostsFile=none";
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_HOST_KEY_UNKNOWN, "SHA256:", NULL);
    if (geteuid() != 0) {
        chmod(second, 0);
        v.settings[0] = keep("UserKnownHostsFile=%s", second);
        visit_refused(&v, "test-bash", HOSTSESSION_ERROR_HOST_KEY_UNKNOWN, "SHA256:", NULL);
    }
    end();
}

/* The command behind the last ": ". */
static void run_advice(const hostsession_failure *why) {
    const char *command = strstr(why->message, "ssh-keyscan");
    assert_non_null(command);
    assert_int_equal(shell("(%s) 2>/dev/null", command), 0);
}

static void the_advice_for_an_unknown_key(void **state) {
    (void)state;
    begin();
    hostsession_failure why;
    const char *path = case_path("known");
    v.settings[0] = keep("UserKnownHostsFile=%s", path);
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_HOST_KEY_UNKNOWN, ssh_server_fingerprint(visit_server), &why);
    assert_string_equal(why.stage, "host_key");
    assert_non_null(strstr(why.message, path));
    run_advice(&why);
    hostsession_close(visit_open(&v, "test-bash"));
    /* By an alias it stands in the file by another name. */
    v.settings[0] = keep("UserKnownHostsFile=%s", case_path("aliased"));
    v.settings[1] = "HostKeyAlias=its-name";
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_HOST_KEY_UNKNOWN, ssh_server_fingerprint(visit_server), &why);
    run_advice(&why);
    hostsession_close(visit_open(&v, "test-bash"));
    /* A name that the shell would take for more. */
    v.settings[0] = keep("UserKnownHostsFile=%s", case_path("$(touch$IFS'x');y"));
    v.settings[1] = NULL;
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_HOST_KEY_UNKNOWN, ssh_server_fingerprint(visit_server), &why);
    run_advice(&why);
    hostsession_close(visit_open(&v, "test-bash"));
    end();
}

static void changed_keys(void **state) {
    (void)state;
    begin();
    const char *other = other_key();
    changed(keep("[127.0.0.1]:%u %s\n", port, other), keep("%s line 1", case_path("known")));
    changed(keep("\n\n[127.0.0.1]:%u %s\n", port, other), "line 3");
    changed(keep("[127.0.0.1]:%u %s\n", port, other), ssh_server_fingerprint(visit_server));
    /* Two are known, one is right. */
    known(keep("[127.0.0.1]:%u %s\n[127.0.0.1]:%u %s\n", port, other, port, text_data(&host_key)));
    /* That of another server on this machine. */
    unknown(keep("127.0.0.1 %s\n", other));
    /* The port has a key of its own: that of another server on this machine does not do. */
    const char *key = text_data(&host_key);
    changed(keep("[127.0.0.1]:%u %s\n127.0.0.1 %s\n", port, other, key), "line 1");
    changed(keep("127.0.0.1 %s\n[127.0.0.1]:%u %s\n", key, port, other), "line 2");
    known(keep("127.0.0.1 %s\n[127.0.0.1]:%u %s\n", other, port, key));
    end();
}

/* ssh -G prints its name as it prints two names. */
static void a_file_with_a_blank_in_its_name(void **state) {
    (void)state;
    begin();
    v.settings[0] = keep("UserKnownHostsFile=\"%s\"",
                         make_file("known by name", "[127.0.0.1]:%u %s\n", port, text_data(&host_key)));
    hostsession_close(visit_open(&v, "test-bash"));
    const char *folder = case_path("a folder");
    assert_int_equal(mkdir(folder, 0700), 0);
    v.settings[0] = keep("UserKnownHostsFile=\"%s/known\"", folder);
    v.settings[1] = "StrictHostKeyChecking=accept-new";
    hostsession_close(visit_open(&v, "test-bash"));
    const char *key = keep("%s", text_data(&host_key));
    /* The loop, as it is freed, waits for the thread that writes. */
    end();
    text written = {0};
    assert_true(file_read(keep("%s/known", folder), &written));
    assert_true(text_contains(&written, key));
    text_free(&written);
}

static void this_machine_is_excused(void **state) {
    (void)state;
    begin();
    write_known(keep("[127.0.0.1]:%u %s\n", port, other_key()));
    v.settings[1] = "NoHostAuthenticationForLocalhost=yes";
    hostsession_close(visit_open(&v, "test-bash"));
    v.settings[2] = "HostKeyAlias=there";
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_HOST_KEY_UNKNOWN, "there", NULL);
    end();
}

static void a_server_with_a_changed_key(void **state) {
    (void)state;
    begin();
    ssh_server *server = start_server(NULL);
    const char *known_hosts = keep("%s.before", ssh_server_known_hosts(server));
    assert_int_equal(shell("cp %s %s", ssh_server_known_hosts(server), known_hosts), 0);
    ssh_server_options options = {.port = ssh_server_port(server), .host_key = "changed"};
    stop_server(server);
    server = start_server(&options);
    v.ssh.config_file = ssh_server_config(server);
    v.settings[0] = keep("UserKnownHostsFile=%s", known_hosts);
    visit_refused(&v, "test-bash", HOSTSESSION_ERROR_HOST_KEY_CHANGED, known_hosts, NULL);
    text log = {0};
    ssh_server_wait_connections(server, 0, patience_ms);
    ssh_server_log(server, &log);
    assert_false(text_contains(&log, "userauth-request"));
    text_free(&log);
    end();
    stop_server(server);
}

static void markers(void **state) {
    (void)state;
    begin();
    const char *key = text_data(&host_key);
    changed(keep("@revoked [127.0.0.1]:%u %s\n", port, key), "revoked");
    changed(keep("[127.0.0.1]:%u %s\n@revoked * %s\n", port, key, key), "revoked");
    known(keep("[127.0.0.1]:%u %s\n@revoked * %s\n", port, key, other_key()));
    refused(keep("@cert-authority [127.0.0.1]:%u %s\n", port, key), HOSTSESSION_ERROR_HOST_KEY_UNKNOWN, "certificates");
    known(keep("@cert-authority * %s\n[127.0.0.1]:%u %s\n", other_key(), port, key));
    unknown(keep("@unheard-of [127.0.0.1]:%u %s\n", port, key));
    end();
}

/* ---- a host with keys of several types: the known one is asked for ---- */

static void the_type_that_is_known(void **state) {
    (void)state;
    begin();
    const char *path = case_path("rsa");
    assert_int_equal(shell("ssh-keygen -q -t rsa -b 3072 -N '' -C '' -f %s", path), 0);
    ssh_server_options options = {.config = keep("HostKey %s\n", path)};
    ssh_server *server = start_server(&options);
    text key = {0};
    assert_true(file_read(keep("%s.pub", path), &key));
    port = ssh_server_port(server);
    v.ssh.config_file = ssh_server_config(server);
    known(keep("[127.0.0.1]:%u %s", port, text_data(&key)));
    known(keep("[127.0.0.1]:%u %s\n", port, text_data(&host_key)));
    text_free(&key);
    end();
    stop_server(server);
}

static const api_case cases[] = {
    CASE(names_of_the_host),
    CASE(hashed_names),
    CASE(several_files),
    CASE(the_advice_for_an_unknown_key),
    CASE(changed_keys),
    CASE(a_file_with_a_blank_in_its_name),
    CASE(this_machine_is_excused),
    CASE(a_server_with_a_changed_key),
    CASE(markers),
    CASE(the_type_that_is_known),
};
VISIT_MAIN("ssh-host_keys", NULL, cases)
