/*
 * The loop, and connections in plain and over TLS.
 */
#include "bench/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "bench/launch.h"

#define IN_BYTES   ((size_t)64 * 1024)
#define N_EVENTS   256
#define PATIENCE_S 60

void load_init(struct load *load)
{
    *load = (struct load){.epoll = epoll_create1(EPOLL_CLOEXEC),
                          .tls = SSL_CTX_new(TLS_client_method()),
                          .in = mem_alloc(IN_BYTES)};
    if (load->epoll < 0 || load->tls == NULL) {
        bench_fail(NULL, "the load's loop cannot be made");
    }
    SSL_CTX_set_session_cache_mode(load->tls, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(load->tls, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

void load_finish(struct load *load)
{
    (void)close(load->epoll);
    SSL_CTX_free(load->tls);
    free(load->in);
}

/* ---- reading and writing, with TLS or without ---- */

/* What an operation of TLS that did not succeed comes to: 0 for later, -1 for never. */
static ssize_t later_or_never(const struct load_link *link, int result)
{
    int why = SSL_get_error(link->ssl, result);
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static ssize_t read_some(struct load_link *link, char *out, size_t max)
{
    if (link->ssl != NULL) {
        int n = SSL_read(link->ssl, out, (int)max);
        return n > 0 ? n : later_or_never(link, n);
    }
    ssize_t n = recv(link->fd, out, max, 0);
    if (n < 0 && errno == EAGAIN) {
        return 0;
    }
    return n > 0 ? n : -1;
}

static ssize_t write_some(struct load_link *link, struct slice bytes)
{
    if (link->ssl != NULL) {
        int n = SSL_write(link->ssl, bytes.data, (int)bytes.len);
        return n > 0 ? n : later_or_never(link, n);
    }
    ssize_t n = send(link->fd, bytes.data, bytes.len, MSG_NOSIGNAL);
    return n < 0 && errno == EAGAIN ? 0 : n;
}

static void fail(const struct load_link *link, const char *what)
{
    (void)link;
    bench_fail(NULL, "a connection %s: %s", what, errno == 0 ? "ended" : strerror(errno));
}

static void flush(struct load_link *link)
{
    while (link->out.len != 0) {
        ssize_t n = write_some(link, buf_slice(&link->out));
        if (n < 0) {
            fail(link, "cannot be written to");
        }
        if (n == 0) {
            return; /* the loop says when there is room again */
        }
        if ((size_t)n == link->out.len) {
            buf_reset(&link->out);
        } else {
            buf_drop(&link->out, (size_t)n);
        }
    }
}

/* ---- events ---- */

static void take(struct load_link *link, struct slice in)
{
    if (link->rest.len != 0) {
        buf_put_slice(&link->rest, in);
        size_t used = link->ops->take(link, buf_slice(&link->rest));
        buf_drop(&link->rest, used);
        return;
    }
    size_t used = link->ops->take(link, in);
    buf_put_slice(&link->rest, slice_from(in, used));
}

static void read_all(struct load_link *link)
{
    ssize_t n = 0;
    do {
        n = read_some(link, link->load->in, IN_BYTES);
        if (n < 0) {
            fail(link, "cannot be read");
        }
        if (n > 0) {
            take(link, slice_make(link->load->in, (size_t)n));
        }
        /* Less than there was room for is all there was; TLS gives a record at a time. */
    } while (n == (ssize_t)IN_BYTES || (n > 0 && link->ssl != NULL));
}

static bool connect_tls(struct load_link *link)
{
    int result = SSL_connect(link->ssl);
    if (result == 1) {
        return true;
    }
    if (later_or_never(link, result) != 0) {
        fail(link, "cannot agree on TLS");
    }
    return false;
}

static void on_event(struct load_link *link, uint32_t events)
{
    if (!link->is_up) {
        int error = 0;
        socklen_t len = sizeof(error);
        (void)getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &len);
        if (error != 0) {
            errno = error;
            fail(link, "cannot be made");
        }
        if ((events & EPOLLOUT) == 0 || (link->ssl != NULL && !connect_tls(link))) {
            return;
        }
        link->is_up = true;
    }
    if ((events & EPOLLOUT) != 0 || link->ssl != NULL) {
        flush(link);
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
        read_all(link);
    }
}

static void flush_dirty(struct load *load)
{
    while (load->dirty != NULL) {
        struct load_link *link = load->dirty;
        load->dirty = link->next_dirty;
        link->is_dirty = false;
        if (link->is_up) {
            flush(link);
        }
    }
}

bool load_run(struct load *load, int64_t end_us)
{
    struct epoll_event events[N_EVENTS];
    flush_dirty(load);
    while (!load->is_done) {
        int64_t left_us = end_us - bench_now_us();
        if (left_us <= 0) {
            return false;
        }
        int n = epoll_wait(load->epoll, events, N_EVENTS, (int)(left_us / 1000) + 1);
        for (int i = 0; i < n; i++) {
            on_event(events[i].data.ptr, events[i].events);
        }
        flush_dirty(load);
    }
    load->is_done = false;
    return true;
}

void load_await(struct load *load, const char *what)
{
    if (!load_run(load, bench_now_us() + (int64_t)PATIENCE_S * 1000000)) {
        bench_fail(NULL, "%s: not within %d s", what, PATIENCE_S);
    }
}

/* ---- a connection's life ---- */

static void open_tls(struct load_link *link)
{
    link->ssl = SSL_new(link->load->tls);
    if (link->ssl == NULL || SSL_set_fd(link->ssl, link->fd) != 1) {
        fail(link, "has no TLS");
    }
}

void load_link_open(struct load_link *link, struct load *load, const struct load_link_ops *ops,
                    int port, bool is_tls)
{
    int yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    link->load = load;
    link->ops = ops;
    link->rest.cap = BUF_CAP_OWN;
    link->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (link->fd < 0) {
        fail(link, "has no socket");
    }
    (void)setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    if (is_tls) {
        open_tls(link);
    }
    if (connect(link->fd, (const struct sockaddr *)&address, sizeof(address)) != 0 &&
        errno != EINPROGRESS) {
        fail(link, "cannot be made");
    }
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = link};
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, link->fd, &event) != 0) {
        fail(link, "cannot be watched");
    }
    errno = 0;
}

void load_link_send(struct load_link *link)
{
    if (!link->is_dirty) {
        link->is_dirty = true;
        link->next_dirty = link->load->dirty;
        link->load->dirty = link;
    }
}

void load_link_close(struct load_link *link)
{
    if (link == NULL || link->load == NULL) {
        return;
    }
    flush_dirty(link->load);
    SSL_free(link->ssl);
    (void)close(link->fd);
    buf_finish(&link->out);
    buf_finish(&link->rest);
    *link = (struct load_link){0};
}
