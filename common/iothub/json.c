/*
 * Writing JSON without jansson's dump (whose reals have 17 digits), and reading it with a depth
 * check in front.
 */
#include "iothub/json.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iothub/json_room.h"

#define REPLACEMENT SLICE("\xef\xbf\xbd") /* U+FFFD */

/* Long enough for "%.17g" of every double. */
#define REAL_MAX_CHARS 40

/* jansson's look-ups on objects take no const although they change nothing. */
static json_t *without_const(const json_t *value)
{
    return (json_t *)(uintptr_t)value;
}

/* How many bytes the UTF-8 character at the front has; 0 when it is none (RFC 3629). */
static size_t utf8_len(struct slice s)
{
    unsigned char lead = (unsigned char)s.data[0];
    size_t len = 4;
    uint32_t code = lead & 0x07;

    if (lead < 0x80) {
        return 1;
    }
    if (lead < 0xc2 || lead > 0xf4) {
        return 0;
    }
    if (lead < 0xf0) {
        len = lead < 0xe0 ? 2 : 3;
        code = lead < 0xe0 ? lead & 0x1f : lead & 0x0f;
    }
    if (s.len < len) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if ((c & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (c & 0x3f);
    }
    /* Overlong forms, surrogates, past the last plane. */
    bool is_overlong = code < (len == 4 ? 0x10000 : len == 3 ? 0x800 : 0x80);
    bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
    return is_overlong || is_surrogate || code > 0x10ffff ? 0 : len;
}

/* The letter of a short escape, or NUL. */
static char short_escape(char c)
{
    switch (c) {
    case '"':
    case '\\':
        return c;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return '\0';
    }
}

/*
 * Whether eight bytes are all ASCII and need no escape.  A subtraction turns on the high bit of
 * a byte below what is subtracted; where none has it before, that tells of the eight at once.
 */
static bool are_plain_eight(const char *at)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    uint64_t bytes = 0;

    memcpy(&bytes, at, sizeof(bytes));
    uint64_t controls = bytes - each * 0x20;
    uint64_t quotes = (bytes ^ each * '"') - each;
    uint64_t escapes = (bytes ^ each * '\\') - each;
    return ((bytes | controls | quotes | escapes) & each * 0x80) == 0;
}

/* How many bytes at the front can be copied as they are. */
static size_t plain_len(struct slice s)
{
    size_t len = 0;

    while (len < s.len) {
        if (s.len - len >= 8 && are_plain_eight(s.data + len)) {
            len += 8;
            continue;
        }
        unsigned char c = (unsigned char)s.data[len];
        if (c < 0x20 || c == '"' || c == '\\') {
            break;
        }
        size_t step = c < 0x80 ? 1 : utf8_len(slice_from(s, len));
        if (step == 0) {
            break;
        }
        len += step;
    }
    return len;
}

static void put_escaped(struct buf *out, char c)
{
    char letter = short_escape(c);

    if (letter != '\0') {
        buf_put_char(out, '\\');
        buf_put_char(out, letter);
    } else if (c != '\0' && (unsigned char)c < 0x20) {
        buf_putf(out, "\\u%04X", (unsigned int)c);
    } else {
        buf_put_slice(out, REPLACEMENT);
    }
}

void json_put_string(struct buf *out, struct slice text)
{
    buf_put_char(out, '"');
    while (text.len > 0) {
        size_t plain = plain_len(text);
        buf_put(out, text.data, plain);
        text = slice_from(text, plain);
        if (text.len > 0) {
            put_escaped(out, text.data[0]);
            text = slice_from(text, 1);
        }
    }
    buf_put_char(out, '"');
}

void json_put_string_or_null(struct buf *out, const char *text)
{
    if (text == NULL) {
        buf_put_text(out, "null");
        return;
    }
    json_put_string(out, slice_of(text));
}

/* printf's text of a finite double, with the fewest digits that read back as the same. */
static void print_shortest(char out[REAL_MAX_CHARS], double value)
{
    /* Every decimal of up to 15 digits survives a normal double, so 15 finds all shorter ones.
     */
    bool is_small = value != 0 && fabs(value) < DBL_MIN;

    for (int digits = is_small ? 1 : 15; digits <= 17; digits++) {
        snprintf(out, REAL_MAX_CHARS, "%.*g", digits, value);
        if (strtod(out, NULL) == value) {
            return;
        }
    }
}

/* "e+05" and "e-05" become "e5" and "e-5". */
static void put_exponent(struct buf *out, const char *text)
{
    buf_put_char(out, 'e');
    text++;
    if (*text == '-') {
        buf_put_char(out, '-');
    }
    text += *text == '-' || *text == '+' ? 1 : 0;
    while (*text == '0') {
        text++;
    }
    buf_put_text(out, text);
}

void json_put_real(struct buf *out, double value)
{
    char text[REAL_MAX_CHARS];

    if (!isfinite(value)) {
        /* JSON has no word for these. */
        buf_put_text(out, "null");
        return;
    }
    print_shortest(text, value);
    size_t whole = strspn(text, "-0123456789");
    const char *rest = text + whole;
    buf_put(out, text, whole);
    if (*rest == '\0') {
        buf_put_text(out, ".0");
        return;
    }
    if (*rest != 'e') {
        /* A decimal point, whatever the locale writes for it. */
        buf_put_char(out, '.');
        rest += strcspn(rest, "0123456789");
        size_t fraction = strspn(rest, "0123456789");
        buf_put(out, rest, fraction);
        rest += fraction;
    }
    if (*rest == 'e') {
        put_exponent(out, rest);
    }
}

