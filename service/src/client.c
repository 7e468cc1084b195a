/*
 * How a call goes to the hub: target, headers, token, attempts, and what the answer means.
 */
#include "service/src/client.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "http/hub_error.h"
#include "iothub/json.h"
#include "iothub/sas_token.h"

/* Error texts are for people; the hub's own are cut to about this already. */
#define ERROR_TEXT_MAX 2048

/* Back-off doubles up to this. */
#define RETRY_DELAY_MAX_MS 30000

/* A token is renewed when this little of its life is left, or a tenth of it if that is less. */
#define TOKEN_MARGIN_S 120

void client_forget(struct iothub_service *service)
{
    buf_finish(&service->error_text);
    buf_init(&service->error_text, ERROR_TEXT_MAX);
    free(service->tracking_id);
    service->tracking_id = NULL;
    service->http_status = 0;
}

enum iothub_status client_fail(struct iothub_service *service, enum iothub_status status,
                               const char *format, ...)
{
    va_list args;
    va_start(args, format);
    client_forget(service);
    buf_vputf(&service->error_text, format, args);
    va_end(args);
    if (service->error_text.len == 0) {
        buf_put_text(&service->error_text, iothub_status_name(status));
    }
    return status;
}

enum iothub_status client_check_json(struct iothub_service *service, const char *what,
                                     const char *text, enum client_document kind)
{
    if (text == NULL) {
        return client_fail(service, IOTHUB_BAD_ARGUMENT, "%s is missing", what);
    }
    struct buf error;
    buf_init(&error, ERROR_TEXT_MAX / 2);
    enum iothub_status status = IOTHUB_OK;
    json_t *value = json_parse(slice_of(text), &error);
    if (value == NULL) {
        status = client_fail(service, IOTHUB_BAD_ARGUMENT, "%s is not JSON: %s", what,
                             buf_text(&error));
    } else if (kind == CLIENT_OBJECT && !json_is_object(value)) {
        status = client_fail(service, IOTHUB_BAD_ARGUMENT, "%s is not a JSON object", what);
    } else if (kind == CLIENT_ARRAY && !json_is_array(value)) {
        status = client_fail(service, IOTHUB_BAD_ARGUMENT, "%s is not a JSON array", what);
    }
    json_decref(value);
    buf_finish(&error);
    return status;
}

const char *client_etag_or_any(const char *etag)
{
    return etag == NULL ? "*" : etag;
}

/* Make sure that service->token is there and has some life left. */
static bool renew_token(struct iothub_service *service)
{
    int64_t now_s = clock_read(&service->clock).at_ms / 1000;
    int64_t margin_s = service->token_lifetime_s / 10;
    if (margin_s > TOKEN_MARGIN_S) {
        margin_s = TOKEN_MARGIN_S;
    }
    if (service->token.len != 0 && now_s + margin_s < service->token_expiry_s) {
        return true;
    }
    buf_reset(&service->token);
    service->token_expiry_s = now_s + service->token_lifetime_s;
    return sas_token_write(&service->token, slice_of(service->hub.host_name),
                           slice_of(service->hub.shared_access_key),
                           slice_of(service->hub.shared_access_key_name),
                           service->token_expiry_s);
}

static bool add_etag(struct http_headers *list, const char *etag)
{
    struct buf quoted;
    buf_init(&quoted, BUF_CAP_OWN);
    bool is_good = operation_put_etag(&quoted, etag);
    if (is_good) {
        http_headers_add(list, "If-Match", buf_text(&quoted));
    }
    buf_finish(&quoted);
    return is_good;
}

static void add_paging(struct http_headers *list, const struct call *call)
{
    if (call->page_size != 0) {
        struct buf number;
        buf_init(&number, BUF_CAP_OWN);
        buf_put_i64(&number, call->page_size);
        http_headers_add(list, "x-ms-max-item-count", buf_text(&number));
        buf_finish(&number);
    }
    if (call->continuation != NULL) {
        http_headers_add(list, "x-ms-continuation", call->continuation);
    }
}

/* The headers of every attempt; the token and the request's id are each attempt's own. */
static enum iothub_status make_headers(struct iothub_service *service, const struct call *call,
                                       struct http_headers *list)
{
    char id[GUID_LEN + 1];
    if (!renew_token(service)) {
        return client_fail(service, IOTHUB_BAD_CONNECTION_STRING,
                           "the connection string's key is not base64");
    }
    http_headers_add(list, "Authorization", buf_text(&service->token));
    http_headers_add(list, "Accept", "application/json");
    http_headers_add(list, "Request-Id", random_guid(id));
    /* libcurl would ask for leave before a long body, and say that an empty one is a form. */
    http_headers_forbid(list, "Expect");
    if (call->body == NULL) {
        http_headers_forbid(list, "Content-Type");
    } else {
        http_headers_add(list, "Content-Type",
                         call->content_type != NULL ? call->content_type
                                                    : "application/json; charset=utf-8");
    }
    for (size_t i = 0; i < call->n_headers; i++) {
        http_headers_add(list, call->headers[i].name, call->headers[i].value);
    }
    if (call->etag != NULL && !add_etag(list, call->etag)) {
        return client_fail(service, IOTHUB_BAD_ARGUMENT, "the etag cannot be sent");
    }
    add_paging(list, call);
    return list->failed
               ? client_fail(service, IOTHUB_CONNECTION_FAILED, "no memory for the request")
               : IOTHUB_OK;
}

