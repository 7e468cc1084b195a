/*
 * Connections in a list, packets written and read.
 */
#include "hub/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/mem.h"
#include "unit/mqtt/notation.h"

static void on_wake(void *owner)
{
    struct device *d = owner;
    d->is_dirty = true;
}

struct device *device_open(struct fixture *f, const char *thumbprint)
{
    struct device *d = mem_alloc(sizeof(*d));
    d->f = f;
    buf_init(&d->in, BUF_CAP_OWN);
    buf_init(&d->heard, BUF_CAP_OWN);
    buf_init(&d->text, BUF_CAP_OWN);
    LL_APPEND(f->devices, d);
    hub_turn(f->hub, clock_read(&f->clock));
    struct hub_certificate certificate = {0};
    struct mqtt_link link = {
        .remote = "192.0.2.1:40000",
        .certificate = thumbprint == NULL ? NULL : &certificate,
        .allows_faults = f->faults != NULL,
        .wake = on_wake,
        .owner = d,
    };
    certificate.thumbprints[slice_of(thumbprint).len == 64 ? 1 : 0] = slice_of(thumbprint);
    d->client = mqtt_client_create(f->hub, &link, clock_read(&f->clock).now_ms);
    return d;
}

/* ---- what the program's loop does ------------------------------------------------------- */

static void close_connection(struct device *d)
{
    mqtt_client_destroy(d->client);
    d->client = NULL;
    d->is_dirty = false;
}

int64_t devices_deadline_ms(const struct fixture *f)
{
    const struct device *d = NULL;
    int64_t earliest_ms = NEVER_MS;
    LL_FOREACH(f->devices, d)
    {
        int64_t due_ms = d->client == NULL ? NEVER_MS : mqtt_client_deadline_ms(d->client);
        earliest_ms = due_ms < earliest_ms ? due_ms : earliest_ms;
    }
    return earliest_ms;
}

void devices_expire(struct fixture *f)
{
    struct device *d = NULL;
    int64_t now_ms = clock_read(&f->clock).now_ms;
    LL_FOREACH(f->devices, d)
    {
        if (d->client != NULL && mqtt_client_deadline_ms(d->client) <= now_ms) {
            mqtt_client_expire(d->client, now_ms);
        }
    }
}

void devices_put_out(struct fixture *f)
{
    struct device *d = NULL;
    bool has_closed = false;
    LL_FOREACH(f->devices, d)
    {
        if (!d->is_dirty) {
            continue;
        }
        d->is_dirty = false;
        struct buf *out = mqtt_client_out(d->client);
        buf_put_slice(&d->heard, buf_slice(out));
        buf_drop(out, out->len);
        d->was_cut = mqtt_client_is_cut(d->client);
        if (mqtt_client_is_over(d->client)) {
            close_connection(d);
            has_closed = true;
        }
    }
    /* A connection's end may be written too: its will. */
    assert_true(!has_closed || hub_commit(f->hub));
}

void devices_destroy(struct fixture *f)
{
    struct device *d = NULL;
    struct device *next = NULL;
    LL_FOREACH_SAFE(f->devices, d, next)
    {
        mqtt_client_destroy(d->client);
        buf_finish(&d->in);
        buf_finish(&d->heard);
        buf_finish(&d->text);
        free(d);
    }
    f->devices = NULL;
}

void device_say(struct device *d)
{
    struct moment now = clock_read(&d->f->clock);
    hub_turn(d->f->hub, now);
    assert_non_null(d->client);
    assert_false(d->in.failed);
    size_t used = mqtt_client_feed(d->client, buf_slice(&d->in), now.now_ms);
    buf_drop(&d->in, used);
    d->is_dirty = true;
    fixture_turn(d->f);
}

void device_feed(struct device *d, struct slice bytes)
{
    buf_put_slice(&d->in, bytes);
    device_say(d);
}

struct buf *device_packets(struct device *d)
{
    return &d->in;
}

/* ---- connecting ------------------------------------------------------------------------- */

static char *user_name_of(const char *id)
{
    struct buf text = {.cap = BUF_CAP_OWN};
    buf_putf(&text, HOST "/%s/?api-version=2021-04-12&DeviceClientType=test", id);
    return buf_take_text(&text);
}

static const char *password_of(struct fixture *f, const struct login *login)
{
    struct identity id = id_of(login->id);
    char *device = slice_dup(id.device_id);
    char *module = slice_dup(id.module_id);
    const char *token =
        token_of(f, device, module, login->key == NULL ? KEY_FIRST : login->key);
    free(device);
    free(module);
    return token;
}

void device_login(struct device *d, const struct login *login)
{
    const char *password = login->password == NULL ? password_of(d->f, login) : login->password;
    char *user = login->user_name == NULL ? user_name_of(login->id)
                                          : mem_dup_text(login->user_name);
    const struct mqtt_connect connect = {
        .client_id = slice_of(login->client_id == NULL ? login->id : login->client_id),
        .user_name = slice_of(user),
        .has_user_name = true,
        .password = slice_of(password),
        .has_password = password[0] != '\0',
        .keep_alive_s = login->keep_alive_s,
        .clean_session = login->is_clean,
        .has_will = login->will_topic != NULL,
        .will_topic = slice_of(login->will_topic),
        .will_payload = slice_of(login->will_payload),
    };
    mqtt_put_connect(&d->in, &connect);
    free(user);
    device_say(d);
}

