/*
 * Between libmicrohttpd's calls and the gateway's exchanges.
 */
#include "server/http_desk.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/coding.h"
#include "base/mem.h"
#include "gateway/http_gateway.h"
#include "gateway/tracking.h"
#include "iothub/limits.h"
#include "server/http_visit.h"
#include "server/websocket_connection.h"
#include "server/websocket_handshake.h"

enum {
    ARGUMENTS_MAX_BYTES = 32 * KIB,
    STREAM_BLOCK_BYTES = 16 * KIB,
};

struct http_parked {
    struct http_desk *desk;
    struct MHD_Connection *connection;
    struct http_visit *visit; /* the listener keeps it with the connection */
    struct http_exchange exchange;
    struct buf body;
    struct buf arguments; /* decoded values */
    char *url;
    size_t n_streamed; /* of the part of a stream that is in the answer's body */
    bool is_too_large;
    bool lacks_room; /* for its body, as others hold so much */
    bool is_suspended;
    bool is_answered; /* in the second list */
    struct http_parked *prev;
    struct http_parked *next;
    struct http_parked *next_answered;
};

/* ---- what the gateway reads of a request ---- */

static struct slice header_of(const void *source, const char *name)
{
    const struct http_parked *parked = source;
    return slice_of(MHD_lookup_connection_value(parked->connection, MHD_HEADER_KIND, name));
}

struct header_walk {
    http_header_visit *visit;
    void *ctx;
};

static enum MHD_Result on_header(void *ctx, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    const struct header_walk *walk = ctx;
    (void)kind;
    walk->visit(walk->ctx, slice_of(name), slice_of(value == NULL ? "" : value));
    return MHD_YES;
}

static void each_header(const void *source, http_header_visit *visit, void *ctx)
{
    const struct http_parked *parked = source;
    struct header_walk walk = {visit, ctx};
    MHD_get_connection_values(parked->connection, MHD_HEADER_KIND, on_header, &walk);
}

/* The library leaves arguments encoded (see keep_encoded), so they are decoded here, once. */
static struct slice argument_of(const void *source, const char *name)
{
    const struct http_parked *parked = source;
    struct buf *decoded = &((struct http_parked *)(uintptr_t)parked)->arguments;
    const char *text = NULL;
    size_t begin = decoded->len;
    if (MHD_lookup_connection_value_n(parked->connection, MHD_GET_ARGUMENT_KIND, name,
                                      strlen(name), &text, NULL) != MHD_YES) {
        return (struct slice){0};
    }
    if (text == NULL) {
        return SLICE(""); /* it is there, without a value */
    }
    /* Room first, so that slices given out before do not move. */
    if (strchr(text, '%') == NULL || decoded->room == 0) {
        if (buf_extend(decoded, ARGUMENTS_MAX_BYTES) == NULL || strchr(text, '%') == NULL) {
            buf_cut(decoded, begin);
            return slice_of(text);
        }
        buf_cut(decoded, begin);
    }
    percent_decode(decoded, slice_of(text));
    return slice_from(buf_slice(decoded), begin);
}

static const struct hub_certificate *certificate_of(const void *source)
{
    const struct http_parked *parked = source;
    return parked->visit->certificate;
}

/* ---- parking ---- */

static void park(struct http_parked *parked)
{
    parked->is_suspended = true;
    http_visit_heard(parked->visit);
    DL_APPEND(parked->desk->parked, parked);
    MHD_suspend_connection(parked->connection);
}

static void forget(struct http_parked *parked)
{
    if (parked->is_suspended) {
        DL_DELETE(parked->desk->parked, parked);
        parked->is_suspended = false;
    }
    if (parked->is_answered) {
        LL_DELETE2(parked->desk->answered, parked, next_answered);
        parked->is_answered = false;
    }
}

static void mark_answered(struct http_parked *parked)
{
    if (!parked->is_answered) {
        parked->is_answered = true;
        LL_PREPEND2(parked->desk->answered, parked, next_answered);
    }
}

static void on_wake(void *owner)
{
    mark_answered(owner);
}

void http_desk_resume(struct http_desk *desk)
{
    while (desk->answered != NULL) {
        struct http_parked *parked = desk->answered;
        forget(parked);
        http_visit_answer(parked->visit);
        MHD_resume_connection(parked->connection);
    }
}

void http_desk_end(struct http_desk *desk)
{
    desk->is_ending = true;
    while (desk->parked != NULL) {
        struct http_parked *parked = desk->parked;
        bool is_stream = parked->exchange.answer.is_stream;
        forget(parked);
        http_exchange_end(&parked->exchange);
        parked->exchange = (struct http_exchange){
            .is_done = true,
            .answer = {.status = MHD_HTTP_SERVICE_UNAVAILABLE, .is_stream = is_stream}
        };
        parked->n_streamed = 0;
        MHD_resume_connection(parked->connection);
    }
}

