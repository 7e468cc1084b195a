/*
 * A client's life: made, connected, driven, ended.
 */
#include "device/src/client.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "device/src/credential.h"
#include "iothub/sas_token.h"

/* Filters in the order they are asked for; NULL is the client's own. */
static const struct subscription {
    const char *filter;
    unsigned bit;
    int qos;
} subscriptions[] = {
    {TOPIC_FILTER_METHODS, SUBSCRIBE_METHODS,  0},
    {TOPIC_FILTER_TWIN,    SUBSCRIBE_TWIN,     0},
    {TOPIC_FILTER_DESIRED, SUBSCRIBE_DESIRED,  0},
 /* What is queued at the hub leaves the queue when it is acknowledged. */
    {NULL,                 SUBSCRIBE_MESSAGES, 1},
};

static int64_t now_of(const struct iothub_device *client)
{
    return clock_read(&client->clock).now_ms;
}

enum iothub_device_state iothub_device_state(const struct iothub_device *client)
{
    switch (client->session.state) {
    case SESSION_IDLE:
        return IOTHUB_DEVICE_IDLE;
    case SESSION_WAITING:
        return IOTHUB_DEVICE_WAITING;
    case SESSION_OPENING:
    case SESSION_SUBSCRIBING:
    case SESSION_RENEWING:
        return IOTHUB_DEVICE_CONNECTING;
    case SESSION_CONNECTED:
        return IOTHUB_DEVICE_CONNECTED;
    case SESSION_LEAVING:
        return IOTHUB_DEVICE_LEAVING;
    }
    return IOTHUB_DEVICE_IDLE;
}

static void announce(struct iothub_device *client, enum iothub_status status, const char *text)
{
    client->announced = iothub_device_state(client);
    if (client->on_connection != NULL) {
        client->has_called_back = true;
        client->on_connection(client->on_connection_ctx, client->announced, status, text);
    }
}

bool client_is_connected(const struct iothub_device *client)
{
    return client->session.state == SESSION_CONNECTED;
}

static bool may_subscribe(const struct iothub_device *client)
{
    return client->session.state == SESSION_CONNECTED ||
           client->session.state == SESSION_SUBSCRIBING;
}

static const char *filter_of(const struct iothub_device *client, size_t i)
{
    return subscriptions[i].filter == NULL ? client->messages_filter : subscriptions[i].filter;
}

/* One SUBSCRIBE for all of that QoS that is wanted and not asked for yet; its id, or 0. */
static int subscribe_missing(struct iothub_device *client, int qos)
{
    const char *filters[ARRAY_LEN(subscriptions)] = {NULL};
    size_t n_filters = 0;
    unsigned asked = 0;
    unsigned missing = client->wanted & ~client->subscribed;
    for (size_t i = 0; i < ARRAY_LEN(subscriptions); i++) {
        if ((missing & subscriptions[i].bit) != 0 && subscriptions[i].qos == qos) {
            filters[n_filters++] = filter_of(client, i);
            asked |= subscriptions[i].bit;
        }
    }
    int mid = 0;
    if (n_filters == 0 ||
        link_subscribe(&client->link, filters, n_filters, qos, &mid) != IOTHUB_OK) {
        return 0;
    }
    client->subscribed |= asked;
    return mid;
}

void client_subscribe(struct iothub_device *client, unsigned bit)
{
    client->wanted |= bit;
    for (int qos = 0; may_subscribe(client) && qos < CLIENT_N_QOS; qos++) {
        (void)subscribe_missing(client, qos);
    }
}

void client_unsubscribe(struct iothub_device *client, unsigned bit)
{
    client->wanted &= ~bit;
    if ((client->subscribed & bit) == 0 || !may_subscribe(client)) {
        return;
    }
    client->subscribed &= ~bit;
    for (size_t i = 0; i < ARRAY_LEN(subscriptions); i++) {
        if (subscriptions[i].bit == bit) {
            link_unsubscribe(&client->link, filter_of(client, i));
        }
    }
}

