/* SPDX-License-Identifier: MIT */
/* How much there may be, and is. */
#ifndef MANAGER_QUOTA_H
#define MANAGER_QUOTA_H

#include <hostsession/manager.h>

typedef enum quota_kind { QUOTA_SESSIONS, QUOTA_ONESHOTS, QUOTA_OPENING, QUOTA_WAITING, QUOTA_KINDS } quota_kind;

typedef struct quota {
    unsigned most[QUOTA_KINDS];
    unsigned used[QUOTA_KINDS];
    struct quota *shared; /* what is taken here is taken there, too; may be NULL */
} quota;

/* Copy what a caller gave, which may be NULL or shorter than ours: what it lacks is 0.  HOSTSESSION_ERROR_INVALID. */
hostsession_error quota_read_limits(const hostsession_limits *given, hostsession_limits *to,
                                    hostsession_failure *failure);

/* Where they are 0, the defaults times `factor`. */
void quota_init(quota *q, const hostsession_limits *limits, unsigned factor);

bool quota_take(quota *q, quota_kind kind);
void quota_give(quota *q, quota_kind kind);

/* That there is no more room for `kind`. */
hostsession_error quota_refuse(const quota *q, quota_kind kind, hostsession_failure *failure);

#endif
