/*
 * Error documents, with the tracking ids that support asks for.
 * Source: IoT Hub documentation, "Understand and resolve errors"; recorded answers in the SDKs'
 * tests.
 */
#ifndef GATEWAY_TRACKING_H
#define GATEWAY_TRACKING_H

#include <stdint.h>

#include "base/buf.h"
#include "iothub/status.h"

/* 32 capital hex digits and their NUL. */
#define TRACKING_ID_SIZE 33

const char *tracking_id(char out[TRACKING_ID_SIZE]);

/* {"errorCode":404103,"trackingId":"…","message":"…","info":null,"timestampUtc":"…"} */
void tracking_put_error(struct buf *out, enum iothub_status status, const char *text,
                        int64_t at_ms);

/*
 * {"Message":"ErrorCode:Name;text","ExceptionMessage":"Tracking ID:…-TimeStamp:…"}, the service
 * API's envelope.  The C# and Node SDKs cut the code out of Message.
 */
void tracking_put_envelope(struct buf *out, enum iothub_status status, const char *text,
                           int64_t at_ms);

/* The same with tracking_put_error()'s document as the text of Message, as methods answer. */
void tracking_put_nested(struct buf *out, enum iothub_status status, const char *text,
                         int64_t at_ms);

#endif