static void trace_attempt(struct iothub_service *service, const struct call *call,
                          const char *target, const struct http_answer *answer, int64_t took_ms)
{
    if (service->trace == NULL) {
        return;
    }
    struct buf line;
    buf_init(&line, BUF_CAP_OWN);
    buf_putf(&line, "%s %s -> ", operation_row(call->operation)->verb, target);
    if (answer->status == 0) {
        buf_put_text(&line, "no answer");
    } else {
        buf_putf(&line, "%d, %zu bytes", answer->status, answer->body.len);
    }
    buf_putf(&line, ", %lld ms", (long long)took_ms);
    service->trace(service->ctx, buf_text(&line));
    buf_finish(&line);
}

static void read_refusal(struct iothub_service *service, const struct http_answer *answer,
                         enum iothub_status *status)
{
    struct hub_error refusal;
    hub_error_read(&refusal, answer->status, answer->error_code, buf_slice(&answer->body));
    *status = client_fail(service, refusal.status, "%s", refusal.text);
    if (refusal.tracking_id == NULL) {
        refusal.tracking_id = mem_dup_text(answer->request_id);
    }
    service->tracking_id = refusal.tracking_id;
    refusal.tracking_id = NULL;
    hub_error_finish(&refusal);
}

static bool is_kind(enum answer_kind kind, const json_t *value)
{
    switch (kind) {
    case ANSWER_NONE:
        return true;
    case ANSWER_OBJECT:
    case ANSWER_RESULTS:
    case ANSWER_OBJECT_OR_NONE:
        return json_is_object(value);
    case ANSWER_ARRAY:
    case ANSWER_ARRAY_OR_NONE:
        return json_is_array(value);
    case ANSWER_ANY:
        return value != NULL;
    }
    return false;
}

static bool may_be_empty(enum answer_kind kind, const struct http_answer *answer)
{
    return kind == ANSWER_NONE || (kind == ANSWER_ANY && answer->body.len == 0) ||
           ((kind == ANSWER_ARRAY_OR_NONE || kind == ANSWER_OBJECT_OR_NONE) &&
            answer->status == 204);
}

/* Whether a success brought the kind of document that the operation promises. */
static enum iothub_status check_answer(struct iothub_service *service, const struct call *call,
                                       const struct http_answer *answer)
{
    enum answer_kind kind = operation_row(call->operation)->answer;
    if (may_be_empty(kind, answer)) {
        return IOTHUB_OK;
    }
    json_t *value = json_parse(buf_slice(&answer->body), NULL);
    bool is_right = is_kind(kind, value);
    json_decref(value);
    bool is_array = kind == ANSWER_ARRAY || kind == ANSWER_ARRAY_OR_NONE;
    return is_right ? IOTHUB_OK
                    : client_fail(service, IOTHUB_UNEXPECTED_ANSWER,
                                  "the answer with HTTP status %d is no JSON%s", answer->status,
                                  kind == ANSWER_ANY ? ""
                                  : is_array         ? " array"
                                                     : " object");
}

/* A hub that could not do all of several things says so with 400 and tells of each. */
static bool is_refusal(const struct call *call, const struct http_answer *answer)
{
    if (answer->status >= 200 && answer->status <= 299) {
        return false;
    }
    if (operation_row(call->operation)->answer != ANSWER_RESULTS || answer->status != 400) {
        return true;
    }
    json_t *value = json_parse(buf_slice(&answer->body), NULL);
    bool has_results = json_is_array(json_object_get(value, "errors"));
    json_decref(value);
    return !has_results;
}

static enum iothub_status attempt(struct iothub_service *service, const struct call *call,
                                  const char *target, int64_t left_ms, struct http_answer *out)
{
    struct http_headers headers = {0};
    struct buf url;
    struct buf error;
    buf_init(&url, BUF_CAP_OWN);
    buf_init(&error, ERROR_TEXT_MAX);
    buf_putf(&url, "%s%s", service->base_url, target);
    enum iothub_status status = make_headers(service, call, &headers);
    if (status == IOTHUB_OK) {
        const struct operation_row *row = operation_row(call->operation);
        const struct http_request request = {
            .verb = row->verb,
            .url = buf_text(&url),
            .headers = &headers,
            .body = call->body,
            .body_len = call->content_type != NULL ? call->body_len : slice_of(call->body).len,
            /* On a connection that was used before, libcurl itself repeats a request that got
             * no answer: a method could run twice. */
            .is_fresh = row->repeat == REPEAT_UNSENT,
            .timeout_ms = left_ms,
        };
        int64_t begin_ms = clock_read(&service->clock).now_ms;
        status = http_exchange(&service->http, &request, out, &error);
        if (status != IOTHUB_OK) {
            (void)client_fail(service, status, "%s", buf_text(&error));
        } else if (is_refusal(call, out)) {
            read_refusal(service, out, &status);
        } else {
            status = check_answer(service, call, out);
        }
        trace_attempt(service, call, target, out,
                      clock_read(&service->clock).now_ms - begin_ms);
    }
    http_headers_finish(&headers);
    buf_finish(&url);
    buf_finish(&error);
    return status;
}

