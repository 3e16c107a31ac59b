/* SPDX-License-Identifier: MIT */
#include "manager/quota.h"

#include "base/failure.h"
#include "base/options.h"

#include <string.h>

static const struct {
    const char *what;
    const char *option;
    unsigned by_default;
} kinds[QUOTA_KINDS] = {
    [QUOTA_SESSIONS] = {"sessions", "max_sessions", 1000},
    [QUOTA_ONESHOTS] = {"one-shots", "max_oneshots", 64},
    [QUOTA_OPENING] = {"sessions being opened", "max_opening", 64},
    [QUOTA_WAITING] = {"sessions and one-shots that wait", "max_waiting", 10000},
};

hostsession_error quota_read_limits(const hostsession_limits *given, hostsession_limits *to,
                                    hostsession_failure *failure) {
    *to = (hostsession_limits)HOSTSESSION_LIMITS_INIT;
    return options_read(given, to, sizeof *to, "limits", "HOSTSESSION_LIMITS_INIT", failure);
}

void quota_init(quota *q, const hostsession_limits *limits, unsigned factor) {
    const unsigned given[QUOTA_KINDS] = {limits->max_sessions, limits->max_oneshots, limits->max_opening,
                                         limits->max_waiting};
    *q = (quota){0};
    for (int i = 0; i < QUOTA_KINDS; i++)
        q->most[i] = given[i] ? given[i] : kinds[i].by_default * factor;
}

bool quota_take(quota *q, quota_kind kind) {
    if (q->used[kind] >= q->most[kind] || (q->shared && !quota_take(q->shared, kind)))
        return false;
    q->used[kind]++;
    return true;
}

void quota_give(quota *q, quota_kind kind) {
    q->used[kind]--;
    if (q->shared)
        quota_give(q->shared, kind);
}

hostsession_error quota_refuse(const quota *q, quota_kind kind, hostsession_failure *failure) {
    bool here = q->used[kind] >= q->most[kind];
    const quota *full = here || !q->shared ? q : q->shared;
    return failure_set(failure, HOSTSESSION_ERROR_LIMIT, 0, "limit", "there are %u %s %s: close some, or raise %s",
                       full->used[kind], kinds[kind].what, here ? "already" : "already in all managers of the pool",
                       kinds[kind].option);
}
