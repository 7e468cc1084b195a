/*
 * Devices under load.
 */
#include "device/cli/crowd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

/* Messages that are due and could not be sent are made up for at most this long. */
#define ARREARS_US 1000000

static void add_up(struct crowd_member *member)
{
    struct crowd *crowd = member->crowd;
    member->is_up = true;
    member->place = crowd->n_up;
    crowd->up[crowd->n_up++] = member->number;
}

/* The last of the connected takes its place. */
static void remove_up(struct crowd_member *member)
{
    struct crowd *crowd = member->crowd;
    size_t last = crowd->up[--crowd->n_up];
    crowd->up[member->place] = last;
    crowd->members[last].place = member->place;
    member->is_up = false;
}

static void on_down(struct crowd_member *member, enum iothub_device_state state,
                    enum iothub_status status, const char *text)
{
    struct crowd *crowd = member->crowd;
    if (member->is_up) {
        remove_up(member);
        crowd->figures.n_losses += status != IOTHUB_OK;
    } else {
        crowd->figures.n_attempts += status != IOTHUB_OK;
    }
    if (state == IOTHUB_DEVICE_IDLE && status != IOTHUB_OK) {
        crowd->figures.n_refused++;
    }
    if (status != IOTHUB_OK) {
        (void)snprintf(crowd->reason, sizeof(crowd->reason), "%s: %s",
                       crowd->roster.names[member->number], text);
        log_info("%s", crowd->reason);
    }
}

static void on_connection(void *ctx, enum iothub_device_state state, enum iothub_status status,
                          const char *text)
{
    struct crowd_member *member = ctx;
    struct crowd *crowd = member->crowd;
    switch (state) {
    case IOTHUB_DEVICE_CONNECTED:
        crowd->figures.n_connects++;
        if (member->is_opening) {
            histogram_add(&crowd->connecting_us, clock_monotonic_us() - member->begun_us);
        }
        ramp_settle(&crowd->ramp, &member->is_opening);
        if (!member->is_up) {
            add_up(member);
        }
        break;
    case IOTHUB_DEVICE_WAITING:
        /* It goes on trying, and keeps its place among those who do. */
        on_down(member, state, status, text);
        break;
    case IOTHUB_DEVICE_IDLE:
        ramp_settle(&crowd->ramp, &member->is_opening);
        on_down(member, state, status, text);
        break;
    case IOTHUB_DEVICE_CONNECTING:
    case IOTHUB_DEVICE_LEAVING:
        break;
    }
}

static enum iothub_device_answering on_method(void *ctx,
                                              const struct iothub_device_method *method,
                                              struct iothub_device_answer *answer)
{
    struct crowd_member *member = ctx;
    const struct rule *rule = rules_find(&member->crowd->rules, method->name);
    if (rule == NULL) {
        *answer = (struct iothub_device_answer){404, NULL};
    } else {
        *answer = (struct iothub_device_answer){rule->status, rule->payload};
    }
    member->crowd->figures.n_methods++;
    return IOTHUB_DEVICE_ANSWER_NOW;
}

static void on_desired(void *ctx, const char *patch, size_t patch_len, int64_t version)
{
    struct crowd_member *member = ctx;
    (void)patch;
    (void)patch_len;
    (void)version;
    member->crowd->figures.n_patches++;
}

static void on_message(void *ctx, const struct iothub_device_received *message)
{
    struct crowd_member *member = ctx;
    (void)message;
    member->crowd->figures.n_messages++;
}

static void on_sent(void *ctx)
{
    struct crowd_member *member = ctx;
    int64_t sent_us = member->sent_us[member->n_acknowledged++ % CROWD_WINDOW];
    histogram_add(&member->crowd->acknowledged_us, clock_monotonic_us() - sent_us);
    member->crowd->figures.n_acknowledged++;
}

static int make_member(struct crowd *crowd, size_t i)
{
    int code = app_make_client(crowd->call, &crowd->roster, i,
                               i == 0 ? NULL : crowd->clients[0], &crowd->clients[i]);
    if (code != CLI_DONE) {
        return code;
    }
    struct crowd_member *member = &crowd->members[i];
    *member = (struct crowd_member){.crowd = crowd, .number = i};
    crowd->n_members++;
    iothub_device_on_connection(crowd->clients[i], on_connection, member);
    if (crowd->values->takes_messages) {
        iothub_device_on_method(crowd->clients[i], on_method, member);
        iothub_device_on_desired(crowd->clients[i], on_desired, member);
        iothub_device_on_message(crowd->clients[i], on_message, member);
    }
    return CLI_DONE;
}

static int make_members(struct crowd *crowd)
{
    size_t n = crowd->roster.n_devices;
    int code = app_allow_clients(crowd->call, n);
    crowd->clients = mem_array(n, sizeof(struct iothub_device *));
    crowd->members = mem_array(n, sizeof(*crowd->members));
    crowd->up = mem_array(n, sizeof(*crowd->up));
    for (size_t i = 0; i < n && code == CLI_DONE; i++) {
        code = make_member(crowd, i);
    }
    crowd->ramp.n_clients = crowd->n_members;
    return code;
}

static int parse_rules(struct crowd *crowd)
{
    struct buf error;
    buf_init(&error, BUF_CAP_OWN);
    bool is_good = rules_parse(&crowd->values->methods, &error, &crowd->rules);
    if (!is_good) {
        cli_complain(crowd->call, "--method %s", buf_text(&error));
    }
    buf_finish(&error);
    return is_good ? CLI_DONE : CLI_WRONG;
}

