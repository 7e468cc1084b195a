/*
 * The two forms of the hub's errors.
 */
#include "gateway/tracking.h"

#include <stdio.h>

#include "base/iso8601.h"
#include "base/random.h"
#include "iothub/json.h"

enum {
    TEXT_CAP = 64 * 1024,
};

const char *tracking_id(char out[TRACKING_ID_SIZE])
{
    snprintf(out, TRACKING_ID_SIZE, "%016llX%016llX", (unsigned long long)random_u64(),
             (unsigned long long)random_u64());
    return out;
}

void tracking_put_error(struct buf *out, enum iothub_status status, const char *text,
                        int64_t at_ms)
{
    char id[TRACKING_ID_SIZE];
    char time[ISO8601_MAX];
    buf_putf(out, "{\"errorCode\":%d,\"trackingId\":\"%s\",\"message\":", (int)status,
             tracking_id(id));
    json_put_string(out, slice_of(text));
    buf_putf(out, ",\"info\":null,\"timestampUtc\":\"%s\"}", iso8601_format(time, at_ms));
}

/* "Tracking ID:…-TimeStamp:MM/dd/yyyy HH:mm:ss" */
static void put_exception(struct buf *out, int64_t at_ms)
{
    char id[TRACKING_ID_SIZE];
    char time[ISO8601_MAX];
    iso8601_format(time, at_ms);
    buf_putf(out, "\"ExceptionMessage\":\"Tracking ID:%s-TimeStamp:%.2s/%.2s/%.4s %.8s\"}",
             tracking_id(id), time + 5, time + 8, time, time + 11);
}

static void put_message(struct buf *out, struct slice message, int64_t at_ms)
{
    buf_put_text(out, "{\"Message\":");
    json_put_string(out, message);
    buf_put_char(out, ',');
    put_exception(out, at_ms);
}

void tracking_put_envelope(struct buf *out, enum iothub_status status, const char *text,
                           int64_t at_ms)
{
    struct buf message = {.cap = TEXT_CAP};
    buf_putf(&message, "ErrorCode:%s;%s", iothub_status_name(status), text);
    put_message(out, buf_slice(&message), at_ms);
    buf_finish(&message);
}

void tracking_put_nested(struct buf *out, enum iothub_status status, const char *text,
                         int64_t at_ms)
{
    struct buf message = {.cap = TEXT_CAP};
    tracking_put_error(&message, status, text, at_ms);
    put_message(out, buf_slice(&message), at_ms);
    buf_finish(&message);
}
