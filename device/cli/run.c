/*
 * run: the device of the tutorial "Schedule and broadcast jobs", and as many more as wanted.
 * Source: IoT Hub documentation, "Schedule and broadcast jobs (Python)", simDevice.py.
 */
#include <stdio.h>

#include "base/clock.h"
#include "device/cli/players.h"
#include "device/cli/verbs.h"

#define COUNT_MAX 10000

static const struct cli_option options[] = {
    APP_LIST("method", "NAME[=STATUS[:JSON]]",
             "Answer this method as well, with 200 and null unless told", methods),
    APP_SPAN("method-delay", "Answer methods after this time only", method_delay_ms),
    APP_SPAN("telemetry-every", "Send a message that often; 0 sends none", telemetry_every_ms),
    APP_TEXT("telemetry-data", "TEXT", "What is sent instead of an invented temperature",
             telemetry_data),
    APP_OPTION("count", CLI_NUMBER, "N",
               "Play that many devices of one policy, see --device-prefix", count,
               APP_RANGE("1", 1, COUNT_MAX)),
    APP_TEXT("device-prefix", "NAME",
             "The devices' ids are NAME-1, NAME-2 ...; wants a policy's connection string",
             device_prefix),
    APP_TEXT("connection-strings", "PATH",
             "Play the devices of this file, a connection string a line; - reads stdin",
             connection_strings),
    APP_TEXT("model-id", "DTMI", "Announce this plug and play model", model_id),
    APP_COUNT("exit-after-methods", "End when that many methods are answered",
              exit_after_methods),
    APP_COUNT("exit-after-patches", "End when that many desired patches have come",
              exit_after_patches),
    APP_COUNT("exit-after-messages", "End when that many messages have come",
              exit_after_messages),
    APP_OPTION("messages", CLI_FLAG, NULL, "Take the messages that are sent to the device",
               takes_messages, .standard = "true"),
    APP_SPAN("for", "End after this time; 0 has no end", for_ms),
};

static const char details[] =
    "Connects, answers the direct method lockDoor, prints every change of the twin's desired "
    "properties and every message to the device, and goes on until Ctrl-C. Other methods are "
    "answered with status 404 unless "
    "--method names them. When several counts to end after are given, all must be reached.\n"
    "\n"
    "  iothub-device run --method reboot=202:'{\"in\": 5}' --telemetry-every 10\n"
    "  iothub-device run --ready-file ready.json --device-prefix door --count 100";

static void say_hello(const struct players *players)
{
    (void)puts("Starting the IoT Hub jobs sample...");
    (void)puts("Beginning to listen for 'lockDoor' direct method invocations...");
    for (size_t i = 0; i < players->rules.n_items; i++) {
        (void)printf("Beginning to listen for '%s' direct method invocations...\n",
                     players->rules.items[i].name);
    }
    (void)puts("Beginning to listen for updates to the Twin desired properties...");
}

static bool is_count_reached(const struct players *players)
{
    int64_t methods = players->values->exit_after_methods;
    int64_t patches = players->values->exit_after_patches;
    int64_t messages = players->values->exit_after_messages;
    return (methods != 0 || patches != 0 || messages != 0) && players->n_methods >= methods &&
           players->n_patches >= patches && players->n_messages >= messages;
}

static int64_t end_of(int64_t start_ms, int64_t span_ms)
{
    return span_ms == 0 ? NEVER_MS : start_ms + span_ms;
}

static int give_up(const struct players *players, int64_t span_ms)
{
    cli_complain(players->call, "not connected within %g seconds%s%s", (double)span_ms / 1000.0,
                 players->reason[0] == '\0' ? "" : ": ", players->reason);
    return CLI_FAILED;
}

/* Until all have been connected once; CLI_DONE also when a signal came first. */
static int wait_for_all(struct players *players, int64_t start_ms, int64_t end_ms)
{
    int64_t wait_end_ms = end_of(start_ms, players->values->wait_ms);
    while (players->n_up < players->n_items && players->loop.signal == 0 &&
           app_now_ms() < end_ms) {
        if (app_now_ms() >= wait_end_ms) {
            return give_up(players, players->values->wait_ms);
        }
        int64_t until_ms = wait_end_ms < end_ms ? wait_end_ms : end_ms;
        int code = players_turn(players, until_ms);
        if (code != CLI_DONE || players->has_failed) {
            return CLI_FAILED;
        }
    }
    bool is_too_late = players->n_up < players->n_items && players->loop.signal == 0;
    return is_too_late ? give_up(players, players->values->for_ms) : CLI_DONE;
}

static int play(struct players *players)
{
    int64_t start_ms = app_now_ms();
    int64_t end_ms = end_of(start_ms, players->values->for_ms);
    say_hello(players);
    int code = wait_for_all(players, start_ms, end_ms);
    if (code == CLI_DONE && players->n_up == players->n_items) {
        (void)puts("IoTHubDeviceClient waiting for commands, press Ctrl-C to exit");
    }
    while (code == CLI_DONE && players->loop.signal == 0 && !is_count_reached(players) &&
           app_now_ms() < end_ms) {
        code = players_turn(players, end_ms);
        if (players->has_failed || ferror(stdout) != 0) {
            code = CLI_FAILED;
        }
    }
    return code;
}

static int run(struct cli_call *call)
{
    struct players players;
    app_begin(call->values);
    int code = players_init(&players, call);
    if (code == CLI_DONE) {
        code = play(&players);
        if (players.loop.signal != 0) {
            (void)puts("IoTHubDeviceClient sample stopped!");
        }
        (void)puts("Shutting down IoT Hub Client");
        loop_disconnect(&players.loop);
    }
    players_finish(&players);
    return code;
}

const struct cli_verb verb_run = {
    .name = "run",
    .arguments = "",
    .summary = "Play a device: answer methods, print desired properties, send telemetry",
    .details = details,
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
