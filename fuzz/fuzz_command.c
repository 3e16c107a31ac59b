/* SPDX-License-Identifier: MIT */
/*
 * What the command reads and writes: arguments, separated by NUL, are understood or refused; commands that come in
 * pieces are the input cut at its newlines; a JSON string is UTF-8 without control characters that gives the text back.
 */
#include "fuzz.h"

#include "json.h"
#include "options.h"
#include "reader.h"
#include "utf8.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { most_arguments = 64, most_text_bytes = 8 * 1024 };

static void check_options(const uint8_t *data, size_t size) {
    /* No file is read that the input names. */
    if (memmem(data, size, "file:", 5))
        return;
    char *text = malloc(size + 1);
    char *arguments[most_arguments + 2] = {"run"};
    fuzz_must(text != NULL, "memory");
    memcpy(text, data, size);
    text[size] = 0;
    int count = 1;
    for (char *at = text; at <= text + size && count <= most_arguments; at += strlen(at) + 1)
        arguments[count++] = at;
    run_options parsed;
    if (options_parse(&parsed, count, arguments) == OPTIONS_RUN) {
        fuzz_must(parsed.target != NULL, "there is a target");
        fuzz_must((parsed.file != NULL) != (parsed.command_count > 0), "commands come from one place");
        fuzz_must(parsed.timeout_ms >= 0 && parsed.budget_ms >= 0 && parsed.connect_timeout_ms >= 0, "times");
        for (size_t i = 0; i < parsed.expectation_count; i++)
            fuzz_must(parsed.expectations[i].pattern && parsed.expectations[i].response, "pairs");
    }
    options_release(&parsed);
    free(text);
}

static void check_reader(const uint8_t *data, size_t size) {
    char path[32];
    int file = memfd_create("commands", MFD_CLOEXEC);
    fuzz_must(file >= 0 && write(file, data, size) == (ssize_t)size && lseek(file, 0, SEEK_SET) == 0, "a file");
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    reader from;
    fuzz_must(reader_open(&from, path, '\n'), "it opens");
    close(file);
    size_t at = 0;
    char *command;
    size_t length;
    for (reader_answer answer; (answer = reader_next(&from, &command, &length)) != READER_END;) {
        if (answer == READER_WAIT) {
            reader_fill(&from);
            continue;
        }
        fuzz_must(answer == READER_COMMAND && at + length <= size && !command[length], "a command");
        fuzz_must(memcmp(command, data + at, length) == 0 && !memchr(command, '\n', length), "a line of the input");
        at += length;
        fuzz_must(at == size || data[at] == '\n', "the whole of it");
        at += at < size;
    }
    fuzz_must(at == size, "all lines");
    reader_release(&from);
}

/* The text of a JSON string; returns its length. */
static size_t read_json(const char *json, size_t length, char *to) {
    static const char escapes[] = "\"\\/bfnrt";
    static const char letters[] = "\"\\/\b\f\n\r\t";
    fuzz_must(length >= 2 && json[0] == '"' && json[length - 1] == '"', "quotes");
    fuzz_must(utf8_valid_bytes(json, length) == length, "UTF-8");
    size_t used = 0;
    for (size_t i = 1; i < length - 1; i++) {
        fuzz_must((unsigned char)json[i] >= 0x20 && json[i] != '"', "nothing that must be escaped");
        if (json[i] != '\\') {
            to[used++] = json[i];
            continue;
        }
        const char *escape = strchr(escapes, json[++i]);
        if (json[i] == 'u') {
            char digits[5] = {json[i + 1], json[i + 2], json[i + 3], json[i + 4], 0};
            to[used++] = (char)strtoul(digits, NULL, 16);
            i += 4;
        } else {
            fuzz_must(escape && json[i], "a known escape");
            to[used++] = letters[escape - escapes];
        }
    }
    return used;
}

static void check_json(const char *text, size_t length) {
    static writer out;
    char back[most_text_bytes * 3];
    writer_init(&out, -1, -1, NULL, NULL);
    json_put_text_bytes(&out, text, length);
    size_t count = read_json(out.buffer, out.used, back);
    if (utf8_valid_bytes(text, length) == length)
        fuzz_must(count == length && memcmp(back, text, length) == 0, "the text comes back");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > most_text_bytes)
        return 0;
    check_options(data, size);
    check_reader(data, size);
    check_json((const char *)data, size);
    return 0;
}
