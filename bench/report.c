/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_ROWS = 256,
    MAX_FACTS = 32,
};

typedef struct fact {
    char *name;
    char *value;
} fact;

typedef struct row {
    char *title;
    const char *placement;
    char *ours;
    char *theirs;
    double ours_value;
    double theirs_value;
    double ratio;
    double limit_ratio;
    bench_unit unit;
    bench_bar bar;
    /* Of the ratio; without `theirs`, of the value itself. */
    double bar_value;
    char *note;
} row;

struct bench_report {
    fact facts[MAX_FACTS];
    size_t fact_count;
    row rows[MAX_ROWS];
    size_t row_count;
};

static const struct {
    const char *name;
    double scale;
} units[] = {
    [BENCH_MICROSECONDS] = {"us", 1e6},
    [BENCH_MILLISECONDS] = {"ms", 1e3},
    [BENCH_MEGABYTES_PER_SECOND] = {"MB/s", 1e-6},
    [BENCH_KILOBYTES] = {"kB", 1e-3},
    [BENCH_NUMBER] = {"", 1},
};

bench_report *bench_report_new(void) {
    return calloc(1, sizeof(bench_report));
}

void bench_report_free(bench_report *report) {
    if (report == NULL)
        return;
    for (size_t i = 0; i < report->fact_count; i++) {
        free(report->facts[i].name);
        free(report->facts[i].value);
    }
    for (size_t i = 0; i < report->row_count; i++) {
        free(report->rows[i].title);
        free(report->rows[i].ours);
        free(report->rows[i].theirs);
        free(report->rows[i].note);
    }
    free(report);
}

void bench_report_fact(bench_report *report, const char *name, const char *value) {
    if (report->fact_count == MAX_FACTS)
        return;
    report->facts[report->fact_count++] = (fact){strdup(name), strdup(value)};
}

static row *add_row(bench_report *report) {
    if (report->row_count == MAX_ROWS) {
        fputs("bench: more rows than the report holds; raise MAX_ROWS\n", stderr);
        exit(1);
    }
    return &report->rows[report->row_count++];
}

void bench_report_ratio(bench_report *report, const char *title, bench_placement placement, const char *ours,
                        double ours_value, const char *theirs, double theirs_value, double ratio, double limit_ratio,
                        const bench_comparison *comparison, const char *note) {
    *add_row(report) = (row){
        .title = strdup(title),
        .placement = bench_placement_name(placement),
        .ours = strdup(ours),
        .theirs = strdup(theirs),
        .ours_value = ours_value,
        .theirs_value = theirs_value,
        .ratio = ratio,
        .limit_ratio = limit_ratio,
        .unit = comparison->unit,
        .bar = comparison->bar,
        .bar_value = comparison->bar_ratio,
        .note = note != NULL ? strdup(note) : NULL,
    };
}

void bench_report_value(bench_report *report, const char *title, const char *ours, double value, double most,
                        bench_unit unit, const char *note) {
    *add_row(report) = (row){
        .title = strdup(title),
        .placement = bench_placement_name(BENCH_UNPINNED),
        .ours = strdup(ours),
        .ours_value = value,
        .unit = unit,
        .bar = most > 0 ? BENCH_AT_MOST : BENCH_NO_BAR,
        .bar_value = most,
        .note = note != NULL ? strdup(note) : NULL,
    };
}

static bool meets_bar(const row *line, double value) {
    return line->bar == BENCH_AT_MOST ? value <= line->bar_value : value >= line->bar_value;
}

/* "limit": the least that could be done misses the bar, too. */
static const char *verdict_of(const row *line) {
    if (line->note != NULL)
        return "missing";
    if (line->bar == BENCH_NO_BAR)
        return "";
    if (meets_bar(line, line->theirs != NULL ? line->ratio : line->ours_value))
        return "pass";
    return line->limit_ratio > 0 && !meets_bar(line, line->limit_ratio) ? "limit" : "BEHIND";
}

static void format_value(char *to, size_t size, double value, bench_unit unit) {
    double scaled = value * units[unit].scale;
    if (unit == BENCH_NUMBER)
        snprintf(to, size, "%.0f", scaled);
    else
        snprintf(to, size, "%.*f %s", scaled < 100 ? 1 : 0, scaled, units[unit].name);
}

static int decimals_of(double ratio) {
    return ratio < 0.1 ? 4 : 2;
}

static void format_bar(char *to, size_t size, const row *line) {
    const char *sign = line->bar == BENCH_AT_MOST ? "<=" : ">=";
    if (line->bar == BENCH_NO_BAR)
        snprintf(to, size, "-");
    else if (line->theirs != NULL)
        snprintf(to, size, "%s %.*f", sign, decimals_of(line->bar_value), line->bar_value);
    else
        snprintf(to, size, "%s %.0f", sign, line->bar_value * units[line->unit].scale);
}

