/* SPDX-License-Identifier: MIT */
#include "run.h"

#include "help.h"
#include "message.h"
#include "options.h"
#include "reader.h"
#include "report.h"
#include "sequence.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* More than one session needs.  Only a limit below is raised: commands inherit it, and they are to see the user's. */
enum { descriptors_needed = 1024 };

static void raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= descriptors_needed)
        return;
    limit.rlim_cur = limit.rlim_max < descriptors_needed ? limit.rlim_max : descriptors_needed;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* A standard descriptor that the caller closed would be taken by the next one opened, and a session's bytes would go
 * there.  Opened for the wrong direction, its use still fails. */
static void occupy_standard_descriptors(void) {
    for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; descriptor++)
        if (fcntl(descriptor, F_GETFD) < 0 && errno == EBADF)
            if (open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
                return;
}

static bool open_commands(reader *commands, const run_options *parsed) {
    if (!parsed->file) {
        reader_from_arguments(commands, parsed->commands, parsed->command_count);
        return true;
    }
    if (reader_open(commands, parsed->file, parsed->nul_separated ? '\0' : '\n'))
        return true;
    message("-f '%s': cannot read commands from it: %s", parsed->file, strerror(commands->error));
    return false;
}

int run_command(int argc, char **argv) {
    occupy_standard_descriptors();
    run_options parsed;
    options_answer answer = options_parse(&parsed, argc, argv);
    int exit_status = EXIT_USAGE;
    reader commands;
    if (answer == OPTIONS_HELP)
        exit_status = help_print("run");
    else if (answer == OPTIONS_WRONG)
        message("see 'hostsession run --help'");
    else if (open_commands(&commands, &parsed)) {
        raise_descriptor_limit();
        exit_status = sequence_run(&parsed, &commands);
        reader_release(&commands);
    }
    options_release(&parsed);
    return exit_status;
}
