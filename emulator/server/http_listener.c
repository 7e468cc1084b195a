/*
 * Parking and answering requests.
 *
 * A handler never answers directly: it suspends its connection, and after the commit the
 * connection is resumed, whereupon libmicrohttpd calls the handler again, which then queues the
 * response. Resuming makes the library read the connection's next request, which parks in turn.
 */
#include "server/http_listener.h"

#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/coding.h"
#include "base/log.h"
#include "base/mem.h"
#include "gateway/http_gateway.h"
#include "iothub/limits.h"

enum {
    IDLE_S = 120,
    CONNECTION_MEMORY = 32 *
                        KIB, /* request line and headers; beyond it the library answers 431 */
    ARGUMENTS_MAX_BYTES = 32 * KIB,
};

struct http_listener {
    struct turn *turn;
    struct MHD_Daemon *daemon;
    struct event *ready;
    struct turn_timer timer;
    struct http_parked *parked;   /* all that are suspended */
    struct http_parked *answered; /* those of them that may go on */
    bool is_ending;
    struct http_listener *next;
};

/* A request from its first byte until its answer has been sent. */
struct http_parked {
    struct http_listener *listener;
    struct MHD_Connection *connection;
    struct http_exchange exchange;
    struct buf body;
    struct buf arguments; /* decoded values */
    char *url;
    bool is_too_large;
    bool is_suspended;
    bool is_answered; /* in the second list */
    struct http_parked *prev;
    struct http_parked *next;
    struct http_parked *next_answered;
};

/* ---- what the gateway reads of a request
 * ------------------------------------------------------- */

static struct slice header_of(const void *source, const char *name)
{
    const struct http_parked *parked = source;
    return slice_of(MHD_lookup_connection_value(parked->connection, MHD_HEADER_KIND, name));
}

/* The library leaves arguments encoded (see keep_encoded), so they are decoded here, once. */
static struct slice argument_of(const void *source, const char *name)
{
    const struct http_parked *parked = source;
    struct buf *decoded = &((struct http_parked *)(uintptr_t)parked)->arguments;
    const char *text =
        MHD_lookup_connection_value(parked->connection, MHD_GET_ARGUMENT_KIND, name);
    size_t begin = decoded->len;
    if (text == NULL) {
        return (struct slice){0};
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

/* ---- answering
 * ------------------------------------------------------------------------------- */

static enum MHD_Result queue_answer(struct http_parked *parked)
{
    struct http_answer *answer = &parked->exchange.answer;
    /* The body stays ours: it lives until the library says that the request is completed. */
    struct MHD_Response *response = MHD_create_response_from_buffer(
        answer->body.len, answer->body.data, MHD_RESPMEM_PERSISTENT);
    if (response == NULL) {
        return MHD_NO;
    }
    if (answer->content_type != NULL) {
        MHD_add_response_header(response, "Content-Type", answer->content_type);
    }
    for (size_t i = 0; i < answer->n_headers; i++) {
        MHD_add_response_header(response, answer->headers[i].name,
                                buf_text(&answer->headers[i].value));
    }
    enum MHD_Result result =
        MHD_queue_response(parked->connection, (unsigned)answer->status, response);
    MHD_destroy_response(response);
    return result;
}

static void mark_answered(struct http_parked *parked)
{
    if (!parked->is_answered) {
        parked->is_answered = true;
        LL_PREPEND2(parked->listener->answered, parked, next_answered);
    }
}

static void on_wake(void *owner)
{
    mark_answered(owner);
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
        .source = parked,
    };
    parked->is_suspended = true;
    DL_APPEND(parked->listener->parked, parked);
    MHD_suspend_connection(parked->connection);
    http_exchange_begin(&parked->exchange, parked->listener->turn->hub, &request);
    if (parked->exchange.is_done) {
        mark_answered(parked);
    }
}

/* ---- the library's calls
 * ------------------------------------------------------------------------ */

static struct http_parked *first_call(struct http_listener *listener,
                                      struct MHD_Connection *connection, const char *url)
{
    struct http_parked *parked = mem_alloc(sizeof(*parked));
    parked->listener = listener;
    parked->connection = connection;
    parked->url = mem_dup_text(url);
    parked->exchange.wake = on_wake;
    parked->exchange.owner = parked;
    buf_init(&parked->body, LIMIT_HTTP_BODY_BYTES);
    buf_init(&parked->arguments, ARGUMENTS_MAX_BYTES);
    return parked;
}

static void take_body(struct http_parked *parked, const char *data, size_t len)
{
    buf_put(&parked->body, data, len);
    if (parked->body.failed) {
        /* The rest is read and thrown away, so that the client gets to read its error. */
        parked->is_too_large = true;
        buf_finish(&parked->body);
        parked->body.failed = true;
    }
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *len, void **state)
{
    struct http_listener *listener = ctx;
    struct http_parked *parked = *state;
    (void)version;
    turn_enter(listener->turn);
    if (parked == NULL) {
        *state = first_call(listener, connection, url);
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
    if (listener->is_ending) {
        return MHD_NO;
    }
    begin_exchange(parked, method);
    return MHD_YES;
}

static void forget_parked(struct http_parked *parked)
{
    struct http_listener *listener = parked->listener;
    if (parked->is_suspended) {
        DL_DELETE(listener->parked, parked);
        parked->is_suspended = false;
    }
    if (parked->is_answered) {
        LL_DELETE2(listener->answered, parked, next_answered);
        parked->is_answered = false;
    }
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode why)
{
    struct http_parked *parked = *state;
    (void)ctx;
    (void)connection;
    (void)why;
    if (parked == NULL) {
        return;
    }
    forget_parked(parked);
    http_exchange_end(&parked->exchange);
    buf_finish(&parked->body);
    buf_finish(&parked->arguments);
    free(parked->url);
    free(parked);
    *state = NULL;
}

/* The gateway decodes paths by its own rules, once and after splitting; the library must not.
 */
static size_t keep_encoded(void *ctx, struct MHD_Connection *connection, char *text)
{
    (void)ctx;
    (void)connection;
    return strlen(text);
}

static void on_log(void *ctx, const char *format, va_list args) PRINTF_LIKE(2, 0);

static void on_log(void *ctx, const char *format, va_list args)
{
    char line[512];
    (void)ctx;
    vsnprintf(line, sizeof(line), format, args);
    line[strcspn(line, "\n")] = '\0';
    log_debug("http: %s", line);
}

/* ---- in the loop
 * ------------------------------------------------------------------------------ */

static void watch_timeout(struct http_listener *listener)
{
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    if (MHD_get_timeout(listener->daemon, &wait_ms) == MHD_YES) {
        turn_set_timer(listener->turn, &listener->timer,
                       listener->turn->now.now_ms + (int64_t)wait_ms);
    } else {
        turn_clear_timer(listener->turn, &listener->timer);
    }
}

static void run(struct http_listener *listener)
{
    MHD_run(listener->daemon);
    watch_timeout(listener);
}

static void on_ready(evutil_socket_t fd, short what, void *ctx)
{
    struct http_listener *listener = ctx;
    (void)fd;
    (void)what;
    turn_enter(listener->turn);
    run(listener);
}

static void on_timer(struct turn *turn, struct turn_timer *timer)
{
    (void)turn;
    run(CONTAINER_OF(timer, struct http_listener, timer));
}

bool http_listeners_have_answers(const struct http_listener *first)
{
    for (; first != NULL; first = first->next) {
        if (first->answered != NULL) {
            return true;
        }
    }
    return false;
}

static void resume_answered(struct http_listener *listener)
{
    while (listener->answered != NULL) {
        struct http_parked *parked = listener->answered;
        forget_parked(parked);
        MHD_resume_connection(parked->connection);
    }
}

void http_listeners_put_out(struct http_listener *first)
{
    for (; first != NULL; first = first->next) {
        if (first->answered != NULL) {
            resume_answered(first);
            run(first);
        }
    }
}

/* ---- life
 * ------------------------------------------------------------------------------------ */

static struct MHD_Daemon *start_plain(struct http_listener *listener, int fd, unsigned flags)
{
    return MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, listener, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_UNESCAPE_CALLBACK, keep_encoded, NULL,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)listener->turn->max_connections, MHD_OPTION_END);
}

