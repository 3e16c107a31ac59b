/* SPDX-License-Identifier: MIT */
#include "help.h"

#include "message.h"
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char general_help[] = "Usage: hostsession SUBCOMMAND [ARGUMENT]...\n"
                                   "\n"
                                   "Run commands in persistent shell sessions: one shell, state kept from command to\n"
                                   "command, exact output and exit status for each.\n"
                                   "\n"
                                   "Subcommands:\n"
                                   "  run [OPTIONS] TARGET COMMAND...  run commands one after another in a session\n"
                                   "  help [SUBCOMMAND]                show this help, or that of a subcommand\n"
                                   "\n"
                                   "Options:\n"
                                   "  -h, --help     show this help\n"
                                   "  -V, --version  show the version\n"
                                   "\n"
                                   "Example:\n"
                                   "  hostsession run local 'cd /tmp' 'x=42' 'echo \"$x in $PWD\"'\n"
                                   "\n"
                                   "See also hostsession(1), hostsession-run(1).\n";

static const char run_help[] = "Usage: hostsession run [OPTIONS] TARGET COMMAND...\n"
                               "       hostsession run [OPTIONS] -f FILE TARGET\n"
                               "\n"
                               "Run the COMMANDs in order in one persistent shell on TARGET.  The working\n"
                               "directory, variables, functions and the user are kept from one to the next.\n"
                               "Options stand before TARGET: what follows it are commands.\n"
                               "\n"
                               "Target:\n"
                               "  local                      a shell on this machine\n"
                               "  [USER@]HOST[:PORT]         the login shell on a host, over SSH; HOST may be an\n"
                               "                             alias of ssh_config; also ssh://[USER@]HOST[:PORT]\n"
                               "  telnet://[USER@]HOST[:PORT]\n"
                               "                             the shell behind a login over telnet, which is not\n"
                               "                             encrypted\n"
                               "  exec:PROGRAM ARG...        a program that gives a shell on its terminal, such\n"
                               "                             as 'exec:docker exec -it web sh'\n"
                               "\n"
                               "Commands:\n"
                               "  -f FILE                    read commands from FILE (- for standard input), one\n"
                               "                             a line; each is answered before the next is needed\n"
                               "  -0                         they are separated by NUL, not by newlines\n"
                               "  -k, --keep-going           go on after a command that did not succeed\n"
                               "\n"
                               "Session:\n"
                               "      --mode tty|pipe        a terminal (default), or pipes with standard error\n"
                               "                             apart\n"
                               "      --shell PROGRAM        the shell to start (default: bash, else sh; on\n"
                               "                             hosts, the login shell)\n"
                               "      --cwd DIR              the directory to start in\n"
                               "      --env NAME=VALUE       set a variable; repeatable\n"
                               "\n"
                               "Limits:\n"
                               "  -t, --timeout SECONDS      for each command (default: none)\n"
                               "      --budget SECONDS       for all commands together (default: none)\n"
                               "      --connect-timeout SECONDS\n"
                               "                             until the shell is ready (default: 10)\n"
                               "      --recovery-timeout SECONDS\n"
                               "                             until the shell is won back from a command that was\n"
                               "                             stopped; then the session is ended (default: 5)\n"
                               "      --max-output BYTES     keep at most that much of each command's output for\n"
                               "                             --json (default: 64MiB); K, M and G are understood\n";

/* The rest: C11 promises strings of up to 4,095 bytes. */
static const char run_help_more[] = "\n"
                                    "Answering questions:\n"
                                    "      --expect REGEX         wait for REGEX in the output, and answer each time\n"
                                    "                             it appears with what the next option says; the pair\n"
                                    "                             is repeatable\n"
                                    "      --reply TEXT           type TEXT and Enter\n"
                                    "      --reply-from env:NAME|file:PATH\n"
                                    "                             type a secret and Enter\n"
                                    "      --max-answers N        answer it at most N times a command (default: 16)\n"
                                    "\n"
                                    "Consoles that are no shell (a network device, 'exec:python3'):\n"
                                    "      --prompt REGEX         the target is one, and this is its prompt\n"
                                    "      --pager REGEX          answer what its pager asks with a blank; repeatable\n"
                                    "      --error REGEX          at the start of a line of output: it failed\n"
                                    "      --status-command TEXT  run TEXT after each command for its exit status\n"
                                    "      --status REGEX         where that is in its output: the first group\n"
                                    "      --no-probe             type no Enter as proof of the prompt: where an\n"
                                    "                             empty line does something (exec:gdb)\n"
                                    "\n"
                                    "Logging in (not for local and exec: targets):\n"
                                    "      --password-from env:NAME|file:PATH|ask\n"
                                    "                             where to get the password; ask: on the terminal\n"
                                    "  -i FILE                    identity file, as in ssh(1)\n"
                                    "  -F FILE                    configuration file, as in ssh(1)\n"
                                    "  -o KEY=VALUE               configuration option, as in ssh(1)\n"
                                    "      --name-prompt REGEX    what asks for the name, over telnet\n"
                                    "      --password-prompt REGEX\n"
                                    "                             what asks for the password, over telnet\n"
                                    "      --pace BYTES/SECONDS   over telnet, send so much at once and nothing\n"
                                    "                             for so long then: for slow serial lines\n"
                                    "\n"
                                    "Output:\n"
                                    "      --json                 one JSON object a line for each command\n"
                                    "      --session-log FILE     append to FILE what is sent and received; secrets\n"
                                    "                             are shown as ***\n"
                                    "  -q                         do not tell how commands ended\n"
                                    "  -v                         tell what is done; twice: more\n"
                                    "  -h, --help                 show this help\n"
                                    "\n"
                                    "Exit status: 0 if all commands succeeded, else that of the first that did not;\n"
                                    "124 timed out; 130 Ctrl+C; 2 wrong usage; 255 not run, or outcome unknown.\n"
                                    "\n"
                                    "Examples:\n"
                                    "  hostsession run local 'cd /srv/app' 'make' 'make install'\n"
                                    "  hostsession run --json -t 30 -f commands.txt local\n"
                                    "  hostsession run --expect 'password.*: $' --reply-from env:PASSWORD \\\n"
                                    "      local 'sudo -k id'\n"
                                    "  hostsession run --prompt '>>> ' exec:python3 'x = 6' 'print(7 * x)'\n"
                                    "\n"
                                    "See hostsession-run(1) for all details.\n";

static int print(const char *text) {
    if (fputs(text, stdout) != EOF && fflush(stdout) == 0)
        return 0;
    message("cannot write to standard output: %s", strerror(errno));
    return EXIT_ERROR;
}

int help_print(const char *subcommand) {
    if (!subcommand || strcmp(subcommand, "help") == 0)
        return print(general_help);
    if (strcmp(subcommand, "run") == 0)
        return print(run_help) ? EXIT_ERROR : print(run_help_more);
    message("no help for '%s': there is no such subcommand; see 'hostsession --help'", subcommand);
    return EXIT_USAGE;
}

int help_print_version(void) {
    return print("hostsession " HOSTSESSION_VERSION "\n");
}
