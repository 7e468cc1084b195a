/*
 * Direct methods: calls from the hub and the application's answers.
 */
#include <jansson.h>
#include <stdlib.h>

#include "base/mem.h"
#include "device/src/client.h"
#include "iothub/json.h"
#include "iothub/limits.h"

static enum iothub_status check_payload(const char *payload)
{
    struct slice text = slice_of(payload);
    if (text.len > (size_t)LIMIT_METHOD_PAYLOAD_BYTES) {
        return IOTHUB_MESSAGE_TOO_LARGE;
    }
    json_t *value = json_parse(text, NULL);
    if (value == NULL) {
        return IOTHUB_BAD_ARGUMENT;
    }
    json_decref(value);
    return IOTHUB_OK;
}

static enum iothub_status send_answer(struct iothub_device *client, const char *rid, int status,
                                      const char *payload)
{
    struct buf topic;
    buf_init(&topic, TOPIC_MAX_BYTES);
    topic_put_method_answer(&topic, status, slice_of(rid));
    enum iothub_status sent =
        link_publish(&client->link, buf_text(&topic), slice_of(payload), 0, NULL);
    buf_finish(&topic);
    return sent;
}

enum iothub_status iothub_device_method_answer(struct iothub_device *client,
                                               uint64_t request_id, int status,
                                               const char *payload)
{
    const char *json = payload == NULL ? "null" : payload;
    enum iothub_status checked = check_payload(json);
    if (checked != IOTHUB_OK) {
        return checked;
    }
    char *rid = calls_take(&client->calls, request_id);
    if (rid == NULL) {
        return IOTHUB_NOT_CONNECTED;
    }
    enum iothub_status sent = send_answer(client, rid, status, json);
    free(rid);
    return sent;
}

/* A caller is never left without an answer because the application's was not fit to be sent. */
static void answer_now(struct iothub_device *client, uint64_t id,
                       const struct iothub_device_answer *answer)
{
    enum iothub_status sent =
        iothub_device_method_answer(client, id, answer->status, answer->payload);
    if (sent == IOTHUB_BAD_ARGUMENT || sent == IOTHUB_MESSAGE_TOO_LARGE) {
        /* Should the connection have gone meanwhile, the caller has its answer from the hub. */
        (void)iothub_device_method_answer(
            client, id, 500,
            sent == IOTHUB_BAD_ARGUMENT
                ? "{\"message\":\"The device's answer is not JSON.\"}"
                : "{\"message\":\"The device's answer is too large.\"}");
    }
}

static void call_application(struct iothub_device *client, uint64_t id, struct slice name_slice,
                             struct slice payload)
{
    char *name = slice_dup(name_slice);
    char *text = slice_dup(payload);
    const struct iothub_device_method method = {id, name, text, payload.len};
    struct iothub_device_answer answer = {.status = 200};
    client->has_called_back = true;
    enum iothub_device_answering answering =
        client->on_method(client->on_method_ctx, &method, &answer);
    if (answering == IOTHUB_DEVICE_ANSWER_NOW) {
        answer_now(client, id, &answer);
    }
    free(name);
    free(text);
}

void method_on_call(struct iothub_device *client, const struct topic *topic,
                    struct slice payload)
{
    int64_t now_ms = clock_read(&client->clock).now_ms;
    uint64_t id =
        calls_add(&client->calls, topic->rid, now_ms + (int64_t)METHOD_RESPONSE_MAX_S * 1000);
    if (client->on_method != NULL) {
        call_application(client, id, topic->name, payload);
        return;
    }
    /* A stored session still has the subscription of an earlier run; Node's SDK answers the
     * same. */
    const struct iothub_device_answer unhandled = {
        501, "{\"message\":\"The device has no direct methods now.\"}"};
    answer_now(client, id, &unhandled);
}

void iothub_device_on_method(struct iothub_device *client, iothub_device_method_fn fn,
                             void *ctx)
{
    client->on_method = fn;
    client->on_method_ctx = ctx;
    if (fn != NULL) {
        client_subscribe(client, SUBSCRIBE_METHODS);
    } else {
        client_unsubscribe(client, SUBSCRIBE_METHODS);
    }
}
