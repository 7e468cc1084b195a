/*
 * From a request to its handler: one generic step finds the route and checks right, version and
 * body, so that handlers only do their work.
 */
#include "gateway/http_gateway.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/coding.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "gateway/rest.h"
#include "gateway/tracking.h"
#include "iothub/json.h"
#include "iothub/limits.h"
#include "iothub/sas_token.h"

enum {
    SEGMENTS_MAX = 8,
    PATH_MAX_BYTES = 16 * KIB,
    HEADERS_MIN = 8,
};

/* ---- answering
 * ------------------------------------------------------------------------------- */

struct buf *rest_header(struct http_exchange *exchange, const char *name)
{
    struct http_answer *answer = &exchange->answer;
    if (answer->n_headers == answer->headers_room) {
        answer->headers_room = answer->headers_room == 0 ? HEADERS_MIN
                                                         : answer->headers_room * 2;
        answer->headers =
            mem_grow(answer->headers, answer->headers_room, sizeof(*answer->headers));
    }
    struct http_header *header = &answer->headers[answer->n_headers++];
    *header = (struct http_header){.name = name};
    buf_init(&header->value, BUF_CAP_OWN);
    return &header->value;
}

struct buf *rest_header_take(struct http_exchange *exchange, char *name)
{
    struct buf *value = rest_header(exchange, name);
    exchange->answer.headers[exchange->answer.n_headers - 1].own_name = name;
    return value;
}

void rest_etag_header(struct http_exchange *exchange, const char *etag)
{
    buf_putf(rest_header(exchange, "ETag"), "\"%s\"", etag);
}

static void done(struct http_exchange *exchange, int status)
{
    char id[GUID_LEN + 1];
    buf_put_text(rest_header(exchange, "x-ms-request-id"), random_guid(id));
    exchange->answer.status = status;
    exchange->is_done = true;
    if (!exchange->has_begun) {
        return; /* the caller of http_exchange_begin() sees for itself */
    }
    exchange->wake(exchange->owner);
}

void rest_answer_body(struct http_exchange *exchange, int status, const char *content_type)
{
    exchange->answer.content_type = content_type;
    done(exchange, status);
}

void rest_answer_json_as(struct http_exchange *exchange, int status)
{
    /* Node hands back an empty text unless the type says JSON. */
    rest_answer_body(exchange, status, "application/json; charset=utf-8");
}

void rest_answer_json(struct http_exchange *exchange)
{
    rest_answer_json_as(exchange, 200);
}

void rest_answer_empty(struct http_exchange *exchange, int status)
{
    buf_reset(&exchange->answer.body);
    exchange->answer.content_type = NULL;
    done(exchange, status);
}

static void drop_answer(struct http_answer *answer)
{
    buf_reset(&answer->body);
    for (size_t i = 0; i < answer->n_headers; i++) {
        buf_finish(&answer->headers[i].value);
        free(answer->headers[i].own_name);
    }
    answer->n_headers = 0;
}

void rest_answer_error(struct http_exchange *exchange, enum iothub_status status,
                       const char *text, enum rest_errors form)
{
    struct http_answer *answer = &exchange->answer;
    int64_t at_ms = hub_now(exchange->hub).at_ms;
    drop_answer(answer);
    if (form == REST_NESTED) {
        tracking_put_nested(&answer->body, status, text, at_ms);
    } else {
        tracking_put_envelope(&answer->body, status, text, at_ms);
    }
    buf_put_text(rest_header(exchange, "iothub-errorcode"), iothub_status_name(status));
    answer->content_type = "application/json; charset=utf-8";
    done(exchange, iothub_status_http(status));
}

void rest_answer_page(struct http_exchange *exchange, const struct hub_page *page)
{
    buf_put_text(rest_header(exchange, "x-ms-item-type"), page->item_type);
    /* Absent on the last page: the Node SDK goes on while the header is there at all. */
    if (page->continuation->len != 0) {
        buf_put_slice(rest_header(exchange, "x-ms-continuation"),
                      buf_slice(page->continuation));
    }
    rest_answer_json(exchange);
}

