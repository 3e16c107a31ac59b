/* SPDX-License-Identifier: MIT */
#include "test_transport_channel.h"

#define PIPE transport_make_pipe

static hostsession_channel *channel_of(void **state) {
    return &((channel_state *)*state)->channel;
}

/* It reads its commands from the pipe, and survives SIGINT. */
static void open_shell(hostsession_channel *channel) {
    CHANNEL_OPEN(channel, PIPE, "sh");
    channel_write(channel, "trap : INT; echo ready\n");
    CHANNEL_WAIT_TEXT(channel, "ready\n");
}

static void free_loop_and_make_another(hostsession_channel *channel) {
    hostsession_loop_free(channel->loop);
    assert_int_equal(hostsession_loop_new(&channel->loop, NULL), HOSTSESSION_OK);
}

/* ---- Streams --------------------------------------------------------------------------------------------------- */

static void output_and_error_output_come_apart(void **state) {
    hostsession_channel *channel = channel_of(state);
    open_shell(channel);
    channel_forget(channel);
    channel_write(channel, "printf 'out\\000\\r\\n\\377'; printf 'err\\n' >&2; exit 3\n");
    channel_wait_ended(channel, 3, 0);
    assert_int_equal(channel->length[HOSTSESSION_STREAM_OUTPUT], 7);
    assert_memory_equal(channel->bytes[HOSTSESSION_STREAM_OUTPUT], "out\0\r\n\377", 7);
    assert_int_equal(channel->length[HOSTSESSION_STREAM_ERROR], 4);
    assert_memory_equal(channel->bytes[HOSTSESSION_STREAM_ERROR], "err\n", 4);
}

static void there_is_no_terminal(void **state) {
    hostsession_channel *channel = channel_of(state);
    CHANNEL_OPEN(channel, PIPE, "sh", "-c", "(: </dev/tty) 2>/dev/null || echo none; [ -p /dev/stdin ] && echo pipe");
    channel_wait_ended(channel, 0, 0);
    assert_string_equal(channel->bytes[0], "none\npipe\n");
}

static void much_output_is_whole(void **state) {
    hostsession_channel *channel = channel_of(state);
    CHANNEL_OPEN(channel, PIPE, "sh", "-c", "seq 1 300000; echo end >&2");
    channel_wait_ended(channel, 0, 0);
    const char *at = channel->bytes[0];
    for (int i = 1; i <= 300000; i++) {
        char line[16];
        int length = snprintf(line, sizeof line, "%d\n", i);
        assert_memory_equal(at, line, (size_t)length);
        at += length;
    }
    assert_int_equal(at - channel->bytes[0], channel->length[0]);
    assert_string_equal(channel->bytes[1], "end\n");
}

static void much_input_is_written_later(void **state) {
    enum { total = 1000000 };
    hostsession_channel *channel = channel_of(state);
    CHANNEL_OPEN(channel, PIPE, "sh", "-c", "head -c 1000000 | wc -c");
    char *bytes = calloc(1, total);
    assert_non_null(bytes);
    for (size_t sent = 0; sent < total;) {
        int writable = channel->writable;
        sent += channel->made.interface.write(channel->made.data, bytes + sent, total - sent);
        if (sent < total)
            CHANNEL_WAIT(channel, channel->writable > writable);
    }
    free(bytes);
    channel_wait_ended(channel, 0, 0);
    assert_string_equal(channel->bytes[0], "1000000\n");
}

static void a_pipe_without_a_reader_does_not_kill_the_caller(void **state) {
    hostsession_channel *channel = channel_of(state);
    signal(SIGPIPE, SIG_DFL);
    CHANNEL_OPEN(channel, PIPE, "sh", "-c", "exec <&-; echo closed; exec sleep 100");
    CHANNEL_WAIT_TEXT(channel, "closed\n");
    channel_write(channel, "anybody there?\n");
    channel_close(channel);
    free_loop_and_make_another(channel);
}