/* ---- answering ---- */

/* The next bytes of a stream, when the client takes some. */
static ssize_t on_stream_read(void *ctx, uint64_t at, char *out, size_t max)
{
    struct http_parked *parked = ctx;
    const struct buf *part = &parked->exchange.answer.body;
    (void)at;
    turn_enter(parked->desk->turn);
    if (parked->desk->is_ending || (parked->exchange.is_done && part->len == 0)) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    size_t left = parked->exchange.is_done ? part->len - parked->n_streamed : 0;
    if (left == 0) {
        /* What comes next may not be stored yet, so it waits for the commit. */
        parked->n_streamed = 0;
        http_exchange_continue(&parked->exchange);
        park(parked);
        return 0;
    }
    size_t n = left < max ? left : max;
    memcpy(out, part->data + parked->n_streamed, n);
    parked->n_streamed += n;
    return (ssize_t)n;
}

/* The body stays ours: it lives until the library says that the request is completed. */
static struct MHD_Response *make_response(struct http_parked *parked)
{
    const struct buf *body = &parked->exchange.answer.body;
    return parked->exchange.answer.is_stream
               ? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES,
                                                   on_stream_read, parked, NULL)
               : MHD_create_response_from_buffer(body->len, body->data, MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result queue(struct MHD_Connection *connection, int status,
                             struct MHD_Response *response)
{
    enum MHD_Result result = MHD_queue_response(connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result queue_answer(struct http_parked *parked)
{
    struct http_answer *answer = &parked->exchange.answer;
    struct MHD_Response *response = make_response(parked);
    if (response == NULL) {
        return MHD_NO;
    }
    if (answer->content_type != NULL) {
        MHD_add_response_header(response, "Content-Type", answer->content_type);
    }
    for (size_t i = 0; i < answer->n_headers; i++) {
        struct buf *value = &answer->headers[i].value;
        /* The library refuses an empty value; around one, blanks do not count. */
        MHD_add_response_header(response, answer->headers[i].name,
                                value->len == 0 ? " " : buf_text(value));
    }
    return queue(parked->connection, answer->status, response);
}

static void begin_exchange(struct http_parked *parked, const char *method)
{
    struct http_request request = {
        .method = slice_of(method),
        .path = slice_of(parked->url),
        .body = buf_slice(&parked->body),
        .is_too_large = parked->is_too_large,
        .header = header_of,
        .argument = argument_of,
        .each_header = each_header,
        .certificate = certificate_of,
        .source = parked,
        .faults = parked->desk->turn->faults,
    };
    park(parked);
    http_exchange_begin(&parked->exchange, parked->desk->turn->hub, &request);
    if (parked->exchange.is_done) {
        mark_answered(parked);
    }
}

/* ---- WebSockets ---- */

/* What the hub knows has no part in it, so it is answered at once. */
static enum MHD_Result refuse(struct http_parked *parked, enum iothub_status status,
                              const char *why)
{
    struct http_answer *answer = &parked->exchange.answer;
    answer->status = iothub_status_http(status);
    answer->content_type = "application/json; charset=utf-8";
    buf_init(&answer->body, BUF_CAP_OWN);
    tracking_put_envelope(&answer->body, status, why, parked->desk->turn->now.at_ms);
    http_visit_answer(parked->visit);
    return queue_answer(parked);
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are libmicrohttpd's. */
static void on_upgraded(void *ctx, struct MHD_Connection *connection, void *state,
                        const char *extra, size_t extra_len, MHD_socket fd,
                        struct MHD_UpgradeResponseHandle *handle)
{
    struct http_desk *desk = ctx;
    turn_enter(desk->turn);
    const struct websocket_link link = {
        .turn = desk->turn,
        .run_library = &desk->timer,
        .relays = desk->relays,
        .connection = connection,
        .certificate = certificate_of(state),
        .handle = handle,
        .fd = fd,
        .extra = slice_make(extra, extra_len),
    };
    if (desk->is_ending || !websocket_connection_create(&link)) {
        MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
    }
}

static enum MHD_Result upgrade(struct http_parked *parked, const char *method)
{
    struct turn *turn = parked->desk->turn;
    struct websocket_agreement agreement;
    const char *why = NULL;
    const struct websocket_request request = {
        .method = slice_of(method),
        .upgrade = header_of(parked, "Upgrade"),
        .connection = header_of(parked, "Connection"),
        .version = header_of(parked, "Sec-WebSocket-Version"),
        .key = header_of(parked, "Sec-WebSocket-Key"),
        .protocols = header_of(parked, "Sec-WebSocket-Protocol"),
    };
    enum iothub_status status = websocket_agree(&request, &why, &agreement);
    if (status != IOTHUB_OK) {
        return refuse(parked, status, why);
    }
    if (!admission_has_room(&turn->admission, ADMISSION_MQTT, turn->now.now_ms)) {
        return refuse(parked, IOTHUB_SERVICE_UNAVAILABLE,
                      "There are as many connections as the hub serves.");
    }
    struct MHD_Response *response = MHD_create_response_for_upgrade(on_upgraded, parked->desk);
    if (response == NULL) {
        return MHD_NO;
    }
    char *protocol = slice_dup(agreement.protocol);
    MHD_add_response_header(response, "Upgrade", "websocket");
    MHD_add_response_header(response, "Sec-WebSocket-Accept", agreement.accept);
    MHD_add_response_header(response, "Sec-WebSocket-Protocol", protocol);
    free(protocol);
    http_visit_upgrade(parked->visit);
    return queue(parked->connection, MHD_HTTP_SWITCHING_PROTOCOLS, response);
}

/* ---- the library's calls ---- */

static struct http_visit *visit_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
        ->socket_context;
}

/* The library says so with the first line of each request. */
void *http_desk_on_line(void *ctx, const char *uri, struct MHD_Connection *connection)
{
    struct http_desk *desk = ctx;
    (void)uri;
    turn_enter(desk->turn);
    http_visit_hear(visit_of(connection));
    return NULL;
}

static struct http_parked *first_call(struct http_desk *desk, struct MHD_Connection *connection,
                                      const char *url)
{
    struct http_parked *parked = mem_alloc(sizeof(*parked));
    parked->desk = desk;
    parked->connection = connection;
    parked->visit = visit_of(connection);
    parked->url = mem_dup_text(url);
    parked->exchange.wake = on_wake;
    parked->exchange.owner = parked;
    buf_init(&parked->body, LIMIT_HTTP_BODY_BYTES);
    buf_init(&parked->arguments, ARGUMENTS_MAX_BYTES);
    return parked;
}

static void drop_body(struct http_parked *parked)
{
    parked->desk->turn->n_body_bytes -= parked->body.len;
    buf_finish(&parked->body);
}

/* After a failure the rest is read and thrown away, so that the client gets to read its error.
 */
static void take_body(struct http_parked *parked, const char *data, size_t len)
{
    struct turn *turn = parked->desk->turn;
    http_visit_hear_body(parked->visit, len);
    if (parked->is_too_large || parked->lacks_room) {
        return;
    }
    parked->lacks_room = turn->n_body_bytes + len > LIMIT_HTTP_BODIES_BYTES;
    if (!parked->lacks_room) {
        buf_put(&parked->body, data, len);
        parked->is_too_large = parked->body.failed;
        turn->n_body_bytes += parked->is_too_large ? 0 : len;
    }
    if (parked->is_too_large || parked->lacks_room) {
        drop_body(parked);
    }
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are libmicrohttpd's. */
enum MHD_Result http_desk_on_request(void *ctx, struct MHD_Connection *connection,
                                     const char *url, const char *method, const char *version,
                                     const char *data, size_t *len, void **state)
{
    struct http_desk *desk = ctx;
    struct http_parked *parked = *state;
    (void)version;
    turn_enter(desk->turn);
    if (parked == NULL) {
        *state = first_call(desk, connection, url);
        return MHD_YES;
    }
    if (*len != 0) {
        take_body(parked, data, *len);
        *len = 0;
        return MHD_YES;
    }
    if (parked->exchange.is_done) {
        return queue_answer(parked);
    }
    if (desk->is_ending) {
        return MHD_NO;
    }
    if (websocket_is_path(slice_of(parked->url))) {
        return upgrade(parked, method);
    }
    if (parked->lacks_room) {
        return refuse(parked, IOTHUB_SERVICE_UNAVAILABLE,
                      "Requests under way hold as much as the hub keeps: try again.");
    }
    begin_exchange(parked, method);
    return MHD_YES;
}

void http_desk_on_completed(void *desk, struct MHD_Connection *connection, void **state,
                            enum MHD_RequestTerminationCode why)
{
    struct http_parked *parked = *state;
    (void)desk;
    (void)connection;
    (void)why;
    if (parked == NULL) {
        return;
    }
    forget(parked);
    http_visit_answered(parked->visit);
    http_exchange_end(&parked->exchange);
    drop_body(parked);
    buf_finish(&parked->arguments);
    free(parked->url);
    free(parked);
    *state = NULL;
}
