/* SPDX-License-Identifier: MIT */
/* The shells that we know: what each is taught, and how it differs from the others.  See docs/design/framing.md. */
#ifndef ENGINE_SHELLS_H
#define ENGINE_SHELLS_H

#include "engine/dialect.h"

extern const dialect shell_bash;
extern const dialect shell_zsh;
extern const dialect shell_ksh93;
extern const dialect shell_mksh;
extern const dialect shell_ash; /* busybox's */
extern const dialect shell_dash;

#endif
