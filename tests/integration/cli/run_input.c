/* SPDX-License-Identifier: MIT */
/* `hostsession run -f`: commands from files, and from a program that reads each answer before it goes on. */
#include "cmocka_headers.h"
#include "invocation.h"
#include "support/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void send_text(invocation *it, const char *bytes) {
    invocation_send(it, bytes, strlen(bytes));
}

/* The next answer. */
static void expect_answer(invocation *it, int index, const char *command, const char *status, const char *output) {
    json_t *line = invocation_read_json(it);
    assert_number_member(line, "index", index);
    assert_string_member(line, "command", command);
    assert_string_member(line, "status", status);
    assert_string_member(line, "output", output);
    json_decref(line);
}

static void each_command_is_answered_before_the_next(void **state) {
    (void)state;
    invocation it;
    START(&it, "run", "--json", "-k", "-f", "-", "local");
    send_text(&it, "cd /usr\n");
    expect_answer(&it, 0, "cd /usr", "success", "");
    send_text(&it, "pw");
    send_text(&it, "d\n");
    expect_answer(&it, 1, "pwd", "success", "/usr\n");
    send_text(&it, "\n");
    expect_answer(&it, 2, "", "success", "");
    send_text(&it, "(exit 3)\necho a\n");
    expect_answer(&it, 3, "(exit 3)", "failed", "");
    expect_answer(&it, 4, "echo a", "success", "a\n");
    send_text(&it, "echo last");
    assert_int_equal(invocation_end(&it), 3);
    expect_answer(&it, 5, "echo last", "success", "last\n");
    assert_text(&it.output_text, "");
    invocation_release(&it);
}

static void without_json_the_output_comes_at_once(void **state) {
    (void)state;
    invocation it;
    text line = {0};
    START(&it, "run", "-f", "-", "local");
    for (int i = 0; i < 3; i++) {
        send_text(&it, "echo \"line $((n += 1))\"\n");
        char expected[32];
        snprintf(expected, sizeof expected, "line %d", i + 1);
        invocation_read_line(&it, &line);
        assert_text(&line, expected);
    }
    assert_int_equal(invocation_end(&it), 0);
    text_free(&line);
    invocation_release(&it);
}

static void nul_allows_several_lines(void **state) {
    (void)state;
    invocation it;
    START(&it, "run", "--json", "-0", "-f", "-", "local");
    static const char first[] = "for i in 1 2\ndo echo $i\ndone";
    invocation_send(&it, first, sizeof first);
    expect_answer(&it, 0, first, "success", "1\n2\n");
    send_text(&it, "cat <<x\nhere\nx\n");
    assert_int_equal(invocation_end(&it), 0);
    expect_answer(&it, 1, "cat <<x\nhere\nx\n", "success", "here\n");
    invocation_release(&it);
}

static void it_stops_reading_after_a_failure(void **state) {
    (void)state;
    invocation it;
    START(&it, "run", "--json", "-f", "-", "local");
    send_text(&it, "false\n");
    expect_answer(&it, 0, "false", "failed", "");
    /* Its input is still open: that it ends is not due to us. */
    text line = {0};
    while (it.output >= 0) {
        char byte;
        if (read(it.output, &byte, 1) <= 0)
            break;
        text_append(&line, &byte, 1);
    }
    assert_text(&line, "");
    assert_int_equal(invocation_end(&it), 1);
    text_free(&line);
    invocation_release(&it);
}

static void what_was_already_sent_is_skipped(void **state) {
    (void)state;
    invocation it;
    START(&it, "run", "--json", "-f", "-", "local");
    send_text(&it, "false\necho a\necho b");
    assert_int_equal(invocation_end(&it), 1);
    expect_answer(&it, 0, "false", "failed", "");
    expect_answer(&it, 1, "echo a", "skipped", "");
    expect_answer(&it, 2, "echo b", "skipped", "");
    assert_text(&it.output_text, "");
    invocation_release(&it);
}

