/*
 * The table of figures, each beside its yardstick, and the same as JSON.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define SERIES_MAX 64

/* What the rounds of one measurement gave. */
struct series {
    double values[SERIES_MAX];
    size_t n;
};

void series_add(struct series *series, double value);
double series_median(const struct series *series);
/* The ratios of neighbours, which others on the machine slow down alike. */
struct series series_ratios(const struct series *ours, const struct series *theirs);

enum report_target { REPORT_NO_TARGET, REPORT_AT_LEAST, REPORT_AT_MOST };

struct report_row {
    const char *what;
    const char *unit;
    const struct series *ours;
    const char *yardstick; /* NULL: none, and the target is the figure's own */
    const struct series *theirs;
    enum report_target kind;
    double target; /* of the ratio, where there is a yardstick */
};

struct report {
    json_t *rows;
};

void report_init(struct report *report);
/* Prints it, too. */
void report_add(struct report *report, const struct report_row *row);
/* A line for whom the figures make wonder. */
__attribute__((format(printf, 1, 2))) void report_note(const char *format, ...);
void report_finish(struct report *report, const char *path);

#endif
