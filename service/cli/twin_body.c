/*
 * Building twin patches, texts untouched.
 */
#include "service/cli/twin_body.h"

#include <stdlib.h>

#include "iothub/json_scan.h"
#include "service/cli/columns.h"

static bool read_object(const struct cli_call *call, const char *name, const char *value,
                        char **out)
{
    char *text = NULL;
    if (!app_json_argument(call, name, value, &text)) {
        return false;
    }
    struct slice raw = slice_trim(slice_of(text));
    if (raw.len != 0 && json_scan_type(raw) != JSON_SCAN_OBJECT &&
        json_scan_type(raw) != JSON_SCAN_NULL) {
        cli_complain(call, "--%s is not a JSON object", name);
        free(text);
        return false;
    }
    *out = text;
    return true;
}

static char *join(const char *tags, const char *desired)
{
    struct buf body;
    buf_init(&body, BUF_CAP_OWN);
    buf_put_char(&body, '{');
    if (tags != NULL) {
        buf_putf(&body, "\"tags\":%s", tags);
    }
    if (desired != NULL) {
        buf_putf(&body, "%s\"properties\":{\"desired\":%s}", tags == NULL ? "" : ",", desired);
    }
    buf_put_char(&body, '}');
    return buf_take_text(&body);
}

bool twin_body(const struct cli_call *call, char **out)
{
    const struct app_values *values = call->values;
    char *tags = NULL;
    char *desired = NULL;
    if (values->file != NULL) {
        return read_object(call, "file", values->file, out);
    }
    bool is_good = read_object(call, "tags", values->tags, &tags) &&
                   read_object(call, "desired", values->desired, &desired);
    if (is_good && tags == NULL && desired == NULL) {
        cli_complain(call, "nothing to write: give --desired, --tags or --file");
        is_good = false;
    }
    if (is_good) {
        *out = join(tags, desired);
    }
    free(tags);
    free(desired);
    return is_good;
}

int twin_body_send(struct cli_call *call, twin_write *write)
{
    struct app app;
    char *body = NULL;
    char *twin = NULL;
    if (!twin_body(call, &body)) {
        return CLI_WRONG;
    }
    int code = app_open(call, &app);
    if (code == CLI_DONE) {
        enum iothub_status status = write(app.service, call->arguments[0],
                                          app.values->module_id, body, app.values->etag, &twin);
        code = app_end(&app, status, twin, &columns_twin);
    }
    free(body);
    return code;
}
