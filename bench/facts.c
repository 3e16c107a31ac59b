/* SPDX-License-Identifier: MIT */
#include "facts.h"

#include <hostsession/hostsession.h>
#include <libssh/libssh.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#ifndef BENCH_BUILD
#define BENCH_BUILD "unknown"
#endif

/* The first line that a command prints, or "missing". */
static void add_output(bench_report *report, const char *name, const char *command) {
    char line[256] = "";
    FILE *from = popen(command, "re");
    if (from != NULL) {
        if (fgets(line, sizeof(line), from) == NULL)
            line[0] = '\0';
        pclose(from);
    }
    line[strcspn(line, "\n")] = '\0';
    bench_report_fact(report, name, line[0] != '\0' ? line : "missing");
}

static void add_processor(bench_report *report) {
    char model[256] = "unknown";
    char line[256];
    FILE *from = fopen("/proc/cpuinfo", "re");
    while (from != NULL && fgets(line, sizeof(line), from) != NULL) {
        if (sscanf(line, "model name : %255[^\n]", model) == 1)
            break;
    }
    if (from != NULL)
        fclose(from);
    char text[320];
    snprintf(text, sizeof(text), "%s, %ld cores", model, sysconf(_SC_NPROCESSORS_ONLN));
    bench_report_fact(report, "processor", text);
}

void bench_describe(const bench_context *context) {
    bench_report *report = context->report;
    char text[256];
    snprintf(text, sizeof(text), "%s (build type %s)%s", hostsession_version(), BENCH_BUILD,
             context->quick ? ", quick run" : "");
    bench_report_fact(report, "library", text);
    add_processor(report);
    int awake = bench_stay_awake();
    snprintf(text, sizeof(text), awake == 0 ? "kept off (/dev/cpu_dma_latency)" : "as the system has them (%s)",
             strerror(awake));
    bench_report_fact(report, "idle states", text);
    struct utsname kernel;
    if (uname(&kernel) == 0) {
        snprintf(text, sizeof(text), "%.60s %.100s", kernel.sysname, kernel.release);
        bench_report_fact(report, "kernel", text);
    }
    add_output(report, "bash", "bash --version");
    add_output(report, "dash", "dpkg-query -W -f '${Version}\\n' dash 2>/dev/null || command -v dash");
    add_output(report, "expect", "expect -v 2>/dev/null");
    add_output(report, "pexpect",
               "/usr/bin/python3 -c 'import pexpect, platform; print(pexpect.__version__ + \", Python \" + "
               "platform.python_version())' 2>/dev/null");
    add_output(report, "ssh", "ssh -V 2>&1");
    bench_report_fact(report, "libssh", ssh_version(0));
    add_output(report, "paramiko", "/usr/bin/python3 -c 'import paramiko; print(paramiko.__version__)' 2>/dev/null");
    add_output(report, "asyncssh", "/usr/bin/python3 -c 'import asyncssh; print(asyncssh.__version__)' 2>/dev/null");
    add_output(report, "clush", "clush --version 2>/dev/null");
    add_output(report, "pdsh", "pdsh -V 2>/dev/null");
    add_output(report, "pssh", "parallel-ssh --version 2>/dev/null");
}
