/* SPDX-License-Identifier: MIT */
/**
 * @file
 * The version of the headers and of the library that is loaded.
 */
#ifndef HOSTSESSION_VERSION_H
#define HOSTSESSION_VERSION_H

#define HOSTSESSION_VERSION_MAJOR 0 /**< Of the headers: changes with what breaks programs. */
#define HOSTSESSION_VERSION_MINOR 1 /**< Of the headers: changes with what is added. */
#define HOSTSESSION_VERSION_PATCH 0 /**< Of the headers: changes with what is mended. */

/** The headers' version as text, such as "0.1.0". */
#define HOSTSESSION_VERSION "0.1.0"

/** Marks what the library exports. */
#if defined(__GNUC__)
#define HOSTSESSION_API __attribute__((visibility("default")))
#else
#define HOSTSESSION_API
#endif

#ifdef __cplusplus
#define HOSTSESSION_BEGIN extern "C" {
#define HOSTSESSION_END }
#else
#define HOSTSESSION_BEGIN /**< Opens the declarations of a header, in C++ as extern "C". */
#define HOSTSESSION_END   /**< Closes them. */
#endif

HOSTSESSION_BEGIN

/** The version of the library that is loaded, such as "0.1.0".  Static; never NULL.  Any thread. */
HOSTSESSION_API const char *hostsession_version(void);

HOSTSESSION_END

#endif
