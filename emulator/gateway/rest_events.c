/*
 * Telemetry over HTTP: a message whose properties are headers, or a batch in JSON.
 * Source: IoT Hub REST, "Device - Send Device Event"; the device SDKs' HTTP transports.
 */
#include <stdlib.h>

#include "base/coding.h"
#include "base/mem.h"
#include "gateway/fault.h"
#include "gateway/rest.h"
#include "gateway/rest_message.h"
#include "iothub/json.h"
#include "iothub/limits.h"

#define BATCH_TYPE "application/vnd.microsoft.iothub.json"

/* Messages read from a request; bodies that were encoded are in `bodies`. */
struct batch {
    json_t *root;
    struct buf bodies;
    struct rest_message *items;
    struct message *messages;
    size_t n;
    size_t n_messages;   /* of `messages`, those that are to be stored */
    const char *mistake; /* a sentence, once there is one */
    enum iothub_status status;
};

static void finish_batch(struct batch *batch)
{
    for (size_t i = 0; i < batch->n; i++) {
        rest_message_finish(&batch->items[i]);
    }
    free(batch->items);
    free(batch->messages);
    buf_finish(&batch->bodies);
    json_decref(batch->root);
}

static void blame(struct batch *batch, enum iothub_status status, const char *mistake)
{
    if (batch->mistake == NULL) {
        batch->status = status;
        batch->mistake = mistake;
    }
}

/* {"body":"…","base64Encoded":true}: text stands for itself, anything else is encoded. */
static void read_item_body(struct batch *batch, const json_t *item, struct message *out)
{
    const json_t *body = json_get_nocase(item, "body");
    const json_t *is_encoded = json_get_nocase(item, "base64Encoded");
    if (!json_is_string(body)) {
        blame(batch, IOTHUB_ARGUMENT_INVALID,
              "Each message of a batch has a text as its body.");
        return;
    }
    out->body = json_string_slice(body);
    if (json_is_false(is_encoded)) {
        return;
    }
    size_t begin = batch->bodies.len;
    if (!base64_decode(&batch->bodies, out->body)) {
        blame(batch, IOTHUB_ARGUMENT_INVALID, "A body of the batch is not base64.");
    }
    out->body = slice_from(buf_slice(&batch->bodies), begin);
}

/* Numbers and truth values are taken as their texts, which replace them in the tree. */
static struct slice value_text(json_t *properties, void *at)
{
    const json_t *value = json_object_iter_value(at);
    if (json_is_string(value) || json_is_null(value)) {
        return json_string_slice(value);
    }
    char *text = json_text(value);
    json_t *replacement = json_string(text);
    free(text);
    (void)json_object_iter_set_new(properties, at, replacement);
    return json_string_slice(replacement);
}

static void read_item_properties(struct batch *batch, json_t *item, struct rest_message *out)
{
    json_t *properties = json_get_nocase(item, "properties");
    if (properties == NULL || json_is_null(properties)) {
        return;
    }
    if (!json_is_object(properties)) {
        blame(batch, IOTHUB_ARGUMENT_INVALID, "The properties of a message are an object.");
        return;
    }
    for (void *at = json_object_iter(properties); at != NULL;
         at = json_object_iter_next(properties, at)) {
        const json_t *value = json_object_iter_value(at);
        bool is_null = json_is_null(value);
        if (json_is_object(value) || json_is_array(value)) {
            blame(batch, IOTHUB_ARGUMENT_INVALID, "The values of properties are texts.");
            return;
        }
        rest_message_add(out, slice_of(json_object_iter_key(at)), value_text(properties, at),
                         is_null);
    }
    if (out->has_too_many) {
        blame(batch, IOTHUB_MESSAGE_TOO_LARGE, "A message has too many properties.");
    }
}

