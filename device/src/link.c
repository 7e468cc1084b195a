/*
 * libmosquitto, driven step by step.
 *
 * Two of its habits are worked around here.  A TCP connection that fails under a TLS handshake
 * is taken for one that is still going on: the socket's own error is asked for first.  And
 * while a handshake waits for the server it still claims that it wants to write: OpenSSL is
 * asked instead.
 */
#include "device/src/link.h"

#include <errno.h>
#include <mosquitto.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"

/* libmosquitto looks at its clock in whole seconds; this often at least it is given the chance.
 */
#define TICK_MIN_MS 500
#define TICK_MAX_MS 5000

/* Chunks of unread input that are dropped at a farewell. */
#define UNREAD_MAX 1024

/* The most filters in one SUBSCRIBE. */
#define FILTERS_MAX 4

static void on_connect(struct mosquitto *mosq, void *ctx, int code)
{
    (void)mosq;
    struct link *link = ctx;
    link->is_accepted = code == 0;
    link->refusal = code;
}

static void on_publish(struct mosquitto *mosq, void *ctx, int mid)
{
    (void)mosq;
    struct link *link = ctx;
    link->events->on_acknowledged(link->ctx, mid);
}

static void on_message(struct mosquitto *mosq, void *ctx,
                       const struct mosquitto_message *message)
{
    (void)mosq;
    struct link *link = ctx;
    struct slice payload = {message->payload == NULL ? "" : message->payload,
                            (size_t)message->payloadlen};
    link->events->on_message(link->ctx, slice_of(message->topic), payload);
}

static void on_subscribe(struct mosquitto *mosq, void *ctx, int mid, int n_granted,
                         const int *granted)
{
    (void)mosq;
    struct link *link = ctx;
    bool is_granted = true;
    for (int i = 0; i < n_granted; i++) {
        is_granted = is_granted && granted[i] <= 2;
    }
    link->events->on_granted(link->ctx, mid, is_granted);
}

static void on_log(struct mosquitto *mosq, void *ctx, int level, const char *text)
{
    (void)mosq;
    struct link *link = ctx;
    if (level == MOSQ_LOG_ERR) {
        (void)snprintf(link->complaint, sizeof(link->complaint), "%s", text);
    }
}

static bool make_client(struct link *link, const struct link_options *options)
{
    if (mosquitto_lib_init() != MOSQ_ERR_SUCCESS) {
        return false;
    }
    link->mosq = mosquitto_new(options->client_id, options->is_clean_session, link);
    if (link->mosq == NULL) {
        (void)mosquitto_lib_cleanup();
        return false;
    }
    mosquitto_connect_callback_set(link->mosq, on_connect);
    mosquitto_publish_callback_set(link->mosq, on_publish);
    mosquitto_message_callback_set(link->mosq, on_message);
    mosquitto_subscribe_callback_set(link->mosq, on_subscribe);
    mosquitto_log_callback_set(link->mosq, on_log);
    /* The outbox has the limit. */
    return mosquitto_int_option(link->mosq, MOSQ_OPT_SEND_MAXIMUM, UINT16_MAX) ==
               MOSQ_ERR_SUCCESS &&
           mosquitto_int_option(link->mosq, MOSQ_OPT_TCP_NODELAY, 1) == MOSQ_ERR_SUCCESS;
}

bool link_init(struct link *link, const struct link_options *options, struct buf *error)
{
    *link = (struct link){.host = mem_dup_text(options->host),
                          .port = options->port,
                          .keep_alive_s = options->keep_alive_s,
                          .events = options->events,
                          .ctx = options->ctx,
                          .is_tls = options->tls != NULL};
    if (link->is_tls && !tls_init(&link->tls, options->tls, error)) {
        link_finish(link);
        return false;
    }
    if (!make_client(link, options) || (link->is_tls && !tls_attach(&link->tls, link->mosq))) {
        buf_put_text(error, "libmosquitto cannot be set up");
        link_finish(link);
        return false;
    }
    return true;
}

void link_finish(struct link *link)
{
    if (link == NULL) {
        return;
    }
    if (link->mosq != NULL) {
        mosquitto_destroy(link->mosq);
        (void)mosquitto_lib_cleanup();
    }
    tls_finish(&link->tls);
    free(link->host);
    *link = (struct link){0};
}