/* ---- reading
 * --------------------------------------------------------------------------------- */

static struct slice header_of(const struct http_request *request, const char *name)
{
    return request->header(request->source, name);
}

struct hub_condition rest_if_match(const struct rest_call *call)
{
    struct hub_condition condition = {0};
    struct slice text = slice_trim(header_of(call->request, "If-Match"));
    if (slice_starts_with(text, SLICE("W/"))) {
        text = slice_from(text, 2);
    }
    if (text.len >= 2 && text.data[0] == '"' && text.data[text.len - 1] == '"') {
        text = slice_make(text.data + 1, text.len - 2);
        condition.is_quoted = true;
    }
    if (text.len == 0) {
        return condition;
    }
    condition.match = slice_equal(text, SLICE("*")) ? HUB_MATCH_ANY : HUB_MATCH_ETAG;
    condition.etag = text;
    return condition;
}

bool rest_number(struct slice text, int64_t otherwise, int64_t *out)
{
    if (text.data == NULL) {
        *out = otherwise;
        return true;
    }
    return slice_to_i64(slice_trim(text), out);
}

enum iothub_status rest_page_request(const struct rest_call *call, struct hub_page_request *out)
{
    *out = (struct hub_page_request){
        .continuation = header_of(call->request, "x-ms-continuation")};
    struct slice count = header_of(call->request, "x-ms-max-item-count");
    if (!rest_number(count, 0, &out->max_items) || (count.data != NULL && out->max_items < 1)) {
        return IOTHUB_ARGUMENT_INVALID;
    }
    return IOTHUB_OK;
}

/* ---- routes
 * ---------------------------------------------------------------------------------- */

/* The path in segments, decoded once; a final slash is none (SDKs write "/devices/?top="). */
struct segments {
    struct buf text;
    struct slice items[SEGMENTS_MAX];
    size_t n_items;
};

static bool split_path(struct slice path, struct segments *out)
{
    struct slice segment = {0};
    buf_init(&out->text, PATH_MAX_BYTES);
    percent_decode(&out->text, path);
    if (out->text.failed) {
        return false;
    }
    struct slice rest = buf_slice(&out->text);
    if (rest.len != 0 && rest.data[0] == '/') {
        rest = slice_from(rest, 1);
    }
    while (slice_next(&rest, '/', &segment)) {
        if (out->n_items == SEGMENTS_MAX) {
            return false;
        }
        out->items[out->n_items++] = segment;
    }
    if (out->n_items > 1 && out->items[out->n_items - 1].len == 0) {
        out->n_items--;
    }
    return true;
}

/*
 * Fixed words match without case, ids are taken as they are.  An empty segment is no id: a
 * module's address with none would mean the device itself.
 */
static bool route_matches(const struct rest_route *route, const struct segments *segments,
                          struct slice ids[REST_IDS_MAX])
{
    struct slice rest = slice_of(route->path + 1);
    struct slice word = {0};
    size_t at = 0;
    size_t n_ids = 0;
    for (; slice_next(&rest, '/', &word); at++) {
        if (at == segments->n_items) {
            return false;
        }
        struct slice segment = segments->items[at];
        bool is_id = slice_equal(word, SLICE("{}"));
        if (is_id ? segment.len == 0 : !slice_equal_nocase(word, segment)) {
            return false;
        }
        if (is_id) {
            ids[n_ids++] = segment;
        }
    }
    return at == segments->n_items;
}

