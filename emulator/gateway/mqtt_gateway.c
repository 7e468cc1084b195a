/*
 * MQTT events become calls of the hub, and the hub's answers become packets.
 * Source: IoT Hub documentation, "Communicate with your IoT hub using the MQTT protocol".
 */
#include "gateway/mqtt_gateway.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/coding.h"
#include "base/log.h"
#include "base/mem.h"
#include "gateway/fault.h"
#include "gateway/mqtt_session.h"
#include "gateway/mqtt_topics.h"
#include "gateway/mqtt_user_name.h"
#include "gateway/tracking.h"
#include "iothub/json.h"
#include "iothub/limits.h"
#include "iothub/topics.h"
#include "mqtt/engine.h"

enum {
    CONNECT_MAX_BYTES = LIMIT_MQTT_CONNECT_BYTES,
    OUT_MAX_BYTES = LIMIT_MQTT_OUT_BYTES, /* a client that lets more pile up is not reading */
    WINDOW = MQTT_WINDOW,
    TOPIC_MAX = 512,
    REMOTE_MAX = 64,
};

struct mqtt_client {
    struct hub *hub;
    struct hub_peer peer;
    struct mqtt_engine engine;
    struct mqtt_session session;
    bool keeps_session;
    bool allows_faults;
    struct fault_course faults;
    bool is_over;
    bool is_cut;
    bool is_feeding;
    bool has_waiting; /* the hub has a message for which there was no room */
    char remote[REMOTE_MAX];
    struct hub_certificate *certificate; /* NULL: none was shown */
    void (*wake)(void *owner);
    void *owner;
};

static struct mqtt_client *client_of(struct hub_peer *peer)
{
    return CONTAINER_OF(peer, struct mqtt_client, peer);
}

/* Devices are named in the log as "device" or "device/module". */
static const char *name_of(const struct mqtt_client *client)
{
    return client->peer.key[0] == '\0' ? "(not authenticated)" : client->peer.key;
}

static void wake(struct mqtt_client *client)
{
    if (!client->is_feeding) {
        client->wake(client->owner);
    }
}

/* MQTT has no error packet: what the hub refuses ends the connection. */
static void hang_up(struct mqtt_client *client, const char *why)
{
    if (!client->is_over) {
        log_info("%s: closing the connection from %s: %s", name_of(client), client->remote,
                 why);
        client->is_over = true;
    }
    wake(client);
}

/* ---- what the hub wants of a device
 * ---------------------------------------------------------- */

/* Everything but cloud-to-device messages goes with QoS 0: nothing of it is worth a second try.
 */
static enum hub_taken send_plain(struct mqtt_client *client, struct slice topic,
                                 struct slice payload)
{
    struct mqtt_message message = {
        .topic = &topic, .n_topic = 1, .payload = &payload, .n_payload = 1};
    if (client->is_over || mqtt_engine_publish(&client->engine, &message, 0) != MQTT_SEND_OK) {
        return HUB_FULL;
    }
    wake(client);
    return HUB_TAKEN;
}

static bool wants(const struct mqtt_client *client, enum mqtt_feature feature,
                  struct slice topic)
{
    uint8_t qos = 0;
    return mqtt_session_wants(&client->session, feature, topic, &qos);
}

static enum hub_taken on_method(struct hub_peer *peer, uint64_t call, struct slice name,
                                struct slice payload)
{
    char text[TOPIC_MAX];
    struct mqtt_client *client = client_of(peer);
    /* Exactly this form: the C and C# SDKs cut the topic at fixed places. */
    int len = snprintf(text, sizeof(text), TOPIC_METHOD_POST "%.*s/" TOPIC_RID "%" PRIx64,
                       SLICE_ARG(name), call);
    struct slice topic = slice_make(text, (size_t)len);
    if (!wants(client, MQTT_FEATURE_METHODS, topic)) {
        return HUB_UNWANTED;
    }
    return send_plain(client, topic, payload);
}

