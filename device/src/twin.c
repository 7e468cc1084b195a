/*
 * The twin's two requests, their answers, and the hub's changes.
 */
#include <jansson.h>
#include <stdlib.h>

#include "base/mem.h"
#include "device/src/client.h"
#include "iothub/json.h"
#include "iothub/limits.h"

/* A longer explanation is cut. */
#define ERROR_TEXT_MAX 1024

static bool send_request(struct iothub_device *client, const struct request *request)
{
    struct buf topic;
    buf_init(&topic, TOPIC_MAX_BYTES);
    if (request->patch == NULL) {
        topic_put_twin_get(&topic, request->rid);
    } else {
        topic_put_twin_report(&topic, request->rid);
    }
    enum iothub_status status =
        link_publish(&client->link, buf_text(&topic), slice_of(request->patch), 0, NULL);
    buf_finish(&topic);
    return status == IOTHUB_OK;
}

void twin_flush(struct iothub_device *client)
{
    struct request *request = requests_next_unsent(&client->requests);
    while (request != NULL && send_request(client, request)) {
        request->is_sent = true;
        request = requests_next_unsent(&client->requests);
    }
}

static void finish(struct iothub_device *client, struct request *request,
                   const struct iothub_device_twin_result *result)
{
    if (request->fn != NULL) {
        client->has_called_back = true;
        request->fn(request->ctx, result);
    }
    request_destroy(request);
}

void twin_expire(struct iothub_device *client, int64_t now_ms)
{
    const struct iothub_device_twin_result late = {
        .status = IOTHUB_TIMED_OUT, .text = "the hub did not answer in time", .document = ""};
    struct request *request = requests_take_due(&client->requests, now_ms);
    while (request != NULL) {
        finish(client, request, &late);
        request = requests_take_due(&client->requests, now_ms);
    }
}

/* {"errorCode":400000,"message":"…"} as a hub explains itself; other bodies are shown as they
 * are. */
static void put_explanation(struct buf *out, struct slice body)
{
    json_t *error = json_parse(body, NULL);
    struct slice message = json_string_slice(json_get_nocase(error, "message"));
    if (message.len == 0) {
        message = slice_make(body.data, body.len < ERROR_TEXT_MAX ? body.len : ERROR_TEXT_MAX);
    }
    buf_put_slice(out, message);
    json_decref(error);
}

void twin_on_response(struct iothub_device *client, const struct topic *topic,
                      struct slice payload)
{
    struct request *request = requests_take(&client->requests, topic->rid);
    if (request == NULL) {
        return;
    }
    struct buf text;
    buf_init(&text, BUF_CAP_OWN);
    struct iothub_device_twin_result result = {
        .status = iothub_status_from_http(topic->status), .text = "", .document = ""};
    if (result.status != IOTHUB_OK) {
        put_explanation(&text, payload);
        result.text = buf_text(&text);
    } else if (request->patch == NULL) {
        buf_put_slice(&text, payload);
        result.document = buf_text(&text);
        result.document_len = payload.len;
    } else {
        result.version = topic->version;
    }
    finish(client, request, &result);
    buf_finish(&text);
}

void twin_on_desired(struct iothub_device *client, const struct topic *topic,
                     struct slice payload)
{
    if (client->on_desired == NULL) {
        return;
    }
    char *patch = slice_dup(payload);
    client->has_called_back = true;
    client->on_desired(client->on_desired_ctx, patch, payload.len, topic->version);
    free(patch);
}

void iothub_device_on_desired(struct iothub_device *client, iothub_device_desired_fn fn,
                              void *ctx)
{
    client->on_desired = fn;
    client->on_desired_ctx = ctx;
    if (fn != NULL) {
        client_subscribe(client, SUBSCRIBE_DESIRED);
    } else {
        client_unsubscribe(client, SUBSCRIBE_DESIRED);
    }
}

static enum iothub_status add_request(struct iothub_device *client, const char *patch,
                                      iothub_device_twin_fn fn, void *ctx)
{
    if (client->requests.n_items == REQUESTS_MAX) {
        return IOTHUB_DEVICE_MAXIMUM_QUEUE_DEPTH_EXCEEDED;
    }
    client_subscribe(client, SUBSCRIBE_TWIN);
    int64_t due_ms = clock_read(&client->clock).now_ms + client->settings.request_timeout_ms;
    requests_add(&client->requests, patch, due_ms, fn, ctx);
    if (client_is_connected(client)) {
        twin_flush(client);
    }
    return IOTHUB_OK;
}

enum iothub_status iothub_device_twin_get(struct iothub_device *client,
                                          iothub_device_twin_fn fn, void *ctx)
{
    if (fn == NULL) {
        return IOTHUB_BAD_ARGUMENT;
    }
    return add_request(client, NULL, fn, ctx);
}

enum iothub_status iothub_device_twin_report(struct iothub_device *client, const char *patch,
                                             iothub_device_twin_fn fn, void *ctx)
{
    if (patch == NULL) {
        return IOTHUB_BAD_ARGUMENT;
    }
    struct slice text = slice_of(patch);
    if (text.len > (size_t)LIMIT_D2C_BYTES) {
        return IOTHUB_MESSAGE_TOO_LARGE;
    }
    json_t *value = json_parse(text, NULL);
    bool is_object = json_is_object(value);
    json_decref(value);
    return is_object ? add_request(client, patch, fn, ctx) : IOTHUB_BAD_ARGUMENT;
}
