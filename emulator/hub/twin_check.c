/*
 * Names, values, depth and size of twin sections.  The sentences are those of Microsoft's edge
 * hub, which checks the same rules.
 */
#include "hub/twin_check.h"

#include <string.h>

#include "base/slice.h"
#include "iothub/limits.h"

enum {
    NUMBER_BYTES = 8,
    BOOLEAN_BYTES = 4,
};

static bool is_control(const unsigned char *at, size_t left)
{
    /* C0, DEL, and C1 as UTF-8: C2 80 to C2 9F. */
    return at[0] < 0x20 || at[0] == 0x7F ||
           (at[0] == 0xC2 && left > 1 && at[1] >= 0x80 && at[1] <= 0x9F);
}

static bool check_name(const char *name, struct buf *error)
{
    size_t len = strlen(name);
    if (len > LIMIT_TWIN_KEY_BYTES) {
        buf_putf(error, "Length of property name %.10s.. exceeds maximum length of %d", name,
                 LIMIT_TWIN_KEY_BYTES);
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (strchr(".$# ", name[i]) != NULL ||
            is_control((const unsigned char *)name + i, len - i)) {
            buf_putf(error, "Property name %s contains invalid character", name);
            if (name[i] >= 0x20) {
                buf_putf(error, " '%c'", name[i]);
            }
            return false;
        }
    }
    return true;
}

static bool check_scalar(const char *name, const json_t *value, struct buf *error)
{
    if (json_is_string(value) && json_string_length(value) > LIMIT_TWIN_STRING_BYTES) {
        buf_putf(error,
                 "Value associated with property name %s has length %zu that exceeds maximum "
                 "length of %d",
                 name, json_string_length(value), LIMIT_TWIN_STRING_BYTES);
        return false;
    }
    if (json_is_integer(value) && (json_integer_value(value) < LIMIT_TWIN_INTEGER_MIN ||
                                   json_integer_value(value) > LIMIT_TWIN_INTEGER_MAX)) {
        buf_putf(
            error,
            "Property %s has an out of bound value. Valid values are between %lld and %lld",
            name, LIMIT_TWIN_INTEGER_MIN, LIMIT_TWIN_INTEGER_MAX);
        return false;
    }
    return true;
}

static bool check_value(const char *name, const json_t *value, int depth, bool in_array,
                        struct buf *error);

static bool check_members(const json_t *object, int depth, bool in_array, struct buf *error)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (!check_name(key, error) || !check_value(key, value, depth, in_array, error)) {
            return false;
        }
    }
    return true;
}

static bool check_elements(const char *name, const json_t *array, int depth, struct buf *error)
{
    size_t i = 0;
    json_t *value = NULL;
    json_array_foreach(array, i, value)
    {
        if (!check_value(name, value, depth, true, error)) {
            return false;
        }
    }
    return true;
}

/* `depth` is the level of the container that holds the value; the section itself is level 0. */
static bool check_value(const char *name, const json_t *value, int depth, bool in_array,
                        struct buf *error)
{
    bool is_container = json_is_object(value) || json_is_array(value);
    if (is_container && depth + 1 > LIMIT_TWIN_DEPTH) {
        buf_putf(error, "Nested depth of twin property exceeds %d", LIMIT_TWIN_DEPTH);
        return false;
    }
    if (in_array && json_is_null(value)) {
        buf_put_text(error, "Arrays cannot contain 'null' as value");
        return false;
    }
    if (json_is_object(value)) {
        return check_members(value, depth + 1, in_array, error);
    }
    return json_is_array(value) ? check_elements(name, value, depth + 1, error)
                                : check_scalar(name, value, error);
}

bool twin_check_content(const json_t *section, struct buf *error)
{
    return check_members(section, 0, false, error);
}

static size_t text_bytes(const char *text, size_t len)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        bool is_plain = bytes[i] >= 0x20 && bytes[i] < 0x7F; /* which nearly all are */
        if (is_plain || !is_control(bytes + i, len - i)) {
            n++;
        } else if (bytes[i] == 0xC2) {
            i++;
        }
    }
    return n;
}

size_t twin_size_bytes(const json_t *value)
{
    const char *key = NULL;
    json_t *member = NULL;
    size_t i = 0;
    size_t size = 0;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        json_object_foreach((json_t *)(uintptr_t)value, key, member)
        {
            size += strlen(key) + twin_size_bytes(member);
        }
        return size;
    case JSON_ARRAY:
        json_array_foreach(value, i, member)
        {
            size += twin_size_bytes(member);
        }
        return size;
    case JSON_STRING:
        return text_bytes(json_string_value(value), json_string_length(value));
    case JSON_INTEGER:
    case JSON_REAL:
        return NUMBER_BYTES;
    case JSON_TRUE:
    case JSON_FALSE:
        return BOOLEAN_BYTES;
    case JSON_NULL:
        return 0;
    }
    return 0;
}