static void on_message(void *ctx, struct slice topic_text, struct slice payload)
{
    struct iothub_device *client = ctx;
    struct topic topic = topic_read(topic_text);
    switch (topic.kind) {
    case TOPIC_KIND_METHOD:
        method_on_call(client, &topic, payload);
        break;
    case TOPIC_KIND_TWIN:
        twin_on_response(client, &topic, payload);
        break;
    case TOPIC_KIND_DESIRED:
        twin_on_desired(client, &topic, payload);
        break;
    case TOPIC_KIND_MESSAGE:
        received_on_message(client, &topic, payload);
        break;
    case TOPIC_KIND_OTHER:
        break;
    }
}

static void on_acknowledged(void *ctx, int mid)
{
    telemetry_on_acknowledged(ctx, mid);
}

static void on_granted(void *ctx, int mid, bool is_granted)
{
    struct iothub_device *client = ctx;
    for (int qos = 0; qos < CLIENT_N_QOS; qos++) {
        if (mid == client->subscribe_mids[qos]) {
            client->subscribe_mids[qos] = 0;
        }
    }
    if (!is_granted) {
        client->is_subscription_refused = true;
    }
}

static const struct link_events events = {on_message, on_acknowledged, on_granted};

/* Open the link with a fresh token, a given one, or none beside a certificate. */
static void open_link(struct iothub_device *client, struct moment now)
{
    const struct settings *s = &client->settings;
    struct buf token;
    buf_init(&token, SAS_TOKEN_MAX_BYTES);
    client->renewal = renewal_none();
    bool has_token =
        credential_put_token(&token, &s->cs, now.at_ms / 1000 + s->token_lifetime_s);
    if (has_token) {
        client->renewal = renewal_of(now.now_ms, s->token_lifetime_s);
    }
    client->subscribed = 0;
    memset(client->subscribe_mids, 0, sizeof(client->subscribe_mids));
    client->is_subscription_refused = false;
    if (client->announced != IOTHUB_DEVICE_CONNECTING) {
        char text[320];
        (void)snprintf(text, sizeof(text), "connecting to %s port %u", s->address,
                       (unsigned)s->port);
        announce(client, IOTHUB_OK, text);
    }
    /* The callback may have changed its mind, or the signature. */
    if (client->session.state == SESSION_OPENING) {
        client->has_newer_signature = false;
        link_open(&client->link, s->user_name,
                  has_token ? buf_text(&token) : s->cs.shared_access_signature, now.now_ms);
    }
    mem_free_secret_text(buf_take_text(&token));
}

static bool is_busy(const struct iothub_device *client)
{
    const struct request *first = client->requests.first;
    return client->outbox.n_items != 0 || client->calls.n_items != 0 ||
           (first != NULL && first->is_sent);
}

static void do_what_is_due(struct iothub_device *client, struct moment now)
{
    char text[64];
    switch (session_tick(&client->session, now.now_ms, is_busy(client))) {
    case SESSION_NOTHING:
        break;
    case SESSION_OPEN:
        open_link(client, now);
        break;
    case SESSION_ABANDON:
        (void)snprintf(text, sizeof(text), "the hub did not answer within %g seconds",
                       client->settings.connect_timeout_ms / 1000.0);
        link_fail(&client->link, IOTHUB_TIMED_OUT, text);
        break;
    case SESSION_LEAVE:
        announce(client, IOTHUB_OK, "renewing the token");
        link_leave(&client->link);
        break;
    case SESSION_DROP:
        link_fail(&client->link, IOTHUB_OK, "disconnected");
        break;
    }
}

static void notice_acceptance(struct iothub_device *client, struct moment now)
{
    if (client->session.state == SESSION_OPENING && client->link.is_accepted) {
        session_accepted(&client->session, now.now_ms, client->renewal);
        for (int qos = 0; qos < CLIENT_N_QOS; qos++) {
            client->subscribe_mids[qos] = subscribe_missing(client, qos);
        }
    }
    if (client->is_subscription_refused) {
        client->is_subscription_refused = false;
        link_fail(&client->link, IOTHUB_UNEXPECTED_ANSWER, "the hub refused a subscription");
        return;
    }
    if (client->session.state == SESSION_SUBSCRIBING && client->link.is_accepted &&
        client->subscribe_mids[0] == 0 && client->subscribe_mids[1] == 0) {
        session_subscribed(&client->session);
        twin_flush(client);
        telemetry_flush(client);
        announce(client, IOTHUB_OK, "connected");
    }
}

