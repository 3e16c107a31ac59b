/* SPDX-License-Identifier: MIT */
#include "engine/notices.h"

#include "../support/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void on_data(void *owner, const char *data, size_t length) {
    text_append(owner, data, length);
}

static void start(notices *n, bool jobs, const char *command) {
    notices_start(n, &(notices_config){.gives = true, .says_exit = true, .jobs = jobs},
                  hints_of(command, strlen(command)));
}

static void play(const char *command, const char *input, size_t length, size_t cut, notices_end how, text *seen) {
    notices n = {.stops = true, .on_data = on_data, .owner = seen};
    text_clear(seen);
    start(&n, true, command);
    n.answers = how == NOTICES_INTERRUPTED;
    assert_true(notices_feed(&n, input, cut));
    assert_true(notices_feed(&n, input + cut, length - cut));
    notices_finish(&n, how);
    notices_free(&n);
}

static void check_end(const char *command, const char *input, notices_end how, const char *expected) {
    size_t length = strlen(input);
    text seen = {0};
    for (size_t cut = 0; cut <= length; cut++) {
        play(command, input, length, cut, how, &seen);
        if (strcmp(text_data(&seen), expected) != 0)
            print_error("cut at %zu\n", cut);
        assert_string_equal(text_data(&seen), expected);
    }
    notices n = {.stops = true, .on_data = on_data, .owner = &seen};
    text_clear(&seen);
    start(&n, true, command);
    n.answers = how == NOTICES_INTERRUPTED;
    for (size_t i = 0; i < length; i++)
        assert_true(notices_feed(&n, input + i, 1));
    notices_finish(&n, how);
    notices_free(&n);
    assert_string_equal(text_data(&seen), expected);
    text_free(&seen);
}

static void check(const char *command, const char *input, const char *expected) {
    check_end(command, input, NOTICES_ENDED, expected);
}

/* In another shell than bash. */
static void check_other(const char *command, const char *input, const char *expected) {
    text seen = {0};
    for (size_t cut = 0; cut <= strlen(input); cut++) {
        notices n = {.on_data = on_data, .owner = &seen};
        text_clear(&seen);
        start(&n, true, command);
        assert_true(notices_feed(&n, input, cut));
        assert_true(notices_feed(&n, input + cut, strlen(input) - cut));
        notices_finish(&n, NOTICES_ENDED);
        notices_free(&n);
        if (strcmp(text_data(&seen), expected) != 0)
            print_error("cut at %zu\n", cut);
        assert_string_equal(text_data(&seen), expected);
    }
    text_free(&seen);
}

static void what_a_shell_says_of_jobs_is_taken_out(void **state) {
    (void)state;
    check("sleep 1 &", "[1] 4711\n", "");
    check("sleep 1 &", "[1] 4711\r\n", "");
    check("a & b", "[12] 4711\nout\n[12]+  Done                    a\nmore", "out\nmore");
    check("a & b", "[1]-  Exit 3                  a\n[1]  + done       sleep 1\n", "");
    check("wait", "[1]+  Done                    sleep 1\nx\n", "x\n");
    check("wait", "[1]+  Done                    ( until x; do\n    y;\ndone; z )\nout\n", "out\n");
    check("wait", "[1]+  Exit 2                  ( if x; then\n    y;\nfi )\n[2]   Done  sh -c 'a\nb'\nout\n", "out\n");
    check("a & b", "x\n[1]  + 4711 done       sleep 1\n", "x\n");
}

static void with_what_is_said_of_the_directory(void **state) {
    (void)state;
    check("wait", "[1]+  Done                    a  (wd: ~)\n(wd now: /usr)\nZ\n", "Z\n");
    check("wait", "[1]+  Done                    a  (wd: ~)\r\n(wd now: /usr)\r\nZ\n", "Z\n");
    check("wait", "x[1]   Exit 3                  a  (wd: /it's)\n(wd now: /a (b)\n[2]-  Done                    b\nZ",
          "xZ");
    check("wait", "[1]+  Done                    { a;\nb; }  (wd: /a(b) \"c)\n(wd now: /)\nZ\n", "Z\n");
    check("wait", "[1]+  Done                    a  (wd: /x  (wd: y)\n(wd now: /)\n", "");
    /* Only there, and whole. */
    check("wait", "[1]+  Done                    a\n(wd now: /usr)\nZ\n", "(wd now: /usr)\nZ\n");
    check("wait", "[1]+  Done                    a  (wd: ~)\n(wd nowhere)\n", "(wd nowhere)\n");
    check("wait", "[1]+  Done                    a  (wd: ~)\n(wd now: /usr\nZ\n", "(wd now: /usr\nZ\n");
    check("wait", "[1]+  Done                    a  (wd: ~)\nZ", "Z");
    check("wait", "(wd now: /usr)\n", "(wd now: /usr)\n");
    check("wait", "[1]+  Done                    echo '  (wd: ~)\nx'\n(wd now: /)\n", "(wd now: /)\n");
}

