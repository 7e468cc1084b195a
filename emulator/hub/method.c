/*
 * Direct methods: a call waits for its device to come, then for its answer, and ends exactly
 * once. Source: IoT Hub documentation, "Understand and invoke direct methods".
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/mem.h"
#include "hub/core.h"
#include "iothub/json.h"
#include "iothub/json_scan.h"
#include "iothub/limits.h"

struct method_call {
    uint64_t id;
    char device_id[LIMIT_ID_CHARS + 1];
    char module_id[LIMIT_ID_CHARS + 1];
    struct hub_peer *peer; /* while its answer is awaited; NULL before */
    struct hub_timer timer;
    int64_t response_ms;
    hub_method_done *done;
    void *ctx;
    char *name; /* kept only while the device is waited for */
    char *payload;
    size_t payload_len;
    bool has_payload;
    UT_hash_handle hh;        /* in hub->calls */
    struct method_call *prev; /* in the peer's calls, or in hub->waiting */
    struct method_call *next;
};

/* ---- reading a request ---------------------------------------------------------------------
 */

static enum iothub_status check_seconds(struct hub *hub, const char *name, int64_t value,
                                        int64_t min, int64_t max)
{
    return value >= min && value <= max
               ? IOTHUB_OK
               : hub_fail(hub, IOTHUB_ARGUMENT_INVALID,
                          "%s is a number from %" PRId64 " to %" PRId64 ".", name, min, max);
}

static enum iothub_status check_times(struct hub *hub, int64_t response_s, int64_t connect_s)
{
    enum iothub_status status = check_seconds(hub, "responseTimeoutInSeconds", response_s,
                                              METHOD_RESPONSE_MIN_S, METHOD_RESPONSE_MAX_S);
    if (status == IOTHUB_OK) {
        status =
            check_seconds(hub, "connectTimeoutInSeconds", connect_s, 0, METHOD_CONNECT_MAX_S);
    }
    if (status == IOTHUB_OK && connect_s > response_s) {
        return hub_fail(hub, IOTHUB_ARGUMENT_INVALID,
                        "Device connection timeout (%" PRId64
                        " s) cannot be longer than an overall call timeout (%" PRId64 " s).",
                        connect_s, response_s);
    }
    return status;
}

/* What is no whole number becomes one that no time-out may be. */
static int64_t read_seconds(const json_t *body, const char *name, int64_t otherwise)
{
    const json_t *value = json_get_nocase(body, name);
    if (value == NULL || json_is_null(value)) {
        return otherwise;
    }
    return json_is_integer(value) ? json_integer_value(value) : -1;
}

/* The names go into MQTT topics and AMQP properties: printable ASCII without separators. */
static bool is_method_name(struct slice name)
{
    if (name.len == 0 || name.len > LIMIT_METHOD_NAME_CHARS) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (c <= ' ' || c >= 0x7F || strchr("$()<>@,;:\\\"/[]?={}#+", c) != NULL) {
            return false;
        }
    }
    return true;
}

static enum iothub_status payload_too_large(struct hub *hub)
{
    return hub_fail(hub, IOTHUB_MESSAGE_TOO_LARGE, "A payload has at most %d bytes.",
                    LIMIT_METHOD_PAYLOAD_BYTES);
}

enum iothub_status hub_method_parse(struct hub *hub, struct slice text, const json_t *body,
                                    struct hub_method_request *out)
{
    struct hub_method_request request = {.target = out->target};
    if (!json_is_object(body)) {
        return hub_fail(hub, IOTHUB_ARGUMENT_NULL, "BadRequest");
    }
    request.name = json_string_slice(json_object_get(body, "methodName"));
    if (request.name.len == 0) {
        return hub_fail(hub, IOTHUB_ARGUMENT_NULL, "methodName is missing.");
    }
    if (!is_method_name(request.name)) {
        return hub_fail(hub, IOTHUB_ARGUMENT_INVALID, "The methodName is not valid.");
    }
    if (json_scan_member(text, SLICE("payload"), &request.payload) &&
        request.payload.len > LIMIT_METHOD_PAYLOAD_BYTES) {
        return payload_too_large(hub);
    }
    request.response_s = read_seconds(body, "responseTimeoutInSeconds", METHOD_RESPONSE_S);
    request.connect_s = read_seconds(body, "connectTimeoutInSeconds", METHOD_CONNECT_S);
    enum iothub_status status = check_times(hub, request.response_s, request.connect_s);
    if (status == IOTHUB_OK) {
        *out = request;
    }
    return status;
}

/* ---- a call's life -------------------------------------------------------------------------
 */

static void forget(struct hub *hub, struct method_call *call)
{
    HASH_DEL(hub->calls, call);
    if (call->peer != NULL) {
        DL_DELETE(call->peer->calls, call);
        call->peer->n_calls--;
    } else if (call->prev != NULL) {
        DL_DELETE(hub->waiting, call);
    }
    hub_clear_timer(hub, &call->timer);
    free(call->name);
    free(call->payload);
    free(call);
}

