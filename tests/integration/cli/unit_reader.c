/* SPDX-License-Identifier: MIT */
#include "cmocka_headers.h"
#include "reader.h"
#include "support/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A reader from a pipe, as if it were given by name. */
static int open_pipe(reader *from, char delimiter) {
    int ends[2];
    char path[64];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    assert_true(reader_open(from, path, delimiter));
    close(ends[0]);
    return ends[1];
}

static void feed(reader *from, int end, const char *bytes, size_t length) {
    assert_int_equal(write(end, bytes, length), length);
    reader_fill(from);
}

static void assert_command(reader *from, const char *expected, size_t expected_length) {
    char *command;
    size_t length;
    assert_int_equal(reader_next(from, &command, &length), READER_COMMAND);
    assert_int_equal(length, expected_length);
    assert_memory_equal(command, expected, expected_length + 1);
}

static void assert_answer(reader *from, reader_answer expected) {
    char *command;
    size_t length;
    assert_int_equal(reader_next(from, &command, &length), expected);
}

static void lines_come_as_soon_as_they_are_whole(void **state) {
    (void)state;
    reader from;
    int end = open_pipe(&from, '\n');
    assert_answer(&from, READER_WAIT);
    feed(&from, end, "ec", 2);
    assert_answer(&from, READER_WAIT);
    feed(&from, end, "ho\n\nb", 5);
    assert_command(&from, "echo", 4);
    assert_command(&from, "", 0);
    assert_answer(&from, READER_WAIT);
    feed(&from, end, "\0c", 2);
    close(end);
    reader_fill(&from);
    assert_command(&from, "b\0c", 3);
    assert_answer(&from, READER_END);
    reader_release(&from);
}

static void nul_separates_commands_of_several_lines(void **state) {
    (void)state;
    reader from;
    int end = open_pipe(&from, '\0');
    feed(&from, end, "a\nb\0c\n\0", 7);
    assert_command(&from, "a\nb", 3);
    assert_command(&from, "c\n", 2);
    close(end);
    reader_fill(&from);
    assert_answer(&from, READER_END);
    reader_release(&from);
}

static void finishing_takes_what_was_sent(void **state) {
    (void)state;
    reader from;
    int end = open_pipe(&from, '\n');
    assert_int_equal(write(end, "a\nb\nc", 5), 5);
    reader_finish(&from);
    assert_command(&from, "a", 1);
    assert_command(&from, "b", 1);
    assert_command(&from, "c", 1);
    assert_answer(&from, READER_END);
    close(end);
    reader_release(&from);
}

static void arguments_come_in_order(void **state) {
    (void)state;
    char one[] = "one";
    char two[] = "two";
    char *arguments[] = {one, two};
    reader from;
    reader_from_arguments(&from, arguments, 2);
    assert_command(&from, "one", 3);
    reader_finish(&from);
    assert_command(&from, "two", 3);
    assert_answer(&from, READER_END);
    reader_release(&from);
}

static void long_commands_are_whole_and_endless_ones_refused(void **state) {
    (void)state;
    enum { length = 1000 * 1000 };
    char folder[256];
    char path[512];
    assert_true(folder_make_temporary(folder, "cli-reader"));
    snprintf(path, sizeof path, "%s/commands", folder);
    char *line = malloc(length + 1);
    assert_non_null(line);
    memset(line, 'x', length);
    line[length] = 0;
    assert_true(file_write(path, line, length));

    reader from;
    assert_true(reader_open(&from, path, '\n'));
    while (!from.ended)
        reader_fill(&from);
    assert_command(&from, line, length);
    reader_release(&from);
    folder_remove(folder);
    free(line);

    assert_true(reader_open(&from, "/dev/zero", '\n'));
    while (!from.error)
        reader_fill(&from);
    assert_int_equal(from.error, EFBIG);
    assert_answer(&from, READER_FAILED);
    reader_release(&from);
}

static void what_cannot_be_read_is_refused(void **state) {
    (void)state;
    reader from;
    assert_false(reader_open(&from, "/nonexistent/commands", '\n'));
    assert_int_equal(from.error, ENOENT);
    assert_false(reader_open(&from, "/", '\n'));
    assert_int_equal(from.error, EISDIR);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_as_soon_as_they_are_whole),
        cmocka_unit_test(nul_separates_commands_of_several_lines),
        cmocka_unit_test(finishing_takes_what_was_sent),
        cmocka_unit_test(arguments_come_in_order),
        cmocka_unit_test(long_commands_are_whole_and_endless_ones_refused),
        cmocka_unit_test(what_cannot_be_read_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
