/* SPDX-License-Identifier: MIT */
/* `hostsession run --session-log`. */
#include "cmocka_headers.h"
#include "invocation.h"
#include "support/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct place {
    char folder[256];
    char log[300];
} place;

static void make_place(place *p) {
    assert_true(folder_make_temporary(p->folder, "cli-log"));
    snprintf(p->log, sizeof p->log, "%s/log", p->folder);
}

/* Each line of it is a head, or a time, a direction and a text without control characters. */
static void assert_well_formed(const text *log) {
    for (const char *line = text_data(log); *line;) {
        size_t length = strcspn(line, "\n");
        assert_int_equal(line[length], '\n');
        for (size_t i = 0; i < length; i++)
            assert_true((unsigned char)line[i] >= 0x20);
        if (line[0] != '#') {
            char direction = 0;
            char *end;
            assert_true(strtod(line, &end) >= 0 && end > line);
            assert_int_equal(sscanf(end, " %c ", &direction), 1);
            assert_true(direction == '>' || direction == '<');
        }
        line += length + 1;
    }
}

static void both_directions_are_there_and_runs_are_appended(void **state) {
    (void)state;
    place p;
    invocation it;
    text log = {0};
    make_place(&p);
    assert_int_equal(RUN(&it, "run", "--session-log", p.log, "local", "echo A''B; printf '\\033[1m'"), 0);
    assert_text(&it.output_text, "AB\n\033[1m");
    invocation_release(&it);
    assert_int_equal(RUN(&it, "run", "--session-log", p.log, "exec:sh", "exit 3"), 3);
    invocation_release(&it);
    assert_true(file_read(p.log, &log));
    assert_well_formed(&log);
    assert_contains(&log, "Z local\n");
    assert_contains(&log, "Z exec:sh\n");
    assert_contains(&log, "AB\\n");
    assert_contains(&log, "\\x1b[1m");
    assert_contains(&log, "exit 3");
    struct stat status;
    assert_int_equal(stat(p.log, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    text_free(&log);
    folder_remove(p.folder);
}

static void secrets_are_blanked(void **state) {
    (void)state;
    place p;
    invocation it;
    text log = {0};
    make_place(&p);
    assert_int_equal(setenv("LOG_SECRET", "xyzzy-7263", 1), 0);
    assert_int_equal(RUN(&it, "run", "--session-log", p.log, "--expect", "word: ", "--reply-from", "env:LOG_SECRET",
                         "local", "printf 'word: '; read -r x; echo \"<$x>\""),
                     0);
    assert_text(&it.output_text, "word: <xyzzy-7263>\n");
    assert_true(file_read(p.log, &log));
    assert_well_formed(&log);
    assert_contains(&log, "> ***\n");
    assert_contains(&log, "<***>");
    assert_false(text_contains(&log, "xyzzy-7263"));
    unsetenv("LOG_SECRET");
    text_free(&log);
    invocation_release(&it);
    folder_remove(p.folder);
}

static void a_log_that_is_not_whole_is_told(void **state) {
    (void)state;
    invocation it;
    assert_int_equal(RUN(&it, "run", "--session-log", "/dev/full", "local", "echo done"), 255);
    assert_text(&it.output_text, "done\n");
    assert_contains(&it.error_text, "/dev/full");
    assert_contains(&it.error_text, "No space left");
    invocation_release(&it);
    assert_int_equal(RUN(&it, "run", "--session-log", "/dev/full", "local", "exit 4"), 4);
    invocation_release(&it);
}

static void a_fifo_that_nobody_reads_is_refused(void **state) {
    (void)state;
    place p;
    invocation it;
    make_place(&p);
    assert_int_equal(mkfifo(p.log, 0600), 0);
    assert_int_equal(RUN(&it, "run", "--session-log", p.log, "local", "echo NOT"), 2);
    assert_text(&it.output_text, "");
    assert_contains(&it.error_text, "a FIFO that nobody reads");
    invocation_release(&it);
    folder_remove(p.folder);
}

int main(int argc, char **argv) {
    (void)argc;
    invocation_program = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_directions_are_there_and_runs_are_appended),
        cmocka_unit_test(secrets_are_blanked),
        cmocka_unit_test(a_log_that_is_not_whole_is_told),
        cmocka_unit_test(a_fifo_that_nobody_reads_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