/*
 * The socket stays with libmosquitto until it opens the next one; shutting it down lets the
 * peer know now.
 */
void link_drop(struct link *link)
{
    int fd = mosquitto_socket(link->mosq);
    if (link->is_open && fd >= 0) {
        (void)shutdown(fd, SHUT_RDWR);
    }
    link->is_open = false;
    link->is_accepted = false;
}

/* The path to the hub failed, so another address may have a better one. */
static bool is_path_failure(const struct link *link, enum iothub_status status)
{
    return !link->is_accepted &&
           (status == IOTHUB_CONNECTION_FAILED || status == IOTHUB_TIMED_OUT);
}

void link_fail(struct link *link, enum iothub_status status, const char *text)
{
    if (!link->is_open) {
        return;
    }
    link->has_loss = true;
    link->loss =
        (struct link_loss){.status = status,
                           .has_alternative = is_path_failure(link, status) &&
                                              link->addresses.next < link->addresses.n_texts};
    (void)snprintf(link->loss.text, sizeof(link->loss.text), "%s", text);
    link_drop(link);
}

static void fail_with(struct link *link, enum iothub_status status, const char *what,
                      const char *why)
{
    char text[sizeof(link->loss.text)];
    (void)snprintf(text, sizeof(text), "%s %s port %u: %s", what,
                   link->address == NULL ? link->host : link->address, (unsigned)link->port,
                   why);
    link_fail(link, status, text);
}

/* Source of the codes: MQTT 3.1.1, 3.2.2.3; the hub answers 5 to all that is wrong with a
 * client. */
static void fail_refused(struct link *link)
{
    enum iothub_status status = IOTHUB_UNAUTHORIZED;
    const char *text = "the hub refused the connection: not authorized";
    if (link->refusal == 1) {
        status = IOTHUB_INVALID_PROTOCOL_VERSION;
        text = "the hub refused the connection: it does not speak MQTT 3.1.1";
    } else if (link->refusal == 2) {
        text = "the hub refused the connection: it does not accept the device's name";
    } else if (link->refusal == 3) {
        status = IOTHUB_SERVICE_UNAVAILABLE;
        text = "the hub refused the connection: it is not available";
    }
    bool is_final = link->refusal != 3;
    link_fail(link, status, text);
    link->loss.is_refusal = is_final;
}

static void fail_tls(struct link *link)
{
    const char *untrusted = tls_verify_text(&link->tls);
    if (untrusted != NULL) {
        fail_with(link, IOTHUB_TLS_FAILED, "cannot trust the certificate of", untrusted);
        return;
    }
    const char *reason = strrchr(link->complaint, ':');
    fail_with(link, IOTHUB_TLS_FAILED, "TLS failed with",
              reason == NULL ? "no reason given" : reason + 1);
}

static void fail_by_code(struct link *link, int rc, int error)
{
    switch (rc) {
    case MOSQ_ERR_TLS:
    case MOSQ_ERR_TLS_HANDSHAKE:
        fail_tls(link);
        break;
    case MOSQ_ERR_KEEPALIVE:
        link_fail(link, IOTHUB_TIMED_OUT, "the hub does not answer any more");
        break;
    case MOSQ_ERR_ERRNO:
        if (link->is_tls && error == EPROTO) {
            fail_tls(link);
        } else {
            fail_with(link, IOTHUB_CONNECTION_FAILED, "no connection with", strerror(error));
        }
        break;
    case MOSQ_ERR_SUCCESS:
    case MOSQ_ERR_CONN_LOST:
    case MOSQ_ERR_NO_CONN:
        link_fail(link, IOTHUB_CONNECTION_FAILED,
                  link->is_accepted ? "the hub closed the connection"
                                    : "the hub closed the connection without an answer");
        break;
    default:
        link_fail(link, IOTHUB_UNEXPECTED_ANSWER, mosquitto_strerror(rc));
        break;
    }
}

