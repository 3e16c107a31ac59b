/* SPDX-License-Identifier: MIT */
/*
 * What a user writes for a target: words that were split and quoted again are the same words; an address that was
 * understood is safe to hand on, and reads the same once more.
 */
#include "fuzz.h"

#include "base/shell.h"
#include "session/words.h"
#include "transport/address.h"

#include <string.h>

static void check_words(const char *line) {
    const char *why;
    size_t count;
    char **words = words_split(line, &count, &why);
    if (!words) {
        fuzz_must(why != NULL, "an open quote is named");
        return;
    }
    bytes again = {0};
    for (size_t i = 0; i < count; i++)
        fuzz_must(shell_append_word(&again, words[i]) && bytes_append(&again, " ", 1), "memory");
    fuzz_must(words[count] == NULL && bytes_append(&again, "", 1), "memory");
    size_t same_count;
    char **same = words_split(bytes_front(&again), &same_count, &why);
    fuzz_must(same && same_count == count, "as many words");
    for (size_t i = 0; i < count; i++)
        fuzz_must(strcmp(words[i], same[i]) == 0, "the same word");
    free(same);
    free(words);
    bytes_free(&again);
}

static void check_address(const char *text) {
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    address first;
    if (address_parse(text, text, &first, &why) != HOSTSESSION_OK) {
        fuzz_must(why.error != HOSTSESSION_OK && why.message[0], "a reason");
        return;
    }
    fuzz_must(first.host && address_host_is_safe(first.host), "a safe host");
    fuzz_must(!first.user || address_user_is_safe(first.user), "a safe user");
    fuzz_must(first.port >= 0 && first.port <= 65535, "a port");
    bytes again = {0};
    bool literal = strchr(first.host, ':') != NULL;
    fuzz_must(bytes_printf(&again, "%s%s%s%s%s", first.user ? first.user : "", first.user ? "@" : "",
                           literal ? "[" : "", first.host, literal ? "]" : ""),
              "memory");
    fuzz_must(!first.port || bytes_printf(&again, ":%d", first.port), "memory");
    fuzz_must(bytes_append(&again, "", 1), "memory");
    address second;
    fuzz_must(address_parse(bytes_front(&again), text, &second, &why) == HOSTSESSION_OK, "understood again");
    fuzz_must(strcmp(first.host, second.host) == 0 && first.port == second.port, "the same host");
    fuzz_must(!first.user == !second.user && (!first.user || strcmp(first.user, second.user) == 0), "the same user");
    address_free(&first);
    address_free(&second);
    bytes_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    fuzz_must(text != NULL, "memory");
    memcpy(text, data, size);
    text[size] = 0;
    check_words(text);
    check_address(text);
    free(text);
    return 0;
}
