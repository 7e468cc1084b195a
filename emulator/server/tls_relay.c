/*
 * Two bufferevents, and what comes out of one goes into the other.
 */
#include "server/tls_relay.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "base/log.h"
#include "base/mem.h"
#include "iothub/limits.h"
#include "server/tls.h"

enum {
    /* What may wait on one side for the other to take it. */
    WAITING_MAX_BYTES = 128 * KIB,
    READ_MAX_BYTES = 64 * KIB,
    /* For the last bytes to a client that does not take them. */
    LINGER_MS = 30000,
};

struct tls_relay {
    struct tls_relays *all;
    struct bufferevent *client;
    struct bufferevent *library; /* our end of the pair; NULL before the handshake is done */
    struct turn_timer timer;
    bool has_client_ended;
    bool has_library_ended;
    bool is_cut;
    struct sockaddr_storage address;
    socklen_t address_len;
    struct tls_relay *prev;
    struct tls_relay *next;
};

static size_t waiting(struct bufferevent *bev)
{
    return evbuffer_get_length(bufferevent_get_output(bev));
}

static void end(struct tls_relay *relay)
{
    turn_clear_timer(relay->all->turn, &relay->timer);
    DL_DELETE(relay->all->first, relay);
    admission_give_back(&relay->all->turn->admission, ADMISSION_HTTPS);
    if (relay->library != NULL) {
        bufferevent_free(relay->library);
    }
    if (relay->is_cut) {
        acceptor_cut(relay->client);
    } else {
        acceptor_hang_up(relay->client);
    }
    free(relay);
}

static void on_timer(struct turn *turn, struct turn_timer *timer)
{
    (void)turn;
    end(CONTAINER_OF(timer, struct tls_relay, timer));
}

/* ---- carrying over ---- */

static struct bufferevent *other_of(const struct tls_relay *relay,
                                    const struct bufferevent *bev)
{
    return bev == relay->client ? relay->library : relay->client;
}

/* The last was carried over: the client is told, or the library, which then ends its side. */
static void settle(struct tls_relay *relay)
{
    if (relay->has_library_ended && waiting(relay->client) == 0) {
        end(relay);
    } else if (relay->has_client_ended && waiting(relay->library) == 0) {
        (void)shutdown(bufferevent_getfd(relay->library), SHUT_WR);
    }
}

/* Answers to a client that is gone: the library learns of it as soon as it has heard it out. */
static void drop_answer(struct tls_relay *relay)
{
    struct evbuffer *answer = bufferevent_get_input(relay->library);
    evbuffer_drain(answer, evbuffer_get_length(answer));
    if (waiting(relay->library) == 0) {
        end(relay);
    }
}

static void on_readable(struct bufferevent *bev, void *ctx)
{
    struct tls_relay *relay = ctx;
    struct bufferevent *other = other_of(relay, bev);
    turn_enter(relay->all->turn);
    if (relay->has_client_ended) {
        drop_answer(relay);
        return;
    }
    evbuffer_add_buffer(bufferevent_get_output(other), bufferevent_get_input(bev));
    if (waiting(other) > WAITING_MAX_BYTES) {
        bufferevent_disable(bev, EV_READ);
    }
}

static void on_writable(struct bufferevent *bev, void *ctx)
{
    struct tls_relay *relay = ctx;
    struct bufferevent *other = other_of(relay, bev);
    turn_enter(relay->all->turn);
    if (other != NULL &&
        !(bev == relay->client ? relay->has_library_ended : relay->has_client_ended)) {
        bufferevent_enable(other, EV_READ);
    }
    settle(relay);
}

static void on_library_event(struct bufferevent *bev, short what, void *ctx)
{
    struct tls_relay *relay = ctx;
    (void)what;
    turn_enter(relay->all->turn);
    bufferevent_disable(bev, EV_READ | EV_WRITE);
    relay->has_library_ended = true;
    turn_set_timer(relay->all->turn, &relay->timer, relay->all->turn->now.now_ms + LINGER_MS);
    settle(relay);
}

/* ---- the handshake ---- */

