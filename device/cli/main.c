/*
 * iothub-device: a device of an IoT hub from the command line.
 */
#include "device/cli/app.h"
#include "device/cli/verbs.h"

static const struct cli_option options[] = {
    APP_OPTION("connection-string", CLI_TEXT, "TEXT",
               "The device's or module's connection string, or a policy's with --device-id",
               connection_string, .letter = 'c', .variable = "IOTHUB_DEVICE_CONNECTION_STRING"),
    APP_TEXT_OR("ready-file", "PATH", "IOTHUB_READY_FILE",
                "Take what is not given from the file that an emulator writes when it is ready",
                ready_file),
    APP_TEXT("device-id", "ID", "Be this device, by a policy's connection string", device_id),
    APP_TEXT_OR("address", "HOST", "IOTHUB_ADDRESS",
                "Connect to this host; certificate checks keep to the connection string's",
                address),
    APP_OPTION("port", CLI_NUMBER, "PORT",
               "Connect to this port instead of 8883, or 1883 with --plain", port,
               .variable = "IOTHUB_DEVICE_PORT", .min = 1, .max = 65535),
    APP_FLAG("plain", "MQTT without TLS, for a local hub", is_plain),
    APP_TEXT_OR("ca-file", "PATH", "IOTHUB_CA_FILE",
                "Trust these certificates (PEM) instead of the system's", ca_file),
    APP_TEXT("cert-file", "PATH", "The device's certificate and its chain (PEM), for x509=true",
             certificate_file),
    APP_TEXT("key-file", "PATH", "The certificate's key (PEM)", key_file),
    APP_FLAG("clean-session", "Let the hub forget earlier subscriptions", is_clean_session),
    APP_OPTION("keep-alive", CLI_NUMBER, "SECONDS",
               "Test a connection that has been quiet so long", keep_alive_s,
               APP_RANGE("240", 5, 1767)),
    APP_OPTION("token-lifetime", CLI_SECONDS, "SECONDS",
               "How long a token is valid; it is renewed before", token_lifetime_ms,
               APP_RANGE("3600", 1000, APP_YEAR_MS)),
    APP_SPAN("wait", "How long to try for the first connection; 0 has no end", wait_ms),
    APP_OPTION("log-level", CLI_CHOICE, "error|warning|info|debug|trace",
               "What is told on stderr", log_level, .variable = "IOTHUB_LOG_LEVEL",
               .standard = "warning"),
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
    const struct cli_verb verbs[] = {verb_run,    verb_fleet,    verb_send,       verb_receive,
                                     verb_upload, verb_twin_get, verb_twin_report};
    const struct cli_program program = {
        .name = "iothub-device",
        .version = IOTHUB_VERSION,
        .summary = "Be a device of an IoT hub, or thousands: methods, twin, messages, files.",
        .details = details,
        .options = options,
        .n_options = ARRAY_LEN(options),
        .verbs = verbs,
        .n_verbs = ARRAY_LEN(verbs),
        .values_size = sizeof(struct app_values),
    };
    return cli_main(&program, argc, argv);
}