/* IOTHUB_GENERIC_METHOD_NOT_ALLOWED when only the method is wrong. */
static enum iothub_status find_route(const struct http_request *request,
                                     const struct segments *segments,
                                     struct slice ids[REST_IDS_MAX],
                                     const struct rest_route **out)
{
    enum iothub_status status = IOTHUB_GENERIC_NOT_FOUND;
    for (size_t i = 0; i < rest_n_routes; i++) {
        struct slice found[REST_IDS_MAX] = {0};
        if (!route_matches(&rest_routes[i], segments, found)) {
            continue;
        }
        if (slice_equal_text(request->method, rest_routes[i].method)) {
            memcpy(ids, found, sizeof(found));
            *out = &rest_routes[i];
            return IOTHUB_OK;
        }
        status = IOTHUB_GENERIC_METHOD_NOT_ALLOWED;
    }
    return status;
}

/* ---- the generic checks
 * ---------------------------------------------------------------------- */

struct failure {
    enum iothub_status status;
    const char *text;
};

static const struct failure passed = {IOTHUB_OK, ""};

/* What only devices and modules do: the path says which one the caller has to be. */
static bool is_devices_own(const struct rest_route *route)
{
    return route->rights == HUB_DEVICE_CONNECT;
}

static struct failure check_device(struct rest_call *call, const struct segments *segments)
{
    const struct http_request *request = call->request;
    struct slice token = slice_trim(header_of(request, "Authorization"));
    struct identity id = identity_of_device(call->ids[0]);
    struct sas_token parsed;
    if (slice_equal_nocase(segments->items[2], SLICE("modules"))) {
        id.module_id = call->ids[1];
    }
    const struct hub_certificate *certificate =
        request->certificate == NULL ? NULL : request->certificate(request->source);
    enum iothub_status status =
        hub_authenticate_identity(call->hub, id, token, certificate, &call->principal);
    /* Who shows nothing does not learn which devices there are. */
    if (iothub_status_http(status) == 404 && !sas_token_parse(token, &parsed)) {
        status = IOTHUB_UNAUTHORIZED;
    }
    return (struct failure){
        status, iothub_status_http(status) == 401 ? "Unauthorized" : hub_error_text(call->hub)};
}

static struct failure check_token(struct rest_call *call, const struct rest_route *route,
                                  const struct segments *segments)
{
    struct slice token = header_of(call->request, "Authorization");
    struct slice path = buf_slice(&segments->text);
    if (route->rights == 0) {
        return passed;
    }
    if (is_devices_own(route)) {
        return check_device(call, segments);
    }
    enum iothub_status status =
        hub_authenticate(call->hub, slice_trim(token), &call->principal);
    if (status != IOTHUB_OK) {
        return (struct failure){status, "Unauthorized"};
    }
    path = slice_from(path, path.len != 0 && path.data[0] == '/' ? 1 : 0);
    bool is_own = call->principal.kind == HUB_IDENTITY;
    unsigned rights = is_own && route->allows_own ? HUB_DEVICE_CONNECT : route->rights;
    /* A device's own key opens nothing but what is its own. */
    if ((is_own && !route->allows_own) || !hub_principal_may(&call->principal, rights, path)) {
        return (struct failure){IOTHUB_UNAUTHORIZED_ACCESS, "Unauthorized"};
    }
    return passed;
}

/* Paths that IoT Hub does not have. */
#define OWN_PREFIX "/_emulator/"

/* "YYYY-MM-DD" of 2016 or later, perhaps "-preview". */
static bool is_version(struct slice text)
{
    static const char form[] = "dddd-dd-dd";
    if (text.len < 10 || slice_compare(slice_make(text.data, 4), SLICE("2016")) < 0) {
        return false;
    }
    for (size_t i = 0; i < 10; i++) {
        bool is_digit = text.data[i] >= '0' && text.data[i] <= '9';
        if (form[i] == 'd' ? !is_digit : text.data[i] != '-') {
            return false;
        }
    }
    return text.len == 10 || slice_equal(slice_from(text, 10), SLICE("-preview"));
}

