/*
 * Connecting, sending and receiving before a deadline.
 *
 * TLS runs over memory, so that bytes leave by send() alone: libcrypto's own socket writes
 * could raise SIGPIPE.
 */
#include "server/local_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define TLS_STEP 16384

static int64_t now_ms(void)
{
    return clock_read(&(struct clock){0}).now_ms;
}

static int fd_of(const struct local_socket *s)
{
    return s->fd_plus_1 - 1;
}

static void put_place(const struct local_socket *s)
{
    bool is_six = strchr(s->target->address, ':') != NULL;
    buf_putf(s->error, is_six ? "[%s]:%lld: " : "%s:%lld: ", s->target->address,
             (long long)s->target->port);
}

bool local_socket_tell(const struct local_socket *s, const char *what)
{
    put_place(s);
    buf_put_text(s->error, what);
    return false;
}

static bool tell_timeout(const struct local_socket *s)
{
    put_place(s);
    buf_putf(s->error, "no answer within %.3g s", (double)s->target->timeout_ms / 1000);
    return false;
}

/* Until one of `events` can be done or the connection is broken. */
static bool wait_for(const struct local_socket *s, short events)
{
    for (;;) {
        int64_t left_ms = s->due_ms - now_ms();
        struct pollfd ready = {.fd = fd_of(s), .events = events};
        int n = left_ms <= 0 ? 0 : poll(&ready, 1, left_ms > INT32_MAX ? -1 : (int)left_ms);
        if (n > 0) {
            return true;
        }
        if (n == 0) {
            return tell_timeout(s);
        }
        if (errno != EINTR) {
            return local_socket_tell(s, strerror(errno));
        }
    }
}

static bool is_transient(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static bool send_plain(const struct local_socket *s, struct slice bytes)
{
    while (bytes.len > 0) {
        ssize_t n = send(fd_of(s), bytes.data, bytes.len, MSG_NOSIGNAL);
        if (n >= 0) {
            bytes = slice_from(bytes, (size_t)n);
        } else if (!is_transient(errno)) {
            return local_socket_tell(s, strerror(errno));
        } else if (!wait_for(s, POLLOUT)) {
            return false;
        }
    }
    return true;
}

static int receive_plain(const struct local_socket *s, char *out, size_t size)
{
    for (;;) {
        if (!wait_for(s, POLLIN)) {
            return -1;
        }
        ssize_t n = recv(fd_of(s), out, size, 0);
        if (n >= 0) {
            return (int)n;
        }
        if (!is_transient(errno)) {
            local_socket_tell(s, strerror(errno));
            return -1;
        }
    }
}

/* ---- connecting ---- */

static bool finish_connect(const struct local_socket *s)
{
    int error = 0;
    socklen_t len = sizeof(error);
    if (!wait_for(s, POLLOUT)) {
        return false;
    }
    if (getsockopt(fd_of(s), SOL_SOCKET, SO_ERROR, &error, &len) != 0) {
        error = errno;
    }
    return error == 0 || local_socket_tell(s, strerror(error));
}

static bool connect_to(struct local_socket *s, const struct addrinfo *where)
{
    int fd = socket(where->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return local_socket_tell(s, strerror(errno));
    }
    s->fd_plus_1 = fd + 1;
    if (connect(fd, where->ai_addr, where->ai_addrlen) == 0) {
        return true;
    }
    return errno == EINPROGRESS ? finish_connect(s) : local_socket_tell(s, strerror(errno));
}

static bool open_plain(struct local_socket *s)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                                   .ai_socktype = SOCK_STREAM};
    struct addrinfo *where = NULL;
    char port[24];
    snprintf(port, sizeof(port), "%lld", (long long)s->target->port);
    int result = getaddrinfo(s->target->address, port, &hints, &where);
    if (result != 0) {
        return local_socket_tell(s, gai_strerror(result));
    }
    bool is_open = connect_to(s, where);
    freeaddrinfo(where);
    return is_open;
}

/* ---- TLS ---- */

static bool tell_tls(const struct local_socket *s)
{
    long verified = SSL_get_verify_result(s->tls);
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    ERR_clear_error();
    put_place(s);
    if (verified != X509_V_OK) {
        buf_putf(s->error, "TLS: %s", X509_verify_cert_error_string(verified));
    } else {
        buf_putf(s->error, "TLS: %s", reason == NULL ? "the handshake failed" : reason);
    }
    return false;
}

