/*
 * Medians and lines.
 */
#include "bench/report.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/launch.h"

void series_add(struct series *series, double value)
{
    assert(series->n < SERIES_MAX);
    series->values[series->n++] = value;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

double series_median(const struct series *series)
{
    struct series sorted = *series;
    if (series->n == 0) {
        return 0;
    }
    qsort(sorted.values, sorted.n, sizeof(sorted.values[0]), compare);
    return (sorted.values[(sorted.n - 1) / 2] + sorted.values[sorted.n / 2]) / 2;
}

struct series series_ratios(const struct series *ours, const struct series *theirs)
{
    struct series ratios = {0};
    for (size_t i = 0; i < ours->n && i < theirs->n; i++) {
        series_add(&ratios, ours->values[i] / theirs->values[i]);
    }
    return ratios;
}

void report_init(struct report *report)
{
    report->rows = json_array();
    (void)printf("%-52s %10s %10s %-6s %7s  %-10s %-7s %s\n", "", "ours", "yardstick", "unit",
                 "ratio", "target", "", "yardstick");
}

static const char *verdict(const struct report_row *row, double judged)
{
    switch (row->kind) {
    case REPORT_NO_TARGET:
        return "";
    case REPORT_AT_LEAST:
        return judged >= row->target ? "met" : "MISSED";
    case REPORT_AT_MOST:
        return judged <= row->target ? "met" : "MISSED";
    }
    return "";
}

static void describe_target(const struct report_row *row, char *out, size_t size)
{
    const char *sign = row->kind == REPORT_AT_LEAST ? ">=" : "<=";
    (void)snprintf(out, size, "%s %g%s", sign, row->target, row->theirs == NULL ? "" : "x");
    if (row->kind == REPORT_NO_TARGET) {
        out[0] = '\0';
    }
}

/* Four digits say enough. */
static void put_figure(double value, char *out, size_t size)
{
    int decimals = value < 10 ? 2 : value < 100 ? 1 : 0;
    (void)snprintf(out, size, "%.*f", decimals, value);
}

void report_add(struct report *report, const struct report_row *row)
{
    char target[32];
    char ours_text[32];
    char theirs_text[32] = "";
    char ratio_text[32] = "";
    double ours = series_median(row->ours);
    double judged = ours;
    json_t *json = json_pack("{ss ss sf}", "what", row->what, "unit", row->unit, "ours", ours);
    put_figure(ours, ours_text, sizeof(ours_text));
    if (row->theirs != NULL) {
        struct series ratios = series_ratios(row->ours, row->theirs);
        double theirs = series_median(row->theirs);
        judged = series_median(&ratios);
        put_figure(theirs, theirs_text, sizeof(theirs_text));
        (void)snprintf(ratio_text, sizeof(ratio_text), "%.2fx", judged);
        json_object_set_new(json, "yardstick", json_string(row->yardstick));
        json_object_set_new(json, "theirs", json_real(theirs));
        json_object_set_new(json, "ratio", json_real(judged));
    }
    describe_target(row, target, sizeof(target));
    json_object_set_new(json, "target", json_string(target));
    json_object_set_new(json, "verdict", json_string(verdict(row, judged)));
    json_array_append_new(report->rows, json);
    (void)printf("%-52s %10s %10s %-6s %7s  %-10s %-7s %s\n", row->what, ours_text, theirs_text,
                 row->unit, ratio_text, target, verdict(row, judged),
                 row->yardstick == NULL ? "" : row->yardstick);
    (void)fflush(stdout);
}

void report_note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fputs("    ", stdout);
    (void)vprintf(format, args);
    (void)fputc('\n', stdout);
    va_end(args);
}

void report_finish(struct report *report, const char *path)
{
    if (json_dump_file(report->rows, path, JSON_INDENT(2)) != 0) {
        bench_fail(NULL, "%s cannot be written", path);
    }
    json_decref(report->rows);
    (void)printf("%s\n", path);
}
