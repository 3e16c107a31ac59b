/* SPDX-License-Identifier: MIT */
#include "session/setup.h"

#include "base/bytes.h"
#include "base/failure.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool append_quoted(bytes *to, const char *text) {
    bool right = bytes_append(to, "'", 1);
    for (; right && *text; text++)
        right = *text == '\'' ? bytes_append_text(to, "'\\''") : bytes_append(to, text, 1);
    return right && bytes_append(to, "'", 1);
}

static bool is_name(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (!(isalpha((unsigned char)text[i]) || text[i] == '_' || (i > 0 && isdigit((unsigned char)text[i]))))
            return false;
    return length > 0;
}

static bool append_setting(bytes *to, const char *setting, size_t name_length) {
    if (setting[name_length] == 0)
        return bytes_printf(to, "unset %s&&", setting);
    return bytes_printf(to, "export %.*s=", (int)name_length, setting) &&
           append_quoted(to, setting + name_length + 1) && bytes_append_text(to, "&&");
}

hostsession_error setup_command(const char *const *environment, const char *cwd, char **ret,
                                hostsession_failure *failure) {
    bytes text = {0};
    bool right = true;
    *ret = NULL;
    for (; right && environment && *environment; environment++) {
        size_t length = strcspn(*environment, "=");
        if (!is_name(*environment, length)) {
            bytes_free(&text);
            return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "options",
                               "\"%s\" is no environment setting; write NAME=VALUE, NAME of letters, digits and _",
                               *environment);
        }
        right = append_setting(&text, *environment, length);
    }
    /* Behind "./" CDPATH counts for nothing. */
    if (right && cwd)
        right = bytes_append_text(&text, cwd[0] == '/' ? "cd -- " : "cd -- ./") && append_quoted(&text, cwd) &&
                bytes_append_text(&text, "&&");
    if (right && bytes_length(&text) && bytes_append(&text, ":", 2))
        *ret = strdup(bytes_front(&text));
    right = right && (bytes_length(&text) == 0 || *ret);
    bytes_free(&text);
    return right ? HOSTSESSION_OK : failure_no_memory(failure, "options");
}
