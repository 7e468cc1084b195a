/*
 * iothub-service c2d send
 */
#include <stdlib.h>
#include <string.h>

#include "base/iso8601.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/random.h"
#include "iothub/json.h"
#include "iothub/limits.h"
#include "service/cli/columns.h"
#include "service/cli/verbs.h"

#define EXPIRY_MAX_MS (INT64_C(2) * 24 * 3600 * 1000)

static const struct cli_option options[] = {
    APP_TEXT("data", "TEXT", "The message's body, or @FILE", data),
    {APP_ROW(CLI_LIST, "property", "NAME=VALUE", "An application property", properties)},
    APP_TEXT("message-id", "ID", "What feedback refers to", message_id),
    APP_TEXT("correlation-id", "ID", "The id of what the message belongs to", correlation_id),
    APP_TEXT("user-id", "ID", "Who it comes from", user_id),
    APP_TEXT("content-type", "TYPE", "Such as application/json", content_type),
    APP_TEXT("content-encoding", "NAME", "Such as utf-8", content_encoding),
    APP_CHOICE("ack", "none|positive|negative|full", "none", "When feedback is wanted", ack),
    APP_TEXT("expiry", "TIME", "When it is given up, in ISO 8601 (UTC)", expiry_time),
    APP_SECONDS("expiry-in", "0", "When it is given up, from now; 0: as the hub is set",
                expiry_in_ms, 0, EXPIRY_MAX_MS),
};

/* The names and values of properties, cut from the options' texts. */
struct properties {
    struct iothub_service_property *items;
    char **texts;
    size_t n_items;
};

static bool read_properties(const struct cli_call *call, struct properties *out)
{
    const struct app_values *values = call->values;
    const struct cli_list *list = &values->properties;
    out->items = mem_array(list->n_items + 1, sizeof(*out->items));
    out->texts = mem_array(list->n_items + 1, sizeof(*out->texts));
    for (size_t i = 0; i < list->n_items; i++) {
        char *text = mem_dup_text(list->items[i]);
        char *value = strchr(text, '=');
        out->texts[i] = text;
        out->n_items++;
        if (value == NULL || value == text) {
            cli_complain(call, "--property: \"%s\" is no NAME=VALUE", text);
            return false;
        }
        *value = '\0';
        out->items[i] = (struct iothub_service_property){text, value + 1};
    }
    return true;
}

static void properties_finish(struct properties *properties)
{
    for (size_t i = 0; i < properties->n_items; i++) {
        free(properties->texts[i]);
    }
    free(properties->texts);
    free(properties->items);
}

static char *describe(const char *device_id, const char *message_id)
{
    struct buf text;
    buf_init(&text, BUF_CAP_OWN);
    buf_put_text(&text, "{\"deviceId\":");
    json_put_string(&text, slice_of(device_id));
    buf_put_text(&text, ",\"messageId\":");
    json_put_string_or_null(&text, message_id);
    buf_put_char(&text, '}');
    return buf_take_text(&text);
}

static int send(struct app *app, const struct buf *data, const struct properties *properties)
{
    const struct app_values *values = app->values;
    char guid[GUID_LEN + 1];
    char expiry[ISO8601_MAX];
    struct iothub_service_message message = {
        .payload = data->data,
        .payload_len = data->len,
        .properties = properties->items,
        .n_properties = properties->n_items,
        .message_id = values->message_id,
        .correlation_id = values->correlation_id,
        .user_id = values->user_id,
        .content_type = values->content_type,
        .content_encoding = values->content_encoding,
        .expiry_time = values->expiry_time,
        .ack = (enum iothub_service_ack)values->ack,
    };
    if (values->expiry_in_ms != 0) {
        message.expiry_time = iso8601_format(expiry, app_at_ms() + values->expiry_in_ms);
    }
    if (message.message_id == NULL && message.ack != IOTHUB_SERVICE_ACK_NONE) {
        /* Feedback about a message without a name would tell nobody anything. */
        message.message_id = random_guid(guid);
    }
    const char *device_id = app->call->arguments[0];
    enum iothub_status status = iothub_service_c2d_send(app->service, device_id, &message);
    return app_end(app, status,
                   status == IOTHUB_OK ? describe(device_id, message.message_id) : NULL,
                   &columns_sent);
}

static int run(struct cli_call *call)
{
    struct app app;
    struct buf data;
    struct properties properties = {0};
    const struct app_values *values = call->values;
    if (values->expiry_time != NULL && values->expiry_in_ms != 0) {
        cli_complain(call, "give either --expiry or --expiry-in");
        return CLI_WRONG;
    }
    if (!app_bytes_argument(call, "data", values->data, (size_t)LIMIT_C2D_BYTES, &data)) {
        return CLI_WRONG;
    }
    int code = read_properties(call, &properties) ? app_open(call, &app) : CLI_WRONG;
    if (code == CLI_DONE) {
        code = send(&app, &data, &properties);
    }
    properties_finish(&properties);
    buf_finish(&data);
    return code;
}

const struct cli_verb verb_c2d_send = {
    .name = "c2d send",
    .arguments = "ID",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Put a message into a device's queue",
    .details =
        "A message that wants feedback and has no id gets a GUID. Ends with 0 when the message "
        "is in the queue, not when the device has it: see feedback watch.\n"
        "\n"
        "  iothub-service c2d send door-1 --data '{\"ring\":true}' --property floor=3 --ack "
        "full",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
