/*
 * The types of options: how each is read, worded in an error, stored and freed.
 */
#include "cli/value.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "iothub/json.h"

#define MS_PER_S         1000
/* Up to here a double tells milliseconds apart. */
#define SECONDS_REAL_MAX 1e12

static size_t value_size(const struct cli_option *option)
{
    switch (option->type) {
    case CLI_FLAG:
        return sizeof(bool);
    case CLI_TEXT:
        return sizeof(char *);
    case CLI_NUMBER:
    case CLI_SECONDS:
    case CLI_CHOICE:
        return sizeof(int64_t);
    case CLI_LIST:
        return sizeof(struct cli_list);
    }
    return 0;
}

static union value value_load(const struct cli_option *option, const void *values)
{
    union value value = {.list = {0}};
    memcpy(&value, (const char *)values + option->offset, value_size(option));
    return value;
}

static void value_put(const struct cli_option *option, void *values, const union value *value)
{
    memcpy((char *)values + option->offset, value, value_size(option));
}

void value_store(const struct cli_option *option, void *values, const union value *value)
{
    union value old = value_load(option, values);
    value_finish(option, &old);
    value_put(option, values, value);
}

void value_move(const struct cli_option *option, void *from, void *to)
{
    union value value = value_load(option, from);
    value_put(option, to, &value);
}

/* Any text may be a key or a token, so all are wiped. */
static void list_finish(struct cli_list *list)
{
    for (size_t i = 0; i < list->n_items; i++) {
        mem_free_secret_text(list->items[i]);
    }
    free(list->items);
    *list = (struct cli_list){0};
}

void value_finish(const struct cli_option *option, union value *value)
{
    if (option->type == CLI_TEXT) {
        mem_free_secret_text(value->text);
    } else if (option->type == CLI_LIST) {
        list_finish(&value->list);
    }
    *value = (union value){.list = {0}};
}

/* Takes the item. */
static void list_append(struct cli_list *list, char *item)
{
    list->items = mem_grow(list->items, list->n_items + 1, sizeof(*list->items));
    list->items[list->n_items++] = item;
}

void value_append(const struct cli_option *option, void *values, const char *item)
{
    union value value = value_load(option, values);
    list_append(&value.list, mem_dup_text(item));
    value_put(option, values, &value);
}

/* A row that names neither bound has none. */
static bool is_unbounded(const struct cli_option *option)
{
    return option->min == 0 && option->max == 0;
}

static bool is_in_range(const struct cli_option *option, int64_t number)
{
    return is_unbounded(option) || (number >= option->min && number <= option->max);
}

static bool are_digits(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }
    return true;
}

/* The digits after the point; what is finer than a millisecond must be zeroes. */
static bool fraction_to_ms(struct slice digits, int64_t *out)
{
    int64_t ms = 0;
    int64_t unit = MS_PER_S;
    for (size_t i = 0; i < digits.len; i++) {
        unit /= 10;
        if (unit == 0 && digits.data[i] != '0') {
            return false;
        }
        ms += unit * (digits.data[i] - '0');
    }
    *out = ms;
    return true;
}

/* "1.5" is 1500, without passing through a floating-point number. */
static bool seconds_to_ms(struct slice text, int64_t *out)
{
    bool is_negative = slice_starts_with(text, SLICE("-"));
    text = slice_from(text, is_negative ? 1 : 0);
    size_t point = slice_find(text, '.');
    struct slice whole = slice_make(text.data, point);
    struct slice fraction = slice_from(text, point + 1);
    if (whole.len + fraction.len == 0 || !are_digits(whole) || !are_digits(fraction)) {
        return false;
    }
    int64_t seconds = 0;
    int64_t ms = 0;
    bool is_whole = whole.len == 0 || slice_to_i64(whole, &seconds);
    if (!is_whole || seconds >= INT64_MAX / MS_PER_S || !fraction_to_ms(fraction, &ms)) {
        return false;
    }
    ms += seconds * MS_PER_S;
    *out = is_negative ? -ms : ms;
    return true;
}