/* Judge what a step came to; false when the connection is over. */
static bool is_alive(struct link *link, int rc, int error)
{
    if (!link->is_open) {
        return false;
    }
    if (rc == MOSQ_ERR_SUCCESS && mosquitto_socket(link->mosq) >= 0) {
        return true;
    }
    if (link->is_leaving) {
        link_fail(link, IOTHUB_OK, "disconnected");
    } else if (link->refusal != 0) {
        fail_refused(link);
    } else {
        fail_by_code(link, rc, error);
    }
    return false;
}

static bool choose_address(struct link *link)
{
    link->address = addresses_next(&link->addresses);
    if (link->address != NULL) {
        return true;
    }
    int rc = addresses_resolve(&link->addresses, link->host);
    if (rc != 0) {
        fail_with(link, IOTHUB_CONNECTION_FAILED, "no address for", gai_strerror(rc));
        return false;
    }
    link->address = addresses_next(&link->addresses);
    return true;
}

static int64_t tick_of(const struct link *link, int64_t now_ms)
{
    int64_t tick = (int64_t)link->keep_alive_s * 1000 / 16;
    tick = tick < TICK_MIN_MS ? TICK_MIN_MS : tick;
    return now_ms + (tick > TICK_MAX_MS ? TICK_MAX_MS : tick);
}

void link_open(struct link *link, const char *user_name, const char *password, int64_t now_ms)
{
    link->is_open = true;
    link->is_accepted = false;
    link->is_leaving = false;
    link->refusal = 0;
    link->has_loss = false;
    link->complaint[0] = '\0';
    link->tick_ms = tick_of(link, now_ms);
    if (!choose_address(link)) {
        return;
    }
    if (mosquitto_username_pw_set(link->mosq, user_name, password) != MOSQ_ERR_SUCCESS) {
        link_fail(link, IOTHUB_BAD_ARGUMENT, "MQTT cannot carry the device's name");
        return;
    }
    errno = 0;
    int rc = mosquitto_connect_async(link->mosq, link->address, link->port, link->keep_alive_s);
    (void)is_alive(link, rc == MOSQ_ERR_CONN_PENDING ? MOSQ_ERR_SUCCESS : rc, errno);
}

/*
 * What the hub has sent and nobody has read stays the hub's, since it is not acknowledged.
 * Closing a socket with something unread in it resets the connection, and then the hub may not
 * hear what was acknowledged before.
 */
static void drop_unread(int fd)
{
    char chunk[4096];
    ssize_t n = 1;
    for (int i = 0; i < UNREAD_MAX && n > 0; i++) {
        n = recv(fd, chunk, sizeof(chunk), MSG_DONTWAIT);
    }
}

void link_leave(struct link *link)
{
    if (link->is_open) {
        link->is_leaving = true;
        drop_unread(mosquitto_socket(link->mosq));
        int rc = mosquitto_disconnect(link->mosq);
        (void)is_alive(link, rc, errno);
    }
}

int link_fd(const struct link *link)
{
    return link->is_open ? mosquitto_socket(link->mosq) : -1;
}

static const SSL *handshake(const struct link *link)
{
    const SSL *ssl = link->is_tls ? mosquitto_ssl_get(link->mosq) : NULL;
    return ssl != NULL && !SSL_is_init_finished(ssl) ? ssl : NULL;
}

bool link_wants_write(const struct link *link)
{
    if (!link->is_open) {
        return false;
    }
    const SSL *ssl = handshake(link);
    return ssl != NULL ? SSL_want_write(ssl) != 0 : mosquitto_want_write(link->mosq);
}

int64_t link_deadline_ms(const struct link *link)
{
    return link->is_open ? link->tick_ms : NEVER_MS;
}

/* What poll() reports as an error or hang-up is asked of the socket itself. */
static bool is_socket_sound(struct link *link, short revents)
{
    if ((revents & (POLLERR | POLLHUP | POLLNVAL)) == 0) {
        return true;
    }
    int error = 0;
    socklen_t len = sizeof(error);
    int fd = mosquitto_socket(link->mosq);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error == 0) {
        return true;
    }
    fail_with(link, IOTHUB_CONNECTION_FAILED, "no connection with", strerror(error));
    return false;
}

