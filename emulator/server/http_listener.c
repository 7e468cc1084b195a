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
#include "server/http_tls.h"

enum {
    IDLE_S = 120,
    /* Request line and headers; beyond it the library answers 431. */
    CONNECTION_MEMORY = 32 * KIB,
    EAGER_ROUNDS = 8, /* runs of the library at once while nothing comes of them */
    PATIENT_MS = 20,  /* and how long it waits from then on */
};

struct http_listener {
    struct http_desk desk;
    struct MHD_Daemon *daemon;
    struct event *ready;
    struct turn_timer timer;
    int n_eager; /* rounds since a socket was ready or a request came */
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

static void on_log(void *ctx, const char *format, va_list args)
{
    char line[512];
    (void)ctx;
    vsnprintf(line, sizeof(line), format, args);
    line[strcspn(line, "\n")] = '\0';
    log_debug("http: %s", line);
}

/* ---- in the loop ---- */

/*
 * The library wants to be run at once while a socket may hold more.  It thinks so of a TLS
 * handshake whose rest does not come, too, and would be run for ever; what does come makes its
 * descriptor ready.
 */
static int64_t be_patient(struct http_listener *listener, int64_t wait_ms)
{
    if (wait_ms != 0 || listener->desk.is_busy) {
        listener->desk.is_busy = false;
        listener->n_eager = 0;
        return wait_ms;
    }
    if (listener->n_eager < EAGER_ROUNDS) {
        listener->n_eager++;
        return 0;
    }
    return PATIENT_MS;
}

static void watch_timeout(struct http_listener *listener)
{
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    if (MHD_get_timeout(listener->daemon, &wait_ms) == MHD_YES) {
        turn_set_timer(listener->desk.turn, &listener->timer,
                       listener->desk.turn->now.now_ms +
                           be_patient(listener, (int64_t)wait_ms));
    } else {
        turn_clear_timer(listener->desk.turn, &listener->timer);
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
    listener->n_eager = 0;
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

static void on_connection(void *ctx, struct MHD_Connection *connection, void **state,
                          enum MHD_ConnectionNotificationCode what)
{
    (void)ctx;
    (void)state;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        http_tls_ask_for_certificate(connection);
    }
}

/* The options that both kinds have. */
#define COMMON_OPTIONS(listener, fd) \
    MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_LISTEN_SOCKET, (fd), \
        MHD_OPTION_UNESCAPE_CALLBACK, keep_encoded, NULL, MHD_OPTION_NOTIFY_COMPLETED, \
        http_desk_on_completed, NULL, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, \
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, \
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)(listener)->desk.turn->max_connections

static struct MHD_Daemon *start_plain(struct http_listener *listener, int fd, unsigned flags)
{
    return MHD_start_daemon(flags, 0, NULL, NULL, http_desk_on_request, &listener->desk,
                            COMMON_OPTIONS(listener, fd), MHD_OPTION_END);
}

static struct MHD_Daemon *start_tls(struct http_listener *listener, int fd, unsigned flags,
                                    const struct http_tls *tls)
{
    return MHD_start_daemon(flags | MHD_USE_TLS, 0, NULL, NULL, http_desk_on_request,
                            &listener->desk, COMMON_OPTIONS(listener, fd),
                            MHD_OPTION_HTTPS_MEM_CERT, tls->certificates,
                            MHD_OPTION_HTTPS_MEM_KEY, tls->key, MHD_OPTION_HTTPS_PRIORITIES,
                            "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2",
                            MHD_OPTION_NOTIFY_CONNECTION, on_connection, NULL, MHD_OPTION_END);
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

struct http_listener *http_listener_create(struct turn *turn, int fd,
                                           const struct http_tls *tls, struct buf *error)
{
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE |
                     MHD_USE_ERROR_LOG;
    struct http_listener *listener = mem_alloc(sizeof(*listener));
    listener->desk = (struct http_desk){.turn = turn, .authorities = tls->authorities};
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
    turn_clear_timer(listener->desk.turn, &listener->timer);
    if (listener->ready != NULL) {
        event_free(listener->ready);
    }
    /* The library insists that nothing is suspended when it stops. */
    http_desk_end(&listener->desk);
    MHD_run(listener->daemon);
    MHD_stop_daemon(listener->daemon);
    LL_DELETE(listener->desk.turn->http_listeners, listener);
    free(listener);
}
