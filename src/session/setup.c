/* SPDX-License-Identifier: MIT */
#include "session/setup.h"

#include "base/bytes.h"
#include "base/failure.h"
#include "base/shell.h"

#include <stdlib.h>
#include <string.h>

static bool append_setting(bytes *to, const char *setting, size_t name_length) {
    if (setting[name_length] == 0)
        return bytes_printf(to, "unset %s&&", setting);
    return bytes_printf(to, "export %.*s=", (int)name_length, setting) &&
           shell_append_word(to, setting + name_length + 1) && bytes_append_text(to, "&&");
}

hostsession_error setup_command(const char *const *environment, const char *cwd, char **ret,
                                hostsession_failure *failure) {
    bytes text = {0};
    bool right = true;
    *ret = NULL;
    for (; right && environment && *environment; environment++) {
        size_t length = strcspn(*environment, "=");
        if (!shell_is_name(*environment, length)) {
            bytes_free(&text);
            return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "options",
                               "\"%s\" is no environment setting; write NAME=VALUE, NAME of letters, digits and _",
                               *environment);
        }
        right = append_setting(&text, *environment, length);
    }
    /* Behind "./" CDPATH counts for nothing. */
    if (right && cwd)
        right = bytes_append_text(&text, cwd[0] == '/' ? "cd -- " : "cd -- ./") && shell_append_word(&text, cwd) &&
                bytes_append_text(&text, "&&");
    if (right && bytes_length(&text) && bytes_append(&text, ":", 2))
        *ret = strdup(bytes_front(&text));
    right = right && (bytes_length(&text) == 0 || *ret);
    bytes_free(&text);
    return right ? HOSTSESSION_OK : failure_no_memory(failure, "options");
}
