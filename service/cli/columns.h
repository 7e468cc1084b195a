/*
 * Which members of the hub's documents a table shows.
 */
#ifndef SERVICE_CLI_COLUMNS_H
#define SERVICE_CLI_COLUMNS_H

#include <jansson.h>
#include <stddef.h>

#include "cli/cli.h"
#include "service/cli/app.h"

/* Identities; keys are shown only as JSON, or as a connection string. */
extern const struct app_view columns_device;
extern const struct app_view columns_devices;
extern const struct app_view columns_module;
extern const struct app_view columns_modules;

extern const struct app_view columns_twin;
extern const struct app_view columns_method_result;
extern const struct app_view columns_job;
extern const struct app_view columns_job_devices;
extern const struct app_view columns_configuration;
extern const struct app_view columns_configurations;
extern const struct app_view columns_configuration_test;
extern const struct app_view columns_statistics;
extern const struct app_view columns_purge;
extern const struct app_view columns_sent;
extern const struct app_view columns_keys;
extern const struct app_view columns_feedback;
extern const struct app_view columns_file_notification;
extern const struct app_view columns_import;

/* Whatever members there are. */
extern const struct app_view columns_any;

/* More columns than this no screen shows; later ones are left out. */
#define COLUMNS_MAX 32

/* Columns made for one document or page of rows, from which they may borrow their titles. */
struct columns {
    struct cli_column items[COLUMNS_MAX];
    size_t n_items;
};

/* Those of a card's columns that the document has a value for; all its members for a card
 * without columns. */
void columns_of_card(struct columns *out, const struct app_view *view, const json_t *document);

/**
 * Columns for a query's rows.
 * @param item_type  "Twin", "DeviceJob" and "JobResponse" have columns of their own, some of
 * them only where a row has a value; other rows show their members as they appear.
 * @param rows       an array of objects, which must live as long as the columns are used.
 */
void columns_for_rows(struct columns *out, const char *item_type, const json_t *rows);

#endif
