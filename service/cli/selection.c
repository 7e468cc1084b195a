/*
 * Selecting devices.
 */
#include "service/cli/selection.h"

#include <stdlib.h>

#include "iothub/identity.h"
#include "iothub/json.h"
#include "service/cli/rows.h"

#define COUNT_NAME "numberOfDevices"

static bool cut(const struct app_values *values, struct buf *error, struct condition *out)
{
    if ((values->device_id == NULL) == (values->query == NULL)) {
        buf_put_text(error, "give either --device-id or --query");
        return false;
    }
    if (values->query != NULL) {
        return condition_cut(slice_of(values->query), error, out);
    }
    if (!identity_is_valid_id(slice_of(values->device_id))) {
        buf_putf(error, "\"%s\" is no valid device id", values->device_id);
        return false;
    }
    struct buf where;
    buf_init(&where, BUF_CAP_OWN);
    condition_put_device(&where, slice_of(values->device_id));
    *out = (struct condition){.where = buf_take_text(&where)};
    return true;
}

int selection_read(const struct cli_call *call, struct condition *out)
{
    struct buf error;
    buf_init(&error, BUF_CAP_OWN);
    bool is_good = cut(call->values, &error, out);
    if (!is_good) {
        cli_complain(call, "%s", buf_text(&error));
    }
    buf_finish(&error);
    return is_good ? CLI_DONE : CLI_WRONG;
}

enum iothub_status selection_count(const struct app *app, const struct condition *selection,
                                   int64_t *out)
{
    struct buf text;
    json_t *rows = NULL;
    buf_init(&text, BUF_CAP_OWN);
    condition_put_query(&text, selection, "COUNT() AS " COUNT_NAME);
    enum iothub_status status = rows_read(app, buf_text(&text), &rows);
    if (status == IOTHUB_OK) {
        /* Over nothing a hub may also answer without a row. */
        *out = json_integer_value(json_object_get(json_array_get(rows, 0), COUNT_NAME));
        json_decref(rows);
    }
    buf_finish(&text);
    return status;
}
