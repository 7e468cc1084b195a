/*
 * Connecting once and saying what went wrong.
 */
#include "device/cli/single.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

static void on_connection(void *ctx, enum iothub_device_state state, enum iothub_status status,
                          const char *text)
{
    struct single *single = ctx;
    if (state == IOTHUB_DEVICE_CONNECTED) {
        single->was_up = true;
    }
    if (state == IOTHUB_DEVICE_WAITING) {
        (void)snprintf(single->reason, sizeof(single->reason), "%s", text);
        log_warning("%s: %s", single->roster.names[0], text);
    } else if (state == IOTHUB_DEVICE_IDLE && status != IOTHUB_OK) {
        cli_complain(single->call, "%s: %s", single->roster.names[0], text);
        single->has_failed = true;
    } else {
        log_info("%s: %s", single->roster.names[0], text);
    }
}

static int connect_client(struct single *single)
{
    int code = app_open_loop(single->call, &single->loop, &single->client, 1);
    if (code != CLI_DONE) {
        return code;
    }
    iothub_device_on_connection(single->client, on_connection, single);
    /* A new client is idle, so that this cannot fail. */
    return iothub_device_connect(single->client) == IOTHUB_OK ? CLI_DONE : CLI_FAILED;
}

int single_init(struct single *single, const struct cli_call *call)
{
    const struct app_values *v = call->values;
    *single = (struct single){.call = call};
    single->wait_end_ms = v->wait_ms == 0 ? NEVER_MS : app_now_ms() + v->wait_ms;
    int code = roster_init(call, ROSTER_MQTT, &single->roster);
    if (code == CLI_DONE) {
        code = app_make_client(call, &single->roster, 0, NULL, &single->client);
    }
    return code == CLI_DONE ? connect_client(single) : code;
}

static int check(const struct single *single)
{
    const struct app_values *v = single->call->values;
    if (single->has_failed) {
        return CLI_FAILED;
    }
    if (single->loop.signal != 0) {
        if (!single->is_endless) {
            cli_complain(single->call, "interrupted");
        }
        return CLI_FAILED;
    }
    if (!single->was_up && app_now_ms() >= single->wait_end_ms) {
        cli_complain(single->call, "not connected within %g seconds%s%s",
                     (double)v->wait_ms / 1000.0, single->reason[0] == '\0' ? "" : ": ",
                     single->reason);
        return CLI_FAILED;
    }
    return CLI_DONE;
}

int single_turn(struct single *single, int64_t until_ms)
{
    if (!single->was_up && single->wait_end_ms < until_ms) {
        until_ms = single->wait_end_ms;
    }
    /* The verb may have called its client. */
    loop_touch(&single->loop, 0);
    int result = loop_turn(&single->loop, until_ms);
    if (result != 0) {
        cli_complain(single->call, "cannot wait: %s", strerror(-result));
        return CLI_FAILED;
    }
    return check(single);
}

void single_finish(struct single *single)
{
    if (single == NULL) {
        return;
    }
    if (single->loop.clients != NULL) {
        loop_disconnect(&single->loop);
        loop_finish(&single->loop);
    }
    iothub_device_destroy(single->client);
    roster_finish(&single->roster);
    *single = (struct single){0};
}
