/*
 * A file of ExportImportDevice objects: one a line, or all in one JSON array.
 *
 * Objects are handed on as the text they are; only their importMode is looked after.
 * Source: IoT Hub documentation, "Import and export device identities in bulk".
 */
#ifndef SERVICE_CLI_BULK_FILE_H
#define SERVICE_CLI_BULK_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/slice.h"
#include "iothub/json_scan.h"

/**
 * Look at the whole text.
 * @param error    receives a sentence, with the line where there are lines.
 * @param n_items  written on success.
 */
MUST_CHECK bool bulk_file_check(struct slice text, struct buf *error, size_t *n_items);

/* A place in a text that was checked; it borrows the text. */
struct bulk_file {
    bool is_array;
    struct slice rest;     /* of lines */
    struct json_scan scan; /* of an array */
};

void bulk_file_open(struct bulk_file *file, struct slice text);

/* The next object's text; false at the end. */
MUST_CHECK bool bulk_file_next(struct bulk_file *file, struct slice *out);

/**
 * Append an object with its importMode.
 * @param mode  instead of the object's own; NULL: its own, or "createOrUpdate" if it has none.
 */
void bulk_file_put_item(struct buf *out, struct slice item, const char *mode);

#endif