static struct MHD_Daemon *start_tls(struct http_listener *listener, int fd, unsigned flags,
                                    const struct http_tls *tls)
{
    return MHD_start_daemon(
        flags | MHD_USE_TLS, 0, NULL, NULL, on_request, listener, MHD_OPTION_EXTERNAL_LOGGER,
        on_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_UNESCAPE_CALLBACK, keep_encoded,
        NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)listener->turn->max_connections,
        MHD_OPTION_HTTPS_MEM_CERT, tls->certificates, MHD_OPTION_HTTPS_MEM_KEY, tls->key,
        MHD_OPTION_HTTPS_MEM_TRUST, tls->trusted, MHD_OPTION_HTTPS_PRIORITIES,
        "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2", MHD_OPTION_END);
}

static bool watch(struct http_listener *listener)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL) {
        return false;
    }
    listener->ready = event_new(listener->turn->base, info->epoll_fd, EV_READ | EV_PERSIST,
                                on_ready, listener);
    return listener->ready != NULL && event_add(listener->ready, NULL) == 0;
}

struct http_listener *http_listener_create(struct turn *turn, int fd,
                                           const struct http_tls *tls, struct buf *error)
{
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    struct http_listener *listener = mem_alloc(sizeof(*listener));
    listener->turn = turn;
    listener->timer.fire = on_timer;
    listener->daemon = tls->certificates == NULL ? start_plain(listener, fd, flags)
                                                 : start_tls(listener, fd, flags, tls);
    if (listener->daemon == NULL) {
        buf_put_text(error,
                     "the HTTP server could not be started; --log-level debug tells more");
        evutil_closesocket(fd);
        free(listener);
        return NULL;
    }
    LL_PREPEND(turn->http_listeners, listener);
    if (!watch(listener)) {
        buf_put_text(error, "the HTTP server's descriptor cannot be watched");
        http_listener_destroy(listener);
        return NULL;
    }
    watch_timeout(listener);
    return listener;
}

void http_listener_destroy(struct http_listener *listener)
{
    if (listener == NULL) {
        return;
    }
    listener->is_ending = true;
    turn_clear_timer(listener->turn, &listener->timer);
    if (listener->ready != NULL) {
        event_free(listener->ready);
    }
    /* The library insists that nothing is suspended when it stops. */
    while (listener->parked != NULL) {
        struct http_parked *parked = listener->parked;
        forget_parked(parked);
        http_exchange_end(&parked->exchange);
        parked->exchange = (struct http_exchange){
            .is_done = true, .answer = {.status = MHD_HTTP_SERVICE_UNAVAILABLE}};
        MHD_resume_connection(parked->connection);
    }
    MHD_run(listener->daemon);
    MHD_stop_daemon(listener->daemon);
    LL_DELETE(listener->turn->http_listeners, listener);
    free(listener);
}
