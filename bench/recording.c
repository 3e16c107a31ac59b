/* SPDX-License-Identifier: MIT */
#include "recording.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    /* Commands are numbered: the last ones all have three digits, so that their frames have one length. */
    RECORDED_COMMANDS = 160,
    SETTLED_COMMANDS = 40,
};

typedef struct recorder {
    bench_recording *recording;
    uint64_t received;
    uint64_t separators;
    bool failed;
} recorder;

size_t bench_count_separators(const char *bytes, size_t length) {
    size_t count = 0;
    const char *end = bytes + length;
    for (; (bytes = memchr(bytes, BENCH_SEPARATOR, (size_t)(end - bytes))) != NULL; bytes++)
        count++;
    return count;
}

static void on_transcript(void *userdata, hostsession_direction direction, const char *bytes, size_t length) {
    recorder *state = userdata;
    bench_recording *recording = state->recording;
    if (direction == HOSTSESSION_RECEIVED) {
        state->received += length;
        state->separators += bench_count_separators(bytes, length);
        return;
    }
    bench_step *steps = realloc(recording->steps, (recording->step_count + 1) * sizeof(*steps));
    if (steps == NULL) {
        state->failed = true;
        return;
    }
    recording->steps = steps;
    bench_step *step = &steps[recording->step_count];
    *step = (bench_step){malloc(length), length, state->received, state->separators};
    if (step->bytes == NULL) {
        state->failed = true;
        return;
    }
    memcpy(step->bytes, bytes, length);
    recording->step_count++;
}

/* ---- The shell that the library started ------------------------------------------------------------------------ */

static pid_t new_child(const pid_t *before, size_t before_count) {
    pid_t after[BENCH_MAX_CHILDREN];
    size_t after_count = bench_list_children(after);
    for (size_t i = 0; i < after_count; i++) {
        bool known = false;
        for (size_t j = 0; j < before_count && !known; j++)
            known = before[j] == after[i];
        if (!known)
            return after[i];
    }
    return -1;
}

/* A file of NUL-terminated strings, and pointers to them. */
static char **read_strings(pid_t pid, const char *file, char **ret_text) {
    enum { MAX_BYTES = 1 << 18 };
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    char *text = calloc(1, MAX_BYTES + 1);
    FILE *from = fopen(path, "re");
    size_t length = text != NULL && from != NULL ? fread(text, 1, MAX_BYTES, from) : 0;
    if (from != NULL)
        fclose(from);
    *ret_text = text;
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += text[i] == '\0';
    char **strings = calloc(count + 1, sizeof(*strings));
    if (strings == NULL)
        return NULL;
    char *at = text;
    for (size_t i = 0; i < count; i++) {
        strings[i] = at;
        at += strlen(at) + 1;
    }
    return strings;
}

static bool describe_shell(bench_recording *recording, const bench_command *command, pid_t pid) {
    recording->arguments = (const char **)read_strings(pid, "cmdline", &recording->arguments_text);
    recording->environment = read_strings(pid, "environ", &recording->environment_text);
    if (recording->arguments == NULL || recording->arguments[0] == NULL || recording->environment == NULL)
        return false;
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/fd/1", (int)pid);
    int descriptor = open(path, (command->mode == HOSTSESSION_MODE_TTY ? O_RDWR : O_WRONLY) | O_NOCTTY | O_CLOEXEC);
    if (descriptor < 0)
        return false;
    bool known = true;
    if (command->mode == HOSTSESSION_MODE_TTY)
        known = tcgetattr(descriptor, &recording->modes) == 0;
    else
        recording->pipe_bytes = fcntl(descriptor, F_GETPIPE_SZ);
    close(descriptor);
    return known;
}

/* ---- The recording --------------------------------------------------------------------------------------------- */

/* A prompt may follow a command's end and come with it or later.  The library needs the end alone, so among the last
 * commands the one that saw the fewest bytes tells where an end is. */
static void settle(bench_recording *recording, const uint64_t *ends) {
    uint64_t least = ends[RECORDED_COMMANDS - 1];
    for (size_t i = RECORDED_COMMANDS - SETTLED_COMMANDS; i < RECORDED_COMMANDS; i++) {
        uint64_t projected = ends[i] + (RECORDED_COMMANDS - 1 - i) * recording->received_per_cycle;
        if (projected < least)
            least = projected;
    }
    recording->received_at_end = least;
}

/* How far apart two ends are, most often. */
static uint64_t common_distance(const uint64_t *ends) {
    double distances[SETTLED_COMMANDS];
    for (size_t i = 0; i < SETTLED_COMMANDS; i++) {
        size_t at = RECORDED_COMMANDS - SETTLED_COMMANDS + i;
        distances[i] = (double)(ends[at] - ends[at - 1]);
    }
    return (uint64_t)bench_median(distances, SETTLED_COMMANDS);
}

static bool record_commands(recorder *state, hostsession *session, const char *text, bench_contender *owner) {
    uint64_t ends[RECORDED_COMMANDS];
    for (size_t i = 0; i < RECORDED_COMMANDS; i++) {
        hostsession_result *result = NULL;
        uint64_t separators = state->separators;
        state->recording->cycle_first = state->recording->step_count;
        hostsession_error error = hostsession_run(session, text, NULL, &result);
        hostsession_result_free(result);
        if (error != HOSTSESSION_OK)
            return bench_fail(owner, "recording: %s", hostsession_error_name(error));
        ends[i] = state->received;
        state->recording->separators_per_cycle = state->separators - separators;
    }
    state->recording->received_per_cycle = common_distance(ends);
    settle(state->recording, ends);
    return !state->failed || bench_fail(owner, "recording: no memory");
}

bool bench_record(bench_recording *recording, const bench_command *command, bench_contender *owner) {
    *recording = (bench_recording){0};
    recorder state = {.recording = recording};
    hostsession_options options = HOSTSESSION_OPTIONS_INIT;
    options.mode = command->mode;
    options.shell = command->shell;
    options.ssh = command->ssh;
    options.on_transcript = on_transcript;
    options.userdata = &state;
    pid_t children[BENCH_MAX_CHILDREN];
    size_t child_count = bench_list_children(children);
    hostsession *session = bench_open_at(owner, command->target, &options);
    if (session == NULL)
        return false;
    bool done = command->target != NULL || describe_shell(recording, command, new_child(children, child_count)) ||
                bench_fail(owner, "recording: cannot tell how the library started the shell");
    done = done && record_commands(&state, session, command->text, owner);
    size_t step_count = recording->step_count;
    hostsession_close(session);
    /* What is typed to end the shell is not repeated. */
    for (size_t i = step_count; i < recording->step_count; i++)
        free(recording->steps[i].bytes);
    recording->step_count = step_count;
    return done;
}

void bench_recording_free(bench_recording *recording) {
    for (size_t i = 0; i < recording->step_count; i++)
        free(recording->steps[i].bytes);
    free(recording->steps);
    free(recording->arguments);
    free(recording->arguments_text);
    free(recording->environment);
    free(recording->environment_text);
    *recording = (bench_recording){0};
}
