/*
 * iothub-device: a device of an IoT hub from the command line.
 */
#include "device/cli/app.h"
#include "device/cli/verbs.h"

static const struct cli_option options[] = {
    {.name = "connection-string",
     .letter = 'c',
     .type = CLI_TEXT,
     .argument = "TEXT",
     .variable = "IOTHUB_DEVICE_CONNECTION_STRING",
     .help = "The device's or module's connection string, or a policy's with --device-id",
     .offset = offsetof(struct app_values, connection_string)},
    {.name = "ready-file",
     .type = CLI_TEXT,
     .argument = "PATH",
     .variable = "IOTHUB_READY_FILE",
     .help = "Take what is not given from the file that an emulator writes when it is ready",
     .offset = offsetof(struct app_values, ready_file)},
    {.name = "device-id",
     .type = CLI_TEXT,
     .argument = "ID",
     .help = "Be this device, by a policy's connection string",
     .offset = offsetof(struct app_values, device_id)},
    {.name = "address",
     .type = CLI_TEXT,
     .argument = "HOST",
     .variable = "IOTHUB_ADDRESS",
     .help = "Connect to this host; certificate checks keep to the connection string's",
     .offset = offsetof(struct app_values, address)},
    {.name = "port",
     .type = CLI_NUMBER,
     .argument = "PORT",
     .variable = "IOTHUB_DEVICE_PORT",
     .help = "Connect to this port instead of 8883, or 1883 with --plain",
     .offset = offsetof(struct app_values, port),
     .min = 1,
     .max = 65535},
    {.name = "plain",
     .type = CLI_FLAG,
     .help = "MQTT without TLS, for a local hub",
     .offset = offsetof(struct app_values, is_plain)},
    {.name = "ca-file",
     .type = CLI_TEXT,
     .argument = "PATH",
     .variable = "IOTHUB_CA_FILE",
     .help = "Trust these certificates (PEM) instead of the system's",
     .offset = offsetof(struct app_values, ca_file)},
    {.name = "cert-file",
     .type = CLI_TEXT,
     .argument = "PATH",
     .help = "The device's certificate and its chain (PEM), for x509=true",
     .offset = offsetof(struct app_values, certificate_file)},
    {.name = "key-file",
     .type = CLI_TEXT,
     .argument = "PATH",
     .help = "The certificate's key (PEM)",
     .offset = offsetof(struct app_values, key_file)},
    {.name = "clean-session",
     .type = CLI_FLAG,
     .help = "Let the hub forget earlier subscriptions",
     .offset = offsetof(struct app_values, is_clean_session)},
    {.name = "keep-alive",
     .type = CLI_NUMBER,
     .argument = "SECONDS",
     .standard = "240",
     .help = "A quiet connection is tested that often",
     .offset = offsetof(struct app_values, keep_alive_s),
     .min = 5,
     .max = 1767},
    {.name = "token-lifetime",
     .type = CLI_SECONDS,
     .argument = "SECONDS",
     .standard = "3600",
     .help = "How long a token is valid; it is renewed before",
     .offset = offsetof(struct app_values, token_lifetime_ms),
     .min = 1000,
     .max = APP_YEAR_MS},
    {.name = "wait",
     .type = CLI_SECONDS,
     .argument = "SECONDS",
     .standard = "0",
     .help = "How long to try for the first connection; 0 has no end",
     .offset = offsetof(struct app_values, wait_ms),
     .min = 0,
     .max = APP_YEAR_MS},
    {.name = "log-level",
     .type = CLI_CHOICE,
     .argument = "error|warning|info|debug|trace",
     .variable = "IOTHUB_LOG_LEVEL",
     .standard = "warning",
     .help = "What is told on stderr",
     .offset = offsetof(struct app_values, log_level)},
};

static const char details[] =
    "A lost connection is made again, after pauses that grow; a hub that refuses the device at "
    "first ends the program. A device has one connection at a time: a second program for the "
    "same device cuts the first one off.\n"
    "Exit codes: 0 done; 1 it failed; 2 the command line is wrong.\n"
    "\n"
    "  export IOTHUB_DEVICE_CONNECTION_STRING='HostName=…;DeviceId=…;SharedAccessKey=…'\n"
    "  iothub-device run\n"
    "  iothub-device send --data '{\"temperature\": 21.5}'\n"
    "  iothub-device twin report '{\"locked\": true}'";

int main(int argc, char **argv)
{
    const struct cli_verb verbs[] = {verb_run, verb_send, verb_twin_get, verb_twin_report};
    const struct cli_program program = {
        .name = "iothub-device",
        .version = IOTHUB_VERSION,
        .summary = "Be a device of an IoT hub: methods, twin, messages, over MQTT.",
        .details = details,
        .options = options,
        .n_options = ARRAY_LEN(options),
        .verbs = verbs,
        .n_verbs = ARRAY_LEN(verbs),
        .values_size = sizeof(struct app_values),
    };
    return cli_main(&program, argc, argv);
}
