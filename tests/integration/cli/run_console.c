/* SPDX-License-Identifier: MIT */
/* Consoles that are no shell, by the command: a device of the tests' own, and a real program. */
#include "cmocka_headers.h"
#include "invocation.h"

#include <stdio.h>

#define PROMPT "R1(\\(config\\))?# ?"

static char device[4096];

static void check_line(invocation *it, const char *status, const char *printed) {
    json_t *line = invocation_take_json(it);
    assert_string_member(line, "status", status);
    assert_string_member(line, "output", printed);
    json_decref(line);
}

static void commands_end_at_the_prompt(void **state) {
    (void)state;
    invocation it;
    assert_int_equal(RUN(&it, "run", "-k", "--json", "--prompt", PROMPT, "--pager", "--More--", "--error", "% ", device,
                         "gap", "configure", "slow", "end", "bad", "lure", "page 11"),
                     1);
    check_line(&it, "success", "no newline at the end");
    check_line(&it, "success", "");
    check_line(&it, "success", "one\r\nR1# two\r\n");
    check_line(&it, "success", "");
    json_t *line = invocation_take_json(&it);
    assert_string_member(line, "status", "failed");
    assert_null_member(line, "exit_code");
    assert_null_member(line, "cwd");
    assert_string_member(line, "output", "% Invalid input detected at '^' marker.\r\n");
    json_decref(line);
    check_line(&it, "success", "before\r\nR1# is what it says\r\nR1> \r\nafter\r\n");
    check_line(&it, "success",
               "  line 1\r\n  line 2\r\n  line 3\r\n  line 4\r\n  line 5\r\n  line 6\r\n  line 7\r\n  line 8\r\n"
               "  line 9\r\n  line 10\r\n  line 11\r\n");
    invocation_release(&it);
}

static void a_status_command_tells_the_exit_status(void **state) {
    (void)state;
    invocation it;
    assert_int_equal(RUN(&it, "run", "--json", "--prompt", PROMPT, "--status-command", "status", "--status",
                         "last status: (\\d+)", device, "gap", "bad"),
                     1);
    json_t *line = invocation_take_json(&it);
    assert_number_member(line, "exit_code", 0);
    json_decref(line);
    line = invocation_take_json(&it);
    assert_string_member(line, "status", "failed");
    assert_number_member(line, "exit_code", 1);
    json_decref(line);
    invocation_release(&it);
}

static void a_deadline_leaves_nothing_behind(void **state) {
    (void)state;
    invocation it;
    assert_int_equal(RUN(&it, "run", "-k", "-t", "1", "--json", "--prompt", PROMPT, device, "sleep", "gap"), 124);
    check_line(&it, "timed_out", "sleeping\r\nwoken up\r\n^C\r\n");
    check_line(&it, "success", "no newline at the end");
    invocation_release(&it);
}

static void a_real_program(void **state) {
    (void)state;
    invocation it;
    assert_int_equal(RUN(&it, "run", "--json", "--prompt", ">>> ", "exec:python3 -q", "x = 6", "print(7 * x)"), 0);
    check_line(&it, "success", "");
    check_line(&it, "success", "42\n");
    invocation_release(&it);
}

int main(int argc, char **argv) {
    (void)argc;
    invocation_program = argv[1];
    snprintf(device, sizeof device, "exec:%s", argv[4]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_end_at_the_prompt),
        cmocka_unit_test(a_status_command_tells_the_exit_status),
        cmocka_unit_test(a_deadline_leaves_nothing_behind),
        cmocka_unit_test(a_real_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