static enum hub_taken on_desired(struct hub_peer *peer, struct slice patch, int64_t version)
{
    char text[TOPIC_MAX];
    struct mqtt_client *client = client_of(peer);
    int len =
        snprintf(text, sizeof(text), TOPIC_TWIN_DESIRED "?" TOPIC_VERSION "%" PRId64, version);
    struct slice topic = slice_make(text, (size_t)len);
    if (!wants(client, MQTT_FEATURE_DESIRED, topic)) {
        return HUB_UNWANTED;
    }
    return send_plain(client, topic, patch);
}

/*
 * A message has a PUBACK to wait for when the subscription grants one; else it is done with as
 * soon as it is written.  Marked as a repetition [MQTT-3.3.1-1] once the device may have seen
 * it.
 */
static enum hub_taken on_message(struct hub_peer *peer, const struct hub_message *message)
{
    char text[TOPIC_MAX];
    uint8_t qos = 0;
    struct mqtt_client *client = client_of(peer);
    if (!mqtt_session_wants_message(&client->session, hub_peer_id(peer), message->properties,
                                    &qos)) {
        return HUB_UNWANTED;
    }
    int len =
        snprintf(text, sizeof(text), TOPIC_DEVICES "%s" TOPIC_DEVICEBOUND, peer->device_id);
    const struct slice topic[] = {slice_make(text, (size_t)len), message->properties};
    const struct mqtt_message publish = {
        .topic = topic,
        .n_topic = ARRAY_LEN(topic),
        .payload = &message->body,
        .n_payload = 1,
        .qos = qos,
        .dup = message->was_sent,
    };
    if (client->is_over ||
        mqtt_engine_publish(&client->engine, &publish, (uint64_t)message->id) != MQTT_SEND_OK) {
        client->has_waiting = true;
        return HUB_FULL;
    }
    wake(client);
    return qos == 0 ? HUB_DONE : HUB_TAKEN;
}

static void on_close(struct hub_peer *peer, enum iothub_status why)
{
    hang_up(client_of(peer), iothub_status_name(why));
}

static const struct hub_peer_ops peer_ops = {
    .method = on_method,
    .desired = on_desired,
    .message = on_message,
    .close = on_close,
};

/* ---- CONNECT
 * --------------------------------------------------------------------------------- */

static void refuse(struct mqtt_client *client, struct identity id, enum iothub_status why)
{
    /* Microsoft's C SDK documents that the hub refuses with 5 whatever the reason. */
    bool is_ours = iothub_status_http(why) >= 500;
    log_warning("%.*s%s%.*s: connection from %s refused: %s", SLICE_ARG(id.device_id),
                identity_is_module(id) ? "/" : "", SLICE_ARG(id.module_id), client->remote,
                iothub_status_name(why));
    mqtt_engine_refuse(&client->engine,
                       is_ours ? MQTT_CONNACK_UNAVAILABLE : MQTT_CONNACK_NOT_AUTHORIZED);
    client->is_over = true;
}

static void tell_interests(struct mqtt_client *client)
{
    unsigned interests = 0;
    if (mqtt_session_has(&client->session, MQTT_FEATURE_METHODS)) {
        interests |= HUB_WANTS_METHODS;
    }
    if (mqtt_session_has(&client->session, MQTT_FEATURE_DESIRED)) {
        interests |= HUB_WANTS_DESIRED;
    }
    if (mqtt_session_has(&client->session, MQTT_FEATURE_MESSAGES)) {
        interests |= HUB_WANTS_MESSAGES;
    }
    hub_peer_want(client->hub, &client->peer, interests);
}

static enum iothub_status save_session(struct mqtt_client *client)
{
    struct buf text = {.cap = BUF_CAP_OWN};
    if (client->keeps_session) {
        mqtt_session_write(&client->session, &text);
    }
    enum iothub_status status =
        hub_session_save(client->hub, hub_peer_id(&client->peer), buf_slice(&text));
    buf_finish(&text);
    return status;
}

