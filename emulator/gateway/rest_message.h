/*
 * Messages in HTTP: system properties are headers with names of their own, a sender's are
 * headers that begin with "iothub-app-". Source: IoT Hub REST, "Device - Send Device Event" and
 * "Receive Device Bound Notification".
 */
#ifndef GATEWAY_REST_MESSAGE_H
#define GATEWAY_REST_MESSAGE_H

#include "gateway/http_gateway.h"
#include "iothub/message.h"

/* {0} is a message without anything; it borrows what it is made of. */
struct rest_message {
    struct message message;
    struct property *items;
    size_t n_items;
    size_t room;
    bool has_too_many; /* properties */
};

void rest_message_finish(struct rest_message *m);

/* Put in what a header says; one that is not about the message changes nothing. */
void rest_message_add(struct rest_message *m, struct slice header, struct slice value,
                      bool is_null);

/* All headers and the body of a request. */
void rest_message_read(struct rest_message *m, const struct http_request *request);

/*
 * The message's properties as headers of the answer.  What no header can carry is left out:
 * names that are no tokens, and values with control characters.
 */
void rest_message_put_headers(struct http_exchange *exchange, const struct message *message);

#endif
