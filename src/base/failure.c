/* SPDX-License-Identifier: MIT */
#include "base/failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static size_t escape_byte(char out[5], unsigned char byte) {
    static const char digits[] = "0123456789abcdef";
    if (byte >= 0x20 && byte < 0x7f) {
        out[0] = (char)byte;
        return 1;
    }
    out[0] = '\\';
    if (byte == '\n' || byte == '\r' || byte == '\t') {
        out[1] = byte == '\n' ? 'n' : byte == '\r' ? 'r' : 't';
        return 2;
    }
    out[1] = 'x';
    out[2] = digits[byte >> 4];
    out[3] = digits[byte & 15];
    return 4;
}

hostsession_error failure_set(hostsession_failure *failure, hostsession_error error, int system_errno,
                              const char *stage, const char *format, ...) {
    if (!failure)
        return error;
    char text[sizeof failure->message];
    va_list arguments;
    va_start(arguments, format);
    int printed = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (printed < 0)
        text[0] = 0;

    size_t used = 0;
    for (const char *from = text; *from; from++) {
        char escaped[5];
        /* UTF-8 in names and messages stays readable; C1 controls cannot be told from it here, terminals take them
         * only unencoded. */
        size_t length = 1;
        if ((unsigned char)*from >= 0x80)
            escaped[0] = *from;
        else
            length = escape_byte(escaped, (unsigned char)*from);
        if (used + length >= sizeof failure->message)
            break;
        memcpy(failure->message + used, escaped, length);
        used += length;
    }
    failure->message[used] = 0;
    failure->error = error;
    failure->system_errno = system_errno;
    failure->stage = stage;
    return error;
}

const char *failure_errno_text(int system_errno) {
#ifdef __GLIBC__
    const char *text = strerrordesc_np(system_errno);
#else
    /* Elsewhere, as in musl, the texts of the C locale are constants. */
    const char *text = strerror(system_errno);
#endif
    return text ? text : "unknown error";
}

hostsession_error failure_no_memory(hostsession_failure *failure, const char *stage) {
    return failure_set(failure, HOSTSESSION_ERROR_NO_MEMORY, 0, stage, "out of memory");
}

const char *failure_escape_tail(char *out, size_t out_size, const char *bytes, size_t length) {
    char escaped[5];
    size_t needed = 0;
    size_t from = length;
    while (from > 0) {
        size_t more = escape_byte(escaped, (unsigned char)bytes[from - 1]);
        if (needed + more + 4 > out_size)
            break;
        needed += more;
        from--;
    }
    size_t used = 0;
    if (from > 0) {
        memcpy(out, "...", 3);
        used = 3;
    }
    for (; from < length; from++) {
        size_t more = escape_byte(escaped, (unsigned char)bytes[from]);
        memcpy(out + used, escaped, more);
        used += more;
    }
    out[used] = 0;
    return out;
}

void failure_shorten(char *text) {
    enum { head = 100, cut = 3, tail = 60 };
    size_t length = strlen(text);
    if (length <= head + cut + tail)
        return;
    memcpy(text + head, "...", cut);
    memmove(text + head + cut, text + length - tail, tail + 1);
}

const char *hostsession_error_name(hostsession_error error) {
    static const char *const names[] = {
        "ok",           "invalid",      "no_memory",        "limit",
        "resolve",      "connect",      "host_key_unknown", "host_key_changed",
        "auth",         "not_ready",    "timed_out",        "canceled",
        "disconnected", "shell_exited", "closed",           "internal",
    };
    size_t index = (size_t)error;
    return index < sizeof names / sizeof names[0] ? names[index] : "unknown";
}
