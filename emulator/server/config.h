/*
 * The emulator's settings.
 *
 * One table of options fills struct config from the command line, environment variables, the
 * configuration file and defaults, in this order; config_load() then adds what the file holds
 * beyond options and checks everything.
 */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/macros.h"
#include "cli/cli.h"
#include "hub/storage_account.h"
#include "server/certs.h"
#include "server/config_file.h"
#include "server/policies.h"

struct config {
    /* What the options set; texts are NULL when nowhere given. */
    char *config_file;
    char *bind; /* an address */
    bool has_mqtts;
    bool has_https;
    bool has_mqtt;
    bool has_http;
    int64_t mqtts_port; /* 0: the system chooses */
    int64_t https_port;
    int64_t mqtt_port;
    int64_t http_port;
    struct cli_list host_names; /* at least one */
    char *data_dir;             /* never NULL after config_load() */
    bool in_memory;
    char *ready_file;
    char *tls_cert; /* both or neither */
    char *tls_key;
    struct cli_list device_cas; /* PEM files */
    int64_t log_level;          /* enum log_level */
    int64_t event_retention_hours;
    int64_t max_connections; /* 0: not given */
    int64_t token_grace_seconds;
    bool has_fault_injection;
    char *shared_access_key;
    char *storage_connection_string; /* secret */
    char *storage_container;
    char *storage_ca;
    int64_t upload_minutes;
    bool has_file_notifications;
    int64_t file_notification_minutes;
    int64_t file_notification_lock_seconds;
    int64_t file_notification_deliveries;

    /* What config_load() adds. */
    struct config_file file; /* {0} without one */
    struct policies policies;
    struct storage_account storage; /* {0} without one */
    const json_t *devices; /* an array of device_record, or NULL; belongs to the file */
};

/* For struct cli_program, whose values structure begins with a struct config. */
extern const struct cli_option config_options[];
extern const size_t config_n_options;

/**
 * Read the configuration file, if there is one, and check all settings.
 * @param call   its values begin with a struct config.
 * @param error  receives one line that says where the mistake stands.
 */
MUST_CHECK bool config_load(struct cli_call *call, struct buf *error);

/* The settings of a call. */
struct config *config_of(const struct cli_call *call);

/* Ends what config_load() added; the options' values belong to the command line. */
void config_finish(struct config *config);

/* Where devices' files go; borrows from the settings. */
struct hub_file_settings config_files(const struct config *config);

/* The name that stands in connection strings. */
const char *config_host_name(const struct config *config);

/* The address under which this machine reaches a listener: the loopback one for a wildcard. */
const char *config_local_address(const struct config *config);

/* Whether other machines may come in with a key that everybody knows. */
bool config_is_exposed(const struct config *config);

/* "…/hub.db", which the caller frees; NULL with --in-memory. */
char *config_store_path(const struct config *config);

/**
 * Append the connection string of a policy.
 * @return false and nothing appended when there is no such policy.
 */
MUST_CHECK bool config_connection_string(const struct config *config, const char *policy,
                                         struct buf *out);

/* What certs_prepare() is to make for these settings; borrowed from them. */
struct certs_wish config_certs(const struct config *config, int64_t at_ms);

#endif
