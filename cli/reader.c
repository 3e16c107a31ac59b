/* SPDX-License-Identifier: MIT */
#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { read_size = 64 * 1024 };

void reader_from_arguments(reader *from, char **arguments, size_t count) {
    *from = (reader){.arguments = arguments, .argument_count = count, .descriptor = -1};
}

bool reader_open(reader *from, const char *path, char delimiter) {
    *from = (reader){.descriptor = STDIN_FILENO, .delimiter = delimiter};
    if (strcmp(path, "-") != 0)
        from->descriptor = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (from->descriptor < 0 || fstat(from->descriptor, &status) != 0)
        from->error = errno;
    else if (S_ISDIR(status.st_mode))
        from->error = EISDIR;
    if (from->error)
        reader_release(from);
    return from->error == 0;
}

static reader_answer next_argument(reader *from, char **ret_command, size_t *ret_length) {
    if (from->next_argument == from->argument_count)
        return READER_END;
    *ret_command = from->arguments[from->next_argument++];
    *ret_length = strlen(*ret_command);
    return READER_COMMAND;
}

reader_answer reader_next(reader *from, char **ret_command, size_t *ret_length) {
    if (from->arguments)
        return next_argument(from, ret_command, ret_length);
    if (from->error)
        return READER_FAILED;

    char *found = NULL;
    if (from->end > from->searched)
        found = memchr(from->bytes + from->searched, from->delimiter, from->end - from->searched);
    if (!found) {
        from->searched = from->end;
        if (!from->ended)
            return READER_WAIT;
        if (from->begin == from->end)
            return READER_END;
        /* reader_fill() leaves room for this NUL. */
        found = from->bytes + from->end;
        from->end++;
    }
    *found = 0;
    *ret_command = from->bytes + from->begin;
    *ret_length = (size_t)(found - *ret_command);
    from->begin += *ret_length + 1;
    from->searched = from->begin;
    return READER_COMMAND;
}

/* Room for one more read and a NUL. */
static bool make_room(reader *from) {
    if (from->begin > 0) {
        memmove(from->bytes, from->bytes + from->begin, from->end - from->begin);
        from->end -= from->begin;
        from->searched -= from->begin;
        from->begin = 0;
    }
    if (from->end > reader_command_limit) {
        from->error = EFBIG;
        return false;
    }
    size_t needed = from->end + read_size + 1;
    if (needed <= from->capacity)
        return true;
    char *grown = realloc(from->bytes, needed * 2);
    if (!grown) {
        from->error = ENOMEM;
        return false;
    }
    from->bytes = grown;
    from->capacity = needed * 2;
    return true;
}

void reader_fill(reader *from) {
    if (from->ended || from->error || !make_room(from))
        return;
    ssize_t got = read(from->descriptor, from->bytes + from->end, read_size);
    if (got > 0)
        from->end += (size_t)got;
    else if (got == 0)
        from->ended = true;
    else if (errno != EINTR && errno != EAGAIN)
        from->error = errno;
}

void reader_finish(reader *from) {
    if (from->arguments)
        return;
    /* The amount is asked for once: a writer that never stops must not keep us here. */
    int available = 0;
    if (ioctl(from->descriptor, FIONREAD, &available) != 0 || available < 0)
        available = 0;
    size_t left = (size_t)available;
    while (left > 0 && !from->ended && !from->error) {
        size_t before = from->end - from->begin;
        reader_fill(from);
        size_t got = from->end - from->begin - before;
        if (got == 0)
            break;
        left -= got < left ? got : left;
    }
    from->ended = true;
}

void reader_release(reader *from) {
    if (from->descriptor > STDIN_FILENO)
        close(from->descriptor);
    free(from->bytes);
    from->bytes = NULL;
    from->descriptor = -1;
}
