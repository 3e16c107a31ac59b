/* SPDX-License-Identifier: MIT */
/* `hostsession run --json`: the lines, their members, and every status that a local shell can have. */
#include "cmocka_headers.h"
#include "invocation.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The names of the members, in their order. */
static void assert_members(json_t *line) {
    static const char *const names[] = {"target",      "session", "index",         "command",       "status",
                                        "exit_code",   "output",  "output_base64", "stderr",        "truncated_bytes",
                                        "duration_ms", "cwd",     "user",          "session_alive", "error"};
    const size_t count = sizeof names / sizeof names[0];
    assert_int_equal(json_object_size(line), count);
    size_t i = 0;
    for (void *at = json_object_iter(line); at; at = json_object_iter_next(line, at))
        assert_string_equal(json_object_iter_key(at), names[i++]);
}

static void assert_error(const json_t *line, const char *kind) {
    const json_t *error = json_object_get(line, "error");
    if (!kind) {
        assert_true(json_is_null(error));
        return;
    }
    assert_true(json_is_object(error));
    assert_string_member(error, "kind", kind);
    assert_true(json_string_length(json_object_get(error, "message")) > 0);
}

/* The next line, checked for what every line has. */
static json_t *take(invocation *it, int index, const char *command, const char *status) {
    json_t *line = invocation_take_json(it);
    assert_members(line);
    assert_string_member(line, "session", "default");
    assert_number_member(line, "index", index);
    assert_string_member(line, "command", command);
    assert_string_member(line, "status", status);
    assert_true(json_integer_value(json_object_get(line, "duration_ms")) >= 0);
    return line;
}

static void success_and_failure(void **state) {
    (void)state;
    invocation it;
    assert_int_equal(RUN(&it, "run", "--json", "-k", "local", "cd /usr", "printf 'a\\tb\\r\\n'; (exit 3)"), 3);
    json_t *line = take(&it, 0, "cd /usr", "success");
    assert_string_member(line, "target", "local");
    assert_number_member(line, "exit_code", 0);
    assert_string_member(line, "output", "");
    assert_null_member(line, "output_base64");
    assert_null_member(line, "stderr");
    assert_number_member(line, "truncated_bytes", 0);
    assert_string_member(line, "cwd", "/usr");
    assert_string_member(line, "user", getpwuid(geteuid())->pw_name);
    assert_boolean_member(line, "session_alive", true);
    assert_error(line, NULL);
    json_decref(line);

    line = take(&it, 1, "printf 'a\\tb\\r\\n'; (exit 3)", "failed");
    assert_number_member(line, "exit_code", 3);
    assert_string_member(line, "output", "a\tb\r\n");
    assert_boolean_member(line, "session_alive", true);
    assert_error(line, NULL);
    json_decref(line);
    assert_text(&it.output_text, "");
    assert_text(&it.error_text, "");
    invocation_release(&it);
}

static void bytes_that_are_no_text(void **state) {
    (void)state;
    invocation it;
    assert_int_equal(RUN(&it, "run", "--json", "local", "printf '\\377\\0a'", "printf 'a\\0\\303\\274'"), 0);
    json_t *line = take(&it, 0, "printf '\\377\\0a'", "success");
    assert_null_member(line, "output");
    assert_string_member(line, "output_base64", "/wBh");
    json_decref(line);
    line = take(&it, 1, "printf 'a\\0\\303\\274'", "success");
    const json_t *output = json_object_get(line, "output");
    assert_int_equal(json_string_length(output), 4);
    assert_memory_equal(json_string_value(output), "a\0\303\274", 4);
    assert_null_member(line, "output_base64");
    json_decref(line);
    invocation_release(&it);
}

static void pipe_mode_has_standard_error(void **state) {
    (void)state;
    invocation it;
    assert_int_equal(RUN(&it, "run", "--json", "--mode", "pipe", "local", "echo a; echo b >&2; printf '\\377' >&2",
                         ":"),
                     0);
    json_t *line = take(&it, 0, "echo a; echo b >&2; printf '\\377' >&2", "success");
    assert_string_member(line, "output", "a\n");
    assert_string_member(line, "stderr", "b\n\357\277\275");
    json_decref(line);
    line = take(&it, 1, ":", "success");
    assert_string_member(line, "stderr", "");
    json_decref(line);
    invocation_release(&it);
}

static void output_over_the_limit(void **state) {
    (void)state;
    invocation it;
    assert_int_equal(RUN(&it, "run", "--json", "--max-output", "1000", "local", "seq 1000"), 0);
    json_t *line = take(&it, 0, "seq 1000", "success");
    assert_number_member(line, "truncated_bytes", 3893 - 1000);
    const char *output = json_string_value(json_object_get(line, "output"));
    assert_int_equal(strlen(output), 1000);
    assert_memory_equal(output, "1\n2\n3\n", 6);
    assert_string_equal(output + 1000 - 9, "999\n1000\n");
    json_decref(line);
    invocation_release(&it);
}