static void of_a_job_with_a_here_document(void **state) {
    (void)state;
    check("wait", "[1]+  Done                    cat <<X > /dev/null\nif a\nX\n\nZ\n", "Z\n");
    check("wait", "x[1]+  Done                    cat <<X\na\n\"b\nX\n | sleep 0.1\nZ\n", "xZ\n");
    check("wait", "[1]+  Done                    cat <<X\na\nX\n  (wd: ~)\n(wd now: /)\nZ\n", "Z\n");
    check("wait", "[1]-  Done                    cat <<X\na\nX\n\n[2]+  Done                    a\n\n", "\n");
    check("wait", "[1]+  Done                    cat <<< X\n\nX\n", "\nX\n");
}

static void of_each_program_of_a_pipeline(void **state) {
    (void)state;
    check_other("a | b &", "[2] 26811 26812\nx\n", "x\n");
    check_other("a | b | c &", "x[2] 26811 26812 26813\ny\n", "xy\n");
    check_other("a | b &", "[1] 12 13\r\n", "");
    check_other("wait",
                "[1]  + done       sleep 0.1 | \n       exit 3     ( exit 3; ) | \n       done       sleep 0.2\nx\n",
                "x\n");
    check_other("wait",
                "[1] + Done                 \\sleep 0.1 |\n      Done (3)             ( \\exit 3 ) |\n"
                "      Done                 \\sleep 0.2\ny\n",
                "y\n");
    /* Not where there is no pipeline, and not in bash. */
    check_other("a &", "[2] 26811 26812\n", "[2] 26811 26812\n");
    check("a | b &", "[2] 26811 26812\n", "[2] 26811 26812\n");
    check_other("a | b &", "[2] 26811 26812 x\n[1] 1 \n[1] 1  2\n", "[2] 26811 26812 x\n[1] 1 \n[1] 1  2\n");
    check_other("wait", "[1]  + done       a | \n  x\n", "  x\n");
    check_other("wait", "[1]  + done       a\n       b\n", "       b\n");
}

/* There newlines are shown otherwise, and what is cut off may leave a quote open. */
static void other_shells_show_a_command_on_one_line(void **state) {
    (void)state;
    check_other("wait", "[1] + Done                 \\cat <<X >/dev/null ^Ja\"^JX^J\nx\n", "x\n");
    check_other("wait", "[1]  + done       sh -c \"a\nx\"\n", "x\"\n");
    check_other("wait", "[1] + Done                       sh -c \"a\nb\"\nx\n", "x\n");
    check_other("wait", "[1] + Done                       cat <<... 1>/dev/null\nx\n", "x\n");
}

static void also_in_the_middle_of_a_line(void **state) {
    (void)state;
    const char *const command = "sleep 1 & wait";
    text seen = {0};
    static const char *const told[][2] = {
        {"start[1]+  Done                    sleep 1\nend\n", "startend\n"},
        {"a[1] 4711\nb[1]   Exit 3                  x\n[2]-  Killed                  y\nc", "abc"},
        {"a[2]  + done       true\nb", "ab"},
        {"a [1]+  b\n", "a [1]+  b\n"},
        {"a [1] - b  c\n", "a [1] - b  c\n"},
        {"v[1] 5\n", "v[1] 5\n"},
        {"[x] a[12] b[3]+ c  d  e\n", "[x] a[12] b[3]+ c  d  e\n"},
        {"a[1]+  Do", "a[1]+  Do"},
    };
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
        for (size_t cut = 0; cut <= strlen(told[i][0]); cut++) {
            notices n = {.stops = true, .on_data = on_data, .owner = &seen};
            text_clear(&seen);
            start(&n, true, command);
            assert_true(notices_feed(&n, told[i][0], cut));
            assert_true(notices_feed(&n, told[i][0] + cut, strlen(told[i][0]) - cut));
            notices_finish(&n, NOTICES_ENDED);
            notices_free(&n);
            assert_string_equal(text_data(&seen), told[i][1]);
        }
    text_free(&seen);
}

