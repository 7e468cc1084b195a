/*
 * iothub-service: the service side of an IoT hub from the command line.
 */
#include "base/macros.h"
#include "cli/cli.h"
#include "service/cli/app.h"
#include "service/cli/verbs.h"

static const struct cli_option options[] = {
    {.name = "connection-string",
     .letter = 'c',
     .type = CLI_TEXT,
     .argument = "TEXT",
     .variable = "IOTHUB_CONNECTION_STRING",
     .help = "The hub's service connection string",
     .offset = offsetof(struct app_values, connection_string)},
    {.name = "ready-file",
     .type = CLI_TEXT,
     .argument = "PATH",
     .variable = "IOTHUB_READY_FILE",
     .help =
         "Take what is not given from the file that a local emulator wrote when it was ready",                                                 .offset = offsetof(struct app_values,                                                   ready_file)},
    {.name = "ca-file",
     .type = CLI_TEXT,
     .argument = "PATH",
     .variable = "IOTHUB_CA_FILE",
     .help = "Trust these certificates (PEM) instead of the system's",
     .offset = offsetof(struct app_values,                                                                ca_file)},
    {.name = "address",
     .type = CLI_TEXT,
     .argument = "HOST",
     .variable = "IOTHUB_ADDRESS",
     .help = "Connect to this host; certificate checks keep to the connection string's",
     .offset = offsetof(struct app_values,                                                                  address)},
    {.name = "port",
     .type = CLI_NUMBER,
     .argument = "PORT",
     .variable = "IOTHUB_SERVICE_PORT",
     .help = "Connect to this port instead of 443, or 80 with --plain",
     .offset = offsetof(struct app_values,port),
     .min = 1,
     .max = 65535},
    {.name = "plain",
     .type = CLI_FLAG,
     .help = "HTTP without TLS, for a local hub",
     .offset = offsetof(struct app_values,                                   is_plain)                       },
    {.name = "output",
     .letter = 'o',
     .type = CLI_CHOICE,
     .argument = "table|json",
     .standard = "table",
     .help = "How results are shown",
     .offset = offsetof(struct app_values, output)},
    {.name = "timeout",
     .type = CLI_SECONDS,
     .argument = "SECONDS",
     .standard = "60",
     .help = "How long one call may take",
     .offset = offsetof(struct app_values, timeout_ms),
     .min = 100,
     .max = 3600000},
    {.name = "log-level",
     .type = CLI_CHOICE,
     .argument = "error|warning|info|debug|trace",
     .variable = "IOTHUB_LOG_LEVEL",
     .standard = "warning",
     .help = "What is told on stderr",
     .offset = offsetof(struct app_values, log_level)},
    {.name = "verbose",
     .letter = 'v',
     .type = CLI_FLAG,
     .help = "The same as --log-level debug: every request",
     .offset = offsetof(struct app_values,                                                   is_verbose)                                                                 },
};

/* In the order of the help. */
static const struct cli_verb *const verbs[] = {
    &verb_schedule_jobs,
    &verb_device_create,
    &verb_device_get,
    &verb_device_list,
    &verb_device_update,
    &verb_device_delete,
    &verb_device_connection_string,
    &verb_device_import,
    &verb_device_export,
    &verb_keys_regenerate,
    &verb_statistics,
    &verb_module_create,
    &verb_module_get,
    &verb_module_list,
    &verb_module_update,
    &verb_module_delete,
    &verb_twin_get,
    &verb_twin_update,
    &verb_twin_replace,
    &verb_digital_twin_get,
    &verb_digital_twin_update,
    &verb_method_invoke,
    &verb_command_invoke,
    &verb_c2d_send,
    &verb_c2d_purge,
    &verb_feedback_receive,
    &verb_feedback_watch,
    &verb_file_notification_receive,
    &verb_file_notification_watch,
    &verb_monitor_events,
    &verb_query,
    &verb_configuration_create,
    &verb_configuration_get,
    &verb_configuration_list,
    &verb_configuration_update,
    &verb_configuration_delete,
    &verb_configuration_test,
    &verb_content_apply,
    &verb_job_create_method,
    &verb_job_create_twin,
    &verb_job_get,
    &verb_job_list,
    &verb_job_devices,
    &verb_job_wait,
    &verb_job_cancel,
};

static const char details[] =
    "JSON is given as it is, as @FILE, or as @- for stdin. Results go to stdout, complaints "
    "and "
    "progress to stderr.\n"
    "Exit codes: 0 done; 1 it failed; 2 the command line is wrong; 130 stopped by Ctrl-C.\n"
    "\n"
    "  export IOTHUB_CONNECTION_STRING='HostName=…;SharedAccessKeyName=…;SharedAccessKey=…'\n"
    "  iothub-service device create door-1\n"
    "  iothub-service schedule-jobs --device-id door-1\n"
    "  iothub-service query \"SELECT * FROM devices WHERE tags.floor = 3\" --output json";

int main(int argc, char **argv)
{
    struct cli_verb rows[ARRAY_LEN(verbs)];
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        rows[i] = *verbs[i];
    }
    const struct cli_program program = {
        .name = "iothub-service",
        .version = IOTHUB_VERSION,
        .summary = "Work with an IoT hub as its back end does: devices, twins, methods, "
                   "messages, queries, configurations, jobs.",
        .details = details,
        .options = options,
        .n_options = ARRAY_LEN(options),
        .verbs = rows,
        .n_verbs = ARRAY_LEN(rows),
        .values_size = sizeof(struct app_values),
    };
    return cli_main(&program, argc, argv);
}
