/*
 * The rules for texts, topic names and topic filters.  Every PUBLISH passes here, so eight
 * plain bytes are looked at together.
 */
#include "mqtt/text.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define EVERY_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* Whether one of the eight bytes is `value`. */
static inline bool word_has(uint64_t word, uint8_t value)
{
    uint64_t difference = word ^ EVERY_BYTE(value);
    return ((difference - EVERY_BYTE(1)) & ~difference & EVERY_BYTE(0x80)) != 0;
}

/* Whether all eight bytes are U+0001 to U+007F: such a byte stays below 0x80 when lowered by 1.
 */
static inline bool word_is_ascii(uint64_t word)
{
    return ((word | (word - EVERY_BYTE(1))) & EVERY_BYTE(0x80)) == 0;
}

/*
 * The length of the sequence of two to four bytes at the front, 0 when it is not well formed:
 * table 3-7 of the Unicode standard, which leaves out surrogates and over-long forms.
 */
static size_t sequence_len(const unsigned char *s, size_t left)
{
    if (s[0] < 0xC2 || s[0] > 0xF4) {
        return 0;
    }
    size_t len = s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
    unsigned char low = s[0] == 0xE0 ? 0xA0 : s[0] == 0xF0 ? 0x90 : 0x80;
    unsigned char high = s[0] == 0xED ? 0x9F : s[0] == 0xF4 ? 0x8F : 0xBF;
    if (left < len || s[1] < low || s[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < len; i++) {
        if ((s[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return len;
}

static inline bool starts_with_plain_word(const unsigned char *s, size_t left,
                                          bool has_wildcards)
{
    uint64_t word;
    if (left < sizeof(word)) {
        return false;
    }
    memcpy(&word, s, sizeof(word));
    return word_is_ascii(word) &&
           (has_wildcards || !(word_has(word, '#') || word_has(word, '+')));
}

static inline bool is_text(struct slice text, bool has_wildcards)
{
    const unsigned char *s = (const unsigned char *)text.data;
    size_t step;
    for (size_t i = 0; i < text.len; i += step) {
        if (starts_with_plain_word(s + i, text.len - i, has_wildcards)) {
            step = sizeof(uint64_t);
            continue;
        }
        step = s[i] < 0x80 ? 1 : sequence_len(s + i, text.len - i);
        if (step == 0 || s[i] == 0 || (!has_wildcards && (s[i] == '#' || s[i] == '+'))) {
            return false;
        }
    }
    return true;
}

bool mqtt_text_is_valid(struct slice text)
{
    return is_text(text, true);
}

bool mqtt_topic_is_valid(struct slice topic)
{
    return topic.len > 0 && is_text(topic, false);
}

/* A wildcard fills its level, and '#' is the last level. */
static bool wildcard_may_stand(struct slice filter, size_t at)
{
    bool begins_level = at == 0 || filter.data[at - 1] == '/';
    bool ends_filter = at + 1 == filter.len;
    bool ends_level = ends_filter || filter.data[at + 1] == '/';
    return begins_level && (filter.data[at] == '#' ? ends_filter : ends_level);
}

bool mqtt_filter_is_valid(struct slice filter)
{
    if (filter.len == 0 || !is_text(filter, true)) {
        return false;
    }
    for (size_t i = 0; i < filter.len; i++) {
        bool is_wildcard = filter.data[i] == '#' || filter.data[i] == '+';
        if (is_wildcard && !wildcard_may_stand(filter, i)) {
            return false;
        }
    }
    return true;
}

struct levels {
    struct slice rest;
    bool is_done; /* the last level was taken; it may have been an empty one */
};

static struct slice take_level(struct levels *levels)
{
    struct slice rest = levels->rest;
    size_t len = slice_find(rest, '/');
    levels->is_done = len == rest.len;
    levels->rest = slice_from(rest, len + 1);
    return slice_make(rest.data, len);
}

bool mqtt_filter_matches(struct slice filter, struct slice topic)
{
    bool is_reserved = slice_starts_with(topic, SLICE("$"));
    if (is_reserved && !slice_starts_with(filter, SLICE("$"))) {
        return false;
    }
    struct levels want = {.rest = filter};
    struct levels have = {.rest = topic};
    while (!want.is_done && !have.is_done) {
        struct slice level = take_level(&want);
        if (slice_equal(level, SLICE("#"))) {
            return true;
        }
        struct slice name = take_level(&have);
        if (!slice_equal(level, SLICE("+")) && !slice_equal(level, name)) {
            return false;
        }
    }
    /* '#' stands for its parent too: "sport/#" matches "sport". */
    bool is_parent = !want.is_done && slice_equal(want.rest, SLICE("#"));
    return have.is_done && (want.is_done || is_parent);
}