/* What TLS wants said goes out. */
static bool flush_tls(const struct local_socket *s)
{
    char step[TLS_STEP];
    BIO *out = SSL_get_wbio(s->tls);
    while (BIO_pending(out) > 0) {
        int n = BIO_read(out, step, sizeof(step));
        if (n > 0 && !send_plain(s, slice_make(step, (size_t)n))) {
            return false;
        }
    }
    return true;
}

/* 1 when bytes were fed to TLS, 0 at the end of the stream. */
static int feed_tls(const struct local_socket *s)
{
    char step[TLS_STEP];
    int n = receive_plain(s, step, sizeof(step));
    if (n <= 0) {
        return n;
    }
    return BIO_write(SSL_get_rbio(s->tls), step, n) == n ? 1 : -1;
}

static bool shake_hands(const struct local_socket *s)
{
    for (;;) {
        ERR_clear_error();
        int result = SSL_do_handshake(s->tls);
        int why = SSL_get_error(s->tls, result);
        if (!flush_tls(s)) {
            return false;
        }
        if (result == 1) {
            return true;
        }
        if (why != SSL_ERROR_WANT_READ) {
            return tell_tls(s);
        }
        int fed = feed_tls(s);
        if (fed == 0) {
            return local_socket_tell(s, "TLS: the connection was closed during the handshake");
        }
        if (fed < 0) {
            return false;
        }
    }
}

static bool trust(struct local_socket *s)
{
    if (s->target->ca_file == NULL) {
        return true;
    }
    if (SSL_CTX_load_verify_file(s->tls_ctx, s->target->ca_file) != 1) {
        ERR_clear_error();
        return local_socket_tell(s, "TLS: the CA's file cannot be read");
    }
    /* The user's own chain may lack its root. */
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(s->tls_ctx), X509_V_FLAG_PARTIAL_CHAIN);
    SSL_CTX_set_verify(s->tls_ctx, SSL_VERIFY_PEER, NULL);
    return true;
}

static bool open_tls(struct local_socket *s)
{
    s->tls_ctx = SSL_CTX_new(TLS_client_method());
    if (s->tls_ctx == NULL) {
        return local_socket_tell(s, "TLS: libssl cannot be set up");
    }
    if (!trust(s)) {
        return false;
    }
    s->tls = SSL_new(s->tls_ctx);
    BIO *in = BIO_new(BIO_s_mem());
    BIO *out = BIO_new(BIO_s_mem());
    if (s->tls == NULL || in == NULL || out == NULL) {
        BIO_free(in);
        BIO_free(out);
        return local_socket_tell(s, "TLS: libssl cannot be set up");
    }
    SSL_set_bio(s->tls, in, out);
    SSL_set_connect_state(s->tls);
    return shake_hands(s);
}

/* ---- the calls ---- */

bool local_socket_open(struct local_socket *s, const struct local_target *target,
                       struct buf *error)
{
    *s = (struct local_socket){.target = target, .error = error};
    s->due_ms = now_ms() + target->timeout_ms;
    return open_plain(s) && (!target->is_tls || open_tls(s));
}

bool local_socket_send(struct local_socket *s, struct slice bytes)
{
    if (s->tls == NULL) {
        return send_plain(s, bytes);
    }
    size_t written = 0;
    ERR_clear_error();
    if (SSL_write_ex(s->tls, bytes.data, bytes.len, &written) != 1) {
        return tell_tls(s);
    }
    return flush_tls(s);
}

int local_socket_receive(struct local_socket *s, char *out, size_t size)
{
    if (s->tls == NULL) {
        return receive_plain(s, out, size);
    }
    for (;;) {
        size_t n = 0;
        ERR_clear_error();
        int result = SSL_read_ex(s->tls, out, size, &n);
        int why = SSL_get_error(s->tls, result);
        if (result == 1) {
            return (int)n;
        }
        if (why == SSL_ERROR_ZERO_RETURN) {
            return 0;
        }
        if (why != SSL_ERROR_WANT_READ) {
            tell_tls(s);
            return -1;
        }
        int fed = flush_tls(s) ? feed_tls(s) : -1;
        if (fed <= 0) {
            return fed;
        }
    }
}

void local_socket_close(struct local_socket *s)
{
    SSL_free(s->tls);
    SSL_CTX_free(s->tls_ctx);
    if (s->fd_plus_1 != 0) {
        close(fd_of(s));
    }
    *s = (struct local_socket){0};
}
