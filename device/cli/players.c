/*
 * Playing devices.
 */
#include "device/cli/players.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "iothub/json.h"

/* A method whose answer is kept back. */
struct late_answer {
    struct deadline deadline;
    struct player *player;
    uint64_t request_id;
    const struct rule *rule;
};

static const struct rule unknown = {NULL, 404, NULL};

/* One line to stdout, with the device's name before it when there are several. */
static void say(const struct player *player, const char *text)
{
    if (player->players->n_items > 1) {
        (void)printf("[%s] %s\n", player->name, text);
    } else {
        (void)puts(text);
    }
}

/* JSON on one line; what is not JSON becomes a JSON string. */
static void put_line(struct buf *out, struct slice json)
{
    json_t *value = json_parse(json, NULL);
    if (value == NULL) {
        json_put_string(out, json);
    } else {
        json_put(out, value);
    }
    json_decref(value);
}

static void on_up(struct player *player)
{
    struct players *players = player->players;
    log_info("%s: connected", player->name);
    if (!player->was_up) {
        player->was_up = true;
        players->n_up++;
        if (players->values->telemetry_every_ms != 0) {
            deadline_set(&players->telemetry, &player->telemetry, app_now_ms());
        }
    }
}

static void on_connection(void *ctx, enum iothub_device_state state, enum iothub_status status,
                          const char *text)
{
    struct player *player = ctx;
    struct players *players = player->players;
    if (state != IOTHUB_DEVICE_CONNECTING) {
        ramp_settle(&players->ramp, &player->is_opening);
    }
    switch (state) {
    case IOTHUB_DEVICE_CONNECTED:
        on_up(player);
        break;
    case IOTHUB_DEVICE_WAITING:
        (void)snprintf(players->reason, sizeof(players->reason), "%s", text);
        log_warning("%s: %s", player->name, text);
        break;
    case IOTHUB_DEVICE_IDLE:
        if (status != IOTHUB_OK) {
            cli_complain(players->call, "%s: %s", player->name, text);
            players->has_failed = true;
            break;
        }
        log_info("%s: %s", player->name, text);
        break;
    case IOTHUB_DEVICE_CONNECTING:
    case IOTHUB_DEVICE_LEAVING:
        log_info("%s: %s", player->name, text);
        break;
    }
}

static void announce_method(const struct player *player,
                            const struct iothub_device_method *method, const struct rule *rule)
{
    if (rule_is_lock_door(rule)) {
        say(player, "Locking Door!");
        return;
    }
    struct buf line;
    buf_init(&line, BUF_CAP_OWN);
    buf_put_text(&line, rule == &unknown ? "Unknown direct method " : "Direct method ");
    json_put_string(&line, slice_of(method->name));
    buf_put_text(&line, " called");
    if (method->payload_len != 0) {
        buf_put_text(&line, " with ");
        put_line(&line, slice_make(method->payload, method->payload_len));
    }
    say(player, buf_text(&line));
    buf_finish(&line);
}

static const char *payload_of(const struct rule *rule)
{
    return rule == &unknown ? "{\"message\": \"The device does not know this method.\"}"
                            : rule->payload;
}

static enum iothub_device_answering on_method(void *ctx,
                                              const struct iothub_device_method *method,
                                              struct iothub_device_answer *answer)
{
    struct player *player = ctx;
    struct players *players = player->players;
    const struct rule *rule = rules_find(&players->rules, method->name);
    rule = rule == NULL ? &unknown : rule;
    announce_method(player, method, rule);
    if (players->values->method_delay_ms == 0) {
        players->n_methods++;
        *answer = (struct iothub_device_answer){rule->status, payload_of(rule)};
        return IOTHUB_DEVICE_ANSWER_NOW;
    }
    struct late_answer *late = mem_alloc(sizeof(*late));
    *late =
        (struct late_answer){.player = player, .request_id = method->request_id, .rule = rule};
    deadline_set(&players->answers, &late->deadline,
                 app_now_ms() + players->values->method_delay_ms);
    return IOTHUB_DEVICE_ANSWER_LATER;
}

