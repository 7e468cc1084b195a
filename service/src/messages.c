/*
 * Messages to devices and the feedback about them, notifications of uploaded files, and what an
 * emulator's devices have sent.
 */
#include "iothub/service.h"

#include <stdlib.h>
#include <string.h>

#include "base/coding.h"
#include "base/iso8601.h"
#include "base/mem.h"
#include "iothub/identity.h"
#include "iothub/limits.h"
#include "iothub/property_bag.h"
#include "service/src/client.h"

#define APPLICATION_PREFIX "iothub-app-"

/* System properties at most. */
#define SYSTEM_MAX 8

#define EVENTS_WAIT_MAX_S 300

/* RFC 9110, 5.6.2: what a header's name may hold. */
static bool is_token(const char *text)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";
    for (const char *c = text; *c != '\0'; c++) {
        bool is_alphanumeric = (*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z') ||
                               (*c >= 'a' && *c <= 'z');
        if (!is_alphanumeric && strchr(marks, *c) == NULL) {
            return false;
        }
    }
    return text[0] != '\0';
}

static bool is_printable(const char *text)
{
    for (const char *c = text == NULL ? "" : text; *c != '\0'; c++) {
        if (*c < ' ' || *c > '~') {
            return false;
        }
    }
    return true;
}

/* The headers of one message; names of properties are owned, all else is borrowed. */
struct message_headers {
    struct call_header *items;
    size_t n_items;
    size_t n_system;
};

static bool add(struct message_headers *headers, const char *name, const char *value)
{
    if (value == NULL) {
        return true;
    }
    headers->items[headers->n_items++] = (struct call_header){name, value};
    return is_printable(value);
}

static const char *ack_word(enum iothub_service_ack ack)
{
    switch (ack) {
    case IOTHUB_SERVICE_ACK_NONE:
        return NULL;
    case IOTHUB_SERVICE_ACK_POSITIVE:
        return "positive";
    case IOTHUB_SERVICE_ACK_NEGATIVE:
        return "negative";
    case IOTHUB_SERVICE_ACK_FULL:
        return "full";
    }
    return NULL;
}

/* Order and names as devices that send over HTTP have them. */
static bool add_system(struct message_headers *headers, const struct iothub_service_message *m)
{
    bool is_good = add(headers, "iothub-messageid", m->message_id) &&
                   add(headers, "iothub-correlationid", m->correlation_id) &&
                   add(headers, "iothub-userid", m->user_id) &&
                   add(headers, "iothub-expiry", m->expiry_time) &&
                   add(headers, "iothub-ack", ack_word(m->ack)) &&
                   add(headers, "iothub-contenttype", m->content_type) &&
                   add(headers, "iothub-contentencoding", m->content_encoding);
    headers->n_system = headers->n_items;
    return is_good;
}

static bool add_property(struct message_headers *headers,
                         const struct iothub_service_property *property)
{
    if (property->name == NULL || !is_token(property->name)) {
        return false;
    }
    struct buf name;
    buf_init(&name, BUF_CAP_OWN);
    buf_putf(&name, APPLICATION_PREFIX "%s", property->name);
    return add(headers, buf_take_text(&name), property->value == NULL ? "" : property->value);
}

static void headers_finish(struct message_headers *headers)
{
    for (size_t i = headers->n_system; i < headers->n_items; i++) {
        free((char *)(uintptr_t)headers->items[i].name);
    }
    free(headers->items);
}

static enum iothub_status check_message(struct iothub_service *service,
                                        const struct iothub_service_message *m)
{
    int64_t at_ms = 0;
    if ((m->payload == NULL && m->payload_len != 0) ||
        (m->properties == NULL && m->n_properties != 0)) {
        return client_fail(service, IOTHUB_BAD_ARGUMENT, "the message lacks what it counts");
    }
    if (m->n_properties > PROPERTY_BAG_MAX) {
        return client_fail(service, IOTHUB_BAD_ARGUMENT, "a message has at most %d properties",
                           PROPERTY_BAG_MAX);
    }
    if (m->message_id != NULL && !identity_is_valid_id(slice_of(m->message_id))) {
        return client_fail(service, IOTHUB_BAD_ARGUMENT, "\"%s\" is no valid message id",
                           m->message_id);
    }
    if (m->expiry_time != NULL && !iso8601_parse(slice_of(m->expiry_time), &at_ms)) {
        return client_fail(service, IOTHUB_BAD_ARGUMENT, "\"%s\" is no time in ISO 8601",
                           m->expiry_time);
    }
    return m->payload_len > (size_t)LIMIT_C2D_BYTES
               ? client_fail(service, IOTHUB_MESSAGE_TOO_LARGE,
                             "a message to a device has at most %d bytes", LIMIT_C2D_BYTES)
               : IOTHUB_OK;
}

static enum iothub_status make_headers(struct iothub_service *service,
                                       const struct iothub_service_message *m,
                                       struct message_headers *headers)
{
    bool is_good = add_system(headers, m);
    for (size_t i = 0; is_good && i < m->n_properties; i++) {
        is_good = add_property(headers, &m->properties[i]);
    }
    return is_good ? IOTHUB_OK
                   : client_fail(service, IOTHUB_BAD_ARGUMENT,
                                 "a property has a character that HTTP cannot carry");
}