static struct failure check_version(const struct rest_call *call,
                                    const struct rest_route *route)
{
    /* Devices come with versions of any age, or none; the emulator's own routes have none. */
    bool is_ours = strncmp(route->path, OWN_PREFIX, sizeof(OWN_PREFIX) - 1) == 0;
    if (route->rights != 0 && !is_devices_own(route) && !is_ours &&
        !is_version(call->request->argument(call->request->source, "api-version"))) {
        return (struct failure){IOTHUB_INVALID_PROTOCOL_VERSION, "BadRequest"};
    }
    return passed;
}

static struct failure read_body(struct rest_call *call, const struct rest_route *route)
{
    if (call->request->is_too_large) {
        return (struct failure){IOTHUB_MESSAGE_TOO_LARGE, "The request's body is too large."};
    }
    if (route->body == REST_NO_BODY || route->body == REST_RAW) {
        return passed;
    }
    if (slice_trim(call->request->body).len == 0) {
        return route->body == REST_JSON_OR_EMPTY
                   ? passed
                   : (struct failure){IOTHUB_ARGUMENT_NULL, "BadRequest"};
    }
    call->body = json_parse_clamped(call->request->body, NULL);
    return call->body != NULL
               ? passed
               : (struct failure){IOTHUB_FORMAT_ERROR, "The request's body is not JSON."};
}

static struct failure check(struct rest_call *call, const struct rest_route *route,
                            const struct segments *segments)
{
    struct failure failure = check_version(call, route);
    if (failure.status == IOTHUB_OK) {
        failure = check_token(call, route, segments);
    }
    return failure.status != IOTHUB_OK ? failure : read_body(call, route);
}

static void run_route(struct rest_call *call, const struct rest_route *route,
                      const struct segments *segments)
{
    struct failure failure = check(call, route, segments);
    if (failure.status != IOTHUB_OK) {
        rest_answer_error(call->exchange, failure.status, failure.text, REST_ENVELOPE);
        return;
    }
    enum iothub_status status = route->handle(call);
    if (status != IOTHUB_OK) {
        rest_answer_error(call->exchange, status, hub_error_text(call->hub), route->errors);
    }
}

void http_exchange_begin(struct http_exchange *exchange, struct hub *hub,
                         const struct http_request *request)
{
    struct segments segments = {0};
    const struct rest_route *route = NULL;
    struct rest_call call = {.exchange = exchange, .hub = hub, .request = &exchange->request};
    exchange->hub = hub;
    exchange->request = *request;
    buf_init(&exchange->answer.body, BUF_CAP_OWN);
    enum iothub_status status = IOTHUB_GENERIC_NOT_FOUND;
    if (split_path(request->path, &segments)) {
        status = find_route(request, &segments, call.ids, &route);
    }
    if (status == IOTHUB_OK) {
        run_route(&call, route, &segments);
    } else {
        rest_answer_error(exchange, status, iothub_status_name(status), REST_ENVELOPE);
    }
    exchange->has_begun = true;
    json_decref(call.body);
    buf_finish(&segments.text);
    if (exchange->is_done) {
        log_debug("%.*s %.*s: %d", SLICE_ARG(request->method), SLICE_ARG(request->path),
                  exchange->answer.status);
    }
}

void http_exchange_continue(struct http_exchange *exchange)
{
    exchange->is_done = false;
    buf_reset(&exchange->answer.body);
    rest_event_continue(exchange);
}

void http_exchange_end(struct http_exchange *exchange)
{
    if (exchange->hub != NULL && exchange->call != 0 && !exchange->is_done) {
        hub_method_cancel(exchange->hub, exchange->call);
    }
    if (exchange->hub != NULL && exchange->file != 0 && !exchange->is_done) {
        hub_file_cancel(exchange->hub, exchange->file);
    }
    if (exchange->query != NULL) {
        hub_query_cancel(exchange->hub, exchange->query);
        exchange->query = NULL;
    }
    rest_event_end(exchange);
    drop_answer(&exchange->answer);
    free(exchange->answer.headers);
    buf_finish(&exchange->answer.body);
}
