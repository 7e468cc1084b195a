/*
 * The devices' side of the work, and the waiting.
 */
#include "reliability/load.h"

#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "iothub/json.h"

enum {
    ACKED_MAX_BYTES = 4 * 1024 * 1024,
    TEXT_SIZE = 256,
    LEAVE_ONE_IN = 8, /* messages */
    REPORT_ONE_IN = 4,
    BULK = 100, /* IoT Hub's limit for one request */
};

void load_note_refusal(struct load *load, const char *what, int status, struct slice text)
{
    load->n_refused++;
    snprintf(load->refusal, sizeof(load->refusal), "%s: %d %.*s", what, status,
             (int)(text.len < 160 ? text.len : 160), text.data);
}

/* ---- making devices ---- */

static void name_device(struct load_device *device, int index, const char *key)
{
    *device = (struct load_device){.index = index, .acked = {.cap = ACKED_MAX_BYTES}};
    snprintf(device->id, sizeof(device->id), "d%d", index);
    snprintf(device->connection_string, sizeof(device->connection_string),
             "HostName=127.0.0.1;DeviceId=%s;SharedAccessKey=%s", device->id, key);
}

/* A hundred at once. */
static void create_devices(struct load *load, struct http_peer *peer, int from, int to)
{
    static const char key[] = "bG9hZGxvYWRsb2FkbG9hZA==";
    struct buf body = {.cap = BUF_CAP_OWN};
    buf_put_text(&body, "[");
    for (int i = from; i < to; i++) {
        struct load_device *device = &load->devices[i];
        name_device(device, i, key);
        buf_putf(&body,
                 "%s{\"id\":\"%s\",\"importMode\":\"create\",\"tags\":"
                 "{\"isLoaded\":true},\"authentication\":"
                 "{\"type\":\"sas\",\"symmetricKey\":{\"primaryKey\":\"%s\","
                 "\"secondaryKey\":\"%s\"}}}",
                 i == from ? "" : ",", device->id, key, key);
    }
    buf_put_text(&body, "]");
    http_peer_ask(peer, "POST", "/devices", buf_text(&body), 200);
    buf_finish(&body);
}

void load_init(struct load *load, struct emulator *e, struct chance chance, int n_devices)
{
    struct http_peer peer;
    *load = (struct load){.e = e, .chance = chance, .n_devices = n_devices, .window = 16};
    load->devices = mem_array((size_t)n_devices, sizeof(*load->devices));
    http_peer_open(&peer, e);
    for (int i = 0; i < n_devices; i += BULK) {
        create_devices(load, &peer, i, i + BULK < n_devices ? i + BULK : n_devices);
    }
    http_peer_close(&peer);
}

void load_finish(struct load *load)
{
    for (int i = 0; i < load->n_devices; i++) {
        load_drop_device(&load->devices[i]);
        buf_finish(&load->devices[i].acked);
    }
    for (int i = 0; i < LOAD_ROLES; i++) {
        if (load->callers[i].is_open) {
            http_peer_close(&load->callers[i].peer);
        }
    }
    for (int i = 0; i < load->n_jobs; i++) {
        free(load->jobs[i].n_calls);
    }
    free(load->devices);
}

/* ---- connecting ---- */

void load_connect_device(struct load *load, struct load_device *device)
{
    static const char *const filters[] = {"$iothub/twin/res/#", "$iothub/methods/POST/#",
                                          "$iothub/twin/PATCH/properties/desired/#"};
    mqtt_peer_open(&device->peer, load->e, device->connection_string);
    device->is_connected = true;
    device->n_window = 0;
    device->reports = false;
    device->n_left = 0;
    for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
        mqtt_peer_subscribe(&device->peer, filters[i]);
    }
    /* Not waited for: what waited in the queue comes right behind the SUBACK. */
    char filter[TEXT_SIZE];
    struct buf packet = {.cap = TEXT_SIZE};
    snprintf(filter, sizeof(filter), "devices/%s/messages/devicebound/#", device->id);
    mqtt_put_subscribe(&packet, ++device->peer.last_id,
                       &(struct mqtt_filter){.topic = slice_of(filter), .qos = 1}, 1);
    assert_true(line_send(&device->peer.line, buf_slice(&packet)));
    buf_finish(&packet);
}

void load_open_callers(struct load *load)
{
    for (int i = 0; i < LOAD_ROLES; i++) {
        load->callers[i] = (struct load_caller){.role = (enum load_role)i, .is_open = true};
        http_peer_open(&load->callers[i].peer, load->e);
    }
}

void load_connect(struct load *load)
{
    load_open_callers(load);
    for (int i = 0; i < load->n_devices; i++) {
        load_connect_device(load, &load->devices[i]);
    }
}

void load_drop_device(struct load_device *device)
{
    if (device->is_connected) {
        device->is_connected = false;
        mqtt_peer_close(&device->peer);
    }
}

/* ---- sending ---- */