static void print_row(const row *line, FILE *to) {
    char ours[32] = "-";
    char theirs[32] = "";
    char ratio[32] = "";
    char bar[32];
    if (line->ours_value != 0 || line->note == NULL)
        format_value(ours, sizeof(ours), line->ours_value, line->unit);
    if (line->theirs != NULL && line->theirs_value != 0)
        format_value(theirs, sizeof(theirs), line->theirs_value, line->unit);
    if (line->theirs != NULL && line->note == NULL)
        snprintf(ratio, sizeof(ratio), "%.*f", decimals_of(line->ratio), line->ratio);
    format_bar(bar, sizeof(bar), line);
    fprintf(to, "%-36s %-8s  %-26s %11s  %-26s %11s  %6s  %-8s %s", line->title, line->placement, line->ours, ours,
            line->theirs != NULL ? line->theirs : "", theirs, ratio, bar, verdict_of(line));
    if (strcmp(verdict_of(line), "limit") == 0)
        fprintf(to, " %.*f", decimals_of(line->limit_ratio), line->limit_ratio);
    fputc('\n', to);
    if (line->note != NULL)
        fprintf(to, "    %s\n", line->note);
}

/* A title begins with its subject and a comma. */
static bool same_subject(const char *title, const char *other) {
    size_t length = strcspn(title, ",");
    return strcspn(other, ",") == length && strncmp(title, other, length) == 0;
}

void bench_report_print(const bench_report *report, FILE *to) {
    for (size_t i = 0; i < report->fact_count; i++)
        fprintf(to, "%-10s %s\n", report->facts[i].name, report->facts[i].value);
    fputs("\nMedians of interleaved rounds; a ratio is the median of the rounds' own ratios.\n\n", to);
    fprintf(to, "%-36s %-8s  %-26s %11s  %-26s %11s  %6s  %-8s %s\n", "row", "cores", "ours", "", "compared with", "",
            "ratio", "bar", "verdict");
    size_t behind = 0;
    size_t limited = 0;
    size_t missing = 0;
    for (size_t i = 0; i < report->row_count; i++) {
        if (i > 0 && !same_subject(report->rows[i].title, report->rows[i - 1].title))
            fputc('\n', to);
        print_row(&report->rows[i], to);
        behind += strcmp(verdict_of(&report->rows[i]), "BEHIND") == 0;
        limited += strcmp(verdict_of(&report->rows[i]), "limit") == 0;
        missing += report->rows[i].note != NULL;
    }
    fprintf(to,
            "\n%zu rows, %zu behind their bar, %zu whose bar a bare loop that does the same misses, too, %zu missing\n",
            report->row_count, behind, limited, missing);
}

static void write_string(FILE *to, const char *text) {
    if (text == NULL) {
        fputs("null", to);
        return;
    }
    fputc('"', to);
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '"' || byte == '\\')
            fprintf(to, "\\%c", byte);
        else if (byte < 0x20)
            fprintf(to, "\\u%04x", byte);
        else
            fputc(byte, to);
    }
    fputc('"', to);
}

static void write_member(FILE *to, const char *name, const char *text) {
    fprintf(to, "\"%s\": ", name);
    write_string(to, text);
    fputs(", ", to);
}

static void write_row(FILE *to, const row *line) {
    static const char *const bars[] = {
        [BENCH_NO_BAR] = NULL, [BENCH_AT_MOST] = "at most", [BENCH_AT_LEAST] = "at least"};
    fputs("    {", to);
    write_member(to, "row", line->title);
    write_member(to, "cores", line->placement);
    write_member(to, "ours", line->ours);
    write_member(to, "compared_with", line->theirs);
    write_member(to, "unit",
                 line->unit == BENCH_MEGABYTES_PER_SECOND ? "bytes/s"
                 : line->unit == BENCH_KILOBYTES          ? "bytes"
                 : line->unit == BENCH_NUMBER             ? ""
                                                          : "s");
    write_member(to, "bar", bars[line->bar]);
    write_member(to, "verdict", verdict_of(line));
    write_member(to, "note", line->note);
    fprintf(to,
            "\"value\": %.9g, \"compared_value\": %.9g, \"ratio\": %.6g, \"bar_value\": %.9g, \"limit_ratio\": %.6g}",
            line->ours_value, line->theirs_value, line->ratio, line->bar_value, line->limit_ratio);
}

bool bench_report_write_json(const bench_report *report, const char *path) {
    FILE *to = fopen(path, "we");
    if (to == NULL) {
        fprintf(stderr, "bench: cannot write %s: %s\n", path, strerror(errno));
        return false;
    }
    fputs("{\n  \"facts\": {", to);
    for (size_t i = 0; i < report->fact_count; i++) {
        fputs(i > 0 ? ", " : "", to);
        write_string(to, report->facts[i].name);
        fputs(": ", to);
        write_string(to, report->facts[i].value);
    }
    fputs("},\n  \"rows\": [\n", to);
    for (size_t i = 0; i < report->row_count; i++) {
        fputs(i > 0 ? ",\n" : "", to);
        write_row(to, &report->rows[i]);
    }
    fputs("\n  ]\n}\n", to);
    bool whole = ferror(to) == 0;
    return fclose(to) == 0 && whole;
}
