/* SPDX-License-Identifier: MIT */
#include "transport/program.h"

#include "base/failure.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

static size_t count_strings(const char *const *strings, size_t *total_bytes) {
    size_t count = 0;
    for (; strings && strings[count]; count++)
        *total_bytes += strlen(strings[count]) + 1;
    return count;
}

static char *put_string(char **end, const char *string) {
    char *copy = *end;
    size_t size = strlen(string) + 1;
    memcpy(copy, string, size);
    *end += size;
    return copy;
}

static const char *const *put_strings(const char ***slots, char **end, const char *const *strings, size_t count) {
    const char **copy = *slots;
    for (size_t i = 0; i < count; i++)
        copy[i] = put_string(end, strings[i]);
    copy[count] = NULL;
    *slots += count + 1;
    return copy;
}

hostsession_error program_copy(const transport_program *program, transport_program **ret,
                               hostsession_failure *failure) {
    if (!program->arguments || !program->arguments[0] || !program->arguments[0][0])
        return failure_set(failure, HOSTSESSION_ERROR_INVALID, 0, "target", "no program is named to be started");
    size_t string_bytes = program->cwd ? strlen(program->cwd) + 1 : 0;
    size_t arguments = count_strings(program->arguments, &string_bytes);
    size_t settings = count_strings(program->environment, &string_bytes);
    size_t slots_bytes = (arguments + settings + 2) * sizeof(char *);
    transport_program *copy = malloc(sizeof *copy + slots_bytes + string_bytes);
    if (!copy)
        return failure_no_memory(failure, "spawn");
    const char **slots = (const char **)(copy + 1);
    char *end = (char *)slots + slots_bytes;
    copy->arguments = put_strings(&slots, &end, program->arguments, arguments);
    copy->environment = put_strings(&slots, &end, program->environment, settings);
    copy->cwd = program->cwd ? put_string(&end, program->cwd) : NULL;
    copy->echo = program->echo;
    *ret = copy;
    return HOSTSESSION_OK;
}

static size_t name_length(const char *setting) {
    return strcspn(setting, "=");
}

/* Whether `settings` say something about the variable that `setting` is about. */
static bool is_set_by(const char *const *settings, const char *setting) {
    size_t length = name_length(setting);
    for (; settings && *settings; settings++)
        if (name_length(*settings) == length && memcmp(*settings, setting, length) == 0)
            return true;
    return false;
}

char **program_environment(const transport_program *program) {
    static const char *const ours[] = {"TERM=dumb", "LINES", "COLUMNS", NULL};
    static const char *const none[] = {NULL};
    const char *const *settings = program->environment ? program->environment : none;
    size_t unused = 0;
    size_t inherited = 0;
    while (environ && environ[inherited])
        inherited++;
    size_t most = inherited + count_strings(settings, &unused) + 2;
    char **environment = malloc(most * sizeof *environment);
    if (!environment)
        return NULL;
    size_t used = 0;
    for (size_t i = 0; i < inherited; i++)
        if (!is_set_by(ours, environ[i]) && !is_set_by(settings, environ[i]))
            environment[used++] = environ[i];
    if (!is_set_by(settings, ours[0]))
        environment[used++] = (char *)ours[0];
    for (; *settings; settings++)
        if (strchr(*settings, '=') && name_length(*settings) > 0 && !is_set_by(settings + 1, *settings))
            environment[used++] = (char *)*settings;
    environment[used] = NULL;
    return environment;
}
