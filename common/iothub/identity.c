/*
 * Which texts may name a device or a module.
 */
#include "iothub/identity.h"

#include "iothub/limits.h"

bool identity_equal(struct identity a, struct identity b)
{
    return slice_equal(a.device_id, b.device_id) && slice_equal(a.module_id, b.module_id);
}

static bool is_id_char(char c)
{
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    bool is_digit = c >= '0' && c <= '9';
    struct slice others = SLICE("-:.+%_#*?!(),=@;$'");

    return is_letter || is_digit || slice_find(others, c) < others.len;
}

bool identity_is_valid_id(struct slice id)
{
    if (id.len == 0 || id.len > LIMIT_ID_CHARS) {
        return false;
    }
    for (size_t i = 0; i < id.len; i++) {
        if (!is_id_char(id.data[i])) {
            return false;
        }
    }
    return true;
}