/* The call is gone before `done` runs, so whatever that does cannot end it twice. */
static void end(struct hub *hub, struct method_call *call, struct hub_method_result result)
{
    uint64_t id = call->id;
    hub_method_done *done = call->done;
    void *ctx = call->ctx;
    forget(hub, call);
    done(ctx, id, &result);
}

static struct identity target_of(const struct method_call *call)
{
    return (struct identity){slice_of(call->device_id), slice_of(call->module_id)};
}

static void end_not_online(struct hub *hub, struct method_call *call)
{
    end(hub, call,
        (struct hub_method_result){
            .status = IOTHUB_DEVICE_NOT_ONLINE,
            .error_text = "The operation failed because the requested device isn't online. To "
                          "learn more, see https://aka.ms/iothub404103"});
}

static void on_response_timeout(struct hub *hub, struct hub_timer *timer)
{
    struct method_call *call = CONTAINER_OF(timer, struct method_call, timer);
    end(hub, call,
        (struct hub_method_result){
            .status = IOTHUB_GATEWAY_TIMEOUT,
            .error_text = "Timed out waiting for the response from device."});
}

static void on_connect_timeout(struct hub *hub, struct hub_timer *timer)
{
    struct method_call *call = CONTAINER_OF(timer, struct method_call, timer);
    end(hub, call,
        (struct hub_method_result){.status = IOTHUB_DEVICE_NOT_ONLINE,
                                   .error_text = "Timed out waiting for device to connect."});
}

static bool is_ready(const struct hub_peer *peer)
{
    return peer != NULL && (peer->interests & HUB_WANTS_METHODS) != 0;
}

/* Hand the call to the device; false when it cannot take it. */
static bool deliver(struct hub *hub, struct method_call *call, struct hub_peer *peer,
                    struct slice name, struct slice payload)
{
    if (peer->n_calls >= LIMIT_METHODS_IN_FLIGHT ||
        peer->ops->method(peer, call->id, name, payload) != HUB_TAKEN) {
        return false;
    }
    if (call->prev != NULL) {
        DL_DELETE(hub->waiting, call);
    }
    DL_APPEND(peer->calls, call);
    peer->n_calls++;
    call->peer = peer;
    peer->active_ms = hub->now.at_ms;
    call->timer.fire = on_response_timeout;
    hub_set_timer(hub, &call->timer, hub->now.now_ms + call->response_ms);
    return true;
}

static void wait_for_device(struct hub *hub, struct method_call *call,
                            const struct hub_method_request *request)
{
    call->name = slice_dup(request->name);
    call->has_payload = request->payload.data != NULL;
    call->payload_len = request->payload.len;
    call->payload = mem_dup(request->payload.data, request->payload.len);
    DL_APPEND(hub->waiting, call);
    call->timer.fire = on_connect_timeout;
    hub_set_timer(hub, &call->timer, hub->now.now_ms + request->connect_s * 1000);
}

static enum iothub_status check_target(struct hub *hub, struct identity id)
{
    struct store_identity record;
    enum iothub_status status = hub_find_identity(hub, id, &record);
    if (status == IOTHUB_OK && identity_is_module(id)) {
        status = hub_find_identity(hub, identity_of_device(id.device_id), &record);
    }
    if (status == IOTHUB_OK && !record.is_enabled) {
        return hub_fail(hub, IOTHUB_DEVICE_NOT_FOUND, "%.*s", SLICE_ARG(id.device_id));
    }
    return status;
}

static struct method_call *begin(struct hub *hub, const struct hub_method_request *request,
                                 hub_method_done *done, void *ctx)
{
    struct method_call *call = mem_alloc(sizeof(*call));
    call->id = ++hub->last_call;
    memcpy(call->device_id, request->target.device_id.data, request->target.device_id.len);
    if (identity_is_module(request->target)) {
        memcpy(call->module_id, request->target.module_id.data, request->target.module_id.len);
    }
    call->response_ms = request->response_s * 1000;
    call->done = done;
    call->ctx = ctx;
    HASH_ADD(hh, hub->calls, id, sizeof(call->id), call);
    return call;
}

enum iothub_status hub_method_call(struct hub *hub, const struct hub_method_request *request,
                                   hub_method_done *done, void *ctx, uint64_t *out_call)
{
    struct hub_peer *peer = hub_find_peer(hub, request->target);
    /* A connected device exists and is enabled: the store need not be asked. */
    if (!is_ready(peer)) {
        enum iothub_status status = check_target(hub, request->target);
        if (status != IOTHUB_OK) {
            return status;
        }
    }
    bool is_busy = is_ready(peer) && peer->n_calls >= LIMIT_METHODS_IN_FLIGHT;
    if (is_busy || HASH_COUNT(hub->calls) >= LIMIT_METHODS_WAITING) {
        return hub_fail(hub, IOTHUB_DEVICE_MAXIMUM_INFLIGHT_METHOD_EXCEEDED,
                        "Too many method calls are waiting for an answer.");
    }
    struct method_call *call = begin(hub, request, done, ctx);
    *out_call = call->id;
    if (is_ready(peer) && deliver(hub, call, peer, request->name, request->payload)) {
        return IOTHUB_OK;
    }
    if (request->connect_s == 0) {
        end_not_online(hub, call);
    } else {
        wait_for_device(hub, call, request);
    }
    return IOTHUB_OK;
}

