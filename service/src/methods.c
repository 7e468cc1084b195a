/*
 * Direct methods.
 */
#include "service/src/method_body.h"

#include <limits.h>
#include <stdlib.h>

#include "base/mem.h"
#include "iothub/json.h"
#include "iothub/json_scan.h"
#include "iothub/limits.h"
#include "service/src/client.h"

enum iothub_status method_check(struct iothub_service *service,
                                const struct iothub_service_method *method)
{
    if (method->name == NULL || method->name[0] == '\0') {
        return client_fail(service, IOTHUB_BAD_ARGUMENT, "the method's name is missing");
    }
    if (method->response_timeout_s < 0 || method->connect_timeout_s < 0 ||
        method->response_timeout_s > METHOD_RESPONSE_MAX_S ||
        method->connect_timeout_s > METHOD_CONNECT_MAX_S) {
        return client_fail(service, IOTHUB_BAD_ARGUMENT,
                           "a method's time-outs are at most %d seconds",
                           METHOD_RESPONSE_MAX_S);
    }
    return method->payload == NULL
               ? IOTHUB_OK
               : client_check_json(service, "the payload", method->payload, CLIENT_ANY);
}

enum iothub_status method_body_put(struct iothub_service *service, struct buf *out,
                                   const struct iothub_service_method *method)
{
    enum iothub_status status = method_check(service, method);
    if (status != IOTHUB_OK) {
        return status;
    }
    buf_put_text(out, "{\"methodName\":");
    json_put_string(out, slice_of(method->name));
    if (method->payload != NULL) {
        buf_put_text(out, ",\"payload\":");
        buf_put_slice(out, slice_trim(slice_of(method->payload)));
    }
    if (method->response_timeout_s != 0) {
        buf_putf(out, ",\"responseTimeoutInSeconds\":%d", method->response_timeout_s);
    }
    if (method->connect_timeout_s != 0) {
        buf_putf(out, ",\"connectTimeoutInSeconds\":%d", method->connect_timeout_s);
    }
    buf_put_char(out, '}');
    return IOTHUB_OK;
}

/* {"status":200,"payload":…}: the payload's text is handed on as it stands. */
static enum iothub_status read_result(struct iothub_service *service, struct slice answer,
                                      struct iothub_service_method_result *out)
{
    struct slice status = {0};
    struct slice payload = {0};
    int64_t number = 0;
    if (!json_scan_member(answer, SLICE("status"), &status) || !slice_to_i64(status, &number) ||
        number < INT_MIN || number > INT_MAX) {
        return client_fail(service, IOTHUB_UNEXPECTED_ANSWER,
                           "the method's answer has no status");
    }
    if (!json_scan_member(answer, SLICE("payload"), &payload)) {
        payload = SLICE("null");
    }
    *out = (struct iothub_service_method_result){.status = (int)number,
                                                 .payload = slice_dup(payload)};
    return IOTHUB_OK;
}

int64_t method_timeouts_ms(const struct iothub_service_method *method)
{
    int response_s = method->response_timeout_s == 0 ? METHOD_RESPONSE_S
                                                     : method->response_timeout_s;
    return ((int64_t)response_s + method->connect_timeout_s) * 1000;
}

enum iothub_status iothub_service_method_invoke(struct iothub_service *service,
                                                const char *device_id, const char *module_id,
                                                const struct iothub_service_method *method,
                                                struct iothub_service_method_result *out)
{
    struct buf body;
    struct http_answer answer;
    buf_init(&body, BUF_CAP_OWN);
    enum iothub_status status = method_body_put(service, &body, method);
    if (status == IOTHUB_OK) {
        const struct call call = {.operation = OP_METHOD_INVOKE,
                                  .device_id = device_id,
                                  .module_id = module_id,
                                  .body = buf_text(&body),
                                  .extra_ms = method_timeouts_ms(method)};
        status = client_call(service, &call, &answer);
    }
    if (status == IOTHUB_OK) {
        struct iothub_service_method_result result = {0};
        status = read_result(service, buf_slice(&answer.body), &result);
        if (status == IOTHUB_OK && out != NULL) {
            *out = result;
        } else {
            iothub_service_method_result_finish(&result);
        }
        http_answer_finish(&answer);
    }
    buf_finish(&body);
    return status;
}

void iothub_service_method_result_finish(struct iothub_service_method_result *result)
{
    if (result != NULL) {
        free(result->payload);
        *result = (struct iothub_service_method_result){0};
    }
}
