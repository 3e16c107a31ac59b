/* SPDX-License-Identifier: MIT */
/**
 * @file
 * What is answered when it appears: in a command's output, on the way to a shell, on the way into an inner one.
 */
#ifndef HOSTSESSION_EXPECTATION_H
#define HOSTSESSION_EXPECTATION_H

#include <hostsession/version.h>

HOSTSESSION_BEGIN

/** Flags of hostsession_expectation. */
enum {
    /** The response is a secret: blanked in logs and transcripts, wiped after use. */
    HOSTSESSION_EXPECT_SECRET = 1,
    /** Answer only while the terminal does not echo, as password prompts do it.  The terminal's echo is then on
     *  while the command runs, so that the difference shows.  Where echo cannot be told the command is refused with
     *  HOSTSESSION_ERROR_INVALID. */
    HOSTSESSION_EXPECT_ECHO_OFF = 2,
};

/** A pattern to look for, and what to type when it appears. */
typedef struct hostsession_expectation {
    /** A PCRE2 pattern over bytes; `(?i)` and other options may lead it.  It is searched in what came since the last
     *  answer, at most the last 64 KiB of it. */
    const char *pattern;
    /** What to type; Enter is the caller's to add ("\r", as a keyboard sends it). */
    const char *response;
    unsigned flags; /**< HOSTSESSION_EXPECT_... */
    /** Answer at most this often per command, or while a session opens; 0: 16.  One match more is an error: the answer
     *  does not help. */
    unsigned max_answers;
} hostsession_expectation;

HOSTSESSION_END

#endif