static void make_payload(struct crowd *crowd)
{
    crowd->payload_len = (size_t)crowd->values->payload_bytes;
    crowd->payload = mem_alloc(crowd->payload_len + 1);
    memset(crowd->payload, 'x', crowd->payload_len);
}

int crowd_init(struct crowd *crowd, const struct cli_call *call)
{
    *crowd = (struct crowd){.call = call, .values = call->values};
    int code = parse_rules(crowd);
    if (code == CLI_DONE) {
        code = roster_init(call, ROSTER_MQTT, &crowd->roster);
    }
    if (code == CLI_DONE) {
        make_payload(crowd);
        code = make_members(crowd);
    }
    return code == CLI_DONE
               ? app_open_loop(call, &crowd->loop, crowd->clients, crowd->n_members)
               : code;
}

void crowd_finish(struct crowd *crowd)
{
    loop_finish(&crowd->loop);
    for (size_t i = 0; i < crowd->n_members; i++) {
        iothub_device_destroy(crowd->clients[i]);
    }
    free(crowd->clients);
    free(crowd->members);
    free(crowd->up);
    free(crowd->payload);
    rules_finish(&crowd->rules);
    roster_finish(&crowd->roster);
    *crowd = (struct crowd){0};
}

bool crowd_is_complete(const struct crowd *crowd)
{
    return crowd->ramp.next == crowd->n_members && crowd->ramp.n_open == 0;
}

int64_t crowd_n_open(const struct crowd *crowd)
{
    return crowd->figures.n_sent - crowd->figures.n_acknowledged;
}

void crowd_set_sending(struct crowd *crowd, bool is_sending)
{
    crowd->sending_since_us = is_sending ? clock_monotonic_us() : 0;
    crowd->n_scheduled = 0;
}

void crowd_take_latency(struct crowd *crowd, struct histogram *out)
{
    *out = crowd->acknowledged_us;
    crowd->acknowledged_us = (struct histogram){0};
}

static void connect_some(struct crowd *crowd)
{
    size_t which = 0;
    while (ramp_next(&crowd->ramp, &which)) {
        crowd->members[which].is_opening = true;
        crowd->members[which].begun_us = clock_monotonic_us();
        loop_touch(&crowd->loop, which);
        /* A new client is idle, so that this cannot fail. */
        (void)iothub_device_connect(crowd->clients[which]);
    }
}

/* The next connected one whose window is not full; NULL when there is none. */
static struct crowd_member *next_sender(struct crowd *crowd)
{
    for (size_t i = 0; i < crowd->n_up; i++) {
        crowd->next_up = crowd->next_up + 1 < crowd->n_up ? crowd->next_up + 1 : 0;
        struct crowd_member *member = &crowd->members[crowd->up[crowd->next_up]];
        if (member->n_sent - member->n_acknowledged < CROWD_WINDOW) {
            return member;
        }
    }
    return NULL;
}

static bool send_one(struct crowd *crowd)
{
    const struct iothub_device_message message = {.payload = crowd->payload,
                                                  .payload_len = crowd->payload_len};
    struct crowd_member *member = next_sender(crowd);
    if (member == NULL) {
        return false;
    }
    unsigned slot = member->n_sent % CROWD_WINDOW;
    member->sent_us[slot] = clock_monotonic_us();
    loop_touch(&crowd->loop, member->number);
    if (iothub_device_send(crowd->clients[member->number], &message, on_sent, member) !=
        IOTHUB_OK) {
        return false;
    }
    member->n_sent++;
    crowd->figures.n_sent++;
    return true;
}

/* How many messages should have been sent by now. */
static int64_t n_due(const struct crowd *crowd, int64_t now_us)
{
    double elapsed_us = (double)(now_us - crowd->sending_since_us);
    return (int64_t)(elapsed_us * (double)crowd->values->rate / 1e6);
}

static void send_some(struct crowd *crowd)
{
    if (crowd->sending_since_us == 0 || crowd->values->rate == 0) {
        return;
    }
    int64_t now_us = clock_monotonic_us();
    int64_t left = n_due(crowd, now_us) - crowd->n_scheduled;
    int64_t most = crowd->values->rate * ARREARS_US / 1000000;
    if (left > most) {
        crowd->figures.n_held_back += left - most;
        crowd->n_scheduled += left - most;
        left = most;
    }
    while (left > 0 && send_one(crowd)) {
        crowd->n_scheduled++;
        left--;
    }
}

/* When the next message is due. */
static int64_t next_send_ms(const struct crowd *crowd)
{
    if (crowd->sending_since_us == 0 || crowd->values->rate == 0) {
        return NEVER_MS;
    }
    double at_us = (double)(crowd->n_scheduled + 1) * 1e6 / (double)crowd->values->rate;
    int64_t due_ms = (crowd->sending_since_us + (int64_t)at_us) / 1000 + 1;
    int64_t now_ms = app_now_ms();
    /* What is in arrears waits for a window to open, not for a time. */
    return due_ms > now_ms ? due_ms : now_ms + 1;
}

int crowd_turn(struct crowd *crowd, int64_t until_ms)
{
    connect_some(crowd);
    send_some(crowd);
    int64_t due_ms = next_send_ms(crowd);
    int result = loop_turn(&crowd->loop, due_ms < until_ms ? due_ms : until_ms);
    if (result != 0) {
        cli_complain(crowd->call, "cannot wait: %s", strerror(-result));
        return CLI_FAILED;
    }
    return CLI_DONE;
}
