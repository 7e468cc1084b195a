/*
 * Parsing the user name from the front, so that every form ends in the same three answers.
 */
#include "gateway/mqtt_user_name.h"

#include "base/coding.h"

/* A module's id may hold a '=' too, so the names decide. */
static bool is_parameters(struct slice segment)
{
    struct slice parameter = {0};
    bool is_found = segment.len != 0 && segment.data[0] == '?';
    while (!is_found && slice_next(&segment, '&', &parameter)) {
        is_found = slice_starts_with_nocase(parameter, SLICE("api-version=")) ||
                   slice_starts_with_nocase(parameter, SLICE("DeviceClientType="));
    }
    return is_found;
}

static struct slice find_model_id(struct slice parameters, struct buf *scratch)
{
    struct slice parameter = {0};
    while (slice_next(&parameters, '&', &parameter)) {
        size_t equals = slice_find(parameter, '=');
        buf_reset(scratch);
        percent_decode(scratch, slice_make(parameter.data, equals));
        if (slice_equal_nocase(buf_slice(scratch), SLICE("model-id"))) {
            buf_reset(scratch);
            percent_decode(scratch, slice_from(parameter, equals + 1));
            return buf_slice(scratch);
        }
    }
    return (struct slice){0};
}

bool mqtt_user_name_parse(struct slice text, struct buf *scratch, struct mqtt_user_name *out)
{
    struct mqtt_user_name name = {0};
    struct slice rest = text;
    struct slice segment = {0};
    if (!slice_next(&rest, '/', &name.host) || name.host.len == 0 ||
        !slice_next(&rest, '/', &name.id.device_id) ||
        !identity_is_valid_id(name.id.device_id)) {
        return false;
    }
    struct slice parameters = rest;
    if (slice_next(&rest, '/', &segment) && segment.len != 0 && !is_parameters(segment)) {
        if (!identity_is_valid_id(segment)) {
            return false;
        }
        name.id.module_id = segment;
        parameters = rest;
    }
    if (parameters.len != 0 && parameters.data[0] == '?') {
        parameters = slice_from(parameters, 1);
    }
    name.model_id = find_model_id(parameters, scratch);
    *out = name;
    return true;
}

bool mqtt_client_id_matches(struct slice client_id, struct identity id)
{
    size_t slash = slice_find(client_id, '/');
    struct slice device = slice_make(client_id.data, slash);
    struct slice module = slice_from(client_id, slash + 1);
    return slice_equal(device, id.device_id) && slice_equal(module, id.module_id) &&
           (identity_is_module(id) || slash == client_id.len);
}
