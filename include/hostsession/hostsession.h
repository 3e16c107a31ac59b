/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Persistent shell sessions: one shell per session; commands run one after another with state kept, and every one
 * comes back with its exact output and exit status.  This header includes all others.
 */
#ifndef HOSTSESSION_HOSTSESSION_H
#define HOSTSESSION_HOSTSESSION_H

#include <hostsession/console.h>
#include <hostsession/enter.h>
#include <hostsession/expectation.h>
#include <hostsession/failure.h>
#include <hostsession/login.h>
#include <hostsession/loop.h>
#include <hostsession/manager.h>
#include <hostsession/pool.h>
#include <hostsession/result.h>
#include <hostsession/sequence.h>
#include <hostsession/session.h>
#include <hostsession/ssh.h>
#include <hostsession/telnet.h>
#include <hostsession/transport.h>
#include <hostsession/version.h>

#endif
