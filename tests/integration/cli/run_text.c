/* SPDX-License-Identifier: MIT */
/* `hostsession run` without --json: what comes out, and what the options do. */
#include "cmocka_headers.h"
#include "invocation.h"
#include "support/folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void state_is_kept(void **state) {
    (void)state;
    invocation it;
    assert_int_equal(RUN(&it, "run", "local", "cd /usr", "x=5", "f() { echo \"$x $PWD\"; }", "f"), 0);
    assert_text(&it.output_text, "5 /usr\n");
    assert_text(&it.error_text, "");
    invocation_release(&it);
}

static void output_is_exact(void **state) {
    (void)state;
    static const char expected[] = "\n\na\0b\377\r\n\001\033[1m no newlineab";
    for (int pipe_mode = 0; pipe_mode < 2; pipe_mode++) {
        invocation it;
        assert_int_equal(RUN(&it, "run", "--mode", pipe_mode ? "pipe" : "tty", "local",
                             "printf '\\n\\na\\0b\\377\\r\\n\\001\\033[1m no newline'", "printf a", "printf b", ":"),
                         0);
        assert_bytes(&it.output_text, expected, sizeof expected - 1);
        invocation_release(&it);
    }
}

static void standard_error_is_apart_in_pipe_mode(void **state) {
    (void)state;
    invocation it;
    assert_int_equal(RUN(&it, "run", "--mode=pipe", "local", "yes one | head -n 1; echo two >&2"), 0);
    assert_text(&it.output_text, "one\n");
    assert_text(&it.error_text, "two\n");
    invocation_release(&it);
    assert_int_equal(RUN(&it, "run", "--mode=tty", "local", "echo one; echo two >&2"), 0);
    assert_text(&it.output_text, "one\ntwo\n");
    assert_text(&it.error_text, "");
    invocation_release(&it);
}

static void output_comes_as_it_is_written(void **state) {
    (void)state;
    char folder[256];
    char fifo[300];
    char command[700];
    assert_true(folder_make_temporary(folder, "cli-text"));
    snprintf(fifo, sizeof fifo, "%s/go", folder);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    snprintf(command, sizeof command, "echo ready; cat '%s'; echo done", fifo);

    invocation it;
    text line = {0};
    START(&it, "run", "local", command);
    invocation_read_line(&it, &line);
    assert_text(&line, "ready");
    int go = open(fifo, O_WRONLY | O_CLOEXEC);
    assert_true(go >= 0);
    assert_int_equal(write(go, "go\n", 3), 3);
    close(go);
    assert_int_equal(invocation_end(&it), 0);
    assert_text(&it.output_text, "go\ndone\n");
    text_free(&line);
    invocation_release(&it);
    folder_remove(folder);
}

static void shell_directory_and_environment_are_set(void **state) {
    (void)state;
    invocation it;
    assert_int_equal(RUN(&it, "run", "--shell", "/bin/sh", "--cwd", "/usr", "--env", "A=1 2", "--env", "B=x=y", "local",
                         "pwd; echo \"$A|$B\"; env | grep '^A='; ps -o comm= -p $$"),
                     0);
    assert_text(&it.output_text, "/usr\n1 2|x=y\nA=1 2\nsh\n");
    invocation_release(&it);
}

static void a_program_may_give_the_shell(void **state) {
    (void)state;
    invocation it;
    assert_int_equal(RUN(&it, "run", "exec:env 'A=x  y' /bin/sh", "echo \"$A\"", "exit 4"), 4);
    assert_text(&it.output_text, "x  y\n");
    invocation_release(&it);
}

static void commands_may_look_like_options(void **state) {
    (void)state;
    invocation it;
    assert_int_equal(RUN(&it, "run", "-k", "--", "local", "--", "--json", "echo ok"), 127);
    assert_contains(&it.output_text, "--json");
    assert_contains(&it.output_text, "ok\n");
    invocation_release(&it);
}

static void questions_are_answered(void **state) {
    (void)state;
    invocation it;
    static const char ask[] = "for q in name age name; do printf '%s? ' $q; read -r a; echo \"[$a]\"; done";
    assert_int_equal(RUN(&it, "run", "--expect", "name\\? $", "--reply", "Ann B", "--expect", "age", "--reply", "",
                         "local", ask),
                     0);
    assert_text(&it.output_text, "name? [Ann B]\nage? []\nname? [Ann B]\n");
    invocation_release(&it);
    /* That nobody asks is no error. */
    assert_int_equal(RUN(&it, "run", "--expect", "never", "--reply", "x", "local", "echo"), 0);
    invocation_release(&it);
}

static void secrets_stay_out_of_messages(void **state) {
    (void)state;
    char folder[256];
    char source[300];
    assert_true(folder_make_temporary(folder, "cli-text"));
    snprintf(source, sizeof source, "file:%s/secret", folder);
    assert_true(file_write(source + 5, "pass-w0rd\n", 10));
    setenv("HOSTSESSION_TEST_REPLY", "second-w0rd", 1);

    invocation it;
    assert_int_equal(RUN(&it, "run", "-vv", "--expect", "Password: ", "--reply-from", source, "--expect",
                         "Again: ", "--reply-from", "env:HOSTSESSION_TEST_REPLY", "local",
                         "printf 'Password: '; read -r a; printf 'Again: '; read -r b; echo; echo \"${#a} ${#b}\""),
                     0);
    assert_text(&it.output_text, "Password: Again: \n9 11\n");
    assert_false(text_contains(&it.error_text, "w0rd"));
    unsetenv("HOSTSESSION_TEST_REPLY");
    invocation_release(&it);
    folder_remove(folder);
}

static void the_limit_of_kept_output_cuts_no_stream(void **state) {
    (void)state;
    invocation it;
    assert_int_equal(RUN(&it, "run", "--max-output", "10", "local", "seq 100000"), 0);
    assert_int_equal(it.output_text.length, 588895);
    invocation_release(&it);
}

static void what_failed_is_told(void **state) {
    (void)state;
    invocation it;
    assert_int_equal(RUN(&it, "run", "local", "true", "(exit 7)\n# \033[31m", "echo no"), 7);
    assert_text(&it.output_text, "");
    assert_text(&it.error_text, "hostsession: command 2 failed with exit status 7: (exit 7)\\n# \\x1b[31m\n"
                                "hostsession: 1 more command was skipped\n");
    invocation_release(&it);
    assert_int_equal(RUN(&it, "run", "-q", "local", "(exit 7)", "echo no"), 7);
    assert_text(&it.error_text, "");
    invocation_release(&it);
    assert_int_equal(RUN(&it, "run", "-v", "local", "true"), 0);
    assert_text(&it.output_text, "");
    invocation_release(&it);
}

int main(int argc, char **argv) {
    (void)argc;
    invocation_program = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(state_is_kept),
        cmocka_unit_test(output_is_exact),
        cmocka_unit_test(standard_error_is_apart_in_pipe_mode),
        cmocka_unit_test(output_comes_as_it_is_written),
        cmocka_unit_test(shell_directory_and_environment_are_set),
        cmocka_unit_test(a_program_may_give_the_shell),
        cmocka_unit_test(commands_may_look_like_options),
        cmocka_unit_test(questions_are_answered),
        cmocka_unit_test(secrets_stay_out_of_messages),
        cmocka_unit_test(the_limit_of_kept_output_cuts_no_stream),
        cmocka_unit_test(what_failed_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