static void read_item(struct batch *batch, json_t *item)
{
    struct rest_message *m = &batch->items[batch->n];
    if (!json_is_object(item)) {
        blame(batch, IOTHUB_ARGUMENT_INVALID, "A batch is an array of objects.");
        return;
    }
    batch->n++;
    read_item_body(batch, item, &m->message);
    read_item_properties(batch, item, m);
    batch->messages[batch->n - 1] = m->message;
}

static void read_batch(struct batch *batch, struct slice text)
{
    batch->root = json_parse(text, NULL);
    size_t n = json_array_size(batch->root);
    if (!json_is_array(batch->root) || n == 0) {
        blame(batch, IOTHUB_FORMAT_ERROR, "A batch is a JSON array with messages.");
        return;
    }
    if (n > LIMIT_D2C_BATCH) {
        blame(batch, IOTHUB_MESSAGE_TOO_LARGE, "A batch has at most 500 messages.");
        return;
    }
    /* Room for all bodies now: slices into it are kept while it fills. */
    buf_init(&batch->bodies, text.len);
    (void)buf_extend(&batch->bodies, text.len);
    buf_cut(&batch->bodies, 0);
    batch->items = mem_array(n, sizeof(*batch->items));
    batch->messages = mem_array(n, sizeof(*batch->messages));
    for (size_t i = 0; i < n && batch->mistake == NULL; i++) {
        read_item(batch, json_array_get(batch->root, i));
    }
}

static void read_single(struct batch *batch, const struct http_request *request)
{
    batch->items = mem_array(1, sizeof(*batch->items));
    batch->messages = mem_array(1, sizeof(*batch->messages));
    batch->n = 1;
    rest_message_read(&batch->items[0], request);
    batch->messages[0] = batch->items[0].message;
    if (batch->items[0].has_too_many) {
        blame(batch, IOTHUB_MESSAGE_TOO_LARGE, "A message has too many properties.");
    }
}

static bool is_batch(const struct http_request *request)
{
    struct slice type = request->header(request->source, "Content-Type");
    type.len = slice_find(type, ';');
    return slice_equal_nocase(slice_trim(type), SLICE(BATCH_TYPE));
}

/*
 * Take requests for faults out of the batch; the first that is refused stands for the whole of
 * it, of which nothing is stored then.
 */
static void take_faults(const struct rest_call *call, struct batch *batch)
{
    struct fault fault;
    enum iothub_status status = IOTHUB_OK;
    struct faults *faults = call->request->faults;
    size_t n_kept = 0;
    for (size_t i = 0; i < batch->n && status == IOTHUB_OK; i++) {
        const struct message *message = &batch->messages[i];
        if (faults == NULL || !fault_read(message, &fault)) {
            batch->messages[n_kept++] = *message;
        } else {
            status = faults_answer(faults, rest_identity(call), &fault, fault_print(message),
                                   hub_now(call->hub).now_ms);
        }
    }
    batch->n_messages = n_kept;
    if (status != IOTHUB_OK) {
        blame(batch, status, "The device has asked for this error by fault injection.");
    }
}

static enum iothub_status send_batch(const struct rest_call *call, const struct batch *batch)
{
    struct hub_sender sender;
    enum iothub_status status =
        hub_sender_of_caller(call->hub, rest_identity(call), &call->principal, &sender);
    return status != IOTHUB_OK
               ? status
               : hub_event_send_batch(call->hub, &sender, batch->messages, batch->n_messages);
}

enum iothub_status rest_event_send(struct rest_call *call)
{
    struct batch batch = {0};
    if (is_batch(call->request)) {
        read_batch(&batch, call->request->body);
    } else {
        read_single(&batch, call->request);
    }
    if (batch.mistake == NULL) {
        take_faults(call, &batch);
    }
    if (batch.mistake != NULL) {
        rest_answer_error(call->exchange, batch.status, batch.mistake, REST_ENVELOPE);
        finish_batch(&batch);
        return IOTHUB_OK;
    }
    enum iothub_status status = send_batch(call, &batch);
    finish_batch(&batch);
    if (status == IOTHUB_OK) {
        rest_answer_empty(call->exchange, 204);
    }
    return status;
}