static void writing_to_the_dead_is_harmless(void **state) {
    hostsession_channel *channel = channel_of(state);
    CHANNEL_OPEN(channel, PIPE, "true");
    channel_wait_ended(channel, 0, 0);
    channel_write(channel, "anybody there?\n");
    assert_false(channel_signal(channel, HOSTSESSION_SIGNAL_KILL));
}

static void standard_descriptors_of_the_caller_may_be_closed(void **state) {
    hostsession_channel *channel = channel_of(state);
    int saved[3];
    for (int i = 0; i < 3; i++) {
        saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
        close(i);
    }
    CHANNEL_OPEN(channel, PIPE, "sh", "-c", "read -r line; echo \"$line\"; echo err >&2");
    channel_write(channel, "hello\n");
    CHANNEL_WAIT(channel, channel->ended);
    channel_close(channel);
    for (int i = 0; i < 3; i++) {
        dup2(saved[i], i);
        close(saved[i]);
    }
    assert_string_equal(channel->bytes[0], "hello\n");
    assert_string_equal(channel->bytes[1], "err\n");
}

/* ---- The end --------------------------------------------------------------------------------------------------- */

static void a_signal_is_told_from_an_exit(void **state) {
    hostsession_channel *channel = channel_of(state);
    CHANNEL_OPEN(channel, PIPE, "sh", "-c", "kill -TERM $$");
    channel_wait_ended(channel, 143, 15);
}

static void a_process_that_keeps_the_pipes_does_not_delay_the_end(void **state) {
    hostsession_channel *channel = channel_of(state);
    CHANNEL_OPEN(channel, PIPE, "sh", "-c", "sleep 100 & echo pid=$!; seq 1 30000; exit 4");
    channel_wait_ended(channel, 4, 0);
    assert_true(channel_has(channel, HOSTSESSION_STREAM_OUTPUT, "\n29999\n30000\n"));
    process_kill(channel_number(channel, "pid="));
}

static void a_process_that_floods_the_pipes_does_not_delay_the_end(void **state) {
    hostsession_channel *channel = channel_of(state);
    CHANNEL_OPEN(channel, PIPE, "sh", "-c", "yes & echo pid=$! >&2; exit 4");
    channel_wait_ended(channel, 4, 0);
    pid_t pid = atoi(channel->bytes[1] + strlen("pid="));
    process_kill(pid);
}

static void a_program_that_closes_its_output_is_ended(void **state) {
    hostsession_channel *channel = channel_of(state);
    CHANNEL_OPEN(channel, PIPE, "sh", "-c", "echo bye; exec sleep 100 >&- 2>&-");
    channel_wait_ended(channel, 137, 9);
    assert_string_equal(channel->bytes[0], "bye\n");
}

static void what_a_killed_shell_ran_is_hung_up(void **state) {
    hostsession_channel *channel = channel_of(state);
    open_shell(channel);
    channel_write(channel, "echo shell=$$; sh -c 'echo pid=$$; exec sleep 100'\n");
    pid_t shell = channel_number(channel, "shell=");
    pid_t pid = channel_number(channel, "pid=");
    kill(shell, SIGKILL);
    channel_wait_ended(channel, 137, 9);
    process_wait_gone(pid);
}

static void close_ends_what_runs(void **state) {
    hostsession_channel *channel = channel_of(state);
    open_shell(channel);
    channel_write(channel, "echo shell=$$; sh -c 'trap \"\" HUP TERM; echo pid=$$; exec sleep 100'\n");
    pid_t shell = channel_number(channel, "shell=");
    pid_t pid = channel_number(channel, "pid=");
    channel_close(channel);
    free_loop_and_make_another(channel);
    assert_int_equal(kill(shell, 0), -1);
    process_wait_gone(pid);
}

