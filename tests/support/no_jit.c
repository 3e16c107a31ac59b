/* SPDX-License-Identifier: MIT */
/* Loaded before a test under valgrind, which takes PCRE2's generated code for uninitialized reads: patterns are
 * interpreted. */
#include <stdint.h>

int pcre2_jit_compile_8(void *code, uint32_t options);

int pcre2_jit_compile_8(void *code, uint32_t options) {
    enum { bad_option = -45 };
    (void)code, (void)options;
    return bad_option;
}
