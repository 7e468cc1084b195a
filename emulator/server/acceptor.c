/*
 * Accepting, and what is special about TLS in it.
 */
#include "server/acceptor.h"

#include <event2/bufferevent_ssl.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/mem.h"

enum {
    PAUSE_MS = 500,
};

struct acceptor {
    struct turn *turn;
    struct acceptor_wish wish;
    struct evconnlistener *listener;
    struct turn_timer pause;
    bool is_out_of_descriptors;
};

static struct bufferevent *make_bufferevent(const struct acceptor *acceptor, evutil_socket_t fd)
{
    int flags = BEV_OPT_CLOSE_ON_FREE;
    if (acceptor->wish.tls == NULL) {
        return bufferevent_socket_new(acceptor->turn->base, fd, flags);
    }
    SSL *ssl = SSL_new(acceptor->wish.tls);
    if (ssl == NULL) {
        return NULL;
    }
    struct bufferevent *bev = bufferevent_openssl_socket_new(acceptor->turn->base, fd, ssl,
                                                             BUFFEREVENT_SSL_ACCEPTING, flags);
    if (bev == NULL) {
        SSL_free(ssl);
        return NULL;
    }
    /* Clients that just close the socket are no TLS error. */
    bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    return bev;
}

/* What has come already is read, lest closing make the system say "reset" before the farewell.
 */
static void turn_away(const struct acceptor *acceptor, evutil_socket_t fd)
{
    char unheard[4 * KIB];
    struct slice farewell = acceptor->wish.farewell;
    if (farewell.len != 0 && acceptor->wish.tls == NULL) {
        (void)!recv(fd, unheard, sizeof(unheard), MSG_DONTWAIT);
        (void)!send(fd, farewell.data, farewell.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    evutil_closesocket(fd);
}

static void take_in(struct acceptor *acceptor, struct accepted *accepted)
{
    const struct acceptor_wish *wish = &acceptor->wish;
    int yes = 1;
    if (!wish->is_bare) {
        accepted->bev = make_bufferevent(acceptor, accepted->fd);
        if (accepted->bev == NULL) {
            admission_give_back(&acceptor->turn->admission, wish->kind);
            evutil_closesocket(accepted->fd);
            return;
        }
    }
    (void)setsockopt(accepted->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    wish->callback(wish->owner, accepted);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd,
                      struct sockaddr *address, int len, void *ctx)
{
    struct acceptor *acceptor = ctx;
    struct accepted accepted = {.fd = fd, .address = address, .address_len = (socklen_t)len};
    (void)listener;
    turn_enter(acceptor->turn);
    acceptor->is_out_of_descriptors = false;
    if (admission_take(&acceptor->turn->admission, acceptor->wish.kind,
                       acceptor->turn->now.now_ms)) {
        take_in(acceptor, &accepted);
    } else {
        turn_away(acceptor, fd);
    }
}

static void resume(struct turn *turn, struct turn_timer *timer)
{
    struct acceptor *acceptor = CONTAINER_OF(timer, struct acceptor, pause);
    (void)turn;
    evconnlistener_enable(acceptor->listener);
}

/*
 * Out of descriptors: the connection stays in the backlog, and asking again at once would spin.
 */
static void on_error(struct evconnlistener *listener, void *ctx)
{
    struct acceptor *acceptor = ctx;
    turn_enter(acceptor->turn);
    if (!acceptor->is_out_of_descriptors) {
        log_error("cannot accept connections: %s; trying again every %d ms",
                  evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()), PAUSE_MS);
    }
    acceptor->is_out_of_descriptors = true; /* said once, until one can be accepted */
    evconnlistener_disable(listener);
    acceptor->pause.fire = resume;
    turn_set_timer(acceptor->turn, &acceptor->pause, acceptor->turn->now.now_ms + PAUSE_MS);
}

struct acceptor *acceptor_create(struct turn *turn, int fd, const struct acceptor_wish *wish)
{
    struct acceptor *acceptor = mem_alloc(sizeof(*acceptor));
    acceptor->turn = turn;
    acceptor->wish = *wish;
    acceptor->listener = evconnlistener_new(
        turn->base, on_accept, acceptor, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    if (acceptor->listener == NULL) {
        free(acceptor);
        return NULL;
    }
    evconnlistener_set_error_cb(acceptor->listener, on_error);
    return acceptor;
}

void acceptor_destroy(struct acceptor *acceptor)
{
    if (acceptor == NULL) {
        return;
    }
    turn_clear_timer(acceptor->turn, &acceptor->pause);
    evconnlistener_free(acceptor->listener);
    free(acceptor);
}

void acceptor_explain(struct bufferevent *bev, const char *remote)
{
    unsigned long why = bufferevent_get_openssl_error(bev);
    if (why != 0) {
        const char *reason = ERR_reason_error_string(why);
        log_info("TLS with %s failed: %s", remote, reason == NULL ? "no reason given" : reason);
    }
}

void acceptor_reset_on_close(evutil_socket_t fd)
{
    static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

void acceptor_cut(struct bufferevent *bev)
{
    acceptor_reset_on_close(bufferevent_getfd(bev));
    bufferevent_free(bev);
}

void acceptor_hang_up(struct bufferevent *bev)
{
    SSL *ssl = bufferevent_openssl_get_ssl(bev);
    if (ssl != NULL && SSL_is_init_finished(ssl)) {
        (void)SSL_shutdown(ssl); /* its answer is not waited for */
        ERR_clear_error();
    }
    bufferevent_free(bev);
}
