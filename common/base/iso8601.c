/*
 * ISO 8601 texts and the civil calendar behind them, proleptic Gregorian, years 0001 to 9999.
 */
#include "base/iso8601.h"

#include <stdio.h>

#include "base/macros.h"

#define DAY_MS INT64_C(86400000)

/* 9999-12-31T23:59:59.999Z; a time outside the years that have a text is moved to the edge. */
#define LAST_MS INT64_C(253402300799999)

/* Days from 0001-01-01 to 1970-01-01. */
#define DAYS_TO_1970 719162

#define DAYS_IN_400_YEARS 146097
#define DAYS_IN_100_YEARS 36524
#define DAYS_IN_4_YEARS   1461

struct civil {
    int year;
    int month;
    int day;
    int hour;
    int minute;
    int second;
    int ms;
};

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days of a year that lie before the first of `month`. */
static int days_before_month(int year, int month)
{
    static const int days[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};

    return days[month - 1] + (month > 2 && is_leap(year) ? 1 : 0);
}

static int days_in_month(int year, int month)
{
    int first = days_before_month(year, month);

    return month == 12 ? 31 : days_before_month(year, month + 1) - first;
}

/* Days since 0001-01-01. */
static int days_from_date(const struct civil *t)
{
    int past = t->year - 1;

    return past * 365 + past / 4 - past / 100 + past / 400 +
           days_before_month(t->year, t->month) + t->day - 1;
}

static void date_from_days(int days, struct civil *t)
{
    int n400 = days / DAYS_IN_400_YEARS;
    days %= DAYS_IN_400_YEARS;
    /* The last of four centuries, and of four years, may be a day longer. */
    int n100 = days / DAYS_IN_100_YEARS == 4 ? 3 : days / DAYS_IN_100_YEARS;
    days -= n100 * DAYS_IN_100_YEARS;
    int n4 = days / DAYS_IN_4_YEARS;
    days %= DAYS_IN_4_YEARS;
    int n1 = days / 365 == 4 ? 3 : days / 365;
    days -= n1 * 365;
    t->year = n400 * 400 + n100 * 100 + n4 * 4 + n1 + 1;
    t->month = 12;
    while (days < days_before_month(t->year, t->month)) {
        t->month--;
    }
    t->day = days - days_before_month(t->year, t->month) + 1;
}

static int64_t ms_from_civil(const struct civil *t)
{
    int64_t days = days_from_date(t) - DAYS_TO_1970;

    return (((days * 24 + t->hour) * 60 + t->minute) * 60 + t->second) * 1000 + t->ms;
}

static struct civil civil_from_ms(int64_t at_ms)
{
    struct civil t;

    if (at_ms < ISO8601_NEVER_MS) {
        at_ms = ISO8601_NEVER_MS;
    }
    if (at_ms > LAST_MS) {
        at_ms = LAST_MS;
    }
    int64_t since_year_1 = at_ms - ISO8601_NEVER_MS;
    int in_day = (int)(since_year_1 % DAY_MS);
    date_from_days((int)(since_year_1 / DAY_MS), &t);
    t.hour = in_day / 3600000;
    t.minute = in_day / 60000 % 60;
    t.second = in_day / 1000 % 60;
    t.ms = in_day % 1000;
    return t;
}

/* Two digits and what follows them. */
static char *put_two(char *out, int value, char then)
{
    out[0] = (char)('0' + value / 10);
    out[1] = (char)('0' + value % 10);
    out[2] = then;
    return out + 3;
}

/* Without printf, as views of twins are full of times; the length. */
static int put_seconds(char out[ISO8601_MAX], const struct civil *t)
{
    char *at = put_two(out, t->year / 100, '\0') - 1;
    at = put_two(at, t->year % 100, '-');
    at = put_two(at, t->month, '-');
    at = put_two(at, t->day, 'T');
    at = put_two(at, t->hour, ':');
    at = put_two(at, t->minute, ':');
    at = put_two(at, t->second, '\0') - 1;
    return (int)(at - out);
}