static void notice_loss(struct iothub_device *client, struct moment now)
{
    struct link_loss loss;
    if (!link_take_loss(&client->link, &loss)) {
        return;
    }
    const struct session_loss session_loss = {loss.is_refusal, loss.has_alternative};
    bool was_renewing = client->session.state == SESSION_RENEWING;
    calls_clear(&client->calls);
    requests_forget_sent(&client->requests);
    session_lost(&client->session, now.now_ms, &session_loss, random_u64());
    if (!was_renewing) {
        announce(client, loss.status, loss.text);
    }
}

/* An attempt that is under way is let go on first; if it fails, there is no pause after it. */
static bool can_take_newer_signature(const struct iothub_device *client)
{
    return client->has_newer_signature &&
           (client_is_connected(client) || client->session.state == SESSION_WAITING);
}

static void take_newer_signature(struct iothub_device *client, int64_t now_ms)
{
    if (can_take_newer_signature(client)) {
        client->has_newer_signature = false;
        session_renew(&client->session, now_ms);
    }
}

static void step(struct iothub_device *client)
{
    struct moment now = clock_read(&client->clock);
    calls_expire(&client->calls, now.now_ms);
    twin_expire(client, now.now_ms);
    take_newer_signature(client, now.now_ms);
    do_what_is_due(client, now);
    notice_acceptance(client, now);
    notice_loss(client, now);
    /* The application left while there was no connection to take leave of. */
    if (client->session.state == SESSION_IDLE && client->announced != IOTHUB_DEVICE_IDLE) {
        announce(client, IOTHUB_OK, "disconnected");
    }
}

/* Calls between two polls have ended the connection, and nobody was told yet. */
static bool has_news(const struct iothub_device *client)
{
    return client->link.has_loss || can_take_newer_signature(client) ||
           (client->session.state == SESSION_IDLE && client->announced != IOTHUB_DEVICE_IDLE);
}

static int64_t next_due_ms(const struct iothub_device *client)
{
    if (has_news(client)) {
        return INT64_MIN;
    }
    int64_t due_ms = session_deadline_ms(&client->session, is_busy(client));
    int64_t link_ms = link_deadline_ms(&client->link);
    int64_t requests_ms = requests_deadline_ms(&client->requests);
    due_ms = link_ms < due_ms ? link_ms : due_ms;
    return requests_ms < due_ms ? requests_ms : due_ms;
}

int iothub_device_deadline_ms(const struct iothub_device *client)
{
    int64_t due_ms = next_due_ms(client);
    int64_t now_ms = now_of(client);
    if (due_ms == NEVER_MS) {
        return -1;
    }
    if (due_ms <= now_ms) {
        return 0;
    }
    return due_ms - now_ms > INT_MAX ? INT_MAX : (int)(due_ms - now_ms);
}

int iothub_device_fd(const struct iothub_device *client)
{
    return link_fd(&client->link);
}

bool iothub_device_wants_write(const struct iothub_device *client)
{
    return link_wants_write(&client->link);
}

/* The shorter of two waits, where -1 has no end. */
static int shorter(int a, int b)
{
    if (a < 0 || b < 0) {
        return a < 0 ? b : a;
    }
    return a < b ? a : b;
}

static enum iothub_status wait_and_work(struct iothub_device *client, int timeout_ms)
{
    struct pollfd fd = {.fd = iothub_device_fd(client), .events = POLLIN};
    if (iothub_device_wants_write(client)) {
        fd.events |= POLLOUT;
    }
    int wait_ms = shorter(timeout_ms, iothub_device_deadline_ms(client));
    int n = poll(&fd, 1, client->has_called_back ? 0 : wait_ms);
    if (n < 0) {
        return errno == EINTR ? IOTHUB_INTERRUPTED : IOTHUB_CONNECTION_FAILED;
    }
    /* Nothing ready leaves revents at 0. */
    link_work(&client->link, fd.revents, now_of(client));
    step(client);
    return IOTHUB_OK;
}

enum iothub_status iothub_device_poll(struct iothub_device *client, int timeout_ms)
{
    if (client->is_polling) {
        return IOTHUB_INVALID_OPERATION;
    }
    client->is_polling = true;
    client->has_called_back = false;
    step(client);
    enum iothub_status status = wait_and_work(client, timeout_ms);
    client->is_polling = false;
    return status;
}