/* Whether the same call may be made again after this outcome. */
static bool may_repeat(const struct call *call, enum iothub_status status,
                       const struct http_answer *answer)
{
    enum repeat repeat = operation_row(call->operation)->repeat;
    if (repeat == REPEAT_UNBOUND) {
        repeat = operation_etag_is_any(call->etag) ? REPEAT_ALWAYS : REPEAT_REFUSED;
    }
    if (status == IOTHUB_CONNECTION_FAILED) {
        return !answer->was_sent || repeat == REPEAT_ALWAYS;
    }
    if (status == IOTHUB_THROTTLING_MAX_ACTIVE_JOB_COUNT_EXCEEDED) {
        /* Other jobs may hold the places for hours: when to come back is the caller's to know.
         */
        return false;
    }
    if (answer->status == 429 || answer->status == 503) {
        return repeat != REPEAT_UNSENT;
    }
    bool is_server_fault = answer->status == 500 || answer->status == 502 ||
                           answer->status == 504;
    return is_server_fault && repeat == REPEAT_ALWAYS;
}

/* Exponential, half of it random so that clients which failed together do not return together.
 */
static int64_t retry_delay_ms(const struct iothub_service *service, int n_failed,
                              const struct http_answer *answer)
{
    int64_t delay_ms = service->retry_delay_ms;
    for (int i = 1; i < n_failed && delay_ms < RETRY_DELAY_MAX_MS; i++) {
        delay_ms *= 2;
    }
    if (delay_ms > RETRY_DELAY_MAX_MS) {
        delay_ms = RETRY_DELAY_MAX_MS;
    }
    delay_ms = delay_ms / 2 + (int64_t)(random_u64() % (uint64_t)(delay_ms / 2 + 1));
    int64_t asked_ms = answer->retry_after_s * 1000;
    return asked_ms > delay_ms ? asked_ms : delay_ms;
}

static enum iothub_status call_target(struct iothub_service *service, const struct call *call,
                                      const char *target, struct http_answer *out)
{
    int64_t end_ms = clock_read(&service->clock).now_ms + service->timeout_ms + call->extra_ms;
    for (int n_failed = 0;;) {
        int64_t left_ms = end_ms - clock_read(&service->clock).now_ms;
        *out = (struct http_answer){0};
        enum iothub_status status =
            attempt(service, call, target, left_ms > 0 ? left_ms : 1, out);
        service->http_status = out->status;
        if (status == IOTHUB_OK) {
            return status;
        }
        n_failed++;
        int64_t delay_ms = retry_delay_ms(service, n_failed, out);
        bool is_over = n_failed > service->retries || !may_repeat(call, status, out) ||
                       clock_read(&service->clock).now_ms + delay_ms >= end_ms;
        http_answer_finish(out);
        if (is_over) {
            return status;
        }
        if (!http_pause(&service->http, delay_ms)) {
            return client_fail(service, IOTHUB_INTERRUPTED, "interrupted");
        }
    }
}

enum iothub_status client_call(struct iothub_service *service, const struct call *call,
                               struct http_answer *out)
{
    struct buf target;
    struct buf error;
    struct http_answer answer = {0};
    enum iothub_status status = IOTHUB_BAD_ARGUMENT;
    buf_init(&target, BUF_CAP_OWN);
    buf_init(&error, ERROR_TEXT_MAX);
    client_forget(service);
    if (operation_put_target(&target, call, &error)) {
        status = call_target(service, call, buf_text(&target), &answer);
    } else {
        (void)client_fail(service, status, "%s", buf_text(&error));
    }
    if (status == IOTHUB_OK) {
        int http_status = answer.status;
        client_forget(service);
        service->http_status = http_status;
        *out = answer;
    }
    buf_finish(&target);
    buf_finish(&error);
    return status;
}

enum iothub_status client_call_json(struct iothub_service *service, const struct call *call,
                                    char **out)
{
    struct http_answer answer;
    enum iothub_status status = client_call(service, call, &answer);
    if (status != IOTHUB_OK) {
        return status;
    }
    if (out != NULL) {
        *out = buf_take_text(&answer.body);
    }
    http_answer_finish(&answer);
    return IOTHUB_OK;
}