static void check_killed(const char *input, bool quit, size_t answers, const char *expected) {
    text seen = {0};
    for (size_t cut = 0; cut <= strlen(input); cut++) {
        notices n = {.on_data = on_data, .owner = &seen};
        text_clear(&seen);
        start(&n, false, "x");
        n.killed = true;
        n.quit = quit;
        n.answers = answers;
        assert_true(notices_feed(&n, input, cut));
        assert_true(notices_feed(&n, input + cut, strlen(input) - cut));
        notices_finish(&n, answers ? NOTICES_INTERRUPTED : NOTICES_ENDED);
        notices_free(&n);
        if (strcmp(text_data(&seen), expected) != 0)
            print_error("cut at %zu\n", cut);
        assert_string_equal(text_data(&seen), expected);
    }
    text_free(&seen);
}

static void what_is_said_of_a_kill_is_taken_out(void **state) {
    (void)state;
    check_killed("on\nKilled\nKilled by\nx Killed\nKilled  \n", false, 0, "on\nKilled by\nx Killed\n");
    check_killed("x\nQuit\n", true, 0, "x\n");
    check_killed("x\nQuit (core dumped)\n", true, 0, "x\n");
    check_killed("xQuit (core dumped)\r\n", true, 0, "x");
    check_killed("xKilled \n", false, 0, "x");
    check_killed("xKilled\n", false, 1, "x");
    check_killed("xKilled\n\n", true, 1, "x");
    /* Not before it was sent, and not in the middle. */
    check_killed("x\nQuit\n", false, 0, "x\nQuit\n");
    check_killed("xKilled\ny\n", true, 0, "xKilled\ny\n");
    check_killed("xQuit", true, 0, "xQuit");
    check_killed("xQuit (core\n", true, 0, "xQuit (core\n");
    check_killed("Quit (core dumped) y\nQuitter\nQuit it\n", true, 0, "Quit (core dumped) y\nQuitter\nQuit it\n");
}

static void what_is_like_it_is_kept(void **state) {
    (void)state;
    check("a &", "x[1] 47 11\n", "x[1] 47 11\n");
    check("a &", "[1] 4711 x\n", "[1] 4711 x\n");
    check("a &", "[] 4711\n", "[] 4711\n");
    check("a &", "[x]\n", "[x]\n");
    check("a &", "[1]\n", "[1]\n");
    check("a &", "[1]\n[2]\n4711\n", "[1]\n[2]\n4711\n");
    check("a &", " [1] 47 11\n", " [1] 47 11\n");
    check("a &", "[1] 4711", "[1] 4711");
    check("a &", "[1", "[1");
    check("a &", "[1]+  Do", "[1]+  Do");
    check("a &", "\n\n[\n", "\n\n[\n");
}

static void only_a_command_that_can_cause_them_is_looked_at(void **state) {
    (void)state;
    check("echo", "[1] 4711\n", "[1] 4711\n");
    check("a && b", "[1] 4711\n", "[1] 4711\n");
    check("a 2>&1 <&3", "[1] 4711\n", "[1] 4711\n");
    check("a &>x", "[1] 4711\n", "[1] 4711\n");
    check("a & jobs", "[1] 4711\n", "[1] 4711\n");
    check("a & x=$(jobs)", "[1] 4711\n", "[1] 4711\n");
    check("a & if builtin jobs >x; then b; fi", "[1] 4711\n", "[1] 4711\n");
    check("a & eval 'jobs'", "[1] 4711\n", "[1] 4711\n");
    check("make --jobs 4 &", "[1] 4711\n", "");
    check("a & echo all jobs started", "[1] 4711\n", "");
    check("a & echo 'jobs: 1'; rm jobs.txt", "[1] 4711\n", "");
    check("a && b & c", "[1] 4711\n", "");
}

static void the_shells_last_word_is_taken_out(void **state) {
    (void)state;
    check_end("exit 3", "exit\n", NOTICES_EXITED, "");
    check_end("exec 2>&1 </dev/null; exit 3", "exit\n", NOTICES_EXITED, "");
    check_end("exit 3", "out\nexit\r\n", NOTICES_EXITED, "out\n");
    check_end("logout", "logout\n", NOTICES_EXITED, "");
    check_end("echo exit; exit", "exit\nexit\n", NOTICES_EXITED, "exit\n");
    check_end("a & exit", "[1] 12\nexit\n", NOTICES_EXITED, "");
    check_end("printf x; exit", "xexit\n", NOTICES_EXITED, "x");
    check_end("echo exit", "exit\n", NOTICES_ENDED, "exit\n");
    check_end("exit", "exit", NOTICES_EXITED, "exit");
    check_end("exit", "exi", NOTICES_EXITED, "exi");
    check_end("exit", "exit\nx", NOTICES_EXITED, "exit\nx");
}

