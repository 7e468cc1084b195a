/*
 * Scanning JSON text by skipping: strings sixteen bytes at a time, containers by counting
 * brackets.
 */
#include "iothub/json_scan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/coding.h"

/* Numbers longer than this are copied to the heap to be read; no twin holds one. */
#define NUMBER_CHARS 63

/* Digits and powers of ten that a double holds exactly, so that one division rounds right. */
#define EXACT_DIGITS 15
static const double powers_of_ten[EXACT_DIGITS + 1] = {
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
};

/* Skipping: each gives the place after what stands at `at`, at most `end`. */

/* Nothing may be added to a NULL pointer, not even 0. */
static const char *end_of(struct slice s)
{
    return s.len == 0 ? s.data : s.data + s.len;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && is_space(*at)) {
        at++;
    }
    return at;
}

/* The first of 16 bytes that is a quote or a backslash; 16 when none is. */
static int first_mark_of_16(const char *at)
{
#ifdef __SSE2__
    __m128i bytes = _mm_loadu_si128((const __m128i_u *)(const void *)at);
    __m128i quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    __m128i escapes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    int found = _mm_movemask_epi8(_mm_or_si128(quotes, escapes));
    return __builtin_ctz((unsigned)found | 1U << 16);
#else
    int i = 0;
    while (i < 16 && at[i] != '"' && at[i] != '\\') {
        i++;
    }
    return i;
#endif
}

/* The first quote or backslash. */
static const char *find_quote_or_escape(const char *at, const char *end)
{
    while (end - at >= 16) {
        int n = first_mark_of_16(at);
        if (n < 16) {
            return at + n;
        }
        at += 16;
    }
    while (at < end && *at != '"' && *at != '\\') {
        at++;
    }
    return at;
}

/* `at` is behind the opening quote. */
static const char *skip_string(const char *at, const char *end)
{
    at = find_quote_or_escape(at, end);
    while (at < end && *at == '\\') {
        at = end - at < 2 ? end : find_quote_or_escape(at + 2, end);
    }
    return at < end ? at + 1 : end;
}

static const char *skip_scalar(const char *at, const char *end)
{
    while (at < end && !is_space(*at) && *at != ',' && *at != ']' && *at != '}' && *at != ':') {
        at++;
    }
    return at;
}

/* `at` is at the opening bracket. */
static const char *skip_container(const char *at, const char *end)
{
    size_t depth = 0;
    while (at < end) {
        char c = *at++;
        if (c == '"') {
            at = skip_string(at, end);
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            depth--;
            if (depth == 0) {
                return at;
            }
        }
    }
    return end;
}

static const char *skip_value(const char *at, const char *end)
{
    if (at == end) {
        return end;
    }
    if (*at == '"') {
        return skip_string(at + 1, end);
    }
    if (*at == '{' || *at == '[') {
        return skip_container(at, end);
    }
    return skip_scalar(at, end);
}

/* White space and then `c`; NULL when something else stands there. */
static const char *skip_mark(const char *at, const char *end, char c)
{
    at = skip_space(at, end);
    return at < end && *at == c ? at + 1 : NULL;
}

/* Characters of strings */

/* Four hex digits at `at`, or -1. */
static int32_t read_hex4(const char *at, const char *end)
{
    if (end - at < 4) {
        return -1;
    }
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0) {
            return -1;
        }
        value = value * 16 + digit;
    }
    return value;
}

static size_t put_utf8(char out[4], uint32_t point)
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (char)(0xC0 | point >> 6);
        out[1] = (char)(0x80 | (point & 0x3F));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (char)(0xE0 | point >> 12);
        out[1] = (char)(0x80 | (point >> 6 & 0x3F));
        out[2] = (char)(0x80 | (point & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | point >> 18);
    out[1] = (char)(0x80 | (point >> 12 & 0x3F));
    out[2] = (char)(0x80 | (point >> 6 & 0x3F));
    out[3] = (char)(0x80 | (point & 0x3F));
    return 4;
}

