/*
 * What the handlers of requests share.
 */
#ifndef GATEWAY_REST_H
#define GATEWAY_REST_H

#include <jansson.h>

#include "gateway/http_gateway.h"

/* Variable segments of a route, at most. */
#define REST_IDS_MAX 3

/* A request that has passed the generic checks. */
struct rest_call {
    struct http_exchange *exchange;
    struct hub *hub;
    const struct http_request *request;
    struct hub_principal principal;
    struct slice ids[REST_IDS_MAX]; /* decoded */
    json_t *body;                   /* NULL when the route takes none or it was empty */
};

/* Answers itself when it returns IOTHUB_OK; an error is answered for it. */
typedef enum iothub_status rest_handler(struct rest_call *call);

/* How a route wants its body. */
enum rest_body {
    REST_NO_BODY,
    REST_JSON, /* an empty body is ArgumentNull */
    REST_JSON_OR_EMPTY,
    REST_RAW, /* any bytes, which the handler finds in the request */
};

/* How a route's errors are written. */
enum rest_errors {
    REST_ENVELOPE,
    REST_NESTED, /* the hub's second form, as text inside the first */
};

struct rest_route {
    const char *method;
    const char *path; /* "/devices/{}": a {} is a variable segment */
    unsigned
        rights; /* any of these; 0 needs no token; HUB_DEVICE_CONNECT is a device's own route */
    rest_handler *handle;
    enum rest_body body;
    enum rest_errors errors;
    bool allows_own; /* also a device's own key, for what is below the device */
};

extern const struct rest_route rest_routes[];
extern const size_t rest_n_routes;

/* ---- answering
 * ------------------------------------------------------------------------------- */

/* 200 with the JSON that the caller has put into exchange->answer.body. */
void rest_answer_json(struct http_exchange *exchange);
/* The same with another status. */
void rest_answer_json_as(struct http_exchange *exchange, int status);
/* The body that is there already, of any type; NULL for none that is known. */
void rest_answer_body(struct http_exchange *exchange, int status, const char *content_type);
void rest_answer_empty(struct http_exchange *exchange, int status);
void rest_answer_error(struct http_exchange *exchange, enum iothub_status status,
                       const char *text, enum rest_errors form);

/* A header whose value is appended to what it returns, before there is another one. */
struct buf *rest_header(struct http_exchange *exchange, const char *name);
/* The same; the name becomes the answer's. */
struct buf *rest_header_take(struct http_exchange *exchange, char *name);
void rest_etag_header(struct http_exchange *exchange, const char *etag);

/* ---- reading
 * --------------------------------------------------------------------------------- */

/* "*", quoted or not, weak or not; "" and "\"\"" count as absent. */
struct hub_condition rest_if_match(const struct rest_call *call);

/* A number from a header's or argument's text, `otherwise` when absent. */
MUST_CHECK bool rest_number(struct slice text, int64_t otherwise, int64_t *out);

/* x-ms-max-item-count and x-ms-continuation. */
MUST_CHECK enum iothub_status rest_page_request(const struct rest_call *call,
                                                struct hub_page_request *out);

/* Put a page's headers; its body is in the answer already. */
void rest_answer_page(struct http_exchange *exchange, const struct hub_page *page);

static inline struct identity rest_identity(const struct rest_call *call)
{
    return (struct identity){call->ids[0], call->ids[1]};
}

/* ---- handlers, by file
 * ----------------------------------------------------------------------- */

rest_handler rest_device_list;
rest_handler rest_identity_get;
rest_handler rest_identity_put;
rest_handler rest_identity_delete;
rest_handler rest_module_list;
rest_handler rest_twin_get;
rest_handler rest_twin_patch;
rest_handler rest_twin_put;
rest_handler rest_method_invoke;
rest_handler rest_query;
rest_handler rest_job_put;
rest_handler rest_job_get;
rest_handler rest_job_cancel;
rest_handler rest_job_list;
rest_handler rest_registry_bulk;
rest_handler rest_keys_regenerate;
rest_handler rest_device_statistics;
rest_handler rest_service_statistics;
rest_handler rest_transfer_create;
rest_handler rest_transfer_list;
rest_handler rest_transfer_none;
rest_handler rest_digital_twin_get;
rest_handler rest_digital_twin_patch;
rest_handler rest_command_invoke;
rest_handler rest_component_command_invoke;
rest_handler rest_message_send;
rest_handler rest_queue_purge;
rest_handler rest_feedback_next;
rest_handler rest_feedback_complete;
rest_handler rest_feedback_abandon;
rest_handler rest_file_notification_next;
rest_handler rest_file_notification_complete;
rest_handler rest_file_notification_abandon;
rest_handler rest_file_begin;
rest_handler rest_file_end;
rest_handler rest_event_send;
rest_handler rest_message_next;
rest_handler rest_message_end;
rest_handler rest_message_abandon;
rest_handler rest_configuration_list;
rest_handler rest_configuration_get;
rest_handler rest_configuration_put;
rest_handler rest_configuration_delete;
rest_handler rest_configuration_test;
rest_handler rest_configuration_apply;
rest_handler rest_health;
rest_handler rest_event_list;

/* The stream of an exchange that rest_event_list began goes on, and its end. */
void rest_event_continue(struct http_exchange *exchange);
void rest_event_end(struct http_exchange *exchange);

#endif
