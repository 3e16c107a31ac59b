/* SPDX-License-Identifier: MIT */
/**
 * @file
 * The event loop that sessions live on.
 *
 * A session that is opened without a loop gets one of its own, driven by the blocking calls.  A program with many
 * sessions makes one loop and drives it: with hostsession_loop_run_once(), or from its own loop through
 * hostsession_loop_descriptor(), hostsession_loop_timeout_ms() and hostsession_loop_dispatch().
 *
 * Thread safety: a loop and everything on it is used by one thread at a time.  Several loops may run in several
 * threads.  No thread is started that runs the caller's code, no signal handler is installed.
 */
#ifndef HOSTSESSION_LOOP_H
#define HOSTSESSION_LOOP_H

#include <hostsession/failure.h>

#include <stdint.h>

HOSTSESSION_BEGIN

/** An event loop. */
typedef struct hostsession_loop hostsession_loop;

/**
 * Make a loop.
 *
 * @param ret_loop  Assigned on success; owned by the caller, released with hostsession_loop_free().
 * @param failure   NULL, or filled on failure.
 *
 * @retval HOSTSESSION_ERROR_LIMIT      No descriptor is left.
 * @retval HOSTSESSION_ERROR_NO_MEMORY
 */
HOSTSESSION_API hostsession_error hostsession_loop_new(hostsession_loop **ret_loop, hostsession_failure *failure);

/**
 * Release a loop.  NULL is allowed.  Not from a callback.
 *
 * Sessions that are still on it are closed first, as hostsession_close() does, so that this blocks at most as long as
 * the slowest of them; their handles are invalid afterwards.
 */
HOSTSESSION_API void hostsession_loop_free(hostsession_loop *loop);

/** A descriptor that polls readable when hostsession_loop_dispatch() has something to do.  Valid until the loop is
 *  freed; never read it or close it. */
HOSTSESSION_API int hostsession_loop_descriptor(const hostsession_loop *loop);

/** How long, in milliseconds from now, a foreign loop may sleep before it must call hostsession_loop_dispatch() even
 *  though the descriptor is silent: -1 for ever, 0 not at all.  Ask again after every dispatch and every call into
 *  the library. */
HOSTSESSION_API int64_t hostsession_loop_timeout_ms(const hostsession_loop *loop);

/**
 * Do what is due now, without waiting: read, write, run timers and callbacks.  A flood of output is handled in
 * bounded turns, so one call stays short; the descriptor stays readable while there is more.
 *
 * @retval HOSTSESSION_ERROR_INVALID  Called from a callback of this loop.
 */
HOSTSESSION_API hostsession_error hostsession_loop_dispatch(hostsession_loop *loop);

/**
 * Wait until something happens, at most @p timeout_ms (-1: no limit), and dispatch it.
 *
 * @retval HOSTSESSION_OK               Something was dispatched, or the time passed.
 * @retval HOSTSESSION_ERROR_INVALID  Called from a callback of this loop.
 */
HOSTSESSION_API hostsession_error hostsession_loop_run_once(hostsession_loop *loop, int64_t timeout_ms);

/** What a watch waits for, and what it reports. */
enum {
    HOSTSESSION_WATCH_READABLE = 1,
    HOSTSESSION_WATCH_WRITABLE = 2,
};

/** A watched descriptor. */
typedef struct hostsession_watch hostsession_watch;

/** @param events  HOSTSESSION_WATCH_READABLE and/or _WRITABLE.  A hangup is reported as what is watched for, an error
 * as readable, too. */
typedef void (*hostsession_watch_fn)(void *userdata, unsigned events);

/**
 * Call @p ready from dispatch whenever @p descriptor is ready (level-triggered).  For transports of one's own.
 *
 * @param descriptor  Borrowed: open until after hostsession_watch_free().  At most one watch a descriptor and loop.
 * @param events      May be 0 and changed later with hostsession_watch_set_events().
 * @param ret_watch   Owned by the caller, released with hostsession_watch_free() before the loop is.
 *
 * @retval HOSTSESSION_ERROR_INVALID    The descriptor cannot be polled (a regular file).
 * @retval HOSTSESSION_ERROR_NO_MEMORY
 */
HOSTSESSION_API hostsession_error hostsession_watch_new(hostsession_loop *loop, int descriptor, unsigned events,
                                                        hostsession_watch_fn ready, void *userdata,
                                                        hostsession_watch **ret_watch);

/** Change what a watch waits for. */
HOSTSESSION_API void hostsession_watch_set_events(hostsession_watch *watch, unsigned events);

/** Stop watching and release.  NULL is allowed; also from the watch's own callback.  The callback does not run
 *  afterwards. */
HOSTSESSION_API void hostsession_watch_free(hostsession_watch *watch);

HOSTSESSION_END

#endif