static bool publish(struct load_device *device, const char *topic, const char *text, int number)
{
    uint16_t id = mqtt_peer_publish(&device->peer, topic, text);
    if (id == 0) {
        return false;
    }
    device->window[device->n_window++] = (struct load_packet){id, number};
    return true;
}

static void send_event(struct load *load, struct load_device *device)
{
    char topic[TEXT_SIZE];
    char text[TEXT_SIZE];
    int number = ++device->n_events;
    snprintf(topic, sizeof(topic), "devices/%s/messages/events/", device->id);
    snprintf(text, sizeof(text), "{\"device\":%d,\"number\":%d}", device->index, number);
    if (!load->is_bounded) {
        buf_put(&device->acked, "", 1);
        assert_false(device->acked.failed);
    }
    (void)!publish(device, topic, text, number);
}

static void send_report(struct load_device *device)
{
    char topic[TEXT_SIZE];
    char text[TEXT_SIZE];
    int number = ++device->reported;
    snprintf(topic, sizeof(topic), "$iothub/twin/PATCH/properties/reported/?$rid=%d", number);
    snprintf(text, sizeof(text), "{\"number\":%d}", number);
    device->reports = publish(device, topic, text, 0);
}

void load_act(struct load *load, struct load_device *device)
{
    if (!device->is_connected || device->n_window + 1 >= load->window) {
        return;
    }
    if (!device->reports && chance_one_in(&load->chance, REPORT_ONE_IN)) {
        send_report(device);
    } else {
        send_event(load, device);
    }
}

/* ---- taking ---- */

static void on_puback(struct load *load, struct load_device *device, uint16_t packet_id)
{
    int at = 0;
    while (at < device->n_window && device->window[at].packet_id != packet_id) {
        at++;
    }
    assert_true(at < device->n_window); /* else it acknowledges what was not sent, or twice */
    int number = device->window[at].number;
    device->n_window--;
    memmove(&device->window[at], &device->window[at + 1],
            (size_t)(device->n_window - at) * sizeof(device->window[0]));
    if (number != 0) {
        assert_true(number > device->last_acked);
        device->last_acked = number;
        load->n_acked++;
        if (!load->is_bounded) {
            device->acked.data[number - device->n_checked - 1] = 1;
        }
    }
}

static int64_t number_after(struct slice text, const char *name)
{
    int64_t number = 0;
    const char *found = memmem(text.data, text.len, name, strlen(name));
    assert_non_null(found);
    struct slice rest = slice_from(text, (size_t)(found - text.data) + strlen(name));
    size_t len = 0;
    while (len < rest.len && rest.data[len] >= '0' && rest.data[len] <= '9') {
        len++;
    }
    assert_true(slice_to_i64(slice_make(rest.data, len), &number));
    return number;
}

static void on_twin_answer(struct load *load, struct load_device *device,
                           const struct mqtt_publish *publish_)
{
    device->reports = false;
    if (!slice_starts_with(publish_->topic, SLICE("$iothub/twin/res/204/"))) {
        load_note_refusal(load, "reported", 0, publish_->payload);
        return;
    }
    device->reported_acked = (int)number_after(publish_->topic, "$rid=");
    load->n_reported++;
}

/* {"job":7} of a job, {"job":-1} of a call. */
static void on_method(struct load *load, struct load_device *device,
                      const struct mqtt_publish *call)
{
    char topic[TEXT_SIZE];
    struct buf packet = {.cap = TEXT_SIZE};
    const char *rid = memmem(call->topic.data, call->topic.len, "$rid=", 5);
    assert_non_null(rid);
    if (slice_starts_with(call->topic, SLICE("$iothub/methods/POST/job/"))) {
        int64_t job = number_after(call->payload, "\"job\":");
        assert_in_range(job, 0, load->n_jobs - 1);
        if (load->jobs[job].n_calls != NULL) {
            load->jobs[job].n_calls[device->index]++;
        }
    }
    load->n_called++;
    snprintf(topic, sizeof(topic), "$iothub/methods/res/200/?%.*s",
             (int)(call->topic.len - (size_t)(rid - call->topic.data)), rid);
    mqtt_put_publish(&packet, &(struct mqtt_publish){.topic = slice_of(topic),
                                                     .payload = SLICE("{\"is\":\"done\"}")});
    (void)!line_send(&device->peer.line, buf_slice(&packet));
    buf_finish(&packet);
}

static void on_mail(struct load *load, struct load_device *device,
                    const struct mqtt_publish *message)
{
    int64_t number = number_after(message->payload, "\"mail\":");
    assert_in_range(number, 0, load->is_bounded ? LOAD_MAILS_MAX - 1 : load->n_mails - 1);
    struct load_mail *mail = &load->mails[number];
    assert_true(load->is_bounded || mail->device == device->index);
    mail->n_now++;
    load->n_taken++;
    if (!load->is_quiet && device->n_left < LOAD_LEFT_MAX &&
        chance_one_in(&load->chance, LEAVE_ONE_IN)) {
        device->n_left++;
        return;
    }
    struct buf packet = {.cap = TEXT_SIZE};
    mqtt_put_ack(&packet, MQTT_PUBACK, message->packet_id);
    mail->is_answered = line_send(&device->peer.line, buf_slice(&packet)) || mail->is_answered;
    mail->settled_before = device->n_events + 1;
    buf_finish(&packet);
}