/* The code point after "\u", a surrogate pair taken together; half a pair becomes U+FFFD. */
static uint32_t read_point(const char **at, const char *end)
{
    int32_t high = read_hex4(*at, end);
    if (high < 0) {
        return 0xFFFD;
    }
    *at += 4;
    if (high < 0xD800 || high > 0xDFFF) {
        return (uint32_t)high;
    }
    if (high > 0xDBFF || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u') {
        return 0xFFFD;
    }
    int32_t low = read_hex4(*at + 2, end);
    if (low < 0xDC00 || low > 0xDFFF) {
        return 0xFFFD;
    }
    *at += 6;
    return 0x10000 + ((uint32_t)(high - 0xD800) << 10) + (uint32_t)(low - 0xDC00);
}

/* What the letter after a backslash stands for; a quote or a slash stands for itself. */
static char unescape(char letter)
{
    switch (letter) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return letter;
    }
}

/* Take one byte or one escape off the front; its bytes go to `out`. */
static size_t read_char(const char **at, const char *end, char out[4])
{
    char c = *(*at)++;
    if (c != '\\' || *at == end) {
        out[0] = c;
        return 1;
    }
    c = *(*at)++;
    if (c == 'u') {
        return put_utf8(out, read_point(at, end));
    }
    out[0] = unescape(c);
    return 1;
}

/* What stands between the quotes of a raw string. */
static struct slice inner(struct slice raw)
{
    if (raw.len < 2 || raw.data[0] != '"') {
        return slice_make("", 0);
    }
    return slice_make(raw.data + 1, raw.len - 2);
}

/* `text` with its escapes against `name` without. */
static bool escaped_equal(struct slice text, struct slice name)
{
    const char *at = text.data;
    const char *end = end_of(text);
    size_t done = 0;
    while (at < end) {
        char bytes[4];
        size_t n = read_char(&at, end, bytes);
        if (name.len - done < n || memcmp(name.data + done, bytes, n) != 0) {
            return false;
        }
        done += n;
    }
    return done == name.len;
}

/* Members */

/* Whether the name at *at, behind its quote, is `name`; *at moves behind it. */
static bool take_name(const char **at, const char *end, struct slice name)
{
    const char *begin = *at;
    const char *stop = find_quote_or_escape(begin, end);
    if (stop < end && *stop == '"') {
        *at = stop + 1;
        return slice_equal(slice_between(begin, stop), name);
    }
    *at = skip_string(stop, end);
    return *at > begin && escaped_equal(slice_between(begin, *at - 1), name);
}

/*
 * Move *at, which is inside an object before a name, on to the first value under `name`.
 * Whatever does not look like a member ends the search.
 */
static bool seek_member(const char **at, const char *end, struct slice name)
{
    const char *here = *at;
    while ((here = skip_mark(here, end, '"')) != NULL) {
        bool found = take_name(&here, end, name);
        here = skip_mark(here, end, ':');
        if (here == NULL) {
            return false;
        }
        here = skip_space(here, end);
        if (found) {
            *at = here;
            return here < end;
        }
        here = skip_mark(skip_value(here, end), end, ',');
        if (here == NULL) {
            return false;
        }
    }
    return false;
}

enum json_scan_type json_scan_type(struct slice raw)
{
    switch (raw.len == 0 ? 'n' : raw.data[0]) {
    case 'n':
        return JSON_SCAN_NULL;
    case 'f':
        return JSON_SCAN_FALSE;
    case 't':
        return JSON_SCAN_TRUE;
    case '"':
        return JSON_SCAN_STRING;
    case '[':
        return JSON_SCAN_ARRAY;
    case '{':
        return JSON_SCAN_OBJECT;
    default:
        return JSON_SCAN_NUMBER;
    }
}

bool json_scan_value(struct slice *rest, struct slice *raw)
{
    const char *end = end_of(*rest);
    const char *begin = skip_space(rest->data, end);
    const char *stop = skip_value(begin, end);
    if (stop == begin) {
        return false;
    }
    *raw = slice_between(begin, stop);
    *rest = slice_between(skip_space(stop, end), end);
    return true;
}

