/*
 * Cloud-to-device messages over HTTP: the service sends, purges and reads feedback, the device
 * receives and settles.  Notifications of uploaded files are read as feedback is.
 * Source: IoT Hub REST, "Devices - Purge Command Queue", "Feedback Notification" and "Device
 * Bound Notification"; Azure IoT explorer, which sends so.
 */
#include <inttypes.h>

#include "base/iso8601.h"
#include "gateway/rest.h"
#include "gateway/rest_message.h"
#include "iothub/json.h"

#define FEEDBACK_TYPE "application/vnd.microsoft.iothub.feedback.json"
#define FILE_TYPE     "application/vnd.microsoft.iothub.filenotification.json"

/* The two queues of what waits for the service: hub_feedback_… and hub_file_notification_…. */
typedef enum iothub_status next_of_queue(struct hub *hub, struct buf *body,
                                         struct hub_feedback *out);
typedef enum iothub_status settle_of_queue(struct hub *hub, struct slice token,
                                           bool is_completed);

/* ---- the service's side ---- */

enum iothub_status rest_message_send(struct rest_call *call)
{
    struct rest_message m = {0};
    rest_message_read(&m, call->request);
    if (m.has_too_many) {
        rest_message_finish(&m);
        rest_answer_error(call->exchange, IOTHUB_MESSAGE_TOO_LARGE,
                          "A message has too many properties.", REST_ENVELOPE);
        return IOTHUB_OK;
    }
    enum iothub_status status = hub_c2d_send(call->hub, call->ids[0], &m.message);
    rest_message_finish(&m);
    if (status == IOTHUB_OK) {
        rest_answer_empty(call->exchange, 204);
    }
    return status;
}

enum iothub_status rest_queue_purge(struct rest_call *call)
{
    int64_t n = 0;
    enum iothub_status status = hub_c2d_purge(call->hub, call->ids[0], &n);
    if (status == IOTHUB_OK) {
        struct buf *body = &call->exchange->answer.body;
        buf_putf(body, "{\"totalMessagesPurged\":%" PRId64 ",\"deviceId\":", n);
        json_put_string(body, call->ids[0]);
        buf_put_text(body, ",\"moduleId\":null}");
        rest_answer_json(call->exchange);
    }
    return status;
}

static void put_number(struct http_exchange *exchange, const char *name, int64_t value)
{
    buf_put_i64(rest_header(exchange, name), value);
}

static void put_time(struct http_exchange *exchange, const char *name, int64_t at_ms)
{
    char text[ISO8601_MAX];
    buf_put_text(rest_header(exchange, name), iso8601_format_seven(text, at_ms));
}

static enum iothub_status answer_batch(struct rest_call *call, next_of_queue *next,
                                       const char *content_type)
{
    struct hub_feedback batch;
    struct http_exchange *exchange = call->exchange;
    enum iothub_status status = next(call->hub, &exchange->answer.body, &batch);
    if (status != IOTHUB_OK) {
        return status;
    }
    if (batch.id == 0) {
        rest_answer_empty(exchange, 204);
        return IOTHUB_OK;
    }
    rest_etag_header(exchange, batch.lock_token);
    put_number(exchange, "iothub-sequencenumber", batch.id);
    put_time(exchange, "iothub-enqueuedtime", batch.enqueued_ms);
    put_number(exchange, "iothub-deliverycount", batch.delivery_count);
    rest_answer_body(exchange, 200, content_type);
    return IOTHUB_OK;
}

static enum iothub_status settle_batch(struct rest_call *call, settle_of_queue *settle,
                                       bool is_completed)
{
    enum iothub_status status = settle(call->hub, call->ids[0], is_completed);
    if (status == IOTHUB_OK) {
        rest_answer_empty(call->exchange, 204);
    }
    return status;
}

enum iothub_status rest_feedback_next(struct rest_call *call)
{
    return answer_batch(call, hub_feedback_next, FEEDBACK_TYPE);
}

enum iothub_status rest_feedback_complete(struct rest_call *call)
{
    return settle_batch(call, hub_feedback_settle, true);
}

enum iothub_status rest_feedback_abandon(struct rest_call *call)
{
    return settle_batch(call, hub_feedback_settle, false);
}

enum iothub_status rest_file_notification_next(struct rest_call *call)
{
    return answer_batch(call, hub_file_notification_next, FILE_TYPE);
}

enum iothub_status rest_file_notification_complete(struct rest_call *call)
{
    return settle_batch(call, hub_file_notification_settle, true);
}

enum iothub_status rest_file_notification_abandon(struct rest_call *call)
{
    return settle_batch(call, hub_file_notification_settle, false);
}

/* ---- the device's side ---- */

static void answer_message(struct http_exchange *exchange, const struct hub_message *handed)
{
    struct property_bag bag = {0};
    struct message message = {0};
    /* What was stored can be read again: its size was checked for that. */
    if (property_bag_decode(&bag, handed->properties)) {
        message_from_bag(&bag, handed->body, &message);
    }
    rest_etag_header(exchange, handed->lock_token);
    rest_message_put_headers(exchange, &message);
    put_number(exchange, "iothub-sequencenumber", handed->sequence);
    put_time(exchange, "iothub-enqueuedtime", handed->enqueued_ms);
    put_number(exchange, "iothub-deliverycount", handed->delivery_count);
    buf_put_slice(&exchange->answer.body, handed->body);
    property_bag_finish(&bag);
    rest_answer_body(exchange, 200, NULL);
}

enum iothub_status rest_message_next(struct rest_call *call)
{
    struct hub_message message;
    enum iothub_status status = hub_c2d_next(call->hub, call->ids[0], &message);
    if (status != IOTHUB_OK) {
        return status;
    }
    if (message.id == 0) {
        rest_answer_empty(call->exchange, 204);
    } else {
        answer_message(call->exchange, &message);
    }
    return IOTHUB_OK;
}

static enum iothub_status settle_message(struct rest_call *call, enum hub_outcome outcome)
{
    enum iothub_status status = hub_c2d_settle(call->hub, call->ids[0], call->ids[1], outcome);
    if (status == IOTHUB_OK) {
        rest_answer_empty(call->exchange, 204);
    }
    return status;
}

/* DELETE completes; with "?reject", which has no value, it rejects. */
enum iothub_status rest_message_end(struct rest_call *call)
{
    struct slice reject = call->request->argument(call->request->source, "reject");
    return settle_message(call, reject.data != NULL ? HUB_REJECTED : HUB_COMPLETED);
}

enum iothub_status rest_message_abandon(struct rest_call *call)
{
    return settle_message(call, HUB_ABANDONED);
}