static bool text_to_flag(struct slice text, bool *out)
{
    bool is_true = slice_equal_nocase(text, SLICE("true")) || slice_equal_text(text, "1");
    bool is_false = slice_equal_nocase(text, SLICE("false")) || slice_equal_text(text, "0");
    if (!is_true && !is_false) {
        return false;
    }
    *out = is_true;
    return true;
}

static bool text_to_choice(const struct cli_option *option, struct slice text, int64_t *out)
{
    struct slice words = slice_of(option->argument);
    struct slice word;
    for (int64_t i = 0; slice_next(&words, '|', &word); i++) {
        if (slice_equal(word, text)) {
            *out = i;
            return true;
        }
    }
    return false;
}

/* Empty items ("a,,b") are nothing that could be meant. */
static void text_to_list(struct slice text, struct cli_list *out)
{
    struct cli_list list = {0};
    struct slice item;
    while (slice_next(&text, ',', &item)) {
        item = slice_trim(item);
        if (item.len > 0) {
            list_append(&list, slice_dup(item));
        }
    }
    *out = list;
}

bool value_from_text(const struct cli_option *option, const char *text, union value *out)
{
    struct slice s = slice_of(text);
    union value value = {.list = {0}};
    bool is_good = true;
    switch (option->type) {
    case CLI_FLAG:
        is_good = text_to_flag(s, &value.flag);
        break;
    case CLI_TEXT:
        value.text = mem_dup_text(text);
        break;
    case CLI_NUMBER:
        is_good = slice_to_i64(s, &value.number) && is_in_range(option, value.number);
        break;
    case CLI_SECONDS:
        is_good = seconds_to_ms(s, &value.number) && is_in_range(option, value.number);
        break;
    case CLI_LIST:
        text_to_list(s, &value.list);
        break;
    case CLI_CHOICE:
        is_good = text_to_choice(option, s, &value.number);
        break;
    }
    if (is_good) {
        *out = value;
    }
    return is_good;
}

/* A string that can be kept as a text: without NUL characters. */
static bool is_text(const json_t *json)
{
    return json_is_string(json) && strlen(json_string_value(json)) == json_string_length(json);
}

/* A real that is the nearest one to a whole number of milliseconds stands for that number. */
static bool json_to_ms(const json_t *json, int64_t *out)
{
    if (json_is_integer(json)) {
        json_int_t seconds = json_integer_value(json);
        if (seconds > INT64_MAX / MS_PER_S || seconds < INT64_MIN / MS_PER_S) {
            return false;
        }
        *out = seconds * MS_PER_S;
        return true;
    }
    double seconds = json_real_value(json);
    if (!json_is_real(json) || !(seconds > -SECONDS_REAL_MAX && seconds < SECONDS_REAL_MAX)) {
        return false;
    }
    int64_t ms = (int64_t)(seconds * MS_PER_S + (seconds < 0 ? -0.5 : 0.5));
    if ((double)ms / MS_PER_S != seconds) {
        return false;
    }
    *out = ms;
    return true;
}

static bool json_to_flag(const json_t *json, bool *out)
{
    bool is_bit = json_is_integer(json) &&
                  (json_integer_value(json) == 0 || json_integer_value(json) == 1);
    if (!json_is_boolean(json) && !is_bit) {
        return false;
    }
    *out = json_is_true(json) || json_integer_value(json) == 1;
    return true;
}

static bool json_to_number(const json_t *json, int64_t *out)
{
    *out = json_integer_value(json);
    return json_is_integer(json);
}

