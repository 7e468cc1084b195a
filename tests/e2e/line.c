/*
 * Sockets, and OpenSSL on top of them.
 */
#include "e2e/line.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "e2e/scene.h"

enum {
    READ_BYTES = 65536,
    IN_MAX_BYTES = 64 * 1024 * 1024,
};

void line_open(struct line *line, int64_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    *line = (struct line){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    buf_init(&line->in, IN_MAX_BYTES);
    assert_true(line->fd >= 0);
    assert_int_equal(connect(line->fd, (struct sockaddr *)&address, sizeof(address)), 0);
    /* What a test sends in pieces is to arrive in pieces, and at once. */
    assert_int_equal(setsockopt(line->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)), 0);
}

void line_close(struct line *line)
{
    SSL_free(line->tls);
    line->tls = NULL;
    (void)close(line->fd);
    buf_finish(&line->in);
    line->fd = -1;
}

static void wait_for(const struct line *line, short events)
{
    struct pollfd fd = {.fd = line->fd, .events = events};
    int64_t until_ms = scene_now_ms() + SCENE_DEADLINE_MS;
    int n = 0;
    do {
        int64_t left_ms = until_ms - scene_now_ms();
        n = poll(&fd, 1, left_ms < 0 ? 0 : (int)left_ms);
    } while (n < 0 && errno == EINTR);
    if (n == 0) {
        fail_msg("%s", "the emulator has not answered");
    }
}

/* ---- TLS ---- */

/* Wait for what OpenSSL lacks; false when it has failed. */
static bool wait_for_tls(const struct line *line, int result)
{
    int what = SSL_get_error(line->tls, result);
    if (what != SSL_ERROR_WANT_READ && what != SSL_ERROR_WANT_WRITE) {
        return false;
    }
    wait_for(line, what == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT);
    return true;
}

void line_secure(struct line *line, SSL_CTX *context)
{
    int result = 0;
    line->tls = SSL_new(context);
    assert_non_null(line->tls);
    assert_int_equal(fcntl(line->fd, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(SSL_set_fd(line->tls, line->fd), 1);
    while ((result = SSL_connect(line->tls)) != 1) {
        if (!wait_for_tls(line, result)) {
            fail_msg("%s", "the TLS handshake has failed");
        }
    }
}

static bool send_tls(const struct line *line, struct slice bytes)
{
    int n = 0;
    while (bytes.len != 0 && (n = SSL_write(line->tls, bytes.data, (int)bytes.len)) <= 0) {
        if (!wait_for_tls(line, n)) {
            return false;
        }
    }
    return true; /* a write is all or nothing */
}

static bool take_tls(struct line *line)
{
    char bytes[READ_BYTES];
    int n = SSL_read(line->tls, bytes, sizeof(bytes));
    if (n > 0) {
        buf_put(&line->in, bytes, (size_t)n);
        return true;
    }
    return SSL_get_error(line->tls, n) == SSL_ERROR_WANT_READ;
}

/* ---- bytes ---- */

bool line_send(struct line *line, struct slice bytes)
{
    if (line->tls != NULL) {
        return send_tls(line, bytes);
    }
    for (size_t done = 0; done < bytes.len;) {
        wait_for(line, POLLOUT);
        ssize_t n =
            send(line->fd, bytes.data + done, bytes.len - done, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            return false;
        }
        done += n < 0 ? 0 : (size_t)n;
    }
    return true;
}

bool line_take(struct line *line)
{
    if (line->tls != NULL) {
        return take_tls(line);
    }
    char bytes[READ_BYTES];
    ssize_t n = recv(line->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (n > 0) {
        buf_put(&line->in, bytes, (size_t)n);
        return true;
    }
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

bool line_receive(struct line *line)
{
    if (line->tls == NULL || SSL_pending(line->tls) == 0) {
        wait_for(line, POLLIN);
    }
    return line_take(line);
}