/* The conventions' separator; a component's name has none in it. */
#define COMPONENT_SEPARATOR '*'

static enum iothub_status check_command(struct hub *hub, const struct hub_command *command)
{
    bool has_component = command->component.len != 0;
    if (!is_method_name(command->name) ||
        (has_component &&
         (!is_method_name(command->component) ||
          slice_find(command->component, COMPONENT_SEPARATOR) != command->component.len))) {
        return hub_fail(hub, IOTHUB_ARGUMENT_INVALID, "The command's name is not valid.");
    }
    if (command->payload.len > LIMIT_METHOD_PAYLOAD_BYTES) {
        return payload_too_large(hub);
    }
    return check_times(hub, command->response_s, command->connect_s);
}

enum iothub_status hub_command_invoke(struct hub *hub, const struct hub_command *command,
                                      hub_method_done *done, void *ctx, uint64_t *out_call)
{
    char room[2 * LIMIT_METHOD_NAME_CHARS + 2];
    struct buf name = {.data = room, .room = sizeof(room), .cap = sizeof(room) - 1};
    enum iothub_status status = check_command(hub, command);
    if (status != IOTHUB_OK) {
        return status;
    }
    if (command->component.len != 0) {
        buf_put_slice(&name, command->component);
        buf_put_char(&name, COMPONENT_SEPARATOR);
    }
    buf_put_slice(&name, command->name);
    const struct hub_method_request request = {
        .target = identity_of_device(command->device_id),
        .name = buf_slice(&name),
        .payload = {command->payload.len == 0 ? NULL : command->payload.data,
                    command->payload.len},
        .response_s = command->response_s,
        .connect_s = command->connect_s,
    };
    return hub_method_call(hub, &request, done, ctx, out_call);
}

static struct method_call *find(struct hub *hub, uint64_t id)
{
    struct method_call *call = NULL;
    HASH_FIND(hh, hub->calls, &id, sizeof(id), call);
    return call;
}

void hub_method_cancel(struct hub *hub, uint64_t id)
{
    struct method_call *call = find(hub, id);
    if (call != NULL) {
        forget(hub, call);
    }
}

void hub_method_answer(struct hub *hub, struct hub_peer *peer, uint64_t id, int device_status,
                       struct slice payload)
{
    struct method_call *call = find(hub, id);
    if (call == NULL || call->peer != peer) {
        return;
    }
    peer->active_ms = hub->now.at_ms;
    struct hub_method_result result = {.device_status = device_status, .payload = payload};
    json_t *value = payload.len == 0 ? json_null() : json_parse(payload, NULL);
    if (payload.len > LIMIT_METHOD_PAYLOAD_BYTES) {
        result = (struct hub_method_result){
            .status = IOTHUB_MESSAGE_TOO_LARGE,
            .error_text = "The device's answer exceeds the limit of 128 KB."};
    } else if (value == NULL) {
        /* The Node SDK knows a 502 as BadDeviceResponseError; the hub's code is not confirmed.
         */
        result = (struct hub_method_result){.status = IOTHUB_GENERIC_BAD_GATEWAY,
                                            .error_text = "The device's answer is not JSON."};
    }
    json_decref(value);
    end(hub, call, result);
}

/* ---- devices that come and go ---------------------------------------------------------------
 */

void hub_deliver_waiting(struct hub *hub, struct hub_peer *peer)
{
    struct method_call *call = NULL;
    struct method_call *next = NULL;
    DL_FOREACH_SAFE(hub->waiting, call, next)
    {
        if (!identity_equal(target_of(call), hub_peer_id(peer))) {
            continue;
        }
        struct slice payload = {call->has_payload ? call->payload : NULL, call->payload_len};
        if (deliver(hub, call, peer, slice_of(call->name), payload)) {
            free(call->name);
            free(call->payload);
            call->name = NULL;
            call->payload = NULL;
        }
    }
}

void hub_calls_lost(struct hub *hub, struct hub_peer *peer)
{
    while (peer->calls != NULL) {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it overlooks that this moves the head. */
        end_not_online(hub, peer->calls);
    }
}

void hub_calls_finish(struct hub *hub)
{
    struct method_call *call = NULL;
    struct method_call *next = NULL;
    HASH_ITER(hh, hub->calls, call, next)
    {
        forget(hub, call);
    }
}