static void on_desired(void *ctx, const char *patch, size_t patch_len, int64_t version)
{
    (void)version;
    struct player *player = ctx;
    struct buf line;
    buf_init(&line, BUF_CAP_OWN);
    put_line(&line, slice_make(patch, patch_len));
    if (player->players->n_items == 1) {
        say(player, "");
    }
    say(player, "Twin desired properties patch received:");
    say(player, buf_text(&line));
    buf_finish(&line);
    player->players->n_patches++;
}

/* ", with {"floor":"3"}" of what a message has besides its body. */
static void put_properties(struct buf *line, const struct iothub_device_received *message)
{
    buf_put_text(line, message->n_properties == 0 ? "" : " with {");
    for (size_t i = 0; i < message->n_properties; i++) {
        buf_put_text(line, i == 0 ? "" : ",");
        json_put_string(line, slice_of(message->properties[i].name));
        buf_put_char(line, ':');
        json_put_string_or_null(line, message->properties[i].value);
    }
    buf_put_text(line, message->n_properties == 0 ? "" : "}");
}

static void on_message(void *ctx, const struct iothub_device_received *message)
{
    struct player *player = ctx;
    struct buf line;
    buf_init(&line, BUF_CAP_OWN);
    buf_put_text(&line, "Message received: ");
    put_line(&line, slice_make(message->payload, message->payload_len));
    put_properties(&line, message);
    say(player, buf_text(&line));
    buf_finish(&line);
    player->players->n_messages++;
}

static int make_player(struct players *players, size_t i)
{
    int code = app_make_client(players->call, &players->roster, i,
                               i == 0 ? NULL : players->clients[0], &players->clients[i]);
    if (code != CLI_DONE) {
        return code;
    }
    struct player *player = &players->items[i];
    *player = (struct player){
        .players = players, .client = players->clients[i], .name = players->roster.names[i]};
    players->n_items++;
    iothub_device_on_connection(player->client, on_connection, player);
    iothub_device_on_method(player->client, on_method, player);
    iothub_device_on_desired(player->client, on_desired, player);
    if (players->values->takes_messages) {
        iothub_device_on_message(player->client, on_message, player);
    }
    return CLI_DONE;
}

static int parse_rules(struct players *players)
{
    struct buf error;
    buf_init(&error, BUF_CAP_OWN);
    bool is_good = rules_parse(&players->values->methods, &error, &players->rules);
    if (!is_good) {
        cli_complain(players->call, "--method %s", buf_text(&error));
    }
    buf_finish(&error);
    return is_good ? CLI_DONE : CLI_WRONG;
}

int players_init(struct players *players, const struct cli_call *call)
{
    *players = (struct players){.call = call, .values = call->values};
    int code = parse_rules(players);
    if (code == CLI_DONE) {
        code = roster_init(call, ROSTER_MQTT, &players->roster);
    }
    if (code == CLI_DONE) {
        code = app_allow_clients(call, players->roster.n_devices);
    }
    if (code != CLI_DONE) {
        return code;
    }
    players->clients = mem_array(players->roster.n_devices, sizeof(struct iothub_device *));
    players->items = mem_array(players->roster.n_devices, sizeof(*players->items));
    for (size_t i = 0; i < players->roster.n_devices; i++) {
        code = make_player(players, i);
        if (code != CLI_DONE) {
            return code;
        }
    }
    players->ramp.n_clients = players->n_items;
    return app_open_loop(call, &players->loop, players->clients, players->n_items);
}

static struct late_answer *pop_answer(struct players *players, int64_t now_ms)
{
    struct deadline *due = deadline_heap_pop_due(&players->answers, now_ms);
    return due == NULL ? NULL : CONTAINER_OF(due, struct late_answer, deadline);
}