struct device *device_connect(struct fixture *f, const struct login *login)
{
    struct device *d = device_open(f, login->thumbprint);
    device_login(d, login);
    return d;
}

struct device *device_online(struct fixture *f, const char *id)
{
    struct device *d = device_connect(f, &(struct login){.id = id, .is_clean = true});
    assert_heard(d, "CONNACK 0");
    return d;
}

void device_break(struct device *d)
{
    assert_non_null(d->client);
    hub_turn(d->f->hub, clock_read(&d->f->clock));
    close_connection(d);
    fixture_turn(d->f);
}

void device_leave(struct device *d)
{
    mqtt_put_simple(&d->in, MQTT_DISCONNECT);
    device_say(d);
    assert_true(device_is_closed(d));
}

bool device_is_closed(const struct device *d)
{
    return d->client == NULL;
}

/* ---- packets ---------------------------------------------------------------------------- */

void device_publish(struct device *d, const char *topic, const char *payload, uint8_t qos)
{
    mqtt_put_publish(&d->in, &(struct mqtt_publish){
                                 .topic = slice_of(topic),
                                 .payload = slice_of(payload),
                                 .qos = qos,
                                 .packet_id = qos == 0 ? 0 : ++d->last_packet_id,
                             });
    device_say(d);
}

void device_subscribe(struct device *d, const char *filter)
{
    char want[40];
    struct mqtt_filter wanted = {.topic = slice_of(filter)};
    mqtt_put_subscribe(&d->in, ++d->last_packet_id, &wanted, 1);
    device_say(d);
    (void)snprintf(want, sizeof(want), "SUBACK id %u 0x00", d->last_packet_id);
    assert_heard(d, want);
}

void device_unsubscribe(struct device *d, const char *filter)
{
    char want[40];
    struct mqtt_filter unwanted = {.topic = slice_of(filter)};
    mqtt_put_unsubscribe(&d->in, ++d->last_packet_id, &unwanted, 1);
    device_say(d);
    (void)snprintf(want, sizeof(want), "UNSUBACK id %u", d->last_packet_id);
    assert_heard(d, want);
}

void device_ping(struct device *d)
{
    mqtt_put_simple(&d->in, MQTT_PINGREQ);
    device_say(d);
}

/* The packet at the front; its bytes stay until they are dropped. */
static size_t read_front(struct device *d, struct mqtt_packet *out)
{
    size_t used = 0;
    const char *reason = NULL;
    enum wire_result result =
        mqtt_packet_read(buf_slice(&d->heard), MQTT_PACKET_MAX_BYTES, out, &used, &reason);
    if (result == WIRE_BAD) {
        print_error("the hub sent something that is no MQTT: %s\n", reason);
    }
    assert_int_equal(result, WIRE_OK);
    return used;
}

const char *device_heard(struct device *d)
{
    struct mqtt_packet packet;
    buf_reset(&d->text);
    while (d->heard.len != 0) {
        size_t used = read_front(d, &packet);
        buf_put_text(&d->text, d->text.len == 0 ? "" : "; ");
        describe_packet(&d->text, &packet);
        buf_drop(&d->heard, used);
    }
    return buf_text(&d->text);
}

void assert_heard(struct device *d, const char *want)
{
    assert_string_equal(device_heard(d), want);
}

struct mqtt_publish device_next_publish(struct device *d)
{
    struct mqtt_packet packet;
    if (d->heard.len == 0) {
        print_error("nothing came from the hub\n");
        fail();
    }
    size_t used = read_front(d, &packet);
    assert_int_equal(packet.type, MQTT_PUBLISH);
    /* The packet is kept apart, so that what follows it can be looked at meanwhile. */
    buf_reset(&d->text);
    buf_put(&d->text, d->heard.data, used);
    buf_drop(&d->heard, used);
    const char *reason = NULL;
    enum wire_result result =
        mqtt_packet_read(buf_slice(&d->text), MQTT_PACKET_MAX_BYTES, &packet, &used, &reason);
    assert_int_equal(result, WIRE_OK);
    return packet.publish;
}

void expect_publish(struct device *d, const char *topic, const char *payload)
{
    struct mqtt_publish publish = device_next_publish(d);
    assert_slice(publish.topic, topic);
    assert_slice(publish.payload, payload);
    assert_int_equal(publish.qos, 0);
    assert_false(publish.retain);
}

void device_answer(struct device *d, const char *method, int status, const char *payload)
{
    char topic[200];
    struct mqtt_publish publish = device_next_publish(d);
    struct slice rest = publish.topic;
    struct slice rid = slice_from(rest, slice_find(rest, '?'));
    (void)snprintf(topic, sizeof(topic), "$iothub/methods/POST/%s/%.*s", method,
                   SLICE_ARG(rid));
    assert_slice(publish.topic, topic);
    (void)snprintf(topic, sizeof(topic), "$iothub/methods/res/%d/%.*s", status, SLICE_ARG(rid));
    device_publish(d, topic, payload, 0);
}
