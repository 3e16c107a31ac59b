/* SPDX-License-Identifier: MIT */
#include "data.h"

#include "process.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    COLUMNS = 80,
    PIECE_BYTES = COLUMNS * 800,
};

static void fill(char *bytes, size_t length, size_t first_line, bool one_line) {
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz 0123456789 ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (size_t i = 0; i < length; i++) {
        if (!one_line && i % COLUMNS == COLUMNS - 1)
            bytes[i] = '\n';
        else
            bytes[i] = alphabet[(i + first_line + i / COLUMNS) % (sizeof(alphabet) - 1)];
    }
}

/* Written, not mapped: the pages must not count as memory of this process. */
static bool write_data(const bench_data *data, bool one_line) {
    char piece[PIECE_BYTES];
    for (size_t at = 0; at < data->length; at += sizeof(piece)) {
        size_t left = data->length - at;
        fill(piece, sizeof(piece), at / COLUMNS, one_line);
        if (!bench_write_all(data->descriptor, piece, left < sizeof(piece) ? left : sizeof(piece)))
            return false;
    }
    return true;
}

bool bench_data_make(bench_data *data, size_t length, bool one_line, bench_contender *owner) {
    *data = (bench_data){.descriptor = memfd_create("bench", MFD_CLOEXEC), .length = length};
    if (data->descriptor < 0 || !write_data(data, one_line)) {
        bench_fail(owner, "no memory for %zu bytes to print: %s", length, strerror(errno));
        bench_data_free(data);
        return false;
    }
    snprintf(data->path, sizeof(data->path), "/proc/%d/fd/%d", (int)getpid(), data->descriptor);
    snprintf(data->print_command, sizeof(data->print_command), "cat %s", data->path);
    return true;
}

bool bench_data_equals(const bench_data *data, const char *bytes, size_t length) {
    if (length != data->length)
        return false;
    void *mapped = mmap(NULL, length, PROT_READ, MAP_SHARED, data->descriptor, 0);
    if (mapped == MAP_FAILED)
        return false;
    bool equal = memcmp(mapped, bytes, length) == 0;
    munmap(mapped, length);
    return equal;
}

void bench_data_free(bench_data *data) {
    if (data->descriptor >= 0)
        close(data->descriptor);
    data->descriptor = -1;
}

char *bench_map(size_t length) {
    /* cppcheck-suppress invalidFunctionArg */
    char *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    madvise(memory, length, MADV_HUGEPAGE);
    return memory;
}
