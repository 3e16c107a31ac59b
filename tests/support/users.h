/* SPDX-License-Identifier: MIT */
/*
 * Real users for a test, with a password, a home of their own and /bin/sh (or another shell), for su, sudo and login.
 * Only for root; they are gone again after users_remove_all(), and those that a killed test has left go with the next
 * users_make().
 */
#ifndef SUPPORT_USERS_H
#define SUPPORT_USERS_H

#include "text.h"

#include <stdbool.h>

typedef struct test_user {
    char name[32];
    char password[32];
    char home[64];
} test_user;

/* Whether users can be made; if not, `missing` says why. */
bool users_available(text *missing);

/* False, with the reason appended to `why`. */
bool users_make(test_user *ret, const char *shell, text *why);

/* Let a user run everything with sudo, asked for the own password.  The file goes with users_remove_all(). */
bool users_allow_sudo(const test_user *user, text *why);

void users_remove_all(void);

#endif