static void put_array(struct buf *out, const json_t *array)
{
    buf_put_char(out, '[');
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (i > 0) {
            buf_put_char(out, ',');
        }
        json_put(out, json_array_get(array, i));
    }
    buf_put_char(out, ']');
}

static void put_object(struct buf *out, json_t *object)
{
    void *first = json_object_iter(object);

    buf_put_char(out, '{');
    for (void *at = first; at != NULL; at = json_object_iter_next(object, at)) {
        if (at != first) {
            buf_put_char(out, ',');
        }
        json_put_string(out,
                        slice_make(json_object_iter_key(at), json_object_iter_key_len(at)));
        buf_put_char(out, ':');
        json_put(out, json_object_iter_value(at));
    }
    buf_put_char(out, '}');
}

void json_put(struct buf *out, const json_t *value)
{
    if (value == NULL) {
        buf_put_text(out, "null");
        return;
    }
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        put_object(out, without_const(value));
        break;
    case JSON_ARRAY:
        put_array(out, value);
        break;
    case JSON_STRING:
        json_put_string(out, json_string_slice(value));
        break;
    case JSON_INTEGER:
        buf_put_i64(out, json_integer_value(value));
        break;
    case JSON_REAL:
        json_put_real(out, json_real_value(value));
        break;
    case JSON_TRUE:
        buf_put_text(out, "true");
        break;
    case JSON_FALSE:
        buf_put_text(out, "false");
        break;
    case JSON_NULL:
        buf_put_text(out, "null");
        break;
    }
}

char *json_text(const json_t *value)
{
    struct buf out;

    buf_init(&out, BUF_CAP_OWN);
    json_put(&out, value);
    return buf_take_text(&out);
}

/*
 * Where the text first nests deeper than JSON_DEPTH_MAX, or its length.  Brackets need not
 * match: jansson looks at that.
 */
static size_t find_too_deep(struct slice text)
{
    bool in_string = false;
    int depth = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (in_string) {
            i += c == '\\' ? 1 : 0;
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > JSON_DEPTH_MAX) {
                return i;
            }
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return text.len;
}

static bool refuse(struct slice text, size_t at, const char *reason, struct buf *error)
{
    int line = 1;
    size_t line_start = 0;

    for (size_t i = 0; i < at; i++) {
        if (text.data[i] == '\n') {
            line++;
            line_start = i + 1;
        }
    }
    if (error != NULL) {
        buf_putf(error, "line %d, column %zu: %s", line, at - line_start + 1, reason);
    }
    return false;
}

/* What jansson must not see. */
static bool check_before(struct slice text, struct buf *error)
{
    size_t deep = find_too_deep(text);
    size_t nul = slice_find(text, '\0');

    if (deep < text.len) {
        return refuse(text, deep, "nested too deep", error);
    }
    /* Its stream loses a NUL that follows a number or a word, and would take "1\0" for 1. */
    return nul == text.len || refuse(text, nul, "a NUL byte", error);
}

struct slice json_failure_reason(const json_error_t *failure)
{
    const char *quote = strstr(failure->text, " near ");
    return quote == NULL ? slice_of(failure->text) : slice_between(failure->text, quote);
}

static json_t *load(struct slice text, json_error_t *failure)
{
    return json_loadb(text.len == 0 ? "" : text.data, text.len, JSON_DECODE_ANY, failure);
}

/* Places that are told behind a number which was replaced are a little off. */
static json_t *load_fitted(struct slice text, enum json_room room, json_error_t *failure)
{
    struct buf fitted = {.cap = BUF_CAP_OWN};
    json_fit_numbers(&fitted, text, room);
    json_t *value = load(buf_slice(&fitted), failure);
    buf_finish(&fitted);
    return value;
}

static json_t *parse(struct slice text, enum json_room room, struct buf *error)
{
    json_error_t failure;

    if (!check_before(text, error)) {
        return NULL;
    }
    json_t *value = load(text, &failure);
    if (value == NULL && json_error_code(&failure) == json_error_numeric_overflow) {
        value = load_fitted(text, room, &failure);
    }
    if (value == NULL && error != NULL) {
        buf_putf(error, "line %d, column %d: %.*s", failure.line, failure.column,
                 SLICE_ARG(json_failure_reason(&failure)));
    }
    return value;
}

json_t *json_parse(struct slice text, struct buf *error)
{
    return parse(text, JSON_ROOM_NEAREST, error);
}

json_t *json_parse_clamped(struct slice text, struct buf *error)
{
    return parse(text, JSON_ROOM_CLAMPED, error);
}

struct slice json_string_slice(const json_t *value)
{
    if (!json_is_string(value)) {
        return SLICE("");
    }
    return slice_make(json_string_value(value), json_string_length(value));
}

json_t *json_get_nocase(const json_t *object, const char *name)
{
    json_t *found = json_object_get(object, name);
    json_t *members = without_const(object);

    if (found != NULL) {
        return found;
    }
    for (void *at = json_object_iter(members); at != NULL;
         at = json_object_iter_next(members, at)) {
        struct slice key = slice_make(json_object_iter_key(at), json_object_iter_key_len(at));
        if (slice_equal_nocase(key, slice_of(name))) {
            /* The last of several counts, as it does when a body repeats a name. */
            found = json_object_iter_value(at);
        }
    }
    return found;
}
