/* SPDX-License-Identifier: MIT */
#include "test_transport_channel.h"

#define PTY transport_make_pty

static hostsession_channel *channel_of(void **state) {
    return &((channel_state *)*state)->channel;
}

static void open_shell(hostsession_channel *channel) {
    CHANNEL_OPEN(channel, PTY, "sh", "-i");
    channel_write(channel, "echo re''ady\n");
    CHANNEL_WAIT_TEXT(channel, "ready\n");
}

/* ---- The terminal ---------------------------------------------------------------------------------------------- */

static void what_is_typed_is_run_and_not_echoed(void **state) {
    hostsession_channel *channel = channel_of(state);
    open_shell(channel);
    channel_write(channel, "tty >/dev/null && echo one-$((1 + 1)); echo err >&2\n");
    CHANNEL_WAIT_TEXT(channel, "one-2\nerr\n");
    assert_false(channel_has(channel, HOSTSESSION_STREAM_OUTPUT, "tty"));
    assert_false(channel_has(channel, HOSTSESSION_STREAM_OUTPUT, "\r"));
    assert_int_equal(channel->length[HOSTSESSION_STREAM_ERROR], 0);
    channel_write(channel, "exit 7\n");
    channel_wait_ended(channel, 7, 0);
}

static void the_terminal_is_controlling_wide_and_dumb(void **state) {
    hostsession_channel *channel = channel_of(state);
    setenv("COLUMNS", "80", 1);
    setenv("LINES", "25", 1);
    CHANNEL_OPEN(channel, PTY, "sh", "-c", "stty size; echo $TERM,$COLUMNS,$LINES,; : </dev/tty && echo controlling");
    channel_wait_ended(channel, 0, 0);
    unsetenv("COLUMNS");
    unsetenv("LINES");
    assert_string_equal(channel->bytes[0], "24 10000\ndumb,,,\ncontrolling\n");
}

static void bytes_come_unchanged(void **state) {
    hostsession_channel *channel = channel_of(state);
    CHANNEL_OPEN(channel, PTY, "sh", "-c", "printf 'a\\000b\\r\\n\\tc\\377\\004\\023d\\n\\n'");
    channel_wait_ended(channel, 0, 0);
    static const char expected[] = "a\0b\r\n\tc\377\004\023d\n\n";
    assert_int_equal(channel->length[0], sizeof expected - 1);
    assert_memory_equal(channel->bytes[0], expected, sizeof expected - 1);
}

static void all_output_comes_before_the_end(void **state) {
    hostsession_channel *channel = channel_of(state);
    CHANNEL_OPEN(channel, PTY, "seq", "1", "60000");
    channel_wait_ended(channel, 0, 0);
    const char *at = channel->bytes[0];
    for (int i = 1; i <= 60000; i++) {
        char line[16];
        int length = snprintf(line, sizeof line, "%d\n", i);
        assert_memory_equal(at, line, (size_t)length);
        at += length;
    }
    assert_int_equal(at - channel->bytes[0], channel->length[0]);
}

static void echo_is_seen_and_modes_come_back(void **state) {
    hostsession_channel *channel = channel_of(state);
    const hostsession_transport *pty = &channel->made.interface;
    open_shell(channel);
    assert_int_equal(pty->echoes(channel->made.data), 0);
    channel_write(channel, "stty echo opost onlcr intr ^X; echo ch''anged\n");
    CHANNEL_WAIT_TEXT(channel, "changed\r\n");
    assert_int_equal(pty->echoes(channel->made.data), 1);
    assert_true(pty->reset_terminal(channel->made.data));
    assert_int_equal(pty->echoes(channel->made.data), 0);
    channel_write(channel, "stty -a | grep -o 'intr = ..'; echo ba''ck\n");
    CHANNEL_WAIT_TEXT(channel, "intr = ^C\nback\n");
}

/* ---- The end --------------------------------------------------------------------------------------------------- */

static void a_signal_is_told_from_an_exit(void **state) {
    hostsession_channel *channel = channel_of(state);
    CHANNEL_OPEN(channel, PTY, "sh", "-c", "kill -9 $$");
    channel_wait_ended(channel, 137, 9);
}

static void an_exit_that_the_caller_ignores_is_unknown(void **state) {
    hostsession_channel *channel = channel_of(state);
    signal(SIGCHLD, SIG_IGN);
    CHANNEL_OPEN(channel, PTY, "sh", "-c", "echo bye; exit 3");
    CHANNEL_WAIT(channel, channel->ended);
    signal(SIGCHLD, SIG_DFL);
    assert_false(channel->how.known);
    assert_string_equal(channel->bytes[0], "bye\n");
}

