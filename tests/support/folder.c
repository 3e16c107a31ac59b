/* SPDX-License-Identifier: MIT */
#include "folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool folder_make_temporary(char *path, const char *name) {
    const char *base = getenv("TMPDIR");
    snprintf(path, 256, "%s/%s-XXXXXX", base && *base ? base : "/tmp", name);
    return mkdtemp(path) != NULL;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk) {
    (void)status;
    (void)type;
    (void)walk;
    remove(path);
    return 0;
}

void folder_remove(const char *path) {
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void folder_list(const char *path, text *names) {
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        if (strcmp(entries[i]->d_name, ".") != 0 && strcmp(entries[i]->d_name, "..") != 0)
            text_printf(names, "%s\n", entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

bool file_write(const char *path, const void *bytes, size_t length) {
    FILE *file = fopen(path, "we");
    if (!file)
        return false;
    bool right = fwrite(bytes, 1, length, file) == length;
    return fclose(file) == 0 && right;
}

bool file_read(const char *path, text *content) {
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    char piece[4096];
    size_t length;
    while ((length = fread(piece, 1, sizeof piece, file)) > 0)
        text_append(content, piece, length);
    fclose(file);
    return true;
}
