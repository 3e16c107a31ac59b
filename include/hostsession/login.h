/* SPDX-License-Identifier: MIT */
/**
 * @file
 * What a host asks for before it gives a shell: a password, a key's passphrase, a further question.
 */
#ifndef HOSTSESSION_LOGIN_H
#define HOSTSESSION_LOGIN_H

#include <hostsession/version.h>

#include <stdbool.h>
#include <stddef.h>

HOSTSESSION_BEGIN

/** What a host asks for. */
typedef enum hostsession_question_kind {
    /** The password of the user who logs in. */
    HOSTSESSION_QUESTION_PASSWORD = 0,
    /** The passphrase of the private key in the file `subject`. */
    HOSTSESSION_QUESTION_PASSPHRASE = 1,
    /** Anything else; `prompt` has the host's own words. */
    HOSTSESSION_QUESTION_OTHER = 2,
} hostsession_question_kind;

/** One question.  Valid during the call only. */
typedef struct hostsession_question {
    size_t struct_size;             /**< Of the library that asks: what is beyond it is not there. */
    hostsession_question_kind kind; /**< What is asked for. */
    /** Who asks: the host that the target names. */
    const char *target;
    /** Who logs in; "" when not known yet. */
    const char *user;
    /** What it is about: the key's file for a passphrase, else "". */
    const char *subject;
    /** In the host's own words, for a person; control characters are escaped.  "" when it said none. */
    const char *prompt;
    /** Whether the answer may be shown while it is typed.  False: it is a secret. */
    bool echo;
    /** 1 for the first time, 2 when the first answer was refused, ... */
    unsigned attempt;
} hostsession_question;

/**
 * Answer a question.  Called from dispatch; sessions of the same loop wait meanwhile.
 *
 * @param answer       To be filled, terminated, without a line ending.  Wiped by the library after use; what is not
 *                     `echo` never reaches logs, transcripts or messages.
 * @param answer_size  Its size: at least 1,024 bytes.
 *
 * @return False to give none: another way to log in is tried, or the login fails with HOSTSESSION_ERROR_AUTH.
 */
typedef bool (*hostsession_question_fn)(void *userdata, const hostsession_question *question, char *answer,
                                        size_t answer_size);

HOSTSESSION_END

#endif