enum iothub_status iothub_service_c2d_send(struct iothub_service *service,
                                           const char *device_id,
                                           const struct iothub_service_message *message)
{
    enum iothub_status status = check_message(service, message);
    if (status != IOTHUB_OK) {
        return status;
    }
    struct message_headers headers = {
        .items = mem_array(message->n_properties + SYSTEM_MAX, sizeof(*headers.items))};
    status = make_headers(service, message, &headers);
    if (status == IOTHUB_OK) {
        const struct call call = {.operation = OP_C2D_SEND,
                                  .device_id = device_id,
                                  .body = message->payload == NULL ? "" : message->payload,
                                  .content_type = "application/octet-stream",
                                  .body_len = message->payload_len,
                                  .headers = headers.items,
                                  .n_headers = headers.n_items};
        status = client_call_json(service, &call, NULL);
    }
    headers_finish(&headers);
    return status;
}

enum iothub_status iothub_service_c2d_purge(struct iothub_service *service,
                                            const char *device_id, char **out)
{
    const struct call call = {.operation = OP_C2D_PURGE, .device_id = device_id};
    return client_call_json(service, &call, out);
}

static char *bare_token(const char *etag)
{
    struct slice token = slice_trim(slice_of(etag));
    if (token.len >= 2 && token.data[0] == '"' && token.data[token.len - 1] == '"') {
        token = slice_make(token.data + 1, token.len - 2);
    }
    return token.len == 0 ? NULL : slice_dup(token);
}

/* The next of a queue; a copy of `none` where there is none. */
static enum iothub_status receive(struct iothub_service *service, enum operation operation,
                                  const char *none, char **out, char **lock_token)
{
    const struct call call = {.operation = operation};
    struct http_answer answer;
    enum iothub_status status = client_call(service, &call, &answer);
    if (status != IOTHUB_OK) {
        return status;
    }
    bool is_empty = answer.body.len == 0;
    *out = is_empty ? mem_dup_text(none) : buf_take_text(&answer.body);
    *lock_token = is_empty ? NULL : bare_token(answer.etag);
    http_answer_finish(&answer);
    return IOTHUB_OK;
}

static enum iothub_status settle(struct iothub_service *service, enum operation operation,
                                 const char *lock_token)
{
    const struct call call = {.operation = operation, .lock_token = lock_token};
    return client_call_json(service, &call, NULL);
}

enum iothub_status iothub_service_feedback_receive(struct iothub_service *service, char **out,
                                                   char **lock_token)
{
    return receive(service, OP_FEEDBACK_RECEIVE, "[]", out, lock_token);
}

enum iothub_status iothub_service_feedback_complete(struct iothub_service *service,
                                                    const char *lock_token)
{
    return settle(service, OP_FEEDBACK_COMPLETE, lock_token);
}

enum iothub_status iothub_service_feedback_abandon(struct iothub_service *service,
                                                   const char *lock_token)
{
    return settle(service, OP_FEEDBACK_ABANDON, lock_token);
}

enum iothub_status iothub_service_file_notification_receive(struct iothub_service *service,
                                                            char **out, char **lock_token)
{
    return receive(service, OP_FILE_NOTIFICATION_RECEIVE, NULL, out, lock_token);
}

enum iothub_status iothub_service_file_notification_complete(struct iothub_service *service,
                                                             const char *lock_token)
{
    return settle(service, OP_FILE_NOTIFICATION_COMPLETE, lock_token);
}

enum iothub_status iothub_service_file_notification_abandon(struct iothub_service *service,
                                                            const char *lock_token)
{
    return settle(service, OP_FILE_NOTIFICATION_ABANDON, lock_token);
}

static void put_parameter(struct buf *out, const char *name, const char *value)
{
    if (value != NULL) {
        buf_putf(out, "%s%s=", out->len == 0 ? "" : "&", name);
        percent_encode(out, slice_of(value));
    }
}

enum iothub_status iothub_service_events_read(struct iothub_service *service,
                                              const struct iothub_service_events *which,
                                              char **out_after, char **out)
{
    struct http_answer answer;
    if (which->wait_s < 0 || which->wait_s > EVENTS_WAIT_MAX_S) {
        return client_fail(service, IOTHUB_BAD_ARGUMENT, "the hub waits at most %d seconds",
                           EVENTS_WAIT_MAX_S);
    }
    struct buf parameters;
    buf_init(&parameters, BUF_CAP_OWN);
    put_parameter(&parameters, "after", which->after);
    if (which->wait_s != 0) {
        buf_putf(&parameters, "%swait=%d", parameters.len == 0 ? "" : "&", which->wait_s);
    }
    put_parameter(&parameters, "deviceId", which->device_id);
    const struct call call = {.operation = OP_EVENTS_READ,
                              .parameters = buf_text(&parameters),
                              .extra_ms = (int64_t)which->wait_s * 1000};
    enum iothub_status status = client_call(service, &call, &answer);
    buf_finish(&parameters);
    if (status != IOTHUB_OK) {
        return status;
    }
    if (out_after != NULL) {
        *out_after = answer.continuation;
        answer.continuation = NULL;
    }
    if (out != NULL) {
        *out = buf_take_text(&answer.body);
    }
    http_answer_finish(&answer);
    return IOTHUB_OK;
}
