/* SPDX-License-Identifier: MIT */
/* Plays stored inputs to a fuzz target without libFuzzer: replay FOLDER-OR-FILE... */
#include "fuzz.h"

#include <dirent.h>
#include <string.h>

enum { most_bytes = 1024 * 1024 };

static int play_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return 1;
    }
    uint8_t *data = malloc(most_bytes);
    size_t size = data ? fread(data, 1, most_bytes, file) : 0;
    fclose(file);
    /* A block of its own, so that a look past its end is found. */
    uint8_t *exact = malloc(size ? size : 1);
    if (!data || !exact)
        abort();
    memcpy(exact, data, size);
    free(data);
    fprintf(stderr, "%s\n", path);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 0;
}

static int play_folder(const char *folder, struct dirent **entries, int count) {
    int wrong = 0;
    for (int i = 0; i < count; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.')
            wrong |= play_file(path);
        free(entries[i]);
    }
    free(entries);
    return wrong;
}

int main(int argc, char **argv) {
    int wrong = 0;
    for (int i = 1; i < argc; i++) {
        struct dirent **entries;
        int count = scandir(argv[i], &entries, NULL, alphasort);
        wrong |= count < 0 ? play_file(argv[i]) : play_folder(argv[i], entries, count);
    }
    return wrong;
}
