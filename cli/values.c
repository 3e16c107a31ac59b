/* SPDX-License-Identifier: MIT */
#include "values.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { secret_limit = 64 * 1024 };

static bool is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

bool parse_seconds(const char *text, int64_t *ret_ms) {
    const int64_t limit_seconds = 1000 * 1000 * 1000;
    int64_t seconds = 0;
    bool digits = false;
    for (; is_digit(*text); text++) {
        digits = true;
        seconds = seconds * 10 + (*text - '0');
        if (seconds > limit_seconds)
            return false;
    }
    int64_t ms = 0;
    bool more = false;
    if (*text == '.') {
        int64_t unit = 100;
        for (text++; is_digit(*text); text++, unit /= 10) {
            digits = true;
            ms += (*text - '0') * unit;
            more = more || (unit == 0 && *text != '0');
        }
    }
    *ret_ms = seconds * 1000 + ms + more;
    return digits && *text == 0 && *ret_ms > 0;
}

bool parse_bytes(const char *text, size_t *ret_bytes) {
    size_t bytes = 0;
    if (!is_digit(*text))
        return false;
    for (; is_digit(*text); text++)
        if (__builtin_mul_overflow(bytes, (size_t)10, &bytes) ||
            __builtin_add_overflow(bytes, (size_t)(*text - '0'), &bytes))
            return false;

    static const char units[] = "KMG";
    const char *unit = *text ? strchr(units, *text == 'k' ? 'K' : *text) : NULL;
    if (unit) {
        if (__builtin_mul_overflow(bytes, (size_t)1024 << (10 * (unit - units)), &bytes))
            return false;
        text++;
        if (strcmp(text, "iB") == 0)
            text++;
    }
    if (strcmp(text, "B") == 0)
        text++;
    *ret_bytes = bytes;
    return *text == 0 && bytes > 0;
}

bool parse_count(const char *text, unsigned *ret_count) {
    *ret_count = 0;
    for (; is_digit(*text); text++)
        if (__builtin_mul_overflow(*ret_count, 10u, ret_count) ||
            __builtin_add_overflow(*ret_count, (unsigned)(*text - '0'), ret_count))
            return false;
    return *text == 0 && *ret_count > 0;
}

bool parse_pace(const char *text, size_t *ret_bytes, int64_t *ret_ms) {
    char bytes[32];
    const char *slash = strchr(text, '/');
    if (!slash || (size_t)(slash - text) >= sizeof bytes)
        return false;
    memcpy(bytes, text, (size_t)(slash - text));
    bytes[slash - text] = 0;
    return parse_bytes(bytes, ret_bytes) && parse_seconds(slash + 1, ret_ms);
}

bool is_environment_setting(const char *text) {
    const char *at = text;
    while (*at == '_' || (*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z') || (at > text && is_digit(*at)))
        at++;
    return at > text && *at == '=';
}

static const char *after_prefix(const char *text, const char *prefix) {
    size_t length = strlen(prefix);
    return strncmp(text, prefix, length) == 0 && text[length] ? text + length : NULL;
}

bool is_secret_source(const char *text) {
    return after_prefix(text, "env:") || after_prefix(text, "file:");
}

static char *read_environment(const char *name, char *why, size_t why_size) {
    const char *value = getenv(name);
    if (!value) {
        snprintf(why, why_size, "the environment variable %s is not set", name);
        return NULL;
    }
    size_t length = strlen(value);
    char *secret = malloc(length + 2);
    if (!secret) {
        snprintf(why, why_size, "out of memory");
        return NULL;
    }
    return memcpy(secret, value, length + 1);
}

/* Fill `secret` from the descriptor; returns its length, or -1 with the reason in `why`. */
static ssize_t read_secret(int descriptor, char *secret, const char *path, char *why, size_t why_size) {
    size_t length = 0;
    ssize_t got;
    while ((got = read(descriptor, secret + length, secret_limit - length)) != 0) {
        if (got > 0)
            length += (size_t)got;
        else if (errno != EINTR) {
            snprintf(why, why_size, "cannot read %s: %s", path, strerror(errno));
            return -1;
        }
        if (length == secret_limit) {
            snprintf(why, why_size, "%s is too long for a secret (%d bytes or more)", path, secret_limit);
            return -1;
        }
    }
    if (memchr(secret, 0, length)) {
        snprintf(why, why_size, "%s holds a NUL byte, which cannot be typed", path);
        return -1;
    }
    return (ssize_t)length;
}

static char *read_file(const char *path, char *why, size_t why_size) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        snprintf(why, why_size, "cannot read %s: %s", path, strerror(errno));
        return NULL;
    }
    char *secret = calloc(1, secret_limit + 2);
    ssize_t length = -1;
    if (secret)
        length = read_secret(descriptor, secret, path, why, why_size);
    else
        snprintf(why, why_size, "out of memory");
    close(descriptor);
    if (length < 0) {
        if (secret)
            explicit_bzero(secret, secret_limit);
        free(secret);
        return NULL;
    }
    if (length > 0 && secret[length - 1] == '\n')
        length--;
    secret[length] = 0;
    return secret;
}

char *secret_read(const char *source, char *why, size_t why_size) {
    const char *name = after_prefix(source, "env:");
    return name ? read_environment(name, why, why_size) : read_file(after_prefix(source, "file:"), why, why_size);
}

void secret_free(char *secret) {
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}