static bool init_link(struct iothub_device *client, const struct iothub_device *share_with,
                      struct buf *error)
{
    const struct settings *s = &client->settings;
    const struct tls_options tls = {
        .name = s->server_name,
        .ca_file = s->ca_file,
        .share_with = share_with == NULL ? NULL : &share_with->link.tls,
        .certificate_file = s->certificate_file,
        .key_file = s->key_file,
    };
    const struct link_options options = {
        .client_id = s->client_id,
        .host = s->address,
        .port = s->port,
        .keep_alive_s = s->keep_alive_s,
        .is_clean_session = s->is_clean_session,
        .tls = s->is_plain ? NULL : &tls,
        .events = &events,
        .ctx = client,
    };
    return link_init(&client->link, &options, error);
}

static enum iothub_status init(struct iothub_device *client,
                               const struct iothub_device_options *options, struct buf *error)
{
    enum iothub_status status = settings_init(options, error, &client->settings);
    if (status != IOTHUB_OK) {
        return status;
    }
    const struct settings *s = &client->settings;
    client->session = (struct session){
        .connect_timeout_ms = s->connect_timeout_ms,
        .backoff = {.min_ms = s->backoff_min_ms, .max_ms = s->backoff_max_ms},
        .renewal = renewal_none(),
    };
    client->outbox.max_items = (size_t)s->max_sends;
    struct buf filter;
    buf_init(&filter, BUF_CAP_OWN);
    topic_put_messages_filter(&filter, credential_identity(&s->cs));
    client->messages_filter = buf_take_text(&filter);
    return init_link(client, options->share_with, error) ? IOTHUB_OK : IOTHUB_TLS_FAILED;
}

enum iothub_status iothub_device_create(const struct iothub_device_options *options,
                                        struct iothub_device_error *error,
                                        struct iothub_device **out)
{
    struct iothub_device *client = mem_alloc(sizeof(*client));
    struct buf text;
    buf_init(&text, BUF_CAP_OWN);
    enum iothub_status status = init(client, options, &text);
    if (error != NULL) {
        (void)snprintf(error->text, sizeof(error->text), "%s", buf_text(&text));
    }
    buf_finish(&text);
    if (status != IOTHUB_OK) {
        iothub_device_destroy(client);
        return status;
    }
    *out = client;
    return IOTHUB_OK;
}

void iothub_device_destroy(struct iothub_device *client)
{
    if (client == NULL) {
        return;
    }
    link_finish(&client->link);
    outbox_finish(&client->outbox);
    requests_finish(&client->requests);
    calls_clear(&client->calls);
    settings_finish(&client->settings);
    free(client->messages_filter);
    free(client);
}

void iothub_device_on_connection(struct iothub_device *client, iothub_device_connection_fn fn,
                                 void *ctx)
{
    client->on_connection = fn;
    client->on_connection_ctx = ctx;
}

enum iothub_status iothub_device_connect(struct iothub_device *client)
{
    return session_start(&client->session, now_of(client)) ? IOTHUB_OK
                                                           : IOTHUB_INVALID_OPERATION;
}

enum iothub_status iothub_device_renew_signature(struct iothub_device *client,
                                                 const char *signature)
{
    struct sas_token token;
    struct connection_string *cs = &client->settings.cs;
    if (cs->shared_access_signature == NULL) {
        return IOTHUB_INVALID_OPERATION;
    }
    if (signature == NULL || !sas_token_parse(slice_of(signature), &token)) {
        return IOTHUB_BAD_ARGUMENT;
    }
    mem_free_secret_text(cs->shared_access_signature);
    cs->shared_access_signature = mem_dup_text(signature);
    client->has_newer_signature = true;
    return IOTHUB_OK;
}

void iothub_device_disconnect(struct iothub_device *client)
{
    switch (session_stop(&client->session, now_of(client))) {
    case SESSION_LEAVE:
        link_leave(&client->link);
        break;
    case SESSION_DROP:
        link_drop(&client->link);
        break;
    case SESSION_NOTHING:
    case SESSION_OPEN:
    case SESSION_ABANDON:
        break;
    }
}
