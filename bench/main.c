/* SPDX-License-Identifier: MIT */
#include "contenders.h"
#include "facts.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#ifndef BENCH_COMMAND
#define BENCH_COMMAND "hostsession"
#endif

static const struct {
    const char *name;
    void (*run)(const bench_context *context);
} subjects[] = {
    {"commands", bench_run_commands}, {"bulk", bench_run_bulk},
    {"memory", bench_run_memory},     {"sessions", bench_run_many_sessions},
    {"startup", bench_run_startup},   {"ssh-commands", bench_run_ssh_commands},
    {"ssh-bulk", bench_run_ssh_bulk}, {"ssh-connect", bench_run_ssh_connect},
    {"ssh-many", bench_run_ssh_many}, {"telnet", bench_run_telnet},
    {"fanout", bench_run_fanout},
};

static const bench_child *const children[] = {&bench_memory_child,          &bench_sessions_library_child,
                                              &bench_sessions_bare_child,   &bench_ssh_many_child,
                                              &bench_ssh_server_time_child, &bench_fanout_child};

static void print_help(void) {
    puts("Usage: hostsession-bench [OPTIONS] [SUBJECT...]\n"
         "\n"
         "Measure the library beside bare loops and other programs, and print one table.\n"
         "\n"
         "  --quick         fewer rounds, less data\n"
         "  --command PATH  the hostsession command (for the start-up row)\n"
         "  --peers DIR     where the peers' scripts are\n"
         "  --json FILE     write the figures to FILE, too\n"
         "  --help          this text\n"
         "\n"
         "Subjects (default: all; \"ssh\" is all of ssh-...):");
    for (size_t i = 0; i < BENCH_COUNT(subjects); i++)
        printf("  %s\n", subjects[i].name);
}

static int run_child(char **arguments) {
    double numbers[8] = {0};
    size_t count = 0;
    for (char **argument = arguments + 1; *arguments != NULL && *argument != NULL && count < 8; argument++)
        numbers[count++] = strtod(*argument, NULL);
    for (size_t i = 0; *arguments != NULL && i < BENCH_COUNT(children); i++) {
        if (strcmp(children[i]->name, *arguments) == 0)
            return children[i]->run(numbers, count);
    }
    return 2;
}

/* "ssh" stands for all that begin with "ssh-". */
static bool is_meant(const char *name, const char *wanted) {
    size_t length = strlen(wanted);
    return strncmp(name, wanted, length) == 0 && (name[length] == '\0' || name[length] == '-');
}

static bool is_wanted(const char *name, char **wanted) {
    if (*wanted == NULL)
        return true;
    for (; *wanted != NULL; wanted++) {
        if (is_meant(name, *wanted))
            return true;
    }
    return false;
}

static bool are_subjects(char **wanted) {
    for (; *wanted != NULL; wanted++) {
        bool known = false;
        for (size_t i = 0; i < BENCH_COUNT(subjects); i++)
            known = known || is_meant(subjects[i].name, *wanted);
        if (!known) {
            fprintf(stderr, "bench: no such subject: %s (see --help)\n", *wanted);
            return false;
        }
    }
    return true;
}

static int run_subjects(bench_context *context, char **wanted, const char *json_path) {
    double before = bench_now();
    bench_describe(context);
    for (size_t i = 0; i < BENCH_COUNT(subjects); i++) {
        if (is_wanted(subjects[i].name, wanted))
            subjects[i].run(context);
    }
    char took[32];
    snprintf(took, sizeof(took), "%.0f s", bench_now() - before);
    bench_report_fact(context->report, "took", took);
    bench_report_print(context->report, stdout);
    bool written = json_path == NULL || bench_report_write_json(context->report, json_path);
    bench_report_free(context->report);
    return written ? 0 : 1;
}

/* Returns 0 to go on, or an exit status plus one. */
static int read_options(int argc, char **argv, bench_context *context, const char **ret_json_path) {
    enum { OPTION_QUICK = 1, OPTION_COMMAND, OPTION_PEERS, OPTION_JSON, OPTION_HELP };
    static const struct option options[] = {
        {"quick", no_argument, NULL, OPTION_QUICK},       {"command", required_argument, NULL, OPTION_COMMAND},
        {"peers", required_argument, NULL, OPTION_PEERS}, {"json", required_argument, NULL, OPTION_JSON},
        {"help", no_argument, NULL, OPTION_HELP},         {0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case OPTION_QUICK:
            context->quick = true;
            break;
        case OPTION_COMMAND:
            context->command_path = optarg;
            break;
        case OPTION_PEERS:
            bench_peers_directory = optarg;
            break;
        case OPTION_JSON:
            *ret_json_path = optarg;
            break;
        case OPTION_HELP:
            print_help();
            return 1;
        default:
            return 3;
        }
    }
    return are_subjects(argv + optind) ? 0 : 3;
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "--child") == 0)
        return run_child(argv + 2);
    bench_context context = {.command_path = BENCH_COMMAND};
    const char *json_path = NULL;
    int done = read_options(argc, argv, &context, &json_path);
    if (done != 0)
        return done - 1;
    context.report = bench_report_new();
    if (context.report == NULL)
        return 1;
    bench_measure_init();
    return run_subjects(&context, argv + optind, json_path);
}
