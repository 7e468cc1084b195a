/*
 * The verbs of iothub-service, each at home in the file of its name.
 */
#ifndef SERVICE_CLI_VERBS_H
#define SERVICE_CLI_VERBS_H

#include "cli/cli.h"

extern const struct cli_verb verb_schedule_jobs;

extern const struct cli_verb verb_device_create;
extern const struct cli_verb verb_device_get;
extern const struct cli_verb verb_device_list;
extern const struct cli_verb verb_device_update;
extern const struct cli_verb verb_device_delete;
extern const struct cli_verb verb_device_connection_string;
extern const struct cli_verb verb_device_import;
extern const struct cli_verb verb_device_export;
extern const struct cli_verb verb_keys_regenerate;
extern const struct cli_verb verb_statistics;

extern const struct cli_verb verb_module_create;
extern const struct cli_verb verb_module_get;
extern const struct cli_verb verb_module_list;
extern const struct cli_verb verb_module_update;
extern const struct cli_verb verb_module_delete;

extern const struct cli_verb verb_twin_get;
extern const struct cli_verb verb_twin_update;
extern const struct cli_verb verb_twin_replace;

extern const struct cli_verb verb_digital_twin_get;
extern const struct cli_verb verb_digital_twin_update;

extern const struct cli_verb verb_method_invoke;
extern const struct cli_verb verb_command_invoke;

extern const struct cli_verb verb_c2d_send;
extern const struct cli_verb verb_c2d_purge;
extern const struct cli_verb verb_feedback_receive;
extern const struct cli_verb verb_feedback_watch;
extern const struct cli_verb verb_file_notification_receive;
extern const struct cli_verb verb_file_notification_watch;
extern const struct cli_verb verb_monitor_events;

extern const struct cli_verb verb_query;

extern const struct cli_verb verb_configuration_create;
extern const struct cli_verb verb_configuration_get;
extern const struct cli_verb verb_configuration_list;
extern const struct cli_verb verb_configuration_update;
extern const struct cli_verb verb_configuration_delete;
extern const struct cli_verb verb_configuration_test;
extern const struct cli_verb verb_content_apply;

extern const struct cli_verb verb_job_create_method;
extern const struct cli_verb verb_job_create_twin;
extern const struct cli_verb verb_job_get;
extern const struct cli_verb verb_job_list;
extern const struct cli_verb verb_job_devices;
extern const struct cli_verb verb_job_wait;
extern const struct cli_verb verb_job_cancel;

#endif