/* Take up what an earlier connection left, or make an end of it. */
static enum iothub_status open_session(struct mqtt_client *client, bool is_clean,
                                       bool *is_present)
{
    struct identity id = hub_peer_id(&client->peer);
    struct buf stored = {.cap = BUF_CAP_OWN};
    enum iothub_status status = hub_session_load(client->hub, id, &stored);
    client->keeps_session = !is_clean;
    *is_present = !is_clean && stored.len != 0;
    if (status == IOTHUB_OK && *is_present) {
        mqtt_session_read(&client->session, buf_slice(&stored), id);
    } else if (status == IOTHUB_OK && is_clean == (stored.len != 0)) {
        status = save_session(client);
    }
    buf_finish(&stored);
    return status;
}

static enum iothub_status authenticate(struct mqtt_client *client,
                                       const struct mqtt_connect *connect,
                                       struct mqtt_user_name *user, struct buf *scratch)
{
    struct hub_principal principal = {0};
    if (!mqtt_user_name_parse(connect->user_name, scratch, user) ||
        !mqtt_client_id_matches(connect->client_id, user->id) ||
        !hub_is_named(client->hub, user->host)) {
        return IOTHUB_UNAUTHORIZED;
    }
    enum iothub_status status = hub_authenticate_identity(
        client->hub, user->id, connect->password, client->certificate, &principal);
    return status != IOTHUB_OK ? status
                               : hub_peer_attach(client->hub, &client->peer, user->id,
                                                 &principal, user->model_id);
}

static void on_connect(struct mqtt_client *client, const struct mqtt_connect *connect,
                       int64_t now_ms)
{
    struct mqtt_user_name user = {0};
    struct buf scratch = {.cap = CONNECT_MAX_BYTES};
    bool is_present = false;
    enum iothub_status status = authenticate(client, connect, &user, &scratch);
    buf_finish(&scratch);
    if (status == IOTHUB_OK) {
        status = open_session(client, connect->clean_session, &is_present);
    }
    if (status != IOTHUB_OK) {
        hub_peer_detach(client->hub, &client->peer);
        refuse(client, user.id, status);
        return;
    }
    log_info("%s: connected from %s", name_of(client), client->remote);
    mqtt_engine_accept(&client->engine, is_present, now_ms);
    tell_interests(client);
}

/* ---- PUBLISH
 * --------------------------------------------------------------------------------- */

/* Names from edge hub's settings: the hub does not sort repeats out, it marks them. */
static void add_marks(struct property_bag *bag, const struct mqtt_publish *publish,
                      bool is_will)
{
    if (publish->dup) {
        property_bag_add(bag, SLICE("mqtt-dup"), SLICE("true"));
    }
    if (publish->retain) {
        property_bag_add(bag, SLICE("mqtt-retain"), SLICE("true"));
    }
    if (is_will) {
        property_bag_add(bag, SLICE("iothub-MessageType"), SLICE("Will"));
    }
}

/* The message is no event, it asks for a fault; out_acks says whether it is acknowledged. */
static bool take_fault(struct mqtt_client *client, const struct message *message,
                       const struct mqtt_publish *publish, bool *out_acks)
{
    struct fault fault;
    if (!client->allows_faults || !fault_read(message, &fault)) {
        return false;
    }
    int64_t now_ms = hub_now(client->hub).now_ms;
    *out_acks = fault_course_take(&client->faults, &fault, publish->dup, now_ms);
    return true;
}

static enum iothub_status send_event(struct mqtt_client *client, struct slice bag_text,
                                     const struct mqtt_publish *publish, bool is_will,
                                     bool *out_acks)
{
    struct property_bag bag = {0};
    struct message message;
    enum iothub_status status = IOTHUB_MESSAGE_TOO_LARGE;
    if (property_bag_decode(&bag, bag_text)) {
        add_marks(&bag, publish, is_will);
        message_from_bag(&bag, publish->payload, &message);
        struct hub_sender sender = hub_sender_of_peer(&client->peer);
        status = take_fault(client, &message, publish, out_acks)
                     ? IOTHUB_OK
                     : hub_event_send(client->hub, &sender, &message);
    }
    property_bag_finish(&bag);
    return status;
}

