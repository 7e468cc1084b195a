/*
 * Digital twins and their commands.
 */
#include "iothub/service.h"

#include <limits.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/slice.h"
#include "iothub/limits.h"
#include "service/src/client.h"
#include "service/src/method_body.h"

enum iothub_status iothub_service_digital_twin_get(struct iothub_service *service,
                                                   const char *device_id, char **out,
                                                   char **etag)
{
    const struct call call = {.operation = OP_DIGITAL_TWIN_GET, .device_id = device_id};
    struct http_answer answer;
    enum iothub_status status = client_call(service, &call, &answer);
    if (status != IOTHUB_OK) {
        return status;
    }
    if (out != NULL) {
        *out = buf_take_text(&answer.body);
    }
    if (etag != NULL) {
        *etag = mem_dup_text(answer.etag == NULL ? "" : answer.etag);
    }
    http_answer_finish(&answer);
    return IOTHUB_OK;
}

enum iothub_status iothub_service_digital_twin_update(struct iothub_service *service,
                                                      const char *device_id, const char *patch,
                                                      const char *etag)
{
    enum iothub_status status = client_check_json(service, "the patch", patch, CLIENT_ARRAY);
    if (status != IOTHUB_OK) {
        return status;
    }
    const struct call call = {.operation = OP_DIGITAL_TWIN_UPDATE,
                              .device_id = device_id,
                              .body = patch,
                              .etag = etag};
    return client_call_json(service, &call, NULL);
}

/* The device's status is a header, its payload the whole body. */
static enum iothub_status read_result(struct iothub_service *service,
                                      struct http_answer *answer,
                                      struct iothub_service_method_result *out)
{
    int64_t status = 0;
    if (!slice_to_i64(slice_of(answer->command_status), &status) || status < INT_MIN ||
        status > INT_MAX) {
        return client_fail(service, IOTHUB_UNEXPECTED_ANSWER,
                           "the command's answer has no status");
    }
    if (out != NULL) {
        bool is_empty = slice_trim(buf_slice(&answer->body)).len == 0;
        out->status = (int)status;
        out->payload = is_empty ? mem_dup_text("null") : buf_take_text(&answer->body);
    }
    return IOTHUB_OK;
}

/* Zero leaves a time-out to the hub. */
static void put_timeouts(struct buf *out, const struct iothub_service_method *command)
{
    if (command->response_timeout_s != 0) {
        buf_putf(out, "responseTimeoutInSeconds=%d", command->response_timeout_s);
    }
    if (command->connect_timeout_s != 0) {
        buf_putf(out, "%sconnectTimeoutInSeconds=%d", out->len == 0 ? "" : "&",
                 command->connect_timeout_s);
    }
}

enum iothub_status iothub_service_command_invoke(struct iothub_service *service,
                                                 const char *device_id, const char *component,
                                                 const struct iothub_service_method *command,
                                                 struct iothub_service_method_result *out)
{
    enum iothub_status status = method_check(service, command);
    if (status != IOTHUB_OK) {
        return status;
    }
    struct buf parameters;
    struct http_answer answer;
    buf_init(&parameters, BUF_CAP_OWN);
    put_timeouts(&parameters, command);
    const struct call call = {.operation = OP_COMMAND_INVOKE,
                              .device_id = device_id,
                              .component = component,
                              .command = command->name,
                              .parameters = buf_text(&parameters),
                              .body = command->payload == NULL ? "null" : command->payload,
                              .extra_ms = method_timeouts_ms(command)};
    status = client_call(service, &call, &answer);
    if (status == IOTHUB_OK) {
        status = read_result(service, &answer, out);
        http_answer_finish(&answer);
    }
    buf_finish(&parameters);
    return status;
}
