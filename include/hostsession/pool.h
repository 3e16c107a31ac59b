/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Managers for many hosts: one a target, made on first use, with limits over all of them.
 *
 * Thread safety: as manager.h.
 */
#ifndef HOSTSESSION_POOL_H
#define HOSTSESSION_POOL_H

#include <hostsession/manager.h>

HOSTSESSION_BEGIN

/** Managers of many hosts. */
typedef struct hostsession_pool hostsession_pool;

/**
 * Make a pool.
 *
 * @param options   For each manager that is made, all on one loop; `limits` are each host's.  NULL for the defaults.
 *                  Copied, with all that it points to.
 * @param limits    Over all hosts together; idle_close_ms counts for nothing.  NULL: the defaults, which are ten times
 *                  those of one host; a 0 is that default, too.  What is over waits or is refused as in one manager.
 * @param ret_pool  Assigned on success, else NULL; owned by the caller, released with hostsession_pool_free().
 * @param failure   NULL, or filled on failure.
 *
 * @retval HOSTSESSION_ERROR_INVALID, HOSTSESSION_ERROR_LIMIT, HOSTSESSION_ERROR_NO_MEMORY  As
 * hostsession_manager_new().
 */
HOSTSESSION_API hostsession_error hostsession_pool_new(const hostsession_manager_options *options,
                                                       const hostsession_limits *limits, hostsession_pool **ret_pool,
                                                       hostsession_failure *failure);

/**
 * The manager for @p target, made when there is none.  Targets are the same when their text is.
 *
 * @param ret_manager  Borrowed: valid until the pool is freed, which frees it.
 *
 * Errors: those of hostsession_manager_new().
 */
HOSTSESSION_API hostsession_error hostsession_pool_get(hostsession_pool *pool, const char *target,
                                                       hostsession_manager **ret_manager, hostsession_failure *failure);

/** The loop of all its managers.  Borrowed: valid until the pool is freed. */
HOSTSESSION_API hostsession_loop *hostsession_pool_loop(const hostsession_pool *pool);

/** Whether any of its managers has. */
HOSTSESSION_API bool hostsession_pool_has_live_sessions(const hostsession_pool *pool);

/** As hostsession_manager_close_all() for each; blocks at most 1,000 ms for all together. */
HOSTSESSION_API void hostsession_pool_close_all(hostsession_pool *pool);

/** Free its managers, as hostsession_manager_free() does, and the pool.  NULL is allowed. */
HOSTSESSION_API void hostsession_pool_free(hostsession_pool *pool);

HOSTSESSION_END

#endif