static void on_publish(struct load *load, struct load_device *device,
                       const struct mqtt_publish *message)
{
    if (slice_starts_with(message->topic, SLICE("$iothub/twin/res/"))) {
        on_twin_answer(load, device, message);
    } else if (slice_starts_with(message->topic, SLICE("$iothub/methods/POST/"))) {
        on_method(load, device, message);
    } else if (slice_starts_with(message->topic, SLICE("$iothub/twin/PATCH/"))) {
        device->desired = (int)number_after(message->payload, "\"number\":");
    } else {
        on_mail(load, device, message);
    }
}

static void take_packets(struct load *load, struct load_device *device)
{
    struct mqtt_packet packet;
    while (mqtt_peer_look(&device->peer, &packet)) {
        switch (packet.type) {
        case MQTT_PUBACK:
            on_puback(load, device, packet.packet_id);
            break;
        case MQTT_PUBLISH:
            on_publish(load, device, &packet.publish);
            break;
        case MQTT_SUBACK:
            break;
        default:
            fail_msg("%s came unasked", mqtt_packet_name(packet.type));
        }
    }
}

static void take_from_device(struct load *load, struct load_device *device)
{
    bool is_there = line_take(&device->peer.line);
    take_packets(load, device);
    if (!is_there) {
        load_drop_device(device);
    }
}

static void take_from_caller(struct load *load, struct load_caller *caller)
{
    bool is_there = line_take(&caller->peer.line);
    load_take_answers(load, caller);
    if (!is_there) {
        caller->is_open = false;
        http_peer_close(&caller->peer);
    }
}

void load_take(struct load *load, int wait_ms)
{
    int n = load->n_devices + LOAD_ROLES;
    struct pollfd *fds = mem_array((size_t)n, sizeof(*fds));
    for (int i = 0; i < load->n_devices; i++) {
        const struct load_device *device = &load->devices[i];
        fds[i] = (struct pollfd){device->is_connected ? device->peer.line.fd : -1, POLLIN, 0};
    }
    for (int i = 0; i < LOAD_ROLES; i++) {
        const struct load_caller *caller = &load->callers[i];
        fds[load->n_devices + i] =
            (struct pollfd){caller->is_open ? caller->peer.line.fd : -1, POLLIN, 0};
    }
    (void)!poll(fds, (nfds_t)n, wait_ms);
    (void)scene_turn(load->e->scene, 0); /* what the emulator logs must not fill its pipe */
    for (int i = 0; i < load->n_devices; i++) {
        if (fds[i].revents != 0) {
            take_from_device(load, &load->devices[i]);
        }
    }
    for (int i = 0; i < LOAD_ROLES; i++) {
        if (fds[load->n_devices + i].revents != 0) {
            take_from_caller(load, &load->callers[i]);
        }
    }
    free(fds);
}

static void go_on(struct load *load, int wait_ms)
{
    load_ask(load);
    for (int i = 0; i < load->n_devices; i++) {
        for (int n = 0; n < load->window; n++) {
            load_act(load, &load->devices[i]);
        }
    }
    load_take(load, wait_ms);
}

void load_run(struct load *load, int64_t until_ms)
{
    int64_t left_ms = 0;
    while ((left_ms = until_ms - scene_now_ms()) > 0) {
        go_on(load, left_ms < 10 ? (int)left_ms : 10);
    }
}

static bool is_any_open(const struct load *load)
{
    bool is_open = false;
    for (int i = 0; i < load->n_devices; i++) {
        is_open = is_open || load->devices[i].is_connected;
    }
    for (int i = 0; i < LOAD_ROLES; i++) {
        is_open = is_open || load->callers[i].is_open;
    }
    return is_open;
}

void load_run_to_end(struct load *load)
{
    int64_t until_ms = scene_now_ms() + SCENE_DEADLINE_MS;
    while (is_any_open(load)) {
        if (scene_now_ms() > until_ms) {
            fail_msg("%s", "the emulator goes on");
        }
        go_on(load, 10);
    }
}

/* What was sent before the end is in the sockets and counts. */
void load_hear_out(struct load *load)
{
    for (int i = 0; i < load->n_devices; i++) {
        struct load_device *device = &load->devices[i];
        while (device->is_connected) {
            take_from_device(load, device);
        }
    }
    for (int i = 0; i < LOAD_ROLES; i++) {
        while (load->callers[i].is_open) {
            take_from_caller(load, &load->callers[i]);
        }
    }
}