void players_finish(struct players *players)
{
    if (players == NULL) {
        return;
    }
    struct late_answer *late = pop_answer(players, INT64_MAX);
    while (late != NULL) {
        free(late);
        late = pop_answer(players, INT64_MAX);
    }
    loop_finish(&players->loop);
    for (size_t i = 0; i < players->n_items; i++) {
        iothub_device_destroy(players->clients[i]);
    }
    deadline_heap_finish(&players->telemetry);
    deadline_heap_finish(&players->answers);
    free(players->clients);
    free(players->items);
    rules_finish(&players->rules);
    roster_finish(&players->roster);
    *players = (struct players){0};
}

static size_t number_of(const struct player *player)
{
    return (size_t)(player - player->players->items);
}

static void connect_some(struct players *players)
{
    size_t which = 0;
    while (ramp_next(&players->ramp, &which)) {
        players->items[which].is_opening = true;
        loop_touch(&players->loop, which);
        if (iothub_device_connect(players->clients[which]) != IOTHUB_OK) {
            players->has_failed = true;
        }
    }
}

static void put_reading(struct buf *out, const struct player *player)
{
    unsigned tenths = (unsigned)(random_u64() % 100);
    buf_putf(out, "{\"messageId\":%lld,\"temperature\":%u.%u}",
             (long long)player->n_messages + 1, 20 + tenths / 10, tenths % 10);
}

static bool is_json(struct slice text)
{
    json_t *value = json_parse(text, NULL);
    bool is_json = value != NULL;
    json_decref(value);
    return is_json;
}

static void send_reading(struct player *player)
{
    const char *given = player->players->values->telemetry_data;
    struct buf text;
    buf_init(&text, BUF_CAP_OWN);
    if (given == NULL) {
        put_reading(&text, player);
    } else {
        buf_put_text(&text, given);
    }
    const struct iothub_device_message message = {
        .payload = buf_text(&text),
        .payload_len = text.len,
        .content_type = is_json(buf_slice(&text)) ? "application/json" : "text/plain",
        .content_encoding = "utf-8",
    };
    enum iothub_status status = iothub_device_send(player->client, &message, NULL, NULL);
    loop_touch(&player->players->loop, number_of(player));
    if (status == IOTHUB_OK) {
        player->n_messages++;
    } else {
        log_warning("%s: a message was not sent: %s", player->name, iothub_status_name(status));
    }
    buf_finish(&text);
}

static void send_readings(struct players *players, int64_t now_ms)
{
    struct deadline *due = deadline_heap_pop_due(&players->telemetry, now_ms);
    while (due != NULL) {
        struct player *player = CONTAINER_OF(due, struct player, telemetry);
        send_reading(player);
        deadline_set(&players->telemetry, due, now_ms + players->values->telemetry_every_ms);
        due = deadline_heap_pop_due(&players->telemetry, now_ms);
    }
}

static void answer_late(struct players *players, int64_t now_ms)
{
    struct late_answer *late = pop_answer(players, now_ms);
    while (late != NULL) {
        enum iothub_status status = iothub_device_method_answer(
            late->player->client, late->request_id, late->rule->status, payload_of(late->rule));
        loop_touch(&players->loop, number_of(late->player));
        if (status != IOTHUB_OK) {
            log_warning("%s: nobody waits for a method's answer any more", late->player->name);
        }
        players->n_methods++;
        free(late);
        late = pop_answer(players, now_ms);
    }
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int players_turn(struct players *players, int64_t until_ms)
{
    int64_t due_ms = earlier(deadline_heap_next_ms(&players->telemetry),
                             deadline_heap_next_ms(&players->answers));
    connect_some(players);
    int result = loop_turn(&players->loop, earlier(due_ms, until_ms));
    if (result != 0) {
        cli_complain(players->call, "cannot wait: %s", strerror(-result));
        return CLI_FAILED;
    }
    int64_t now_ms = app_now_ms();
    answer_late(players, now_ms);
    send_readings(players, now_ms);
    return CLI_DONE;
}
