/*
 * Looking into JSON text: a scan finds what jansson's tree holds, and in what is no JSON it
 * stays inside.
 */
#include "iothub/json_scan.h"

#include <float.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "iothub/json.h"

static bool is_inside(struct slice part, struct slice whole)
{
    return part.len == 0 ||
           (part.data >= whole.data && part.data + part.len <= whole.data + whole.len);
}

/* ---- what is JSON ----------------------------------------------------------------------- */

static void check_same(const json_t *value, struct slice raw);

static void check_string(const json_t *value, struct slice raw)
{
    struct buf scratch = fuzz_buf();
    struct slice want = json_string_slice(value);
    FUZZ_CHECK(slice_equal(json_scan_string(raw, &scratch), want));
    FUZZ_CHECK(json_scan_string_is(raw, want));
    FUZZ_CHECK(want.len == 0 || !json_scan_string_is(raw, slice_make(want.data, want.len - 1)));
    buf_finish(&scratch);
}

/* A number beyond doubles is the last of them in a tree; scanned it is infinite. */
static void check_number(const json_t *value, struct slice raw)
{
    double have = json_scan_number(raw);
    double want = json_number_value(value);
    FUZZ_CHECK(have == want || (isinf(have) && fabs(want) == DBL_MAX));
}

static void check_array(const json_t *array, struct slice raw)
{
    struct json_scan scan;
    struct slice element;
    size_t n = 0;
    FUZZ_CHECK(json_scan_open(&scan, raw));
    while (json_scan_next(&scan, NULL, &element)) {
        check_same(json_array_get(array, n++), element);
    }
    FUZZ_CHECK(n == json_array_size(array));
}

static void check_members(const json_t *object, struct slice raw)
{
    struct json_scan scan;
    struct slice name;
    struct slice member;
    size_t n = 0;
    FUZZ_CHECK(json_scan_open(&scan, raw));
    while (json_scan_next(&scan, &name, &member)) {
        n++;
    }
    /* Of repeated names the tree has the last. */
    FUZZ_CHECK(n >= json_object_size(object));
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        struct slice names[] = {slice_of(key)};
        FUZZ_CHECK(json_scan_member(raw, names[0], &member));
        check_same(value, member);
        FUZZ_CHECK(json_scan_path(raw, names, 1, &member));
        FUZZ_CHECK(n > json_object_size(object) || json_typeof(value) != JSON_STRING ||
                   json_scan_string_is(member, json_string_slice(value)));
    }
}

static void check_same(const json_t *value, struct slice raw)
{
    static const enum json_scan_type types[] = {
        [JSON_OBJECT] = JSON_SCAN_OBJECT, [JSON_ARRAY] = JSON_SCAN_ARRAY,
        [JSON_STRING] = JSON_SCAN_STRING, [JSON_INTEGER] = JSON_SCAN_NUMBER,
        [JSON_REAL] = JSON_SCAN_NUMBER,   [JSON_TRUE] = JSON_SCAN_TRUE,
        [JSON_FALSE] = JSON_SCAN_FALSE,   [JSON_NULL] = JSON_SCAN_NULL,
    };
    FUZZ_CHECK(value != NULL);
    FUZZ_CHECK(json_scan_type(raw) == types[json_typeof(value)]);
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        check_members(value, raw);
        return;
    case JSON_ARRAY:
        check_array(value, raw);
        return;
    case JSON_STRING:
        check_string(value, raw);
        return;
    case JSON_INTEGER:
    case JSON_REAL:
        check_number(value, raw);
        return;
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        return;
    }
}

/* What is written from a tree reads as the same tree. */
static void check_writing(const json_t *value)
{
    char *text = json_text(value);
    json_t *again = json_parse(slice_of(text), NULL);
    FUZZ_CHECK(again != NULL && json_equal(again, value));
    char *text_again = json_text(again);
    fuzz_check_same(slice_of(text_again), slice_of(text));
    free(text);
    free(text_again);
    json_decref(again);
}

/* With bounds on numbers the same texts are taken, and what has room in 64 bits is the same. */
static void check_clamped(struct slice text, const json_t *value)
{
    json_t *clamped = json_parse_clamped(text, NULL);
    FUZZ_CHECK((clamped == NULL) == (value == NULL));
    if (json_is_integer(value) || json_is_string(value)) {
        FUZZ_CHECK(json_equal(clamped, value));
    }
    if (json_is_real(value) && !json_equal(clamped, value)) {
        json_int_t most = json_real_value(value) < 0 ? INT64_MIN : INT64_MAX;
        FUZZ_CHECK(json_is_integer(clamped) && json_integer_value(clamped) == most);
    }
    json_decref(clamped);
}

/* ---- what is not ------------------------------------------------------------------------ */

static void check_scanning(struct slice text)
{
    static const struct slice names[] = {
        {"a", 1},
        {"b", 1}
    };
    struct json_scan scan;
    struct buf scratch = fuzz_buf();
    struct slice name = {0};
    struct slice raw = {0};
    struct slice rest = text;
    while (json_scan_value(&rest, &raw)) {
        FUZZ_CHECK(raw.len != 0 && is_inside(raw, text) && is_inside(rest, text));
        (void)json_scan_type(raw);
        (void)json_scan_number(raw);
        buf_reset(&scratch);
        (void)json_scan_string(raw, &scratch);
        (void)json_scan_string_is(raw, names[0]);
        if (rest.len != 0) {
            rest = slice_from(rest, 1);
        }
    }
    for (size_t n = 0; n <= 2; n++) {
        FUZZ_CHECK(!json_scan_path(text, names, n, &raw) || is_inside(raw, text));
    }
    FUZZ_CHECK(!json_scan_member(text, names[0], &raw) || is_inside(raw, text));
    for (int i = 0; i < 2 && json_scan_open(&scan, text); i++) {
        while (json_scan_next(&scan, i == 0 ? NULL : &name, &raw)) {
            FUZZ_CHECK(is_inside(raw, text) && is_inside(name, text));
        }
    }
    buf_finish(&scratch);
}

/* Any bytes become a string that is one. */
static void check_put(struct slice bytes)
{
    struct buf text = fuzz_buf();
    json_put_string(&text, bytes);
    json_error_t error;
    json_t *value = json_loadb(text.data, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    FUZZ_CHECK(json_is_string(value));
    json_decref(value);
    buf_finish(&text);
}

/* Each double there is, but for those that JSON does not have. */
static void check_real(struct slice bytes)
{
    double value = 0;
    memcpy(&value, bytes.data, bytes.len < sizeof(value) ? bytes.len : sizeof(value));
    if (!isfinite(value)) {
        return;
    }
    struct buf text = fuzz_buf();
    json_put_real(&text, value);
    json_t *read = json_parse(buf_slice(&text), NULL);
    FUZZ_CHECK(json_is_real(read) && json_real_value(read) == value);
    FUZZ_CHECK(json_scan_number(buf_slice(&text)) == value);
    json_decref(read);
    buf_finish(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = fuzz_input(data, size);
    struct buf error = fuzz_buf();
    json_t *value = json_parse(text, &error);
    FUZZ_CHECK((value == NULL) == (error.len != 0));
    check_scanning(text);
    check_put(text);
    check_real(text);
    check_clamped(text, value);
    if (value != NULL) {
        struct slice rest = text;
        struct slice raw;
        FUZZ_CHECK(json_scan_value(&rest, &raw) && rest.len == 0);
        check_same(value, raw);
        check_writing(value);
        json_decref(value);
    }
    buf_finish(&error);
    return 0;
}
