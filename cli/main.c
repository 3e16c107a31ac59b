/* SPDX-License-Identifier: MIT */
#include "help.h"
#include "message.h"
#include "report.h"
#include "run.h"

#include <stdbool.h>
#include <string.h>

static bool is_one_of(const char *word, const char *one, const char *other) {
    return strcmp(word, one) == 0 || strcmp(word, other) == 0;
}

int main(int argc, char **argv) {
    const char *word = argc > 1 ? argv[1] : "";
    if (strcmp(word, "run") == 0)
        return run_command(argc - 1, argv + 1);
    if (is_one_of(word, "--version", "-V"))
        return help_print_version();
    if (is_one_of(word, "--help", "-h") || strcmp(word, "help") == 0)
        return help_print(argc > 2 ? argv[2] : NULL);

    if (!*word)
        message("no subcommand: try 'hostsession run local COMMAND', or see 'hostsession --help'");
    else
        message("unknown %s '%s'; see 'hostsession --help'", *word == '-' ? "option" : "subcommand", word);
    return EXIT_USAGE;
}