static void timed_out(void **state) {
    (void)state;
    invocation it;
    assert_int_equal(RUN(&it, "run", "--json", "-k", "-t", "1", "local", "x=kept", "echo begun; sleep 1000", "echo $x"),
                     124);
    json_decref(take(&it, 0, "x=kept", "success"));
    json_t *line = take(&it, 1, "echo begun; sleep 1000", "timed_out");
    assert_string_member(line, "output", "begun\n");
    assert_boolean_member(line, "session_alive", true);
    assert_error(line, "timed_out");
    json_decref(line);
    line = take(&it, 2, "echo $x", "success");
    assert_string_member(line, "output", "kept\n");
    json_decref(line);
    invocation_release(&it);
}

static void shell_exited_and_the_rest_is_skipped(void **state) {
    (void)state;
    invocation it;
    assert_int_equal(RUN(&it, "run", "--json", "-k", "local", "echo a; exit 3", "echo no", "pwd"), 3);
    json_t *line = take(&it, 0, "echo a; exit 3", "shell_exited");
    assert_number_member(line, "exit_code", 3);
    assert_string_member(line, "output", "a\n");
    assert_boolean_member(line, "session_alive", false);
    json_decref(line);
    line = take(&it, 1, "echo no", "skipped");
    assert_null_member(line, "exit_code");
    assert_string_member(line, "output", "");
    assert_number_member(line, "duration_ms", 0);
    assert_boolean_member(line, "session_alive", false);
    assert_error(line, NULL);
    json_decref(line);
    json_decref(take(&it, 2, "pwd", "skipped"));
    assert_text(&it.output_text, "");
    invocation_release(&it);
}

static void the_budget_is_spent(void **state) {
    (void)state;
    invocation it;
    assert_int_equal(RUN(&it, "run", "--json", "-k", "--budget", "0.3", "local", "sleep 1000", "echo no"), 124);
    json_decref(take(&it, 0, "sleep 1000", "timed_out"));
    json_t *line = take(&it, 1, "echo no", "skipped");
    assert_boolean_member(line, "session_alive", true);
    json_decref(line);
    invocation_release(&it);
}

/* The first line when there is no session, or the command is refused. */
static void check_error(const char *const *arguments, const char *command, int exit_status, const char *kind) {
    invocation it;
    assert_int_equal(invocation_run(&it, arguments), exit_status);
    json_t *line = take(&it, 0, command, "error");
    assert_null_member(line, "exit_code");
    assert_error(line, kind);
    json_decref(line);
    json_decref(take(&it, 1, "rest", "skipped"));
    assert_text(&it.output_text, "");
    invocation_release(&it);
}
#define CHECK_ERROR(exit_status, kind, ...)                                                                            \
    check_error((const char *const[]){"run", "--json", __VA_ARGS__, "x", "rest", NULL}, "x", exit_status, kind)

static void errors_have_a_kind(void **state) {
    (void)state;
    CHECK_ERROR(255, "connect", "--shell", "/nonexistent/shell", "local");
    CHECK_ERROR(255, "connect", "exec:/nonexistent/program");
    CHECK_ERROR(255, "not_ready", "--connect-timeout", "0.3", "exec:sleep 1000");
    CHECK_ERROR(2, "usage", "ssh://host:0");
    CHECK_ERROR(2, "usage", "telnet://host:0");
    CHECK_ERROR(2, "usage", "user@:22");
    CHECK_ERROR(2, "usage", "ho st");
    CHECK_ERROR(2, "usage", "");
    CHECK_ERROR(2, "usage", "exec:");
    CHECK_ERROR(2, "usage", "exec:'open quote");
    CHECK_ERROR(2, "usage", "--expect", "(", "--reply", "x", "local");
}

static void answers_have_a_limit(void **state) {
    (void)state;
    invocation it;
    static const char endless[] = "while :; do printf 'again? '; read -r a; done";
    assert_int_equal(RUN(&it, "run", "--json", "--expect", "again", "--reply", "y", "local", endless), 255);
    json_t *line = take(&it, 0, endless, "error");
    assert_error(line, "limit");
    assert_boolean_member(line, "session_alive", true);
    json_decref(line);
    invocation_release(&it);
}

static void text_from_arguments_is_made_utf8(void **state) {
    (void)state;
    invocation it;
    assert_int_equal(RUN(&it, "run", "--json", "local", "printf 'a\377b'"), 0);
    json_t *line = take(&it, 0, "printf 'a\357\277\275b'", "success");
    assert_string_member(line, "output_base64", "Yf9i");
    json_decref(line);
    invocation_release(&it);
}

int main(int argc, char **argv) {
    (void)argc;
    invocation_program = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(success_and_failure),
        cmocka_unit_test(bytes_that_are_no_text),
        cmocka_unit_test(pipe_mode_has_standard_error),
        cmocka_unit_test(output_over_the_limit),
        cmocka_unit_test(timed_out),
        cmocka_unit_test(shell_exited_and_the_rest_is_skipped),
        cmocka_unit_test(the_budget_is_spent),
        cmocka_unit_test(errors_have_a_kind),
        cmocka_unit_test(answers_have_a_limit),
        cmocka_unit_test(text_from_arguments_is_made_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
