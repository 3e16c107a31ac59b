/* SPDX-License-Identifier: MIT */
#include "login.h"

#include "message.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static void put(int terminal, const char *text) {
    ssize_t written = write(terminal, text, strlen(text));
    (void)written;
}

static void put_prompt(int terminal, const hostsession_question *question) {
    char text[1024];
    char shown[2048];
    const char *again = question->attempt > 1 ? "Not accepted. " : "";
    if (question->kind == HOSTSESSION_QUESTION_PASSPHRASE)
        snprintf(text, sizeof text, "%sPassphrase of %s: ", again, question->subject);
    else if (question->prompt[0])
        snprintf(text, sizeof text, "%s(%s@%s) %s", again, question->user, question->target, question->prompt);
    else
        snprintf(text, sizeof text, "%sPassword of %s@%s: ", again, question->user, question->target);
    put(terminal, escape_text(shown, sizeof shown, text, strlen(text)));
}

/* A signal that comes just before a read would not end that. */
static bool wait_for_input(int terminal, int wake_descriptor) {
    struct pollfd either[] = {{.fd = terminal, .events = POLLIN}, {.fd = wake_descriptor, .events = POLLIN}};
    return poll(either, 2, -1) > 0 && !either[1].revents;
}

/* Read a line; false when it was broken off. */
static bool read_line(int terminal, int wake_descriptor, char *answer, size_t size) {
    size_t length = 0;
    for (;;) {
        char byte;
        if (!wait_for_input(terminal, wake_descriptor) || read(terminal, &byte, 1) <= 0)
            return false;
        if (byte == '\n' || byte == '\r')
            break;
        if (length + 1 < size)
            answer[length++] = byte;
    }
    answer[length] = 0;
    return true;
}

static bool ask_user(const hostsession_question *question, int wake_descriptor, char *answer, size_t size) {
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal < 0) {
        message("--password-from ask: there is no terminal to ask on");
        return false;
    }
    struct termios before, quiet;
    bool hides = !question->echo && tcgetattr(terminal, &before) == 0;
    if (hides) {
        quiet = before;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(terminal, TCSAFLUSH, &quiet);
    }
    put_prompt(terminal, question);
    bool read = read_line(terminal, wake_descriptor, answer, size);
    if (hides) {
        tcsetattr(terminal, TCSAFLUSH, &before);
        put(terminal, "\n");
    }
    close(terminal);
    return read;
}

bool login_answer(const login *from, const hostsession_question *question, int wake_descriptor, char *answer,
                  size_t answer_size) {
    if (!from->source)
        return false;
    if (!from->password)
        return ask_user(question, wake_descriptor, answer, answer_size);
    /* One that was refused is not given again: the host counts, and may lock the user out. */
    if (question->kind == HOSTSESSION_QUESTION_OTHER || question->attempt > 1 || strlen(from->password) >= answer_size)
        return false;
    strcpy(answer, from->password);
    return true;
}
