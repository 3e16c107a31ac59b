/* SPDX-License-Identifier: MIT */
/* cmocka and the headers that it needs before it. */
#ifndef CLI_CMOCKA_HEADERS_H
#define CLI_CMOCKA_HEADERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