static void close_hangs_up_background_jobs_and_spares_what_was_meant_to_survive(void **state) {
    hostsession_channel *channel = channel_of(state);
    open_shell(channel);
    channel_write(channel, "sleep 100 & echo ordinary=$!\nnohup sleep 100 >/dev/null 2>&1 & echo survivor=$!\n"
                           "setsid sleep 100 >/dev/null 2>&1 & echo other=$!\n");
    pid_t ordinary = channel_number(channel, "ordinary=");
    pid_t survivor = channel_number(channel, "survivor=");
    pid_t other = channel_number(channel, "other=");
    process_wait_name(survivor, "sleep");
    process_wait_name(other, "sleep");
    channel_close(channel);
    free_loop_and_make_another(channel);
    process_wait_gone(ordinary);
    process_kill(survivor);
    process_kill(other);
}

static void close_in_a_callback(void **state) {
    hostsession_channel *channel = channel_of(state);
    channel->close_at_bytes = true;
    CHANNEL_OPEN(channel, PIPE, "yes");
    CHANNEL_WAIT(channel, !channel->open);
}

/* ---- Signals --------------------------------------------------------------------------------------------------- */

static void start_in_foreground(hostsession_channel *channel, const char *trap) {
    char line[200];
    channel->made.interface.begin(channel->made.data);
    snprintf(line, sizeof line, "sh -c '%s echo pid=$$; exec sleep 100' </dev/null; echo st=$?\n", trap);
    channel_write(channel, line);
    channel_number(channel, "pid=");
}

static void signals_reach_the_command_and_spare_the_shell(void **state) {
    static const struct {
        hostsession_signal asked;
        const char *trap;
        const char *answer;
    } cases[] = {
        {HOSTSESSION_SIGNAL_INTERRUPT, "", "st=130\n"},
        {HOSTSESSION_SIGNAL_QUIT, "trap \"\" INT;", "st=131\n"},
        {HOSTSESSION_SIGNAL_KILL, "trap \"\" INT QUIT;", "st=137\n"},
    };
    hostsession_channel *channel = channel_of(state);
    open_shell(channel);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        channel_forget(channel);
        start_in_foreground(channel, cases[i].trap);
        for (int asked = HOSTSESSION_SIGNAL_INTERRUPT; asked <= (int)cases[i].asked; asked++)
            assert_true(channel_signal(channel, (hostsession_signal)asked));
        CHANNEL_WAIT_TEXT(channel, cases[i].answer);
    }
}

/* The job may have started in the same tick of the kernel's clock as the command. */
static void kill_spares_background_jobs_of_earlier_commands(void **state) {
    hostsession_channel *channel = channel_of(state);
    open_shell(channel);
    channel_write(channel, "sleep 100 & echo bg=$!\n");
    pid_t background = channel_number(channel, "bg=");
    process_wait_name(background, "sleep");
    start_in_foreground(channel, "trap \"\" INT QUIT;");
    assert_true(channel_signal(channel, HOSTSESSION_SIGNAL_INTERRUPT));
    /* A session asks whether the shell answers, before it goes on. */
    channel_write(channel, "echo probe\n");
    assert_true(channel_signal(channel, HOSTSESSION_SIGNAL_KILL));
    CHANNEL_WAIT_TEXT(channel, "st=137\nprobe\n");
    assert_true(process_lives(background));
    channel_close(channel);
    process_wait_gone(background);
}

static void kill_without_a_command_finds_nothing(void **state) {
    hostsession_channel *channel = channel_of(state);
    open_shell(channel);
    assert_false(channel_signal(channel, HOSTSESSION_SIGNAL_QUIT));
    assert_false(channel_signal(channel, HOSTSESSION_SIGNAL_KILL));
    channel_write(channel, "echo alive\n");
    CHANNEL_WAIT_TEXT(channel, "alive\n");
}