const char *iso8601_format(char out[ISO8601_MAX], int64_t at_ms)
{
    struct civil t = civil_from_ms(at_ms);
    int len = put_seconds(out, &t);
    int digits = 3;

    while (digits > 0 && t.ms % 10 == 0) {
        t.ms /= 10;
        digits--;
    }
    if (digits > 0) {
        len += snprintf(out + len, (size_t)(ISO8601_MAX - len), ".%0*d", digits, t.ms);
    }
    out[len] = 'Z';
    out[len + 1] = '\0';
    return out;
}

const char *iso8601_format_seven(char out[ISO8601_MAX], int64_t at_ms)
{
    struct civil t = civil_from_ms(at_ms);
    int len = put_seconds(out, &t);

    snprintf(out + len, (size_t)(ISO8601_MAX - len), ".%03d0000Z", t.ms);
    return out;
}

/* Exactly `n` digits off the front; -1 when they are not there. */
static int take_digits(struct slice *rest, size_t n)
{
    int value = 0;

    if (rest->len < n) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        char c = rest->data[i];
        if (c < '0' || c > '9') {
            return -1;
        }
        value = value * 10 + (c - '0');
    }
    *rest = slice_from(*rest, n);
    return value;
}

/* One character of `set` off the front; NUL when another one is there. */
static char take_one_of(struct slice *rest, const char *set)
{
    if (rest->len == 0 || rest->data[0] == '\0' || strchr(set, rest->data[0]) == NULL) {
        return '\0';
    }
    char c = rest->data[0];
    *rest = slice_from(*rest, 1);
    return c;
}

static bool take_date(struct slice *rest, struct civil *t)
{
    t->year = take_digits(rest, 4);
    if (t->year < 1 || take_one_of(rest, "-") == '\0') {
        return false;
    }
    t->month = take_digits(rest, 2);
    if (t->month < 1 || t->month > 12 || take_one_of(rest, "-") == '\0') {
        return false;
    }
    t->day = take_digits(rest, 2);
    return t->day >= 1 && t->day <= days_in_month(t->year, t->month);
}

static bool take_time(struct slice *rest, struct civil *t)
{
    t->hour = take_digits(rest, 2);
    if (t->hour < 0 || t->hour > 23 || take_one_of(rest, ":") == '\0') {
        return false;
    }
    t->minute = take_digits(rest, 2);
    if (t->minute < 0 || t->minute > 59 || take_one_of(rest, ":") == '\0') {
        return false;
    }
    t->second = take_digits(rest, 2);
    return t->second >= 0 && t->second <= 59;
}

static bool take_fraction(struct slice *rest, struct civil *t)
{
    static const int weights[] = {100, 10, 1};
    size_t n = 0;

    t->ms = 0;
    if (take_one_of(rest, ".") == '\0') {
        return true;
    }
    for (int digit = take_digits(rest, 1); digit >= 0; digit = take_digits(rest, 1)) {
        if (n < ARRAY_LEN(weights)) {
            t->ms += digit * weights[n];
        }
        n++;
    }
    return n >= 1 && n <= 9;
}

static bool take_offset(struct slice *rest, int *out_minutes)
{
    *out_minutes = 0;
    if (rest->len == 0 || take_one_of(rest, "Zz") != '\0') {
        return true;
    }
    char sign = take_one_of(rest, "+-");
    int hours = take_digits(rest, 2);
    if (sign == '\0' || hours < 0 || hours > 23 || take_one_of(rest, ":") == '\0') {
        return false;
    }
    int minutes = take_digits(rest, 2);
    if (minutes < 0 || minutes > 59) {
        return false;
    }
    minutes += hours * 60;
    *out_minutes = sign == '-' ? -minutes : minutes;
    return true;
}

bool iso8601_parse(struct slice text, int64_t *out_at_ms)
{
    struct civil t;
    int offset;

    if (!take_date(&text, &t) || take_one_of(&text, "Tt ") == '\0' || !take_time(&text, &t) ||
        !take_fraction(&text, &t) || !take_offset(&text, &offset) || text.len != 0) {
        return false;
    }
    int64_t at_ms = ms_from_civil(&t) - offset * INT64_C(60000);
    /* An offset may lead out of the years that have a text. */
    if (at_ms < ISO8601_NEVER_MS || at_ms > LAST_MS) {
        return false;
    }
    *out_at_ms = at_ms;
    return true;
}