/* A twin request's answer; a client that did not subscribe to its topic gets none. */
static void answer_twin(struct mqtt_client *client, struct slice rid, const char *status,
                        const char *extra, struct slice body)
{
    struct buf text = {.cap = BUF_CAP_OWN};
    buf_put_text(&text, TOPIC_TWIN_RES);
    buf_put_text(&text, status);
    buf_put_text(&text, "/" TOPIC_RID);
    buf_put_slice(&text, rid);
    buf_put_text(&text, extra);
    struct slice topic = buf_slice(&text);
    if (wants(client, MQTT_FEATURE_TWIN_ANSWERS, topic) &&
        send_plain(client, topic, body) != HUB_TAKEN) {
        hang_up(client, "it does not read its answers");
    }
    buf_finish(&text);
}

static void answer_twin_error(struct mqtt_client *client, struct slice rid,
                              enum iothub_status status)
{
    char http[16];
    struct buf body = {.cap = BUF_CAP_OWN};
    snprintf(http, sizeof(http), "%d", iothub_status_http(status));
    /* The Node SDK goes by the body's errorCode, not by the topic. */
    tracking_put_error(&body, status, hub_error_text(client->hub), hub_now(client->hub).at_ms);
    answer_twin(client, rid, http, "", buf_slice(&body));
    buf_finish(&body);
}

static void on_twin_get(struct mqtt_client *client, struct slice rid)
{
    struct buf body = {.cap = BUF_CAP_OWN};
    enum iothub_status status =
        hub_twin_get_own(client->hub, hub_peer_id(&client->peer), &body);
    if (status == IOTHUB_OK) {
        answer_twin(client, rid, "200", "", buf_slice(&body));
    } else {
        answer_twin_error(client, rid, status);
    }
    buf_finish(&body);
}

static void on_twin_reported(struct mqtt_client *client, struct slice rid, struct slice patch)
{
    char extra[64];
    int64_t version = 0;
    enum iothub_status status =
        hub_twin_report(client->hub, hub_peer_id(&client->peer), patch, &version);
    if (status == IOTHUB_OK) {
        snprintf(extra, sizeof(extra), "&" TOPIC_VERSION "%" PRId64, version);
        answer_twin(client, rid, "204", extra, (struct slice){0});
    } else {
        answer_twin_error(client, rid, status);
    }
}

static void on_method_answer(struct mqtt_client *client, const struct mqtt_target *target,
                             struct slice payload)
{
    uint64_t call = 0;
    if (target->rid.len > 16) {
        return;
    }
    for (size_t i = 0; i < target->rid.len; i++) {
        int digit = hex_digit(target->rid.data[i]);
        if (digit < 0) {
            return; /* not an id of ours: as good as an unknown one */
        }
        call = call << 4 | (unsigned)digit;
    }
    hub_method_answer(client->hub, &client->peer, call, target->status, payload);
}

static void on_publish(struct mqtt_client *client, const struct mqtt_publish *publish)
{
    struct mqtt_target target;
    if (!mqtt_topic_parse(publish->topic, hub_peer_id(&client->peer), &target)) {
        hang_up(client, "it published to a topic that is not its own");
        return;
    }
    /* Acknowledgements keep their order: one that is withheld withholds all that follow. */
    bool acks = !client->faults.is_ending;
    if (target.topic == MQTT_TOPIC_EVENTS) {
        enum iothub_status status = send_event(client, target.rest, publish, false, &acks);
        if (status != IOTHUB_OK) {
            hang_up(client, iothub_status_name(status));
            return;
        }
    }
    /* Before any answer that the message causes: the C# SDK insists on the order. */
    if (publish->qos == 1 && acks) {
        mqtt_engine_ack_publish(&client->engine, publish->packet_id);
    } else if (publish->qos == 1) {
        mqtt_engine_skip_ack(&client->engine, publish->packet_id);
    }
    switch (target.topic) {
    case MQTT_TOPIC_EVENTS:
        break;
    case MQTT_TOPIC_TWIN_GET:
        on_twin_get(client, target.rid);
        break;
    case MQTT_TOPIC_TWIN_REPORTED:
        on_twin_reported(client, target.rid, publish->payload);
        break;
    case MQTT_TOPIC_METHOD_ANSWER:
        on_method_answer(client, &target, publish->payload);
        break;
    }
}