static bool json_to_scalar(const struct cli_option *option, const json_t *json,
                           union value *out)
{
    switch (option->type) {
    case CLI_FLAG:
        return json_to_flag(json, &out->flag);
    case CLI_TEXT:
        out->text = is_text(json) ? mem_dup_text(json_string_value(json)) : NULL;
        return out->text != NULL;
    case CLI_NUMBER:
        return json_to_number(json, &out->number) && is_in_range(option, out->number);
    case CLI_SECONDS:
        return json_to_ms(json, &out->number) && is_in_range(option, out->number);
    case CLI_CHOICE:
        return json_is_string(json) &&
               text_to_choice(option, json_string_slice(json), &out->number);
    case CLI_LIST:
        break;
    }
    return false;
}

static bool json_to_list(const struct cli_option *option, const json_t *json,
                         struct cli_list *out, struct buf *error)
{
    if (!json_is_array(json)) {
        buf_putf(error, "%s: expected an array of strings", option->key);
        return false;
    }
    struct cli_list list = {0};
    for (size_t i = 0; i < json_array_size(json); i++) {
        const json_t *item = json_array_get(json, i);
        if (!is_text(item)) {
            buf_putf(error, "%s[%zu]: expected a string", option->key, i);
            list_finish(&list);
            return false;
        }
        list_append(&list, mem_dup_text(json_string_value(item)));
    }
    *out = list;
    return true;
}

bool value_from_json(const struct cli_option *option, const json_t *json, union value *out,
                     struct buf *error)
{
    union value value = {.list = {0}};
    if (option->type == CLI_LIST) {
        if (!json_to_list(option, json, &value.list, error)) {
            return false;
        }
    } else if (!json_to_scalar(option, json, &value)) {
        buf_putf(error, "%s: ", option->key);
        value_put_expected(error, option);
        return false;
    }
    *out = value;
    return true;
}

/* A bound as the user writes it: seconds with as many decimals as needed. */
static void put_bound(struct buf *out, const struct cli_option *option, int64_t bound)
{
    if (option->type != CLI_SECONDS) {
        buf_put_i64(out, bound);
        return;
    }
    int64_t ms = bound % MS_PER_S;
    buf_putf(out, "%s%lld", bound < 0 && bound > -MS_PER_S ? "-" : "",
             (long long)(bound / MS_PER_S));
    if (ms == 0) {
        return;
    }
    buf_putf(out, ".%03d", abs((int)ms));
    while (out->data[out->len - 1] == '0') {
        buf_cut(out, out->len - 1);
    }
}

static void put_range(struct buf *out, const struct cli_option *option)
{
    if (is_unbounded(option)) {
        return;
    }
    if (option->max == INT64_MAX) {
        buf_put_text(out, " of at least ");
        put_bound(out, option, option->min);
        return;
    }
    if (option->min == INT64_MIN) {
        buf_put_text(out, " of at most ");
        put_bound(out, option, option->max);
        return;
    }
    buf_put_text(out, " from ");
    put_bound(out, option, option->min);
    buf_put_text(out, " to ");
    put_bound(out, option, option->max);
}

/* "table, json or csv" */
static void put_choices(struct buf *out, struct slice words)
{
    struct slice word;
    bool is_first = true;
    while (slice_next(&words, '|', &word)) {
        if (!is_first) {
            buf_put_text(out, words.len == 0 ? " or " : ", ");
        }
        buf_put_slice(out, word);
        is_first = false;
    }
}

void value_put_expected(struct buf *out, const struct cli_option *option)
{
    buf_put_text(out, "expected ");
    switch (option->type) {
    case CLI_FLAG:
        buf_put_text(out, "true or false");
        break;
    case CLI_TEXT:
        buf_put_text(out, "a string");
        break;
    case CLI_NUMBER:
        buf_put_text(out, "a number");
        put_range(out, option);
        break;
    case CLI_SECONDS:
        buf_put_text(out, "a number of seconds");
        put_range(out, option);
        buf_put_text(out, ", with at most three decimals");
        break;
    case CLI_LIST:
        buf_put_text(out, "an array of strings");
        break;
    case CLI_CHOICE:
        put_choices(out, slice_of(option->argument));
        break;
    }
}