/* Only a shell that leaves by itself says so: a command that took its place does not. */
static void what_a_command_prints_as_the_shells_last_word_is_kept(void **state) {
    (void)state;
    check_end("exec x", "exit\n", NOTICES_EXITED, "exit\n");
    check_end("printf 'will exit\\n'; exec true", "will exit\n", NOTICES_EXITED, "will exit\n");
}

/* Any list of references looks like that. */
static void a_numbered_list_is_kept(void **state) {
    (void)state;
    check("a & wait; cat list", "[1]  Introduction\n[2]  Done by hand\n", "[1]  Introduction\n[2]  Done by hand\n");
}

/* It may be a prompt, which nothing follows before it is answered. */
static void the_end_of_a_prompt_is_not_kept_back(void **state) {
    (void)state;
    text seen = {0};
    notices n = {.on_data = on_data, .owner = &seen};
    start(&n, false, "ask");
    assert_true(notices_feed(&n, "your name", 9));
    assert_string_equal(text_data(&seen), "your name");
    notices_free(&n);
    text_free(&seen);
}

static void the_newline_of_an_interrupt_is_taken_out(void **state) {
    (void)state;
    check_end("x", "out\n", NOTICES_INTERRUPTED, "out");
    check_end("x", "out\n\n", NOTICES_INTERRUPTED, "out\n");
    check_end("x", "out", NOTICES_INTERRUPTED, "out");
    check_end("x", "\nout", NOTICES_INTERRUPTED, "\nout");
    check_end("a & b", "[1] 17\nout\n\n", NOTICES_INTERRUPTED, "out\n");
}

/* The shell that is back at its prompt tells of a job that has ended meanwhile. */
static void a_notice_may_stand_behind_that_newline(void **state) {
    (void)state;
    check_end("a & b", "\n[1]+  Done                    a\n", NOTICES_INTERRUPTED, "");
    check_end("a & b", "out\n\n[1]+  Done                    a\n[2]-  Done                    b\n", NOTICES_INTERRUPTED,
              "out\n");
    check_end("a & b", "\n[1]+  Done                    a\nx", NOTICES_INTERRUPTED, "\nx");
    check_end("a & b", "\n\n[1]+  Stopped                 a\n", NOTICES_INTERRUPTED, "");
    check_end("a & b", "\n[1]+  Do", NOTICES_INTERRUPTED, "\n[1]+  Do");
    check_end("a & b", "\n[1]+  Done                    a\n", NOTICES_ENDED, "\n");
}

static void a_job_that_has_no_name_ends_without_a_newline(void **state) {
    (void)state;
    static const char stopped[] = "[1] + Stopped                  ";
    check_end("x", stopped, NOTICES_INTERRUPTED, "");
    check_end("x", "out\n\nzsh: suspended  sh -c 'x'\n", NOTICES_INTERRUPTED, "out\n");
    check_end("x", "zsh: suspended  x", NOTICES_INTERRUPTED, "zsh: suspended  x");
    check_end("x", "zsh: suspended  x\n", NOTICES_ENDED, "zsh: suspended  x\n");
    check_end("x", "out\n[1] + Killed                   [1] + Stopped                  ", NOTICES_INTERRUPTED, "out\n");
    check_end("x", stopped, NOTICES_ENDED, "");
    check_end("jobs", stopped, NOTICES_ENDED, stopped);
    check_end("x", "[1] + Stopped                 ", NOTICES_INTERRUPTED, "[1] + Stopped                 ");
    check_end("x", "[1] + Stopped  now             ", NOTICES_INTERRUPTED, "[1] + Stopped  now             ");
    check_end("x", "[x] + Stopped                  ", NOTICES_INTERRUPTED, "[x] + Stopped                  ");
}

