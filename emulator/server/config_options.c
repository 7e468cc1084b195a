/*
 * The table of options.
 */
#include "server/config.h"

#include "hub/hub.h"

#define PORT_MAX        65535
#define RETENTION_MAX   168 /* hours; IoT Hub documentation, built-in endpoint: 1 to 7 days */
#define CONNECTIONS_MAX 1000000
#define TOKEN_GRACE_MAX 86400

/* IoT Hub documentation, "Configure IoT Hub file uploads": the ranges of the settings. */
#define UPLOAD_MINUTES_MAX       (24 * 60)
#define NOTIFICATION_MINUTES_MAX (48 * 60)
#define LOCK_SECONDS_MIN         5
#define LOCK_SECONDS_MAX         300
#define DELIVERIES_MAX           100

#define VARIABLE(name) "IOTHUB_EMULATOR_" name
#define AT(member)     offsetof(struct config, member)

/* clang-format 14 cannot lay out rows of designated members. */
/* clang-format off */
const struct cli_option config_options[] = {
    {.name = "config", .type = CLI_TEXT, .argument = "FILE", .offset = AT(config_file),
     .variable = VARIABLE("CONFIG"),
     .help = "JSON file with options, policies and devices"},
    {.name = "bind", .type = CLI_TEXT, .argument = "ADDRESS", .offset = AT(bind),
     .variable = VARIABLE("BIND"), .key = "bind", .standard = "127.0.0.1",
     .help = "Address to listen on; 0.0.0.0 or :: for all"},
    {.name = "mqtts", .type = CLI_FLAG, .offset = AT(has_mqtts),
     .variable = VARIABLE("MQTTS"), .key = "mqtts", .standard = "true",
     .help = "Listen for MQTT over TLS"},
    {.name = "mqtts-port", .type = CLI_NUMBER, .argument = "PORT", .offset = AT(mqtts_port),
     .variable = VARIABLE("MQTTS_PORT"), .key = "mqttsPort", .standard = "8883",
     .max = PORT_MAX,
     .help = "Port for MQTT over TLS; 0 for any free one"},
    {.name = "https", .type = CLI_FLAG, .offset = AT(has_https),
     .variable = VARIABLE("HTTPS"), .key = "https", .standard = "true",
     .help = "Listen for HTTPS"},
    {.name = "https-port", .type = CLI_NUMBER, .argument = "PORT", .offset = AT(https_port),
     .variable = VARIABLE("HTTPS_PORT"), .key = "httpsPort", .standard = "443", .max = PORT_MAX,
     .help = "Port for HTTPS; 0 for any free one"},
    {.name = "mqtt", .type = CLI_FLAG, .offset = AT(has_mqtt),
     .variable = VARIABLE("MQTT"), .key = "mqtt", .standard = "true",
     .help = "Listen for MQTT without TLS"},
    {.name = "mqtt-port", .type = CLI_NUMBER, .argument = "PORT", .offset = AT(mqtt_port),
     .variable = VARIABLE("MQTT_PORT"), .key = "mqttPort", .standard = "1883", .max = PORT_MAX,
     .help = "Port for MQTT without TLS; 0 for any free one"},
    {.name = "http", .type = CLI_FLAG, .offset = AT(has_http),
     .variable = VARIABLE("HTTP"), .key = "http", .standard = "true",
     .help = "Listen for HTTP without TLS"},
    {.name = "http-port", .type = CLI_NUMBER, .argument = "PORT", .offset = AT(http_port),
     .variable = VARIABLE("HTTP_PORT"), .key = "httpPort", .standard = "8080", .max = PORT_MAX,
     .help = "Port for HTTP without TLS; 0 for any free one"},
    {.name = "host-name", .type = CLI_LIST, .argument = "NAME", .offset = AT(host_names),
     .variable = VARIABLE("HOST_NAME"), .key = "hostNames", .standard = "127.0.0.1",
     .help = "Name or address that the hub is known by; the first stands in connection strings"},
    {.name = "data-dir", .type = CLI_TEXT, .argument = "PATH", .offset = AT(data_dir),
     .variable = VARIABLE("DATA_DIR"), .key = "dataDir",
     .help = "Folder for the hub's data and its certificates; else "
             "$XDG_STATE_HOME/iothub-emulator or ~/.local/state/iothub-emulator"},
    {.name = "in-memory", .type = CLI_FLAG, .offset = AT(in_memory),
     .variable = VARIABLE("IN_MEMORY"), .key = "inMemory",
     .help = "Forget the hub's data at the end; certificates are kept all the same"},
    {.name = "ready-file", .type = CLI_TEXT, .argument = "PATH", .offset = AT(ready_file),
     .variable = VARIABLE("READY_FILE"), .key = "readyFile",
     .help = "JSON file with ports and a connection string, there while every listener accepts"},
    {.name = "tls-cert", .type = CLI_TEXT, .argument = "FILE", .offset = AT(tls_cert),
     .variable = VARIABLE("TLS_CERT"), .key = "tlsCert",
     .help = "Own server certificate with its chain (PEM) in place of one that is made"},
    {.name = "tls-key", .type = CLI_TEXT, .argument = "FILE", .offset = AT(tls_key),
     .variable = VARIABLE("TLS_KEY"), .key = "tlsKey",
     .help = "Private key of --tls-cert (PEM), without a password"},
    {.name = "device-ca", .type = CLI_LIST, .argument = "FILE", .offset = AT(device_cas),
     .variable = VARIABLE("DEVICE_CA"), .key = "deviceCas",
     .help = "CA certificates (PEM) of devices that authenticate by certificateAuthority"},
    {.name = "log-level", .type = CLI_CHOICE, .argument = "error|warning|info|debug|trace",
     .offset = AT(log_level),
     .variable = VARIABLE("LOG_LEVEL"), .key = "logLevel", .standard = "info",
     .help = "How much is written to stderr"},
    {.name = "event-retention-hours", .type = CLI_NUMBER, .argument = "HOURS",
     .offset = AT(event_retention_hours),
     .variable = VARIABLE("EVENT_RETENTION_HOURS"), .key = "eventRetentionHours",
     .standard = "24", .min = 1, .max = RETENTION_MAX,
     .help = "How long device-to-cloud events are kept"},
    {.name = "max-connections", .type = CLI_NUMBER, .argument = "N",
     .offset = AT(max_connections),
     .variable = VARIABLE("MAX_CONNECTIONS"), .key = "maxConnections",
     .min = 1, .max = CONNECTIONS_MAX,
     .help = "Connections that are served at once; more are refused. Without it as many as the "
             "system's limit of descriptors allows, at most 20000"},
    {.name = "token-grace-seconds", .type = CLI_NUMBER, .argument = "SECONDS",
     .offset = AT(token_grace_seconds),
     .variable = VARIABLE("TOKEN_GRACE_SECONDS"), .key = "tokenGraceSeconds",
     .standard = "600", .max = TOKEN_GRACE_MAX,
     .help = "How long a device's connection outlasts its token"},
    {.name = "fault-injection", .type = CLI_FLAG, .offset = AT(has_fault_injection),
     .variable = VARIABLE("FAULT_INJECTION"), .key = "faultInjection", .standard = "true",
     .help = "Let devices break their connections by messages with AzIoTHub_FaultOperationType"},
    {.name = "shared-access-key", .type = CLI_TEXT, .argument = "KEY",
     .offset = AT(shared_access_key),
     .variable = VARIABLE("SHARED_ACCESS_KEY"), .key = "sharedAccessKey",
     .help = "Key of the built-in policies, base64, in place of the well-known one"},
    {.name = "storage-connection-string", .type = CLI_TEXT, .argument = "TEXT",
     .offset = AT(storage_connection_string),
     .variable = VARIABLE("STORAGE_CONNECTION_STRING"), .key = "storageConnectionString",
     .help = "Storage account that devices upload files to: Azure's, or a storage emulator's"},
    {.name = "storage-container", .type = CLI_TEXT, .argument = "NAME",
     .offset = AT(storage_container),
     .variable = VARIABLE("STORAGE_CONTAINER"), .key = "storageContainer",
     .standard = "uploads",
     .help = "Container for uploaded files, which is made when it is missing"},
    {.name = "storage-ca", .type = CLI_TEXT, .argument = "FILE", .offset = AT(storage_ca),
     .variable = VARIABLE("STORAGE_CA"), .key = "storageCa",
     .help = "CA certificates (PEM) that the storage account's server may have, beside the "
             "system's and the emulator's own"},
    {.name = "upload-minutes", .type = CLI_NUMBER, .argument = "MINUTES",
     .offset = AT(upload_minutes),
     .variable = VARIABLE("UPLOAD_MINUTES"), .key = "uploadMinutes", .standard = "60",
     .min = 1, .max = UPLOAD_MINUTES_MAX,
     .help = "How long a device has for uploading a file"},
    /* A hub in Azure begins without them; here nobody is charged, and SDKs' tests want them. */
    {.name = "file-notifications", .type = CLI_FLAG, .offset = AT(has_file_notifications),
     .variable = VARIABLE("FILE_NOTIFICATIONS"), .key = "fileNotifications",
     .standard = "true",
     .help = "Tell the service of uploaded files"},
    {.name = "file-notification-minutes", .type = CLI_NUMBER, .argument = "MINUTES",
     .offset = AT(file_notification_minutes),
     .variable = VARIABLE("FILE_NOTIFICATION_MINUTES"), .key = "fileNotificationMinutes",
     .standard = "60", .min = 1, .max = NOTIFICATION_MINUTES_MAX,
     .help = "How long a notification waits for the service"},
    {.name = "file-notification-lock-seconds", .type = CLI_NUMBER, .argument = "SECONDS",
     .offset = AT(file_notification_lock_seconds),
     .variable = VARIABLE("FILE_NOTIFICATION_LOCK_SECONDS"),
     .key = "fileNotificationLockSeconds",
     .standard = "60", .min = LOCK_SECONDS_MIN, .max = LOCK_SECONDS_MAX,
     .help = "How long a notification is locked for who has received it"},
    {.name = "file-notification-deliveries", .type = CLI_NUMBER, .argument = "N",
     .offset = AT(file_notification_deliveries),
     .variable = VARIABLE("FILE_NOTIFICATION_DELIVERIES"),
     .key = "fileNotificationDeliveries", .standard = "10", .min = 1, .max = DELIVERIES_MAX,
     .help = "How often a notification is handed out that is given back each time"},
};
/* clang-format on */
const size_t config_n_options = ARRAY_LEN(config_options);

_Static_assert(HUB_TOKEN_GRACE_MS == 600 * 1000, "the standard of --token-grace-seconds");
_Static_assert(LOG_ERROR == 0 && LOG_TRACE == 4, "the words of --log-level are in this order");
