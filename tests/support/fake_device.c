/* SPDX-License-Identifier: MIT */
/*
 * A network device for tests, on its terminal: a program for exec: targets, or behind a listener.
 *
 *     fake_device [OPTION]...
 *
 *     login         asks for a name (admin) and a password (secret) first
 *     silent        says nothing before the first Enter
 *     noecho        does not echo
 *     redraw        echoes as a line editor that draws the line again and again
 *     color         its prompt is in color
 *
 * Commands: `help` lists them.  Enter is CR or LF.  Ctrl+C stops what runs, and throws away what was typed.
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { interrupt = 3, end_of_input = 4, line_bytes = 4096, page_lines = 10 };

static bool echoes = true, redraws, colored, configuring, interrupted, paging = true;
static int last_status;
static char typed_ahead[line_bytes];
static size_t typed_ahead_length;

static void say(const char *format, ...) {
    char text[line_bytes];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (int done = 0; done < length;) {
        ssize_t written = write(STDOUT_FILENO, text + done, (size_t)(length - done));
        if (written <= 0 && errno != EINTR)
            exit(1);
        done += written > 0 ? (int)written : 0;
    }
}

/* Take what was typed, waiting up to `timeout_ms`; Ctrl+C throws it away. */
static void listen_for(int timeout_ms) {
    struct pollfd wait = {.fd = STDIN_FILENO, .events = POLLIN};
    if (poll(&wait, 1, timeout_ms) <= 0)
        return;
    char bytes[256];
    ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes);
    if (got <= 0)
        exit(0);
    for (ssize_t i = 0; i < got; i++) {
        if (bytes[i] == interrupt) {
            interrupted = true;
            typed_ahead_length = 0;
        } else if (typed_ahead_length < sizeof typed_ahead) {
            typed_ahead[typed_ahead_length++] = bytes[i];
        }
    }
}

static int next_key(void) {
    while (typed_ahead_length == 0 && !interrupted)
        listen_for(-1);
    if (typed_ahead_length == 0)
        return interrupt;
    char key = typed_ahead[0];
    memmove(typed_ahead, typed_ahead + 1, --typed_ahead_length);
    return (unsigned char)key;
}

/* Pause as a slow device does; false: it was interrupted. */
static bool pause_ms(int ms) {
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    while (!interrupted) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        long passed = (now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000;
        if (passed >= ms)
            return true;
        listen_for((int)(ms - passed));
    }
    return false;
}

static void prompt(void) {
    const char *name = configuring ? "R1(config)#" : "R1#";
    say(colored ? "\033[1;32m%s\033[0m " : "%s ", name);
}

/* A typed line.  False: it was interrupted. */
static bool read_line(char line[line_bytes], bool shown) {
    size_t length = 0;
    for (;;) {
        int key = next_key();
        if (key == interrupt) {
            interrupted = false;
            say("^C\r\n");
            return false;
        }
        if (key == end_of_input)
            exit(7);
        if (key == '\r' || key == '\n')
            break;
        if (length + 1 < line_bytes)
            line[length++] = (char)key;
        line[length] = 0;
        if (redraws && shown)
            say("\r\033[KR1# %s \b", line);
        else if (echoes && shown)
            say("%c", key);
    }
    line[length] = 0;
    if (echoes || !shown)
        say("\r\n");
    return true;
}

static void fail(const char *why) {
    say("%% %s\r\n", why);
    last_status = 1;
}

static void page(int lines) {
    for (int i = 1; i <= lines && !interrupted; i++) {
        say("  line %d\r\n", i);
        if (!paging || i % page_lines != 0 || i == lines)
            continue;
        say(" --More-- ");
        int key = next_key();
        say("\b\b\b\b\b\b\b\b\b\b          \b\b\b\b\b\b\b\b\b\b");
        if (key == 'q')
            return;
    }
}

static void drip(const char *text, int gap_ms) {
    for (; *text && pause_ms(gap_ms); text++)
        say("%c", *text);
}