/* A copy of the shell stays one here.  On a busy machine the moment may have passed. */
static void what_is_typed_behind_an_interrupt_waits_while_a_child_starts(void **state) {
    hostsession_channel *channel = channel_of(state);
    const hostsession_transport *transport = &channel->made.interface;
    char typed[32] = "", answer[32] = "";
    size_t taken = 1;
    if (access("/proc/thread-self/children", R_OK) != 0)
        skip();
    open_shell(channel);
    for (int i = 0; i < 100 && taken > 0; i++) {
        channel_forget(channel);
        transport->begin(channel->made.data);
        channel_write(channel, "(sleep 100; :) & echo bg=$!\n");
        channel_number(channel, "bg=");
        assert_true(channel_signal(channel, HOSTSESSION_SIGNAL_INTERRUPT));
        snprintf(typed, sizeof typed, "echo typed $((%d))\n", i);
        snprintf(answer, sizeof answer, "typed %d\n", i);
        taken = transport->write(channel->made.data, typed, strlen(typed));
    }
    assert_int_equal(taken, 0);
    while (taken == 0) {
        int writable = channel->writable;
        CHANNEL_WAIT(channel, channel->writable > writable);
        taken = transport->write(channel->made.data, typed, strlen(typed));
    }
    assert_int_equal(taken, strlen(typed));
    CHANNEL_WAIT_TEXT(channel, answer);
    channel_close(channel);
    free_loop_and_make_another(channel);
    while (waitpid(-1, NULL, 0) > 0)
        continue;
}

/* ---- Flow ------------------------------------------------------------------------------------------------------ */

static bool timer_fired;

static void on_timer(loop_timer *timer) {
    (void)timer;
    timer_fired = true;
}

static void a_timer_fires_during_a_flood(void **state) {
    hostsession_channel *channel = channel_of(state);
    loop_timer timer;
    timer_fired = false;
    channel->count_only = true;
    CHANNEL_OPEN(channel, PIPE, "sh", "-c", "yes >&2 & yes");
    CHANNEL_WAIT(channel, channel->length[0] > 0 && channel->length[1] > 0);
    assert_true(loop_timer_init(&timer, channel->loop, on_timer));
    loop_timer_set(&timer, loop_now_us(channel->loop) + 20000);
    CHANNEL_WAIT(channel, timer_fired);
    loop_timer_destroy(&timer);
    channel_close(channel);
    free_loop_and_make_another(channel);
    int status;
    while (waitpid(-1, &status, 0) > 0)
        continue;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CHANNEL_TEST(output_and_error_output_come_apart),
        CHANNEL_TEST(there_is_no_terminal),
        CHANNEL_TEST(much_output_is_whole),
        CHANNEL_TEST(much_input_is_written_later),
        CHANNEL_TEST(a_pipe_without_a_reader_does_not_kill_the_caller),
        CHANNEL_TEST(writing_to_the_dead_is_harmless),
        CHANNEL_TEST(standard_descriptors_of_the_caller_may_be_closed),
        CHANNEL_TEST(a_signal_is_told_from_an_exit),
        CHANNEL_TEST(a_process_that_keeps_the_pipes_does_not_delay_the_end),
        CHANNEL_TEST(a_process_that_floods_the_pipes_does_not_delay_the_end),
        CHANNEL_TEST(a_program_that_closes_its_output_is_ended),
        CHANNEL_TEST(what_a_killed_shell_ran_is_hung_up),
        CHANNEL_TEST(close_ends_what_runs),
        CHANNEL_TEST(close_hangs_up_background_jobs_and_spares_what_was_meant_to_survive),
        CHANNEL_TEST(close_in_a_callback),
        CHANNEL_TEST(signals_reach_the_command_and_spare_the_shell),
        CHANNEL_TEST(kill_spares_background_jobs_of_earlier_commands),
        CHANNEL_TEST(kill_without_a_command_finds_nothing),
        CHANNEL_TEST(what_is_typed_behind_an_interrupt_waits_while_a_child_starts),
        CHANNEL_TEST(a_timer_fires_during_a_flood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