/* ---- SUBSCRIBE
 * ------------------------------------------------------------------------------- */

/* The session as it is now is stored for the next connection. */
static bool keep_session(struct mqtt_client *client)
{
    return !client->keeps_session || save_session(client) == IOTHUB_OK;
}

static void on_subscribe(struct mqtt_client *client, const struct mqtt_subscribe *subscribe)
{
    struct mqtt_filters rest = subscribe->filters;
    struct mqtt_filter filter;
    struct buf codes = {.cap = CONNECT_MAX_BYTES};
    bool is_allowed = true;
    while (is_allowed && mqtt_filters_next(&rest, &filter)) {
        enum mqtt_feature feature = MQTT_FEATURE_MESSAGES;
        uint8_t granted = filter.qos == 0 ? 0 : 1;
        is_allowed = mqtt_filter_parse(filter.topic, hub_peer_id(&client->peer), &feature) &&
                     mqtt_session_subscribe(&client->session, filter.topic, feature, granted);
        buf_put_u8(&codes, granted);
    }
    if (!is_allowed) {
        /* A developer of the service: there is no failing SUBACK, the connection ends. */
        hang_up(client, "it subscribed to what is not its own");
    } else if (keep_session(client)) {
        mqtt_engine_suback(&client->engine, subscribe->packet_id, (const uint8_t *)codes.data,
                           codes.len);
        /* What has waited for the subscription comes behind its acknowledgement. */
        tell_interests(client);
    } else {
        hang_up(client, hub_error_text(client->hub));
    }
    buf_finish(&codes);
}

static void on_unsubscribe(struct mqtt_client *client, const struct mqtt_subscribe *unsubscribe)
{
    struct mqtt_filters rest = unsubscribe->filters;
    struct mqtt_filter filter;
    while (mqtt_filters_next(&rest, &filter)) {
        mqtt_session_unsubscribe(&client->session, filter.topic);
    }
    if (keep_session(client)) {
        mqtt_engine_unsuback(&client->engine, unsubscribe->packet_id);
        tell_interests(client);
    } else {
        hang_up(client, hub_error_text(client->hub));
    }
}

/* ---- the conversation
 * ------------------------------------------------------------------------ */

static void on_event(struct mqtt_client *client, const struct mqtt_event *event, int64_t now_ms)
{
    switch (event->type) {
    case MQTT_EVENT_CONNECT:
        on_connect(client, &event->connect, now_ms);
        break;
    case MQTT_EVENT_PUBLISH:
        on_publish(client, &event->publish);
        break;
    case MQTT_EVENT_PUBACK:
        hub_peer_settle(client->hub, &client->peer, (int64_t)event->puback.tag, HUB_COMPLETED);
        break;
    case MQTT_EVENT_SUBSCRIBE:
        on_subscribe(client, &event->subscribe);
        break;
    case MQTT_EVENT_UNSUBSCRIBE:
        on_unsubscribe(client, &event->subscribe);
        break;
    case MQTT_EVENT_DISCONNECT:
        log_info("%s: disconnected", name_of(client));
        client->is_over = true;
        break;
    }
}

size_t mqtt_client_feed(struct mqtt_client *client, struct slice in, int64_t now_ms)
{
    struct mqtt_event event;
    size_t done = 0;
    size_t used = 0;
    enum wire_result result = WIRE_OK;
    client->is_feeding = true;
    while (result == WIRE_OK && !client->is_over) {
        result = mqtt_engine_next(&client->engine, slice_from(in, done), now_ms, &used, &event);
        done += used;
        if (result == WIRE_OK) {
            on_event(client, &event, now_ms);
        }
    }
    if (result == WIRE_BAD) {
        hang_up(client, client->engine.reason);
    }
    client->is_feeding = false;
    return done;
}