static void a_process_that_keeps_the_terminal_does_not_delay_the_end(void **state) {
    hostsession_channel *channel = channel_of(state);
    CHANNEL_OPEN(channel, PTY, "sh", "-c", "trap '' HUP; sleep 100 & echo pid=$!; seq 1 3000; exit 4");
    channel_wait_ended(channel, 4, 0);
    assert_true(channel_has(channel, HOSTSESSION_STREAM_OUTPUT, "\n2999\n3000\n"));
    process_kill(channel_number(channel, "pid="));
}

static void a_program_that_closes_its_terminal_is_ended(void **state) {
    hostsession_channel *channel = channel_of(state);
    CHANNEL_OPEN(channel, PTY, "sh", "-c", "echo bye; exec sleep 100 <&- >&- 2>&-");
    channel_wait_ended(channel, 137, 9);
    assert_string_equal(channel->bytes[0], "bye\n");
}

static void writing_to_the_dead_is_harmless(void **state) {
    hostsession_channel *channel = channel_of(state);
    CHANNEL_OPEN(channel, PTY, "true");
    channel_wait_ended(channel, 0, 0);
    channel_write(channel, "anybody there?\n");
    assert_false(channel_signal(channel, HOSTSESSION_SIGNAL_KILL));
}

static void close_ends_shell_and_foreground(void **state) {
    hostsession_channel *channel = channel_of(state);
    open_shell(channel);
    channel_write(channel, "echo sh''ell=$$; sh -c 'trap \"\" HUP INT QUIT TERM; echo pi''d=$$; exec sleep 100'\n");
    pid_t shell = channel_number(channel, "shell=");
    pid_t pid = channel_number(channel, "pid=");
    channel_close(channel);
    hostsession_loop_free(channel->loop);
    assert_int_equal(kill(shell, 0), -1);
    process_wait_gone(pid);
    assert_int_equal(hostsession_loop_new(&channel->loop, NULL), HOSTSESSION_OK);
}

static void close_ends_a_foreground_without_job_control(void **state) {
    hostsession_channel *channel = channel_of(state);
    CHANNEL_OPEN(channel, PTY, "sh", "-c", "sh -c 'trap \"\" HUP TERM; echo pid=$$; exec sleep 100'; true");
    pid_t pid = channel_number(channel, "pid=");
    channel_close(channel);
    hostsession_loop_free(channel->loop);
    process_wait_gone(pid);
    assert_int_equal(hostsession_loop_new(&channel->loop, NULL), HOSTSESSION_OK);
}

static void close_spares_what_was_meant_to_survive(void **state) {
    hostsession_channel *channel = channel_of(state);
    open_shell(channel);
    channel_write(channel, "nohup sleep 100 >/dev/null 2>&1 & echo pi''d=$!\n");
    pid_t pid = channel_number(channel, "pid=");
    process_wait_name(pid, "sleep");
    channel_close(channel);
    hostsession_loop_free(channel->loop);
    process_kill(pid);
    assert_int_equal(hostsession_loop_new(&channel->loop, NULL), HOSTSESSION_OK);
}

static void close_in_a_callback(void **state) {
    hostsession_channel *channel = channel_of(state);
    channel->close_at_bytes = true;
    CHANNEL_OPEN(channel, PTY, "yes");
    CHANNEL_WAIT(channel, !channel->open);
}

/* ---- Signals --------------------------------------------------------------------------------------------------- */

static void start_in_foreground(hostsession_channel *channel, const char *trap) {
    char line[200];
    snprintf(line, sizeof line, "sh -c '%s echo pi''d=$$; exec sleep 100'; echo s''t=$?\n", trap);
    channel_write(channel, line);
}

static void signals_reach_the_foreground_group(void **state) {
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
        channel_number(channel, "pid=");
        assert_true(channel_signal(channel, cases[i].asked));
        /* dash gives up its line after an interrupt. */
        channel_write(channel, "\necho s''t=$?\n");
        CHANNEL_WAIT_TEXT(channel, cases[i].answer);
    }
}

static void the_shell_itself_is_not_signalled(void **state) {
    hostsession_channel *channel = channel_of(state);
    open_shell(channel);
    for (int asked = HOSTSESSION_SIGNAL_INTERRUPT; asked <= HOSTSESSION_SIGNAL_KILL; asked++)
        assert_false(channel_signal(channel, (hostsession_signal)asked));
    channel_write(channel, "echo ali''ve\n");
    CHANNEL_WAIT_TEXT(channel, "alive\n");
}

static void kill_finds_the_command_without_job_control(void **state) {
    hostsession_channel *channel = channel_of(state);
    open_shell(channel);
    channel_write(channel, "set +m; sleep 100 & echo b''g=$!\n");
    pid_t background = channel_number(channel, "bg=");
    process_wait_name(background, "sleep");
    start_in_foreground(channel, "trap \"\" INT QUIT;");
    channel_number(channel, "pid=");
    assert_false(channel_signal(channel, HOSTSESSION_SIGNAL_INTERRUPT));
    assert_true(channel_signal(channel, HOSTSESSION_SIGNAL_KILL));
    CHANNEL_WAIT_TEXT(channel, "st=137\n");
    assert_true(process_lives(background));
    kill(background, SIGKILL);
    channel_write(channel, "wait; echo ali''ve\n");
    CHANNEL_WAIT_TEXT(channel, "alive\n");
}

