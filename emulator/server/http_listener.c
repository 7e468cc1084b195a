/*
 * libmicrohttpd's server in our loop; what it is asked is http_desk.c's.
 */
#include "server/http_listener.h"

#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/log.h"
#include "base/mem.h"
#include "iothub/limits.h"
#include "server/http_desk.h"
#include "server/http_visit.h"
#include "server/tls_relay.h"

#define REFUSAL \
    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

struct http_listener {
    struct http_desk desk;
    struct MHD_Daemon *daemon;
    struct event *ready;
    struct acceptor *acceptor;
    struct tls_relays relays;
    struct http_visit *arriving; /* of the client whose connection is being added */
    struct http_listener *next;
};

/* ---- the library's calls ---- */

/*
 * The gateway decodes paths by its own rules, once and after splitting; the library must not.
 */
static size_t keep_encoded(void *ctx, struct MHD_Connection *connection, char *text)
{
    (void)ctx;
    (void)connection;
    return strlen(text);
}

static void on_log(void *ctx, const char *format, va_list args) PRINTF_LIKE(2, 0);

/* Behind TLS the library writes to a pair of sockets, and wonders that it is no TCP. */
static bool is_noise(const char *line)
{
    return strncmp(line, "Setting TCP_", strlen("Setting TCP_")) == 0 ||
           strncmp(line, "Failed to push the data", strlen("Failed to push the data")) == 0;
}

static void on_log(void *ctx, const char *format, va_list args)
{
    char line[512];
    (void)ctx;
    vsnprintf(line, sizeof(line), format, args);
    line[strcspn(line, "\n")] = '\0';
    if (!is_noise(line)) {
        log_debug("http: %s", line);
    }
}

/* ---- in the loop ---- */

static void watch_timeout(struct http_listener *listener)
{
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    if (MHD_get_timeout(listener->daemon, &wait_ms) == MHD_YES) {
        turn_set_timer(listener->desk.turn, &listener->desk.timer,
                       listener->desk.turn->now.now_ms + (int64_t)wait_ms);
    } else {
        turn_clear_timer(listener->desk.turn, &listener->desk.timer);
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
    turn_enter(listener->desk.turn);
    run(listener);
}

static void on_timer(struct turn *turn, struct turn_timer *timer)
{
    (void)turn;
    run(CONTAINER_OF(timer, struct http_listener, desk.timer));
}

bool http_listeners_have_answers(const struct http_listener *first)
{
    for (; first != NULL; first = first->next) {
        if (first->desk.answered != NULL) {
            return true;
        }
    }
    return false;
}

void http_listeners_put_out(struct http_listener *first)
{
    for (; first != NULL; first = first->next) {
        if (first->desk.answered != NULL) {
            http_desk_resume(&first->desk);
            run(first);
        }
    }
}

/* ---- life ---- */

/* A relay gives its place back itself. */
static void end_visit(const struct http_listener *listener, struct http_visit *visit)
{
    if (listener->desk.relays == NULL) {
        admission_give_back(&listener->desk.turn->admission, ADMISSION_HTTP);
    }
    http_visit_destroy(visit);
}

/* A visit is kept with its connection. */
static void on_connection(void *ctx, struct MHD_Connection *connection, void **state,
                          enum MHD_ConnectionNotificationCode what)
{
    struct http_listener *listener = ctx;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        *state = listener->arriving;
        listener->arriving = NULL;
        http_visit_begin(
            *state,
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
    } else {
        end_visit(listener, *state);
        *state = NULL;
    }
}

/* The library closes the socket if it does not want it. */
static void add(struct http_listener *listener, int fd, const struct accepted *client,
                struct hub_certificate *certificate)
{
    listener->arriving = http_visit_create(listener->desk.turn, certificate);
    (void)MHD_add_connection(listener->daemon, fd, client->address, client->address_len);
    if (listener->arriving != NULL) {
        end_visit(listener, listener->arriving);
        listener->arriving = NULL;
    }
    run(listener);
}

static void on_relay(struct tls_relays *relays, int fd, const struct accepted *client,
                     struct hub_certificate *certificate)
{
    add(CONTAINER_OF(relays, struct http_listener, relays), fd, client, certificate);
}

static void on_accepted(void *owner, const struct accepted *accepted)
{
    struct http_listener *listener = owner;
    if (listener->desk.relays != NULL) {
        tls_relay_begin(&listener->relays, accepted);
    } else {
        add(listener, accepted->fd, accepted, NULL);
    }
}

/* The library accepts nothing itself: out of descriptors it would try again without pause. */
static struct MHD_Daemon *start_daemon(struct http_listener *listener)
{
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE |
                     MHD_USE_ERROR_LOG | MHD_USE_NO_LISTEN_SOCKET;
    return MHD_start_daemon(
        flags, 0, NULL, NULL, http_desk_on_request, &listener->desk, MHD_OPTION_EXTERNAL_LOGGER,
        on_log, NULL, MHD_OPTION_UNESCAPE_CALLBACK, keep_encoded, NULL,
        MHD_OPTION_NOTIFY_COMPLETED, http_desk_on_completed, NULL, MHD_OPTION_URI_LOG_CALLBACK,
        http_desk_on_line, &listener->desk, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
        listener, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)LIMIT_HTTP_HEAD_BYTES,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)listener->desk.turn->admission.max_connections,
        MHD_OPTION_END);
}

static bool watch(struct http_listener *listener)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL) {
        return false;
    }
    listener->ready = event_new(listener->desk.turn->base, info->epoll_fd, EV_READ | EV_PERSIST,
                                on_ready, listener);
    return listener->ready != NULL && event_add(listener->ready, NULL) == 0;
}

static bool start(struct http_listener *listener, int fd, const struct http_tls *tls)
{
    const struct acceptor_wish wish = {
        .tls = tls->context,
        .is_bare = tls->context == NULL,
        .kind = tls->context == NULL ? ADMISSION_HTTP : ADMISSION_HTTPS,
        .farewell = SLICE(REFUSAL),
        .callback = on_accepted,
        .owner = listener,
    };
    listener->daemon = start_daemon(listener);
    if (listener->daemon != NULL) {
        listener->acceptor = acceptor_create(listener->desk.turn, fd, &wish);
    }
    return listener->acceptor != NULL;
}

struct http_listener *http_listener_create(struct turn *turn, int fd,
                                           const struct http_tls *tls, struct buf *error)
{
    struct http_listener *listener = mem_alloc(sizeof(*listener));
    listener->desk = (struct http_desk){.turn = turn, .timer.fire = on_timer};
    listener->relays =
        (struct tls_relays){.turn = turn, .authorities = tls->authorities, .add = on_relay};
    listener->desk.relays = tls->context == NULL ? NULL : &listener->relays;
    LL_PREPEND(turn->http_listeners, listener);
    if (!start(listener, fd, tls)) {
        buf_put_text(error,
                     "the HTTP server could not be started; --log-level debug tells more");
        evutil_closesocket(fd);
        http_listener_destroy(listener);
        return NULL;
    }
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
    acceptor_destroy(listener->acceptor);
    turn_clear_timer(listener->desk.turn, &listener->desk.timer);
    if (listener->ready != NULL) {
        event_free(listener->ready);
    }
    if (listener->daemon != NULL) {
        /* The library insists that nothing is suspended when it stops. */
        http_desk_end(&listener->desk);
        MHD_run(listener->daemon);
        MHD_stop_daemon(listener->daemon);
    }
    tls_relays_finish(&listener->relays);
    LL_DELETE(listener->desk.turn->http_listeners, listener);
    free(listener);
}
