/*
 * Playing devices.
 */
#include "device/cli/fleet.h"

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
    struct member *member;
    uint64_t request_id;
    const struct rule *rule;
};

static const struct rule unknown = {NULL, 404, NULL};

/* One line to stdout, with the device's name before it when there are several. */
static void say(const struct member *member, const char *text)
{
    if (member->fleet->n_members > 1) {
        (void)printf("[%s] %s\n", member->name, text);
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

static void on_up(struct member *member)
{
    struct fleet *fleet = member->fleet;
    log_info("%s: connected", member->name);
    if (!member->was_up) {
        member->was_up = true;
        fleet->n_up++;
        if (fleet->values->telemetry_every_ms != 0) {
            deadline_set(&fleet->telemetry, &member->telemetry, app_now_ms());
        }
    }
}

static void on_connection(void *ctx, enum iothub_device_state state, enum iothub_status status,
                          const char *text)
{
    struct member *member = ctx;
    struct fleet *fleet = member->fleet;
    switch (state) {
    case IOTHUB_DEVICE_CONNECTED:
        on_up(member);
        break;
    case IOTHUB_DEVICE_WAITING:
        (void)snprintf(fleet->reason, sizeof(fleet->reason), "%s", text);
        log_warning("%s: %s", member->name, text);
        break;
    case IOTHUB_DEVICE_IDLE:
        if (status != IOTHUB_OK) {
            cli_complain(fleet->call, "%s: %s", member->name, text);
            fleet->has_failed = true;
            break;
        }
        log_info("%s: %s", member->name, text);
        break;
    case IOTHUB_DEVICE_CONNECTING:
    case IOTHUB_DEVICE_LEAVING:
        log_info("%s: %s", member->name, text);
        break;
    }
}

static void announce_method(const struct member *member,
                            const struct iothub_device_method *method, const struct rule *rule)
{
    if (rule_is_lock_door(rule)) {
        say(member, "Locking Door!");
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
    say(member, buf_text(&line));
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
    struct member *member = ctx;
    struct fleet *fleet = member->fleet;
    const struct rule *rule = rules_find(&fleet->rules, method->name);
    rule = rule == NULL ? &unknown : rule;
    announce_method(member, method, rule);
    if (fleet->values->method_delay_ms == 0) {
        fleet->n_methods++;
        *answer = (struct iothub_device_answer){rule->status, payload_of(rule)};
        return IOTHUB_DEVICE_ANSWER_NOW;
    }
    struct late_answer *late = mem_alloc(sizeof(*late));
    *late =
        (struct late_answer){.member = member, .request_id = method->request_id, .rule = rule};
    deadline_set(&fleet->answers, &late->deadline,
                 app_now_ms() + fleet->values->method_delay_ms);
    return IOTHUB_DEVICE_ANSWER_LATER;
}

static void on_desired(void *ctx, const char *patch, size_t patch_len, int64_t version)
{
    (void)version;
    struct member *member = ctx;
    struct buf line;
    buf_init(&line, BUF_CAP_OWN);
    put_line(&line, slice_make(patch, patch_len));
    if (member->fleet->n_members == 1) {
        say(member, "");
    }
    say(member, "Twin desired properties patch received:");
    say(member, buf_text(&line));
    buf_finish(&line);
    member->fleet->n_patches++;
}

static int make_member(struct fleet *fleet, size_t i)
{
    int code = app_make_client(fleet->call, &fleet->roster, i, &fleet->clients[i]);
    if (code != CLI_DONE) {
        return code;
    }
    struct member *member = &fleet->members[i];
    *member = (struct member){
        .fleet = fleet, .client = fleet->clients[i], .name = fleet->roster.names[i]};
    fleet->n_members++;
    iothub_device_on_connection(member->client, on_connection, member);
    iothub_device_on_method(member->client, on_method, member);
    iothub_device_on_desired(member->client, on_desired, member);
    return CLI_DONE;
}

static int parse_rules(struct fleet *fleet)
{
    struct buf error;
    buf_init(&error, BUF_CAP_OWN);
    bool is_good = rules_parse(&fleet->values->methods, &error, &fleet->rules);
    if (!is_good) {
        cli_complain(fleet->call, "--method %s", buf_text(&error));
    }
    buf_finish(&error);
    return is_good ? CLI_DONE : CLI_WRONG;
}

int fleet_init(struct fleet *fleet, const struct cli_call *call)
{
    *fleet = (struct fleet){.call = call, .values = call->values};
    int code = parse_rules(fleet);
    if (code == CLI_DONE) {
        code = roster_init(call, &fleet->roster);
    }
    if (code != CLI_DONE) {
        return code;
    }
    fleet->clients = mem_array(fleet->roster.n_devices, sizeof(struct iothub_device *));
    fleet->members = mem_array(fleet->roster.n_devices, sizeof(*fleet->members));
    for (size_t i = 0; i < fleet->roster.n_devices; i++) {
        code = make_member(fleet, i);
        if (code != CLI_DONE) {
            return code;
        }
    }
    int result = loop_init(&fleet->loop, fleet->clients, fleet->n_members);
    if (result != 0) {
        cli_complain(call, "no signals: %s", strerror(-result));
        return CLI_FAILED;
    }
    return CLI_DONE;
}

static struct late_answer *pop_answer(struct fleet *fleet, int64_t now_ms)
{
    struct deadline *due = deadline_heap_pop_due(&fleet->answers, now_ms);
    return due == NULL ? NULL : CONTAINER_OF(due, struct late_answer, deadline);
}

void fleet_finish(struct fleet *fleet)
{
    if (fleet == NULL) {
        return;
    }
    struct late_answer *late = pop_answer(fleet, INT64_MAX);
    while (late != NULL) {
        free(late);
        late = pop_answer(fleet, INT64_MAX);
    }
    loop_finish(&fleet->loop);
    for (size_t i = 0; i < fleet->n_members; i++) {
        iothub_device_destroy(fleet->clients[i]);
    }
    deadline_heap_finish(&fleet->telemetry);
    deadline_heap_finish(&fleet->answers);
    free(fleet->clients);
    free(fleet->members);
    rules_finish(&fleet->rules);
    roster_finish(&fleet->roster);
    *fleet = (struct fleet){0};
}

void fleet_connect(struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->n_members; i++) {
        if (iothub_device_connect(fleet->clients[i]) != IOTHUB_OK) {
            fleet->has_failed = true;
        }
    }
}

static void put_reading(struct buf *out, const struct member *member)
{
    unsigned tenths = (unsigned)(random_u64() % 100);
    buf_putf(out, "{\"messageId\":%lld,\"temperature\":%u.%u}",
             (long long)member->n_messages + 1, 20 + tenths / 10, tenths % 10);
}

static bool is_json(struct slice text)
{
    json_t *value = json_parse(text, NULL);
    bool is_json = value != NULL;
    json_decref(value);
    return is_json;
}

static void send_reading(struct member *member)
{
    const char *given = member->fleet->values->telemetry_data;
    struct buf text;
    buf_init(&text, BUF_CAP_OWN);
    if (given == NULL) {
        put_reading(&text, member);
    } else {
        buf_put_text(&text, given);
    }
    const struct iothub_device_message message = {
        .payload = buf_text(&text),
        .payload_len = text.len,
        .content_type = is_json(buf_slice(&text)) ? "application/json" : "text/plain",
        .content_encoding = "utf-8",
    };
    enum iothub_status status = iothub_device_send(member->client, &message, NULL, NULL);
    if (status == IOTHUB_OK) {
        member->n_messages++;
    } else {
        log_warning("%s: a message was not sent: %s", member->name, iothub_status_name(status));
    }
    buf_finish(&text);
}

static void send_readings(struct fleet *fleet, int64_t now_ms)
{
    struct deadline *due = deadline_heap_pop_due(&fleet->telemetry, now_ms);
    while (due != NULL) {
        struct member *member = CONTAINER_OF(due, struct member, telemetry);
        send_reading(member);
        deadline_set(&fleet->telemetry, due, now_ms + fleet->values->telemetry_every_ms);
        due = deadline_heap_pop_due(&fleet->telemetry, now_ms);
    }
}

static void answer_late(struct fleet *fleet, int64_t now_ms)
{
    struct late_answer *late = pop_answer(fleet, now_ms);
    while (late != NULL) {
        enum iothub_status status = iothub_device_method_answer(
            late->member->client, late->request_id, late->rule->status, payload_of(late->rule));
        if (status != IOTHUB_OK) {
            log_warning("%s: nobody waits for a method's answer any more", late->member->name);
        }
        fleet->n_methods++;
        free(late);
        late = pop_answer(fleet, now_ms);
    }
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int fleet_turn(struct fleet *fleet, int64_t until_ms)
{
    int64_t due_ms = earlier(deadline_heap_next_ms(&fleet->telemetry),
                             deadline_heap_next_ms(&fleet->answers));
    int result = loop_turn(&fleet->loop, earlier(due_ms, until_ms));
    if (result != 0) {
        cli_complain(fleet->call, "cannot wait: %s", strerror(-result));
        return CLI_FAILED;
    }
    int64_t now_ms = app_now_ms();
    answer_late(fleet, now_ms);
    send_readings(fleet, now_ms);
    return CLI_DONE;
}