static bool open_pair(struct tls_relay *relay, int out[2])
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, out) != 0) {
        return false;
    }
    relay->library =
        bufferevent_socket_new(relay->all->turn->base, out[0], BEV_OPT_CLOSE_ON_FREE);
    if (relay->library == NULL) {
        (void)close(out[0]);
        (void)close(out[1]);
    }
    return relay->library != NULL;
}

static void start(struct tls_relay *relay)
{
    struct tls_relays *all = relay->all;
    int pair[2];
    turn_clear_timer(all->turn, &relay->timer);
    if (!open_pair(relay, pair)) {
        log_warning("a connection was turned away: no pair of sockets could be made");
        end(relay);
        return;
    }
    bufferevent_setcb(relay->library, on_readable, on_writable, on_library_event, relay);
    bufferevent_setwatermark(relay->library, EV_READ, 0, READ_MAX_BYTES);
    bufferevent_enable(relay->library, EV_READ | EV_WRITE);
    const SSL *ssl = bufferevent_openssl_get_ssl(relay->client);
    const struct accepted client = {
        .address = (const struct sockaddr *)&relay->address,
        .address_len = relay->address_len,
    };
    all->add(all, pair[1], &client,
             tls_client_certificate(ssl, all->authorities, all->turn->now.at_ms));
}

static void on_client_event(struct bufferevent *bev, short what, void *ctx)
{
    struct tls_relay *relay = ctx;
    turn_enter(relay->all->turn);
    if ((what & BEV_EVENT_CONNECTED) != 0) {
        start(relay);
        return;
    }
    if (relay->library == NULL || relay->has_library_ended) {
        acceptor_explain(bev, "an HTTPS client");
        end(relay);
        return;
    }
    bufferevent_disable(bev, EV_READ | EV_WRITE);
    relay->has_client_ended = true;
    settle(relay);
}

void tls_relay_begin(struct tls_relays *relays, const struct accepted *accepted)
{
    struct tls_relay *relay = mem_alloc(sizeof(*relay));
    relay->all = relays;
    relay->client = accepted->bev;
    relay->timer.fire = on_timer;
    relay->address_len = accepted->address_len;
    memcpy(&relay->address, accepted->address, accepted->address_len);
    DL_APPEND(relays->first, relay);
    turn_set_timer(relays->turn, &relay->timer,
                   relays->turn->now.now_ms + ACCEPTOR_HANDSHAKE_MS);
    bufferevent_setcb(relay->client, on_readable, on_writable, on_client_event, relay);
    bufferevent_setwatermark(relay->client, EV_READ, 0, READ_MAX_BYTES);
    bufferevent_enable(relay->client, EV_READ | EV_WRITE);
}

/* ---- the end ---- */

/* The library keeps no way back from a connection to its relay but the client's address. */
void tls_relay_cut(struct tls_relays *relays, const struct sockaddr *client, socklen_t len)
{
    struct tls_relay *relay = NULL;
    DL_FOREACH(relays->first, relay)
    {
        if (relay->library != NULL && relay->address_len == len &&
            memcmp(&relay->address, client, len) == 0) {
            relay->is_cut = true;
            end(relay);
            return;
        }
    }
}

/* The loop runs no more: write to the client directly what its socket takes. */
static void send_rest(struct tls_relay *relay)
{
    struct evbuffer *rest = bufferevent_get_output(relay->client);
    SSL *ssl = bufferevent_openssl_get_ssl(relay->client);
    char bytes[16 * KIB];
    ssize_t n = 0;
    while ((n = recv(bufferevent_getfd(relay->library), bytes, sizeof(bytes), MSG_DONTWAIT)) >
           0) {
        evbuffer_add(rest, bytes, (size_t)n);
    }
    size_t len = evbuffer_get_length(rest);
    if (len != 0) {
        (void)SSL_write(ssl, evbuffer_pullup(rest, -1), (int)len);
        ERR_clear_error();
    }
}

void tls_relays_finish(struct tls_relays *relays)
{
    struct tls_relay *relay = NULL;
    DL_FOREACH(relays->first, relay)
    {
        if (relay->library != NULL && !relay->has_client_ended) {
            send_rest(relay);
        }
    }
    while (relays->first != NULL) {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it overlooks that this moves the head. */
        end(relays->first);
    }
}
