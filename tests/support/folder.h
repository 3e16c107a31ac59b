/* SPDX-License-Identifier: MIT */
/* Temporary folders and small files. */
#ifndef SUPPORT_FOLDER_H
#define SUPPORT_FOLDER_H

#include "text.h"

/* Make a new folder under TMPDIR (or /tmp); `path` holds at least 256 bytes.  False with errno set. */
bool folder_make_temporary(char *path, const char *name);

/* Remove a folder and all that is in it, whatever its permissions. */
void folder_remove(const char *path);

/* The names in a folder, sorted, one a line. */
void folder_list(const char *path, text *names);

bool file_write(const char *path, const void *bytes, size_t length);
bool file_read(const char *path, text *content);

#endif
