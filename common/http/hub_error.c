/*
 * The hub's errors come in two envelopes, and the second one may be a text inside the first:
 *
 *   {"Message":"ErrorCode:DeviceNotFound;d1","ExceptionMessage":"Tracking
 * ID:…-G:5-TimeStamp:…"}
 *   {"errorCode":404103,"trackingId":"…","message":"…","info":null,"timestampUtc":"…"}
 *   {"Message":"{\"errorCode\":404103,…}","ExceptionMessage":"Tracking ID:…"}
 *
 * Sources: C# ExceptionHandlingHelper.GetExceptionCodeAsync; Node rest_api_client.ts;
 * IoT Hub documentation, "Understand and resolve errors".
 */
#include "http/hub_error.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "iothub/json.h"

/* More of a message helps nobody, and a foreign server decides its length. */
#define TEXT_MAX     1000
#define TRACKING_MAX 200

/* Below are the statuses of this side, which no hub can name. */
#define FIRST_HUB_STATUS IOTHUB_GENERIC_BAD_REQUEST

/* One line, without characters that a terminal would act on, cut between characters. */
static char *clean(struct slice text, size_t max)
{
    text = slice_trim(text);
    if (text.len > max) {
        while (max > 0 && ((unsigned char)text.data[max] & 0xc0) == 0x80) {
            max--;
        }
        text.len = max;
    }
    if (text.len == 0) {
        return NULL;
    }
    char *copy = slice_dup(text);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)copy[i];
        if (c < ' ' || c == 0x7f) {
            copy[i] = ' ';
        }
    }
    return copy;
}

static void set_text(struct hub_error *error, struct slice text)
{
    free(error->text);
    error->text = clean(text, TEXT_MAX);
}

static void set_tracking_id(struct hub_error *error, struct slice id)
{
    if (error->tracking_id == NULL) {
        error->tracking_id = clean(id, TRACKING_MAX);
    }
}

static enum iothub_status status_of_name(const char *name)
{
    enum iothub_status status = iothub_status_from_name(name, IOTHUB_OK);
    return status < FIRST_HUB_STATUS ? IOTHUB_OK : status;
}

static enum iothub_status status_of_code(json_int_t code)
{
    if (code < FIRST_HUB_STATUS || code > 599999) {
        return IOTHUB_OK;
    }
    enum iothub_status status = (enum iothub_status)code;
    return strcmp(iothub_status_name(status), "Unknown") == 0 ? IOTHUB_OK : status;
}

/* The status is that of the first who can tell. */
static void offer_status(struct hub_error *error, enum iothub_status status)
{
    if (error->status == IOTHUB_OK) {
        error->status = status;
    }
}

/* {"errorCode":…,"trackingId":…,"message":…}; false when it is not of that shape. */
static bool read_bare(struct hub_error *error, const json_t *object)
{
    const json_t *code = json_get_nocase(object, "errorCode");
    if (!json_is_integer(code)) {
        return false;
    }
    offer_status(error, status_of_code(json_integer_value(code)));
    set_tracking_id(error, json_string_slice(json_get_nocase(object, "trackingId")));
    set_text(error, json_string_slice(json_get_nocase(object, "message")));
    return true;
}

/* "ErrorCode:Name;text" */
static void read_message(struct hub_error *error, struct slice message)
{
    struct slice prefix = SLICE("ErrorCode:");
    set_text(error, message);
    if (!slice_starts_with_nocase(message, prefix)) {
        return;
    }
    struct slice rest = slice_from(message, prefix.len);
    size_t end = slice_find(rest, ';');
    char *name = slice_dup(slice_trim(slice_make(rest.data, end)));
    offer_status(error, status_of_name(name));
    free(name);
    if (slice_trim(slice_from(rest, end + 1)).len != 0) {
        set_text(error, slice_from(rest, end + 1));
    }
}

/* "Tracking ID:0145…-G:0-TimeStamp:11/10/2016 08:37:23" */
static void read_exception_message(struct hub_error *error, struct slice text)
{
    struct slice prefix = SLICE("Tracking ID:");
    if (!slice_starts_with_nocase(text, prefix)) {
        return;
    }
    struct slice id = slice_from(text, prefix.len);
    struct slice mark = SLICE("-TimeStamp:");
    const char *stamp = id.len == 0 ? NULL : memmem(id.data, id.len, mark.data, mark.len);
    set_tracking_id(error, stamp == NULL ? id : slice_between(id.data, stamp));
}

static void read_envelope(struct hub_error *error, const json_t *object)
{
    if (read_bare(error, object)) {
        return;
    }
    struct slice message = json_string_slice(json_get_nocase(object, "Message"));
    json_t *nested = message.len != 0 && message.data[0] == '{' ? json_parse(message, NULL)
                                                                : NULL;
    if (!json_is_object(nested) || !read_bare(error, nested)) {
        read_message(error, message);
    }
    json_decref(nested);
    read_exception_message(error,
                           json_string_slice(json_get_nocase(object, "ExceptionMessage")));
}

static void put_fallback_text(struct hub_error *error, int http_status)
{
    if (error->text != NULL) {
        return;
    }
    struct buf text;
    buf_init(&text, TEXT_MAX);
    buf_putf(&text, "HTTP status %d without a hub's error message", http_status);
    error->text = buf_take_text(&text);
}

void hub_error_read(struct hub_error *out, int http_status, const char *code_name,
                    struct slice body)
{
    *out = (struct hub_error){.status = IOTHUB_OK};
    if (code_name != NULL) {
        offer_status(out, status_of_name(code_name));
    }
    json_t *root = body.len == 0 ? NULL : json_parse(body, NULL);
    if (json_is_object(root)) {
        read_envelope(out, root);
    }
    json_decref(root);
    offer_status(out, iothub_status_from_http(http_status));
    offer_status(out, IOTHUB_UNEXPECTED_ANSWER);
    put_fallback_text(out, http_status);
}

void hub_error_finish(struct hub_error *error)
{
    if (error != NULL) {
        free(error->text);
        free(error->tracking_id);
        *error = (struct hub_error){.status = IOTHUB_OK};
    }
}