static void stop_dash(const char *command, const char *input, size_t answers, const char *expected) {
    text seen = {0};
    for (size_t cut = 0; cut <= strlen(input); cut++) {
        notices n = {.on_data = on_data, .owner = &seen};
        text_clear(&seen);
        notices_start(&n, &(notices_config){0}, hints_of(command, strlen(command)));
        n.answers = answers;
        assert_true(notices_feed(&n, input, cut));
        assert_true(notices_feed(&n, input + cut, strlen(input) - cut));
        notices_finish(&n, answers ? NOTICES_INTERRUPTED : NOTICES_ENDED);
        notices_free(&n);
        if (strcmp(text_data(&seen), expected) != 0)
            print_error("cut at %zu\n", cut);
        assert_string_equal(text_data(&seen), expected);
    }
    text_free(&seen);
}

static void dash_and_ash_tell_of_jobs_only_there(void **state) {
    (void)state;
    static const char both[] = "x\n[2] + Done                       sleep 0.9\n"
                               "[1]   Done(3)                    (exit 3)\n";
    stop_dash("a & b", both, 1, "x");
    stop_dash("a & b", both, 0, both);
    stop_dash("a && b", both, 1,
              "x\n[2] + Done                       sleep 0.9\n[1]   Done(3)                    (exit 3)");
    stop_dash("a & b", "x\n[1]+  Done                       ash\n", 1, "x");
    stop_dash("a & b", "\n\n[1] + Done                       sh -c \"a\nb\"\n", 2, "");
    static const char other[] =
        "[1] + Done  a\n[1]+ b\n[1]   Done                        c\n[1]- Done                         a\n";
    stop_dash("a & b", other, 1,
              "[1] + Done  a\n[1]+ b\n[1]   Done                        c\n[1]- Done                         a");
}

/* A notice of the greatest length, and beyond it: however it arrives the same is taken for one. */
static void a_long_line_is_the_same_in_pieces(void **state) {
    (void)state;
    text input = {0}, whole = {0}, seen = {0};
    for (size_t length = 900; length < 1200; length += 20) {
        text_clear(&input);
        text_add(&input, "[1]+  Done   ");
        while (input.length < length)
            text_add(&input, "x");
        text_add(&input, "\nend\n");
        play("a &", input.data, input.length, 0, NOTICES_ENDED, &whole);
        for (size_t cut = 1; cut < input.length; cut += 7) {
            play("a &", input.data, input.length, cut, NOTICES_ENDED, &seen);
            if (!text_equals(&seen, text_data(&whole), whole.length))
                print_error("a line of %zu bytes, cut at %zu\n", length, cut);
            assert_true(text_equals(&seen, text_data(&whole), whole.length));
        }
    }
    text_free(&input);
    text_free(&whole);
    text_free(&seen);
}

static void what_is_kept_back_is_bounded(void **state) {
    (void)state;
    text seen = {0};
    notices n = {.on_data = on_data, .owner = &seen};
    start(&n, true, "a & exit");
    assert_true(notices_feed(&n, "[1]+  Done ", 11));
    for (int i = 0; i < 3000; i++) {
        assert_true(notices_feed(&n, "x", 1));
        assert_true(bytes_length(&n.held) < 2048);
    }
    notices_finish(&n, NOTICES_ENDED);
    assert_int_equal(seen.length, 3011);
    notices_free(&n);
    text_free(&seen);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_shell_says_of_jobs_is_taken_out),
        cmocka_unit_test(with_what_is_said_of_the_directory),
        cmocka_unit_test(of_a_job_with_a_here_document),
        cmocka_unit_test(of_each_program_of_a_pipeline),
        cmocka_unit_test(other_shells_show_a_command_on_one_line),
        cmocka_unit_test(also_in_the_middle_of_a_line),
        cmocka_unit_test(what_is_said_of_a_kill_is_taken_out),
        cmocka_unit_test(what_is_like_it_is_kept),
        cmocka_unit_test(only_a_command_that_can_cause_them_is_looked_at),
        cmocka_unit_test(the_shells_last_word_is_taken_out),
        cmocka_unit_test(what_a_command_prints_as_the_shells_last_word_is_kept),
        cmocka_unit_test(a_numbered_list_is_kept),
        cmocka_unit_test(the_end_of_a_prompt_is_not_kept_back),
        cmocka_unit_test(the_newline_of_an_interrupt_is_taken_out),
        cmocka_unit_test(a_notice_may_stand_behind_that_newline),
        cmocka_unit_test(a_job_that_has_no_name_ends_without_a_newline),
        cmocka_unit_test(dash_and_ash_tell_of_jobs_only_there),
        cmocka_unit_test(a_long_line_is_the_same_in_pieces),
        cmocka_unit_test(what_is_kept_back_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