static void flood(void) {
    while (!interrupted) {
        say("flood R1# \r\nR1# \r\n");
        listen_for(0);
    }
}

static void ask(void) {
    char answer[line_bytes];
    say("Proceed with reload? [confirm]");
    if (read_line(answer, true))
        say("answer was '%s'\r\n", answer);
}

static void enable(void) {
    char answer[line_bytes];
    say("Password: ");
    if (read_line(answer, false) && strcmp(answer, "secret") != 0)
        fail("Access denied");
}

static bool is(const char *line, const char *command) {
    return strcmp(line, command) == 0;
}

static void obey(const char *line) {
    int number = 0;
    int before = last_status;
    last_status = 0;
    if (is(line, "help"))
        say("page N, lines, gap, slow, lure, twice, sleep, flood, ask, enable, configure, end, bad, status, raw, "
            "exit\r\n");
    else if (sscanf(line, "page %d", &number) == 1)
        page(number);
    else if (is(line, "terminal length 0"))
        paging = false;
    else if (is(line, "lines"))
        say("\r\n  first\r\n\r\n%% not at a start: %%\r\nlast\r\n\r\n");
    else if (is(line, "gap"))
        say("no newline at the end");
    else if (is(line, "slow"))
        drip("one\r\nR1# two\r\n", 5);
    else if (is(line, "lure")) {
        say("before\r\nR1# ");
        if (pause_ms(400))
            say("is what it says\r\nR1> ");
        if (pause_ms(400))
            say("\r\nafter\r\n");
    } else if (is(line, "twice"))
        say("R1# \r\nR1# \r\n");
    else if (is(line, "sleep")) {
        say("sleeping\r\n");
        if (!pause_ms(600000))
            say("woken up\r\n");
    } else if (is(line, "flood"))
        flood();
    else if (is(line, "ask"))
        ask();
    else if (is(line, "enable"))
        enable();
    else if (is(line, "configure"))
        configuring = true;
    else if (is(line, "end"))
        configuring = false;
    else if (is(line, "bad"))
        fail("Invalid input detected at '^' marker.");
    else if (is(line, "status"))
        say("last status: %d\r\n", before);
    else if (is(line, "raw"))
        say("\033[31mred\033[0m\a\ttab\r\n50%%\r100%%\r\n");
    else if (is(line, "deaf"))
        for (;;)
            pause();
    else if (is(line, "exit"))
        exit(3);
    else if (*line)
        fail("Unknown command");
    else
        last_status = before;
    if (interrupted)
        say("^C\r\n");
    interrupted = false;
}

static void log_in(void) {
    char name[line_bytes], password[line_bytes];
    for (;;) {
        say("\r\nUser Access Verification\r\n\r\nlogin: ");
        if (!read_line(name, true))
            continue;
        say("Password: ");
        if (read_line(password, false) && is(name, "admin") && is(password, "secret"))
            return;
        say("Login incorrect\r\n");
    }
}

int main(int argc, char **argv) {
    bool silent = false, logs_in = false;
    for (int i = 1; i < argc; i++) {
        silent |= is(argv[i], "silent");
        logs_in |= is(argv[i], "login");
        redraws |= is(argv[i], "redraw");
        colored |= is(argv[i], "color");
        if (is(argv[i], "noecho"))
            echoes = false;
    }
    struct termios modes;
    if (tcgetattr(STDIN_FILENO, &modes) == 0) {
        cfmakeraw(&modes);
        tcsetattr(STDIN_FILENO, TCSANOW, &modes);
    }
    if (silent)
        while (next_key() != '\r')
            ;
    if (logs_in)
        log_in();
    say("\r\nWelcome to R1.  Unauthorized use is prohibited.\r\n\r\n");
    for (;;) {
        char line[line_bytes];
        prompt();
        if (read_line(line, true))
            obey(line);
    }
}