bool json_scan_member(struct slice object, struct slice name, struct slice *raw)
{
    const char *end = end_of(object);
    const char *at = skip_mark(object.data, end, '{');
    bool found = false;
    while (at != NULL && seek_member(&at, end, name)) {
        const char *stop = skip_value(at, end);
        *raw = slice_between(at, stop);
        found = true;
        at = skip_mark(stop, end, ',');
    }
    return found;
}

bool json_scan_path(struct slice document, const struct slice *names, size_t n_names,
                    struct slice *raw)
{
    const char *end = end_of(document);
    const char *at = skip_space(document.data, end);
    for (size_t i = 0; i < n_names; i++) {
        at = skip_mark(at, end, '{');
        if (at == NULL || !seek_member(&at, end, names[i])) {
            return false;
        }
    }
    const char *stop = skip_value(at, end);
    if (stop == at) {
        return false;
    }
    *raw = slice_between(at, stop);
    return true;
}

bool json_scan_open(struct json_scan *scan, struct slice raw)
{
    const char *end = end_of(raw);
    const char *at = skip_space(raw.data, end);
    if (at == end || (*at != '{' && *at != '[')) {
        return false;
    }
    scan->rest = slice_between(skip_space(at + 1, end), end);
    return true;
}

bool json_scan_next(struct json_scan *scan, struct slice *name, struct slice *raw)
{
    struct slice rest = scan->rest;
    if (name != NULL) {
        if (rest.len == 0 || rest.data[0] != '"' || !json_scan_value(&rest, name) ||
            rest.len == 0 || rest.data[0] != ':') {
            return false;
        }
        rest = slice_make(rest.data + 1, rest.len - 1);
    }
    if (!json_scan_value(&rest, raw)) {
        return false;
    }
    if (rest.len > 0 && rest.data[0] == ',') {
        rest = slice_trim(slice_make(rest.data + 1, rest.len - 1));
    }
    scan->rest = rest;
    return true;
}

struct slice json_scan_string(struct slice raw, struct buf *scratch)
{
    struct slice text = inner(raw);
    if (text.len == 0 || memchr(text.data, '\\', text.len) == NULL) {
        return text;
    }
    size_t begin = scratch->len;
    const char *at = text.data;
    const char *end = end_of(text);
    while (at < end) {
        char bytes[4];
        size_t n = read_char(&at, end, bytes);
        buf_put(scratch, bytes, n);
    }
    return slice_from(buf_slice(scratch), begin);
}

bool json_scan_string_is(struct slice raw, struct slice text)
{
    return raw.len >= 2 && raw.data[0] == '"' && escaped_equal(inner(raw), text);
}

/* Numbers */

/* Digits appended to *value; how many they were. */
static size_t read_digits(const char **at, const char *end, uint64_t *value)
{
    const char *begin = *at;
    while (*at < end && **at >= '0' && **at <= '9') {
        *value = *value * 10 + (uint64_t)(**at - '0');
        (*at)++;
    }
    return (size_t)(*at - begin);
}

/* Numbers of few digits and no exponent, read without a library call: nearly all there are. */
static bool read_plain_number(struct slice raw, double *out)
{
    const char *at = raw.data;
    const char *end = end_of(raw);
    uint64_t value = 0;
    size_t n_fraction = 0;
    bool negative = at < end && *at == '-';
    at += negative ? 1 : 0;
    size_t n_digits = read_digits(&at, end, &value);
    if (at < end && *at == '.') {
        at++;
        n_fraction = read_digits(&at, end, &value);
    }
    if (at != end || n_digits + n_fraction > EXACT_DIGITS) {
        return false;
    }
    double number = (double)value / powers_of_ten[n_fraction];
    *out = negative ? -number : number;
    return true;
}

double json_scan_number(struct slice raw)
{
    double number = 0;
    if (raw.len == 0 || read_plain_number(raw, &number)) {
        return number;
    }
    if (raw.len <= NUMBER_CHARS) {
        char text[NUMBER_CHARS + 1];
        memcpy(text, raw.data, raw.len);
        text[raw.len] = '\0';
        return strtod(text, NULL);
    }
    char *text = slice_dup(raw);
    number = strtod(text, NULL);
    free(text);
    return number;
}
