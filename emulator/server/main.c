/*
 * iothub-emulator: the table of its verbs.
 */
#include "cli/cli.h"
#include "server/config.h"
#include "server/run.h"
#include "server/verbs.h"

static const char run_details[] =
    "Every option can also be set by the environment variable that its line names, or in a "
    "JSON "
    "file (--config) under its name in camel case: mqttPort, dataDir, hostNames. The command "
    "line "
    "goes before the variable, the variable before the file.\n"
    "\n"
    "  iothub-emulator\n"
    "  iothub-emulator --https-port 8443 --host-name hub.example.test\n"
    "  iothub-emulator --config hub.json --no-mqtt --no-http\n";

static const char details[] = "The built-in policies have a well-known key; give your own with "
                              "--shared-access-key before "
                              "letting others reach the emulator.\n";

int main(int argc, char **argv)
{
    const struct cli_verb verbs[] = {
        {
         .name = "run",
         .arguments = "",
         .summary = "Run the emulator until it is interrupted",
         .details = run_details,
         .run = run_emulator,
         },
        {
         .name = "ca",
         .arguments = "",
         .summary = "Print the CA certificate that clients are to trust",
         .details = verb_ca_details,
         .options = verb_ca_options,
         .n_options = verb_ca_n_options,
         .run = verb_ca,
         },
        {
         .name = "connection-string",
         .arguments = "",
         .summary = "Print the connection string of a policy, a device or a module",
         .details = verb_connection_string_details,
         .options = verb_connection_string_options,
         .n_options = verb_connection_string_n_options,
         .run = verb_connection_string,
         },
        {
         .name = "healthcheck",
         .arguments = "",
         .summary = "Tell whether an emulator is up and healthy",
         .details = verb_healthcheck_details,
         .options = verb_healthcheck_options,
         .n_options = verb_healthcheck_n_options,
         .run = verb_healthcheck,
         },
    };
    const struct cli_program program = {
        .name = "iothub-emulator",
        .version = IOTHUB_VERSION,
        .summary = "A local Azure IoT Hub for development and tests.",
        .details = details,
        .options = config_options,
        .n_options = config_n_options,
        .verbs = verbs,
        .n_verbs = ARRAY_LEN(verbs),
        .standard_verb = "run",
        .values_size = sizeof(struct verb_values),
        .finish = verbs_finish,
    };
    return cli_main(&program, argc, argv);
}