static void the_shell_may_end_meanwhile(void **state) {
    (void)state;
    invocation it;
    START(&it, "run", "--json", "-k", "-f", "-", "local");
    send_text(&it, "exit 6\necho no\n");
    assert_int_equal(invocation_end(&it), 6);
    expect_answer(&it, 0, "exit 6", "shell_exited", "");
    expect_answer(&it, 1, "echo no", "skipped", "");
    invocation_release(&it);
}

static void a_session_that_fails_is_answered_first(void **state) {
    (void)state;
    invocation it;
    START(&it, "run", "--json", "-f", "-", "--shell", "/nonexistent/shell", "local");
    json_t *line = invocation_read_json(&it);
    assert_string_member(line, "status", "error");
    assert_null_member(line, "command");
    assert_number_member(line, "index", 0);
    assert_string_member(json_object_get(line, "error"), "kind", "connect");
    json_decref(line);
    assert_int_equal(invocation_end(&it), 255);
    invocation_release(&it);
}

static void commands_come_from_a_file(void **state) {
    (void)state;
    char folder[256];
    char path[300];
    assert_true(folder_make_temporary(folder, "cli-input"));
    snprintf(path, sizeof path, "%s/commands", folder);
    static const char commands[] = "cd /usr\n\n# a comment\npwd\n(exit 4)\necho no\necho no";
    assert_true(file_write(path, commands, sizeof commands - 1));
    invocation it;
    assert_int_equal(RUN(&it, "run", "-f", path, "local"), 4);
    assert_text(&it.output_text, "/usr\n");
    assert_contains(&it.error_text, "command 5");
    assert_contains(&it.error_text, "2 more commands were skipped");
    invocation_release(&it);
    folder_remove(folder);
}

static void a_nul_in_a_line_is_refused(void **state) {
    (void)state;
    invocation it;
    START(&it, "run", "--json", "-f", "-", "local");
    invocation_send(&it, "echo a\0b\n", 9);
    assert_int_equal(invocation_end(&it), 2);
    json_t *line = invocation_take_json(&it);
    assert_string_member(line, "status", "error");
    assert_string_member(json_object_get(line, "error"), "kind", "usage");
    json_decref(line);
    invocation_release(&it);
}

static void long_commands_are_run_whole(void **state) {
    (void)state;
    enum { length = 100 * 1000 };
    text command = {0};
    text_add(&command, "echo ");
    for (int i = 0; i < length; i++)
        text_append(&command, &"abcdefghij"[i % 10], 1);
    invocation it;
    START(&it, "run", "-f", "-", "local");
    text_add(&command, "\n");
    send_text(&it, text_data(&command));
    assert_int_equal(invocation_end(&it), 0);
    assert_text(&it.output_text, text_data(&command) + strlen("echo "));
    text_free(&command);
    invocation_release(&it);
}

static void no_command_at_all(void **state) {
    (void)state;
    invocation it;
    assert_int_equal(RUN(&it, "run", "--json", "-f", "/dev/null", "local"), 0);
    assert_text(&it.output_text, "");
    invocation_release(&it);
}

int main(int argc, char **argv) {
    (void)argc;
    invocation_program = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_command_is_answered_before_the_next),
        cmocka_unit_test(without_json_the_output_comes_at_once),
        cmocka_unit_test(nul_allows_several_lines),
        cmocka_unit_test(it_stops_reading_after_a_failure),
        cmocka_unit_test(what_was_already_sent_is_skipped),
        cmocka_unit_test(the_shell_may_end_meanwhile),
        cmocka_unit_test(a_session_that_fails_is_answered_first),
        cmocka_unit_test(commands_come_from_a_file),
        cmocka_unit_test(a_nul_in_a_line_is_refused),
        cmocka_unit_test(long_commands_are_run_whole),
        cmocka_unit_test(no_command_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
