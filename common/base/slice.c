/*
 * Comparing, cutting and reading borrowed bytes.
 */
#include "base/slice.h"

#include "base/mem.h"

static char lower(char c)
{
    bool is_upper = c >= 'A' && c <= 'Z';

    /* ASCII's two cases differ in this bit alone. */
    return (char)(is_upper ? c | 0x20 : c);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct slice slice_from(struct slice s, size_t at)
{
    if (at >= s.len) {
        return slice_make(s.data == NULL ? NULL : s.data + s.len, 0);
    }
    return slice_make(s.data + at, s.len - at);
}

bool slice_equal(struct slice a, struct slice b)
{
    /* memcmp may not be given NULL, not even for no bytes at all. */
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool slice_equal_text(struct slice a, const char *text)
{
    return slice_equal(a, slice_of(text));
}

bool slice_equal_nocase(struct slice a, struct slice b)
{
    return a.len == b.len && slice_starts_with_nocase(a, b);
}

bool slice_starts_with(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && slice_equal(slice_make(s.data, prefix.len), prefix);
}

bool slice_starts_with_nocase(struct slice s, struct slice prefix)
{
    if (s.len < prefix.len) {
        return false;
    }
    for (size_t i = 0; i < prefix.len; i++) {
        if (lower(s.data[i]) != lower(prefix.data[i])) {
            return false;
        }
    }
    return true;
}

bool slice_ends_with(struct slice s, struct slice suffix)
{
    return s.len >= suffix.len && slice_equal(slice_from(s, s.len - suffix.len), suffix);
}

int slice_compare(struct slice a, struct slice b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);

    if (order != 0) {
        return order;
    }
    return (a.len > b.len) - (a.len < b.len);
}

size_t slice_find(struct slice s, char c)
{
    const char *found = s.len == 0 ? NULL : memchr(s.data, c, s.len);

    return found == NULL ? s.len : (size_t)(found - s.data);
}

bool slice_next(struct slice *rest, char separator, struct slice *out)
{
    if (rest->len == 0) {
        return false;
    }
    size_t end = slice_find(*rest, separator);
    *out = slice_make(rest->data, end);
    *rest = slice_from(*rest, end + 1);
    return true;
}

struct slice slice_trim(struct slice s)
{
    while (s.len > 0 && is_space(s.data[0])) {
        s = slice_from(s, 1);
    }
    while (s.len > 0 && is_space(s.data[s.len - 1])) {
        s.len--;
    }
    return s;
}

bool slice_to_i64(struct slice s, int64_t *out)
{
    bool is_negative = s.len > 0 && s.data[0] == '-';
    int64_t value = 0;

    if (is_negative || (s.len > 0 && s.data[0] == '+')) {
        s = slice_from(s, 1);
    }
    if (s.len == 0) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9') {
            return false;
        }
        /* Built up with its sign, since INT64_MIN has no positive counterpart. */
        int digit = is_negative ? '0' - s.data[i] : s.data[i] - '0';
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value)) {
            return false;
        }
    }
    *out = value;
    return true;
}

char *slice_dup(struct slice s)
{
    char *text = mem_array(s.len + 1, 1);

    if (s.len > 0) {
        memcpy(text, s.data, s.len);
    }
    return text;
}

uint64_t slice_hash(struct slice s)
{
    uint64_t hash = 0xcbf29ce484222325;

    for (size_t i = 0; i < s.len; i++) {
        hash = (hash ^ (unsigned char)s.data[i]) * 0x100000001b3;
    }
    return hash;
}
