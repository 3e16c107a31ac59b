/* SPDX-License-Identifier: MIT */
#include "transport/processes.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { patience_ms = 30000 };

#define WAIT_FOR(condition)                                                                                            \
    do {                                                                                                               \
        int left_ms = patience_ms;                                                                                     \
        while (!(condition) && left_ms-- > 0)                                                                          \
            poll(NULL, 0, 1);                                                                                          \
        assert_true(condition);                                                                                        \
    } while (0)

/* A process that waits for a child which ends when it is told to through the pipe, and then for signals. */
static pid_t start_parent(int pipe_ends[2]) {
    assert_int_equal(pipe(pipe_ends), 0);
    pid_t parent = fork();
    assert_true(parent >= 0);
    if (parent > 0)
        return parent;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pid_t child = fork();
    char byte;
    if (child == 0)
        _exit(read(pipe_ends[0], &byte, 1) == 1 ? 0 : 1);
    waitpid(child, NULL, 0);
    for (;;)
        poll(NULL, 0, -1);
}

static void end_parent(pid_t parent, const int pipe_ends[2]) {
    kill(parent, SIGKILL);
    waitpid(parent, NULL, 0);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}

static void stop(pid_t pid) {
    kill(pid, SIGSTOP);
    WAIT_FOR(processes_is_stopped(pid));
}

static void a_wait_is_told_from_other_calls(void **state) {
    (void)state;
    /* A kernel without it, or a container that hides it. */
    if (access("/proc/self/syscall", R_OK) != 0)
        skip();
    int pipe_ends[2];
    pid_t parent = start_parent(pipe_ends);
    WAIT_FOR(processes_stopped_in_wait(parent));
    stop(parent);
    assert_true(processes_stopped_in_wait(parent));
    kill(parent, SIGCONT);
    assert_int_equal(write(pipe_ends[1], "x", 1), 1);
    WAIT_FOR(processes_children_waited(parent) > 0);
    stop(parent);
    assert_false(processes_stopped_in_wait(parent));
    end_parent(parent, pipe_ends);
}

static void a_child_that_was_waited_for_counts(void **state) {
    (void)state;
    int pipe_ends[2];
    pid_t parent = start_parent(pipe_ends);
    assert_int_equal(processes_children_waited(parent), 0);
    assert_int_equal(write(pipe_ends[1], "x", 1), 1);
    WAIT_FOR(processes_children_waited(parent) > 0);
    end_parent(parent, pipe_ends);
    assert_int_equal(processes_children_waited(parent), 0);
}

static pid_t start_copy(void) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;)
        poll(NULL, 0, -1);
}

static void a_copy_of_its_parent_is_starting_for_a_moment(void **state) {
    (void)state;
    bool starting = false;
    /* (valgrind shows a process another command line of its own than others see.) */
    pid_t like = start_copy();
    /* On a busy machine the moment may have passed. */
    for (int i = 0; i < 100 && !starting; i++) {
        pid_t child = start_copy();
        starting = processes_is_starting(child, like);
        WAIT_FOR(!processes_is_starting(child, like));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    kill(like, SIGKILL);
    waitpid(like, NULL, 0);
    assert_true(starting);
    assert_false(processes_is_starting(1, getpid()));
}

static void numbers_begin_again(void **state) {
    (void)state;
    assert_true(processes_number_is_later(5001, 5000));
    assert_false(processes_number_is_later(5000, 5001));
    assert_false(processes_number_is_later(5000, 5000));
    assert_true(processes_number_is_later(302, 32767));
    assert_false(processes_number_is_later(32767, 302));
    assert_true(processes_number_is_later(301, 4194303));
    assert_false(processes_number_is_later(4194303, 301));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wait_is_told_from_other_calls),
        cmocka_unit_test(a_child_that_was_waited_for_counts),
        cmocka_unit_test(a_copy_of_its_parent_is_starting_for_a_moment),
        cmocka_unit_test(numbers_begin_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