size_t mqtt_client_need(const struct mqtt_client *client)
{
    return client->engine.need_bytes;
}

struct buf *mqtt_client_out(struct mqtt_client *client)
{
    return &client->engine.out;
}

void mqtt_client_drained(struct mqtt_client *client)
{
    if (client->has_waiting) {
        client->has_waiting = false;
        hub_peer_ready(client->hub, &client->peer);
    }
}

bool mqtt_client_wants_room(const struct mqtt_client *client)
{
    return client->has_waiting || client->engine.wait == MQTT_WAIT_DRAIN;
}

bool mqtt_client_is_over(const struct mqtt_client *client)
{
    return client->is_over;
}

bool mqtt_client_is_cut(const struct mqtt_client *client)
{
    return client->is_cut;
}

int64_t mqtt_client_deadline_ms(const struct mqtt_client *client)
{
    int64_t own_ms = mqtt_engine_deadline(&client->engine);
    int64_t fault_ms = fault_course_due_ms(&client->faults);
    if (client->is_over) {
        return NEVER_MS;
    }
    return own_ms < fault_ms ? own_ms : fault_ms;
}

void mqtt_client_expire(struct mqtt_client *client, int64_t now_ms)
{
    if (fault_course_due_ms(&client->faults) <= now_ms && !client->is_over) {
        client->is_cut = client->faults.is_abrupt;
        hang_up(client,
                iothub_status_name(IOTHUB_CONNECTION_FORCEFULLY_CLOSED_ON_FAULT_INJECTION));
    } else if (mqtt_engine_is_expired(&client->engine, now_ms)) {
        hang_up(client, client->peer.key[0] == '\0' ? "no CONNECT arrived"
                                                    : "nothing arrived within its keep-alive");
    }
}

struct mqtt_client *mqtt_client_create(struct hub *hub, const struct mqtt_link *link,
                                       int64_t now_ms)
{
    static const struct mqtt_engine_limits limits = {
        .connect_max_bytes = CONNECT_MAX_BYTES,
        .packet_max_bytes = LIMIT_MQTT_PACKET_BYTES,
        .connect_arrival_ms = MQTT_CONNECT_ARRIVAL_S * 1000,
        .keep_alive_ceiling_ms = MQTT_KEEP_ALIVE_CEILING_S * 1000,
        .window = WINDOW,
    };
    struct mqtt_client *client = mem_alloc(sizeof(*client));
    client->hub = hub;
    client->peer.ops = &peer_ops;
    client->allows_faults = link->allows_faults;
    client->wake = link->wake;
    client->owner = link->owner;
    snprintf(client->remote, sizeof(client->remote), "%s", link->remote);
    client->certificate = link->certificate == NULL ? NULL
                                                    : hub_certificate_dup(link->certificate);
    mqtt_engine_init(&client->engine, &limits, OUT_MAX_BYTES, now_ms);
    return client;
}

/*
 * The will of a connection that ended without DISCONNECT is telemetry, if it goes where that
 * goes; also of one that had to give way to a newer one [MQTT-3.1.2-8].
 */
static void send_will(struct mqtt_client *client)
{
    struct mqtt_target target;
    bool acks = true;
    const struct mqtt_publish *will = mqtt_engine_will(&client->engine);
    if (will != NULL && mqtt_topic_parse(will->topic, hub_peer_id(&client->peer), &target) &&
        target.topic == MQTT_TOPIC_EVENTS) {
        (void)!send_event(client, target.rest, will, true, &acks);
    }
}

void mqtt_client_destroy(struct mqtt_client *client)
{
    if (client == NULL) {
        return;
    }
    send_will(client);
    hub_peer_detach(client->hub, &client->peer);
    mqtt_session_finish(&client->session);
    mqtt_engine_finish(&client->engine);
    free(client->certificate);
    free(client);
}