static void the_program_starts_with_default_signals(void **state) {
    hostsession_channel *channel = channel_of(state);
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    signal(SIGUSR2, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    CHANNEL_OPEN(channel, PTY, "grep", "-E", "^Sig(Blk|Ign):", "/proc/self/status");
    channel_wait_ended(channel, 0, 0);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGUSR2, SIG_DFL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    unsigned long long mask_blocked = 1, ignored = 1;
    assert_int_equal(sscanf(channel->bytes[0], "SigBlk: %llx SigIgn: %llx", &mask_blocked, &ignored), 2);
    assert_int_equal(mask_blocked, 0);
    /* 32 and 33 are the C library's own. */
    assert_int_equal(ignored & ~(UINT64_C(3) << 31), 0);
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
    CHANNEL_OPEN(channel, PTY, "yes");
    CHANNEL_WAIT(channel, channel->length[0] > 0);
    assert_true(loop_timer_init(&timer, channel->loop, on_timer));
    loop_timer_set(&timer, loop_now_us(channel->loop) + 20000);
    CHANNEL_WAIT(channel, timer_fired);
    loop_timer_destroy(&timer);
}

static void a_full_terminal_is_written_later(void **state) {
    enum { total = 1000000 };
    hostsession_channel *channel = channel_of(state);
    CHANNEL_OPEN(channel, PTY, "sh", "-c", "stty raw; echo ready; head -c 1000000 | wc -c");
    CHANNEL_WAIT_TEXT(channel, "ready\n");
    char *bytes = calloc(1, total);
    assert_non_null(bytes);
    for (size_t sent = 0; sent < total;) {
        int writable = channel->writable;
        sent += channel->made.interface.write(channel->made.data, bytes + sent, total - sent);
        if (sent < total)
            CHANNEL_WAIT(channel, channel->writable > writable);
    }
    free(bytes);
    CHANNEL_WAIT_TEXT(channel, "1000000\n");
    channel_wait_ended(channel, 0, 0);
}

static void many_on_one_loop(void **state) {
    enum { count = 40 };
    hostsession_channel *first = channel_of(state);
    hostsession_channel channels[count];
    memset(channels, 0, sizeof channels);
    for (int i = 0; i < count; i++) {
        channels[i].loop = first->loop;
        CHANNEL_OPEN(&channels[i], PTY, "cat");
    }
    for (int i = 0; i < count; i++) {
        char line[32];
        snprintf(line, sizeof line, "line %d\n", i);
        channel_write(&channels[i], line);
    }
    for (int i = 0; i < count; i++) {
        char line[32];
        snprintf(line, sizeof line, "line %d\n", i);
        CHANNEL_WAIT_TEXT(&channels[i], line);
        assert_string_equal(channels[i].bytes[0], line);
        channel_close(&channels[i]);
        free(channels[i].bytes[0]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CHANNEL_TEST(what_is_typed_is_run_and_not_echoed),
        CHANNEL_TEST(the_terminal_is_controlling_wide_and_dumb),
        CHANNEL_TEST(bytes_come_unchanged),
        CHANNEL_TEST(all_output_comes_before_the_end),
        CHANNEL_TEST(echo_is_seen_and_modes_come_back),
        CHANNEL_TEST(a_signal_is_told_from_an_exit),
        CHANNEL_TEST(an_exit_that_the_caller_ignores_is_unknown),
        CHANNEL_TEST(a_process_that_keeps_the_terminal_does_not_delay_the_end),
        CHANNEL_TEST(a_program_that_closes_its_terminal_is_ended),
        CHANNEL_TEST(writing_to_the_dead_is_harmless),
        CHANNEL_TEST(close_ends_shell_and_foreground),
        CHANNEL_TEST(close_ends_a_foreground_without_job_control),
        CHANNEL_TEST(close_spares_what_was_meant_to_survive),
        CHANNEL_TEST(close_in_a_callback),
        CHANNEL_TEST(signals_reach_the_foreground_group),
        CHANNEL_TEST(the_shell_itself_is_not_signalled),
        CHANNEL_TEST(kill_finds_the_command_without_job_control),
        CHANNEL_TEST(the_program_starts_with_default_signals),
        CHANNEL_TEST(a_timer_fires_during_a_flood),
        CHANNEL_TEST(a_full_terminal_is_written_later),
        CHANNEL_TEST(many_on_one_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