/* The peer has hung up in the middle of a handshake, and nothing is left to be read. */
static bool is_handshake_cut(const struct link *link)
{
    char byte = 0;
    return handshake(link) != NULL &&
           recv(mosquitto_socket(link->mosq), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/*
 * OpenSSL may have been the first to learn that the connection was refused, and then the socket
 * has forgotten why; but one that never was connected has no peer.
 */
static bool has_peer(const struct link *link)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);
    return getpeername(mosquitto_socket(link->mosq), (struct sockaddr *)&address, &len) == 0;
}

static void fail_cut(struct link *link)
{
    if (has_peer(link)) {
        fail_with(link, IOTHUB_TLS_FAILED, "TLS failed with", "the server hung up");
    } else {
        fail_with(link, IOTHUB_CONNECTION_FAILED, "no connection with",
                  "refused or not reachable");
    }
}

static bool read_link(struct link *link)
{
    if (is_handshake_cut(link)) {
        fail_cut(link);
        return false;
    }
    errno = 0;
    int rc = mosquitto_loop_read(link->mosq, 1);
    return is_alive(link, rc, errno);
}

void link_work(struct link *link, short revents, int64_t now_ms)
{
    if (!link->is_open || !is_socket_sound(link, revents)) {
        return;
    }
    /* During a handshake, reading is what carries it on, whichever way it waits for. */
    bool is_readable = (revents & (POLLIN | POLLHUP | POLLERR)) != 0;
    if ((is_readable || (revents != 0 && handshake(link) != NULL)) && !read_link(link)) {
        return;
    }
    if (link_wants_write(link) && handshake(link) == NULL) {
        errno = 0;
        int rc = mosquitto_loop_write(link->mosq, 1);
        if (!is_alive(link, rc, errno)) {
            return;
        }
    }
    if (now_ms >= link->tick_ms) {
        link->tick_ms = tick_of(link, now_ms);
        int rc = mosquitto_loop_misc(link->mosq);
        (void)is_alive(link, rc, errno);
    }
}

bool link_take_loss(struct link *link, struct link_loss *out)
{
    if (!link->has_loss) {
        return false;
    }
    link->has_loss = false;
    *out = link->loss;
    return true;
}

enum iothub_status link_publish(struct link *link, const char *topic, struct slice payload,
                                int qos, int *out_mid)
{
    if (!link->is_open || !link->is_accepted || link->is_leaving) {
        return IOTHUB_NOT_CONNECTED;
    }
    int mid = 0;
    int rc =
        mosquitto_publish(link->mosq, &mid, topic, (int)payload.len, payload.data, qos, false);
    if (rc == MOSQ_ERR_INVAL || rc == MOSQ_ERR_MALFORMED_UTF8 || rc == MOSQ_ERR_PAYLOAD_SIZE) {
        return IOTHUB_BAD_ARGUMENT;
    }
    /* Anything else is a connection that has just broken: with QoS 1 the message is kept. */
    if (rc != MOSQ_ERR_SUCCESS && qos == 0) {
        return IOTHUB_NOT_CONNECTED;
    }
    if (out_mid != NULL) {
        *out_mid = mid;
    }
    return IOTHUB_OK;
}

enum iothub_status link_subscribe(struct link *link, const char *const *filters,
                                  size_t n_filters, int qos, int *out_mid)
{
    char *copies[FILTERS_MAX] = {NULL};
    if (n_filters > FILTERS_MAX) {
        return IOTHUB_BAD_ARGUMENT;
    }
    for (size_t i = 0; i < n_filters; i++) {
        copies[i] = mem_dup_text(filters[i]);
    }
    int rc =
        mosquitto_subscribe_multiple(link->mosq, out_mid, (int)n_filters, copies, qos, 0, NULL);
    for (size_t i = 0; i < n_filters; i++) {
        free(copies[i]);
    }
    return rc == MOSQ_ERR_SUCCESS ? IOTHUB_OK : IOTHUB_NOT_CONNECTED;
}

void link_unsubscribe(struct link *link, const char *filter)
{
    /* A connection that breaks now ends the subscription or finds its loss in link_work(). */
    (void)mosquitto_unsubscribe(link->mosq, NULL, filter);
}
